// Reads a request's body: bounded, hashed while it arrives, inflated if it is gzip.
import { createHash } from "node:crypto";
import type { IncomingMessage } from "node:http";
import type { BytePool } from "../base/byte-pool.ts";
import { CairnError } from "../base/errors.ts";

export interface RequestBody {
  bytes: Buffer;
  /** SHA-256 of the bytes as sent, in hex: what a signature covers. */
  sha256: string;
  /** Nobody looks at the bytes any more. Need not be called. */
  release: () => void;
}

/** Bodies of other lengths get a buffer of their own, a longer one only as it arrives. */
const pooledBytesMin = 64 * 1024;
const pooledBytesMax = 8 * 1024 * 1024;

/** Throws RequestTooLarge as soon as more than `bytesMax` are announced or have come. */
export async function readBody(
  request: IncomingMessage,
  bytesMax: number,
  pool?: BytePool,
): Promise<RequestBody> {
  const announced = Number(request.headers["content-length"] ?? 0);
  if (announced > bytesMax) throw tooLarge(bytesMax);
  // Hashing as the bytes come keeps the event loop free: 64 MiB at once would hold it for a fifth of a second.
  const hash = createHash("sha256");
  const chunks: Buffer[] = [];
  const isPooled = announced >= pooledBytesMin && announced <= pooledBytesMax;
  const whole = isPooled ? pool?.take(announced) : undefined;
  const release = () => {
    if (whole !== undefined) pool?.give(whole);
  };
  const bytes = whole === undefined ? undefined : Buffer.from(whole, 0, announced);
  let length = 0;
  try {
    // Left as it is when we leave the loop: a destroyed request takes the connection with it, and the answer.
    const arriving = request.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>;
    for await (const chunk of arriving) {
      length += chunk.length;
      if (length > bytesMax) {
        drain(request, bytesMax);
        throw tooLarge(bytesMax);
      }
      hash.update(chunk);
      if (bytes === undefined) chunks.push(chunk);
      else bytes.set(chunk, length - chunk.length);
    }
  } catch (error) {
    release();
    throw error;
  }
  return {
    // As much as came: behind it stands what the buffer held before, which is somebody else's.
    bytes:
      bytes?.subarray(0, length) ??
      (chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks)),
    sha256: hash.digest("hex"),
    release,
  };
}

/** Reads on without keeping anything, within bounds: many clients hear the answer only when all is sent. */
function drain(request: IncomingMessage, bytesMax: number): void {
  let length = 0;
  request.on("data", (chunk: Buffer) => {
    length += chunk.length;
    if (length > bytesMax) request.destroy();
  });
}

function tooLarge(bytesMax: number): CairnError {
  return new CairnError("RequestTooLarge", `the body is larger than ${bytesMax} bytes`);
}
