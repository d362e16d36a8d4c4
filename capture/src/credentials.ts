// Where the signing credentials, region and account come from when the application does not say: the usual AWS places.
import { readFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import type { Credentials } from "./sign.ts";

export type Environment = Readonly<Record<string, string | undefined>>;

export type CredentialSource = () => Promise<Credentials>;

/** The environment's variables, or else the profile in the shared credentials file. */
export function defaultCredentials(environment: Environment): CredentialSource {
  return async () => {
    const accessKeyId = environment["AWS_ACCESS_KEY_ID"];
    const secretAccessKey = environment["AWS_SECRET_ACCESS_KEY"];
    if (accessKeyId && secretAccessKey) {
      return { accessKeyId, secretAccessKey, sessionToken: environment["AWS_SESSION_TOKEN"] };
    }
    const profile = readProfile(environment);
    const fromFile = {
      accessKeyId: profile["aws_access_key_id"],
      secretAccessKey: profile["aws_secret_access_key"],
    };
    if (fromFile.accessKeyId && fromFile.secretAccessKey) {
      return {
        accessKeyId: fromFile.accessKeyId,
        secretAccessKey: fromFile.secretAccessKey,
        sessionToken: profile["aws_session_token"],
      };
    }
    throw new Error(
      `no credentials: neither AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY nor profile ${profileName(environment)} in ${credentialsFile(environment)}`,
    );
  };
}

/** The members of the profile, from the config file and the credentials file; the latter wins, as in AWS SDKs. */
export function readProfile(environment: Environment): Readonly<Record<string, string>> {
  const name = profileName(environment);
  const configFile = environment["AWS_CONFIG_FILE"] || join(homedir(), ".aws", "config");
  return {
    ...parseIni(readIfThere(configFile), name === "default" ? name : `profile ${name}`),
    ...parseIni(readIfThere(credentialsFile(environment)), name),
  };
}

function profileName(environment: Environment): string {
  return environment["AWS_PROFILE"] || "default";
}

function credentialsFile(environment: Environment): string {
  return environment["AWS_SHARED_CREDENTIALS_FILE"] || join(homedir(), ".aws", "credentials");
}

/** A file that is not there, or not readable for us, says nothing; the error that follows names it. */
function readIfThere(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return "";
  }
}

function parseIni(text: string, section: string): Record<string, string> {
  const members: Record<string, string> = {};
  let inside = false;
  for (const line of text.split(/\r?\n/)) {
    const header = /^\s*\[([^\]]+)\]/.exec(line)?.[1];
    if (header !== undefined) {
      inside = header.trim() === section;
      continue;
    }
    // Indented lines are members of a nested setting, and # and ; start comments.
    const member = /^([A-Za-z0-9_]+)\s*=\s*(.*?)\s*$/.exec(line);
    if (inside && member?.[1] !== undefined) members[member[1].toLowerCase()] = member[2] ?? "";
  }
  return members;
}
