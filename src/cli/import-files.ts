// The files that an import reads: found in name order, inflated, taken apart.
import { createReadStream } from "node:fs";
import { open, readdir, readFile, stat } from "node:fs/promises";
import { promisify } from "node:util";
import { constants, createGunzip, gunzip } from "node:zlib";
import { eventImportBytesMax } from "../base/limits.ts";
import { type FileRecord, linesOf, splitFile, withoutMark } from "../event/log-file.ts";

export interface ListedFile {
  /** As it is shown: bytes of a name that are no UTF-8 stand as `\xNN`. */
  path: string;
  /** As the file system has it. */
  bytes: Buffer;
  /** Found while listing: why there is nothing to read. */
  problem?: FilePart;
}

/** What one file gives: records in order, and what stands where no record can be read. */
export type FilePart =
  | { kind: "records"; records: FileRecord[] }
  /** A record's place that holds none. */
  | { kind: "refused"; line: number; reason: string }
  /** Not a file of events. */
  | { kind: "skipped"; reason: string }
  /** It could not be read, or not to its end. */
  | { kind: "failed"; reason: string };

/** A log file holds at most 50 MB before compression; far above that a file must be NDJSON, which is streamed. */
const wholeFileBytesMax = 1024 * 1024 * 1024;
const streamedChunkBytes = 1024 * 1024;

const unzip = promisify(gunzip);

/**
 * Every file below the paths; those of a folder in the order of their names as bytes. Links are followed, each folder
 * is read once. What is there but cannot be read is listed too, with its reason.
 */
export async function listFiles(paths: readonly string[]): Promise<ListedFile[]> {
  const files: ListedFile[] = [];
  const seen = new Set<string>();
  for (const path of paths) {
    const found: ListedFile[] = [];
    await listPath(Buffer.from(path), found, seen);
    files.push(...found.toSorted((a, b) => Buffer.compare(a.bytes, b.bytes)));
  }
  return files;
}

async function listPath(path: Buffer, files: ListedFile[], seen: Set<string>): Promise<void> {
  const list = (problem?: FilePart) =>
    files.push({
      path: shown(path),
      bytes: path,
      ...(problem === undefined ? {} : { problem }),
    });
  try {
    const found = await stat(path);
    if (found.isFile()) list();
    else if (!found.isDirectory()) list({ kind: "skipped", reason: "neither a file nor a folder" });
    else if (seen.has(`${found.dev}:${found.ino}`)) {
      list({ kind: "skipped", reason: "a folder that is read already, under another name" });
    } else {
      seen.add(`${found.dev}:${found.ino}`);
      for (const entry of await readdir(path, { encoding: "buffer", withFileTypes: true })) {
        const below = Buffer.concat([withoutSlash(path), Buffer.from("/"), entry.name]);
        // Most entries are plain files, and need no question of their own.
        if (entry.isFile()) files.push({ path: shown(below), bytes: below });
        else await listPath(below, files, seen);
      }
    }
  } catch (error) {
    list({ kind: "failed", reason: (error as Error).message });
  }
}

function withoutSlash(path: Buffer): Buffer {
  return path.length > 1 && path.at(-1) === 0x2f ? path.subarray(0, -1) : path;
}

function shown(path: Buffer): string {
  const text = path.toString();
  if (Buffer.from(text).equals(path)) return text;
  return path
    .toString("latin1")
    .replaceAll(/[^ -~]/g, (byte) => `\\x${byte.charCodeAt(0).toString(16).padStart(2, "0")}`);
}

/** Takes one file apart. Never throws: what cannot be read is a part that says so. */
export async function* readParts(file: ListedFile): AsyncGenerator<FilePart> {
  if (file.problem !== undefined) {
    yield file.problem;
    return;
  }
  try {
    const kind = /\.(json|ndjson|jsonl)(\.gz)?$/i.exec(file.path);
    if (kind === null) {
      yield { kind: "skipped", reason: "not a .json, .ndjson or .jsonl file, compressed or not" };
    } else if (kind[1]?.toLowerCase() === "json") {
      yield* wholeFile(file.bytes);
    } else {
      yield* streamedLines(file.bytes);
    }
  } catch (error) {
    yield { kind: "failed", reason: (error as Error).message };
  }
}

