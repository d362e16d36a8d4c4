// The chDB sessions: one that writes, a few that read. A session runs one query at a time, so readers queue here.
//
// Lookups go before scans (streams, free text, follow), and one reader is never given to a scan: a long result or a
// slow consumer cannot stand in the way of a lookup. A running chDB query cannot be interrupted; an abort leaves its
// caller at once and its reader when the query ends, which is why scans come in small steps.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { drainPending, Session } from "chdb";
import { assert } from "../../base/assert.ts";
import { CairnError } from "../../base/errors.ts";
import { eventImportBytesMax } from "../../base/limits.ts";
import { closedError } from "../watermark.ts";

export type ReadKind = "lookup" | "scan";

interface Waiting {
  kind: ReadKind;
  start: (session: Session) => void;
  refuse: (reason: Error) => void;
}

export interface SessionLimits {
  readers: number;
  /** The engine's own bound, for everything it does together. Left out: half of the machine or container. */
  memoryBytesMax?: number | undefined;
}

const mib = 1024 * 1024;

/**
 * Given when the engine starts, because they cannot be set later. Its defaults are those of a database server that has
 * the machine to itself.
 */
function engineArguments(limits: SessionLimits): string[] {
  const sizes: Record<string, number> = {
    mark_cache_size: 64 * mib,
    index_mark_cache_size: 32 * mib,
    primary_index_cache_size: 32 * mib,
    // Off: it answers repeated conditions from memory, and would hide what a lookup costs.
    query_condition_cache_size: 0,
    // Two merges at a time keep up with two new parts a second.
    background_pool_size: 2,
    // What somebody waits for comes first. (Where the system lets a process take a lower priority back: as root, or with
    // CAP_SYS_NICE. Elsewhere this does nothing.)
    os_threads_nice_value_merge_mutate: 5,
    background_schedule_pool_size: 4,
    background_common_pool_size: 2,
    background_fetches_pool_size: 1,
    background_move_pool_size: 1,
    ...(limits.memoryBytesMax === undefined
      ? {}
      : { max_server_memory_usage: limits.memoryBytesMax }),
  };
  return [
    ...Object.entries(sizes).map(([name, value]) => `--${name}=${value}`),
    "--max_server_memory_usage_to_ram_ratio=0.5",
  ];
}

/** A page goes on behind an event id, which may be as long as an imported event: twice that in hexadecimal. */
const queryBytesMax = 2 * eventImportBytesMax + mib;

const forSession = [
  `max_query_size = ${queryBytesMax}`,
  // Machine code for an expression takes 20 ms to make. A lookup's is used once, and a load's takes longer than it saves.
  "compile_expressions = 0",
  "compile_sort_description = 0",
  "compile_aggregate_expressions = 0",
].join(", ");

const forAll = [
  "max_memory_usage = 1000000000",
  "max_bytes_before_external_sort = 300000000",
  "max_threads = 2",
  `max_result_bytes = ${64 * mib}`,
  "use_query_condition_cache = 0",
  // The pages are in the system's cache as a rule; handing each read to another thread costs more than the read.
  "local_filesystem_read_method = 'pread'",
].join(", ");

const readSettings: Record<ReadKind, string> = {
  // Indexes are asked first, for all parts: asked while reading, also where they rule everything out, they cost three times
  // as much. And each part is read only as far as the page needs: with a buffer it is read far ahead.
  lookup: `${forAll}, max_execution_time = 30, use_skip_indexes_on_data_read = 0, read_in_order_use_buffering = 0`,
  // Beside lookups, as far as the system allows.
  scan: `${forAll}, max_execution_time = 60, os_threads_nice_value_query = 10`,
};

export class Sessions {
  readonly #writer: Session;
  readonly #readers: Session[];
  #idle: Session[];
  #scansMax: number;
  #scans = 0;
  #waiting: Waiting[] = [];
  #running = new Set<Promise<unknown>>();
  #closed = false;

  constructor(folder: string, limits: SessionLimits) {
    assert(limits.readers >= 2, "lookups have a reader of their own beside the scans'");
    this.#writer = openSession(folder, engineArguments(limits));
    try {
      this.#readers = Array.from({ length: limits.readers }, () => openSession(folder, []));
    } catch (error) {
      this.#writer.close();
      throw error;
    }
    this.#idle = [...this.#readers];
    this.#scansMax = limits.readers - 1;
  }

