// The worker thread that reads chunks: bytes come in and rows go out in shared buffers, so neither is copied. They are the
// sender's, and free again when the answer has come.
import { parentPort } from "node:worker_threads";
import { assert } from "../base/assert.ts";
import type { ReadContext } from "../event/read.ts";
import { type ReadChunk, readChunk, type Separator } from "./chunk.ts";

export interface ChunkJob {
  id: number;
  chunk: SharedArrayBuffer;
  /** How much of it is filled. */
  chunkBytes: number;
  /** Room for the rows. */
  rows: SharedArrayBuffer;
  separator: Separator;
  context: ReadContext;
}

export interface ChunkOutcome extends Omit<ReadChunk, "batch"> {
  id: number;
  chunk: SharedArrayBuffer;
  /** The job's, or a longer one where that was short. */
  rows: SharedArrayBuffer | ArrayBuffer;
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
  const rows = batch.offsets.length === 0 ? job.rows : batch.bytes.buffer;
  const rowBytes = batch.bytes.length;
  const outcome: ChunkOutcome = { id, chunk, ...rest, rows, rowBytes, offsets };
  const moved = rows instanceof ArrayBuffer ? [rows, offsets.buffer] : [offsets.buffer];
  port.postMessage(outcome, moved);
});
