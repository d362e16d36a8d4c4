// The worker thread that reads chunks: bytes come in and rows go out by transfer, so neither is copied.
import { parentPort } from "node:worker_threads";
import { assert } from "../base/assert.ts";
import type { ReadContext } from "../event/read.ts";
import { type ReadChunk, readChunk, type Separator } from "./chunk.ts";

export interface ChunkJob {
  id: number;
  chunk: ArrayBuffer;
  separator: Separator;
  context: ReadContext;
}

export interface ChunkOutcome extends Omit<ReadChunk, "batch"> {
  id: number;
  rows: ArrayBuffer;
  rowBytes: number;
  offsets: Uint32Array;
}

assert(parentPort !== null, "this module runs as a worker");
const port = parentPort;

port.on("message", ({ id, chunk, separator, context }: ChunkJob) => {
  const { batch, ...rest } = readChunk(Buffer.from(chunk), separator, context);
  const offsets = Uint32Array.from(batch.offsets);
  // The writer's buffer is its own and begins at 0 (RowWriter).
  const rows =
    batch.offsets.length === 0 ? new ArrayBuffer(0) : (batch.bytes.buffer as ArrayBuffer);
  const outcome: ChunkOutcome = { id, ...rest, rows, rowBytes: batch.bytes.length, offsets };
  port.postMessage(outcome, [rows, offsets.buffer]);
});
