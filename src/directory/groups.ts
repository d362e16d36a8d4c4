// Groups of users: they have policies, and their members have what the groups have.
import { CairnError } from "../base/errors.ts";
import { uniqueId } from "../base/random.ts";
import { type Core, deleteConflict, noSuchEntity, notFound, overQuota } from "./core.ts";
import type { Draft } from "./documents.ts";
import { type Group, keys, type UserDocument } from "./model.ts";
import { checkGroupName, checkPath } from "./names.ts";
import type { PolicyAttachments } from "./policy-attachments.ts";
import { accountOf, userIn } from "./users.ts";

const groupsMax = 300;
const groupsPerUserMax = 10;

export class Groups {
  readonly #core: Core;
  readonly #attachments: PolicyAttachments;

  constructor(core: Core, attachments: PolicyAttachments) {
    this.#core = core;
    this.#attachments = attachments;
  }

  async create(accountId: string, groupName: string, path = "/"): Promise<Group> {
    checkGroupName(groupName);
    checkPath(path);
    const { documents, clock, random } = this.#core;
    return documents.change(async (draft) => {
      await accountOf(draft, accountId);
      const key = keys.group(accountId, groupName);
      if ((await draft.get(key)) !== undefined) throw taken(groupName);
      const others = await draft.list(keys.group(accountId, ""));
      if (others.length >= groupsMax) throw overQuota("GroupsPerAccount", groupsMax);
      const groupId = uniqueId(random, "AGPA");
      const group: Group = { accountId, groupName, groupId, path, createdMs: clock.nowMs() };
      draft.put(key, group);
      return group;
    });
  }

  async get(accountId: string, groupName: string): Promise<Group> {
    const group = await this.#core.documents.get<Group>(keys.group(accountId, groupName));
    if (group?.groupName === groupName) return group;
    throw notFound("group", groupName);
  }

  list(accountId: string): Promise<Group[]> {
    return this.#core.documents.list<Group>(keys.group(accountId, ""));
  }

  /** The names of its members. */
  async members(accountId: string, groupName: string): Promise<string[]> {
    const prefix = keys.member(accountId, groupName, "");
    const members = await this.#core.documents.list<{ userName: string }>(prefix);
    return members.map(({ userName }) => userName);
  }

  async ofUser(accountId: string, userName: string): Promise<Group[]> {
    const { documents } = this.#core;
    const user = await documents.get<UserDocument>(keys.user(accountId, userName));
    if (user?.userName !== userName) throw notFound("user", userName);
    const found = await Promise.all(
      (user.groups ?? []).map((name) => documents.get<Group>(keys.group(accountId, name))),
    );
    return found.filter((group) => group !== undefined);
  }

  async update(
    accountId: string,
    groupName: string,
    changes: { newGroupName?: string; newPath?: string },
  ): Promise<void> {
    const { newGroupName = groupName, newPath } = changes;
    checkGroupName(newGroupName);
    if (newPath !== undefined) checkPath(newPath);
    await this.#change(accountId, groupName, async (group, draft, key) => {
      const newKey = keys.group(accountId, newGroupName);
      if (newKey !== key && (await draft.get(newKey)) !== undefined) throw taken(newGroupName);
      if (newGroupName !== groupName) {
        const members = await draft.list<{ userName: string }>(
          keys.member(accountId, groupName, ""),
        );
        for (const { userName } of members) {
          await renameInUser(draft, accountId, userName, groupName, newGroupName);
        }
        const holder = { kind: "group", accountId, name: groupName } as const;
        this.#attachments.renameUses(draft, holder, group, newGroupName);
      }
      if (newKey !== key) draft.delete(key);
      draft.put(newKey, { ...group, groupName: newGroupName, path: newPath ?? group.path });
    });
  }

  async delete(accountId: string, groupName: string): Promise<void> {
    await this.#change(accountId, groupName, async (group, draft, key) => {
      const members = await draft.list(keys.member(accountId, groupName, ""));
      if (members.length > 0) throw deleteConflict("remove users from group");
      if (Object.keys(group.inlinePolicies ?? {}).length > 0) {
        throw deleteConflict("delete policies");
      }
      if ((group.attachedPolicyArns ?? []).length > 0) throw deleteConflict("detach all policies");
      draft.delete(key);
    });
  }

  /** Already in it: nothing changes. */
  async addUser(accountId: string, groupName: string, userName: string): Promise<void> {
    await this.#change(accountId, groupName, async (group, draft, key) => {
      const user = await userIn(draft, accountId, userName);
      const groups = user.groups ?? [];
      if (groups.includes(groupName)) return;
      if (groups.length >= groupsPerUserMax) throw overQuota("GroupsPerUser", groupsPerUserMax);
      draft.put(keys.user(accountId, userName), { ...user, groups: [...groups, groupName] });
      draft.put(keys.member(accountId, groupName, userName), { userName });
      // Written as it is, so that it is not deleted under its new member.
      draft.put(key, group);
    });
  }

  async removeUser(accountId: string, groupName: string, userName: string): Promise<void> {
    await this.#change(accountId, groupName, async (_group, draft) => {
      const user = await userIn(draft, accountId, userName);
      const groups = user.groups ?? [];
      if (!groups.includes(groupName)) {
        throw noSuchEntity(`User ${userName} is not in group ${groupName}.`);
      }
      const rest = groups.filter((each) => each !== groupName);
      draft.put(keys.user(accountId, userName), { ...user, groups: rest });
      draft.delete(keys.member(accountId, groupName, userName));
    });
  }

  async #change(
    accountId: string,
    groupName: string,
    decide: (group: Group, draft: Draft, key: string) => Promise<void>,
  ): Promise<void> {
    const key = keys.group(accountId, groupName);
    return this.#core.documents.change(async (draft) => {
      const group = await draft.get<Group>(key);
      if (group?.groupName !== groupName) throw notFound("group", groupName);
      await decide(group, draft, key);
    });
  }
}

async function renameInUser(
  draft: Draft,
  accountId: string,
  userName: string,
  from: string,
  to: string,
): Promise<void> {
  const user = await userIn(draft, accountId, userName);
  const groups = (user.groups ?? []).map((each) => (each === from ? to : each));
  draft.put(keys.user(accountId, userName), { ...user, groups });
  draft.delete(keys.member(accountId, from, userName));
  draft.put(keys.member(accountId, to, userName), { userName });
}

function taken(groupName: string): CairnError {
  return new CairnError("EntityAlreadyExists", `Group with name ${groupName} already exists.`);
}
