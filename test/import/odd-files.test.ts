// Files as people have them, through `cairn import`: every one is read, or its place in the report says why not.
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import type { Client } from "../../src/cli/client.ts";
import { type CairnProcess, startCairn } from "../tools/cairn.ts";
import { clientOf, eventLine } from "../tools/post-events.ts";
import { runCairn, runImport, unexplained } from "./run-cairn.ts";

let cairn: CairnProcess;
let client: Client;
let folder: string;
let made = 0;

beforeAll(async () => {
  cairn = await startCairn();
  client = clientOf(cairn);
});
afterAll(() => cairn.stop());
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "import-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

/** A record that no other test has. */
function record(fields: Record<string, unknown> = {}): string {
  made += 1;
  return eventLine({ eventID: `odd-${made}`, eventTime: "2019-03-04T05:06:07Z", ...fields });
}

function write(name: string, content: string | Buffer): void {
  const path = join(folder, name);
  mkdirSync(join(path, ".."), { recursive: true });
  writeFileSync(path, content);
}

/** Imports the folder; what the report says of each file, without the folder's own path. */
async function imported(...words: string[]) {
  const { code, report } = await runImport(cairn, [folder, ...words]);
  expect(unexplained(report)).toEqual([]);
  const told = (list: readonly { file: string; line?: number; reason: string }[]) =>
    list.map(
      ({ file, line, reason }) =>
        `${file.slice(folder.length + 1)}${line === undefined ? "" : `:${line}`} ${reason.replaceAll(folder, "")}`,
    );
  return {
    code,
    counts: [report.filesListed, report.filesRead, report.stored, report.duplicates],
    skipped: told(report.skipped),
    failed: told(report.failed),
    rejected: told(report.rejected),
  };
}

async function isStored(line: string): Promise<boolean> {
  const { eventID } = JSON.parse(line) as { eventID: string };
  const response = await client.send({
    path: "/v1/events",
    query: new URLSearchParams({ eventId: eventID }),
    headers: { accept: "application/x-ndjson" },
  });
  return (await response.text()) === `${line.replaceAll(/[\r\n]/g, " ")}\n`;
}

async function notStored(lines: readonly string[]): Promise<string[]> {
  const missing: string[] = [];
  for (const line of lines) if (!(await isStored(line))) missing.push(line);
  return missing;
}

const clean = { code: 0, skipped: [], failed: [], rejected: [] };

function pretty(line: string): string {
  return JSON.stringify(JSON.parse(line), null, 2);
}

