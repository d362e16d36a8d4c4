// The keys of OIDC providers: how long they are kept, when they are fetched anew, and what a provider may not do.
import { generateKeyPairSync, type KeyObject, sign } from "node:crypto";
import { expect, test } from "vitest";
import { TestClock } from "../base/clock.ts";
import { isCairnError } from "../base/errors.ts";
import type { OidcProvider } from "./model.ts";
import { createWebIdentities } from "./web-identity.ts";

const accountId = "111122223333";
const nowMs = Date.UTC(2026, 0, 2, 3, 4, 5);
const issuer = "https://issuer.example.com";
const provider: OidcProvider = {
  accountId,
  url: "issuer.example.com",
  issuer,
  clientIds: ["app"],
  thumbprints: [],
  createdMs: 0,
};

function keyPair(kid: string, modulusLength = 2048) {
  const { privateKey, publicKey } = generateKeyPairSync("rsa", { modulusLength });
  return { privateKey, jwk: { ...publicKey.export({ format: "jwk" }), kid } };
}

function tokenOf(kid: string, key: KeyObject, expSeconds: number): string {
  const claims = { iss: issuer, sub: "user", aud: "app", iat: nowMs / 1000, exp: expSeconds };
  const text = [{ alg: "RS256", kid }, claims]
    .map((part) => Buffer.from(JSON.stringify(part)).toString("base64url"))
    .join(".");
  return `${text}.${sign("sha256", Buffer.from(text), key).toString("base64url")}`;
}

/** `documents` by URL; a missing one cannot be fetched. */
function open(documents: Record<string, unknown>) {
  const clock = new TestClock(nowMs);
  const asked: string[] = [];
  const identities = createWebIdentities({
    clock,
    providers: { ofIssuer: () => Promise.resolve(provider) },
    fetchJson(url) {
      asked.push(url);
      const document = documents[url];
      return document === undefined
        ? Promise.reject(new Error("no route"))
        : Promise.resolve(document);
    },
  });
  async function verify(token: string): Promise<string> {
    try {
      return (await identities.verify(accountId, token)).subject;
    } catch (error) {
      if (isCairnError(error)) return error.code;
      throw error;
    }
  }
  return { clock, asked, verify };
}

const configurationUrl = `${issuer}/.well-known/openid-configuration`;
const keysUrl = `${issuer}/keys`;
const configuration = { issuer, jwks_uri: keysUrl };

test("keys are fetched once for many tokens, and anew for a key that is not among them", async () => {
  const [old, fresh] = [keyPair("old"), keyPair("fresh")];
  const documents = { [configurationUrl]: configuration, [keysUrl]: { keys: [old.jwk] } };
  const { clock, asked, verify } = open(documents);
  const exp = nowMs / 1000 + 86_400;
  const token = tokenOf("old", old.privateKey, exp);
  expect(await Promise.all([verify(token), verify(token)])).toEqual(["user", "user"]);
  expect(asked).toEqual([configurationUrl, keysUrl]);
  documents[keysUrl] = { keys: [fresh.jwk] };
  const next = tokenOf("fresh", fresh.privateKey, exp);
  expect(await verify(next)).toBe("InvalidIdentityToken");
  expect(asked).toHaveLength(2);
  clock.advance(30_000);
  expect(await verify(next)).toBe("user");
  expect(asked).toHaveLength(4);
  // The one that the provider has withdrawn.
  clock.advance(10 * 60_000);
  expect(await verify(token)).toBe("InvalidIdentityToken");
});

test("a provider that does not answer is asked again half a minute later, not at every call", async () => {
  const { privateKey, jwk } = keyPair("k");
  const documents: Record<string, unknown> = {};
  const { clock, asked, verify } = open(documents);
  const token = tokenOf("k", privateKey, nowMs / 1000 + 3600);
  expect(await verify(token)).toBe("IdentityProviderUnreachable");
  expect(await verify(token)).toBe("IdentityProviderUnreachable");
  expect(asked).toEqual([configurationUrl]);
  documents[configurationUrl] = configuration;
  documents[keysUrl] = { keys: [jwk] };
  clock.advance(30_000);
  expect(await verify(token)).toBe("user");
});

test.each<[string, unknown, unknown]>([
  ["names another issuer", { ...configuration, issuer: "https://other.example.com" }, undefined],
  [
    "has its keys where anyone could change them",
    { ...configuration, jwks_uri: "http://issuer.example.com/keys" },
    undefined,
  ],
  ["has no keys", configuration, { keys: "none" }],
])("a provider that %s vouches for nobody", async (_what, configured, keys) => {
  const { privateKey } = keyPair("k");
  const { verify } = open({ [configurationUrl]: configured, [keysUrl]: keys });
  expect(await verify(tokenOf("k", privateKey, nowMs / 1000 + 3600))).toBe(
    "IdentityProviderUnreachable",
  );
});

test("a key that is too short, for something else, or no key at all proves nothing", async () => {
  const short = keyPair("k", 1024);
  const good = keyPair("k");
  const exp = nowMs / 1000 + 3600;
  const keySets: [unknown[], KeyObject][] = [
    [[short.jwk], short.privateKey],
    [[{ ...good.jwk, use: "enc" }], good.privateKey],
    [[{ ...good.jwk, alg: "RS512" }], good.privateKey],
    [[null, 3, {}, { kty: "RSA", kid: "k" }], good.privateKey],
  ];
  for (const [keys, privateKey] of keySets) {
    const { verify } = open({ [configurationUrl]: configuration, [keysUrl]: { keys } });
    expect(await verify(tokenOf("k", privateKey, exp))).toBe("InvalidIdentityToken");
  }
});

test("a token is good until its last second is over", async () => {
  const { privateKey, jwk } = keyPair("k");
  const { clock, verify } = open({ [configurationUrl]: configuration, [keysUrl]: { keys: [jwk] } });
  const token = tokenOf("k", privateKey, nowMs / 1000 + 60);
  clock.advance(59_999);
  expect(await verify(token)).toBe("user");
  clock.advance(1);
  expect(await verify(token)).toBe("ExpiredIdentityToken");
});
