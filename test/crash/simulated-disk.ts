// A disk in memory that behaves as badly as a real one may: what is not flushed is kept in part or not at all.
//
// Each file has what the kernel shows (`seen`) and what is on the platter (`kept`), in sectors. A flush copies the
// dirty sectors; one that fails copies some of them and then calls all of them clean, as Linux does. A loss of power
// copies some of the dirty ones, in no order, and takes the old length or the new one. Names work the same way.
import type { Disk, DiskFile } from "../../src/journal/segment-files/disk.ts";
import { diskError, type Operation } from "./faulty-disk.ts";

const sectorBytes = 512;

interface Inode {
  seen: Buffer;
  kept: Buffer;
  dirty: Set<number>;
}

type Run = <T>(operation: Operation, action: () => T, halfway?: () => void) => Promise<T>;

type NameChange =
  | { kind: "put"; path: string; inode: Inode }
  | { kind: "rename"; from: string; to: string }
  | { kind: "remove"; path: string };

export class SimulatedDisk {
  readonly #random: () => number;
  #names = new Map<string, Inode>();
  #keptNames = new Map<string, Inode>();
  #nameChanges: NameChange[] = [];
  #process = {};
  /** The code to fail an operation with. */
  fault: (operation: Operation) => string | undefined = () => undefined;

  constructor(random: () => number) {
    this.#random = random;
  }

  /** The process dies; the kernel keeps everything it was given. */
  kill(): void {
    this.#process = {};
  }

  /** The machine dies. */
  losePower(): void {
    this.kill();
    for (const change of this.#nameChanges) {
      if (this.#random() < 0.5) applyName(this.#keptNames, change);
    }
    this.#nameChanges = [];
    this.#names = new Map(this.#keptNames);
    for (const inode of new Set(this.#names.values())) {
      const byteLength = this.#random() < 0.5 ? inode.kept.length : inode.seen.length;
      const kept = resized(inode.kept, byteLength);
      for (const sector of inode.dirty) {
        if (this.#random() < 0.5) copySector(inode.seen, kept, sector);
      }
      inode.kept = kept;
      inode.seen = Buffer.from(kept);
      inode.dirty.clear();
    }
  }

  /** What the kernel shows now. */
  peek(path: string): Buffer | undefined {
    return this.#names.get(path)?.seen;
  }

  /** The disk as a new process sees it. Once it has died, its calls do nothing and are never answered. */
  forNewProcess(): Disk {
    const process = {};
    this.#process = process;
    const run: Run = (operation, action, halfway) => this.#run(process, operation, action, halfway);
    return {
      lock: async () => ({ release: async () => {} }),
      makeFolder: async () => {},
      space: async () => ({ freeBytes: 0, totalBytes: 0 }),
      list: () =>
        run("list", () =>
          [...this.#names.keys()].map((path) => path.slice(path.lastIndexOf("/") + 1)),
        ),
      read: (path) => run("read", () => Buffer.from(this.#inode(path).seen)),
      create: (path) =>
        run("create", () => {
          if (this.#names.has(path)) throw diskError("EEXIST");
          const inode = { seen: Buffer.alloc(0), kept: Buffer.alloc(0), dirty: new Set<number>() };
          this.#changeName({ kind: "put", path, inode });
          return this.#open(inode, run);
        }),
      openExisting: (path) => run("openExisting", () => this.#open(this.#inode(path), run)),
      rename: (from, to) =>
        run("rename", () => {
          this.#inode(from);
          this.#changeName({ kind: "rename", from, to });
        }),
      remove: (path) =>
        run("remove", () => {
          this.#inode(path);
          this.#changeName({ kind: "remove", path });
        }),
      flushFolder: () =>
        run("flushFolder", () => {
          this.#keptNames = new Map(this.#names);
          this.#nameChanges = [];
        }),
    };
  }

  #inode(path: string): Inode {
    const inode = this.#names.get(path);
    if (inode === undefined) throw diskError("ENOENT");
    return inode;
  }

  #changeName(change: NameChange): void {
    applyName(this.#names, change);
    this.#nameChanges.push(change);
  }

  #open(inode: Inode, run: Run): DiskFile {
    return {
      write: (buffers, position) =>
        run(
          "write",
          () => {
            const all = Buffer.concat(buffers);
            // As the system may, now and then: fewer bytes than asked for.
            const some = this.#random() < 0.2 ? all.subarray(0, Math.ceil(all.length / 2)) : all;
            writeTo(inode, some, position);
            return some.length;
          },
          () => {
            const all = Buffer.concat(buffers);
            writeTo(inode, all.subarray(0, Math.floor(all.length * this.#random())), position);
          },
        ),
      truncate: (byteLength) =>
        run("truncate", () => {
          inode.seen = resized(inode.seen, byteLength);
          if (byteLength % sectorBytes !== 0) inode.dirty.add(Math.floor(byteLength / sectorBytes));
        }),
      flush: () =>
        run(
          "flush",
          () => {
            inode.kept = resized(inode.kept, inode.seen.length);
            for (const sector of inode.dirty) copySector(inode.seen, inode.kept, sector);
            inode.dirty.clear();
          },
          () => {
            inode.kept = resized(inode.kept, inode.seen.length);
            for (const sector of inode.dirty) {
              if (this.#random() < 0.5) copySector(inode.seen, inode.kept, sector);
            }
            inode.dirty.clear();
          },
        ),
      close: () => run("close", () => {}),
    };
  }

  async #run<T>(
    process: object,
    operation: Operation,
    action: () => T,
    halfway?: () => void,
  ): Promise<T> {
    await this.#pass(process, Math.floor(this.#random() * 3));
    const code = this.fault(operation);
    if (code !== undefined) {
      halfway?.();
      throw diskError(code);
    }
    const result = action();
    await this.#pass(process, 1);
    return result;
  }

  async #pass(process: object, turns: number): Promise<void> {
    for (let turn = 0; turn < turns; turn++) await new Promise((resolve) => setImmediate(resolve));
    if (process !== this.#process) await new Promise<never>(() => {});
  }
}

function writeTo(inode: Inode, bytes: Buffer, position: number): void {
  const end = position + bytes.length;
  if (end > inode.seen.length) inode.seen = resized(inode.seen, end);
  bytes.copy(inode.seen, position);
  for (let at = position; at < end; at += sectorBytes)
    inode.dirty.add(Math.floor(at / sectorBytes));
  if (end > position) inode.dirty.add(Math.floor((end - 1) / sectorBytes));
}

function resized(bytes: Buffer, byteLength: number): Buffer {
  const result = Buffer.alloc(byteLength);
  bytes.copy(result);
  return result;
}

function copySector(from: Buffer, to: Buffer, sector: number): void {
  const start = sector * sectorBytes;
  if (start >= to.length) return;
  const end = Math.min(start + sectorBytes, to.length);
  to.fill(0, start, end);
  if (start < from.length) from.copy(to, start, start, Math.min(end, from.length));
}

function applyName(names: Map<string, Inode>, change: NameChange): void {
  if (change.kind === "put") names.set(change.path, change.inode);
  else if (change.kind === "remove") names.delete(change.path);
  else {
    const inode = names.get(change.from);
    if (inode === undefined) return;
    names.delete(change.from);
    names.set(change.to, inode);
  }
}
