// A call that is passed on as it came, once its caller has been verified and its operation allowed.
//
// Like re-signing, nothing reaches the upstream before the head has been verified, and no body reaches it whole before
// the body has; unlike it, no byte is changed.
import { CairnError } from "../base/errors.ts";
import { ChunkDecoder } from "../signature/chunk-decoder.ts";
import type { ParsedSignature } from "../signature/parse-signature.ts";
import { sha256Hex } from "../signature/verify-signature.ts";
import type { Callers } from "./caller.ts";
import type { CatalogReader } from "./catalog-reader.ts";
import type { BodyFilter, Exchange, Hop } from "./exchange.ts";
import type { Permit } from "./permit.ts";
import {
  check,
  HashFilter,
  readFirst,
  readFirstBytesMax,
  undeclaredBodyBytesMax,
} from "./re-sign.ts";
import type { Upstream } from "./upstream.ts";

export interface PermittedHopOptions {
  catalog: Pick<CatalogReader, "identify">;
  callers: Callers;
  permit: Permit;
}

/** Throws the CairnError of the refusal. */
export async function permittedHop(
  exchange: Exchange,
  upstream: Upstream,
  { catalog, callers, permit }: PermittedHopOptions,
): Promise<Hop> {
  const { head } = exchange;
  const hop = exchange.unchangedHop(upstream);
  if (head.signature === undefined) {
    // Operations that need no signature pass without one; nothing else does.
    const body = await readFirst(exchange, readFirstBytesMax, true);
    if (catalog.identify(head.requestHead, body)?.operation.unsigned !== true) {
      throw new CairnError("MissingAuthenticationToken", "Missing Authentication Token");
    }
    return withBody(hop, body);
  }
  const { payload } =
    head.signature instanceof CairnError ? { payload: undefined } : head.signature;
  const isUndeclared = payload?.kind === "body";
  if (!isUndeclared) check(await callers.verify(head, "unread", exchange.arrivedMs));
  const bytesMax = isUndeclared ? undeclaredBodyBytesMax : readFirstBytesMax;
  const body = await readFirst(exchange, bytesMax, isUndeclared);
  const bodyHash = body === undefined ? "unread" : sha256Hex(body);
  const { key, signature, signingKey } = check(
    await callers.verify(head, bodyHash, exchange.arrivedMs),
  );
  const filter = filterFor(signature, signingKey);
  const plain = body !== undefined && payload?.kind === "chunks" ? undefined : body;
  await permit(exchange, key.caller, plain);
  if (body === undefined) return filter === undefined ? hop : { ...hop, filter };
  // Checked above, or here where each chunk has a signature of its own.
  if (filter !== undefined && payload?.kind === "chunks") {
    filter.push(body);
    filter.end();
  }
  return withBody(hop, body);
}

/** A body that was read here is not waited for again; the client has had its 100. */
function withBody(hop: Hop, body: Buffer | undefined): Hop {
  if (body === undefined) return hop;
  const headers: string[] = [];
  for (let index = 0; index + 1 < hop.headers.length; index += 2) {
    const name = hop.headers[index] ?? "";
    if (name.toLowerCase() !== "expect") headers.push(name, hop.headers[index + 1] ?? "");
  }
  return { ...hop, headers, body };
}

function filterFor(signature: ParsedSignature, signingKey: Buffer): BodyFilter | undefined {
  const { payload } = signature;
  if (payload.kind === "hash") return new HashFilter(payload.hash);
  if (payload.kind === "chunks" && payload.signed) return new ChunkCheck(signature, signingKey);
  return undefined;
}

/** Holds the last bytes until the last chunk's signature has been checked. */
class ChunkCheck implements BodyFilter {
  readonly #decoder: ChunkDecoder;
  #held: Buffer | undefined;

  constructor(signature: ParsedSignature, signingKey: Buffer) {
    this.#decoder = new ChunkDecoder(signature, signingKey);
  }

  push(chunk: Buffer): Buffer | undefined {
    this.#decoder.push(chunk);
    const ready = this.#held;
    this.#held = chunk;
    return ready;
  }

  end(): Buffer | undefined {
    this.#decoder.end();
    return this.#held;
  }
}
