// What every journal driver promises; each driver's test file runs it.
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { batchOf, eventsIn, type FoundEvent } from "../../test/crash/sample-batch.ts";
import type { TestClock } from "../base/clock.ts";
import type { Journal, Segment } from "./journal.ts";

export const contractSegmentBytesMax = 4096;

export interface JournalUnderTest {
  /** Opened with `contractSegmentBytesMax`, the usual age and this clock. */
  journal: Journal;
  clock: TestClock;
  /** Closes the journal and opens it again. */
  reopen: () => Promise<Journal>;
  /** The process dies here; opens what the next start finds. */
  crash: () => Promise<Journal>;
  /** From here on nothing fits, or everything does. */
  setFull: (isFull: boolean) => void;
}

/** Seals what is there and reads everything that is not released, releasing it when told so. */
export async function readAll(
  journal: Journal,
  clock: TestClock,
  options: { release?: boolean } = {},
): Promise<FoundEvent[]> {
  const events: FoundEvent[] = [];
  const { lastSeq, pendingBytes } = journal.status();
  if (pendingBytes === 0) return events;
  clock.advance(500);
  for await (const segment of journal.segments(new AbortController().signal)) {
    events.push(...(await eventsIn(segment)));
    if (options.release === true) await journal.release(segment);
    if (segment.lastSeq >= lastSeq) break;
  }
  return events;
}

async function nextSegment(journal: Journal): Promise<Segment> {
  for await (const segment of journal.segments(new AbortController().signal)) return segment;
  throw new Error("the journal ended without a segment");
}

