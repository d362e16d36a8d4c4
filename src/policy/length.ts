// How long a policy is as AWS counts it, and how long it may be.
// Source: IAM user guide, "IAM and AWS STS quotas"; AWS Organizations user guide, "Quotas".
import { CairnError } from "../base/errors.ts";

/** Characters, without white space. Inline policies of one principal count together. */
export const policyLengthMax = {
  managed: 6144,
  userInline: 2048,
  groupInline: 5120,
  roleInline: 10_240,
  trust: 2048,
  session: 2048,
  serviceControl: 10_240,
} as const;

export type PolicyQuota = keyof typeof policyLengthMax;

/** White space does not count. */
export function policyLength(document: string): number {
  return document.replaceAll(/\s/g, "").length;
}

/** `documents`: all that count together. `owner`, as IAM names it: `user Bob`. */
export function checkPolicyLength(
  quota: PolicyQuota,
  documents: readonly string[],
  owner = "",
): void {
  const max = policyLengthMax[quota];
  const length = documents.reduce((sum, document) => sum + policyLength(document), 0);
  if (length <= max) return;
  const detail = { length, max, quota };
  if (quota === "trust")
    throw new CairnError("LimitExceeded", `Cannot exceed quota for ACLSizePerRole: ${max}`, {
      detail,
    });
  if (quota === "managed")
    throw new CairnError("LimitExceeded", `Cannot exceed quota for PolicySize: ${max}`, { detail });
  const whose = owner === "" ? "" : ` for ${owner}`;
  throw new CairnError("LimitExceeded", `Maximum policy size of ${max} bytes exceeded${whose}`, {
    detail,
  });
}