describe("every form of a log file is read", () => {
  test("plain and compressed, of one line and pretty-printed, alone, listed and a record a line", async () => {
    const lines = Array.from({ length: 14 }, () => record());
    const [a, b, c, d = "", e = "", f = "", g, h, i, j, k, l, m, n] = lines;
    write("AWSLogs/1/one-line.json", `{"Records":[${a},${b}]}`);
    write("AWSLogs/1/one-line.json.gz", gzipSync(`{"Records":[${c}]}`));
    write("AWSLogs/2/pretty.json", `{\n  "Records": [\n${pretty(d)},\n${pretty(e)}\n  ]\n}\n`);
    write("AWSLogs/2/pretty.json.gz", gzipSync(`{\n "Records": [\n ${pretty(f)} ] }`));
    write("array.json", `[${g}, ${h}]`);
    write("lines.ndjson", `${i}\r\n\n${j}\n`);
    write("lines.JSONL.GZ", gzipSync(`${k}\n${l}`));
    write("lines.json", `${m}\n${n}\n`);
    expect(await imported("--strict")).toEqual({ ...clean, counts: [8, 8, 14, 0] });
    const kept = lines.map((line) =>
      line === d || line === e || line === f ? pretty(line) : line,
    );
    expect(await notStored(kept)).toEqual([]);
  });

  test("log files that somebody has joined lose nothing", async () => {
    const lines = [record(), record(), record(), record()];
    const [a, b, c, d] = lines;
    write(
      "joined.json",
      `{"Records":[${a}]}\n{"Records":[${b}],"more":{"x":[1]}}{"Records":[${c}]}`,
    );
    write("members.json.gz", Buffer.concat([gzipSync(`{"Records":[${d}]}`), gzipSync("\n")]));
    expect(await imported()).toEqual({ ...clean, counts: [2, 2, 4, 0] });
    expect(await notStored(lines)).toEqual([]);
  });

  test("a byte order mark is no part of a record", async () => {
    const lines = [record(), record(), record()];
    write("a.json", `\ufeff{"Records":[${lines[0]}]}`);
    write("b.ndjson", `\ufeff${lines[1]}\n`);
    write("c.json", `\ufeff${lines[2]}\n{"eventName":"B","eventID":"${record().length}-bom"}`);
    expect(await imported()).toEqual({ ...clean, counts: [3, 3, 4, 0] });
    expect(await notStored(lines)).toEqual([]);
  });

  test("a name may lie about compression", async () => {
    const lines = [record(), record(), record(), record()];
    write("a.json.gz", `{"Records":[${lines[0]}]}`);
    write("b.json", gzipSync(`{"Records":[${lines[1]}]}`));
    write("c.ndjson.gz", `${lines[2]}\n`);
    write("d.ndjson", gzipSync(`${lines[3]}\n`));
    expect(await imported()).toEqual({ ...clean, counts: [4, 4, 4, 0] });
    expect(await notStored(lines)).toEqual([]);
  });

  test("the first of two files in name order keeps its event; an equal one is a duplicate, another a variant", async () => {
    const first = record();
    write("b/x.json", `{"Records":[${first.replaceAll("Alice", "Mallory")}]}`);
    write("a.ndjson", `${first}\n`);
    write("b.ndjson", `${first}\n`);
    const { report } = await runImport(cairn, [folder]);
    expect(report).toMatchObject({ stored: 2, duplicates: 1, variants: 1, events: 3 });
    const { eventID } = JSON.parse(first) as { eventID: string };
    const { events } = await client.json<{ events: { username: string; variant: boolean }[] }>({
      path: "/v1/events",
      query: new URLSearchParams({ eventId: eventID, order: "oldest" }),
    });
    expect(events.map(({ username, variant }) => [username, variant])).toEqual([
      ["Alice", false],
      ["Mallory", true],
    ]);
  });

  test("an event without an id or a usable time is stored once, however often it comes", async () => {
    const name = `NoId${record().length}`;
    write(
      "a.ndjson",
      `{"eventName":"${name}","eventTime":"..."}\n{"eventName":"${name}","a":347.0}\n`,
    );
    expect(await imported()).toEqual({ ...clean, counts: [1, 1, 2, 0] });
    expect(await imported()).toEqual({ ...clean, counts: [1, 1, 0, 2] });
    const query = new URLSearchParams({ eventName: name });
    const { events } = await client.json<{ events: { eventId: string }[] }>({
      path: "/v1/events",
      query,
    });
    expect(events.map(({ eventId }) => eventId.slice(0, 7))).toEqual(["sha256-", "sha256-"]);
  });
});

