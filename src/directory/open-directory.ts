// The directory in the registry: accounts, users and access keys as small documents.
//
//   account/111122223333             the account and the ids of its root keys
//   user/111122223333/alice          the user (key in lower case: IAM tells no names apart by case) and its key ids
//   access-key/AKIA…                 the key, its owner, its sealed secret
//
// An owner's document lists its keys, so that one compare-and-set of it guards both the quota and the owner's life.
import type { Clock } from "../base/clock.ts";
import { CairnError, isCairnError } from "../base/errors.ts";
import { type Random, uniqueId } from "../base/random.ts";
import { isSameSecret } from "../base/same-secret.ts";
import type { Entry, Registry } from "../registry/registry.ts";
import {
  type AccessKey,
  type Account,
  accessKeysMax,
  type Directory,
  type KeyForVerification,
  type User,
} from "./directory.ts";
import { checkAccountId, checkGivenKey, checkPath, checkUserName } from "./names.ts";
import { seal, unseal } from "./seal.ts";

export interface DirectoryOptions {
  registry: Registry;
  /** 32 bytes (master-key.ts). */
  masterKey: Buffer;
  clock: Clock;
  random: Random;
  firstAccountId: string;
}

interface AccountDocument extends Account {
  accessKeyIds: string[];
}

interface UserDocument extends User {
  accessKeyIds: string[];
}

interface KeyDocument extends AccessKey {
  sealedSecret: string;
  /** The operator named it: the next one named takes its place. */
  given?: true;
}

/** How long another process's change of a key may go unseen here. Our own changes are seen at once. */
const cacheMsMax = 10_000;
/** Keys kept unsealed in memory: far more than callers at a time, still only about a megabyte. */
const cacheKeysMax = 4096;
/** Tries of a change that someone else's change overtook. */
const attemptsMax = 10;

const secretAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

export function openDirectory(options: DirectoryOptions): Directory {
  checkAccountId(options.firstAccountId);
  return new RegistryDirectory(options);
}

class RegistryDirectory implements Directory {
  readonly firstAccountId: string;
  readonly #registry: Registry;
  readonly #masterKey: Buffer;
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #cache = new Map<string, { key: KeyForVerification; loadedMs: number }>();
  /** Grows with each change here: what was read before it is not cached after it. */
  #generation = 0;

  constructor(options: DirectoryOptions) {
    this.firstAccountId = options.firstAccountId;
    this.#registry = options.registry;
    this.#masterKey = options.masterKey;
    this.#clock = options.clock;
    this.#random = options.random;
  }

