// The embedded store's folder: one process at a time, and a watermark that a torn write cannot move.
import { spawnSync } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { systemClock } from "../../base/clock.ts";
import { silentLog } from "../../base/log.ts";
import { segmentOf } from "../store.contract.ts";
import { openChdbStore } from "./chdb-store.ts";
import { WatermarkFile } from "./watermark-file.ts";

async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "cairn-store-"));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

test("a second process that opens the folder is told that it is in use", async () => {
  const folder = await temporaryFolder();
  const store = await openChdbStore({ folder, log: silentLog, clock: systemClock });
  onTestFinished(() => store.close());
  const script = `
    import { openChdbStore } from ${JSON.stringify(join(import.meta.dirname, "chdb-store.ts"))};
    import { systemClock } from ${JSON.stringify(join(import.meta.dirname, "../../base/clock.ts"))};
    import { silentLog } from ${JSON.stringify(join(import.meta.dirname, "../../base/log.ts"))};
    openChdbStore({ folder: ${JSON.stringify(folder)}, log: silentLog, clock: systemClock }).then(
      () => { console.log("opened"); process.exit(1); },
      (error) => { console.log(error.code); process.exit(0); },
    );`;
  const path = join(folder, "second.mts");
  await writeFile(path, script);
  const second = spawnSync(process.execPath, ["--import", "tsx", path], {
    encoding: "utf8",
    cwd: join(import.meta.dirname, "../../.."),
  });
  expect(second.stdout.trim()).toBe("DataFolderInUse");
  // The first is none the worse for it.
  await store.load(segmentOf(1n, [{}]));
  expect(await store.find({ order: "newest", watermark: 1n }, 10)).toHaveLength(1);
});

test("a lookup has a reader of its own while scans take all the others", async () => {
  const folder = await temporaryFolder();
  const store = await openChdbStore({ folder, log: silentLog, clock: systemClock, readers: 2 });
  onTestFinished(() => store.close());
  const raw = JSON.stringify({ text: "x".repeat(50_000) });
  const events = Array.from({ length: 200 }, (_, index) => ({ eventId: `event ${index}`, raw }));
  await store.load(segmentOf(1n, events));
  const finished: string[] = [];
  const query = { order: "newest" as const, watermark: 200n };
  const scan = async () => {
    for await (const _batch of store.stream({ ...query, text: "xx" }));
    finished.push("scan");
  };
  const scans = Array.from({ length: 5 }, scan);
  await store.find(query, 1);
  finished.push("lookup");
  await Promise.all(scans);
  expect(finished[0]).toBe("lookup");
});

test("a torn write leaves the watermark before it", async () => {
  const path = join(await temporaryFolder(), "watermark");
  const save = async (seq: bigint) => {
    const file = await WatermarkFile.open(path);
    await file.save(seq);
    await file.close();
  };
  const saved = async () => {
    const file = await WatermarkFile.open(path);
    await file.close();
    return file.saved;
  };
  expect(await saved()).toBe(0n);
  await save(7n);
  await save(9n);
  const before = await readFile(path);
  await save(12n);
  expect(await saved()).toBe(12n);
  const after = await readFile(path);
  // Any part of the new slot may have reached the disk.
  for (let cut = 0; cut < after.length; cut += 1) {
    await writeFile(path, Buffer.concat([after.subarray(0, cut), before.subarray(cut)]));
    expect([9n, 12n]).toContain(await saved());
    // And the store goes on from there.
    await save(13n);
    expect(await saved()).toBe(13n);
  }
});

test("a watermark file that was emptied is taken as nothing loaded", async () => {
  const path = join(await temporaryFolder(), "watermark");
  await writeFile(path, Buffer.alloc(24));
  const file = await WatermarkFile.open(path);
  await file.close();
  expect(file.saved).toBe(0n);
});
