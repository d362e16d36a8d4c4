// What a search may ask and what it is told when it asks wrongly.
import { expect, test } from "vitest";
import { CairnError } from "../base/errors.ts";
import { parseSearch } from "./search.ts";

const nowMs = Date.UTC(2026, 5, 15, 12);

/** The query that the parameters make, or `code: message`. */
function check(text: string): unknown {
  try {
    const { query, limit, nextToken } = parseSearch(
      new URLSearchParams(text),
      "111122223333",
      nowMs,
    );
    return {
      ...query,
      ...(limit === undefined ? {} : { limit }),
      ...(nextToken === undefined ? {} : { nextToken }),
    };
  } catch (error) {
    return error instanceof CairnError ? `${error.code}: ${error.message}` : error;
  }
}

test("nothing asked is everything of one's own account, newest first", () => {
  expect(check("")).toEqual({ ownerAccount: "111122223333", equals: [], order: "newest" });
});

test("any combination of attributes, time, category and text", () => {
  expect(
    check(
      "eventName=CreateUser&username=Alice&errorCode=AccessDenied&category=Data&category=Management&text=x%20y&order=oldest&limit=7",
    ),
  ).toEqual({
    ownerAccount: "111122223333",
    equals: [
      { column: "eventName", value: "CreateUser" },
      { column: "userName", value: "Alice" },
      { column: "errorCode", value: "AccessDenied" },
    ],
    categories: ["Data", "Management"],
    text: "x y",
    order: "oldest",
    limit: 7,
  });
});

test.each([
  ["2026-06-15T11:00:00Z", Date.UTC(2026, 5, 15, 11)],
  ["2026-06-15 11:00", Date.UTC(2026, 5, 15, 11)],
  ["2026-06-15", Date.UTC(2026, 5, 15)],
  ["2026-06-15T11:00:00+02:00", Date.UTC(2026, 5, 15, 9)],
  ["1781524800", 1_781_524_800_000],
  ["90m", nowMs - 90 * 60_000],
  ["7d", nowMs - 7 * 86_400_000],
])("since %s is a moment, UTC where no zone is given", (text, fromMs) => {
  expect(check(`since=${encodeURIComponent(text)}`)).toMatchObject({ fromMs });
});

test.each([
  ["since=yesterday", /^ValidationFailed: since "yesterday" is no moment/],
  ["since=1h&until=2h", /^InvalidTimeRange: since \(1h\) is after until \(2h\)/],
  ["limit=0", /^ValidationFailed: limit "0" is no whole number/],
  ["limit=1&limit=2", /is given twice/],
  ["order=random", /is none of newest, oldest/],
  ["category=management", /is none of Management/],
  ["toString=1", /unknown parameter "toString"/],
  ["__proto__=1", /unknown parameter "__proto__"/],
  ["eventname=x", /^ValidationFailed: unknown parameter "eventname"; known: eventId/],
])("%s is refused by name", (text, message) => {
  expect(check(text)).toMatch(message);
});
