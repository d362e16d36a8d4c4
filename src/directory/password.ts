// Console passwords: hashed with scrypt, never kept. IAM's default rules of what a password must be.
//
//   scrypt$32768$8$1$<salt>$<hash>      N, r, p; salt and hash in base64url
import { type ScryptOptions, scrypt, timingSafeEqual } from "node:crypto";
import { CairnError } from "../base/errors.ts";
import type { Random } from "../base/random.ts";

/** OWASP's setting for 32 MiB: about 80 ms on a small machine. */
const cost = { N: 2 ** 15, r: 8, p: 1 };
const memoryBytesMax = 64 * 1024 * 1024;
const hashBytes = 32;
const saltBytes = 16;

export async function hashPassword(password: string, random: Random): Promise<string> {
  const salt = random.bytes(saltBytes);
  const hash = await derive(password, salt, cost);
  const { N, r, p } = cost;
  return `scrypt$${N}$${r}$${p}$${salt.toString("base64url")}$${hash.toString("base64url")}`;
}

/** A text that is no hash of ours matches nothing. */
export async function isPassword(password: string, hashed: string): Promise<boolean> {
  const [name, N, r, p, salt, hash] = hashed.split("$");
  if (name !== "scrypt" || salt === undefined || hash === undefined) return false;
  const expected = Buffer.from(hash, "base64url");
  const given = await derive(password, Buffer.from(salt, "base64url"), {
    N: Number(N),
    r: Number(r),
    p: Number(p),
  });
  return given.length === expected.length && timingSafeEqual(given, expected);
}

/** IAM's default policy: 8 to 128 characters, three of the four kinds, not the name itself. */
export function checkPassword(password: string, userName: string): void {
  if (password.length < 8) throw refuse("Password should have a minimum length of 8");
  if (password.length > 128) throw refuse("Password should have a maximum length of 128");
  const kinds = [/[A-Z]/, /[a-z]/, /\d/, /[^A-Za-z0-9]/].filter((kind) => kind.test(password));
  if (kinds.length < 3) {
    throw refuse(
      "Password should contain at least three of these: uppercase letters, lowercase letters, numbers, symbols",
    );
  }
  if (password.toLowerCase() === userName.toLowerCase()) {
    throw refuse("Password should not be the name of the user");
  }
}

function refuse(message: string): CairnError {
  return new CairnError("PasswordPolicyViolation", message);
}

function derive(password: string, salt: Buffer, options: ScryptOptions): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    // Two ways to type one character are one password.
    const text = password.normalize("NFC");
    scrypt(text, salt, hashBytes, { ...options, maxmem: memoryBytesMax }, (error, hash) =>
      error === null ? resolve(hash) : reject(error),
    );
  });
}
