// Lets a request to the event API in: verifies its signature, reads its body, says who called.
import type { FastifyRequest } from "fastify";
import { BytePool } from "../base/byte-pool.ts";
import { CairnError } from "../base/errors.ts";
import { ingestPoolBytesMax } from "../base/limits.ts";
import type { Authenticator } from "../directory/authenticate.ts";
import type { VerifiedCaller } from "../event/user-identity.ts";
import { ChunkDecoder } from "../signature/chunk-decoder.ts";
import { readBody } from "./body.ts";
import { httpRequest } from "./http-request.ts";

export interface Admitted {
  caller: VerifiedCaller;
  /** Of the credential scope. */
  region: string;
  body: Buffer;
  /** Nobody looks at the body any more: its room may be used again. Need not be called. */
  release: () => void;
}

export type Admit = (request: FastifyRequest, bodyBytesMax: number) => Promise<Admitted>;

export function createAdmit(authenticator: Authenticator, trustProxy = false): Admit {
  const pool = new BytePool(ingestPoolBytesMax);
  return async (request, bodyBytesMax) => {
    const head = httpRequest(request.raw, Buffer.alloc(0), trustProxy);
    // Before a byte of the body: strangers do not get to send 64 MiB.
    const early = await authenticator.examine(head, { service: "cairn", bodyHash: "unread" });
    const isHashDeclared = early.signature?.payload.kind === "hash";
    // Without a declared hash the signature covers the body itself, and only a mismatch can still turn out well.
    const isHopeless =
      !early.ok && (isHashDeclared || early.error.code !== "SignatureDoesNotMatch");
    if (isHopeless) throw early.error;
    const { bytes, sha256, release } = await readBody(request.raw, bodyBytesMax, pool);
    if (early.ok && early.signature.payload.kind === "chunks") {
      const { caller, region } = early.authenticated;
      const decoder = new ChunkDecoder(early.signature, early.signingKey);
      const body = Buffer.concat(decoder.push(bytes));
      decoder.end();
      return { caller, region, body, release };
    }
    if (early.ok && early.signature.payload.kind === "hash") {
      if (early.signature.payload.hash !== sha256) throw hashMismatch();
      const { caller, region } = early.authenticated;
      return { caller, region, body: bytes, release };
    }
    const { caller, region } = await authenticator.authenticate(head, {
      service: "cairn",
      bodyHash: sha256,
    });
    return { caller, region, body: bytes, release };
  };
}

function hashMismatch(): CairnError {
  return new CairnError(
    "PayloadHashMismatch",
    "The provided 'x-amz-content-sha256' header does not match what was computed.",
  );
}
