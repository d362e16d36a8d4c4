// How accounts join an organization by invitation, and how they leave: who may do what, and when.
import { beforeEach, describe, expect, test } from "vitest";
import { TestClock } from "../base/clock.ts";
import { isCairnError } from "../base/errors.ts";
import { systemRandom } from "../base/random.ts";
import { createMemoryRegistry } from "../registry/memory/memory-registry.ts";
import type { Registry } from "../registry/registry.ts";
import type { Directory } from "./directory.ts";
import type { Handshake } from "./memberships.ts";
import { openDirectory } from "./open-directory.ts";

const [manager, team, stranger, other] = [
  "111122223333",
  "444455556666",
  "777788889999",
  "222233334444",
] as const;
const dayMs = 24 * 3600 * 1000;
const clock = new TestClock(Date.UTC(2026, 0, 2, 3, 4, 5));

let registry: Registry;
let directory: Directory;
beforeEach(async () => {
  registry = createMemoryRegistry();
  directory = openDirectory({
    registry,
    masterKey: systemRandom.bytes(32),
    clock,
    random: systemRandom,
    firstAccountId: manager,
  });
  await directory.ensureFirstAccount();
  for (const id of [team, stranger, other]) await directory.createAccount(id);
  await directory.organizations.create(manager);
});

async function code(call: Promise<unknown>): Promise<string> {
  try {
    await call;
    return "done";
  } catch (error) {
    if (isCairnError(error)) return error.code;
    throw error;
  }
}

const invite = (id: string = team, type = "ACCOUNT"): Promise<Handshake> =>
  directory.memberships.invite(manager, { id, type });
const memberIds = async () =>
  (await directory.organizations.members(manager)).members.map((member) => member.accountId);

test("an invited account that accepts is a member below the root, under the organization's policies", async () => {
  const { organizations, serviceControlPolicies, memberships } = directory;
  const { rootId } = await organizations.organization(manager);
  const type = "SERVICE_CONTROL_POLICY";
  await serviceControlPolicies.enableType(manager, rootId, type);
  const root = { kind: "root", accountId: team, accessKeyId: "AKIAIOSFODNN7EXAMPLE" } as const;
  expect((await directory.permissionsOf(root)).serviceControl).toBe(undefined);
  const { id, state } = await invite();
  expect(state).toBe("OPEN");
  expect(await memberIds()).toEqual([manager]);
  expect((await directory.permissionsOf(root)).serviceControl).toBe(undefined);
  expect(await memberships.accept(team, id)).toMatchObject({ id, state: "ACCEPTED" });
  const { member } = await organizations.member(manager, team);
  expect(member).toMatchObject({ parentId: rootId, joinedBy: "INVITED" });
  expect((await directory.permissionsOf(root)).serviceControl).toHaveLength(2);
  expect((await directory.accounts.get(team))?.organizationId).toMatch(/^o-/);
  await memberships.leave(team);
  expect((await directory.permissionsOf(root)).serviceControl).toBe(undefined);
  expect(await memberIds()).toEqual([manager]);
  expect(await organizations.membership(team)).toBe(undefined);
  // And in again, with nothing left of what hung on it before.
  await memberships.accept(team, (await invite()).id);
  expect(await memberIds()).toEqual([manager, team]);
});

test("an address means the account that has it, in any case", async () => {
  await directory.organizations.create(other);
  const made = await directory.organizations.createAccount(other, {
    name: "Dev",
    email: "dev@example.com",
  });
  const dev = made.accountId ?? "";
  await directory.memberships.leave(dev);
  const { id } = await invite("DEV@example.com", "EMAIL");
  expect(await code(directory.memberships.accept(team, id))).toBe("HandshakeNotFound");
  expect((await directory.memberships.received(dev)).map((each) => each.id)).toEqual([id]);
  await directory.memberships.accept(dev, id);
  expect(await memberIds()).toContain(dev);
});

