// The segment-file journal keeps the contract (test/crash/journal*.test.ts pulls the plug on it).
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { FaultyDisk } from "../../../test/crash/faulty-disk.ts";
import { batchOf, eventsIn } from "../../../test/crash/sample-batch.ts";
import { systemClock, TestClock } from "../../base/clock.ts";
import { silentLog } from "../../base/log.ts";
import { contractSegmentBytesMax, describeJournal, readAll } from "../journal.contract.ts";
import { openSegmentFileJournal } from "./segment-file-journal.ts";

const folders: string[] = [];
afterAll(() => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});
function newFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "cairn-journal-"));
  folders.push(folder);
  return folder;
}

describeJournal(async () => {
  const clock = new TestClock(0);
  const folder = newFolder();
  let disk = new FaultyDisk();
  const open = () =>
    openSegmentFileJournal({
      folder,
      clock,
      disk,
      log: silentLog,
      segmentBytesMax: contractSegmentBytesMax,
    });
  let journal = await open();
  return {
    journal,
    clock,
    reopen: async () => {
      await journal.close();
      return (journal = await open());
    },
    crash: async () => {
      await disk.die();
      disk = new FaultyDisk();
      return (journal = await open());
    },
    setFull: (isFull) => {
      disk.fault = (operation) => (isFull && operation === "write" ? "ENOSPC" : undefined);
    },
  };
});

test("appends made together share one flush", async () => {
  const clock = new TestClock(0);
  const disk = new FaultyDisk();
  const journal = await openSegmentFileJournal({
    folder: newFolder(),
    clock,
    disk,
    log: silentLog,
  });
  disk.operations.length = 0;
  await Promise.all(Array.from({ length: 100 }, (_, index) => journal.append(batchOf(`${index}`))));
  expect(disk.operations).toEqual(["create", "write", "flush", "flushFolder"]);
  await journal.append(batchOf("next"));
  expect(disk.operations.slice(4)).toEqual(["write", "flush"]);
  await journal.close();
});

test("a segment grows while its reader is busy, and is there when the reader comes for it", async () => {
  const clock = new TestClock(0);
  const folder = newFolder();
  const journal = await openSegmentFileJournal({ folder, clock, log: silentLog });
  const reader = journal.segments(new AbortController().signal)[Symbol.asyncIterator]();
  const first = reader.next();
  await journal.append(batchOf("a"));
  clock.advance(500);
  expect(await eventsIn((await first).value)).toEqual([{ seq: 1n, text: "a" }]);
  for (const text of ["b", "c", "d"]) {
    await journal.append(batchOf(text));
    clock.advance(500);
  }
  const second = await reader.next();
  expect((await eventsIn(second.value)).map((event) => event.text)).toEqual(["b", "c", "d"]);
  await reader.return?.();
  await journal.close();
});

test("a segment's file holds exactly its rows, for the store to load", async () => {
  const folder = newFolder();
  const clock = new TestClock(0);
  const journal = await openSegmentFileJournal({ folder, clock, log: silentLog });
  await journal.append(batchOf("a", "b"));
  clock.advance(500);
  for await (const segment of journal.segments(new AbortController().signal)) {
    expect(readdirSync(folder)).toContain(
      "segment-00000000000000000001-00000000000000000002.v1.sealed",
    );
    expect(await eventsIn({ ...segment, bytes: () => segment.bytes() })).toHaveLength(2);
    expect(segment.path).toBe(
      join(folder, readdirSync(folder).find((each) => each.endsWith(".sealed")) ?? ""),
    );
    await journal.release(segment);
    expect(readdirSync(folder).filter((each) => !each.startsWith("lock"))).toEqual([
      "next-00000000000000000003.v1.mark",
    ]);
    break;
  }
  await journal.close();
  expect(readdirSync(folder)).toHaveLength(1);
});

test("one folder has one journal: a second one is refused with the process that has it", async () => {
  const folder = newFolder();
  const options = { folder, clock: systemClock, log: silentLog };
  const journal = await openSegmentFileJournal(options);
  await expect(openSegmentFileJournal(options)).rejects.toMatchObject({
    code: "DataFolderInUse",
    message: `${folder} is in use by process ${process.pid}`,
  });
  await journal.append(batchOf("a"));
  await journal.close();
  const again = await openSegmentFileJournal(options);
  expect(await readAll(again, new TestClock(0))).toEqual([{ seq: 1n, text: "a" }]);
  await again.close();
});

test("a folder with a path too long for a socket is locked all the same", async () => {
  const folder = join(newFolder(), "deep".repeat(20), "deeper".repeat(20));
  const options = { folder, clock: systemClock, log: silentLog };
  const journal = await openSegmentFileJournal(options);
  await expect(openSegmentFileJournal(options)).rejects.toMatchObject({ code: "DataFolderInUse" });
  await journal.close();
  await (await openSegmentFileJournal(options)).close();
});

test("64 MiB at once leave the event loop a turn after each MiB", async () => {
  const disk = new FaultyDisk();
  const journal = await openSegmentFileJournal({
    folder: newFolder(),
    clock: systemClock,
    disk,
    log: silentLog,
  });
  const part = batchOf(...Array.from({ length: 1000 }, (_, index) => `${index}`.padEnd(1300, "x")));
  const bytes = Buffer.concat(Array.from({ length: 45 }, () => part.bytes));
  const mebibytes = bytes.length / 2 ** 20;
  expect(mebibytes).toBeGreaterThan(64);
  const offsets = Array.from({ length: 45 }, (_, index) =>
    part.offsets.map((offset) => offset + index * part.bytes.length),
  ).flat();
  // The processor's work is done before the write; a turn is about a millisecond of it. (Counted, because a measured
  // time would depend on what else the machine does.)
  let turnCount = 0;
  const count = () => {
    if (disk.operations.includes("write")) return;
    turnCount += 1;
    setImmediate(count);
  };
  count();
  expect(await journal.append({ bytes, offsets })).toEqual({ firstSeq: 1n, count: 45_000 });
  expect(turnCount).toBeGreaterThan(mebibytes - 1);
  await journal.close();
});
