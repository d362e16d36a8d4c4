// Service control policies: they limit whom they are above, whoever that is and whatever else allows it, from the next
// call on; they limit nobody else.
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { actionOf } from "../../src/aws/door.ts";
import { operationTable } from "../../src/aws/operations.ts";
import { isCairnError } from "../../src/base/errors.ts";
import type { VerifiedCaller } from "../../src/event/user-identity.ts";
import type { SigningCredentials } from "../../src/signature/signer.ts";
import { accountId, type DoorWorld, openDoorWorld } from "./aws-door-world.ts";
import { failureOf, modelOf, sendSample } from "./sample-call.ts";

const administrator = "arn:aws:iam::aws:policy/AdministratorAccess";
const fullAccess = "p-FullAWSAccess";
const type = "SERVICE_CONTROL_POLICY";

const statement = (effect: string, action: string, more: object = {}) =>
  JSON.stringify({
    Version: "2012-10-17",
    Statement: [{ Effect: effect, Action: action, Resource: "*", ...more }],
  });
const contents = {
  deny: statement("Deny", "cloudtrail:LookupEvents"),
  denyOther: statement("Deny", "cloudtrail:CreateTrail"),
  denyElsewhere: statement("Deny", "*", {
    Condition: { StringNotEquals: { "aws:RequestedRegion": "us-east-1" } },
  }),
  denyHere: statement("Deny", "*", {
    Condition: { StringEquals: { "aws:RequestedRegion": "us-east-1" } },
  }),
  denyRoot: statement("Deny", "*", {
    Condition: { ArnLike: { "aws:PrincipalArn": "arn:aws:iam::*:root" } },
  }),
  lookup: statement("Allow", "cloudtrail:LookupEvents"),
  sns: statement("Allow", "sns:*"),
} as const;
type PolicyName = keyof typeof contents;

const all = ["root user", "user", "role session"] as const;
type Who = (typeof all)[number];

let world: DoorWorld;
let member: string;
const ids: Record<string, string> = { full: fullAccess };
/** Root, two units, the account; and a unit beside them. */
const levels = { root: "", outer: "", inner: "", account: "", beside: "" };
type Level = keyof typeof levels;
const memberKeys = new Map<Who, SigningCredentials>();
const managementKeys = new Map<Who, SigningCredentials>();

async function makeKeys(account: string, made: Map<Who, SigningCredentials>): Promise<void> {
  const { users, accessKeys, attachments, roles, sessions } = world.directory;
  made.set("root user", await accessKeys.create(account, {}));
  await users.create(account, { userName: "alice" });
  await attachments.attach({ kind: "user", accountId: account, name: "alice" }, administrator);
  made.set("user", await accessKeys.create(account, { userName: "alice" }));
  const roleName = "worker";
  const { roleId } = await roles.create(account, {
    roleName,
    trustPolicy: `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":{"AWS":"${account}"},"Action":"sts:AssumeRole"}}`,
  });
  await attachments.attach({ kind: "role", accountId: account, name: roleName }, administrator);
  const bearer = { kind: "role", accountId: account, roleName, roleId, sessionName: "s" } as const;
  made.set("role session", sessions.issue({ bearer, seconds: 3600, mfa: false }));
}

beforeAll(async () => {
  world = await openDoorWorld();
  const { organizations, serviceControlPolicies } = world.directory;
  const { rootId } = await organizations.create(accountId);
  const made = await organizations.createAccount(accountId, {
    name: "Dev",
    email: "d@example.com",
  });
  member = made.accountId ?? "";
  const unit = async (parentId: string, name: string) =>
    (await organizations.createUnit(accountId, parentId, name)).unit.id;
  levels.root = rootId;
  levels.outer = await unit(rootId, "Outer");
  levels.inner = await unit(levels.outer, "Inner");
  levels.beside = await unit(levels.outer, "Beside");
  levels.account = member;
  await organizations.moveAccount(accountId, member, rootId, levels.inner);
  for (const [name, content] of Object.entries(contents)) {
    const given = { type, name, description: "", content };
    ids[name] = (await serviceControlPolicies.create(accountId, given)).policy.id;
  }
  await makeKeys(member, memberKeys);
  await makeKeys(accountId, managementKeys);
  await serviceControlPolicies.enableType(accountId, rootId, type);
});
afterAll(() => world[Symbol.asyncDispose]());

