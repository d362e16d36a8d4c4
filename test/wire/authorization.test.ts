// Every operation of the table: who has no permission is denied, and on record; who has exactly that one is not.
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { actionOf } from "../../src/aws/door.ts";
import { operationTable } from "../../src/aws/operations.ts";
import type { SigningCredentials } from "../../src/signature/signer.ts";
import { accountId, type DoorWorld, openDoorWorld } from "./aws-door-world.ts";
import { failureOf, makeTargets, modelOf, sendSample, target } from "./sample-call.ts";

const otherId = "444455556666";
let world: DoorWorld;
let nobody: SigningCredentials;
let one: SigningCredentials;

beforeAll(async () => {
  world = await openDoorWorld();
  const { users, accessKeys } = world.directory;
  for (const userName of ["nobody", "one"]) await users.create(accountId, { userName });
  nobody = await accessKeys.create(accountId, { userName: "nobody" });
  one = await accessKeys.create(accountId, { userName: "one" });
  await makeTargets(world, accountId);
});
afterAll(() => world[Symbol.asyncDispose]());

async function allowOne(statement: object): Promise<void> {
  await world.directory.attachments.putInline(
    { kind: "user", accountId, name: "one" },
    "only",
    JSON.stringify({ Version: "2012-10-17", Statement: statement }),
  );
}

const rows = operationTable.map((row) => [actionOf(modelOf(row), row.name), row] as const);
const withoutPermission = rows.filter(([, row]) => row.permission === "none");
const signed = rows.filter(([, row]) => row.permission !== "none" && "run" in row);
/** What some need besides their own action. */
const alsoNeeded: Readonly<Record<string, string>> = {
  "iam:AddRoleToInstanceProfile": "iam:PassRole",
};
const notAuthorized = /is not authorized to perform/;
const arn = (rest: string) => `arn:aws:iam::${accountId}:${rest}`;

function rowOf(action: string) {
  const found = rows.find(([name]) => name === action)?.[1];
  if (found === undefined) throw new Error(`no ${action} in the table`);
  return found;
}

/** What the call is refused with; undefined: it went well. */
async function refusal(
  action: string,
  credentials: SigningCredentials,
  input: Record<string, unknown> = {},
  from: object = {},
): Promise<string | undefined> {
  const given = { accountId, credentials, input, ...from };
  return failureOf(await sendSample(world, rowOf(action), given))?.message;
}

const lookUp = async (credentials: SigningCredentials) =>
  (await refusal("cloudtrail:LookupEvents", credentials)) === undefined;
const trailPolicy = (effect: string) =>
  `{"Version":"2012-10-17","Statement":{"Effect":"${effect}","Action":"cloudtrail:*","Resource":"*"}}`;

test("what needs no permission, and what asks by itself, is known by name", () => {
  expect(withoutPermission.map(([action]) => action)).toEqual([
    "sts:GetCallerIdentity",
    "sts:GetSessionToken",
  ]);
  const asking = rows.filter(([, row]) => row.permission === "asked by the operation");
  expect(asking.map(([action]) => action)).toEqual([
    "sts:AssumeRole",
    "sts:AssumeRoleWithWebIdentity",
  ]);
  const unsigned = rows.filter(([, row]) => "runUnsigned" in row);
  expect(unsigned.map(([action]) => action)).toEqual(["sts:AssumeRoleWithWebIdentity"]);
  expect(rows.length).toBeGreaterThan(145);
});

test.each(withoutPermission)("%s is for everybody who signs", async (_, row) => {
  await allowOne({ Effect: "Deny", Action: "*", Resource: "*" });
  for (const credentials of [nobody, one]) {
    expect(failureOf(await sendSample(world, row, { accountId, credentials }))).toBe(undefined);
  }
});

test.each(signed)("%s is denied, and the denial on record", async (action, row) => {
  const answer = await sendSample(world, row, { accountId, credentials: nobody });
  const failure = failureOf(answer);
  const isJson = answer.headers["content-type"]?.includes("json") === true;
  expect(failure?.name).toBe(isJson ? "AccessDeniedException" : "AccessDenied");
  const user = `User: arn:aws:iam::${accountId}:user/nobody is not authorized to perform: ${action}`;
  expect(failure?.message).toMatch(
    new RegExp(
      `^${user}( on resource: .*)? because no identity-based policy allows the ${action} action$`,
    ),
  );
  expect((await world.events()).at(-1)).toMatchObject({
    eventName: row.name,
    errorCode: "AccessDenied",
    errorMessage: failure?.message,
    requestParameters: null,
    responseElements: null,
    userIdentity: { type: "IAMUser", userName: "nobody", accessKeyId: nobody.accessKeyId },
    recipientAccountId: accountId,
  });
});

