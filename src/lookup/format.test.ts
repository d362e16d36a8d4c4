// How events are written: the accepted bytes untouched, one line each, and no formula in a spreadsheet.
import { expect, test } from "vitest";
import type { FoundEvent } from "../event/row.ts";
import { acceptedFormat, csvHeader, eventCsv, eventJson, eventLine } from "./format.ts";

const raw = Buffer.from(
  `{ "eventVersion":"1.08", "eventTime":"2026-01-02T00:00:00Z", "eventID":"e", "eventName":"=HYPERLINK()",
"eventSource":"iam.amazonaws.com", "awsRegion":"us-east-1", "recipientAccountId":"111122223333", "readOnly":false,
"sourceIPAddress":"192.0.2.1", "userIdentity":{ "type":"IAMUser", "userName":"a \\"b\\", c" },
"managementEvent":true, "resources":[{"type":"AWS::IAM::User","ARN":"Alice"},{"ARN":"x"}], "n":347.0, "s":"\\ud800" }`,
);
const event: FoundEvent = {
  seq: 7n,
  variant: false,
  raw,
  ownerAccount: "111122223333",
  eventTimeMs: Date.UTC(2026, 0, 2),
  eventId: "e",
  ingestTimeMs: 0,
};

test("JSON holds the accepted bytes inside it", () => {
  const text = eventJson(event).toString();
  expect(text).toContain(`"event":${raw.toString()}}`);
  expect(JSON.parse(text)).toMatchObject({
    seq: "7",
    resources: [
      { resourceType: "AWS::IAM::User", resourceName: "Alice" },
      { resourceType: null, resourceName: "x" },
    ],
  });
});

test("a line is the accepted bytes with line breaks between members as spaces", () => {
  expect(eventLine(event).toString()).toBe(raw.toString().replaceAll("\n", " "));
  const oneLine = { ...event, raw: Buffer.from("{}") };
  expect(eventLine(oneLine)).toBe(oneLine.raw);
});

test("CSV is quoted by RFC 4180 and holds no formula", () => {
  expect(csvHeader).toMatch(
    /^Event name,Event time,User name,Event source,Resource type,Resource name,/,
  );
  expect(eventCsv(event)).toBe(
    `'=HYPERLINK(),2026-01-02T00:00:00.000Z,"a ""b"", c",iam.amazonaws.com,"AWS::IAM::User, ","Alice, x",e,,false,,192.0.2.1,us-east-1,111122223333,Management\r\n`,
  );
});

test.each([
  [undefined, "json"],
  ["*/*", "json"],
  ["text/csv", "csv"],
  ["application/x-ndjson;q=0.9, application/json;q=0.1", "ndjson"],
  ["image/png", undefined],
])("Accept %s gives %s", (accept, format) => {
  expect(acceptedFormat(accept)).toBe(format);
});
