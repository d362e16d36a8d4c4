// Appends under load and says so, and releases what it read. Ends by being killed.
//
// Prints `a <first seq> <text>,<text>…` once a batch is acknowledged, and `r <first seq> <last seq>` before a release.
// A line without its ` end` was cut off by the kill.
import { writeSync } from "node:fs";
import { systemClock } from "../../src/base/clock.ts";
import { silentLog } from "../../src/base/log.ts";
import { openSegmentFileJournal } from "../../src/journal/segment-files/segment-file-journal.ts";
import { batchOf } from "./sample-batch.ts";

const [folder = "", round = ""] = process.argv.slice(2);
const journal = await openSegmentFileJournal({
  folder,
  clock: systemClock,
  log: silentLog,
  segmentBytesMax: 100_000,
  segmentAgeMsMax: 20,
});

/**
 * Has left this process when it returns. `process.stdout` keeps what a slow reader's pipe has no room for, and the kill
 * would take it along: a release that nobody had been told of.
 */
function say(line: string): void {
  const bytes = Buffer.from(line);
  for (let at = 0; at < bytes.length; ) {
    try {
      at += writeSync(1, bytes, at);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EAGAIN") throw error;
      // The pipe is full: its reader will make room.
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1);
    }
  }
}

async function appendForEver(appender: number): Promise<never> {
  for (let number = 0; ; number++) {
    const texts = Array.from({ length: 1 + (number % 5) }, (_, index) =>
      `${round}/${appender}/${number}/${index}`.padEnd((number * 37) % 900, "."),
    );
    const { firstSeq } = await journal.append(batchOf(...texts));
    say(`a ${firstSeq} ${texts.join(",")} end\n`);
  }
}

async function releaseForEver(): Promise<void> {
  for await (const segment of journal.segments(new AbortController().signal)) {
    if (segment.firstSeq % 3n === 0n) continue;
    say(`r ${segment.firstSeq} ${segment.lastSeq} end\n`);
    await journal.release(segment);
  }
}

await Promise.all([
  ...Array.from({ length: 16 }, (_, index) => appendForEver(index)),
  releaseForEver(),
]);
