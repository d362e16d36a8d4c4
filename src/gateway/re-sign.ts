// Re-sign mode: the caller's signature is verified here, and the request goes on under the upstream's own credentials.
//
// Nothing reaches the upstream before the head's signature has been verified, and no body reaches it whole before the
// body has: a small body is read first, of a large one the last chunk is held back until it has been checked.
import { createHash } from "node:crypto";
import type { IncomingMessage } from "node:http";
import type { Clock } from "../base/clock.ts";
import { CairnError } from "../base/errors.ts";
import { canonicalPaths, canonicalQuery, canonicalRequest } from "../signature/canonical.ts";
import { ChunkDecoder } from "../signature/chunk-decoder.ts";
import { algorithm, basicTime, type ParsedSignature } from "../signature/parse-signature.ts";
import { deriveSigningKey } from "../signature/signing-keys.ts";
import { scopeOf, sha256Hex, signCanonical } from "../signature/verify-signature.ts";
import type { Callers } from "./caller.ts";
import type { CatalogReader } from "./catalog-reader.ts";
import { ChunkReSigner, checkLength, type Seal } from "./chunk-re-signer.ts";
import { type BodyFilter, type Exchange, type Hop, hasBody } from "./exchange.ts";
import { joinHeaders, rawHeader, requestHeaders } from "./headers.ts";
import type { Permit } from "./permit.ts";
import type { Upstream } from "./upstream.ts";

export interface ReSignOptions {
  catalog: CatalogReader;
  callers: Callers;
  clock: Clock;
  /** Left out: whoever has signed may call. */
  permit?: Permit | undefined;
}

/** A body up to here is read and checked whole before the upstream hears of it. */
export const readFirstBytesMax = 1024 * 1024;
/** A body whose hash the head does not declare must be read whole, whatever its size: up to here. */
export const undeclaredBodyBytesMax = 16 * 1024 * 1024;

/** Throws the CairnError of the refusal. */
export async function signedHop(
  exchange: Exchange,
  upstream: Upstream,
  options: ReSignOptions,
): Promise<Hop> {
  const { head } = exchange;
  if (head.signature === undefined) return unsignedHop(exchange, upstream, options);
  const { payload } =
    head.signature instanceof CairnError ? { payload: undefined } : head.signature;
  const bytesMax = payload?.kind === "body" ? undeclaredBodyBytesMax : readFirstBytesMax;
  // The head first, where it can be verified alone: no body is read for who cannot prove anything.
  if (payload?.kind !== "body")
    check(await options.callers.verify(head, "unread", exchange.arrivedMs));
  // The head that goes on says how long its body is: there must be one.
  if (payload?.kind === "chunks" && !hasBody(exchange.request)) {
    throw new CairnError("IncompleteBody", "A body in chunks was announced, and none came.");
  }
  const body = await readFirst(exchange, bytesMax, payload?.kind === "body");
  const verdict = check(
    await options.callers.verify(
      head,
      body === undefined ? "unread" : sha256Hex(body),
      exchange.arrivedMs,
    ),
  );
  const { signature, signingKey, key } = verdict;
  await options.permit?.(exchange, key.caller, payload?.kind === "chunks" ? undefined : body);
  const nowMs = options.clock.nowMs();
  const declaredBytes = payload?.kind === "chunks" ? decodedLength(head.headers) : undefined;
  if (isSignedToTheEnd(signature)) {
    const { seal, ...signedHead } = sign(exchange, upstream, signature, body, nowMs);
    const filter = new ChunkReSigner(signature, signingKey, seal, declaredBytes);
    return {
      upstream,
      ...signedHead,
      ...(body === undefined ? { filter } : { body: whole(filter, body) }),
    };
  }
  const filter = filterFor(signature, signingKey, declaredBytes);
  let sent = body;
  if (body !== undefined && signature.payload.kind === "chunks") {
    const decoded = whole(new ChunkFilter(signature, signingKey, declaredBytes), body);
    if (signature.payload.signed) sent = decoded;
  }
  const { target, headers } = sign(exchange, upstream, signature, sent, nowMs);
  return {
    upstream,
    target,
    headers,
    ...(sent === undefined ? (filter === undefined ? {} : { filter }) : { body: sent }),
  };
}