test.each(signed)("%s is allowed by exactly that action", async (action, row) => {
  const also = alsoNeeded[action];
  const actions = also === undefined ? [action] : [action, also];
  await allowOne({ Effect: "Allow", NotAction: action, Resource: "*" });
  const denied = failureOf(await sendSample(world, row, { accountId, credentials: one }));
  expect(denied?.message).toMatch(notAuthorized);
  await allowOne({ Effect: "Allow", Action: actions, Resource: "*" });
  const allowed = failureOf(await sendSample(world, row, { accountId, credentials: one }));
  expect(allowed?.message ?? "").not.toMatch(notAuthorized);
  // A Deny that names it wins.
  await allowOne([
    { Effect: "Allow", Action: "*", Resource: "*" },
    { Effect: "Deny", Action: action, Resource: "*" },
  ]);
  const refused = failureOf(await sendSample(world, row, { accountId, credentials: one }));
  expect(refused?.message).toMatch(/with an explicit deny in an identity-based policy$/);
  // The things that the next operation names are there again.
  await makeTargets(world, accountId);
});

describe("a policy about", () => {
  const path = "/team/";

  beforeAll(async () => {
    const { users, policies } = world.directory;
    await users.create(accountId, {
      userName: "carol",
      path,
      tags: [{ Key: "Team", Value: "red" }],
    });
    await policies.create(accountId, {
      policyName: "limits",
      document:
        '{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}',
    });
  });

  test.each<[string, string, object, Record<string, unknown>, Record<string, unknown>, object?]>([
    [
      "a path",
      "iam:GetUser",
      { Resource: arn("user/team/*") },
      { UserName: "carol" },
      { UserName: "nobody" },
    ],
    [
      "a path of what is to be made",
      "iam:CreateUser",
      { Resource: arn("user/team/*") },
      { UserName: "made", Path: path },
      { UserName: "made2" },
    ],
    [
      "both names of what is renamed",
      "iam:UpdateUser",
      { Resource: arn("user/team/*") },
      { UserName: "carol", NewUserName: "carol" },
      { UserName: "carol", NewPath: "/admin/" },
    ],
    [
      "the tags of a thing",
      "iam:ListUserTags",
      { Resource: "*", Condition: { StringEquals: { "aws:ResourceTag/Team": "red" } } },
      { UserName: "carol" },
      { UserName: "nobody" },
    ],
    [
      "the tags of a request",
      "iam:TagUser",
      { Resource: "*", Condition: { StringEquals: { "aws:RequestTag/Team": "red" } } },
      { UserName: "carol", Tags: [{ Key: "Team", Value: "red" }] },
      { UserName: "carol", Tags: [{ Key: "Team", Value: "blue" }] },
    ],
    [
      "the policy that is attached",
      "iam:AttachUserPolicy",
      {
        Resource: "*",
        Condition: { ArnEquals: { "iam:PolicyARN": "arn:aws:iam::aws:policy/ReadOnlyAccess" } },
      },
      { UserName: "carol", PolicyArn: "arn:aws:iam::aws:policy/ReadOnlyAccess" },
      { UserName: "carol", PolicyArn: "arn:aws:iam::aws:policy/AdministratorAccess" },
    ],
    [
      "the boundary that a new user must have",
      "iam:CreateUser",
      {
        Resource: "*",
        Condition: { StringEquals: { "iam:PermissionsBoundary": arn("policy/limits") } },
      },
      { UserName: "bounded", PermissionsBoundary: arn("policy/limits") },
      { UserName: "unbounded" },
    ],
    [
      "the name of the caller",
      "iam:ListAccessKeys",
      { Resource: arn("user/${aws:username}") },
      { UserName: "one" },
      { UserName: "nobody" },
    ],
    [
      "where a request comes from",
      "cloudtrail:LookupEvents",
      { Resource: "*", Condition: { IpAddress: { "aws:SourceIp": "203.0.113.0/24" } } },
      {},
      {},
      { remoteAddress: "198.51.100.1" },
    ],
    [
      "the region",
      "cloudtrail:LookupEvents",
      { Resource: "*", Condition: { StringEquals: { "aws:RequestedRegion": "us-east-1" } } },
      {},
      {},
      { region: "eu-west-1" },
    ],
    [
      "the client",
      "cloudtrail:LookupEvents",
      { Resource: "*", Condition: { Null: { "aws:UserAgent": "true" } } },
      {},
      {},
      { headers: { "user-agent": "curl" } },
    ],
  ])("%s is held to what the request says", async (_what, action, limits, fits, other, from) => {
    await allowOne({ Effect: "Allow", Action: action, ...limits });
    expect(await refusal(action, one, fits)).toBe(undefined);
    expect(await refusal(action, one, other, from)).toMatch(notAuthorized);
    await allowOne([
      { Effect: "Allow", Action: action, Resource: "*" },
      { Effect: "Deny", Action: action, ...limits },
    ]);
    expect(await refusal(action, one, fits)).toMatch(/explicit deny/);
  });

  test.each<[string, object, object]>([
    [
      "the date",
      { DateGreaterThan: { "aws:CurrentTime": "2024-01-01T00:00:00Z" } },
      { DateLessThan: { "aws:CurrentTime": "2024-01-01T00:00:00Z" } },
    ],
    [
      "the second",
      { NumericGreaterThan: { "aws:EpochTime": "1704067200" } },
      { NumericLessThan: { "aws:EpochTime": "1704067200" } },
    ],
    [
      "TLS",
      { Bool: { "aws:SecureTransport": "false" } },
      { Bool: { "aws:SecureTransport": "true" } },
    ],
    [
      "the kind of caller",
      { StringEquals: { "aws:PrincipalType": "User", "aws:PrincipalAccount": accountId } },
      { StringEquals: { "aws:PrincipalType": "AssumedRole" } },
    ],
    [
      "MFA, of which a long-term key says nothing",
      { Null: { "aws:MultiFactorAuthPresent": "true", "aws:TokenIssueTime": "true" } },
      { Bool: { "aws:MultiFactorAuthPresent": "false" } },
    ],
  ])("%s is held to what is so", async (_what, so, notSo) => {
    const action = "cloudtrail:LookupEvents";
    await allowOne({ Effect: "Allow", Action: action, Resource: "*", Condition: so });
    expect(await lookUp(one)).toBe(true);
    await allowOne({ Effect: "Allow", Action: action, Resource: "*", Condition: notSo });
    expect(await lookUp(one)).toBe(false);
  });

  test("a thing that is there reads in the refusal like one that is not", async () => {
    const [there, absent] = await Promise.all(
      ["carol", "absent"].map(async (UserName) =>
        (await refusal("iam:GetUser", nobody, { UserName }))?.replace(UserName, "NAME"),
      ),
    );
    expect(there).toMatch(/ on resource: user NAME because /);
    expect(there).toBe(absent);
  });
});

