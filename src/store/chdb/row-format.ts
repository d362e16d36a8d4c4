// The event row as chDB reads it from a segment file and hands it back: one list of columns, both ways.
import { assert } from "../../base/assert.ts";
import {
  type EventColumns,
  type FoundEvent,
  rowColumns,
  type StoredEvent,
} from "../../event/row.ts";

const typeOf = {
  string: "String",
  strings: "Array(String)",
  time: "DateTime64(3, 'UTC')",
  byte: "UInt8",
} as const;

/** What stands in a segment file, for `file(…, 'RowBinary', …)`. Length and checksum are the journal's business. */
export const segmentStructure = [
  "length UInt32",
  "crc UInt32",
  "seq UInt64",
  ...rowColumns.map(([, column, kind]) => `${column} ${typeOf[kind]}`),
  "raw String",
].join(", ");

const journalColumns = rowColumns.map(([, column]) => column).join(", ");

/** What a segment gives to the table; `variant` stands between. */
export const loadColumns = { before: `seq, ${journalColumns}`, after: "raw" };

/** What a reader of whole events selects, in the order that `decodeRows` reads. */
export const readColumns = `seq, ${journalColumns}, variant, raw`;

/** What a search selects, in the order that `decodeFound` reads: each column costs a lookup a place on disk for each event. */
export const foundColumns = "seq, owner_account, event_time, event_id, ingest_time, variant, raw";

/** Rows that chDB has written as RowBinary with `readColumns`. */
export function decodeRows(bytes: Buffer): StoredEvent[] {
  return decode(bytes, (row) => {
    const seq = row.number();
    const columns: Record<string, unknown> = {};
    for (const [name, , kind] of rowColumns) columns[name] = readers[kind](row);
    const variant = row.byte() === 1;
    return { ...(columns as unknown as EventColumns), seq, variant, raw: row.bytes() };
  });
}

/** Rows that chDB has written as RowBinary with `foundColumns`. */
export function decodeFound(bytes: Buffer): FoundEvent[] {
  return decode(bytes, (row) => ({
    seq: row.number(),
    ownerAccount: row.string(),
    eventTimeMs: row.time(),
    eventId: row.string(),
    ingestTimeMs: row.time(),
    variant: row.byte() === 1,
    raw: row.bytes(),
  }));
}

const readers = {
  string: (row: RowReader) => row.string(),
  strings: (row: RowReader) => Array.from({ length: row.varint() }, () => row.string()),
  time: (row: RowReader) => row.time(),
  byte: (row: RowReader) => row.byte(),
} as const;

function decode<Event>(bytes: Buffer, readRow: (row: RowReader) => Event): Event[] {
  const row = new RowReader(bytes);
  const events: Event[] = [];
  while (row.at < bytes.length) events.push(readRow(row));
  assert(row.at === bytes.length, "chDB ends its answer with a whole row");
  return events;
}

/** Reads RowBinary, value by value. */
class RowReader {
  readonly #bytes: Buffer;
  at = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  byte(): number {
    const byte = this.#bytes[this.at++];
    assert(byte !== undefined, "chDB ends a row after its last column");
    return byte;
  }

  varint(): number {
    let value = 0;
    for (let scale = 1; ; scale *= 128) {
      const byte = this.byte();
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return value;
    }
  }

  number(): bigint {
    this.at += 8;
    return this.#bytes.readBigUInt64LE(this.at - 8);
  }

  time(): number {
    this.at += 8;
    return (
      this.#bytes.readInt32LE(this.at - 4) * 0x1_0000_0000 + this.#bytes.readUInt32LE(this.at - 8)
    );
  }

  string(): string {
    const length = this.varint();
    this.at += length;
    return length === 0 ? "" : this.#bytes.toString("utf8", this.at - length, this.at);
  }

  /** A copy: one event that somebody keeps must not keep the whole page. */
  bytes(): Buffer {
    const length = this.varint();
    this.at += length;
    return Buffer.from(this.#bytes.subarray(this.at - length, this.at));
  }
}
