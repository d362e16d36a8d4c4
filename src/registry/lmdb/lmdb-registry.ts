// The embedded registry: one LMDB file, one transaction per commit.
//
// Keys are their bytes of UTF-8, so that LMDB's own order is the order of `list`. A value is its version, a space and
// its JSON text: `3 {"name":"Alice"}`. (lmdb-js can keep versions itself, but its ranges give the wrong ones: observed
// with 3.5.6, and seen by the contract.)
import { statfsSync } from "node:fs";
import { open as openFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { type Database, open, type RootDatabase } from "lmdb";
import { CairnError, isCairnError } from "../../base/errors.ts";
import { flushFolder, makeFolder } from "../../base/folder.ts";
import { diskReserveShareMax } from "../../base/limits.ts";
import { checkChanges, checkKey } from "../check-changes.ts";
import type { Change, Entry, Registry } from "../registry.ts";

export interface LmdbRegistryOptions {
  /** Made when missing, readable by its owner only: secrets in it are sealed, names are not. */
  folder: string;
  /** Left out: the file system is asked. May throw. */
  space?: (folder: string) => Space;
}

interface Space {
  freeBytes: number;
  /** 0: not known. */
  totalBytes: number;
}

function spaceOf(folder: string): Space {
  const { bavail, blocks, bsize } = statfsSync(folder);
  return { freeBytes: bavail * bsize, totalBytes: blocks * bsize };
}

export async function openLmdbRegistry(options: LmdbRegistryOptions): Promise<Registry> {
  const { folder, space = spaceOf } = options;
  try {
    await makeFolder(folder);
    await allocateLockFile(join(folder, "lock.mdb"));
    const root = open<string, Buffer>({
      path: folder,
      // "Treat path as a file" is lmdb-js's guess for a path with a dot in its last part.
      noSubdir: false,
      encoding: "string",
      keyEncoding: "binary",
      // The default lets a commit resolve before it is flushed. Without it LMDB flushes inside the commit.
      overlappingSync: false,
      // Its batches have a promise of their own that nobody can catch: a full disk would end the process.
      eventTurnBatching: false,
    });
    // LMDB flushes its file, but not the file's name.
    await flushFolder(folder);
    return new LmdbRegistry(root, folder, space);
  } catch (cause) {
    throw new CairnError("RegistryUnavailable", `cannot open the registry in ${folder}`, { cause });
  }
}

/**
 * LMDB makes its lock file as one hole and maps it: on a full disk the first touch would be a SIGBUS, and the end of
 * the process. With its blocks taken beforehand a full disk is an ordinary error, and with the file there none at all.
 */
async function allocateLockFile(path: string): Promise<void> {
  const bytesMin = 64 * 1024;
  const { size } = await stat(path).catch(() => ({ size: 0 }));
  if (size >= bytesMin) return;
  const handle = await openFile(path, "a", 0o600);
  try {
    // Appended, never rewritten: another process may hold it open.
    await handle.appendFile(Buffer.alloc(bytesMin - size));
  } finally {
    await handle.close();
  }
}

/** Pages that a commit writes anew, whatever its values are; of a very small disk a share. */
const roomBytesMin = 512 * 1024;

class LmdbRegistry implements Registry {
  readonly #database: RootDatabase<string, Buffer>;
  readonly #folder: string;
  readonly #space: (folder: string) => Space;
  readonly #underWay = new Set<Promise<unknown>>();
  #closed: Promise<void> | undefined;

  constructor(
    database: RootDatabase<string, Buffer>,
    folder: string,
    space: (folder: string) => Space,
  ) {
    this.#database = database;
    this.#folder = folder;
    this.#space = space;
  }

  async get<T>(key: string): Promise<Entry<T> | undefined> {
    this.#checkOpen();
    checkKey(key);
    const found = this.#database.get(Buffer.from(key));
    return found === undefined ? undefined : toEntry<T>(key, found);
  }

  async list<T>(prefix: string): Promise<Entry<T>[]> {
    this.#checkOpen();
    // Read in one go: a range that is not left for another turn of the event loop reads one snapshot.
    return [...this.#database.getRange(rangeOf(prefix))].map(({ key, value }) =>
      toEntry<T>(key.toString(), value),
    );
  }

  async commit(changes: readonly Change[]): Promise<void> {
    this.#checkOpen();
    checkChanges(changes);
    // Made now: what the caller does to its objects while the commit is under way changes nothing.
    const writes = changes.map(({ key, value, expectedVersion }) => ({
      key,
      bytes: Buffer.from(key),
      json: value === undefined ? undefined : JSON.stringify(value),
      expectedVersion,
    }));
    if (writes.length === 0) return;
    this.#checkRoom(writes);
    // A child transaction, because a write that fails halfway (a full disk) must take the others with it.
    const done = this.#database.childTransaction(() => applyWrites(this.#database, writes));
    this.#underWay.add(done);
    try {
      await done;
    } catch (cause) {
      if (isCairnError(cause)) throw cause;
      throw new CairnError("RegistryUnavailable", `cannot write the registry in ${this.#folder}`, {
        cause: await rootOf(cause),
      });
    } finally {
      this.#underWay.delete(done);
    }
  }

  close(): Promise<void> {
    this.#closed ??= Promise.allSettled(this.#underWay).then(() => this.#database.close());
    return this.#closed;
  }

  /**
   * Nothing is written where there may be no room for it: lmdb-js 3.5.6 survives a write that fails for that a few times,
   * and then ends the process with a damaged heap (observed on a full disk, with many small commits).
   */
  #checkRoom(writes: readonly Write[]): void {
    let space: Space;
    try {
      space = this.#space(this.#folder);
    } catch {
      // The write itself will find out.
      return;
    }
    const { freeBytes, totalBytes } = space;
    if (totalBytes === 0) return;
    const reserved = Math.min(roomBytesMin, totalBytes * diskReserveShareMax);
    const wanted = writes.reduce((sum, { json = "" }) => sum + json.length * 3, reserved);
    if (freeBytes >= wanted) return;
    throw new CairnError(
      "RegistryUnavailable",
      `the disk of the registry in ${this.#folder} is full: ${Math.floor(freeBytes / 1024)} KiB are free, and ${Math.ceil(wanted / 1024)} KiB may be needed`,
    );
  }

  #checkOpen(): void {
    if (this.#closed !== undefined) {
      throw new CairnError("RegistryUnavailable", "the registry is closed");
    }
  }
}

