// The other baseline of ingest: PostgreSQL 15 with the raw JSON and five b-tree indexes, COPY in 1,000-row transactions.
import { execFile, spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { open } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { withScratch } from "./scratch.ts";
import { type Body, linesOf } from "./traffic.ts";

const run = promisify(execFile);
const homes = ["/usr/lib/postgresql/15/bin", "/usr/local/bin", "/usr/bin"];
const rowsInTransaction = 1000;

const schema = `
CREATE TABLE events (
  event_time timestamptz NOT NULL, event_id text NOT NULL, event_name text NOT NULL,
  user_name text NOT NULL, access_key_id text NOT NULL, raw json NOT NULL);
CREATE INDEX ON events (event_time);
CREATE INDEX ON events (event_id);
CREATE INDEX ON events (event_name, event_time);
CREATE INDEX ON events (user_name, event_time);
CREATE INDEX ON events (access_key_id, event_time);
`;

/** A file for psql: one COPY, and with it one transaction, for each thousand events; what it copies is ready. */
export async function writeCopyScripts(
  folder: string,
  bodies: readonly Body[],
  connections: number,
): Promise<string[]> {
  const paths = Array.from({ length: connections }, (_, index) => join(folder, `${index}.sql`));
  const files = await Promise.all(paths.map((path) => open(path, "w")));
  let rows: string[] = [];
  let transactions = 0;
  const flush = async () => {
    const file = files[transactions++ % connections];
    await file?.writeFile(`COPY events FROM STDIN;\n${rows.join("\n")}\n\\.\n`);
    rows = [];
  };
  for (const { bytes } of bodies) {
    for (const [from, to] of linesOf(bytes)) {
      rows.push(copyRow(bytes.toString("utf8", from, to)));
      if (rows.length === rowsInTransaction) await flush();
    }
  }
  if (rows.length > 0) await flush();
  await Promise.all(files.map((file) => file.close()));
  return paths;
}

function copyRow(line: string): string {
  const event = JSON.parse(line) as {
    eventTime: string;
    eventID: string;
    eventName: string;
    userIdentity: { principalId: string; accessKeyId: string };
  };
  const { principalId, accessKeyId } = event.userIdentity;
  const columns = [event.eventTime, event.eventID, event.eventName, principalId, accessKeyId, line];
  return columns.map((text) => text.replaceAll("\\", "\\\\")).join("\t");
}

/** PostgreSQL's own programs, or undefined where it is not installed. */
export function findPostgres(): string | undefined {
  return homes.find((home) => existsSync(join(home, "initdb")) && existsSync(join(home, "psql")));
}

/** How long the scripts took, one connection each, into a fresh database with its usual, safe settings. */
export function timeCopy(home: string, scripts: readonly string[]): Promise<number> {
  return withScratch((folder) => timeCopyIn(home, folder, scripts));
}

async function timeCopyIn(
  home: string,
  folder: string,
  scripts: readonly string[],
): Promise<number> {
  // It refuses to run as root: there the user that Debian's package has made runs it.
  const isRoot = process.getuid?.() === 0;
  if (isRoot) await run("chown", ["postgres", folder]);
  const asOwner = (command: string) =>
    isRoot
      ? run("su", ["postgres", "-s", "/bin/sh", "-c", command], { cwd: "/" })
      : run("/bin/sh", ["-c", command], { cwd: "/" });
  await asOwner(`${home}/initdb -D ${folder}/db -U bench --no-instructions`);
  const settings = `-k ${folder} -c listen_addresses=`;
  await asOwner(`${home}/pg_ctl -D ${folder}/db -w -l ${folder}/log -o '${settings}' start`);
  try {
    const psql = [`-h${folder}`, "-Ubench", "-q", "-vON_ERROR_STOP=1", "postgres"];
    await run(join(home, "psql"), [...psql, "-c", schema]);
    const startedMs = performance.now();
    await Promise.all(
      scripts.map((script) => finished(join(home, "psql"), [...psql, "-f", script])),
    );
    return performance.now() - startedMs;
  } finally {
    await asOwner(`${home}/pg_ctl -D ${folder}/db -w -m fast stop`);
  }
}

function finished(command: string, words: string[]): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, words, { stdio: ["ignore", "ignore", "inherit"] });
    child.once("error", reject);
    child.once("exit", (code) =>
      code === 0 ? resolve() : reject(new Error(`${command} ended with ${code}`)),
    );
  });
}
