// The embedded registry when the disk is full and when the process is killed.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, expect, test } from "vitest";
import { openLmdbRegistry } from "../../src/registry/lmdb/lmdb-registry.ts";
import { killAfterLines } from "./child.ts";
import { mountSmallDisk } from "./small-disk.ts";

const disk = mountSmallDisk(1);
afterAll(() => disk?.unmount());
const folders: string[] = [];
afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
});

test.skipIf(disk === undefined)(
  "a full disk refuses a commit as a whole, and commits work again once there is room",
  async () => {
    const folder = join(disk?.folder ?? "", "registry");
    const registry = await openLmdbRegistry({ folder });
    await registry.commit([{ key: "kept", value: 1 }]);
    disk?.fill();
    for (let round = 0; round < 3; round++) {
      const commit = registry.commit([
        { key: "kept", value: 2 },
        { key: "large", value: "x".repeat(50_000) },
      ]);
      await expect(commit).rejects.toMatchObject({
        code: "RegistryUnavailable",
        message: expect.stringMatching(/is full: 0 KiB are free/) as string,
      });
      expect(await registry.list("")).toEqual([{ key: "kept", value: 1, version: 1 }]);
    }
    disk?.empty();
    await registry.commit([{ key: "kept", value: 2, expectedVersion: 1 }]);
    await registry.close();
    const again = await openLmdbRegistry({ folder });
    expect(await again.list("")).toEqual([{ key: "kept", value: 2, version: 2 }]);
    await again.close();
  },
);

test.skipIf(disk === undefined)("a full disk is never written to, however often", async () => {
  const registry = await openLmdbRegistry({ folder: join(disk?.folder ?? "", "often") });
  disk?.fill();
  for (let round = 0; round < 300; round++) {
    const commit = registry.commit([{ key: `use/${round % 7}`, value: round }]);
    await expect(commit).rejects.toMatchObject({ code: "RegistryUnavailable" });
  }
  disk?.empty();
  await registry.commit([{ key: "use/0", value: 1 }]);
  expect(await registry.list("use/")).toEqual([{ key: "use/0", value: 1, version: 1 }]);
  await registry.close();
});

test.skipIf(disk === undefined)(
  "a registry cannot be made on a full disk, and says so",
  async () => {
    disk?.fill();
    const folder = join(disk?.folder ?? "", "too-late");
    await expect(openLmdbRegistry({ folder })).rejects.toMatchObject({
      code: "RegistryUnavailable",
      cause: { code: "ENOSPC" },
    });
    disk?.empty();
    const registry = await openLmdbRegistry({ folder });
    await registry.commit([{ key: "a", value: 1 }]);
    await registry.close();
    disk?.fill();
    const again = await openLmdbRegistry({ folder });
    expect((await again.get("a"))?.value).toBe(1);
    await again.close();
    disk?.empty();
  },
);

test("a commit that resolved is whole after SIGKILL", async () => {
  for (let round = 0; round < 3; round++) {
    const folder = mkdtempSync(join(tmpdir(), "cairn-registry-kill-"));
    folders.push(folder);
    const lines = await killAfterLines("commit-until-killed.ts", [folder], 20 + round * 13);
    const registry = await openLmdbRegistry({ folder });
    const first = await registry.get<number>("first");
    const second = await registry.get<number>("second");
    expect(first?.value).toBeGreaterThanOrEqual(Number(lines.at(-1)));
    expect(second).toEqual({ ...first, key: "second" });
    await registry.close();
  }
});
