// The spool by itself: what its files promise when processes die, meet, or run out of disk.
import {
  appendFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  unlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";
import * as fc from "fast-check";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { CaptureError } from "../src/errors.ts";
import { Spool, type SpoolOptions } from "../src/spool.ts";

let folder: string;
let errors: CaptureError[];
const spools: Spool[] = [];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "cairn-spool-"));
  errors = [];
});

afterEach(async () => {
  for (const spool of spools.splice(0)) await spool.close();
  rmSync(folder, { recursive: true, force: true });
});

function keep(error: CaptureError): void {
  errors.push(error);
}

function open(options: Partial<SpoolOptions> = {}): Spool {
  const spool = new Spool({ folder, bytesMax: 1_000_000, report: keep, ...options });
  spools.push(spool);
  return spool;
}

const line = (name: string) => Buffer.from(JSON.stringify({ name }));
const files = () => readdirSync(folder).toSorted();
const text = () =>
  files()
    .map((name) => readFileSync(join(folder, name), "utf8"))
    .join("");
const host = hostname().replaceAll(/[^A-Za-z0-9.-]/g, "-");
const foreign = (owner: string, suffix = "open") =>
  join(folder, `00000000000001_${owner}_abcdef_0123.${suffix}`);

async function drain(spool: Spool): Promise<string[]> {
  const found: string[] = [];
  for (let file = await spool.next(); file !== undefined; file = await spool.next()) {
    found.push(...file.lines.map((line) => (JSON.parse(line.toString()) as { name: string }).name));
    await spool.remove(file.name);
  }
  return found;
}

test("gives back every line once, oldest first, over any cut into appends and files", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.array(fc.string(), { minLength: 1, maxLength: 5 }), { maxLength: 8 }),
      fc.integer({ min: 1, max: 200 }),
      async (batches, fileBytesMax) => {
        const spool = open({ fileBytesMax });
        for (const batch of batches) await spool.append(batch.map(line));
        expect((await drain(spool)).toSorted()).toEqual(batches.flat().toSorted());
        expect(spool.isEmpty).toBe(true);
        expect(spool.bytes).toBe(0);
        expect(files()).toEqual([]);
      },
    ),
    { numRuns: 30 },
  );
});

test("files are the owner's alone to read", async () => {
  await open().append([line("a")]);
  expect(statSync(join(folder, files()[0] ?? "")).mode & 0o777).toBe(0o600);
});

test("an append whose file lost its name meanwhile is written again into a new one", async () => {
  const spool = open();
  await spool.append([line("a")]);
  const [name = ""] = files();
  expect(name).toMatch(/\.open$/);
  renameSync(join(folder, name), join(folder, "elsewhere"));
  unlinkSync(join(folder, "elsewhere"));
  await spool.append([line("b")]);
  expect(await drain(spool)).toEqual(["b"]);
});

test("the files of a dead process are adopted, those of a living one are not", async () => {
  writeFileSync(foreign(`${host}_9999999`), '{"name":"dead"}\n');
  writeFileSync(foreign(`${host}_${process.ppid}`), '{"name":"living"}\n');
  const spool = open();
  await spool.scan();
  expect(await drain(spool)).toEqual(["dead"]);
  expect(files()).toHaveLength(1);
});

test("another machine's files are adopted when nobody has touched them for five minutes", async () => {
  writeFileSync(foreign("other-machine_17"), '{"name":"old"}\n');
  writeFileSync(foreign("other-machine_18", "ndjson"), '{"name":"new"}\n');
  const old = new Date(Date.now() - 6 * 60_000);
  utimesSync(foreign("other-machine_17"), old, old);
  const spool = open();
  await spool.scan();
  expect(await drain(spool)).toEqual(["old"]);
});

test("an earlier process with our pid, as in a restarted container, counts as dead", async () => {
  writeFileSync(foreign(`${host}_${process.pid}`), '{"name":"before"}\n');
  const spool = open();
  await spool.scan();
  expect(await drain(spool)).toEqual(["before"]);
});

test("two spools at one leftover file: one adopts it", async () => {
  for (let round = 0; round < 10; round++) {
    writeFileSync(foreign(`${host}_9999999`), '{"name":"once"}\n');
    const both = [open(), open()];
    await Promise.all(both.map((spool) => spool.scan()));
    const found = await Promise.all(both.map(drain));
    expect(found.flat()).toEqual(["once"]);
  }
  expect(errors).toEqual([]);
});

test("cut at any byte, a file gives exactly the lines that are whole", async () => {
  const whole = `${line("one").toString()}\n${line("zwei ☃").toString()}\n${line("three").toString()}\n`;
  const bytes = Buffer.from(whole);
  for (let end = 0; end <= bytes.length; end++) {
    const kept = bytes.subarray(0, end);
    writeFileSync(foreign(`${host}_9999999`), kept);
    const spool = open();
    await spool.scan();
    const expected = ["one", "zwei ☃", "three"].slice(0, kept.filter((byte) => byte === 10).length);
    expect(await drain(spool), `cut at ${end}`).toEqual(expected);
    expect(files()).toEqual([]);
  }
  expect(errors).toEqual([]);
});

test("the bound counts what other processes have in the folder, and gives room back", async () => {
  writeFileSync(foreign(`${host}_${process.ppid}`), "x".repeat(600));
  const spool = open({ bytesMax: 1000 });
  await spool.scan();
  const wide = [Buffer.from(JSON.stringify({ name: "y".repeat(300) }))];
  await spool.append(wide);
  await expect(spool.append(wide)).rejects.toMatchObject({ code: "SpoolFull" });
  expect(text().length).toBeLessThanOrEqual(1000);
  expect(await drain(spool)).toHaveLength(1);
  await spool.append(wide);
});

test("a file that cannot be read is reported once and left for a person to look at", async () => {
  const spool = open();
  await spool.append([line("a")]);
  const name = (await spool.next())?.name ?? "";
  // A folder of that name cannot be read as a file by anybody, root included.
  unlinkSync(join(folder, name));
  mkdirSync(join(folder, name));
  expect(await spool.next()).toBeUndefined();
  await spool.scan();
  expect(await spool.next()).toBeUndefined();
  expect(errors.map((error) => error.code)).toEqual(["SpoolFailed"]);
  expect(files()).toEqual([name]);
});

test("what is appended while a file is being sent goes into another", async () => {
  const spool = open();
  await spool.append([line("a")]);
  const sent = await spool.next();
  await spool.append([line("b")]);
  await spool.remove(sent?.name ?? "");
  expect(await drain(spool)).toEqual(["b"]);
});

test("a stranger's bytes behind our own do no harm to the lines before them", async () => {
  const spool = open();
  await spool.append([line("a")]);
  appendFileSync(join(folder, files()[0] ?? ""), "garbage\n");
  expect(await drain(spool)).toEqual(["a"]);
  expect(errors.map((error) => error.code)).toEqual(["SpoolLineUnreadable"]);
});
