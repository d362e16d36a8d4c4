// Who made a call: the signature held against the directory, without a word to the caller.
import { CairnError } from "../base/errors.ts";
import type { Directory, KeyForVerification } from "../directory/directory.ts";
import type { Caller, VerifiedCaller } from "../event/user-identity.ts";
import { ChunkDecoder } from "../signature/chunk-decoder.ts";
import type { ParsedSignature } from "../signature/parse-signature.ts";
import { SigningKeys } from "../signature/signing-keys.ts";
import { verifySignature } from "../signature/verify-signature.ts";
import type { CallHead } from "./call-head.ts";
import type { FinishedCall } from "./finished-call.ts";
import { CheckedChunks } from "./large-body.ts";

export type Verdict =
  | {
      ok: true;
      key: KeyForVerification;
      signature: ParsedSignature;
      signingKey: Buffer;
    }
  | { ok: false; error: CairnError };

/**
 * Against what a call's signature is held, on whichever thread: the key that its scope derives, not the secret. Of a
 * session only what the record says of it.
 */
export interface Signer {
  caller: VerifiedCaller;
  signingKey: Buffer;
}

export class Callers {
  readonly #directory: Pick<Directory, "findKey">;
  readonly #signingKeys = new SigningKeys();
  /** Of callers with a session: the same object for the same caller, so that a batch carries it once. */
  readonly #recorded = new WeakMap<VerifiedCaller, VerifiedCaller>();

  constructor(directory: Pick<Directory, "findKey">) {
    this.#directory = directory;
  }

  /**
   * Looks up the key that the request names, with the session token that came with it, once. Called when the request
   * comes in: who it was is decided by what the directory says then, also where the key is disabled, or the session is
   * over, before the call has ended.
   */
  lookUp(head: CallHead): Promise<KeyForVerification | undefined> {
    if (head.keyLookUp !== undefined) return head.keyLookUp;
    const accessKeyId = head.scope?.accessKeyId ?? head.claims.accessKeyId;
    const found =
      accessKeyId === undefined
        ? Promise.resolve(undefined)
        : this.#directory.findKey(accessKeyId, head.sessionToken);
    // A failure is heard by whoever awaits it, and that is later.
    found.then((key) => (head.foundKey = key)).catch(() => undefined);
    head.keyLookUp = found;
    return found;
  }

  /**
   * `bodyHash`: SHA-256 in hex, or `unread` while the body has not come. `nowMs` is when the request came in: a call
   * that takes an hour was signed in time.
   */
  async verify(head: CallHead, bodyHash: string, nowMs: number): Promise<Verdict> {
    return this.#judge(head, await this.lookUp(head), bodyHash, nowMs);
  }

  #judge(
    head: CallHead,
    key: KeyForVerification | undefined,
    bodyHash: string,
    nowMs: number,
  ): Verdict {
    const { signature } = head;
    if (signature === undefined) {
      const error = new CairnError("MissingAuthenticationToken", "Missing Authentication Token");
      return { ok: false, error };
    }
    if (signature instanceof CairnError) return { ok: false, error: signature };
    if (key === undefined || key.status === "Inactive") return { ok: false, error: unknownKey() };
    const signingKey = this.#signingKeys.keyFor(signature, key.secret);
    const error = verifySignature(signature, head.signedRequest, signingKey, bodyHash, nowMs);
    if (error !== undefined) return { ok: false, error };
    // Only after the signature: whoever found a token learns nothing from it.
    if (key.status === "Expired") return { ok: false, error: expiredToken() };
    return { ok: true, key, signature, signingKey };
  }

  /** Why the key that the request names may not be used; undefined: it may. The signature is not looked at. */
  async refusalOf(head: CallHead): Promise<CairnError | undefined> {
    const status = (await this.lookUp(head))?.status;
    if (status === "Active") return undefined;
    return status === "Expired" ? expiredToken() : unknownKey();
  }

  /** What the record needs to know of `key`, which is what `lookUp` found; undefined: it proves nothing. */
  signerOf(head: CallHead, key: KeyForVerification | undefined): Signer | undefined {
    if (key === undefined || key.status !== "Active") return undefined;
    const { scope } = head;
    if (scope === undefined) return undefined;
    const caller = this.#recordedCaller(key.caller);
    return { caller, signingKey: this.#signingKeys.keyFor(scope, key.secret) };
  }

  /** A session's policies and tags may be long, and no record shows them. */
  #recordedCaller(caller: VerifiedCaller): VerifiedCaller {
    if (caller.kind === "service" || caller.session === undefined) return caller;
    const known = this.#recorded.get(caller);
    if (known !== undefined) return known;
    const {
      policy: _,
      policyArns: _arns,
      tags: _tags,
      transitiveTagKeys: _keys,
      ...session
    } = caller.session;
    const recorded = { ...caller, session };
    this.#recorded.set(caller, recorded);
    return recorded;
  }
}

/**
 * The caller for the record. One who signed with a key that is not ours, with a token that is not that key's or is no
 * longer good, or wrongly, is Unknown, with the key id: never the user that the key belongs to. Nor is it that user where the body was signed in chunks that nobody could check.
 */
export function callerOf(
  head: CallHead,
  signer: Signer | undefined,
  bodyHash: string,
  call: Pick<FinishedCall, "arrivedMs" | "requestBody" | "largeBodyChunks">,
): Caller {
  const { signature } = head;
  if (signer !== undefined && signature !== undefined && !(signature instanceof CairnError)) {
    const { caller, signingKey } = signer;
    // Of two Authorization headers one is read here and another there.
    if (signature.accessKeyId !== caller.accessKeyId) return unknownCaller(head);
    const { signedRequest } = head;
    const error = verifySignature(signature, signedRequest, signingKey, bodyHash, call.arrivedMs);
    if (error === undefined && chunksVerify(signature, signingKey, call)) return caller;
  }
  return unknownCaller(head);
}

function unknownCaller(head: CallHead): Caller {
  const { accessKeyId } = head.claims;
  return accessKeyId === undefined ? { kind: "anonymous" } : { kind: "unknown", accessKeyId };
}

/** Of an upload that was cut off, the head's signature decides alone. */
function chunksVerify(
  signature: ParsedSignature,
  signingKey: Buffer,
  { requestBody, largeBodyChunks }: Pick<FinishedCall, "requestBody" | "largeBodyChunks">,
): boolean {
  if (signature.payload.kind !== "chunks") return true;
  if (requestBody === undefined)
    return largeBodyChunks !== "bad" && largeBodyChunks !== "unchecked";
  const chunks = new CheckedChunks(new ChunkDecoder(signature, signingKey));
  chunks.push(requestBody);
  return chunks.findings(true).largeBodyChunks === "good";
}

/** One answer for every key that is not good, as AWS gives: nobody learns that one, or its token, once was. */
function unknownKey(): CairnError {
  return new CairnError(
    "InvalidClientTokenId",
    "The security token included in the request is invalid.",
  );
}

function expiredToken(): CairnError {
  return new CairnError("ExpiredToken", "The security token included in the request is expired");
}
