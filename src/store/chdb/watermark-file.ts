// The watermark on disk: how far the log is in the store, across restarts.
//
//   ┌──────────┬────────────┐┌──────────┬────────────┐
//   │ seq u64  │ crc32c u32 ││ seq u64  │ crc32c u32 │   little endian; written in turn, so that a torn write
//   └──────────┴────────────┘└──────────┴────────────┘   spoils one slot and the other still holds the one before
//
// It cannot be the table's highest seq: the last rows of a segment may have been dropped as duplicates, and a load that
// a crash cut short may have stored later rows and not earlier ones.
import { type FileHandle, open } from "node:fs/promises";
import { dirname } from "node:path";
import { crc32c } from "@node-rs/crc32";

const slotBytes = 12;

export class WatermarkFile {
  readonly #file: FileHandle;
  #slot: number;
  /** What was saved last; 0n where nothing is, or nothing whole. */
  readonly saved: bigint;

  private constructor(file: FileHandle, saved: bigint, slot: number) {
    this.#file = file;
    this.saved = saved;
    this.#slot = slot;
  }

  static async open(path: string): Promise<WatermarkFile> {
    const file = await open(path, "r+").catch(async (error: NodeJS.ErrnoException) => {
      if (error.code !== "ENOENT") throw error;
      const created = await open(path, "w+");
      const folder = await open(dirname(path));
      try {
        await folder.sync();
      } finally {
        await folder.close();
      }
      return created;
    });
    const bytes = Buffer.alloc(2 * slotBytes);
    await file.read(bytes, 0, bytes.length, 0);
    const slots = [readSlot(bytes.subarray(0, slotBytes)), readSlot(bytes.subarray(slotBytes))];
    const newest = (slots[1] ?? -1n) > (slots[0] ?? -1n) ? 1 : 0;
    return new WatermarkFile(file, slots[newest] ?? 0n, newest);
  }

  /** Durable when it resolves. One call at a time. */
  async save(seq: bigint): Promise<void> {
    const slot = 1 - this.#slot;
    const bytes = Buffer.alloc(slotBytes);
    bytes.writeBigUInt64LE(seq);
    bytes.writeUInt32LE(crc32c(bytes.subarray(0, 8)), 8);
    await this.#file.write(bytes, 0, slotBytes, slot * slotBytes);
    await this.#file.datasync();
    this.#slot = slot;
  }

  close(): Promise<void> {
    return this.#file.close();
  }
}

function readSlot(bytes: Buffer): bigint | undefined {
  const seq = bytes.readBigUInt64LE();
  // An empty slot is all zeros, whose checksum is not zero.
  return bytes.readUInt32LE(8) === crc32c(bytes.subarray(0, 8)) ? seq : undefined;
}
