// Tokens that an OIDC provider signed (JWT): held against its keys, and against the audience and the time.
import { type KeyObject, verify } from "node:crypto";
import { KeySet, type TokenAlgorithm, tokenAlgorithms } from "./key-set.ts";

/** Everything that a token says, once it is believed. */
export type TokenClaims = Readonly<Record<string, unknown>>;

export interface TokenRules {
  /** `iss` of every token, and where its provider is asked for keys: `https://login.example.com`. */
  issuer: string;
  /** A token must be for one of these (`aud`). */
  audience: string | readonly string[];
  /** Where the provider's keys are. Default: as its `/.well-known/openid-configuration` says. */
  jwksUri?: string | undefined;
  /** Default: RS256, ES256 and EdDSA (Ed25519). */
  algorithms?: readonly TokenAlgorithm[] | undefined;
  /** How far the provider's clock may be off. Default: a minute. */
  clockToleranceMs?: number | undefined;
}

export interface VerifiedToken {
  claims: TokenClaims;
  /** Which of the audiences it is for. */
  audience: string;
}

interface ReadToken {
  algorithm: TokenAlgorithm;
  keyId: string | undefined;
  claims: TokenClaims;
  signed: Buffer;
  signature: Buffer;
}

/** More than fits into a header of node:http. */
const tokenLengthMax = 16 * 1024;

export class TokenVerifier {
  readonly #issuer: string;
  readonly #audiences: readonly string[];
  readonly #algorithms: readonly TokenAlgorithm[];
  readonly #toleranceMs: number;
  readonly #keySet: KeySet;

  /** Throws a TypeError for rules that no token could be held against. */
  constructor(rules: TokenRules) {
    const { issuer, audience, jwksUri, algorithms = tokenAlgorithms } = rules;
    this.#issuer = issuer;
    this.#audiences = [audience].flat();
    if (this.#audiences.length === 0 || this.#audiences.includes("")) {
      throw new TypeError("audience must name whom the tokens are for");
    }
    const unknown = algorithms.find((each) => !tokenAlgorithms.includes(each));
    if (unknown !== undefined || algorithms.length === 0) {
      throw new TypeError(
        `algorithms must be some of ${tokenAlgorithms.join(", ")}, not ${unknown}`,
      );
    }
    this.#algorithms = algorithms;
    this.#toleranceMs = rules.clockToleranceMs ?? 60_000;
    this.#keySet = new KeySet({ issuer, jwksUri });
  }

  /** Undefined: nobody's token, not for us, or not at this time. Rejects when the provider's keys cannot be had. */
  async verify(token: string, nowMs: number): Promise<VerifiedToken | undefined> {
    const read = readToken(token, this.#algorithms);
    // All that can be said without the keys is said first: nobody makes us fetch them with a token for others.
    if (read === undefined || read.claims["iss"] !== this.#issuer) return undefined;
    const audience = this.#audienceOf(read.claims);
    if (audience === undefined || !this.#isTimely(read.claims, nowMs)) return undefined;
    for (const key of await this.#keySet.keysFor(read.algorithm, read.keyId)) {
      if (await isSignedWith(read, key)) return { claims: read.claims, audience };
    }
    return undefined;
  }

  #audienceOf({ aud }: TokenClaims): string | undefined {
    const named: unknown[] = [aud].flat();
    return this.#audiences.find((each) => named.includes(each));
  }

  #isTimely({ exp, nbf, iat }: TokenClaims, nowMs: number): boolean {
    const [endMs, ...startsMs] = [exp, nbf ?? 0, iat ?? 0].map((time) =>
      typeof time === "number" && Number.isFinite(time) ? time * 1000 : undefined,
    );
    if (endMs === undefined || nowMs >= endMs + this.#toleranceMs) return false;
    return startsMs.every(
      (startMs) => startMs !== undefined && startMs <= nowMs + this.#toleranceMs,
    );
  }
}

function readToken(token: string, algorithms: readonly TokenAlgorithm[]): ReadToken | undefined {
  if (token.length > tokenLengthMax) return undefined;
  const parts = token.split(".");
  const [head = "", body = "", signature = ""] = parts;
  if (parts.length !== 3 || !parts.every((part) => /^[\w-]+$/.test(part))) return undefined;
  const header = readObject(head);
  const claims = readObject(body);
  if (header === undefined || claims === undefined) return undefined;
  const { alg, kid, crit } = header;
  const algorithm = algorithms.find((each) => each === alg);
  // `crit` names what must be understood, and is not.
  if (algorithm === undefined || crit !== undefined) return undefined;
  return {
    algorithm,
    keyId: typeof kid === "string" ? kid : undefined,
    claims,
    signed: Buffer.from(`${head}.${body}`),
    signature: Buffer.from(signature, "base64url"),
  };
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

/** Beside the event loop: a signature takes as long as a small request. */
function isSignedWith({ algorithm, signed, signature }: ReadToken, key: KeyObject) {
  return new Promise<boolean>((resolve) => {
    verify(
      algorithm === "EdDSA" ? null : "sha256",
      signed,
      algorithm === "ES256" ? { key, dsaEncoding: "ieee-p1363" } : key,
      signature,
      (error, isGood) => resolve(error === null && isGood),
    );
  });
}
