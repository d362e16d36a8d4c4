// Long-term access keys: of the root user, of users, of service principals; two for each at a time.
//
// The owner's document lists its keys, so that one change of it guards both the quota and the owner's life.
import { CairnError } from "../base/errors.ts";
import type { Core } from "./core.ts";
import { noSuchEntity, notFound, omit, overQuota, sealFor, unsealFor } from "./core.ts";
import type { Draft } from "./documents.ts";
import { makeKeyId } from "./key-id.ts";
import {
  type AccessKey,
  type AccountDocument,
  type KeyDocument,
  keys,
  type ServicePrincipalDocument,
  type Use,
  type UserDocument,
} from "./model.ts";
import { checkUserName } from "./names.ts";

/** Access keys that an owner may have at a time (IAM quota). */
export const accessKeysMax = 2;

/** Undefined members: the root user. */
export interface KeyOwner {
  userName?: string;
  service?: string;
}

interface KeyList {
  accessKeyIds: string[];
}

const secretAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
/** A use is written when the last one written is this old: a busy key must not be a busy registry. */
const useCoarsenessMs = 15 * 60 * 1000;
/** Keys whose last written use is remembered. */
const usesKnownMax = 4096;

export const keySealOwner = (accessKeyId: string) => `access-key/${accessKeyId}`;

export class AccessKeys {
  readonly #core: Core;
  readonly #usesWritten = new Map<string, number>();

  constructor(core: Core) {
    this.#core = core;
  }

  /** The secret is in the answer and nowhere else in the clear. */
  create(
    accountId: string,
    owner: KeyOwner = {},
  ): Promise<AccessKey & { secretAccessKey: string }> {
    return this.#core.documents.change(async (draft) => {
      const list = await ownerIn(draft, accountId, owner);
      checkQuota(list.value.accessKeyIds.length);
      const createdMs = this.#core.clock.nowMs();
      const { value, secret } = this.make({ accountId, createdMs, ...owner });
      const accessKeyIds = [...list.value.accessKeyIds, value.accessKeyId];
      draft.put(list.key, { ...list.value, accessKeyIds });
      draft.put(keys.accessKey(value.accessKeyId), value);
      return { ...shown(value), secretAccessKey: secret };
    });
  }

  /** A key to be put into a draft. */
  make(facts: {
    accountId: string;
    createdMs: number;
    userName?: string | undefined;
    service?: string | undefined;
    accessKeyId?: string;
    secretAccessKey?: string;
  }): { value: KeyDocument; secret: string } {
    const { random } = this.#core;
    const accessKeyId = facts.accessKeyId ?? makeKeyId(random, "AKIA", facts.accountId);
    const secret = facts.secretAccessKey ?? random.text(40, secretAlphabet);
    const value: KeyDocument = {
      accessKeyId,
      accountId: facts.accountId,
      status: "Active",
      createdMs: facts.createdMs,
      sealedSecret: sealFor(this.#core, keySealOwner(accessKeyId), secret),
      ...(facts.userName === undefined ? {} : { userName: facts.userName }),
      ...(facts.service === undefined ? {} : { service: facts.service }),
      ...(facts.accessKeyId === undefined ? {} : { given: true }),
    };
    return { value, secret };
  }

  /** Of any account; the secret unsealed. */
  async find(accessKeyId: string): Promise<{ key: AccessKey; secret: string } | undefined> {
    // Ids come from anyone: one that no key can have is not looked up.
    if (!/^\w{1,128}$/.test(accessKeyId)) return undefined;
    const document = await this.#core.documents.get<KeyDocument>(keys.accessKey(accessKeyId));
    if (document === undefined) return undefined;
    const secret = unsealFor(this.#core, keySealOwner(accessKeyId), document.sealedSecret);
    return { key: shown(document), secret };
  }

  /** All keys of the account's root user and users. */
  async list(accountId: string): Promise<AccessKey[]> {
    const { documents } = this.#core;
    const account = await documents.get<AccountDocument>(keys.account(accountId));
    const users = await documents.list<UserDocument>(keys.user(accountId, ""));
    return this.#all([account, ...users].flatMap((owner) => owner?.accessKeyIds ?? []));
  }

  /** Those of one owner. */
  async of(accountId: string, owner: KeyOwner): Promise<AccessKey[]> {
    const list = await this.#core.documents.get<KeyList & { userName?: string }>(
      ownerKey(accountId, owner),
    );
    if (list === undefined || list.userName !== owner.userName) {
      throw unknownOwner(accountId, owner);
    }
    return this.#all(list.accessKeyIds);
  }

  async #all(ids: readonly string[]): Promise<AccessKey[]> {
    const { documents } = this.#core;
    const found = await Promise.all(
      ids.map((id) => documents.get<KeyDocument>(keys.accessKey(id))),
    );
    return found.flatMap((key) => (key === undefined ? [] : [shown(key)]));
  }

  /** `owner`: the key must be this one's; left out: any of the account's. */
  async setStatus(
    accountId: string,
    accessKeyId: string,
    status: AccessKey["status"],
    owner?: KeyOwner,
  ): Promise<void> {
    await this.#core.documents.change(async (draft) => {
      const key = await this.#key(draft, accountId, accessKeyId, owner);
      if (status === "Inactive") await keepRootKey(draft, key);
      draft.put(keys.accessKey(accessKeyId), { ...key, status });
    });
  }

  async delete(accountId: string, accessKeyId: string, owner?: KeyOwner): Promise<void> {
    await this.#core.documents.change(async (draft) => {
      const key = await this.#key(draft, accountId, accessKeyId, owner);
      await keepRootKey(draft, key);
      const { userName, service } = key;
      const list = await ownerIn(draft, accountId, {
        ...(userName === undefined ? {} : { userName }),
        ...(service === undefined ? {} : { service }),
      });
      const accessKeyIds = list.value.accessKeyIds.filter((id) => id !== accessKeyId);
      draft.put(list.key, { ...list.value, accessKeyIds });
      draft.delete(keys.keyUse(accessKeyId));
      draft.delete(keys.accessKey(accessKeyId));
    });
  }

  lastUse(accessKeyId: string): Promise<Use | undefined> {
    return this.#core.documents.get<Use>(keys.keyUse(accessKeyId));
  }

  /**
   * Notes that a key, or a role, was used: about every quarter of an hour, and later than it happened. A use that
   * cannot be written is not known of, and nobody waits for it: the call itself has its event.
   */
  noteUse(key: string, use: Use): void {
    const writtenMs = this.#usesWritten.get(key);
    if (writtenMs !== undefined && use.usedMs - writtenMs < useCoarsenessMs) return;
    this.#usesWritten.delete(key);
    this.#usesWritten.set(key, use.usedMs);
    if (this.#usesWritten.size > usesKnownMax) {
      const oldest = this.#usesWritten.keys().next();
      if (oldest.done !== true) this.#usesWritten.delete(oldest.value);
    }
    this.#core.documents.note(key, use).catch(() => this.#usesWritten.delete(key));
  }

  async #key(
    draft: Draft,
    accountId: string,
    accessKeyId: string,
    owner: KeyOwner | undefined,
  ): Promise<KeyDocument> {
    const key = /^\w{1,128}$/.test(accessKeyId)
      ? await draft.get<KeyDocument>(keys.accessKey(accessKeyId))
      : undefined;
    const isTheirs =
      key?.accountId === accountId &&
      (owner === undefined || (key.userName === owner.userName && key.service === owner.service));
    if (isTheirs) return key;
    // Another account's key is as absent as one that never was.
    throw noSuchEntity(`The Access Key with id ${accessKeyId.slice(0, 128)} cannot be found.`);
  }
}