const policies = () => world.directory.serviceControlPolicies;

/** Everything has FullAWSAccess alone again. */
beforeEach(async () => {
  const { serviceControlPolicies } = world.directory;
  await serviceControlPolicies.disableType(accountId, levels.root, type);
  await serviceControlPolicies.enableType(accountId, levels.root, type);
});

function rowOf(action: string) {
  const found = operationTable.find((row) => actionOf(modelOf(row), row.name) === action);
  if (found === undefined) throw new Error(`no ${action} in the table`);
  return found;
}

/** What the refusal says; undefined: it is allowed. */
async function refusal(
  who: Who,
  keys = memberKeys,
  action = "cloudtrail:LookupEvents",
): Promise<string | undefined> {
  const credentials = keys.get(who);
  const answer = await sendSample(world, rowOf(action), { accountId: member, credentials });
  return failureOf(answer)?.message;
}

async function outcome(who: Who, keys = memberKeys): Promise<string> {
  const told = await refusal(who, keys);
  if (told === undefined) return "allowed";
  if (told.endsWith("with an explicit deny in a service control policy")) return "denied";
  return told.endsWith(
    "because no service control policy allows the cloudtrail:LookupEvents action",
  )
    ? "not allowed"
    : told;
}

const attach = (name: string, level: Level) =>
  world.directory.serviceControlPolicies.attach(accountId, ids[name] ?? "", levels[level]);
const detach = (name: string, level: Level) =>
  world.directory.serviceControlPolicies.detach(accountId, ids[name] ?? "", levels[level]);

type Attached = Partial<Record<Level, (PolicyName | "full")[]>>;

describe("an account may do what every level from the root down allows and none denies:", () => {
  const cases: [string, Attached, "allowed" | "denied" | "not allowed"][] = [
    ["FullAWSAccess everywhere", {}, "allowed"],
    ["a deny at the root", { root: ["full", "deny"] }, "denied"],
    ["a deny at the upper unit", { outer: ["full", "deny"] }, "denied"],
    ["a deny at the lower unit", { inner: ["full", "deny"] }, "denied"],
    ["a deny at the account", { account: ["full", "deny"] }, "denied"],
    ["a deny of something else", { root: ["full", "denyOther"] }, "allowed"],
    ["a deny where its condition holds", { inner: ["full", "denyHere"] }, "denied"],
    ["a deny where its condition does not hold", { inner: ["full", "denyElsewhere"] }, "allowed"],
    ["a deny at a unit beside", { beside: ["full", "deny"] }, "allowed"],
    ["no allow at the root", { root: ["sns"] }, "not allowed"],
    ["no allow at the upper unit", { outer: ["sns"] }, "not allowed"],
    ["no allow at the lower unit", { inner: ["sns"] }, "not allowed"],
    ["no allow at the account", { account: ["sns"] }, "not allowed"],
    ["only a deny at a level", { outer: ["denyOther"] }, "not allowed"],
    ["no allow at a unit beside", { beside: ["sns"] }, "allowed"],
    ["a list at one level", { account: ["lookup"] }, "allowed"],
    [
      "the same list at every level",
      { root: ["lookup"], outer: ["lookup"], inner: ["lookup"], account: ["lookup"] },
      "allowed",
    ],
    ["two lists at one level", { outer: ["sns", "lookup"] }, "allowed"],
    ["lists that have nothing in common", { root: ["lookup"], inner: ["sns"] }, "not allowed"],
    ["a list above a deny", { root: ["lookup"], account: ["full", "deny"] }, "denied"],
    ["a missing allow and a deny", { root: ["sns"], account: ["full", "deny"] }, "denied"],
  ];

  test.each(cases)("%s", async (_what, wanted, expected) => {
    for (const [level, names] of Object.entries(wanted) as [Level, string[]][]) {
      for (const name of names) if (name !== "full") await attach(name, level);
      if (!names.includes("full")) await detach("full", level);
    }
    for (const who of all) {
      expect([who, await outcome(who)]).toEqual([who, expected]);
      // The management account is the root's, and in no policy's reach.
      expect([who, await outcome(who, managementKeys)]).toEqual([who, "allowed"]);
    }
  });
});

