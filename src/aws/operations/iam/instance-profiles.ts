// iam: instance profiles.
import type { InstanceProfile } from "../../../directory/model.ts";
import { tagList } from "../../../directory/tags.ts";
import type { JsonObject } from "../../../event/json.ts";
import { cut, type IamCall, iamRow } from "./iam-call.ts";
import { profileAnswer, tagAnswer } from "./wire.ts";

export const instanceProfileRows = [
  iamRow("CreateInstanceProfile", async (call) => {
    const profile = await call.directory.instanceProfiles.create(call.accountId, {
      profileName: nameOf(call),
      tags: call.tags(),
      ...call.given({ path: "Path" }),
    });
    return { InstanceProfile: profileAnswer(profile, []) };
  }),
  iamRow("GetInstanceProfile", async (call) => {
    const profile = await call.directory.instanceProfiles.get(call.accountId, nameOf(call));
    return { InstanceProfile: await withRoles(call, profile) };
  }),
  iamRow("ListInstanceProfiles", async (call) => {
    const prefix = call.pathPrefix();
    const profiles = await call.directory.instanceProfiles.list(call.accountId);
    return profilesPage(
      call,
      profiles.filter((profile) => profile.path.startsWith(prefix)),
    );
  }),
  iamRow("ListInstanceProfilesForRole", async (call) => {
    const { instanceProfiles } = call.directory;
    return profilesPage(call, await instanceProfiles.ofRole(call.accountId, call.text("RoleName")));
  }),
  iamRow("AddRoleToInstanceProfile", (call) =>
    call.directory.instanceProfiles.addRole(call.accountId, nameOf(call), call.text("RoleName")),
  ),
  iamRow("RemoveRoleFromInstanceProfile", (call) =>
    call.directory.instanceProfiles.removeRole(call.accountId, nameOf(call), call.text("RoleName")),
  ),
  iamRow("DeleteInstanceProfile", (call) =>
    call.directory.instanceProfiles.delete(call.accountId, nameOf(call)),
  ),
  iamRow("TagInstanceProfile", (call) =>
    call.directory.instanceProfiles.tag(call.accountId, nameOf(call), call.tags()),
  ),
  iamRow("UntagInstanceProfile", (call) =>
    call.directory.instanceProfiles.untag(call.accountId, nameOf(call), call.texts("TagKeys")),
  ),
  iamRow("ListInstanceProfileTags", async (call) => {
    const profile = await call.directory.instanceProfiles.get(call.accountId, nameOf(call));
    const { page, rest } = cut(call, tagList(profile.tags), (tag) => tag.Key);
    return { Tags: page.map(tagAnswer), ...rest };
  }),
];

const nameOf = (call: IamCall) => call.text("InstanceProfileName");

async function profilesPage(
  call: IamCall,
  profiles: readonly InstanceProfile[],
): Promise<JsonObject> {
  const { page, rest } = cut(call, profiles, (profile) => profile.profileName.toLowerCase());
  const answers = await Promise.all(page.map((profile) => withRoles(call, profile)));
  return { InstanceProfiles: answers, ...rest };
}

export async function withRoles(call: IamCall, profile: InstanceProfile): Promise<JsonObject> {
  const { roles } = call.directory;
  const found = await Promise.all(
    profile.roleNames.map((roleName) => roles.get(call.accountId, roleName)),
  );
  return profileAnswer(profile, found);
}
