// The journal port: where an event is durable before anyone is told that it was accepted.
import type { RowBatch } from "../event/row.ts";

export interface AppendReceipt {
  /** The `seq` of the batch's first event; the others follow without a gap. */
  firstSeq: bigint;
  count: number;
}

/** A run of events that no append will touch again, ready for the store. */
export interface Segment {
  firstSeq: bigint;
  /** `firstSeq + count - 1`: inside a segment there is no gap. Between two there may be one (see below). */
  lastSeq: bigint;
  count: number;
  byteLength: number;
  /** Rows in RowBinary, back to back (event/row.ts). */
  bytes(): Promise<Buffer>;
  /** The same rows as a file, where the driver has one: the store can load it without a copy. */
  path?: string;
}

export interface JournalStatus {
  /** The highest `seq` acknowledged; 0n before the first. */
  lastSeq: bigint;
  /** Bytes of rows that the store has not taken yet. */
  pendingBytes: number;
  /** Why appends are being refused, if they are. */
  refusing?: string;
  /** Damaged segments found at start-up and kept aside for a person to look at. */
  damaged: number;
}

/**
 * Life of a batch: append (assigned `seq`, written, flushed) → segment → loaded by the store → released.
 *
 * Promises that every driver keeps (journal.contract.ts):
 * - When `append` resolves, the batch survives the loss of power; appends called together share one flush.
 * - When `append` rejects, none of the batch will ever come back from `segments`: callers may send it again. While
 *   the driver cannot make sure of that (a drive that fails every write), the append does not settle.
 * - `seq` starts at 1, only grows, and is never used twice, across restarts too. Batches get theirs in the order of
 *   the calls. A batch that was refused may leave a gap.
 * - `segments` yields every acknowledged event, in `seq` order, each at least once until it is released.
 * - A full disk rejects with JournalFull, loses nothing acknowledged, and appends work again once there is room.
 */
export interface Journal {
  /** `batch.bytes` are the journal's until it settles, which keeps nothing of them. Any number may be under way. */
  append(batch: RowBatch): Promise<AppendReceipt>;
  /**
   * Segments in order, oldest first, waiting for the next one to be sealed (64 MiB or 500 ms old, base/limits.ts). While
   * the reader has one in hand, the next may grow older: it is there when the reader comes for it.
   * One reader; one that comes later starts at the oldest that is not released. Ends when the signal aborts or the
   * journal closes, also with segments left: they come at the next start.
   */
  segments(signal: AbortSignal): AsyncIterable<Segment>;
  /** The store holds the segment durably: it may go. Releasing it twice, or after `close`, is no error. */
  release(segment: Segment): Promise<void>;
  status(): JournalStatus;
  /** Seals and flushes what is there, then refuses appends. Closing twice is no error. */
  close(): Promise<void>;
}
