// Temporary credentials: what they carry is sealed into their session token, and nothing of them is stored.
//
// A session ends by its time, with its bearer (the role, user or account that it was made from), or when the sessions of
// that bearer are revoked. That is looked up at each use; everything else the token says itself.
import { deflateRawSync } from "node:zlib";
import { CairnError } from "../base/errors.ts";
import {
  type CallerSession,
  type FederatedCaller,
  type VerifiedCaller,
} from "../event/user-identity.ts";
import type { Core } from "./core.ts";
import { makeKeyId } from "./key-id.ts";
import { type AccountDocument, keys, type RoleDocument, type UserDocument } from "./model.ts";
import { openText, sealText } from "./sealed-text.ts";

/** Who a session stands for, by what stays the same when things are renamed. */
export type Bearer =
  | { kind: "root"; accountId: string }
  | { kind: "user"; accountId: string; userName: string; userId: string }
  | { kind: "role"; accountId: string; roleName: string; roleId: string; sessionName: string }
  | {
      kind: "federated";
      accountId: string;
      name: string;
      issuer: { kind: "root" } | { kind: "user"; userName: string; userId: string };
    };

/** What a session is made with. */
export interface SessionGrant extends Omit<CallerSession, "issuedMs" | "expiresMs"> {
  bearer: Bearer;
  seconds: number;
  /** The service that uses it. */
  invokedBy?: string;
}

export interface SessionCredentials {
  accessKeyId: string;
  secretAccessKey: string;
  sessionToken: string;
  expiresMs: number;
  /** How much of the room for policies and tags is used; undefined where there are none. */
  packedPercent?: number;
}

interface Claims extends Omit<SessionGrant, "seconds"> {
  accessKeyId: string;
  secret: string;
  issuedMs: number;
  expiresMs: number;
}

export interface FoundSession {
  secret: string;
  /** Its session may have ended by now. */
  caller: VerifiedCaller;
}

const secretAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
/** Bytes of policies and tags, compressed: a token still fits into a header, several times over. */
const packedBytesMax = 3072;

export class Sessions {
  readonly #core: Core;

  constructor(core: Core) {
    this.#core = core;
  }

  /** Who may have it has been decided before. The secret and the token are in the answer and nowhere else. */
  issue(grant: SessionGrant): SessionCredentials {
    const { random, clock, masterKeys } = this.#core;
    const { seconds, ...rest } = grant;
    const packedPercent = packed(grant);
    const issuedMs = clock.nowMs();
    // To the second, as it is told.
    const expiresMs = (Math.floor(issuedMs / 1000) + seconds) * 1000;
    const claims: Claims = {
      ...rest,
      accessKeyId: makeKeyId(random, "ASIA", grant.bearer.accountId),
      secret: random.text(40, secretAlphabet),
      issuedMs,
      expiresMs,
    };
    return {
      accessKeyId: claims.accessKeyId,
      secretAccessKey: claims.secret,
      sessionToken: sealText(JSON.stringify(claims), "session token", masterKeys.current, random),
      expiresMs,
      ...(packedPercent === undefined ? {} : { packedPercent }),
    };
  }

