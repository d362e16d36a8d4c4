// The LMDB registry keeps the contract (test/crash/registry.test.ts fills its disk and kills it).
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, expect, test } from "vitest";
import { describeRegistry } from "../registry.contract.ts";
import { openLmdbRegistry } from "./lmdb-registry.ts";

const folders: string[] = [];
afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
});
function newFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "cairn-registry-"));
  folders.push(folder);
  return folder;
}

describeRegistry(async () => {
  const folder = join(newFolder(), "with.dot");
  const registry = await openLmdbRegistry({ folder });
  const reopen = async () => {
    await registry.close();
    return openLmdbRegistry({ folder });
  };
  return { registry, reopen };
});

test("a folder that cannot be made is refused with its name", async () => {
  const file = join(newFolder(), "file");
  writeFileSync(file, "");
  await expect(openLmdbRegistry({ folder: join(file, "x") })).rejects.toMatchObject({
    code: "RegistryUnavailable",
    message: expect.stringContaining(file) as string,
  });
});

test.each([
  ["says nothing of its size", () => ({ freeBytes: 0, totalBytes: 0 })],
  [
    "cannot be asked",
    () => {
      throw new Error("ENOSYS");
    },
  ],
])("a file system that %s is written to", async (_, space) => {
  const registry = await openLmdbRegistry({ folder: newFolder(), space });
  await registry.commit([{ key: "a", value: 1 }]);
  expect((await registry.get("a"))?.value).toBe(1);
  await registry.close();
});
