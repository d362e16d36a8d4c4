// Puts the directory together: its parts on one registry, and what was read of keys kept for a moment.
import type { Clock } from "../base/clock.ts";
import { type Log, silentLog } from "../base/log.ts";
import type { Random } from "../base/random.ts";
import type { VerifiedCaller } from "../event/user-identity.ts";
import type { Registry } from "../registry/registry.ts";
import { AccessKeys } from "./access-keys.ts";
import { Accounts } from "./accounts.ts";
import type { Core } from "./core.ts";
import type { Directory, KeyForVerification } from "./directory.ts";
import { Documents } from "./documents.ts";
import { admitEarlierUsers } from "./earlier-users.ts";
import { Groups } from "./groups.ts";
import { InstanceProfiles } from "./instance-profiles.ts";
import type { KeyFiles } from "./key-files.ts";
import { KeyRotation } from "./key-rotation.ts";
import { LoginProfiles } from "./login-profiles.ts";
import { ManagedPolicies } from "./managed-policies.ts";
import { MasterKeys } from "./master-keys.ts";
import { Memberships } from "./memberships.ts";
import { MfaDevices } from "./mfa-devices.ts";
import { type AccountDocument, keys, type UserDocument } from "./model.ts";
import { checkAccountId } from "./names.ts";
import { OidcProviders } from "./oidc-providers.ts";
import { Organizations } from "./organizations.ts";
import { readPermissionSet } from "./permission-set.ts";
import { PolicyAttachments } from "./policy-attachments.ts";
import { Roles } from "./roles.ts";
import { openText, sealText } from "./sealed-text.ts";
import { ServiceControlPolicies } from "./service-control-policies.ts";
import { ServicePrincipals } from "./service-principals.ts";
import { Sessions } from "./sessions.ts";
import { Users } from "./users.ts";

export interface DirectoryOptions {
  registry: Registry;
  /** 32 bytes (master-key.ts). */
  masterKey: Buffer;
  /** The one before it, while something is sealed under it. */
  formerMasterKey?: Buffer | undefined;
  /** Where the master key stands; left out: it was given, and is not ours to change. */
  keyFiles?: KeyFiles | undefined;
  /** Told of another master key, for what else is made from it. */
  onMasterKey?: (masterKey: Buffer) => void;
  log?: Log;
  clock: Clock;
  random: Random;
  firstAccountId: string;
}

/** How long another process's change of a key may go unseen here. Our own changes are seen at once. */
const cacheMsMax = 10_000;
/** Keys and sessions kept unsealed in memory: far more than callers at a time, still only some megabytes. */
const cacheKeysMax = 4096;

interface CachedKey {
  key: KeyForVerification;
  loadedMs: number;
  generation: number;
}

export function openDirectory(options: DirectoryOptions): Directory {
  const { registry, clock, random, firstAccountId, keyFiles: files, log = silentLog } = options;
  checkAccountId(firstAccountId);
  const documents = new Documents(registry);
  const masterKeys = new MasterKeys(options.masterKey, options.formerMasterKey);
  const core: Core = { documents, clock, random, masterKeys };
  const policies = new ManagedPolicies(core);
  const attachments = new PolicyAttachments(core, policies);
  const accessKeys = new AccessKeys(core);
  const accounts = new Accounts(core, accessKeys, firstAccountId);
  const users = new Users(core, attachments);
  const organizations = new Organizations(core, accounts);
  const sessions = new Sessions(core);
  const found = new FoundKeys(core, accessKeys, sessions);
  return {
    accounts,
    users,
    groups: new Groups(core, attachments),
    roles: new Roles(core, attachments),
    policies,
    attachments,
    accessKeys,
    loginProfiles: new LoginProfiles(core),
    mfaDevices: new MfaDevices(core),
    oidcProviders: new OidcProviders(core),
    instanceProfiles: new InstanceProfiles(core),
    servicePrincipals: new ServicePrincipals(core, accessKeys),
    sessions,
    organizations,
    memberships: new Memberships(core, organizations),
    serviceControlPolicies: new ServiceControlPolicies(core, organizations),
    keyRotation: new KeyRotation({ core, files, onReplaced: options.onMasterKey, log }),
    firstAccountId,
    get generation() {
      return documents.generation;
    },
    findKey: (accessKeyId, sessionToken) => found.find(accessKeyId, sessionToken),
    noteUse(caller, region, service) {
      const use = { usedMs: clock.nowMs(), region, service };
      if (caller.kind === "role") {
        accessKeys.noteUse(keys.roleUse(caller.accountId, caller.roleName), use);
      } else if (!("session" in caller)) {
        accessKeys.noteUse(keys.keyUse(caller.accessKeyId), use);
      }
    },
    permissionsOf: (caller) => readPermissionSet(core, policies, caller),
    encodeMessage: (accountId, message) =>
      sealText(
        JSON.stringify([accountId, message]),
        "authorization message",
        masterKeys.current,
        random,
      ),
    decodeMessage(accountId, encoded) {
      const plain = openText(encoded, "authorization message", masterKeys, clock.nowMs());
      if (plain === undefined) return undefined;
      const [owner, message] = JSON.parse(plain) as [string, string];
      return owner === accountId ? message : undefined;
    },
    ensureFirstAccount: ({ givenKey } = {}) => accounts.ensureFirst(givenKey),
    async admitEarlierUsers() {
      const users = await admitEarlierUsers(core);
      return users.map(({ accountId, userName }) => ({ accountId, userName }));
    },
    createAccount: (accountId) => accounts.create(accountId),
    listAccounts: () => accounts.list(),
    createUser: (accountId, userName, path) =>
      users.create(accountId, { userName, ...(path === undefined ? {} : { path }) }),
    listUsers: (accountId) => users.list(accountId),
    createAccessKey: (accountId, userName) =>
      accessKeys.create(accountId, userName === undefined ? {} : { userName }),
    listAccessKeys: (accountId) => accessKeys.list(accountId),
    setAccessKeyStatus: (accountId, accessKeyId, status) =>
      accessKeys.setStatus(accountId, accessKeyId, status),
    deleteAccessKey: (accountId, accessKeyId) => accessKeys.delete(accountId, accessKeyId),
  };
}

