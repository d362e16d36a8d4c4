// A real Cairn in its own process, as `cairn start` runs it.
import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const root = join(import.meta.dirname, "..", "..");

export interface CairnProcess {
  url: string;
  gatewayUrl: string;
  data: string;
  credentials: { accessKeyId: string; secretAccessKey: string };
  /** What clients need to find it. */
  environment: Record<string, string>;
  process: ChildProcess;
  /** What it has written so far, standard output and error. */
  output(): string;
  /** Clean stop; removes the data folder when it was made here. */
  stop(): Promise<void>;
  /** SIGKILL, as a crash would; the data stays. */
  kill(): Promise<void>;
}

export interface StartOptions {
  /** Left out: a new temporary folder, removed at stop. */
  data?: string;
  flags?: string[];
  environment?: Record<string, string>;
  /** Called with the process before it is ready, by tests that kill it there. */
  onSpawn?: (child: ChildProcess) => void;
}

/** Starts it on free ports and waits until it says that it is ready. */
export async function startCairn(options: StartOptions = {}): Promise<CairnProcess> {
  const data = options.data ?? mkdtempSync(join(tmpdir(), "cairn-"));
  const flags = [
    "--port",
    "0",
    "--gateway-port",
    "0",
    "--data",
    data,
    "--log-level",
    "warn",
    ...(options.flags ?? []),
  ];
  const child = spawn(process.execPath, [join(root, "dist/cli/cairn.cjs"), "start", ...flags], {
    env: { ...process.env, ...options.environment },
    stdio: ["ignore", "pipe", "pipe"],
    cwd: tmpdir(),
  });
  options.onSpawn?.(child);
  let written = "";
  child.stderr.on("data", (chunk: Buffer) => (written += chunk.toString()));
  const exited = new Promise<void>((resolve) => child.once("exit", () => resolve()));
  await new Promise<void>((resolve, reject) => {
    child.stdout.on("data", (chunk: Buffer) => {
      written += chunk.toString();
      if (/Paste into/.test(written) && /AWS_DEFAULT_REGION=/.test(written)) resolve();
    });
    child.once("exit", (code) =>
      reject(new Error(`cairn ended with ${code} before it was ready:\n${written}`)),
    );
  });
  const line = (name: string) => new RegExp(`${name}\\s+(\\S+)`).exec(written)?.[1] ?? "";
  const url = line("AWS API");
  const credentials = readCredentials(join(data, "credentials"));
  return {
    url,
    gatewayUrl: line("gateway"),
    data,
    credentials,
    environment: {
      AWS_SHARED_CREDENTIALS_FILE: join(data, "credentials"),
      AWS_CONFIG_FILE: join(data, "no-such-config"),
      AWS_ENDPOINT_URL: url,
      AWS_DEFAULT_REGION: "us-east-1",
      AWS_REGION: "us-east-1",
      AWS_EC2_METADATA_DISABLED: "true",
      AWS_PAGER: "",
      CAIRN_URL: url,
      CAIRN_DATA: data,
    },
    process: child,
    output: () => written,
    async stop() {
      child.kill("SIGTERM");
      await exited;
      if (options.data === undefined) rmSync(data, { recursive: true, force: true });
    },
    async kill() {
      child.kill("SIGKILL");
      await exited;
    },
  };
}

function readCredentials(path: string): CairnProcess["credentials"] {
  const text = readFileSync(path, "utf8");
  const value = (name: string) => new RegExp(`^${name}\\s*=\\s*(\\S+)`, "m").exec(text)?.[1] ?? "";
  return {
    accessKeyId: value("aws_access_key_id"),
    secretAccessKey: value("aws_secret_access_key"),
  };
}
