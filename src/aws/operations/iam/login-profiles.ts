// iam: console passwords.
import { CairnError } from "../../../base/errors.ts";
import type { ShownLoginProfile } from "../../../directory/login-profiles.ts";
import { type IamCall, iamRow } from "./iam-call.ts";
import { isoTime } from "./wire.ts";

export const loginProfileRows = [
  iamRow("CreateLoginProfile", async (call) => {
    const password = call.optional("Password");
    if (password === undefined) {
      throw new CairnError("ValidationFailed", "Password must be given.");
    }
    const profile = await call.directory.loginProfiles.create(
      call.accountId,
      namedUser(call),
      password,
      call.flag("PasswordResetRequired"),
    );
    return { LoginProfile: answer(profile) };
  }),
  iamRow("GetLoginProfile", async (call) => ({
    LoginProfile: answer(await call.directory.loginProfiles.get(call.accountId, namedUser(call))),
  })),
  iamRow("UpdateLoginProfile", (call) =>
    call.directory.loginProfiles.update(call.accountId, call.text("UserName"), {
      ...call.given({ password: "Password" }),
      ...(call.isGiven("PasswordResetRequired")
        ? { resetRequired: call.flag("PasswordResetRequired") }
        : {}),
    }),
  ),
  iamRow("DeleteLoginProfile", (call) =>
    call.directory.loginProfiles.delete(call.accountId, namedUser(call)),
  ),
  iamRow("ChangePassword", (call) => {
    const { caller } = call;
    if (caller.kind !== "user") {
      throw new CairnError("InvalidUserType", "Only IAM Users can change their own password.");
    }
    return call.directory.loginProfiles.changePassword(
      call.accountId,
      caller.userName,
      call.text("OldPassword"),
      call.text("NewPassword"),
    );
  }),
];

function namedUser(call: IamCall): string {
  const userName = call.userName();
  if (userName !== undefined) return userName;
  throw new CairnError("ValidationFailed", "The root user has no login profile; name a user.");
}

function answer(profile: ShownLoginProfile) {
  return {
    UserName: profile.userName,
    CreateDate: isoTime(profile.createdMs),
    PasswordResetRequired: profile.resetRequired,
  };
}
