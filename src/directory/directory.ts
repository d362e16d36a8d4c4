// The directory: accounts, users, roles and everything that says who someone is and what they may do.
import type { VerifiedCaller } from "../event/user-identity.ts";
import type { AccessKeys } from "./access-keys.ts";
import type { Accounts } from "./accounts.ts";
import type { Groups } from "./groups.ts";
import type { InstanceProfiles } from "./instance-profiles.ts";
import type { KeyRotation } from "./key-rotation.ts";
import type { LoginProfiles } from "./login-profiles.ts";
import type { ManagedPolicies } from "./managed-policies.ts";
import type { Memberships } from "./memberships.ts";
import type { MfaDevices } from "./mfa-devices.ts";
import type { AccessKey, Account, User } from "./model.ts";
import type { OidcProviders } from "./oidc-providers.ts";
import type { Organizations } from "./organizations.ts";
import type { PermissionSet } from "./permission-set.ts";
import type { PolicyAttachments } from "./policy-attachments.ts";
import type { Roles } from "./roles.ts";
import type { ServiceControlPolicies } from "./service-control-policies.ts";
import type { ServicePrincipals } from "./service-principals.ts";
import type { Sessions } from "./sessions.ts";
import type { Users } from "./users.ts";

export type { AccessKey, Account, User } from "./model.ts";

/** What SigV4 verification needs of a key. The secret never leaves memory. */
export interface KeyForVerification {
  secret: string;
  /** `Expired`: of a session whose time is over. */
  status: "Active" | "Inactive" | "Expired";
  caller: VerifiedCaller;
}

/**
 * Every change is durable when its promise resolves and seen by the next call; changes by several callers at once
 * are applied one after the other. Refusals are CairnErrors in IAM's words.
 */
export interface Directory {
  /**
   * Undefined: no such key. A key that is there but not active comes back with its status. A session's key needs the
   * token that came with the request; a long-term key that comes with one is none.
   */
  findKey(accessKeyId: string, sessionToken?: string): Promise<KeyForVerification | undefined>;
  /** Notes, now and then and without waiting, that a key was used. */
  noteUse(caller: VerifiedCaller, region: string, service: string): void;
  /** Grows with each change made here: what was read before it need not be true after it. */
  readonly generation: number;
  /** What the caller's policies are, all together. */
  permissionsOf(caller: VerifiedCaller): Promise<PermissionSet>;
  /** A text that only DecodeAuthorizationMessage reads, and only for the account. */
  encodeMessage(accountId: string, message: string): string;
  decodeMessage(accountId: string, encoded: string): string | undefined;

  readonly accounts: Accounts;
  readonly users: Users;
  readonly groups: Groups;
  readonly roles: Roles;
  readonly policies: ManagedPolicies;
  readonly attachments: PolicyAttachments;
  readonly accessKeys: AccessKeys;
  readonly loginProfiles: LoginProfiles;
  readonly mfaDevices: MfaDevices;
  readonly oidcProviders: OidcProviders;
  readonly instanceProfiles: InstanceProfiles;
  readonly servicePrincipals: ServicePrincipals;
  readonly sessions: Sessions;
  readonly organizations: Organizations;
  readonly serviceControlPolicies: ServiceControlPolicies;
  readonly memberships: Memberships;
  /** Another master key in place of the present one. `settle` comes before anything that needs a secret. */
  readonly keyRotation: KeyRotation;

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
  /**
   * Gives the users of a registry from before there were permissions what they could do then: once, and the names of
   * those it was given to. They may do everything, as before.
   */
  admitEarlierUsers(): Promise<{ accountId: string; userName: string }[]>;
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
  caller: VerifiedCaller;
  region: string;
  /** The service in the credential scope. */
  signingName: string;
}
