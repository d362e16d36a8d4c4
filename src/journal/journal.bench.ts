// How many events a second the journal makes durable: 64 requests of 100 events of 1.5 kB at a time.
//
// Sketch: one flush takes 5–20 ms on a solid-state drive and carries up to 64 batches (6,400 events, 10 MB): 300,000 to
// 1,000,000 events/s by flushes; checksums and the copy into the kernel cost about 2 µs of processor each, so that the
// drive's write rate (1.8 kB a row) is what ends it: 250 MB/s are 140,000 events/s.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, bench, describe } from "vitest";
import { batchOf } from "../../test/crash/sample-batch.ts";
import { systemClock } from "../base/clock.ts";
import { silentLog } from "../base/log.ts";
import type { Journal } from "./journal.ts";
import { createMemoryJournal } from "./memory/memory-journal.ts";
import { openSegmentFileJournal } from "./segment-files/segment-file-journal.ts";

const folder = mkdtempSync(join(tmpdir(), "cairn-journal-bench-"));
const batch = batchOf(...Array.from({ length: 100 }, (_, index) => `${index}`.padEnd(1500, "x")));
const stop = new AbortController();
afterAll(() => {
  stop.abort();
  rmSync(folder, { recursive: true, force: true });
});

async function releaseAll(journal: Journal): Promise<void> {
  for await (const segment of journal.segments(stop.signal)) await journal.release(segment);
}

function appendAll(journal: Journal): Promise<unknown> {
  return Promise.all(
    Array.from({ length: 64 }, () =>
      journal.append({ bytes: Buffer.from(batch.bytes), offsets: batch.offsets }),
    ),
  );
}

describe("6,400 events of 1.5 kB in 64 batches appended together", () => {
  let files: Journal | undefined;
  const memory = createMemoryJournal();
  void releaseAll(memory);

  bench("segment files, durable", async () => {
    if (files === undefined) {
      files = await openSegmentFileJournal({ folder, clock: systemClock, log: silentLog });
      void releaseAll(files);
    }
    await appendAll(files);
  });

  bench("memory, the baseline", async () => {
    await appendAll(memory);
  });
});
