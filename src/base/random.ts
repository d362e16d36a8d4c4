// Randomness: the only file that draws random numbers. Everything else takes a Random as an argument.
import { randomBytes, randomUUID } from "node:crypto";

export interface Random {
  /** A version 4 UUID, lower case. */
  uuid(): string;
  bytes(count: number): Buffer;
  /** `length` characters drawn evenly from `alphabet` (at most 256 characters). */
  text(length: number, alphabet: string): string;
}

const alphanumericUpper = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

export const systemRandom: Random = {
  uuid: () => randomUUID(),
  bytes: (count) => randomBytes(count),
  text: (length, alphabet) => textFrom(randomBytes, length, alphabet),
};

/** An IAM-style unique id: the four-letter prefix and 16 characters, e.g. `AIDA…`, `AKIA…`. */
export function uniqueId(random: Random, prefix: string): string {
  return prefix + random.text(16, alphanumericUpper);
}

function textFrom(draw: (count: number) => Buffer, length: number, alphabet: string): string {
  // Bytes at or above the largest multiple of the alphabet's size would favour its first characters.
  const limit = 256 - (256 % alphabet.length);
  let text = "";
  while (text.length < length) {
    for (const byte of draw(length * 2)) {
      if (byte < limit && text.length < length) text += alphabet[byte % alphabet.length];
    }
  }
  return text;
}
