// The embedded store: ClickHouse in this process (chDB), one table of events in one folder.
import { readFileSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import type { Clock, Timer } from "../../base/clock.ts";
import { CairnError, isCairnError } from "../../base/errors.ts";
import type { Log } from "../../base/log.ts";
import type { FoundEvent, StoredEvent } from "../../event/row.ts";
import type { Segment } from "../../journal/journal.ts";
import type { EventQuery, LoadOutcome, Store, StoreStatus } from "../store.ts";
import { closedError, Watermark } from "../watermark.ts";
import { Loader } from "./load.ts";
import { literal, selectEvents } from "./query.ts";
import { deleteExpired } from "./retention.ts";
import { decodeFound, decodeRows, foundColumns, readColumns } from "./row-format.ts";
import { isResultTooLarge, type ReadKind, Sessions } from "./sessions.ts";
import { SoundParts } from "./sound-parts.ts";
import { type Extent, gather, type Page, steps, walk, windows } from "./walk.ts";
import { WatermarkFile } from "./watermark-file.ts";

export interface ChdbStoreOptions {
  folder: string;
  log: Log;
  clock: Clock;
  /** Sessions that answer queries; one of them is kept for lookups. */
  readers?: number;
  /** What the engine may use in all. Left out: half of the machine or container. */
  memoryBytesMax?: number;
}

interface TimedPage {
  read: Page;
  /** Time that its queries took together. */
  spentMs: () => number;
}

const table = "events_v1";
const partsOfTable = `system.parts WHERE database = currentDatabase() AND table = '${table}'`;
const readersByDefault = 4;
const extentAgeMsMax = 10_000;
/** How often the disk is looked at, and how often the parts because a read failed. */
const watchMs = 1000;

/** Opens the store, or makes it. DataFolderInUse: another process has it. */
export async function openChdbStore(options: ChdbStoreOptions): Promise<Store> {
  const { folder, log } = options;
  await mkdir(join(folder, "chdb"), { recursive: true });
  const sessions = new Sessions(join(folder, "chdb"), {
    readers: options.readers ?? readersByDefault,
    memoryBytesMax: options.memoryBytesMax,
  });
  const parts = new SoundParts(sessions, table, folder, options.clock, log);
  let file: WatermarkFile | undefined;
  try {
    const create = readFileSync(join(import.meta.dirname, `${table}.sql`), "utf8");
    await sessions.write(create);
    await parts.adopt();
    file = await WatermarkFile.open(join(folder, "watermark"));
  } catch (error) {
    await sessions.close();
    await file?.close();
    throw error;
  }
  log.debug({ folder, watermark: String(file.saved) }, "store opened");
  const loader = new Loader(sessions, table, folder, parts);
  return new ChdbStore({ sessions, file, loader, parts, clock: options.clock, log });
}

interface ChdbStoreParts {
  sessions: Sessions;
  file: WatermarkFile;
  loader: Loader;
  parts: SoundParts;
  clock: Clock;
  log: Log;
}

class ChdbStore implements Store {
  readonly #sessions: Sessions;
  readonly #file: WatermarkFile;
  readonly #loader: Loader;
  readonly #parts: SoundParts;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #watermark: Watermark;
  /** What writes goes one behind the other: loads and deletions. */
  #writing: Promise<unknown> = Promise.resolve();
  #watch: Timer;
  #lookedMs = -Infinity;
  #extent: (Extent & { atMs: number }) | undefined;
  #closing: Promise<void> | undefined;

  constructor(made: ChdbStoreParts) {
    this.#sessions = made.sessions;
    this.#file = made.file;
    this.#loader = made.loader;
    this.#parts = made.parts;
    this.#clock = made.clock;
    this.#log = made.log;
    this.#watermark = new Watermark(made.file.saved);
    this.#watch = this.#clock.after(watchMs, () => void this.#watchDisk());
  }

  /** Merges run when nothing is loaded, too. */
  async #watchDisk(): Promise<void> {
    try {
      await this.#serially(async () => {
        if (await this.#parts.watchRoom()) await this.#parts.check();
      });
    } catch (err) {
      if (this.#closing === undefined) this.#log.error({ err }, "store: cannot look at its parts");
    }
    if (this.#closing === undefined)
      this.#watch = this.#clock.after(watchMs, () => void this.#watchDisk());
  }

  /**
   * A query; when it fails because a full disk has spoiled a part, once more without that part. What is asked between
   * the moment a part is spoiled and the moment it is taken back must not suffer.
   */
  async #read(kind: ReadKind, sql: string, signal?: AbortSignal, format?: string): Promise<Buffer> {
    const repairs = this.#parts.repairs;
    try {
      return await this.#sessions.read(kind, sql, signal, format);
    } catch (error) {
      if (!isCairnError(error, "StoreUnavailable") || this.#closing !== undefined) throw error;
      const isOver = this.#parts.repairs === repairs && !this.#parts.isRepairing;
      if (isOver && !this.#mayLookAgain()) throw error;
      await this.#serially(() => this.#parts.check(true));
      if (this.#parts.repairs === repairs) throw error;
      return await this.#sessions.read(kind, sql, signal, format);
    }
  }

  /** A store that fails for other reasons is not looked through for each of its failures. */
  #mayLookAgain(): boolean {
    const nowMs = this.#clock.monotonicMs();
    if (nowMs - this.#lookedMs < watchMs) return false;
    this.#lookedMs = nowMs;
    return true;
  }

  load(segment: Segment): Promise<LoadOutcome> {
    return this.#serially(async () => {
      const nothing = { stored: 0, duplicates: 0, variants: 0 };
      if (segment.lastSeq <= this.#watermark.seq) return nothing;
      const outcome =
        segment.count === 0 ? nothing : await this.#loader.load(segment, this.#watermark.seq);
      await this.#file.save(segment.lastSeq);
      this.#watermark.advance(segment.lastSeq);
      return outcome;
    });
  }

  watermark(): bigint {
    return this.#watermark.seq;
  }

  reached(seq: bigint, signal?: AbortSignal): Promise<void> {
    return this.#watermark.reached(seq, signal);
  }

  async find(query: EventQuery, limit: number, signal?: AbortSignal): Promise<FoundEvent[]> {
    const pinned = this.#pin(query);
    const found: FoundEvent[] = [];
    const page = this.#page(query.text === undefined ? "lookup" : "scan", signal);
    const parts =
      query.text === undefined
        ? steps(pinned, await this.#recentExtent())
        : this.#windows(pinned, page, signal);
    for await (const part of parts) {
      found.push(...(await gather(page.read, part, limit - found.length)));
      if (found.length >= limit) break;
    }
    return found;
  }

  async *stream(query: EventQuery, signal?: AbortSignal): AsyncGenerator<FoundEvent[]> {
    const pinned = this.#pin(query);
    const page = this.#page("scan", signal);
    if (query.text === undefined) return yield* walk(page.read, pinned);
    for await (const window of this.#windows(pinned, page, signal)) yield* walk(page.read, window);
  }

  /**
   * Above our own watermark are rows of a load under way, or of one that a crash cut short. Pinned once, a walk does
   * not see what is loaded while it lasts.
   */
  #pin(query: EventQuery): EventQuery {
    const own = this.#watermark.seq;
    return { ...query, watermark: query.watermark < own ? query.watermark : own };
  }

  #page(kind: ReadKind, signal?: AbortSignal): TimedPage {
    let spentMs = 0;
    const read: Page = async (query, limit) => {
      const startedMs = this.#clock.monotonicMs();
      const select = selectEvents(table, foundColumns, query, limit);
      try {
        return decodeFound(await this.#read(kind, select, signal));
      } finally {
        spentMs += this.#clock.monotonicMs() - startedMs;
      }
    };
    return { read, spentMs: () => spentMs };
  }

  async *#windows(
    query: EventQuery,
    page: TimedPage,
    signal?: AbortSignal,
  ): AsyncGenerator<EventQuery> {
    const extent = await this.#measure(signal);
    if (extent.count > 0) yield* windows(query, extent, page.spentMs);
  }

  /** Answered from the parts' own counts and bounds, without reading rows. */
  async #measure(signal?: AbortSignal): Promise<Extent> {
    const bounds = ["min", "max"].map((end) => `toUnixTimestamp64Milli(${end}(event_time))`);
    const sql = `SELECT count(), ${bounds.join(", ")}, (SELECT count() FROM ${partsOfTable} AND active) FROM ${table}`;
    const [row] = await this.#ask(sql, signal);
    const [count = 0, firstMs = 0, lastMs = 0, parts = 0] = row ?? [];
    return { count, firstMs, lastMs, parts };
  }

  /** Good enough to divide a lookup by: any division finds the same events. */
  async #recentExtent(): Promise<Extent> {
    const nowMs = this.#clock.monotonicMs();
    if (this.#extent === undefined || nowMs - this.#extent.atMs > extentAgeMsMax) {
      this.#extent = { ...(await this.#measure()), atMs: nowMs };
    }
    return this.#extent;
  }

  async follow(cursor: bigint, limit: number): Promise<{ events: StoredEvent[]; cursor: bigint }> {
    const end = this.#watermark.seq;
    let low = cursor;
    let step = BigInt(limit);
    while (low < end) {
      // A seq is used once: this many of them are at most this many events.
      const high = low + step < end ? low + step : end;
      const between = `seq > ${literal.seq(low)} AND seq <= ${literal.seq(high)}`;
      const sql = `SELECT ${readColumns} FROM ${table} WHERE ${between} ORDER BY seq`;
      try {
        const read = this.#read("scan", sql);
        const events = decodeRows(await read);
        if (events.length > 0) return { events, cursor: high };
        low = await this.#beforeNext(high, end);
      } catch (error) {
        if (!isResultTooLarge(error) || step === 1n) throw error;
        step = step / 8n || 1n;
      }
    }
    return { events: [], cursor: low };
  }

  /** Jumps over a stretch of seqs whose rows were dropped or deleted. */
  async #beforeNext(low: bigint, end: bigint): Promise<bigint> {
    const between = `seq > ${literal.seq(low)} AND seq <= ${literal.seq(end)}`;
    const sql = `SELECT toString(if(count() = 0, ${literal.seq(end)}, min(seq) - 1)) FROM ${table} WHERE ${between}`;
    const answer = this.#read("scan", sql, undefined, "TSV");
    return BigInt((await answer).toString("utf8").trim());
  }

  async countStored(
    ownerAccount: string,
    first: bigint,
    last: bigint,
  ): Promise<{ stored: number; variants: number }> {
    const end = last < this.#watermark.seq ? last : this.#watermark.seq;
    const sql =
      `SELECT count(), countIf(variant = 1) FROM ${table} ` +
      `WHERE seq >= ${literal.seq(first)} AND seq <= ${literal.seq(end)} AND owner_account = ${literal.string(ownerAccount)}`;
    const [row] = await this.#ask(sql);
    const [stored = 0, variants = 0] = row ?? [];
    return { stored, variants };
  }

  deleteExpired(nowMs: number, seqMax: bigint): Promise<number> {
    return this.#serially(() => {
      const own = this.#watermark.seq;
      return deleteExpired(this.#sessions, table, nowMs, seqMax < own ? seqMax : own);
    });
  }

  async status(): Promise<StoreStatus> {
    const [row] = await this.#ask(
      `SELECT (SELECT count() FROM ${table}), (SELECT sum(bytes_on_disk) FROM ${partsOfTable})`,
    );
    const [eventCount = 0, diskBytes = 0] = row ?? [];
    return { watermark: this.#watermark.seq, eventCount, diskBytes };
  }

  close(): Promise<void> {
    return (this.#closing ??= this.#close());
  }

  async #close(): Promise<void> {
    this.#watch.cancel();
    this.#watermark.close();
    await this.#writing;
    await this.#sessions.close();
    await this.#file.close();
  }

  #serially<T>(write: () => Promise<T>): Promise<T> {
    if (this.#closing !== undefined) return Promise.reject(closedError());
    const written = this.#writing.then(write).catch((error: unknown) => {
      throw error instanceof CairnError
        ? error
        : new CairnError("StoreUnavailable", "the store could not write", { cause: error });
    });
    this.#writing = written.catch(() => undefined);
    return written;
  }

  async #ask(question: string, signal?: AbortSignal): Promise<number[][]> {
    const answer = await this.#read("lookup", question, signal, "TSV");
    return answer
      .toString("utf8")
      .trim()
      .split("\n")
      .map((line) => line.split("\t").map(Number));
  }
}
