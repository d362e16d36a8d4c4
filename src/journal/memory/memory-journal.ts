// The in-memory journal: keeps every promise of the port but power loss, and fails on demand. For tests.
import { crc32c } from "@node-rs/crc32";
import { type Clock, systemClock, type Timer } from "../../base/clock.ts";
import { CairnError } from "../../base/errors.ts";
import { segmentAgeMsMax, segmentBytesMax } from "../../base/limits.ts";
import { type RowBatch, sealRow } from "../../event/row.ts";
import type { AppendReceipt, Journal, JournalStatus, Segment } from "../journal.ts";
import { SegmentQueue } from "../segment-queue.ts";

/** How the world goes wrong. May be changed while the journal runs. */
export interface MemoryJournalFaults {
  /** Every n-th append is refused with JournalUnavailable. */
  failEvery?: number;
  /** How long one flush takes; batches that arrive meanwhile share the next one. */
  latencyMs?: number;
  /** Room for rows not yet released; a batch that does not fit is refused with JournalFull. */
  pendingBytesMax?: number;
  /** Whether `crash` loses what was not yet acknowledged (the default) or finds it written after all. */
  loseUnflushedOnCrash?: boolean;
}

export interface MemoryJournalOptions extends MemoryJournalFaults {
  clock?: Clock;
  segmentBytesMax?: number;
  segmentAgeMsMax?: number;
}

export interface MemoryJournal extends Journal {
  readonly faults: MemoryJournalFaults;
  /** Seals the current segment now, so that a test need not wait for its age. */
  seal(): void;
  /** The process dies here: appends under way never settle. Returns the journal as the next start finds it. */
  crash(): MemoryJournal;
}

export function createMemoryJournal(options: MemoryJournalOptions = {}): MemoryJournal {
  return new Memory(options, 1n, []);
}

interface Append {
  batch: RowBatch;
  resolve: (receipt: AppendReceipt) => void;
  reject: (error: CairnError) => void;
}

class Memory implements MemoryJournal {
  readonly faults: MemoryJournalFaults;
  readonly #options: MemoryJournalOptions;
  readonly #clock: Clock;
  readonly #queue = new SegmentQueue<MemorySegment>();
  #waiting: Append[] = [];
  #flushing: Append[] = [];
  #flushed: Promise<void> | undefined;
  #open:
    | { firstSeq: bigint; count: number; byteLength: number; rows: Buffer[]; age: Timer }
    | undefined;
  #refusing: string | undefined;
  #nextSeq: bigint;
  #pendingBytes = 0;
  #appendCount = 0;
  #state: "open" | "closed" | "crashed" = "open";

  constructor(options: MemoryJournalOptions, nextSeq: bigint, segments: MemorySegment[]) {
    const { failEvery, latencyMs, pendingBytesMax, loseUnflushedOnCrash } = options;
    this.faults = Object.fromEntries(
      Object.entries({ failEvery, latencyMs, pendingBytesMax, loseUnflushedOnCrash }).filter(
        ([, value]) => value !== undefined,
      ),
    );
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.#nextSeq = nextSeq;
    for (const segment of segments) {
      this.#queue.push(segment);
      this.#pendingBytes += segment.byteLength;
    }
  }

  append(batch: RowBatch): Promise<AppendReceipt> {
    if (this.#state !== "open") {
      return Promise.reject(new CairnError("JournalUnavailable", "the journal is closed"));
    }
    this.#appendCount += 1;
    const { failEvery } = this.faults;
    if (failEvery !== undefined && this.#appendCount % failEvery === 0) {
      return Promise.reject(new CairnError("JournalUnavailable", "the journal failed on demand"));
    }
    return new Promise((resolve, reject) => {
      this.#waiting.push({ batch, resolve, reject });
      this.#flushed ??= this.#flush();
    });
  }

