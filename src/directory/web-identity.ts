// Web identity tokens: held against the OIDC provider that their account trusts.
import type { Clock } from "../base/clock.ts";
import { CairnError } from "../base/errors.ts";
import type { FetchJson } from "./fetch-json.ts";
import { isSignedWith, keysFor, type ReadToken, readToken } from "./json-web-token.ts";
import type { OidcProvider } from "./model.ts";
import { isLoopbackHttp, type OidcProviders } from "./oidc-providers.ts";

export interface WebIdentity {
  provider: OidcProvider;
  subject: string;
  /** The client that the token was made for: `azp` where it has one, else `aud`. */
  audience: string;
  /** Everything that the token says, now that it is believed. */
  claims: Record<string, unknown>;
}

export interface WebIdentities {
  /** Throws the refusal in STS's words: the token is read, its provider known, its signature, time and audience good. */
  verify(accountId: string, token: string): Promise<WebIdentity>;
}

export interface WebIdentityOptions {
  providers: Pick<OidcProviders, "ofIssuer">;
  fetchJson: FetchJson;
  clock: Clock;
}

/** How long fetched keys are good for, and how soon they are fetched again for a key id that is not among them. */
const keysMsMax = 10 * 60 * 1000;
const keysMsMin = 30 * 1000;
/** Issuers whose keys are kept. */
const issuersMax = 1000;
/** How far a provider's clock may be ahead of ours. */
const skewMsMax = 5 * 60 * 1000;

interface FetchedKeys {
  keys: Promise<readonly unknown[]>;
  fetchedMs: number;
}

export function createWebIdentities(options: WebIdentityOptions): WebIdentities {
  const { providers, clock } = options;
  const keySets = new KeySets(options);
  return {
    async verify(accountId, token) {
      const read = readToken(token);
      const issuer = read?.claims["iss"];
      if (read === undefined || typeof issuer !== "string") {
        throw invalid(
          "The ID Token provided is not a valid JWT. (You may see this error if you sent an Access Token)",
        );
      }
      const provider = await providers.ofIssuer(accountId, issuer);
      if (provider === undefined) {
        throw invalid(
          `No OpenIDConnect provider found in your account for ${issuer.slice(0, 255)}`,
        );
      }
      await keySets.check(provider.issuer, read);
      checkTimes(read.claims, clock.nowMs());
      const subject = read.claims["sub"];
      if (typeof subject !== "string" || subject === "" || subject.length > 255) {
        throw invalid("The ID Token provided has no subject");
      }
      return {
        provider,
        subject,
        audience: audienceOf(read.claims, provider),
        claims: read.claims,
      };
    },
  };
}

/** The keys of each issuer, fetched when they are needed and kept for a while. */
class KeySets {
  readonly #fetchJson: FetchJson;
  readonly #clock: Clock;
  readonly #sets = new Map<string, FetchedKeys>();

  constructor({ fetchJson, clock }: Pick<WebIdentityOptions, "fetchJson" | "clock">) {
    this.#fetchJson = fetchJson;
    this.#clock = clock;
  }

  async check(issuer: string, token: ReadToken): Promise<void> {
    let found = keysFor(token, await this.#keys(issuer, keysMsMax));
    // The provider may have changed its keys since.
    if (found.length === 0) found = keysFor(token, await this.#keys(issuer, keysMsMin));
    if (found.some((key) => isSignedWith(token, key))) return;
    throw invalid(
      found.length === 0
        ? "Couldn't retrieve verification key from your identity provider, please reference AssumeRoleWithWebIdentity documentation for requirements"
        : "The ID Token provided is not signed by its identity provider",
    );
  }

  #keys(issuer: string, ageMsMax: number): Promise<readonly unknown[]> {
    const nowMs = this.#clock.monotonicMs();
    const known = this.#sets.get(issuer);
    if (known !== undefined && nowMs - known.fetchedMs < ageMsMax) return known.keys;
    // A failure is kept for as short a time as an unknown key: nobody makes us ask a provider at every call.
    const keys = this.#fetch(issuer);
    keys.catch(() => {
      const later = this.#sets.get(issuer);
      if (later?.keys === keys) later.fetchedMs = nowMs - keysMsMax + keysMsMin;
    });
    this.#sets.delete(issuer);
    this.#sets.set(issuer, { keys, fetchedMs: nowMs });
    if (this.#sets.size > issuersMax) {
      const oldest = this.#sets.keys().next();
      if (oldest.done !== true) this.#sets.delete(oldest.value);
    }
    return keys;
  }

  async #fetch(issuer: string): Promise<readonly unknown[]> {
    try {
      const base = issuer.replace(/\/$/, "");
      const configuration = await this.#fetchJson(`${base}/.well-known/openid-configuration`);
      const { issuer: named, jwks_uri: keysUrl } = configuration as Record<string, unknown>;
      if (named !== issuer) throw new Error(`the configuration names another issuer`);
      if (typeof keysUrl !== "string" || !URL.canParse(keysUrl)) throw new Error("no jwks_uri");
      const url = new URL(keysUrl);
      // Keys that anyone on the way could change would prove nothing.
      if (url.protocol !== "https:" && !isLoopbackHttp(url))
        throw new Error("jwks_uri is no https");
      const { keys } = (await this.#fetchJson(keysUrl)) as { keys?: unknown };
      if (!Array.isArray(keys)) throw new Error("no keys");
      return keys;
    } catch (cause) {
      throw new CairnError(
        "IdentityProviderUnreachable",
        "The keys of the identity provider could not be fetched.",
        { cause },
      );
    }
  }
}

function checkTimes(claims: Record<string, unknown>, nowMs: number): void {
  const [expires, issued, notBefore] = ["exp", "iat", "nbf"].map((name) => claims[name]);
  if (typeof expires !== "number" || typeof issued !== "number") {
    throw invalid("Missing a required claim: exp, iat");
  }
  const seconds = Math.floor(nowMs / 1000);
  if (nowMs >= expires * 1000) {
    throw new CairnError(
      "ExpiredIdentityToken",
      `Token expired: current date/time ${seconds} must be before the expiration date/time ${expires}`,
    );
  }
  const startMs = Math.max(issued, typeof notBefore === "number" ? notBefore : issued) * 1000;
  if (startMs > nowMs + skewMsMax) throw invalid("The ID Token provided is not yet valid");
}

function audienceOf(claims: Record<string, unknown>, { clientIds }: OidcProvider): string {
  const given = typeof claims["azp"] === "string" ? claims["azp"] : claims["aud"];
  const audiences = (Array.isArray(given) ? given : [given]).filter(
    (each): each is string => typeof each === "string",
  );
  const audience = audiences.find((each) => clientIds.includes(each));
  if (audience === undefined) throw invalid("Incorrect token audience");
  return audience;
}

function invalid(message: string): CairnError {
  return new CairnError("InvalidIdentityToken", message);
}
