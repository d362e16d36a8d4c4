// Visibility: from the moment an event is acknowledged until LookupEvents returns it, while a load is under way.
import { type CairnProcess, startCairn } from "../test/tools/cairn.ts";
import type { Bench } from "./bench.ts";
import { makeEvents } from "./events.ts";
import { atMost, median, percentile, reported } from "./figure.ts";
import { loadBodyBytes, loadConnections } from "./ingest.ts";
import { postAll, SignedClient } from "./load.ts";
import { lookup, one } from "./lookups.ts";
import { type Body, makeBodies } from "./traffic.ts";

export const visibility: Bench = {
  name: "visibility",
  summary: "acknowledged → returned by LookupEvents, under the load of the ingest bench",
  async run(context) {
    const seconds = context.scale === "small" ? 5 : 30;
    const made = [
      ...makeBodies({
        seed: 3,
        count: context.scale === "small" ? 20_000 : 100_000,
        accountId: "111122223333",
        fromMs: Date.now() - 60_000,
        eventsPerSecond: 20_000,
        bodyBytes: loadBodyBytes,
      }),
    ];
    const cairn = await startCairn();
    try {
      const state = { isOver: false };
      const load = postAll(cairn, freshBodies(made, seconds * 1000), loadConnections);
      const over = load.finally(() => (state.isOver = true));
      const probes = [1, 2].map((seed) => probe(cairn, seed, state));
      const { count, searchableMs } = await over;
      const took = (await Promise.all(probes)).flat();
      context.say(`${took.length} probes`);
      return [
        atMost("acknowledged → found, p99", percentile(took, 99) / 1000, "s", 2),
        reported("acknowledged → found, p50", median(took) / 1000, "s"),
        reported("the load meanwhile", (count / searchableMs) * 1000, "events/s"),
      ];
    } finally {
      await cairn.stop();
    }
  },
};

/** Bodies for as long as it lasts, with events that are new each time they come. */
function* freshBodies(made: readonly Body[], lastsMs: number): Generator<Body> {
  const endMs = performance.now() + lastsMs;
  for (let turn = 0; performance.now() < endMs; turn++) {
    for (const { bytes, count } of made) {
      if (performance.now() > endMs) return;
      yield { bytes: renewed(bytes, turn), count };
    }
  }
}

/** The same events with other ids: the digit of each that tells its version becomes a letter. */
function renewed(bytes: Buffer, turn: number): Buffer {
  if (turn === 0) return bytes;
  const copy = Buffer.from(bytes);
  const mark = '"eventID":"';
  for (let at = copy.indexOf(mark); at >= 0; at = copy.indexOf(mark, at + 500)) {
    // It stands behind 8 + 1 + 4 + 1 characters.
    copy[at + mark.length + 14] = "g".charCodeAt(0) + turn;
  }
  return copy;
}

/** Sends one event after the other and asks for each until it is there. */
async function probe(
  cairn: CairnProcess,
  seed: number,
  state: { readonly isOver: boolean },
): Promise<number[]> {
  const client = new SignedClient(cairn, 1);
  const times: number[] = [];
  const range = { fromMs: 0, toMs: 0 };
  const maker = makeEvents({ seed, accountId: "111122223333", region: "us-east-1", ...range });
  while (!state.isOver) {
    const nowMs = Date.now();
    const line = maker.next({ fromMs: nowMs, toMs: nowMs });
    const { eventID } = JSON.parse(line) as { eventID: string };
    await client.postEvents(Buffer.from(`${line}\n`));
    const acknowledgedMs = performance.now();
    for (let isThere = false; !isThere; ) {
      const { page } = await lookup(client, [one("EventId", eventID)], nowMs / 1000 + 60);
      isThere = page.Events.length > 0;
      if (!isThere) await new Promise((resolve) => setTimeout(resolve, 20));
    }
    times.push(performance.now() - acknowledgedMs);
  }
  client.close();
  return times;
}
