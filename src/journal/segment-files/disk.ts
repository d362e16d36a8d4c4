// The few file operations that the journal is built on, so that a test can fail each one or pull the plug.
import { open, readdir, readFile, rename, rm, statfs } from "node:fs/promises";
import { flushFolder, makeFolder } from "../../base/folder.ts";
import type { Log } from "../../base/log.ts";
import type { Random } from "../../base/random.ts";
import { type FolderLock, lockFolder } from "./folder-lock.ts";

/** A file open for writing. */
export interface DiskFile {
  /** Writes from `position` on; how many bytes it wrote, perhaps not all. */
  write(buffers: readonly Uint8Array[], position: number): Promise<number>;
  truncate(byteLength: number): Promise<void>;
  /** What was written, and the file's length, survive the loss of power. */
  flush(): Promise<void>;
  close(): Promise<void>;
}

export interface Disk {
  makeFolder(folder: string): Promise<void>;
  /** The names of plain files. */
  list(folder: string): Promise<string[]>;
  read(path: string): Promise<Buffer>;
  /** Makes a file that must not be there yet. */
  create(path: string): Promise<DiskFile>;
  openExisting(path: string): Promise<DiskFile>;
  rename(from: string, to: string): Promise<void>;
  remove(path: string): Promise<void>;
  /** Of the file system that the folder is on; a total of 0: it does not say. */
  space(folder: string): Promise<{ freeBytes: number; totalBytes: number }>;
  /** Only one journal at a time, in any process; see folder-lock.ts. */
  lock(folder: string, random: Random, log: Log): Promise<FolderLock>;
  /** Files made, renamed and removed in the folder stay so after the loss of power. */
  flushFolder(folder: string): Promise<void>;
}

/** The real one. */
export const nodeDisk: Disk = {
  makeFolder,
  async list(folder) {
    const entries = await readdir(folder, { withFileTypes: true });
    return entries.filter((each) => each.isFile()).map(({ name }) => name);
  },
  read: (path) => readFile(path),
  create: (path) => openFile(path, "wx"),
  openExisting: (path) => openFile(path, "r+"),
  rename,
  remove: (path) => rm(path),
  async space(folder) {
    const { bavail, blocks, bsize } = await statfs(folder);
    return { freeBytes: bavail * bsize, totalBytes: blocks * bsize };
  },
  lock: lockFolder,
  flushFolder,
};

async function openFile(path: string, flags: "wx" | "r+"): Promise<DiskFile> {
  const handle = await open(path, flags, 0o600);
  return {
    write: async (buffers, position) => (await handle.writev(buffers, position)).bytesWritten,
    truncate: (byteLength) => handle.truncate(byteLength),
    flush: () => handle.datasync(),
    close: () => handle.close(),
  };
}

/** Linux takes at most this many buffers in one writev. */
const buffersMax = 1024;

/** Writes all of the buffers, however many calls it takes. */
export async function writeAll(
  file: DiskFile,
  buffers: readonly Uint8Array[],
  position: number,
): Promise<void> {
  let left = buffers.slice();
  let at = position;
  while (left.length > 0) {
    let written = await file.write(left.slice(0, buffersMax), at);
    at += written;
    let whole = 0;
    while (whole < left.length && (left[whole]?.length ?? 0) <= written) {
      written -= left[whole]?.length ?? 0;
      whole += 1;
    }
    left = left.slice(whole);
    if (written > 0 && left[0] !== undefined) left[0] = left[0].subarray(written);
  }
}
