// Accounts, their root users' keys and their aliases.
import { CairnError } from "../base/errors.ts";
import { isSameSecret } from "../base/same-secret.ts";
import { type AccessKeys, checkQuota, keySealOwner, ownerIn } from "./access-keys.ts";
import { type Core, noSuchEntity, omit, unsealFor } from "./core.ts";
import type { Draft } from "./documents.ts";
import { markPermissions } from "./earlier-users.ts";
import { type Account, type AccountDocument, type KeyDocument, keys } from "./model.ts";
import { checkAccountId, checkGivenKey, checkLength } from "./names.ts";

export interface GivenKey {
  accessKeyId: string;
  secretAccessKey: string;
}

export class Accounts {
  readonly #core: Core;
  readonly #accessKeys: AccessKeys;
  readonly #firstAccountId: string;

  constructor(core: Core, accessKeys: AccessKeys, firstAccountId: string) {
    this.#core = core;
    this.#accessKeys = accessKeys;
    this.#firstAccountId = firstAccountId;
  }

  async create(accountId: string): Promise<Account> {
    checkAccountId(accountId);
    return this.#core.documents.change((draft) => this.createIn(draft, { accountId }));
  }

  /** For whoever makes an account together with something else. */
  async createIn(
    draft: Draft,
    facts: Pick<Account, "accountId" | "name" | "email" | "organizationId">,
  ): Promise<Account> {
    const key = keys.account(facts.accountId);
    if ((await draft.get(key)) !== undefined) {
      throw new CairnError("EntityAlreadyExists", `Account ${facts.accountId} already exists.`);
    }
    const account = { ...facts, createdMs: this.#core.clock.nowMs() };
    draft.put(key, { ...account, accessKeyIds: [] });
    return account;
  }

  async get(accountId: string): Promise<Account | undefined> {
    const document = await this.#core.documents.get<AccountDocument>(keys.account(accountId));
    return document === undefined ? undefined : shown(document);
  }

  async list(): Promise<Account[]> {
    const documents = await this.#core.documents.list<AccountDocument>("account/");
    return documents.map(shown);
  }

  async mfaSerials(accountId: string): Promise<string[]> {
    const account = await this.#core.documents.get<AccountDocument>(keys.account(accountId));
    return account?.mfaSerials ?? [];
  }

  /** An account has one alias: a new one takes the place of the one before. */
  async setAlias(accountId: string, alias: string): Promise<void> {
    checkLength(alias, "accountAlias", 3, 63);
    if (!/^[a-z0-9](?:[a-z0-9]|-(?!-)){1,61}[a-z0-9]$/.test(alias) || /^\d{12}$/.test(alias)) {
      throw new CairnError(
        "ValidationFailed",
        "The specified value for accountAlias is invalid. It must contain only digits, lowercase letters, and hyphens (-), but cannot begin or end with a hyphen.",
      );
    }
    await this.#core.documents.change(async (draft) => {
      const taken = await draft.get<{ accountId: string }>(keys.alias(alias));
      if (taken !== undefined) {
        throw new CairnError("EntityAlreadyExists", `The account alias ${alias} already exists.`);
      }
      const account = await accountIn(draft, accountId);
      if (account.alias !== undefined) draft.delete(keys.alias(account.alias));
      draft.put(keys.alias(alias), { accountId });
      draft.put(keys.account(accountId), { ...account, alias });
    });
  }

  async deleteAlias(accountId: string, alias: string): Promise<void> {
    await this.#core.documents.change(async (draft) => {
      const account = await accountIn(draft, accountId);
      if (account.alias !== alias) {
        throw noSuchEntity(`The account alias ${alias.slice(0, 63)} cannot be found.`);
      }
      draft.delete(keys.alias(alias));
      draft.put(keys.account(accountId), omit(account, "alias"));
    });
  }

  /** No session of the root user that there is now is good any more. */
  async revokeRootSessions(accountId: string): Promise<void> {
    await this.#core.documents.change(async (draft) => {
      const account = await accountIn(draft, accountId);
      draft.put(keys.account(accountId), {
        ...account,
        sessionsRevokedMs: this.#core.clock.nowMs(),
      });
    });
  }

  async ensureFirst(
    given: GivenKey | undefined,
  ): Promise<{ accountId: string; accessKeyId?: string; secretAccessKey?: string }> {
    const accountId = this.#firstAccountId;
    if (given !== undefined) checkGivenKey(given);
    const account = await this.#core.documents.get<AccountDocument>(keys.account(accountId));
    if (account === undefined) {
      const made = await this.#makeFirst(accountId, given);
      if (made !== undefined) return { accountId, ...made };
    }
    if (given !== undefined) {
      await this.#adopt(accountId, given);
      return { accountId, ...given };
    }
    const rootKeys = await this.#accessKeys.of(accountId, {});
    const active = rootKeys.find((key) => key.status === "Active");
    if (active === undefined) return { accountId };
    // Opening it now shows at start, and not at the first call, that the master key is the right one.
    await this.#accessKeys.find(active.accessKeyId);
    return { accountId, accessKeyId: active.accessKeyId };
  }

  /** One commit: a crash leaves either no account or an account with its key. */
  #makeFirst(accountId: string, given: GivenKey | undefined): Promise<GivenKey | undefined> {
    return this.#core.documents.change(async (draft) => {
      // Another process may have been first.
      if ((await draft.get(keys.account(accountId))) !== undefined) return undefined;
      const createdMs = this.#core.clock.nowMs();
      const { value, secret } = this.#accessKeys.make({ accountId, createdMs, ...given });
      const { accessKeyId } = value;
      draft.put(keys.account(accountId), { accountId, createdMs, accessKeyIds: [accessKeyId] });
      draft.put(keys.accessKey(accessKeyId), value);
      // In a registry that knew accounts before, this is not the first: its users are yet to be looked at.
      if ((await draft.list("account/")).length === 0) markPermissions(draft, createdMs);
      return { accessKeyId, secretAccessKey: secret };
    });
  }

  async #adopt(accountId: string, given: GivenKey): Promise<void> {
    await this.#core.documents.change(async (draft) => {
      const owner = await ownerIn(draft, accountId, {});
      const key = keys.accessKey(given.accessKeyId);
      const present = await draft.get<KeyDocument>(key);
      if (present !== undefined && this.#isAdopted(accountId, present, given)) return;
      const replaced = await givenBefore(draft, owner.value.accessKeyIds, given.accessKeyId);
      const kept = owner.value.accessKeyIds.filter((id) => id !== replaced);
      const accessKeyIds = [...new Set([...kept, given.accessKeyId])];
      checkQuota(accessKeyIds.length - 1);
      const createdMs = present?.createdMs ?? this.#core.clock.nowMs();
      draft.put(owner.key, { ...owner.value, accessKeyIds });
      draft.put(key, this.#accessKeys.make({ accountId, createdMs, ...given }).value);
      if (replaced !== undefined) draft.delete(keys.accessKey(replaced));
    });
  }

  #isAdopted(accountId: string, present: KeyDocument, given: GivenKey): boolean {
    const { accountId: other, userName, service, sealedSecret } = present;
    if (other !== accountId || userName !== undefined || service !== undefined) {
      const whose = service ?? (userName === undefined ? `account ${other}` : `user ${userName}`);
      throw new CairnError(
        "InvalidConfiguration",
        `the given root access key id ${given.accessKeyId} belongs to ${whose}`,
      );
    }
    const known = unsealFor(this.#core, keySealOwner(given.accessKeyId), sealedSecret);
    return isSameSecret(known, given.secretAccessKey) && present.given === true;
  }
}

async function givenBefore(
  draft: Draft,
  accessKeyIds: readonly string[],
  now: string,
): Promise<string | undefined> {
  for (const id of accessKeyIds) {
    if (id === now) continue;
    if ((await draft.get<KeyDocument>(keys.accessKey(id)))?.given === true) return id;
  }
  return undefined;
}

async function accountIn(draft: Draft, accountId: string): Promise<AccountDocument> {
  const account = await draft.get<AccountDocument>(keys.account(accountId));
  if (account !== undefined) return account;
  throw noSuchEntity(`Account ${accountId} cannot be found.`);
}

function shown(document: AccountDocument): Account {
  return omit(document, "accessKeyIds", "mfaSerials", "sessionsRevokedMs");
}
