// Signs requests that we send: the command line to a server, the gateway to an upstream.
import { createHash, createHmac, type Hash, type Hmac } from "node:crypto";
import { SignatureV4 } from "@smithy/signature-v4";

/** The hash of the SDK's signer on node:crypto, which is many times faster than its portable one. */
export class Sha256 {
  readonly #secret: Uint8Array | string | undefined;
  #hash: Hash | Hmac;

  constructor(secret?: Uint8Array | string | ArrayBuffer | ArrayBufferView) {
    this.#secret = toBytes(secret);
    this.#hash = this.#fresh();
  }

  update(chunk: Uint8Array | string): void {
    this.#hash.update(chunk);
  }

  digest(): Promise<Uint8Array> {
    return Promise.resolve(this.#hash.digest());
  }

  reset(): void {
    this.#hash = this.#fresh();
  }

  #fresh(): Hash | Hmac {
    return this.#secret === undefined ? createHash("sha256") : createHmac("sha256", this.#secret);
  }
}

function toBytes(
  secret: Uint8Array | string | ArrayBuffer | ArrayBufferView | undefined,
): Uint8Array | string | undefined {
  if (secret === undefined || typeof secret === "string") return secret;
  if (secret instanceof ArrayBuffer) return new Uint8Array(secret);
  return new Uint8Array(secret.buffer, secret.byteOffset, secret.byteLength);
}

export interface SigningCredentials {
  accessKeyId: string;
  secretAccessKey: string;
  sessionToken?: string;
}

export interface RequestToSign {
  method: string;
  url: URL;
  headers: Record<string, string>;
  /** SHA-256 of the body in hex, or a literal such as UNSIGNED-PAYLOAD. */
  payloadHash: string;
  service: string;
  region: string;
  nowMs: number;
}

/** The headers to send, signed (Signature Version 4). */
export async function signRequest(
  request: RequestToSign,
  credentials: SigningCredentials,
): Promise<Record<string, string>> {
  const { url, service } = request;
  const signer = new SignatureV4({
    credentials,
    region: request.region,
    service,
    sha256: Sha256,
    // S3 signs the path as it is sent; every other service signs it encoded once more.
    uriEscapePath: service !== "s3",
  });
  const query: Record<string, string | string[]> = {};
  for (const name of new Set(url.searchParams.keys())) query[name] = url.searchParams.getAll(name);
  const signed = await signer.sign(
    {
      method: request.method,
      protocol: url.protocol,
      hostname: url.hostname,
      path: url.pathname,
      query,
      headers: { ...request.headers, host: url.host, "x-amz-content-sha256": request.payloadHash },
    },
    { signingDate: new Date(request.nowMs) },
  );
  return signed.headers;
}
