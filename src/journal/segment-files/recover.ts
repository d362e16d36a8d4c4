// Start-up of the journal: reads what a crash left in the folder and says what it is.
//
//   file                     rows found                         what is done
//   ──────────────────────────────────────────────────────────────────────────────────────────────────────────────
//   *.sealed                 exactly those of its name          a segment (bytes behind them are cut off)
//   the newest *.open        whole rows, then anything else     a torn tail: never acknowledged, cut off; sealed
//   the newest *.open        none                               becomes a mark, so that its number stays known
//   anything of the above    rows missing, or rows behind bytes damage: the good rows are segments, the file stays as
//                            that are no row                    it is until they are released, then it is *.damaged
//   *.mark                                                      only its number counts
//   any other name                                              left alone, named in the log
//
// A tail torn by power loss can have whole rows behind a hole: drives write in any order. Such a file counts as
// damaged too, because nothing tells it from damage to acknowledged rows; its whole rows are kept either way.
import { join } from "node:path";
import { CairnError } from "../../base/errors.ts";
import type { Log } from "../../base/log.ts";
import type { Segment } from "../journal.ts";
import { type Disk, writeAll } from "./disk.ts";
import { type FileName, markName, parseFileName, sealedName } from "./file-name.ts";
import { isLockName } from "./folder-lock.ts";
import { type Run, scanRows } from "./scan-rows.ts";

/** A file of rows, with the segments in it that are not released yet. */
export interface SegmentFile {
  name: string;
  lastSeq: bigint;
  damaged: boolean;
  segments: Set<FileSegment>;
}

export class FileSegment implements Segment {
  readonly file: SegmentFile;
  readonly firstSeq: bigint;
  readonly count: number;
  readonly byteLength: number;
  readonly path?: string;
  readonly #read: () => Promise<Buffer>;

  constructor(file: SegmentFile, run: Run, disk: Disk, folder: string) {
    this.file = file;
    this.firstSeq = run.firstSeq;
    this.count = run.count;
    this.byteLength = run.end - run.start;
    const path = join(folder, file.name);
    // Only a file that is good from end to end may be loaded as it is.
    if (!file.damaged) this.path = path;
    this.#read = async () => (await disk.read(path)).subarray(run.start, run.end);
    file.segments.add(this);
  }

  get lastSeq(): bigint {
    return this.firstSeq + BigInt(this.count) - 1n;
  }

  bytes(): Promise<Buffer> {
    return this.#read();
  }
}

export interface Recovered {
  /** In `seq` order. */
  segments: FileSegment[];
  /** Damaged files without one good row: to be set aside at once. */
  hopeless: SegmentFile[];
  nextSeq: bigint;
  /** The highest number that a mark or the start of a segment holds: it survives when all else is gone. */
  heldSeq: bigint;
  marks: string[];
  /** Files set aside earlier, and damaged ones found now. */
  damagedCount: number;
}

/** How the files start that are written and removed again to see whether there is room (segment-file-journal.ts). */
export const probeName = "space-probe";

/** No count of ours gets here; a name that says more is not ours, and must not use up the numbers. */
const seqTrustedMax = 2n ** 60n;

type RowFileName = Extract<FileName, { kind: "open" | "sealed" }>;

export async function recoverFolder(folder: string, disk: Disk, log: Log): Promise<Recovered> {
  return new Recovery(folder, disk, log).run();
}

