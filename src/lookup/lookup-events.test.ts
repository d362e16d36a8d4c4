// LookupEvents' promises, on the in-memory journal and store.
import { describe, expect, test } from "vitest";
import { TestClock } from "../base/clock.ts";
import { isCairnError } from "../base/errors.ts";
import { lookupDays } from "../base/limits.ts";
import {
  type EventColumns,
  type FoundEvent,
  keepForeverMs,
  RowWriter,
  sealRow,
} from "../event/row.ts";
import { createMemoryStore } from "../store/memory/memory-store.ts";
import { createLookupEvents, type LookupRequest } from "./lookup-events.ts";
import { deriveTokenKey, PageTokens } from "./page-token.ts";
import { RateLimit } from "./rate-limit.ts";

const accountId = "111122223333";
const region = "us-east-1";
const nowMs = Date.UTC(2026, 5, 15, 12);
const dayMs = 24 * 3600 * 1000;

const plain: EventColumns = {
  ownerAccount: accountId,
  eventTimeMs: nowMs - 1000,
  eventId: "00000000-0000-4000-8000-000000000000",
  eventSource: "iam.amazonaws.com",
  eventName: "CreateUser",
  eventCategory: "Management",
  eventType: "AwsApiCall",
  readOnly: "false",
  region,
  recipientAccount: accountId,
  userType: "IAMUser",
  userArn: "",
  principalId: "",
  userName: "alice",
  accessKeyId: "AKIAALICE",
  sourceIp: "192.0.2.1",
  errorCode: "",
  vpcEndpointId: "",
  sessionFromConsole: "",
  lookupResourceTypes: ["AWS::IAM::User"],
  lookupResourceNames: ["bob"],
  resourcesType: [],
  resourcesArn: [],
  ingestTimeMs: nowMs,
  keepUntilMs: keepForeverMs,
  flags: 0,
};

function world(options: { perSecondMax?: number } = {}) {
  const clock = new TestClock(nowMs);
  const store = createMemoryStore();
  let seq = 0n;
  const tokens = new PageTokens({ key: deriveTokenKey(Buffer.alloc(32, 1)), clock });
  const lookup = createLookupEvents({
    store,
    clock,
    tokens,
    perSecondMax: options.perSecondMax ?? 0,
  });
  return {
    clock,
    tokens,
    add: async (...events: Partial<EventColumns>[]): Promise<void> => {
      const writer = new RowWriter();
      for (const event of events) {
        const columns = { ...plain, ...event };
        writer.write(columns, Buffer.from(JSON.stringify({ eventID: columns.eventId })));
      }
      const { bytes, offsets } = writer.take();
      const firstSeq = seq + 1n;
      for (const offset of offsets) sealRow(bytes, offset, (seq += 1n), () => 0);
      await store.load({
        firstSeq,
        lastSeq: seq,
        count: offsets.length,
        byteLength: bytes.length,
        bytes: async () => bytes,
      });
    },
    ask: (request: Partial<LookupRequest> = {}) =>
      lookup.lookup({ accountId, region, attributes: [], ...request }),
  };
}

async function refusal(attempt: Promise<unknown>): Promise<string> {
  try {
    await attempt;
  } catch (error) {
    if (isCairnError(error)) return `${error.code}: ${error.message}`;
    throw error;
  }
  return "accepted";
}

const ids = (page: { events: FoundEvent[] }) => page.events.map((event) => event.eventId);

const attribute = (key: string, value: string) => ({ attributes: [{ key, value }] });
const many = (count: number, from = 0) =>
  Array.from({ length: count }, (_, n) => ({
    eventId: `e${String(from + n).padStart(4, "0")}`,
    // Many share a second, as real events do.
    eventTimeMs: nowMs - 1000 * Math.floor((from + n) / 7),
  }));