test("a policy about root users binds a member's, not the management account's", async () => {
  await attach("denyRoot", "root");
  expect(await outcome("root user")).toBe("denied");
  expect(await outcome("user")).toBe("allowed");
  expect(await outcome("root user", managementKeys)).toBe("allowed");
});

test("no policy of the organization gives anything that the account's own policies do not", async () => {
  const { users, accessKeys } = world.directory;
  await users.create(member, { userName: "nobody" });
  const keys = new Map<Who, SigningCredentials>([
    ["user", await accessKeys.create(member, { userName: "nobody" })],
  ]);
  await attach("lookup", "account");
  expect(await refusal("user", keys)).toMatch(/because no identity-based policy allows/);
});

test("a call that was denied so is on record in the member's account, in AWS's words", async () => {
  await attach("deny", "inner");
  const told = await refusal("user");
  expect(told).toBe(
    `User: arn:aws:iam::${member}:user/alice is not authorized to perform: cloudtrail:LookupEvents with an explicit deny in a service control policy`,
  );
  const owned = await world.ownedEvents();
  expect(owned.at(-1)).toMatchObject({
    owner: member,
    event: { eventName: "LookupEvents", errorCode: "AccessDenied", errorMessage: told },
  });
});

test("services and their roles are not limited", async () => {
  const { directory } = world;
  const role = await directory.roles.createServiceLinked(member, {
    service: "reports.amazonaws.com",
  });
  const session = { issuedMs: 0, expiresMs: 1, mfa: false };
  const common = { accountId: member, accessKeyId: "ASIAIOSFODNN7EXAMPLE" };
  const linked: VerifiedCaller = { ...common, ...role, kind: "role", sessionName: "s", session };
  const service: VerifiedCaller = {
    ...common,
    kind: "service",
    invokedBy: "reports.amazonaws.com",
  };
  const root: VerifiedCaller = { ...common, kind: "root" };
  expect((await directory.permissionsOf(linked)).serviceControl).toBe(undefined);
  expect((await directory.permissionsOf(service)).serviceControl).toBe(undefined);
  expect((await directory.permissionsOf(root)).serviceControl).toHaveLength(4);
});

test("a policy that cannot be read any more allows nothing below it", async () => {
  await attach("denyOther", "outer");
  expect(await outcome("root user")).toBe("allowed");
  const { id } = await world.directory.organizations.organization(accountId);
  const key = `organization-policy/${id}/${ids["denyOther"]}`;
  const whole = (await world.registry.get<object>(key))?.value;
  await world.registry.commit([{ key, value: { ...whole, content: "{" } }]);
  await attach("denyElsewhere", "beside");
  for (const who of all) expect(await outcome(who)).toBe("denied");
  // Gone without having been detached.
  await world.registry.commit([{ key, value: undefined }]);
  await detach("denyElsewhere", "beside");
  expect(await refusal("user")).not.toBe(undefined);
  await world.registry.commit([{ key, value: whole }]);
});

