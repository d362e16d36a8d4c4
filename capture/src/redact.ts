// Hides secrets: members with a telling name become CloudTrail's own marker, and their values are taken out of messages.

export const hiddenMarker = "HIDDEN_DUE_TO_SECURITY_REASONS";

/** Hidden wherever such a word stands in a member's name, written in any case, with or without `-` and `_`. */
const hiddenWords = [
  "password",
  "passwd",
  "passphrase",
  "passcode",
  "secret",
  "apikey",
  "privatekey",
  "credential",
  "authorization",
  "cookie",
  "jwt",
  "bearer",
  "cardnumber",
  "securitycode",
  "verificationcode",
  "confirmationcode",
];

/** Hidden when this is the whole name: as a part of a longer word these are harmless (`pinned`, `spwd`). */
const hiddenNames = [
  "auth",
  "pwd",
  "pass",
  "pin",
  "otp",
  "totp",
  "mfacode",
  "code",
  "codeverifier",
  "sid",
  "sessionid",
  "session",
  "cvv",
  "cvc",
  "ssn",
  "signature",
  "sig",
  "assertion",
  "samlresponse",
  "samlrequest",
];

/** Tokens are secrets, apart from the ones that only turn pages or make a call idempotent. */
const harmlessTokens = [
  "nexttoken",
  "pagetoken",
  "nextpagetoken",
  "continuationtoken",
  "startingtoken",
  "clienttoken",
  "clientrequesttoken",
  "idempotencytoken",
];

export interface RedactOptions {
  /** More member names to hide, compared without case, `-` and `_`. */
  names?: readonly string[];
  /** Names to show although the built-in list would hide them. */
  allow?: readonly string[];
}

export type HidesName = (name: string) => boolean;

export function hiddenBy(options: RedactOptions = {}): HidesName {
  const more = new Set(options.names?.map(plain));
  const allow = new Set(options.allow?.map(plain));
  const known = new Map<string, boolean>();
  return (name) => {
    let hidden = known.get(name);
    if (hidden === undefined) {
      const word = plain(name);
      hidden = more.has(word) || (!allow.has(word) && isTelling(word));
      // Names come from callers too: what is remembered has a bound.
      if (known.size < 1000) known.set(name, hidden);
    }
    return hidden;
  };
}

function plain(name: string): string {
  return name.toLowerCase().replaceAll(/[^a-z0-9]/g, "");
}

function isTelling(word: string): boolean {
  if (word.includes("token")) return !harmlessTokens.includes(word);
  return hiddenNames.includes(word) || hiddenWords.some((hidden) => word.includes(hidden));
}

/** Deeper members are left out; far above what an API takes, far below a stack. */
const depthMax = 32;
/** Values that are looked for in messages. More are hidden, but not looked for. */
const foundMax = 64;
/** Shorter values stand in messages by chance. */
const foundLengthMin = 4;

/**
 * A copy that JSON can hold, without secrets. Cycles, functions and classes of the application cannot hurt: what has no
 * place in JSON is left out. The hidden values are added to `found`.
 */
export function cleanCopy(
  value: unknown,
  hides: HidesName,
  found: Set<string> = new Set(),
): unknown {
  return copy(value, hides, found, 0);
}

function copy(value: unknown, hides: HidesName, found: Set<string>, depth: number): unknown {
  if (typeof value === "string" || typeof value === "boolean") return value;
  if (typeof value === "number") return Number.isFinite(value) ? value : null;
  if (typeof value === "bigint") return value.toString();
  if (typeof value !== "object") return undefined;
  if (value === null) return null;
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? null : value.toISOString();
  if (ArrayBuffer.isView(value) || value instanceof ArrayBuffer) {
    return `(${value.byteLength} bytes)`;
  }
  if (depth >= depthMax) return undefined;
  if (Array.isArray(value)) {
    return value.map((item) => copy(item, hides, found, depth + 1) ?? null);
  }
  // No prototype: a member called `__proto__` is a member like any other.
  const members = Object.create(null) as Record<string, unknown>;
  for (const [name, member] of Object.entries(value)) {
    if (member === undefined || typeof member === "function") continue;
    if (hides(name)) {
      collect(member, found, depth);
      members[name] = hiddenMarker;
    } else {
      const copied = copy(member, hides, found, depth + 1);
      if (copied !== undefined) members[name] = copied;
    }
  }
  return members;
}

/** Remembers every string and number inside a hidden member. */
function collect(value: unknown, found: Set<string>, depth: number): void {
  if (found.size >= foundMax || depth > depthMax) return;
  if (typeof value === "string" || typeof value === "number") {
    const text = String(value);
    if (text.length >= foundLengthMin) found.add(text);
  } else if (typeof value === "object" && value !== null) {
    for (const member of Object.values(value)) collect(member, found, depth + 1);
  }
}

/** The text without the values that were hidden elsewhere, e.g. a password that an error message repeats. */
export function scrub(text: string, found: ReadonlySet<string>): string {
  let scrubbed = text;
  // Longest first, so that one secret inside another leaves no rest.
  for (const value of [...found].toSorted((a, b) => b.length - a.length)) {
    scrubbed = scrubbed.replaceAll(value, hiddenMarker);
  }
  return scrubbed;
}
