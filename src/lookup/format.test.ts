// How events are written: the accepted bytes untouched, one line each, and no formula in a spreadsheet.
import { expect, test } from "vitest";
import type { StoredEvent } from "../event/row.ts";
import { acceptedFormat, csvHeader, eventCsv, eventJson, eventLine } from "./format.ts";

const event: StoredEvent = {
  seq: 7n,
  variant: false,
  raw: Buffer.from('{ "n":347.0,\n"s":"\\ud800" }'),
  ownerAccount: "111122223333",
  eventTimeMs: Date.UTC(2026, 0, 2),
  eventId: "e",
  eventSource: "iam.amazonaws.com",
  eventName: "=HYPERLINK()",
  eventCategory: "Management",
  eventType: "AwsApiCall",
  readOnly: "false",
  region: "us-east-1",
  recipientAccount: "111122223333",
  userType: "IAMUser",
  userArn: "",
  principalId: "",
  userName: 'a "b", c',
  accessKeyId: "",
  sourceIp: "192.0.2.1",
  errorCode: "",
  vpcEndpointId: "",
  sessionFromConsole: "",
  lookupResourceTypes: ["AWS::IAM::User", ""],
  lookupResourceNames: ["Alice", "x"],
  resourcesType: [],
  resourcesArn: [],
  ingestTimeMs: 0,
  keepUntilMs: 0,
  flags: 0,
};

test("JSON holds the accepted bytes inside it", () => {
  const text = eventJson(event).toString();
  expect(text).toContain('"event":{ "n":347.0,\n"s":"\\ud800" }}');
  expect(JSON.parse(text)).toMatchObject({
    seq: "7",
    resources: [
      { resourceType: "AWS::IAM::User", resourceName: "Alice" },
      { resourceType: null, resourceName: "x" },
    ],
  });
});

test("a line is the accepted bytes with line breaks between members as spaces", () => {
  expect(eventLine(event).toString()).toBe('{ "n":347.0, "s":"\\ud800" }');
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