describe("a change holds from the next call on:", () => {
  const { lookup, deny } = contents;

  test.each<[string, () => Promise<unknown>, () => Promise<unknown>]>([
    ["a deny attached and detached", () => attach("deny", "outer"), () => detach("deny", "outer")],
    [
      "FullAWSAccess detached and attached",
      async () => {
        await attach("sns", "account");
        await detach("full", "account");
      },
      () => attach("full", "account"),
    ],
    [
      "another text of a policy",
      async () => {
        await attach("denyOther", "root");
        await policies().update(accountId, ids["denyOther"] ?? "", { content: deny });
      },
      () => policies().update(accountId, ids["denyOther"] ?? "", { content: contents.denyOther }),
    ],
    [
      "another text of a list",
      async () => {
        await attach("sns", "inner");
        await detach("full", "inner");
      },
      async () => {
        await policies().update(accountId, ids["sns"] ?? "", { content: lookup });
        expect(await outcome("user")).toBe("allowed");
        await policies().update(accountId, ids["sns"] ?? "", { content: contents.sns });
        await attach("full", "inner");
      },
    ],
    [
      "the account moved below a deny and back",
      async () => {
        await attach("deny", "beside");
        const { organizations } = world.directory;
        await organizations.moveAccount(accountId, member, levels.inner, levels.beside);
      },
      () =>
        world.directory.organizations.moveAccount(accountId, member, levels.beside, levels.inner),
    ],
    [
      "the type disabled",
      () => attach("deny", "account"),
      () => policies().disableType(accountId, levels.root, type),
    ],
  ])("%s", async (_what, take, give) => {
    for (const who of all) expect(await outcome(who)).toBe("allowed");
    await take();
    for (const who of all) expect(await outcome(who)).not.toBe("allowed");
    await give();
    for (const who of all) expect(await outcome(who)).toBe("allowed");
    const { policyTypes } = await world.directory.organizations.organization(accountId);
    if (policyTypes === undefined) await policies().enableType(accountId, levels.root, type);
  });

  test("with calls under way all the while, none after the acknowledgement is let in", async () => {
    for (let turn = 0; turn < 50; turn++) {
      const level = (["root", "outer", "inner", "account"] as const)[turn % 4] ?? "root";
      const meanwhile = [outcome("user"), outcome("user")];
      await attach("deny", level);
      expect(await outcome("user")).toBe("denied");
      await Promise.all(meanwhile);
      await detach("deny", level);
    }
  });

  test("what was attached before the type was disabled is not attached when it is enabled again", async () => {
    const { serviceControlPolicies } = world.directory;
    for (const level of ["root", "outer", "account"] as const) await attach("deny", level);
    await serviceControlPolicies.disableType(accountId, levels.root, type);
    expect(await outcome("user")).toBe("allowed");
    await serviceControlPolicies.enableType(accountId, levels.root, type);
    expect(await outcome("user")).toBe("allowed");
    const { targets } = await serviceControlPolicies.targetsOf(accountId, ids["deny"] ?? "");
    expect(targets).toEqual([]);
  });
});

/** What it is refused with. */
async function code(call: Promise<unknown>): Promise<string> {
  try {
    await call;
    return "done";
  } catch (error) {
    if (isCairnError(error)) return error.code;
    throw error;
  }
}

