// Texts that others carry for us: sealed, so that they can neither be read nor changed, and good for one purpose.
//
//   base64url of: version (1) · id of the master key (6 bytes) · salt (16) · ciphertext · tag (16)
//   AES-256-GCM over raw deflate; key (32 bytes) and nonce (12): HKDF-SHA256 of the master key, the salt and the purpose
//
// A key of its own for each text: no nonce is ever used twice, however many are made.
import { createCipheriv, createDecipheriv, hkdfSync } from "node:crypto";
import { deflateRawSync, inflateRawSync } from "node:zlib";
import type { Random } from "../base/random.ts";
import { type MasterKey, type MasterKeys, masterKeyIdBytes } from "./master-keys.ts";

export type Purpose = "session token" | "authorization message";

const version = 1;
const saltBytes = 16;
const tagBytes = 16;
const saltStart = 1 + masterKeyIdBytes;
const headBytes = saltStart + saltBytes;
/** Characters of a text that is opened at all: more than any that was ever made. */
const textLengthMax = 16 * 1024;
const plainBytesMax = 256 * 1024;

export function sealText(
  plain: string,
  purpose: Purpose,
  masterKey: MasterKey,
  random: Random,
): string {
  const salt = random.bytes(saltBytes);
  const { key, nonce } = derive(masterKey, salt, purpose);
  const head = Buffer.concat([Buffer.from([version]), Buffer.from(masterKey.id, "hex"), salt]);
  const cipher = createCipheriv("aes-256-gcm", key, nonce, { authTagLength: tagBytes });
  cipher.setAAD(head);
  const text = Buffer.concat([cipher.update(deflateRawSync(plain)), cipher.final()]);
  return Buffer.concat([head, text, cipher.getAuthTag()]).toString("base64url");
}

/** Undefined: not made here for this purpose, under a key that is no longer good, cut short, or changed in any bit. */
export function openText(
  sealed: string,
  purpose: Purpose,
  masterKeys: Pick<MasterKeys, "findForText">,
  nowMs: number,
): string | undefined {
  if (sealed.length > textLengthMax || !/^[\w-]+$/.test(sealed)) return undefined;
  const bytes = Buffer.from(sealed, "base64url");
  // Its last characters can be written in several ways that decode to the same bytes: only one of them was made here.
  if (bytes.toString("base64url") !== sealed) return undefined;
  if (bytes.length < headBytes + tagBytes || bytes[0] !== version) return undefined;
  const head = bytes.subarray(0, headBytes);
  const masterKey = masterKeys.findForText(head.toString("hex", 1, saltStart), nowMs);
  if (masterKey === undefined) return undefined;
  const { key, nonce } = derive(masterKey, head.subarray(saltStart), purpose);
  const decipher = createDecipheriv("aes-256-gcm", key, nonce, { authTagLength: tagBytes });
  decipher.setAAD(head);
  decipher.setAuthTag(bytes.subarray(-tagBytes));
  try {
    const text = decipher.update(bytes.subarray(headBytes, -tagBytes));
    const plain = Buffer.concat([text, decipher.final()]);
    return inflateRawSync(plain, { maxOutputLength: plainBytesMax }).toString("utf8");
  } catch {
    // The tag does not match. Why not is nobody's business.
    return undefined;
  }
}

function derive(masterKey: MasterKey, salt: Buffer, purpose: Purpose) {
  const bytes = Buffer.from(
    hkdfSync("sha256", masterKey.bytes, salt, `cairn ${purpose} v${version}`, 44),
  );
  return { key: bytes.subarray(0, 32), nonce: bytes.subarray(32) };
}
