// Retention: deletes events that were kept long enough, and only those that every reader has passed.
import type { Clock } from "../base/clock.ts";
import type { Log } from "../base/log.ts";
import type { Store } from "../store/store.ts";

/** Retention is counted in days: an hour more or less is nobody's loss. */
const intervalMs = 60 * 60 * 1000;

export interface RetentionOptions {
  store: Store;
  clock: Clock;
  log: Log;
  /** How far each reader with a cursor has come; none: nothing holds rows back. */
  cursors(): readonly bigint[];
}

export interface Retention {
  /** Runs once now; how many rows went. A failure is logged and the next run tries again. */
  run(): Promise<number>;
  stop(): void;
}

export function startRetention(options: RetentionOptions): Retention {
  const { store, clock, log } = options;
  const run = async () => {
    const slowest = options
      .cursors()
      .reduce((low, each) => (each < low ? each : low), store.watermark());
    try {
      const deleted = await store.deleteExpired(clock.nowMs(), slowest);
      if (deleted > 0) log.info({ deleted }, "retention deleted events that were kept long enough");
      return deleted;
    } catch (error) {
      log.error({ err: error }, "retention could not run; it will try again");
      return 0;
    }
  };
  let isStopped = false;
  let timer = clock.after(intervalMs, onTime);
  async function runAndWait(): Promise<void> {
    await run();
    if (!isStopped) timer = clock.after(intervalMs, onTime);
  }
  function onTime(): void {
    void runAndWait();
  }
  return {
    run,
    stop() {
      isStopped = true;
      timer.cancel();
    },
  };
}
