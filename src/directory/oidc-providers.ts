// OIDC providers: the issuers whose tokens an account takes, and for which clients.
import { isIPv4 } from "node:net";
import { CairnError } from "../base/errors.ts";
import { type Core, noSuchEntity, overQuota } from "./core.ts";
import type { Draft } from "./documents.ts";
import { keys, type OidcProvider } from "./model.ts";
import { checkLength, constraintError } from "./names.ts";
import { type Tag, withoutTags, withTags } from "./tags.ts";

const providersMax = 100;
const clientIdsMax = 100;
const thumbprintsMax = 5;

export const oidcProviderArn = ({ accountId, url }: Pick<OidcProvider, "accountId" | "url">) =>
  `arn:aws:iam::${accountId}:oidc-provider/${url}`;

export interface OidcProviderGiven {
  url: string;
  clientIds?: readonly string[];
  thumbprints?: readonly string[];
  tags?: readonly Tag[];
}

export class OidcProviders {
  readonly #core: Core;

  constructor(core: Core) {
    this.#core = core;
  }

  async create(accountId: string, given: OidcProviderGiven): Promise<OidcProvider> {
    const { clientIds = [], thumbprints = [], tags = [] } = given;
    const { issuer, url } = readUrl(given.url);
    clientIds.forEach(checkClientId);
    checkThumbprints(thumbprints);
    if (clientIds.length > clientIdsMax) {
      throw overQuota("ClientIdsPerOpenIdConnectProvider", clientIdsMax);
    }
    const wanted = withTags(undefined, tags);
    return this.#core.documents.change(async (draft) => {
      const key = keys.oidcProvider(accountId, url);
      if ((await draft.get(key)) !== undefined) {
        throw new CairnError("EntityAlreadyExists", `Provider with url ${issuer} already exists.`);
      }
      const others = await draft.list(keys.oidcProvider(accountId, ""));
      if (others.length >= providersMax) throw overQuota("OpenIdConnectProviders", providersMax);
      const provider: OidcProvider = {
        accountId,
        url,
        issuer,
        clientIds: [...new Set(clientIds)],
        thumbprints: [...thumbprints],
        createdMs: this.#core.clock.nowMs(),
        ...(tags.length === 0 ? {} : { tags: wanted }),
      };
      draft.put(key, provider);
      return provider;
    });
  }

  async get(accountId: string, arn: string): Promise<OidcProvider> {
    const key = keyOf(accountId, arn);
    const provider = await this.#core.documents.get<OidcProvider>(key);
    if (provider === undefined) throw unknownProvider(arn);
    return provider;
  }

  /** The one whose tokens name this issuer. */
  async ofIssuer(accountId: string, issuer: string): Promise<OidcProvider | undefined> {
    const url = withoutScheme(issuer);
    if (url.length === 0 || url.length > 255 || /[^\x21-\x7e]/.test(url)) return undefined;
    const key = keys.oidcProvider(accountId, url);
    const provider = await this.#core.documents.get<OidcProvider>(key);
    return provider?.issuer === issuer ? provider : undefined;
  }

  list(accountId: string): Promise<OidcProvider[]> {
    return this.#core.documents.list<OidcProvider>(keys.oidcProvider(accountId, ""));
  }

  async delete(accountId: string, arn: string): Promise<void> {
    await this.#change(accountId, arn, (_provider, draft, key) => draft.delete(key));
  }

  async setThumbprints(
    accountId: string,
    arn: string,
    thumbprints: readonly string[],
  ): Promise<void> {
    checkThumbprints(thumbprints);
    await this.#change(accountId, arn, (provider, draft, key) =>
      draft.put(key, { ...provider, thumbprints: [...thumbprints] }),
    );
  }

  async addClientId(accountId: string, arn: string, clientId: string): Promise<void> {
    checkClientId(clientId);
    await this.#change(accountId, arn, (provider, draft, key) => {
      const clientIds = [...new Set([...provider.clientIds, clientId])];
      if (clientIds.length > clientIdsMax) {
        throw overQuota("ClientIdsPerOpenIdConnectProvider", clientIdsMax);
      }
      draft.put(key, { ...provider, clientIds });
    });
  }

  async removeClientId(accountId: string, arn: string, clientId: string): Promise<void> {
    await this.#change(accountId, arn, (provider, draft, key) => {
      const clientIds = provider.clientIds.filter((each) => each !== clientId);
      draft.put(key, { ...provider, clientIds });
    });
  }

  async tag(accountId: string, arn: string, tags: readonly Tag[]): Promise<void> {
    await this.#change(accountId, arn, (provider, draft, key) =>
      draft.put(key, { ...provider, tags: withTags(provider.tags, tags) }),
    );
  }

  async untag(accountId: string, arn: string, tagKeys: readonly string[]): Promise<void> {
    await this.#change(accountId, arn, (provider, draft, key) =>
      draft.put(key, { ...provider, tags: withoutTags(provider.tags, tagKeys) }),
    );
  }

  async #change(
    accountId: string,
    arn: string,
    decide: (provider: OidcProvider, draft: Draft, key: string) => void,
  ): Promise<void> {
    const key = keyOf(accountId, arn);
    return this.#core.documents.change(async (draft) => {
      const provider = await draft.get<OidcProvider>(key);
      if (provider === undefined) throw unknownProvider(arn);
      decide(provider, draft, key);
    });
  }
}

/** HTTPS, but for an issuer on this very machine, which no network can change on its way. */
function readUrl(text: string): { issuer: string; url: string } {
  checkLength(text, "url", 1, 255);
  const parsed = URL.canParse(text) ? new URL(text) : undefined;
  const isSafe = parsed?.protocol === "https:" || (parsed !== undefined && isLoopbackHttp(parsed));
  const isPlain =
    parsed?.search === "" && parsed.hash === "" && parsed.username === "" && parsed.password === "";
  if (!isSafe || !isPlain || !/^https?:\/\/[\x21-\x7e]+$/.test(text)) {
    throw new CairnError("ValidationFailed", "Invalid Open ID Connect Provider URL");
  }
  return { issuer: text, url: withoutScheme(text) };
}

export function isLoopbackHttp({ protocol, hostname }: URL): boolean {
  const isHere =
    hostname === "localhost" ||
    hostname === "[::1]" ||
    (isIPv4(hostname) && hostname.startsWith("127."));
  return protocol === "http:" && isHere;
}

function withoutScheme(url: string): string {
  return url.replace(/^https?:\/\//, "");
}

function checkClientId(clientId: string): void {
  checkLength(clientId, "clientID", 1, 255);
}

function checkThumbprints(thumbprints: readonly string[]): void {
  if (thumbprints.length > thumbprintsMax) {
    throw new CairnError("InvalidInput", "Thumbprint list must contain fewer than 5 entries.");
  }
  for (const each of thumbprints) {
    if (each.length !== 40) {
      throw constraintError(each, "thumbprintList", "Member must have length equal to 40");
    }
  }
}

function keyOf(accountId: string, arn: string): string {
  const prefix = `arn:aws:iam::${accountId}:oidc-provider/`;
  if (!arn.startsWith(prefix) || arn.length > 400 || /[^\x21-\x7e]/.test(arn)) {
    throw unknownProvider(arn);
  }
  return keys.oidcProvider(accountId, arn.slice(prefix.length));
}

function unknownProvider(arn: string): CairnError {
  return noSuchEntity(`OpenIDConnect Provider not found for arn ${arn.slice(0, 400)}`);
}
