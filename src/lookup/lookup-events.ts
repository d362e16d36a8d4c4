// LookupEvents: the event history of one account in one region, newest first.
// Source: CloudTrail API reference, LookupEvents; CloudTrail user guide, "Working with event history".
import type { Clock, EpochMs } from "../base/clock.ts";
import { CairnError } from "../base/errors.ts";
import { eventTimeMsMax, lookupDays, lookupResultsMax } from "../base/limits.ts";
import type { FoundEvent } from "../event/row.ts";
import type { FilterColumn, Store } from "../store/store.ts";
import type { PageTokens } from "./page-token.ts";
import { RateLimit } from "./rate-limit.ts";

export interface LookupAttribute {
  key: string;
  value: string;
}

export interface LookupRequest {
  accountId: string;
  region: string;
  /** All of them must hold. AWS documents at most one; more are an extension. */
  attributes: readonly LookupAttribute[];
  /** Both ends inclusive. */
  fromMs?: number;
  toMs?: number;
  category?: string;
  resultsMax?: number;
  nextToken?: string;
}

export interface LookupPage {
  events: FoundEvent[];
  nextToken?: string;
}

export interface LookupEvents {
  /**
   * One page. Pages of one walk show the history as it was at the first page: no event is missed, none comes twice,
   * whatever is written meanwhile.
   */
  lookup(request: LookupRequest): Promise<LookupPage>;
}

export interface LookupEventsOptions {
  store: Pick<Store, "find" | "watermark">;
  clock: Clock;
  tokens: PageTokens;
  /** Requests per second for each account and region; 0: no limit (AWS: 2). */
  perSecondMax: number;
}

/** The attribute keys, as the API spells them, and where they are looked up. */
export const lookupKeys: Readonly<Record<string, FilterColumn>> = {
  EventId: "eventId",
  EventName: "eventName",
  ReadOnly: "readOnly",
  Username: "userName",
  ResourceType: "resourceType",
  ResourceName: "resourceName",
  EventSource: "eventSource",
  AccessKeyId: "accessKeyId",
};

/** Insights events have no caller and no resources to look for. */
const insightKeys = ["EventId", "EventName", "EventSource"];

/** Counted as AWS does: these characters weigh two. */
const valueWeightMax = 2000;
/** One for each key, and room; each is one more condition for the store. */
const attributesMax = 10;
/** People write "for ever" as the last year that a date can show. */
const askedTimeMsMax = Date.UTC(10_000, 0, 1);
const dayMs = 24 * 3600 * 1000;

export function createLookupEvents(options: LookupEventsOptions): LookupEvents {
  const { store, clock, tokens } = options;
  const rateLimit = new RateLimit({ perSecond: options.perSecondMax, clock });

  return {
    async lookup(request) {
      const { accountId, region, attributes, category } = request;
      if (!rateLimit.take(`${accountId}/${region}`)) {
        throw new CairnError("Throttled", "Rate exceeded");
      }
      checkCategory(category);
      for (const attribute of attributes) checkAttribute(attribute, category);
      if (attributes.length > attributesMax) {
        throw invalidAttribute(
          `at most ${attributesMax} lookup attributes are allowed, not ${attributes.length}`,
        );
      }
      const limit = checkResultsMax(request.resultsMax);
      const walk = tokens.resume(
        // The range as asked, not as resolved: "now" is another on each page.
        ["LookupEvents", request.fromMs, request.toMs],
        {
          ownerAccount: accountId,
          categories: [category === "insight" ? "Insight" : "Management"],
          equals: [
            { column: "region", value: region },
            ...attributes.flatMap(({ key, value }) => {
              const column = lookupKeys[key];
              return column === undefined ? [] : [{ column, value }];
            }),
          ],
          order: "newest",
          ...resolveRange(request, clock.nowMs()),
        },
        request.nextToken,
        store.watermark(),
      );
      // One more than is shown says whether there is another page.
      const found = await store.find(walk.query, limit + 1);
      const events = found.slice(0, limit);
      const last = events.at(-1);
      if (found.length <= limit || last === undefined) return { events };
      return { events, nextToken: walk.tokenAfter(last) };
    },
  };
}

function resolveRange(request: LookupRequest, nowMs: EpochMs): { fromMs: number; toMs: number } {
  const { fromMs, toMs } = request;
  for (const [name, value] of [
    ["StartTime", fromMs],
    ["EndTime", toMs],
  ] as const) {
    if (value !== undefined && !(value >= 0 && value < askedTimeMsMax)) {
      throw new CairnError(
        "InvalidTimeRange",
        `${name} ${value / 1000} is outside the years 1970 to 9999 (seconds since the epoch)`,
      );
    }
  }
  if (fromMs !== undefined && toMs !== undefined && fromMs > toMs) {
    throw new CairnError(
      "InvalidTimeRange",
      `StartTime ${isoTime(fromMs)} is later than EndTime ${isoTime(toMs)}`,
    );
  }
  const oldestMs = nowMs - lookupDays * dayMs;
  // No event is later than `eventTimeMsMax`, and the store need not know such times.
  return {
    fromMs: Math.min(Math.max(Math.ceil(fromMs ?? oldestMs), oldestMs), eventTimeMsMax),
    toMs: Math.min(Math.floor(toMs ?? nowMs), eventTimeMsMax),
  };
}

function checkCategory(category: string | undefined): void {
  if (category === undefined || category === "insight") return;
  throw new CairnError(
    "InvalidEventCategory",
    `EventCategory '${category.slice(0, 100)}' is not valid: the only value is insight`,
  );
}

function checkAttribute({ key, value }: LookupAttribute, category: string | undefined): void {
  const keys = category === "insight" ? insightKeys : Object.keys(lookupKeys);
  if (!keys.includes(key)) {
    throw invalidAttribute(
      `AttributeKey '${key.slice(0, 100)}' is not valid${category === "insight" ? " for EventCategory insight" : ""}: use one of ${keys.join(", ")}`,
    );
  }
  const weight = value.length + (value.match(/[_ ,\n]/g)?.length ?? 0);
  if (weight < 1 || weight > valueWeightMax) {
    throw invalidAttribute(
      `AttributeValue of ${key} must have 1 to ${valueWeightMax} characters ('_', ' ', ',' and newline count as two), not ${weight}`,
    );
  }
  if (key === "ReadOnly" && value !== "true" && value !== "false") {
    throw invalidAttribute(
      `AttributeValue '${value.slice(0, 100)}' of ReadOnly is not valid: use true or false`,
    );
  }
}

function checkResultsMax(resultsMax = lookupResultsMax): number {
  if (Number.isInteger(resultsMax) && resultsMax >= 1 && resultsMax <= lookupResultsMax) {
    return resultsMax;
  }
  throw new CairnError(
    "InvalidMaxResults",
    `MaxResults must be between 1 and ${lookupResultsMax}, not ${resultsMax}`,
  );
}

function isoTime(ms: number): string {
  return new Date(ms).toISOString();
}

function invalidAttribute(message: string): CairnError {
  return new CairnError("InvalidLookupAttributes", message);
}
