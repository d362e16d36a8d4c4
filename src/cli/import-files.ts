// The files that an import reads: found in name order, inflated, taken apart.
import { createReadStream } from "node:fs";
import { readdir, readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { createGunzip, gunzip } from "node:zlib";
import { type FileRecord, linesOf, splitFile } from "../event/log-file.ts";

export interface ListedFile {
  path: string;
  bytes: number;
}

/** What one file gives: records in order, then perhaps why it gives no more. */
export type FilePart =
  | { kind: "records"; records: FileRecord[] }
  /** One record's place where the file breaks off: nothing behind it can be read. */
  | { kind: "broken"; line: number; reason: string }
  /** Not a file of events. */
  | { kind: "skipped"; reason: string }
  /** It could not be read. */
  | { kind: "failed"; reason: string };

/** A log file holds at most 50 MB before compression; far above that a file must be NDJSON, which is streamed. */
const wholeFileBytesMax = 1024 * 1024 * 1024;
const streamedChunkBytes = 4 * 1024 * 1024;

const unzip = promisify(gunzip);

/** Every file below the paths, in the order of names as UTF-8 bytes; a path that is not there is an error. */
export async function listFiles(paths: readonly string[]): Promise<ListedFile[]> {
  const files: ListedFile[] = [];
  for (const path of paths) {
    const found = await stat(path);
    if (!found.isDirectory()) {
      files.push({ path, bytes: found.size });
      continue;
    }
    const entries = await readdir(path, { recursive: true, withFileTypes: true });
    const names = entries
      .filter((entry) => !entry.isDirectory())
      .map((entry) => join(entry.parentPath, entry.name));
    names.sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
    for (const name of names) files.push({ path: name, bytes: (await stat(name)).size });
  }
  return files;
}

/** Takes one file apart. Never throws: what cannot be read is a part that says so. */
export async function* readParts(path: string): AsyncGenerator<FilePart> {
  try {
    const kind = /\.(json|ndjson|jsonl)(\.gz)?$/i.exec(path);
    if (kind === null) {
      yield { kind: "skipped", reason: "not a .json, .ndjson or .jsonl file, compressed or not" };
    } else if (kind[1]?.toLowerCase() === "json") {
      yield* wholeFile(path);
    } else {
      yield* streamedLines(path);
    }
  } catch (error) {
    yield { kind: "failed", reason: (error as Error).message };
  }
}

async function* wholeFile(path: string): AsyncGenerator<FilePart> {
  const { size } = await stat(path);
  if (size > wholeFileBytesMax) {
    yield {
      kind: "failed",
      reason: `larger than ${wholeFileBytesMax} bytes: split it, or name it .ndjson`,
    };
    return;
  }
  let bytes = await readFile(path);
  // A name may lie about compression; the magic number does not.
  if (bytes[0] === 0x1f && bytes[1] === 0x8b)
    bytes = await unzip(bytes, { maxOutputLength: wholeFileBytesMax });
  const content = splitFile(bytes);
  switch (content.form) {
    case "digest":
      yield { kind: "skipped", reason: "a digest file" };
      break;
    case "empty":
      yield { kind: "skipped", reason: "empty" };
      break;
    case "unknown":
      yield { kind: "skipped", reason: content.reason };
      break;
    case "records":
      yield { kind: "records", records: content.records };
      if (content.broken !== undefined) yield { kind: "broken", ...content.broken };
      break;
  }
}

async function* streamedLines(path: string): AsyncGenerator<FilePart> {
  const file = createReadStream(path, { highWaterMark: streamedChunkBytes });
  let source: AsyncIterable<Buffer> = file;
  if (/\.gz$/i.test(path)) {
    const inflated = createGunzip({ chunkSize: streamedChunkBytes });
    file.on("error", (error) => inflated.destroy(error));
    source = file.pipe(inflated);
  }
  let line = 1;
  let rest: Buffer = Buffer.alloc(0);
  for await (const chunk of source) {
    const joined = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    const end = joined.lastIndexOf(0x0a) + 1;
    rest = joined.subarray(end);
    if (end === 0) continue;
    const whole = joined.subarray(0, end);
    yield { kind: "records", records: linesOf(whole, line).records };
    line += countLines(whole);
  }
  if (rest.length > 0) yield { kind: "records", records: linesOf(rest, line).records };
}

function countLines(bytes: Buffer): number {
  let count = 0;
  for (let at = bytes.indexOf(0x0a); at !== -1; at = bytes.indexOf(0x0a, at + 1)) count++;
  return count;
}
