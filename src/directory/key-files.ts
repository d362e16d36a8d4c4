// The files of the master key: `master.key`, and `master.key.old` from a rotation on until it is forgotten.
//
//   master.key   master.key.old   master.key.new
//       A              -                -            at rest
//       A              -                B            a rotation begins
//       A              A                B            the present key has its second name …
//       B              A                -            … and gives its first to the new one, in one rename
//       B              -                -            forgotten
//
// Each step is flushed before the next, so that a crash leaves one of these lines. No line lacks a key that anything is
// sealed under: nothing is, under B, before the last but one.
import { chmod, constants, link, open, readFile, rename, stat, unlink } from "node:fs/promises";
import { dirname } from "node:path";
import { CairnError } from "../base/errors.ts";
import { flushFolder, makeFolder } from "../base/folder.ts";
import type { Random } from "../base/random.ts";
import { masterKeyBytes, masterKeyOf, parseMasterKey } from "./master-keys.ts";

/** What the files need of a disk: tests give one that fails. */
export interface KeyDisk {
  /** Undefined: not there. */
  read(path: string): Promise<{ text: string; mode: number } | undefined>;
  /** Whole and flushed, mode 600, in place of what was there. */
  write(path: string, text: string): Promise<void>;
  /** Rejects with EEXIST where there is something. */
  link(from: string, to: string): Promise<void>;
  rename(from: string, to: string): Promise<void>;
  /** Nothing when it is not there. */
  remove(path: string): Promise<void>;
  flushFolder(folder: string): Promise<void>;
}

export const nodeKeyDisk: KeyDisk = {
  async read(path) {
    try {
      const { mode } = await stat(path);
      return { text: await readFile(path, "utf8"), mode };
    } catch (error) {
      if (hasCode(error, "ENOENT")) return undefined;
      throw error;
    }
  },
  async write(path, text) {
    const { O_CREAT, O_TRUNC, O_WRONLY, O_NOFOLLOW } = constants;
    const file = await open(path, O_CREAT | O_TRUNC | O_WRONLY | O_NOFOLLOW, 0o600);
    try {
      await file.chmod(0o600);
      await file.writeFile(text);
      await file.sync();
    } finally {
      await file.close();
    }
  },
  async link(from, to) {
    await link(from, to);
    await chmod(to, 0o600);
  },
  rename,
  async remove(path) {
    try {
      await unlink(path);
    } catch (error) {
      if (!hasCode(error, "ENOENT")) throw error;
    }
  },
  flushFolder,
};

export class KeyFiles {
  /** Of `master.key`. */
  readonly path: string;
  readonly #disk: KeyDisk;

  constructor(path: string, disk: KeyDisk = nodeKeyDisk) {
    this.path = path;
    this.#disk = disk;
  }

  get formerPath(): string {
    return `${this.path}.old`;
  }

  read(): Promise<Buffer | undefined> {
    return this.#read(this.path);
  }

  readFormer(): Promise<Buffer | undefined> {
    return this.#read(this.formerPath);
  }

  /** The first key, durable when it resolves. Of two processes that start at once, both get the first one's. */
  async make(random: Random): Promise<Buffer> {
    const folder = dirname(this.path);
    await makeFolder(folder);
    const temporary = `${this.path}.${random.uuid()}`;
    await this.#disk.write(temporary, textOf(random.bytes(masterKeyBytes)));
    try {
      await this.#disk.link(temporary, this.path);
    } catch (error) {
      if (!hasCode(error, "EEXIST")) throw error;
    } finally {
      await this.#disk.remove(temporary);
    }
    await this.#disk.flushFolder(folder);
    const made = await this.read();
    if (made !== undefined) return made;
    throw new CairnError("InvalidConfiguration", `${this.path} went away while it was made`);
  }

  /**
   * Puts another key in the present one's place and keeps that one beside it; both are durable when it resolves.
   * Resolves with the key that is in place: another one than `next` when an earlier call got that far and failed
   * behind it. Throws UnmodifiableEntity while the key of an earlier rotation is still kept.
   */
  async replace(present: Buffer, next: Buffer): Promise<Buffer> {
    const folder = dirname(this.path);
    const [inPlace, former] = [await this.read(), await this.readFormer()];
    if (inPlace === undefined || !inPlace.equals(present)) {
      if (inPlace === undefined || former?.equals(present) !== true) {
        throw new CairnError(
          "InvalidConfiguration",
          `${this.path} is not the master key that this server runs with; put that one back first`,
        );
      }
      await this.#disk.flushFolder(folder);
      return inPlace;
    }
    if (former !== undefined && !former.equals(present)) {
      throw new CairnError(
        "UnmodifiableEntity",
        `${this.formerPath} is the key ${masterKeyOf(former).id} of an earlier rotation: forget it first`,
      );
    }
    await this.#disk.write(`${this.path}.new`, textOf(next));
    if (former === undefined) await this.#disk.link(this.path, this.formerPath);
    await this.#disk.flushFolder(folder);
    await this.#disk.rename(`${this.path}.new`, this.path);
    await this.#disk.flushFolder(folder);
    return next;
  }

  async forgetFormer(): Promise<void> {
    await this.#disk.remove(this.formerPath);
    await this.#disk.flushFolder(dirname(this.path));
  }

  async #read(path: string): Promise<Buffer | undefined> {
    let found: Awaited<ReturnType<KeyDisk["read"]>>;
    try {
      found = await this.#disk.read(path);
    } catch (cause) {
      throw new CairnError("InvalidConfiguration", `${path} cannot be read`, { cause });
    }
    if (found === undefined) return undefined;
    if (process.platform !== "win32" && (found.mode & 0o007) !== 0) {
      throw new CairnError(
        "InvalidConfiguration",
        `${path} is open to every user of this machine (mode ${(found.mode & 0o777).toString(8)}); make it 600`,
      );
    }
    return parseMasterKey(found.text, path);
  }
}

const textOf = (key: Buffer) => `${key.toString("base64")}\n`;

function hasCode(error: unknown, code: string): boolean {
  return error instanceof Error && "code" in error && error.code === code;
}