describe("a change of permissions holds from the next call on:", () => {
  const readOnly = "arn:aws:iam::aws:policy/AWSCloudTrail_ReadOnlyAccess";
  const turning = arn("policy/turning");
  const dora = { kind: "user", accountId, name: "dora" } as const;
  const readers = { kind: "group", accountId, name: "readers" } as const;
  let key: SigningCredentials;

  beforeAll(async () => {
    const { users, accessKeys, groups, attachments, policies } = world.directory;
    await users.create(accountId, { userName: dora.name });
    key = await accessKeys.create(accountId, { userName: dora.name });
    await groups.create(accountId, readers.name);
    await attachments.attach(readers, readOnly);
    await policies.create(accountId, { policyName: "turning", document: trailPolicy("Deny") });
    await policies.createVersion(accountId, turning, trailPolicy("Allow"), false);
    await attachments.attach(dora, turning);
    await policies.createVersion(accountId, turning, ownNothing, true);
  });
  // Of the third version, which the holder has at the start and in the end.
  const ownNothing = trailPolicy("Allow").replace("cloudtrail:*", "sns:*");

  test.each<[string, () => Promise<unknown>, () => Promise<unknown>]>([
    [
      "a policy attached and detached",
      () => world.directory.attachments.attach(dora, readOnly),
      () => world.directory.attachments.detach(dora, readOnly),
    ],
    [
      "an inline policy put and deleted",
      () => world.directory.attachments.putInline(dora, "p", trailPolicy("Allow")),
      () => world.directory.attachments.deleteInline(dora, "p"),
    ],
    [
      "a group joined and left",
      () => world.directory.groups.addUser(accountId, readers.name, dora.name),
      () => world.directory.groups.removeUser(accountId, readers.name, dora.name),
    ],
    [
      "the default of a policy's versions",
      () => world.directory.policies.setDefaultVersion(accountId, turning, "v2"),
      () => world.directory.policies.setDefaultVersion(accountId, turning, "v3"),
    ],
    [
      "a version that denies taken back",
      async () => {
        await world.directory.attachments.attach(dora, readOnly);
        await world.directory.policies.setDefaultVersion(accountId, turning, "v2");
      },
      () => world.directory.policies.setDefaultVersion(accountId, turning, "v1"),
    ],
    [
      "a boundary set around what is allowed",
      () => world.directory.policies.setDefaultVersion(accountId, turning, "v2"),
      () =>
        world.directory.attachments.setBoundary(
          dora,
          "arn:aws:iam::aws:policy/AmazonSNSFullAccess",
        ),
    ],
  ])("%s", async (_what, give, take) => {
    expect(await lookUp(key)).toBe(false);
    await give();
    expect(await lookUp(key)).toBe(true);
    await take();
    expect(await lookUp(key)).toBe(false);
  });

  test("with calls under way all the while, none after the acknowledgement is let in", async () => {
    const { users, accessKeys, attachments } = world.directory;
    await users.create(accountId, { userName: "ed" });
    const ed = { kind: "user", accountId, name: "ed" } as const;
    const edsKey = await accessKeys.create(accountId, { userName: "ed" });
    for (let turn = 0; turn < 100; turn++) {
      await attachments.attach(ed, readOnly);
      expect(await lookUp(edsKey)).toBe(true);
      const meanwhile = [lookUp(edsKey), lookUp(edsKey)];
      await attachments.detach(ed, readOnly);
      expect(await lookUp(edsKey)).toBe(false);
      await Promise.all(meanwhile);
    }
  });
});

