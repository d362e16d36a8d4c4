// The keys that an OIDC provider signs with: fetched when they are needed, kept for a while, and fetched anew when one is
// missing, because providers change them.
import { createPublicKey, type JsonWebKey, type KeyObject } from "node:crypto";
import { withDeadline } from "./cairn-client.ts";

/** How the keys of each algorithm look in a key set (RFC 7518, RFC 8037). */
const keyForms = {
  RS256: { kty: "RSA", crv: undefined },
  ES256: { kty: "EC", crv: "P-256" },
  EdDSA: { kty: "OKP", crv: "Ed25519" },
} as const;

/** Never `none`, and never a secret that the provider shares with its clients. */
export type TokenAlgorithm = keyof typeof keyForms;

export const tokenAlgorithms = Object.keys(keyForms) as TokenAlgorithm[];

interface ImportedKey {
  algorithm: TokenAlgorithm;
  keyId: string | undefined;
  key: KeyObject;
}

/** Older keys are fetched anew, beside the calls. */
const keysMsMax = 10 * 60 * 1000;
/** Older keys are not believed any more, whether or not the provider can be reached. */
const staleMsMax = 60 * 60 * 1000;
/** Tokens can name any key: nobody makes us ask for one more often than this. */
const missingMsMin = 30_000;
const failedMsMin = 5_000;
const fetchMsMax = 5_000;
/** How long one call's event waits for keys: less than `identify` may take. */
const waitMsMax = 1_500;
const bytesMax = 256 * 1024;
const keysMax = 100;
const rsaBitsMin = 2048;

export interface KeySetOptions {
  issuer: string;
  /** Left out: the provider's configuration names it. */
  jwksUri?: string | undefined;
  /** For tests. */
  nowMs?: (() => number) | undefined;
}

export class KeySet {
  readonly #issuer: string;
  readonly #jwksUri: string | undefined;
  readonly #nowMs: () => number;
  #keys: readonly ImportedKey[] | undefined;
  #fetchedMs = -Infinity;
  #triedMs = -Infinity;
  #failure: unknown;
  #fetching: Promise<void> | undefined;

  /** Throws a TypeError for addresses from which no key could be believed. */
  constructor({ issuer, jwksUri, nowMs = () => performance.now() }: KeySetOptions) {
    checkAddress("issuer", issuer);
    if (jwksUri !== undefined) checkAddress("jwksUri", jwksUri);
    this.#issuer = issuer;
    this.#jwksUri = jwksUri;
    this.#nowMs = nowMs;
  }

