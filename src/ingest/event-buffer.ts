// Events that nobody waits for: a bounded buffer between best-effort doors and the journal.
//
//   enqueue ─► writing ─(50 ms, or 256 kB)─► under way ─► durable
//                                              └─ refused: kept, tried again; meanwhile the buffer may fill up, and
//                                                 events that find it full are dropped and counted
//
// All three places together hold at most `ingestBufferBytesMax`: that is what a crash can lose.
import type { Clock, Timer } from "../base/clock.ts";
import {
  ingestBufferBytesMax,
  ingestFlushBytes,
  ingestFlushIntervalMs,
  ingestRetryMs,
} from "../base/limits.ts";
import type { Log } from "../base/log.ts";
import { type EventColumns, type RowBatch, RowWriter } from "../event/row.ts";
import type { Journal } from "../journal/journal.ts";

export interface EventBufferOptions {
  journal: Journal;
  clock: Clock;
  log: Log;
  /** Called when so many events have become durable. */
  onDurable(count: number): void;
  bytesMax?: number;
}

export class EventBuffer {
  readonly #options: EventBufferOptions;
  readonly #bytesMax: number;
  readonly #writer = new RowWriter(64 * 1024);
  /** Handed to the journal, or refused by it and waiting for the next try. */
  #batch: RowBatch | undefined;
  #timer: Timer | undefined;
  #draining: Promise<void> | undefined;
  #refused = false;
  #takenCount = 0;
  #durableCount = 0;

  constructor(options: EventBufferOptions) {
    this.#options = options;
    this.#bytesMax = options.bytesMax ?? ingestBufferBytesMax;
  }

  /** Events that are not durable yet. */
  get count(): number {
    return this.#takenCount - this.#durableCount;
  }

  /** False: there is no room. */
  add(columns: EventColumns, raw: Buffer): boolean {
    // The columns' part of a row is small and known only once it is written: it may overshoot the bound by one row.
    if (!this.#hasRoom(raw.length)) return false;
    this.#writer.write(columns, raw);
    this.#taken(1);
    return true;
  }

  /** How many of them were taken, from the first on: there is no room for the others. */
  addRows({ bytes, offsets }: RowBatch): number {
    let count = offsets.length;
    const end = () => offsets[count] ?? bytes.length;
    while (count > 0 && !this.#hasRoom(end())) count--;
    if (count === 0) return 0;
    this.#writer.append({ bytes: bytes.subarray(0, end()), offsets: offsets.slice(0, count) });
    this.#taken(count);
    return count;
  }

  #hasRoom(count: number): boolean {
    const held = this.#writer.byteLength + (this.#batch?.bytes.length ?? 0);
    return held + count <= this.#bytesMax;
  }

  #taken(count: number): void {
    this.#takenCount += count;
    if (this.#refused) return;
    if (this.#writer.byteLength >= ingestFlushBytes) this.#drainSoon();
    else if (this.#timer === undefined) this.#drainAfter(ingestFlushIntervalMs);
  }

  #drainAfter(delayMs: number): void {
    this.#timer = this.#options.clock.after(delayMs, () => {
      // Also where a drain is under way: it does not see this timer, and a spent one would keep a new one from being set.
      this.#timer = undefined;
      this.#drainSoon();
    });
  }

  /** Resolves when all that was added before is durable; rejects when the journal refuses it. */
  async flush(): Promise<void> {
    const target = this.#takenCount;
    while (this.#durableCount < target) {
      // A drain under way may have begun before the events in question came.
      await (this.#draining ?? this.#startDrain());
    }
  }

  /** Stops trying. How many events are given up. */
  abandon(): number {
    this.#timer?.cancel();
    return this.count;
  }

  #drainSoon(): void {
    // Its failure is told by `#drain`; the events are kept.
    this.#startDrain().catch(() => undefined);
  }

  #startDrain(): Promise<void> {
    this.#draining ??= this.#drain().finally(() => {
      this.#draining = undefined;
    });
    return this.#draining;
  }

  async #drain(): Promise<void> {
    this.#timer?.cancel();
    this.#timer = undefined;
    while (this.#batch !== undefined || this.#writer.count > 0) {
      this.#batch ??= this.#writer.take();
      const batch = this.#batch;
      try {
        await this.#options.journal.append(batch);
      } catch (error) {
        this.#onRefused(error);
        throw error;
      }
      this.#batch = undefined;
      this.#durableCount += batch.offsets.length;
      this.#options.onDurable(batch.offsets.length);
      if (this.#refused) this.#options.log.info("the journal takes events again");
      this.#refused = false;
    }
  }

  #onRefused(error: unknown): void {
    if (!this.#refused) {
      this.#options.log.error({ err: error }, "the journal refuses events: they wait in memory");
    }
    this.#refused = true;
    this.#timer?.cancel();
    this.#drainAfter(ingestRetryMs);
  }
}
