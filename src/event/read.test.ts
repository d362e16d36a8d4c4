// What an event's columns say, and which records are refused.
import { createHash } from "node:crypto";
import * as fc from "fast-check";
import { expect, test } from "vitest";
import { eventBytesMax, eventImportBytesMax } from "../base/limits.ts";
import { type ReadContext, readEvent, shownColumns } from "./read.ts";
import { type EventColumns, rowFlags } from "./row.ts";

const ingestTimeMs = Date.UTC(2026, 0, 2);
const live: ReadContext = {
  ownerAccount: "111122223333",
  origin: "live",
  ingestTimeMs,
  keepUntilMs: ingestTimeMs + 1,
};
const imported: ReadContext = { ...live, origin: "import" };

const minimal = {
  eventTime: "2026-01-01T00:00:00Z",
  eventSource: "s3.amazonaws.com",
  eventName: "ListBuckets",
  eventID: "e1",
};

function read(record: unknown, context = live): EventColumns {
  const text = typeof record === "string" ? record : JSON.stringify(record);
  const outcome = readEvent(Buffer.from(text), context);
  expect(outcome.rejection).toBeUndefined();
  return outcome.columns as EventColumns;
}

/** `ok`, or how the record is refused. */
function refusal(record: unknown, context = live): string {
  const text = typeof record === "string" ? record : JSON.stringify(record);
  const { rejection } = readEvent(Buffer.from(text), context);
  return rejection === undefined ? "ok" : `${rejection.code}: ${rejection.message}`;
}

test("a whole management event gives every column", () => {
  const columns = read({
    eventVersion: "1.11",
    userIdentity: {
      type: "IAMUser",
      principalId: "AIDAEXAMPLE",
      arn: "arn:aws:iam::111122223333:user/Alice",
      accountId: "111122223333",
      accessKeyId: "AKIAEXAMPLE",
      userName: "Alice",
    },
    eventTime: "2026-01-01T12:34:56Z",
    eventSource: "kms.amazonaws.com",
    eventName: "DescribeKey",
    awsRegion: "eu-west-1",
    sourceIPAddress: "192.0.2.1",
    userAgent: "aws-cli/2",
    errorCode: "AccessDenied",
    requestParameters: { keyId: "alias/a" },
    responseElements: null,
    requestID: "r",
    eventID: "8c8a1a70-0000-4000-8000-000000000000",
    readOnly: true,
    resources: [{ accountId: "1", type: "AWS::KMS::Key", ARN: "arn:aws:kms:eu-west-1:1:key/k" }],
    eventType: "AwsApiCall",
    managementEvent: true,
    recipientAccountId: "444455556666",
    vpcEndpointId: "vpce-1",
    eventCategory: "Management",
    sessionCredentialFromConsole: "true",
  });
  expect(columns).toEqual({
    ownerAccount: "111122223333",
    eventTimeMs: Date.UTC(2026, 0, 1, 12, 34, 56),
    eventId: "8c8a1a70-0000-4000-8000-000000000000",
    eventSource: "kms.amazonaws.com",
    eventName: "DescribeKey",
    eventCategory: "Management",
    eventType: "AwsApiCall",
    readOnly: "true",
    region: "eu-west-1",
    recipientAccount: "444455556666",
    userType: "IAMUser",
    userArn: "arn:aws:iam::111122223333:user/Alice",
    principalId: "AIDAEXAMPLE",
    userName: "Alice",
    accessKeyId: "AKIAEXAMPLE",
    sourceIp: "192.0.2.1",
    errorCode: "AccessDenied",
    vpcEndpointId: "vpce-1",
    sessionFromConsole: "true",
    lookupResourceTypes: ["AWS::KMS::Key", "AWS::KMS::Key"],
    lookupResourceNames: ["alias/a", "arn:aws:kms:eu-west-1:1:key/k"],
    resourcesType: ["AWS::KMS::Key"],
    resourcesArn: ["arn:aws:kms:eu-west-1:1:key/k"],
    ingestTimeMs,
    keepUntilMs: ingestTimeMs + 1,
    flags: 0,
  });
});