describe("what is found", () => {
  test("management events of the account and region of the last 90 days, newest first", async () => {
    const { add, ask } = world();
    await add(
      { eventId: "old", eventTimeMs: nowMs - lookupDays * dayMs - 1 },
      { eventId: "oldest", eventTimeMs: nowMs - lookupDays * dayMs },
      { eventId: "now", eventTimeMs: nowMs },
      { eventId: "middle", eventTimeMs: nowMs - 5000 },
      { eventId: "later", eventTimeMs: nowMs + 1 },
      { eventId: "data", eventCategory: "Data" },
      { eventId: "insight", eventCategory: "Insight" },
      { eventId: "other-account", ownerAccount: "999999999999" },
      { eventId: "other-region", region: "eu-west-1" },
    );
    expect(ids(await ask())).toEqual(["now", "middle", "oldest"]);
    expect(ids(await ask({ category: "insight" }))).toEqual(["insight"]);
    expect(ids(await ask({ region: "eu-west-1" }))).toEqual(["other-region"]);
    expect(ids(await ask({ accountId: "999999999999" }))).toEqual(["other-account"]);
  });

  test("a time range includes both its ends, and reaches no further back than 90 days", async () => {
    const { add, ask } = world();
    await add(...[1, 2, 3, 4].map((n) => ({ eventId: `t${n}`, eventTimeMs: nowMs - n * 1000 })), {
      eventId: "old",
      eventTimeMs: nowMs - 91 * dayMs,
    });
    expect(ids(await ask({ fromMs: nowMs - 3000, toMs: nowMs - 2000 }))).toEqual(["t2", "t3"]);
    expect(ids(await ask({ fromMs: nowMs - 2000, toMs: nowMs - 2000 }))).toEqual(["t2"]);
    expect(ids(await ask({ fromMs: 0, toMs: nowMs - 4000 }))).toEqual(["t4"]);
    expect(ids(await ask({ fromMs: 0, toMs: nowMs - 90.5 * dayMs }))).toEqual([]);
  });

  test.each([
    ["EventId", { eventId: "the-one" }, "the-one"],
    ["EventName", { eventId: "x", eventName: "DeleteUser" }, "DeleteUser"],
    ["ReadOnly", { eventId: "x", readOnly: "true" }, "true"],
    ["Username", { eventId: "x", userName: "bob" }, "bob"],
    ["ResourceType", { eventId: "x", lookupResourceTypes: ["AWS::S3::Bucket"] }, "AWS::S3::Bucket"],
    ["ResourceName", { eventId: "x", lookupResourceNames: ["carol"] }, "carol"],
    ["EventSource", { eventId: "x", eventSource: "s3.amazonaws.com" }, "s3.amazonaws.com"],
    ["AccessKeyId", { eventId: "x", accessKeyId: "AKIABOB" }, "AKIABOB"],
  ] as const)(
    "%s finds the whole value, case included, and nothing else",
    async (key, columns, value) => {
      const { add, ask } = world();
      await add({ eventId: "another" }, { ...columns } as Partial<EventColumns>);
      expect(ids(await ask({ attributes: [{ key, value }] }))).toEqual([columns.eventId]);
      if (key === "ReadOnly") return;
      expect(ids(await ask({ attributes: [{ key, value: value.slice(0, -1) }] }))).toEqual([]);
      expect(
        ids(
          await ask({
            attributes: [
              {
                key,
                value: value.toUpperCase() === value ? value.toLowerCase() : value.toUpperCase(),
              },
            ],
          }),
        ),
      ).toEqual([]);
    },
  );

  test("several attributes must all hold", async () => {
    const { add, ask } = world();
    await add(
      { eventId: "both", userName: "bob", eventName: "DeleteUser" },
      { eventId: "one", userName: "bob" },
    );
    const attributes = [
      { key: "Username", value: "bob" },
      { key: "EventName", value: "DeleteUser" },
    ];
    expect(ids(await ask({ attributes }))).toEqual(["both"]);
    expect(
      ids(await ask({ attributes: [...attributes, { key: "Username", value: "alice" }] })),
    ).toEqual([]);
  });
});

describe("what is refused", () => {
  test.each<[Partial<LookupRequest>, RegExp]>([
    [
      attribute("eventName", "x"),
      /^InvalidLookupAttributes: AttributeKey 'eventName' is not valid: use one of EventId, /,
    ],
    [attribute("constructor", "x"), /^InvalidLookupAttributes/],
    [attribute("EventName", ""), /^InvalidLookupAttributes: .*1 to 2000 .* not 0$/],
    [attribute("EventName", "x".repeat(2001)), /^InvalidLookupAttributes: .* not 2001$/],
    [attribute("EventName", "_".repeat(1000)), /^accepted/],
    [attribute("EventName", "_ ,\n".repeat(251)), /^InvalidLookupAttributes: .* not 2008$/],
    [attribute("ReadOnly", "True"), /^InvalidLookupAttributes: AttributeValue 'True' of ReadOnly/],
    [
      { attributes: Array.from({ length: 11 }, () => ({ key: "EventName", value: "x" })) },
      /^InvalidLookupAttributes: at most 10/,
    ],
    [
      { ...attribute("Username", "x"), category: "insight" },
      /^InvalidLookupAttributes: AttributeKey 'Username' is not valid for EventCategory insight: use one of EventId, EventName, EventSource$/,
    ],
    [{ category: "management" }, /^InvalidEventCategory/],
    [{ resultsMax: 0 }, /^InvalidMaxResults/],
    [{ resultsMax: 51 }, /^InvalidMaxResults: MaxResults must be between 1 and 50, not 51/],
    [
      { fromMs: nowMs, toMs: nowMs - 1 },
      /^InvalidTimeRange: StartTime 2026-06-15T12:00:00.000Z is later than EndTime/,
    ],
    [{ fromMs: -1 }, /^InvalidTimeRange/],
    [{ toMs: 1e300 }, /^InvalidTimeRange/],
    [{ toMs: Date.UTC(9999, 11, 31) }, /^accepted/],
    [
      { toMs: Date.UTC(10_000, 0, 1) },
      /^InvalidTimeRange: EndTime 253402300800 is outside the years 1970 to 9999/,
    ],
    [{ nextToken: "" }, /^InvalidNextToken/],
    [{ nextToken: "abc.def" }, /^InvalidNextToken: The NextToken is not one that this server gave/],
  ])("%o", async (request, expected) => {
    expect(await refusal(world().ask(request))).toMatch(expected);
  });
});

