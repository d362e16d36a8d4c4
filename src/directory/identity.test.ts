// What IAM promises of users, groups, roles, policies and everything that hangs on them, on the in-memory registry.
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { TestClock } from "../base/clock.ts";
import { isCairnError } from "../base/errors.ts";
import { systemRandom } from "../base/random.ts";
import { createMemoryRegistry } from "../registry/memory/memory-registry.ts";
import { accountOfKeyId, makeKeyId } from "./key-id.ts";
import { policyArn } from "./managed-policies.ts";
import { openDirectory } from "./open-directory.ts";
import { fromBase32, matchingStep, toBase32, totpCode, totpStep } from "./totp.ts";

const accountId = "111122223333";
const nowMs = Date.UTC(2026, 0, 2, 3, 4, 5);
const policy = JSON.stringify({
  Version: "2012-10-17",
  Statement: [{ Effect: "Allow", Action: "*", Resource: "*" }],
});
const trust = JSON.stringify({
  Version: "2012-10-17",
  Statement: [{ Effect: "Allow", Principal: { AWS: accountId }, Action: "sts:AssumeRole" }],
});

async function open(registry = createMemoryRegistry()) {
  const clock = new TestClock(nowMs);
  const masterKey = Buffer.alloc(32, 7);
  const directory = openDirectory({
    registry,
    masterKey,
    clock,
    random: systemRandom,
    firstAccountId: accountId,
  });
  await directory.ensureFirstAccount();
  return { registry, clock, directory };
}

async function refusal(attempt: Promise<unknown>): Promise<string> {
  try {
    await attempt;
  } catch (error) {
    if (isCairnError(error)) return `${error.code}: ${error.message}`;
    throw error;
  }
  return "accepted";
}

const alice = { kind: "user", accountId, name: "alice" } as const;

/** A policy of so many characters. */
function long(size: number): string {
  const text = { ...(JSON.parse(policy) as object), Id: "" };
  const base = JSON.stringify(text).length;
  return JSON.stringify({ ...text, Id: "x".repeat(size - base) });
}