test("wrong types in known members leave the column empty or give the scalar's text", () => {
  const columns = read({
    ...minimal,
    eventID: 12345,
    recipientAccountId: 111122223333,
    userIdentity: "somebody",
    awsRegion: ["us-east-1"],
    sourceIPAddress: { ip: "192.0.2.1" },
    errorCode: 404,
    readOnly: "false",
    resources: { ARN: "no list" },
    sessionCredentialFromConsole: true,
    managementEvent: "perhaps",
  });
  expect(columns).toMatchObject({
    eventId: "12345",
    recipientAccount: "111122223333",
    userType: "",
    userName: "",
    region: "",
    sourceIp: "",
    errorCode: "404",
    readOnly: "false",
    resourcesArn: [],
    sessionFromConsole: "true",
    eventCategory: "Management",
  });
  expect(read({ ...minimal, readOnly: "maybe" }).readOnly).toBe("");
  expect(
    read(`${JSON.stringify(minimal).slice(0, -1)},"errorCode":18446744073709551617}`),
  ).toMatchObject({ errorCode: "18446744073709551617" });
});

test("white space, escapes and odd numbers are no reason to refuse", () => {
  const text = `{\t"eventTime" :"2026-01-01T00:00:00Z",\r\n "eventSource":"a\\u002eb","eventName":"\\ud800",
    "eventID":"\\u00e9","n":[347.0,1e400,18446744073709551616],"unknown":{"__proto__":1}}\n`;
  expect(read(text)).toMatchObject({ eventSource: "a.b", eventName: "\ud800", eventId: "é" });
});

test("a live event needs a name, a source and a time between 2000 and 2100", () => {
  const with_ = (members: object) => refusal({ ...minimal, ...members });
  expect([
    with_({ eventName: undefined }),
    with_({ eventSource: null }),
    with_({ eventTime: undefined }),
    with_({ eventTime: "yesterday" }),
    with_({ eventTime: "1999-12-31T23:59:59Z" }),
    with_({ eventTime: "2000-01-01T00:00:00Z" }),
    with_({ eventTime: "2099-12-31T23:59:59.999Z" }),
    with_({ eventTime: "2100-01-01T00:00:00Z" }),
    refusal("[]"),
    refusal("12"),
    refusal('"{}"'),
    refusal("null"),
  ]).toMatchInlineSnapshot(`
    [
      "NameMissing: eventName is missing or empty",
      "SourceMissing: eventSource is missing or empty",
      "TimeMissing: eventTime is missing or empty",
      "TimeUnreadable: eventTime "yesterday" is no time such as 2025-02-19T20:13:49Z",
      "TimeOutOfRange: eventTime "1999-12-31T23:59:59Z" lies outside 2000-01-01 to 2099-12-31",
      "ok",
      "ok",
      "TimeOutOfRange: eventTime "2100-01-01T00:00:00Z" lies outside 2000-01-01 to 2099-12-31",
      "NotAnObject: the record is an array, not a JSON object",
      "NotAnObject: the record is a number, not a JSON object",
      "NotAnObject: the record is a string, not a JSON object",
      "NotAnObject: the record is null, not a JSON object",
    ]
  `);
});

test("an imported record is whatever names an event; anything else is refused with its reason", () => {
  expect([
    refusal({ eventName: "A" }, imported),
    refusal({ eventSource: "a.example.com" }, imported),
    refusal({ eventType: "AwsServiceEvent" }, imported),
    refusal({ insightDetails: { eventName: "A" } }, imported),
    refusal({}, imported),
    refusal({ eventName: null, eventTime: "2026-01-01T00:00:00Z" }, imported),
    refusal({ Records: [minimal] }, imported),
  ]).toMatchInlineSnapshot(`
    [
      "ok",
      "ok",
      "ok",
      "ok",
      "NotARecord: the object has none of eventName, eventSource and eventType: it is no CloudTrail record",
      "NotARecord: the object has none of eventName, eventSource and eventType: it is no CloudTrail record",
      "NotARecord: this is a whole log file ({"Records": […]}), not one record: send one record a line",
    ]
  `);
});

