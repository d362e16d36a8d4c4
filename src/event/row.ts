// The event row: what the journal writes, the store loads and every reader gets back.
//
// A row is ClickHouse RowBinary, so that the store can load a segment file without parsing JSON:
//
//   ┌────────────┬────────────┬──────────┬───────────────────────────────┬──────────┐
//   │ length u32 │ crc32c u32 │ seq u64  │ the columns below, in order   │ raw      │   little endian
//   └────────────┴────────────┴──────────┴───────────────────────────────┴──────────┘
//                └ length counts from here    └ crc covers from seq to the end of raw
//
// Strings are a LEB128 length and bytes; string arrays a LEB128 count and strings; times are Int64 milliseconds.
// Adding a column is a new `rowVersion`; a reader for the old one ships first.
import { assert } from "../base/assert.ts";

export const rowVersion = 1;

/** Bits of `EventColumns.flags`. */
export const rowFlags = {
  /** Imported, not recorded live. */
  imported: 1,
  /**
   * The event's own time could not be used: `eventTimeMs` is its ingest time. That differs from one import to the next,
   * so it is no part of the event's identity (`identityTimeMs`).
   */
  timeUnreadable: 2,
  /** The record has no usable eventID: `eventId` was made from its content. */
  idFromContent: 4,
} as const;

/** What lookups and selectors may ask of an event; the answer to all else is in `raw`. */
export interface EventColumns {
  /** The account that the event was recorded or imported for: it decides who may see it. */
  ownerAccount: string;
  eventTimeMs: number;
  eventId: string;
  eventSource: string;
  eventName: string;
  /** `Management`, `Data`, `NetworkActivity`, `Insight` or `ActivityAuditLog`. */
  eventCategory: string;
  eventType: string;
  /** `true`, `false`, or empty where the record does not say. */
  readOnly: string;
  region: string;
  recipientAccount: string;
  userType: string;
  userArn: string;
  principalId: string;
  /** As LookupEvents derives it (docs: CloudTrail API reference, Event.Username). */
  userName: string;
  accessKeyId: string;
  sourceIp: string;
  errorCode: string;
  vpcEndpointId: string;
  /** `true` or empty. */
  sessionFromConsole: string;
  /** The resources that LookupEvents shows; `lookupResourceTypes[i]` belongs to `lookupResourceNames[i]`. */
  lookupResourceTypes: string[];
  lookupResourceNames: string[];
  /** The record's own `resources` member, for selectors. */
  resourcesType: string[];
  resourcesArn: string[];
  ingestTimeMs: number;
  /** When retention may delete the row; `keepForeverMs` for never. */
  keepUntilMs: number;
  flags: number;
}

/** A stored event, whole. */
export interface StoredEvent extends EventColumns {
  seq: bigint;
  /** Same identity as an earlier event, other bytes. */
  variant: boolean;
  /** The accepted JSON, byte for byte. */
  raw: Buffer;
}

/** What a search gives back: where the event is kept, and its bytes, which say the rest (`shownColumns` of read.ts). */
export type FoundEvent = Pick<
  StoredEvent,
  "seq" | "ownerAccount" | "eventTimeMs" | "eventId" | "ingestTimeMs" | "variant" | "raw"
>;

/**
 * The time in an event's identity (owner account, event time, event id). Events whose own time cannot be used share one,
 * so that importing such a record again finds it.
 */
export function identityTimeMs(columns: Pick<EventColumns, "eventTimeMs" | "flags">): number {
  return (columns.flags & rowFlags.timeUnreadable) === 0 ? columns.eventTimeMs : 0;
}

/** The last millisecond that DateTime64(3) holds and every reader prints alike: the end of year 2261. */
export const keepForeverMs = Date.UTC(2261, 11, 31);

type ColumnKind = "string" | "strings" | "time" | "byte";
type ColumnName = keyof EventColumns;

