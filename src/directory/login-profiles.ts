// Console passwords of users: made, changed, checked; only their hashes are kept, and those sealed.
import { CairnError } from "../base/errors.ts";
import { type Core, noSuchEntity, sealFor, unsealFor } from "./core.ts";
import { FailureLimit } from "./failure-limit.ts";
import { keys, type LoginProfile, type UserDocument } from "./model.ts";
import { checkPassword, hashPassword, isPassword } from "./password.ts";
import { userIn } from "./users.ts";

export interface ShownLoginProfile {
  userName: string;
  createdMs: number;
  resetRequired: boolean;
}

export class LoginProfiles {
  readonly #core: Core;
  readonly #failures: FailureLimit;

  constructor(core: Core) {
    this.#core = core;
    this.#failures = new FailureLimit(core.clock);
  }

  async create(
    accountId: string,
    userName: string,
    password: string,
    resetRequired: boolean,
  ): Promise<ShownLoginProfile> {
    const hash = await this.#hash(accountId, userName, password);
    return this.#core.documents.change(async (draft) => {
      const user = await userIn(draft, accountId, userName);
      if (user.loginProfile !== undefined) {
        throw new CairnError(
          "EntityAlreadyExists",
          `Login Profile for user ${userName} already exists.`,
        );
      }
      const createdMs = this.#core.clock.nowMs();
      const sealedHash = this.#seal(accountId, hash);
      const loginProfile: LoginProfile = { createdMs, resetRequired, sealedHash };
      draft.put(keys.user(accountId, userName), { ...user, loginProfile });
      return { userName, createdMs, resetRequired };
    });
  }

  async get(accountId: string, userName: string): Promise<ShownLoginProfile> {
    const { loginProfile } = await this.#user(accountId, userName);
    if (loginProfile === undefined) throw noProfile(userName);
    const { createdMs, resetRequired } = loginProfile;
    return { userName, createdMs, resetRequired };
  }

  async update(
    accountId: string,
    userName: string,
    changes: { password?: string; resetRequired?: boolean },
  ): Promise<void> {
    const { password, resetRequired } = changes;
    const hash =
      password === undefined ? undefined : await this.#hash(accountId, userName, password);
    await this.#core.documents.change(async (draft) => {
      const user = await userIn(draft, accountId, userName);
      if (user.loginProfile === undefined) throw noProfile(userName);
      const loginProfile = {
        ...user.loginProfile,
        ...(resetRequired === undefined ? {} : { resetRequired }),
        ...(hash === undefined ? {} : { sealedHash: this.#seal(accountId, hash) }),
      };
      draft.put(keys.user(accountId, userName), { ...user, loginProfile });
    });
  }

  async delete(accountId: string, userName: string): Promise<void> {
    await this.#core.documents.change(async (draft) => {
      const user = await userIn(draft, accountId, userName);
      if (user.loginProfile === undefined) throw noProfile(userName);
      draft.put(keys.user(accountId, userName), { ...user, loginProfile: undefined });
    });
  }

  /** The user's own way to a new password. */
  async changePassword(
    accountId: string,
    userName: string,
    from: string,
    to: string,
  ): Promise<void> {
    await this.get(accountId, userName);
    if ((await this.verify(accountId, userName, from)) === undefined) {
      throw new CairnError("AccessDenied", "The old password was incorrect.");
    }
    await this.update(accountId, userName, { password: to, resetRequired: false });
  }

  /**
   * Undefined: no, whatever the reason; it takes as long for a user who is not there. Throttled after five failures in
   * five minutes, also for the right password.
   */
  async verify(
    accountId: string,
    userName: string,
    password: string,
  ): Promise<{ resetRequired: boolean } | undefined> {
    const who = keys.user(accountId, userName);
    this.#failures.begin(who);
    const user = await this.#core.documents.get<UserDocument>(who);
    const profile = user?.userName === userName ? user.loginProfile : undefined;
    const hash =
      profile === undefined
        ? nobodysHash
        : unsealFor(this.#core, loginSealOwner(accountId), profile.sealedHash);
    if (!(await isPassword(password, hash)) || profile === undefined) return undefined;
    this.#failures.succeed(who);
    return { resetRequired: profile.resetRequired };
  }

  async #hash(accountId: string, userName: string, password: string): Promise<string> {
    await this.#user(accountId, userName);
    checkPassword(password, userName);
    return hashPassword(password, this.#core.random);
  }

  /** Inside the change that writes it, as every secret: a rotation of the master key then misses none. */
  #seal(accountId: string, hash: string): string {
    return sealFor(this.#core, loginSealOwner(accountId), hash);
  }

  async #user(accountId: string, userName: string): Promise<UserDocument> {
    return this.#core.documents.read((draft) => userIn(draft, accountId, userName));
  }
}

/** Nothing hashes to it; it costs what a real one costs. */
const nobodysHash = `scrypt$32768$8$1$${Buffer.alloc(16).toString("base64url")}$${Buffer.alloc(32).toString("base64url")}`;

/** The account alone: a user may be renamed, and its document is where the hash stands. */
export const loginSealOwner = (accountId: string) => `login-profile/${accountId}`;

function noProfile(userName: string): CairnError {
  return noSuchEntity(`Login Profile for User ${userName} cannot be found.`);
}
