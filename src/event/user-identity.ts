// The `userIdentity` member: every kind that CloudTrail documents, made from a verified caller.
// Source: CloudTrail user guide, "CloudTrail userIdentity element"; IAM user guide, "Logging IAM and STS API calls".
import type { JsonObject } from "./json.ts";

/** What a session's credentials carry beside the name of their bearer. */
export interface CallerSession {
  /** When the credentials were made, and when they end. */
  issuedMs: number;
  expiresMs: number;
  /** The bearer showed a one-time code when they were made. */
  mfa: boolean;
  /** Set once, and then in every session that this one leads to. */
  sourceIdentity?: string;
  /** The OIDC provider that vouched for the bearer: `arn:aws:iam::…:oidc-provider/…`. */
  webIdentity?: { provider: string; attributes: Record<string, string> };
  tags?: Record<string, string>;
  /** Of `tags`, those that role chaining hands on. */
  transitiveTagKeys?: string[];
  /** What the session may do at most: a policy's text and the ARNs of managed policies. */
  policy?: string;
  policyArns?: string[];
  /** Made with the credentials of another role. */
  chained?: boolean;
  /** The resource that a service made it for. */
  inScopeOf?: { sourceArn?: string; sourceAccount?: string };
}

/** Members of every caller whose signature holds. */
interface Signed {
  accountId: string;
  accessKeyId: string;
  /** Left out: a long-term key. */
  session?: CallerSession;
  /** `x.amazonaws.com`: the service that made this call, as this caller or on its behalf. */
  invokedBy?: string;
}

export interface RootCaller extends Signed {
  kind: "root";
  accountAlias?: string;
}

export interface UserCaller extends Signed {
  kind: "user";
  userName: string;
  /** `AIDA…` */
  userId: string;
  /** `/` or `/team/`. */
  path: string;
}

export interface RoleCaller extends Signed {
  kind: "role";
  roleName: string;
  /** `AROA…` */
  roleId: string;
  path: string;
  sessionName: string;
  session: CallerSession;
}

/** Whoever an IAM user or the root user gave a federation token to. */
export interface FederatedCaller extends Signed {
  kind: "federated";
  name: string;
  issuer: Omit<RootCaller, keyof Signed> | Omit<UserCaller, keyof Signed>;
  session: CallerSession;
}

export interface ServiceCaller {
  kind: "service";
  /** `x.amazonaws.com` */
  invokedBy: string;
  /** The account that keeps the service's keys. */
  accountId: string;
  accessKeyId: string;
}

/** The bearer of a web identity token, who has no credentials of ours yet. */
export interface WebIdentityCaller {
  kind: "webIdentity";
  /** `arn:aws:iam::…:oidc-provider/…` */
  provider: string;
  audience: string;
  subject: string;
}

/** Who a verified request came from. */
export type VerifiedCaller = RootCaller | UserCaller | RoleCaller | FederatedCaller | ServiceCaller;

/** Who a request came from. The directory makes the verified ones; doors pass them on. */
export type Caller =
  | VerifiedCaller
  | WebIdentityCaller
  /** Someone of another account, in the copy that the owner of what was used gets. */
  | { kind: "account"; accountId: string; principalId: string }
  /** Signed by a key that the directory does not know, or whose signature does not verify. */
  | { kind: "unknown"; accessKeyId: string }
  /** Not signed, for an operation that needs no signature. */
  | { kind: "anonymous" };

const verifiedKinds: ReadonlySet<Caller["kind"]> = new Set([
  "root",
  "user",
  "role",
  "federated",
  "service",
]);

export function isVerified(caller: Caller): caller is VerifiedCaller {
  return verifiedKinds.has(caller.kind);
}

export const rootArn = (accountId: string) => `arn:aws:iam::${accountId}:root`;
export const userArn = (user: { accountId: string; path: string; userName: string }) =>
  `arn:aws:iam::${user.accountId}:user${user.path}${user.userName}`;
export const roleArn = (role: { accountId: string; path: string; roleName: string }) =>
  `arn:aws:iam::${role.accountId}:role${role.path}${role.roleName}`;

/** As GetCallerIdentity and policies name the caller. A service has no ARN: policies name it as it is. */
export function callerArn(caller: VerifiedCaller): string {
  switch (caller.kind) {
    case "root":
      return rootArn(caller.accountId);
    case "user":
      return userArn(caller);
    case "role":
      return `arn:aws:sts::${caller.accountId}:assumed-role/${caller.roleName}/${caller.sessionName}`;
    case "federated":
      return `arn:aws:sts::${caller.accountId}:federated-user/${caller.name}`;
    case "service":
      return caller.invokedBy;
  }
}

