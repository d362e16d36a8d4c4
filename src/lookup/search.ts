// Search: what `GET /v1/events` may ask, without LookupEvents' limits of age, category, region and one attribute.
import type { EpochMs } from "../base/clock.ts";
import { parseDurationMs } from "../base/duration.ts";
import { CairnError } from "../base/errors.ts";
import type { EventQuery, FilterColumn } from "../store/store.ts";

/** Parameters that pin one column each. The words are LookupEvents' own where it has one. */
export const searchFilters: Readonly<Record<string, FilterColumn>> = {
  eventId: "eventId",
  eventName: "eventName",
  eventSource: "eventSource",
  eventType: "eventType",
  readOnly: "readOnly",
  username: "userName",
  userType: "userType",
  userArn: "userArn",
  principalId: "principalId",
  accessKeyId: "accessKeyId",
  sourceIPAddress: "sourceIp",
  errorCode: "errorCode",
  region: "region",
  account: "recipientAccount",
  resourceType: "resourceType",
  resourceName: "resourceName",
};

/** The others, with what they take. */
export const searchOptions: Readonly<Record<string, string>> = {
  category:
    "Management, Data, NetworkActivity, Insight or ActivityAuditLog; may be given several times",
  text: "a text that the event's JSON contains",
  since: "the first moment: ISO 8601, epoch seconds, or an age such as 90m or 7d",
  until: "the last moment, written alike",
  order: "newest (default) or oldest first",
  limit: "how many events; in JSON a page of at most 1000; left out: the whole result is streamed",
  nextToken: "the next page of the same search",
};

const categories = ["Management", "Data", "NetworkActivity", "Insight", "ActivityAuditLog"];

export interface Search {
  query: Omit<EventQuery, "watermark">;
  /** Undefined: the whole result. */
  limit: number | undefined;
  nextToken: string | undefined;
}

/** Reads the parameters of a search; throws ValidationFailed that names the one it could not read. */
export function parseSearch(
  parameters: URLSearchParams,
  ownerAccount: string,
  nowMs: EpochMs,
): Search {
  const equals: { column: FilterColumn; value: string }[] = [];
  const wanted: string[] = [];
  const single = new Map<string, string>();
  for (const [name, value] of parameters) {
    const column = Object.hasOwn(searchFilters, name) ? searchFilters[name] : undefined;
    if (column !== undefined) equals.push({ column, value });
    else if (name === "category") wanted.push(oneOf(name, value, categories));
    else if (!Object.hasOwn(searchOptions, name)) throw unknownParameter(name);
    else if (single.has(name)) throw invalid(name, value, "is given twice");
    else single.set(name, value);
  }
  const take = <T>(name: string, parse: (value: string) => T): T | undefined => {
    const value = single.get(name);
    return value === undefined ? undefined : parse(value);
  };
  const fromMs = take("since", (value) => parseMoment("since", value, nowMs));
  const toMs = take("until", (value) => parseMoment("until", value, nowMs));
  if (fromMs !== undefined && toMs !== undefined && fromMs > toMs) {
    throw new CairnError(
      "InvalidTimeRange",
      `since (${single.get("since")}) is after until (${single.get("until")})`,
    );
  }
  const text = single.get("text");
  const query: Search["query"] = {
    ownerAccount,
    equals,
    order:
      take("order", (value) => oneOf("order", value, ["newest", "oldest"] as const)) ?? "newest",
    ...(fromMs === undefined ? {} : { fromMs }),
    ...(toMs === undefined ? {} : { toMs }),
    ...(wanted.length === 0 ? {} : { categories: wanted }),
    ...(text === undefined || text === "" ? {} : { text }),
  };
  return { query, limit: take("limit", parseLimit), nextToken: single.get("nextToken") };
}

/** A moment as people write it, in epoch milliseconds. An age counts back from `nowMs`. */
export function parseMoment(name: string, value: string, nowMs: EpochMs): EpochMs {
  if (/^\d+(\.\d+)?$/.test(value)) return Number(value) * 1000;
  if (/^\d+(\.\d+)?(ms|s|m|h|d)$/.test(value)) return nowMs - parseDurationMs(value);
  // A date or time without a zone is UTC here, not the machine's.
  const zoned = /(Z|[+-]\d{2}:?\d{2})$/.test(value) || /^\d{4}-\d{2}-\d{2}$/.test(value);
  const parsedMs = Date.parse(zoned ? value : `${value.replace(" ", "T")}Z`);
  if (Number.isNaN(parsedMs)) {
    throw invalid(name, value, "is no moment such as 2026-01-31T12:00:00Z, 1769860800 or 2h");
  }
  return parsedMs;
}

function parseLimit(value: string): number {
  if (!/^[1-9]\d{0,9}$/.test(value)) throw invalid("limit", value, "is no whole number from 1 up");
  return Number(value);
}

function oneOf<T extends string>(name: string, value: string, choices: readonly T[]): T {
  const found = choices.find((choice) => choice === value);
  if (found === undefined) throw invalid(name, value, `is none of ${choices.join(", ")}`);
  return found;
}

function invalid(name: string, value: string, what: string): CairnError {
  return new CairnError(
    "ValidationFailed",
    `${name} ${JSON.stringify(value.slice(0, 200))} ${what}`,
  );
}

function unknownParameter(name: string): CairnError {
  const known = [...Object.keys(searchFilters), ...Object.keys(searchOptions)].join(", ");
  return new CairnError(
    "ValidationFailed",
    `unknown parameter ${JSON.stringify(name.slice(0, 100))}; known: ${known}`,
  );
}