describe("an invitation", () => {
  type Act = "accept" | "decline" | "cancel";
  const by = { accept: team, decline: team, cancel: manager } as const;
  const states = { accept: "ACCEPTED", decline: "DECLINED", cancel: "CANCELED" } as const;

  test.each<[Act, Act, string]>([
    ["accept", "accept", "HandshakeAlreadyInState"],
    ["accept", "decline", "InvalidHandshakeTransition"],
    ["accept", "cancel", "InvalidHandshakeTransition"],
    ["decline", "accept", "InvalidHandshakeTransition"],
    ["decline", "decline", "HandshakeAlreadyInState"],
    ["decline", "cancel", "InvalidHandshakeTransition"],
    ["cancel", "accept", "InvalidHandshakeTransition"],
    ["cancel", "decline", "InvalidHandshakeTransition"],
    ["cancel", "cancel", "HandshakeAlreadyInState"],
  ])("after %s is not open to %s", async (first, then, refused) => {
    const { memberships } = directory;
    const { id } = await invite();
    expect((await memberships[first](by[first], id)).state).toBe(states[first]);
    expect(await code(memberships[then](by[then], id))).toBe(refused);
    expect(await memberIds()).toHaveLength(first === "accept" ? 2 : 1);
    expect((await memberships.handshake(team, id)).state).toBe(states[first]);
  });

  test.each<[Act, string, string]>([
    ["accept", manager, "AccessDenied"],
    ["accept", stranger, "HandshakeNotFound"],
    ["decline", manager, "AccessDenied"],
    ["decline", stranger, "HandshakeNotFound"],
    ["cancel", team, "AccessDenied"],
    ["cancel", stranger, "HandshakeNotFound"],
  ])("is not answered by %s of %s", async (act, who, refused) => {
    const { memberships } = directory;
    const { id } = await invite();
    expect(await code(memberships[act](who, id))).toBe(refused);
    expect((await memberships.handshake(manager, id)).state).toBe("OPEN");
    expect(await code(memberships.handshake(stranger, id))).toBe("HandshakeNotFound");
    expect(await memberships.received(stranger)).toEqual([]);
  });

  test("is good for fifteen days, seen for thirty more, and then gone", async () => {
    const { memberships } = directory;
    const { id } = await invite();
    clock.advance(15 * dayMs - 1);
    expect((await memberships.handshake(team, id)).state).toBe("OPEN");
    expect(await code(invite())).toBe("DuplicateHandshake");
    clock.advance(1);
    expect((await memberships.sent(manager)).map((each) => each.state)).toEqual(["EXPIRED"]);
    expect(await code(memberships.accept(team, id))).toBe("InvalidHandshakeTransition");
    clock.advance(30 * dayMs);
    expect(await memberships.sent(manager)).toEqual([]);
    expect(await memberships.received(team)).toEqual([]);
    expect(await code(memberships.handshake(team, id))).toBe("HandshakeNotFound");
    const again = await invite();
    expect((await memberships.sent(manager)).map((each) => each.id)).toEqual([again.id]);
    // Not even kept.
    expect(await registry.list("organization-handshake/")).toHaveLength(1);
  });

  test("goes with its organization", async () => {
    const { id } = await invite();
    await directory.organizations.delete(manager);
    expect(await code(directory.memberships.accept(team, id))).toBe("HandshakeNotFound");
    expect(await directory.memberships.received(team)).toEqual([]);
  });

  test("does not take an account from another organization", async () => {
    const { memberships, organizations } = directory;
    const { id } = await invite();
    await organizations.create(team);
    expect(await code(memberships.accept(team, id))).toBe("HandshakeConstraintViolation");
    expect((await memberships.handshake(team, id)).state).toBe("OPEN");
    await organizations.delete(team);
    await memberships.accept(team, id);
    expect(await memberIds()).toEqual([manager, team]);
  });

  test.each<[string, string, string, string]>([
    ["a member", manager, "ACCOUNT", "HandshakeConstraintViolation"],
    ["something that is no account", "1", "ACCOUNT", "InvalidInput"],
    ["no address", "nobody", "EMAIL", "InvalidInput"],
    ["an organization", "o-abcdefghij", "ORGANIZATION", "InvalidInput"],
    ["an account that is not there", "999999999999", "ACCOUNT", "done"],
  ])("to %s", async (_what, id, type, expected) => {
    expect(await code(invite(id, type))).toBe(expected);
  });

  test("is the management account's to make", async () => {
    const { memberships } = directory;
    const given = { id: stranger, type: "ACCOUNT" };
    expect(await code(memberships.invite(team, given))).toBe("OrganizationsNotInUse");
    await memberships.accept(team, (await invite()).id);
    expect(await code(memberships.invite(team, given))).toBe("AccessDenied");
    expect(await code(memberships.sent(team))).toBe("AccessDenied");
  });
});

describe("a member", () => {
  beforeEach(async () => {
    await directory.memberships.accept(team, (await invite()).id);
  });

  test("is let go by the management account, and by no other", async () => {
    const { memberships, organizations } = directory;
    await organizations.create(other);
    expect(await code(memberships.remove(other, team))).toBe("AccountNotFound");
    expect(await code(memberships.remove(team, team))).toBe("AccessDenied");
    expect(await code(memberships.remove(manager, "x/../y"))).toBe("AccountNotFound");
    expect(await memberIds()).toEqual([manager, team]);
    await memberships.remove(manager, team);
    expect(await memberIds()).toEqual([manager]);
    expect(await code(memberships.remove(manager, team))).toBe("AccountNotFound");
    expect(await code(memberships.leave(team))).toBe("OrganizationsNotInUse");
  });

  test("that administers a service stays until it does so no more", async () => {
    const { memberships, organizations } = directory;
    const service = "cloudtrail.amazonaws.com";
    await organizations.enableService(manager, service);
    await organizations.registerDelegate(manager, team, service);
    expect(await code(memberships.leave(team))).toBe("ConstraintViolation");
    expect(await code(memberships.remove(manager, team))).toBe("ConstraintViolation");
    await organizations.deregisterDelegate(manager, team, service);
    expect(await code(memberships.leave(team))).toBe("done");
  });

  test("that manages the organization does not leave it", async () => {
    const refused = "MasterCannotLeaveOrganization";
    expect(await code(directory.memberships.leave(manager))).toBe(refused);
    expect(await code(directory.memberships.remove(manager, manager))).toBe(refused);
  });

  test("that is let go and leaves at the same time does so once", async () => {
    const { memberships } = directory;
    const codes = await Promise.all([
      code(memberships.leave(team)),
      code(memberships.remove(manager, team)),
      code(memberships.leave(team)),
    ]);
    expect(codes.filter((each) => each === "done")).toHaveLength(1);
    expect(await memberIds()).toEqual([manager]);
  });
});

test("of two organizations that invite an account, the one whose invitation it accepts first has it", async () => {
  const { memberships, organizations } = directory;
  await organizations.create(other);
  const first = await invite();
  const second = await memberships.invite(other, { id: team, type: "ACCOUNT" });
  const codes = await Promise.all([
    code(memberships.accept(team, first.id)),
    code(memberships.accept(team, second.id)),
  ]);
  expect(codes).toEqual(["done", "HandshakeConstraintViolation"]);
  expect(await memberIds()).toEqual([manager, team]);
  expect((await organizations.members(other)).members).toHaveLength(1);
});
