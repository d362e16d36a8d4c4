// Events that our own doors build keep to the documented sizes, and can always be read back.
import * as fc from "fast-check";
import { expect, test } from "vitest";
import { eventBytesMax } from "../base/limits.ts";
import { type EventFacts, eventBytes } from "./build.ts";
import type { JsonObject, JsonValue } from "./json.ts";
import { readEvent } from "./read.ts";
import { limitSizes, recordBytes } from "./size.ts";

const facts: EventFacts = {
  eventTimeMs: Date.UTC(2026, 0, 1),
  userIdentity: { type: "IAMUser", userName: "Alice" },
  eventSource: "amplify.amazonaws.com",
  eventName: "CreateApp",
  awsRegion: "us-east-1",
  sourceIPAddress: "192.0.2.1",
  userAgent: "agent",
  requestParameters: { name: "app" },
  responseElements: null,
  requestID: "r",
  eventID: "e",
  readOnly: false,
  managementEvent: true,
  recipientAccountId: "111122223333",
  eventCategory: "Management",
};
const context = { ownerAccount: "1", origin: "live" as const, ingestTimeMs: 1, keepUntilMs: 2 };

function built(members: Partial<EventFacts>): Record<string, JsonValue> {
  const bytes = eventBytes({ ...facts, ...members });
  expect(bytes.length).toBeLessThanOrEqual(eventBytesMax);
  expect(bytes.includes("\n")).toBe(false);
  expect(readEvent(bytes, context).rejection).toBeUndefined();
  return JSON.parse(bytes.toString()) as Record<string, JsonValue>;
}

function filled(bytes: number): JsonObject {
  return { blob: "x".repeat(bytes - '{"blob":""}'.length) };
}

test("members within their caps are written as they are, in the real service's order", () => {
  const record = built({ errorCode: "X", additionalEventData: filled(28 * 1024) });
  expect(record).toMatchObject({ requestParameters: { name: "app" }, responseElements: null });
  expect(Object.keys(record).slice(0, 5)).toEqual([
    "eventVersion",
    "userIdentity",
    "eventTime",
    "eventSource",
    "eventName",
  ]);
  expect(built({ requestParameters: filled(100 * 1024) })["requestParameters"]).toHaveProperty(
    "blob",
  );
});

test("an object over its cap is left out whole, and the event says so", () => {
  const record = built({
    requestParameters: filled(100 * 1024 + 1),
    additionalEventData: filled(28 * 1024 + 1),
  });
  expect(record["requestParameters"]).toEqual({
    omitted: true,
    originalSize: 102401,
    reason: "requestParameters too large",
  });
  expect(record["additionalEventData"]).toMatchObject({ omitted: true, originalSize: 28673 });
});

test("a long text is cut between characters", () => {
  const record = built({ userAgent: `${"a".repeat(1023)}é`, errorMessage: "b".repeat(1025) });
  expect(record["userAgent"]).toBe("a".repeat(1023));
  expect(record["errorMessage"]).toBe("b".repeat(1024));
});

test("an event that is too large as a whole gives up the least important members first", () => {
  const record = built({
    requestParameters: filled(100 * 1024),
    responseElements: filled(100 * 1024),
    additionalEventData: filled(20 * 1024),
    resources: [{ ARN: "r".repeat(60 * 1024), type: "T" }],
  });
  expect(record["additionalEventData"]).toMatchObject({ omitted: true });
  expect(record["resources"]).toMatchObject([{ omitted: true }]);
  expect(record["requestParameters"]).toHaveProperty("blob");
  expect(record["responseElements"]).toHaveProperty("blob");
});

test("an event is the same text whether its size rules are applied or known not to matter", () => {
  const value = fc.oneof(
    fc.jsonValue() as fc.Arbitrary<JsonValue>,
    fc.string({ unit: "binary", maxLength: 3000 }),
    fc.constantFrom(undefined, nested(507), nested(508), nested(509), nested(510)),
  );
  const name = fc.oneof(
    fc.constantFrom("userAgent", "errorMessage", "requestParameters", "resources", "awsRegion"),
    fc.string({ unit: "binary" }),
  );
  fc.assert(
    fc.property(fc.dictionary(name, value), (record) => {
      const parts = [...limitSizes(record)].map(
        ([each, text]) => `${JSON.stringify(each)}:${text}`,
      );
      expect(recordBytes(record).toString()).toBe(Buffer.from(`{${parts.join(",")}}`).toString());
    }),
  );
});

function nested(levels: number): JsonObject {
  let value: JsonObject = {};
  for (let i = 1; i < levels; i++) value = { a: value };
  return value;
}

test("parameters nested deeper than a reader follows are left out, however deep", () => {
  expect(built({ requestParameters: nested(500) })["requestParameters"]).toHaveProperty("a");
  for (const levels of [512, 600, 200_000]) {
    expect(built({ requestParameters: nested(levels) })["requestParameters"]).toEqual({
      omitted: true,
      reason: "requestParameters nested too deeply",
    });
  }
});

test("whatever a door puts in, the event can be read back", () => {
  const value = fc.dictionary(
    fc.string({ unit: "binary" }),
    fc.jsonValue() as fc.Arbitrary<JsonValue>,
  );
  const text = fc.string({ unit: "binary", maxLength: 3000 });
  fc.assert(
    fc.property(value, value, text, text, (parameters, elements, agent, message) => {
      const record = built({
        requestParameters: parameters,
        responseElements: elements,
        userAgent: agent,
        errorMessage: message,
      });
      expect(record["eventName"]).toBe("CreateApp");
    }),
  );
});
