// What a statement is about: actions, resources, policy variables and principals, as tables.
import { expect, test } from "vitest";
import { evaluate } from "./evaluate.ts";
import { parsePolicy } from "./parse.ts";
import type { Principal } from "./principal.ts";
import { principalKeys } from "./principal-keys.ts";
import type { RequestContext } from "./template.ts";

const accountId = "111122223333";
const alice: Principal = {
  kind: "user",
  accountId,
  arn: `arn:aws:iam::${accountId}:user/team/Alice`,
  userName: "Alice",
  userId: "AIDAEXAMPLEALICE00000",
};
const object = "arn:aws:s3:::bucket/key";

/** Whether a statement of an identity policy applies; the same as an Allow and as a Deny. */
function applies(
  elements: object,
  action: string,
  resource: string,
  context: RequestContext = principalKeys(alice),
  version = "2012-10-17",
): { allow: boolean; deny: boolean } {
  const decide = (statements: object[]) =>
    evaluate({
      principal: alice,
      policies: {
        identity: [parsePolicy("identity", { Version: version, Statement: statements })],
      },
      action,
      resource,
      context,
    }).allowed;
  const everything = { Effect: "Allow", Action: "*", Resource: "*" };
  return {
    allow: decide([{ Effect: "Allow", ...elements }]),
    deny: !decide([everything, { Effect: "Deny", ...elements }]),
  };
}

test.each([
  ["s3:GetObject", "s3:GetObject", true],
  ["s3:GetObject", "s3:PutObject", false],
  // "The prefix and the action name are case insensitive."
  ["S3:getobject", "s3:GetObject", true],
  ["iam:listaccesskeys", "IAM:ListAccessKeys", true],
  ["*", "cloudtrail:LookupEvents", true],
  ["s3:*", "s3:GetObject", true],
  ["s3:*", "s3express:GetObject", false],
  ["*:GetObject", "s3:GetObject", true],
  ["*:GetObject", "s3:GetObjectAcl", false],
  ["s3:Get*", "s3:GetObject", true],
  ["s3:Get*", "s3:PutObject", false],
  ["s3:*Object", "s3:GetObject", true],
  ["s3:*Object", "s3:GetObjectAcl", false],
  ["iam:*AccessKey*", "iam:CreateAccessKey", true],
  ["iam:*AccessKey*", "iam:ListAccessKeys", true],
  ["iam:*AccessKey*", "iam:CreateUser", false],
  ["s3:?etObject", "s3:GetObject", true],
  ["s3:?etObject", "s3:etObject", false],
  ["iam:*Report", "iam:GetOrganizationsAccessReport", true],
  ["cloudtrail:LookupEvents", "cloudtrail-data:LookupEvents", false],
  [["s3:GetObject", "s3:PutObject"], "s3:PutObject", true],
  [["s3:GetObject", "s3:PutObject"], "s3:DeleteObject", false],
  ["s3:getobject*", "s3:GetObject", true],
])("Action %j covers %s: %s", (wanted, action, covered) => {
  const both = { allow: covered, deny: covered };
  expect(applies({ Action: wanted, Resource: "*" }, action, object)).toEqual(both);
  const opposite = { allow: !covered, deny: !covered };
  expect(applies({ NotAction: wanted, Resource: "*" }, action, object)).toEqual(opposite);
});