describe("limits, and who may:", () => {
  const given = { type, name: "another", description: "", content: contents.deny };

  test("ten policies hang on a target at most, and one at least", async () => {
    const made: string[] = [];
    for (let number = 0; number < 10; number++) {
      const { policy } = await policies().create(accountId, { ...given, name: `n${number}` });
      made.push(policy.id);
    }
    const outer = levels.outer;
    for (const id of made.slice(1)) await policies().attach(accountId, id, outer);
    expect(await code(policies().attach(accountId, made[0] ?? "", outer))).toBe(
      "ConstraintViolation",
    );
    expect(await code(policies().delete(accountId, made[1] ?? ""))).toBe("PolicyInUse");
    for (const id of made.slice(1)) await policies().detach(accountId, id, outer);
    expect(await code(detach("full", "outer"))).toBe("ConstraintViolation");
    for (const id of made) await policies().delete(accountId, id);
    expect(await code(policies().delete(accountId, made[1] ?? ""))).toBe("PolicyNotFound");
  });

  const text = (length: number) =>
    contents.deny.replace("}]", `${" ".repeat(length - contents.deny.length)}}]`);

  test.each<[string, object, string]>([
    ["a text of the full length", { content: text(10_240) }, "done"],
    [
      "a text over the length, white space counted",
      { content: text(10_241) },
      "ConstraintViolation",
    ],
    ["no policy at all", { content: "{}" }, "MalformedPolicyDocument"],
    [
      "a principal",
      { content: statement("Allow", "*", { Principal: "*" }) },
      "MalformedPolicyDocument",
    ],
    ["a name that is taken", { name: "deny" }, "DuplicatePolicy"],
    ["AWS's own name", { name: "FullAWSAccess" }, "DuplicatePolicy"],
    ["no name", { name: "" }, "InvalidInput"],
    ["a long name", { name: "n".repeat(129) }, "InvalidInput"],
    ["a long description", { description: "d".repeat(513) }, "InvalidInput"],
    ["another type", { type: "TAG_POLICY" }, "PolicyTypeNotAvailableForOrganization"],
  ])("%s", async (_what, changes, expected) => {
    expect(await code(policies().create(accountId, { ...given, ...changes }))).toBe(expected);
    const { policies: present } = await policies().list(accountId, type);
    for (const { id, name } of present) {
      if (name === given.name) await policies().delete(accountId, id);
    }
  });

  test("FullAWSAccess is neither changed nor deleted", async () => {
    expect(await code(policies().update(accountId, fullAccess, { name: "x" }))).toBe(
      "InvalidInput",
    );
    expect(await code(policies().delete(accountId, fullAccess))).toBe("InvalidInput");
  });

  test("a member changes nothing and, unless it administers a service, sees nothing", async () => {
    const deny = ids["deny"] ?? "";
    const { rootId } = await world.directory.organizations.organization(accountId);
    for (const call of [
      policies().create(member, given),
      policies().update(member, deny, { name: "x" }),
      policies().delete(member, deny),
      policies().attach(member, deny, member),
      policies().detach(member, fullAccess, member),
      policies().enableType(member, rootId, type),
      policies().disableType(member, rootId, type),
      policies().get(member, deny),
      policies().list(member, type),
      policies().attachedTo(member, member, type),
      policies().targetsOf(member, deny),
    ]) {
      expect(await code(call)).toBe("AccessDenied");
    }
    const service = "cloudtrail.amazonaws.com";
    const { organizations } = world.directory;
    await organizations.enableService(accountId, service);
    await organizations.registerDelegate(accountId, member, service);
    expect((await policies().attachedTo(member, member, type)).policies).toHaveLength(1);
    expect(await code(policies().detach(member, fullAccess, member))).toBe("AccessDenied");
    await organizations.deregisterDelegate(accountId, member, service);
  });

  test("another organization's policies and targets are not there", async () => {
    const otherId = "444455556666";
    const { accounts, organizations } = world.directory;
    await accounts.create(otherId);
    const { rootId } = await organizations.create(otherId);
    await policies().enableType(otherId, rootId, type);
    const deny = ids["deny"] ?? "";
    expect(await code(policies().get(otherId, deny))).toBe("PolicyNotFound");
    expect(await code(policies().attach(otherId, deny, rootId))).toBe("PolicyNotFound");
    expect(await code(policies().attach(otherId, fullAccess, member))).toBe("TargetNotFound");
    expect(await code(policies().attach(otherId, fullAccess, levels.root))).toBe("TargetNotFound");
    expect(await code(policies().enableType(otherId, levels.root, type))).toBe("RootNotFound");
  });

  test("an organization without all features has no service control policies", async () => {
    const billingId = "777788889999";
    const { accounts, organizations } = world.directory;
    await accounts.create(billingId);
    const { rootId } = await organizations.create(billingId, "CONSOLIDATED_BILLING");
    const unavailable = "PolicyTypeNotAvailableForOrganization";
    expect(await code(policies().create(billingId, given))).toBe(unavailable);
    expect(await code(policies().enableType(billingId, rootId, type))).toBe(unavailable);
  });
});

