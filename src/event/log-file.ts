// Takes a file apart into records without changing a byte of them.
//
// Three forms are known: a CloudTrail log file (`{"Records":[…]}`, also a bare array), NDJSON (a record a line), and
// JSON texts one after the other (a pretty-printed record). What each record says is for readEvent to judge; this
// only finds where each begins and ends, so that a damaged one costs no other.

export interface FileRecord {
  bytes: Buffer;
  /** The line it begins on, from 1. */
  line: number;
}

export type FileContent =
  | {
      form: "records";
      records: FileRecord[];
      /** The file ends inside a record, or has something that is none behind it. */
      broken?: { line: number; reason: string };
    }
  | { form: "digest" }
  | { form: "empty" }
  | { form: "unknown"; reason: string };

const space = new Set([0x20, 0x09, 0x0a, 0x0d]);
const quote = 0x22;
const backslash = 0x5c;
const newline = 0x0a;

/** Members that only a digest file has. CloudTrail user guide, "Digest file structure". */
const digestMembers = ["digestStartTime", "digestEndTime", "logFiles"];

export function splitFile(bytes: Buffer): FileContent {
  const lines = new LineCounter(bytes);
  const start = skipSpace(
    bytes,
    bytes.subarray(0, 3).equals(Buffer.from([0xef, 0xbb, 0xbf])) ? 3 : 0,
  );
  if (start === bytes.length) return { form: "empty" };
  if (bytes[start] === 0x5b) return elements(bytes, start, lines);
  if (bytes[start] !== 0x7b)
    return { form: "unknown", reason: "it does not begin with a JSON object or array" };
  const members = topMembers(bytes, start);
  if (digestMembers.every((name) => members.has(name))) return { form: "digest" };
  const recordsAt = members.get("Records");
  if (recordsAt !== undefined && bytes[recordsAt] === 0x5b)
    return elements(bytes, recordsAt, lines);
  return isLined(bytes, start) ? linesOf(bytes) : values(bytes, start, lines);
}

/** NDJSON: each line stands for itself, whatever is in it. */
export function linesOf(bytes: Buffer, firstLine = 1): FileContent & { form: "records" } {
  const records: FileRecord[] = [];
  let line = firstLine;
  for (let at = 0; at < bytes.length; line++) {
    const found = bytes.indexOf(newline, at);
    const end = found === -1 ? bytes.length : found;
    if (skipSpace(bytes, at, end) < end) {
      const last = bytes[end - 1] === 0x0d ? end - 1 : end;
      records.push({ bytes: bytes.subarray(at, last), line });
    }
    at = end + 1;
  }
  return { form: "records", records };
}

/**
 * The first object ends on the line it begins on and more follows: a record a line. One that never ends is a damaged
 * line if the next line begins an object of its own, else a record cut short.
 */
function isLined(bytes: Buffer, start: number): boolean {
  const lineEnd = bytes.indexOf(newline, start);
  if (lineEnd === -1) return false;
  const next = skipSpace(bytes, lineEnd);
  if (next === bytes.length) return false;
  const end = valueEnd(bytes, start);
  return end === undefined ? bytes[next] === 0x7b : end <= lineEnd;
}

/** The elements of the array that opens at `open`. */
function elements(bytes: Buffer, open: number, lines: LineCounter): FileContent {
  const records: FileRecord[] = [];
  const broken = (at: number, reason: string): FileContent => ({
    form: "records",
    records,
    broken: { line: lines.lineOf(at), reason },
  });
  let at = skipSpace(bytes, open + 1);
  if (bytes[at] === 0x5d) return { form: "records", records };
  for (;;) {
    const end = valueEnd(bytes, at);
    if (end === undefined) return broken(at, "the file ends inside this record");
    records.push({ bytes: bytes.subarray(at, end), line: lines.lineOf(at) });
    const next = skipSpace(bytes, end);
    if (bytes[next] === 0x5d) return { form: "records", records };
    if (bytes[next] !== 0x2c) return broken(next, "no comma or closing bracket behind this record");
    at = skipSpace(bytes, next + 1);
  }
}

/** JSON texts one behind the other. */
function values(bytes: Buffer, start: number, lines: LineCounter): FileContent {
  const records: FileRecord[] = [];
  for (let at = start; at < bytes.length; at = skipSpace(bytes, at)) {
    const end = valueEnd(bytes, at);
    if (end === undefined || end === at) {
      const reason = end === at ? "this is no JSON value" : "the file ends inside this record";
      return { form: "records", records, broken: { line: lines.lineOf(at), reason } };
    }
    records.push({ bytes: bytes.subarray(at, end), line: lines.lineOf(at) });
    at = end;
  }
  return { form: "records", records };
}

/** Where the members of the object at `start` have their values. */
function topMembers(bytes: Buffer, start: number): Map<string, number> {
  const members = new Map<string, number>();
  let at = skipSpace(bytes, start + 1);
  while (bytes[at] === quote) {
    const nameEnd = stringEnd(bytes, at);
    if (nameEnd === undefined) break;
    const valueAt = skipSpace(bytes, skipSpace(bytes, nameEnd) + 1);
    members.set(bytes.toString("utf8", at + 1, nameEnd - 1), valueAt);
    // The records of a log file are the bulk of it: once they are found nothing else matters.
    if (members.has("Records")) break;
    const end = valueEnd(bytes, valueAt);
    if (end === undefined) break;
    at = skipSpace(bytes, skipSpace(bytes, end) + 1);
  }
  return members;
}

/** Behind the value that begins at `at`; undefined when the bytes end first. */
function valueEnd(bytes: Buffer, at: number): number | undefined {
  let depth = 0;
  for (let i = at; i < bytes.length; i++) {
    const byte = bytes[i];
    if (byte === quote) {
      const end = stringEnd(bytes, i);
      if (end === undefined) return undefined;
      i = end - 1;
      if (depth === 0) return end;
    } else if (byte === 0x7b || byte === 0x5b) depth++;
    else if (byte === 0x7d || byte === 0x5d) {
      depth--;
      if (depth === 0) return i + 1;
      if (depth < 0) return i;
    } else if (depth === 0 && (byte === 0x2c || space.has(byte as number))) return i;
  }
  return depth === 0 ? bytes.length : undefined;
}

function stringEnd(bytes: Buffer, open: number): number | undefined {
  for (let i = open + 1; i < bytes.length; i++) {
    if (bytes[i] === backslash) i++;
    else if (bytes[i] === quote) return i + 1;
  }
  return undefined;
}

function skipSpace(bytes: Buffer, from: number, end = bytes.length): number {
  let at = from;
  while (at < end && space.has(bytes[at] as number)) at++;
  return at;
}

/** Line numbers of growing positions, each byte looked at once. */
class LineCounter {
  readonly #bytes: Buffer;
  #at = 0;
  #line = 1;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  lineOf(position: number): number {
    for (let found = this.#bytes.indexOf(newline, this.#at); found !== -1 && found < position; ) {
      this.#line++;
      this.#at = found + 1;
      found = this.#bytes.indexOf(newline, this.#at);
    }
    return this.#line;
  }
}
