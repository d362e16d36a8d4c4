// How IAM writes its things: the members of its answers in the order of the real ones.

import { policyArn } from "../../../directory/managed-policies.ts";
import type {
  Group,
  InstanceProfile,
  ManagedPolicy,
  PolicyVersion,
  Role,
  Use,
} from "../../../directory/model.ts";
import { type Tags, tagList } from "../../../directory/tags.ts";
import type { ShownUser } from "../../../directory/users.ts";
import type { JsonObject } from "../../../event/json.ts";
import { roleArn, userArn } from "../../../event/user-identity.ts";

export function isoTime(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 19)}Z`;
}

/** Documents are percent-encoded as RFC 3986 has it. */
export function encodeDocument(text: string): string {
  return encodeURIComponent(text).replaceAll(
    /[!'()*]/g,
    (found) => `%${found.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}

export const tagsAnswer = (tags: Tags | undefined): JsonObject =>
  tags === undefined || Object.keys(tags).length === 0
    ? {}
    : { Tags: tagList(tags).map(tagAnswer) };

export const tagAnswer = ({ Key, Value }: { Key: string; Value: string }): JsonObject => ({
  Key,
  Value,
});

function boundaryAnswer(arn: string | undefined): JsonObject {
  if (arn === undefined) return {};
  return {
    PermissionsBoundary: { PermissionsBoundaryType: "Policy", PermissionsBoundaryArn: arn },
  };
}

/** As lists show a user: without boundary and tags. */
export function listedUser(user: ShownUser): JsonObject {
  return {
    Path: user.path,
    UserName: user.userName,
    UserId: user.userId,
    Arn: userArn(user),
    CreateDate: isoTime(user.createdMs),
    ...(user.passwordLastUsedMs === undefined
      ? {}
      : { PasswordLastUsed: isoTime(user.passwordLastUsedMs) }),
  };
}

export function userAnswer(user: ShownUser): JsonObject {
  return { ...listedUser(user), ...boundaryAnswer(user.boundaryArn), ...tagsAnswer(user.tags) };
}

export const groupArn = ({ accountId, path, groupName }: Group) =>
  `arn:aws:iam::${accountId}:group${path}${groupName}`;

export function groupAnswer(group: Group): JsonObject {
  return {
    Path: group.path,
    GroupName: group.groupName,
    GroupId: group.groupId,
    Arn: groupArn(group),
    CreateDate: isoTime(group.createdMs),
  };
}

/** As lists show a role: without boundary, tags and last use. */
export function listedRole(role: Role): JsonObject {
  return {
    Path: role.path,
    RoleName: role.roleName,
    RoleId: role.roleId,
    Arn: roleArn(role),
    CreateDate: isoTime(role.createdMs),
    AssumeRolePolicyDocument: encodeDocument(role.trustPolicy),
    ...(role.description === undefined ? {} : { Description: role.description }),
    MaxSessionDuration: role.maxSessionSeconds,
  };
}

export function roleAnswer(role: Role, lastUse?: Use): JsonObject {
  return {
    ...listedRole(role),
    ...boundaryAnswer(role.boundaryArn),
    ...tagsAnswer(role.tags),
    RoleLastUsed: lastUseAnswer(lastUse),
  };
}

export function lastUseAnswer(lastUse: Use | undefined): JsonObject {
  if (lastUse === undefined) return {};
  return { LastUsedDate: isoTime(lastUse.usedMs), Region: lastUse.region };
}

/** As lists show a policy: without description and tags. */
export function listedPolicy(policy: ManagedPolicy): JsonObject {
  return {
    PolicyName: policy.policyName,
    PolicyId: policy.policyId,
    Arn: policyArn(policy),
    Path: policy.path,
    DefaultVersionId: policy.defaultVersionId,
    AttachmentCount: policy.attachmentCount,
    PermissionsBoundaryUsageCount: policy.boundaryCount,
    IsAttachable: true,
    CreateDate: isoTime(policy.createdMs),
    UpdateDate: isoTime(policy.updatedMs),
  };
}

export function policyAnswer(policy: ManagedPolicy): JsonObject {
  const { description } = policy;
  return {
    ...listedPolicy(policy),
    ...(description === undefined || description === "" ? {} : { Description: description }),
    ...tagsAnswer(policy.tags),
  };
}

export function listedVersion(version: PolicyVersion, isDefault: boolean): JsonObject {
  return {
    VersionId: version.versionId,
    IsDefaultVersion: isDefault,
    CreateDate: isoTime(version.createdMs),
  };
}

export function profileAnswer(profile: InstanceProfile, roles: readonly Role[]): JsonObject {
  const { accountId, path, profileName } = profile;
  return {
    Path: path,
    InstanceProfileName: profileName,
    InstanceProfileId: profile.profileId,
    Arn: `arn:aws:iam::${accountId}:instance-profile${path}${profileName}`,
    CreateDate: isoTime(profile.createdMs),
    Roles: roles.map(listedRole),
    ...tagsAnswer(profile.tags),
  };
}