test.each([
  ["*", object, true],
  ["*", "*", true],
  [object, object, true],
  [object, "arn:aws:s3:::bucket/Key", false],
  [object, "*", false],
  ["arn:aws:s3:::bucket/*", object, true],
  ["arn:aws:s3:::bucket/*", "arn:aws:s3:::bucket/a/b/c", true],
  ["arn:aws:s3:::bucket/*", "arn:aws:s3:::bucket", false],
  ["arn:aws:s3:::bucket/*", "arn:aws:s3:::bucket2/key", false],
  ["arn:aws:s3:::*", object, true],
  ["arn:aws:s3:::buck?t/key", object, true],
  ["arn:aws:s3:::*log*", "arn:aws:s3:::carlossalazar-logs", true],
  // The page's own example: a `*` runs over slashes, and a colon in a key is text.
  ["arn:aws:s3:::bucket/*/test/*", "arn:aws:s3:::bucket/1/test/object.jpg", true],
  ["arn:aws:s3:::bucket/*/test/*", "arn:aws:s3:::bucket/1/2/test/3/object.jpg", true],
  ["arn:aws:s3:::bucket/*/test/*", "arn:aws:s3:::bucket/1///test///object.jpg", true],
  ["arn:aws:s3:::bucket/*/test/*", "arn:aws:s3:::bucket//test/object.jpg", true],
  ["arn:aws:s3:::bucket/*/test/*", "arn:aws:s3:::bucket/1/test/", true],
  ["arn:aws:s3:::bucket/*/test/*", "arn:aws:s3:::bucket/1-test/object.jpg", false],
  ["arn:aws:s3:::bucket/*/test/*", "arn:aws:s3:::bucket/test/object.jpg", false],
  ["arn:aws:s3:::bucket/*/test/*", "arn:aws:s3:::bucket/1/2/test.jpg", false],
  ["arn:aws:s3:::bucket/a*z", "arn:aws:s3:::bucket/a:b:z", true],
  [
    "arn:aws:iam::111122223333:user/accounting/*",
    "arn:aws:iam::111122223333:user/accounting/Bob",
    true,
  ],
  ["arn:aws:iam::111122223333:user/accounting/*", "arn:aws:iam::111122223333:user/hr/Bob", false],
  ["arn:aws:iam::*:user/Bob", "arn:aws:iam::111122223333:user/Bob", true],
  ["arn:aws:iam::*:user/Bob", "arn:aws:iam::111122223333:user/bob", false],
  [
    "arn:aws:cloudtrail:*:111122223333:trail/*",
    "arn:aws:cloudtrail:eu-west-1:111122223333:trail/audit",
    true,
  ],
  [
    "arn:aws:cloudtrail:*:111122223333:trail/*",
    "arn:aws:cloudtrail:eu-west-1:444455556666:trail/audit",
    false,
  ],
  [
    "arn:aws:cloudtrail:us-*-1:111122223333:trail/x",
    "arn:aws:cloudtrail:us-east-1:111122223333:trail/x",
    true,
  ],
  ["arn:aws:cloudtrail:us-*-1:*:trail/x", "arn:aws:cloudtrail:us-east:1-1:trail/x:trail/x", false],
  ["arn:aws:cloudtrail:eu-west-?:*:trail/x", "arn:aws:cloudtrail:eu-west-1:1:trail/x", true],
  ["arn:aws:cloudtrail:eu-west?1:*:trail/x", "arn:aws:cloudtrail:eu-west:1:1:trail/x", false],
  // "If the * wildcard is the last character of a resource ARN segment, it can expand … beyond the colon boundaries."
  ["arn:aws:dynamodb:*:table/prod-*", "arn:aws:dynamodb:us-east-1:111122223333:table/prod-x", true],
  ["arn:aws:dynamodb:*:table/prod-*", "arn:aws:dynamodb:us-east-1:111122223333:table/dev-x", false],
  ["arn:aws:sqs:*", "arn:aws:sqs:us-east-1:111122223333:queue", true],
  // Parts that are left out are wildcards.
  ["arn:aws:sqs", "arn:aws:sqs:us-east-1:111122223333:queue", true],
  ["arn:aws:sqs", "arn:aws:sqs2:us-east-1:111122223333:queue", false],
  ["arn:aws:sqs:us-east-1", "arn:aws:sqs:us-east-1:111122223333:queue", true],
  ["arn:aws:sqs:us-east-1", "arn:aws:sqs:us-east-2:111122223333:queue", false],
  ["arn:*:sqs:us-east-1:111122223333:q", "arn:aws:sqs:us-east-1:111122223333:q", true],
  ["arn:aws-cn:sqs:us-east-1:111122223333:q", "arn:aws:sqs:us-east-1:111122223333:q", false],
  [
    "arn:aws:logs:*:*:log-group:/aws/*:*",
    "arn:aws:logs:us-east-1:1:log-group:/aws/x:log-stream:y",
    true,
  ],
  [
    "arn:aws:logs:*:*:log-group:/aws/*:log-stream:?",
    "arn:aws:logs:us-east-1:1:log-group:/aws/x:log-stream:yy",
    false,
  ],
  [["arn:aws:s3:::a", "arn:aws:s3:::b/*"], "arn:aws:s3:::b/key", true],
  [["arn:aws:s3:::a", "arn:aws:s3:::b/*"], "arn:aws:s3:::c", false],
])("Resource %j covers %s: %s", (wanted, resource, covered) => {
  const elements = { Action: "s3:GetObject" };
  const both = { allow: covered, deny: covered };
  expect(applies({ ...elements, Resource: wanted }, "s3:GetObject", resource)).toEqual(both);
  const opposite = { allow: !covered, deny: !covered };
  expect(applies({ ...elements, NotResource: wanted }, "s3:GetObject", resource)).toEqual(opposite);
});

