// The embedded journal: segment files, written in groups that share one flush.
//
//   append ─┐                          ┌ create segment-….open (flush folder)
//   append ─┼─► waiting ─► group ─► write ─► flush ─► acknowledged ─ … ─ 64 MiB or 500 ms ─► rename to .sealed ─► segments
//   append ─┘    (while one group is flushed, the next one gathers)                              released ─► removed
//
//   a segment file:  ┌─────┬─────┬─────┬──── … ────┬─────┐   rows of event/row.ts back to back, nothing else, so that
//                    │ row │ row │ row │           │ row │   the store can load the file as it is; their seqs are
//                    └─────┴─────┴─────┴──── … ────┴─────┘   consecutive, from the one in the file's name
//
// How the numbers survive when all rows are gone: some file name always holds the next seq, or one that is not far
// below it. A segment is removed only when a newer name is flushed; the newest one becomes a mark instead (one atomic
// rename). When a group fails, the file is cut back to its last flushed byte, that cut is flushed, and the file is
// sealed with its true end in its name, before anyone hears of the failure; only then may the group be sent again.
// After a failed flush nothing more is written to that file: the kernel may have dropped the pages it could not write.
//
// docs/formats/journal.md describes the files for whoever must read them without Cairn.

import { join } from "node:path";
import { setImmediate } from "node:timers/promises";
import { crc32c } from "@node-rs/crc32";
import { assert } from "../../base/assert.ts";
import type { Clock, Timer } from "../../base/clock.ts";
import { CairnError, isCairnError } from "../../base/errors.ts";
import { diskReserveShareMax, segmentAgeMsMax, segmentBytesMax } from "../../base/limits.ts";
import type { Log } from "../../base/log.ts";
import { type Random, systemRandom } from "../../base/random.ts";
import { type RowBatch, sealRow } from "../../event/row.ts";
import type { AppendReceipt, Journal, JournalStatus, Segment } from "../journal.ts";
import { SegmentQueue } from "../segment-queue.ts";
import { type Disk, type DiskFile, nodeDisk, writeAll } from "./disk.ts";
import { errorCodeOf } from "./error-code.ts";
import { damagedName, markName, openName, sealedName } from "./file-name.ts";
import type { FolderLock } from "./folder-lock.ts";
import {
  FileSegment,
  probeName,
  type Recovered,
  recoverFolder,
  type SegmentFile,
} from "./recover.ts";

export interface SegmentFileJournalOptions {
  /** Made when missing, readable by its owner only. */
  folder: string;
  clock: Clock;
  log: Log;
  random?: Random;
  segmentBytesMax?: number;
  segmentAgeMsMax?: number;
  /** Bytes of the disk to leave free, beside room for what the store has not taken yet. Left out: none. */
  reserveBytes?: number;
  /** Given by tests that fail it. */
  disk?: Disk;
}

/** Rejects with DataFolderInUse when another process has the folder. */
export async function openSegmentFileJournal(options: SegmentFileJournalOptions): Promise<Journal> {
  const { folder, log, disk = nodeDisk, random = systemRandom } = options;
  let lock: FolderLock | undefined;
  try {
    await disk.makeFolder(folder);
    lock = await disk.lock(folder, random, log);
    const journal = new SegmentFileJournal(
      options,
      disk,
      lock,
      await recoverFolder(folder, disk, log),
    );
    await journal.setAsideHopeless();
    return journal;
  } catch (cause) {
    await lock?.release();
    if (isCairnError(cause)) throw cause;
    throw toCairnError(cause, `cannot open the journal in ${folder}`);
  }
}

interface Append {
  batch: RowBatch;
  resolve: (receipt: AppendReceipt) => void;
  reject: (error: CairnError) => void;
}

/** The segment being written. */
interface OpenSegment {
  name: string;
  file: DiskFile;
  firstSeq: bigint;
  /** What is flushed: bytes and rows that were acknowledged. */
  byteLength: number;
  count: number;
  age: Timer | undefined;
  /** To be sealed when the reader comes for it. */
  isOld: boolean;
}

/** Sealing rows takes the processor; other work gets a turn after so many bytes (about 1 ms). */
const sealSliceBytes = 1024 * 1024;
/** How often a cleanup that failed is tried again, and whether there is room again. */
const retryDelayMs = 500;
const probeBytes = 256 * 1024;

