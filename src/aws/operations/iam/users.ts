// iam: users and their tags.
import { CairnError } from "../../../base/errors.ts";
import { tagList } from "../../../directory/tags.ts";
import type { JsonObject } from "../../../event/json.ts";
import { rootArn } from "../../../event/user-identity.ts";
import { cut, type IamCall, iamRow, pageOf } from "./iam-call.ts";
import { isoTime, listedUser, tagAnswer, userAnswer } from "./wire.ts";

export const userRows = [
  iamRow("CreateUser", async (call) => {
    const { directory, accountId } = call;
    const user = await directory.users.create(accountId, {
      userName: call.text("UserName"),
      tags: call.tags(),
      ...call.given({ path: "Path", boundaryArn: "PermissionsBoundary" }),
    });
    return { User: userAnswer(user) };
  }),
  iamRow("GetUser", async (call) => {
    const userName = call.userName();
    if (userName === undefined) return { User: await rootAnswer(call) };
    return { User: userAnswer(await call.directory.users.get(call.accountId, userName)) };
  }),
  iamRow("ListUsers", async (call) => {
    const prefix = call.pathPrefix();
    const users = await call.directory.users.list(call.accountId);
    const found = users.filter((user) => user.path.startsWith(prefix));
    const { items, rest } = pageOf(call, found, (user) => user.userName.toLowerCase(), listedUser);
    return { Users: items, ...rest };
  }),
  iamRow("UpdateUser", (call) =>
    call.directory.users.update(
      call.accountId,
      call.text("UserName"),
      call.given({ newUserName: "NewUserName", newPath: "NewPath" }),
    ),
  ),
  iamRow("DeleteUser", (call) => {
    const userName = call.userName();
    if (userName !== undefined) return call.directory.users.delete(call.accountId, userName);
    throw new CairnError("ValidationFailed", "The root user cannot be deleted.");
  }),
  // Kinds of credentials that no user can be given yet: Terraform asks for them before it deletes a user.
  iamRow("ListSSHPublicKeys", (call) => emptyList(call, { SSHPublicKeys: [], IsTruncated: false })),
  iamRow("ListSigningCertificates", (call) =>
    emptyList(call, { Certificates: [], IsTruncated: false }),
  ),
  iamRow("ListServiceSpecificCredentials", (call) =>
    emptyList(call, { ServiceSpecificCredentials: [] }),
  ),
  iamRow("TagUser", (call) =>
    call.directory.users.tag(call.accountId, call.text("UserName"), call.tags()),
  ),
  iamRow("UntagUser", (call) =>
    call.directory.users.untag(call.accountId, call.text("UserName"), call.texts("TagKeys")),
  ),
  iamRow("ListUserTags", async (call) => {
    const user = await call.directory.users.get(call.accountId, call.text("UserName"));
    const { page, rest } = cut(call, tagList(user.tags), (tag) => tag.Key);
    return { Tags: page.map(tagAnswer), ...rest };
  }),
];

async function emptyList(call: IamCall, answer: JsonObject): Promise<JsonObject> {
  const userName = call.userName();
  if (userName !== undefined) await call.directory.users.get(call.accountId, userName);
  return answer;
}

/** The root user as GetUser shows it: its account for an id, and no name. */
async function rootAnswer({ directory, accountId }: IamCall) {
  const account = await directory.accounts.get(accountId);
  return {
    UserId: accountId,
    Arn: rootArn(accountId),
    CreateDate: isoTime(account?.createdMs ?? 0),
  };
}
