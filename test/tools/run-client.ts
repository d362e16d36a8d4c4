// Runs a real client against the AWS door of a test, with nothing of this machine's own settings.
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import type { SigningCredentials } from "../../src/signature/signer.ts";

const execute = promisify(execFile);

export interface ClientRun {
  stdout: string;
  stderr: string;
  /** 0: it went well. */
  code: number;
}

export async function runClient(
  command: string,
  args: readonly string[],
  url: string,
  { accessKeyId, secretAccessKey, sessionToken }: SigningCredentials,
): Promise<ClientRun> {
  const { PATH = "", HOME = "" } = process.env;
  const env = {
    PATH,
    HOME,
    AWS_CONFIG_FILE: "/nonexistent",
    AWS_SHARED_CREDENTIALS_FILE: "/nonexistent",
    AWS_ACCESS_KEY_ID: accessKeyId,
    AWS_SECRET_ACCESS_KEY: secretAccessKey,
    ...(sessionToken === undefined ? {} : { AWS_SESSION_TOKEN: sessionToken }),
    AWS_DEFAULT_REGION: "us-east-1",
    AWS_ENDPOINT_URL: url,
    AWS_EC2_METADATA_DISABLED: "true",
    AWS_PAGER: "",
  };
  try {
    const { stdout, stderr } = await execute(command, args, { env, maxBuffer: 1 << 26 });
    return { stdout, stderr, code: 0 };
  } catch (error) {
    const { stdout = "", stderr = "", code } = error as Partial<ClientRun>;
    return { stdout, stderr, code: typeof code === "number" ? code : 1 };
  }
}