/** In chunks and with trailers, all of it signed: it stays so. */
function isSignedToTheEnd({ payload }: ParsedSignature): boolean {
  return payload.kind === "chunks" && payload.signed && payload.trailer;
}

function whole(filter: BodyFilter, body: Buffer): Buffer {
  const parts = [filter.push(body), filter.end()];
  return Buffer.concat(parts.filter((part) => part !== undefined));
}

/** What a body in chunks comes to, as its head declares. */
function decodedLength(headers: Readonly<Record<string, string>>): number | undefined {
  const declared = headers["x-amz-decoded-content-length"];
  if (declared === undefined) return undefined;
  if (!/^\d{1,15}$/.test(declared)) {
    throw new CairnError(
      "IncompleteBody",
      "x-amz-decoded-content-length is not a number of bytes.",
    );
  }
  return Number(declared);
}

/** Operations that need no signature pass without one; nothing else does. */
async function unsignedHop(
  exchange: Exchange,
  upstream: Upstream,
  { catalog }: ReSignOptions,
): Promise<Hop> {
  const { head, request } = exchange;
  // In some protocols only the body names the operation.
  const body = await readFirst(exchange, readFirstBytesMax, true);
  if (catalog.identify(head.requestHead, body)?.operation.unsigned !== true) {
    throw new CairnError("MissingAuthenticationToken", "Missing Authentication Token");
  }
  const headers = requestHeaders(head.method, request.rawHeaders, () => false);
  // A token without a signature proves nothing, and is not the upstream's to see.
  const changes: Replacements = {
    host: ["Host", upstream.authority],
    "x-amz-security-token": undefined,
  };
  return {
    upstream,
    target: head.target.includes("X-Amz-Security-Token=")
      ? targetOf(head.path, withoutAuthentication(head.query))
      : head.target,
    headers: replaceAll(headers, changes, expectOf(body)),
    ...(body === undefined ? {} : { body }),
  };
}

export function check(verdict: Awaited<ReturnType<Callers["verify"]>>) {
  if (!verdict.ok) throw verdict.error;
  return verdict;
}

/** The body, if it is small enough; undefined: it is not, or there is none. `must`: then it is refused instead. */
export async function readFirst(
  exchange: Exchange,
  bytesMax: number,
  must: boolean,
): Promise<Buffer | undefined> {
  const { request } = exchange;
  const declared = rawHeader(request.rawHeaders, "content-length");
  const chunked = rawHeader(request.rawHeaders, "transfer-encoding") !== undefined;
  if (declared === undefined && !chunked) return undefined;
  if (chunked ? !must : Number(declared) > bytesMax && !must) return undefined;
  if (Number(declared ?? 0) > bytesMax) throw tooLarge(bytesMax);
  if (rawHeader(request.rawHeaders, "expect") !== undefined) exchange.sendContinue();
  const body = await readBody(request, bytesMax);
  exchange.noteBody(body);
  return body;
}

function readBody(request: IncomingMessage, bytesMax: number): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let count = 0;
    request.on("data", (chunk: Buffer) => {
      count += chunk.length;
      if (count > bytesMax) {
        reject(tooLarge(bytesMax));
        chunks.length = 0;
        return;
      }
      chunks.push(chunk);
    });
    request.once("end", () => resolve(Buffer.concat(chunks)));
    request.once("close", () =>
      reject(new CairnError("IncompleteBody", "The request body ended before its length.")),
    );
  });
}

function tooLarge(bytesMax: number): CairnError {
  return new CairnError(
    "RequestTooLarge",
    `Cairn gateway: a body without a declared x-amz-content-sha256 is read whole before it is signed anew, up to ${bytesMax} bytes.`,
  );
}

