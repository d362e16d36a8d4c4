// Live events as server-sent events: each new event that matches, as soon as it is searchable.
import type { Clock } from "../base/clock.ts";
import type { StoredEvent } from "../event/row.ts";
import type { Store } from "../store/store.ts";

/** Between comments that keep proxies from closing a quiet stream. */
const keepAliveMs = 15_000;
/** Events read from the log at once. */
const followEvents = 1000;

export interface TailOptions {
  store: Store;
  clock: Clock;
  /** Start behind this `seq`. */
  cursor: bigint;
  matches(event: StoredEvent): boolean;
  /** One line of JSON. */
  write(event: StoredEvent): Buffer;
  signal: AbortSignal;
}

/** Server-sent events, ready to write; the id of each is its `seq`, so that a client can resume behind it. */
export async function* tailEvents(options: TailOptions): AsyncGenerator<Buffer> {
  const { store, clock, signal } = options;
  let { cursor } = options;
  yield Buffer.from(`: following from ${cursor}\n\n`);
  while (!signal.aborted) {
    const quiet = AbortSignal.any([signal, abortAfter(clock, keepAliveMs)]);
    try {
      await store.reached(cursor + 1n, quiet);
    } catch {
      // Only an abort ends the wait: ours means silence so far, the caller's ends the loop.
      if (!signal.aborted) yield Buffer.from(": quiet\n\n");
      continue;
    }
    const { events, cursor: next } = await store.follow(cursor, followEvents);
    for (const event of events) {
      if (options.matches(event)) yield serverSentEvent(event.seq, options.write(event));
    }
    cursor = next;
  }
}

function serverSentEvent(seq: bigint, line: Buffer): Buffer {
  return Buffer.concat([
    Buffer.from(`id: ${seq}\nevent: event\ndata: `),
    line,
    Buffer.from("\n\n"),
  ]);
}

function abortAfter(clock: Clock, delayMs: number): AbortSignal {
  const controller = new AbortController();
  clock.after(delayMs, () => controller.abort());
  return controller.signal;
}
