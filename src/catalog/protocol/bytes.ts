// The bytes of a body as the service reads them: content encodings undone, chunk framing taken off.
import { brotliDecompressSync, gunzipSync, inflateRawSync, inflateSync } from "node:zlib";

/** A compressed body may grow to this and no further; a larger one counts as unreadable. */
const inflatedBytesMax = 4 * 1024 * 1024;

type Headers = Readonly<Record<string, string>>;

/** Undefined: there is no body, or none that can be read. Never throws. */
export function readableBody(headers: Headers, body: Buffer | undefined): Buffer | undefined {
  if (body === undefined) return undefined;
  let bytes: Buffer | undefined = body;
  const encodings = (headers["content-encoding"] ?? "")
    .toLowerCase()
    .split(",")
    .map((encoding) => encoding.trim())
    .filter((encoding) => encoding !== "" && encoding !== "identity");
  const isChunked =
    encodings.includes("aws-chunked") ||
    (headers["x-amz-content-sha256"] ?? "").startsWith("STREAMING-");
  if (isChunked) bytes = withoutChunks(bytes);
  // Encodings are listed in the order they were applied, so they come off from the back.
  for (const encoding of encodings.toReversed()) {
    if (encoding === "aws-chunked" || bytes === undefined) continue;
    bytes = inflated(encoding, bytes);
  }
  return bytes;
}

function inflated(encoding: string, bytes: Buffer): Buffer | undefined {
  const bound = { maxOutputLength: inflatedBytesMax };
  try {
    switch (encoding) {
      case "gzip":
      case "x-gzip":
        return gunzipSync(bytes, bound);
      case "deflate":
        // Both forms are met in the wild: with the zlib header, and without.
        return ((bytes[0] ?? 0) & 0x0f) === 8
          ? inflateSync(bytes, bound)
          : inflateRawSync(bytes, bound);
      case "br":
        return brotliDecompressSync(bytes, bound);
      default:
        return undefined;
    }
  } catch {
    // Torn, forged or too large: the call is described without its body.
    return undefined;
  }
}

/** aws-chunked framing: `hex-size[;chunk-signature=…]\r\n bytes \r\n`, ended by a chunk of size 0 and trailers. */
function withoutChunks(bytes: Buffer): Buffer | undefined {
  const parts: Buffer[] = [];
  for (let at = 0; ; ) {
    const lineEnd = bytes.indexOf("\r\n", at);
    const size = /^([0-9a-fA-F]{1,8})(?:;|$)/.exec(
      lineEnd < 0 ? "" : bytes.toString("latin1", at, Math.min(lineEnd, at + 200)),
    )?.[1];
    if (size === undefined) return undefined;
    const length = Number.parseInt(size, 16);
    if (length === 0) return Buffer.concat(parts);
    const start = lineEnd + 2;
    if (start + length > bytes.length) return undefined;
    parts.push(bytes.subarray(start, start + length));
    at = start + length + 2;
  }
}
