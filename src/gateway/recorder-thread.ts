// The main thread's end of the recorder's thread: hands calls over and enters what comes back.
//
// A batch is kept here until its rows have come back, so that a thread that dies loses nothing. What the thread has not
// done yet is bounded; beyond that `take` declines, and the caller makes the events itself: slower, but none is lost.
import type { Worker } from "node:worker_threads";
import type { Log } from "../base/log.ts";
import { startWorker } from "../base/worker.ts";
import type { Ingest } from "../ingest/ingest.ts";
import type { BatchOutcome, CallBatch, SentBatch, ThreadStart } from "./call-batch.ts";
import type { Counters } from "./counters.ts";
import type { KeyUse } from "./event-maker.ts";

export interface RecorderThreadOptions {
  start: Omit<ThreadStart, "ownFolder">;
  /** The thread opens the same one for itself, again whenever `version` has changed. */
  catalog: { readonly ownFolder: string | undefined; readonly version: number };
  ingest: Pick<Ingest, "enqueue" | "enqueueRows" | "rowTimes">;
  /** Told of a key's use at most once a minute. */
  onUse: (use: KeyUse) => void;
  counters: Counters;
  log: Log;
}

interface Handed {
  batch: CallBatch;
  worker: Worker;
  settle: () => void;
}

/** Bytes of calls at the thread: what a crash can lose of them at most. */
const handedBytesMax = 4 * 1024 * 1024;

/** Nearly all that a batch leaves behind is garbage, which costs nothing where it is looked for after many of them. */
const maxYoungGenerationSizeMb = 64;

export class RecorderThread {
  readonly #options: RecorderThreadOptions;
  readonly #recordHere: (batch: CallBatch) => void;
  #worker: Worker | undefined;
  readonly #handed = new Map<number, Handed>();
  #handedBytes = 0;
  #nextId = 0;

  /** `recordHere` records calls that the thread took and will never give back. */
  constructor(options: RecorderThreadOptions, recordHere: (batch: CallBatch) => void) {
    this.#options = options;
    this.#recordHere = recordHere;
  }

  /** Resolves when the calls' events have been entered; undefined: the thread has enough to do. */
  take(batch: CallBatch): Promise<void> | undefined {
    const { bytes, signers } = batch;
    if (this.#handed.size > 0 && this.#handedBytes + bytes.length > handedBytesMax)
      return undefined;
    const { catalog, ingest } = this.#options;
    const id = this.#nextId++;
    const copy = new ArrayBuffer(bytes.length);
    new Uint8Array(copy).set(bytes);
    const sent: SentBatch = {
      id,
      catalogVersion: catalog.version,
      times: ingest.rowTimes(),
      bytes: copy,
      signers,
    };
    const worker = (this.#worker ??= this.#start());
    worker.ref();
    worker.postMessage(sent, [copy]);
    this.#handedBytes += bytes.length;
    return new Promise((resolve) => {
      this.#handed.set(id, { batch, worker, settle: resolve });
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
    const worker = startWorker(import.meta.url, "recorder-worker", {
      workerData,
      resourceLimits: { maxYoungGenerationSizeMb },
    });
    worker.on("message", (outcome: BatchOutcome) => {
      this.#enter(outcome);
      this.#settle(outcome.id);
      // A thread that waits for work keeps nothing alive.
      if (this.#handed.size === 0) worker.unref();
    });
    worker.on("error", (error) => log.error({ err: error }, "the recorder's thread failed"));
    worker.on("exit", () => {
      if (this.#worker === worker) this.#worker = undefined;
      for (const [id, handed] of this.#handed) {
        if (handed.worker !== worker) continue;
        this.#recordHere(handed.batch);
        this.#settle(id);
      }
    });
    return worker;
  }

  #settle(id: number): void {
    const handed = this.#handed.get(id);
    if (handed === undefined) return;
    this.#handed.delete(id);
    this.#handedBytes -= handed.batch.bytes.length;
    handed.settle();
  }

  #enter({ rows, rowBytes, offsets, without, unreadable, problems, uses }: BatchOutcome): void {
    const { counters, ingest, log, onUse } = this.#options;
    counters.unrecognised += without.unrecognised;
    counters.notRecorded += without.notRecorded;
    counters.recordingErrors += problems.length;
    for (const { error, message } of problems) log.error({ err: error }, message);
    for (const use of uses) onUse(use);
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
