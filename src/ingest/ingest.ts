// The one way in: every event passes here, is durable before it is acknowledged, and is counted.
import type { ErrorCode } from "../base/errors.ts";
import type { RowTimes } from "../event/read.ts";
import type { RejectionCode } from "../event/rejection.ts";
import type { RowBatch } from "../event/row.ts";
import type { AppendReceipt } from "../journal/journal.ts";

export interface IngestContext {
  /** The account the events are recorded or imported for. */
  ownerAccount: string;
  /** Imported events may be of any age; live ones need a readable time (base/limits.ts). */
  origin: "live" | "import";
  /**
   * What stands between records: line feeds (NDJSON, the default), or a record separator, 0x1E, before each one (JSON text
   * sequences, RFC 7464), for records that have line feeds of their own.
   */
  separator?: "newline" | "record-separator";
}

export interface LineError {
  /** Counted from 1, empty lines too; in a JSON text sequence, the record. */
  line: number;
  /** A stable word for what is wrong, e.g. `DuplicateMember`. */
  code: RejectionCode;
  message: string;
}

export interface IngestFailure {
  /** This line and all behind it were not taken; all before it are settled. */
  fromLine: number;
  code: ErrorCode;
  message: string;
}

export interface IngestReport {
  /** Lines that held anything but white space, up to where it failed: `accepted` and `rejected` together. */
  received: number;
  /** Durable now. */
  accepted: number;
  rejected: LineError[];
  /** Where the accepted events stand, in the order of their lines; a run of them has no gap. */
  ranges: AppendReceipt[];
  /** The `seq` of the last accepted event, once there is one: searchable when the watermark has reached it. */
  lastSeq?: bigint;
  /**
   * The journal refused the rest. Sending the whole body again is safe: what is already durable is dropped as a duplicate.
   */
  failed?: IngestFailure;
}

/** Since the start. */
export interface IngestCounters {
  /** Events that are durable. */
  accepted: number;
  /** Refused records, by reason. */
  rejected: Partial<Record<RejectionCode, number>>;
  /** Best-effort events that found the buffer full, or were still in it when it had to be given up. */
  dropped: number;
}

export interface Ingest {
  readonly counters: Readonly<IngestCounters>;
  /**
   * Many records. Resolves when every accepted event is durable, and also when some were refused or the journal stopped
   * taking them: the report accounts for each line.
   */
  acceptLines(body: Uint8Array, context: IngestContext): Promise<IngestReport>;
  /** One record, built by a door of our own. Resolves when it is durable; rejects when it is not and never will be. */
  record(event: Buffer, ownerAccount: string): Promise<void>;
  /**
   * One record that nobody waits for: durable within the flush interval and one flush. A crash loses at most what has not
   * been flushed (base/limits.ts, ingestBufferBytesMax). False: the event was not taken (counted).
   */
  enqueue(event: Buffer, ownerAccount: string): boolean;
  /**
   * The same for the rows of live records that a thread of a door has read, with `rowTimes`. How many were taken, from the
   * first on.
   */
  enqueueRows(rows: RowBatch): number;
  /** Of live records that come in now. */
  rowTimes(): RowTimes;
  /** Resolves when all that was enqueued before is durable; rejects when the journal refuses it (it is kept and tried again). */
  flush(): Promise<void>;
  /** Flushes and stops taking events. What the journal refuses now is dropped and counted. */
  close(): Promise<void>;
}
