// What the directory keeps, and where: small documents in the registry.
//
//   account/111122223333                     the account, the ids of its root keys, its alias, its organization
//   account-alias/example                    whose alias it is
//   user/111122223333/alice                  the user: keys, groups, policies, password (key in lower case: IAM tells
//   group/111122223333/developers            no names apart by case)
//   group-member/111122223333/developers/alice
//   role/111122223333/deployer
//   policy/111122223333/readlogs             a managed policy with its versions
//   attachment/111122223333/<policy>/<kind>/<name>    who has a policy, and whose boundary it is
//   boundary/111122223333/<policy>/<kind>/<name>
//   instance-profile/111122223333/web
//   access-key/AKIA…                         the key, its owner, its sealed secret
//   key-use/AKIA…  role-use/111122223333/r   when it was last used, written now and then
//   mfa-device/111122223333/<path and name>  the sealed seed, whose it is
//   oidc-provider/111122223333/<url>
//   service-principal/x.amazonaws.com        the account that keeps its keys, their ids
//   permissions/asked                        since when users without a policy may do nothing
//   organization/o-… and others              see organizations.ts
//
// Whatever must change together stands in one document or is committed at once; a name in two documents (a user's group
// and the group's member) is written in one commit. What stands here as optional was not in the first version.
import type { Tags } from "./tags.ts";

export interface Account {
  accountId: string;
  createdMs: number;
  /** Given by the organization. */
  name?: string;
  email?: string;
  alias?: string;
  organizationId?: string;
}

export interface AccountDocument extends Account, Revocable {
  accessKeyIds: string[];
  mfaSerials?: string[];
}

interface Revocable {
  /** Sessions made up to here are no longer good. */
  sessionsRevokedMs?: number;
}

/** What says what a principal may do. */
export interface Permissions {
  /** Policy documents by policy name, as their texts came. */
  inlinePolicies?: Record<string, string>;
  /** In the order in which they were attached. */
  attachedPolicyArns?: string[];
  /** The managed policy that bounds it; users and roles. */
  boundaryArn?: string;
}

export interface User {
  accountId: string;
  userName: string;
  /** `AIDA…` */
  userId: string;
  path: string;
  createdMs: number;
  tags?: Tags;
}

export interface UserDocument extends User, Permissions, Revocable {
  accessKeyIds: string[];
  /** Names, as the groups spell them. */
  groups?: string[];
  mfaSerials?: string[];
  loginProfile?: LoginProfile;
}

export interface LoginProfile {
  createdMs: number;
  resetRequired: boolean;
  /** The hash, sealed (password.ts). */
  sealedHash: string;
  lastUsedMs?: number;
}

export interface Group extends Permissions {
  accountId: string;
  groupName: string;
  /** `AGPA…` */
  groupId: string;
  path: string;
  createdMs: number;
}

export interface Role extends Permissions {
  accountId: string;
  roleName: string;
  /** `AROA…` */
  roleId: string;
  path: string;
  createdMs: number;
  /** The trust policy, as its text came. */
  trustPolicy: string;
  maxSessionSeconds: number;
  description?: string;
  tags?: Tags;
}

export interface RoleDocument extends Role, Revocable {
  instanceProfiles?: string[];
}

export interface PolicyVersion {
  /** `v1` */
  versionId: string;
  document: string;
  createdMs: number;
}

export interface ManagedPolicy {
  /** `aws` for the policies that come with Cairn. */
  accountId: string;
  policyName: string;
  /** `ANPA…` */
  policyId: string;
  path: string;
  createdMs: number;
  updatedMs: number;
  description?: string;
  tags?: Tags;
  defaultVersionId: string;
  versions: PolicyVersion[];
  attachmentCount: number;
  boundaryCount: number;
}

export interface PolicyDocument extends ManagedPolicy {
  /** Counts on, so that a version id is never given twice. */
  lastVersion: number;
}

export interface InstanceProfile {
  accountId: string;
  profileName: string;
  /** `AIPA…` */
  profileId: string;
  path: string;
  createdMs: number;
  roleNames: string[];
  tags?: Tags;
}