test("an imported event whose time cannot be used stands at its ingest time and says so", () => {
  for (const eventTime of [
    undefined,
    "...",
    "redacted",
    "1999-01-01T00:00:00Z",
    "2100-01-01T00:00:00Z",
  ]) {
    const columns = read({ ...minimal, eventTime }, imported);
    expect(columns.eventTimeMs).toBe(ingestTimeMs);
    expect(columns.flags).toBe(rowFlags.imported | rowFlags.timeUnreadable);
  }
  expect(read(minimal, imported).flags).toBe(rowFlags.imported);
});

test("a record without a usable id is known by the SHA-256 of its bytes", () => {
  for (const eventID of [undefined, null, "", "...", "-", {}, []]) {
    const text = JSON.stringify({ ...minimal, eventID });
    const columns = read(text);
    expect(columns.eventId).toBe(`sha256-${createHash("sha256").update(text).digest("hex")}`);
    expect(columns.flags).toBe(rowFlags.idFromContent);
  }
  expect(read({ ...minimal, eventID: "no uuid at all" })).toMatchObject({
    eventId: "no uuid at all",
    flags: 0,
  });
});

/** An event of exactly so many bytes. */
function sized(bytes: number): string {
  const text = JSON.stringify({ ...minimal, padding: "" });
  return text.replace('"padding":""', `"padding":"${"x".repeat(bytes - text.length)}"`);
}

test("live events may have 256 KiB, imported ones 1 MiB, and not one byte more", () => {
  expect(refusal(sized(eventBytesMax))).toBe("ok");
  expect(refusal(sized(eventBytesMax + 1))).toBe(
    "TooLarge: the record has 262145 bytes; at most 262144 are allowed",
  );
  expect(refusal(sized(300_000), imported)).toBe("ok");
  expect(refusal(sized(eventImportBytesMax), imported)).toBe("ok");
  expect(refusal(sized(eventImportBytesMax + 1), imported)).toMatch(/^TooLarge/);
});

test("Insights events and events from outside AWS have their facts one level down", () => {
  const insight = read({
    eventVersion: "1.09",
    eventTime: "2026-01-01T00:00:00Z",
    eventID: "i",
    eventType: "AwsCloudTrailInsight",
    insightDetails: {
      state: "Start",
      eventSource: "s3.amazonaws.com",
      eventName: "PutObject",
      errorCode: "X",
    },
  });
  expect(insight).toMatchObject({
    eventCategory: "Insight",
    eventSource: "s3.amazonaws.com",
    eventName: "PutObject",
    errorCode: "X",
  });
  const outside = read({
    eventVersion: "1.0",
    eventCategory: "ActivityAuditLog",
    eventType: "ActivityLog",
    eventID: "o",
    eventTime: "2026-01-01T00:00:00Z",
    eventData: {
      eventSource: "myapp.example.com",
      eventName: "Login",
      sourceIPAddress: "192.0.2.9",
      userIdentity: { type: "CustomUser", principalId: "p1" },
    },
  });
  expect(outside).toMatchObject({
    eventCategory: "ActivityAuditLog",
    eventSource: "myapp.example.com",
    eventName: "Login",
    sourceIp: "192.0.2.9",
    userType: "CustomUser",
    principalId: "p1",
  });
});

function timeOf(eventTime: unknown): string {
  return new Date(read({ ...minimal, eventTime }).eventTimeMs).toISOString();
}