class SegmentFileJournal implements Journal {
  readonly #folder: string;
  readonly #disk: Disk;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #lock: FolderLock | undefined;
  readonly #segmentBytesMax: number;
  readonly #segmentAgeMsMax: number;
  readonly #reserveBytes: number;
  readonly #queue = new SegmentQueue<FileSegment>(() => this.#sealForReader());
  #waiting: Append[] = [];
  #open: OpenSegment | undefined;
  /** The writer, while it has work. All changes to the open segment are made there, one after the other. */
  #writer: Promise<void> | undefined;
  #sealDue = false;
  /** The last seq acknowledged, or found at start-up. */
  #lastSeq: bigint;
  /** A flushed file name, of a mark or the start of a segment, holds this number. */
  #heldSeq: bigint;
  readonly #marks: Set<string>;
  #pendingBytes = 0;
  #damagedCount: number;
  #refusing: string | undefined;
  /** A failed group is not cleaned up yet: nothing may be written. */
  #stuck = false;
  #probe: Timer | undefined;
  #probeCount = 0;
  #hopeless: SegmentFile[];
  readonly #closing = new AbortController();
  #closed: Promise<void> | undefined;

  constructor(
    options: SegmentFileJournalOptions,
    disk: Disk,
    lock: FolderLock | undefined,
    recovered: Recovered,
  ) {
    this.#folder = options.folder;
    this.#disk = disk;
    this.#clock = options.clock;
    this.#log = options.log;
    this.#lock = lock;
    this.#segmentBytesMax = options.segmentBytesMax ?? segmentBytesMax;
    this.#segmentAgeMsMax = options.segmentAgeMsMax ?? segmentAgeMsMax;
    this.#reserveBytes = options.reserveBytes ?? 0;
    this.#lastSeq = recovered.nextSeq - 1n;
    this.#heldSeq = recovered.heldSeq;
    this.#marks = new Set(recovered.marks);
    this.#damagedCount = recovered.damagedCount;
    this.#hopeless = recovered.hopeless;
    for (const segment of recovered.segments) {
      this.#queue.push(segment);
      this.#pendingBytes += segment.byteLength;
    }
  }