describe("another account", () => {
  let other: SigningCredentials;
  let marks: string[];
  beforeAll(async () => {
    const { accounts, accessKeys, users, groups, roles, policies } = world.directory;
    await accounts.create(otherId);
    other = await accessKeys.create(otherId, {});
    await makeTargets(world, accountId);
    const mine = await accessKeys.create(accountId, { userName: target.user });
    marks = [
      (await users.get(accountId, target.user)).userId,
      (await users.get(accountId, "nobody")).userId,
      (await groups.get(accountId, target.group)).groupId,
      (await roles.get(accountId, target.role)).roleId,
      ...(await policies.list(accountId)).map((policy) => policy.policyId),
      mine.accessKeyId,
      mine.secretAccessKey,
      world.root.accessKeyId,
      nobody.accessKeyId,
      ...(await world.events()).map((event) => event["eventID"] as string),
    ];
  });
  const ofAccount = async () =>
    (await world.registry.list("")).filter(
      ({ key }) =>
        key.includes(accountId) ||
        (key.startsWith("access-key/") && !key.includes(other.accessKeyId)),
    );

  test.each(rows)("sees and changes nothing of this one by %s", async (_action, row) => {
    const before = await ofAccount();
    const keysBefore = new Set(before.map(({ key }) => key));
    for (const named of [accountId, otherId]) {
      const credentials = "runUnsigned" in row ? undefined : other;
      const answer = await sendSample(world, row, { accountId: named, credentials });
      for (const mark of marks) expect(answer.body).not.toContain(mark);
    }
    // What the other account makes of its own is no matter.
    const after = (await ofAccount()).filter(({ key }) => keysBefore.has(key));
    expect(after).toEqual(before);
  });

  test("has events of its own, and this one none of them", async () => {
    const owned = await world.ownedEvents();
    const theirs = owned.filter(({ owner }) => owner === otherId);
    expect(theirs.length).toBeGreaterThan(100);
    for (const { owner, event } of owned) expect(event["recipientAccountId"]).toBe(owner);
  });
});