function filterFor(
  signature: ParsedSignature,
  signingKey: Buffer,
  declaredBytes: number | undefined,
): BodyFilter | undefined {
  switch (signature.payload.kind) {
    case "hash":
      return new HashFilter(signature.payload.hash);
    case "chunks":
      return signature.payload.signed
        ? new ChunkFilter(signature, signingKey, declaredBytes)
        : undefined;
    case "unsigned":
    case "body":
      return undefined;
  }
}

/** Holds the last chunk until the whole body has the hash that was signed. */
export class HashFilter implements BodyFilter {
  readonly #expected: string;
  readonly #hash = createHash("sha256");
  #held: Buffer | undefined;

  constructor(expected: string) {
    this.#expected = expected;
  }

  push(chunk: Buffer): Buffer | undefined {
    this.#hash.update(chunk);
    const ready = this.#held;
    this.#held = chunk;
    return ready;
  }

  end(): Buffer | undefined {
    if (this.#hash.digest("hex") !== this.#expected) {
      throw new CairnError(
        "PayloadHashMismatch",
        "The provided 'x-amz-content-sha256' header does not match what was computed.",
      );
    }
    return this.#held;
  }
}

/**
 * Takes chunks apart; holds the last bytes until the last chunk's signature has been checked. Never gives more bytes than
 * the head declared: what comes after those would be read as another request.
 */
class ChunkFilter implements BodyFilter {
  readonly #decoder: ChunkDecoder;
  readonly #declaredBytes: number | undefined;
  #bytes = 0;
  #held: Buffer | undefined;

  constructor(signature: ParsedSignature, signingKey: Buffer, declaredBytes: number | undefined) {
    this.#decoder = new ChunkDecoder(signature, signingKey);
    this.#declaredBytes = declaredBytes;
  }

