// Reads a body that came in chunks (`aws-chunked`), checking each chunk's signature as it passes.
// Source: S3 API reference, "Transferring payload in multiple chunks" and "Including trailing headers".
//
//   10000;chunk-signature=ad80…\r\n <65536 bytes> \r\n     any number of these
//   0;chunk-signature=b6c6…\r\n                             the last one, empty
//   x-amz-checksum-crc32c:sOO8/Q==\r\n                      trailers, when announced
//   x-amz-trailer-signature:63bd…\r\n                       when chunks are signed
//   \r\n
//
// Each signature covers the one before it; the first covers the request's own.
import { createHash, createHmac, type Hash } from "node:crypto";
import { assert } from "../base/assert.ts";
import { CairnError } from "../base/errors.ts";
import { isSameSecret } from "../base/same-secret.ts";
import { algorithm, type ParsedSignature } from "./parse-signature.ts";
import { emptyHash, scopeOf, sha256Hex } from "./verify-signature.ts";

/** Bytes of one chunk's head or one trailer line: 16 hex digits, a signature, and room. */
const lineBytesMax = 1024;
/** Trailer lines. S3 defines one checksum and one signature. */
const trailersMax = 16;

const signatureTrailerName = "x-amz-trailer-signature";

type Place = "head" | "bytes" | "end-of-chunk" | "trailer" | "done";

/**
 * `push` gives back the payload bytes as they come. A chunk's signature stands in front of it but covers all of it:
 * what has been given back is good only once the chunk's end has passed, the whole only when `end` returns.
 * Both throw CairnError, after which the decoder is of no more use.
 */
export class ChunkDecoder {
  readonly #parsed: ParsedSignature;
  readonly #signingKey: Buffer;
  readonly #signed: boolean;
  readonly #trailer: boolean;
  readonly #trailers = new Map<string, string>();
  #place: Place = "head";
  #line: Buffer[] = [];
  #lineBytes = 0;
  #remaining = 0;
  #previous: string;
  #chunkSignature = "";
  #hash: Hash = createHash("sha256");
  #trailerText = "";
  #decodedBytes = 0;

  constructor(parsed: ParsedSignature, signingKey: Buffer) {
    assert(parsed.payload.kind === "chunks", "only a chunked body is decoded in chunks");
    this.#parsed = parsed;
    this.#signingKey = signingKey;
    this.#signed = parsed.payload.signed;
    this.#trailer = parsed.payload.trailer;
    this.#previous = parsed.signature;
  }

  push(bytes: Buffer): Buffer[] {
    const decoded: Buffer[] = [];
    let at = 0;
    while (at < bytes.length) {
      if (this.#place === "done") throw malformed("bytes after the last chunk");
      if (this.#place === "bytes") {
        const part = bytes.subarray(at, at + this.#remaining);
        if (this.#signed) this.#hash.update(part);
        decoded.push(part);
        at += part.length;
        this.#remaining -= part.length;
        this.#decodedBytes += part.length;
        if (this.#remaining === 0) this.#place = "end-of-chunk";
        continue;
      }
      const newline = bytes.indexOf(0x0a, at);
      const end = newline < 0 ? bytes.length : newline + 1;
      this.#line.push(bytes.subarray(at, end));
      this.#lineBytes += end - at;
      at = end;
      if (this.#lineBytes > lineBytesMax) throw malformed("a line that does not end");
      if (newline >= 0) this.#takeLine();
    }
    return decoded;
  }

  end(): { decodedBytes: number; trailers: ReadonlyMap<string, string> } {
    if (this.#place !== "done") throw malformed("it ends before its last chunk");
    return { decodedBytes: this.#decodedBytes, trailers: this.#trailers };
  }

  #takeLine(): void {
    const line = Buffer.concat(this.#line)
      .toString("latin1")
      .replace(/\r?\n$/, "");
    this.#line = [];
    this.#lineBytes = 0;
    if (this.#place === "head") this.#takeHead(line);
    else if (this.#place === "end-of-chunk") {
      if (line !== "") throw malformed("a chunk longer than it says");
      this.#checkChunk();
      this.#place = "head";
    } else this.#takeTrailer(line);
  }

  #takeHead(line: string): void {
    const match = /^([0-9a-fA-F]{1,12})(?:;chunk-signature=([0-9a-f]{64}))?$/.exec(line);
    if (match?.[1] === undefined || (match[2] !== undefined) !== this.#signed) {
      throw malformed("a chunk that does not start with its length and signature");
    }
    this.#remaining = Number.parseInt(match[1], 16);
    this.#chunkSignature = match[2] ?? "";
    this.#hash = createHash("sha256");
    this.#place = "bytes";
    if (this.#remaining > 0) return;
    this.#checkChunk();
    this.#place = "trailer";
  }

  #takeTrailer(line: string): void {
    if (line === "") {
      this.#finish();
      return;
    }
    const colon = line.indexOf(":");
    const name = line.slice(0, colon).trim().toLowerCase();
    const value = line.slice(colon + 1).trim();
    if (colon < 1 || !this.#trailer) throw malformed("something else after its last chunk");
    if (this.#trailers.size >= trailersMax) throw malformed("too many trailers");
    if (name === signatureTrailerName) {
      this.#check("TRAILER", [sha256Hex(this.#trailerText)], value);
      this.#trailerText = "";
      this.#trailers.set(name, value);
      return;
    }
    this.#trailers.set(name, value);
    this.#trailerText += `${name}:${value}\n`;
  }

  #finish(): void {
    if (this.#signed && this.#trailer) {
      // The signature clears the text that it covers: what is left was never signed.
      const covered = this.#trailers.has(signatureTrailerName) && this.#trailerText === "";
      if (!covered) throw mismatch("trailers without a signature");
    }
    this.#place = "done";
  }

  #checkChunk(): void {
    if (!this.#signed) return;
    const hashes = [emptyHash, this.#hash.digest("hex")];
    this.#check("PAYLOAD", hashes, this.#chunkSignature);
    this.#previous = this.#chunkSignature;
  }

  #check(kind: SignedPart, hashes: string[], given: string): void {
    const signed = signPart(kind, this.#parsed, this.#signingKey, this.#previous, hashes);
    if (!isSameSecret(signed, given)) {
      throw mismatch("a chunk or trailer whose signature is another");
    }
  }
}

export type SignedPart = "PAYLOAD" | "TRAILER";

/** The signature of a chunk, or of the trailers: in hex, after `previous` in the chain. */
export function signPart(
  kind: SignedPart,
  scope: Pick<ParsedSignature, "signedAt" | "date" | "region" | "signingName">,
  signingKey: Buffer,
  previous: string,
  hashes: readonly string[],
): string {
  const text = [`${algorithm}-${kind}`, scope.signedAt, scopeOf(scope), previous, ...hashes];
  return createHmac("sha256", signingKey).update(text.join("\n")).digest("hex");
}

function malformed(what: string): CairnError {
  return new CairnError("IncompleteBody", `The chunked request body is malformed: ${what}.`);
}

function mismatch(what: string): CairnError {
  return new CairnError(
    "SignatureDoesNotMatch",
    "The request signature we calculated does not match the signature you provided. Check your key and signing method.",
    { detail: { what } },
  );
}