class Recovery {
  readonly #folder: string;
  readonly #disk: Disk;
  readonly #log: Log;
  readonly #found: Recovered = {
    segments: [],
    hopeless: [],
    nextSeq: 1n,
    heldSeq: 1n,
    marks: [],
    damagedCount: 0,
  };
  /** Behind the good rows of all files so far: a file that starts below repeats some. */
  #freeSeq = 1n;

  constructor(folder: string, disk: Disk, log: Log) {
    this.#folder = folder;
    this.#disk = disk;
    this.#log = log;
  }

  async run(): Promise<Recovered> {
    const files: [string, RowFileName][] = [];
    for (const name of (await this.#disk.list(this.#folder)).toSorted()) {
      const parsed = parseFileName(name);
      if (parsed.kind === "open" || parsed.kind === "sealed") {
        files.push([name, parsed]);
        this.#hold(parsed.firstSeq);
      } else await this.#noteOther(name, parsed);
    }
    for (const [index, [name, parsed]] of files.entries()) {
      await this.#recover(name, parsed, index === files.length - 1);
    }
    await this.#disk.flushFolder(this.#folder);
    return this.#found;
  }

  async #noteOther(
    name: string,
    parsed: Exclude<FileName, { kind: "open" | "sealed" }>,
  ): Promise<void> {
    const path = join(this.#folder, name);
    if (parsed.kind === "newer") {
      throw new CairnError(
        "JournalUnavailable",
        `${path} was written by a newer Cairn (row version ${parsed.version})`,
      );
    }
    if (parsed.kind === "mark") {
      this.#found.marks.push(name);
      this.#hold(parsed.nextSeq);
    } else if (parsed.kind === "damaged") {
      this.#found.damagedCount += 1;
      if (parsed.of.kind === "sealed") this.#raise(parsed.of.lastSeq + 1n);
    } else if (name.startsWith(probeName)) await this.#disk.remove(path);
    else if (!isLockName(name))
      this.#log.warn({ path }, "journal: not one of its files, left alone");
  }

  async #recover(name: string, parsed: RowFileName, isNewest: boolean): Promise<void> {
    const path = join(this.#folder, name);
    let bytes: Buffer;
    try {
      bytes = await this.#disk.read(path);
    } catch (err) {
      this.#log.error(
        { path, err },
        "JOURNAL UNREADABLE: its rows are missing until it can be read",
      );
      this.#found.damagedCount += 1;
      this.#raise((parsed.kind === "sealed" ? parsed.lastSeq : parsed.firstSeq) + 1n);
      return;
    }
    const firstSeq = parsed.firstSeq > this.#freeSeq ? parsed.firstSeq : this.#freeSeq;
    const lastSeqMax = parsed.kind === "sealed" ? parsed.lastSeq : firstSeq + BigInt(bytes.length);
    const runs = await scanRows(bytes, firstSeq, lastSeqMax);
    const lastSeq = lastSeqOf(runs) ?? firstSeq - 1n;
    const startsWell =
      firstSeq === parsed.firstSeq && (runs[0] === undefined || startsAt(runs[0], firstSeq));
    const hasTail = bytes.length > (runs.at(-1)?.end ?? 0);
    const endsWell = parsed.kind === "sealed" ? lastSeq === parsed.lastSeq : isNewest || !hasTail;
    if (runs.length <= 1 && startsWell && endsWell) {
      await this.#keep(name, parsed, runs[0], bytes);
    } else {
      if (parsed.kind === "open") await this.#writeAgain(path, bytes);
      this.#keepRuns(name, parsed, runs, bytes.length);
    }
    if (runs.length > 0) {
      this.#freeSeq = lastSeq + 1n;
      // Said by rows with a checksum, not by a name: true whatever the number.
      if (this.#freeSeq > this.#found.nextSeq) this.#found.nextSeq = this.#freeSeq;
    }
  }

  /** The file is as it should be, but perhaps for what stands behind its last row. */
  async #keep(
    name: string,
    parsed: RowFileName,
    run: Run | undefined,
    bytes: Buffer,
  ): Promise<void> {
    const path = join(this.#folder, name);
    const end = run?.end ?? 0;
    const size = bytes.length;
    if (size > end) {
      this.#log.warn(
        { path, cutBytes: size - end, rowCount: run?.count ?? 0 },
        parsed.kind === "open"
          ? "journal: cut a torn tail, which was never acknowledged"
          : "journal: cut what stood behind the recorded end of a segment",
      );
    }
    if (parsed.kind === "open") await this.#writeAgain(path, bytes.subarray(0, end));
    else if (size > end) await this.#cut(path, end);
    if (run === undefined) {
      const mark = markName(parsed.firstSeq);
      await this.#disk.rename(path, join(this.#folder, mark));
      this.#found.marks.push(mark);
      return;
    }
    const lastSeq = run.firstSeq + BigInt(run.count) - 1n;
    const sealed = sealedName(parsed.firstSeq, lastSeq);
    if (sealed !== name) await this.#disk.rename(path, join(this.#folder, sealed));
    const file = { name: sealed, lastSeq, damaged: false, segments: new Set<FileSegment>() };
    this.#found.segments.push(new FileSegment(file, run, this.#disk, this.#folder));
  }

  #keepRuns(name: string, parsed: RowFileName, runs: Run[], size: number): void {
    this.#found.damagedCount += 1;
    const lastSeq =
      parsed.kind === "sealed" ? parsed.lastSeq : (lastSeqOf(runs) ?? parsed.firstSeq);
    this.#raise(lastSeq + 1n);
    this.#log.error(
      {
        path: join(this.#folder, name),
        size,
        goodBytes: runs.reduce((sum, each) => sum + each.end - each.start, 0),
        goodSeqs: runs.map((each) => `${each.firstSeq}-${lastSeqOf([each])}`),
      },
      "JOURNAL DAMAGED: acknowledged events may be lost. The good rows are kept, and so is the file, as *.damaged",
    );
    const file = { name, lastSeq, damaged: true, segments: new Set<FileSegment>() };
    for (const run of runs) {
      this.#found.segments.push(new FileSegment(file, run, this.#disk, this.#folder));
    }
    if (runs.length === 0) this.#found.hopeless.push(file);
  }

  /**
   * What a killed process had written but not flushed is still in the kernel's memory, and reads like the rest; after
   * a failed flush the kernel even takes it for flushed. It must be on the disk before a reader sees it: else a loss of
   * power would take it back, and its seqs would be given out again. So the same bytes are written once more.
   */
  async #writeAgain(path: string, bytes: Buffer): Promise<void> {
    const file = await this.#disk.openExisting(path);
    try {
      await file.truncate(bytes.length);
      if (bytes.length > 0) await writeAll(file, [bytes], 0);
      await file.flush();
    } finally {
      await file.close();
    }
  }

  async #cut(path: string, end: number): Promise<void> {
    const file = await this.#disk.openExisting(path);
    try {
      await file.truncate(end);
      await file.flush();
    } finally {
      await file.close();
    }
  }

  /** A name that stays for now holds this number. */
  #hold(seq: bigint): void {
    if (seq <= seqTrustedMax && seq > this.#found.heldSeq) this.#found.heldSeq = seq;
    this.#raise(seq);
  }

  /** No seq below this one may be given out. */
  #raise(seq: bigint): void {
    if (seq <= seqTrustedMax && seq > this.#found.nextSeq) this.#found.nextSeq = seq;
  }
}

function startsAt(run: Run, firstSeq: bigint): boolean {
  return run.start === 0 && run.firstSeq === firstSeq;
}

function lastSeqOf(runs: readonly Run[]): bigint | undefined {
  const last = runs.at(-1);
  return last && last.firstSeq + BigInt(last.count) - 1n;
}
