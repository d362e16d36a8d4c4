// iam: what concerns the whole account: its alias, its summary, and everything in it at once.
import { accessKeysMax } from "../../../directory/access-keys.ts";
import { noSuchEntity } from "../../../directory/core.ts";
import { policyArn } from "../../../directory/managed-policies.ts";
import type { Group, ManagedPolicy, Permissions, Role } from "../../../directory/model.ts";
import type { ShownUser } from "../../../directory/users.ts";
import type { JsonObject } from "../../../event/json.ts";
import { attachedPolicy } from "./attachments.ts";
import { cut, type IamCall, iamRow } from "./iam-call.ts";
import { withRoles } from "./instance-profiles.ts";
import {
  encodeDocument,
  groupAnswer,
  lastUseAnswer,
  listedPolicy,
  listedVersion,
  roleAnswer,
  userAnswer,
} from "./wire.ts";

export const accountRows = [
  iamRow("CreateAccountAlias", (call) =>
    call.directory.accounts.setAlias(call.accountId, call.text("AccountAlias")),
  ),
  iamRow("DeleteAccountAlias", (call) =>
    call.directory.accounts.deleteAlias(call.accountId, call.text("AccountAlias")),
  ),
  iamRow("ListAccountAliases", async (call) => {
    const account = await call.directory.accounts.get(call.accountId);
    const aliases = account?.alias === undefined ? [] : [account.alias];
    const { page, rest } = cut(call, aliases, (alias) => alias);
    return { AccountAliases: page, ...rest };
  }),
  iamRow(
    "GetAccountPasswordPolicy",
    (call) => {
      const message = `The Password Policy with domain name ${call.accountId} cannot be found.`;
      return Promise.reject(noSuchEntity(message));
    },
    [
      "An account has no password policy of its own: IAM's default one holds, and UpdateAccountPasswordPolicy is not there yet.",
    ],
  ),
  iamRow("ListServerCertificates", () =>
    Promise.resolve({ ServerCertificateMetadataList: [], IsTruncated: false }),
  ),
  iamRow("ListSAMLProviders", () => Promise.resolve({ SAMLProviderList: [] })),
  iamRow("GetAccountSummary", async (call) => ({ SummaryMap: await summary(call) })),
  iamRow("GetAccountAuthorizationDetails", async (call) => {
    const entries = await entriesFor(call);
    const { page, rest } = cut(call, entries, ({ key }) => key);
    const answers = await Promise.all(
      page.map(async ({ list, answer }) => ({ list, value: await answer() })),
    );
    const ofList = (list: List) =>
      answers.filter((each) => each.list === list).map((each) => each.value);
    return {
      UserDetailList: ofList("user"),
      GroupDetailList: ofList("group"),
      RoleDetailList: ofList("role"),
      Policies: ofList("policy"),
      ...rest,
    };
  }),
];

type List = "user" | "group" | "role" | "policy";

interface Entry {
  list: List;
  key: string;
  answer: () => Promise<JsonObject>;
}

async function entriesFor(call: IamCall): Promise<Entry[]> {
  const { directory, accountId } = call;
  const filter = call.texts("Filter");
  const wants = (kind: string) => filter.length === 0 || filter.includes(kind);
  const [users, groups, roles, local, aws] = await Promise.all([
    wants("User") ? directory.users.list(accountId) : [],
    wants("Group") ? directory.groups.list(accountId) : [],
    wants("Role") ? directory.roles.list(accountId) : [],
    wants("LocalManagedPolicy") ? directory.policies.list(accountId) : [],
    wants("AWSManagedPolicy") ? directory.policies.listAws(accountId) : [],
  ]);
  return [
    ...users.map((user) => entry("user", user.userName, () => userDetail(call, user))),
    ...groups.map((group) => entry("group", group.groupName, () => groupDetail(group))),
    ...roles.map((role) => entry("role", role.roleName, () => roleDetail(call, role))),
    ...[...local, ...aws].map((policy) =>
      entry("policy", policyArn(policy), () => policyDetail(policy)),
    ),
  ];
}

function entry(list: List, name: string, answer: Entry["answer"]): Entry {
  return { list, key: `${list}/${name.toLowerCase()}`, answer };
}

