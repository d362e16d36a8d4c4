// Free text over the whole history: how long it takes, how soon it answers, how it is left, and who waits for it.
import { type IncomingMessage, request } from "node:http";
import { signRequest } from "../src/signature/signer.ts";
import { type CairnProcess, startCairn } from "../test/tools/cairn.ts";
import type { Bench } from "./bench.ts";
import { openHistory } from "./dataset.ts";
import { atMost, type Figure, median, percentile } from "./figure.ts";
import { SignedClient } from "./load.ts";
import { lookup, one } from "./lookups.ts";

export const text: Bench = {
  name: "text",
  summary: "free text over the whole history, and lookups beside it",
  async run(context) {
    const history = await openHistory(context, context.eventCount);
    const cairn = await startCairn({ data: history.data });
    const client = new SignedClient(cairn, 1);
    const endTime = history.toMs / 1000;
    const lookupOnce = async () =>
      (await lookup(client, [one("Username", "session-0")], endTime)).tookMs;
    try {
      const totals: number[] = [];
      const firsts: number[] = [];
      const besides: number[] = [];
      const leaves: number[] = [];
      for (let round = 0; round < context.rounds; round++) {
        totals.push((await search(cairn, "no event says this").ended).endedMs);
        const state = { isOver: false };
        const over = search(cairn, "no event says that").ended.then(() => (state.isOver = true));
        while (!state.isOver) besides.push(await lookupOnce());
        await over;
        const common = search(cairn, "DescribeInstances");
        firsts.push(await common.firstByte);
        common.leave();
        // Left in the middle of a search that finds nothing: the next one has its turn.
        const left = search(cairn, "no event says this either");
        await new Promise((resolve) => setTimeout(resolve, 300));
        left.leave();
        const next = search(cairn, "AdminGetUser");
        leaves.push(await next.firstByte);
        next.leave();
        context.say(
          `round ${round + 1}: total ${totals.at(-1)?.toFixed(0)} ms, first ${firsts.at(-1)?.toFixed(0)} ms`,
        );
      }
      return figures(totals, firsts, leaves, besides, history.count);
    } finally {
      client.close();
      await cairn.stop();
    }
  },
};

function figures(
  totals: readonly number[],
  firsts: readonly number[],
  leaves: readonly number[],
  besides: readonly number[],
  count: number,
): Figure[] {
  return [
    atMost(`a text that no event has, ${count / 1e6} M events`, median(totals) / 1000, "s", 5),
    atMost("first results of a common text", median(firsts), "ms", 500),
    atMost("first results after leaving another search", median(leaves), "ms", 1000),
    atMost("LookupEvents beside a search, p99", percentile(besides, 99), "ms", 50),
  ];
}

interface Searching {
  /** Milliseconds to the first bytes of a result. */
  firstByte: Promise<number>;
  ended: Promise<{ endedMs: number }>;
  leave(): void;
}

function search(cairn: CairnProcess, wanted: string): Searching {
  const startedMs = performance.now();
  const sinceMs = () => performance.now() - startedMs;
  const abort = new AbortController();
  const answered = (async () => {
    const url = new URL(`/v1/events?text=${encodeURIComponent(wanted)}`, cairn.url);
    const headers = await signRequest(
      {
        method: "GET",
        url,
        headers: { accept: "application/x-ndjson" },
        payloadHash: "UNSIGNED-PAYLOAD",
        service: "cairn",
        region: "us-east-1",
        nowMs: Date.now(),
      },
      cairn.credentials,
    );
    const sent = request(url, { headers, signal: abort.signal });
    sent.end();
    return await new Promise<IncomingMessage>((resolve, reject) => {
      sent.once("response", resolve);
      sent.once("error", reject);
    });
  })();
  const firstByte = answered.then(
    (response) =>
      new Promise<number>((resolve, reject) => {
        if (response.statusCode !== 200)
          reject(new Error(`search answered ${response.statusCode}`));
        response.once("data", () => resolve(sinceMs()));
        response.once("end", () => resolve(sinceMs()));
        response.once("error", reject);
      }),
  );
  const ended = answered.then(
    (response) =>
      new Promise<{ endedMs: number }>((resolve, reject) => {
        response.resume();
        response.once("end", () => resolve({ endedMs: sinceMs() }));
        response.once("error", reject);
      }),
  );
  // Leaving is no failure of those who do not wait.
  for (const each of [firstByte, ended]) each.catch(() => undefined);
  return { firstByte, ended, leave: () => abort.abort() };
}
