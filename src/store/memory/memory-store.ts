// The store in memory: the reference that says what a store does, for tests and simulations.
import { assert } from "../../base/assert.ts";
import { CairnError } from "../../base/errors.ts";
import { decodeRow, type FoundEvent, identityTimeMs, type StoredEvent } from "../../event/row.ts";
import type { Segment } from "../../journal/journal.ts";
import { matchesQuery } from "../match.ts";
import type { EventKey, EventQuery, LoadOutcome, Store, StoreStatus } from "../store.ts";
import { closedError, Watermark } from "../watermark.ts";

export interface MemoryStoreFaults {
  /** Every n-th load fails with StoreUnavailable, half of its rows stored: a crash in the middle. */
  failEvery?: number;
}

export function createMemoryStore(faults: MemoryStoreFaults = {}): MemoryStore {
  return new MemoryStore(faults);
}

const streamBatchEvents = 100;

export class MemoryStore implements Store {
  readonly #faults: MemoryStoreFaults;
  #watermark = new Watermark();
  #bySeq = new Map<bigint, StoredEvent>();
  /** Seqs by identity, so that a load asks only those that matter. */
  #byIdentity = new Map<string, StoredEvent[]>();
  /** Every event in (event time, event id, seq) order; rebuilt when rows have come or gone. */
  #sorted: StoredEvent[] | undefined;
  #loads = 0;
  #closed = false;

  constructor(faults: MemoryStoreFaults = {}) {
    this.#faults = faults;
  }

