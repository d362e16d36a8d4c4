// The main thread's end of the recorder's thread: hands calls over and enters what comes back.
//
// A call is kept here until its rows have come back, so that a thread that dies loses nothing. What the thread has not
// done yet is bounded; beyond that `take` declines, and the caller makes the events itself: slower, but none is lost.
import type { Worker } from "node:worker_threads";
import type { Log } from "../base/log.ts";
import { startWorker } from "../base/worker.ts";
import type { Ingest } from "../ingest/ingest.ts";
import {
  type BatchOutcome,
  bodyBytesOf,
  type CallBatch,
  packCalls,
  type SignedCall,
  type ThreadStart,
} from "./call-batch.ts";
import type { Counters } from "./counters.ts";
import type { WaitingCall } from "./finished-call.ts";

export interface RecorderThreadOptions {
  start: Omit<ThreadStart, "ownFolder">;
  /** The thread opens the same one for itself, again whenever `version` has changed. */
  catalog: { readonly ownFolder: string | undefined; readonly version: number };
  ingest: Pick<Ingest, "enqueue" | "enqueueRows" | "rowTimes">;
  counters: Counters;
  log: Log;
}

export type HandedCall = WaitingCall & SignedCall;

interface Handed {
  calls: readonly HandedCall[];
  bytes: number;
  worker: Worker;
  settle: () => void;
}

/** Bytes of calls at the thread: what a crash can lose of them at most. */
const handedBytesMax = 8 * 1024 * 1024;
/** What a call without its bodies counts for. */
const headBytes = 2048;

export class RecorderThread {
  readonly #options: RecorderThreadOptions;
  readonly #recordHere: (calls: readonly HandedCall[]) => void;
  #worker: Worker | undefined;
  readonly #handed = new Map<number, Handed>();
  #handedBytes = 0;
  #nextId = 0;

  /** `recordHere` records calls that the thread took and will never give back. */
  constructor(options: RecorderThreadOptions, recordHere: (calls: readonly HandedCall[]) => void) {
    this.#options = options;
    this.#recordHere = recordHere;
  }

  /** Resolves when the calls' events have been entered; undefined: the thread has enough to do. */
  take(calls: readonly HandedCall[]): Promise<void> | undefined {
    const bytes = calls.reduce((sum, { call }) => sum + headBytes + bodyBytesOf(call), 0);
    if (this.#handedBytes > 0 && this.#handedBytes + bytes > handedBytesMax) return undefined;
    const { catalog, ingest } = this.#options;
    const id = this.#nextId++;
    const packed = packCalls(calls);
    const batch: CallBatch = {
      id,
      catalogVersion: catalog.version,
      times: ingest.rowTimes(),
      ...packed,
    };
    const worker = (this.#worker ??= this.#start());
    worker.ref();
    worker.postMessage(batch, [packed.bodies]);
    this.#handedBytes += bytes;
    return new Promise((resolve) => {
      this.#handed.set(id, { calls, bytes, worker, settle: resolve });
    });
  }

  async close(): Promise<void> {
    const worker = this.#worker;
    this.#worker = undefined;
    await worker?.terminate();
  }

  #start(): Worker {
    const { catalog, log, start } = this.#options;
    const workerData: ThreadStart = { ...start, ownFolder: catalog.ownFolder };
    const worker = startWorker(import.meta.url, "recorder-worker", { workerData });
    worker.on("message", (outcome: BatchOutcome) => {
      const handed = this.#handed.get(outcome.id);
      if (handed === undefined) return;
      this.#handed.delete(outcome.id);
      this.#handedBytes -= handed.bytes;
      // A thread that waits for work keeps nothing alive.
      if (this.#handed.size === 0) worker.unref();
      this.#enter(outcome);
      for (const { drop } of handed.calls) drop();
      handed.settle();
    });
    worker.on("error", (error) => log.error({ err: error }, "the recorder's thread failed"));
    worker.on("exit", () => {
      if (this.#worker === worker) this.#worker = undefined;
      for (const [id, handed] of this.#handed) {
        if (handed.worker !== worker) continue;
        this.#handed.delete(id);
        this.#handedBytes -= handed.bytes;
        this.#recordHere(handed.calls);
        handed.settle();
      }
    });
    return worker;
  }

  #enter({ rows, rowBytes, offsets, without, unreadable, failed, problems }: BatchOutcome): void {
    const { counters, ingest, log } = this.#options;
    counters.unrecognised += without.unrecognised;
    counters.notRecorded += without.notRecorded;
    counters.recordingErrors += problems.length;
    for (const { error, message } of problems) log.error({ err: error }, message);
    if (failed > 0) log.warn({ count: failed }, "calls went unrecorded");
    if (offsets.length > 0) {
      const taken = ingest.enqueueRows({
        bytes: Buffer.from(rows, 0, rowBytes),
        offsets: Array.from(offsets),
      });
      counters.recorded += taken;
      counters.dropped += offsets.length - taken;
    }
    for (const { bytes, ownerAccount } of unreadable) {
      ingest.enqueue(Buffer.from(bytes), ownerAccount);
      counters.dropped++;
    }
  }
}
