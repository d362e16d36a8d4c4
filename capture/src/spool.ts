// The disk spool: events that Cairn does not have yet, in append-only NDJSON files, safe against kill -9 and power loss.
//
//   <created ms>_<host>_<pid>_<process token>_<random>.open      being appended to by its owner
//   <created ms>_<host>_<pid>_<process token>_<random>.ndjson    complete: nothing is ever written to it again
//
// An append is durable (fdatasync) before it is acknowledged; a file is removed only after Cairn has acknowledged every
// line of it. A line without its line feed was never acknowledged and is ignored. Files are sent oldest first.
//
// The owner is in the name. A file whose owner is gone is adopted: renamed to the adopter's own name, so one process
// wins. Guessing wrong about a living owner costs nothing: after each append the owner looks whether its file still has
// its name, and if not, writes that append again into a new file. Cairn drops what then arrives twice by event id.
import { randomBytes } from "node:crypto";
import {
  type FileHandle,
  mkdir,
  open,
  readdir,
  readFile,
  rename,
  stat,
  unlink,
  utimes,
} from "node:fs/promises";
import { hostname } from "node:os";
import { join } from "node:path";
import { CaptureError, messageOf, type Report } from "./errors.ts";

export interface SpoolOptions {
  folder: string;
  /** Bytes of all files in the folder together, other processes' files included. */
  bytesMax: number;
  /** A file is complete at this size: what is removed at once, and what is read at once when sending. */
  fileBytesMax?: number | undefined;
  report: Report;
}

export interface SpooledFile {
  name: string;
  lines: Buffer[];
}

interface OpenFile {
  name: string;
  handle: FileHandle;
  bytes: number;
}

interface FileName {
  createdMs: number;
  host: string;
  pid: number;
  token: string;
  isOpen: boolean;
}

const fileBytesMaxDefault = 4 * 1024 * 1024;
/** A file untouched for this long belongs to nobody: owners touch theirs every minute (`scan`). */
const abandonedAfterMs = 5 * 60_000;
/** While the spool is full, the folder is looked at again at most this often. */
const recountIntervalMs = 1000;

/**
 * Of the process and not of this module, which may be loaded twice: a token that tells the process from an earlier one
 * with the same pid, as in a restarted container, and the files that its living spools have in hand.
 */
const processWide = globalThis as { [processKey]?: { token: string; inHand: Set<string> } };
const processKey: unique symbol = Symbol.for("cairn.capture.spool") as never;
processWide[processKey] ??= { token: randomBytes(5).toString("hex"), inHand: new Set() };
const { token: processToken, inHand } = processWide[processKey];
const host = hostname().replaceAll(/[^A-Za-z0-9.-]/g, "-") || "host";

export class Spool {
  readonly #folder: string;
  readonly #bytesMax: number;
  readonly #fileBytesMax: number;
  readonly #report: Report;
  #ready: Promise<void> | undefined;
  #open: OpenFile | undefined;
  /** Complete files of ours, by name. */
  readonly #complete = new Map<string, number>();
  /** Files that could not be read or removed: left alone until the next start. */
  readonly #leftAlone = new Set<string>();
  /** Of the whole folder when it was last counted, and what this process did since. */
  #folderBytes = 0;
  #countedAtMs = -Infinity;
  /** Appends and seals come one after the other. */
  #last: Promise<unknown> = Promise.resolve();

  constructor(options: SpoolOptions) {
    this.#folder = options.folder;
    this.#bytesMax = options.bytesMax;
    this.#fileBytesMax = options.fileBytesMax ?? fileBytesMaxDefault;
    this.#report = options.report;
  }

  /** Files that nothing is written to any more. */
  get hasComplete(): boolean {
    return this.#complete.size > 0;
  }

  /** Nothing is here that Cairn does not have. */
  get isEmpty(): boolean {
    return this.#complete.size === 0 && this.#open === undefined;
  }

  get bytes(): number {
    return this.#folderBytes;
  }

  get isFull(): boolean {
    return this.#folderBytes >= this.#bytesMax;
  }