/** The columns in row order: our name, the store's column name, how it is written. */
export const rowColumns = [
  ["ownerAccount", "owner_account", "string"],
  ["eventTimeMs", "event_time", "time"],
  ["eventId", "event_id", "string"],
  ["eventSource", "event_source", "string"],
  ["eventName", "event_name", "string"],
  ["eventCategory", "event_category", "string"],
  ["eventType", "event_type", "string"],
  ["readOnly", "read_only", "string"],
  ["region", "region", "string"],
  ["recipientAccount", "recipient_account", "string"],
  ["userType", "user_type", "string"],
  ["userArn", "user_arn", "string"],
  ["principalId", "principal_id", "string"],
  ["userName", "user_name", "string"],
  ["accessKeyId", "access_key_id", "string"],
  ["sourceIp", "source_ip", "string"],
  ["errorCode", "error_code", "string"],
  ["vpcEndpointId", "vpc_endpoint_id", "string"],
  ["sessionFromConsole", "session_from_console", "string"],
  ["lookupResourceTypes", "lookup_resource_types", "strings"],
  ["lookupResourceNames", "lookup_resource_names", "strings"],
  ["resourcesType", "resources_type", "strings"],
  ["resourcesArn", "resources_arn", "strings"],
  ["ingestTimeMs", "ingest_time", "time"],
  ["keepUntilMs", "keep_until", "time"],
  ["flags", "flags", "byte"],
] as const satisfies readonly (readonly [ColumnName, string, ColumnKind])[];

const headerBytes = 8;
const seqOffset = headerBytes;
const columnsOffset = headerBytes + 8;

/** Rows written one behind the other, still without `seq` and checksum: `sealRow` adds those at append. */
export interface RowBatch {
  bytes: Buffer;
  /** Where each row starts in `bytes`. */
  offsets: number[];
}

const emptyBytes = Buffer.alloc(0);
/** Texts up to here are tried byte by byte; their length takes one byte. */
const asciiLengthMax = 48;

/** Collects encoded rows in one growing buffer. */
export class RowWriter {
  #bytes: Buffer;
  /** Reserved with the first row: a writer that is only taken from once needs no second buffer. */
  #initialBytes: number;
  #length = 0;
  #offsets: number[] = [];

  /** Its first buffer, or how long that is to be. */
  constructor(initial: SharedArrayBuffer | number = 256 * 1024) {
    this.#bytes = typeof initial === "number" ? emptyBytes : Buffer.from(initial);
    this.#initialBytes = typeof initial === "number" ? initial : initial.byteLength;
  }

  get byteLength(): number {
    return this.#length;
  }

  get count(): number {
    return this.#offsets.length;
  }

  write(columns: EventColumns, raw: Uint8Array): void {
    const start = this.#length;
    this.#offsets.push(start);
    this.#reserve(columnsOffset);
    this.#bytes.fill(0, start, start + columnsOffset);
    this.#length += columnsOffset;
    for (const [name, , kind] of rowColumns) {
      const value = columns[name];
      if (kind === "string") this.#string(value as string);
      else if (kind === "time") this.#time(value as number);
      else if (kind === "byte") this.#byte(value as number);
      else this.#strings(value as string[]);
    }
    this.#varint(raw.length);
    this.#reserve(raw.length);
    this.#bytes.set(raw, this.#length);
    this.#length += raw.length;
    this.#bytes.writeUInt32LE(this.#length - start - 4, start);
  }

  /** Rows that were written elsewhere, behind those so far. */
  append({ bytes, offsets }: RowBatch): void {
    this.#reserve(bytes.length);
    for (const offset of offsets) this.#offsets.push(this.#length + offset);
    this.#bytes.set(bytes, this.#length);
    this.#length += bytes.length;
  }

  /** The rows so far; the writer starts afresh. */
  take(): RowBatch {
    const batch = { bytes: this.#bytes.subarray(0, this.#length), offsets: this.#offsets };
    this.#initialBytes = Math.max(this.#length, 64 * 1024);
    this.#bytes = emptyBytes;
    this.#length = 0;
    this.#offsets = [];
    return batch;
  }

  #string(value: string): void {
    // A code unit needs three bytes of UTF-8 at most; the length in front is written once it is known.
    const worst = value.length * 3;
    this.#reserve(worst + 5);
    if (value.length <= asciiLengthMax && this.#ascii(value)) return;
    if (worst < 128) {
      const written = this.#bytes.write(value, this.#length + 1, "utf8");
      this.#bytes[this.#length] = written;
      this.#length += 1 + written;
      return;
    }
    const size = Buffer.byteLength(value);
    this.#varint(size);
    this.#length += this.#bytes.write(value, this.#length, "utf8");
  }

  /** Short texts, which columns mostly are, cost less byte by byte than one call into the engine. */
  #ascii(value: string): boolean {
    const bytes = this.#bytes;
    const start = this.#length + 1;
    for (let index = 0; index < value.length; index++) {
      const code = value.charCodeAt(index);
      if (code > 0x7f) return false;
      bytes[start + index] = code;
    }
    bytes[start - 1] = value.length;
    this.#length = start + value.length;
    return true;
  }

