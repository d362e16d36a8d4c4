// The order of evaluation as tables: which policies say what, and what comes of it, in AWS's words.
import { expect, test } from "vitest";
import { denialMessage } from "./denial.ts";
import { type AuthorizationRequest, type Decision, evaluate } from "./evaluate.ts";
import { parsePolicy } from "./parse.ts";
import type { PolicyKind } from "./policy.ts";
import type { Principal } from "./principal.ts";
import { principalKeys } from "./principal-keys.ts";

const accountId = "111122223333";
const otherAccountId = "444455556666";
const action = "cloudtrail:GetTrailStatus";
const resource = `arn:aws:cloudtrail:us-east-1:${accountId}:trail/audit`;

const user: Principal = {
  kind: "user",
  accountId,
  arn: `arn:aws:iam::${accountId}:user/Alice`,
  userName: "Alice",
  userId: "AIDAEXAMPLEALICE00000",
};
const session: Principal = {
  kind: "assumedRole",
  accountId,
  arn: `arn:aws:sts::${accountId}:assumed-role/Reader/one`,
  roleArn: `arn:aws:iam::${accountId}:role/Reader`,
  roleId: "AROAEXAMPLEREADER0000",
  sessionName: "one",
};
const federatedUser: Principal = {
  kind: "federatedUser",
  accountId,
  arn: `arn:aws:sts::${accountId}:federated-user/Carol`,
  name: "Carol",
  issuer: { arn: user.arn, userId: user.userId },
};
const rootFederated: Principal = { ...federatedUser, issuer: undefined };
const root: Principal = { kind: "root", accountId, arn: `arn:aws:iam::${accountId}:root` };
const service: Principal = { kind: "service", name: "config.amazonaws.com" };
const provider = `arn:aws:iam::${accountId}:oidc-provider/idp.example.com`;
const web: Principal = { kind: "federated", provider };
const anonymous: Principal = { kind: "anonymous" };
const principals = {
  user,
  session,
  federatedUser,
  rootFederated,
  root,
  service,
  web,
  anonymous,
} as const;

/** What a policy says of the request: nothing, Allow, Deny, or both. */
type Says = "-" | "A" | "D" | "AD";
type Named =
  | "account"
  | "role"
  | "session"
  | "user"
  | "federated"
  | "everyone"
  | "provider"
  | "service";

const namedAs: Record<Named, unknown> = {
  account: { AWS: accountId },
  role: { AWS: session.roleArn },
  session: { AWS: session.arn },
  user: { AWS: user.arn },
  federated: { AWS: federatedUser.arn },
  everyone: "*",
  provider: { Federated: provider },
  service: { Service: service.name },
};

function policyThat(kind: PolicyKind, says: Says, principal?: Named) {
  const isTrust = kind === "trust";
  const about = (effect: string, operation: string) => ({
    Effect: effect,
    Action: isTrust ? "sts:AssumeRole*" : [`cloudtrail:${operation}`, "sts:AssumeRole*"],
    ...(isTrust ? {} : { Resource: "*" }),
    ...(principal === undefined ? {} : { Principal: namedAs[principal] }),
  });
  // What says nothing of this request says something of another.
  const elsewhere = { ...about("Allow", ""), Action: isTrust ? "sts:TagSession" : "s3:GetObject" };
  return parsePolicy(kind, {
    Version: "2012-10-17",
    Statement: [
      elsewhere,
      ...(says.includes("A") ? [about("Allow", "*")] : []),
      ...(says.includes("D") ? [about("Deny", "Get*")] : []),
    ],
  });
}

interface Policies {
  identity?: Says | Says[];
  boundary?: Says;
  session?: Says | Says[];
  /** From the organization's root down; a space between the policies of a level. */
  scp?: string[];
  resource?: [Says, Named];
  trust?: [Says, Named];
  /** The resource is another account's. */
  crosses?: boolean;
}