const context: RequestContext = new Map<string, string | string[]>([
  ["aws:username", "Alice"],
  ["aws:principaltag/department", "hr:emea"],
  ["aws:principaltag/star", "*"],
  ["aws:principaltag/my team", "blue"],
  ["aws:principaltag/empty", ""],
  ["aws:tagkeys", ["one"]],
  ["example:key", "Alice"],
]);

test.each([
  ["${aws:username}", "Alice", true],
  ["${aws:username}", "Bob", false],
  ["${aws:username}", "${aws:username}", false],
  ["${AWS:UserName}", "Alice", true],
  ["home/${aws:username}/*", "home/Alice/x", true],
  ["home/${aws:username}/*", "home/Bob/x", false],
  ["${aws:username}-queue", "Alice-queue", true],
  ["${aws:PrincipalTag/department}/x", "hr:emea/x", true],
  ["${aws:PrincipalTag/my team}", "blue", true],
  // What a variable stands for is text, never a pattern.
  ["${aws:PrincipalTag/star}", "anything", false],
  ["${aws:PrincipalTag/star}", "*", true],
  ["a${aws:PrincipalTag/empty}b", "ab", true],
  // No value: this resource matches nothing …
  ["${aws:PrincipalTag/none}", "", false],
  ["${aws:PrincipalTag/none}", "${aws:PrincipalTag/none}", false],
  // … unless there is a default.
  ["${aws:PrincipalTag/none, 'company-wide'}", "company-wide", true],
  ["${aws:PrincipalTag/none,'company-wide'}", "company-wide", true],
  ["${aws:username, 'nobody'}", "Alice", true],
  ["${aws:username, 'nobody'}", "nobody", false],
  ["${aws:PrincipalTag/none, '*'}", "x", false],
  ["${aws:PrincipalTag/none, ''}", "", true],
  // A key of several values is no variable.
  ["${aws:TagKeys}", "one", false],
  ["${aws:TagKeys, 'several'}", "several", true],
  // Characters that mean something.
  ["a${*}b", "a*b", true],
  ["a${*}b", "axb", false],
  ["a${?}b", "a?b", true],
  ["a${?}b", "axb", false],
  ["${$}{aws:username}", "${aws:username}", true],
  // What is no variable is text.
  ["${}", "${}", true],
  ["$aws:username", "$aws:username", true],
  ["${aws:username", "${aws:username", true],
  ["{aws:username}", "{aws:username}", true],
])("with variables, a resource %j covers %j: %s", (wanted, name, covered) => {
  const resource = { Resource: `arn:aws:sqs:us-east-1:111122223333:${wanted}` };
  const arn = `arn:aws:sqs:us-east-1:111122223333:${name}`;
  expect(applies({ Action: "*", ...resource }, "sqs:SendMessage", arn, context)).toEqual({
    allow: covered,
    deny: covered,
  });
});

test.each([
  ["StringEquals", "${aws:username}", "2012-10-17", true],
  ["StringEquals", "${aws:userid, 'Alice'}", "2012-10-17", true],
  ["StringEquals", "${aws:userid}", "2012-10-17", false],
  ["StringEquals", ["x", "${aws:username}"], "2012-10-17", true],
  ["StringEqualsIgnoreCase", "${aws:username}", "2012-10-17", true],
  ["StringLike", "${aws:username}*", "2012-10-17", true],
  ["StringLike", "${*}*", "2012-10-17", false],
  ["StringNotEquals", "${aws:username}", "2012-10-17", false],
  ["StringNotLike", "${aws:PrincipalTag/star}", "2012-10-17", true],
  ["ForAnyValue:StringEquals", "${aws:username}", "2012-10-17", true],
  // Version 2008-10-17 has no variables.
  ["StringEquals", "${aws:username}", "2008-10-17", false],
  ["StringNotEquals", "${aws:username}", "2008-10-17", true],
  ["StringLike", "${*}", "2008-10-17", false],
])("condition %s %j in version %s: %s", (operator, wanted, version, holds) => {
  const elements = {
    Action: "*",
    Resource: "*",
    Condition: { [operator]: { "example:key": wanted } },
  };
  expect(applies(elements, "s3:GetObject", object, context, version)).toEqual({
    allow: holds,
    deny: holds,
  });
});

