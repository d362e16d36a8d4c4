// What each operation of IAM is about, and which condition keys it has.
// Source: Service Authorization Reference, "Actions, resources, and condition keys for AWS Identity and Access
// Management". How refusals name things (`user Bob`, and an ARN for what is to be made): observed in public records.
import { type KeyValue, tagKeys } from "../../../directory/condition-keys.ts";
import { oidcProviderArn } from "../../../directory/oidc-providers.ts";
import { serviceLinkedRole } from "../../../directory/roles.ts";
import type { Tag, Tags } from "../../../directory/tags.ts";
import { roleArn, userArn } from "../../../event/user-identity.ts";
import { ifThere, type Needed, type Permission, type PermissionCall } from "../../permission.ts";

type Keys = (readonly [string, KeyValue])[];
type KeysOf = (call: PermissionCall, found: Found | undefined) => Keys;

/** What hangs on the thing that a call is about. */
interface Found {
  arn: string;
  tags?: Tags | undefined;
  boundaryArn?: string | undefined;
}

const text = ({ input }: PermissionCall, member: string): string =>
  (input[member] as string | undefined) ?? "";
const arnIn = ({ caller }: PermissionCall, rest: string) =>
  `arn:aws:iam::${caller.accountId}:${rest}`;

function keyFrom(key: string, member: string): KeysOf {
  return ({ input }) => {
    const value = input[member] as KeyValue | undefined;
    return value === undefined ? [] : [[key, value]];
  };
}

const policyKey = keyFrom("iam:policyarn", "PolicyArn");
const givenBoundary = keyFrom("iam:permissionsboundary", "PermissionsBoundary");
const givenTags: KeysOf = ({ input }) => tagKeys((input["Tags"] ?? []) as unknown as Tag[]);
const namedTags = keyFrom("aws:tagkeys", "TagKeys");
const serviceName = keyFrom("iam:awsservicename", "AWSServiceName");
const ownBoundary: KeysOf = (_call, found) =>
  found?.boundaryArn === undefined ? [] : [["iam:permissionsboundary", found.boundaryArn]];

function resourceTags(tags: Tags = {}): Keys {
  return Object.entries(tags).flatMap(([key, value]) => [
    [`aws:resourcetag/${key.toLowerCase()}`, value] as const,
    [`iam:resourcetag/${key.toLowerCase()}`, value] as const,
  ]);
}

/** About one thing that is there, or is looked for. */
function about(
  kind: string,
  nameOf: (call: PermissionCall) => string,
  find: (call: PermissionCall, name: string) => Promise<Found | undefined>,
  keysOf: readonly KeysOf[],
): Permission {
  return async (call) => {
    const name = nameOf(call);
    const found = await find(call, name);
    return [
      {
        resource: found?.arn ?? arnIn(call, `${kind.replace(" ", "-")}/${name}`),
        resourceName: `${kind} ${name}`,
        keys: [...resourceTags(found?.tags), ...keysOf.flatMap((each) => each(call, found))],
      },
    ];
  };
}

/** The named user, or whoever calls. */
function userNameOf(call: PermissionCall): string {
  const { caller } = call;
  return text(call, "UserName") || (caller.kind === "user" ? caller.userName : "");
}

async function findUser(call: PermissionCall, name: string): Promise<Found | undefined> {
  const user = await ifThere(call.directory.users.get(call.caller.accountId, name));
  return user && { arn: userArn(user), tags: user.tags, boundaryArn: user.boundaryArn };
}

async function findGroup(call: PermissionCall, name: string): Promise<Found | undefined> {
  const group = await ifThere(call.directory.groups.get(call.caller.accountId, name));
  return group && { arn: arnIn(call, `group${group.path}${group.groupName}`) };
}

async function findRole(call: PermissionCall, name: string): Promise<Found | undefined> {
  const role = await ifThere(call.directory.roles.get(call.caller.accountId, name));
  return role && { arn: roleArn(role), tags: role.tags, boundaryArn: role.boundaryArn };
}