describe("what is no event says why", () => {
  test("digests, other files, empty ones and folders behind links are skipped by name", async () => {
    const digest = {
      awsAccountId: "111122223333",
      digestStartTime: "2020-01-01T00:00:00Z",
      digestEndTime: "2020-01-01T01:00:00Z",
      logFiles: [],
    };
    write("digest.json.gz", gzipSync(JSON.stringify(digest)));
    write("digest.json", JSON.stringify(digest, null, 2));
    write("readme.txt", "hello");
    write("trail.log", record());
    write("empty.json", "");
    write("empty.json.gz", "");
    write("empty.ndjson", "");
    write("zipped-empty.jsonl.gz", gzipSync(""));
    write("archive.json", "PK\u0003\u0004");
    symlinkSync(folder, join(folder, "loop"));
    write(".hidden/a.json", `{"Records":[]}`);
    expect(await imported("--strict")).toEqual({
      code: 0,
      counts: [11, 1, 0, 0],
      failed: [],
      rejected: [],
      skipped: [
        "archive.json it does not begin with a JSON object or array",
        "digest.json a digest file",
        "digest.json.gz a digest file",
        "empty.json empty",
        "empty.json.gz empty",
        "empty.ndjson empty",
        "loop a folder that is read already, under another name",
        "readme.txt not a .json, .ndjson or .jsonl file, compressed or not",
        "trail.log not a .json, .ndjson or .jsonl file, compressed or not",
        "zipped-empty.jsonl.gz empty",
      ],
    });
  });

  test("damaged records are refused one by one, each with its file, line and reason", async () => {
    const good = Array.from({ length: 6 }, () => record());
    const [a, b, c, d, e, f] = good;
    write(
      "a.ndjson",
      `${a}\nnot json\n{"eventName":"x"\n[]\n${b}\n{"a":1}\n{"eventName":"A","eventName":"B"}\n`,
    );
    write("b.json", `{"Records":[${c},\n{"eventName":"x","x":"\u0007"},\n${d}, {"x":1}]}`);
    write(
      "c.ndjson",
      Buffer.concat([Buffer.from(`{"eventName":"`), Buffer.from([0xff]), Buffer.from(`"}\n`)]),
    );
    write(
      "d.ndjson",
      `{"eventName":"\u001e"}\n${e}\n{"eventName":"x","x":"${"y".repeat(2_000_000)}"}\n${f}\n`,
    );
    const found = await imported();
    expect(found).toMatchObject({ code: 0, skipped: [], failed: [], counts: [4, 4, 6, 0] });
    expect(found.rejected.map((text) => text.split(": ")[0])).toEqual([
      "a.ndjson:2 NotJson",
      "a.ndjson:3 Truncated",
      "a.ndjson:4 NotAnObject",
      "a.ndjson:6 NotARecord",
      "a.ndjson:7 DuplicateMember",
      "b.json:2 ControlCharacter",
      "b.json:3 NotARecord",
      "c.ndjson:1 InvalidUtf8",
      "d.ndjson:1 ControlCharacter",
      "d.ndjson:3 TooLarge",
    ]);
    expect(await notStored(good)).toEqual([]);
    expect((await imported("--strict")).code).toBe(1);
  });

  test("a file cut short gives what stands before the cut", async () => {
    const [a, b, c, d] = [record(), record(), record(), record()];
    write("a.json", `{"Records":[${a},\n${b.slice(0, 50)}`);
    // Random bytes do not shrink, so that the cut falls behind the first record.
    const noise = Array.from({ length: 4000 }, (_, index) => ((index * 7919) % 9973).toString(36));
    const whole = gzipSync(`${c}\n${record({ noise: noise.join("") })}\n`);
    write("b.ndjson.gz", whole.subarray(0, whole.length / 2));
    const listed = gzipSync(`{"Records":[${d},\n${record({ noise: noise.join("") })}]}`);
    write("c.json.gz", listed.subarray(0, listed.length / 2));
    expect(await imported()).toEqual({
      code: 1,
      counts: [3, 1, 3, 0],
      skipped: [],
      failed: [
        "b.ndjson.gz the compressed data is cut short",
        "c.json.gz the compressed data is cut short",
      ],
      rejected: [
        "a.json:2 Truncated: the file ends inside this record",
        "b.ndjson.gz:2 Truncated: the file ends inside this record",
        "c.json.gz:2 Truncated: the file ends inside this record",
      ],
    });
    expect(await notStored([a, c, d])).toEqual([]);
  });

  test("what cannot be read fails by name, and costs no other file", async () => {
    const line = record();
    write("z.ndjson", line);
    write(
      "damaged.json.gz",
      Buffer.concat([gzipSync("x").subarray(0, 10), Buffer.alloc(40, 0xff)]),
    );
    write("comma.json", `{"Records":[{"eventName":"x"} {"eventName":"y"}]}`);
    symlinkSync(join(folder, "nowhere"), join(folder, "dangling.json"));
    symlinkSync(join(folder, "itself.json"), join(folder, "itself.json"));
    // A file that may be opened and never read, whoever asks.
    const unreadable = existsSync("/proc/self/mem");
    if (unreadable) symlinkSync("/proc/self/mem", join(folder, "unreadable.json"));
    const found = await imported();
    expect(found.code).toBe(1);
    expect(found.failed.map((text) => text.split(":")[0])).toEqual([
      "comma.json what follows line 1 could not be read",
      "damaged.json.gz invalid block type",
      "dangling.json ENOENT",
      "itself.json ELOOP",
      ...(unreadable ? ["unreadable.json EIO"] : []),
    ]);
    expect(found.rejected).toEqual([
      "comma.json:1 NotJson: no comma or closing bracket behind this record",
    ]);
    expect(await isStored(line)).toBe(true);
    const absent = await runImport(cairn, [
      join(folder, "no-such-folder"),
      join(folder, "z.ndjson"),
    ]);
    expect(absent.code).toBe(1);
    expect(absent.report).toMatchObject({ filesListed: 2, filesRead: 1, duplicates: 1 });
  });

  test("a name that is no UTF-8 is read, and shown with its bytes", async () => {
    const lines = [record(), record()];
    const path = Buffer.concat([Buffer.from(`${folder}/b-`), Buffer.from([0xff, 0xfe])]);
    mkdirSync(path);
    writeFileSync(Buffer.concat([path, Buffer.from("/a.ndjson")]), `${lines[0]}\nnope\n`);
    write("ü😀 *?.ndjson", `${lines[1]}\n`);
    expect(await imported()).toEqual({
      ...clean,
      counts: [2, 2, 2, 0],
      rejected: [expect.stringMatching(/^b-\\xff\\xfe\/a\.ndjson:2 NotJson: /)],
    });
    expect(await notStored(lines)).toEqual([]);
  });
});

