// Loads a segment into the table: each event once, the first of an identity winning, whatever was interrupted before.
//
//   segment file ─▶ incoming (in memory) ─▶ any identity seen before? ─ no ──────────────▶ events_v1
//                                                     └ yes ─▶ verdicts, by seq ──────────▶ events_v1, without the
//                                                                                           dropped ones
//
// A verdict on an event asks only about events with a smaller seq. So it comes out the same however often it is asked,
// and wherever a crash cut the load before.
import { mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { CairnError } from "../../base/errors.ts";
import { rowFlags } from "../../event/row.ts";
import type { Segment } from "../../journal/journal.ts";
import type { LoadOutcome } from "../store.ts";
import { literal } from "./query.ts";
import { loadColumns, segmentStructure } from "./row-format.ts";
import type { Sessions } from "./sessions.ts";
import { type SoundParts, spoiledByFullDisk } from "./sound-parts.ts";

/**
 * `incoming` keeps whole identities beside each other only within these bounds: one part a month, so that what a reader
 * sees of a load grows in few steps and merges have little to do.
 */
const insertSettings = [
  "max_insert_threads = 1",
  "min_insert_block_size_rows = 1000000",
  "min_insert_block_size_bytes = 1000000000",
  // An import's segment may span any number of months.
  "max_partitions_per_insert_block = 0",
].join(", ");

/** 1: the event's own time could not be used. Its `event_time` is when it came, and is no part of its identity. */
const isTimeless = `bitAnd(flags, ${rowFlags.timeUnreadable}) != 0`;

/** The same as `identityTimeMs` of event/row.ts. */
const identityTime = `if(${isTimeless}, toDateTime64(0, 3, 'UTC'), event_time)`;
const identity = `owner_account, ${identityTime}, event_id`;

/**
 * Events of the store that may share an identity with an incoming one: by the primary key, then by id. Those without a
 * usable time are found by id alone; that costs a look at every part, so it is only asked when such events come in.
 */
function candidates(table: string, select: string, withTimeless: boolean): string {
  const timed =
    `SELECT ${select} FROM ${table} WHERE event_time IN (SELECT event_time FROM incoming) ` +
    `AND event_id IN (SELECT event_id FROM incoming) AND NOT (${isTimeless})`;
  const timeless =
    `SELECT ${select} FROM ${table} WHERE ${isTimeless} ` +
    `AND event_id IN (SELECT event_id FROM incoming WHERE ${isTimeless})`;
  return withTimeless ? `${timed} UNION ALL ${timeless}` : timed;
}

/** What a verdict needs to know of an event. */
const judged = (stored: 0 | 1) =>
  `tuple(${identity}) AS identity, seq, SHA256(raw) AS hash, ${stored} AS stored`;

export class Loader {
  readonly #sessions: Sessions;
  readonly #table: string;
  readonly #folder: string;
  readonly #parts: SoundParts;
  /** Rows above the watermark may be in the table already: a load was cut short, by a crash or an error. */
  #interrupted = true;

  constructor(sessions: Sessions, table: string, folder: string, parts: SoundParts) {
    this.#sessions = sessions;
    this.#table = table;
    this.#folder = folder;
    this.#parts = parts;
  }

  /** Durable when it resolves. Rows up to `watermark` are left alone: they were loaded or dropped before. */
  async load(segment: Segment, watermark: bigint): Promise<LoadOutcome> {
    const interrupted = this.#interrupted;
    this.#interrupted = true;
    await this.#stage(segment);
    const withTimeless = await this.#hasTimeless();
    const seen = await this.#inspect(watermark, withTimeless);
    if (seen.staged !== segment.count) {
      throw new CairnError(
        "StoreUnavailable",
        `the segment from ${segment.firstSeq} gave ${seen.staged} rows of ${segment.count}`,
      );
    }
    const plain = !interrupted && seen.candidates === 0 && seen.identities === seen.fresh;
    const outcome = plain
      ? { stored: seen.fresh, duplicates: 0, variants: 0 }
      : await this.#judge(watermark, withTimeless);
    if (outcome.stored > 0) await this.#insert(watermark, plain);
    if (outcome.stored > 0 && !(await this.#parts.check())) throw spoiledByFullDisk();
    await this.#execute("TRUNCATE TABLE incoming");
    this.#interrupted = false;
    return outcome;
  }

  async #stage(segment: Segment): Promise<void> {
    const source = await this.#plainPath(segment);
    try {
      await this.#execute("DROP TEMPORARY TABLE IF EXISTS incoming");
      const sql =
        "CREATE TEMPORARY TABLE incoming ENGINE = Memory AS " +
        `SELECT * EXCEPT (length, crc) FROM file(${quote(source.path)}, 'RowBinary', ${quote(segmentStructure)})`;
      await this.#execute(sql);
    } finally {
      await source.release();
    }
  }

  /** `file()` reads `*`, `?` and `{}` in a path as patterns and finds nothing; so it gets a path without any. */
  async #plainPath(segment: Segment): Promise<{ path: string; release: () => Promise<void> }> {
    const own = segment.path === undefined ? undefined : resolve(segment.path);
    if (own !== undefined && isPlain(own)) return { path: own, release: async () => {} };
    const folder = await mkdtemp(
      join(isPlain(this.#folder) ? this.#folder : tmpdir(), "incoming-"),
    );
    const path = join(folder, "segment");
    if (own === undefined) await writeFile(path, await segment.bytes());
    else await symlink(own, path);
    return { path, release: () => rm(folder, { recursive: true, force: true }) };
  }

  async #hasTimeless(): Promise<boolean> {
    const [row] = await this.#ask(`SELECT countIf(${isTimeless}) FROM incoming`);
    return (row?.[0] ?? 0) > 0;
  }

  async #inspect(
    watermark: bigint,
    withTimeless: boolean,
  ): Promise<{ staged: number; fresh: number; identities: number; candidates: number }> {
    const fresh = `seq > ${literal.seq(watermark)}`;
    const [row] = await this.#ask(
      `SELECT count(), countIf(${fresh}), uniqExactIf(${identity}, ${fresh}), ` +
        `(SELECT sum(found) FROM (${candidates(this.#table, "count() AS found", withTimeless)})) FROM incoming`,
    );
    const [staged = 0, freshCount = 0, identities = 0, found = 0] = row ?? [];
    return { staged, fresh: freshCount, identities, candidates: found };
  }

  /** Leaves in `verdicts` the seq of each incoming event that is not simply stored: dropped, a variant, or here already. */
  async #judge(watermark: bigint, withTimeless: boolean): Promise<LoadOutcome> {
    await this.#execute("DROP TEMPORARY TABLE IF EXISTS verdicts");
    // The hash stands for the bytes: events may be large and the same identity may come often.
    await this.#execute(
      `CREATE TEMPORARY TABLE verdicts ENGINE = Memory AS
       SELECT seq, max(stored) AS here, any(first_of_bytes) < seq AS duplicate,
              any(first_of_identity) < seq AND NOT duplicate AS variant
       FROM (
         SELECT seq, stored, min(seq) OVER (PARTITION BY identity) AS first_of_identity,
                min(seq) OVER (PARTITION BY identity, hash) AS first_of_bytes
         FROM (
           SELECT ${judged(0)} FROM incoming WHERE seq > ${literal.seq(watermark)}
           UNION ALL
           ${candidates(this.#table, judged(1), withTimeless)}
         )
       )
       WHERE seq IN (SELECT seq FROM incoming)
       GROUP BY seq HAVING min(stored) = 0`,
    );
    const [row] = await this.#ask(
      `SELECT countIf(NOT here AND NOT duplicate), countIf(NOT here AND duplicate),
              countIf(NOT here AND variant) FROM verdicts`,
    );
    const [stored = 0, duplicates = 0, variants = 0] = row ?? [];
    return { stored, duplicates, variants };
  }

  async #insert(watermark: bigint, plain: boolean): Promise<void> {
    const variant = plain ? "0" : "seq IN (SELECT seq FROM verdicts WHERE variant)";
    const kept = plain ? "" : "AND seq NOT IN (SELECT seq FROM verdicts WHERE here OR duplicate)";
    const { before, after } = loadColumns;
    await this.#execute(
      `INSERT INTO ${this.#table} (${before}, variant, ${after}) ` +
        `SELECT ${before}, ${variant}, ${after} FROM incoming ` +
        `WHERE seq > ${literal.seq(watermark)} ${kept} SETTINGS ${insertSettings}`,
    );
  }

  async #execute(sql: string): Promise<void> {
    await this.#sessions.write(sql);
  }

  async #ask(sql: string): Promise<number[][]> {
    const text = await this.#sessions.write(sql);
    const lines = text.trim().split("\n");
    return lines.map((line) => (JSON.parse(line) as (string | number)[]).map(Number));
  }
}

function isPlain(path: string): boolean {
  return /^[\w./ @=+,-]*$/.test(path);
}

function quote(text: string): string {
  return `'${text.replaceAll("\\", "\\\\").replaceAll("'", "\\'")}'`;
}