describe("users", () => {
  test("a user is deleted only when nothing hangs on it any more, and the refusal says what does", async () => {
    const { directory } = await open();
    const { users, groups, attachments, policies, accessKeys, loginProfiles } = directory;
    await users.create(accountId, { userName: "alice" });
    await groups.create(accountId, "team");
    const readLogs = await policies.create(accountId, { policyName: "ReadLogs", document: policy });
    const key = await accessKeys.create(accountId, { userName: "alice" });
    await loginProfiles.create(accountId, "alice", "Correct-horse-1", false);
    await attachments.putInline(alice, "own", policy);
    await attachments.attach(alice, policyArn(readLogs));
    await attachments.setBoundary(alice, policyArn(readLogs));
    await groups.addUser(accountId, "team", "alice");
    const steps: [string, () => Promise<unknown>][] = [
      ["delete access keys", () => accessKeys.delete(accountId, key.accessKeyId)],
      ["delete login profile", () => loginProfiles.delete(accountId, "alice")],
      ["delete policies", () => attachments.deleteInline(alice, "own")],
      ["detach all policies", () => attachments.detach(alice, policyArn(readLogs))],
      ["remove user from group", () => groups.removeUser(accountId, "team", "alice")],
    ];
    for (const [what, remove] of steps) {
      expect(await refusal(users.delete(accountId, "alice"))).toBe(
        `DeleteConflict: Cannot delete entity, must ${what} first.`,
      );
      await remove();
    }
    expect(await refusal(policies.delete(accountId, policyArn(readLogs)))).toBe(
      "DeleteConflict: Cannot delete a policy attached to entities.",
    );
    await users.delete(accountId, "alice");
    await policies.delete(accountId, policyArn(readLogs));
    expect(await users.list(accountId)).toEqual([]);
  });

  test("a renamed user keeps its key, groups, policies and password, and its old name is free", async () => {
    const { directory } = await open();
    const { users, groups, attachments, accessKeys, loginProfiles } = directory;
    const { userId } = await users.create(accountId, { userName: "alice" });
    await groups.create(accountId, "team");
    await groups.addUser(accountId, "team", "alice");
    await attachments.attach(alice, "arn:aws:iam::aws:policy/ReadOnlyAccess");
    const key = await accessKeys.create(accountId, { userName: "alice" });
    await loginProfiles.create(accountId, "alice", "Correct-horse-1", true);
    await users.update(accountId, "alice", { newUserName: "Alicia", newPath: "/team/" });
    expect((await directory.findKey(key.accessKeyId))?.caller).toMatchObject({
      kind: "user",
      userName: "Alicia",
      userId,
      path: "/team/",
    });
    expect(await groups.members(accountId, "team")).toEqual(["Alicia"]);
    const readOnly = "arn:aws:iam::aws:policy/ReadOnlyAccess";
    expect(await attachments.users(accountId, readOnly, "attachment")).toMatchObject([
      { kind: "user", name: "Alicia" },
    ]);
    expect(await loginProfiles.verify(accountId, "Alicia", "Correct-horse-1")).toEqual({
      resetRequired: true,
    });
    expect(await refusal(users.get(accountId, "alice"))).toMatch(/^NoSuchEntity/);
    await users.create(accountId, { userName: "alice" });
    expect(await refusal(users.update(accountId, "alice", { newUserName: "ALICIA" }))).toBe(
      "EntityAlreadyExists: User with name ALICIA already exists.",
    );
    // Only the spelling.
    await users.update(accountId, "Alicia", { newUserName: "ALICIA" });
    expect((await users.get(accountId, "ALICIA")).userId).toBe(userId);
  });

  test("tags are told apart without regard to case, and there are at most fifty", async () => {
    const { directory } = await open();
    const { users } = directory;
    await users.create(accountId, { userName: "alice", tags: [{ Key: "Team", Value: "red" }] });
    await users.tag(accountId, "alice", [
      { Key: "team", Value: "blue" },
      { Key: "__proto__", Value: "x" },
    ]);
    expect(Object.entries((await users.get(accountId, "alice")).tags ?? {})).toEqual([
      ["team", "blue"],
      ["__proto__", "x"],
    ]);
    const many = Array.from({ length: 49 }, (_, index) => ({ Key: `k${index}`, Value: "" }));
    expect(await refusal(users.tag(accountId, "alice", many))).toMatch(/^LimitExceeded: .*50\.$/);
    const twice = [
      { Key: "a", Value: "1" },
      { Key: "A", Value: "2" },
    ];
    expect(await refusal(users.tag(accountId, "alice", twice))).toMatch(/^InvalidInput: Duplicate/);
    expect(await refusal(users.tag(accountId, "alice", [{ Key: "aws:x", Value: "1" }]))).toMatch(
      /^InvalidInput: .*reserved/,
    );
    await users.untag(accountId, "alice", ["TEAM"]);
    expect(Object.keys((await users.get(accountId, "alice")).tags ?? {})).toEqual(["__proto__"]);
  });

  test("users and keys as the first version stored them are read and changed like any others", async () => {
    const { registry, directory } = await open();
    const old = { accountId, userName: "Old", userId: "AIDAOLDOLDOLDOLDOLDO", path: "/" };
    await registry.commit([
      { key: `user/${accountId}/old`, value: { ...old, createdMs: 1, accessKeyIds: [] } },
    ]);
    expect(await directory.users.get(accountId, "Old")).toEqual({ ...old, createdMs: 1 });
    const holder = { kind: "user", accountId, name: "Old" } as const;
    await directory.attachments.putInline(holder, "own", policy);
    expect(Object.keys((await directory.attachments.of(holder)).inlinePolicies ?? {})).toEqual([
      "own",
    ]);
  });
});

