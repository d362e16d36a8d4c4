// Seals secrets under the master key, so that the registry's files alone give none away.
//
//   v2.<id of the master key>.<base64url of: nonce (12 bytes) · ciphertext · tag (16 bytes)>      AES-256-GCM
//   v1.<the same>                                                  of an earlier Cairn: does not name its key
//
// The associated data is what the secret belongs to: a sealed value moved to another key does not open.
import { createCipheriv, createDecipheriv } from "node:crypto";
import { CairnError } from "../base/errors.ts";
import type { Random } from "../base/random.ts";
import type { MasterKey, MasterKeys } from "./master-keys.ts";

const nonceBytes = 12;
const tagBytes = 16;

export function seal(secret: string, owner: string, key: MasterKey, random: Random): string {
  const nonce = random.bytes(nonceBytes);
  const cipher = createCipheriv("aes-256-gcm", key.bytes, nonce);
  cipher.setAAD(Buffer.from(owner));
  const text = Buffer.concat([cipher.update(secret, "utf8"), cipher.final()]);
  const sealed = Buffer.concat([nonce, text, cipher.getAuthTag()]).toString("base64url");
  return `${sealedUnder(key.id)}${sealed}`;
}

/** How every value that is sealed under this key begins. */
export const sealedUnder = (keyId: string) => `v2.${keyId}.`;

/** The master key that a sealed value names; undefined for one that names none. */
export function keyIdOf(sealed: string): string | undefined {
  return /^v2\.([0-9a-f]+)\./.exec(sealed)?.[1];
}

/** Throws InvalidConfiguration when the value was sealed under another master key, for another owner, or changed. */
export function unseal(sealed: string, owner: string, keys: Pick<MasterKeys, "find">): string {
  const keyId = keyIdOf(sealed);
  const body = /^v[12]\.(?:[0-9a-f]+\.)?([\w-]+)$/.exec(sealed)?.[1];
  let cause: unknown = new Error("not a sealed value that this version reads");
  if (body !== undefined) {
    for (const key of keys.find(keyId)) {
      try {
        return open(Buffer.from(body, "base64url"), owner, key);
      } catch (error) {
        cause = error;
      }
    }
  }
  const named = keyId === undefined ? "" : `; it is sealed under key ${keyId}`;
  throw new CairnError(
    "InvalidConfiguration",
    `the master key does not open the secret of ${owner}: it is not the key that sealed it${named}`,
    { cause },
  );
}

function open(bytes: Buffer, owner: string, key: MasterKey): string {
  if (bytes.length < nonceBytes + tagBytes) throw new Error("too short for a sealed value");
  const decipher = createDecipheriv("aes-256-gcm", key.bytes, bytes.subarray(0, nonceBytes), {
    authTagLength: tagBytes,
  });
  decipher.setAAD(Buffer.from(owner));
  decipher.setAuthTag(bytes.subarray(-tagBytes));
  const text = decipher.update(bytes.subarray(nonceBytes, -tagBytes));
  return Buffer.concat([text, decipher.final()]).toString("utf8");
}
