// The memory registry keeps the contract, and its faults do what their names say.
import { expect, test } from "vitest";
import { TestClock } from "../../base/clock.ts";
import { describeRegistry } from "../registry.contract.ts";
import { createMemoryRegistry } from "./memory-registry.ts";

describeRegistry(async () => {
  const registry = createMemoryRegistry();
  return { registry, reopen: async () => registry.crash() };
});

test("failEvery refuses every n-th commit, which changes nothing", async () => {
  const registry = createMemoryRegistry({ failEvery: 2 });
  await registry.commit([{ key: "a", value: 1 }]);
  await expect(registry.commit([{ key: "a", value: 2 }])).rejects.toMatchObject({
    code: "RegistryUnavailable",
  });
  expect((await registry.get("a"))?.value).toBe(1);
});

test("a crash loses the commits under way and keeps the others", async () => {
  const clock = new TestClock(0);
  const registry = createMemoryRegistry({ clock });
  await registry.commit([{ key: "a", value: 1 }]);
  registry.faults.latencyMs = 10;
  let settled = false;
  void registry.commit([{ key: "a", value: 2 }]).finally(() => (settled = true));
  const after = registry.crash();
  clock.advance(10);
  await new Promise((resolve) => setImmediate(resolve));
  expect(settled).toBe(false);
  expect((await after.get("a"))?.value).toBe(1);
});
