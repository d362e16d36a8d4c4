// The worker thread that makes events: finished calls come in, rows for the journal go out. It keeps a catalog of its
// own, so that reading a large service's description for the first time holds up no call.
import { setPriority } from "node:os";
import { parentPort, workerData } from "node:worker_threads";
import { assert } from "../base/assert.ts";
import { systemClock } from "../base/clock.ts";
import { systemRandom } from "../base/random.ts";
import { openCatalog } from "../catalog/catalog.ts";
import { describeCall } from "../catalog/describe.ts";
import { readEvent } from "../event/read.ts";
import { RowWriter } from "../event/row.ts";
import { type BatchOutcome, type SentBatch, type ThreadStart, unpackCalls } from "./call-batch.ts";
import { CallHead } from "./call-head.ts";
import type { Signer } from "./caller.ts";
import { EventMaker, type KeyUse } from "./event-maker.ts";
import type { FinishedCall } from "./finished-call.ts";

assert(parentPort !== null, "this module runs as a worker");
const port = parentPort;
// Where cores are short, calls come before their events. On Linux this is said of one thread, elsewhere of the process.
if (process.platform === "linux") setPriority(5);
const { ownFolder, ...defaults } = workerData as ThreadStart;

const origin = "live";
let problems: BatchOutcome["problems"] = [];
const onProblem = (error: unknown, message: string) => {
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
  problems.push({ error: text, message });
};

/** Nobody needs to know to the minute when a key was last used. */
const useMsMin = 60_000;
/** Keys whose last told use is remembered. */
const keysKnownMax = 4096;
const toldMs = new Map<string, number>();
let uses: KeyUse[] = [];
const onUse = (use: KeyUse) => {
  const { accessKeyId } = use.caller;
  const nowMs = systemClock.monotonicMs();
  if (nowMs - (toldMs.get(accessKeyId) ?? -Infinity) < useMsMin) return;
  if (toldMs.size >= keysKnownMax) toldMs.clear();
  toldMs.set(accessKeyId, nowMs);
  uses.push(use);
};

let catalogVersion: number | undefined;
let maker: EventMaker;

function makerFor(version: number): EventMaker {
  if (version === catalogVersion) return maker;
  const catalog = openCatalog(ownFolder === undefined ? {} : { ownFolder });
  maker = new EventMaker({
    ...defaults,
    catalog,
    describe: describeCall,
    random: systemRandom,
    onProblem,
    onUse,
  });
  catalogVersion = version;
  return maker;
}

port.on("message", (batch: SentBatch) => {
  const writer = new RowWriter();
  const { ingestTimeMs, keepUntilMs } = batch.times;
  const without = { unrecognised: 0, notRecorded: 0 };
  const unreadable: BatchOutcome["unreadable"] = [];
  const recordOne = (call: FinishedCall, signer: Signer | undefined) => {
    const event = makerFor(batch.catalogVersion).eventOf(call, new CallHead(call.head), signer);
    if (typeof event === "string") {
      without[event]++;
      return;
    }
    const { ownerAccount, bytes } = event;
    const { columns } = readEvent(bytes, { ingestTimeMs, keepUntilMs, origin, ownerAccount });
    if (columns === undefined) unreadable.push(event);
    else writer.write(columns, bytes);
  };
  let index = 0;
  for (const call of unpackCalls(Buffer.from(batch.bytes))) {
    try {
      recordOne(call, batch.signers[index++]);
    } catch (error) {
      onProblem(error, "a call could not be recorded");
    }
  }
  const { bytes, offsets } = writer.take();
  const rows = offsets.length === 0 ? new ArrayBuffer(0) : (bytes.buffer as ArrayBuffer);
  const places = Uint32Array.from(offsets);
  const { id } = batch;
  const rowBytes = bytes.length;
  const outcome: BatchOutcome = {
    id,
    rows,
    rowBytes,
    offsets: places,
    without,
    unreadable,
    problems,
    uses,
  };
  problems = [];
  uses = [];
  port.postMessage(outcome, [rows, places.buffer]);
});