describe("groups", () => {
  test("a group is renamed with its members and not deleted under them", async () => {
    const { directory } = await open();
    const { users, groups } = directory;
    for (const userName of ["alice", "bob"]) await users.create(accountId, { userName });
    await groups.create(accountId, "team", "/a/");
    await groups.addUser(accountId, "team", "alice");
    await groups.addUser(accountId, "team", "alice");
    await groups.addUser(accountId, "team", "bob");
    await groups.update(accountId, "team", { newGroupName: "crew" });
    expect(await groups.members(accountId, "crew")).toEqual(["alice", "bob"]);
    expect((await groups.ofUser(accountId, "bob")).map((group) => group.groupName)).toEqual([
      "crew",
    ]);
    expect(await refusal(groups.delete(accountId, "crew"))).toBe(
      "DeleteConflict: Cannot delete entity, must remove users from group first.",
    );
    const races = await Promise.allSettled([
      groups.delete(accountId, "crew"),
      groups.removeUser(accountId, "crew", "alice"),
      groups.removeUser(accountId, "crew", "bob"),
      groups.delete(accountId, "crew"),
    ]);
    expect(races.map((race) => race.status)).toEqual([
      "rejected",
      "fulfilled",
      "fulfilled",
      "fulfilled",
    ]);
    expect(await groups.list(accountId)).toEqual([]);
  });
});

