// JSON Web Tokens as OIDC providers sign them: read, and held against a provider's keys (RFC 7515, 7517, 7518).
import { createPublicKey, type JsonWebKey, type KeyObject, verify } from "node:crypto";

export interface ReadToken {
  algorithm: Algorithm;
  keyId: string | undefined;
  claims: Record<string, unknown>;
  /** What is signed, and the signature. */
  signed: Buffer;
  signature: Buffer;
}

/** What AWS takes. Never `none`, and never a secret that the provider shares with its clients. */
const algorithms = {
  RS256: { hash: "sha256", kty: "RSA" },
  RS384: { hash: "sha384", kty: "RSA" },
  RS512: { hash: "sha512", kty: "RSA" },
  ES256: { hash: "sha256", kty: "EC", crv: "P-256" },
  ES384: { hash: "sha384", kty: "EC", crv: "P-384" },
  ES512: { hash: "sha512", kty: "EC", crv: "P-521" },
} as const;

export type Algorithm = keyof typeof algorithms;

const rsaBitsMin = 2048;

/** Undefined: no token that could be held against a key. Nothing is believed yet. */
export function readToken(token: string): ReadToken | undefined {
  const parts = token.split(".");
  const [head = "", body = "", signature = ""] = parts;
  if (parts.length !== 3 || !parts.every((part) => /^[\w-]+$/.test(part))) return undefined;
  const header = readObject(head);
  const claims = readObject(body);
  if (header === undefined || claims === undefined) return undefined;
  const { alg, kid, crit } = header;
  // An extension that must be understood, and is not.
  if (crit !== undefined) return undefined;
  if (typeof alg !== "string" || !Object.hasOwn(algorithms, alg)) return undefined;
  return {
    algorithm: alg as Algorithm,
    keyId: typeof kid === "string" ? kid : undefined,
    claims,
    signed: Buffer.from(`${head}.${body}`),
    signature: Buffer.from(signature, "base64url"),
  };
}

/** The keys of a set that the token may have been signed with: its key id's, or any where it names none. */
export function keysFor(
  token: Pick<ReadToken, "algorithm" | "keyId">,
  set: readonly unknown[],
): KeyObject[] {
  const wanted = algorithms[token.algorithm];
  return set.flatMap((each) => {
    if (typeof each !== "object" || each === null) return [];
    const jwk = each as Record<string, unknown>;
    const isIt =
      jwk["kty"] === wanted.kty &&
      (!("crv" in wanted) || jwk["crv"] === wanted.crv) &&
      (jwk["use"] === undefined || jwk["use"] === "sig") &&
      (jwk["alg"] === undefined || jwk["alg"] === token.algorithm) &&
      (token.keyId === undefined || jwk["kid"] === token.keyId);
    const key = isIt ? importKey(jwk) : undefined;
    return key === undefined ? [] : [key];
  });
}

export function isSignedWith(token: ReadToken, key: KeyObject): boolean {
  const { hash, kty } = algorithms[token.algorithm];
  const ieee = kty === "EC" ? ({ dsaEncoding: "ieee-p1363" } as const) : {};
  return verify(hash, token.signed, { key, ...ieee }, token.signature);
}

function importKey(jwk: Record<string, unknown>): KeyObject | undefined {
  try {
    const key = createPublicKey({ key: jwk as JsonWebKey, format: "jwk" });
    const bits = key.asymmetricKeyDetails?.modulusLength;
    return bits !== undefined && bits < rsaBitsMin ? undefined : key;
  } catch {
    // A key that cannot be read signs nothing.
    return undefined;
  }
}

function readObject(part: string): Record<string, unknown> | undefined {
  try {
    const bytes = Buffer.from(part, "base64url");
    const value: unknown = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
    const isObject = typeof value === "object" && value !== null && !Array.isArray(value);
    return isObject ? (value as Record<string, unknown>) : undefined;
  } catch {
    // No JSON in UTF-8: no token.
    return undefined;
  }
}
