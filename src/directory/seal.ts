// Seals secrets under the master key, so that the registry's files alone give none away.
//
//   v1.<base64url of: nonce (12 bytes) · ciphertext · tag (16 bytes)>      AES-256-GCM
//
// The associated data is what the secret belongs to: a sealed value moved to another key does not open.
import { createCipheriv, createDecipheriv } from "node:crypto";
import { CairnError } from "../base/errors.ts";
import type { Random } from "../base/random.ts";

const version = "v1.";
const nonceBytes = 12;
const tagBytes = 16;

export function seal(secret: string, owner: string, masterKey: Buffer, random: Random): string {
  const nonce = random.bytes(nonceBytes);
  const cipher = createCipheriv("aes-256-gcm", masterKey, nonce);
  cipher.setAAD(Buffer.from(owner));
  const text = Buffer.concat([cipher.update(secret, "utf8"), cipher.final()]);
  return version + Buffer.concat([nonce, text, cipher.getAuthTag()]).toString("base64url");
}

/** Throws InvalidConfiguration when the value was sealed under another master key, for another owner, or changed. */
export function unseal(sealed: string, owner: string, masterKey: Buffer): string {
  try {
    const bytes = Buffer.from(sealed.slice(version.length), "base64url");
    if (!sealed.startsWith(version) || bytes.length < nonceBytes + tagBytes) {
      throw new Error("not a sealed value of this version");
    }
    const decipher = createDecipheriv("aes-256-gcm", masterKey, bytes.subarray(0, nonceBytes), {
      authTagLength: tagBytes,
    });
    decipher.setAAD(Buffer.from(owner));
    decipher.setAuthTag(bytes.subarray(-tagBytes));
    const text = decipher.update(bytes.subarray(nonceBytes, -tagBytes));
    return Buffer.concat([text, decipher.final()]).toString("utf8");
  } catch (error) {
    throw new CairnError(
      "InvalidConfiguration",
      `the master key does not open the secret of ${owner}: it is not the key that sealed it`,
      { cause: error },
    );
  }
}
