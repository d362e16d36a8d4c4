// The decision: may this principal do this to that resource? AWS's documented order of evaluation.
//
//   any Deny that applies ───────────────────────────────────────────────► explicit deny
//   organization: each level must allow, for the root user too ──────────► implicit deny
//   the resource's policy (a role's trust policy must say yes; another account's resource as well)
//     names the principal itself ────────────────────────────────────────► allowed, in its own account
//     names the role or user behind a session: as an identity policy would
//   identity policies ─► permissions boundary ─► session policy ─────────► implicit deny, or allowed
//
// Sources: IAM user guide, "Policy evaluation for requests within a single account", "How AWS enforcement code logic
// evaluates requests", "Cross-account policy evaluation logic"; AWS Organizations user guide, "SCP evaluation".

import type { Policy, PolicyKind, Statement } from "./policy.ts";
import { type Closeness, closeness, closenessOf, type Principal } from "./principal.ts";
import { type Asked, isAbout } from "./statement.ts";
import type { RequestContext } from "./template.ts";

/** What hangs on a principal. It is the same for all of its requests, so it can be kept. */
export interface PrincipalPolicies {
  /** Of the user and its groups, or of the role. */
  readonly identity: readonly Policy[];
  readonly boundary?: Policy | undefined;
  /** Undefined: none were passed when the session was made. */
  readonly session?: readonly Policy[] | undefined;
  /**
   * Service control policies, one list for each level from the organization's root to the account. Undefined where none
   * apply: no organization, its management account, a service-linked role.
   */
  readonly serviceControl?: readonly (readonly Policy[])[] | undefined;
}

export interface AuthorizationRequest {
  readonly principal: Principal;
  readonly policies: PrincipalPolicies;
  /** `cloudtrail:LookupEvents` */
  readonly action: string;
  /** An ARN; `*` for an operation that is about no resource. */
  readonly resource: string;
  /** The account that owns the resource; undefined: the principal's own. */
  readonly resourceAccountId?: string | undefined;
  /** The policies on the resource; for `sts:AssumeRole*` the role's trust policy. */
  readonly resourcePolicies?: readonly Policy[] | undefined;
  readonly context: RequestContext;
}

export type Decision =
  | { readonly allowed: true; readonly by: "identity" | "resource" | "root" }
  | {
      readonly allowed: false;
      /** A Deny applied, rather than no Allow. */
      readonly explicit: boolean;
      /** The kind of policy that denied, or that had to allow. */
      readonly by: PolicyKind;
      /** The statement of an explicit deny, and its policy. */
      readonly policy?: Policy;
      readonly statement?: Statement;
    };

const allowedByIdentity: Decision = { allowed: true, by: "identity" };
const allowedByResource: Decision = { allowed: true, by: "resource" };
const allowedAsRoot: Decision = { allowed: true, by: "root" };
const implicit: Readonly<Record<PolicyKind, Decision>> = {
  identity: { allowed: false, explicit: false, by: "identity" },
  boundary: { allowed: false, explicit: false, by: "boundary" },
  session: { allowed: false, explicit: false, by: "session" },
  resource: { allowed: false, explicit: false, by: "resource" },
  trust: { allowed: false, explicit: false, by: "trust" },
  serviceControl: { allowed: false, explicit: false, by: "serviceControl" },
};

const none: readonly Policy[] = [];

