// iam: access keys of users and of the root user.

import type { KeyOwner } from "../../../directory/access-keys.ts";
import { noSuchEntity } from "../../../directory/core.ts";
import type { AccessKey } from "../../../directory/model.ts";
import type { JsonObject } from "../../../event/json.ts";
import { type IamCall, iamRow, pageOf } from "./iam-call.ts";
import { isoTime } from "./wire.ts";

export const accessKeyRows = [
  iamRow("CreateAccessKey", async (call) => {
    const key = await call.directory.accessKeys.create(call.accountId, ownerOf(call));
    return {
      AccessKey: {
        ...nameAnswer(key),
        AccessKeyId: key.accessKeyId,
        Status: key.status,
        SecretAccessKey: key.secretAccessKey,
        CreateDate: isoTime(key.createdMs),
      },
    };
  }),
  iamRow("ListAccessKeys", async (call) => {
    const keys = await call.directory.accessKeys.of(call.accountId, ownerOf(call));
    const { items, rest } = pageOf(
      call,
      keys,
      (key) => `${String(key.createdMs).padStart(15, "0")} ${key.accessKeyId}`,
      (key) => ({
        ...nameAnswer(key),
        AccessKeyId: key.accessKeyId,
        Status: key.status,
        CreateDate: isoTime(key.createdMs),
      }),
    );
    return { AccessKeyMetadata: items, ...rest };
  }),
  iamRow("UpdateAccessKey", (call) =>
    call.directory.accessKeys.setStatus(
      call.accountId,
      call.text("AccessKeyId"),
      call.oneOf("Status", ["Active", "Inactive"], "Active"),
      ownerOf(call),
    ),
  ),
  iamRow("DeleteAccessKey", (call) =>
    call.directory.accessKeys.delete(call.accountId, call.text("AccessKeyId"), ownerOf(call)),
  ),
  iamRow(
    "GetAccessKeyLastUsed",
    async (call) => {
      const { accessKeys } = call.directory;
      const accessKeyId = call.text("AccessKeyId");
      const found = await accessKeys.find(accessKeyId);
      if (found?.key.accountId !== call.accountId) {
        throw noSuchEntity(`The Access Key with id ${accessKeyId.slice(0, 128)} cannot be found.`);
      }
      const use = await accessKeys.lastUse(accessKeyId);
      return {
        ...nameAnswer(found.key),
        AccessKeyLastUsed: {
          ...(use === undefined ? {} : { LastUsedDate: isoTime(use.usedMs) }),
          ServiceName: use?.service ?? "N/A",
          Region: use?.region ?? "N/A",
        },
      };
    },
    ["A use is noted when the last one noted is a quarter of an hour old."],
  ),
];

function ownerOf(call: IamCall): KeyOwner {
  const userName = call.userName();
  return userName === undefined ? {} : { userName };
}

/** The root user has no name. */
function nameAnswer({ userName }: AccessKey): JsonObject {
  return userName === undefined ? {} : { UserName: userName };
}
