// Everything that says what a caller may do by itself, read together for the evaluation of one request.
import { isCairnError } from "../base/errors.ts";
import type { CallerSession, VerifiedCaller } from "../event/user-identity.ts";
import type { Core } from "./core.ts";
import { defaultDocument, type ManagedPolicies } from "./managed-policies.ts";
import {
  type Group,
  keys,
  type Permissions,
  type RoleDocument,
  type UserDocument,
} from "./model.ts";
import { isServiceLinked } from "./roles.ts";
import { serviceControlOf } from "./service-control-policies.ts";
import type { Tags } from "./tags.ts";

export interface NamedPolicy {
  /** Of an inline policy its name, of a managed one its ARN. */
  name: string;
  document: string;
}

export interface PermissionSet {
  /** The root user: no identity policy bounds it. Sessions of it still have their own policies. */
  isRoot: boolean;
  /** Of the user and its groups, or of the role. */
  identity: NamedPolicy[];
  /** Left out: none. */
  boundary?: NamedPolicy;
  /** Left out: a session without policies of its own, or none at all. Each bounds what the others give together. */
  session?: NamedPolicy[];
  /** Of the organization, by level from its root to the account. Left out: none apply. */
  serviceControl?: NamedPolicy[][];
  /** `aws:PrincipalTag/…`: the principal's tags, and over them the session's. */
  tags: Tags;
}

export async function readPermissionSet(
  core: Core,
  policies: ManagedPolicies,
  caller: VerifiedCaller,
): Promise<PermissionSet> {
  const own = await ownPermissions(core, policies, caller);
  const session = "session" in caller ? caller.session : undefined;
  const policiesOfSession = await sessionPolicies(policies, caller.accountId, session);
  const serviceControl = await serviceControlPolicies(core, caller);
  return {
    ...own,
    tags: overlaid(own.tags, session?.tags),
    ...(serviceControl === undefined ? {} : { serviceControl }),
    ...(policiesOfSession === undefined ? {} : { session: policiesOfSession }),
  };
}

async function ownPermissions(
  core: Core,
  policies: ManagedPolicies,
  caller: VerifiedCaller,
): Promise<PermissionSet> {
  const { documents } = core;
  const { accountId } = caller;
  switch (caller.kind) {
    case "root":
      return { isRoot: true, identity: [], tags: {} };
    case "service":
      return { isRoot: false, identity: [], tags: {} };
    case "role": {
      const role = await documents.get<RoleDocument>(keys.role(accountId, caller.roleName));
      if (role?.roleId !== caller.roleId) return { isRoot: false, identity: [], tags: {} };
      return holderPermissions(policies, accountId, role, [], role.tags);
    }
    case "user":
    case "federated": {
      const named = caller.kind === "user" ? caller : caller.issuer;
      if (named.kind === "root") return { isRoot: true, identity: [], tags: {} };
      const user = await documents.get<UserDocument>(keys.user(accountId, named.userName));
      if (user?.userId !== named.userId) return { isRoot: false, identity: [], tags: {} };
      const groups = await Promise.all(
        (user.groups ?? []).map((name) => documents.get<Group>(keys.group(accountId, name))),
      );
      const present = groups.filter((group) => group !== undefined);
      return holderPermissions(policies, accountId, user, present, user.tags);
    }
  }
}

async function holderPermissions(
  policies: ManagedPolicies,
  accountId: string,
  holder: Permissions,
  groups: readonly Group[],
  tags: Tags = {},
): Promise<PermissionSet> {
  const all = [holder, ...groups];
  const inline = all.flatMap(({ inlinePolicies = {} }) =>
    Object.entries(inlinePolicies).map(([name, document]) => ({ name, document })),
  );
  const arns = new Set(all.flatMap(({ attachedPolicyArns = [] }) => attachedPolicyArns));
  const attached = await Promise.all([...arns].map((arn) => managed(policies, accountId, arn)));
  const { boundaryArn } = holder;
  return {
    isRoot: false,
    identity: [...inline, ...attached],
    tags,
    ...(boundaryArn === undefined
      ? {}
      : { boundary: await managed(policies, accountId, boundaryArn) }),
  };
}

async function sessionPolicies(
  policies: ManagedPolicies,
  accountId: string,
  session: CallerSession | undefined,
): Promise<NamedPolicy[] | undefined> {
  const { policy, policyArns = [] } = session ?? {};
  if (policy === undefined && policyArns.length === 0) return undefined;
  // A policy that was deleted meanwhile gives the session nothing any more.
  const attached = await Promise.all(
    policyArns.map((arn) =>
      managed(policies, accountId, arn).catch((error: unknown) => {
        if (isCairnError(error, "NoSuchEntity")) return [];
        throw error;
      }),
    ),
  );
  return [
    ...(policy === undefined ? [] : [{ name: "session", document: policy }]),
    ...attached.flat(),
  ];
}

/** They bind root users, too, but neither services nor the roles that services use as their own. */
async function serviceControlPolicies(
  { documents }: Core,
  caller: VerifiedCaller,
): Promise<NamedPolicy[][] | undefined> {
  if (caller.kind === "service" || (caller.kind === "role" && isServiceLinked(caller))) {
    return undefined;
  }
  const levels = await serviceControlOf(documents, caller.accountId);
  return levels?.map((level) => level.map(({ id, content }) => ({ name: id, document: content })));
}

async function managed(
  policies: ManagedPolicies,
  accountId: string,
  arn: string,
): Promise<NamedPolicy> {
  return { name: arn, document: defaultDocument(await policies.get(accountId, arn)) };
}

/** Keys are told apart without regard to case; the session's win. */
function overlaid(tags: Tags, over: Tags | undefined): Tags {
  if (over === undefined) return tags;
  const taken = new Set(Object.keys(over).map((key) => key.toLowerCase()));
  const kept = Object.entries(tags).filter(([key]) => !taken.has(key.toLowerCase()));
  return { ...Object.fromEntries(kept), ...over };
}
