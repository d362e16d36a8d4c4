// Virtual MFA devices: a seed that an app knows too, bound to the root user or a user by two codes in a row.
import { CairnError } from "../base/errors.ts";
import { type Core, deleteConflict, noSuchEntity, omit, sealFor, unsealFor } from "./core.ts";
import type { Draft } from "./documents.ts";
import { FailureLimit } from "./failure-limit.ts";
import {
  type AccountDocument,
  keys,
  type MfaDevice,
  type MfaDocument,
  type UserDocument,
} from "./model.ts";
import { checkName, checkPath } from "./names.ts";
import { type Tag, withoutTags, withTags } from "./tags.ts";
import { fromBase32, matchingStep, toBase32 } from "./totp.ts";
import { userIn } from "./users.ts";

/** As long as SHA-1's digest (RFC 4226 recommends 160 bits); AWS gives 64 characters, which is 320. */
const seedBytes = 40;
const devicesPerUserMax = 8;

/** Undefined: the root user. */
type Owner = string | undefined;

export class MfaDevices {
  readonly #core: Core;
  readonly #failures: FailureLimit;

  constructor(core: Core) {
    this.#core = core;
    this.#failures = new FailureLimit(core.clock);
  }

  /** The seed in base32 is in the answer and nowhere else in the clear. */
  async create(
    accountId: string,
    given: { name: string; path?: string; tags?: readonly Tag[] },
  ): Promise<{ device: MfaDevice; base32Seed: string }> {
    const { name, path = "/", tags = [] } = given;
    checkName(name, "virtualMFADeviceName", 226);
    checkPath(path);
    const wanted = withTags(undefined, tags);
    const serialNumber = `arn:aws:iam::${accountId}:mfa${path}${name}`;
    const key = keys.mfaDevice(serialNumber);
    const base32Seed = toBase32(this.#core.random.bytes(seedBytes));
    return this.#core.documents.change(async (draft) => {
      if ((await draft.get(key)) !== undefined) {
        throw new CairnError(
          "EntityAlreadyExists",
          "MFADevice entity at the same path and name already exists.",
        );
      }
      const device: MfaDevice = {
        serialNumber,
        accountId,
        createdMs: this.#core.clock.nowMs(),
        ...(tags.length === 0 ? {} : { tags: wanted }),
      };
      draft.put(key, { ...device, sealedSeed: sealFor(this.#core, key, base32Seed) });
      return { device, base32Seed };
    });
  }

  async get(accountId: string, serialNumber: string): Promise<MfaDevice> {
    const device = isSerial(accountId, serialNumber)
      ? await this.#core.documents.get<MfaDocument>(keys.mfaDevice(serialNumber))
      : undefined;
    if (device === undefined) throw unknownDevice(serialNumber);
    return shown(device);
  }

  async list(accountId: string): Promise<MfaDevice[]> {
    const devices = await this.#core.documents.list<MfaDocument>(`mfa-device/${accountId}/`);
    return devices.map(shown);
  }

  /** Two codes that follow each other prove that the app has the seed and that its clock is right. */
  async enable(
    accountId: string,
    owner: Owner,
    serialNumber: string,
    codes: readonly [string, string],
  ): Promise<void> {
    await this.#core.documents.change(async (draft) => {
      const { document, key } = await this.#in(draft, accountId, serialNumber);
      const holder = await holderIn(draft, accountId, owner);
      if (document.owner !== undefined) {
        throw new CairnError("EntityAlreadyExists", "MFA Device is already in use.");
      }
      if (holder.serials.length >= devicesPerUserMax) {
        throw new CairnError(
          "LimitExceeded",
          `MFA Devices per user exceeds the limit: ${devicesPerUserMax}`,
        );
      }
      const lastStep = this.#twoInARow(key, document, codes);
      draft.put(key, {
        ...document,
        lastStep,
        enabledMs: this.#core.clock.nowMs(),
        owner: { userId: holder.userId, ...(owner === undefined ? {} : { userName: owner }) },
      });
      holder.put([...holder.serials, serialNumber]);
    });
  }

  async resync(
    accountId: string,
    owner: Owner,
    serialNumber: string,
    codes: readonly [string, string],
  ): Promise<void> {
    await this.#core.documents.change(async (draft) => {
      const { document, key } = await this.#owned(draft, accountId, owner, serialNumber);
      draft.put(key, { ...document, lastStep: this.#twoInARow(key, document, codes) });
    });
  }

