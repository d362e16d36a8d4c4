// The journal on a disk that is full, and on one that fails any one operation.
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { systemClock } from "../../src/base/clock.ts";
import { isCairnError } from "../../src/base/errors.ts";
import { silentLog } from "../../src/base/log.ts";
import type { Journal } from "../../src/journal/journal.ts";
import { openSegmentFileJournal } from "../../src/journal/segment-files/segment-file-journal.ts";
import { FaultyDisk } from "./faulty-disk.ts";
import { JournalFolder, readRecovered } from "./journal-folder.ts";
import { batchOf } from "./sample-batch.ts";
import { mountSmallDisk } from "./small-disk.ts";

const disk = mountSmallDisk(4);
afterAll(() => disk?.unmount());

test.skipIf(disk === undefined)(
  "a really full disk refuses, keeps what it acknowledged, and takes events again when there is room",
  async () => {
    const folder = join(disk?.folder ?? "", "journal");
    mkdirSync(folder);
    const open = () => openSegmentFileJournal({ folder, clock: systemClock, log: silentLog });
    const journal = await open();
    const kept: string[] = [];
    const append = async (text: string) => {
      await journal.append(batchOf(text));
      kept.push(text);
    };
    await append("first");
    // Filled by the journal itself, so that the last batch fits in part.
    const large = "x".repeat(200_000);
    let refusals = 0;
    for (let number = 0; refusals < 3; number++) {
      try {
        await append(`${number} ${large}`);
      } catch (error) {
        if (!isCairnError(error, "JournalFull")) throw error;
        refusals += 1;
      }
    }
    expect(journal.status().refusing).toMatch(/full/);
    // Releasing needs no room, and makes some.
    const released: string[] = [];
    for await (const segment of journal.segments(new AbortController().signal)) {
      const bytes = await segment.bytes();
      released.push(...kept.splice(0, segment.count));
      expect(bytes.includes(released.at(-1) ?? "")).toBe(true);
      await journal.release(segment);
      if (journal.status().pendingBytes === 0) break;
    }
    await expect.poll(() => journal.status().refusing, { timeout: 5000 }).toBeUndefined();
    await append("after");
    disk?.fill();
    await expect(journal.append(batchOf(`never ${large}`))).rejects.toMatchObject({
      code: "JournalFull",
    });
    await journal.close();
    // A start on a full disk serves what is there.
    const full = await open();
    expect((await readRecovered(full)).map(({ text }) => text)).toEqual(kept);
    await full.close();
    disk?.empty();
    const again = await open();
    await again.append(batchOf("last"));
    await again.close();
    const end = await open();
    expect((await readRecovered(end)).map(({ text }) => text)).toEqual([...kept, "last"]);
    await end.close();
  },
);

/** What a day may bring; every step may fail. Resolves with the fate of each event. */
async function day(folder: JournalFolder, journal: Journal): Promise<Map<string, boolean>> {
  const fates = new Map<string, boolean>();
  for (let number = 0; number < 6; number++) {
    const texts = [`${number}a`, `${number}b`];
    const isKept = await journal.append(batchOf(...texts)).then(
      () => true,
      () => false,
    );
    for (const text of texts) fates.set(text, isKept);
    if (number % 2 === 1) folder.clock.advance(500);
    // Lets a failed cleanup be tried again.
    const ticking = setInterval(() => folder.clock.advance(500), 1);
    await journal.append(batchOf());
    clearInterval(ticking);
  }
  return fates;
}

test.each(["ENOSPC", "EIO"])(
  "whichever operation fails with %s: refused is gone, acknowledged is there, the next append works",
  async (code) => {
    let failedCount = 0;
    for (let nth = 1; ; nth++) {
      const folder = new JournalFolder();
      const faulty = new FaultyDisk();
      const journal = await folder.open(faulty);
      const first = faulty.operations.length + nth;
      faulty.fault = () => (faulty.operations.length === first ? code : undefined);
      const fates = await day(folder, journal);
      const isReached = faulty.operations.length >= first;
      await faulty.die();
      const after = await folder.open();
      const found = await readRecovered(after);
      const kept = [...fates].filter(([, isKept]) => isKept).map(([text]) => text);
      expect(found.map(({ text }) => text)).toEqual(kept);
      expect(after.status().damaged).toBe(0);
      if (kept.length < fates.size) failedCount += 1;
      await after.close();
      folder.remove();
      if (!isReached) break;
    }
    expect(failedCount).toBeGreaterThan(5);
  },
);

test("a journal with a reserve leaves room for the store to take what was accepted, and takes events again when there is more", async () => {
  const folder = new JournalFolder();
  const faulty = new FaultyDisk();
  const space = { freeBytes: 10_000, totalBytes: 1_000_000 };
  faulty.space = () => Promise.resolve(space);
  const journal = await openSegmentFileJournal({
    folder: folder.folder,
    clock: folder.clock,
    log: silentLog,
    disk: faulty,
    reserveBytes: 5000,
  });
  await journal.append(batchOf("first"));
  // The reserve, what is pending, and not a byte for a new event and its copy in the store.
  space.freeBytes = 5000 + journal.status().pendingBytes;
  const writes = faulty.operations.filter((each) => each === "write").length;
  await expect(journal.append(batchOf("refused"))).rejects.toMatchObject({
    code: "JournalFull",
    message: expect.stringMatching(/1 MiB are free, and 1 MiB are kept/) as unknown,
  });
  expect(faulty.operations.filter((each) => each === "write")).toHaveLength(writes);
  expect(journal.status().refusing).toMatch(/full/);
  space.freeBytes = 1_000_000;
  folder.clock.advance(500);
  await expect.poll(() => journal.status().refusing).toBeUndefined();
  await journal.append(batchOf("second"));
  await journal.close();
  const again = await folder.open();
  expect((await readRecovered(again)).map(({ text }) => text)).toEqual(["first", "second"]);
  await again.close();
  folder.remove();
});