  append(batch: RowBatch): Promise<AppendReceipt> {
    if (this.#closed !== undefined) return Promise.reject(closedError());
    if (this.#stuck) return Promise.reject(unavailable(this.#refusing ?? ""));
    return new Promise((resolve, reject) => {
      this.#waiting.push({ batch, resolve, reject });
      this.#wakeWriter();
    });
  }

  segments(signal: AbortSignal): AsyncIterable<Segment> {
    return this.#queue.read(signal);
  }

  async release(segment: Segment): Promise<void> {
    const known = this.#queue.find(segment.firstSeq);
    // After close another process may own the folder: the segment comes again at the next start.
    if (known === undefined || this.#closed !== undefined) return;
    this.#queue.remove(known);
    this.#pendingBytes -= known.byteLength;
    known.file.segments.delete(known);
    if (known.file.segments.size > 0) return;
    try {
      await this.#retire(known.file);
    } catch (cause) {
      throw toCairnError(cause, `cannot remove ${join(this.#folder, known.file.name)}`);
    }
  }

  status(): JournalStatus {
    const status: JournalStatus = {
      lastSeq: this.#lastSeq,
      pendingBytes: this.#pendingBytes,
      damaged: this.#damagedCount,
    };
    if (this.#refusing !== undefined) status.refusing = this.#refusing;
    return status;
  }

  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  async #close(): Promise<void> {
    this.#probe?.cancel();
    this.#closing.abort();
    while (this.#writer !== undefined) await this.#writer;
    await this.#seal();
    this.#queue.end();
    try {
      await this.#disk.flushFolder(this.#folder);
    } catch (err) {
      // Only a rename may be lost by it, and recovery finds the rows under the old name as well.
      this.#log.error({ err }, "journal: could not flush its folder while closing");
    }
    await this.#lock?.release();
  }

  /** Damaged files that had nothing to save go aside at once; one that cannot is found again at the next start. */
  async setAsideHopeless(): Promise<void> {
    for (const file of this.#hopeless.splice(0)) {
      try {
        await this.#retire(file);
      } catch (err) {
        this.#log.error({ file: file.name, err }, "journal: could not set a damaged file aside");
      }
    }
  }

  #wakeWriter(): void {
    this.#writer ??= this.#write().finally(() => {
      this.#writer = undefined;
      if (this.#waiting.length > 0 || this.#sealDue) this.#wakeWriter();
    });
  }

  async #write(): Promise<void> {
    // Not at once: what is appended in one turn of the event loop shares a flush.
    await setImmediate();
    for (;;) {
      if (this.#sealDue) await this.#seal();
      const group = this.#takeGroup();
      if (group.length === 0) return;
      const shortage = await this.#shortage(bytesOf(group));
      if (shortage !== undefined) {
        this.#decline(group, shortage);
        continue;
      }
      let receipts: AppendReceipt[];
      try {
        receipts = await this.#writeGroup(group);
      } catch (error) {
        await this.#refuse(group, error);
        continue;
      }
      this.#refusing = undefined;
      group.forEach(({ resolve }, index) => {
        const receipt = receipts[index];
        assert(receipt, "each batch of a group has a receipt");
        resolve(receipt);
      });
    }
  }

  /** As many waiting batches as the segment has room for, at least one: a batch is never split over two files. */
  #takeGroup(): Append[] {
    let byteLength = this.#open?.byteLength ?? 0;
    let count = 0;
    for (const { batch } of this.#waiting) {
      count += 1;
      byteLength += batch.bytes.length;
      if (byteLength >= this.#segmentBytesMax) break;
    }
    return this.#waiting.splice(0, count);
  }

  /** Everything is flushed when it resolves. Until then nothing that `status` or a reader sees has changed. */
  async #writeGroup(group: readonly Append[]): Promise<AppendReceipt[]> {
    const receipts = await this.#number(group);
    const count = receipts.reduce((sum, each) => sum + each.count, 0);
    if (count === 0) return receipts;
    const isNew = this.#open === undefined;
    const open = this.#open ?? (await this.#create());
    const buffers = group.map(({ batch }) => batch.bytes);
    await writeAll(open.file, buffers, open.byteLength);
    await open.file.flush();
    if (isNew) await this.#flushNewName(open);
    const byteLength = bytesOf(group);
    open.byteLength += byteLength;
    open.count += count;
    this.#pendingBytes += byteLength;
    this.#lastSeq += BigInt(count);
    open.age ??= this.#clock.after(this.#segmentAgeMsMax, () => this.#ageSegment(open));
    if (open.byteLength >= this.#segmentBytesMax) this.#sealDue = true;
    return receipts;
  }

  /** Gives each row its seq and checksum. A group that fails gets no numbers: the next one starts with the same. */
  async #number(group: readonly Append[]): Promise<AppendReceipt[]> {
    const receipts: AppendReceipt[] = [];
    let seq = this.#lastSeq + 1n;
    let sliceBytes = 0;
    for (const { batch } of group) {
      receipts.push({ firstSeq: seq, count: batch.offsets.length });
      for (const offset of batch.offsets) {
        sealRow(batch.bytes, offset, seq, crc32c);
        seq += 1n;
        sliceBytes += batch.bytes.readUInt32LE(offset);
        if (sliceBytes >= sealSliceBytes) {
          sliceBytes = 0;
          await setImmediate();
        }
      }
    }
    return receipts;
  }

  async #create(): Promise<OpenSegment> {
    const firstSeq = this.#lastSeq + 1n;
    const name = openName(firstSeq);
    const file = await this.#disk.create(join(this.#folder, name));
    this.#open = { name, file, firstSeq, byteLength: 0, count: 0, age: undefined, isOld: false };
    return this.#open;
  }

