// Sound parts: what the engine says it has written is looked at once more before anyone relies on it.
//
// When the disk gets full in the middle of writing a part, the engine can say "done" and make the part active with
// files that are empty (observed with chDB 3.4.0 on 2026-11-21: about one insert in six, and as many merges, with the
// last mebibytes taken during the write; test/crash/disk-full.test.ts). Believed, an insert would cost the events that
// the journal then lets go, and a merge those of its sources, which are removed a minute later.
//
//   insert ─▶ new part ─▶ sizes of its files, and while there is little room every byte ─ sound ─▶ the journal may let go
//                           └ broken ─▶ table detached and attached: the engine then looks at the sizes of all files,
//                                       sets the broken part aside and takes back the parts that it had replaced
import { readdir, stat, statfs } from "node:fs/promises";
import { join } from "node:path";
import type { Clock } from "../../base/clock.ts";
import { CairnError } from "../../base/errors.ts";
import { diskReserveBytes, diskReserveShareMax } from "../../base/limits.ts";
import type { Log } from "../../base/log.ts";
import type { Sessions } from "./sessions.ts";

/** Below it others may take what is left while a part is being written. */
const watchedBytes = 4 * diskReserveBytes;
const watchedShareMax = 1 / 4;
/** Replaced parts are kept for `old_parts_lifetime`; what is older than that cannot be put right here. */
const recentSeconds = 300;
const attachTriesMax = 200;
const attachRetryMs = 20;
/** Of a part that has a row. Others, such as an inverted list without a word, may be empty. */
const neverEmpty = /(\.c?mrk\d|\.txt|\.json|\.dat|\.idx2|^primary\.c?idx|^data\.bin)$/;
/** What the engine leaves out of `bytes_on_disk`. */
const uncounted =
  /^(checksums|columns|columns_substreams|default_compression_codec|metadata_version)\.txt$/;

interface Part {
  name: string;
  path: string;
  /** What the engine believes to have written. */
  bytes: number;
}

type Room = "plenty" | "little" | "none to merge in";

export class SoundParts {
  readonly #sessions: Sessions;
  readonly #table: string;
  readonly #folder: string;
  readonly #clock: Clock;
  readonly #log: Log;
  #known: ReadonlySet<string> = new Set();
  #room: Room = "plenty";
  #isDetached = false;
  /** How often parts had to be taken back: a read that failed meanwhile is worth another try. */
  repairs = 0;

  constructor(sessions: Sessions, table: string, folder: string, clock: Clock, log: Log) {
    this.#sessions = sessions;
    this.#table = table;
    this.#folder = folder;
    this.#clock = clock;
    this.#log = log;
  }

  /** The table is away for a moment. */
  get isRepairing(): boolean {
    return this.#isDetached;
  }

  /** The engine itself looks at every part when it opens the table. */
  async adopt(): Promise<void> {
    this.#known = namesOf(await this.#parts());
  }

