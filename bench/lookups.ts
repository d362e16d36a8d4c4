// Lookups: LookupEvents by each attribute on histories of 90 days, and what ten times the events cost.
import { startCairn } from "../test/tools/cairn.ts";
import type { Bench, BenchContext } from "./bench.ts";
import { type History, openHistory } from "./dataset.ts";
import { rareCall } from "./events.ts";
import { atMost, atMostTimes, type Figure, median, percentile, reported } from "./figure.ts";
import { SignedClient } from "./load.ts";

export interface Attribute {
  AttributeKey: string;
  AttributeValue: string;
}

interface Page {
  Events: { EventId: string; CloudTrailEvent: string }[];
  NextToken?: string;
}

const pagesOfWalk = 4;

export const lookups: Bench = {
  name: "lookups",
  summary: "LookupEvents by each attribute: common, rare and absent values, first and later pages",
  async run(context) {
    const large = await openHistory(context, context.eventCount);
    const small = await openHistory(context, context.eventCount / 10);
    const repeats = context.scale === "small" ? 5 : 25;
    const few = await measure(context, small, repeats);
    const many = await measure(context, large, repeats);
    return figures(few, many, context.eventCount);
  },
};

/** By attribute, or `combined`: what each page took. */
type Times = Map<string, number[]>;

async function measure(context: BenchContext, history: History, repeats: number): Promise<Times> {
  const cairn = await startCairn({ data: history.data });
  const client = new SignedClient(cairn, 1);
  const endTime = history.toMs / 1000;
  const times: Times = new Map();
  try {
    const asked = questions(await sample(client, endTime));
    // The first round fills the caches of the engine and of the disk, as the first minute of a day does.
    for (let round = 0; round <= repeats; round++) {
      for (const { name, attributes } of asked) {
        const took = await walk(client, attributes, endTime);
        if (round > 0) times.set(name, [...(times.get(name) ?? []), ...took]);
      }
    }
    for (const [name, took] of times) {
      const [p50, p99] = [50, 99].map((percent) => percentile(took, percent).toFixed(1));
      context.say(
        `${history.count} events, ${name}: p50 ${p50} ms, p99 ${p99} ms (${took.length} pages)`,
      );
    }
  } finally {
    client.close();
    await cairn.stop();
  }
  return times;
}

/** Up to `pagesOfWalk` pages, one behind the other. */
async function walk(
  client: SignedClient,
  attributes: readonly Attribute[],
  endTime: number,
): Promise<number[]> {
  const times: number[] = [];
  let token: string | undefined;
  do {
    const { page, tookMs } = await lookup(client, attributes, endTime, token);
    times.push(tookMs);
    token = page.NextToken;
  } while (token !== undefined && times.length < pagesOfWalk);
  return times;
}

export async function lookup(
  client: SignedClient,
  attributes: readonly Attribute[],
  endTime: number,
  token?: string,
): Promise<{ page: Page; tookMs: number }> {
  const { status, body, tookMs } = await client.lookup({
    LookupAttributes: attributes,
    EndTime: endTime,
    ...(token === undefined ? {} : { NextToken: token }),
  });
  if (status !== 200) throw new Error(`LookupEvents answered ${status}: ${body.toString()}`);
  return { page: JSON.parse(body.toString()) as Page, tookMs };
}

/** An event of the set that has resources, to ask for what is there. */
async function sample(client: SignedClient, endTime: number) {
  const { page } = await lookup(client, [one("EventName", "RunInstances")], endTime);
  const event = page.Events.at(-1);
  if (event === undefined) throw new Error("the history holds RunInstances calls");
  return event as Page["Events"][number] & {
    Resources?: { ResourceType: string; ResourceName: string }[];
  };
}

export function one(key: string, value: string): Attribute {
  return { AttributeKey: key, AttributeValue: value };
}

const key = (user: number) => `ASIA${String(user).padStart(16, "EXAMPLE")}`;

function questions(known: Awaited<ReturnType<typeof sample>>) {
  const resource = known.Resources?.[0];
  const values: Record<string, string[]> = {
    EventId: [known.EventId, "00000000-0000-4000-8000-00000000dead"],
    EventName: ["DescribeInstances", rareCall.eventName, "NoSuchCall"],
    EventSource: ["ec2.amazonaws.com", rareCall.eventSource, "none.amazonaws.com"],
    ReadOnly: ["true", "false"],
    Username: ["session-0", `session-${rareCall.user}`, "nobody"],
    AccessKeyId: [key(0), key(rareCall.user), "AKIANOSUCHKEY"],
    ResourceType: [...(resource ? [resource.ResourceType] : []), "AWS::None::None"],
    ResourceName: [...(resource ? [resource.ResourceName] : []), "no-such-resource"],
  };
  const single = Object.entries(values).flatMap(([name, each]) =>
    each.map((value) => ({ name, attributes: [one(name, value)] })),
  );
  const combined = [
    [one("EventName", "DescribeInstances"), one("Username", "session-1500")],
    // Both are common, and no event has both: nothing may stop the search early.
    [one("EventName", "DescribeInstances"), one("EventSource", "s3.amazonaws.com")],
    [
      one("ReadOnly", "false"),
      one("Username", "session-0"),
      one("EventSource", "iam.amazonaws.com"),
    ],
    [one("ReadOnly", "true"), one("EventName", rareCall.eventName)],
    [one("AccessKeyId", key(0)), one("EventName", "UpdateResourceCollection")],
  ].map((attributes) => ({ name: "combined", attributes }));
  return [...single, ...combined];
}

const p99 = (times: readonly number[]) => percentile(times, 99);

function figures(few: Times, many: Times, count: number): Figure[] {
  const millions = `${count / 1e6} M`;
  const singles = [...many.keys()].filter((name) => name !== "combined");
  const all = (times: Times) => singles.flatMap((name) => times.get(name) ?? []);
  const baseline = { name: `${count / 1e7} M events`, value: median(all(few)) };
  return [
    atMost(`any one attribute, ${millions} events, p99`, p99(all(many)), "ms", 50),
    ...singles.map((name) => {
      const times = many.get(name) ?? [];
      return atMost(`${name}, p99 (p50 ${median(times).toFixed(1)} ms)`, p99(times), "ms", 50);
    }),
    atMost("combinations, p99", p99(many.get("combined") ?? []), "ms", 300),
    atMostTimes("growth of p50, any one attribute", median(all(many)), baseline, "ms", 2),
    atMostTimes(
      "growth of p99, any one attribute",
      p99(all(many)),
      { ...baseline, value: p99(all(few)) },
      "ms",
      2,
    ),
    reported(`the same, ${baseline.name}, p99`, p99(all(few)), "ms"),
  ];
}
