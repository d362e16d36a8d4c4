// The question that a role's trust policy answers. Who answers it stands above: the directory only keeps the policy.
import type { VerifiedCaller, WebIdentityCaller } from "../event/user-identity.ts";
import type { Role } from "./model.ts";

export interface TrustQuestion {
  action:
    | "sts:AssumeRole"
    | "sts:AssumeRoleWithWebIdentity"
    | "sts:TagSession"
    | "sts:SetSourceIdentity";
  /** With its trust policy. */
  role: Role;
  caller: VerifiedCaller | WebIdentityCaller;
  /** Condition keys of the request, such as `sts:ExternalId`; what follows from the caller is not among them. */
  context: Readonly<Record<string, readonly string[]>>;
}

/** Allowed: both the role's trust policy and, where they must, the caller's own policies say so. */
export type TrustVerdict =
  | { allowed: true }
  /** `message`: the refusal in AWS's words, where more can be said than that it is one. */
  | { allowed: false; message?: string };

export type MayAssume = (question: TrustQuestion) => TrustVerdict | Promise<TrustVerdict>;