  /**
   * A session for a service that goes on with a request of the caller's: the same name and the same limits, and every
   * event says who made the call. It ends when the caller's own session does.
   */
  forward(service: string, caller: VerifiedCaller, seconds: number): SessionCredentials {
    const bearer = bearerOf(caller);
    if (bearer === undefined) {
      throw new CairnError("AccessDenied", "A service has no session to hand on.");
    }
    const { session } = caller as { session?: CallerSession };
    const { issuedMs: _, expiresMs, ...rest } = session ?? { mfa: false };
    const leftSeconds =
      expiresMs === undefined ? seconds : Math.floor((expiresMs - this.#core.clock.nowMs()) / 1000);
    return this.issue({
      ...rest,
      bearer,
      seconds: Math.min(seconds, leftSeconds),
      invokedBy: service,
    });
  }

  /** Undefined: no token of ours, not for this key, revoked, or its bearer is gone: nobody learns which. */
  async find(accessKeyId: string, sessionToken: string): Promise<FoundSession | undefined> {
    const { masterKeys, clock } = this.#core;
    const plain = openText(sessionToken, "session token", masterKeys, clock.nowMs());
    if (plain === undefined) return undefined;
    const claims = JSON.parse(plain) as Claims;
    if (claims.accessKeyId !== accessKeyId) return undefined;
    const caller = await this.#caller(claims);
    if (caller === undefined) return undefined;
    return { secret: claims.secret, caller };
  }

  async #caller(claims: Claims): Promise<VerifiedCaller | undefined> {
    const { bearer, accessKeyId, invokedBy } = claims;
    const { accountId } = bearer;
    const signed = {
      accountId,
      accessKeyId,
      session: sessionOf(claims),
      ...(invokedBy === undefined ? {} : { invokedBy }),
    };
    switch (bearer.kind) {
      case "root": {
        const account = await this.#account(accountId, claims);
        if (account === undefined) return undefined;
        const { alias } = account;
        return { kind: "root", ...signed, ...(alias === undefined ? {} : { accountAlias: alias }) };
      }
      case "user": {
        const user = await this.#user(accountId, bearer, claims);
        if (user === undefined) return undefined;
        const { userName, userId, path } = user;
        return { kind: "user", ...signed, userName, userId, path };
      }
      case "role": {
        const { documents } = this.#core;
        const role = await documents.get<RoleDocument>(keys.role(accountId, bearer.roleName));
        // A role that was deleted and made again is another one.
        if (role?.roleId !== bearer.roleId || isRevoked(role, claims)) return undefined;
        const { roleName, roleId, path } = role;
        return { kind: "role", ...signed, roleName, roleId, path, sessionName: bearer.sessionName };
      }
      case "federated": {
        const issuer = await this.#issuer(accountId, bearer.issuer, claims);
        if (issuer === undefined) return undefined;
        return { kind: "federated", ...signed, name: bearer.name, issuer };
      }
    }
  }

  async #issuer(
    accountId: string,
    issuer: Extract<Bearer, { kind: "federated" }>["issuer"],
    claims: Claims,
  ): Promise<FederatedCaller["issuer"] | undefined> {
    if (issuer.kind === "root") {
      const account = await this.#account(accountId, claims);
      return account === undefined ? undefined : { kind: "root" };
    }
    const user = await this.#user(accountId, issuer, claims);
    if (user === undefined) return undefined;
    const { userName, userId, path } = user;
    return { kind: "user", userName, userId, path };
  }

  async #account(accountId: string, claims: Claims): Promise<AccountDocument | undefined> {
    const account = await this.#core.documents.get<AccountDocument>(keys.account(accountId));
    return account === undefined || isRevoked(account, claims) ? undefined : account;
  }

  async #user(
    accountId: string,
    { userName, userId }: { userName: string; userId: string },
    claims: Claims,
  ): Promise<UserDocument | undefined> {
    const { documents } = this.#core;
    let user = await documents.get<UserDocument>(keys.user(accountId, userName));
    if (user?.userId !== userId) {
      const renamed = await documents.get<{ userName: string }>(keys.userById(userId));
      if (renamed === undefined) return undefined;
      user = await documents.get<UserDocument>(keys.user(accountId, renamed.userName));
    }
    return user?.userId !== userId || isRevoked(user, claims) ? undefined : user;
  }
}

/** Undefined: a service, which is nobody's session. */
export function bearerOf(caller: VerifiedCaller): Bearer | undefined {
  const { accountId } = caller;
  switch (caller.kind) {
    case "root":
      return { kind: "root", accountId };
    case "user":
      return { kind: "user", accountId, userName: caller.userName, userId: caller.userId };
    case "role": {
      const { roleName, roleId, sessionName } = caller;
      return { kind: "role", accountId, roleName, roleId, sessionName };
    }
    case "federated": {
      const { name, issuer } = caller;
      return { kind: "federated", accountId, name, issuer: readFederatedIssuer(issuer) };
    }
    case "service":
      return undefined;
  }
}

/** Who gives a federation token, by what a bearer keeps of them. */
export function readFederatedIssuer(
  issuer: FederatedCaller["issuer"],
): Extract<Bearer, { kind: "federated" }>["issuer"] {
  if (issuer.kind === "root") return { kind: "root" };
  return { kind: "user", userName: issuer.userName, userId: issuer.userId };
}

function sessionOf(claims: Claims): CallerSession {
  const {
    bearer: _bearer,
    accessKeyId: _accessKeyId,
    secret: _secret,
    invokedBy: _by,
    ...session
  } = claims;
  return session;
}

function isRevoked(bearer: { sessionsRevokedMs?: number }, { issuedMs }: Claims): boolean {
  return bearer.sessionsRevokedMs !== undefined && issuedMs <= bearer.sessionsRevokedMs;
}

function packed({ policy, policyArns, tags }: SessionGrant): number | undefined {
  if (policy === undefined && policyArns === undefined && tags === undefined) return undefined;
  const bytes = deflateRawSync(JSON.stringify([policy, policyArns, tags])).length;
  if (bytes <= packedBytesMax) return Math.ceil((bytes * 100) / packedBytesMax);
  throw new CairnError(
    "PackedPolicyTooLarge",
    `PackedPolicySize ${Math.ceil((bytes * 100) / packedBytesMax)}% exceeds the limit of 100%: the session policies and tags are too large together.`,
  );
}