function requestOf(principal: Principal, policies: Policies): AuthorizationRequest {
  const list = (kind: PolicyKind, says: Says | Says[]) =>
    [says].flat().map((each) => policyThat(kind, each));
  const { resource: byResource, trust } = policies;
  return {
    principal,
    policies: {
      identity: list("identity", policies.identity ?? []),
      boundary: policies.boundary && policyThat("boundary", policies.boundary),
      session: policies.session && list("session", policies.session),
      serviceControl: policies.scp?.map((level) =>
        (level === "" ? [] : level.split(" ")).map((says) =>
          policyThat("serviceControl", says as Says),
        ),
      ),
    },
    action: trust === undefined ? action : "sts:AssumeRole",
    resource: trust === undefined ? resource : `arn:aws:iam::${accountId}:role/Auditor`,
    resourceAccountId: policies.crosses === true ? otherAccountId : accountId,
    resourcePolicies: [
      ...(byResource === undefined ? [] : [policyThat("resource", ...byResource)]),
      ...(trust === undefined ? [] : [policyThat("trust", ...trust)]),
    ],
    context: principalKeys(principal),
  };
}

/** `allowed by identity`, `implicit boundary`, `explicit resource`, … */
function shown(decision: Decision): string {
  if (decision.allowed) return `allowed by ${decision.by}`;
  return `${decision.explicit ? "explicit" : "implicit"} ${decision.by}`;
}

type Row = [who: keyof typeof principals, policies: Policies, decision: string];

function check(title: string, rows: readonly Row[]): void {
  test.each(rows)(`${title}: %s, %j: %s`, (who, policies, decision) => {
    expect(shown(evaluate(requestOf(principals[who], policies)))).toBe(decision);
  });
}

check("identity policies", [
  // "By default, all requests are implicitly denied with the exception of the root user."
  ["user", {}, "implicit identity"],
  ["user", { identity: "-" }, "implicit identity"],
  ["user", { identity: "A" }, "allowed by identity"],
  ["user", { identity: "D" }, "explicit identity"],
  ["user", { identity: "AD" }, "explicit identity"],
  // A user's, and its groups'.
  ["user", { identity: ["-", "A"] }, "allowed by identity"],
  ["user", { identity: ["A", "D"] }, "explicit identity"],
  ["user", { identity: ["D", "A"] }, "explicit identity"],
  ["session", {}, "implicit identity"],
  ["session", { identity: "A" }, "allowed by identity"],
  ["session", { identity: "D" }, "explicit identity"],
  ["root", {}, "allowed by root"],
]);

check("a permissions boundary is the most that identity policies can give", [
  ["user", { identity: "A", boundary: "A" }, "allowed by identity"],
  ["user", { identity: "A", boundary: "-" }, "implicit boundary"],
  ["user", { identity: "A", boundary: "D" }, "explicit boundary"],
  ["user", { identity: "A", boundary: "AD" }, "explicit boundary"],
  ["user", { identity: "-", boundary: "A" }, "implicit identity"],
  ["user", { identity: "-", boundary: "-" }, "implicit identity"],
  ["user", { identity: "D", boundary: "A" }, "explicit identity"],
  ["user", { identity: "D", boundary: "D" }, "explicit identity"],
  ["session", { identity: "A", boundary: "A" }, "allowed by identity"],
  ["session", { identity: "A", boundary: "-" }, "implicit boundary"],
  ["session", { identity: "A", boundary: "D" }, "explicit boundary"],
]);