describe("policies", () => {
  test("versions count on, five at a time, and the default one stays", async () => {
    const { directory } = await open();
    const { policies } = directory;
    const arn = policyArn(
      await policies.create(accountId, { policyName: "p", path: "/x/", document: policy }),
    );
    expect(arn).toBe(`arn:aws:iam::${accountId}:policy/x/p`);
    for (let made = 2; made <= 5; made++) {
      const { version } = await policies.createVersion(accountId, arn, policy, made === 3);
      expect(version.versionId).toBe(`v${made}`);
    }
    expect(await refusal(policies.createVersion(accountId, arn, policy, false))).toMatch(
      /^LimitExceeded: A managed policy can have up to 5 versions/,
    );
    expect(await refusal(policies.deleteVersion(accountId, arn, "v3"))).toBe(
      "DeleteConflict: Cannot delete the default version of a policy.",
    );
    await policies.deleteVersion(accountId, arn, "v5");
    const { version } = await policies.createVersion(accountId, arn, policy, false);
    expect(version.versionId).toBe("v6");
    expect(await refusal(policies.delete(accountId, arn))).toMatch(/^DeleteConflict: This policy/);
    expect(await refusal(policies.setDefaultVersion(accountId, arn, "v9"))).toMatch(
      /^NoSuchEntity: Policy .* version v9/,
    );
    // The same name under another path is another ARN, and there is none.
    expect(await refusal(policies.get(accountId, `arn:aws:iam::${accountId}:policy/p`))).toMatch(
      /^NoSuchEntity/,
    );
    expect(await refusal(policies.create(accountId, { policyName: "P", document: policy }))).toBe(
      "EntityAlreadyExists: A policy called P already exists. Duplicate names are not allowed.",
    );
  });

  test("a document that is no policy is refused wherever one can be given", async () => {
    const { directory } = await open();
    const { policies, roles, users, attachments } = directory;
    await users.create(accountId, { userName: "alice" });
    await roles.create(accountId, { roleName: "r", trustPolicy: trust });
    for (const document of ["{", "[]", "3", "null", '{"Version":"2012-10-17"}', '"\u4e00"']) {
      const attempts = [
        () => policies.create(accountId, { policyName: "p", document }),
        () => attachments.putInline(alice, "p", document),
        () => roles.updateTrust(accountId, "r", document),
      ];
      for (const attempt of attempts) {
        expect(await refusal(attempt())).toMatch(/^MalformedPolicyDocument/);
      }
    }
  });

  test("quotas are IAM's, and white space does not count", async () => {
    const { directory } = await open();
    const { users, policies, attachments } = directory;
    await users.create(accountId, { userName: "alice" });
    await attachments.putInline(alice, "p", `${long(2048)}${" ".repeat(500)}`);
    expect(await refusal(attachments.putInline(alice, "p", long(2049)))).toBe(
      "LimitExceeded: Maximum policy size of 2048 bytes exceeded for user alice",
    );
    expect(
      await refusal(policies.create(accountId, { policyName: "big", document: long(6145) })),
    ).toBe("LimitExceeded: Cannot exceed quota for PolicySize: 6144");
    const arns: string[] = [];
    for (let made = 0; made < 11; made++) {
      arns.push(
        policyArn(await policies.create(accountId, { policyName: `p${made}`, document: policy })),
      );
    }
    const attached = await Promise.allSettled(arns.map((arn) => attachments.attach(alice, arn)));
    expect(attached.filter((each) => each.status === "fulfilled")).toHaveLength(10);
    const counts = await policies.list(accountId);
    expect(counts.reduce((sum, each) => sum + each.attachmentCount, 0)).toBe(10);
  });

  test("AWS's own policies are there to attach and to read, not to change", async () => {
    const { directory } = await open();
    const { policies, roles, attachments } = directory;
    await roles.create(accountId, { roleName: "r", trustPolicy: trust });
    const holder = { kind: "role", accountId, name: "r" } as const;
    const arn = "arn:aws:iam::aws:policy/job-function/ViewOnlyAccess";
    await attachments.attach(holder, arn);
    expect(await policies.get(accountId, arn)).toMatchObject({
      attachmentCount: 1,
      path: "/job-function/",
    });
    const ids = (await policies.listAws(accountId)).map((each) => each.policyId);
    expect(new Set(ids).size).toBe(ids.length);
    for (const id of ids) expect(id).toMatch(/^ANPA[A-Z2-7]{16}$/);
    expect(await refusal(policies.delete(accountId, arn))).toMatch(/^AccessDenied/);
    expect(await refusal(attachments.attach(holder, "arn:aws:iam::aws:policy/NoSuchPolicy"))).toBe(
      "NoSuchEntity: Policy arn:aws:iam::aws:policy/NoSuchPolicy does not exist or is not attachable.",
    );
    expect(await refusal(policies.get(accountId, "arn:aws:s3:::bucket"))).toMatch(
      /^ValidationFailed: ARN arn:aws:s3:::bucket is not valid\.$/,
    );
  });

  test("all that an evaluation needs of a caller comes in one answer", async () => {
    const { directory } = await open();
    const { users, groups, policies, attachments, accessKeys } = directory;
    await users.create(accountId, { userName: "alice", tags: [{ Key: "Team", Value: "red" }] });
    await groups.create(accountId, "team");
    await groups.addUser(accountId, "team", "alice");
    const group = { kind: "group", accountId, name: "team" } as const;
    const arn = policyArn(await policies.create(accountId, { policyName: "p", document: policy }));
    await attachments.putInline(alice, "own", policy);
    await attachments.putInline(group, "ofGroup", policy);
    await attachments.attach(alice, arn);
    await attachments.attach(group, arn);
    await attachments.setBoundary(alice, arn);
    const { accessKeyId } = await accessKeys.create(accountId, { userName: "alice" });
    const found = await directory.findKey(accessKeyId);
    if (found === undefined) throw new Error("no key");
    const { userId } = await users.get(accountId, "alice");
    expect(await directory.permissionsOf(found.caller)).toEqual({
      isRoot: false,
      identity: [
        { name: "own", document: policy },
        { name: "ofGroup", document: policy },
        { name: arn, document: policy },
      ],
      boundary: { name: arn, document: policy },
      tags: { Team: "red" },
    });
    const federated = {
      kind: "federated",
      accountId,
      accessKeyId: "ASIA",
      name: "fed",
      issuer: { kind: "user", userName: "alice", userId, path: "/" },
      session: { issuedMs: 0, expiresMs: 1, mfa: false, policy: trust, tags: { team: "blue" } },
    } as const;
    expect(await directory.permissionsOf(federated)).toMatchObject({
      session: [{ name: "session", document: trust }],
      tags: { team: "blue" },
    });
    // A session's policy that is gone gives it nothing; it does not set it free.
    const { policy: _, ...rest } = federated.session;
    const policyArns = [`arn:aws:iam::${accountId}:policy/gone`];
    const limited = { ...federated, session: { ...rest, policyArns } };
    expect(await directory.permissionsOf(limited)).toMatchObject({ session: [] });
  });
});

