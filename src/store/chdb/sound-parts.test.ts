// Parts that a full disk has spoiled while the engine said that they were written.
import { mkdtempSync, readFileSync, rmSync, truncateSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { systemClock } from "../../base/clock.ts";
import { silentLog } from "../../base/log.ts";
import { Sessions } from "./sessions.ts";
import { SoundParts } from "./sound-parts.ts";

const table = "events_v1";
const folder = mkdtempSync(join(tmpdir(), "cairn-parts-"));
const sessions = new Sessions(join(folder, "chdb"), { readers: 2 });
const parts = new SoundParts(sessions, table, folder, systemClock, silentLog);
const run = async (sql: string) => (await sessions.write(sql, "TSV")).trim();

beforeAll(() => run(readFileSync(join(import.meta.dirname, `${table}.sql`), "utf8")));
beforeEach(async () => {
  await run(`TRUNCATE TABLE ${table} SYNC`);
  await parts.adopt();
});
afterAll(async () => {
  await sessions.close();
  rmSync(folder, { recursive: true });
});

let seq = 0;

async function insert(count: number): Promise<void> {
  await run(
    `INSERT INTO ${table} (seq, owner_account, event_time, event_id, raw) SELECT ${seq} + number, '1', now64(3), toString(number), 'raw' FROM numbers(${count})`,
  );
  seq += count;
}

/** What the engine leaves behind when it does not notice that a write failed. */
async function spoil(file: string): Promise<void> {
  const path = await run(
    `SELECT path FROM system.parts WHERE table = '${table}' AND active AND rows > 0 ORDER BY name DESC LIMIT 1`,
  );
  truncateSync(join(path, file), 0);
}

const countRows = async () => Number(await run(`SELECT count() FROM ${table}`));

test("sound parts stay as they are", async () => {
  await insert(10);
  await insert(10);
  expect(await parts.check()).toBe(true);
  await run(`OPTIMIZE TABLE ${table} FINAL`);
  await run(`DELETE FROM ${table} WHERE seq % 2 = 0`);
  expect(await parts.check()).toBe(true);
  expect(await parts.check(true)).toBe(true);
  expect(parts.repairs).toBe(0);
});

test.each(["data.bin", "data.cmrk4", "columns.txt", "skp_idx_by_seq.cmrk4", "primary.cidx"])(
  "an inserted part without its %s is taken out, and the others stay",
  async (file) => {
    await insert(10);
    expect(await parts.check()).toBe(true);
    await insert(5);
    await spoil(file);
    expect(await parts.check()).toBe(false);
    expect(await countRows()).toBe(10);
    await insert(5);
    expect(await parts.check()).toBe(true);
    expect(await countRows()).toBe(15);
    expect(await run("SELECT count() FROM system.detached_parts")).toBe("0");
  },
);

test("a merged part that is broken gives way to the parts it was made of", async () => {
  await insert(10);
  await insert(10);
  await run(`OPTIMIZE TABLE ${table} FINAL`);
  await spoil("data.cmrk4");
  expect(await parts.check()).toBe(false);
  expect(await countRows()).toBe(20);
  expect(await run(`SELECT count(), sum(length(raw)) FROM ${table} WHERE raw = 'raw'`)).toBe(
    "20\t60",
  );
  expect(await parts.check(true)).toBe(true);
});
