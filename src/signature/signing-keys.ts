// Signing keys: derived from a secret for one day, region and service, and remembered for the next request.
import { createHmac } from "node:crypto";
import { isSameSecret } from "../base/same-secret.ts";
import type { ParsedSignature } from "./parse-signature.ts";

export type CredentialScope = Pick<
  ParsedSignature,
  "accessKeyId" | "date" | "region" | "signingName"
>;

/** Four HMACs; `SigningKeys` saves them for all but the first request. */
export function deriveSigningKey(secret: string, scope: CredentialScope): Buffer {
  let key = hmac(`AWS4${secret}`, scope.date);
  for (const part of [scope.region, scope.signingName, "aws4_request"]) key = hmac(key, part);
  return key;
}

/** Bounded: a caller chooses region and service freely, so the least recently used one goes. */
export class SigningKeys {
  readonly #capacity: number;
  readonly #keys = new Map<string, { secret: string; signingKey: Buffer }>();

  constructor(capacity = 1000) {
    this.#capacity = capacity;
  }

  keyFor(scope: CredentialScope, secret: string): Buffer {
    const id = `${scope.accessKeyId}/${scope.date}/${scope.region}/${scope.signingName}`;
    const known = this.#keys.get(id);
    if (known !== undefined) this.#keys.delete(id);
    // A key id that was deleted and given again has another secret.
    const entry =
      known !== undefined && isSameSecret(known.secret, secret)
        ? known
        : { secret, signingKey: deriveSigningKey(secret, scope) };
    this.#keys.set(id, entry);
    if (this.#keys.size > this.#capacity) {
      const oldest = this.#keys.keys().next();
      if (oldest.done !== true) this.#keys.delete(oldest.value);
    }
    return entry.signingKey;
  }

  get size(): number {
    return this.#keys.size;
  }
}

export function hmac(key: string | Buffer, text: string): Buffer {
  return createHmac("sha256", key).update(text).digest();
}
