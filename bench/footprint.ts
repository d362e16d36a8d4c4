// Footprint: disk beside gzip -6 of the same events as log files, memory when idle, time to start with a history.
import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { gzip } from "node:zlib";
import { startCairn } from "../test/tools/cairn.ts";
import type { Bench, BenchContext } from "./bench.ts";
import { type History, historyBodies, openHistory } from "./dataset.ts";
import { atMost, atMostTimes, type Figure, median, reported } from "./figure.ts";
import { loadBodyBytes, loadConnections } from "./ingest.ts";
import { postAll } from "./load.ts";
import { residentBytes } from "./server.ts";
import { makeBodies } from "./traffic.ts";

const compress = promisify(gzip);
const mib = 1024 * 1024;

export const footprint: Bench = {
  name: "footprint",
  summary: "disk after merges, idle memory and start-up with 1 M events",
  run: measure,
};

async function measure(context: BenchContext): Promise<Figure[]> {
  const count = context.scale === "small" ? 50_000 : 1_000_000;
  const quietMs = context.scale === "small" ? 5000 : 30_000;
  const history = await openHistory(context, count);
  const starts: number[] = [];
  for (let round = 0; round < context.rounds; round++) {
    const startedMs = performance.now();
    const cairn = await startCairn({ data: history.data });
    starts.push((performance.now() - startedMs) / 1000);
    await cairn.stop();
  }
  const { diskBytes, blockBytes, idle } = await settledServer(context, history, quietMs);
  const afterLoad = await loadedBytes(context, quietMs);
  const logFileBytes = await gzipBytes(history);
  return [
    atMostTimes(
      "disk, raw and all indexes",
      diskBytes / count,
      { name: "gzip -6 of log files", value: logFileBytes / count },
      "B/event",
      1.2,
    ),
    atMost(`memory, idle with ${count} events`, idle / mib, "MiB", 500),
    atMost("memory, idle after a load of 200,000 events", afterLoad / mib, "MiB", 500),
    atMost(`ready after start with ${count} events`, median(starts), "s", 3),
    reported("disk in blocks of 4 KiB", blockBytes / count, "B/event"),
  ];
}

async function settledServer(context: BenchContext, { data }: History, quietMs: number) {
  const cairn = await startCairn({ data });
  try {
    context.say("waiting for merges to settle");
    const diskBytes = await settled(data, quietMs);
    return { diskBytes, blockBytes: folderBytes(data, true), idle: residentBytes(cairn) };
  } finally {
    await cairn.stop();
  }
}

/** What a server that was busy a moment ago keeps. */
async function loadedBytes(context: BenchContext, quietMs: number): Promise<number> {
  const cairn = await startCairn();
  try {
    const traffic = {
      seed: 5,
      count: context.scale === "small" ? 20_000 : 200_000,
      accountId: "111122223333",
      fromMs: Date.now() - 60_000,
      eventsPerSecond: 20_000,
      bodyBytes: loadBodyBytes,
    };
    await postAll(cairn, makeBodies(traffic), loadConnections);
    await new Promise((resolve) => setTimeout(resolve, quietMs));
    return residentBytes(cairn);
  } finally {
    await cairn.stop();
  }
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

/** As both sides are counted: the bytes of the files. `inBlocks`: what the disk gives for them. */
function folderBytes(folder: string, inBlocks = false): number {
  let sum = 0;
  try {
    for (const entry of readdirSync(folder, { withFileTypes: true })) {
      const path = join(folder, entry.name);
      if (entry.isDirectory()) sum += folderBytes(path, inBlocks);
      else sum += inBlocks ? statSync(path).blocks * 512 : statSync(path).size;
    }
  } catch (error) {
    // Merged away in the meantime.
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
  }
  return sum;
}

/** The same events as CloudTrail's log files, in files of some megabytes as a busy account has them. */
async function gzipBytes(history: History): Promise<number> {
  let sum = 0;
  for (const { bytes } of historyBodies(history)) {
    const records = bytes.subarray(0, -1).toString("latin1").replaceAll("\n", ",");
    sum += (await compress(Buffer.from(`{"Records":[${records}]}`, "latin1"), { level: 6 })).length;
  }
  return sum;
}
