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

export interface Directory {
  findKey(accessKeyId: string): Promise<KeyForVerification | undefined>;
  /** The account that unsigned calls are recorded for. */
  readonly firstAccountId: string;
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