  async findKey(accessKeyId: string): Promise<KeyForVerification | undefined> {
    const nowMs = this.#clock.monotonicMs();
    const cached = this.#cache.get(accessKeyId);
    if (cached !== undefined && nowMs - cached.loadedMs < cacheMsMax) return cached.key;
    const generation = this.#generation;
    const key = await this.#loadKey(accessKeyId);
    if (generation !== this.#generation) return key;
    this.#cache.delete(accessKeyId);
    if (key === undefined) return undefined;
    this.#cache.set(accessKeyId, { key, loadedMs: nowMs });
    if (this.#cache.size > cacheKeysMax) {
      const oldest = this.#cache.keys().next();
      if (oldest.done !== true) this.#cache.delete(oldest.value);
    }
    return key;
  }

  async #loadKey(accessKeyId: string): Promise<KeyForVerification | undefined> {
    // Ids come from anyone: one that no key can have is not looked up.
    if (!/^\w{1,128}$/.test(accessKeyId)) return undefined;
    const document = (await this.#registry.get<KeyDocument>(keyPath(accessKeyId)))?.value;
    if (document === undefined) return undefined;
    const { accountId, userName, status } = document;
    const secret = unseal(document.sealedSecret, sealOwner(accessKeyId), this.#masterKey);
    if (userName === undefined) {
      return { secret, status, caller: { kind: "root", accountId, accessKeyId } };
    }
    const user = (await this.#registry.get<UserDocument>(userPath(accountId, userName)))?.value;
    if (user === undefined) return undefined;
    const { userId, path } = user;
    const caller = { kind: "user", accountId, accessKeyId, userName, userId, path } as const;
    return { secret, status, caller };
  }

  async createAccount(accountId: string): Promise<Account> {
    checkAccountId(accountId);
    return this.#change(async () => {
      const account: AccountDocument = {
        accountId,
        createdMs: this.#clock.nowMs(),
        accessKeyIds: [],
      };
      if ((await this.#registry.get(accountPath(accountId))) !== undefined) {
        throw new CairnError("EntityAlreadyExists", `Account ${accountId} already exists.`);
      }
      await this.#commit([{ key: accountPath(accountId), value: account, expectedVersion: 0 }]);
      return { accountId, createdMs: account.createdMs };
    });
  }

  async listAccounts(): Promise<Account[]> {
    const entries = await this.#registry.list<AccountDocument>("account/");
    return entries.map(({ value }) => ({ accountId: value.accountId, createdMs: value.createdMs }));
  }

  async ensureFirstAccount(
    options: { givenKey?: { accessKeyId: string; secretAccessKey: string } } = {},
  ): Promise<{ accountId: string; accessKeyId?: string; secretAccessKey?: string }> {
    const accountId = this.firstAccountId;
    const given = options.givenKey;
    if (given !== undefined) checkGivenKey(given);
    if ((await this.#registry.get(accountPath(accountId))) === undefined) {
      await this.#makeFirstAccount(accountId, given);
      const created = await this.listAccessKeys(accountId);
      const root = created.find((key) => key.userName === undefined);
      if (root !== undefined) return { accountId, ...(await this.#withSecret(root)) };
    }
    if (given !== undefined) {
      await this.#adoptKey(accountId, given);
      return { accountId, ...given };
    }
    const keys = await this.listAccessKeys(accountId);
    const root = keys.find((key) => key.userName === undefined && key.status === "Active");
    if (root === undefined) return { accountId };
    // Opening it now shows at start, and not at the first call, that the master key is the right one.
    await this.#loadKey(root.accessKeyId);
    return { accountId, accessKeyId: root.accessKeyId };
  }

  async #withSecret(key: AccessKey): Promise<{ accessKeyId: string; secretAccessKey: string }> {
    const loaded = await this.#loadKey(key.accessKeyId);
    return { accessKeyId: key.accessKeyId, secretAccessKey: loaded?.secret ?? "" };
  }

  /** One commit: a crash leaves either no account or an account with its key. */
  async #makeFirstAccount(
    accountId: string,
    given: { accessKeyId: string; secretAccessKey: string } | undefined,
  ): Promise<void> {
    const createdMs = this.#clock.nowMs();
    const { key, value } = this.#newKey({ accountId, createdMs, ...given });
    const account: AccountDocument = { accountId, createdMs, accessKeyIds: [value.accessKeyId] };
    await this.#commit([
      { key: accountPath(accountId), value: account, expectedVersion: 0 },
      { key, value, expectedVersion: 0 },
    ]);
  }

  async #adoptKey(
    accountId: string,
    given: { accessKeyId: string; secretAccessKey: string },
  ): Promise<void> {
    await this.#change(async () => {
      const path = keyPath(given.accessKeyId);
      const owner = await this.#owner(accountId, undefined);
      const present = await this.#registry.get<KeyDocument>(path);
      if (present !== undefined) {
        const { accountId: other, userName } = present.value;
        if (other !== accountId || userName !== undefined) {
          throw new CairnError(
            "InvalidConfiguration",
            `the given root access key id ${given.accessKeyId} belongs to ${userName === undefined ? `account ${other}` : `user ${userName}`}`,
          );
        }
        const known = unseal(
          present.value.sealedSecret,
          sealOwner(given.accessKeyId),
          this.#masterKey,
        );
        const isUnchanged = isSameSecret(known, given.secretAccessKey);
        if (isUnchanged && present.value.given === true) return;
      }
      const replaced = await this.#givenBefore(owner.value.accessKeyIds, given.accessKeyId);
      const kept = owner.value.accessKeyIds.filter((id) => id !== replaced);
      const accessKeyIds = [...new Set([...kept, given.accessKeyId])];
      checkQuota(accessKeyIds.length - 1);
      const createdMs = present?.value.createdMs ?? this.#clock.nowMs();
      const fresh = this.#newKey({ accountId, createdMs, ...given });
      await this.#commit([
        { key: owner.key, value: { ...owner.value, accessKeyIds }, expectedVersion: owner.version },
        { ...fresh, expectedVersion: present?.version ?? 0 },
        ...(replaced === undefined ? [] : [{ key: keyPath(replaced), value: undefined }]),
      ]);
    });
  }

  async #givenBefore(accessKeyIds: string[], now: string): Promise<string | undefined> {
    for (const id of accessKeyIds) {
      if (id === now) continue;
      const key = await this.#registry.get<KeyDocument>(keyPath(id));
      if (key?.value.given === true) return id;
    }
    return undefined;
  }

  async createUser(accountId: string, userName: string, path = "/"): Promise<User> {
    checkUserName(userName);
    checkPath(path);
    return this.#change(async () => {
      await this.#owner(accountId, undefined);
      const key = userPath(accountId, userName);
      if ((await this.#registry.get(key)) !== undefined) {
        throw new CairnError("EntityAlreadyExists", `User with name ${userName} already exists.`);
      }
      const userId = uniqueId(this.#random, "AIDA");
      const createdMs = this.#clock.nowMs();
      const user: User = { accountId, userName, userId, path, createdMs };
      await this.#commit([{ key, value: { ...user, accessKeyIds: [] }, expectedVersion: 0 }]);
      return user;
    });
  }

  async listUsers(accountId: string): Promise<User[]> {
    const entries = await this.#registry.list<UserDocument>(`user/${accountId}/`);
    return entries.map(({ value }) => {
      const { accessKeyIds: _, ...user } = value;
      return user;
    });
  }

  async createAccessKey(
    accountId: string,
    userName?: string,
  ): Promise<AccessKey & { secretAccessKey: string }> {
    return this.#change(async () => {
      const owner = await this.#owner(accountId, userName);
      checkQuota(owner.value.accessKeyIds.length);
      const createdMs = this.#clock.nowMs();
      const fresh = this.#newKey({ accountId, createdMs, userName });
      const accessKeyIds = [...owner.value.accessKeyIds, fresh.value.accessKeyId];
      await this.#commit([
        { key: owner.key, value: { ...owner.value, accessKeyIds }, expectedVersion: owner.version },
        { key: fresh.key, value: fresh.value, expectedVersion: 0 },
      ]);
      return { ...publicKey(fresh.value), secretAccessKey: fresh.secret };
    });
  }

  async listAccessKeys(accountId: string): Promise<AccessKey[]> {
    const owners = await this.#registry.list<UserDocument>(`user/${accountId}/`);
    const account = await this.#registry.get<AccountDocument>(accountPath(accountId));
    const ids = [account, ...owners].flatMap((owner) => owner?.value.accessKeyIds ?? []);
    const keys = await Promise.all(ids.map((id) => this.#registry.get<KeyDocument>(keyPath(id))));
    return keys.flatMap((key) => (key === undefined ? [] : [publicKey(key.value)]));
  }

  async setAccessKeyStatus(
    accountId: string,
    accessKeyId: string,
    status: AccessKey["status"],
  ): Promise<void> {
    await this.#change(async () => {
      const { key, value, version } = await this.#key(accountId, accessKeyId);
      if (status === "Inactive") await this.#keepRootKey(value);
      await this.#commit([{ key, value: { ...value, status }, expectedVersion: version }]);
    });
  }

  /** Without an active root key nobody could make one again: the last one stays. */
  async #keepRootKey(leaving: KeyDocument): Promise<void> {
    if (leaving.userName !== undefined || leaving.status !== "Active") return;
    const keys = await this.listAccessKeys(leaving.accountId);
    const others = keys.filter(
      (key) =>
        key.userName === undefined &&
        key.status === "Active" &&
        key.accessKeyId !== leaving.accessKeyId,
    );
    if (others.length > 0) return;
    throw new CairnError(
      "LimitExceeded",
      `${leaving.accessKeyId} is the last active root access key of account ${leaving.accountId}: make another one first`,
    );
  }

  async deleteAccessKey(accountId: string, accessKeyId: string): Promise<void> {
    await this.#change(async () => {
      const { key, value, version } = await this.#key(accountId, accessKeyId);
      await this.#keepRootKey(value);
      const owner = await this.#owner(accountId, value.userName);
      const accessKeyIds = owner.value.accessKeyIds.filter((id) => id !== accessKeyId);
      await this.#commit([
        { key: owner.key, value: { ...owner.value, accessKeyIds }, expectedVersion: owner.version },
        { key, value: undefined, expectedVersion: version },
      ]);
    });
  }

  #newKey(facts: {
    accountId: string;
    createdMs: number;
    userName?: string | undefined;
    accessKeyId?: string;
    secretAccessKey?: string;
  }): { key: string; value: KeyDocument; secret: string } {
    const accessKeyId = facts.accessKeyId ?? uniqueId(this.#random, "AKIA");
    const secret = facts.secretAccessKey ?? this.#random.text(40, secretAlphabet);
    const value: KeyDocument = {
      accessKeyId,
      accountId: facts.accountId,
      status: "Active",
      createdMs: facts.createdMs,
      sealedSecret: seal(secret, sealOwner(accessKeyId), this.#masterKey, this.#random),
      ...(facts.userName === undefined ? {} : { userName: facts.userName }),
      ...(facts.accessKeyId === undefined ? {} : { given: true }),
    };
    return { key: keyPath(accessKeyId), value, secret };
  }

  async #key(accountId: string, accessKeyId: string): Promise<Entry<KeyDocument>> {
    const entry = /^\w{1,128}$/.test(accessKeyId)
      ? await this.#registry.get<KeyDocument>(keyPath(accessKeyId))
      : undefined;
    if (entry?.value.accountId === accountId) return entry;
    // Another account's key is as absent as one that never was.
    throw new CairnError(
      "NoSuchEntity",
      `The Access Key with id ${accessKeyId.slice(0, 128)} cannot be found.`,
    );
  }

  /** The document that lists the keys of a user or, without a name, of the root user. */
  async #owner(
    accountId: string,
    userName: string | undefined,
  ): Promise<Entry<UserDocument | AccountDocument>> {
    if (userName === undefined) {
      const account = await this.#registry.get<AccountDocument>(accountPath(accountId));
      if (account !== undefined) return account;
      throw new CairnError("NoSuchEntity", `Account ${accountId} cannot be found.`);
    }
    checkUserName(userName);
    const user = await this.#registry.get<UserDocument>(userPath(accountId, userName));
    if (user?.value.userName === userName) return user;
    throw new CairnError("NoSuchEntity", `The user with name ${userName} cannot be found.`);
  }

  async #commit(changes: Parameters<Registry["commit"]>[0]): Promise<void> {
    try {
      await this.#registry.commit(
        changes.map(({ key, value, expectedVersion }) => ({
          key,
          value,
          ...(expectedVersion === undefined ? {} : { expectedVersion }),
        })),
      );
    } finally {
      // Also when it failed: the failure may have come after the change was made.
      this.#generation += 1;
      this.#cache.clear();
    }
  }

  /** Reads and decides anew when someone else's change came between. */
  async #change<T>(attempt: () => Promise<T>): Promise<T> {
    for (let left = attemptsMax; ; left--) {
      try {
        return await attempt();
      } catch (error) {
        if (left <= 1 || !isCairnError(error, "RegistryConflict")) throw error;
      }
    }
  }
}

function checkQuota(present: number): void {
  if (present < accessKeysMax) return;
  throw new CairnError(
    "LimitExceeded",
    `Cannot exceed quota for AccessKeysPerUser: ${accessKeysMax}`,
  );
}

function publicKey(document: KeyDocument): AccessKey {
  const { sealedSecret: _, given: __, ...key } = document;
  return key;
}

const accountPath = (accountId: string) => `account/${accountId}`;
const keyPath = (accessKeyId: string) => `access-key/${accessKeyId}`;
const userPath = (accountId: string, userName: string) =>
  `user/${accountId}/${userName.toLowerCase()}`;
const sealOwner = (accessKeyId: string) => `access-key/${accessKeyId}`;
