// How a policy document is refused: in IAM's own words, which say little, and for the log in ours, which say where.
import { CairnError } from "../base/errors.ts";

/**
 * What IAM answers. Observed answers of IAM, as public issue threads and moto's tests against AWS record them; those
 * with a `{…}` name the part at fault.
 */
export const malformedTexts = {
  syntax: "Syntax errors in policy.",
  legacy: "The policy failed legacy parsing",
  version: "Policy document must be version 2012-10-17 or greater.",
  sidUnique: "Statement IDs (SID) in a single policy must be unique.",
  sidCharacters:
    "Statement IDs (SID) must be alpha-numeric. Check that your input satisfies the regular expression [0-9A-Za-z]*",
  noActions: "Policy statement must contain actions.",
  noResources: "Policy statement must contain resources.",
  noVendor: "Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc.",
  colons: "Actions/Condition can contain only one colon.",
  vendorRegex: "Resource vendor must be fully qualified and cannot contain regexes.",
  principal: "Policy document should not specify a principal.",
  noPrincipal: "Missing required field Principal",
  resource: "Has prohibited field Resource",
  trustAction: "AssumeRole policy may only specify STS AssumeRole actions.",
  /** Organizations has one answer for whatever is wrong. */
  serviceControl:
    "The provided policy document does not meet the requirements of the specified policy type.",
} as const;

/** `why` is for the log: what stands where, and what should. */
export function malformed(text: string, why: string): CairnError {
  return new CairnError("MalformedPolicyDocument", text, { detail: { why } });
}
