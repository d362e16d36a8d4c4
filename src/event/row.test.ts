// Rows: what is encoded comes back, and damage is seen.
import { crc32c } from "@node-rs/crc32";
import * as fc from "fast-check";
import { expect, test } from "vitest";
import {
  checkRow,
  decodeRow,
  type EventColumns,
  identityTimeMs,
  RowWriter,
  rowColumns,
  rowFlags,
  sealRow,
} from "./row.ts";

// UTF-8 has no lone surrogates: a row cannot keep them, and `raw` has them escaped.
const text = fc
  .oneof(fc.string({ unit: "binary" }), fc.string({ minLength: 100, maxLength: 400 }))
  .map((each) => Buffer.from(each).toString());
/** Any columns: the arbitraries follow the table, so that a new column is tested when it is added. */
const anyColumns = fc.record(
  Object.fromEntries(
    rowColumns.map(([column, , kind]) => [
      column,
      kind === "string"
        ? text
        : kind === "strings"
          ? fc.array(text)
          : kind === "byte"
            ? fc.nat(255)
            : fc.integer({ min: -62_135_596_800_000, max: 9_214_646_400_000 }),
    ]),
  ),
) as unknown as fc.Arbitrary<EventColumns>;

test("every row comes back as it was written, at its place in the batch", () => {
  const rows = fc.array(fc.tuple(anyColumns, fc.uint8Array({ maxLength: 2000 })), {
    minLength: 1,
    maxLength: 5,
  });
  fc.assert(
    fc.property(rows, fc.bigInt({ min: 1n, max: 2n ** 63n }), (all, firstSeq) => {
      const writer = new RowWriter(64);
      for (const [index, [columns, raw]] of all.entries()) {
        // Some are written elsewhere first.
        const other = index % 2 === 1 ? new RowWriter(64) : writer;
        other.write(columns, raw);
        if (other !== writer) writer.append(other.take());
      }
      const { bytes, offsets } = writer.take();
      offsets.forEach((offset, i) => sealRow(bytes, offset, firstSeq + BigInt(i), crc32c));
      let at = 0;
      for (const [i, [columns, raw]] of all.entries()) {
        const seq = firstSeq + BigInt(i);
        expect(decodeRow(bytes, at)).toEqual({ ...columns, seq, raw: Buffer.from(raw) });
        const sealed = checkRow(bytes, at, crc32c);
        expect(sealed?.seq).toBe(seq);
        at = sealed?.end ?? Number.NaN;
      }
      expect(at).toBe(bytes.length);
    }),
  );
});

test("a row with any byte changed or cut off is no row", () => {
  const writer = new RowWriter();
  const [columns] = fc.sample(anyColumns, 1);
  writer.write(columns as EventColumns, Buffer.from("{}"));
  const { bytes } = writer.take();
  sealRow(bytes, 0, 1n, crc32c);
  expect(checkRow(bytes, 0, crc32c)).toBeDefined();
  for (let at = 0; at < bytes.length; at++) {
    expect(checkRow(bytes.subarray(0, at), 0, crc32c)).toBeUndefined();
    const damaged = Buffer.from(bytes);
    damaged[at] = (damaged[at] as number) ^ 0x40;
    expect(checkRow(damaged, 0, crc32c)).toBeUndefined();
  }
});

test("events without a usable time share one place in time when identities are compared", () => {
  expect(identityTimeMs({ eventTimeMs: 5, flags: rowFlags.imported })).toBe(5);
  expect(identityTimeMs({ eventTimeMs: 5, flags: rowFlags.timeUnreadable })).toBe(0);
});
