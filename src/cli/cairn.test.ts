// The command line's own promises: help for everything, and exit code 2 with a reason when used wrongly.
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { type AddressInfo, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { accountCommands, organizationCommands, roleCommands, whoamiCommand } from "./accounts.ts";
import { catalogCommands } from "./catalog.ts";
import type { Command, Terminal } from "./command.ts";
import { table, UsageError } from "./command.ts";
import { configCommand } from "./config.ts";
import { eventsCommand } from "./events.ts";
import { importCommand } from "./import.ts";
import { keyCommands, userCommands } from "./principals.ts";
import { rotateMasterCommand } from "./rotate-master.ts";

function terminal(): Terminal & { written: string } {
  const fake = {
    environment: {},
    written: "",
    write: (text: string) => void (fake.written += text),
    warn: () => {},
    output: process.stdout,
    isInteractive: false,
  };
  return fake;
}

const wrongly: readonly (readonly [Command, string[], RegExp])[] = [
  [eventsCommand, ["--format", "xml"], /--format xml is none of table, json, ndjson, csv/],
  [eventsCommand, ["--limit", "0"], /--limit 0 is no whole number/],
  [eventsCommand, ["--eventname", "x"], /--eventname/],
  [eventsCommand, ["--follow", "--format", "csv"], /--follow goes with table or ndjson/],
  [importCommand, [], /at least one file or folder/],
  [accountCommands[1] as Command, ["Dev"], /give --email/],
  [rotateMasterCommand, ["--status", "--revoke-sessions"], /one at a time/],
  [rotateMasterCommand, ["--new-key-file", "/no/such/file"], /\/no\/such\/file cannot be read/],
  ...[whoamiCommand, rotateMasterCommand, ...roleCommands, ...organizationCommands].map(
    (command): [Command, string[], RegExp] => [command, ["--nonsense"], /--nonsense/],
  ),
  ...[...userCommands, ...keyCommands, ...catalogCommands]
    .filter(({ name }) => !/list|key create/.test(name))
    .map((command): [Command, string[], RegExp] => [command, ["a", "b"], /give one/]),
];

test.each(wrongly)("$name used wrongly says how", async (command, words, message) => {
  const run = async () => command.run(words, terminal());
  await expect(run()).rejects.toThrow(message);
  await expect(run()).rejects.toBeInstanceOf(UsageError);
});

test("cairn config shows every setting and where it comes from, and hides secrets", async () => {
  const shown = terminal();
  process.env["CAIRN_MASTER_KEY"] = "very-secret";
  try {
    await configCommand.run(["--port", "1"], shown);
  } finally {
    delete process.env["CAIRN_MASTER_KEY"];
  }
  expect(shown.written).toMatch(/^port +1 +flag$/m);
  expect(shown.written).toMatch(/^region +us-east-1 +default$/m);
  expect(shown.written).toMatch(/^master-key +\(hidden\) +environment$/m);
  expect(shown.written).not.toContain("very-secret");
});

test("cairn config shows the upstreams of the file, without their secrets", async () => {
  const folder = mkdtempSync(join(tmpdir(), "cairn-config-"));
  const file = join(folder, "cairn.yaml");
  const shown = terminal();
  try {
    writeFileSync(
      file,
      `gateway:
  upstreams:
    s3: http://127.0.0.1:9000
    sqs: { url: "https://q", mode: re-sign, access-key-id: AKIAX, secret-access-key: very-secret, ca: ca.pem }
`,
    );
    await configCommand.run(["--config", file], shown);
  } finally {
    rmSync(folder, { recursive: true });
  }
  const lines = shown.written.split("\n").map((line) => line.split(/ {2,}/));
  expect(lines.filter(([name]) => name?.startsWith("gateway.upstreams."))).toEqual([
    ["gateway.upstreams.s3.url", "http://127.0.0.1:9000/", "file"],
    ["gateway.upstreams.s3.mode", "pass-through", "file"],
    ["gateway.upstreams.sqs.url", "https://q/", "file"],
    ["gateway.upstreams.sqs.mode", "re-sign", "file"],
    ["gateway.upstreams.sqs.access-key-id", "AKIAX", "file"],
    ["gateway.upstreams.sqs.secret-access-key", "(hidden)", "file"],
    ["gateway.upstreams.sqs.ca", "ca.pem", "file"],
  ]);
  expect(shown.written).not.toContain("very-secret");
});

test("tables are as wide as their widest cell, with no space at the end of a line", () => {
  expect(
    table(
      ["A", "LONG"],
      [
        ["bbb", "c"],
        ["", "d"],
      ],
    ),
  ).toBe("A    LONG\nbbb  c\n     d\n");
});

test("a reader that leaves early, as head does, is no error", () => {
  const main = join(import.meta.dirname, "cairn.cts");
  const line = `set -o pipefail; "${process.execPath}" --import tsx "${main}" config | true`;
  const { status, stderr } = spawnSync("bash", ["-c", line], { encoding: "utf8" });
  expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
});

function cairn(...words: string[]): { status: number | null; stdout: string; stderr: string } {
  const program = ["--import", "tsx", join(import.meta.dirname, "main.ts"), ...words];
  return spawnSync(process.execPath, program, { encoding: "utf8" });
}

test("cairn --version says which, a noun alone shows its verbs, and a wrong flag shows the way to help", () => {
  expect(cairn("--version")).toMatchObject({
    status: 0,
    stdout: expect.stringMatching(/^\d+\.\d+\.\d+\n$/) as unknown,
  });
  const noun = cairn("user");
  expect(noun).toMatchObject({ status: 2, stdout: "" });
  expect(noun.stderr).toMatch(/cairn user create .*\n {2}cairn user list /);
  expect(noun.stderr).not.toContain("cairn start");
  const wrong = cairn("events", "--nonsense");
  expect(wrong).toMatchObject({ status: 2, stdout: "" });
  expect(wrong.stderr).toMatch(/^cairn: .*--nonsense.*\n\ncairn events --help says more\.\n$/);
});

test("a port that is taken is named, with the setting that chooses another", async () => {
  const taken = createServer();
  await new Promise<void>((resolve) => taken.listen(0, "127.0.0.1", () => resolve()));
  const { port } = taken.address() as AddressInfo;
  const data = mkdtempSync(join(tmpdir(), "cairn-cli-"));
  const flags = ["--port", String(port), "--gateway-port", "0", "--data", data];
  const { status, stderr } = cairn("start", ...flags, "--log-level", "silent");
  expect(status).toBe(2);
  expect(stderr).toMatch(new RegExp(`^cairn: port ${port} of 127\\.0\\.0\\.1 is taken.* --port `));
  taken.close();
  rmSync(data, { recursive: true });
});