  /** Merges stand still while there is no room for them. True: there is so little that new parts deserve a look. */
  async watchRoom(): Promise<boolean> {
    const { bavail, blocks, bsize } = await statfs(this.#folder);
    const totalBytes = blocks * bsize;
    if (totalBytes === 0) return false;
    const bytesBelow = (bytes: number, share: number) =>
      bavail * bsize < Math.min(bytes, totalBytes * share);
    const was = this.#room;
    if (bytesBelow(diskReserveBytes / 2, diskReserveShareMax / 2)) this.#room = "none to merge in";
    else this.#room = bytesBelow(watchedBytes, watchedShareMax) ? "little" : "plenty";
    const isHalted = this.#room === "none to merge in";
    if (isHalted !== (was === "none to merge in")) {
      await this.#execute(`SYSTEM ${isHalted ? "STOP" : "START"} MERGES ${this.#table}`);
      this.#log.warn(`store: merges ${isHalted ? "stand still: the disk is full" : "go on"}`);
    }
    return this.#room !== "plenty" || was !== "plenty";
  }

  /**
   * Looks at parts that are new since the last time; at every byte of them only while there is little room, because
   * that takes most of the time of an insert. `suspicious`: at every byte of all recent ones. False: some were broken, and are no longer in the table. The caller lets nothing
   * else write meanwhile.
   */
  async check(suspicious = false): Promise<boolean> {
    if (this.#isDetached) await this.#attach();
    const isTight = await this.watchRoom();
    const recent = suspicious ? `AND modification_time > now() - ${recentSeconds}` : "";
    const parts = await this.#parts(recent);
    const broken: string[] = [];
    for (const part of parts) {
      if (this.#known.has(part.name) && !suspicious) continue;
      if (!isTight && !suspicious && (await this.#looksWhole(part))) continue;
      if (!(await this.#isSound(part.name))) broken.push(part.name);
    }
    if (broken.length === 0) {
      if (!suspicious) this.#known = namesOf(parts);
      return true;
    }
    this.#log.error(
      { parts: broken },
      "store: the disk was full while parts were written: they are taken back",
    );
    this.repairs += 1;
    this.#isDetached = true;
    await this.#sessions.letGoOfTables();
    await this.#execute(`DETACH TABLE ${this.#table} SYNC`);
    await this.#attach();
    for (const name of broken) await this.#forget(name);
    await this.adopt();
    return false;
  }

  /** Cheap, and finds what a disk quota did as well, which shows in no amount of free space. False: not sure. */
  async #looksWhole({ name, path, bytes }: Part): Promise<boolean> {
    try {
      const files = await readdir(path);
      const sizes = await Promise.all(
        files.map(async (file) => (await stat(join(path, file))).size),
      );
      const isCut = files.some((file, index) => sizes[index] === 0 && neverEmpty.test(file));
      const counted = sizes.filter((_, index) => !uncounted.test(files[index] ?? ""));
      return !isCut && counted.reduce((sum, size) => sum + size, 0) >= bytes;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "ENOENT") return await this.#isGone(name);
      throw error;
    }
  }

  /** Merged away meanwhile: then the merged part is looked at. */
  async #isGone(name: string): Promise<boolean> {
    return !namesOf(await this.#parts()).has(name);
  }

  async #isSound(name: string): Promise<boolean> {
    const sql = `CHECK TABLE ${this.#table} PART '${name}' SETTINGS check_query_single_value_result = 0`;
    try {
      const text = await this.#sessions.write(sql);
      const rows = text.trim().split("\n");
      return rows.every((row) => row === "" || (JSON.parse(row) as [string, number])[1] === 1);
    } catch (err) {
      const isGone = await this.#isGone(name);
      if (!isGone) this.#log.error({ err, name }, "store: a part could not be looked at");
      return isGone;
    }
  }

  /** The table must come back whatever happens: without it nothing can be read. */
  async #attach(): Promise<void> {
    for (let tries = 1; this.#isDetached; tries++) {
      try {
        await this.#execute(`ATTACH TABLE IF NOT EXISTS ${this.#table}`);
        this.#isDetached = false;
        this.repairs += 1;
      } catch (error) {
        if (tries === attachTriesMax) throw error;
        this.#log.warn({ err: error }, "store: the table could not be attached; trying again");
        await this.#sessions.letGoOfTables();
        await this.#clock.sleep(attachRetryMs);
      }
    }
  }

  /** A part that was set aside, and whose events are in the journal or in other parts. */
  async #forget(name: string): Promise<void> {
    try {
      await this.#execute(
        `ALTER TABLE ${this.#table} DROP DETACHED PART 'broken-on-start_${name}' SETTINGS allow_drop_detached = 1`,
      );
    } catch (err) {
      this.#log.warn({ err, name }, "store: a broken part stays in the folder `detached`");
    }
  }

  async #parts(condition = ""): Promise<Part[]> {
    const sql =
      "SELECT name, path, bytes_on_disk FROM system.parts WHERE database = currentDatabase() " +
      `AND table = '${this.#table}' AND active ${condition}`;
    const text = (await this.#sessions.write(sql)).trim();
    if (text === "") return [];
    return text.split("\n").map((row) => {
      const [name, path, bytes] = JSON.parse(row) as [string, string, string];
      return { name, path, bytes: Number(bytes) };
    });
  }

  async #execute(sql: string): Promise<void> {
    await this.#sessions.write(sql);
  }
}

function namesOf(parts: readonly Part[]): Set<string> {
  return new Set(parts.map(({ name }) => name));
}

/** Said when an insert came out broken; the segment is still in the journal, and comes again. */
export function spoiledByFullDisk(): CairnError {
  return new CairnError("StoreUnavailable", "the disk was full while events were being stored");
}
