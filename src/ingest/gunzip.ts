// Unpacks a gzip body within a bound, and says what is wrong with one that it cannot unpack.
import { constants, gunzip } from "node:zlib";
import { CairnError } from "../base/errors.ts";

/** The whole content of all members. Rejects when it is no gzip, cut short, damaged, or larger than `bytesMax`. */
export function gunzipBounded(body: Uint8Array, bytesMax: number): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const options = { maxOutputLength: bytesMax, chunkSize: 256 * 1024, info: true } as const;
    // With `info`, the result holds the engine too, which knows how much of the input it used.
    const done = (error: NodeJS.ErrnoException | null, result: unknown) => {
      if (error !== null) {
        reject(gzipError(error, body, bytesMax));
        return;
      }
      const { buffer, engine } = result as { buffer: Buffer; engine: { bytesWritten: number } };
      const rest = body.length - engine.bytesWritten;
      if (rest > 0) {
        reject(bodyError(`the gzip body has ${rest} bytes behind its end that are not gzip`));
      } else resolve(buffer);
    };
    gunzip(body, options, done);
  });
}

function gzipError(error: NodeJS.ErrnoException, body: Uint8Array, bytesMax: number): CairnError {
  if (error.code === "ERR_BUFFER_TOO_LARGE") {
    return new CairnError(
      "RequestTooLarge",
      `the gzip body unpacks to more than the ${bytesMax} bytes that are allowed`,
      { cause: error },
    );
  }
  if (body.length === 0) return bodyError("the body is empty, which is not gzip", error);
  if (error.errno === constants.Z_BUF_ERROR)
    return bodyError(`the gzip body is cut short after ${body.length} bytes`, error);
  return bodyError(`the body is not gzip, or damaged: ${error.message}`, error);
}

function bodyError(message: string, cause?: unknown): CairnError {
  return new CairnError("SerializationFailed", message, cause === undefined ? {} : { cause });
}
