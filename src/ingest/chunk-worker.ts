// The worker thread that reads chunks: bytes come in and rows go out by transfer, so neither is copied. The buffers are
// the sender's, and all go back to it.
import { parentPort } from "node:worker_threads";
import { assert } from "../base/assert.ts";
import type { ReadContext } from "../event/read.ts";
import { type ReadChunk, readChunk, type Separator } from "./chunk.ts";

export interface ChunkJob {
  id: number;
  chunk: ArrayBuffer;
  /** How much of it is filled. */
  chunkBytes: number;
  /** Room for the rows. */
  rows: ArrayBuffer;
  separator: Separator;
  context: ReadContext;
}

export interface ChunkOutcome extends Omit<ReadChunk, "batch"> {
  id: number;
  chunk: ArrayBuffer;
  /** The job's, or a longer one. */
  rows: ArrayBuffer;
  rowBytes: number;
  offsets: Uint32Array;
}

assert(parentPort !== null, "this module runs as a worker");
const port = parentPort;

port.on("message", (job: ChunkJob) => {
  const { id, chunk, chunkBytes, separator, context } = job;
  const bytes = Buffer.from(chunk, 0, chunkBytes);
  const { batch, ...rest } = readChunk(bytes, separator, context, job.rows);
  const offsets = Uint32Array.from(batch.offsets);
  // Rows begin at 0 of a buffer that is the writer's own.
  const rows = batch.offsets.length === 0 ? job.rows : (batch.bytes.buffer as ArrayBuffer);
  const outcome: ChunkOutcome = {
    id,
    chunk,
    ...rest,
    rows,
    rowBytes: batch.bytes.length,
    offsets,
  };
  port.postMessage(outcome, [chunk, rows, offsets.buffer]);
});
