// iam: managed policies, their versions and their tags, and who uses them.
import { policyArn, versionOf } from "../../../directory/managed-policies.ts";
import type { ManagedPolicy } from "../../../directory/model.ts";
import type { Holder } from "../../../directory/policy-attachments.ts";
import { tagList } from "../../../directory/tags.ts";
import type { JsonObject } from "../../../event/json.ts";
import { cut, type IamCall, iamRow, pageOf } from "./iam-call.ts";
import { encodeDocument, listedPolicy, listedVersion, policyAnswer, tagAnswer } from "./wire.ts";

export const policyRows = [
  iamRow("CreatePolicy", async (call) => {
    const policy = await call.directory.policies.create(call.accountId, {
      policyName: call.text("PolicyName"),
      document: call.text("PolicyDocument"),
      tags: call.tags(),
      ...call.given({ path: "Path", description: "Description" }),
    });
    return { Policy: policyAnswer(policy) };
  }),
  iamRow("GetPolicy", async (call) => ({ Policy: policyAnswer(await policyOf(call)) }), [
    "Of the policies that AWS manages there are those that say something about what Cairn does, such as AdministratorAccess, ReadOnlyAccess, SecurityAudit, AWSCloudTrail_FullAccess and IAMReadOnlyAccess (`aws iam list-policies --scope AWS`), each for the services that Cairn answers for.",
  ]),
  iamRow("ListPolicies", async (call) => {
    const { page, rest } = cut(call, await policiesFor(call), policyArn);
    return { Policies: page.map(listedPolicy), ...rest };
  }),
  iamRow("DeletePolicy", (call) =>
    call.directory.policies.delete(call.accountId, call.text("PolicyArn")),
  ),
  iamRow("CreatePolicyVersion", async (call) => {
    const { version, isDefault } = await call.directory.policies.createVersion(
      call.accountId,
      call.text("PolicyArn"),
      call.text("PolicyDocument"),
      call.flag("SetAsDefault"),
    );
    return { PolicyVersion: listedVersion(version, isDefault) };
  }),
  iamRow("GetPolicyVersion", async (call) => {
    const policy = await policyOf(call);
    const version = versionOf(policy, call.text("PolicyArn"), call.text("VersionId"));
    return {
      PolicyVersion: {
        Document: encodeDocument(version.document),
        ...listedVersion(version, version.versionId === policy.defaultVersionId),
      },
    };
  }),
  iamRow("ListPolicyVersions", async (call) => {
    const policy = await policyOf(call);
    // The newest first, as the real service lists them.
    const newestFirst = (version: (typeof policy.versions)[number]) =>
      String(1e9 - Number(version.versionId.slice(1))).padStart(10, "0");
    const { items, rest } = pageOf(call, policy.versions, newestFirst, (version) =>
      listedVersion(version, version.versionId === policy.defaultVersionId),
    );
    return { Versions: items, ...rest };
  }),
  iamRow("DeletePolicyVersion", (call) =>
    call.directory.policies.deleteVersion(
      call.accountId,
      call.text("PolicyArn"),
      call.text("VersionId"),
    ),
  ),
  iamRow("SetDefaultPolicyVersion", (call) =>
    call.directory.policies.setDefaultVersion(
      call.accountId,
      call.text("PolicyArn"),
      call.text("VersionId"),
    ),
  ),
  iamRow("TagPolicy", (call) =>
    call.directory.policies.tag(call.accountId, call.text("PolicyArn"), call.tags()),
  ),
  iamRow("UntagPolicy", (call) =>
    call.directory.policies.untag(call.accountId, call.text("PolicyArn"), call.texts("TagKeys")),
  ),
  iamRow("ListPolicyTags", async (call) => {
    const policy = await policyOf(call);
    const { page, rest } = cut(call, tagList(policy.tags), (tag) => tag.Key);
    return { Tags: page.map(tagAnswer), ...rest };
  }),
  iamRow("ListEntitiesForPolicy", async (call) => {
    await policyOf(call);
    const holders = await holdersFor(call);
    const { page, rest } = cut(call, holders, ({ kind, name }) => `${kind}/${name.toLowerCase()}`);
    const found = await Promise.all(page.map((holder) => entityAnswer(call, holder)));
    const ofKind = (kind: Holder["kind"]) => found.filter((_, index) => page[index]?.kind === kind);
    return {
      PolicyGroups: ofKind("group"),
      PolicyUsers: ofKind("user"),
      PolicyRoles: ofKind("role"),
      ...rest,
    };
  }),
];

function policyOf(call: IamCall): Promise<ManagedPolicy> {
  return call.directory.policies.get(call.accountId, call.text("PolicyArn"));
}

async function policiesFor(call: IamCall): Promise<ManagedPolicy[]> {
  const { policies } = call.directory;
  const scope = call.oneOf("Scope", ["All", "AWS", "Local"], "All");
  const usage = usageOf(call);
  const prefix = call.pathPrefix();
  const own = scope === "AWS" ? [] : await policies.list(call.accountId);
  const aws = scope === "Local" ? [] : await policies.listAws(call.accountId);
  return [...own, ...aws].filter((policy) => {
    const uses = usage === "attachment" ? policy.attachmentCount : policy.boundaryCount;
    const isUsed = policy.attachmentCount + policy.boundaryCount > 0;
    return (
      policy.path.startsWith(prefix) &&
      (!call.flag("OnlyAttached") || isUsed) &&
      (!call.isGiven("PolicyUsageFilter") || usage === "attachment" || uses > 0)
    );
  });
}

function usageOf(call: IamCall): "attachment" | "boundary" {
  const usage = call.oneOf(
    "PolicyUsageFilter",
    ["PermissionsPolicy", "PermissionsBoundary"],
    "PermissionsPolicy",
  );
  return usage === "PermissionsPolicy" ? "attachment" : "boundary";
}

async function holdersFor(call: IamCall): Promise<Holder[]> {
  const { attachments } = call.directory;
  const kinds = ["User", "Role", "Group", "LocalManagedPolicy", "AWSManagedPolicy"] as const;
  const kind = call.isGiven("EntityFilter")
    ? call.oneOf("EntityFilter", kinds, "User").toLowerCase()
    : undefined;
  const arn = call.text("PolicyArn");
  const wanted = call.isGiven("PolicyUsageFilter")
    ? [usageOf(call)]
    : (["attachment", "boundary"] as const);
  const found = await Promise.all(
    wanted.map((usage) => attachments.users(call.accountId, arn, usage)),
  );
  const distinct = new Map(found.flat().map((each) => [`${each.kind}/${each.name}`, each]));
  return [...distinct.values()].filter((each) => kind === undefined || each.kind === kind);
}

async function entityAnswer(call: IamCall, { kind, name }: Holder): Promise<JsonObject> {
  const { accountId, directory } = call;
  switch (kind) {
    case "user":
      return { UserName: name, UserId: (await directory.users.get(accountId, name)).userId };
    case "group":
      return { GroupName: name, GroupId: (await directory.groups.get(accountId, name)).groupId };
    case "role":
      return { RoleName: name, RoleId: (await directory.roles.get(accountId, name)).roleId };
  }
}
