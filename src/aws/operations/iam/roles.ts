// iam: roles, their trust policies and their tags.
import { noSuchEntity } from "../../../directory/core.ts";
import { tagList } from "../../../directory/tags.ts";
import { cut, type IamCall, iamRow, pageOf } from "./iam-call.ts";
import { listedRole, roleAnswer, tagAnswer } from "./wire.ts";

export const roleRows = [
  iamRow("CreateRole", async (call) => {
    const role = await call.directory.roles.create(call.accountId, {
      roleName: call.text("RoleName"),
      trustPolicy: call.text("AssumeRolePolicyDocument"),
      tags: call.tags(),
      ...call.given({
        path: "Path",
        description: "Description",
        boundaryArn: "PermissionsBoundary",
      }),
      ...maxSession(call),
    });
    return { Role: roleAnswer(role) };
  }),
  iamRow("GetRole", async (call) => {
    const { roles } = call.directory;
    const role = await roles.get(call.accountId, call.text("RoleName"));
    return { Role: roleAnswer(role, await roles.lastUse(call.accountId, role.roleName)) };
  }),
  iamRow("ListRoles", async (call) => {
    const prefix = call.pathPrefix();
    const roles = await call.directory.roles.list(call.accountId);
    const found = roles.filter((role) => role.path.startsWith(prefix));
    const { items, rest } = pageOf(call, found, (role) => role.roleName.toLowerCase(), listedRole);
    return { Roles: items, ...rest };
  }),
  iamRow("UpdateRole", async (call) => {
    await call.directory.roles.update(call.accountId, call.text("RoleName"), {
      ...call.given({ description: "Description" }),
      ...maxSession(call),
    });
  }),
  iamRow("UpdateRoleDescription", async (call) => {
    const description = call.text("Description");
    const { roles } = call.directory;
    const role = await roles.update(call.accountId, call.text("RoleName"), { description });
    return { Role: roleAnswer(role) };
  }),
  iamRow("UpdateAssumeRolePolicy", (call) =>
    call.directory.roles.updateTrust(
      call.accountId,
      call.text("RoleName"),
      call.text("PolicyDocument"),
    ),
  ),
  iamRow("DeleteRole", (call) =>
    call.directory.roles.delete(call.accountId, call.text("RoleName")),
  ),
  iamRow(
    "CreateServiceLinkedRole",
    async (call) => {
      const role = await call.directory.roles.createServiceLinked(call.accountId, {
        service: call.text("AWSServiceName"),
        ...call.given({ description: "Description", suffix: "CustomSuffix" }),
      });
      return { Role: roleAnswer(role) };
    },
    ["The role has no policy: what Cairn does by itself needs none."],
  ),
  iamRow("DeleteServiceLinkedRole", async (call) => {
    const roleName = call.text("RoleName");
    const { path } = await call.directory.roles.get(call.accountId, roleName);
    await call.directory.roles.deleteServiceLinked(call.accountId, roleName);
    return { DeletionTaskId: `task${path}${roleName}/done` };
  }),
  iamRow("GetServiceLinkedRoleDeletionStatus", async (call) => {
    if (/^task\/aws-service-role\/[\w.-]+\/[\w+=,.@-]+\/done$/.test(call.text("DeletionTaskId"))) {
      return { Status: "SUCCEEDED" };
    }
    throw noSuchEntity(
      `Deletion task ${call.text("DeletionTaskId").slice(0, 256)} cannot be found.`,
    );
  }),
  iamRow("TagRole", (call) =>
    call.directory.roles.tag(call.accountId, call.text("RoleName"), call.tags()),
  ),
  iamRow("UntagRole", (call) =>
    call.directory.roles.untag(call.accountId, call.text("RoleName"), call.texts("TagKeys")),
  ),
  iamRow("ListRoleTags", async (call) => {
    const role = await call.directory.roles.get(call.accountId, call.text("RoleName"));
    const { page, rest } = cut(call, tagList(role.tags), (tag) => tag.Key);
    return { Tags: page.map(tagAnswer), ...rest };
  }),
];

function maxSession(call: IamCall): { maxSessionSeconds?: number } {
  const maxSessionSeconds = call.number("MaxSessionDuration");
  return maxSessionSeconds === undefined ? {} : { maxSessionSeconds };
}