async function userDetail(call: IamCall, user: ShownUser): Promise<JsonObject> {
  const { directory, accountId } = call;
  const { userName } = user;
  const holder = { kind: "user", accountId, name: userName } as const;
  const permissions = await directory.attachments.of(holder);
  const groups = await directory.groups.ofUser(accountId, userName);
  return {
    ...userAnswer(user),
    ...inlineAnswer("UserPolicyList", permissions),
    GroupList: groups.map((group) => group.groupName),
    ...attachedAnswer(permissions),
  };
}

function groupDetail(group: Group): Promise<JsonObject> {
  return Promise.resolve({
    ...groupAnswer(group),
    ...inlineAnswer("GroupPolicyList", group),
    ...attachedAnswer(group),
  });
}

async function roleDetail(call: IamCall, role: Role): Promise<JsonObject> {
  const { directory, accountId } = call;
  const profiles = await directory.instanceProfiles.ofRole(accountId, role.roleName);
  const lastUse = await directory.roles.lastUse(accountId, role.roleName);
  return {
    ...roleAnswer(role),
    InstanceProfileList: await Promise.all(profiles.map((each) => withRoles(call, each))),
    ...inlineAnswer("RolePolicyList", role),
    ...attachedAnswer(role),
    RoleLastUsed: lastUseAnswer(lastUse),
  };
}

function policyDetail(policy: ManagedPolicy): Promise<JsonObject> {
  return Promise.resolve({
    ...listedPolicy(policy),
    PolicyVersionList: policy.versions.map((version) => ({
      Document: encodeDocument(version.document),
      ...listedVersion(version, version.versionId === policy.defaultVersionId),
    })),
  });
}

function inlineAnswer(list: string, { inlinePolicies = {} }: Permissions): JsonObject {
  return {
    [list]: Object.entries(inlinePolicies).map(([PolicyName, document]) => ({
      PolicyName,
      PolicyDocument: encodeDocument(document),
    })),
  };
}

function attachedAnswer({ attachedPolicyArns = [] }: Permissions): JsonObject {
  return { AttachedManagedPolicies: attachedPolicyArns.map(attachedPolicy) };
}

async function summary(call: IamCall): Promise<JsonObject> {
  const { directory, accountId } = call;
  const { accounts, users, groups, roles, policies, mfaDevices } = directory;
  const [allUsers, allGroups, allRoles, allPolicies, devices, profiles, providers, rootKeys] =
    await Promise.all([
      users.list(accountId),
      groups.list(accountId),
      roles.list(accountId),
      policies.list(accountId),
      mfaDevices.list(accountId),
      directory.instanceProfiles.list(accountId),
      directory.oidcProviders.list(accountId),
      directory.accessKeys.of(accountId, {}),
    ]);
  return {
    Users: allUsers.length,
    UsersQuota: 5000,
    Groups: allGroups.length,
    GroupsQuota: 300,
    GroupsPerUserQuota: 10,
    Roles: allRoles.length,
    RolesQuota: 1000,
    Policies: allPolicies.length,
    PoliciesQuota: 1500,
    PolicySizeQuota: 6144,
    PolicyVersionsInUse: allPolicies.reduce((sum, policy) => sum + policy.versions.length, 0),
    PolicyVersionsInUseQuota: 10_000,
    VersionsPerPolicyQuota: 5,
    AttachedPoliciesPerUserQuota: 10,
    AttachedPoliciesPerGroupQuota: 10,
    AttachedPoliciesPerRoleQuota: 10,
    UserPolicySizeQuota: 2048,
    GroupPolicySizeQuota: 5120,
    RolePolicySizeQuota: 10_240,
    AssumeRolePolicySizeQuota: 2048,
    AccessKeysPerUserQuota: accessKeysMax,
    AccountAccessKeysPresent: rootKeys.length > 0 ? 1 : 0,
    AccountMFAEnabled: (await accounts.mfaSerials(accountId)).length > 0 ? 1 : 0,
    AccountPasswordPresent: 0,
    AccountSigningCertificatesPresent: 0,
    GlobalEndpointTokenVersion: 2,
    MFADevices: devices.length,
    MFADevicesInUse: devices.filter(({ owner }) => owner !== undefined).length,
    InstanceProfiles: profiles.length,
    InstanceProfilesQuota: 1000,
    Providers: providers.length,
    ServerCertificates: 0,
    ServerCertificatesQuota: 20,
    SigningCertificatesPerUserQuota: 2,
  };
}
