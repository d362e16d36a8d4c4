// What a policy document must be before it is kept, for each thing that keeps one.
import { CairnError } from "../base/errors.ts";
import { checkPolicyLength } from "../policy/length.ts";
import { parsePolicy } from "../policy/parse.ts";
import { checkLength } from "./names.ts";

/** Throws MalformedPolicyDocument for a text that is no managed policy, or LimitExceeded. */
export function checkManagedPolicy(document: string): void {
  checkPolicyCharacters(document);
  checkPolicyLength("managed", [document]);
  parsePolicy("identity", document, { managed: true });
}

/** How long the inline policies of one holder may be together is the holder's to say. */
export function checkInlinePolicy(document: string): void {
  checkPolicyCharacters(document);
  parsePolicy("identity", document);
}

export function checkTrustPolicy(document: string): void {
  checkPolicyCharacters(document);
  checkPolicyLength("trust", [document]);
  parsePolicy("trust", document);
}

/** STS takes other characters, too. */
export function checkSessionPolicy(document: string): void {
  checkPolicyLength("session", [document]);
  parsePolicy("session", document);
}

/** The characters that IAM takes in a document, before it is read at all. */
function checkPolicyCharacters(text: string): void {
  checkLength(text, "policyDocument", 1, 131_072);
  if (/^[\t\n\r\u0020-\u00ff]+$/.test(text)) return;
  throw new CairnError(
    "MalformedPolicyDocument",
    "The policy document has a character outside \\u0009, \\u000A, \\u000D and \\u0020-\\u00FF.",
  );
}
