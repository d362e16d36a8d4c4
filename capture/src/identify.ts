// Ready-made answers to "who called?": by a token of an OIDC provider, by a client certificate, by an API key.
//
// Each proves what it says, in the words of CloudTrail's userIdentity. What was shown and proves nothing is `Unknown`
// with the credential's id or fingerprint: never the one whom it names. Nothing shown: undefined.
import { createHash, type X509Certificate } from "node:crypto";
import { type TokenClaims, type TokenRules, TokenVerifier } from "./bearer-token.ts";
import { fingerprintOf, issuerName, nameIn, peerCertificate } from "./client-certificate.ts";
import { messageOf } from "./errors.ts";
import { type Identify, type Identity, UnidentifiedError } from "./record.ts";
import { headerOf, socketOf } from "./request-parts.ts";

export type { TokenClaims, TokenRules } from "./bearer-token.ts";
export type { TokenAlgorithm } from "./key-set.ts";
export { type Identify, UnidentifiedError } from "./record.ts";

export interface TokenOptions<Request> extends TokenRules {
  /** Default: `Authorization: Bearer …`. */
  token?: ((request: Request) => string | undefined) | undefined;
  /** Default: the claim `sub`. */
  userName?: ((claims: TokenClaims) => string | undefined) | undefined;
  /** Another identity than a WebIdentityUser. Undefined: none fits. */
  identity?: ((claims: TokenClaims) => Identity | undefined) | undefined;
}

export interface CertificateOptions<Request> {
  /**
   * Where a proxy ends TLS: the certificate that it has verified and handed on. Default: the connection's, if an
   * authority that the server trusts has signed it.
   */
  certificate?: ((request: Request) => X509Certificate | undefined) | undefined;
  /** Default: the one URI (SPIFFE id) or e-mail address that it names, else its common name, else its one DNS name. */
  userName?: ((certificate: X509Certificate) => string | undefined) | undefined;
  /** Another identity than a WebIdentityUser. Undefined: none fits. */
  identity?: ((certificate: X509Certificate) => Identity | undefined) | undefined;
}

export interface ApiKeyOptions<Request> {
  /** Default: the header `x-api-key`. */
  key?: ((request: Request) => string | undefined) | undefined;
  /** Whose key it is, by its SHA-256 in hex, so that nobody has to keep keys. Undefined: nobody's. */
  lookUp: (
    sha256: string,
    request: Request,
  ) => Identity | undefined | Promise<Identity | undefined>;
}

/** By a token of one OIDC provider. Throws a TypeError for options that cannot work. */
export function identifyByToken<Request = unknown>(
  options: TokenOptions<Request>,
): Identify<Request> {
  const verifier = new TokenVerifier(options);
  const { token: tokenIn = bearerToken, identity = webIdentityUser(options) } = options;
  return whenItComes((request, nowMs) => {
    const token = tokenIn(request);
    if (token === undefined || token === "") return undefined;
    const credentialId = fingerprint(token);
    return proved(credentialId, async () => {
      const verified = await verifier.verify(token, nowMs);
      if (verified === undefined) return undefined;
      const { claims, audience } = verified;
      return identity(claims, audience) ?? unknown(text(claims["jti"]) ?? credentialId);
    });
  });
}

/** By the certificate with which the client has opened the connection (mutual TLS). */
export function identifyByCertificate<Request = unknown>(
  options: CertificateOptions<Request> = {},
): Identify<Request> {
  const { certificate: given, userName = nameIn, identity } = options;
  /** A connection has one certificate for all its calls, and reading it takes longer than many of them. */
  const known = new WeakMap<object, Identity>();
  const ofCertificate = (certificate: X509Certificate): Promise<Identity> => {
    const principalId = fingerprintOf(certificate);
    return proved(principalId, () => {
      if (identity !== undefined) return identity(certificate);
      const names = { userName: userName(certificate), identityProvider: issuerName(certificate) };
      return { type: "WebIdentityUser", principalId, ...names };
    });
  };
  return whenItComes(async (request) => {
    if (given !== undefined) {
      const certificate = given(request);
      return certificate && ofCertificate(certificate);
    }
    const socket = socketOf(request);
    const before = socket && known.get(socket);
    if (before !== undefined) return before;
    const shown = peerCertificate(request);
    if (shown === undefined) return undefined;
    // Anyone can make a certificate in any name.
    if (!shown.isTrusted) return unknown(fingerprintOf(shown.certificate));
    const found = await ofCertificate(shown.certificate);
    if (socket !== undefined) known.set(socket, found);
    return found;
  });
}