  async deactivate(accountId: string, owner: Owner, serialNumber: string): Promise<void> {
    await this.#core.documents.change(async (draft) => {
      const { document, key } = await this.#owned(draft, accountId, owner, serialNumber);
      const holder = await holderIn(draft, accountId, owner);
      draft.put(key, omit(document, "owner", "enabledMs", "lastStep"));
      holder.put(holder.serials.filter((each) => each !== serialNumber));
    });
  }

  async delete(accountId: string, serialNumber: string): Promise<void> {
    await this.#core.documents.change(async (draft) => {
      const { document, key } = await this.#in(draft, accountId, serialNumber);
      if (document.owner !== undefined) throw deleteConflict("deactivate MFA device");
      draft.delete(key);
    });
  }

  /** The code is the one that the owner's device shows now, and is used up by this. Throttled like a password. */
  async verify(
    accountId: string,
    owner: Owner,
    serialNumber: string,
    code: string,
  ): Promise<boolean> {
    if (!isSerial(accountId, serialNumber)) return false;
    const key = keys.mfaDevice(serialNumber);
    const who = `${owner ?? ""} ${key}`;
    this.#failures.begin(who);
    const isRight = await this.#useCode(key, owner, code);
    if (isRight) this.#failures.succeed(who);
    return isRight;
  }

  #useCode(key: string, owner: Owner, code: string): Promise<boolean> {
    return this.#core.documents.change(async (draft) => {
      const document = await draft.get<MfaDocument>(key);
      if (document?.owner === undefined || document.owner.userName !== owner) return false;
      const nowMs = this.#core.clock.nowMs();
      const step = matchingStep(this.#seed(key, document), code, nowMs, document.lastStep);
      if (step === undefined) return false;
      draft.put(key, { ...document, lastStep: step });
      return true;
    });
  }

  async tag(accountId: string, serialNumber: string, tags: readonly Tag[]): Promise<void> {
    await this.#core.documents.change(async (draft) => {
      const { document, key } = await this.#in(draft, accountId, serialNumber);
      draft.put(key, { ...document, tags: withTags(document.tags, tags) });
    });
  }

  async untag(accountId: string, serialNumber: string, tagKeys: readonly string[]): Promise<void> {
    await this.#core.documents.change(async (draft) => {
      const { document, key } = await this.#in(draft, accountId, serialNumber);
      draft.put(key, { ...document, tags: withoutTags(document.tags, tagKeys) });
    });
  }

  #twoInARow(key: string, document: MfaDocument, [first, second]: readonly [string, string]) {
    const seed = this.#seed(key, document);
    const nowMs = this.#core.clock.nowMs();
    const step = matchingStep(seed, first, nowMs, document.lastStep);
    const next = matchingStep(seed, second, nowMs + 30_000, step);
    if (step !== undefined && next === step + 1) return next;
    throw new CairnError(
      "InvalidAuthenticationCode",
      "Authentication code for device is not valid.",
    );
  }

  #seed(key: string, document: MfaDocument): Buffer {
    return fromBase32(unsealFor(this.#core, key, document.sealedSeed));
  }

  async #in(draft: Draft, accountId: string, serialNumber: string) {
    const key = keys.mfaDevice(serialNumber);
    const document = isSerial(accountId, serialNumber)
      ? await draft.get<MfaDocument>(key)
      : undefined;
    if (document === undefined) throw unknownDevice(serialNumber);
    return { document, key };
  }

  async #owned(draft: Draft, accountId: string, owner: Owner, serialNumber: string) {
    const { document, key } = await this.#in(draft, accountId, serialNumber);
    if (document.owner === undefined || document.owner.userName !== owner) {
      throw noSuchEntity("MFA Device invalid for user.");
    }
    return { document, key };
  }
}

async function holderIn(draft: Draft, accountId: string, owner: Owner) {
  const key = owner === undefined ? keys.account(accountId) : keys.user(accountId, owner);
  const document =
    owner === undefined
      ? await draft.get<AccountDocument>(key)
      : await userIn(draft, accountId, owner);
  if (document === undefined) throw noSuchEntity(`Account ${accountId} cannot be found.`);
  return {
    userId: (document as UserDocument).userId ?? accountId,
    serials: document.mfaSerials ?? [],
    put: (mfaSerials: string[]) => draft.put(key, { ...document, mfaSerials }),
  };
}

function shown(document: MfaDocument): MfaDevice {
  return omit(document, "sealedSeed", "lastStep");
}

function isSerial(accountId: string, serialNumber: string): boolean {
  return (
    serialNumber.length <= 800 &&
    serialNumber.startsWith(`arn:aws:iam::${accountId}:mfa/`) &&
    /^[\x21-\x7e]+$/.test(serialNumber)
  );
}

function unknownDevice(serialNumber: string): CairnError {
  return noSuchEntity(
    `VirtualMFADevice with serial number ${serialNumber.slice(0, 256)} does not exist.`,
  );
}
