// Reads a request's body: bounded, hashed while it arrives, inflated if it is gzip.
import { createHash } from "node:crypto";
import type { IncomingMessage } from "node:http";
import { CairnError } from "../base/errors.ts";

export interface RequestBody {
  bytes: Buffer;
  /** SHA-256 of the bytes as sent, in hex: what a signature covers. */
  sha256: string;
}

/** Throws RequestTooLarge as soon as more than `bytesMax` are announced or have come. */
export async function readBody(request: IncomingMessage, bytesMax: number): Promise<RequestBody> {
  const announced = Number(request.headers["content-length"] ?? 0);
  if (announced > bytesMax) throw tooLarge(bytesMax);
  // Hashing as the bytes come keeps the event loop free: 64 MiB at once would hold it for a fifth of a second.
  const hash = createHash("sha256");
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    length += chunk.length;
    if (length > bytesMax) throw tooLarge(bytesMax);
    hash.update(chunk);
    chunks.push(chunk);
  }
  return {
    bytes: chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks),
    sha256: hash.digest("hex"),
  };
}

function tooLarge(bytesMax: number): CairnError {
  return new CairnError("RequestTooLarge", `the body is larger than ${bytesMax} bytes`);
}
