// The indexer brings every accepted event into the store, in order, whatever fails on the way.
import { expect, onTestFinished, test } from "vitest";
import { batchOf } from "../../test/crash/sample-batch.ts";
import { type Clock, systemClock } from "../base/clock.ts";
import { CairnError } from "../base/errors.ts";
import { ingestLagMsMax, ingestPaceBytesMin } from "../base/limits.ts";
import { silentLog } from "../base/log.ts";
import type { Journal, Segment } from "../journal/journal.ts";
import { createMemoryJournal } from "../journal/memory/memory-journal.ts";
import { createMemoryStore, type MemoryStore } from "../store/memory/memory-store.ts";
import { startIndexer } from "./indexer.ts";

interface Case {
  journal: Journal;
  store: MemoryStore;
  /** The waits that the indexer asked for, none of them waited out: for the store, … */
  waitsMs: number[];
  /** … and for events to gather, in steps. */
  restsMs: number[];
  clock: Clock;
  start: () => ReturnType<typeof startIndexer>;
}

/** How long each load takes. */
const loadMs = 100;
const restStepMs = 50;
/** Nine times as long as the load. */
const restSteps = (9 * loadMs) / restStepMs;

function setUp(faults: { failEvery?: number } = {}): Case {
  const journal = createMemoryJournal({ segmentAgeMsMax: 1 });
  const store = createMemoryStore(faults);
  const waitsMs: number[] = [];
  const restsMs: number[] = [];
  let monotonicMs = 0;
  const clock: Clock = {
    ...systemClock,
    monotonicMs: () => (monotonicMs += loadMs),
    sleep: async (delayMs, signal) => {
      signal?.throwIfAborted();
      (delayMs === restStepMs ? restsMs : waitsMs).push(delayMs);
      await new Promise((resolve) => setImmediate(resolve));
    },
  };
  const start = () => {
    const indexer = startIndexer({ journal, store, clock, log: silentLog });
    onTestFinished(async () => {
      await indexer.stop();
      await journal.close();
      await store.close();
    });
    return indexer;
  };
  return { journal, store, clock, waitsMs, restsMs, start };
}

const soon = () => AbortSignal.timeout(10_000);

async function textsIn(store: MemoryStore): Promise<string[]> {
  return (await store.follow(0n, 10_000)).events.map((event) => event.raw.toString());
}

test("what the journal accepted is searchable, each once and in order", async () => {
  const { journal, store, start } = setUp();
  await journal.append(batchOf("a", "b"));
  const indexer = start();
  await store.reached(2n, soon());
  await journal.append(batchOf("c", "a"));
  await store.reached(4n, soon());
  expect(await textsIn(store)).toEqual(["a", "b", "c"]);
  await indexer.stop();
  expect(indexer.status()).toEqual({
    segments: 2,
    stored: 3,
    duplicates: 1,
    variants: 0,
    failures: 0,
    lagEvents: 0,
  });
  expect(journal.status().pendingBytes).toBe(0);
});

test("a failing store loses nothing, skips nothing and keeps the order", async () => {
  const { journal, store, waitsMs, start } = setUp({ failEvery: 2 });
  const indexer = start();
  const texts = Array.from({ length: 20 }, (_, index) => `event ${index}`);
  for (const [index, text] of texts.entries()) {
    await journal.append(batchOf(text));
    await store.reached(BigInt(index + 1), soon());
  }
  expect(await textsIn(store)).toEqual(texts);
  await indexer.stop();
  expect(indexer.status()).toMatchObject({ segments: 20, lagEvents: 0 });
  expect(indexer.status().failures).toBeGreaterThanOrEqual(10);
  expect(waitsMs).toHaveLength(indexer.status().failures);
});

