// Finished calls on their way to be recorded: as bytes, so that waiting calls cost the garbage collector nothing, and
// another thread can take them as they are and read one call after the other.
//
//   ┌────────────────────┬─────────────┬───────────────────────┬──────────────┬───────────────┐
//   │ four lengths, u32, │ facts, JSON │ lines of both heads,  │ request body │ response body │  per call
//   │ of what follows    │             │ one byte a character  │              │               │
//   └────────────────────┴─────────────┴───────────────────────┴──────────────┴───────────────┘
//     a body's is one more; 0: there is none
import type { RowTimes } from "../event/read.ts";
import type { Signer } from "./caller.ts";
import type { KeyUse, MadeEvent, NoEvent, RecordingDefaults } from "./event-maker.ts";
import type { FinishedCall } from "./finished-call.ts";

/** What the thread is told when it starts. */
export interface ThreadStart extends RecordingDefaults {
  /** Where users' own services are kept. */
  ownFolder: string | undefined;
}

export interface CallBatch {
  /** The calls, packed. */
  bytes: Buffer;
  /** Of each call in turn; undefined: nobody that the directory knows. */
  signers: readonly (Signer | undefined)[];
}

/** A batch as the thread gets it. */
export interface SentBatch {
  id: number;
  /** The thread has a catalog of its own, and opens it anew when this differs. */
  catalogVersion: number;
  times: RowTimes;
  bytes: ArrayBuffer;
  signers: CallBatch["signers"];
}

export interface BatchOutcome {
  id: number;
  rows: ArrayBuffer;
  rowBytes: number;
  offsets: Uint32Array;
  without: Record<NoEvent, number>;
  /** Events that could not be read back: a fault of ours, for the ingest to name. */
  unreadable: MadeEvent[];
  problems: { error: string; message: string }[];
  /** Those that the thread has not told of lately: mostly none. */
  uses: KeyUse[];
}

const lengthsBytes = 16;

/** What is not a line of a head. */
interface Facts extends Omit<FinishedCall, "head" | "requestBody" | "response"> {
  status: number | undefined;
  /** Lines of the request's head: method, target, names and values. */
  requestLines: number;
  lines: number;
}

export class CallPacker {
  #bytes = Buffer.alloc(0);
  #initialBytes = 64 * 1024;
  #length = 0;

  get byteLength(): number {
    return this.#length;
  }

  add(call: FinishedCall): void {
    const { head, response, client, upstream, arrivedMs, completedMs } = call;
    const { largeBodyHash, largeBodyChunks, failure, requestId } = call;
    const { method, target, rawHeaders } = head;
    const requestLines = 2 + rawHeaders.length;
    const lines = requestLines + (response?.rawHeaders.length ?? 0);
    const facts: Facts = {
      client,
      upstream,
      arrivedMs,
      completedMs,
      largeBodyHash,
      largeBodyChunks,
      failure,
      requestId,
      status: response?.status,
      requestLines,
      lines,
    };
    const factsText = JSON.stringify(facts);
    // A line feed in any of them would be refused by node:http, and is not believed by `unpackCalls`.
    let linesText = `${method}\n${target}`;
    if (rawHeaders.length > 0) linesText += `\n${rawHeaders.join("\n")}`;
    if (lines > requestLines) linesText += `\n${response?.rawHeaders.join("\n")}`;

    const start = this.#length;
    this.#reserve(lengthsBytes + factsText.length * 3 + linesText.length);
    this.#length += lengthsBytes;
    const factsBytes = this.#bytes.write(factsText, this.#length, "utf8");
    this.#length += factsBytes;
    this.#length += this.#bytes.write(linesText, this.#length, "latin1");
    const requestSize = this.#addBody(call.requestBody);
    const responseSize = this.#addBody(response?.body);
    this.#bytes.writeUInt32LE(factsBytes, start);
    this.#bytes.writeUInt32LE(linesText.length, start + 4);
    this.#bytes.writeUInt32LE(requestSize, start + 8);
    this.#bytes.writeUInt32LE(responseSize, start + 12);
  }

  /** What has been added; the packer starts afresh. */
  take(): Buffer {
    const bytes = this.#bytes.subarray(0, this.#length);
    this.#initialBytes = Math.max(64 * 1024, this.#length);
    this.#bytes = Buffer.alloc(0);
    this.#length = 0;
    return bytes;
  }

  #addBody(body: Buffer | undefined): number {
    if (body === undefined) return 0;
    this.#reserve(body.length);
    this.#bytes.set(body, this.#length);
    this.#length += body.length;
    return body.length + 1;
  }

  #reserve(count: number): void {
    if (this.#length + count <= this.#bytes.length) return;
    const size = Math.max(this.#initialBytes, this.#bytes.length * 2, this.#length + count);
    const grown = Buffer.allocUnsafeSlow(size);
    this.#bytes.copy(grown, 0, 0, this.#length);
    this.#bytes = grown;
  }
}

/** One call after the other; their bodies are views of `bytes`. */
export function* unpackCalls(bytes: Buffer): Generator<FinishedCall> {
  let at = 0;
  const take = (count: number) => {
    at += count;
    return bytes.subarray(at - count, at);
  };
  const takeBody = (size: number) => (size === 0 ? undefined : take(size - 1));
  while (at < bytes.length) {
    const lengths = take(lengthsBytes);
    const facts = JSON.parse(take(lengths.readUInt32LE(0)).toString("utf8")) as Facts;
    const lines = take(lengths.readUInt32LE(4)).toString("latin1").split("\n");
    const requestBody = takeBody(lengths.readUInt32LE(8));
    const body = takeBody(lengths.readUInt32LE(12));
    const { status, requestLines } = facts;
    // Not as it was put together: better no head, which no service fits, than one that says what it did not.
    if (lines.length !== facts.lines) lines.fill("");
    const [method = "", target = ""] = lines;
    const head = { method, target, rawHeaders: lines.slice(2, requestLines) };
    const response =
      status === undefined ? undefined : { status, rawHeaders: lines.slice(requestLines), body };
    // Member by member: spreading what JSON.parse has made takes as long as parsing it.
    yield {
      head,
      client: facts.client,
      upstream: facts.upstream,
      arrivedMs: facts.arrivedMs,
      completedMs: facts.completedMs,
      largeBodyHash: facts.largeBodyHash,
      largeBodyChunks: facts.largeBodyChunks,
      failure: facts.failure,
      requestId: facts.requestId,
      requestBody,
      response,
    };
  }
}
