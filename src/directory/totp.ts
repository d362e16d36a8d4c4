// One-time codes of virtual MFA devices: RFC 6238 with SHA-1, six digits, thirty seconds, as every app makes them.
import { createHmac, timingSafeEqual } from "node:crypto";

const stepMs = 30_000;
/** A code is taken one step early or late: clocks and fingers are not exact. */
const stepsOff = 1;

/** The code of one time step (RFC 4226, section 5.3). */
export function totpCode(seed: Buffer, step: number): string {
  const counter = Buffer.alloc(8);
  counter.writeBigUInt64BE(BigInt(step));
  const digest = createHmac("sha1", seed).update(counter).digest();
  const offset = (digest.at(-1) ?? 0) & 0xf;
  const number = digest.readUInt32BE(offset) & 0x7fffffff;
  return String(number % 1_000_000).padStart(6, "0");
}

export const totpStep = (nowMs: number) => Math.floor(nowMs / stepMs);

/** The step whose code it is, if that is about now and after `usedStep`; every step is compared, found or not. */
export function matchingStep(
  seed: Buffer,
  code: string,
  nowMs: number,
  usedStep = -1,
): number | undefined {
  const given = Buffer.from(code.padEnd(6).slice(0, 6));
  const now = totpStep(nowMs);
  let found: number | undefined;
  for (let step = now - stepsOff; step <= now + stepsOff; step++) {
    const matches = timingSafeEqual(Buffer.from(totpCode(seed, step)), given);
    if (matches && code.length === 6 && step > usedStep) found ??= step;
  }
  return found;
}

const base32Alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/** RFC 4648 without padding: what apps take as the seed. */
export function toBase32(bytes: Buffer): string {
  let text = "";
  let bits = 0;
  let value = 0;
  for (const byte of bytes) {
    value = (value << 8) | byte;
    for (bits += 8; bits >= 5; bits -= 5) text += base32Alphabet[(value >>> (bits - 5)) & 31];
    value &= (1 << bits) - 1;
  }
  return bits === 0 ? text : text + base32Alphabet[(value << (5 - bits)) & 31];
}

/** Of what `toBase32` made. */
export function fromBase32(text: string): Buffer {
  const bytes: number[] = [];
  let bits = 0;
  let value = 0;
  for (const letter of text) {
    value = (value << 5) | base32Alphabet.indexOf(letter);
    bits += 5;
    if (bits >= 8) {
      bits -= 8;
      bytes.push((value >>> bits) & 0xff);
      value &= (1 << bits) - 1;
    }
  }
  return Buffer.from(bytes);
}