test("a policy that several principals share means each of them by its variables", () => {
  const policy = parsePolicy("identity", {
    Version: "2012-10-17",
    Statement: { Effect: "Allow", Action: "*", Resource: "arn:aws:s3:::home/${aws:username}/*" },
  });
  const may = (name: string, home: string) =>
    evaluate({
      principal: alice,
      policies: { identity: [policy] },
      action: "s3:GetObject",
      resource: `arn:aws:s3:::home/${home}/x`,
      context: new Map([["aws:username", name]]),
    }).allowed;
  const decisions = ["Alice", "Bob", "Alice"].map((name) => [may(name, "Alice"), may(name, "Bob")]);
  expect(decisions).toEqual([
    [true, false],
    [false, true],
    [true, false],
  ]);
});

test("in version 2008-10-17 a resource has no variables, only wildcards", () => {
  const elements = { Action: "*", Resource: "arn:aws:s3:::${*}" };
  const covers = (name: string) =>
    applies(elements, "s3:GetObject", `arn:aws:s3:::${name}`, context, "2008-10-17").allow;
  expect(covers("${x}")).toBe(true);
  expect(covers("*")).toBe(false);
});

test("before the fifth colon of a resource there are no variables", () => {
  const elements = { Action: "*", Resource: "arn:aws:sqs:us-east-1:${aws:PrincipalAccount}:q" };
  const with_ = new Map([["aws:principalaccount", accountId]]);
  const arn = `arn:aws:sqs:us-east-1:${accountId}:q`;
  expect(applies(elements, "sqs:SendMessage", arn, with_)).toEqual({ allow: false, deny: false });
});

test("a variable without a value never widens what an Allow gives or a Deny leaves", () => {
  const nothing: RequestContext = new Map([["example:key", "x"]]);
  const at = (elements: object) => applies(elements, "s3:GetObject", object, nothing);
  const notTheirs = { Action: "*", NotResource: "arn:aws:s3:::${aws:username}/*" };
  expect(at(notTheirs)).toEqual({ allow: false, deny: true });
  const condition = { StringNotEquals: { "example:key": "${aws:username}" } };
  expect(at({ Action: "*", Resource: "*", Condition: condition })).toEqual({
    allow: false,
    deny: true,
  });
});

// Whom a resource policy names. The resource is another's, so that naming the account is enough to open its side.
const bob = {
  ...alice,
  userName: "Bob",
  arn: `arn:aws:iam::${accountId}:user/Bob`,
  userId: "AIDAEXAMPLEBOB0000000",
};
const session: Principal = {
  kind: "assumedRole",
  accountId,
  arn: `arn:aws:sts::${accountId}:assumed-role/Reader/one`,
  roleArn: `arn:aws:iam::${accountId}:role/team/Reader`,
  roleId: "AROAEXAMPLEREADER0000",
  sessionName: "one",
};
const federatedUser: Principal = {
  kind: "federatedUser",
  accountId,
  arn: `arn:aws:sts::${accountId}:federated-user/Carol`,
  name: "Carol",
  issuer: { arn: alice.arn, userId: alice.userId },
};
const root: Principal = { kind: "root", accountId, arn: `arn:aws:iam::${accountId}:root` };
const service: Principal = { kind: "service", name: "delivery.logs.amazonaws.com" };
const provider = `arn:aws:iam::${accountId}:oidc-provider/idp.example.com`;
const web: Principal = { kind: "federated", provider };
const anonymous: Principal = { kind: "anonymous" };
const principals = { alice, bob, session, federatedUser, root, service, web, anonymous } as const;
type Name = keyof typeof principals;
const everyone = Object.keys(principals) as Name[];
const ofAccount: Name[] = ["alice", "bob", "session", "federatedUser", "root"];