/** GetCallerIdentity's `UserId`, the event's `principalId`, the variable `aws:userid`. */
export function callerUserId(caller: VerifiedCaller): string {
  switch (caller.kind) {
    case "root":
      return caller.accountId;
    case "user":
      return caller.userId;
    case "role":
      return `${caller.roleId}:${caller.sessionName}`;
    case "federated":
      return `${caller.accountId}:${caller.name}`;
    case "service":
      return caller.invokedBy;
  }
}

export function userIdentity(caller: Caller): JsonObject {
  switch (caller.kind) {
    case "root":
      return {
        ...principal("Root", caller),
        ...(caller.accountAlias === undefined ? {} : { userName: caller.accountAlias }),
        ...sessionContext(caller.session),
        ...invokedBy(caller),
      };
    case "user":
      return {
        ...principal("IAMUser", caller),
        userName: caller.userName,
        ...sessionContext(caller.session),
        ...invokedBy(caller),
      };
    case "role":
      return {
        ...principal("AssumedRole", caller),
        ...sessionContext(caller.session, {
          type: "Role",
          principalId: caller.roleId,
          arn: roleArn(caller),
          accountId: caller.accountId,
          userName: caller.roleName,
        }),
        ...invokedBy(caller),
        ...(caller.session.inScopeOf === undefined ? {} : { inScopeOf: caller.session.inScopeOf }),
      };
    case "federated":
      return {
        ...principal("FederatedUser", caller),
        ...sessionContext(caller.session, federationIssuer(caller)),
        ...invokedBy(caller),
      };
    case "service":
      return { type: "AWSService", invokedBy: caller.invokedBy };
    case "webIdentity":
      return {
        type: "WebIdentityUser",
        principalId: `${caller.provider}:${caller.audience}:${caller.subject}`,
        userName: caller.subject,
        identityProvider: caller.provider,
      };
    case "account":
      return {
        type: "AWSAccount",
        principalId: caller.principalId,
        accountId: caller.accountId,
      };
    case "unknown":
      return { type: "Unknown", accessKeyId: caller.accessKeyId };
    case "anonymous":
      // Cognito's unauthenticated operations are recorded with nothing but the type.
      return { type: "Unknown", principalId: "Anonymous" };
  }
}

/** How the owner of what was used sees a caller of another account: not by name. */
export function asOtherAccount(caller: VerifiedCaller): Caller {
  if (caller.kind === "service") return caller;
  return { kind: "account", accountId: caller.accountId, principalId: callerUserId(caller) };
}

function principal(type: string, caller: Exclude<VerifiedCaller, ServiceCaller>): JsonObject {
  return {
    type,
    principalId: callerUserId(caller),
    arn: callerArn(caller),
    accountId: caller.accountId,
    accessKeyId: caller.accessKeyId,
  };
}

function federationIssuer({ accountId, issuer }: FederatedCaller): JsonObject {
  if (issuer.kind === "root") {
    return { type: "Root", principalId: accountId, arn: rootArn(accountId), accountId };
  }
  const { userId, userName, path } = issuer;
  const arn = userArn({ accountId, path, userName });
  return { type: "IAMUser", principalId: userId, arn, accountId, userName };
}

function sessionContext(
  session: CallerSession | undefined,
  sessionIssuer?: JsonObject,
): JsonObject {
  if (session === undefined) return {};
  const { webIdentity, sourceIdentity } = session;
  return {
    sessionContext: {
      ...(sessionIssuer === undefined ? {} : { sessionIssuer }),
      ...(webIdentity === undefined
        ? {}
        : {
            webIdFederationData: {
              federatedProvider: webIdentity.provider,
              attributes: webIdentity.attributes,
            },
          }),
      attributes: {
        creationDate: `${new Date(session.issuedMs).toISOString().slice(0, 19)}Z`,
        mfaAuthenticated: String(session.mfa),
      },
      ...(sourceIdentity === undefined ? {} : { sourceIdentity }),
    },
  };
}

function invokedBy(caller: Signed): JsonObject {
  return caller.invokedBy === undefined ? {} : { invokedBy: caller.invokedBy };
}