/** By a key that the application has given out. */
export function identifyByApiKey<Request = unknown>(
  options: ApiKeyOptions<Request>,
): Identify<Request> {
  const { key: keyIn = apiKeyHeader, lookUp } = options;
  return whenItComes((request) => {
    const key = keyIn(request);
    if (key === undefined || key === "") return undefined;
    return proved(fingerprint(key), () => lookUp(sha256(key), request));
  });
}

/** By whichever of several ways proves anything, the first first. */
export function identifyByAny<Request = unknown>(
  ...ways: readonly Identify<Request>[]
): Identify<Request> {
  const identify: Identify<Request> = async (request) => {
    let unproved: Identity | undefined;
    let failure: unknown;
    for (const way of ways) {
      try {
        const identity = await way(request);
        if (identity !== undefined && identity.type !== "Unknown") return identity;
        unproved ??= identity;
      } catch (error) {
        failure ??= error;
      }
    }
    if (failure !== undefined) throw failure;
    return unproved;
  };
  identify.begin = (request) => {
    for (const way of ways) way.begin?.(request);
  };
  return identify;
}

/**
 * Found out when the call comes in, and told when it has ended: by then a token may be over, and a caller who has hung
 * up shows no certificate any more.
 */
function whenItComes<Request>(
  ask: (request: Request, nowMs: number) => Identity | undefined | Promise<Identity | undefined>,
): Identify<Request> {
  const begun = new WeakMap<object, Promise<Identity | undefined>>();
  const start = async (request: Request) => ask(request, Date.now());
  const identify: Identify<Request> = (request) => begun.get(request as object) ?? start(request);
  identify.begin = (request) => {
    const asked = start(request);
    // A failure is heard by whoever asks, when the call has ended.
    asked.catch(() => undefined);
    begun.set(request as object, asked);
  };
  return identify;
}

function webIdentityUser({ issuer, userName }: Pick<TokenOptions<never>, "issuer" | "userName">) {
  // As IAM names providers: `accounts.google.com`.
  const identityProvider = issuer.replace(/^https?:\/\//, "").replace(/\/$/, "");
  return (claims: TokenClaims, audience = ""): Identity | undefined => {
    const subject = text(claims["sub"]);
    if (subject === undefined) return undefined;
    return {
      type: "WebIdentityUser",
      principalId: `${identityProvider}:${audience}:${subject}`,
      userName: userName === undefined ? subject : userName(claims),
      identityProvider,
    };
  };
}

function bearerToken(request: unknown): string | undefined {
  return /^Bearer +(\S+)$/i.exec(headerOf(request, "authorization") ?? "")?.[1];
}

function apiKeyHeader(request: unknown): string | undefined {
  return headerOf(request, "x-api-key");
}

/** Who cannot be found out has shown something all the same: the call is not put down to nobody. */
async function proved(
  credentialId: string | undefined,
  prove: () => Identity | undefined | Promise<Identity | undefined>,
): Promise<Identity> {
  try {
    return (await prove()) ?? unknown(credentialId);
  } catch (cause) {
    throw new UnidentifiedError(messageOf(cause), unknown(credentialId), { cause });
  }
}

function unknown(credentialId: string | undefined): Identity {
  return credentialId === undefined ? { type: "Unknown" } : { type: "Unknown", credentialId };
}

/** A text of reasonable length. */
function text(value: unknown): string | undefined {
  return typeof value === "string" && value !== "" && value.length <= 255 ? value : undefined;
}

function sha256(secret: string): string {
  return createHash("sha256").update(secret).digest("hex");
}

/** Enough to see that two calls showed the same. Undefined: so short that it could be guessed from its hash. */
function fingerprint(secret: string): string | undefined {
  return secret.length < 20 ? undefined : `sha256:${sha256(secret).slice(0, 16)}`;
}
