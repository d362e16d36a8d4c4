// iam: virtual MFA devices.
import type { MfaDevice } from "../../../directory/model.ts";
import { tagList } from "../../../directory/tags.ts";
import type { JsonObject } from "../../../event/json.ts";
import { rootArn } from "../../../event/user-identity.ts";
import { cut, type IamCall, iamRow } from "./iam-call.ts";
import { isoTime, listedUser, tagAnswer, tagsAnswer } from "./wire.ts";

export const mfaDeviceRows = [
  iamRow(
    "CreateVirtualMFADevice",
    async (call) => {
      const { device, base32Seed } = await call.directory.mfaDevices.create(call.accountId, {
        name: call.text("VirtualMFADeviceName"),
        tags: call.tags(),
        ...call.given({ path: "Path" }),
      });
      return {
        VirtualMFADevice: {
          SerialNumber: device.serialNumber,
          // Of the model's type blob, which goes in base64 whatever it is.
          Base32StringSeed: Buffer.from(base32Seed).toString("base64"),
          ...tagsAnswer(device.tags),
        },
      };
    },
    ["There is no `QRCodePNG`: use `--bootstrap-method Base32StringSeed`."],
  ),
  iamRow("EnableMFADevice", (call) =>
    call.directory.mfaDevices.enable(
      call.accountId,
      call.text("UserName"),
      call.text("SerialNumber"),
      codesOf(call),
    ),
  ),
  iamRow("ResyncMFADevice", (call) =>
    call.directory.mfaDevices.resync(
      call.accountId,
      call.text("UserName"),
      call.text("SerialNumber"),
      codesOf(call),
    ),
  ),
  iamRow("DeactivateMFADevice", (call) =>
    call.directory.mfaDevices.deactivate(
      call.accountId,
      call.userName(),
      call.text("SerialNumber"),
    ),
  ),
  iamRow("DeleteVirtualMFADevice", (call) =>
    call.directory.mfaDevices.delete(call.accountId, call.text("SerialNumber")),
  ),
  iamRow("GetMFADevice", async (call) => {
    const device = await call.directory.mfaDevices.get(call.accountId, call.text("SerialNumber"));
    return deviceAnswer(device);
  }),
  iamRow("ListMFADevices", async (call) => {
    const userName = call.userName();
    if (userName !== undefined) await call.directory.users.get(call.accountId, userName);
    const devices = await call.directory.mfaDevices.list(call.accountId);
    const own = devices.filter(({ owner }) => owner !== undefined && owner.userName === userName);
    const { page, rest } = cut(call, own, (device) => device.serialNumber);
    return { MFADevices: page.map(deviceAnswer), ...rest };
  }),
  iamRow("ListVirtualMFADevices", async (call) => {
    const wanted = call.oneOf("AssignmentStatus", ["Assigned", "Unassigned", "Any"], "Any");
    const devices = await call.directory.mfaDevices.list(call.accountId);
    const found = devices.filter(
      ({ owner }) => wanted === "Any" || (owner !== undefined) === (wanted === "Assigned"),
    );
    const { page, rest } = cut(call, found, (device) => device.serialNumber);
    const answers = await Promise.all(page.map((device) => virtualAnswer(call, device)));
    return { VirtualMFADevices: answers, ...rest };
  }),
  iamRow("TagMFADevice", (call) =>
    call.directory.mfaDevices.tag(call.accountId, call.text("SerialNumber"), call.tags()),
  ),
  iamRow("UntagMFADevice", (call) =>
    call.directory.mfaDevices.untag(
      call.accountId,
      call.text("SerialNumber"),
      call.texts("TagKeys"),
    ),
  ),
  iamRow("ListMFADeviceTags", async (call) => {
    const device = await call.directory.mfaDevices.get(call.accountId, call.text("SerialNumber"));
    const { page, rest } = cut(call, tagList(device.tags), (tag) => tag.Key);
    return { Tags: page.map(tagAnswer), ...rest };
  }),
];

function codesOf(call: IamCall): readonly [string, string] {
  return [call.text("AuthenticationCode1"), call.text("AuthenticationCode2")];
}

function deviceAnswer({ owner, serialNumber, enabledMs }: MfaDevice): JsonObject {
  return {
    ...(owner?.userName === undefined ? {} : { UserName: owner.userName }),
    SerialNumber: serialNumber,
    ...(enabledMs === undefined ? {} : { EnableDate: isoTime(enabledMs) }),
  };
}

async function virtualAnswer(call: IamCall, device: MfaDevice): Promise<JsonObject> {
  const { owner, serialNumber, enabledMs } = device;
  const { accountId, directory } = call;
  const user =
    owner === undefined
      ? undefined
      : owner.userName === undefined
        ? { UserId: accountId, Arn: rootArn(accountId), CreateDate: isoTime(device.createdMs) }
        : listedUser(await directory.users.get(accountId, owner.userName));
  return {
    SerialNumber: serialNumber,
    ...(user === undefined ? {} : { User: user }),
    ...(enabledMs === undefined ? {} : { EnableDate: isoTime(enabledMs) }),
  };
}
