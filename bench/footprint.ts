// Footprint: disk beside gzip -6 of the same events as log files, memory when idle, time to start with a history.
import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { gzip } from "node:zlib";
import { type CairnProcess, startCairn } from "../test/tools/cairn.ts";
import type { Bench, BenchContext } from "./bench.ts";
import { atMost, atMostTimes, type Figure, median, reported } from "./figure.ts";
import { postAll } from "./load.ts";
import { withScratch } from "./scratch.ts";
import { residentBytes } from "./server.ts";
import { makeBodies, type TrafficOptions } from "./traffic.ts";

const compress = promisify(gzip);
const mib = 1024 * 1024;

export const footprint: Bench = {
  name: "footprint",
  summary: "disk after merges, idle memory and start-up with 1 M events",
  run: (context) => withScratch((folder) => measure(context, join(folder, "data"))),
};

async function measure(context: BenchContext, data: string): Promise<Figure[]> {
  const count = context.scale === "small" ? 50_000 : 1_000_000;
  // Seven weeks, about as a small company has them: more than one month's partition.
  const traffic: TrafficOptions = {
    seed: 5,
    count,
    accountId: "111122223333",
    fromMs: Date.now() - 49 * 24 * 3600 * 1000,
    eventsPerSecond: count / (49 * 24 * 3600),
    bodyBytes: 2 * mib,
  };
  const quietMs = context.scale === "small" ? 5000 : 30_000;
  const loaded = await startCairn({ data });
  await postAll(loaded, makeBodies(traffic), 4);
  context.say("waiting for merges to settle");
  await settled(data, quietMs);
  const afterLoad = residentBytes(loaded);
  const diskBytes = await settled(data, quietMs);
  await loaded.stop();
  const starts: number[] = [];
  let idle = 0;
  for (let round = 0; round < context.rounds; round++) {
    const startedMs = performance.now();
    const cairn = await startCairn({ data });
    starts.push((performance.now() - startedMs) / 1000);
    if (round === 0) idle = await idleBytes(cairn, quietMs);
    await cairn.stop();
  }
  const logFileBytes = await gzipBytes(traffic);
  return [
    atMostTimes(
      "disk, raw and all indexes",
      diskBytes / count,
      { name: "gzip -6 of log files", value: logFileBytes / count },
      "B/event",
      1.2,
    ),
    atMost(`memory, idle after a start with ${count} events`, idle / mib, "MiB", 500),
    atMost(`memory, idle after loading ${count} events`, afterLoad / mib, "MiB", 500),
    atMost(`ready after start with ${count} events`, median(starts), "s", 3),
    reported("log files", logFileBytes / mib, "MiB"),
  ];
}

async function idleBytes(cairn: CairnProcess, quietMs: number): Promise<number> {
  await new Promise((resolve) => setTimeout(resolve, quietMs));
  return residentBytes(cairn);
}

/**
 * The folder's size, once it has not changed for `quietMs`. The engine keeps parts that a merge has replaced for a
 * minute, so that anything shorter would count them twice.
 */
async function settled(folder: string, quietMs: number): Promise<number> {
  const endMs = performance.now() + 10 * 60_000;
  let size = folderBytes(folder);
  let sinceMs = performance.now();
  while (performance.now() - sinceMs < Math.max(quietMs, 75_000) && performance.now() < endMs) {
    await new Promise((resolve) => setTimeout(resolve, 1000));
    const now = folderBytes(folder);
    // Engine logs and the watermark file breathe; merges move megabytes.
    if (Math.abs(now - size) > 64 * 1024) {
      size = now;
      sinceMs = performance.now();
    }
  }
  return folderBytes(folder);
}

/** As the disk has it: in blocks. */
function folderBytes(folder: string): number {
  let sum = 0;
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    try {
      if (entry.isFile()) sum += statSync(join(entry.parentPath, entry.name)).blocks * 512;
    } catch {
      // Merged away in the meantime.
    }
  }
  return sum;
}

/** The same events as CloudTrail's log files, in files of some megabytes as a busy account has them. */
async function gzipBytes(traffic: TrafficOptions): Promise<number> {
  let sum = 0;
  for (const { bytes } of makeBodies(traffic)) {
    const records = bytes.subarray(0, -1).toString("latin1").replaceAll("\n", ",");
    sum += (await compress(Buffer.from(`{"Records":[${records}]}`, "latin1"), { level: 6 })).length;
  }
  return sum;
}
