// A journal file cut and flipped at every byte of its last batch, and damaged in the middle.
//
// Granularity is the row: of a batch that was never acknowledged whole rows may survive, parts of rows never.
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, expect, test } from "vitest";
import { FaultyDisk } from "./faulty-disk.ts";
import { JournalFolder, readRecovered } from "./journal-folder.ts";
import { batchOf } from "./sample-batch.ts";

const openFile = "segment-00000000000000000001.v1.open";
const folders: JournalFolder[] = [];
afterEach(() => {
  for (const folder of folders.splice(0)) folder.remove();
});
function newFolder(): JournalFolder {
  const folder = new JournalFolder();
  folders.push(folder);
  return folder;
}

/** The file as a crash leaves it, with an acknowledged "a", "b", "c" and a last batch of "d", "e". */
async function crashedFile(): Promise<{ bytes: Buffer; lastBatch: number; lastRow: number }> {
  const folder = newFolder();
  const disk = new FaultyDisk();
  const journal = await folder.open(disk);
  const last = batchOf("d", "e");
  await journal.append(batchOf("a"));
  await journal.append(batchOf("b", "c"));
  await journal.append(last);
  await disk.die();
  const bytes = readFileSync(join(folder.folder, openFile));
  const lastBatch = bytes.length - last.bytes.length;
  return { bytes, lastBatch, lastRow: lastBatch + (last.offsets[1] ?? 0) };
}

/** Opens a folder with just this file in it. */
async function openWith(bytes: Buffer) {
  const folder = newFolder();
  writeFileSync(join(folder.folder, openFile), bytes);
  const journal = await folder.open();
  const events = await readRecovered(journal);
  return { folder, journal, events, texts: events.map(({ text }) => text).join("") };
}

test("cut at every byte of its last batch, a journal opens and has every acknowledged event", async () => {
  const { bytes, lastBatch, lastRow } = await crashedFile();
  for (let cut = lastBatch; cut <= bytes.length; cut++) {
    const { folder, journal, events, texts } = await openWith(bytes.subarray(0, cut));
    expect(texts).toBe(cut === bytes.length ? "abcde" : cut >= lastRow ? "abcd" : "abc");
    expect(events.map(({ seq }) => seq)).toEqual(events.map((_, index) => BigInt(index + 1)));
    expect(journal.status().damaged).toBe(0);
    expect(folder.errors()).toEqual([]);
    if (cut % 8 !== 0) {
      await journal.close();
      continue;
    }
    // The next event takes the first free place, and what was cut off does not come back behind it.
    expect((await journal.append(batchOf("f"))).firstSeq).toBe(BigInt(events.length + 1));
    await journal.close();
    const again = await folder.open();
    expect((await readRecovered(again)).map(({ text }) => text).join("")).toBe(`${texts}f`);
    await again.close();
  }
});

test("a byte flipped anywhere in the last batch changes no event: each is as it was, or not there", async () => {
  const { bytes, lastBatch, lastRow } = await crashedFile();
  for (let at = lastBatch; at < bytes.length; at++) {
    const flipped = Buffer.from(bytes);
    flipped[at] = (flipped[at] ?? 0) ^ 0x40;
    const { folder, journal, events, texts } = await openWith(flipped);
    // In the last row it looks like a torn tail; before it, a whole row behind it gives the damage away.
    const isTail = at >= lastRow;
    expect(texts).toBe(isTail ? "abcd" : "abce");
    expect(events.at(-1)?.seq).toBe(isTail ? 4n : 5n);
    expect(journal.status().damaged).toBe(isTail ? 0 : 1);
    expect(folder.errors()).toHaveLength(isTail ? 0 : 1);
    await journal.close();
  }
});

test("damage in a sealed segment is told loudly, costs only the damaged rows, and the file is never deleted", async () => {
  const folder = newFolder();
  const journal = await folder.open();
  for (const texts of [["a", "b", "c"], ["d"]]) {
    await journal.append(batchOf(...texts));
    folder.clock.advance(500);
  }
  await journal.close();
  const [damaged = "", good = ""] = folder.files();
  const path = join(folder.folder, damaged);
  const bytes = readFileSync(path);
  const middle = Math.floor(bytes.length / 2);
  bytes[middle] = (bytes[middle] ?? 0) ^ 1;
  writeFileSync(path, bytes);

  const reopened = await folder.open();
  expect(folder.errors()).toEqual([expect.stringMatching(/^JOURNAL DAMAGED/)]);
  expect(reopened.status()).toMatchObject({ damaged: 1, lastSeq: 4n });
  expect(reopened.status().refusing).toBeUndefined();
  expect(await readRecovered(reopened, true)).toEqual([
    { seq: 1n, text: "a" },
    { seq: 3n, text: "c" },
    { seq: 4n, text: "d" },
  ]);
  expect(folder.files()).toContain(`${damaged}.damaged`);
  expect(folder.files()).not.toContain(good);
  expect(readFileSync(`${path}.damaged`)).toEqual(bytes);
  expect((await reopened.append(batchOf("e"))).firstSeq).toBe(5n);
  await reopened.close();
  const later = await folder.open();
  expect(later.status().damaged).toBe(1);
  expect(await readRecovered(later)).toEqual([{ seq: 5n, text: "e" }]);
  await later.close();
});

test("a sealed segment cut short is damage, also between two rows, and its numbers are not given out again", async () => {
  const folder = newFolder();
  const journal = await folder.open();
  const batch = batchOf("a", "b", "c");
  const [, secondRow = 0] = batch.offsets;
  await journal.append(batch);
  await journal.close();
  const [name = ""] = folder.files();
  const path = join(folder.folder, name);
  for (const [end, texts] of [
    [secondRow, ["a"]],
    [0, []],
  ] as const) {
    writeFileSync(path, readFileSync(path).subarray(0, end));
    const reopened = await folder.open();
    expect((await readRecovered(reopened)).map(({ text }) => text)).toEqual(texts);
    expect(reopened.status()).toMatchObject({ damaged: 1, lastSeq: 3n });
    await reopened.close();
  }
  expect(folder.files()).toContain(`${name}.damaged`);
  const later = await folder.open();
  expect((await later.append(batchOf("d"))).firstSeq).toBe(4n);
  await later.close();
});
