// Ingest: events posted to a server until they are durable and searchable, beside chDB and PostgreSQL loading the same.
import { execFile } from "node:child_process";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { startCairn } from "../test/tools/cairn.ts";
import type { Bench, BenchContext } from "./bench.ts";
import { atLeastTimes, atMost, type Figure, median, reported } from "./figure.ts";
import { postAll } from "./load.ts";
import { findPostgres, timeCopy, writeCopyScripts } from "./postgres.ts";
import { withScratch } from "./scratch.ts";
import { eventLoopDelayMaxMs, startLoopControl } from "./server.ts";
import { type Body, makeBodies, writeSegments } from "./traffic.ts";

const run = promisify(execFile);
export const loadConnections = 6;
export const loadBodyBytes = 2 * 1024 * 1024;

export const ingest: Bench = {
  name: "ingest",
  summary: "NDJSON to durable and searchable, against chDB alone and PostgreSQL 15",
  run: (context) => withScratch((folder) => measure(context, folder)),
};

interface Rates {
  cairn: number;
  durable: number;
  chdb: number;
  postgres: number | undefined;
  loopMs: number;
  controlMs: number;
}

async function measure(context: BenchContext, folder: string): Promise<Figure[]> {
  const count = context.scale === "small" ? 40_000 : 1_000_000;
  context.say(`making ${count} events`);
  const bodies = [
    ...makeBodies({
      seed: 1,
      count,
      accountId: "111122223333",
      fromMs: Date.now() - 60_000,
      eventsPerSecond: 20_000,
      bodyBytes: loadBodyBytes,
    }),
  ];
  const segments = await writeSegments(join(folder, "segments"), bodies);
  const home = findPostgres();
  if (home === undefined) context.say("PostgreSQL 15 is not here: its figure is left out");
  const scripts = home === undefined ? [] : await writeCopyScripts(folder, bodies, 1);
  const rounds: Rates[] = [];
  for (let round = 1; round <= context.rounds; round++) {
    const place = join(folder, String(round));
    await mkdir(place);
    await settleDisk();
    const own = await loadCairn(join(place, "cairn"), bodies);
    await settleDisk();
    const chdb = (count / (await loadChdb(join(place, "chdb"), segments))) * 1000;
    await settleDisk();
    const postgres =
      home === undefined ? undefined : (count / (await timeCopy(home, scripts))) * 1000;
    rounds.push({ ...own, chdb, postgres });
    context.say(
      `round ${round}: ${JSON.stringify(rounds.at(-1), (_, v) => (typeof v === "number" ? Math.round(v) : v))}`,
    );
  }
  return figures(rounds);
}

/** What one contestant, or making its files, has left to write is not the next one's burden. */
async function settleDisk(): Promise<void> {
  await run("sync");
}

async function loadCairn(
  data: string,
  bodies: readonly Body[],
): Promise<Pick<Rates, "cairn" | "durable" | "loopMs" | "controlMs">> {
  const cairn = await startCairn({ data });
  const control = startLoopControl();
  try {
    // Compiled code and started worker threads: a server runs for months, its first second is no measure.
    await postAll(cairn, bodies.slice(0, 8), loadConnections);
    await Promise.all([eventLoopDelayMaxMs(cairn), control.delayMaxMs()]);
    const rest = bodies.slice(8);
    const { count, durableMs, searchableMs } = await postAll(cairn, rest, loadConnections);
    const loopMs = await eventLoopDelayMaxMs(cairn);
    const controlMs = await control.delayMaxMs();
    const perSecond = (tookMs: number) => (count / tookMs) * 1000;
    return { cairn: perSecond(searchableMs), durable: perSecond(durableMs), loopMs, controlMs };
  } finally {
    control.stop();
    await cairn.stop();
  }
}

async function loadChdb(folder: string, segments: readonly string[]): Promise<number> {
  const script = join(import.meta.dirname, "chdb-load.ts");
  const { stdout } = await run(process.execPath, ["--import", "tsx", script, folder, ...segments]);
  return Number(stdout.trim());
}

/** The ratio of each round is taken by itself: what disturbs one contestant in it often disturbs the other too. */
function figures(rounds: readonly Rates[]): Figure[] {
  const middle = (of: (rates: Rates) => number) => median(rounds.map(of));
  const cairn = middle((each) => each.cairn);
  const chdbRatio = middle((each) => each.cairn / each.chdb);
  const all = [
    atLeastTimes(
      "NDJSON to durable and searchable",
      cairn,
      { name: "chDB alone", value: cairn / chdbRatio },
      "events/s",
      0.3,
    ),
    reported(
      "NDJSON to durable",
      middle((each) => each.durable),
      "events/s",
    ),
    {
      ...atMost(
        "event loop held at most",
        middle((each) => each.loopMs),
        "ms",
        50,
      ),
      baseline: `a loop without work: ${middle((each) => each.controlMs).toFixed(0)} ms`,
    },
  ];
  if (rounds.every(({ postgres }) => postgres !== undefined)) {
    const ratio = middle((each) => each.cairn / (each.postgres ?? Number.NaN));
    const baseline = { name: "PostgreSQL 15", value: cairn / ratio };
    all.splice(1, 0, atLeastTimes("the same", cairn, baseline, "events/s", 1.5));
  }
  return all;
}
