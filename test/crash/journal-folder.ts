// A journal folder for one test: opening it, reading it, and counting what the log says.
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { TestClock } from "../../src/base/clock.ts";
import { type Log, makeLog } from "../../src/base/log.ts";
import type { Journal } from "../../src/journal/journal.ts";
import type { Disk } from "../../src/journal/segment-files/disk.ts";
import { openSegmentFileJournal } from "../../src/journal/segment-files/segment-file-journal.ts";
import { eventsIn, type FoundEvent } from "./sample-batch.ts";

export class JournalFolder {
  readonly folder = mkdtempSync(join(tmpdir(), "cairn-journal-"));
  readonly clock = new TestClock(0);
  readonly logged: { level: number; msg: string }[] = [];
  readonly #log: Log = makeLog("info", {
    write: (line: string) =>
      void this.logged.push(JSON.parse(line) as { level: number; msg: string }),
  });

  open(disk?: Disk): Promise<Journal> {
    const { folder, clock } = this;
    const options = { folder, clock, log: this.#log };
    return openSegmentFileJournal(disk === undefined ? options : { ...options, disk });
  }

  /** Names of its files, the lock left out. */
  files(): string[] {
    return readdirSync(this.folder).filter((name) => !name.startsWith("lock-"));
  }

  errors(): string[] {
    return this.logged.filter(({ level }) => level >= 50).map(({ msg }) => msg);
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** Everything that was there when the journal was opened: it is sealed already, so that no clock is needed. */
export async function readRecovered(journal: Journal, release = false): Promise<FoundEvent[]> {
  const events: FoundEvent[] = [];
  let leftBytes = journal.status().pendingBytes;
  if (leftBytes === 0) return events;
  for await (const segment of journal.segments(new AbortController().signal)) {
    events.push(...(await eventsIn(segment)));
    leftBytes -= (await segment.bytes()).length;
    if (release) await journal.release(segment);
    if (leftBytes === 0) break;
  }
  return events;
}
