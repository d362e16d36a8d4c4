// IAM users. What hangs on a user, such as keys and policies, has files of its own.
import { CairnError } from "../base/errors.ts";
import { uniqueId } from "../base/random.ts";
import { type Core, deleteConflict, notFound, omit, overQuota } from "./core.ts";
import type { Draft } from "./documents.ts";
import { type KeyDocument, keys, type MfaDocument, type User, type UserDocument } from "./model.ts";
import { checkPath, checkUserName } from "./names.ts";
import type { PolicyAttachments } from "./policy-attachments.ts";
import { type Tag, withoutTags, withTags } from "./tags.ts";

const usersMax = 5000;

export interface UserGiven {
  userName: string;
  path?: string;
  boundaryArn?: string;
  tags?: readonly Tag[];
}

/** What every door may show of a user. */
export type ShownUser = User & { boundaryArn?: string; passwordLastUsedMs?: number };

export class Users {
  readonly #core: Core;
  readonly #attachments: PolicyAttachments;

  constructor(core: Core, attachments: PolicyAttachments) {
    this.#core = core;
    this.#attachments = attachments;
  }

  async create(accountId: string, given: UserGiven): Promise<ShownUser> {
    const { userName, path = "/", boundaryArn, tags = [] } = given;
    checkUserName(userName);
    checkPath(path);
    const wanted = withTags(undefined, tags);
    const { documents, clock, random } = this.#core;
    return documents.change(async (draft) => {
      await accountOf(draft, accountId);
      const key = keys.user(accountId, userName);
      if ((await draft.get(key)) !== undefined) throw taken(userName);
      const others = await draft.list(keys.user(accountId, ""));
      if (others.length >= usersMax) throw overQuota("UsersPerAccount", usersMax);
      const user: UserDocument = {
        accountId,
        userName,
        userId: uniqueId(random, "AIDA"),
        path,
        createdMs: clock.nowMs(),
        accessKeyIds: [],
        ...(tags.length === 0 ? {} : { tags: wanted }),
        ...(boundaryArn === undefined ? {} : { boundaryArn }),
      };
      await this.#attachments.moveBoundary(draft, holder(user), undefined, boundaryArn);
      draft.put(key, user);
      return shown(user);
    });
  }

