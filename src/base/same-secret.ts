// Compares secrets and what proves them: how long it takes tells nothing of where two begin to differ.
import { timingSafeEqual } from "node:crypto";

/** Only the length may be guessed from the time it takes; that of a key or a signature is known. */
export function isSameSecret(one: string, other: string): boolean {
  const bytes = Buffer.from(one);
  const others = Buffer.from(other);
  return bytes.length === others.length && timingSafeEqual(bytes, others);
}