  /**
   * The keys that a token may be signed with: its key id's, or all of the algorithm where it names none. Rejects when
   * the provider cannot be asked.
   */
  async keysFor(algorithm: TokenAlgorithm, keyId: string | undefined): Promise<KeyObject[]> {
    const ageMs = this.#nowMs() - this.#fetchedMs;
    if (ageMs >= staleMsMax) this.#keys = undefined;
    if (ageMs >= keysMsMax) {
      const refreshed = this.#refresh(0);
      if (this.#keys === undefined) await this.#wait(refreshed);
    }
    const found = this.#find(algorithm, keyId);
    if (found.length > 0) return found;
    await this.#wait(this.#refresh(missingMsMin));
    return this.#find(algorithm, keyId);
  }

  #find(algorithm: TokenAlgorithm, keyId: string | undefined): KeyObject[] {
    if (this.#keys === undefined) {
      throw new Error(`the keys of ${this.#issuer} are not known`, { cause: this.#failure });
    }
    return this.#keys
      .filter((each) => each.algorithm === algorithm)
      .filter((each) => keyId === undefined || each.keyId === keyId)
      .map((each) => each.key);
  }

  /** One request at a time, and not before its time. Never rejects. */
  #refresh(pauseMsMin: number): Promise<void> {
    if (this.#fetching !== undefined) return this.#fetching;
    const nowMs = this.#nowMs();
    const pauseMs = this.#failure === undefined ? pauseMsMin : failedMsMin;
    if (nowMs - this.#triedMs < pauseMs) return Promise.resolve();
    this.#triedMs = nowMs;
    this.#fetching = this.#fetch().finally(() => (this.#fetching = undefined));
    return this.#fetching;
  }

  #wait(refreshed: Promise<void>): Promise<void> {
    return withDeadline(
      refreshed,
      waitMsMax,
      undefined,
      `${this.#issuer} did not give its keys within ${waitMsMax} ms`,
    );
  }

  async #fetch(): Promise<void> {
    try {
      this.#keys = importKeys(await fetchJson(this.#jwksUri ?? (await this.#discover())));
      this.#fetchedMs = this.#nowMs();
      this.#failure = undefined;
    } catch (error) {
      this.#failure = error;
    }
  }

  async #discover(): Promise<string> {
    const base = this.#issuer.replace(/\/$/, "");
    const said = await fetchJson(`${base}/.well-known/openid-configuration`);
    const { issuer, jwks_uri: jwksUri } = said;
    if (issuer !== this.#issuer)
      throw new Error("the provider's configuration is another issuer's");
    if (typeof jwksUri !== "string")
      throw new Error("the provider's configuration has no jwks_uri");
    checkAddress("jwks_uri", jwksUri);
    return jwksUri;
  }
}

/** Keys that anyone on the way could change would prove nothing. */
function checkAddress(name: string, address: string): void {
  const url = URL.canParse(address) ? new URL(address) : undefined;
  const isLoopback = /^(?:localhost|127(?:\.\d+){3}|\[::1\])$/.test(url?.hostname ?? "");
  if (url?.protocol === "https:" || (url?.protocol === "http:" && isLoopback)) return;
  throw new TypeError(`${name} must be an https URL, not ${JSON.stringify(address)}`);
}

async function fetchJson(url: string): Promise<Record<string, unknown>> {
  const response = await fetch(url, {
    // A provider that sends us elsewhere is not the one that was named.
    redirect: "error",
    signal: AbortSignal.timeout(fetchMsMax),
    headers: { accept: "application/json" },
  });
  if (response.status !== 200) throw new Error(`${url} answered ${response.status}`);
  const parts: Uint8Array[] = [];
  let bytes = 0;
  for await (const part of (response.body ?? []) as AsyncIterable<Uint8Array>) {
    bytes += part.length;
    if (bytes > bytesMax) throw new Error(`${url} has more than ${bytesMax} bytes`);
    parts.push(part);
  }
  const value: unknown = JSON.parse(Buffer.concat(parts).toString("utf8"));
  if (typeof value !== "object" || value === null) throw new Error(`${url} is no JSON object`);
  return value as Record<string, unknown>;
}

/** Keys of other kinds, for other uses, or that cannot be read, sign nothing here. */
function importKeys({ keys }: Record<string, unknown>): ImportedKey[] {
  if (!Array.isArray(keys)) throw new Error("the provider's key set has no keys");
  return keys.slice(0, keysMax).flatMap((jwk: unknown) => {
    if (typeof jwk !== "object" || jwk === null) return [];
    const { kty, crv, use, alg, kid } = jwk as Record<string, unknown>;
    const algorithm = tokenAlgorithms.find(
      (each) =>
        keyForms[each].kty === kty && (keyForms[each].crv ?? crv) === crv && (alg ?? each) === each,
    );
    if (algorithm === undefined || (use ?? "sig") !== "sig") return [];
    const key = importKey(jwk);
    return key === undefined
      ? []
      : [{ algorithm, keyId: typeof kid === "string" ? kid : undefined, key }];
  });
}

function importKey(jwk: object): KeyObject | undefined {
  try {
    const key = createPublicKey({ key: jwk as JsonWebKey, format: "jwk" });
    const bits = key.asymmetricKeyDetails?.modulusLength;
    return bits !== undefined && bits < rsaBitsMin ? undefined : key;
  } catch {
    // What cannot be read as a key signs nothing.
    return undefined;
  }
}
