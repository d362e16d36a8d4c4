// What every registry driver promises; each driver's test file runs it.
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Registry } from "./registry.ts";

export interface RegistryUnderTest {
  registry: Registry;
  /** Closes it and opens what is durable again. */
  reopen: () => Promise<Registry>;
}

export function describeRegistry(make: () => Promise<RegistryUnderTest>): void {
  describe("registry contract", () => {
    test("a commit makes all of its changes, and they are there after a restart", async () => {
      const { registry, reopen } = await make();
      await registry.commit([
        {
          key: "user/1/Alice",
          value: { name: "Alice", tags: ["a", 1, null, true, 1.5, "\ud800"] },
        },
        { key: "user/1/Bob", value: "text" },
      ]);
      const again = await reopen();
      expect(await again.list("user/")).toEqual([
        {
          key: "user/1/Alice",
          value: { name: "Alice", tags: ["a", 1, null, true, 1.5, "\ud800"] },
          version: 1,
        },
        { key: "user/1/Bob", value: "text", version: 1 },
      ]);
      await again.close();
    });

    test("a version starts at 1 and grows by one with each change of its key", async () => {
      const { registry } = await make();
      for (const version of [1, 2, 3]) {
        await registry.commit([
          { key: "a", value: version },
          { key: `other/${version}`, value: 0 },
        ]);
        const entry = { key: "a", value: version, version };
        expect(await registry.get("a")).toEqual(entry);
        expect((await registry.list(""))[0]).toEqual(entry);
      }
      await registry.close();
    });

    test("a commit that finds another version changes nothing at all", async () => {
      const { registry } = await make();
      await registry.commit([{ key: "a", value: 1 }]);
      const wrong = [
        { key: "a", value: 2, expectedVersion: 2 },
        { key: "a", value: 2, expectedVersion: 0 },
        { key: "absent", value: 2, expectedVersion: 1 },
        { key: "a", value: undefined, expectedVersion: 7 },
      ];
      for (const change of wrong) {
        const commit = registry.commit([
          { key: "first", value: 1 },
          change,
          { key: "b", value: 2 },
        ]);
        await expect(commit).rejects.toMatchObject({ code: "RegistryConflict" });
      }
      expect(await registry.list("")).toEqual([{ key: "a", value: 1, version: 1 }]);
      await registry.close();
    });

    test("of commits that race for one version exactly one wins", async () => {
      const { registry } = await make();
      for (const version of [0, 1, 2]) {
        const racers = Array.from({ length: 10 }, (_, value) =>
          registry.commit([
            { key: "a", value, expectedVersion: version },
            { key: `won/${version}/${value}`, value: 1 },
          ]),
        );
        const results = await Promise.allSettled(racers);
        const winners = results.flatMap((each, index) =>
          each.status === "fulfilled" ? index : [],
        );
        expect(winners).toHaveLength(1);
        expect((await registry.get("a"))?.value).toBe(winners[0]);
        expect(await registry.list(`won/${version}/`)).toHaveLength(1);
      }
      await registry.close();
    });

    test("undefined deletes a key; deleting an absent one is no error; a new one starts at 1", async () => {
      const { registry } = await make();
      await registry.commit([{ key: "a", value: 1 }]);
      await registry.commit([{ key: "a", value: 2 }]);
      await registry.commit([
        { key: "a", value: undefined, expectedVersion: 2 },
        { key: "absent", value: undefined },
      ]);
      expect(await registry.get("a")).toBeUndefined();
      await registry.commit([{ key: "a", value: 3, expectedVersion: 0 }]);
      expect(await registry.get("a")).toEqual({ key: "a", value: 3, version: 1 });
      await registry.close();
    });

    test("list gives exactly the keys with the prefix, in the order of their bytes", async () => {
      const { registry } = await make();
      // U+FFFD sorts behind U+10000 in UTF-16 and before it in UTF-8.
      const keys = [
        "p",
        "p/",
        "p/\u{10000}",
        "p/\ufffd",
        "p/a",
        "p/B",
        "p/a/b",
        "p/é",
        "p/\t",
        "p0",
        "o",
        "q",
      ];
      await registry.commit(keys.map((key) => ({ key, value: key })));
      expect((await registry.list("p/")).map(({ key }) => key)).toEqual([
        "p/",
        "p/\t",
        "p/B",
        "p/a",
        "p/a/b",
        "p/é",
        "p/\ufffd",
        "p/\u{10000}",
      ]);
      expect(await registry.list("")).toHaveLength(keys.length);
      expect(await registry.list("none/")).toEqual([]);
      await registry.close();
    });

    test("a reader sees a commit whole or not at all", async () => {
      const { registry } = await make();
      const keys = Array.from({ length: 20 }, (_, index) => `k/${index}`);
      const state = { writing: true };
      const writes = (async () => {
        for (let round = 0; round < 30; round++) {
          await registry.commit(keys.map((key) => ({ key, value: round })));
        }
        state.writing = false;
      })();
      let readCount = 0;
      while (state.writing) {
        const entries = await registry.list("k/");
        expect(new Set(entries.map(({ value }) => value)).size).toBeLessThanOrEqual(1);
        expect([0, keys.length]).toContain(entries.length);
        readCount += 1;
        await new Promise((resolve) => setImmediate(resolve));
      }
      await writes;
      expect(readCount).toBeGreaterThan(0);
      await registry.close();
    });

    test("changing what was put or what was read changes nothing stored", async () => {
      const { registry } = await make();
      const value = { list: [1] };
      const commit = registry.commit([{ key: "a", value }]);
      value.list.push(2);
      await commit;
      const read = await registry.get<{ list: number[] }>("a");
      read?.value.list.push(3);
      expect((await registry.get("a"))?.value).toEqual({ list: [1] });
      await registry.close();
    });

    test("any JSON value comes back deeply equal, under any key", async () => {
      const { registry, reopen } = await make();
      const stored = new Map<string, unknown>();
      await fc.assert(
        fc.asyncProperty(
          fc.string({ unit: "grapheme", minLength: 1, maxLength: 40 }),
          fc.json(),
          async (key, json) => {
            fc.pre(!key.includes("\0"));
            const value: unknown = JSON.parse(json.replaceAll("-0", "0"));
            await registry.commit([{ key, value }]);
            stored.set(key, value);
            expect((await registry.get(key))?.value).toEqual(value);
          },
        ),
        { numRuns: 50 },
      );
      const again = await reopen();
      const found = await again.list("");
      expect(new Map(found.map(({ key, value }) => [key, value]))).toEqual(stored);
      await again.close();
    });

    test("what could not come back as it was is refused by name, with the whole commit", async () => {
      const { registry } = await make();
      const cyclic: Record<string, unknown> = {};
      cyclic["self"] = cyclic;
      const bad: [unknown, RegExp][] = [
        [{ a: [undefined] }, /"k" at \.a\[0\] is undefined/],
        [() => 1, /is a function/],
        [Number.NaN, /is NaN/],
        [{ x: Infinity }, /at \.x is Infinity/],
        [-0, /is -0/],
        [1n, /is a bigint/],
        [new Date(0), /is an object of a class/],
        [cyclic, /nested over 512/],
      ];
      for (const [value, message] of bad) {
        const commit = registry.commit([
          { key: "good", value: 1 },
          { key: "k", value },
        ]);
        await expect(commit).rejects.toMatchObject({ code: "ValidationFailed" });
        await expect(commit).rejects.toThrow(message);
      }
      expect(await registry.list("")).toEqual([]);
      await registry.close();
    });

    test("keys of 1,024 bytes are kept; longer, empty and broken ones are refused by name", async () => {
      const { registry } = await make();
      const longest = "é".repeat(512);
      await registry.commit([{ key: longest, value: 1 }]);
      expect((await registry.get(longest))?.value).toBe(1);
      const bad: [string, RegExp][] = [
        [`${longest}a`, /has 1025 bytes, at most 1024/],
        ["", /is empty/],
        ["a\0b", /NUL/],
        ["\ud800", /surrogate/],
      ];
      for (const [key, message] of bad) {
        await expect(registry.commit([{ key, value: 1 }])).rejects.toThrow(message);
        await expect(registry.get(key)).rejects.toThrow(message);
      }
      await expect(
        registry.commit([
          { key: "a", value: 1 },
          { key: "a", value: 2 },
        ]),
      ).rejects.toThrow(/changes "a" twice/);
      await expect(registry.commit([{ key: "a", value: 1, expectedVersion: 0.5 }])).rejects.toThrow(
        /expects version 0.5/,
      );
      await registry.close();
    });

    test("after close everything is refused, and closing again is no error", async () => {
      const { registry } = await make();
      const last = registry.commit([{ key: "a", value: 1 }]);
      await registry.close();
      await registry.close();
      await last;
      await expect(registry.get("a")).rejects.toMatchObject({ code: "RegistryUnavailable" });
      await expect(registry.list("")).rejects.toMatchObject({ code: "RegistryUnavailable" });
      await expect(registry.commit([])).rejects.toMatchObject({ code: "RegistryUnavailable" });
    });
  });
}