describe("roles", () => {
  test("session lengths, conflicts and instance profiles are IAM's", async () => {
    const { directory } = await open();
    const { roles, instanceProfiles } = directory;
    const role = await roles.create(accountId, { roleName: "web", trustPolicy: trust });
    expect(role).toMatchObject({ roleId: expect.stringMatching(/^AROA/), maxSessionSeconds: 3600 });
    expect(await refusal(roles.update(accountId, "web", { maxSessionSeconds: 43_201 }))).toMatch(
      /^ValidationFailed: .*'maxSessionDuration'.*less than or equal to 43200$/,
    );
    await instanceProfiles.create(accountId, { profileName: "p" });
    await instanceProfiles.addRole(accountId, "p", "web");
    expect(await refusal(instanceProfiles.addRole(accountId, "p", "web"))).toMatch(
      /^LimitExceeded/,
    );
    expect(await refusal(roles.delete(accountId, "web"))).toMatch(
      /must remove roles from instance/,
    );
    expect(await refusal(instanceProfiles.delete(accountId, "p"))).toMatch(/^DeleteConflict/);
    expect(await instanceProfiles.ofRole(accountId, "web")).toMatchObject([{ profileName: "p" }]);
    await instanceProfiles.removeRole(accountId, "p", "web");
    await instanceProfiles.delete(accountId, "p");
    await roles.delete(accountId, "web");
    expect(await roles.byArn(`arn:aws:iam::${accountId}:role/web`)).toBeUndefined();
  });
});

describe("MFA", () => {
  test("codes are those of RFC 6238", () => {
    const seed = Buffer.from("12345678901234567890");
    const vectors: [number, string][] = [
      [59, "287082"],
      [1111111109, "081804"],
      [1111111111, "050471"],
      [1234567890, "005924"],
      [2000000000, "279037"],
      [20000000000, "353130"],
    ];
    for (const [seconds, code] of vectors) {
      expect(totpCode(seed, totpStep(seconds * 1000))).toBe(code);
      expect(matchingStep(seed, code, seconds * 1000)).toBe(totpStep(seconds * 1000));
    }
    expect(toBase32(seed)).toBe("GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ");
  });

  test("base32 comes back as it went, whatever the bytes", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) => {
        expect(fromBase32(toBase32(Buffer.from(bytes)))).toEqual(Buffer.from(bytes));
      }),
    );
  });

  test("a device is bound by two codes in a row, and each code works once", async () => {
    const { directory, clock, registry } = await open();
    const { users, mfaDevices } = directory;
    await users.create(accountId, { userName: "alice" });
    const { device, base32Seed } = await mfaDevices.create(accountId, { name: "phone" });
    const { serialNumber } = device;
    expect(serialNumber).toBe(`arn:aws:iam::${accountId}:mfa/phone`);
    const seed = fromBase32(base32Seed);
    const codeNow = (ahead = 0) => totpCode(seed, totpStep(clock.nowMs()) + ahead);
    const enable = (codes: readonly [string, string]) =>
      mfaDevices.enable(accountId, "alice", serialNumber, codes);
    expect(await refusal(enable([codeNow(), codeNow()]))).toMatch(/^InvalidAuthenticationCode/);
    await enable([codeNow(), codeNow(1)]);
    expect(await refusal(enable([codeNow(2), codeNow(3)]))).toMatch(/^EntityAlreadyExists/);
    const verify = (code: string, owner: string | undefined = "alice") =>
      mfaDevices.verify(accountId, owner, serialNumber, code);
    // The second code of the binding is used up.
    expect(await verify(codeNow(1))).toBe(false);
    clock.advance(60_000);
    const code = codeNow();
    expect(await verify(code, "bob")).toBe(false);
    expect(await Promise.all([verify(code), verify(code)])).toEqual([true, false]);
    expect(await verify("12345")).toBe(false);
    // With four more there are five wrong ones in a row, and not even the right one is taken.
    for (let tries = 0; tries < 4; tries++) expect(await verify("000000")).toBe(false);
    clock.advance(60_000);
    expect(await refusal(verify(codeNow()))).toMatch(/^Throttled/);
    clock.advance(5 * 60_000);
    expect(await verify(codeNow())).toBe(true);
    expect(await refusal(mfaDevices.delete(accountId, serialNumber))).toMatch(/^DeleteConflict/);
    expect(await refusal(users.delete(accountId, "alice"))).toMatch(/must delete MFA device/);
    await mfaDevices.deactivate(accountId, "alice", serialNumber);
    await mfaDevices.delete(accountId, serialNumber);
    await users.delete(accountId, "alice");
    expect(JSON.stringify(await registry.list(""))).not.toContain(base32Seed);
  });
});