async function findProfile(call: PermissionCall, name: string): Promise<Found | undefined> {
  const { instanceProfiles } = call.directory;
  const profile = await ifThere(instanceProfiles.get(call.caller.accountId, name));
  if (profile === undefined) return undefined;
  return {
    arn: arnIn(call, `instance-profile${profile.path}${profile.profileName}`),
    tags: profile.tags,
  };
}

const user = (...keysOf: KeysOf[]) => about("user", userNameOf, findUser, keysOf);
const group = (...keysOf: KeysOf[]) =>
  about("group", (call) => text(call, "GroupName"), findGroup, keysOf);
const role = (...keysOf: KeysOf[]) =>
  about("role", (call) => text(call, "RoleName"), findRole, keysOf);
const profile = (...keysOf: KeysOf[]) =>
  about("instance profile", (call) => text(call, "InstanceProfileName"), findProfile, keysOf);

/** A new name or path is another thing to have a say over: both are asked about. */
function moved(kind: "user" | "group", now: Permission, names: readonly [string, string]) {
  return async (call: PermissionCall): Promise<Needed[]> => {
    const [current] = await needed(now, call);
    if (current === undefined) return [];
    const [name, newName] = names;
    if (text(call, newName) === "" && text(call, "NewPath") === "") return [current];
    const [, path = "/"] = /:(?:user|group)(\/(?:.*\/)?)/.exec(current.resource) ?? [];
    const rest = `${text(call, "NewPath") || path}${text(call, newName) || text(call, name)}`;
    return [current, { resource: arnIn(call, `${kind}${rest}`) }];
  };
}

async function needed(permission: Permission, call: PermissionCall): Promise<readonly Needed[]> {
  return typeof permission === "function" ? permission(call) : [];
}

/** About something that is to be made, with its path. */
function made(kind: string, member: string, ...keysOf: KeysOf[]): Permission {
  return (call) => [
    {
      resource: arnIn(call, `${kind}${text(call, "Path") || "/"}${text(call, member)}`),
      keys: keysOf.flatMap((each) => each(call, undefined)),
    },
  ];
}

/** A managed policy, which calls name by its ARN. */
function policy(...keysOf: KeysOf[]): Permission {
  return async (call) => {
    const arn = text(call, "PolicyArn");
    const version = text(call, "VersionId");
    const found = await ifThere(call.directory.policies.get(call.caller.accountId, arn));
    return [
      {
        resource: arn,
        resourceName: `policy ${arn}${version === "" ? "" : ` version ${version}`}`,
        keys: [...resourceTags(found?.tags), ...keysOf.flatMap((each) => each(call, undefined))],
      },
    ];
  };
}

function provider(...keysOf: KeysOf[]): Permission {
  return async (call) => {
    const arn = text(call, "OpenIDConnectProviderArn");
    const found = await ifThere(call.directory.oidcProviders.get(call.caller.accountId, arn));
    return [
      {
        resource: found === undefined ? arn : oidcProviderArn(found),
        keys: [...resourceTags(found?.tags), ...keysOf.flatMap((each) => each(call, undefined))],
      },
    ];
  };
}

function device(...keysOf: KeysOf[]): Permission {
  return async (call) => {
    const serialNumber = text(call, "SerialNumber");
    const { mfaDevices } = call.directory;
    const found = await ifThere(mfaDevices.get(call.caller.accountId, serialNumber));
    return [
      {
        // As it is kept: another spelling must not be another resource.
        resource: found?.serialNumber ?? serialNumber,
        keys: [...resourceTags(found?.tags), ...keysOf.flatMap((each) => each(call, undefined))],
      },
    ];
  };
}

/** About all things of a kind, or those below a path. */
function all(kind: string): Permission {
  return (call) => [{ resource: arnIn(call, `${kind}${text(call, "PathPrefix") || "/"}`) }];
}

const account: Permission = () => [{ resource: "*", resourceName: "*" }];