test("the time is read in every form that real records have", () => {
  expect(
    [
      "2025-02-19T20:13:49Z",
      "2025-02-19 20:13:49",
      "2025-02-19 20:13:49Z",
      "2025-02-19 20:13:49.000000000",
      "2025-02-19T20:13:49.9876Z",
      "2025-02-19T20:13:49+02:00",
      "2025-02-19T20:13:49-0530",
      "2025-02-19T20:13",
      "2024-02-29T23:59:60Z",
      1739996029,
      1739996029.5,
      1739996029123,
      "1739996029",
    ].map(timeOf),
  ).toMatchInlineSnapshot(`
    [
      "2025-02-19T20:13:49.000Z",
      "2025-02-19T20:13:49.000Z",
      "2025-02-19T20:13:49.000Z",
      "2025-02-19T20:13:49.000Z",
      "2025-02-19T20:13:49.987Z",
      "2025-02-19T18:13:49.000Z",
      "2025-02-20T01:43:49.000Z",
      "2025-02-19T20:13:00.000Z",
      "2024-03-01T00:00:00.000Z",
      "2025-02-19T20:13:49.000Z",
      "2025-02-19T20:13:49.500Z",
      "2025-02-19T20:13:49.123Z",
      "2025-02-19T20:13:49.000Z",
    ]
  `);
  const unreadable = [
    "2025-02-30T00:00:00Z",
    "2025-13-01T00:00:00Z",
    "2025-02-19T24:00:00Z",
    "2025-02-19",
    "2025-0a-19T00:00:00Z",
    " 2025-02-19T20:13:49Z",
    "12",
    "",
    "0000-00-00T00:00:00Z",
    "2025-02-19T20:13:49+99:00",
  ];
  for (const eventTime of unreadable) {
    expect(refusal({ ...minimal, eventTime })).toMatch(/^Time(Unreadable|Missing)/);
  }
});

function category(members: object): string {
  return read({ ...minimal, ...members }).eventCategory;
}

test("old records without a category are classified by what they are", () => {
  expect(category({ eventVersion: "1.0" })).toBe("Management");
  expect(category({ eventName: "GetObject", eventVersion: "1.05" })).toBe("Data");
  expect(category({ eventName: "GetObject", managementEvent: true })).toBe("Management");
  expect(category({ eventSource: "lambda.amazonaws.com", eventName: "Invoke" })).toBe("Data");
  expect(category({ managementEvent: false })).toBe("Data");
  expect(category({ eventType: "AwsVpceEvent" })).toBe("NetworkActivity");
  expect(category({ eventType: "AwsVpceEvents" })).toBe("NetworkActivity");
  expect(category({ eventType: "AwsCloudTrailInsight" })).toBe("Insight");
  expect(category({ eventType: "constructor" })).toBe("Management");
  expect(category({ eventCategory: "Data", managementEvent: true })).toBe("Data");
});

function userNameOf(userIdentity: object, rest: object = {}): string {
  return read({ ...minimal, userIdentity, ...rest }).userName;
}

test("Username is derived for every kind of identity", () => {
  const session = "arn:aws:sts::111122223333:assumed-role/R/sess";
  expect(userNameOf({ type: "Root", userName: "alias" })).toBe("root");
  expect(userNameOf({ type: "IAMUser", userName: "Alice" })).toBe("Alice");
  expect(userNameOf({ type: "AssumedRole", principalId: "AROA:i-1:x" })).toBe("i-1:x");
  expect(userNameOf({ type: "AssumedRole", principalId: "AROA", arn: session })).toBe("sess");
  expect(userNameOf({ type: "FederatedUser", principalId: "111122223333:Bob" })).toBe("Bob");
  expect(userNameOf({ type: "SAMLUser", userName: "s", principalId: "q:s2" })).toBe("s");
  expect(userNameOf({ type: "WebIdentityUser", userName: "w" })).toBe("w");
  expect(userNameOf({ type: "Directory", userName: "d" })).toBe("d");
  expect(userNameOf({ type: "Role", userName: "r" })).toBe("r");
  expect(userNameOf({ type: "Unknown" })).toBe("");
  expect(userNameOf({ type: "Unknown", userName: "HIDDEN_DUE_TO_SECURITY_REASONS" })).toBe(
    "HIDDEN_DUE_TO_SECURITY_REASONS",
  );
  expect(userNameOf({ type: "AWSService", invokedBy: "a", userName: "x" })).toBe("");
  expect(userNameOf({ type: "AWSAccount", principalId: "AIDA:x" })).toBe("");
  expect(
    userNameOf(
      { type: "IdentityCenterUser" },
      { additionalEventData: { UserName: "u@example.com" } },
    ),
  ).toBe("u@example.com");
  expect(userNameOf({ accountId: "1", invokedBy: "AWS Internal" })).toBe("");
});

function resourcesOf(members: object): string[] {
  const columns = read({ ...minimal, ...members });
  return columns.lookupResourceNames.map((each, i) => `${columns.lookupResourceTypes[i]} ${each}`);
}