  /** Counts the folder, adopts what dead processes left, and shows others that we live. */
  async scan(): Promise<void> {
    await this.#makeReady();
    let bytes = 0;
    for (const name of await readdir(this.#folder)) {
      const parsed = parseName(name);
      if (parsed === undefined) continue;
      const found = await stat(join(this.#folder, name)).catch(ignoreMissing);
      if (found === undefined) continue;
      bytes += found.size;
      if (this.#leftAlone.has(name)) continue;
      if (inHand.has(name)) await this.#touch(name);
      else if (isOurs(parsed) || isAbandoned(parsed, found.mtimeMs))
        await this.#adopt(name, parsed, found.size);
    }
    this.#folderBytes = bytes;
    this.#countedAtMs = performance.now();
  }

  /** When it resolves, the lines survive power loss. Rejects with SpoolFull or SpoolFailed; nothing is promised then. */
  append(lines: readonly Buffer[]): Promise<void> {
    return this.#inTurn(async () => {
      const batch = Buffer.concat(lines.flatMap((line) => [line, lineFeed]));
      await this.#makeReady();
      await this.#makeRoom(batch.length);
      for (let attempt = 0; attempt < 3; attempt++) {
        const file = this.#open ?? (await this.#create());
        await this.#write(file, batch);
        if (await this.#hasItsName(file)) {
          file.bytes += batch.length;
          this.#folderBytes += batch.length;
          if (file.bytes >= this.#fileBytesMax) await this.#seal();
          return;
        }
        this.#open = undefined;
        inHand.delete(file.name);
        await file.handle.close();
      }
      throw new CaptureError("SpoolFailed", `files in ${this.#folder} keep losing their names`);
    });
  }

  /** The oldest file; the one being appended to is completed for it. The same again until it is removed. */
  async next(): Promise<SpooledFile | undefined> {
    for (;;) {
      if (this.#complete.size === 0) await this.#inTurn(() => this.#seal());
      const name = [...this.#complete.keys()].toSorted()[0];
      if (name === undefined) return undefined;
      try {
        const content = await readFile(join(this.#folder, name));
        const lines = this.#linesOf(name, content);
        if (lines.length > 0) return { name, lines };
        await this.remove(name);
      } catch (error) {
        // Adopted by another process, which then sends it; or unreadable, and then left for a person to look at.
        if (!isMissing(error)) this.#leaveAlone(name, error);
        this.#letGo(name);
      }
    }
  }

  /** Called when Cairn has acknowledged every line of it. */
  async remove(name: string): Promise<void> {
    const bytes = this.#complete.get(name) ?? 0;
    this.#letGo(name);
    try {
      await unlink(join(this.#folder, name));
      this.#folderBytes = Math.max(0, this.#folderBytes - bytes);
    } catch (error) {
      if (!isMissing(error)) this.#leaveAlone(name, error);
    }
  }

  /** Completes the open file and lets go of all, so that any later spool can send them. */
  async close(): Promise<void> {
    await this.#inTurn(() => this.#seal());
    for (const name of this.#complete.keys()) inHand.delete(name);
    this.#complete.clear();
  }

  #letGo(name: string): void {
    this.#complete.delete(name);
    inHand.delete(name);
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#last.then(work);
    this.#last = turn.catch(() => undefined);
    return turn.catch((cause: unknown) => {
      if (cause instanceof CaptureError) throw cause;
      throw new CaptureError("SpoolFailed", `spool ${this.#folder}: ${messageOf(cause)}`, {
        cause,
      });
    });
  }

  #makeReady(): Promise<void> {
    // Only the owner of the application may read what its callers did.
    this.#ready ??= mkdir(this.#folder, { recursive: true, mode: 0o700 }).then(() => undefined);
    this.#ready.catch(() => {
      this.#ready = undefined;
    });
    return this.#ready;
  }

  async #makeRoom(bytes: number): Promise<void> {
    if (this.#folderBytes + bytes <= this.#bytesMax) return;
    if (performance.now() - this.#countedAtMs >= recountIntervalMs) await this.scan();
    if (this.#folderBytes + bytes <= this.#bytesMax) return;
    throw new CaptureError(
      "SpoolFull",
      `spool ${this.#folder} holds ${this.#folderBytes} of ${this.#bytesMax} bytes: no room for ${bytes} more`,
    );
  }

  async #create(): Promise<OpenFile> {
    const name = `${newStem()}.open`;
    inHand.add(name);
    const handle = await open(join(this.#folder, name), "ax", 0o600);
    this.#open = { name, handle, bytes: 0 };
    await this.#syncFolder();
    return this.#open;
  }

  /** A write that fails half way leaves no half line that a later one would be glued to. */
  async #write(file: OpenFile, batch: Buffer): Promise<void> {
    try {
      await file.handle.appendFile(batch);
      await file.handle.datasync();
    } catch (error) {
      await file.handle.truncate(file.bytes).catch(async () => {
        // Nothing is written behind the half line: reading ignores it there.
        await this.#seal().catch((cause: unknown) => this.#leaveAlone(file.name, cause));
      });
      throw error;
    }
  }

  async #hasItsName(file: OpenFile): Promise<boolean> {
    const [byName, byHandle] = await Promise.all([
      stat(join(this.#folder, file.name)).catch(ignoreMissing),
      file.handle.stat(),
    ]);
    return byName !== undefined && byName.ino === byHandle.ino && byName.dev === byHandle.dev;
  }

  async #seal(): Promise<void> {
    const file = this.#open;
    if (file === undefined) return;
    this.#open = undefined;
    await file.handle.close();
    const complete = file.name.replace(/open$/, "ndjson");
    try {
      inHand.add(complete);
      await rename(join(this.#folder, file.name), join(this.#folder, complete));
      this.#complete.set(complete, file.bytes);
    } catch (error) {
      inHand.delete(complete);
      // Adopted by another process, which then sends it.
      if (!isMissing(error)) throw error;
    } finally {
      inHand.delete(file.name);
    }
  }

  async #adopt(name: string, parsed: FileName, bytes: number): Promise<void> {
    const ours = `${newStem(parsed.createdMs)}.ndjson`;
    inHand.add(ours);
    try {
      await rename(join(this.#folder, name), join(this.#folder, ours));
      this.#complete.set(ours, bytes);
      await this.#touch(ours);
    } catch (error) {
      inHand.delete(ours);
      if (!isMissing(error)) this.#leaveAlone(name, error);
    }
  }

  async #touch(name: string): Promise<void> {
    const now = new Date();
    await utimes(join(this.#folder, name), now, now).catch(ignoreMissing);
  }

  #linesOf(name: string, content: Buffer): Buffer[] {
    const lines: Buffer[] = [];
    let start = 0;
    for (let end = content.indexOf(10); end !== -1; end = content.indexOf(10, start)) {
      const line = content.subarray(start, end);
      start = end + 1;
      if (line[0] === openBrace && line.at(-1) === closeBrace) lines.push(line);
      else if (line.length > 0) {
        this.#report(
          new CaptureError("SpoolLineUnreadable", `spool file ${name}: a line is no event`),
        );
      }
    }
    return lines;
  }

  #leaveAlone(name: string, cause: unknown): void {
    this.#leftAlone.add(name);
    this.#report(
      new CaptureError("SpoolFailed", `spool file ${name}: ${messageOf(cause)}`, { cause }),
    );
  }

  /** A new name survives power loss only when the folder is on disk too. */
  async #syncFolder(): Promise<void> {
    const handle = await open(this.#folder, "r");
    try {
      await handle.sync();
    } finally {
      await handle.close();
    }
  }
}

const lineFeed = Buffer.from("\n");
const openBrace = 0x7b;
const closeBrace = 0x7d;

function newStem(createdMs = Date.now()): string {
  const random = randomBytes(5).toString("hex");
  return `${String(createdMs).padStart(14, "0")}_${host}_${process.pid}_${processToken}_${random}`;
}

function parseName(name: string): FileName | undefined {
  const match = /^(\d{14})_([A-Za-z0-9.-]+)_(\d+)_([0-9a-f]+)_[0-9a-f]+\.(open|ndjson)$/.exec(name);
  if (match === null) return undefined;
  return {
    createdMs: Number(match[1]),
    host: match[2] ?? "",
    pid: Number(match[3]),
    token: match[4] ?? "",
    isOpen: match[5] === "open",
  };
}

function isOurs(file: FileName): boolean {
  return file.host === host && file.pid === process.pid && file.token === processToken;
}

function isAbandoned(file: FileName, touchedAtMs: number): boolean {
  if (file.host === host && !isAlive(file.pid, file.token)) return true;
  return Date.now() - touchedAtMs > abandonedAfterMs;
}

function isAlive(pid: number, token: string): boolean {
  if (pid === process.pid) return token === processToken;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // EPERM: it lives, and belongs to somebody else.
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}

function isMissing(error: unknown): boolean {
  return (error as NodeJS.ErrnoException | null)?.code === "ENOENT";
}

function ignoreMissing(error: unknown): undefined {
  if (!isMissing(error)) throw error;
}