/** Pure: the same request gives the same decision. Never throws. */
export function evaluate(request: AuthorizationRequest): Decision {
  const { principal, policies, action } = request;
  const resourcePolicies = request.resourcePolicies ?? none;
  const lower = action.toLowerCase();
  const colon = lower.indexOf(":");
  const asked: Asked = {
    service: lower.slice(0, Math.max(colon, 0)),
    operation: lower.slice(colon + 1),
    resource: request.resource,
    context: request.context,
  };

  const denied = findDeny(request, resourcePolicies, asked);
  if (denied !== undefined) return denied;

  for (const level of policies.serviceControl ?? none)
    if (!anyAllows(level as readonly Policy[], asked)) return implicit.serviceControl;

  const granted = closestAllow(resourcePolicies, asked, principal);
  // A role is assumed only by whom its trust policy lets; no identity policy makes up for that.
  const trust = resourcePolicies.some((policy) => policy.kind === "trust");
  const byResource = trust ? implicit.trust : implicit.resource;
  if (
    principal.kind === "anonymous" ||
    principal.kind === "service" ||
    principal.kind === "federated"
  )
    return granted === closeness.direct ? allowedByResource : byResource;

  const owner = request.resourceAccountId ?? principal.accountId;
  const crosses = owner !== principal.accountId;
  if ((crosses || trust) && granted === closeness.none) return byResource;
  if (principal.kind === "root") return allowedAsRoot;
  if (!crosses && granted === closeness.direct) return allowedByResource;

  // Another account's resource policy opens its side only: this account must let the principal out by its own policies.
  const own = !crosses && granted === closeness.issuer;
  const ofRoot = principal.kind === "federatedUser" && principal.issuer === undefined;
  if (!own && !ofRoot && !anyAllows(policies.identity, asked)) return implicit.identity;
  if (policies.boundary !== undefined && !allows(policies.boundary, asked))
    return implicit.boundary;
  const { session } = policies;
  // A federation token without a policy may do nothing; a role's session without one may do what the role may.
  if (session === undefined ? principal.kind === "federatedUser" : !anyAllows(session, asked))
    return implicit.session;
  return own ? allowedByResource : allowedByIdentity;
}

/** AWS names one policy type even when several deny; this is the order of its page. */
function findDeny(
  { principal, policies }: AuthorizationRequest,
  resourcePolicies: readonly Policy[],
  asked: Asked,
): Decision | undefined {
  for (const level of policies.serviceControl ?? none) {
    const denied = denyOf("serviceControl", level as readonly Policy[], asked);
    if (denied !== undefined) return denied;
  }
  for (const policy of resourcePolicies) {
    for (const statement of policy.denies) {
      if (
        closenessIn(statement, principal, policies.boundary !== undefined) !== closeness.none &&
        isAbout(statement, asked)
      )
        return explicitDeny(policy.kind, policy, statement);
    }
  }
  return (
    denyOf("identity", policies.identity, asked) ??
    (policies.boundary === undefined ? undefined : denyIn("boundary", policies.boundary, asked)) ??
    denyOf("session", policies.session ?? none, asked)
  );
}

function denyOf(by: PolicyKind, policies: readonly Policy[], asked: Asked): Decision | undefined {
  for (const policy of policies) {
    const denied = denyIn(by, policy, asked);
    if (denied !== undefined) return denied;
  }
  return undefined;
}

function denyIn(by: PolicyKind, policy: Policy, asked: Asked): Decision | undefined {
  for (const statement of policy.denies)
    if (isAbout(statement, asked)) return explicitDeny(by, policy, statement);
  return undefined;
}

function explicitDeny(by: PolicyKind, policy: Policy, statement: Statement): Decision {
  return { allowed: false, explicit: true, by, policy, statement };
}

function anyAllows(policies: readonly Policy[], asked: Asked): boolean {
  for (const policy of policies) if (allows(policy, asked)) return true;
  return false;
}

function allows(policy: Policy, asked: Asked): boolean {
  for (const statement of policy.allows) if (isAbout(statement, asked)) return true;
  return false;
}

function closestAllow(policies: readonly Policy[], asked: Asked, principal: Principal): Closeness {
  let closest: Closeness = closeness.none;
  for (const policy of policies) {
    for (const statement of policy.allows) {
      const close = closenessIn(statement, principal, false);
      if (close <= closest || !isAbout(statement, asked)) continue;
      if (close === closeness.direct) return close;
      closest = close;
    }
  }
  return closest;
}

function closenessIn(statement: Statement, principal: Principal, bounded: boolean): Closeness {
  return statement.principals === undefined
    ? closeness.none
    : closenessOf(statement.principals, principal, statement.effect, bounded);
}