export interface AccessKey {
  accessKeyId: string;
  accountId: string;
  /** Undefined: the root user's, or a service's. */
  userName?: string;
  /** `x.amazonaws.com`: the service signs with it. */
  service?: string;
  status: "Active" | "Inactive";
  createdMs: number;
}

export interface KeyDocument extends AccessKey {
  sealedSecret: string;
  /** The operator named it: the next one named takes its place. */
  given?: true;
}

export interface Use {
  usedMs: number;
  region: string;
  service: string;
}

export interface MfaDevice {
  /** `arn:aws:iam::111122223333:mfa/alice` */
  serialNumber: string;
  accountId: string;
  createdMs: number;
  /** Whose it is; undefined while it is nobody's. */
  owner?: { userName?: string; userId: string };
  enabledMs?: number;
  tags?: Tags;
}

export interface MfaDocument extends MfaDevice {
  sealedSeed: string;
  /** The time step of the last code taken: it and those before it are used up. */
  lastStep?: number;
}

export interface OidcProvider {
  accountId: string;
  /** Without its scheme, as its ARN and condition keys have it. */
  url: string;
  /** The issuer as tokens name it. */
  issuer: string;
  clientIds: string[];
  thumbprints: string[];
  createdMs: number;
  tags?: Tags;
}

export interface ServicePrincipal {
  /** `x.amazonaws.com` */
  principal: string;
  accountId: string;
  createdMs: number;
}

export interface ServicePrincipalDocument extends ServicePrincipal {
  accessKeyIds: string[];
}

export type HolderKind = "user" | "group" | "role";

const lower = (name: string) => name.toLowerCase();

export const keys = {
  account: (accountId: string) => `account/${accountId}`,
  alias: (alias: string) => `account-alias/${alias}`,
  user: (accountId: string, name: string) => `user/${accountId}/${lower(name)}`,
  userById: (userId: string) => `user-renamed/${userId}`,
  group: (accountId: string, name: string) => `group/${accountId}/${lower(name)}`,
  member: (accountId: string, group: string, user: string) =>
    `group-member/${accountId}/${lower(group)}/${lower(user)}`,
  role: (accountId: string, name: string) => `role/${accountId}/${lower(name)}`,
  roleUse: (accountId: string, name: string) => `role-use/${accountId}/${lower(name)}`,
  policy: (accountId: string, name: string) => `policy/${accountId}/${lower(name)}`,
  /** `policyArn` may be a policy of AWS's own: its path is part of the key. */
  attachments: (accountId: string, policyArn: string) =>
    `attachment/${accountId}/${policyPart(policyArn)}/`,
  boundaries: (accountId: string, policyArn: string) =>
    `boundary/${accountId}/${policyPart(policyArn)}/`,
  profile: (accountId: string, name: string) => `instance-profile/${accountId}/${lower(name)}`,
  accessKey: (accessKeyId: string) => `access-key/${accessKeyId}`,
  keyUse: (accessKeyId: string) => `key-use/${accessKeyId}`,
  mfaDevice: (serialNumber: string) => `mfa-device/${mfaPart(serialNumber)}`,
  oidcProvider: (accountId: string, url: string) => `oidc-provider/${accountId}/${url}`,
  service: (principal: string) => `service-principal/${principal}`,
} as const;

/** `arn:aws:iam::aws:policy/job-function/Billing` → `aws:job-function:billing`: one segment of a key. */
function policyPart(policyArn: string): string {
  const [, , , , owner = "", resource = ""] = policyArn.split(":");
  return `${owner}:${lower(resource.slice("policy/".length)).replaceAll("/", ":")}`;
}

/** `arn:aws:iam::111122223333:mfa/team/alice` → `111122223333/team/alice` */
function mfaPart(serialNumber: string): string {
  const [, , , , accountId = "", ...resource] = serialNumber.split(":");
  return `${accountId}/${lower(resource.join(":").slice("mfa/".length))}`;
}
