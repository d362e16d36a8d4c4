// The journal on a disk that fails, lies idle and loses power, from one seed: SEED=… repeats a run.
import { expect, test } from "vitest";
import { TestClock } from "../../src/base/clock.ts";
import { silentLog } from "../../src/base/log.ts";
import type { Journal } from "../../src/journal/journal.ts";
import { openSegmentFileJournal } from "../../src/journal/segment-files/segment-file-journal.ts";
import type { Operation } from "./faulty-disk.ts";
import { batchOf, eventsIn } from "./sample-batch.ts";
import { SimulatedDisk } from "./simulated-disk.ts";

const seedCount = 400;
const firstSeed = process.env["SEED"] === undefined ? undefined : Number(process.env["SEED"]);

/** Mulberry32: small, and the same everywhere. */
function randomFrom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

type Fate = "under way" | "acknowledged" | "refused";

class World {
  readonly random: () => number;
  readonly disk: SimulatedDisk;
  readonly clock = new TestClock(0);
  readonly fates = new Map<string, Fate>();
  readonly seqs = new Map<string, bigint>();
  /** What a reader was given: it may have stored it, so that it must never change. */
  readonly seen = new Map<bigint, string>();
  readonly released = new Set<string>();
  nextText = 0;

  constructor(seed: number) {
    this.random = randomFrom(seed);
    this.disk = new SimulatedDisk(this.random);
  }

  open(): Promise<Journal> {
    this.disk.fault = () => undefined;
    return openSegmentFileJournal({
      folder: "/journal",
      clock: this.clock,
      disk: this.disk.forNewProcess(),
      log: silentLog,
      segmentBytesMax: 3000,
    });
  }

  faultsFor(round: number): (operation: Operation) => string | undefined {
    if (round % 2 === 0) return () => undefined;
    return (operation) => {
      if (this.random() > 0.15 || operation === "read" || operation === "list") return undefined;
      return operation === "write" || operation === "create" ? "ENOSPC" : "EIO";
    };
  }

  async append(journal: Journal): Promise<void> {
    const texts = Array.from({ length: 1 + Math.floor(this.random() * 4) }, () =>
      `event ${this.nextText++} `.padEnd(10 + Math.floor(this.random() * 700), "."),
    );
    for (const text of texts) this.fates.set(text, "under way");
    try {
      const { firstSeq } = await journal.append(batchOf(...texts));
      texts.forEach((text, index) => {
        this.fates.set(text, "acknowledged");
        this.seqs.set(text, firstSeq + BigInt(index));
      });
    } catch {
      for (const text of texts) this.fates.set(text, "refused");
    }
  }

  async read(journal: Journal, life: AbortSignal): Promise<void> {
    for await (const segment of journal.segments(life)) {
      const events = await eventsIn(segment);
      if (life.aborted) return;
      if (
        segment.path !== undefined &&
        !this.disk.peek(segment.path)?.equals(await segment.bytes())
      ) {
        throw new Error(`${segment.path} holds something else than its segment`);
      }
      for (const { seq, text } of events) this.see(seq, text);
      if (this.random() < 0.6) {
        for (const { text } of events) this.released.add(text);
        await journal.release(segment).catch((error: unknown) => {
          // A fault is expected; a file that is gone would be ours.
          const { cause } = error as { cause?: { code?: string } };
          if (cause?.code === "ENOENT") throw error;
        });
      }
    }
  }

  see(seq: bigint, text: string): void {
    const before = this.seen.get(seq);
    if (before !== undefined && before !== text) {
      throw new Error(`seq ${seq} was given out twice: ${before} and ${text}`);
    }
    this.seen.set(seq, text);
    if (this.fates.get(text) === "refused") throw new Error(`${text} was refused and came back`);
    const promised = this.seqs.get(text);
    if (promised !== undefined && promised !== seq) {
      throw new Error(`${text} was acknowledged as ${promised} and came as ${seq}`);
    }
  }

  turns(count: number): Promise<void> {
    let left = Math.floor(this.random() * count);
    return new Promise((resolve) => {
      const turn = () => (left-- > 0 ? setImmediate(turn) : resolve());
      turn();
    });
  }

  async live(journal: Journal, round: number): Promise<void> {
    const life = new AbortController();
    this.disk.fault = this.faultsFor(round);
    const failures: unknown[] = [];
    void this.read(journal, life.signal).catch((error: unknown) => failures.push(error));
    for (let step = 0; step < 12; step++) {
      void this.append(journal);
      if (this.random() < 0.3) this.clock.advance(500);
      await this.turns(12);
    }
    if (this.random() < 0.5) this.disk.kill();
    else this.disk.losePower();
    life.abort();
    await this.turns(5);
    if (failures.length > 0) throw new Error(`the reader failed: ${String(failures[0])}`);
  }

  /** Everything acknowledged and not released is there, once, in order, and nothing that was refused. */
  async check(journal: Journal): Promise<void> {
    const found: string[] = [];
    let last = 0n;
    const { lastSeq, pendingBytes } = journal.status();
    let leftBytes = pendingBytes;
    if (leftBytes > 0) {
      for await (const segment of journal.segments(new AbortController().signal)) {
        for (const { seq, text } of await eventsIn(segment)) {
          if (seq <= last) throw new Error(`seq ${seq} came after ${last}`);
          last = seq;
          this.see(seq, text);
          found.push(text);
        }
        leftBytes -= (await segment.bytes()).length;
        if (leftBytes === 0) break;
      }
    }
    for (const [text, fate] of this.fates) {
      if (fate === "acknowledged" && !this.released.has(text) && !found.includes(text)) {
        throw new Error(`${text} was acknowledged as ${this.seqs.get(text)} and is gone`);
      }
      // The process that waited for it is gone. From now on it is there for good, because a reader was given it, or
      // it is not.
      if (fate === "under way") {
        this.fates.set(
          text,
          found.includes(text) || this.released.has(text) ? "acknowledged" : "refused",
        );
      }
    }
    for (const seq of this.seen.keys()) {
      if (seq > lastSeq) throw new Error(`seq ${seq} was seen and is above ${lastSeq} now`);
    }
  }
}

test(`in ${seedCount} histories of faults, kills and power losses nothing acknowledged is lost, nothing refused returns`, async () => {
  const start = firstSeed ?? Math.floor(performance.timeOrigin) % 1_000_000;
  const seeds =
    firstSeed === undefined
      ? Array.from({ length: seedCount }, (_, index) => start + index)
      : [start];
  let acknowledged = 0;
  let refused = 0;
  for (const seed of seeds) {
    const world = new World(seed);
    try {
      for (let round = 0; round < 6; round++) {
        const journal = await world.open();
        await world.check(journal);
        await world.live(journal, round);
      }
      await world.check(await world.open());
    } catch (cause) {
      throw new Error(`SEED=${seed}: ${String(cause)}`, { cause });
    }
    for (const fate of world.fates.values()) {
      if (fate === "acknowledged") acknowledged += 1;
      if (fate === "refused") refused += 1;
    }
  }
  // The simulation is worth something only where both happen.
  expect(acknowledged).toBeGreaterThan(seeds.length * 10);
  expect(refused).toBeGreaterThan(seeds.length);
});