test("a segment is released only when the store has it, and waits grow to a bound", async () => {
  const { journal, store, waitsMs, start } = setUp();
  const events: string[] = [];
  let isDown = true;
  const load = store.load.bind(store);
  store.load = async (segment: Segment) => {
    events.push(`load ${segment.firstSeq}`);
    if (isDown && waitsMs.length < 9) throw new CairnError("StoreUnavailable", "the disk is full");
    isDown = false;
    return load(segment);
  };
  const release = journal.release.bind(journal);
  journal.release = async (segment: Segment) => {
    events.push(`release ${segment.firstSeq}`);
    expect(store.watermark()).toBeGreaterThanOrEqual(segment.lastSeq);
    await release(segment);
  };
  const indexer = start();
  await journal.append(batchOf("a"));
  await store.reached(1n, soon());
  await indexer.stop();
  expect(events).toEqual([...Array<string>(10).fill("load 1"), "release 1"]);
  expect(waitsMs).toEqual([100, 200, 400, 800, 1600, 3200, 5000, 5000, 5000]);
});

test("while tries fail the status says why, and how far behind it is", async () => {
  const { journal, store, start } = setUp({ failEvery: 1 });
  const indexer = start();
  await journal.append(batchOf("a", "b", "c"));
  await expect
    .poll(() => indexer.status())
    .toMatchObject({
      lagEvents: 3,
      failing: "loading a segment: the store failed as it was told to",
    });
  await indexer.stop();
  expect(store.watermark()).toBe(0n);
  expect(journal.status().pendingBytes).toBeGreaterThan(0);
});

test("what one indexer leaves behind the next one carries over", async () => {
  const { journal, store, start } = setUp();
  await journal.append(batchOf("a"));
  const first = start();
  await store.reached(1n, soon());
  await first.stop();
  await journal.append(batchOf("b"));
  expect(first.status().lagEvents).toBe(1);
  start();
  await store.reached(2n, soon());
  expect(await textsIn(store)).toEqual(["a", "b"]);
});

test("a journal that fails to be read is read again from where it was", async () => {
  const { journal, store, waitsMs, start } = setUp();
  const segments = journal.segments.bind(journal);
  let failuresLeft = 2;
  journal.segments = (signal) => {
    failuresLeft -= 1;
    if (failuresLeft >= 0) throw new CairnError("JournalUnavailable", "the disk does not answer");
    return segments(signal);
  };
  start();
  await journal.append(batchOf("a"));
  await store.reached(1n, soon());
  expect(waitsMs).toEqual([100, 200]);
});

test("the store may lag behind by what it takes in the time allowed", async () => {
  const { journal, store, start } = setUp();
  const indexer = start();
  const initial = indexer.lagBytesMax();
  await journal.append(batchOf("small"));
  await store.reached(1n, soon());
  const large = batchOf(...Array.from({ length: 60 }, () => "x".repeat(100_000)));
  await journal.append(large);
  await expect.poll(() => indexer.status().segments).toBe(2);
  const ofLarge = (large.bytes.length / 100) * ingestLagMsMax;
  expect(indexer.lagBytesMax()).toBe((initial + ofLarge) / 2);
});

test("behind a small load events are left to gather, until there are enough for a large one", async () => {
  const { journal, store, restsMs, start } = setUp();
  const indexer = start();
  await journal.append(batchOf("a"));
  await store.reached(1n, soon());
  await expect.poll(() => restsMs).toHaveLength(restSteps);
  const large = "x".repeat(ingestPaceBytesMin);
  await journal.append(batchOf(large));
  await store.reached(2n, soon());
  await journal.append(batchOf("b"));
  await store.reached(3n, soon());
  await expect.poll(() => restsMs).toHaveLength(2 * restSteps);
  await indexer.stop();
});

test("a rest ends when enough has gathered", async () => {
  const { journal, store, clock, start } = setUp();
  const rests: bigint[] = [];
  clock.sleep = async () => {
    rests.push(store.watermark());
    if (rests.length === 3) await journal.append(batchOf("x".repeat(ingestPaceBytesMin)));
  };
  const indexer = start();
  await journal.append(batchOf("a"));
  await store.reached(2n, soon());
  await indexer.stop();
  expect(rests).toEqual([1n, 1n, 1n]);
});