check("session policies are the most that a session can do", [
  ["session", { identity: "A", session: "A" }, "allowed by identity"],
  ["session", { identity: "A", session: "-" }, "implicit session"],
  ["session", { identity: "A", session: "D" }, "explicit session"],
  ["session", { identity: "-", session: "A" }, "implicit identity"],
  ["session", { identity: "A", session: ["-", "A"] }, "allowed by identity"],
  ["session", { identity: "A", session: ["A", "D"] }, "explicit session"],
  ["session", { identity: "A", boundary: "-", session: "-" }, "implicit boundary"],
  ["session", { identity: "A", boundary: "A", session: "-" }, "implicit session"],
  ["session", { identity: "A", boundary: "A", session: "A" }, "allowed by identity"],
  // A federation token without a policy may do nothing; a role's session without one what the role may.
  ["federatedUser", { identity: "A" }, "implicit session"],
  ["federatedUser", { identity: "A", session: "A" }, "allowed by identity"],
  ["federatedUser", { identity: "A", session: "-" }, "implicit session"],
  ["federatedUser", { identity: "-", session: "A" }, "implicit identity"],
  ["federatedUser", { identity: "D", session: "A" }, "explicit identity"],
  ["federatedUser", { identity: "A", session: "A", boundary: "-" }, "implicit boundary"],
  ["rootFederated", {}, "implicit session"],
  ["rootFederated", { session: "A" }, "allowed by identity"],
  ["rootFederated", { session: "-" }, "implicit session"],
]);

check("each level of the organization must allow", [
  ["user", { identity: "A", scp: ["A"] }, "allowed by identity"],
  ["user", { identity: "A", scp: ["A", "A", "A"] }, "allowed by identity"],
  ["user", { identity: "A", scp: ["-", "A", "A"] }, "implicit serviceControl"],
  ["user", { identity: "A", scp: ["A", "-", "A"] }, "implicit serviceControl"],
  ["user", { identity: "A", scp: ["A", "A", "-"] }, "implicit serviceControl"],
  ["user", { identity: "A", scp: ["A", "", "A"] }, "implicit serviceControl"],
  ["user", { identity: "A", scp: ["A", "- A"] }, "allowed by identity"],
  ["user", { identity: "A", scp: ["A", "A D"] }, "explicit serviceControl"],
  ["user", { identity: "A", scp: ["AD", "A"] }, "explicit serviceControl"],
  ["user", { identity: "-", scp: ["A"] }, "implicit identity"],
  ["user", { identity: "A", boundary: "-", scp: ["A"] }, "implicit boundary"],
  ["user", { identity: "D", scp: ["-"] }, "explicit identity"],
  ["user", { identity: "D", scp: ["D"] }, "explicit serviceControl"],
  // "The SCP maximum applies to principals in member accounts, including each root user."
  ["root", { scp: ["A", "A"] }, "allowed by root"],
  ["root", { scp: ["A", "-"] }, "implicit serviceControl"],
  ["root", { scp: ["A", "AD"] }, "explicit serviceControl"],
  ["session", { identity: "A", scp: ["A", "-"] }, "implicit serviceControl"],
  // Nor does a resource policy make up for it.
  ["user", { resource: ["A", "user"], scp: ["-"] }, "implicit serviceControl"],
  ["session", { resource: ["A", "session"], scp: ["A", "D"] }, "explicit serviceControl"],
]);

check("in one account a resource policy adds to the identity policies", [
  ["user", { identity: "A", resource: ["-", "user"] }, "allowed by identity"],
  ["user", { identity: "-", resource: ["A", "user"] }, "allowed by resource"],
  ["user", { identity: "A", resource: ["A", "user"] }, "allowed by resource"],
  ["user", { identity: "-", resource: ["-", "user"] }, "implicit identity"],
  ["user", { identity: "A", resource: ["D", "user"] }, "explicit resource"],
  ["user", { identity: "A", resource: ["AD", "user"] }, "explicit resource"],
  ["user", { identity: "D", resource: ["A", "user"] }, "explicit identity"],
  ["user", { identity: "A", resource: ["D", "session"] }, "allowed by identity"],
  ["user", { identity: "A", resource: ["D", "account"] }, "explicit resource"],
  ["user", { identity: "A", resource: ["D", "everyone"] }, "explicit resource"],
  ["user", { resource: ["A", "session"] }, "implicit identity"],
  ["user", { resource: ["A", "everyone"] }, "allowed by resource"],
  // Naming the account leaves it to the account's own policies.
  ["user", { resource: ["A", "account"] }, "implicit identity"],
  ["user", { identity: "A", resource: ["A", "account"] }, "allowed by identity"],
  ["root", { resource: ["A", "account"] }, "allowed by root"],
  ["root", { resource: ["D", "account"] }, "explicit resource"],
  ["root", { resource: ["D", "user"] }, "allowed by root"],
]);

