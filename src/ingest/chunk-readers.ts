// The pool of worker threads that read chunks. Threads start with the first chunk and are replaced when they die.
import type { Worker } from "node:worker_threads";
import { BytePool } from "../base/byte-pool.ts";
import { CairnError } from "../base/errors.ts";
import { ingestPoolBytesMax } from "../base/limits.ts";
import type { Log } from "../base/log.ts";
import { startWorker } from "../base/worker.ts";
import type { ReadContext } from "../event/read.ts";
import { type ReadChunk, rowBytesOf, type Separator } from "./chunk.ts";
import type { ChunkJob, ChunkOutcome } from "./chunk-worker.ts";

interface Waiting {
  resolve(read: ReadChunk): void;
  reject(error: CairnError): void;
}

interface Reader {
  worker: Worker;
  waiting: Map<number, Waiting>;
}

export class ChunkReaders {
  readonly count: number;
  readonly #log: Log;
  readonly #readers: Reader[] = [];
  readonly #pool = new BytePool(ingestPoolBytesMax);
  #nextId = 0;
  #closed = false;

  constructor(count: number, log: Log) {
    this.count = count;
    this.#log = log;
  }

  /** Takes a copy of the chunk before it returns. */
  read(chunk: Uint8Array, separator: Separator, context: ReadContext): Promise<ReadChunk> {
    if (this.#closed) return Promise.reject(closedError());
    const reader = this.#leastBusy();
    const id = this.#nextId++;
    const copy = this.#pool.take(chunk.length);
    new Uint8Array(copy).set(chunk);
    const rows = this.#pool.take(rowBytesOf(chunk.length));
    const job: ChunkJob = {
      id,
      chunk: copy,
      chunkBytes: chunk.length,
      rows,
      separator,
      context,
    };
    return new Promise((resolve, reject) => {
      reader.waiting.set(id, { resolve, reject });
      reader.worker.ref();
      reader.worker.postMessage(job, []);
    });
  }

  /** Nobody looks at what `read` gave any more: its room may be used again. Not needed after a failure. */
  release({ batch }: ReadChunk): void {
    const { buffer } = batch.bytes;
    // Rows that needed more room than usual are in a buffer of their own.
    if (buffer instanceof SharedArrayBuffer) this.#pool.give(buffer);
  }

  async close(): Promise<void> {
    this.#closed = true;
    await Promise.all(this.#readers.map(({ worker }) => worker.terminate()));
  }

  #leastBusy(): Reader {
    const idlest = this.#readers.toSorted((a, b) => a.waiting.size - b.waiting.size)[0];
    if (idlest !== undefined && (idlest.waiting.size === 0 || this.#readers.length >= this.count))
      return idlest;
    return this.#start();
  }

  #start(): Reader {
    const worker = startWorker(import.meta.url, "chunk-worker");
    const reader: Reader = { worker, waiting: new Map() };
    this.#readers.push(reader);
    worker.on("message", (outcome: ChunkOutcome) => {
      const { id, chunk, rows, rowBytes, offsets, ...rest } = outcome;
      this.#pool.give(chunk);
      const waiting = reader.waiting.get(id);
      reader.waiting.delete(id);
      // A thread that waits for work keeps nothing alive.
      if (reader.waiting.size === 0) worker.unref();
      const batch = { bytes: Buffer.from(rows, 0, rowBytes), offsets: Array.from(offsets) };
      waiting?.resolve({ ...rest, batch });
    });
    worker.on("error", (error) => this.#log.error({ err: error }, "a reader thread failed"));
    worker.on("exit", () => {
      this.#readers.splice(this.#readers.indexOf(reader), 1);
      const error = this.#closed
        ? closedError()
        : new CairnError(
            "Unavailable",
            "the thread that read these lines stopped; send them again",
          );
      for (const waiting of reader.waiting.values()) waiting.reject(error);
    });
    return reader;
  }
}

function closedError(): CairnError {
  return new CairnError("Unavailable", "Cairn is stopping and takes no more events");
}
