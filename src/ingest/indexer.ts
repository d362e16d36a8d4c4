// The indexer: carries the journal's segments into the store, one behind the other, and lets each go once it is there.
//
// It never skips a segment and never changes their order: while the store fails it stays with the one in hand, and the
// journal holds the rest. That is what makes the store's watermark mean "everything up to here".
import type { Clock } from "../base/clock.ts";
import {
  ingestLagBytesInitial,
  ingestLagBytesMax,
  ingestLagBytesMin,
  ingestLagMsMax,
  ingestPaceBytesMin,
} from "../base/limits.ts";
import type { Log } from "../base/log.ts";
import type { Journal, Segment } from "../journal/journal.ts";
import type { Store } from "../store/store.ts";

const retryMsMin = 100;
/** A store that comes back is noticed this late at most. */
const retryMsMax = 5000;
/** Small loads take at most a tenth of the time; and no event waits longer than this for it. */
const restPerLoad = 9;
const restMsMax = 1000;
/** How often a rest looks whether enough has gathered. */
const restStepMs = 50;

export interface IndexerStatus {
  /** Segments loaded and released since the start. */
  segments: number;
  stored: number;
  duplicates: number;
  variants: number;
  /** Tries that failed since the start. */
  failures: number;
  /** Events accepted and not yet searchable. */
  lagEvents: number;
  /** Why the segment in hand is not in the store yet, while tries fail. */
  failing?: string;
}

export interface IndexerOptions {
  journal: Journal;
  store: Store;
  clock: Clock;
  log: Log;
}

export interface Indexer {
  status(): IndexerStatus;
  /** What the store takes in `ingestLagMsMax`, going by its last loads. */
  lagBytesMax(): number;
  /** Resolves when the load under way has come to its end. What is left stays in the journal. */
  stop(): Promise<void>;
}

export function startIndexer({ journal, store, clock, log }: IndexerOptions): Indexer {
  const abort = new AbortController();
  const { signal } = abort;
  const counts = { segments: 0, stored: 0, duplicates: 0, variants: 0, failures: 0 };
  let failing: string | undefined;
  let bytesPerMs = ingestLagBytesInitial / ingestLagMsMax;

  /** Tries until it is done, waiting longer each time; false: told to stop before. */
  async function insist(what: string, attempt: () => Promise<void>): Promise<boolean> {
    for (let delayMs = retryMsMin; !signal.aborted; delayMs = Math.min(delayMs * 2, retryMsMax)) {
      try {
        await attempt();
        failing = undefined;
        return true;
      } catch (error) {
        if (signal.aborted) return false;
        counts.failures += 1;
        failing = `${what}: ${error instanceof Error ? error.message : String(error)}`;
        log.error({ err: error, retryInMs: delayMs }, `${what} failed; trying again`);
        // Rejects only when told to stop, which the loop sees.
        await clock.sleep(delayMs, signal).catch(() => undefined);
      }
    }
    return false;
  }

  async function index(segment: Segment): Promise<void> {
    let tookMs = 0;
    await insist("loading a segment", async () => {
      const startedMs = clock.monotonicMs();
      const outcome = await store.load(segment);
      tookMs = clock.monotonicMs() - startedMs;
      if (segment.byteLength >= ingestPaceBytesMin) {
        // Half the newest load, half those before: one slow load is no new pace.
        bytesPerMs = (bytesPerMs + segment.byteLength / Math.max(1, tookMs)) / 2;
      }
      counts.stored += outcome.stored;
      counts.duplicates += outcome.duplicates;
      counts.variants += outcome.variants;
    });
    // The store has it: a stop asked for meanwhile must not leave it behind to be loaded again.
    if (store.watermark() < segment.lastSeq) return;
    await journal.release(segment);
    counts.segments += 1;
    if (segment.byteLength < ingestPaceBytesMin) await rest(tookMs);
  }

  /**
   * A small load costs hardly less than one of a hundred times as many events: those of a trickle are left to gather, so
   * that a busy machine spends its time on what it is there for.
   */
  async function rest(loadMs: number): Promise<void> {
    let leftMs = Math.min(loadMs * restPerLoad, restMsMax);
    for (; leftMs > 0 && !signal.aborted; leftMs -= restStepMs) {
      if (journal.status().pendingBytes >= ingestPaceBytesMin) return;
      await clock.sleep(restStepMs, signal).catch(() => undefined);
    }
  }

  // The journal ends the walk when it is closed; when it fails, the walk starts again at what is not released.
  const running = insist("reading the journal", async () => {
    for await (const segment of journal.segments(signal)) await index(segment);
  });

  return {
    status() {
      const lag = journal.status().lastSeq - store.watermark();
      return {
        ...counts,
        lagEvents: lag > 0n ? Number(lag) : 0,
        ...(failing === undefined ? {} : { failing }),
      };
    },
    lagBytesMax() {
      const bytes = bytesPerMs * ingestLagMsMax;
      return Math.min(ingestLagBytesMax, Math.max(ingestLagBytesMin, bytes));
    },
    async stop() {
      abort.abort(new Error("the indexer was stopped"));
      await running;
    },
  };
}