export function checkQuota(present: number): void {
  if (present >= accessKeysMax) throw overQuota("AccessKeysPerUser", accessKeysMax);
}

function shown(document: KeyDocument): AccessKey {
  return omit(document, "sealedSecret", "given");
}

function ownerKey(accountId: string, { userName, service }: KeyOwner): string {
  if (userName !== undefined) return keys.user(accountId, userName);
  return service === undefined ? keys.account(accountId) : keys.service(service);
}

/** The document that lists the owner's keys. */
export async function ownerIn(
  draft: Draft,
  accountId: string,
  owner: KeyOwner,
): Promise<{ key: string; value: AccountDocument | UserDocument | ServicePrincipalDocument }> {
  if (owner.userName !== undefined) checkUserName(owner.userName);
  const key = ownerKey(accountId, owner);
  const value = await draft.get<AccountDocument & UserDocument & ServicePrincipalDocument>(key);
  const isIt =
    value !== undefined &&
    value.accountId === accountId &&
    (owner.userName === undefined || value.userName === owner.userName);
  if (isIt) return { key, value };
  throw unknownOwner(accountId, owner);
}

function unknownOwner(accountId: string, { userName, service }: KeyOwner): CairnError {
  if (userName !== undefined) return notFound("user", userName);
  return noSuchEntity(
    service === undefined
      ? `Account ${accountId} cannot be found.`
      : `The service principal ${service.slice(0, 128)} cannot be found.`,
  );
}

/** Without an active root key nobody could make one again: the last one stays. */
async function keepRootKey(draft: Draft, leaving: KeyDocument): Promise<void> {
  const isRoots = leaving.userName === undefined && leaving.service === undefined;
  if (!isRoots || leaving.status !== "Active") return;
  const account = await draft.get<AccountDocument>(keys.account(leaving.accountId));
  for (const id of account?.accessKeyIds ?? []) {
    if (id === leaving.accessKeyId) continue;
    if ((await draft.get<KeyDocument>(keys.accessKey(id)))?.status === "Active") return;
  }
  throw new CairnError(
    "LimitExceeded",
    `${leaving.accessKeyId} is the last active root access key of account ${leaving.accountId}: make another one first`,
  );
}
