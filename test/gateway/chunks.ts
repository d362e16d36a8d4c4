// A PutObject in signed chunks, as SDKs for other languages send it: made from the S3 documentation, not with our code.
import { createHash, createHmac } from "node:crypto";
import { SignatureV4 } from "@smithy/signature-v4";
import { Sha256 } from "../../src/signature/signer.ts";
import { deriveSigningKey } from "../../src/signature/signing-keys.ts";
import type { Credentials } from "./recording.ts";

export interface ChunkOptions {
  /** Left out: none, and the chunks end without any. */
  trailer?: readonly [name: string, value: string];
  /** What is not as it was signed. */
  spoil?: "chunk" | "trailer" | "trailer-signature";
  /** What the head says that the chunks come to, where that is not so. */
  declaredBytes?: number;
  /** No Content-Length; the body follows in chunks of HTTP too. */
  httpChunked?: boolean;
}

const sha256 = (bytes: Uint8Array | string) => createHash("sha256").update(bytes).digest("hex");

/** The body whose chain of signatures starts at `seed`. */
export function chunkedBody(
  secret: string,
  signedAt: string,
  seed: string,
  parts: readonly Buffer[],
  { trailer, spoil }: ChunkOptions = {},
): Buffer {
  const scope = { accessKeyId: "", date: signedAt.slice(0, 8), region: "us-east-1" };
  const key = deriveSigningKey(secret, { ...scope, signingName: "s3" });
  let previous = seed;
  const sign = (kind: string, ...hashes: string[]) => {
    const place = `${scope.date}/us-east-1/s3/aws4_request`;
    const text = [`AWS4-HMAC-SHA256-${kind}`, signedAt, place, previous, ...hashes].join("\n");
    return createHmac("sha256", key).update(text).digest("hex");
  };
  const pieces: Uint8Array[] = [];
  [...parts, Buffer.alloc(0)].forEach((part, index) => {
    previous = sign("PAYLOAD", sha256(""), sha256(part));
    pieces.push(Buffer.from(`${part.length.toString(16)};chunk-signature=${previous}\r\n`));
    const isSpoilt = spoil === "chunk" && index === 1;
    pieces.push(isSpoilt ? Buffer.alloc(part.length, "!") : part);
    if (part.length > 0) pieces.push(Buffer.from("\r\n"));
  });
  if (trailer !== undefined) {
    const [name, value] = trailer;
    const sent = spoil === "trailer" ? value.toUpperCase() : value;
    const signature = sign("TRAILER", sha256(`${name}:${value}\n`));
    const given = spoil === "trailer-signature" ? sha256("another") : signature;
    pieces.push(Buffer.from(`${name}:${sent}\r\nx-amz-trailer-signature:${given}\r\n`));
  }
  pieces.push(Buffer.from("\r\n"));
  return Buffer.concat(pieces);
}

/** The whole request, as bytes for the wire. */
export async function signedChunks(
  credentials: Credentials,
  parts: readonly Buffer[],
  port: number,
  options: ChunkOptions = {},
): Promise<Buffer> {
  const { trailer, httpChunked = false } = options;
  const signingDate = new Date(Math.floor(Date.now() / 1000) * 1000);
  const now = `${signingDate.toISOString().slice(0, 19).replace(/[-:]/g, "")}Z`;
  const decoded = parts.reduce((sum, part) => sum + part.length, 0);
  const { length } = chunkedBody("", now, sha256(""), parts, options);
  const signer = new SignatureV4({
    credentials,
    region: "us-east-1",
    service: "s3",
    sha256: Sha256,
    uriEscapePath: false,
  });
  const declared = `STREAMING-AWS4-HMAC-SHA256-PAYLOAD${trailer === undefined ? "" : "-TRAILER"}`;
  const { headers } = await signer.sign(
    {
      method: "PUT",
      protocol: "http:",
      hostname: "127.0.0.1",
      path: "/b/chunks",
      query: {},
      headers: {
        host: `127.0.0.1:${port}`,
        "x-amz-content-sha256": declared,
        "x-amz-decoded-content-length": String(options.declaredBytes ?? decoded),
        ...(trailer === undefined ? {} : { "x-amz-trailer": trailer[0] }),
        "content-encoding": "aws-chunked,gzip",
        ...(httpChunked ? {} : { "content-length": String(length) }),
        "x-amz-date": now,
      },
    },
    { signingDate },
  );
  const seed = /Signature=([0-9a-f]+)/.exec(headers["authorization"] ?? "")?.[1] ?? "";
  const lines = Object.entries({
    ...headers,
    ...(httpChunked ? { "transfer-encoding": "chunked" } : {}),
  }).map(([name, value]) => `${name}: ${value}\r\n`);
  const body = chunkedBody(credentials.secretAccessKey, now, seed, parts, options);
  return Buffer.concat([
    Buffer.from(`PUT /b/chunks HTTP/1.1\r\n${lines.join("")}\r\n`),
    ...(httpChunked ? inHttpChunks(body) : [body]),
  ]);
}

/** Cut elsewhere than the chunks within. */
function inHttpChunks(body: Buffer): Uint8Array[] {
  const pieces: Uint8Array[] = [];
  for (let at = 0; at < body.length; at += 100_003) {
    const part = body.subarray(at, at + 100_003);
    pieces.push(Buffer.from(`${part.length.toString(16)}\r\n`), part, Buffer.from("\r\n"));
  }
  return [...pieces, Buffer.from("0\r\n\r\n")];
}