describe("pages", () => {
  test("a walk gives each event that was there at its first page once, whatever is written meanwhile", async () => {
    const { add, ask, clock } = world();
    const before = many(120);
    await add(...before);
    const seen: string[] = [];
    let nextToken: string | undefined;
    let pages = 0;
    do {
      const page = await ask({ resultsMax: 11, ...(nextToken === undefined ? {} : { nextToken }) });
      seen.push(...ids(page));
      nextToken = page.nextToken;
      pages += 1;
      await add(...many(13, 1000 * pages), { eventId: `newest${pages}`, eventTimeMs: nowMs });
      clock.advance(60_000);
    } while (nextToken !== undefined && pages < 20);
    expect(seen).toHaveLength(120);
    expect(seen.toSorted()).toEqual(before.map((event) => event.eventId));
    expect(pages).toBe(11);
  });

  test("a last page that is just full has no token", async () => {
    const { add, ask } = world();
    await add(...many(10));
    const first = await ask({ resultsMax: 5 });
    expect(first.nextToken).toBeDefined();
    const second = await ask({ resultsMax: 5, nextToken: first.nextToken ?? "" });
    expect(second.events).toHaveLength(5);
    expect(second.nextToken).toBeUndefined();
  });

  test("a token is good for its own request only, for a day, and cannot be made or changed", async () => {
    const { add, ask, clock } = world();
    await add(...many(60));
    const request = {
      fromMs: nowMs - 50_000,
      attributes: [{ key: "EventName", value: "CreateUser" }],
    };
    const nextToken = (await ask({ ...request, resultsMax: 5 })).nextToken ?? "";
    expect(await refusal(ask({ ...request, nextToken }))).toBe("accepted");
    const others: Partial<LookupRequest>[] = [
      { attributes: [] },
      { attributes: [{ key: "EventName", value: "createUser" }] },
      { fromMs: nowMs - 50_001 },
      { toMs: nowMs },
      { category: "insight", attributes: request.attributes },
      { region: "eu-west-1" },
      { accountId: "999999999999" },
    ];
    for (const other of others) {
      expect(await refusal(ask({ ...request, ...other, nextToken }))).toMatch(
        /^InvalidNextToken: The NextToken belongs to a request with other parameters/,
      );
    }
    for (const at of [0, 10, nextToken.indexOf(".") + 1, nextToken.length - 1]) {
      const changed = `${nextToken.slice(0, at)}${nextToken[at] === "A" ? "B" : "A"}${nextToken.slice(at + 1)}`;
      expect(await refusal(ask({ ...request, nextToken: changed }))).toMatch(
        /^InvalidNextToken: The NextToken is not one/,
      );
    }
    const stranger = world();
    await stranger.add(...many(60));
    const otherKey = new PageTokens({ key: deriveTokenKey(Buffer.alloc(32, 2)), clock });
    const foreign = otherKey
      .resume("x", { order: "newest" }, undefined, 1n)
      .tokenAfter({ eventTimeMs: 1, eventId: "", seq: 1n });
    expect(await refusal(ask({ ...request, nextToken: foreign }))).toMatch(/^InvalidNextToken/);
    clock.advance(24 * 3600 * 1000);
    expect(await refusal(ask({ ...request, nextToken }))).toBe("accepted");
    clock.advance(1);
    expect(await refusal(ask({ ...request, nextToken }))).toMatch(
      /^InvalidNextToken: The NextToken has expired/,
    );
  });
});

describe("throttling", () => {
  test("is off by default", async () => {
    const { ask } = world();
    for (let n = 0; n < 100; n += 1) expect(await refusal(ask())).toBe("accepted");
  });

  test("allows its rate to each account and region", async () => {
    const { ask, clock } = world({ perSecondMax: 2 });
    const outcomes = async (request = {}) => [
      await refusal(ask(request)),
      await refusal(ask(request)),
      await refusal(ask(request)),
    ];
    const limited = ["accepted", "accepted", "Throttled: Rate exceeded"];
    expect(await outcomes()).toEqual(limited);
    expect(await outcomes({ region: "eu-west-1" })).toEqual(limited);
    clock.advance(500);
    expect(await refusal(ask())).toBe("accepted");
    expect(await refusal(ask())).toBe("Throttled: Rate exceeded");
  });

  test("a rate below one a second still lets one through", () => {
    const clock = new TestClock(0);
    const limit = new RateLimit({ perSecond: 0.5, clock });
    expect([limit.take("a"), limit.take("a")]).toEqual([true, false]);
    clock.advance(2000);
    expect(limit.take("a")).toBe(true);
  });
});