  async #flushNewName(open: OpenSegment): Promise<void> {
    await this.#disk.flushFolder(this.#folder);
    this.#heldSeq = open.firstSeq;
    for (const mark of this.#marks) {
      this.#marks.delete(mark);
      try {
        await this.#disk.remove(join(this.#folder, mark));
      } catch (err) {
        this.#log.warn({ mark, err }, "journal: could not remove an old mark; it does no harm");
      }
    }
  }

  /**
   * Why so many more bytes are not to be written, if they are not: what is accepted here must fit into the store too,
   * and until then it is on the disk twice.
   */
  async #shortage(byteLength: number): Promise<string | undefined> {
    if (this.#reserveBytes === 0) return undefined;
    let space: { freeBytes: number; totalBytes: number };
    try {
      space = await this.#disk.space(this.#folder);
    } catch (err) {
      // The write itself will find out.
      this.#log.debug({ err }, "journal: cannot ask how much room there is");
      return undefined;
    }
    const { freeBytes, totalBytes } = space;
    if (totalBytes === 0) return undefined;
    const reserveBytes = Math.min(this.#reserveBytes, totalBytes * diskReserveShareMax);
    if (freeBytes >= reserveBytes + this.#pendingBytes + 2 * byteLength) return undefined;
    return `the journal's disk is full: ${mebibytes(freeBytes)} MiB are free, and ${mebibytes(
      reserveBytes + this.#pendingBytes,
    )} MiB are kept for events accepted already and for the store's upkeep`;
  }

  /** Nothing of the group was written: there is nothing to undo. */
  #decline(group: readonly Append[], message: string): void {
    if (this.#refusing === undefined) this.#log.error(`journal: refusing events: ${message}`);
    this.#refusing = message;
    for (const { reject } of group) reject(new CairnError("JournalFull", message));
    this.#watchForRoom();
  }

  /**
   * Old enough. A reader that is busy with another segment gains nothing from a small one behind it: this one grows until
   * it is full or asked for, so that a busy store is given few large loads.
   */
  #ageSegment(open: OpenSegment): void {
    open.isOld = true;
    if (!this.#queue.isReaderBusy) this.#makeSealDue();
  }

  #sealForReader(): void {
    if (this.#open?.isOld) this.#makeSealDue();
  }

  #makeSealDue(): void {
    this.#sealDue = true;
    this.#wakeWriter();
  }

  /** Closes the open segment and hands it to the reader. All of it is flushed; only its new name is not yet. */
  async #seal(): Promise<void> {
    this.#sealDue = false;
    const open = this.#open;
    if (open === undefined || this.#stuck) return;
    this.#open = undefined;
    open.age?.cancel();
    const lastSeq = open.firstSeq + BigInt(open.count) - 1n;
    let name = sealedName(open.firstSeq, lastSeq);
    try {
      await open.file.close();
      await this.#disk.rename(join(this.#folder, open.name), join(this.#folder, name));
    } catch (err) {
      this.#log.warn(
        { name: open.name, err },
        "journal: could not rename a segment; it keeps its name",
      );
      name = open.name;
    }
    this.#enqueue(open, name, lastSeq);
  }

  #enqueue(open: OpenSegment, name: string, lastSeq: bigint): void {
    const file = { name, lastSeq, damaged: false, segments: new Set<FileSegment>() };
    const run = { start: 0, end: open.byteLength, firstSeq: open.firstSeq, count: open.count };
    this.#queue.push(new FileSegment(file, run, this.#disk, this.#folder));
  }

  /** Rejects the group once it is certain that none of it can come back. */
  async #refuse(group: readonly Append[], cause: unknown): Promise<void> {
    const error = toCairnError(cause, "the journal cannot be written");
    this.#refusing = error.message;
    this.#log.error({ err: cause, batchCount: group.length }, "journal: refused events");
    const open = this.#open;
    if (open !== undefined && !(await this.#undo(open))) {
      const unknown =
        "the journal closed before it could undo a failed write: its outcome is unknown";
      for (const { reject } of group) reject(unavailable(unknown, cause));
      return;
    }
    for (const { reject } of group) reject(error);
    this.#watchForRoom();
  }

  /** Takes back what a failed group wrote; false when the journal closes before that works. */
  async #undo(open: OpenSegment): Promise<boolean> {
    open.age?.cancel();
    const lastSeq = this.#lastSeq;
    const name = open.count > 0 ? sealedName(open.firstSeq, lastSeq) : markName(open.firstSeq);
    const steps = [
      () => open.file.truncate(open.byteLength),
      () => open.file.flush(),
      () => open.file.close(),
      () => this.#disk.rename(join(this.#folder, open.name), join(this.#folder, name)),
      () => this.#disk.flushFolder(this.#folder),
    ];
    while (steps.length > 0) {
      try {
        await steps[0]?.();
        steps.shift();
      } catch (err) {
        this.#log.error(
          { err, name: open.name },
          "journal: cannot undo a failed write; trying again",
        );
        this.#stuck = true;
        // These were not written at all.
        for (const { reject } of this.#waiting.splice(0))
          reject(unavailable(this.#refusing ?? "", err));
        try {
          await this.#clock.sleep(retryDelayMs, this.#closing.signal);
        } catch {
          return false;
        }
      }
    }
    this.#stuck = false;
    this.#sealDue = false;
    this.#open = undefined;
    if (open.count > 0) this.#enqueue(open, name, lastSeq);
    else this.#holdMark(name, open.firstSeq);
    return true;
  }

  /** Looks from time to time, so that `status` knows of room before the next event is sent. */
  #watchForRoom(): void {
    this.#probe?.cancel();
    if (this.#closed !== undefined) return;
    this.#probe = this.#clock.after(retryDelayMs, () => void this.#lookForRoom());
  }

  async #lookForRoom(): Promise<void> {
    const hasRoom = await this.#hasRoom();
    if (this.#refusing === undefined) return;
    if (hasRoom && !this.#stuck) this.#refusing = undefined;
    else this.#watchForRoom();
  }

  async #hasRoom(): Promise<boolean> {
    if ((await this.#shortage(probeBytes)) !== undefined) return false;
    const path = join(this.#folder, `${probeName}-${this.#probeCount++}`);
    try {
      const file = await this.#disk.create(path);
      try {
        await writeAll(file, [Buffer.alloc(probeBytes)], 0);
        await file.flush();
      } finally {
        await file.close();
        await this.#disk.remove(path);
      }
      return true;
    } catch (err) {
      this.#log.debug({ err }, "journal: still no room");
      return false;
    }
  }

  /** The file has nothing left to give: away with it, once its number is held by another name. */
  async #retire(file: SegmentFile): Promise<void> {
    const path = join(this.#folder, file.name);
    const nextSeq = file.lastSeq + 1n;
    const mark = markName(nextSeq);
    const markPath = join(this.#folder, mark);
    const isHeld = nextSeq <= this.#heldSeq;
    if (file.damaged) {
      if (!isHeld) {
        await (await this.#disk.create(markPath)).close();
        await this.#disk.flushFolder(this.#folder);
        this.#holdMark(mark, nextSeq);
      }
      await this.#disk.rename(path, join(this.#folder, damagedName(file.name)));
      await this.#disk.flushFolder(this.#folder);
      return;
    }
    if (isHeld) {
      await this.#disk.remove(path);
      await this.#disk.flushFolder(this.#folder);
      return;
    }
    await this.#disk.rename(path, markPath);
    await this.#disk.flushFolder(this.#folder);
    this.#holdMark(mark, nextSeq);
    await this.#empty(markPath);
  }

  /** Takes the rows out of a mark. Not before its name is flushed: the old one could come back, and must have them. */
  async #empty(markPath: string): Promise<void> {
    try {
      const file = await this.#disk.openExisting(markPath);
      try {
        await file.truncate(0);
      } finally {
        await file.close();
      }
    } catch (err) {
      // Gone, where a new segment has made the mark needless meanwhile; else some bytes stay until one does.
      this.#log.debug({ markPath, err }, "journal: could not empty a mark");
    }
  }

  #holdMark(mark: string, nextSeq: bigint): void {
    this.#marks.add(mark);
    if (nextSeq > this.#heldSeq) this.#heldSeq = nextSeq;
  }
}

function bytesOf(group: readonly Append[]): number {
  return group.reduce((sum, { batch }) => sum + batch.bytes.length, 0);
}

function mebibytes(bytes: number): number {
  return Math.ceil(bytes / 2 ** 20);
}

/** Out of room is the caller's to wait for; everything else may need a person. */
function toCairnError(cause: unknown, message: string): CairnError {
  const code = errorCodeOf(cause);
  if (code === "ENOSPC" || code === "EDQUOT") {
    return new CairnError("JournalFull", "the journal's disk is full", { cause });
  }
  return unavailable(`${message} (${code ?? String(cause)})`, cause);
}

function unavailable(message: string, cause?: unknown): CairnError {
  return new CairnError("JournalUnavailable", message, cause === undefined ? {} : { cause });
}

function closedError(): CairnError {
  return unavailable("the journal is closed");
}
