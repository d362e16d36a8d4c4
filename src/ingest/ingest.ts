// The one way in: every event passes here, is durable before it is acknowledged, and is counted.

export interface IngestContext {
  /** The account the events are recorded or imported for. */
  ownerAccount: string;
  /** Imported events may be of any age; live ones need a readable time (base/limits.ts). */
  origin: "live" | "import";
}

export interface LineError {
  /** Counted from 1. */
  line: number;
  /** A stable word for what is wrong, e.g. `DuplicateMember`. */
  code: string;
  message: string;
}

export interface IngestReport {
  /** Lines that held anything but white space. */
  received: number;
  /** Durable now. */
  accepted: number;
  rejected: LineError[];
  /** The `seq` of the last accepted event, once there is one: searchable when the watermark has reached it. */
  lastSeq?: bigint;
}

export interface Ingest {
  /** NDJSON, one record a line. Resolves when every accepted event is durable. */
  acceptLines(body: Uint8Array, context: IngestContext): Promise<IngestReport>;
  /** One record, built by a door of our own. Resolves when it is durable. */
  record(event: Buffer, ownerAccount: string): Promise<void>;
  /**
   * One record that nobody waits for: durable within the flush interval. False: the buffer is full and the event was
   * not taken (counted).
   */
  enqueue(event: Buffer, ownerAccount: string): boolean;
  /** Waits for what was enqueued. */
  flush(): Promise<void>;
  close(): Promise<void>;
}