/** The user that a key is of; no user of this account: nobody's. */
const keyOwner: Permission = async (call) => {
  const { directory, caller } = call;
  const found = await directory.accessKeys.find(text(call, "AccessKeyId"));
  const isOurs = found?.key.accountId === caller.accountId;
  const name = isOurs ? (found.key.userName ?? "") : "";
  const owner = name === "" ? undefined : await findUser(call, name);
  return [
    {
      resource: owner?.arn ?? arnIn(call, `user/${name}`),
      resourceName: `user ${name}`,
      keys: resourceTags(owner?.tags),
    },
  ];
};

/** Whoever lets machines use a role hands the role to them. */
const roleForProfile: Permission = async (call) => {
  const name = text(call, "RoleName");
  const found = await findRole(call, name);
  return [
    ...(await needed(profile(), call)),
    {
      action: "iam:PassRole",
      resource: found?.arn ?? arnIn(call, `role/${name}`),
      keys: [...resourceTags(found?.tags), ["iam:passedtoservice", "ec2.amazonaws.com"]],
    },
  ];
};

const linkedRole: Permission = (call) => {
  const suffix = text(call, "CustomSuffix");
  const { path, roleName } = serviceLinkedRole(
    text(call, "AWSServiceName"),
    suffix === "" ? undefined : suffix,
  );
  return [{ resource: arnIn(call, `role${path}${roleName}`), keys: serviceName(call, undefined) }];
};

/** `task/aws-service-role/x.amazonaws.com/AWSServiceRoleForX/…` */
const deletionTask: Permission = (call) => {
  const [, path = ""] =
    /^task\/(aws-service-role\/[^/]+\/[^/]+)\//.exec(text(call, "DeletionTaskId")) ?? [];
  return [{ resource: arnIn(call, `role/${path}`) }];
};