describe("passwords", () => {
  test("only the right one is right, five wrong ones lock the door, and none stands in the registry", async () => {
    const { directory, registry, clock } = await open();
    const { users, loginProfiles } = directory;
    await users.create(accountId, { userName: "alice" });
    const password = "Correct-horse-1";
    expect(await refusal(loginProfiles.create(accountId, "alice", "short", false))).toMatch(
      /^PasswordPolicyViolation/,
    );
    await loginProfiles.create(accountId, "alice", password, false);
    const verify = (given: string) => loginProfiles.verify(accountId, "alice", given);
    expect(await verify(password)).toEqual({ resetRequired: false });
    for (let tries = 0; tries < 5; tries++) expect(await verify("Wrong-horse-1")).toBeUndefined();
    expect(await refusal(verify(password))).toMatch(/^Throttled/);
    clock.advance(5 * 60_000);
    expect(await verify(password)).toEqual({ resetRequired: false });
    const everything = JSON.stringify(await registry.list(""));
    expect(everything).not.toContain(password);
    expect(everything).not.toContain("scrypt");
    expect(await refusal(loginProfiles.changePassword(accountId, "alice", "no", password))).toBe(
      "AccessDenied: The old password was incorrect.",
    );
    expect(await loginProfiles.verify(accountId, "nobody", password)).toBeUndefined();
  });
});

describe("access keys", () => {
  test("an id says whose account it is", () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 999_999_999_999 }), (number) => {
        const owner = String(number).padStart(12, "0");
        const id = makeKeyId(systemRandom, "ASIA", owner);
        expect(id).toMatch(/^ASIA[Q-Z2-7][A-Z2-7]{15}$/);
        expect(accountOfKeyId(id)).toBe(owner);
      }),
    );
    // The example of the note that found the form.
    expect(accountOfKeyId("ASIAQNZGKIQY56JQ7WML")).toBe("029608264753");
    expect(accountOfKeyId("AKIAIOSFODNN7EXAMPLE")).toBeUndefined();
  });

  test("a use is written about every quarter of an hour", async () => {
    const { directory, registry, clock } = await open();
    const { accessKeyId } = await directory.accessKeys.create(accountId);
    const caller = { kind: "root", accountId, accessKeyId } as const;
    const versions = async () => (await registry.get(`key-use/${accessKeyId}`))?.version;
    directory.noteUse(caller, "eu-west-1", "sts");
    directory.noteUse(caller, "eu-west-1", "sts");
    expect(await versions()).toBe(1);
    clock.advance(14 * 60_000);
    directory.noteUse(caller, "eu-west-1", "iam");
    expect(await versions()).toBe(1);
    clock.advance(60_000);
    directory.noteUse(caller, "eu-west-1", "iam");
    expect(await directory.accessKeys.lastUse(accessKeyId)).toEqual({
      usedMs: clock.nowMs(),
      region: "eu-west-1",
      service: "iam",
    });
  });
});

