// Changes of the directory's documents: whole or not at all, also when others change them at the same time.
import * as fc from "fast-check";
import { expect, test } from "vitest";
import { TestClock } from "../base/clock.ts";
import { isCairnError } from "../base/errors.ts";
import { systemRandom } from "../base/random.ts";
import { createMemoryRegistry } from "../registry/memory/memory-registry.ts";
import { Documents } from "./documents.ts";
import { policyArn } from "./managed-policies.ts";
import { openDirectory } from "./open-directory.ts";
import type { Holder } from "./policy-attachments.ts";

const accountId = "111122223333";

interface Count {
  value: number;
}

test("changes at the same time, here and in another process, are all made", async () => {
  const registry = createMemoryRegistry();
  const processes = [new Documents(registry), new Documents(registry)];
  const addOne = (documents: Documents) =>
    documents.change(async (draft) => {
      const count = await draft.get<Count>("count");
      draft.put("count", { value: (count?.value ?? 0) + 1 });
    });
  await Promise.all(
    Array.from({ length: 20 }, (_, index) => addOne(processes[index % 2] as Documents)),
  );
  expect(await processes[0]?.get<Count>("count")).toEqual({ value: 20 });
});

test("a change that is refused, or that cannot be written, changes nothing and stands in nobody's way", async () => {
  const registry = createMemoryRegistry();
  const documents = new Documents(registry);
  const write = (value: number) =>
    documents.change((draft) => {
      draft.put("a", { value });
      draft.put("b", { value });
      if (value < 0) throw new Error("refused");
      return Promise.resolve();
    });
  registry.faults.failEvery = 1;
  const outcomes = await Promise.allSettled([write(1), write(-1)]);
  delete registry.faults.failEvery;
  expect(outcomes.map((each) => each.status)).toEqual(["rejected", "rejected"]);
  expect(await registry.list("")).toEqual([]);
  await write(2);
  expect(await documents.list<Count>("")).toEqual([{ value: 2 }, { value: 2 }]);
});

test("a draft sees what it wrote, and leaves out what is undefined", async () => {
  const documents = new Documents(createMemoryRegistry());
  await documents.change(async (draft) => {
    draft.put("a", { value: 1, more: undefined });
    expect(await draft.get("a")).toEqual({ value: 1 });
    draft.delete("a");
    expect(await draft.get("a")).toBeUndefined();
    draft.put("a", { value: 2 });
  });
  expect(await documents.get("a")).toEqual({ value: 2 });
});

const kinds = ["user", "group", "role"] as const;
const names = ["a", "b"] as const;

type Step =
  | { do: "attach" | "detach" | "delete"; kind: Holder["kind"]; name: string }
  | { do: "bound" | "unbound"; kind: "user" | "role"; name: string }
  | { do: "join" | "leave"; user: string; group: string }
  | { do: "rename"; kind: "user" | "group"; name: string; to: string };

const anyKind = fc.constantFrom(...kinds);
const anyName = fc.constantFrom(...names, "c");
const anyStep: fc.Arbitrary<Step> = fc.oneof(
  fc.record({
    do: fc.constantFrom("attach" as const, "detach" as const),
    kind: anyKind,
    name: anyName,
  }),
  fc.record({
    do: fc.constantFrom("bound" as const, "unbound" as const),
    kind: fc.constantFrom("user" as const, "role" as const),
    name: anyName,
  }),
  fc.record({ do: fc.constant("delete" as const), kind: anyKind, name: anyName }),
  fc.record({
    do: fc.constantFrom("join" as const, "leave" as const),
    user: anyName,
    group: anyName,
  }),
  fc.record({
    do: fc.constant("rename" as const),
    kind: fc.constantFrom("user" as const, "group" as const),
    name: anyName,
    to: anyName,
  }),
);

test("whatever happens at once, a policy counts its uses and a group lists its members as they are", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(anyStep, { maxLength: 40, size: "max" }), async (steps) => {
      const directory = openDirectory({
        registry: createMemoryRegistry(),
        masterKey: Buffer.alloc(32, 7),
        clock: new TestClock(0),
        random: systemRandom,
        firstAccountId: accountId,
      });
      await directory.ensureFirstAccount();
      const { users, groups, roles, policies, attachments } = directory;
      const document =
        '{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}';
      const trustPolicy =
        '{"Statement":{"Effect":"Allow","Principal":"*","Action":"sts:AssumeRole"}}';
      const arn = policyArn(await policies.create(accountId, { policyName: "p", document }));
      for (const name of names) {
        await users.create(accountId, { userName: name });
        await groups.create(accountId, name);
        await roles.create(accountId, { roleName: name, trustPolicy });
      }
      const take = (step: Step): Promise<void> => {
        switch (step.do) {
          case "attach":
            return attachments.attach({ ...step, accountId }, arn);
          case "detach":
            return attachments.detach({ ...step, accountId }, arn);
          case "bound":
            return attachments.setBoundary({ ...step, accountId }, arn);
          case "unbound":
            return attachments.setBoundary({ ...step, accountId }, undefined);
          case "delete":
            return { user: users, group: groups, role: roles }[step.kind].delete(
              accountId,
              step.name,
            );
          case "join":
            return groups.addUser(accountId, step.group, step.user);
          case "leave":
            return groups.removeUser(accountId, step.group, step.user);
          case "rename":
            return step.kind === "user"
              ? users.update(accountId, step.name, { newUserName: step.to })
              : groups.update(accountId, step.name, { newGroupName: step.to });
        }
      };
      const outcomes = await Promise.allSettled(steps.map(take));
      const bugs = outcomes.filter(
        (each) => each.status === "rejected" && !isCairnError(each.reason),
      );
      expect(bugs).toEqual([]);

      const holders: Holder[] = [
        ...(await users.list(accountId)).map((each) => each.userName),
        ...(await groups.list(accountId)).map((each) => each.groupName),
        ...(await roles.list(accountId)).map((each) => each.roleName),
      ].flatMap((name) => kinds.map((kind) => ({ kind, name, accountId })));
      const present = await Promise.all(
        holders.map(async (holder) => {
          const found = await attachments.of(holder).catch(() => undefined);
          return { ...holder, found };
        }),
      );
      const distinct = new Map(present.map((each) => [`${each.kind}/${each.name}`, each]));
      const using = (uses: (each: (typeof present)[number]) => boolean | undefined) =>
        [...distinct].flatMap(([key, each]) => (uses(each) === true ? [key] : [])).toSorted(byText);
      const attached = using(({ found }) => found?.attachedPolicyArns?.includes(arn));
      const bounded = using(({ found }) => found?.boundaryArn === arn);
      const told = async (as: "attachment" | "boundary") =>
        (await attachments.users(accountId, arn, as))
          .map((each) => `${each.kind}/${each.name}`)
          .toSorted(byText);
      expect(await told("attachment")).toEqual(attached);
      expect(await told("boundary")).toEqual(bounded);
      expect(await policies.get(accountId, arn)).toMatchObject({
        attachmentCount: attached.length,
        boundaryCount: bounded.length,
      });
      const people = await Promise.all(
        (await users.list(accountId)).map(async ({ userName }) => ({
          userName,
          groups: (await groups.ofUser(accountId, userName)).map((group) => group.groupName),
        })),
      );
      for (const { groupName } of await groups.list(accountId)) {
        const members = people.filter((each) => each.groups.includes(groupName));
        expect((await groups.members(accountId, groupName)).toSorted(byText)).toEqual(
          members.map((each) => each.userName).toSorted(byText),
        );
      }
    }),
    { numRuns: 250 },
  );
});

function byText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