/** Whatever is under way and needs no clock has happened. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve));
}

export function describeJournal(make: () => Promise<JournalUnderTest>): void {
  describe("journal contract", () => {
    test("nothing is kept of a batch's bytes once it is appended", async () => {
      const { journal, clock } = await make();
      const batch = batchOf("a", "b");
      await journal.append(batch);
      batch.bytes.fill(0);
      expect((await readAll(journal, clock)).map(({ text }) => text)).toEqual(["a", "b"]);
    });

    test("seq starts at 1 and follows the order of the calls without a gap", async () => {
      const { journal } = await make();
      expect(journal.status()).toEqual({ lastSeq: 0n, pendingBytes: 0, damaged: 0 });
      const receipts = await Promise.all([
        journal.append(batchOf("a", "b")),
        journal.append(batchOf("c")),
        journal.append(batchOf("d", "e", "f")),
      ]);
      expect(receipts).toEqual([
        { firstSeq: 1n, count: 2 },
        { firstSeq: 3n, count: 1 },
        { firstSeq: 4n, count: 3 },
      ]);
      expect(await journal.append(batchOf("g"))).toEqual({ firstSeq: 7n, count: 1 });
      expect(journal.status().lastSeq).toBe(7n);
      await journal.close();
    });

    test("an empty batch is accepted and takes no seq", async () => {
      const { journal, clock } = await make();
      expect((await journal.append(batchOf())).count).toBe(0);
      expect(await journal.append(batchOf("a"))).toEqual({ firstSeq: 1n, count: 1 });
      expect(await readAll(journal, clock)).toEqual([{ seq: 1n, text: "a" }]);
      await journal.close();
    });

    test("a segment is sealed 500 ms after its first row, and not before", async () => {
      const { journal, clock } = await make();
      let sealed = 0;
      const reader = (async () => {
        for await (const _ of journal.segments(new AbortController().signal)) sealed += 1;
      })();
      await journal.append(batchOf("a"));
      clock.advance(499);
      await journal.append(batchOf("b"));
      await settle();
      expect(sealed).toBe(0);
      clock.advance(1);
      const segment = await nextSegment(journal);
      expect(segment).toMatchObject({ firstSeq: 1n, lastSeq: 2n, count: 2 });
      await journal.close();
      await reader;
      expect(sealed).toBe(1);
    });

    test("a segment is sealed when it is large, and a batch larger than a segment is kept whole", async () => {
      const { journal } = await make();
      const large = Array.from({ length: 30 }, (_, index) => `${index}`.padEnd(1000, "x"));
      await journal.append(batchOf("a"));
      await journal.append(batchOf(...large));
      const segment = await nextSegment(journal);
      const events = await eventsIn(segment);
      expect(events.map(({ text }) => text)).toEqual(["a", ...large]);
      expect(events.map(({ seq }) => seq)).toEqual(events.map((_, index) => BigInt(index + 1)));
      await journal.close();
    });

    test("segments come in order, each event once, and say what they hold", async () => {
      const { journal, clock } = await make();
      const texts = Array.from({ length: 200 }, (_, index) => `event ${index} `.padEnd(100, "."));
      await Promise.all(texts.map((text) => journal.append(batchOf(text))));
      clock.advance(500);
      const found: FoundEvent[] = [];
      for await (const segment of journal.segments(new AbortController().signal)) {
        const events = await eventsIn(segment);
        expect(events).toHaveLength(segment.count);
        expect(events[0]?.seq).toBe(segment.firstSeq);
        expect(events.at(-1)?.seq).toBe(segment.lastSeq);
        found.push(...events);
        if (segment.lastSeq === 200n) break;
      }
      expect(found).toEqual(texts.map((text, index) => ({ seq: BigInt(index + 1), text })));
      await journal.close();
    });

    test("what is not released comes again, also after a restart and a crash; what is released does not", async () => {
      const { journal, clock, reopen, crash } = await make();
      for (const text of ["a", "b", "c"]) {
        await journal.append(batchOf(text));
        clock.advance(500);
        await settle();
      }
      const first = await nextSegment(journal);
      expect(await eventsIn(first)).toEqual([{ seq: 1n, text: "a" }]);
      await journal.release(first);
      await journal.release(first);
      const left = [
        { seq: 2n, text: "b" },
        { seq: 3n, text: "c" },
      ];
      expect(await readAll(journal, clock)).toEqual(left);
      expect(await readAll(journal, clock)).toEqual(left);
      const again = await reopen();
      expect(await readAll(again, clock)).toEqual(left);
      await journal.release(first);
      const later = await crash();
      expect(await readAll(later, clock, { release: true })).toEqual(left);
      expect(later.status().pendingBytes).toBe(0);
      await later.close();
    });

    test("seq goes on after a restart and a crash, also when everything was released", async () => {
      const { journal, clock, reopen, crash } = await make();
      await journal.append(batchOf("a", "b"));
      await readAll(journal, clock, { release: true });
      const second = await reopen();
      expect(await second.append(batchOf("c"))).toEqual({ firstSeq: 3n, count: 1 });
      await readAll(second, clock, { release: true });
      const third = await crash();
      expect(third.status().lastSeq).toBe(3n);
      const fourth = await crash();
      expect(await fourth.append(batchOf("d"))).toEqual({ firstSeq: 4n, count: 1 });
      expect(await readAll(fourth, clock)).toEqual([{ seq: 4n, text: "d" }]);
      await fourth.close();
    });

    test("what append resolved for survives a crash, once and in order", async () => {
      const { journal, clock, crash } = await make();
      const texts = Array.from({ length: 50 }, (_, index) => `event ${index} `.padEnd(200, "."));
      await Promise.all(texts.map((text) => journal.append(batchOf(text))));
      const after = await crash();
      expect((await readAll(after, clock)).map(({ text }) => text)).toEqual(texts);
      expect(after.status().damaged).toBe(0);
      await after.close();
    });

    test("a full disk refuses, says so, loses nothing, and lets events in again once there is room", async () => {
      const { journal, clock, setFull } = await make();
      await journal.append(batchOf("before"));
      setFull(true);
      for (const text of ["no", "never"]) {
        await expect(journal.append(batchOf(text))).rejects.toMatchObject({ code: "JournalFull" });
        expect(journal.status().refusing).toMatch(/full/);
      }
      setFull(false);
      expect(await journal.append(batchOf("after"))).toEqual({ firstSeq: 2n, count: 1 });
      expect(journal.status().refusing).toBeUndefined();
      expect(await readAll(journal, clock)).toEqual([
        { seq: 1n, text: "before" },
        { seq: 2n, text: "after" },
      ]);
      await journal.close();
    });

    test("what was refused never comes back, even after a crash right then", async () => {
      const { journal, clock, setFull, crash } = await make();
      await journal.append(batchOf("before"));
      setFull(true);
      await expect(journal.append(batchOf("no", "never"))).rejects.toMatchObject({
        code: "JournalFull",
      });
      setFull(false);
      const after = await crash();
      await after.append(batchOf("after"));
      expect((await readAll(after, clock)).map(({ text }) => text)).toEqual(["before", "after"]);
      await after.close();
    });

    test("a reader ends when its signal aborts and when the journal closes", async () => {
      const { journal } = await make();
      const abort = new AbortController();
      const aborted = journal.segments(abort.signal)[Symbol.asyncIterator]().next();
      abort.abort();
      expect((await aborted).done).toBe(true);
      const closed = journal.segments(new AbortController().signal)[Symbol.asyncIterator]().next();
      await journal.close();
      expect((await closed).done).toBe(true);
    });

    test("close keeps what was appended before it, refuses what comes after, and may be called twice", async () => {
      const { journal, clock, reopen } = await make();
      const last = journal.append(batchOf("last"));
      const closing = journal.close();
      await expect(journal.append(batchOf("late"))).rejects.toMatchObject({
        code: "JournalUnavailable",
      });
      await closing;
      await journal.close();
      await last;
      const again = await reopen();
      expect(await readAll(again, clock)).toEqual([{ seq: 1n, text: "last" }]);
      await again.close();
    });

    test("any history of appends, time, releases, restarts and crashes keeps every event once, in order", async () => {
      const step = fc.oneof(
        { weight: 5, arbitrary: fc.record({ append: fc.array(fc.nat(300), { maxLength: 8 }) }) },
        { weight: 2, arbitrary: fc.constant("advance" as const) },
        { weight: 2, arbitrary: fc.constant("release" as const) },
        { weight: 1, arbitrary: fc.constant("reopen" as const) },
        { weight: 1, arbitrary: fc.constant("crash" as const) },
      );
      await fc.assert(
        fc.asyncProperty(fc.array(step, { maxLength: 25 }), async (steps) => {
          const { journal: first, clock, reopen, crash } = await make();
          let journal = first;
          const appended: FoundEvent[] = [];
          const released: FoundEvent[] = [];
          let seq = 0n;
          for (const each of steps) {
            if (each === "advance") clock.advance(500);
            else if (each === "reopen") journal = await reopen();
            else if (each === "crash") journal = await crash();
            else if (each === "release") {
              released.push(...(await readAll(journal, clock, { release: true })));
            } else {
              const texts = each.append.map((size, index) => `${seq} ${index}`.padEnd(size, "."));
              const events = texts.map((text) => ({ seq: (seq += 1n), text }));
              await journal.append(batchOf(...texts));
              appended.push(...events);
            }
            expect(journal.status().lastSeq).toBe(seq);
          }
          expect([...released, ...(await readAll(journal, clock))]).toEqual(appended);
          await journal.close();
        }),
        { numRuns: 25 },
      );
    });
  });
}
