// A registry from before there were permissions: its users keep what they could do, once, and nobody else gets anything.
import { expect, test } from "vitest";
import { TestClock } from "../base/clock.ts";
import { systemRandom } from "../base/random.ts";
import { createMemoryRegistry } from "../registry/memory/memory-registry.ts";
import { openDirectory } from "./open-directory.ts";

const accountId = "111122223333";

async function open(registry = createMemoryRegistry()) {
  const directory = openDirectory({
    registry,
    masterKey: Buffer.alloc(32, 7),
    clock: new TestClock(0),
    random: systemRandom,
    firstAccountId: accountId,
  });
  await directory.ensureFirstAccount();
  const attachedTo = async (name: string) =>
    (await directory.attachments.of({ kind: "user", accountId, name })).attachedPolicyArns ?? [];
  return { registry, directory, attachedTo };
}

const administrator = "arn:aws:iam::aws:policy/AdministratorAccess";

test("in a new registry, whoever has no policy has none", async () => {
  const { directory, attachedTo } = await open();
  await directory.createUser(accountId, "alice");
  expect(await directory.admitEarlierUsers()).toEqual([]);
  expect(await attachedTo("alice")).toEqual([]);
});

test("in an earlier one, users without any policy keep what they could do, once", async () => {
  const { registry, directory, attachedTo } = await open();
  // As the version before left it.
  await registry.commit([{ key: "permissions/asked", value: undefined }]);
  for (const name of ["Alice", "bob", "carol", "dora"]) await directory.createUser(accountId, name);
  await directory.attachments.attach(
    { kind: "user", accountId, name: "bob" },
    "arn:aws:iam::aws:policy/ReadOnlyAccess",
  );
  await directory.groups.create(accountId, "team");
  await directory.groups.addUser(accountId, "team", "carol");
  await directory.attachments.setBoundary(
    { kind: "user", accountId, name: "dora" },
    "arn:aws:iam::aws:policy/ReadOnlyAccess",
  );
  expect(await directory.admitEarlierUsers()).toEqual([{ accountId, userName: "Alice" }]);
  expect(await attachedTo("Alice")).toEqual([administrator]);
  expect(await attachedTo("bob")).not.toContain(administrator);
  expect(await attachedTo("carol")).toEqual([]);
  expect(await attachedTo("dora")).toEqual([]);
  const holder = { kind: "user", accountId, name: "Alice" } as const;
  expect(await directory.attachments.users(accountId, administrator, "attachment")).toEqual([
    holder,
  ]);
  // Taken away by an administrator, it stays away.
  await directory.attachments.detach(holder, administrator);
  await directory.createUser(accountId, "ed");
  expect(await directory.admitEarlierUsers()).toEqual([]);
  const again = await open(registry);
  expect(await again.directory.admitEarlierUsers()).toEqual([]);
  expect(await again.attachedTo("Alice")).toEqual([]);
});

test("another first account in an earlier registry does not hide that it is earlier", async () => {
  const { registry, directory } = await open();
  await registry.commit([{ key: "permissions/asked", value: undefined }]);
  await directory.createUser(accountId, "alice");
  const renamed = openDirectory({
    registry,
    masterKey: Buffer.alloc(32, 7),
    clock: new TestClock(0),
    random: systemRandom,
    firstAccountId: "444455556666",
  });
  await renamed.ensureFirstAccount();
  expect(await renamed.admitEarlierUsers()).toEqual([{ accountId, userName: "alice" }]);
});
