// Moves events from memory to Cairn, through the spool when Cairn is away or memory is filling up.
//
//                 ┌───────────────── directly, while Cairn answers ────────────────┐
//   offer() ──► memory ──► spool (Cairn away, memory half full, strict "spool") ──► Cairn
//
// Nothing here throws into the caller: an event is delivered, or it is refused by Cairn (reported), or there was no room
// for it (reported and counted). Memory holds at most `buffer` and one batch or spool file that is being sent.
import type { Answer, Rejection } from "./cairn-client.ts";
import { CaptureError, type Report } from "./errors.ts";
import type { EventLine } from "./record.ts";
import type { Spool, SpooledFile } from "./spool.ts";

export interface DeliveryOptions {
  post: (lines: readonly Buffer[], signal: AbortSignal) => Promise<Answer>;
  spool: Spool | undefined;
  buffer: { eventsMax: number; bytesMax: number };
  batch: { eventsMax: number; bytesMax: number };
  flushIntervalMs: number;
  retry: { delayMsMin: number; delayMsMax: number };
  /** Where an event must be before a waiting one is acknowledged; undefined: nobody waits. */
  strict: "cairn" | "spool" | undefined;
  strictTimeoutMs: number;
  report: Report;
}

export interface DeliveryCounts {
  /** Durable in Cairn. An event that was sent twice because an answer got lost counts once, as Cairn keeps it once. */
  delivered: number;
  /** Refused by Cairn for what they say. */
  rejected: number;
  /** Lost, because memory and spool were full. */
  dropped: number;
  /** Written to the spool. */
  spooled: number;
  /** Attempts that failed and were repeated. */
  retries: number;
}

interface Entry extends EventLine {
  waiter?: { settle: (error?: CaptureError) => void } | undefined;
}

/** A spool file that is being sent, and its first line that is not yet acknowledged. */
interface Replay {
  file: SpooledFile;
  index: number;
}

/** After the spool failed, it is left in peace for this long. */
const spoolPauseMs = 1000;
/** How often leftovers of processes that died meanwhile are looked for. */
const scanIntervalMs = 60_000;
/** Reports of dropped events are bundled: losing a thousand a second must not also call `onError` as often. */
const dropReportIntervalMs = 1000;