// The page's table: resource-based policies and implicit denies in other policy types, same account.
check("an implicit deny beside a resource policy", [
  [
    "session",
    { identity: "-", boundary: "-", session: "-", resource: ["A", "role"] },
    "implicit boundary",
  ],
  [
    "session",
    { identity: "-", boundary: "A", session: "-", resource: ["A", "role"] },
    "implicit session",
  ],
  [
    "session",
    { identity: "-", boundary: "-", session: "A", resource: ["A", "role"] },
    "implicit boundary",
  ],
  [
    "session",
    { identity: "-", boundary: "A", session: "A", resource: ["A", "role"] },
    "allowed by resource",
  ],
  ["session", { identity: "-", resource: ["A", "role"] }, "allowed by resource"],
  [
    "session",
    { identity: "-", boundary: "-", session: "-", resource: ["A", "session"] },
    "allowed by resource",
  ],
  [
    "session",
    { identity: "-", boundary: "-", session: "-", resource: ["A", "everyone"] },
    "allowed by resource",
  ],
  [
    "session",
    { identity: "-", boundary: "-", session: "-", resource: ["A", "account"] },
    "implicit identity",
  ],
  ["session", { identity: "D", resource: ["A", "session"] }, "explicit identity"],
  ["session", { boundary: "D", resource: ["A", "session"] }, "explicit boundary"],
  ["session", { session: "D", resource: ["A", "session"] }, "explicit session"],
  ["session", { identity: "A", resource: ["D", "role"] }, "explicit resource"],
  ["user", { identity: "-", boundary: "-", resource: ["A", "user"] }, "allowed by resource"],
  ["user", { identity: "-", boundary: "D", resource: ["A", "user"] }, "explicit boundary"],
  ["user", { identity: "-", boundary: "-", resource: ["A", "everyone"] }, "allowed by resource"],
  ["user", { identity: "-", boundary: "-", resource: ["A", "account"] }, "implicit identity"],
  [
    "federatedUser",
    { identity: "-", boundary: "-", session: "-", resource: ["A", "user"] },
    "implicit boundary",
  ],
  [
    "federatedUser",
    { identity: "-", boundary: "A", session: "-", resource: ["A", "user"] },
    "implicit session",
  ],
  [
    "federatedUser",
    { identity: "-", boundary: "A", session: "A", resource: ["A", "user"] },
    "allowed by resource",
  ],
  [
    "federatedUser",
    { identity: "-", boundary: "-", session: "-", resource: ["A", "federated"] },
    "allowed by resource",
  ],
  ["federatedUser", { resource: ["A", "federated"] }, "allowed by resource"],
  ["federatedUser", { identity: "A", session: "A", resource: ["D", "user"] }, "explicit resource"],
]);

