// The real clients on this machine: every AWS CLI and every Python that has boto3.
import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";

export interface RealClient {
  /** `aws-cli 2.9.19`, `boto3 1.26.27`. */
  name: string;
  command: string;
}

/** Where they are looked for: Debian's, and whatever the path has first. */
const cliCandidates = ["/usr/bin/aws", "aws"];
const pythonCandidates = ["/usr/bin/python3", "python3"];

function firstLine(command: string, args: string[]): string | undefined {
  try {
    const written = execFileSync(command, args, {
      encoding: "utf8",
      stdio: "pipe",
      timeout: 30_000,
    });
    return written.trim().split("\n")[0];
  } catch {
    // Not there, or broken: either way no client to test with.
    return undefined;
  }
}

function distinct(clients: (RealClient | undefined)[]): RealClient[] {
  const byName = new Map(
    clients.flatMap((client) => (client === undefined ? [] : [[client.name, client]])),
  );
  return [...byName.values()];
}

export function awsClis(): RealClient[] {
  return distinct(
    cliCandidates.map((command) => {
      if (command.startsWith("/") && !existsSync(command)) return undefined;
      const version = /aws-cli\/(\S+)/.exec(firstLine(command, ["--version"]) ?? "")?.[1];
      return version === undefined ? undefined : { name: `aws-cli ${version}`, command };
    }),
  );
}

export function boto3Pythons(): RealClient[] {
  return distinct(
    pythonCandidates.map((command) => {
      const version = firstLine(command, ["-c", "import boto3; print(boto3.__version__)"]);
      return version === undefined ? undefined : { name: `boto3 ${version}`, command };
    }),
  );
}

/**
 * True: the suite must be left out, and the reason has been said. In CI a missing tool is a failure instead.
 */
export function isMissing(what: string, isThere: boolean): boolean {
  if (isThere) return false;
  if (process.env["CI"] === "true")
    throw new Error(`${what} is not on this machine, and CI may leave nothing out`);
  console.warn(`LEFT OUT: this suite needs ${what}`);
  return true;
}