  /** A statement on the one writing session. The caller sends one at a time. */
  async write(sql: string, format = "JSONCompactEachRow"): Promise<string> {
    if (this.#closed) throw closedError();
    const bytes = await this.#run(this.#writer, sql, format).catch((error) => {
      throw unavailable(error, sql);
    });
    return bytes.toString("utf8");
  }

  /** A query on the next free reader; its rows as RowBinary or whatever `format` says. */
  async read(
    kind: ReadKind,
    sql: string,
    signal?: AbortSignal,
    format = "RowBinary",
  ): Promise<Buffer> {
    signal?.throwIfAborted();
    const session = await this.#take(kind, signal);
    const settings = sql.includes(" SETTINGS ") ? ", " : " SETTINGS ";
    const query = this.#run(session, `${sql}${settings}${readSettings[kind]}`, format).finally(() =>
      this.#giveBack(kind, session),
    );
    const answer = signal === undefined ? query : unlessAborted(query, signal);
    return await answer.catch((error: unknown) => {
      throw signal?.aborted ? error : readError(error, sql);
    });
  }

  /** A session holds on to the tables of its last query, also of one that failed, until its next one. */
  async letGoOfTables(): Promise<void> {
    const resting = this.#idle.splice(0);
    await Promise.all(
      resting.map(async (session) => {
        try {
          await this.#run(session, "SELECT 1", "Null");
        } finally {
          this.#idle.push(session);
        }
      }),
    );
    this.#dispatch();
  }

  /** Refuses what waits, lets what runs come to its end, and leaves no connection behind. */
  async close(): Promise<void> {
    this.#closed = true;
    for (const waiting of this.#waiting.splice(0)) waiting.refuse(closedError());
    await Promise.allSettled(this.#running);
    for (const session of [...this.#readers, this.#writer]) session.close();
    await drainPending();
  }

  async #run(session: Session, sql: string, format: string): Promise<Buffer> {
    const running = session.queryAsync(sql, { format });
    this.#running.add(running);
    try {
      const bytes = (await running).bytes();
      return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    } finally {
      this.#running.delete(running);
    }
  }

  #take(kind: ReadKind, signal?: AbortSignal): Promise<Session> {
    return new Promise((resolve, reject) => {
      if (this.#closed) return reject(closedError());
      const onAbort = () => {
        this.#waiting = this.#waiting.filter((other) => other !== waiting);
        reject(signal?.reason as Error);
      };
      const waiting: Waiting = {
        kind,
        start: (session) => {
          signal?.removeEventListener("abort", onAbort);
          resolve(session);
        },
        refuse: reject,
      };
      signal?.addEventListener("abort", onAbort, { once: true });
      this.#waiting.push(waiting);
      this.#dispatch();
    });
  }

  #giveBack(kind: ReadKind, session: Session): void {
    if (kind === "scan") this.#scans -= 1;
    this.#idle.push(session);
    this.#dispatch();
  }

  #dispatch(): void {
    while (!this.#closed) {
      const lookup = this.#waiting.findIndex((waiting) => waiting.kind === "lookup");
      const next = lookup >= 0 ? lookup : this.#scans < this.#scansMax ? 0 : -1;
      const waiting = this.#waiting[next];
      const session = waiting === undefined ? undefined : this.#idle.pop();
      if (waiting === undefined || session === undefined) return;
      this.#waiting.splice(next, 1);
      if (waiting.kind === "scan") this.#scans += 1;
      waiting.start(session);
    }
  }
}

function openSession(folder: string, connectionArgs: string[]): Session {
  try {
    const session = new Session(folder, { connectionArgs });
    session.query(`SET ${forSession}`);
    return session;
  } catch (error) {
    const detail = { engine: messageOf(error) };
    if (heldElsewhere(folder)) {
      throw new CairnError(
        "DataFolderInUse",
        `the store folder ${folder} is open already; one process owns a data folder`,
        { cause: error, detail },
      );
    }
    throw new CairnError("StoreUnavailable", `the store folder ${folder} could not be opened`, {
      cause: error,
      detail,
    });
  }
}

/** The engine says only that it could not connect; its lock file names the process that holds the folder. */
function heldElsewhere(folder: string): boolean {
  try {
    const holder = Number(/^PID: (\d+)$/m.exec(readFileSync(join(folder, "status"), "utf8"))?.[1]);
    if (!(holder > 0)) return false;
    process.kill(holder, 0);
    return true;
  } catch (error) {
    // EPERM: alive, and somebody else's.
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}

/** ClickHouse error codes that say: this query wants more than a query may have. */
const tooLargeCodes = new Set([
  158, // TOO_MANY_ROWS
  159, // TIMEOUT_EXCEEDED
  241, // MEMORY_LIMIT_EXCEEDED
  307, // TOO_MANY_BYTES
  396, // TOO_MANY_ROWS_OR_BYTES
]);

/** Said when the answer alone, not the search for it, was too large: fewer rows will do. */
const resultTooLargeCode = 396;

export function isResultTooLarge(error: unknown): boolean {
  return (
    error instanceof CairnError &&
    error.code === "StoreQueryTooLarge" &&
    error.detail["clickhouseCode"] === resultTooLargeCode
  );
}

function readError(error: unknown, sql: string): CairnError {
  if (error instanceof CairnError) return error;
  const clickhouseCode = (error as { clickhouseCode?: number }).clickhouseCode;
  if (clickhouseCode !== undefined && tooLargeCodes.has(clickhouseCode)) {
    return new CairnError(
      "StoreQueryTooLarge",
      "the search needs more memory or time than one search may use; ask for a shorter time range or more attributes",
      { cause: error, detail: { clickhouseCode, engine: messageOf(error), sql } },
    );
  }
  return unavailable(error, sql);
}

function unavailable(error: unknown, sql: string): CairnError {
  if (error instanceof CairnError) return error;
  return new CairnError("StoreUnavailable", "the store could not do what it was asked", {
    cause: error,
    detail: {
      clickhouseCode: (error as { clickhouseCode?: number }).clickhouseCode,
      engine: messageOf(error),
      sql,
    },
  });
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** Leaves when the signal aborts; the query itself goes on and its answer is dropped. */
async function unlessAborted<T>(query: Promise<T>, signal: AbortSignal): Promise<T> {
  let onAbort: (() => void) | undefined;
  const aborted = new Promise<never>((_resolve, reject) => {
    onAbort = () => reject(signal.reason as Error);
    signal.addEventListener("abort", onAbort, { once: true });
    if (signal.aborted) onAbort();
  });
  try {
    return await Promise.race([query, aborted]);
  } finally {
    if (onAbort !== undefined) signal.removeEventListener("abort", onAbort);
  }
}