  #strings(values: string[]): void {
    this.#varint(values.length);
    for (const value of values) this.#string(value);
  }

  #time(valueMs: number): void {
    this.#reserve(8);
    // Two halves: writeBigInt64LE would make a BigInt for each time of each event.
    const high = Math.floor(valueMs / 0x1_0000_0000);
    this.#bytes.writeUInt32LE(valueMs - high * 0x1_0000_0000, this.#length);
    this.#bytes.writeInt32LE(high, this.#length + 4);
    this.#length += 8;
  }

  #byte(value: number): void {
    this.#reserve(1);
    this.#bytes[this.#length++] = value;
  }

  #varint(value: number): void {
    this.#reserve(5);
    let rest = value;
    while (rest >= 0x80) {
      this.#bytes[this.#length++] = (rest & 0x7f) | 0x80;
      rest >>>= 7;
    }
    this.#bytes[this.#length++] = rest;
  }

  #reserve(count: number): void {
    if (this.#length + count <= this.#bytes.length) return;
    const size = Math.max(this.#initialBytes, this.#bytes.length * 2, this.#length + count);
    // Never from the shared pool: the rows may be handed to another thread.
    const grown = Buffer.allocUnsafeSlow(size);
    this.#bytes.copy(grown, 0, 0, this.#length);
    this.#bytes = grown;
  }
}

/** Writes a row's place in the log and its checksum, in place. `crc32c` is given by the caller: it is native. */
export function sealRow(
  bytes: Buffer,
  offset: number,
  seq: bigint,
  crc32c: (bytes: Buffer) => number,
): void {
  const end = offset + 4 + bytes.readUInt32LE(offset);
  bytes.writeBigUInt64LE(seq, offset + seqOffset);
  bytes.writeUInt32LE(crc32c(bytes.subarray(offset + seqOffset, end)), offset + 4);
}

export interface SealedRow {
  seq: bigint;
  /** Where the next row starts. */
  end: number;
}

/** Checks the row at `offset`. Undefined: what stands there is not a whole row that was once sealed. */
export function checkRow(
  bytes: Buffer,
  offset: number,
  crc32c: (bytes: Buffer) => number,
): SealedRow | undefined {
  if (offset + columnsOffset > bytes.length) return undefined;
  const end = offset + 4 + bytes.readUInt32LE(offset);
  if (end > bytes.length || end < offset + columnsOffset) return undefined;
  if (bytes.readUInt32LE(offset + 4) !== crc32c(bytes.subarray(offset + seqOffset, end)))
    return undefined;
  return { seq: bytes.readBigUInt64LE(offset + seqOffset), end };
}

/** Reads the row at `offset`, which `checkRow` has found whole. */
export function decodeRow(bytes: Buffer, offset: number): Omit<StoredEvent, "variant"> {
  const seq = bytes.readBigUInt64LE(offset + seqOffset);
  let at = offset + columnsOffset;
  const varint = () => {
    let value = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = bytes[at++];
      assert(byte !== undefined, "a row ends after its columns");
      value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) return value;
    }
  };
  const string = () => {
    const length = varint();
    at += length;
    return bytes.toString("utf8", at - length, at);
  };
  const columns: Record<string, unknown> = {};
  for (const [name, , kind] of rowColumns) {
    if (kind === "string") columns[name] = string();
    else if (kind === "strings") columns[name] = Array.from({ length: varint() }, string);
    else if (kind === "byte") columns[name] = bytes[at++];
    else {
      columns[name] = bytes.readInt32LE(at + 4) * 0x1_0000_0000 + bytes.readUInt32LE(at);
      at += 8;
    }
  }
  const length = varint();
  const raw = Buffer.from(bytes.subarray(at, at + length));
  return { ...(columns as unknown as EventColumns), seq, raw };
}