test("Resources are the values of the table and the record's own list, each once", () => {
  // The example in the specification of LookupEvents: one resource under all its spellings.
  expect(
    resourcesOf({
      eventSource: "sts.amazonaws.com",
      eventName: "AssumeRole",
      requestParameters: { roleArn: "arn:aws:iam::1:role/R", roleSessionName: "s" },
      responseElements: {
        credentials: { accessKeyId: "ASIAX", sessionToken: "secret" },
        assumedRoleUser: { assumedRoleId: "AROAX:s", arn: "arn:aws:sts::1:assumed-role/R/s" },
      },
      resources: [{ ARN: "arn:aws:iam::1:role/R", accountId: "1" }],
    }),
  ).toEqual([
    "AWS::IAM::Role arn:aws:iam::1:role/R",
    "AWS::STS::AssumedRole s",
    "AWS::IAM::AccessKey ASIAX",
    "AWS::STS::AssumedRole AROAX:s",
    "AWS::STS::AssumedRole arn:aws:sts::1:assumed-role/R/s",
  ]);
  expect(
    resourcesOf({
      eventSource: "ec2.amazonaws.com",
      requestParameters: {
        instancesSet: { items: [{ instanceId: "i-1" }, { instanceId: "i-2" }] },
      },
      responseElements: { instancesSet: { items: [{ instanceId: "i-1" }, "dirt", null] } },
    }),
  ).toEqual(["AWS::EC2::Instance i-1", "AWS::EC2::Instance i-2"]);
  expect(
    resourcesOf({
      eventSource: "cloudtrail.amazonaws.com",
      eventName: "CreateChannel",
      requestParameters: { name: "c" },
    }),
  ).toEqual(["AWS::CloudTrail::Channel c"]);
  expect(
    resourcesOf({
      eventSource: "myapp.example.com",
      resources: [{ type: "My::Thing", ARN: "t1" }, "arn:x", 7, {}],
    }),
  ).toEqual(["My::Thing t1", " arn:x", " 7"]);
  expect(resourcesOf({ requestParameters: "a text", responseElements: [] })).toEqual([]);
});

test("thousands of resources are kept, each once", () => {
  const arns = Array.from({ length: 3000 }, (_, i) => ({ type: "T", ARN: `arn:${i % 1500}` }));
  const columns = read({ ...minimal, resources: arns });
  expect(columns.lookupResourceNames).toHaveLength(1500);
  expect(columns.resourcesArn).toHaveLength(3000);
});

test("whatever the bytes are, reading them gives columns or a reason", () => {
  const dirt = fc.oneof(
    fc.uint8Array({ maxLength: 200 }),
    fc.json().map((text) => Buffer.from(text)),
    fc
      .record(
        {
          eventName: fc.jsonValue(),
          eventSource: fc.jsonValue(),
          eventTime: fc.jsonValue(),
          eventID: fc.jsonValue(),
          userIdentity: fc.jsonValue(),
          resources: fc.jsonValue(),
          requestParameters: fc.jsonValue(),
          readOnly: fc.jsonValue(),
          insightDetails: fc.jsonValue(),
        },
        { requiredKeys: [] },
      )
      .map((value) => Buffer.from(JSON.stringify(value))),
  );
  fc.assert(
    fc.property(dirt, fc.constantFrom(live, imported), (bytes, context) => {
      const outcome = readEvent(Buffer.from(bytes), context);
      expect((outcome.columns === undefined) !== (outcome.rejection === undefined)).toBe(true);
    }),
    { numRuns: 3000 },
  );
});

test("what is shown of an event is what its columns say, under the key that it is kept under", () => {
  const record = JSON.stringify({ ...minimal, eventTime: "yesterday", eventID: " " });
  const { keepUntilMs: _keep, flags: _flags, ...kept } = read(record, imported);
  expect(kept.eventTimeMs).toBe(ingestTimeMs);
  const found = { ...kept, seq: 1n, variant: false, raw: Buffer.from(record) };
  expect(shownColumns(found)).toEqual(expect.objectContaining(kept));
  const moved = { ...found, eventTimeMs: 5, eventId: "of the store" };
  expect(shownColumns(moved)).toMatchObject({ eventTimeMs: 5, eventId: "of the store" });
});