export const iamPermissions = {
  CreateUser: made("user", "UserName", givenTags, givenBoundary),
  GetUser: user(),
  ListUsers: all("user"),
  UpdateUser: moved("user", user(), ["UserName", "NewUserName"]),
  DeleteUser: user(),
  TagUser: user(givenTags),
  UntagUser: user(namedTags),
  ListUserTags: user(),
  ListSSHPublicKeys: user(),
  ListSigningCertificates: user(),
  ListServiceSpecificCredentials: user(),

  CreateGroup: made("group", "GroupName"),
  GetGroup: group(),
  ListGroups: all("group"),
  ListGroupsForUser: user(),
  UpdateGroup: moved("group", group(), ["GroupName", "NewGroupName"]),
  DeleteGroup: group(),
  AddUserToGroup: group(),
  RemoveUserFromGroup: group(),

  CreateRole: made("role", "RoleName", givenTags, givenBoundary),
  GetRole: role(),
  ListRoles: all("role"),
  UpdateRole: role(),
  UpdateRoleDescription: role(),
  UpdateAssumeRolePolicy: role(),
  DeleteRole: role(),
  CreateServiceLinkedRole: linkedRole,
  DeleteServiceLinkedRole: role(),
  GetServiceLinkedRoleDeletionStatus: deletionTask,
  TagRole: role(givenTags),
  UntagRole: role(namedTags),
  ListRoleTags: role(),

  CreatePolicy: (call: PermissionCall) => [
    {
      resource: arnIn(call, `policy${text(call, "Path") || "/"}${text(call, "PolicyName")}`),
      resourceName: `policy ${text(call, "PolicyName")}`,
      keys: givenTags(call, undefined),
    },
  ],
  GetPolicy: policy(),
  ListPolicies: (call: PermissionCall) => [
    { resource: "*", resourceName: `policy path ${text(call, "PathPrefix") || "/"}` },
  ],
  DeletePolicy: policy(),
  CreatePolicyVersion: policy(),
  GetPolicyVersion: policy(),
  ListPolicyVersions: policy(),
  DeletePolicyVersion: policy(),
  SetDefaultPolicyVersion: policy(),
  TagPolicy: policy(givenTags),
  UntagPolicy: policy(namedTags),
  ListPolicyTags: policy(),
  ListEntitiesForPolicy: policy(),

  PutUserPolicy: user(ownBoundary),
  GetUserPolicy: user(),
  ListUserPolicies: user(),
  DeleteUserPolicy: user(ownBoundary),
  AttachUserPolicy: user(policyKey, ownBoundary),
  DetachUserPolicy: user(policyKey, ownBoundary),
  ListAttachedUserPolicies: user(),
  PutUserPermissionsBoundary: user(givenBoundary),
  DeleteUserPermissionsBoundary: user(ownBoundary),

  PutGroupPolicy: group(),
  GetGroupPolicy: group(),
  ListGroupPolicies: group(),
  DeleteGroupPolicy: group(),
  AttachGroupPolicy: group(policyKey),
  DetachGroupPolicy: group(policyKey),
  ListAttachedGroupPolicies: group(),

  PutRolePolicy: role(ownBoundary),
  GetRolePolicy: role(),
  ListRolePolicies: role(),
  DeleteRolePolicy: role(ownBoundary),
  AttachRolePolicy: role(policyKey, ownBoundary),
  DetachRolePolicy: role(policyKey, ownBoundary),
  ListAttachedRolePolicies: role(),
  PutRolePermissionsBoundary: role(givenBoundary),
  DeleteRolePermissionsBoundary: role(ownBoundary),

  CreateAccessKey: user(),
  ListAccessKeys: user(),
  UpdateAccessKey: user(),
  DeleteAccessKey: user(),
  GetAccessKeyLastUsed: keyOwner,

  CreateLoginProfile: user(),
  GetLoginProfile: user(),
  UpdateLoginProfile: user(),
  DeleteLoginProfile: user(),
  ChangePassword: user(),

  CreateVirtualMFADevice: made("mfa", "VirtualMFADeviceName", givenTags),
  EnableMFADevice: user(),
  ResyncMFADevice: user(),
  DeactivateMFADevice: user(),
  DeleteVirtualMFADevice: device(),
  GetMFADevice: user(),
  ListMFADevices: user(),
  ListVirtualMFADevices: all("mfa"),
  TagMFADevice: device(givenTags),
  UntagMFADevice: device(namedTags),
  ListMFADeviceTags: device(),

  CreateOpenIDConnectProvider: (call: PermissionCall) => [
    {
      resource: arnIn(
        call,
        `oidc-provider/${text(call, "Url")
          .replace(/^https?:\/\//, "")
          .replace(/\/$/, "")}`,
      ),
      keys: givenTags(call, undefined),
    },
  ],
  GetOpenIDConnectProvider: provider(),
  ListOpenIDConnectProviders: (call: PermissionCall) => [
    { resource: arnIn(call, "oidc-provider/*") },
  ],
  DeleteOpenIDConnectProvider: provider(),
  UpdateOpenIDConnectProviderThumbprint: provider(),
  AddClientIDToOpenIDConnectProvider: provider(),
  RemoveClientIDFromOpenIDConnectProvider: provider(),
  TagOpenIDConnectProvider: provider(givenTags),
  UntagOpenIDConnectProvider: provider(namedTags),
  ListOpenIDConnectProviderTags: provider(),

  CreateInstanceProfile: made("instance-profile", "InstanceProfileName", givenTags),
  GetInstanceProfile: profile(),
  ListInstanceProfiles: all("instance-profile"),
  ListInstanceProfilesForRole: role(),
  AddRoleToInstanceProfile: roleForProfile,
  RemoveRoleFromInstanceProfile: profile(),
  DeleteInstanceProfile: profile(),
  TagInstanceProfile: profile(givenTags),
  UntagInstanceProfile: profile(namedTags),
  ListInstanceProfileTags: profile(),

  CreateAccountAlias: account,
  DeleteAccountAlias: account,
  ListAccountAliases: account,
  GetAccountPasswordPolicy: account,
  GetAccountSummary: account,
  GetAccountAuthorizationDetails: account,
  ListServerCertificates: all("server-certificate"),
  ListSAMLProviders: (call: PermissionCall) => [{ resource: arnIn(call, "saml-provider/*") }],
} satisfies Record<string, Permission>;

export type IamOperation = keyof typeof iamPermissions;