describe("accounts", () => {
  test("an alias is one account's, and names its root user", async () => {
    const { directory } = await open();
    const { accounts } = directory;
    await accounts.create("999999999999");
    await accounts.setAlias(accountId, "example");
    await accounts.setAlias(accountId, "example-2");
    expect(await refusal(accounts.setAlias("999999999999", "example-2"))).toMatch(
      /^EntityAlreadyExists/,
    );
    await accounts.setAlias("999999999999", "example");
    const [rootKey] = await directory.listAccessKeys(accountId);
    expect((await directory.findKey(rootKey?.accessKeyId ?? ""))?.caller).toMatchObject({
      kind: "root",
      accountAlias: "example-2",
    });
    for (const alias of ["ab", "a--b", "-ab", "ab-", "Abc", "123456789012", "a".repeat(64)]) {
      expect(await refusal(accounts.setAlias(accountId, alias))).toMatch(/^ValidationFailed/);
    }
    expect(await refusal(accounts.deleteAlias("999999999999", "example-2"))).toMatch(
      /^NoSuchEntity/,
    );
    await accounts.deleteAlias(accountId, "example-2");
    expect(await accounts.get(accountId)).not.toHaveProperty("alias");
  });

  test("a service principal's key signs as the service", async () => {
    const { directory } = await open();
    const { servicePrincipals } = directory;
    await servicePrincipals.create(accountId, "reports.amazonaws.com");
    const key = await servicePrincipals.createKey(accountId, "reports.amazonaws.com");
    expect((await directory.findKey(key.accessKeyId))?.caller).toEqual({
      kind: "service",
      invokedBy: "reports.amazonaws.com",
      accountId,
      accessKeyId: key.accessKeyId,
    });
    expect(await refusal(servicePrincipals.create(accountId, "reports.example.com"))).toMatch(
      /^ValidationFailed/,
    );
    expect(await refusal(servicePrincipals.delete(accountId, "reports.amazonaws.com"))).toMatch(
      /^DeleteConflict/,
    );
  });
});

describe("OIDC providers", () => {
  test("issuers are https, or this machine, and found by what tokens call them", async () => {
    const { directory } = await open();
    const { oidcProviders } = directory;
    const bad = [
      "http://example.com",
      "http://127.example.com",
      "ftp://example.com",
      "https://e.com?x=1",
      "https://u:p@e.com",
      "e.com",
    ];
    for (const url of bad) {
      expect(await refusal(oidcProviders.create(accountId, { url }))).toBe(
        "ValidationFailed: Invalid Open ID Connect Provider URL",
      );
    }
    await oidcProviders.create(accountId, { url: "http://127.0.0.1:8080" });
    const url = "https://issuer.example.com/tenant";
    await oidcProviders.create(accountId, { url, clientIds: ["app"] });
    const arn = `arn:aws:iam::${accountId}:oidc-provider/issuer.example.com/tenant`;
    await oidcProviders.addClientId(accountId, arn, "other");
    expect(await oidcProviders.ofIssuer(accountId, url)).toMatchObject({
      clientIds: ["app", "other"],
    });
    expect(await oidcProviders.ofIssuer(accountId, `${url}/`)).toBeUndefined();
    expect(await oidcProviders.ofIssuer("999999999999", url)).toBeUndefined();
    await oidcProviders.delete(accountId, arn);
    expect(await refusal(oidcProviders.get(accountId, arn))).toMatch(/^NoSuchEntity/);
  });
});