  async get(accountId: string, userName: string): Promise<ShownUser> {
    return shown(await this.#document(accountId, userName));
  }

  async list(accountId: string): Promise<ShownUser[]> {
    const users = await this.#core.documents.list<UserDocument>(keys.user(accountId, ""));
    return users.map(shown);
  }

  /** A new name keeps the keys, groups and policies; sessions that the user has stay good. */
  async update(
    accountId: string,
    userName: string,
    changes: { newUserName?: string; newPath?: string },
  ): Promise<void> {
    const { newUserName = userName, newPath } = changes;
    checkUserName(newUserName);
    if (newPath !== undefined) checkPath(newPath);
    await this.#change(accountId, userName, async (user, draft, key) => {
      const newKey = keys.user(accountId, newUserName);
      if (newKey !== key && (await draft.get(newKey)) !== undefined) throw taken(newUserName);
      const renamed = { ...user, userName: newUserName, path: newPath ?? user.path };
      if (newUserName !== userName) await this.#rename(draft, user, newUserName);
      if (newKey !== key) draft.delete(key);
      draft.put(newKey, renamed);
    });
  }

  async #rename(draft: Draft, user: UserDocument, newUserName: string): Promise<void> {
    const { accountId, userName, userId } = user;
    for (const id of user.accessKeyIds) {
      const key = await draft.get<KeyDocument>(keys.accessKey(id));
      if (key !== undefined) draft.put(keys.accessKey(id), { ...key, userName: newUserName });
    }
    for (const serialNumber of user.mfaSerials ?? []) {
      const key = keys.mfaDevice(serialNumber);
      const device = await draft.get<MfaDocument>(key);
      if (device !== undefined) {
        draft.put(key, { ...device, owner: { userName: newUserName, userId } });
      }
    }
    for (const group of user.groups ?? []) {
      draft.delete(keys.member(accountId, group, userName));
      draft.put(keys.member(accountId, group, newUserName), { userName: newUserName });
    }
    this.#attachments.renameUses(draft, holder(user), user, newUserName);
    // Sessions name the user as it was called when they were made.
    draft.put(keys.userById(userId), { accountId, userName: newUserName });
  }

  async delete(accountId: string, userName: string): Promise<void> {
    await this.#change(accountId, userName, async (user, draft, key) => {
      const { inlinePolicies = {}, attachedPolicyArns = [], groups = [], mfaSerials = [] } = user;
      if (user.accessKeyIds.length > 0) throw deleteConflict("delete access keys");
      if (user.loginProfile !== undefined) throw deleteConflict("delete login profile");
      if (mfaSerials.length > 0) throw deleteConflict("delete MFA device");
      if (Object.keys(inlinePolicies).length > 0) throw deleteConflict("delete policies");
      if (attachedPolicyArns.length > 0) throw deleteConflict("detach all policies");
      if (groups.length > 0) throw deleteConflict("remove user from group");
      await this.#attachments.moveBoundary(draft, holder(user), user.boundaryArn, undefined);
      draft.delete(keys.userById(user.userId));
      draft.delete(key);
    });
  }

  async tag(accountId: string, userName: string, tags: readonly Tag[]): Promise<void> {
    await this.#change(accountId, userName, (user, draft, key) =>
      draft.put(key, { ...user, tags: withTags(user.tags, tags) }),
    );
  }

  async untag(accountId: string, userName: string, tagKeys: readonly string[]): Promise<void> {
    await this.#change(accountId, userName, (user, draft, key) =>
      draft.put(key, { ...user, tags: withoutTags(user.tags, tagKeys) }),
    );
  }

  /** No session that the user has now is good any more. */
  async revokeSessions(accountId: string, userName: string): Promise<void> {
    await this.#change(accountId, userName, (user, draft, key) =>
      draft.put(key, { ...user, sessionsRevokedMs: this.#core.clock.nowMs() }),
    );
  }

  async #document(accountId: string, userName: string): Promise<UserDocument> {
    return this.#core.documents.read((draft) => userIn(draft, accountId, userName));
  }

  async #change(
    accountId: string,
    userName: string,
    decide: (user: UserDocument, draft: Draft, key: string) => void | Promise<void>,
  ): Promise<void> {
    return this.#core.documents.change(async (draft) =>
      decide(await userIn(draft, accountId, userName), draft, keys.user(accountId, userName)),
    );
  }
}

/** The user in a draft, or NoSuchEntity. */
export async function userIn(
  draft: Pick<Draft, "get">,
  accountId: string,
  userName: string,
): Promise<UserDocument> {
  const user = await draft.get<UserDocument>(keys.user(accountId, userName));
  if (user?.userName === userName) return user;
  throw notFound("user", userName);
}

export async function accountOf(draft: Draft, accountId: string): Promise<void> {
  if ((await draft.get(keys.account(accountId))) !== undefined) return;
  throw new CairnError("NoSuchEntity", `Account ${accountId} cannot be found.`);
}

function shown(user: UserDocument): ShownUser {
  const { loginProfile, boundaryArn } = user;
  const plain: User = omit(
    user,
    "accessKeyIds",
    "groups",
    "mfaSerials",
    "loginProfile",
    "inlinePolicies",
    "attachedPolicyArns",
    "boundaryArn",
    "sessionsRevokedMs",
  );
  return {
    ...plain,
    ...(boundaryArn === undefined ? {} : { boundaryArn }),
    ...(loginProfile?.lastUsedMs === undefined
      ? {}
      : { passwordLastUsedMs: loginProfile.lastUsedMs }),
  };
}

const holder = ({ accountId, userName }: User) =>
  ({ kind: "user", accountId, name: userName }) as const;

function taken(userName: string): CairnError {
  return new CairnError("EntityAlreadyExists", `User with name ${userName} already exists.`);
}
