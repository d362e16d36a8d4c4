// Who made a call: the signature held against the directory, without a word to the caller.
import { CairnError } from "../base/errors.ts";
import type { Directory, KeyForVerification } from "../directory/directory.ts";
import type { Caller } from "../event/user-identity.ts";
import { ChunkDecoder } from "../signature/chunk-decoder.ts";
import type { ParsedSignature } from "../signature/parse-signature.ts";
import { SigningKeys } from "../signature/signing-keys.ts";
import { verifySignature } from "../signature/verify-signature.ts";
import type { CallHead } from "./call-head.ts";

export type Verdict =
  | {
      ok: true;
      key: KeyForVerification;
      signature: ParsedSignature;
      signingKey: Buffer;
    }
  | { ok: false; error: CairnError };

export class Callers {
  readonly #directory: Pick<Directory, "findKey">;
  readonly #signingKeys = new SigningKeys();
  readonly #lookUps = new WeakMap<CallHead, Promise<KeyForVerification | undefined>>();

  constructor(directory: Pick<Directory, "findKey">) {
    this.#directory = directory;
  }

  /**
   * Looks up the key that the request names, once. Called when the request comes in: who it was is decided by what the
   * directory says then, also where the key is disabled before the call has ended.
   */
  lookUp(head: CallHead): Promise<KeyForVerification | undefined> {
    const known = this.#lookUps.get(head);
    if (known !== undefined) return known;
    const { accessKeyId } = head.claims;
    const found =
      accessKeyId === undefined ? Promise.resolve(undefined) : this.#directory.findKey(accessKeyId);
    // Heard by whoever awaits it, and that is later.
    found.catch(() => undefined);
    this.#lookUps.set(head, found);
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
      return refused("MissingAuthenticationToken", "Missing Authentication Token");
    }
    if (signature instanceof CairnError) return { ok: false, error: signature };
    if (key === undefined || key.status !== "Active") return unknownKey();
    const signingKey = this.#signingKeys.keyFor(signature, key.secret);
    const error = verifySignature(signature, head.signedRequest, signingKey, bodyHash, nowMs);
    if (error !== undefined) return { ok: false, error };
    return { ok: true, key, signature, signingKey };
  }

  /** The key that the request names is one of ours and may be used; the signature is not looked at. */
  async knows(head: CallHead): Promise<boolean> {
    return (await this.lookUp(head))?.status === "Active";
  }

  /**
   * The caller for the record. One who signed with a key that is not ours, or wrongly, is Unknown, with the key id:
   * never the user that the key belongs to. `key` is what `lookUp` found.
   */
  identify(
    head: CallHead,
    key: KeyForVerification | undefined,
    bodyHash: string,
    nowMs: number,
    body: Buffer | undefined,
  ): Caller {
    const verdict = this.#judge(head, key, bodyHash, nowMs);
    if (verdict.ok && chunksVerify(verdict, body)) return verdict.key.caller;
    const { accessKeyId } = head.claims;
    return accessKeyId === undefined ? { kind: "anonymous" } : { kind: "unknown", accessKeyId };
  }
}

/** The chunks of a body that was kept are checked too; of a larger one, the head's signature decides alone. */
function chunksVerify(
  { signature, signingKey }: Extract<Verdict, { ok: true }>,
  body: Buffer | undefined,
): boolean {
  if (signature.payload.kind !== "chunks" || body === undefined) return true;
  try {
    const decoder = new ChunkDecoder(signature, signingKey);
    decoder.push(body);
    decoder.end();
    return true;
  } catch (error) {
    if (error instanceof CairnError) return false;
    throw error;
  }
}

export function unknownKey(): { ok: false; error: CairnError } {
  return refused("InvalidClientTokenId", "The security token included in the request is invalid.");
}

function refused(
  code: "MissingAuthenticationToken" | "InvalidClientTokenId",
  message: string,
): { ok: false; error: CairnError } {
  return { ok: false, error: new CairnError(code, message) };
}