async function* wholeFile(path: Buffer): AsyncGenerator<FilePart> {
  if ((await stat(path)).size > wholeFileBytesMax) {
    yield { kind: "failed", reason: tooLarge };
    return;
  }
  const { bytes, isCut } = await inflate(await readFile(path));
  const content = splitFile(bytes);
  if (content.form === "digest") yield { kind: "skipped", reason: "a digest file" };
  else if (content.form === "empty" && !isCut) yield { kind: "skipped", reason: "empty" };
  else if (content.form === "unknown") yield { kind: "skipped", reason: content.reason };
  else if (content.form === "records") {
    yield { kind: "records", records: content.records };
    const { broken } = content;
    if (broken !== undefined) {
      yield { kind: "refused", line: broken.line, reason: `${broken.code}: ${broken.reason}` };
      // Behind the cut there is nothing; behind anything else there may be records.
      if (broken.code !== "Truncated" && !isCut) {
        yield { kind: "failed", reason: `what follows line ${broken.line} could not be read` };
      }
    }
  }
  if (isCut) yield { kind: "failed", reason: cutShort };
}

const tooLarge = `larger than ${wholeFileBytesMax} bytes: split it, or name it .ndjson if it has a record a line`;
const cutShort = "the compressed data is cut short";

/** A name may lie about compression; the magic number does not. What stands before a cut is worth having. */
async function inflate(bytes: Buffer): Promise<{ bytes: Buffer; isCut: boolean }> {
  if (!isGzip(bytes)) return { bytes, isCut: false };
  const bound = { maxOutputLength: wholeFileBytesMax };
  try {
    return { bytes: await unzip(bytes, bound), isCut: false };
  } catch (error) {
    const { code, errno } = error as NodeJS.ErrnoException;
    if (code === "ERR_BUFFER_TOO_LARGE") throw new Error(tooLarge, { cause: error });
    if (errno !== constants.Z_BUF_ERROR) throw error;
    const some = await unzip(bytes, { ...bound, finishFlush: constants.Z_SYNC_FLUSH });
    return { bytes: some, isCut: true };
  }
}

function isGzip(bytes: Buffer): boolean {
  return bytes[0] === 0x1f && bytes[1] === 0x8b;
}

/** NDJSON of any size: no more than some chunks of it are in memory. */
async function* streamedLines(path: Buffer): AsyncGenerator<FilePart> {
  let line = 1;
  let rest: Buffer = Buffer.alloc(0);
  /** Inside a line that is too long to be a record, behind what was reported. */
  let isSkipping = false;
  let byteCount = 0;
  try {
    for await (const chunk of await openInflated(path)) {
      const fresh = byteCount === 0 ? withoutMark(chunk) : chunk;
      byteCount += chunk.length;
      const joined = rest.length === 0 ? fresh : Buffer.concat([rest, fresh]);
      const end = joined.lastIndexOf(0x0a) + 1;
      const start = isSkipping ? joined.indexOf(0x0a) + 1 : 0;
      rest = isSkipping && end === 0 ? Buffer.alloc(0) : joined.subarray(end);
      if (end > 0) {
        if (isSkipping) line++;
        isSkipping = false;
        const whole = joined.subarray(start, end);
        yield { kind: "records", records: linesOf(whole, line).records };
        line += countLines(whole);
      }
      if (rest.length > eventImportBytesMax && !isSkipping) {
        const reason = `TooLarge: the record has more than the ${eventImportBytesMax} bytes that are allowed`;
        yield { kind: "refused", line, reason };
        isSkipping = true;
        rest = Buffer.alloc(0);
      }
    }
  } catch (error) {
    if (rest.length > 0)
      yield { kind: "refused", line, reason: "Truncated: the file ends inside this record" };
    const isCut = (error as NodeJS.ErrnoException).errno === constants.Z_BUF_ERROR;
    yield { kind: "failed", reason: isCut ? cutShort : (error as Error).message };
    return;
  }
  if (byteCount === 0) yield { kind: "skipped", reason: "empty" };
  if (rest.length > 0) yield { kind: "records", records: linesOf(rest, line).records };
}

async function openInflated(path: Buffer): Promise<AsyncIterable<Buffer>> {
  const start = Buffer.alloc(2);
  const opened = await open(path);
  try {
    await opened.read(start, 0, 2, 0);
  } finally {
    await opened.close();
  }
  const file = createReadStream(path, { highWaterMark: streamedChunkBytes });
  if (!isGzip(start)) return file;
  const inflated = createGunzip({ chunkSize: streamedChunkBytes });
  file.on("error", (error) => inflated.destroy(error));
  return file.pipe(inflated);
}

function countLines(bytes: Buffer): number {
  let count = 0;
  for (let at = bytes.indexOf(0x0a); at !== -1; at = bytes.indexOf(0x0a, at + 1)) count++;
  return count;
}
