// The directory: accounts, users and access keys, and who a signed request came from.
import type { Caller } from "../event/user-identity.ts";

export interface User {
  accountId: string;
  userName: string;
  /** `AIDA…` */
  userId: string;
  path: string;
  createdMs: number;
}

export interface AccessKey {
  accessKeyId: string;
  accountId: string;
  /** Undefined: the root user's. */
  userName?: string;
  status: "Active" | "Inactive";
  createdMs: number;
}

/** What SigV4 verification needs of a key. The secret never leaves memory. */
export interface KeyForVerification {
  secret: string;
  status: "Active" | "Inactive";
  caller: Extract<Caller, { kind: "root" | "user" }>;
}

export interface Account {
  accountId: string;
  createdMs: number;
}

/** Access keys that a user, or the root user, may have at a time (IAM quota). */
export const accessKeysMax = 2;

/**
 * Every change is durable when its promise resolves and seen by the next call; changes by several callers at once
 * are applied one after the other. Refusals are CairnErrors in IAM's words.
 */
export interface Directory {
  /** Undefined: no such key. A key that is there but not active comes back with its status. */
  findKey(accessKeyId: string): Promise<KeyForVerification | undefined>;
  /** The account that unsigned calls are recorded for. */
  readonly firstAccountId: string;
  /**
   * Makes the first account with its root access key: the given one, or a new one, whose secret is in the answer and
   * nowhere else in the clear. Later starts change nothing, except that another given key takes the place of the one
   * given before. `accessKeyId` is undefined when the root user's keys have all been deleted.
   */
  ensureFirstAccount(options?: {
    givenKey?: { accessKeyId: string; secretAccessKey: string };
  }): Promise<{ accountId: string; accessKeyId?: string; secretAccessKey?: string }>;
  createAccount(accountId: string): Promise<Account>;
  listAccounts(): Promise<Account[]>;
  createUser(accountId: string, userName: string, path?: string): Promise<User>;
  listUsers(accountId: string): Promise<User[]>;
  /** The secret is in the answer and nowhere else in the clear. */
  createAccessKey(
    accountId: string,
    userName?: string,
  ): Promise<AccessKey & { secretAccessKey: string }>;
  listAccessKeys(accountId: string): Promise<AccessKey[]>;
  setAccessKeyStatus(
    accountId: string,
    accessKeyId: string,
    status: AccessKey["status"],
  ): Promise<void>;
  deleteAccessKey(accountId: string, accessKeyId: string): Promise<void>;
}

/** Who signed a request, for what and where. */
export interface Authenticated {
  caller: Extract<Caller, { kind: "root" | "user" }>;
  region: string;
  /** The service in the credential scope. */
  signingName: string;
}
