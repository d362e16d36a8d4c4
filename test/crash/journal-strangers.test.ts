// Files in the journal's folder that are not the journal's, or no longer what they were.
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import * as fc from "fast-check";
import { expect, test } from "vitest";
import { JournalFolder, readRecovered } from "./journal-folder.ts";
import { batchOf } from "./sample-batch.ts";

const digits = fc
  .oneof(fc.bigInt({ min: 0n, max: 40n }), fc.bigInt({ min: 0n, max: 10n ** 20n - 1n }))
  .map((seq) => seq.toString().padStart(20, "0"));
const end = fc.constantFrom("", ".damaged", ".tmp");
const name = fc.oneof(
  fc.stringMatching(/^[A-Za-z0-9 _.~#é-]{1,30}$/).filter((each) => !/^\.{1,2}$/.test(each)),
  fc.tuple(digits, end).map(([seq, tail]) => `segment-${seq}.v1.open${tail}`),
  fc
    .tuple(digits, digits, end)
    .map(([first, last, tail]) => `segment-${first}-${last}.v1.sealed${tail}`),
  fc.tuple(digits, end).map(([seq, tail]) => `next-${seq}.v1.mark${tail}`),
  fc.constantFrom("space-probe-1", "lock-1-00000000.sock", "lock-x.sock"),
);
const rows = batchOf("x", "y").bytes;
const content = fc.oneof(
  fc.constant(Buffer.alloc(0)),
  fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes)),
  fc.nat(rows.length).map((length) => rows.subarray(0, length)),
);

test("arbitrary files never keep a journal from opening, losing nothing, and numbering on", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.tuple(name, content), { maxLength: 6 }), async (strangers) => {
      const folder = new JournalFolder();
      try {
        const journal = await folder.open();
        await journal.append(batchOf("a", "b"));
        await journal.close();
        const own = new Set(folder.files());
        for (const [stranger, bytes] of strangers) {
          if (!own.has(stranger)) writeFileSync(join(folder.folder, stranger), bytes);
        }
        const second = await folder.open();
        const { firstSeq } = await second.append(batchOf("c"));
        expect(firstSeq).toBeGreaterThan(2n);
        await second.close();
        const third = await folder.open();
        const found = await readRecovered(third, true);
        expect(found).toEqual([
          { seq: 1n, text: "a" },
          { seq: 2n, text: "b" },
          { seq: firstSeq, text: "c" },
        ]);
        expect((await third.append(batchOf("d"))).firstSeq).toBeGreaterThan(firstSeq);
        await third.close();
      } finally {
        folder.remove();
      }
    }),
    { numRuns: 60 },
  );
});

test("a file with an unknown name is left as it is, and named in the log", async () => {
  const folder = new JournalFolder();
  writeFileSync(join(folder.folder, "notes.txt"), "mine");
  mkdirSync(join(folder.folder, "segment-00000000000000000001.v1.open"));
  const journal = await folder.open();
  expect(folder.logged).toHaveLength(1);
  expect(folder.logged[0]).toMatchObject({ path: join(folder.folder, "notes.txt") });
  await journal.close();
  expect(readFileSync(join(folder.folder, "notes.txt"), "utf8")).toBe("mine");
  folder.remove();
});

test("a segment of a newer version is refused by name: to go on without its rows would lose them", async () => {
  const folder = new JournalFolder();
  const newer = "segment-00000000000000000001.v2.open";
  writeFileSync(join(folder.folder, newer), "");
  await expect(folder.open()).rejects.toMatchObject({
    code: "JournalUnavailable",
    message: expect.stringContaining(newer) as string,
  });
  // Refused, and not left locked.
  await expect(folder.open()).rejects.toMatchObject({ code: "JournalUnavailable" });
  folder.remove();
});
