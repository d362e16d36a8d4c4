// Has finished calls turned into events, after their callers have been answered.
//
//   recordSoon ─► queue ─(20 ms, or 128 calls)─► the recorder's thread ─► rows ─► ingest
//                                            └─► this thread, where there is none or it is busy ─► events ─► ingest
import type { Clock, Timer } from "../base/clock.ts";
import type { Log } from "../base/log.ts";
import type { Directory } from "../directory/directory.ts";
import type { Ingest } from "../ingest/ingest.ts";
import { type CallBatch, CallPacker, unpackCalls } from "./call-batch.ts";
import { CallHead } from "./call-head.ts";
import type { Callers, Signer } from "./caller.ts";
import type { Counters } from "./counters.ts";
import { EventMaker, type EventMakerOptions, type KeyUse, type MadeEvent } from "./event-maker.ts";
import type { FinishedCall } from "./finished-call.ts";
import { RecorderThread, type RecorderThreadOptions } from "./recorder-thread.ts";

export interface RecorderOptions extends Omit<EventMakerOptions, "onProblem" | "onUse"> {
  callers: Callers;
  directory: Partial<Pick<Directory, "noteUse">>;
  ingest: Pick<Ingest, "enqueue" | "record">;
  /** Left out: events are made on this thread. */
  thread?: Pick<RecorderThreadOptions, "catalog" | "ingest"> | undefined;
  counters: Counters;
  clock: Clock;
  log: Log;
}

interface BatchSize {
  countMax: number;
  /** How long a call waits for others. A crash loses what waits here, on top of the ingest's own buffer. */
  delayMs: number;
}

/** Each takes about a millisecond of this thread, which is what an answer may at worst wait. */
const batchesHere: BatchSize = { countMax: 32, delayMs: 5 };
const batchesForThread: BatchSize = { countMax: 128, delayMs: 20 };
/** Calls with bodies of such a size go sooner. */
const batchBytes = 1024 * 1024;

export class Recorder {
  readonly #options: RecorderOptions;
  readonly #maker: EventMaker;
  readonly #thread: RecorderThread | undefined;
  readonly #packer = new CallPacker();
  /** Of each call in the packer. */
  #signers: Promise<Signer | undefined>[] = [];
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
    const onUse = ({ caller, region, service }: KeyUse) =>
      options.directory.noteUse?.(caller, region, service);
    this.#maker = new EventMaker({ ...options, onProblem, onUse });
    if (thread === undefined) return;
    this.#thread = new RecorderThread(
      { ...thread, start: { region, accountId, trustProxy }, onUse, counters, log },
      (batch) => this.#recordHere(batch),
    );
  }

  /**
   * Later, with others: a batch of calls costs far less than each on its own between two answers, and no answer waits
   * for it. Nothing of the call is held when this returns.
   */
  recordSoon(call: FinishedCall, head: CallHead): void {
    this.#packer.add(call);
    this.#signers.push(this.#signerOf(head));
    const { countMax, delayMs } = this.#thread === undefined ? batchesHere : batchesForThread;
    if (this.#signers.length >= countMax || this.#packer.byteLength >= batchBytes)
      this.#beginBatch();
    else this.#timer ??= this.#options.clock.after(delayMs, () => this.#beginBatch());
  }

  /** Calls `record` when `ready` has resolved, which waits for something that ends. */
  recordWhen(ready: Promise<void>, record: () => void): void {
    const waiting = ready.then(record);
    this.#waiting.add(waiting);
    void waiting.finally(() => this.#waiting.delete(waiting));
  }

  /** Resolves when the event is durable, or when there is none to write; else rejects. */
  async recordDurably(call: FinishedCall, head: CallHead): Promise<void> {
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
    while (this.#signers.length + this.#batches.size + this.#waiting.size > 0) {
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
    if (this.#signers.length === 0) return;
    const bytes = this.#packer.take();
    const signers = this.#signers;
    this.#signers = [];
    const batch = new Promise<void>((resolve) => {
      setImmediate(() => resolve(this.#recordAll(bytes, signers)));
    });
    this.#batches.add(batch);
    void batch.finally(() => this.#batches.delete(batch));
  }

  async #recordAll(bytes: Buffer, signers: Promise<Signer | undefined>[]): Promise<void> {
    const batch = { bytes, signers: await Promise.all(signers) };
    const handed = this.#handOver(batch);
    if (handed === undefined) this.#recordHere(batch);
    else await handed;
  }

  #handOver(batch: CallBatch): Promise<void> | undefined {
    try {
      return this.#thread?.take(batch);
    } catch (error) {
      this.#options.log.error({ err: error }, "calls could not be handed to the recorder's thread");
      return undefined;
    }
  }

  /** What goes wrong is logged and counted. */
  #recordHere({ bytes, signers }: CallBatch): void {
    const { counters, ingest, log } = this.#options;
    let index = 0;
    for (const call of unpackCalls(bytes)) {
      try {
        const event = this.#eventOf(call, new CallHead(call.head), signers[index++]);
        if (event === undefined) continue;
        const taken = ingest.enqueue(event.bytes, event.ownerAccount);
        counters[taken ? "recorded" : "dropped"]++;
      } catch (error) {
        counters.recordingErrors++;
        log.error({ err: error }, "a call could not be recorded");
      }
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
