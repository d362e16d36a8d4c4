// Who sent a request: its signature held against the directory.
import type { Clock } from "../base/clock.ts";
import { CairnError } from "../base/errors.ts";
import type { SignedRequest } from "../signature/canonical.ts";
import { type ParsedSignature, parseSignature } from "../signature/parse-signature.ts";
import { SigningKeys } from "../signature/signing-keys.ts";
import { sha256Hex, verifySignature } from "../signature/verify-signature.ts";
import type { Authenticated, Directory, KeyForVerification } from "./directory.ts";
import { FailureLimit, signatureFailuresMax } from "./failure-limit.ts";

export interface AuthenticationOptions {
  /** The service that the credential scope must name, or one of several; left out: any. */
  service?: string | readonly string[];
  /** Its hash is compared with what was signed. Left out: no body, or `bodyHash` says. */
  body?: Buffer;
  /** SHA-256 in hex; `unread`: the body comes later, and the caller compares the declared hash or decodes the chunks. */
  bodyHash?: string;
}

/** What is known of the sender; more than a refusal says aloud. */
export type Examination =
  | { ok: true; authenticated: Authenticated; signature: ParsedSignature; signingKey: Buffer }
  | {
      ok: false;
      error: CairnError;
      /** What the request claims, if it could be read. */
      signature?: ParsedSignature;
      /** The key it names, if there is one: proof of nothing. */
      key?: KeyForVerification;
    };

export interface Authenticator {
  /** The verified sender, or throws the CairnError of the refusal. */
  authenticate(request: SignedRequest, options?: AuthenticationOptions): Promise<Authenticated>;
  /** The same without throwing for a refusal, for who records refused calls or forwards them. */
  examine(request: SignedRequest, options?: AuthenticationOptions): Promise<Examination>;
}

export interface AuthenticatorOptions {
  directory: Pick<Directory, "findKey"> & Partial<Pick<Directory, "noteUse">>;
  clock: Clock;
  /**
   * An address that signs wrongly with a key again and again is not listened to for a while, whatever it signs with that
   * key then; the key's owner, elsewhere, is. Not where addresses are those of a proxy: strangers could lock a key.
   */
  limitsFailures?: boolean;
}

export function createAuthenticator(options: AuthenticatorOptions): Authenticator {
  const { directory, clock, limitsFailures = false } = options;
  const signingKeys = new SigningKeys();
  const failures = new FailureLimit(clock, signatureFailuresMax);

  async function examine(
    request: SignedRequest,
    options: AuthenticationOptions = {},
  ): Promise<Examination> {
    const signature = parseSignature(request);
    if (signature === undefined) {
      const error = new CairnError("MissingAuthenticationToken", "Missing Authentication Token");
      return { ok: false, error };
    }
    if (signature instanceof CairnError) return { ok: false, error: signature };
    const key = await directory.findKey(signature.accessKeyId, signature.sessionToken);
    if (key === undefined || key.status === "Inactive") {
      // One answer for both, as AWS gives: nobody learns that a key was once good.
      const error = new CairnError(
        "InvalidClientTokenId",
        "The security token included in the request is invalid.",
      );
      return { ok: false, error, signature, ...(key === undefined ? {} : { key }) };
    }
    const { remoteAddress } = request;
    const guesser =
      remoteAddress === undefined || !limitsFailures
        ? undefined
        : `${remoteAddress} ${signature.accessKeyId}`;
    const throttled = guesser === undefined ? undefined : failures.refusal(guesser);
    if (throttled !== undefined) return { ok: false, error: throttled, signature, key };
    const signingKey = signingKeys.keyFor(signature, key.secret);
    const otherService = checkService(signature, options.service);
    const error =
      otherService ??
      verifySignature(
        signature,
        request,
        signingKey,
        bodyHashOf(signature, options),
        clock.nowMs(),
      );
    if (error !== undefined) {
      // A body that has not come yet may be all that is missing.
      const isFinal = options.bodyHash !== "unread" || signature.payload.kind !== "body";
      const isWrong =
        isFinal && otherService === undefined && error.code === "SignatureDoesNotMatch";
      if (isWrong && guesser !== undefined) failures.fail(guesser);
      return { ok: false, error, signature, key };
    }
    if (key.status === "Expired") {
      // Only after the signature: whoever found a token learns nothing from it.
      const expired = new CairnError(
        "ExpiredToken",
        "The security token included in the request is expired",
      );
      return { ok: false, error: expired, signature, key };
    }
    const { region, signingName } = signature;
    directory.noteUse?.(key.caller, region, signingName);
    return {
      ok: true,
      authenticated: { caller: key.caller, region, signingName },
      signature,
      signingKey,
    };
  }

  return {
    examine,
    async authenticate(request, options) {
      const examination = await examine(request, options);
      if (!examination.ok) throw examination.error;
      return examination.authenticated;
    },
  };
}

function checkService(
  signature: ParsedSignature,
  service: string | readonly string[] | undefined,
): CairnError | undefined {
  const services = typeof service === "string" ? [service] : service;
  if (services === undefined || services.includes(signature.signingName)) return undefined;
  return new CairnError(
    "SignatureDoesNotMatch",
    `Credential should be scoped to correct service: '${services[0]}'.`,
  );
}

function bodyHashOf(signature: ParsedSignature, options: AuthenticationOptions): string {
  if (options.bodyHash !== undefined) return options.bodyHash;
  // Hashing a large body that the signature does not cover would be for nothing.
  const covered = signature.payload.kind === "hash" || signature.payload.kind === "body";
  return covered ? sha256Hex(options.body ?? "") : "unread";
}