  async load(segment: Segment): Promise<LoadOutcome> {
    this.#assertOpen();
    const bytes = await segment.bytes();
    const outcome: LoadOutcome = { stored: 0, duplicates: 0, variants: 0 };
    this.#loads += 1;
    const failing =
      this.#faults.failEvery !== undefined && this.#loads % this.#faults.failEvery === 0;
    let rowIndex = 0;
    for (let offset = 0; offset < bytes.length; rowIndex += 1) {
      if (failing && rowIndex >= segment.count / 2) break;
      const event = decodeRow(bytes, offset);
      offset += 4 + bytes.readUInt32LE(offset);
      if (event.seq > this.#watermark.seq) this.#keep(event, outcome);
    }
    if (failing) throw new CairnError("StoreUnavailable", "the store failed as it was told to");
    this.#watermark.advance(segment.lastSeq);
    return outcome;
  }

  /** What becomes of an event depends only on the events with a smaller seq: hence a second load changes nothing. */
  #keep(event: Omit<StoredEvent, "variant">, outcome: LoadOutcome): void {
    if (this.#bySeq.has(event.seq)) return;
    const identity = identityOf(event);
    const stored = this.#byIdentity.get(identity) ?? [];
    const earlier = stored.filter((other) => other.seq < event.seq);
    if (earlier.some((other) => other.raw.equals(event.raw))) {
      outcome.duplicates += 1;
      return;
    }
    const kept: StoredEvent = { ...event, variant: earlier.length > 0 };
    outcome.stored += 1;
    if (kept.variant) outcome.variants += 1;
    this.#bySeq.set(kept.seq, kept);
    this.#byIdentity.set(identity, [...stored, kept]);
    this.#sorted = undefined;
  }

  watermark(): bigint {
    return this.#watermark.seq;
  }

  reached(seq: bigint, signal?: AbortSignal): Promise<void> {
    return this.#watermark.reached(seq, signal);
  }

  async find(query: EventQuery, limit: number, signal?: AbortSignal): Promise<FoundEvent[]> {
    this.#assertOpen();
    signal?.throwIfAborted();
    const found: FoundEvent[] = [];
    for (const event of this.#inOrder(query.order)) {
      if (found.length >= limit) break;
      if (matches(event, query, this.#watermark.seq)) found.push(foundEvent(event));
    }
    return found;
  }

  async *stream(query: EventQuery, signal?: AbortSignal): AsyncGenerator<FoundEvent[]> {
    const { watermark } = this.#pin(query);
    let after = query.after;
    for (;;) {
      const page = await this.find(
        { ...query, watermark, ...(after === undefined ? {} : { after }) },
        streamBatchEvents,
        signal,
      );
      if (page.length === 0) return;
      after = page.at(-1);
      yield page;
    }
  }

  /** A walk must not see what is loaded while it is under way. */
  #pin(query: EventQuery): { watermark: bigint } {
    const own = this.#watermark.seq;
    return { watermark: query.watermark < own ? query.watermark : own };
  }

  async follow(cursor: bigint, limit: number): Promise<{ events: StoredEvent[]; cursor: bigint }> {
    this.#assertOpen();
    assert(limit > 0, "follow asks for at least one event");
    const end = this.#watermark.seq;
    const events = [...this.#bySeq.values()]
      .filter((event) => event.seq > cursor && event.seq <= end)
      .toSorted((a, b) => (a.seq < b.seq ? -1 : 1));
    const page = events.slice(0, limit);
    const last = page.at(-1);
    if (last !== undefined && page.length < events.length) {
      return { events: page, cursor: last.seq };
    }
    return { events: page, cursor: end > cursor ? end : cursor };
  }

  async countStored(
    ownerAccount: string,
    first: bigint,
    last: bigint,
  ): Promise<{ stored: number; variants: number }> {
    this.#assertOpen();
    const end = last < this.#watermark.seq ? last : this.#watermark.seq;
    const events = [...this.#bySeq.values()].filter(
      (event) => event.ownerAccount === ownerAccount && event.seq >= first && event.seq <= end,
    );
    return { stored: events.length, variants: events.filter(({ variant }) => variant).length };
  }

  async deleteExpired(nowMs: number, seqMax: bigint): Promise<number> {
    this.#assertOpen();
    const end = seqMax < this.#watermark.seq ? seqMax : this.#watermark.seq;
    let count = 0;
    for (const event of this.#bySeq.values()) {
      if (event.keepUntilMs > nowMs || event.seq > end) continue;
      this.#remove(event);
      count += 1;
    }
    return count;
  }

  #remove(event: StoredEvent): void {
    this.#bySeq.delete(event.seq);
    const identity = identityOf(event);
    const rest = (this.#byIdentity.get(identity) ?? []).filter((other) => other !== event);
    if (rest.length === 0) this.#byIdentity.delete(identity);
    else this.#byIdentity.set(identity, rest);
    this.#sorted = undefined;
  }

  async status(): Promise<StoreStatus> {
    const end = this.#watermark.seq;
    const events = [...this.#bySeq.values()].filter((event) => event.seq <= end);
    return {
      watermark: end,
      eventCount: events.length,
      diskBytes: 0,
    };
  }

  /** For tests: the state that a crash leaves in the middle of a load. The watermark falls back, `lost` rows go. */
  rewind(watermark: bigint, lost: readonly bigint[]): void {
    for (const seq of lost) {
      const event = this.#bySeq.get(seq);
      if (event !== undefined) this.#remove(event);
    }
    this.#watermark = new Watermark(watermark);
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#watermark.close();
  }

  #assertOpen(): void {
    if (this.#closed) throw closedError();
  }

  *#inOrder(order: EventQuery["order"]): Generator<StoredEvent> {
    const sorted = (this.#sorted ??= [...this.#bySeq.values()].toSorted(compareKeys));
    for (let index = 0; index < sorted.length; index += 1) {
      const event = sorted[order === "oldest" ? index : sorted.length - 1 - index];
      if (event !== undefined) yield event;
    }
  }
}

function foundEvent(event: StoredEvent): FoundEvent {
  const { seq, ownerAccount, eventTimeMs, eventId, ingestTimeMs, variant, raw } = event;
  return { seq, ownerAccount, eventTimeMs, eventId, ingestTimeMs, variant, raw };
}

function identityOf(event: Omit<StoredEvent, "variant">): string {
  return JSON.stringify([event.ownerAccount, identityTimeMs(event), event.eventId]);
}

function compareKeys(a: EventKey, b: EventKey): number {
  if (a.eventTimeMs !== b.eventTimeMs) return a.eventTimeMs - b.eventTimeMs;
  // Bytes, not UTF-16 code units: the two orders differ above U+FFFF.
  const ids = Buffer.compare(Buffer.from(a.eventId), Buffer.from(b.eventId));
  return ids !== 0 ? ids : a.seq < b.seq ? -1 : a.seq > b.seq ? 1 : 0;
}

function matches(event: StoredEvent, query: EventQuery, watermark: bigint): boolean {
  if (event.seq > query.watermark || event.seq > watermark) return false;
  if (query.after !== undefined) {
    const order = compareKeys(event, query.after);
    if (query.order === "newest" ? order >= 0 : order <= 0) return false;
  }
  return matchesQuery(event, query);
}