export class Delivery {
  readonly #options: DeliveryOptions;
  readonly #counts: DeliveryCounts = {
    delivered: 0,
    rejected: 0,
    dropped: 0,
    spooled: 0,
    retries: 0,
  };
  #waiting: Entry[] = [];
  /** Of all events in memory: waiting, being sent, being spooled. */
  #heldEvents = 0;
  #heldBytes = 0;
  #sending = false;
  #spilling = false;
  #sendTimer: NodeJS.Timeout | undefined;
  #sendDueMs = Infinity;
  #spillTimer: NodeJS.Timeout | undefined;
  readonly #scanTimer: NodeJS.Timeout | undefined;
  /** What earlier processes left is known from here on. */
  readonly #firstScan: Promise<void>;
  #failures = 0;
  #awaySinceMs: number | undefined;
  /** These times are of the monotonic clock: a wall clock that is set back must not stop delivery. */
  #retryAtMs = 0;
  #spoolPausedUntilMs = 0;
  #replay: Replay | undefined;
  #batchEventsMax: number;
  #droppedUnreported = 0;
  #dropReportedMs = -Infinity;
  #stopping = false;
  /** Those who wait until everything is delivered. */
  #idleWaiters: (() => void)[] = [];
  readonly #abort = new AbortController();

  constructor(options: DeliveryOptions) {
    // What is being sent is at most half of memory: the rest takes new events while Cairn lets us wait.
    const { buffer, batch } = options;
    const eventsMax = Math.min(batch.eventsMax, Math.ceil(buffer.eventsMax / 2));
    const bytesMax = Math.min(batch.bytesMax, Math.ceil(buffer.bytesMax / 2));
    this.#options = { ...options, batch: { eventsMax, bytesMax } };
    this.#batchEventsMax = eventsMax;
    this.#firstScan = options.spool === undefined ? Promise.resolve() : this.#scan();
    if (options.spool !== undefined) {
      this.#scanTimer = setInterval(() => void this.#scan(), scanIntervalMs).unref();
    }
  }

  get counts(): Readonly<DeliveryCounts> {
    return this.#counts;
  }

  get heldEvents(): number {
    return this.#heldEvents;
  }

  get heldBytes(): number {
    return this.#heldBytes;
  }

  get isIdle(): boolean {
    return this.#heldEvents === 0 && this.#replay === undefined && this.#spoolIsEmpty;
  }

  /** Takes the event, or counts it as dropped when there is no room. */
  offer(event: EventLine): boolean {
    const entry: Entry = event;
    const isFull =
      this.#heldEvents >= this.#options.buffer.eventsMax ||
      this.#heldBytes + entry.line.length > this.#options.buffer.bytesMax;
    if (isFull || this.#stopping) {
      this.#drop(1);
      return false;
    }
    this.#heldEvents += 1;
    this.#heldBytes += entry.line.length;
    this.#waiting.push(entry);
    this.#plan();
    return true;
  }

  /**
   * Resolves when the event is where strict mode wants it. Rejects with NotDurable when that took too long: the event is
   * kept and delivered later, because what it tells has happened.
   */
  offerAndWait(event: EventLine): Promise<void> {
    return new Promise((resolve, reject) => {
      const entry: Entry = event;
      const timer = setTimeout(() => {
        const message = `the event was not durable within ${this.#options.strictTimeoutMs} ms`;
        entry.waiter?.settle(new CaptureError("NotDurable", message, { eventId: event.eventId }));
      }, this.#options.strictTimeoutMs).unref();
      entry.waiter = {
        settle: (error) => {
          entry.waiter = undefined;
          clearTimeout(timer);
          if (error === undefined) resolve();
          else reject(error);
        },
      };
      if (!this.offer(entry)) {
        entry.waiter?.settle(
          new CaptureError("NotDurable", "no room for the event", { eventId: event.eventId }),
        );
      }
    });
  }

  /** Strict mode: false while an event would not become durable in time, so that a request is better refused at once. */
  get isAvailable(): boolean {
    const { strict, spool, buffer } = this.#options;
    if (this.#heldEvents >= buffer.eventsMax || this.#heldBytes >= buffer.bytesMax) return false;
    if (this.#stopping) return false;
    const spoolTakes = performance.now() >= this.#spoolPausedUntilMs && spool?.isFull !== true;
    if (strict === "spool" && spoolTakes) return true;
    const awayMs = this.#awaySinceMs === undefined ? 0 : performance.now() - this.#awaySinceMs;
    return awayMs < this.#options.strictTimeoutMs;
  }

  /** True when everything taken before is delivered, false when the time is over first. */
  async flush(timeoutMs: number): Promise<boolean> {
    await this.#firstScan;
    const idle = this.#untilIdle(timeoutMs);
    this.#scheduleSend(0);
    return idle;
  }

  /** Delivers within the bound; what is left goes to the spool, or is lost, counted and reported. */
  async close(timeoutMs: number): Promise<void> {
    const deadlineMs = performance.now() + timeoutMs;
    await this.flush(timeoutMs);
    this.#stopping = true;
    this.#abort.abort();
    clearTimeout(this.#sendTimer);
    clearTimeout(this.#spillTimer);
    clearInterval(this.#scanTimer);
    const { spool } = this.#options;
    // The aborted attempt gives its events back; then they go to disk, one last time in spite of any pause.
    await this.#untilTrue(() => !this.#sending && !this.#spilling, deadlineMs + 1000);
    if (spool !== undefined) {
      this.#spoolPausedUntilMs = 0;
      while (this.#waiting.length > 0 && (await this.#spillOnce()));
      await spool.close().catch((error: CaptureError) => this.#options.report(error));
    }
    for (const entry of this.#waiting) {
      entry.waiter?.settle(new CaptureError("Closed", "the capture was closed"));
    }
    if (this.#heldEvents > 0) this.#drop(this.#heldEvents);
    this.#heldEvents = 0;
    this.#heldBytes = 0;
    this.#waiting = [];
    this.#reportDrops(true);
  }

  // — sending —

  /** What to do next, after an event came or something finished. */
  #plan(): void {
    if (this.#stopping) return;
    const { flushIntervalMs } = this.#options;
    const someoneWaits = this.#waiting.at(-1)?.waiter !== undefined;
    const isBatch = this.#waiting.length >= this.#batchEventsMax;
    if (this.#mustSpill()) {
      const isNow = someoneWaits || isBatch || this.#isFilling;
      this.#scheduleSpill(isNow ? 0 : flushIntervalMs);
    }
    const isUrgent = isBatch || this.#someoneWaitsForCairn;
    this.#scheduleSend(
      Math.max(isUrgent ? 0 : flushIntervalMs, this.#retryAtMs - performance.now()),
    );
  }

  #scheduleSend(delayMs: number): void {
    if (this.#sending || this.#stopping) return;
    const dueMs = performance.now() + delayMs;
    if (dueMs >= this.#sendDueMs) return;
    clearTimeout(this.#sendTimer);
    this.#sendDueMs = dueMs;
    this.#sendTimer = setTimeout(() => void this.#send(), delayMs).unref();
  }

  /** One turn: everything there is, until it is gone or Cairn does not answer. */
  async #send(): Promise<void> {
    this.#sendDueMs = Infinity;
    if (this.#sending) return;
    this.#sending = true;
    try {
      while ((await this.#sendOnce()) && !this.#stopping && this.#hasUrgent());
    } catch (error) {
      this.#fail(error instanceof Error ? error.message : String(error), undefined);
    } finally {
      this.#sending = false;
      this.#settleIdle();
      if (!this.isIdle) this.#plan();
    }
  }

  /** A batch of new events and one of the backlog, so that neither keeps the other waiting. False: Cairn did not answer. */
  async #sendOnce(): Promise<boolean> {
    if (!(await this.#sendWaiting())) return false;
    this.#replay ??= await this.#nextFile();
    return this.#replay === undefined || this.#sendSpooled(this.#replay);
  }

  /** Something that does not wait for the next interval. */
  #hasUrgent(): boolean {
    if (this.#replay !== undefined || this.#options.spool?.hasComplete === true) return true;
    // What must go to disk first is not for this loop, which would turn without end while the disk writes.
    if (this.#isForDisk || this.#waiting.length === 0) return false;
    return (
      this.#waiting.length >= this.#batchEventsMax ||
      this.#someoneWaitsForCairn ||
      this.#idleWaiters.length > 0
    );
  }

  /** Strict "spool": what somebody waits for goes to disk first, as long as the disk takes it. */
  get #isForDisk(): boolean {
    return this.#options.strict === "spool" && this.#mustSpill();
  }

  get #someoneWaitsForCairn(): boolean {
    return this.#waiting.at(-1)?.waiter !== undefined && !this.#isForDisk;
  }

  async #sendWaiting(): Promise<boolean> {
    if (this.#isForDisk) return true;
    const batch = this.#takeWaiting(() => true);
    if (batch.length === 0) return true;
    const answer = await this.#options.post(
      batch.map((entry) => entry.line),
      this.#abort.signal,
    );
    if (answer.kind !== "report" && !(answer.kind === "too-large" && batch.length === 1)) {
      this.#waiting.unshift(...batch);
      return this.#notTaken(answer, batch.length);
    }
    this.#succeed();
    const rejected = new Map(rejectionsOf(answer).map((rejection) => [rejection.line, rejection]));
    for (const [index, entry] of batch.entries()) {
      this.#release(entry);
      const rejection = rejected.get(index + 1);
      const error =
        rejection === undefined ? undefined : this.#reject(entry.line, rejection, entry.eventId);
      entry.waiter?.settle(error);
    }
    this.#counts.delivered += batch.length - rejected.size;
    return true;
  }

  async #sendSpooled(replay: Replay): Promise<boolean> {
    const { lines, name } = replay.file;
    let end = replay.index;
    for (let bytes = 0; end < lines.length && end - replay.index < this.#batchEventsMax; end++) {
      bytes += lines[end]?.length ?? 0;
      if (bytes > this.#options.batch.bytesMax && end > replay.index) break;
    }
    const batch = lines.slice(replay.index, end);
    const answer = await this.#options.post(batch, this.#abort.signal);
    if (answer.kind !== "report" && !(answer.kind === "too-large" && batch.length === 1)) {
      return this.#notTaken(answer, batch.length);
    }
    this.#succeed();
    const rejections = rejectionsOf(answer);
    for (const rejection of rejections) this.#reject(batch[rejection.line - 1], rejection);
    this.#counts.delivered += batch.length - rejections.length;
    replay.index = end;
    if (end >= lines.length) {
      await this.#options.spool?.remove(name);
      this.#replay = undefined;
    }
    return true;
  }

  #reject(line: Buffer | undefined, rejection: Rejection, eventId = eventIdOf(line)): CaptureError {
    this.#counts.rejected += 1;
    const message = `Cairn refused event ${eventId ?? "without id"}: ${rejection.code}: ${rejection.message}`;
    const error = new CaptureError(
      "EventRejected",
      message,
      eventId === undefined ? {} : { eventId },
    );
    this.#options.report(error);
    return error;
  }

  /** True: try again at once, with less. */
  #notTaken(answer: Exclude<Answer, { kind: "report" }>, sent: number): boolean {
    if (answer.kind === "too-large") {
      if (sent > 1) {
        this.#batchEventsMax = Math.max(1, Math.floor(sent / 2));
        return true;
      }
      return false;
    }
    this.#fail(answer.reason, answer.retryAfterMs);
    return false;
  }

  #fail(reason: string, retryAfterMs: number | undefined): void {
    if (this.#stopping) return;
    const { delayMsMin, delayMsMax } = this.#options.retry;
    const delayMs = Math.min(delayMsMax, delayMsMin * 2 ** Math.min(this.#failures, 30));
    // Half of it is random: many processes that lost the same Cairn must not all come back at once.
    const jitteredMs = retryAfterMs ?? delayMs / 2 + (Math.random() * delayMs) / 2;
    this.#failures += 1;
    this.#counts.retries += 1;
    this.#awaySinceMs ??= performance.now();
    this.#retryAtMs = performance.now() + jitteredMs;
    this.#options.report(
      new CaptureError(
        "DeliveryFailed",
        `${reason}; trying again in ${Math.round(jitteredMs)} ms (failure ${this.#failures})`,
      ),
    );
  }

  #succeed(): void {
    this.#failures = 0;
    this.#awaySinceMs = undefined;
    this.#retryAtMs = 0;
  }

  // — memory —

  /** The oldest events that may go, up to one batch. */
  #takeWaiting(mayGo: (entry: Entry) => boolean): Entry[] {
    const { bytesMax } = this.#options.batch;
    const taken: Entry[] = [];
    const left: Entry[] = [];
    let bytes = 0;
    let index = 0;
    for (; index < this.#waiting.length && taken.length < this.#batchEventsMax; index++) {
      const entry = this.#waiting[index] as Entry;
      if (!mayGo(entry)) {
        left.push(entry);
        continue;
      }
      bytes += entry.line.length;
      if (bytes > bytesMax && taken.length > 0) break;
      taken.push(entry);
    }
    this.#waiting = [...left, ...this.#waiting.slice(index)];
    return taken;
  }

  #release(entry: Entry): void {
    this.#heldEvents -= 1;
    this.#heldBytes -= entry.line.length;
  }

  #drop(count: number): void {
    this.#counts.dropped += count;
    this.#droppedUnreported += count;
    this.#reportDrops(false);
  }

  #reportDrops(now: boolean): void {
    if (this.#droppedUnreported === 0) return;
    if (!now && performance.now() - this.#dropReportedMs < dropReportIntervalMs) return;
    const message = `${this.#droppedUnreported} events lost: no room in memory${this.#options.spool === undefined ? "" : " and in the spool"}`;
    this.#droppedUnreported = 0;
    this.#dropReportedMs = performance.now();
    this.#options.report(new CaptureError("EventDropped", message));
  }

  // — the spool —

  get #spoolIsEmpty(): boolean {
    return this.#options.spool?.isEmpty ?? true;
  }

  /** Strict "cairn": an event that somebody still waits for stays in memory, where its delivery is noticed. */
  #maySpill(entry: Entry): boolean {
    return entry.waiter === undefined || this.#options.strict === "spool";
  }

  get #isFilling(): boolean {
    const { eventsMax, bytesMax } = this.#options.buffer;
    return this.#heldEvents * 2 > eventsMax || this.#heldBytes * 2 > bytesMax;
  }

  #mustSpill(): boolean {
    if (this.#options.spool === undefined || this.#waiting.length === 0) return false;
    if (performance.now() < this.#spoolPausedUntilMs) return false;
    const isWanted = this.#options.strict === "spool" || this.#awaySinceMs !== undefined;
    return (isWanted || this.#isFilling) && this.#waiting.some((entry) => this.#maySpill(entry));
  }

  #scheduleSpill(delayMs: number): void {
    if (this.#spilling || this.#stopping) return;
    if (delayMs === 0) {
      void this.#spill();
    } else {
      this.#spillTimer ??= setTimeout(() => void this.#spill(), delayMs).unref();
    }
  }

  async #spill(): Promise<void> {
    clearTimeout(this.#spillTimer);
    this.#spillTimer = undefined;
    if (this.#spilling) return;
    this.#spilling = true;
    // Events of one tick share an fsync.
    await new Promise((resolve) => setImmediate(resolve));
    while (!this.#stopping && this.#mustSpill() && (await this.#spillOnce()));
    this.#spilling = false;
    if (!this.isIdle) this.#plan();
  }

  /** Never rejects. False: the events are still in memory. */
  async #spillOnce(): Promise<boolean> {
    const batch = this.#takeWaiting((entry) => this.#stopping || this.#maySpill(entry));
    if (batch.length === 0) return false;
    try {
      await this.#options.spool?.append(batch.map((entry) => entry.line));
    } catch (error) {
      this.#spoolPausedUntilMs = performance.now() + spoolPauseMs;
      this.#waiting.unshift(...batch);
      this.#options.report(error as CaptureError);
      // While Cairn answers, those who wait may still get their event there in time.
      if (this.#options.strict === "spool" && this.#awaySinceMs !== undefined) {
        for (const entry of batch) {
          entry.waiter?.settle(
            new CaptureError("NotDurable", "the event is not in the spool", {
              cause: error,
              eventId: entry.eventId,
            }),
          );
        }
      }
      return false;
    }
    this.#counts.spooled += batch.length;
    for (const entry of batch) {
      this.#release(entry);
      entry.waiter?.settle();
    }
    return true;
  }

  async #nextFile(): Promise<Replay | undefined> {
    const file = await this.#options.spool?.next();
    return file === undefined ? undefined : { file, index: 0 };
  }

  async #scan(): Promise<void> {
    try {
      await this.#options.spool?.scan();
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      this.#options.report(new CaptureError("SpoolFailed", `spool: ${message}`, { cause: error }));
    }
    if (!this.isIdle) this.#plan();
  }

  // — waiting for the end —

  #settleIdle(): void {
    if (!this.isIdle) return;
    for (const resolve of this.#idleWaiters.splice(0)) resolve();
  }

  #untilIdle(timeoutMs: number): Promise<boolean> {
    if (this.isIdle) return Promise.resolve(true);
    return new Promise((resolve) => {
      const timer = setTimeout(() => resolve(this.isIdle), timeoutMs);
      this.#idleWaiters.push(() => {
        clearTimeout(timer);
        resolve(true);
      });
    });
  }

  async #untilTrue(condition: () => boolean, deadlineMs: number): Promise<void> {
    while (!condition() && performance.now() < deadlineMs) {
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  }
}

function rejectionsOf(answer: Answer): Rejection[] {
  if (answer.kind === "report") return answer.rejected;
  return [{ line: 1, code: "TooLarge", message: "Cairn or a proxy before it takes no such body" }];
}

/** Spooled events are only bytes; their id is wanted when one of them is refused. */
function eventIdOf(line: Buffer | undefined): string | undefined {
  return /"eventID":"([^"]+)"/.exec(line?.toString("utf8") ?? "")?.[1];
}
