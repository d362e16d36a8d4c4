// A history of 90 days in a server's data folder, made once through the server's own door and kept.

import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { startCairn } from "../test/tools/cairn.ts";
import type { BenchContext } from "./bench.ts";
import { makeEvents } from "./events.ts";
import { postAll } from "./load.ts";
import type { Body } from "./traffic.ts";

const run = promisify(execFile);

export interface History {
  data: string;
  count: number;
  fromMs: number;
  toMs: number;
}

const dayMs = 24 * 3600 * 1000;
/** One less than LookupEvents shows: the set stays whole in sight for a day. */
const days = 89;
const daysKept = 4;
const templateCount = 20_000;
const bodyBytes = 4 * 1024 * 1024;
/** One in so many is a `rareCall`. */
export const rareEvery = 100_000;
/** Events between two waits for the store: the journal's backlog stays small. */
const stretch = 200_000;
/** Counts up when the events become others. */
const eventsVersion = 2;
const table = join(import.meta.dirname, "../src/store/chdb/events_v1.sql");

/** The events of a history once more, byte for byte. */
export function historyBodies(history: History): Generator<Body> {
  return bodies(historyLines(history), history.count);
}

/** Finds the history of `count` events, or makes it: about a minute for each million. */
export async function openHistory(context: BenchContext, count: number): Promise<History> {
  // Another shape of the table needs another data set.
  const shape = createHash("sha256").update(readFileSync(table)).digest("hex").slice(0, 8);
  const data = join(context.cacheFolder, `history-${count}-${shape}-${eventsVersion}`);
  const label = `${data}.json`;
  if (existsSync(label)) {
    const kept = JSON.parse(readFileSync(label, "utf8")) as History;
    if (Date.now() - kept.toMs < daysKept * dayMs) return kept;
  }
  await rm(label, { force: true });
  await rm(data, { recursive: true, force: true });
  const toMs = Math.floor(Date.now() / 1000) * 1000;
  const history = { data, count, fromMs: toMs - days * dayMs, toMs };
  await makeHistory(context, history);
  await writeFile(`${label}.new`, JSON.stringify(history));
  await rename(`${label}.new`, label);
  return history;
}

async function makeHistory(context: BenchContext, history: History): Promise<void> {
  const { data, count } = history;
  context.say(`making a history of ${count} events in ${data}`);
  const cairn = await startCairn({ data });
  try {
    const lines = historyLines(history);
    for (let made = 0; made < count; ) {
      const outcome = await postAll(cairn, bodies(lines, Math.min(stretch, count - made)), 3);
      made += outcome.count;
      const rate = Math.round((outcome.count / outcome.searchableMs) * 1000);
      context.say(`${made} events (${rate}/s)`);
    }
  } finally {
    await cairn.stop();
  }
  context.say("merging its months, as the store does when one has rested for an hour");
  const script = join(import.meta.dirname, "merge-months.ts");
  await run(process.execPath, ["--import", "tsx", script, join(data, "store", "chdb")]);
}

/**
 * Events in the order of their times. The time and the ids of each are its own; the rest is that of one of 20,000 made
 * before: far more than any compressor looks back, and a tenth of the work.
 */
function* historyLines({ count, fromMs, toMs }: History): Generator<Buffer> {
  const range = { fromMs, toMs };
  const maker = makeEvents({ seed: 7, accountId: "111122223333", region: "us-east-1", ...range });
  const templates = Array.from({ length: templateCount }, () => template(maker.next()));
  for (let index = 0; index < count; index++) {
    const atMs = fromMs + (index / count) * (toMs - fromMs);
    const isRare = index % rareEvery === Math.floor(rareEvery / 2);
    const found = isRare
      ? template(maker.next(range, true))
      : templates[(index * 7919) % templateCount];
    if (found === undefined) throw new Error("there is a template for each index");
    const { line, timeAt, requestIdAt, eventIdAt } = found;
    line.write(new Date(atMs).toISOString().slice(0, 19), timeAt, "latin1");
    // Two ids that have nothing in common, as in life: neither compresses the other.
    line.write(madeUpId(`request ${index}`), requestIdAt, "latin1");
    line.write(madeUpId(`event ${index}`), eventIdAt, "latin1");
    yield line;
  }
}

function madeUpId(of: string): string {
  const hex = createHash("md5").update(of).digest("hex");
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-a${hex.slice(17, 20)}-${hex.slice(20)}`;
}

interface Template {
  line: Buffer;
  timeAt: number;
  requestIdAt: number;
  eventIdAt: number;
}

function template(text: string): Template {
  const at = (name: string) => text.indexOf(`"${name}":"`) + name.length + 4;
  return {
    line: Buffer.from(`${text}\n`),
    timeAt: at("eventTime"),
    requestIdAt: at("requestID"),
    eventIdAt: at("eventID"),
  };
}

function* bodies(lines: Generator<Buffer>, count: number): Generator<Body> {
  let body = Buffer.allocUnsafe(bodyBytes);
  let length = 0;
  let held = 0;
  for (let taken = 0; taken < count; taken++) {
    const next = lines.next();
    if (next.done === true) break;
    if (length + next.value.length > bodyBytes) {
      yield { bytes: body.subarray(0, length), count: held };
      body = Buffer.allocUnsafe(bodyBytes);
      length = 0;
      held = 0;
    }
    length += next.value.copy(body, length);
    held++;
  }
  yield { bytes: body.subarray(0, length), count: held };
}
