// The worker thread that makes events: finished calls come in, rows for the journal go out. It keeps a catalog of its
// own, so that reading a large service's description for the first time holds up no call.
import { parentPort, workerData } from "node:worker_threads";
import { assert } from "../base/assert.ts";
import { systemRandom } from "../base/random.ts";
import { openCatalog } from "../catalog/catalog.ts";
import { describeCall } from "../catalog/describe.ts";
import { readEvent } from "../event/read.ts";
import { RowWriter } from "../event/row.ts";
import {
  type BatchOutcome,
  type CallBatch,
  type SignedCall,
  type ThreadStart,
  unpackCalls,
} from "./call-batch.ts";
import { CallHead } from "./call-head.ts";
import { EventMaker } from "./event-maker.ts";

assert(parentPort !== null, "this module runs as a worker");
const port = parentPort;
const { ownFolder, ...defaults } = workerData as ThreadStart;

let problems: BatchOutcome["problems"] = [];
const onProblem = (error: unknown, message: string) => {
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
  problems.push({ error: text, message });
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
  });
  catalogVersion = version;
  return maker;
}

port.on("message", (batch: CallBatch) => {
  const writer = new RowWriter();
  const outcome = {
    id: batch.id,
    without: { unrecognised: 0, notRecorded: 0 },
    unreadable: [] as BatchOutcome["unreadable"],
    failed: 0,
  };
  const recordOne = ({ call, signer }: SignedCall) => {
    const event = makerFor(batch.catalogVersion).eventOf(call, new CallHead(call.head), signer);
    if (typeof event === "string") {
      outcome.without[event]++;
      return;
    }
    const { ownerAccount, bytes } = event;
    const { columns } = readEvent(bytes, { ...batch.times, origin: "live", ownerAccount });
    if (columns === undefined) outcome.unreadable.push(event);
    else writer.write(columns, bytes);
  };
  for (const each of unpackCalls(batch)) {
    try {
      recordOne(each);
    } catch (error) {
      outcome.failed++;
      onProblem(error, "a call could not be recorded");
    }
  }
  const { bytes, offsets } = writer.take();
  const rows = offsets.length === 0 ? new ArrayBuffer(0) : (bytes.buffer as ArrayBuffer);
  const places = Uint32Array.from(offsets);
  const sent: BatchOutcome = {
    ...outcome,
    problems,
    rows,
    rowBytes: bytes.length,
    offsets: places,
  };
  problems = [];
  port.postMessage(sent, [rows, places.buffer]);
});
