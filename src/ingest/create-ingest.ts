// The ingest room: reads what doors bring, appends it to the journal, and accounts for every record.
import { availableParallelism } from "node:os";
import type { Clock } from "../base/clock.ts";
import { CairnError, isCairnError } from "../base/errors.ts";
import {
  ingestBodyBytesMax,
  ingestBufferBytesMax,
  ingestInlineBytesMax,
  ingestLagBytesInitial,
  ingestLagWaitMsMax,
  ingestRejectedLinesMax,
} from "../base/limits.ts";
import type { Log } from "../base/log.ts";
import { type ReadContext, type RowTimes, readEvent } from "../event/read.ts";
import type { Rejection } from "../event/rejection.ts";
import { type EventColumns, keepForeverMs, type RowBatch } from "../event/row.ts";
import type { Journal } from "../journal/journal.ts";
import { type ReadChunk, readChunk, splitChunks } from "./chunk.ts";
import { ChunkReaders } from "./chunk-readers.ts";
import { EventBuffer } from "./event-buffer.ts";
import type { Ingest, IngestContext, IngestCounters, IngestReport } from "./ingest.ts";
import { RecordGroup } from "./record-group.ts";

export interface IngestOptions {
  journal: Journal;
  clock: Clock;
  log: Log;
  /** How long live events are kept. */
  retentionMs: number | "forever";
  /** How long imported events are kept; left out: for ever. */
  importRetentionMs?: number | "forever";
  /** Reader threads; left out: one less than the machine has cores, 1 to 4. */
  workers?: number;
  /** Left out: `ingestBufferBytesMax`. */
  bufferBytesMax?: number;
  /** Bytes of rows that the store may lag behind before bulk bodies wait for it; left out: `ingestLagBytesInitial`. */
  lagBytesMax?: () => number;
}

const lagPollMs = 10;

export function createIngest(options: IngestOptions): Ingest {
  return new IngestRoom(options);
}

class IngestRoom implements Ingest {
  readonly counters: IngestCounters = { accepted: 0, rejected: {}, dropped: 0 };
  readonly #options: IngestOptions;
  readonly #readers: ChunkReaders;
  readonly #group: RecordGroup;
  readonly #buffer: EventBuffer;
  #underWay = new Set<Promise<unknown>>();
  #closed = false;

