// The event row as chDB reads it from a segment file and hands it back: one list of columns, both ways.
import { assert } from "../../base/assert.ts";
import { type EventColumns, rowColumns, type StoredEvent } from "../../event/row.ts";

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

/** What a reader selects, in the order that `decodeRows` reads. */
export const readColumns = `seq, ${journalColumns}, variant, raw`;

/** Rows that chDB has written as RowBinary with `readColumns`. */
export function decodeRows(bytes: Buffer): StoredEvent[] {
  const events: StoredEvent[] = [];
  let at = 0;
  const varint = () => {
    let value = 0;
    for (let scale = 1; ; scale *= 128) {
      const byte = bytes[at++];
      assert(byte !== undefined, "chDB ends a row after its last column");
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return value;
    }
  };
  const string = () => {
    const length = varint();
    at += length;
    return length === 0 ? "" : bytes.toString("utf8", at - length, at);
  };
  while (at < bytes.length) {
    const seq = bytes.readBigUInt64LE(at);
    at += 8;
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
    const variant = bytes[at++] === 1;
    const length = varint();
    // A copy: one event that somebody keeps must not keep the whole page.
    const raw = Buffer.from(bytes.subarray(at, at + length));
    at += length;
    events.push({ ...(columns as unknown as EventColumns), seq, variant, raw });
  }
  assert(at === bytes.length, "chDB ends its answer with a whole row");
  return events;
}
