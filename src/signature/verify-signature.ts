// Decides whether a request was signed with a secret, at a time we can believe.
import { createHmac, hash } from "node:crypto";
import { CairnError } from "../base/errors.ts";
import { signatureSkewMsMax } from "../base/limits.ts";
import { isSameSecret } from "../base/same-secret.ts";
import {
  canonicalPaths,
  canonicalQuery,
  canonicalRequest,
  type SignedRequest,
} from "./canonical.ts";
import { algorithm, basicTime, type ParsedSignature } from "./parse-signature.ts";

/** SHA-256 of nothing, which is what a request without a body signs. */
export const emptyHash = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

export function sha256Hex(bytes: string | Uint8Array): string {
  return hash("sha256", bytes, "hex");
}

/**
 * Undefined: good. `bodyHash` is the SHA-256 of the body in hex; `unread` when the body has not been read, which
 * leaves a declared hash for the caller to compare, and means an empty body where none is declared.
 */
export function verifySignature(
  parsed: ParsedSignature,
  request: SignedRequest,
  signingKey: Buffer,
  bodyHash: string,
  nowMs: number,
): CairnError | undefined {
  const untimely = checkTime(parsed, nowMs);
  if (untimely !== undefined) return untimely;
  const payloadHash = payloadHashOf(parsed, bodyHash);
  const query = canonicalQuery(request.query, parsed.form);
  const matches = canonicalPaths(request.path, parsed.signingName).some((path) => {
    const canonical = canonicalRequest(request, path, query, parsed.signedHeaders, payloadHash);
    return isSameSecret(signCanonical(parsed, signingKey, canonical), parsed.signature);
  });
  if (!matches) {
    return new CairnError(
      "SignatureDoesNotMatch",
      "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and signing method. Consult the service documentation for details.",
    );
  }
  if (parsed.payload.kind === "hash" && bodyHash !== "unread" && bodyHash !== parsed.payload.hash) {
    return new CairnError(
      "PayloadHashMismatch",
      "The provided 'x-amz-content-sha256' header does not match what was computed.",
    );
  }
  return undefined;
}

type SigningScope = Pick<ParsedSignature, "signedAt" | "date" | "region" | "signingName">;

/** Everything after the canonical request: the scope and the time are signed with it. */
export function signCanonical(parsed: SigningScope, signingKey: Buffer, canonical: string): string {
  const text = stringToSign(parsed, canonical);
  return createHmac("sha256", signingKey).update(text).digest("hex");
}

export function stringToSign(parsed: SigningScope, canonical: string): string {
  // One character for each byte received; a text from elsewhere may hold others.
  const bytes = Buffer.from(canonical, isOneBytePerCharacter(canonical) ? "latin1" : "utf8");
  return [algorithm, parsed.signedAt, scopeOf(parsed), sha256Hex(bytes)].join("\n");
}

export function scopeOf(parsed: Pick<ParsedSignature, "date" | "region" | "signingName">): string {
  return `${parsed.date}/${parsed.region}/${parsed.signingName}/aws4_request`;
}

function payloadHashOf(parsed: ParsedSignature, bodyHash: string): string {
  switch (parsed.payload.kind) {
    case "hash":
      return parsed.payload.hash;
    case "unsigned":
      return "UNSIGNED-PAYLOAD";
    case "chunks":
      return parsed.payload.declared;
    case "body":
      return bodyHash === "unread" ? emptyHash : bodyHash;
  }
}

function checkTime(parsed: ParsedSignature, nowMs: number): CairnError | undefined {
  const minutes = signatureSkewMsMax / 60_000;
  if (parsed.signedAtMs > nowMs + signatureSkewMsMax) {
    return new CairnError(
      "RequestTimeTooSkewed",
      `Signature not yet current: ${parsed.signedAt} is still later than ${basicTime(nowMs + signatureSkewMsMax)} (${basicTime(nowMs)} + ${minutes} min.)`,
    );
  }
  if (parsed.expiresSeconds !== undefined) {
    const endMs = parsed.signedAtMs + parsed.expiresSeconds * 1000;
    if (nowMs <= endMs) return undefined;
    return new CairnError(
      "RequestExpired",
      `Signature expired: ${basicTime(endMs)} is now earlier than ${basicTime(nowMs)} (the request was presigned for ${parsed.expiresSeconds} seconds)`,
    );
  }
  if (parsed.signedAtMs < nowMs - signatureSkewMsMax) {
    return new CairnError(
      "RequestTimeTooSkewed",
      `Signature expired: ${parsed.signedAt} is now earlier than ${basicTime(nowMs - signatureSkewMsMax)} (${basicTime(nowMs)} - ${minutes} min.)`,
    );
  }
  return undefined;
}

function isOneBytePerCharacter(text: string): boolean {
  // oxlint-disable-next-line no-control-regex -- "does each character fit into a byte" is what is asked.
  return !/[^\x00-\xff]/.test(text);
}