  constructor(options: IngestOptions) {
    const { journal, clock, log, workers, bufferBytesMax } = options;
    this.#options = options;
    this.#readers = new ChunkReaders(workers ?? defaultWorkers(), log);
    this.#group = new RecordGroup(journal);
    this.#buffer = new EventBuffer({
      journal,
      clock,
      log,
      onDurable: (count) => void (this.counters.accepted += count),
      bytesMax: bufferBytesMax ?? ingestBufferBytesMax,
    });
  }

  async acceptLines(body: Uint8Array, context: IngestContext): Promise<IngestReport> {
    this.#refuseWhenClosed();
    if (body.length > ingestBodyBytesMax) {
      throw new CairnError(
        "RequestTooLarge",
        `the body has ${body.length} bytes; at most ${ingestBodyBytesMax} are allowed`,
      );
    }
    const accepting = this.#acceptLines(body, context);
    this.#underWay.add(accepting);
    try {
      return await accepting;
    } finally {
      this.#underWay.delete(accepting);
    }
  }

  record(event: Buffer, ownerAccount: string): Promise<void> {
    if (this.#closed) return Promise.reject(closedError());
    const { columns, rejection } = readEvent(event, this.#readContext("live", ownerAccount));
    if (columns === undefined) {
      this.#countRejection(rejection);
      const message = `the event is refused: ${rejection.message}`;
      return Promise.reject(new CairnError("ValidationFailed", message));
    }
    return this.#record(columns, event);
  }

  enqueue(event: Buffer, ownerAccount: string): boolean {
    if (this.#closed) {
      this.counters.dropped++;
      return false;
    }
    const { columns, rejection } = readEvent(event, this.#readContext("live", ownerAccount));
    if (columns === undefined) {
      this.#countRejection(rejection);
      // Our own doors build events that can be read: this one says which of them has a fault.
      this.#options.log.error({ rejection }, "an event of our own was refused");
      return false;
    }
    const taken = this.#buffer.add(columns, event);
    if (!taken) this.counters.dropped++;
    return taken;
  }

  enqueueRows(rows: RowBatch): number {
    const taken = this.#closed ? 0 : this.#buffer.addRows(rows);
    this.counters.dropped += rows.offsets.length - taken;
    return taken;
  }

  rowTimes(): RowTimes {
    return this.#rowTimes("live");
  }

  flush(): Promise<void> {
    return this.#buffer.flush();
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    // Their callers hear what became of them.
    await Promise.allSettled(this.#underWay);
    await this.#group.settled();
    try {
      await this.#buffer.flush();
    } catch (error) {
      this.#options.log.error({ err: error, count: this.#buffer.count }, "events were given up");
    }
    this.counters.dropped += this.#buffer.abandon();
    await this.#readers.close();
  }

  async #record(columns: EventColumns, event: Buffer): Promise<void> {
    await this.#group.add(columns, event);
    this.counters.accepted++;
  }

  async #acceptLines(body: Uint8Array, context: IngestContext): Promise<IngestReport> {
    const report: IngestReport = { received: 0, accepted: 0, rejected: [], ranges: [] };
    let linesBefore = 0;
    try {
      for await (const read of this.#readInOrder(body, context)) {
        await this.#settle(read, linesBefore, report);
        linesBefore += read.lineCount;
        if (read.stoppedAtLine === undefined && report.rejected.length <= ingestRejectedLinesMax)
          continue;
        const message = `more than ${ingestRejectedLinesMax} lines were refused: the rest was not read`;
        const fromLine = read.stoppedAtLine === undefined ? linesBefore + 1 : linesBefore;
        return { ...report, failed: { fromLine, code: "ValidationFailed", message } };
      }
    } catch (error) {
      if (!isCairnError(error)) throw error;
      const { code, message } = error;
      return { ...report, failed: { fromLine: linesBefore + 1, code, message } };
    }
    return report;
  }

  /** The chunks of a body in their order; some more are read ahead, so that reading and appending overlap. */
  async *#readInOrder(body: Uint8Array, context: IngestContext): AsyncGenerator<ReadChunk> {
    const { separator = "newline" } = context;
    const readContext = this.#readContext(context.origin, context.ownerAccount);
    if (body.length <= ingestInlineBytesMax) {
      for (const chunk of splitChunks(body, separator)) {
        const bytes = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
        yield readChunk(bytes, separator, readContext);
      }
      return;
    }
    const ahead: Promise<ReadChunk>[] = [];
    for (const chunk of splitChunks(body, separator)) {
      await this.#storeKeepsUp();
      const reading = this.#readers.read(chunk, separator, readContext);
      // Whoever takes it hears of a failure; one that nobody takes any more needs no hearing.
      reading.catch(() => undefined);
      ahead.push(reading);
      if (ahead.length > this.#readers.count * 2) yield* this.#lend(ahead.shift());
    }
    for (const reading of ahead) yield* this.#lend(reading);
  }

  /** A chunk for as long as the loop that takes it is busy with it. */
  async *#lend(reading: Promise<ReadChunk> | undefined): AsyncGenerator<ReadChunk> {
    if (reading === undefined) return;
    const read = await reading;
    yield read;
    this.#readers.release(read);
  }

  /**
   * Resolves when the store is not far behind, or after a bounded wait. Without it a sender that is faster than the
   * store is told "durable" at once and then finds its events later and later.
   */
  async #storeKeepsUp(): Promise<void> {
    const { clock, journal, lagBytesMax = () => ingestLagBytesInitial } = this.#options;
    for (let waitedMs = 0; waitedMs < ingestLagWaitMsMax; waitedMs += lagPollMs) {
      if (this.#closed || journal.status().pendingBytes <= lagBytesMax()) return;
      await clock.sleep(lagPollMs);
    }
  }

  /** Makes a chunk's events durable, then enters them and its rejections; when the journal refuses, enters nothing. */
  async #settle(read: ReadChunk, linesBefore: number, report: IngestReport): Promise<void> {
    const accepted = read.batch.offsets.length;
    if (accepted > 0) {
      const receipt = await this.#options.journal.append(read.batch);
      report.ranges.push(receipt);
      report.lastSeq = receipt.firstSeq + BigInt(receipt.count) - 1n;
    }
    this.counters.accepted += accepted;
    report.accepted += accepted;
    for (const each of read.rejected) {
      this.#countRejection(each);
      report.rejected.push({ ...each, line: linesBefore + each.line });
    }
    report.received = report.accepted + report.rejected.length;
  }

  #readContext(origin: ReadContext["origin"], ownerAccount: string): ReadContext {
    return { ownerAccount, origin, ...this.#rowTimes(origin) };
  }

  #rowTimes(origin: ReadContext["origin"]): RowTimes {
    const { clock, retentionMs, importRetentionMs = "forever" } = this.#options;
    const ingestTimeMs = clock.nowMs();
    const keepMs = origin === "import" ? importRetentionMs : retentionMs;
    const keepUntilMs =
      keepMs === "forever" ? keepForeverMs : Math.min(ingestTimeMs + keepMs, keepForeverMs);
    return { ingestTimeMs, keepUntilMs };
  }

  #countRejection({ code }: Pick<Rejection, "code">): void {
    this.counters.rejected[code] = (this.counters.rejected[code] ?? 0) + 1;
  }

  #refuseWhenClosed(): void {
    if (this.#closed) throw closedError();
  }
}

/** One core is the main thread's; more than four readers outrun any one disk. */
function defaultWorkers(): number {
  return Math.max(1, Math.min(4, availableParallelism() - 1));
}

function closedError(): CairnError {
  return new CairnError("Unavailable", "Cairn is stopping and takes no more events");
}