const when = (name: string) => ({
  Resource: "*",
  Condition: { StringEquals: { "organizations:PolicyType": name } },
});

describe("a policy of IAM about the organization's own policies and invitations:", () => {
  const holder = { kind: "user", accountId, name: "keeper" } as const;
  let keeper: SigningCredentials;
  let arn: (rest: string) => string;
  let handshakeId: string;

  beforeAll(async () => {
    const { users, accessKeys, organizations, memberships, accounts } = world.directory;
    await users.create(accountId, { userName: holder.name });
    keeper = await accessKeys.create(accountId, { userName: holder.name });
    const { id } = await organizations.organization(accountId);
    arn = (rest) => `arn:aws:organizations::${accountId}:${rest.replace("ORG", id)}`;
    await accounts.create("222233334444");
    const invited = { type: "ACCOUNT", id: "222233334444" };
    handshakeId = (await memberships.invite(accountId, invited)).id;
  });

  async function told(action: string, allowed: object, input: Record<string, string>) {
    const document = { Effect: "Allow", Action: `organizations:${action}`, ...allowed };
    const text = JSON.stringify({ Version: "2012-10-17", Statement: document });
    await world.directory.attachments.putInline(holder, "only", text);
    const row = rowOf(`organizations:${action}`);
    return failureOf(await sendSample(world, row, { accountId, credentials: keeper, input }))
      ?.message;
  }

  test("what is attached and what it is attached to must both be allowed", async () => {
    const input = { PolicyId: ids["denyOther"] ?? "", TargetId: levels.beside };
    const policy = arn(`policy/ORG/service_control_policy/${input.PolicyId}`);
    const target = arn(`ou/ORG/${levels.beside}`);
    expect(await told("AttachPolicy", { Resource: policy }, input)).toContain(
      `on resource: ${target} because`,
    );
    expect(await told("AttachPolicy", { Resource: target }, input)).toContain(
      `on resource: ${policy} because`,
    );
    expect(await told("AttachPolicy", { Resource: [policy, target] }, input)).toBe(undefined);
    const awsOnly = { Resource: ["arn:aws:organizations::aws:policy/*", target] };
    expect(await told("DetachPolicy", awsOnly, input)).toContain("is not authorized");
    const full = { ...input, PolicyId: fullAccess };
    expect(await told("DetachPolicy", awsOnly, full)).toBe(undefined);
  });

  test("the type of a policy is held to what is asked, and to what the policy is", async () => {
    const one = { PolicyId: ids["deny"] ?? "" };
    expect(await told("DescribePolicy", when(type), one)).toBe(undefined);
    expect(await told("DescribePolicy", when("TAG_POLICY"), one)).toContain("is not authorized");
    expect(await told("ListPolicies", when("TAG_POLICY"), { Filter: "TAG_POLICY" })).toBe(
      undefined,
    );
    expect(await told("ListPolicies", when(type), { Filter: "TAG_POLICY" })).toContain(
      "is not authorized",
    );
  });

  test("an invitation is named by its ARN, and a refusal does not say whether it is there", async () => {
    const there = { HandshakeId: handshakeId };
    const absent = { HandshakeId: `h-${"0".repeat(32)}` };
    const other = { Resource: arn("handshake/ORG/invite/h-1*x") };
    const refused = await told("DescribeHandshake", other, there);
    expect(refused).toContain(`on resource: handshake ${handshakeId} because`);
    expect(refused?.replace(handshakeId, absent.HandshakeId)).toBe(
      await told("DescribeHandshake", other, absent),
    );
    const own = { Resource: arn(`handshake/ORG/invite/${handshakeId}`) };
    expect(await told("CancelHandshake", own, there)).toBe(undefined);
  });
});
