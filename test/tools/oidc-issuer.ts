// An OIDC provider on this machine: its configuration, its keys, and tokens signed with them.
import { generateKeyPairSync, type KeyObject, sign } from "node:crypto";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

export type Signing = "RS256" | "ES256" | "EdDSA";

export interface TokenOptions {
  algorithm?: Signing;
  keyId?: string;
  header?: Record<string, unknown>;
  /** Another key than the issuer's. */
  key?: KeyObject;
}

/** Dispose of it with `await using`. */
export async function openOidcIssuer() {
  const pairs: Record<Signing, { publicKey: KeyObject; privateKey: KeyObject }> = {
    RS256: generateKeyPairSync("rsa", { modulusLength: 2048 }),
    ES256: generateKeyPairSync("ec", { namedCurve: "P-256" }),
    EdDSA: generateKeyPairSync("ed25519"),
  };
  let asked = 0;
  let shown: Signing[] = ["RS256", "ES256", "EdDSA"];
  const server = createServer((request, response) => {
    asked += 1;
    const body =
      request.url === "/.well-known/openid-configuration"
        ? { issuer: url(), jwks_uri: `${url()}/keys` }
        : {
            keys: shown.map((alg) => ({
              ...pairs[alg].publicKey.export({ format: "jwk" }),
              kid: alg,
              alg,
              use: "sig",
            })),
          };
    response.setHeader("content-type", "application/json");
    response.end(JSON.stringify(body));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const url = () => `http://127.0.0.1:${(server.address() as AddressInfo).port}`;

  /** Valid for five minutes unless the claims say otherwise. */
  function token(claims: Record<string, unknown>, options: TokenOptions = {}): string {
    const { algorithm = "RS256" } = options;
    const nowSeconds = Math.floor(Date.now() / 1000);
    const head = { typ: "JWT", alg: algorithm, kid: options.keyId ?? algorithm, ...options.header };
    const body = { iss: url(), iat: nowSeconds, exp: nowSeconds + 300, ...claims };
    const text = [head, body]
      .map((part) => Buffer.from(JSON.stringify(part)).toString("base64url"))
      .join(".");
    const key = options.key ?? pairs[algorithm].privateKey;
    const signature = sign(algorithm === "EdDSA" ? null : "sha256", Buffer.from(text), {
      key,
      ...(algorithm === "ES256" ? { dsaEncoding: "ieee-p1363" as const } : {}),
    });
    return `${text}.${signature.toString("base64url")}`;
  }

  return {
    url: url(),
    /** As ARNs and condition keys have it. */
    name: url().replace("http://", ""),
    token,
    /** How often it was asked for anything. */
    asked: () => asked,
    /** Which of its keys it shows from now on. */
    show: (algorithms: Signing[]) => void (shown = algorithms),
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

export type OidcIssuer = Awaited<ReturnType<typeof openOidcIssuer>>;
