// Temporary credentials: who they are, when they end, and what happens to a token that somebody touched.
import { Sha256 } from "@aws-crypto/sha256-js";
import { SignatureV4 } from "@smithy/signature-v4";
import { describe, expect, test } from "vitest";
import { TestClock } from "../base/clock.ts";
import { isCairnError } from "../base/errors.ts";
import { systemRandom } from "../base/random.ts";
import { callerArn, callerUserId, userIdentity } from "../event/user-identity.ts";
import { createMemoryRegistry } from "../registry/memory/memory-registry.ts";
import type { SignedRequest } from "../signature/canonical.ts";
import { createAuthenticator } from "./authenticate.ts";
import { accountOfKeyId } from "./key-id.ts";
import { MasterKeys } from "./master-keys.ts";
import { openDirectory } from "./open-directory.ts";
import { openText, sealText } from "./sealed-text.ts";
import type { Bearer, SessionCredentials, SessionGrant } from "./sessions.ts";

const accountId = "111122223333";
const nowMs = Date.UTC(2026, 0, 2, 3, 4, 5, 678);
const trustPolicy =
  '{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":"*","Action":"sts:AssumeRole"}}';

async function open() {
  const clock = new TestClock(nowMs);
  const registry = createMemoryRegistry();
  const masterKey = Buffer.alloc(32, 7);
  const directory = openDirectory({
    registry,
    masterKey,
    clock,
    random: systemRandom,
    firstAccountId: accountId,
  });
  await directory.ensureFirstAccount();
  const { roleId } = await directory.roles.create(accountId, { roleName: "deploy", trustPolicy });
  const { userId } = await directory.users.create(accountId, { userName: "alice", path: "/t/" });
  const authenticator = createAuthenticator({ directory, clock });
  const role: Bearer = {
    kind: "role",
    accountId,
    roleName: "deploy",
    roleId,
    sessionName: "ci-42",
  };
  const user: Bearer = { kind: "user", accountId, userName: "alice", userId };
  const issue = (bearer: Bearer, more: Partial<SessionGrant> = {}) =>
    directory.sessions.issue({ bearer, seconds: 3600, mfa: false, ...more });
  const find = (session: SessionCredentials, token = session.sessionToken) =>
    directory.findKey(session.accessKeyId, token);
  async function ask(session: SessionCredentials, presigned = false): Promise<string> {
    const request = await signed(session, clock.nowMs(), presigned);
    try {
      const { caller } = await authenticator.authenticate(request);
      return callerArn(caller);
    } catch (error) {
      if (isCairnError(error)) return `${error.code}: ${error.message}`;
      throw error;
    }
  }
  return { clock, registry, masterKey, directory, role, user, issue, find, ask };
}

async function signed(
  credentials: SessionCredentials,
  atMs: number,
  presigned: boolean,
): Promise<SignedRequest> {
  const signer = new SignatureV4({
    service: "cloudtrail",
    region: "eu-west-1",
    sha256: Sha256,
    credentials,
  });
  const request = {
    method: "GET",
    protocol: "http:",
    hostname: "localhost",
    path: "/",
    query: {},
    headers: { host: "localhost" },
  };
  const signingDate = new Date(atMs);
  if (!presigned) {
    const { headers } = await signer.sign(request, { signingDate });
    return { method: "GET", path: "/", query: "", headers };
  }
  const { query = {} } = await signer.presign(request, { signingDate });
  const text = new URLSearchParams(query as Record<string, string>).toString();
  return { method: "GET", path: "/", query: text, headers: request.headers };
}

const invalid = "InvalidClientTokenId: The security token included in the request is invalid.";

