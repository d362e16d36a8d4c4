// A real disk on which any operation can be made to fail, and whose process can be made to die.
import type { Disk, DiskFile } from "../../src/journal/segment-files/disk.ts";
import { nodeDisk } from "../../src/journal/segment-files/disk.ts";

export type Operation =
  | "list"
  | "read"
  | "create"
  | "openExisting"
  | "write"
  | "truncate"
  | "flush"
  | "close"
  | "rename"
  | "remove"
  | "flushFolder";

export function diskError(code: string): Error {
  return Object.assign(new Error(`${code}: injected`), { code });
}

export class FaultyDisk implements Disk {
  /** The code to fail this operation with. A failing write writes the first half; any other does nothing. */
  fault: (operation: Operation, path: string) => string | undefined = () => undefined;
  readonly operations: Operation[] = [];
  #isDead = false;
  /** What the kernel would close. */
  readonly #files = new Set<DiskFile>();

  /** From here on nothing is done any more and nothing is answered, as after SIGKILL. */
  async die(): Promise<void> {
    this.#isDead = true;
    for (const file of this.#files) await file.close();
  }

  // Several journals of one test share this process, the dead ones included.
  lock = async () => ({ release: async () => {} });
  space = (folder: string) => nodeDisk.space(folder);
  makeFolder = (folder: string) => nodeDisk.makeFolder(folder);
  list = (folder: string) => this.#do("list", folder, () => nodeDisk.list(folder));
  read = (path: string) => this.#do("read", path, () => nodeDisk.read(path));
  rename = (from: string, to: string) => this.#do("rename", from, () => nodeDisk.rename(from, to));
  remove = (path: string) => this.#do("remove", path, () => nodeDisk.remove(path));
  flushFolder = (folder: string) =>
    this.#do("flushFolder", folder, () => nodeDisk.flushFolder(folder));
  create = (path: string) =>
    this.#do("create", path, async () => this.#wrap(path, await nodeDisk.create(path)));
  openExisting = (path: string) =>
    this.#do("openExisting", path, async () => this.#wrap(path, await nodeDisk.openExisting(path)));

  #wrap(path: string, file: DiskFile): DiskFile {
    this.#files.add(file);
    return {
      write: (buffers, position) =>
        this.#do(
          "write",
          path,
          () => file.write(buffers, position),
          async () => {
            const all = Buffer.concat(buffers);
            await file.write([all.subarray(0, all.length / 2)], position);
          },
        ),
      truncate: (byteLength) => this.#do("truncate", path, () => file.truncate(byteLength)),
      flush: () => this.#do("flush", path, () => file.flush()),
      close: () =>
        this.#do("close", path, () => {
          this.#files.delete(file);
          return file.close();
        }),
    };
  }

  async #do<T>(
    operation: Operation,
    path: string,
    run: () => Promise<T>,
    halfway?: () => Promise<void>,
  ): Promise<T> {
    if (this.#isDead) await new Promise<never>(() => {});
    this.operations.push(operation);
    const code = this.fault(operation, path);
    if (code === undefined) return run();
    await halfway?.();
    throw diskError(code);
  }
}
