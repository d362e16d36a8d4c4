// Instance profiles: the containers in which EC2 takes a role. Kept for the tools that make and list them.
import { CairnError } from "../base/errors.ts";
import { uniqueId } from "../base/random.ts";
import { type Core, deleteConflict, noSuchEntity, overQuota } from "./core.ts";
import type { Draft } from "./documents.ts";
import { type InstanceProfile, keys, type RoleDocument } from "./model.ts";
import { checkPath, checkProfileName } from "./names.ts";
import { roleIn } from "./roles.ts";
import { type Tag, withoutTags, withTags } from "./tags.ts";

export class InstanceProfiles {
  readonly #core: Core;

  constructor(core: Core) {
    this.#core = core;
  }

  async create(
    accountId: string,
    given: { profileName: string; path?: string; tags?: readonly Tag[] },
  ): Promise<InstanceProfile> {
    const { profileName, path = "/", tags = [] } = given;
    checkProfileName(profileName);
    checkPath(path);
    const wanted = withTags(undefined, tags);
    const { documents, clock, random } = this.#core;
    return documents.change(async (draft) => {
      const key = keys.profile(accountId, profileName);
      if ((await draft.get(key)) !== undefined) {
        throw new CairnError(
          "EntityAlreadyExists",
          `Instance Profile ${profileName} already exists.`,
        );
      }
      const profile: InstanceProfile = {
        accountId,
        profileName,
        profileId: uniqueId(random, "AIPA"),
        path,
        createdMs: clock.nowMs(),
        roleNames: [],
        ...(tags.length === 0 ? {} : { tags: wanted }),
      };
      draft.put(key, profile);
      return profile;
    });
  }

  async get(accountId: string, profileName: string): Promise<InstanceProfile> {
    const key = keys.profile(accountId, profileName);
    const profile = await this.#core.documents.get<InstanceProfile>(key);
    if (profile?.profileName === profileName) return profile;
    throw unknownProfile(profileName);
  }

  list(accountId: string): Promise<InstanceProfile[]> {
    return this.#core.documents.list<InstanceProfile>(keys.profile(accountId, ""));
  }

  /** Those that the role is in; NoSuchEntity when there is no such role. */
  async ofRole(accountId: string, roleName: string): Promise<InstanceProfile[]> {
    const role = await this.#core.documents.get<RoleDocument>(keys.role(accountId, roleName));
    if (role?.roleName !== roleName) {
      throw noSuchEntity(`The role with name ${roleName.slice(0, 128)} cannot be found.`);
    }
    return Promise.all((role.instanceProfiles ?? []).map((name) => this.get(accountId, name)));
  }

  async addRole(accountId: string, profileName: string, roleName: string): Promise<void> {
    await this.#change(accountId, profileName, async (profile, draft, key) => {
      const role = await roleIn(draft, accountId, roleName);
      if (profile.roleNames.length > 0) throw overQuota("InstanceSessionsPerInstanceProfile", 1);
      const instanceProfiles = [...(role.instanceProfiles ?? []), profileName];
      draft.put(keys.role(accountId, roleName), { ...role, instanceProfiles });
      draft.put(key, { ...profile, roleNames: [roleName] });
    });
  }

  async removeRole(accountId: string, profileName: string, roleName: string): Promise<void> {
    await this.#change(accountId, profileName, async (profile, draft, key) => {
      if (!profile.roleNames.includes(roleName)) {
        throw noSuchEntity(`The role with name ${roleName.slice(0, 128)} cannot be found.`);
      }
      const role = await roleIn(draft, accountId, roleName);
      const instanceProfiles = (role.instanceProfiles ?? []).filter((name) => name !== profileName);
      draft.put(keys.role(accountId, roleName), { ...role, instanceProfiles });
      draft.put(key, { ...profile, roleNames: [] });
    });
  }

  async delete(accountId: string, profileName: string): Promise<void> {
    await this.#change(accountId, profileName, (profile, draft, key) => {
      if (profile.roleNames.length > 0) throw deleteConflict("remove roles from instance profile");
      draft.delete(key);
    });
  }

  async tag(accountId: string, profileName: string, tags: readonly Tag[]): Promise<void> {
    await this.#change(accountId, profileName, (profile, draft, key) =>
      draft.put(key, { ...profile, tags: withTags(profile.tags, tags) }),
    );
  }

  async untag(accountId: string, profileName: string, tagKeys: readonly string[]): Promise<void> {
    await this.#change(accountId, profileName, (profile, draft, key) =>
      draft.put(key, { ...profile, tags: withoutTags(profile.tags, tagKeys) }),
    );
  }

  async #change(
    accountId: string,
    profileName: string,
    decide: (profile: InstanceProfile, draft: Draft, key: string) => void | Promise<void>,
  ): Promise<void> {
    const key = keys.profile(accountId, profileName);
    return this.#core.documents.change(async (draft) => {
      const profile = await draft.get<InstanceProfile>(key);
      if (profile?.profileName !== profileName) throw unknownProfile(profileName);
      await decide(profile, draft, key);
    });
  }
}

function unknownProfile(profileName: string): CairnError {
  return noSuchEntity(`Instance Profile ${profileName.slice(0, 128)} cannot be found.`);
}