check("another account's resource needs a yes on both sides", [
  ["user", { crosses: true, identity: "A" }, "implicit resource"],
  ["user", { crosses: true, resource: ["A", "user"] }, "implicit identity"],
  ["user", { crosses: true, identity: "A", resource: ["A", "user"] }, "allowed by identity"],
  ["user", { crosses: true, identity: "A", resource: ["A", "account"] }, "allowed by identity"],
  ["user", { crosses: true, identity: "A", resource: ["A", "everyone"] }, "allowed by identity"],
  ["user", { crosses: true, identity: "A", resource: ["-", "user"] }, "implicit resource"],
  ["user", { crosses: true, identity: "A", resource: ["A", "session"] }, "implicit resource"],
  ["user", { crosses: true, identity: "A", resource: ["AD", "account"] }, "explicit resource"],
  ["user", { crosses: true, identity: "D", resource: ["A", "user"] }, "explicit identity"],
  [
    "user",
    { crosses: true, identity: "A", boundary: "-", resource: ["A", "user"] },
    "implicit boundary",
  ],
  [
    "user",
    { crosses: true, identity: "A", scp: ["-"], resource: ["A", "user"] },
    "implicit serviceControl",
  ],
  [
    "user",
    { crosses: true, identity: "A", scp: ["A"], resource: ["A", "user"] },
    "allowed by identity",
  ],
  ["session", { crosses: true, identity: "-", resource: ["A", "session"] }, "implicit identity"],
  ["session", { crosses: true, identity: "A", resource: ["A", "role"] }, "allowed by identity"],
  ["session", { crosses: true, identity: "-", resource: ["A", "role"] }, "implicit identity"],
  [
    "session",
    { crosses: true, identity: "A", session: "-", resource: ["A", "session"] },
    "implicit session",
  ],
  [
    "federatedUser",
    { crosses: true, identity: "A", session: "A", resource: ["A", "federated"] },
    "allowed by identity",
  ],
  [
    "federatedUser",
    { crosses: true, identity: "A", resource: ["A", "federated"] },
    "implicit session",
  ],
  ["root", { crosses: true }, "implicit resource"],
  ["root", { crosses: true, resource: ["A", "account"] }, "allowed by root"],
  ["root", { crosses: true, resource: ["A", "user"] }, "implicit resource"],
]);

check("a role is assumed by whom its trust policy lets", [
  ["user", { identity: "A", trust: ["-", "user"] }, "implicit trust"],
  ["user", { identity: "-", trust: ["A", "user"] }, "allowed by resource"],
  ["user", { identity: "-", trust: ["A", "account"] }, "implicit identity"],
  ["user", { identity: "A", trust: ["A", "account"] }, "allowed by identity"],
  ["user", { identity: "A", boundary: "-", trust: ["A", "account"] }, "implicit boundary"],
  ["user", { identity: "D", trust: ["A", "user"] }, "explicit identity"],
  ["user", { identity: "A", trust: ["A", "session"] }, "implicit trust"],
  ["user", { identity: "-", trust: ["D", "account"] }, "explicit trust"],
  ["user", { crosses: true, trust: ["A", "user"] }, "implicit identity"],
  ["user", { crosses: true, identity: "A", trust: ["A", "user"] }, "allowed by identity"],
  ["user", { crosses: true, identity: "A", trust: ["A", "account"] }, "allowed by identity"],
  ["user", { crosses: true, identity: "A", trust: ["-", "user"] }, "implicit trust"],
  ["session", { trust: ["A", "role"] }, "allowed by resource"],
  ["session", { trust: ["A", "role"], boundary: "-" }, "implicit boundary"],
  ["session", { trust: ["A", "session"], boundary: "-" }, "allowed by resource"],
  ["web", { trust: ["A", "provider"] }, "allowed by resource"],
  ["web", { trust: ["A", "account"] }, "implicit trust"],
  ["web", { trust: ["-", "provider"] }, "implicit trust"],
  ["web", { trust: ["AD", "provider"] }, "explicit trust"],
  ["service", { trust: ["A", "service"] }, "allowed by resource"],
  ["service", { trust: ["A", "account"] }, "implicit trust"],
]);

check("services and strangers have only what a resource policy gives", [
  ["service", {}, "implicit resource"],
  ["service", { resource: ["A", "service"] }, "allowed by resource"],
  ["service", { resource: ["A", "account"] }, "implicit resource"],
  ["service", { resource: ["A", "everyone"] }, "allowed by resource"],
  ["service", { resource: ["AD", "service"] }, "explicit resource"],
  ["anonymous", {}, "implicit resource"],
  ["anonymous", { resource: ["A", "everyone"] }, "allowed by resource"],
  ["anonymous", { resource: ["A", "account"] }, "implicit resource"],
  ["anonymous", { resource: ["AD", "everyone"] }, "explicit resource"],
  ["anonymous", { resource: ["D", "account"] }, "implicit resource"],
]);

test("an explicit deny comes with its statement", () => {
  const decision = evaluate(requestOf(user, { identity: ["A", "D"] }));
  expect(decision).toMatchObject({
    allowed: false,
    policy: { kind: "identity" },
    statement: { effect: "Deny", index: 1 },
  });
});