test("a session's caller is who it was made for, with everything it was made with", async () => {
  const { directory, role, user, issue, find } = await open();
  const session = issue(role, {
    mfa: true,
    sourceIdentity: "alice@example.com",
    tags: { Team: "red" },
    transitiveTagKeys: ["Team"],
    policy: trustPolicy,
    policyArns: ["arn:aws:iam::aws:policy/ReadOnlyAccess"],
    chained: true,
  });
  expect(session.accessKeyId).toMatch(/^ASIA[A-Z2-7]{16}$/);
  expect(accountOfKeyId(session.accessKeyId)).toBe(accountId);
  expect(session.expiresMs).toBe(Date.UTC(2026, 0, 2, 4, 4, 5));
  expect(session.packedPercent).toBeGreaterThan(0);
  const { roleId } = role as { roleId: string };
  const { caller, ...key } = (await find(session)) ?? {};
  expect(key).toEqual({ secret: session.secretAccessKey, status: "Active" });
  expect(caller).toEqual({
    kind: "role",
    accountId,
    accessKeyId: session.accessKeyId,
    roleName: "deploy",
    roleId,
    path: "/",
    sessionName: "ci-42",
    session: {
      issuedMs: nowMs,
      expiresMs: session.expiresMs,
      mfa: true,
      sourceIdentity: "alice@example.com",
      tags: { Team: "red" },
      transitiveTagKeys: ["Team"],
      policy: trustPolicy,
      policyArns: ["arn:aws:iam::aws:policy/ReadOnlyAccess"],
      chained: true,
    },
  });
  if (caller === undefined) throw new Error("no caller");
  expect(callerUserId(caller)).toBe(`${roleId}:ci-42`);
  expect(userIdentity(caller)).toEqual({
    type: "AssumedRole",
    principalId: `${roleId}:ci-42`,
    arn: `arn:aws:sts::${accountId}:assumed-role/deploy/ci-42`,
    accountId,
    accessKeyId: session.accessKeyId,
    sessionContext: {
      sessionIssuer: {
        type: "Role",
        principalId: roleId,
        arn: `arn:aws:iam::${accountId}:role/deploy`,
        accountId,
        userName: "deploy",
      },
      attributes: { creationDate: "2026-01-02T03:04:05Z", mfaAuthenticated: "true" },
      sourceIdentity: "alice@example.com",
    },
  });
  const plain = issue(user);
  expect((await find(plain))?.caller).toMatchObject({ kind: "user", path: "/t/" });
  expect(plain).not.toHaveProperty("packedPercent");
  expect(directory.sessions.issue({ bearer: user, seconds: 1, mfa: false }).accessKeyId).not.toBe(
    plain.accessKeyId,
  );
});

test("signed in a header or in the query, a session is good until its last second is over", async () => {
  const { clock, role, issue, ask } = await open();
  const session = issue(role);
  const arn = `arn:aws:sts::${accountId}:assumed-role/deploy/ci-42`;
  expect(await ask(session)).toBe(arn);
  expect(await ask(session, true)).toBe(arn);
  clock.advance(session.expiresMs - clock.nowMs() - 1);
  expect(await ask(session)).toBe(arn);
  clock.advance(1);
  const expired = "ExpiredToken: The security token included in the request is expired";
  expect(await ask(session)).toBe(expired);
  expect(await ask(session, true)).toBe(expired);
  expect(await ask({ ...session, secretAccessKey: "guessed" })).toMatch(/^SignatureDoesNotMatch/);
});

test("a token is good for its own key only, whole, and sealed by this master key", async () => {
  const { role, user, issue, find, ask, directory, clock } = await open();
  const session = issue(role);
  const other = issue(user);
  expect(await ask({ ...session, accessKeyId: other.accessKeyId })).toBe(invalid);
  expect(await ask({ ...session, sessionToken: other.sessionToken })).toBe(invalid);
  const { accessKeyId, secretAccessKey } = session;
  expect(await ask({ accessKeyId, secretAccessKey } as SessionCredentials)).toBe(invalid);
  const token = session.sessionToken;
  for (let at = 0; at < token.length; at++) {
    const changed = token.charAt(at) === "A" ? "B" : "A";
    expect(await find(session, token.slice(0, at) + changed + token.slice(at + 1))).toBeUndefined();
    expect(await find(session, token.slice(0, at))).toBeUndefined();
  }
  for (const junk of ["", "x", `${token}A`, `${token}=`, "A".repeat(20_000), "\u0000"]) {
    expect(await find(session, junk)).toBeUndefined();
  }
  const stranger = openDirectory({
    registry: createMemoryRegistry(),
    masterKey: Buffer.alloc(32, 8),
    clock,
    random: systemRandom,
    firstAccountId: accountId,
  });
  expect(await stranger.findKey(accessKeyId, token)).toBeUndefined();
  const long = await directory.accessKeys.create(accountId, { userName: "alice" });
  expect(await directory.findKey(long.accessKeyId, token)).toBeUndefined();
});

test("a text sealed for one purpose does not open for another", () => {
  const masterKeys = new MasterKeys(Buffer.alloc(32, 7));
  const sealed = sealText("hello", "authorization message", masterKeys.current, systemRandom);
  expect(openText(sealed, "authorization message", masterKeys, 0)).toBe("hello");
  expect(openText(sealed, "session token", masterKeys, 0)).toBeUndefined();
});

