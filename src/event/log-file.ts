// Takes a file apart into records without changing a byte of them.
//
// Three forms are known: CloudTrail log files (`{"Records":[…]}`, also a bare array), NDJSON (a record a line), and
// JSON texts one after the other (pretty-printed records). What each record says is for readEvent to judge; this
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
      /** Where the file ends inside a record (`Truncated`), or has something that is none: nothing behind it was read. */
      broken?: { line: number; code: "Truncated" | "NotJson"; reason: string };
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

export function splitFile(file: Buffer): FileContent {
  const bytes = withoutMark(file);
  const start = skipSpace(bytes, 0);
  if (start === bytes.length) return { form: "empty" };
  if (bytes[start] === 0x5b) return new Splitter(bytes).split(start);
  if (bytes[start] !== 0x7b)
    return { form: "unknown", reason: "it does not begin with a JSON object or array" };
  const members = topMembers(bytes, start);
  if (digestMembers.every((name) => members.has(name))) return { form: "digest" };
  const isLogFile = bytes[members.get("Records") ?? -1] === 0x5b;
  return !isLogFile && isLined(bytes, start) ? linesOf(bytes) : new Splitter(bytes).split(start);
}

/** A byte order mark belongs to the file, not to its first record. */
export function withoutMark(bytes: Buffer): Buffer {
  const hasMark = bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf;
  return hasMark ? bytes.subarray(3) : bytes;
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

type Broken = NonNullable<(FileContent & { form: "records" })["broken"]>;

/**
 * JSON texts one behind the other: arrays of records, log files (several, where somebody has joined them), and single
 * records. Stops at the first place that is none of these.
 */
class Splitter {
  readonly #bytes: Buffer;
  readonly #lines: LineCounter;
  #records: FileRecord[] = [];
  #broken: Broken | undefined;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
    this.#lines = new LineCounter(bytes);
  }

  split(start: number): FileContent {
    let at: number | undefined = start;
    while (at !== undefined && at < this.#bytes.length) {
      if (this.#bytes[at] === 0x5b) at = this.#elements(at);
      else if (topMembers(this.#bytes, at).has("Records")) at = this.#logFile(at);
      else at = this.#record(at);
      if (at !== undefined) at = skipSpace(this.#bytes, at);
    }
    const broken = this.#broken;
    return {
      form: "records",
      records: this.#records,
      ...(broken === undefined ? {} : { broken }),
    };
  }

  #stop(at: number, code: Broken["code"], reason: string): undefined {
    this.#broken = { line: this.#lines.lineOf(at), code, reason };
  }

  /** Behind the record at `at`; undefined: the file breaks there. */
  #record(at: number): number | undefined {
    const end = valueEnd(this.#bytes, at);
    if (end === undefined) return this.#stop(at, "Truncated", "the file ends inside this record");
    if (end === at) return this.#stop(at, "NotJson", "this is no JSON value");
    this.#records.push({ bytes: this.#bytes.subarray(at, end), line: this.#lines.lineOf(at) });
    return end;
  }

  /** The records of the array that opens at `open`. */
  #elements(open: number): number | undefined {
    let at = skipSpace(this.#bytes, open + 1);
    if (this.#bytes[at] === 0x5d) return at + 1;
    for (;;) {
      if (at === this.#bytes.length)
        return this.#stop(at, "Truncated", "the file ends where a record should stand");
      const end = this.#record(at);
      if (end === undefined) return undefined;
      const next = skipSpace(this.#bytes, end);
      if (this.#bytes[next] === 0x5d) return next + 1;
      if (next === this.#bytes.length)
        return this.#stop(next, "Truncated", "the file ends behind this record");
      if (this.#bytes[next] !== 0x2c)
        return this.#stop(next, "NotJson", "no comma or closing bracket behind this record");
      at = skipSpace(this.#bytes, next + 1);
    }
  }

  /** `{"Records":[…]}`: what other members hold is no record. */
  #logFile(open: number): number | undefined {
    let at = skipSpace(this.#bytes, open + 1);
    while (this.#bytes[at] === quote) {
      const nameEnd = stringEnd(this.#bytes, at);
      if (nameEnd === undefined) break;
      const name = this.#bytes.toString("utf8", at + 1, nameEnd - 1);
      const valueAt = skipSpace(this.#bytes, skipSpace(this.#bytes, nameEnd) + 1);
      const isList = name === "Records" && this.#bytes[valueAt] === 0x5b;
      const end = isList ? this.#elements(valueAt) : valueEnd(this.#bytes, valueAt);
      if (this.#broken !== undefined) return undefined;
      if (end === undefined || end === valueAt) break;
      at = skipSpace(this.#bytes, end);
      if (this.#bytes[at] === 0x7d) return at + 1;
      if (this.#bytes[at] === 0x2c) at = skipSpace(this.#bytes, at + 1);
    }
    const isCut = at >= this.#bytes.length;
    return isCut
      ? this.#stop(at, "Truncated", "the file ends before its closing bracket")
      : this.#stop(at, "NotJson", "no member or closing bracket stands here");
  }
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
  #line = 1;
  /** The next line feed; behind the end when there is none. */
  #next: number;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
    this.#next = this.#find(0);
  }

  lineOf(position: number): number {
    while (this.#next < position) {
      this.#line++;
      this.#next = this.#find(this.#next + 1);
    }
    return this.#line;
  }

  #find(from: number): number {
    const found = this.#bytes.indexOf(newline, from);
    return found === -1 ? Infinity : found;
  }
}