/** Those of `everyone` whom the statement is about, as an Allow or as a Deny. */
function named(effect: "Allow" | "Deny", element: object, boundary = false): Name[] {
  const all = { Effect: "Allow", Principal: "*", Action: "*", Resource: "*" };
  const statement = { Effect: effect, ...element, Action: "s3:GetObject", Resource: "*" };
  const allowAll = parsePolicy("identity", {
    Version: "2012-10-17",
    Statement: { Effect: "Allow", Action: "*", Resource: "*" },
  });
  const resourcePolicy = parsePolicy("resource", {
    Version: "2012-10-17",
    Statement: effect === "Allow" ? [statement] : [all, statement],
  });
  return everyone.filter((name) => {
    const decision = evaluate({
      principal: principals[name],
      policies: {
        identity: [allowAll],
        session: [allowAll],
        ...(boundary ? { boundary: allowAll } : {}),
      },
      action: "s3:GetObject",
      resource: object,
      resourceAccountId: "999999999999",
      resourcePolicies: [resourcePolicy],
      context: new Map(),
    });
    return decision.allowed === (effect === "Allow");
  });
}

test.each<[principal: unknown, names: Name[]]>([
  ["*", everyone],
  [{ AWS: "*" }, everyone],
  [{ AWS: accountId }, ofAccount],
  [{ AWS: root.arn }, ofAccount],
  [{ AWS: "444455556666" }, []],
  [{ AWS: "arn:aws:iam::444455556666:root" }, []],
  [{ AWS: alice.arn }, ["alice", "federatedUser"]],
  [{ AWS: `arn:aws:iam::${accountId}:user/team/alice` }, []],
  [{ AWS: `arn:aws:iam::${accountId}:user/Alice` }, []],
  [{ AWS: alice.userId }, ["alice", "federatedUser"]],
  [{ AWS: [alice.arn, bob.arn] }, ["alice", "bob", "federatedUser"]],
  [{ AWS: session.roleArn }, ["session"]],
  [{ AWS: session.roleId }, ["session"]],
  [{ AWS: session.arn }, ["session"]],
  [{ AWS: `arn:aws:sts::${accountId}:assumed-role/Reader/two` }, []],
  [{ AWS: federatedUser.arn }, ["federatedUser"]],
  [{ Service: "delivery.logs.amazonaws.com" }, ["service"]],
  [{ Service: ["ec2.amazonaws.com", "delivery.logs.amazonaws.com"] }, ["service"]],
  [{ Service: "ec2.amazonaws.com" }, []],
  [{ Federated: provider }, ["web"]],
  [{ Federated: "cognito-identity.amazonaws.com" }, []],
  [{ AWS: bob.arn, Service: "delivery.logs.amazonaws.com" }, ["bob", "service"]],
])("Principal %j means %j", (principal, names) => {
  expect(named("Allow", { Principal: principal })).toEqual(names);
  expect(named("Deny", { Principal: principal })).toEqual(names);
});

const but = (...spared: Name[]) => everyone.filter((name) => !spared.includes(name));

test.each<[principal: unknown, names: Name[]]>([
  // "All principals except the user named Bob": naming his account as well spares no one else of it.
  [{ AWS: [bob.arn, root.arn] }, but("bob", "root")],
  [{ AWS: bob.arn }, but("bob")],
  [{ AWS: root.arn }, but("root")],
  [{ AWS: [session.arn, session.roleArn, root.arn] }, but("session", "root")],
  // Without the role its session is not spared, and the role alone does not spare its sessions.
  [{ AWS: session.arn }, everyone],
  [{ AWS: session.roleArn }, everyone],
  [{ AWS: [federatedUser.arn, alice.arn] }, but("federatedUser", "alice")],
  [{ AWS: alice.arn }, but("alice")],
  [{ Service: "delivery.logs.amazonaws.com" }, but("service")],
  [{ Federated: provider }, but("web")],
])("Deny with NotPrincipal %j means %j", (principal, names) => {
  expect(named("Deny", { NotPrincipal: principal })).toEqual(names);
});

test.each<[principal: unknown, names: Name[]]>([
  [{ AWS: bob.arn }, but("bob")],
  [{ AWS: root.arn }, ["service", "web", "anonymous"]],
  [{ AWS: session.roleArn }, but("session")],
  ["*", []],
])("Allow with NotPrincipal %j means %j", (principal, names) => {
  expect(named("Allow", { NotPrincipal: principal })).toEqual(names);
});

test("a Deny with NotPrincipal always means a principal that has a permissions boundary", () => {
  const element = { NotPrincipal: { AWS: [bob.arn, root.arn] } };
  expect(named("Deny", element, false)).not.toContain("bob");
  expect(named("Deny", element, true)).toContain("bob");
});