test("a sealed text is written in one way only", () => {
  const masterKeys = new MasterKeys(Buffer.alloc(32, 7));
  const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_=";
  for (const text of ["a", "ab", "abc", "abcd"]) {
    const sealed = sealText(text, "session token", masterKeys.current, systemRandom);
    for (const letter of letters) {
      const other = sealed.slice(0, -1) + letter;
      const opened = openText(other, "session token", masterKeys, 0);
      expect(opened).toBe(other === sealed ? text : undefined);
      expect(openText(sealed + letter, "session token", masterKeys, 0)).toBeUndefined();
    }
  }
});

describe("a session ends", () => {
  test("when its role's sessions are revoked; later ones are good", async () => {
    const { clock, directory, role, user, issue, ask } = await open();
    const before = issue(role);
    const ofUser = issue(user);
    expect(await ask(before)).toMatch(/^arn:/);
    clock.advance(1000);
    await directory.roles.revokeSessions(accountId, "deploy");
    clock.advance(1000);
    expect(await ask(before)).toBe(invalid);
    expect(await ask(issue(role))).toMatch(/^arn:/);
    expect(await ask(ofUser)).toMatch(/^arn:/);
    await directory.users.revokeSessions(accountId, "alice");
    expect(await ask(ofUser)).toBe(invalid);
  });

  test("when its role is deleted, also when another of that name is made", async () => {
    const { directory, role, issue, ask } = await open();
    const session = issue(role);
    await directory.roles.delete(accountId, "deploy");
    expect(await ask(session)).toBe(invalid);
    await directory.roles.create(accountId, { roleName: "deploy", trustPolicy });
    expect(await ask(session)).toBe(invalid);
  });

  test("when the user that it was made from is deleted, not when it is renamed", async () => {
    const { directory, user, issue, ask } = await open();
    const { userId } = user as { userId: string };
    const own = issue(user);
    const federated = issue({
      kind: "federated",
      accountId,
      name: "guest",
      issuer: { kind: "user", userName: "alice", userId },
    });
    await directory.users.update(accountId, "alice", { newUserName: "alicia" });
    await directory.users.create(accountId, { userName: "alice" });
    expect(await ask(own)).toBe(`arn:aws:iam::${accountId}:user/t/alicia`);
    expect(await ask(federated)).toBe(`arn:aws:sts::${accountId}:federated-user/guest`);
    await directory.users.delete(accountId, "alicia");
    expect(await ask(own)).toBe(invalid);
    expect(await ask(federated)).toBe(invalid);
  });

  test("when the root user's sessions are revoked", async () => {
    const { clock, directory, issue, ask } = await open();
    const session = issue({ kind: "root", accountId });
    expect(await ask(session)).toBe(`arn:aws:iam::${accountId}:root`);
    clock.advance(1);
    await directory.accounts.revokeRootSessions(accountId);
    expect(await ask(session)).toBe(invalid);
  });
});

test("a service goes on with a caller's request under the caller's name, and no longer than it", async () => {
  const { clock, directory, role, issue, find } = await open();
  const session = issue(role, { seconds: 900, policy: trustPolicy });
  const caller = (await find(session))?.caller;
  if (caller === undefined) throw new Error("no caller");
  clock.advance(600_000);
  const forwarded = directory.sessions.forward("reports.amazonaws.com", caller, 3600);
  expect(forwarded.expiresMs).toBeLessThanOrEqual(session.expiresMs);
  const found = (await find(forwarded))?.caller;
  expect(found).toMatchObject({
    kind: "role",
    invokedBy: "reports.amazonaws.com",
    session: { policy: trustPolicy },
  });
  if (found === undefined) throw new Error("no caller");
  expect(Object.keys(userIdentity(found)).at(-1)).toBe("invokedBy");
});

test("policies and tags that do not fit into a token are refused; none of it is in the registry", async () => {
  const { registry, role, issue } = await open();
  const noise = systemRandom.bytes(4000).toString("base64");
  expect(() => issue(role, { policy: noise })).toThrow(/^PackedPolicySize \d{3}% exceeds/);
  const session = issue(role);
  const everything = JSON.stringify(await registry.list(""));
  expect(everything).not.toContain(session.accessKeyId);
  expect(everything).not.toContain(session.secretAccessKey);
});

test("an encoded message is read by its own account only", async () => {
  const { directory } = await open();
  const encoded = directory.encodeMessage(accountId, '{"allowed":false}');
  expect(directory.decodeMessage(accountId, encoded)).toBe('{"allowed":false}');
  expect(directory.decodeMessage("999999999999", encoded)).toBeUndefined();
  expect(directory.decodeMessage(accountId, `${encoded}A`)).toBeUndefined();
});
