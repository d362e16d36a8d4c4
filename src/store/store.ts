// The store port: indexed events, found by any attribute.
import type { FoundEvent, StoredEvent } from "../event/row.ts";
import type { Segment } from "../journal/journal.ts";

/** Columns that a query may pin to one exact value. */
export type FilterColumn =
  | "eventId"
  | "eventName"
  | "eventSource"
  | "eventType"
  | "readOnly"
  | "userName"
  | "userType"
  | "userArn"
  | "principalId"
  | "accessKeyId"
  | "sourceIp"
  | "errorCode"
  | "region"
  | "recipientAccount"
  | "resourceType"
  | "resourceName";

/** The place of an event in the order (event time, event id, seq). */
export interface EventKey {
  eventTimeMs: number;
  eventId: string;
  seq: bigint;
}

export interface EventQuery {
  /** Whose events; left out: every account's. */
  ownerAccount?: string;
  /** Both ends inclusive. */
  fromMs?: number;
  toMs?: number;
  /** Any of these categories; left out: all. */
  categories?: readonly string[];
  /** All of these, AND-ed; the same column twice asks for both. */
  equals?: readonly { column: FilterColumn; value: string }[];
  /** A text that `raw` must contain, byte for byte. */
  text?: string;
  order: "newest" | "oldest";
  /** Only events up to this `seq`: what a walk pins on its first page. */
  watermark: bigint;
  /** Continue behind this event, in `order`. */
  after?: EventKey;
}

/** What one load did; rows that an earlier, interrupted load of the same segment stored are not counted again. */
export interface LoadOutcome {
  /** Rows that are in the store now and were not before, variants included. */
  stored: number;
  /** Same identity and same bytes as an event that is already there: dropped. */
  duplicates: number;
  /** Same identity, other bytes: kept and flagged. */
  variants: number;
}

export interface StoreStatus {
  /** The last `seq` of the longest prefix of the log that is loaded or recorded as dropped. */
  watermark: bigint;
  eventCount: number;
  diskBytes: number;
}

/**
 * Promises that every driver keeps (store.contract.ts):
 * - `load` is durable and visible when it resolves, and idempotent: a segment loaded again, wholly or in part, stores
 *   nothing twice. Segments are loaded one at a time, in order, by one indexer.
 * - The first event of an identity (owner account, event time, event id) wins: exact duplicates never become visible,
 *   others with that identity are kept and flagged as variants. Rows never change.
 * - No reader sees an event above the watermark it asked with, and none below it is missed.
 * - Order is (event time, event id as UTF-8 bytes, seq).
 */
export interface Store {
  load(segment: Segment): Promise<LoadOutcome>;
  watermark(): bigint;
  /** Resolves once the watermark is at `seq` or above; rejects with the signal's reason. */
  reached(seq: bigint, signal?: AbortSignal): Promise<void>;
  /** At most `limit` events. */
  find(query: EventQuery, limit: number, signal?: AbortSignal): Promise<FoundEvent[]>;
  /** The whole result in batches, as it is found; stops when the signal aborts or the consumer leaves. */
  stream(query: EventQuery, signal?: AbortSignal): AsyncIterable<FoundEvent[]>;
  /** Up to about `limit` whole events with `seq` above the cursor, in `seq` order, and the cursor behind them. */
  follow(cursor: bigint, limit: number): Promise<{ events: StoredEvent[]; cursor: bigint }>;
  /**
   * What became of the log from `first` to `last`, both inclusive, of one owner: `stored` events are there, `variants` of
   * them flagged; the others were exact duplicates (or retention has deleted them since). Ask once `last` is reached.
   */
  countStored(
    ownerAccount: string,
    first: bigint,
    last: bigint,
  ): Promise<{ stored: number; variants: number }>;
  /** Deletes rows kept long enough at `nowMs` and with `seq` at or below `seqMax`; how many went. */
  deleteExpired(nowMs: number, seqMax: bigint): Promise<number>;
  status(): Promise<StoreStatus>;
  close(): Promise<void>;
}