describe("the command", () => {
  test("says in words what --json says in numbers", async () => {
    write("a.ndjson", `${record()}\nnope\n`);
    write("b.txt", "");
    const { code, stdout } = await runCairn(cairn, ["import", folder]);
    expect(code).toBe(0);
    expect(stdout.toString().replaceAll(folder, "")).toMatchInlineSnapshot(`
      "files      2 listed, 1 read, 1 skipped, 0 failed
      events     2 found
      stored     1 (0 of them variants: same identity, other bytes)
      duplicates 0
      rejected   1
      skipped: /b.txt: not a .json, .ndjson or .jsonl file, compressed or not
      rejected: /a.ndjson:2: NotJson: the record has "o" where "null" must stand (byte 1)
      "
    `);
  });

  test("used wrongly ends with 2, without a server with 1", async () => {
    expect((await runCairn(cairn, ["import"])).code).toBe(2);
    expect((await runCairn(cairn, ["import", "--nope", folder])).code).toBe(2);
    write("a.ndjson", record());
    const nobody = { environment: { ...cairn.environment, CAIRN_URL: "http://127.0.0.1:9" } };
    const { code, stderr } = await runCairn(nobody, ["import", folder]);
    expect(code).toBe(1);
    expect(stderr).toMatch(/no Cairn answers at http:\/\/127\.0\.0\.1:9/);
  });

  test("streams a large file of lines in bounded memory, and every line counts", async () => {
    const path = join(folder, "large.ndjson");
    const count = 60_000;
    for (let from = 0; from < count; from += 1000) {
      const lines = Array.from({ length: 1000 }, (_, index) =>
        eventLine({
          eventID: `large-${from + index}`,
          eventTime: "2018-01-01T00:00:00Z",
          requestParameters: { filler: "z".repeat(8000) },
        }),
      );
      appendFileSync(path, `${lines.join("\n")}\n`);
    }
    const peak = join(folder, "peak");
    const probe = join(folder, "probe.cjs");
    writeFileSync(
      probe,
      `process.on("exit", () => require("node:fs").writeFileSync(${JSON.stringify(peak)}, String(process.resourceUsage().maxRSS)));`,
    );
    const environment = { ...cairn.environment, NODE_OPTIONS: `--require ${probe}` };
    const { code, report } = await runImport({ environment }, [path]);
    expect([code, report.stored, report.rejected.length]).toEqual([0, count, 0]);
    const fileMib = statSync(path).size / 1024 / 1024;
    const peakMib = Number(readFileSync(peak, "utf8")) / 1024;
    expect(fileMib).toBeGreaterThan(460);
    expect(peakMib).toBeLessThan(400);
  }, 240_000);

  test("more refused records than one request may report are all reported", async () => {
    const [first, last] = [record(), record()];
    write("a.ndjson", `${first}\n${"{}\n".repeat(25_000)}${last}\n`);
    const found = await imported();
    expect(found.counts).toEqual([1, 1, 2, 0]);
    expect(found.rejected).toHaveLength(25_000);
    expect(found.rejected.at(-1)).toMatch(/^a\.ndjson:25001 NotARecord/);
  });
});
