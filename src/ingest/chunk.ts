// A chunk: a run of whole lines, read into rows in one go, on whichever thread.
import { isUtf8 } from "node:buffer";
import { ingestChunkBytes, ingestRejectedLinesMax } from "../base/limits.ts";
import { type ReadContext, readEvent } from "../event/read.ts";
import { type RowBatch, RowWriter } from "../event/row.ts";
import type { IngestContext, LineError } from "./ingest.ts";

export type Separator = NonNullable<IngestContext["separator"]>;

export interface ReadChunk {
  batch: RowBatch;
  /** Lines of the chunk, empty ones too. */
  lineCount: number;
  rejected: LineError[];
  /** The line that was one rejection too many: it and those behind it were not read. */
  stoppedAtLine?: number;
}

const lineFeed = 0x0a;
const carriageReturn = 0x0d;
const recordSeparator = 0x1e;

/** Cuts a body into runs of whole lines, each about `ingestChunkBytes` long. */
export function* splitChunks(body: Uint8Array, separator: Separator): Generator<Uint8Array> {
  const mark = separator === "newline" ? lineFeed : recordSeparator;
  let from = skipByteOrderMark(body);
  while (from < body.length) {
    const to = chunkEnd(body, from, mark);
    yield body.subarray(from, to);
    from = to;
  }
}

/** A byte order mark at the start belongs to the file that the body was, not to its first record. */
function skipByteOrderMark(body: Uint8Array): number {
  return body[0] === 0xef && body[1] === 0xbb && body[2] === 0xbf ? 3 : 0;
}

function chunkEnd(body: Uint8Array, from: number, mark: number): number {
  if (body.length - from <= ingestChunkBytes) return body.length;
  // A line feed ends its line; a record separator begins its record.
  const behind = mark === lineFeed ? 1 : 0;
  const last = body.lastIndexOf(mark, from + ingestChunkBytes - 1);
  if (last + behind > from) return last + behind;
  const next = body.indexOf(mark, from + ingestChunkBytes);
  return next < 0 ? body.length : next + behind;
}

/** Bytes that the rows of a chunk take, as a rule: columns add about a third to a record. */
export function rowBytesOf(chunkBytes: number): number {
  return Math.ceil(chunkBytes * 1.5);
}

/** Reads every line of a chunk into `rows`, or more room where that is short. Never throws for what is in the chunk. */
export function readChunk(
  chunk: Buffer,
  separator: Separator,
  context: ReadContext,
  rows: SharedArrayBuffer | number = rowBytesOf(chunk.length),
): ReadChunk {
  const newlines = separator === "newline";
  const mark = newlines ? lineFeed : recordSeparator;
  // Checked once for all; where it fails, line by line, to say which.
  const knownUtf8 = isUtf8(chunk);
  const writer = new RowWriter(rows);
  const rejected: LineError[] = [];
  let line = 0;
  let from = 0;
  while (from < chunk.length) {
    const found = chunk.indexOf(mark, from);
    const end = found < 0 ? chunk.length : found;
    const to = withoutLineEnd(chunk, from, end, newlines);
    const blank = isBlank(chunk, from, to);
    // Before the first separator of a sequence there is no record.
    if (newlines || from > 0 || !blank) line++;
    if (!blank) {
      const outcome = readEvent(chunk, context, from, to, knownUtf8);
      if (outcome.columns !== undefined) writer.write(outcome.columns, chunk.subarray(from, to));
      else if (rejected.length === ingestRejectedLinesMax) {
        return { batch: writer.take(), lineCount: line, rejected, stoppedAtLine: line };
      } else rejected.push({ line, ...outcome.rejection });
    }
    from = end + 1;
  }
  return { batch: writer.take(), lineCount: line, rejected };
}

/** The end of what the sender wrote: without the `\r` of `\r\n`, or the line feed that ends a record of a sequence. */
function withoutLineEnd(chunk: Buffer, from: number, end: number, newlines: boolean): number {
  let to = end;
  if (!newlines && to > from && chunk[to - 1] === lineFeed) to--;
  if (to > from && chunk[to - 1] === carriageReturn) to--;
  return to;
}

function isBlank(chunk: Buffer, from: number, to: number): boolean {
  for (let at = from; at < to; at++) {
    const byte = chunk[at] as number;
    if (byte !== 0x20 && byte !== 0x09 && byte !== carriageReturn && byte !== lineFeed)
      return false;
  }
  return true;
}