interface Write {
  key: string;
  bytes: Buffer;
  json: string | undefined;
  expectedVersion: number | undefined;
}

/** Runs inside a transaction: what it reads cannot change before what it writes is committed. */
function applyWrites(database: Database<string, Buffer>, writes: readonly Write[]): void {
  const versions = writes.map(({ bytes }) => versionOf(database.get(bytes)));
  writes.forEach(({ key, expectedVersion }, index) => {
    if (expectedVersion !== undefined && expectedVersion !== versions[index]) {
      throw new CairnError(
        "RegistryConflict",
        `"${key}" is at version ${versions[index]}, not ${expectedVersion}`,
      );
    }
  });
  writes.forEach(({ bytes, json }, index) => {
    if (json === undefined) database.removeSync(bytes);
    else database.putSync(bytes, `${(versions[index] ?? 0) + 1} ${json}`);
  });
}

/** All keys that start with these bytes: up to the first that does not. No byte of UTF-8 is 0xFF. */
function rangeOf(prefix: string): { start?: Buffer; end?: Buffer } {
  if (prefix === "") return {};
  const start = Buffer.from(prefix);
  const end = Buffer.from(start);
  end[end.length - 1] = (end.at(-1) ?? 0) + 1;
  return { start, end };
}

function versionOf(stored: string | undefined): number {
  return stored === undefined ? 0 : Number.parseInt(stored, 10);
}

function toEntry<T>(key: string, stored: string): Entry<T> {
  const value = JSON.parse(stored.slice(stored.indexOf(" ") + 1)) as T;
  return { key, value, version: versionOf(stored) };
}

/** lmdb-js rejects with "Commit failed" and hands the reason over as a second promise, which must not go unhandled. */
async function rootOf(error: unknown): Promise<unknown> {
  const reason = (error as { commitError?: unknown }).commitError;
  if (!(reason instanceof Promise)) return error;
  return reason.then(
    () => error,
    (cause: unknown) => cause,
  );
}
