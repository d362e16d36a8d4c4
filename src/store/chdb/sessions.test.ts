// Sessions work beside each other, and take queries as long as an event id may make them.
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { eventImportBytesMax } from "../../base/limits.ts";
import { literal } from "./query.ts";
import { Sessions } from "./sessions.ts";

let sessions: Sessions;
beforeAll(() => {
  sessions = new Sessions(mkdtempSync(join(tmpdir(), "cairn-sessions-")), { readers: 2 });
});
afterAll(() => sessions.close());

test("a lookup does not wait for a long scan, nor for a long statement that writes", async () => {
  const long = "SELECT sum(sipHash64(number)) FROM numbers(300000000)";
  const ended: string[] = [];
  const scan = sessions.read("scan", long).then(() => ended.push("long"));
  const write = sessions.write(long).then(() => ended.push("long"));
  for (let count = 0; count < 3; count++) {
    await sessions.read("lookup", "SELECT 1");
    ended.push("lookup");
  }
  await Promise.all([scan, write]);
  expect(ended).toEqual(["lookup", "lookup", "lookup", "long", "long"]);
});

test("a value as long as an imported event may be asked for", async () => {
  const value = literal.string("x".repeat(eventImportBytesMax));
  const answer = await sessions.read("lookup", `SELECT length(${value})`, undefined, "TSV");
  expect(answer.toString().trim()).toBe(String(eventImportBytesMax));
});
