// Signs a body in signed chunks anew as it passes: the same chunks and trailers, of the same length, other signatures.
//
//   10000;chunk-signature=OURS\r\n <65536 bytes> \r\n       goes on as soon as the chunk has come whole and was checked
//   0;chunk-signature=OURS\r\n                               this and what follows only when all has been checked
//   x-amz-checksum-crc32c:sOO8/Q==\r\n
//   x-amz-trailer-signature:OURS\r\n\r\n
//
// A signature stands in front of what it covers, so that one chunk must be held; how large a chunk may be is bounded.
import { CairnError } from "../base/errors.ts";
import { ChunkDecoder, signPart } from "../signature/chunk-decoder.ts";
import type { ParsedSignature } from "../signature/parse-signature.ts";
import { emptyHash, sha256Hex } from "../signature/verify-signature.ts";
import type { BodyFilter } from "./exchange.ts";

/** What the chain of new signatures starts from: the head as it was signed for the upstream. */
export interface Seal {
  scope: Pick<ParsedSignature, "signedAt" | "date" | "region" | "signingName">;
  signingKey: Buffer;
  signature: string;
}

/** SDKs make chunks of 64 KiB to 1 MiB. */
export const chunkBytesMax = 16 * 1024 * 1024;

const newline = 0x0a;

export class ChunkReSigner implements BodyFilter {
  readonly #decoder: ChunkDecoder;
  readonly #seal: Seal;
  readonly #declaredBytes: number | undefined;
  #previous: string;
  /** What has come of a chunk that is not whole yet, and how much of it there must be before it is looked at again. */
  #pending: Buffer[] = [];
  #pendingBytes = 0;
  #wantedBytes = 1;
  #isAtTrailers = false;
  #trailerText = "";
  #last: Buffer[] = [];

  /** `declaredBytes`: what the caller says that the chunks come to. */
  constructor(
    signature: ParsedSignature,
    signingKey: Buffer,
    seal: Seal,
    declaredBytes: number | undefined,
  ) {
    this.#decoder = new ChunkDecoder(signature, signingKey);
    this.#seal = seal;
    this.#previous = seal.signature;
    this.#declaredBytes = declaredBytes;
  }

  push(bytes: Buffer): Buffer | undefined {
    // First: what is read below has the form of chunks, and a chunk that has come whole has the caller's signature.
    this.#decoder.push(bytes);
    this.#pending.push(bytes);
    this.#pendingBytes += bytes.length;
    if (this.#pendingBytes < this.#wantedBytes) return undefined;
    const ready: Buffer[] = [];
    let rest = Buffer.concat(this.#pending);
    while (rest.length > 0) {
      const taken = this.#isAtTrailers ? this.#takeTrailer(rest) : this.#takeChunk(rest, ready);
      if (taken === 0) break;
      rest = rest.subarray(taken);
    }
    this.#pending = rest.length === 0 ? [] : [rest];
    this.#pendingBytes = rest.length;
    if (rest.length === 0) this.#wantedBytes = 1;
    return ready.length === 0 ? undefined : Buffer.concat(ready);
  }

  end(): Buffer | undefined {
    const { decodedBytes } = this.#decoder.end();
    checkLength(decodedBytes, this.#declaredBytes);
    return Buffer.concat(this.#last);
  }

  /** Gives back how many bytes were taken; 0: the chunk has not come whole. */
  #takeChunk(bytes: Buffer, ready: Buffer[]): number {
    const start = bytes.indexOf(newline) + 1;
    if (start === 0) return this.#wait(bytes.length + 1);
    const head = bytes.toString("latin1", 0, start);
    const size = Number.parseInt(head, 16);
    if (size > chunkBytesMax) {
      throw new CairnError(
        "RequestTooLarge",
        `Cairn gateway: a chunk of ${size} bytes is more than can be signed anew: at most ${chunkBytesMax}.`,
      );
    }
    if (size === 0) {
      this.#last.push(this.#signedHead(head, emptyHash));
      this.#isAtTrailers = true;
      return start;
    }
    if (bytes.length <= start + size) return this.#wait(start + size + 1);
    const end = bytes.indexOf(newline, start + size) + 1;
    if (end === 0) return this.#wait(bytes.length + 1);
    const chunk = bytes.subarray(start, start + size);
    ready.push(this.#signedHead(head, sha256Hex(chunk)), bytes.subarray(start, end));
    return end;
  }

  #takeTrailer(bytes: Buffer): number {
    const end = bytes.indexOf(newline) + 1;
    if (end === 0) return this.#wait(bytes.length + 1);
    const line = bytes.toString("latin1", 0, end);
    const colon = line.indexOf(":");
    const name = line.slice(0, colon).trim().toLowerCase();
    const value = line.slice(colon + 1).trim();
    if (name === "x-amz-trailer-signature") {
      const signature = this.#sign("TRAILER", [sha256Hex(this.#trailerText)]);
      this.#last.push(Buffer.from(line.replace(value, signature), "latin1"));
    } else {
      if (colon > 0) this.#trailerText += `${name}:${value}\n`;
      this.#last.push(bytes.subarray(0, end));
    }
    return end;
  }

  #wait(bytes: number): 0 {
    this.#wantedBytes = bytes;
    return 0;
  }

  #signedHead(head: string, hash: string): Buffer {
    this.#previous = this.#sign("PAYLOAD", [emptyHash, hash]);
    return Buffer.from(
      head.replace(/chunk-signature=[0-9a-f]{64}/, `chunk-signature=${this.#previous}`),
      "latin1",
    );
  }

  #sign(kind: "PAYLOAD" | "TRAILER", hashes: readonly string[]): string {
    const { scope, signingKey } = this.#seal;
    return signPart(kind, scope, signingKey, this.#previous, hashes);
  }
}

/** Throws where a body in chunks is not as long as its head says. */
export function checkLength(decodedBytes: number, declaredBytes: number | undefined): void {
  if (declaredBytes === undefined || decodedBytes === declaredBytes) return;
  throw new CairnError(
    "IncompleteBody",
    `The chunks of the request body do not come to the ${declaredBytes} bytes that x-amz-decoded-content-length declares.`,
  );
}