const about = `User: ${user.arn} is not authorized to perform: ${action} on resource: ${resource}`;

test.each<[Policies, string]>([
  [{}, `${about} because no identity-based policy allows the ${action} action`],
  [{ identity: "D" }, `${about} with an explicit deny in an identity-based policy`],
  [
    { identity: "A", boundary: "-" },
    `${about} because no permissions boundary allows the ${action} action`,
  ],
  [{ identity: "A", boundary: "D" }, `${about} with an explicit deny in a permissions boundary`],
  [
    { identity: "A", session: "-" },
    `${about} because no session policy allows the ${action} action`,
  ],
  [{ identity: "A", session: "D" }, `${about} with an explicit deny in a session policy`],
  [
    { identity: "A", scp: ["-"] },
    `${about} because no service control policy allows the ${action} action`,
  ],
  [{ identity: "A", scp: ["AD"] }, `${about} with an explicit deny in a service control policy`],
  [
    { identity: "A", crosses: true },
    `${about} because no resource-based policy allows the ${action} action`,
  ],
  [
    { identity: "A", resource: ["D", "user"] },
    `${about} with an explicit deny in a resource-based policy`,
  ],
])("the denial of %j reads as AWS's does", (policies, message) => {
  expect(messageOf(requestOf(user, policies))).toBe(message);
});

function messageOf(request: AuthorizationRequest): string | undefined {
  const decision = evaluate(request);
  return decision.allowed ? undefined : denialMessage(request, decision);
}

test("a denial names its principal as AWS does", () => {
  const role = `sts:AssumeRole on resource: arn:aws:iam::${accountId}:role/Auditor`;
  expect(messageOf(requestOf(session, { trust: ["-", "user"] }))).toBe(
    `User: ${session.arn} is not authorized to perform: ${role} because no role trust policy allows the sts:AssumeRole action`,
  );
  expect(messageOf(requestOf(user, { trust: ["D", "user"] }))).toBe(
    `User: ${user.arn} is not authorized to perform: ${role} with an explicit deny in the role trust policy`,
  );
  const byWeb = {
    ...requestOf(web, { trust: ["-", "provider"] }),
    action: "sts:AssumeRoleWithWebIdentity",
  };
  expect(messageOf(byWeb)).toBe("Not authorized to perform sts:AssumeRoleWithWebIdentity");
  expect(messageOf(requestOf(anonymous, {}))).toContain("User: anonymous is not authorized");
  expect(messageOf(requestOf(service, {}))).toContain(
    "User: config.amazonaws.com is not authorized",
  );
  expect(
    messageOf({ ...requestOf(user, {}), action: "cloudtrail:LookupEvents", resource: "*" }),
  ).toBe(
    `User: ${user.arn} is not authorized to perform: cloudtrail:LookupEvents because no identity-based policy allows the cloudtrail:LookupEvents action`,
  );
});

function keys(principal: Principal) {
  return Object.fromEntries(principalKeys(principal));
}

test("a principal's own condition keys are those of AWS's table", () => {
  const of = (arn: string, type: string, userId: string) => ({
    "aws:principalarn": arn,
    "aws:principalaccount": accountId,
    "aws:principaltype": type,
    "aws:userid": userId,
    "aws:principalisawsservice": "false",
  });
  expect(keys(root)).toEqual(of(root.arn, "Account", accountId));
  expect(keys(user)).toEqual({ ...of(user.arn, "User", user.userId), "aws:username": "Alice" });
  expect(keys(session)).toEqual(of(session.roleArn, "AssumedRole", `${session.roleId}:one`));
  expect(keys(federatedUser)).toEqual(of(federatedUser.arn, "FederatedUser", `${accountId}:Carol`));
  expect(keys(anonymous)).toEqual({ "aws:principaltype": "Anonymous", "aws:userid": "anonymous" });
  expect(keys(service)["aws:principalservicename"]).toBe(service.name);
  expect(keys(web)).toEqual({ "aws:federatedprovider": provider });
});
