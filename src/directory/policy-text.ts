// What a policy document must be before anything reads its meaning: JSON of one of the known versions, with statements.
import { CairnError } from "../base/errors.ts";
import type { PolicyKind } from "./core.ts";
import { checkLength } from "./names.ts";

/** Used where the roof gives no check of the policy language. */
export function checkPolicyText(_kind: PolicyKind, text: string): void {
  let policy: unknown;
  try {
    policy = JSON.parse(text);
  } catch (cause) {
    throw new CairnError("MalformedPolicyDocument", "This policy contains invalid Json", { cause });
  }
  const { Version, Statement } = (policy ?? {}) as { Version?: unknown; Statement?: unknown };
  const isKnown = Version === undefined || Version === "2012-10-17" || Version === "2008-10-17";
  if (!isKnown || !isObject(policy) || !isObject(Statement)) {
    throw new CairnError("MalformedPolicyDocument", "Syntax errors in policy.");
  }
}

function isObject(value: unknown): boolean {
  return typeof value === "object" && value !== null;
}

/** What the quotas count: everything but white space. */
export function policySize(text: string): number {
  return text.replaceAll(/\s/g, "").length;
}

/** The characters that IAM takes in a document, before it is read at all. */
export function checkPolicyCharacters(text: string): void {
  checkLength(text, "policyDocument", 1, 131_072);
  if (/^[\t\n\r\u0020-\u00ff]+$/.test(text)) return;
  throw new CairnError(
    "MalformedPolicyDocument",
    "The policy document has a character outside \\u0009, \\u000A, \\u000D and \\u0020-\\u00FF.",
  );
}
