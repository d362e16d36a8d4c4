// What a rotation of the master key promises to changes that run beside it (test/crash/key-rotation.test.ts: to the rest).
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { TestClock } from "../base/clock.ts";
import { silentLog } from "../base/log.ts";
import { systemRandom } from "../base/random.ts";
import { createMemoryRegistry } from "../registry/memory/memory-registry.ts";
import { type Core, sealFor, unsealFor } from "./core.ts";
import { Documents } from "./documents.ts";
import { KeyFiles } from "./key-files.ts";
import { KeyRotation } from "./key-rotation.ts";
import { MasterKeys } from "./master-keys.ts";
import type { KeyDocument } from "./model.ts";

test("a secret that was sealed under the old key, and is written only now, is not missed", async () => {
  const folder = await mkdtemp(join(tmpdir(), "cairn-rotation-"));
  const registry = createMemoryRegistry();
  const documents = new Documents(registry);
  const files = new KeyFiles(join(folder, "master.key"));
  const core: Core = {
    documents,
    clock: new TestClock(0),
    random: systemRandom,
    masterKeys: new MasterKeys(await files.make(systemRandom)),
  };
  const rotation = new KeyRotation({ core, files, log: silentLog });
  await rotation.settle();
  const before = core.masterKeys.current.id;
  let begun: Promise<void> | undefined;
  let sealedFirst = "";
  const commit = registry.commit.bind(registry);
  registry.commit = async (changes) => {
    if (changes[0]?.key === "master-key" && begun === undefined) {
      begun = documents.change(async (draft) => {
        const sealedSecret = sealFor(core, "access-key/AKIA", "secret");
        sealedFirst = sealedSecret;
        for (let turn = 0; turn < 5; turn++) await new Promise((next) => setImmediate(next));
        draft.put("access-key/AKIA", { accessKeyId: "AKIA", sealedSecret });
      });
    }
    return commit(changes);
  };
  await rotation.rotate();
  await begun;
  expect(sealedFirst).toContain(before);
  await rotation.finished();
  expect((await rotation.status()).progress).toMatchObject({ state: "finished", sealedCount: 1 });
  const { sealedSecret = "" } = (await documents.get<KeyDocument>("access-key/AKIA")) ?? {};
  expect(sealedSecret).toContain(core.masterKeys.current.id);
  expect(unsealFor(core, "access-key/AKIA", sealedSecret)).toBe("secret");
  await rm(folder, { recursive: true });
});