/** Keys by id, and sessions by token, as verification asks for them: many times a second, mostly the same. */
class FoundKeys {
  readonly #core: Core;
  readonly #accessKeys: AccessKeys;
  readonly #sessions: Sessions;
  readonly #cache = new Map<string, CachedKey>();

  constructor(core: Core, accessKeys: AccessKeys, sessions: Sessions) {
    this.#core = core;
    this.#accessKeys = accessKeys;
    this.#sessions = sessions;
  }

  async find(
    accessKeyId: string,
    sessionToken: string | undefined,
  ): Promise<KeyForVerification | undefined> {
    const id = sessionToken === undefined ? accessKeyId : `${accessKeyId} ${sessionToken}`;
    const { documents, clock } = this.#core;
    const nowMs = clock.monotonicMs();
    const { generation } = documents;
    const cached = this.#cache.get(id);
    if (cached?.generation === generation && nowMs - cached.loadedMs < cacheMsMax) {
      return this.#timely(cached.key);
    }
    this.#cache.delete(id);
    const key = await (sessionToken === undefined
      ? this.#longTerm(accessKeyId)
      : this.#session(accessKeyId, sessionToken));
    if (key === undefined) return undefined;
    this.#cache.set(id, { key, loadedMs: nowMs, generation });
    if (this.#cache.size > cacheKeysMax) {
      const oldest = this.#cache.keys().next();
      if (oldest.done !== true) this.#cache.delete(oldest.value);
    }
    return this.#timely(key);
  }

  /** A session ends on the dot, however fresh it is here. */
  #timely(key: KeyForVerification): KeyForVerification {
    const session = "session" in key.caller ? key.caller.session : undefined;
    if (session === undefined || this.#core.clock.nowMs() < session.expiresMs) return key;
    return { ...key, status: "Expired" };
  }

  async #session(
    accessKeyId: string,
    sessionToken: string,
  ): Promise<KeyForVerification | undefined> {
    const session = await this.#sessions.find(accessKeyId, sessionToken);
    if (session === undefined) return undefined;
    return { secret: session.secret, status: "Active", caller: session.caller };
  }

  async #longTerm(accessKeyId: string): Promise<KeyForVerification | undefined> {
    const found = await this.#accessKeys.find(accessKeyId);
    if (found === undefined) return undefined;
    const { key, secret } = found;
    const caller = await this.#ownerOf(key);
    return caller === undefined ? undefined : { secret, status: key.status, caller };
  }

  async #ownerOf(key: {
    accountId: string;
    accessKeyId: string;
    userName?: string;
    service?: string;
  }): Promise<VerifiedCaller | undefined> {
    const { accountId, accessKeyId, userName, service } = key;
    const { documents } = this.#core;
    if (service !== undefined) {
      return { kind: "service", invokedBy: service, accountId, accessKeyId };
    }
    if (userName === undefined) {
      const account = await documents.get<AccountDocument>(keys.account(accountId));
      const alias = account?.alias;
      const accountAlias = alias === undefined ? {} : { accountAlias: alias };
      return { kind: "root", accountId, accessKeyId, ...accountAlias };
    }
    const user = await documents.get<UserDocument>(keys.user(accountId, userName));
    if (user === undefined) return undefined;
    const { userId, path } = user;
    return { kind: "user", accountId, accessKeyId, userName, userId, path };
  }
}
