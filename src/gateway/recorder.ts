// Has finished calls turned into events, after their callers have been answered.
//
//   recordSoon ─► queue ─(5 ms, or 32 calls)─► the recorder's thread ─► rows ─► ingest
//                                          └─► this thread, where there is none or it is busy ─► events ─► ingest
import type { Clock, Timer } from "../base/clock.ts";
import type { Log } from "../base/log.ts";
import type { Ingest } from "../ingest/ingest.ts";
import type { CallHead } from "./call-head.ts";
import type { Callers, Signer } from "./caller.ts";
import type { Counters } from "./counters.ts";
import { EventMaker, type EventMakerOptions, type MadeEvent } from "./event-maker.ts";
import type { FinishedCall, WaitingCall } from "./finished-call.ts";
import { type HandedCall, RecorderThread, type RecorderThreadOptions } from "./recorder-thread.ts";

export interface RecorderOptions extends Omit<EventMakerOptions, "onProblem"> {
  callers: Callers;
  ingest: Pick<Ingest, "enqueue" | "record">;
  /** Left out: events are made on this thread. */
  thread?: Pick<RecorderThreadOptions, "catalog" | "ingest"> | undefined;
  counters: Counters;
  clock: Clock;
  log: Log;
}

/** Calls of one batch: about a millisecond of work, which is what an answer may at worst wait. */
const batchCountMax = 32;
/** How long a call waits for others. A crash loses what waits here, on top of the ingest's own buffer. */
const batchDelayMs = 5;

export class Recorder {
  readonly #options: RecorderOptions;
  readonly #maker: EventMaker;
  readonly #thread: RecorderThread | undefined;
  #queue: WaitingCall[] = [];
  #timer: Timer | undefined;
  /** Calls whose request has not come whole yet. */
  readonly #waiting = new Set<Promise<void>>();
  readonly #batches = new Set<Promise<void>>();

  constructor(options: RecorderOptions) {
    this.#options = options;
    const { region, accountId, trustProxy, counters, log, thread } = options;
    const onProblem = (error: unknown, message: string) => {
      counters.recordingErrors++;
      log.error({ err: error }, message);
    };
    this.#maker = new EventMaker({ ...options, onProblem });
    if (thread === undefined) return;
    this.#thread = new RecorderThread(
      { ...thread, start: { region, accountId, trustProxy }, counters, log },
      (calls) => this.#recordHere(calls),
    );
  }

  /**
   * Later, with others: a batch of calls costs far less than each on its own between two answers, and no answer waits
   * for it.
   */
  recordSoon(call: WaitingCall): void {
    this.#queue.push(call);
    if (this.#queue.length >= batchCountMax) this.#beginBatch();
    else this.#timer ??= this.#options.clock.after(batchDelayMs, () => this.#beginBatch());
  }

  /** The same when `ready` has resolved. It never rejects. */
  recordWhen(ready: Promise<void>, finish: () => WaitingCall): void {
    const waiting = ready.then(() => this.recordSoon(finish()));
    this.#waiting.add(waiting);
    void waiting.finally(() => this.#waiting.delete(waiting));
  }

  /** Resolves when the event is durable, or when there is none to write; else rejects. */
  async recordDurably({ call, head }: WaitingCall): Promise<void> {
    const event = this.#eventOf(call, head, await this.#signerOf(head));
    if (event === undefined) return;
    const { counters, ingest } = this.#options;
    try {
      await ingest.record(event.bytes, event.ownerAccount);
    } catch (error) {
      counters.dropped++;
      throw error;
    }
    counters.recorded++;
  }

  /** Waits until what has been queued is handed over. */
  async settled(): Promise<void> {
    while (this.#queue.length + this.#batches.size + this.#waiting.size > 0) {
      this.#beginBatch();
      await Promise.all([...this.#batches, ...this.#waiting]);
    }
  }

  async close(): Promise<void> {
    await this.settled();
    await this.#thread?.close();
  }

  #beginBatch(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    const queued = this.#queue;
    if (queued.length === 0) return;
    this.#queue = [];
    const batch = new Promise<void>((resolve) => {
      setImmediate(() => resolve(this.#recordAll(queued)));
    });
    this.#batches.add(batch);
    void batch.finally(() => this.#batches.delete(batch));
  }

  async #recordAll(queued: readonly WaitingCall[]): Promise<void> {
    const calls: HandedCall[] = [];
    for (const { call, head, drop } of queued) {
      calls.push({ call, head, drop, signer: await this.#signerOf(head) });
    }
    const handed = this.#handOver(calls);
    if (handed === undefined) this.#recordHere(calls);
    else await handed;
  }

  #handOver(calls: readonly HandedCall[]): Promise<void> | undefined {
    try {
      return this.#thread?.take(calls);
    } catch (error) {
      this.#options.log.error({ err: error }, "calls could not be handed to the recorder's thread");
      return undefined;
    }
  }

  /** What goes wrong is logged and counted. */
  #recordHere(calls: readonly HandedCall[]): void {
    const { counters, ingest, log } = this.#options;
    for (const { call, head, signer, drop } of calls) {
      try {
        const event = this.#eventOf(call, head, signer);
        if (event !== undefined) {
          const taken = ingest.enqueue(event.bytes, event.ownerAccount);
          counters[taken ? "recorded" : "dropped"]++;
        }
      } catch (error) {
        counters.recordingErrors++;
        log.error({ err: error }, "a call could not be recorded");
      }
      drop();
    }
  }

  #eventOf(call: FinishedCall, head: CallHead, signer: Signer | undefined): MadeEvent | undefined {
    const event = this.#maker.eventOf(call, head, signer);
    if (typeof event !== "string") return event;
    this.#options.counters[event]++;
    return undefined;
  }

  /** Undefined also where the directory could not be asked: whoever it was, we cannot say. */
  async #signerOf(head: CallHead): Promise<Signer | undefined> {
    const { callers, counters, log } = this.#options;
    try {
      return callers.signerOf(head, await callers.lookUp(head));
    } catch (error) {
      counters.recordingErrors++;
      log.error({ err: error }, "the caller of a call could not be looked up");
      return undefined;
    }
  }
}