  push(chunk: Buffer): Buffer | undefined {
    const parts = this.#decoder.push(chunk).filter((part) => part.length > 0);
    const last = parts.pop();
    if (last === undefined) return undefined;
    for (const part of [...parts, last]) this.#bytes += part.length;
    if (this.#bytes > (this.#declaredBytes ?? Infinity)) {
      checkLength(this.#bytes, this.#declaredBytes);
    }
    const ready = this.#held === undefined ? parts : [this.#held, ...parts];
    this.#held = last;
    return ready.length === 0 ? undefined : Buffer.concat(ready);
  }

  end(): Buffer | undefined {
    this.#decoder.end();
    checkLength(this.#bytes, this.#declaredBytes);
    return this.#held;
  }
}

/** The head as the upstream gets it: what the caller signed is signed again, with other credentials. */
function sign(
  exchange: Exchange,
  upstream: Upstream,
  signature: ParsedSignature,
  body: Buffer | undefined,
  nowMs: number,
): { target: string; headers: string[]; seal: Seal } {
  const { head, request } = exchange;
  const { credentials } = upstream.target;
  if (credentials === undefined) {
    throw new CairnError("InvalidConfiguration", `upstream ${upstream.name} has no credentials`);
  }
  const { payload } = signature;
  const decodes = payload.kind === "chunks" && payload.signed && !payload.trailer;
  const payloadHash =
    payload.kind === "hash"
      ? payload.hash
      : payload.kind === "body"
        ? sha256Hex(body ?? "")
        : payload.kind === "chunks" && !decodes
          ? payload.declared
          : "UNSIGNED-PAYLOAD";
  const signedAt = basicTime(nowMs);
  const scope = { ...signature, signedAt, date: signedAt.slice(0, 8) };
  const query = withoutAuthentication(head.query);
  const path = upstream.pathFor(head.path);
  const changes: Replacements = {
    host: ["Host", upstream.authority],
    "x-amz-date": ["X-Amz-Date", signedAt],
    "x-amz-content-sha256": ["x-amz-content-sha256", payloadHash],
    "x-amz-security-token":
      credentials.sessionToken === undefined
        ? undefined
        : ["X-Amz-Security-Token", credentials.sessionToken],
    ...(decodes ? decodedBodyChanges(head.headers, body) : {}),
    ...expectOf(body),
  };
  const headers = replaceAll(
    requestHeaders(head.method, request.rawHeaders, (name) => head.isSigned(name)),
    changes,
    { authorization: undefined },
  );
  const present = joinHeaders(headers);
  const mustBeSigned = ["host", "x-amz-date", "x-amz-content-sha256", "x-amz-security-token"];
  const signedHeaders = [...new Set([...signature.signedHeaders, ...mustBeSigned])]
    .filter((name) => present[name] !== undefined)
    .toSorted();
  const canonical = canonicalRequest(
    { method: head.method, path, query, headers: present, rawHeaders: headers },
    canonicalPaths(path, signature.signingName)[0] ?? path,
    canonicalQuery(query, "header"),
    signedHeaders,
    payloadHash,
  );
  const signingKey = deriveSigningKey(credentials.secretAccessKey, {
    ...scope,
    accessKeyId: credentials.accessKeyId,
  });
  const signed = signCanonical(scope, signingKey, canonical);
  const authorization = `${algorithm} Credential=${credentials.accessKeyId}/${scopeOf(scope)}, SignedHeaders=${signedHeaders.join(";")}, Signature=${signed}`;
  return {
    target: targetOf(head.path, query),
    headers: [...headers, "Authorization", authorization],
    seal: { scope, signingKey, signature: signed },
  };
}

function targetOf(path: string, query: string): string {
  return query === "" ? path : `${path}?${query}`;
}

/** A body that was read here is not waited for again; the client has had its 100. */
function expectOf(body: Buffer | undefined): Record<string, undefined> {
  return body === undefined ? {} : { expect: undefined };
}

function decodedBodyChanges(
  received: Readonly<Record<string, string>>,
  body: Buffer | undefined,
): Record<string, readonly [string, string] | undefined> {
  const length = body?.length.toString() ?? received["x-amz-decoded-content-length"];
  if (length === undefined) {
    throw new CairnError(
      "IncompleteBody",
      "You must provide the x-amz-decoded-content-length header with a body in chunks.",
    );
  }
  const encodings = (received["content-encoding"] ?? "")
    .split(",")
    .map((each) => each.trim())
    .filter((each) => each !== "" && each !== "aws-chunked");
  return {
    "content-length": ["Content-Length", length],
    "transfer-encoding": undefined,
    "x-amz-decoded-content-length": undefined,
    "content-encoding":
      encodings.length === 0 ? undefined : ["Content-Encoding", encodings.join(",")],
  };
}

/** Presigned requests carry their signature in the query; it goes, and with it what only says how it was made. */
function withoutAuthentication(query: string): string {
  const made =
    /^X-Amz-(?:Algorithm|Credential|Date|Expires|SignedHeaders|Signature|Security-Token|Content-Sha256)(?:=|$)/;
  return query
    .split("&")
    .filter((part) => !made.test(part))
    .join("&");
}

type Replacements = Record<string, readonly [string, string] | undefined>;

/** Each named header once, where its first stood, or at the end; undefined takes it out. */
function replaceAll(headers: readonly string[], ...changes: Replacements[]): string[] {
  const wanted = new Map(changes.flatMap((each) => Object.entries(each)));
  const placed = new Set<string>();
  const replaced: string[] = [];
  const place = (lower: string, name?: string) => {
    const change = wanted.get(lower);
    if (change === undefined || placed.has(lower)) return;
    placed.add(lower);
    replaced.push(name ?? change[0], change[1]);
  };
  for (let index = 0; index + 1 < headers.length; index += 2) {
    const name = headers[index] ?? "";
    const lower = name.toLowerCase();
    if (wanted.has(lower)) place(lower, name);
    else replaced.push(name, headers[index + 1] ?? "");
  }
  for (const lower of wanted.keys()) place(lower);
  return replaced;
}
