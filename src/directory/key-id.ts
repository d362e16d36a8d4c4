// Access key ids that say whose account they belong to, in the form that the tools which read it expect.
//
//   AKIA or ASIA, then 80 bits in base32:  1 · account id (40 bits) · 39 random bits
//
// Source: "A short note on AWS KEY ID" by Tal Be'ery, 2023. Older ids begin with a zero bit and say nothing.
import type { Random } from "../base/random.ts";

const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
const randomBits = 39n;
const idBits = 80n;

export function makeKeyId(random: Random, prefix: "AKIA" | "ASIA", accountId: string): string {
  const chance = BigInt(`0x${random.bytes(5).toString("hex")}`) & ((1n << randomBits) - 1n);
  let bits = (1n << (idBits - 1n)) | (BigInt(accountId) << randomBits) | chance;
  let text = "";
  for (let index = 0; index < 16; index++) {
    text = alphabet[Number(bits & 31n)] + text;
    bits >>= 5n;
  }
  return prefix + text;
}

/** Undefined: the id does not say. */
export function accountOfKeyId(accessKeyId: string): string | undefined {
  if (!/^A[KS]IA[A-Z2-7]{16}$/.test(accessKeyId)) return undefined;
  let bits = 0n;
  for (const letter of accessKeyId.slice(4)) bits = (bits << 5n) | BigInt(alphabet.indexOf(letter));
  const accountId = (bits >> randomBits) & ((1n << 40n) - 1n);
  const isNew = bits >> (idBits - 1n) === 1n;
  return isNew && accountId < 10n ** 12n ? String(accountId).padStart(12, "0") : undefined;
}
