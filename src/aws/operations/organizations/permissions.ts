// What each operation of Organizations is about, and which condition keys it has.
// Source: Service Authorization Reference, "Actions, resources, and condition keys for AWS Organizations".
import { type KeyValue, tagKeys } from "../../../directory/condition-keys.ts";
import { handshakeArn } from "../../../directory/memberships.ts";
import { organizationPartArn } from "../../../directory/organizations.ts";
import { policyArn, serviceControlType } from "../../../directory/service-control-policies.ts";
import type { Tag } from "../../../directory/tags.ts";
import { ifThere, type Needed, type Permission, type PermissionCall } from "../../permission.ts";

type KeysOf = (call: PermissionCall) => (readonly [string, KeyValue])[];

const text = ({ input }: PermissionCall, member: string): string =>
  (input[member] as string | undefined) ?? "";

const givenTags: KeysOf = ({ input }) => tagKeys((input["Tags"] ?? []) as unknown as Tag[]);
const serviceKey: KeysOf = ({ input }) => {
  const principal = input["ServicePrincipal"] as string | undefined;
  return principal === undefined ? [] : [["organizations:serviceprincipal", principal]];
};

/** Every policy that there is has the one type. */
const policyTypeKey: KeysOf = ({ input }) => {
  const given = input["Type"] ?? input["Filter"] ?? input["PolicyType"] ?? serviceControlType;
  return [["organizations:policytype", given as string]];
};

/** About no part of the organization; refusals say `*`. */
function whole(...keysOf: KeysOf[]): Permission {
  return (call) => [
    { resource: "*", resourceName: "*", keys: keysOf.flatMap((each) => each(call)) },
  ];
}

/** About accounts, units or the root: which of them an id means shows in its form. */
function parts(members: readonly string[], ...keysOf: KeysOf[]): Permission {
  return async (call) => {
    const { accountId } = call.caller;
    const membership = await call.directory.organizations.membership(accountId);
    return members.map((member) => {
      const id = text(call, member);
      const kind = id.startsWith("ou-") ? "ou" : id.startsWith("r-") ? "root" : "account";
      return {
        resource:
          membership === undefined ? "*" : organizationPartArn(membership.organization, kind, id),
        keys: keysOf.flatMap((each) => each(call)),
      };
    });
  };
}

/** About a policy, and about what it hangs on or is to hang on; one that is to be made has no id yet. */
function policy(members: readonly string[] = [], ...keysOf: KeysOf[]): Permission {
  return async (call) => {
    const membership = await call.directory.organizations.membership(call.caller.accountId);
    const id = (call.input["PolicyId"] as string | undefined) ?? "*";
    const keys = [policyTypeKey, ...keysOf].flatMap((each) => each(call));
    const targets = parts(members, policyTypeKey);
    return [
      { resource: membership === undefined ? "*" : policyArn(membership.organization, id), keys },
      ...(await needed(targets, call)),
    ];
  };
}

/** Of the account that asks, where it names no other. */
const effective: Permission = async (call) => {
  const { accountId } = call.caller;
  const target = text(call, "TargetId") === "" ? accountId : text(call, "TargetId");
  return needed(parts(["TargetId"], policyTypeKey), {
    ...call,
    input: { ...call.input, TargetId: target },
  });
};

/** Of an account only its id says which it is. */
const invited: Permission = async (call) => {
  const { Id, Type } = (call.input["Target"] ?? {}) as { Id?: string; Type?: string };
  if (Type !== "ACCOUNT" || Id === undefined) return needed(whole(givenTags), call);
  const input = { ...call.input, AccountId: Id };
  return needed(parts(["AccountId"], givenTags), { ...call, input });
};

/** Refusals read alike for one that is there and one that is not. */
const handshake: Permission = async (call) => {
  const id = text(call, "HandshakeId");
  const found = await ifThere(call.directory.memberships.handshake(call.caller.accountId, id));
  return [
    {
      resource: found === undefined ? "*" : handshakeArn(found),
      resourceName: `handshake ${id.slice(0, 64)}`,
    },
  ];
};

async function needed(permission: Permission, call: PermissionCall): Promise<readonly Needed[]> {
  return typeof permission === "function" ? permission(call) : [];
}

export const organizationsPermissions = {
  CreateOrganization: whole(),
  DescribeOrganization: whole(),
  DeleteOrganization: whole(),
  ListAccounts: whole(),
  DescribeAccount: parts(["AccountId"]),
  CreateAccount: whole(givenTags),
  DescribeCreateAccountStatus: whole(),
  ListCreateAccountStatus: whole(),

  ListRoots: whole(),
  ListParents: parts(["ChildId"]),
  ListChildren: parts(["ParentId"]),
  ListAccountsForParent: parts(["ParentId"]),
  ListOrganizationalUnitsForParent: parts(["ParentId"]),
  CreateOrganizationalUnit: parts(["ParentId"], givenTags),
  DescribeOrganizationalUnit: parts(["OrganizationalUnitId"]),
  UpdateOrganizationalUnit: parts(["OrganizationalUnitId"]),
  DeleteOrganizationalUnit: parts(["OrganizationalUnitId"]),
  MoveAccount: parts(["AccountId", "SourceParentId", "DestinationParentId"]),

  EnableAWSServiceAccess: whole(serviceKey),
  DisableAWSServiceAccess: whole(serviceKey),
  ListAWSServiceAccessForOrganization: whole(),
  RegisterDelegatedAdministrator: parts(["AccountId"], serviceKey),
  DeregisterDelegatedAdministrator: parts(["AccountId"], serviceKey),
  ListDelegatedAdministrators: whole(serviceKey),
  ListDelegatedServicesForAccount: parts(["AccountId"]),

  CreatePolicy: policy([], givenTags),
  UpdatePolicy: policy(),
  DeletePolicy: policy(),
  DescribePolicy: policy(),
  ListPolicies: whole(policyTypeKey),
  AttachPolicy: policy(["TargetId"]),
  DetachPolicy: policy(["TargetId"]),
  ListPoliciesForTarget: parts(["TargetId"], policyTypeKey),
  ListTargetsForPolicy: policy(),
  EnablePolicyType: parts(["RootId"], policyTypeKey),
  DisablePolicyType: parts(["RootId"], policyTypeKey),
  DescribeEffectivePolicy: effective,

  InviteAccountToOrganization: invited,
  AcceptHandshake: handshake,
  DeclineHandshake: handshake,
  CancelHandshake: handshake,
  DescribeHandshake: handshake,
  ListHandshakesForAccount: whole(),
  ListHandshakesForOrganization: whole(),
  LeaveOrganization: whole(),
  RemoveAccountFromOrganization: parts(["AccountId"]),
} satisfies Record<string, Permission>;

export type OrganizationsOperation = keyof typeof organizationsPermissions;