  async #flush(): Promise<void> {
    // Not at once, also without latency: what is appended in one turn shares a flush.
    await Promise.resolve();
    while (this.#waiting.length > 0 && this.#state !== "crashed") {
      this.#flushing = this.#waiting;
      this.#waiting = [];
      const { latencyMs } = this.faults;
      if (latencyMs !== undefined) await this.#clock.sleep(latencyMs);
      if (this.#isCrashed()) return;
      for (const append of this.#flushing) this.#commit(append);
      this.#flushing = [];
    }
    this.#flushed = undefined;
  }

  #isCrashed(): boolean {
    return this.#state === "crashed";
  }

  #commit({ batch, resolve, reject }: Append): void {
    const { pendingBytesMax } = this.faults;
    if (
      pendingBytesMax !== undefined &&
      this.#pendingBytes + batch.bytes.length > pendingBytesMax
    ) {
      this.#refusing = `the journal is full (${pendingBytesMax} bytes)`;
      reject(new CairnError("JournalFull", this.#refusing));
      return;
    }
    this.#refusing = undefined;
    resolve(this.#write(batch));
  }

  #write(batch: RowBatch): AppendReceipt {
    const firstSeq = this.#nextSeq;
    const count = batch.offsets.length;
    batch.offsets.forEach((offset, index) => {
      sealRow(batch.bytes, offset, firstSeq + BigInt(index), crc32c);
    });
    this.#nextSeq += BigInt(count);
    if (count === 0) return { firstSeq, count };
    const ageMsMax = this.#options.segmentAgeMsMax ?? segmentAgeMsMax;
    this.#open ??= {
      firstSeq,
      count: 0,
      byteLength: 0,
      rows: [],
      age: this.#clock.after(ageMsMax, () => this.seal()),
    };
    this.#open.count += count;
    this.#open.rows.push(Buffer.from(batch.bytes));
    this.#pendingBytes += batch.bytes.length;
    this.#open.byteLength += batch.bytes.length;
    if (this.#open.byteLength >= (this.#options.segmentBytesMax ?? segmentBytesMax)) this.seal();
    return { firstSeq, count };
  }

  seal(): void {
    if (this.#open === undefined) return;
    const { firstSeq, count, rows, age } = this.#open;
    age.cancel();
    this.#open = undefined;
    this.#queue.push(new MemorySegment(firstSeq, count, Buffer.concat(rows)));
  }

  segments(signal: AbortSignal): AsyncIterable<Segment> {
    return this.#queue.read(signal);
  }

  release(segment: Segment): Promise<void> {
    const known = this.#queue.find(segment.firstSeq);
    if (known !== undefined && this.#state === "open") {
      this.#queue.remove(known);
      this.#pendingBytes -= known.byteLength;
    }
    return Promise.resolve();
  }

  status(): JournalStatus {
    const status: JournalStatus = {
      lastSeq: this.#nextSeq - 1n,
      pendingBytes: this.#pendingBytes,
      damaged: 0,
    };
    if (this.#refusing !== undefined) status.refusing = this.#refusing;
    return status;
  }

  async close(): Promise<void> {
    if (this.#state !== "open") return;
    this.#state = "closed";
    await this.#flushed;
    this.seal();
    this.#queue.end();
  }

  crash(): MemoryJournal {
    this.#state = "crashed";
    if (this.faults.loseUnflushedOnCrash === false) {
      for (const { batch } of [...this.#flushing, ...this.#waiting]) this.#write(batch);
    }
    this.seal();
    this.#queue.end();
    return new Memory({ ...this.#options, ...this.faults }, this.#nextSeq, [...this.#queue.all]);
  }
}

class MemorySegment implements Segment {
  readonly firstSeq: bigint;
  readonly count: number;
  readonly #bytes: Buffer;

  constructor(firstSeq: bigint, count: number, bytes: Buffer) {
    this.firstSeq = firstSeq;
    this.count = count;
    this.#bytes = bytes;
  }

  get lastSeq(): bigint {
    return this.firstSeq + BigInt(this.count) - 1n;
  }

  get byteLength(): number {
    return this.#bytes.length;
  }

  bytes(): Promise<Buffer> {
    return Promise.resolve(Buffer.from(this.#bytes));
  }
}
