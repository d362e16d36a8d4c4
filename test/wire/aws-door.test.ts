// The AWS door through the AWS SDK: LookupEvents, GetCallerIdentity, every refusal, and what is recorded of each.
import {
  CloudTrailClient,
  CreateTrailCommand,
  type Event,
  LookupEventsCommand,
  type LookupEventsCommandInput,
  paginateLookupEvents,
} from "@aws-sdk/client-cloudtrail";
import { AssumeRootCommand, GetCallerIdentityCommand, STSClient } from "@aws-sdk/client-sts";
import { SignatureV4 } from "@smithy/signature-v4";
import * as fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { TestClock } from "../../src/base/clock.ts";
import { CairnError } from "../../src/base/errors.ts";
import { makeLog } from "../../src/base/log.ts";
import { Sha256 } from "../../src/signature/signer.ts";
import { emptyHash, sha256Hex } from "../../src/signature/verify-signature.ts";
import { accountId, type DoorWorld, models, openDoorWorld } from "./aws-door-world.ts";

let world: DoorWorld;
beforeAll(async () => {
  world = await openDoorWorld();
});
afterAll(async () => {
  await world[Symbol.asyncDispose]();
});

interface RawAnswer {
  status: number;
  type: string | null;
  errorType: string | null;
  requestId: string | null;
  text: string;
}

interface RawRequest {
  method?: string;
  path?: string;
  query?: Record<string, string>;
  headers?: Record<string, string>;
  body?: string | Buffer;
  service?: string;
  region?: string;
  credentials?: { accessKeyId: string; secretAccessKey: string };
  signingDate?: Date;
  /** Changed after signing. */
  tamper?: Record<string, string>;
}

/** A request signed by hand, for what no SDK would send. */
async function send(to: DoorWorld, request: RawRequest): Promise<RawAnswer> {
  const { hostname, port } = new URL(to.url);
  const signer = new SignatureV4({
    service: request.service ?? "cloudtrail",
    region: request.region ?? "eu-central-1",
    credentials: request.credentials ?? to.root,
    sha256: Sha256,
  });
  const method = request.method ?? "POST";
  const signed = await signer.sign(
    {
      method,
      protocol: "http:",
      hostname,
      path: request.path ?? "/",
      query: request.query ?? {},
      headers: { host: `${hostname}:${port}`, ...request.headers },
      body: request.body,
    },
    request.signingDate === undefined ? {} : { signingDate: request.signingDate },
  );
  const { host: _, ...headers } = { ...signed.headers, ...request.tamper };
  return fetchRaw(to, method, request.path ?? "/", request.query ?? {}, headers, request.body);
}

async function fetchRaw(
  to: DoorWorld,
  method: string,
  path: string,
  query: Record<string, string>,
  headers: Record<string, string>,
  body?: string | Buffer,
): Promise<RawAnswer> {
  const target = `${to.url}${path}?${new URLSearchParams(query).toString()}`;
  const response = await fetch(target, {
    method,
    headers,
    ...(method === "GET" || body === undefined ? {} : { body: new Uint8Array(Buffer.from(body)) }),
  });
  return {
    status: response.status,
    type: response.headers.get("content-type"),
    errorType: response.headers.get("x-amzn-errortype"),
    requestId: response.headers.get("x-amzn-requestid"),
    text: await response.text(),
  };
}

const lookupTarget = "com.amazonaws.cloudtrail.v20131101.CloudTrail_20131101.LookupEvents";

/** LookupEvents with the body as it stands. */
function lookupRaw(body: string | Buffer, more: RawRequest = {}, to = world): Promise<RawAnswer> {
  const headers = {
    "content-type": "application/x-amz-json-1.1",
    "x-amz-target": lookupTarget,
    ...more.headers,
  };
  return send(to, { body, ...more, headers });
}

async function nameAndMessage(attempt: Promise<unknown>): Promise<string> {
  try {
    await attempt;
  } catch (error) {
    if (error instanceof Error) return `${error.name}: ${error.message}`;
    throw error;
  }
  return "accepted";
}

describe("sts", () => {
  test("GetCallerIdentity says who signed, root and user", async () => {
    const root = await new STSClient(world.client()).send(new GetCallerIdentityCommand());
    expect(root).toMatchObject({
      UserId: accountId,
      Account: accountId,
      Arn: `arn:aws:iam::${accountId}:root`,
    });
    const user = await world.directory.createUser(accountId, "alice", "/team/");
    const key = await world.directory.createAccessKey(accountId, "alice");
    const alice = await new STSClient(world.client(key)).send(new GetCallerIdentityCommand());
    expect(alice).toMatchObject({
      UserId: user.userId,
      Account: accountId,
      Arn: `arn:aws:iam::${accountId}:user/team/alice`,
    });
    expect(alice.$metadata.requestId).toMatch(/^[0-9a-f-]{36}$/);
  });

  test("the answer is STS's XML, by form and by query", async () => {
    const parameters = { Action: "GetCallerIdentity", Version: "2011-06-15" };
    const form = await send(world, {
      service: "sts",
      headers: { "content-type": "application/x-www-form-urlencoded; charset=utf-8" },
      body: new URLSearchParams(parameters).toString(),
    });
    expect(form).toMatchObject({ status: 200, type: "text/xml" });
    expect(form.text).toBe(
      `<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><GetCallerIdentityResult><Arn>arn:aws:iam::${accountId}:root</Arn><UserId>${accountId}</UserId><Account>${accountId}</Account></GetCallerIdentityResult><ResponseMetadata><RequestId>${form.requestId}</RequestId></ResponseMetadata></GetCallerIdentityResponse>`,
    );
    const query = await send(world, { service: "sts", method: "GET", query: parameters });
    expect(query.text.replace(query.requestId ?? "", "")).toBe(
      form.text.replace(form.requestId ?? "", ""),
    );
  });

  test("what is not there yet says so, in a way that no SDK retries", async () => {
    const client = new STSClient({ ...world.client(), maxAttempts: 3 });
    const before = world.answers.length;
    const command = new AssumeRootCommand({
      TargetPrincipal: "111122223333",
      TaskPolicyArn: { arn: "arn:aws:iam::aws:policy/root-task/IAMAuditRootUserCredentials" },
    });
    expect(await nameAndMessage(client.send(command))).toBe(
      "UnsupportedOperation: Cairn does not implement sts:AssumeRoot yet. COMPAT.md lists what it does.",
    );
    expect(world.answers.length - before).toBe(1);
  });

  test.each([
    [
      { Action: "NoSuchThing", Version: "2011-06-15" },
      "InvalidAction",
      "Could not find operation NoSuchThing for version 2011-06-15",
    ],
    [{ Version: "2011-06-15" }, "InvalidAction", "The request must contain the parameter Action."],
  ])("%o is refused in STS's XML", async (query, code, message) => {
    const answer = await send(world, { service: "sts", method: "GET", query });
    expect(answer.status).toBe(400);
    expect(answer.text).toBe(
      `<ErrorResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><Error><Type>Sender</Type><Code>${code}</Code><Message>${message}</Message></Error><RequestId>${answer.requestId}</RequestId></ErrorResponse>`,
    );
  });
});

describe("authentication", () => {
  test("refusals have the names that SDKs know, in each protocol", async () => {
    const key = world.root;
    const wrongSecret = { ...key, secretAccessKey: "wrong" };
    const noKey = { accessKeyId: "AKIAAAAAAAAAAAAAAAAA", secretAccessKey: "x" };
    const lookup = new LookupEventsCommand({});
    const identity = new GetCallerIdentityCommand();
    const mismatch =
      "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and signing method. Consult the service documentation for details.";
    const invalid = "The security token included in the request is invalid.";
    expect(await nameAndMessage(new CloudTrailClient(world.client(wrongSecret)).send(lookup))).toBe(
      `InvalidSignatureException: ${mismatch}`,
    );
    expect(await nameAndMessage(new STSClient(world.client(wrongSecret)).send(identity))).toBe(
      `SignatureDoesNotMatch: ${mismatch}`,
    );
    expect(await nameAndMessage(new CloudTrailClient(world.client(noKey)).send(lookup))).toBe(
      `UnrecognizedClientException: ${invalid}`,
    );
    expect(await nameAndMessage(new STSClient(world.client(noKey)).send(identity))).toBe(
      `InvalidClientTokenId: ${invalid}`,
    );
  });

  test("a disabled key is refused", async () => {
    await world.directory.createUser(accountId, "bob");
    await world.allow("user", "bob", "AWSCloudTrail_ReadOnlyAccess");
    const key = await world.directory.createAccessKey(accountId, "bob");
    const client = new CloudTrailClient(world.client(key));
    expect(await nameAndMessage(client.send(new LookupEventsCommand({})))).toBe("accepted");
    await world.directory.setAccessKeyStatus(accountId, key.accessKeyId, "Inactive");
    expect(await nameAndMessage(client.send(new LookupEventsCommand({})))).toMatch(
      /^UnrecognizedClientException/,
    );
  });

  test("an unsigned request is refused, in the form its client reads", async () => {
    const json = await fetchRaw(world, "POST", "/", {}, { "x-amz-target": lookupTarget }, "{}");
    expect(json).toMatchObject({
      status: 403,
      errorType: "MissingAuthenticationTokenException",
      type: "application/x-amz-json-1.1",
    });
    expect(JSON.parse(json.text)).toEqual({
      __type: "MissingAuthenticationTokenException",
      Message: "Missing Authentication Token",
      message: "Missing Authentication Token",
    });
    const query = await fetchRaw(world, "GET", "/", { Action: "GetCallerIdentity" }, {});
    expect(query).toMatchObject({ status: 403, type: "text/xml" });
    expect(query.text).toContain("<Code>MissingAuthenticationToken</Code>");
  });

  test("a clock five minutes off is refused with both times named", async () => {
    const answer = await lookupRaw("{}", { signingDate: new Date(Date.now() - 301_000) });
    expect(answer).toMatchObject({ status: 403, errorType: "InvalidSignatureException" });
    expect(answer.text).toMatch(
      /Signature expired: \d{8}T\d{6}Z is now earlier than \d{8}T\d{6}Z \(\d{8}T\d{6}Z - 5 min\.\)/,
    );
  });

  test("a body that was changed on its way is refused", async () => {
    const { hostname, port } = new URL(world.url);
    const signer = new SignatureV4({
      service: "cloudtrail",
      region: "eu-central-1",
      credentials: world.root,
      sha256: Sha256,
    });
    const signed = await signer.sign({
      method: "POST",
      protocol: "http:",
      hostname,
      path: "/",
      headers: { host: `${hostname}:${port}`, "x-amz-target": lookupTarget },
      body: "{}",
    });
    const { host: _, ...headers } = signed.headers;
    const answer = await fetchRaw(world, "POST", "/", {}, headers, '{"MaxResults":1}');
    expect(answer).toMatchObject({ status: 403, errorType: "InvalidSignatureException" });
  });

  test("a presigned request is served", async () => {
    const { hostname, port } = new URL(world.url);
    const signer = new SignatureV4({
      service: "sts",
      region: "us-east-1",
      credentials: world.root,
      sha256: Sha256,
    });
    const signed = await signer.presign({
      method: "GET",
      protocol: "http:",
      hostname,
      path: "/",
      query: { Action: "GetCallerIdentity", Version: "2011-06-15" },
      headers: { host: `${hostname}:${port}` },
    });
    const answer = await fetchRaw(world, "GET", "/", signed.query as Record<string, string>, {});
    expect(answer.text).toContain(`<Account>${accountId}</Account>`);
  });

  test.each([
    ["s3", "application/xml", /<Code>NotImplemented<\/Code>/],
    ["ec2", "application/x-amz-json-1.1", /UnknownOperationException.*'ec2'/],
  ])("a service that is not served here (%s) is named", async (service, type, text) => {
    const answer = await send(world, {
      service,
      method: "GET",
      headers: { "x-amz-content-sha256": "UNSIGNED-PAYLOAD" },
    });
    expect(answer.type).toBe(type);
    expect(answer.text).toMatch(text);
  });
});

describe("awsJson", () => {
  test.each([lookupTarget, "CloudTrail_20131101.LookupEvents", "LookupEvents"])(
    "the target %s is understood, with an empty body and with {}",
    async (target) => {
      for (const body of ["", "{}"]) {
        const answer = await lookupRaw(body, { headers: { "x-amz-target": target } });
        expect(answer).toMatchObject({
          status: 200,
          type: "application/x-amz-json-1.1",
          requestId: expect.stringMatching(/^[0-9a-f-]{36}$/),
        });
        expect(JSON.parse(answer.text)).toHaveProperty("Events");
      }
    },
  );

  test.each([
    ["CloudTrail_20131101.NoSuchThing", /no operation 'NoSuchThing'/],
    ["CloudTrail_20131101.constructor", /no operation 'constructor'/],
  ])("the target %s is an UnknownOperationException", async (target, message) => {
    const answer = await lookupRaw("{}", { headers: { "x-amz-target": target } });
    expect(answer).toMatchObject({ status: 404, errorType: "UnknownOperationException" });
    expect(answer.text).toMatch(message);
  });

  test.each([
    ["{", "The request body is not valid JSON in UTF-8."],
    [Buffer.from([0x7b, 0xff, 0x7d]), "The request body is not valid JSON in UTF-8."],
    ["[]", "Start of list found where not expected"],
    ["3", "Expected structure or null"],
    ["null", "Expected a structure, found null"],
    ['{"MaxResults":"5"}', "STRING_VALUE can not be converted to an Integer (at MaxResults)"],
    ['{"MaxResults":1.5}', "DECIMAL_VALUE can not be converted to an Integer (at MaxResults)"],
    [
      '{"MaxResults":4294967296}',
      "NUMBER_VALUE can not be converted to an Integer (at MaxResults)",
    ],
    ['{"MaxResults":{}}', "Start of structure or map found where not expected. (at MaxResults)"],
    ['{"NextToken":5}', "NUMBER_VALUE can not be converted to a String (at NextToken)"],
    [
      '{"StartTime":"yesterday"}',
      "STRING_VALUE can not be converted to a Timestamp (at StartTime)",
    ],
    ['{"StartTime":true}', "TRUE_VALUE can not be converted to a Timestamp (at StartTime)"],
    [
      '{"LookupAttributes":{}}',
      "Start of structure or map found where not expected. (at LookupAttributes)",
    ],
    ['{"LookupAttributes":"x"}', "Expected list or null (at LookupAttributes)"],
    ['{"LookupAttributes":["x"]}', "Expected structure or null (at LookupAttributes[0])"],
  ])("%s is a SerializationException that says where", async (body, message) => {
    const answer = await lookupRaw(body);
    expect(answer).toMatchObject({ status: 400, errorType: "SerializationException" });
    expect(JSON.parse(answer.text)).toEqual({
      __type: "SerializationException",
      Message: message,
      message,
    });
  });

  test("members that the model does not know, and nulls, are ignored", async () => {
    const answer = await lookupRaw('{"Unknown":{"deep":[1]},"MaxResults":null,"__proto__":5}');
    expect(answer.status).toBe(200);
  });

  test("a body over 1 MiB is refused with 413", async () => {
    const answer = await lookupRaw(`{"NextToken":"${"x".repeat(1024 * 1024)}"}`);
    expect(answer).toMatchObject({ status: 413, errorType: "RequestEntityTooLargeException" });
  });

  test("whatever the body, there is an answer, and it is no server error", async () => {
    const members = fc.constantFrom(
      "LookupAttributes",
      "StartTime",
      "EndTime",
      "EventCategory",
      "MaxResults",
      "NextToken",
      "AttributeKey",
      "__proto__",
    );
    const anything = fc.anything({ key: members, maxDepth: 4, withNullPrototype: false });
    const body = fc.oneof(
      fc.json(),
      fc.dictionary(members, anything).map((value) => JSON.stringify(value)),
      fc.string(),
    );
    await fc.assert(
      fc.asyncProperty(body, async (text) => {
        const answer = await lookupRaw(text);
        expect([200, 400]).toContain(answer.status);
        expect(answer.requestId).not.toBeNull();
      }),
      { numRuns: 150 },
    );
  });
});

const ask = (input: LookupEventsCommandInput, client = new CloudTrailClient(world.client())) =>
  client.send(new LookupEventsCommand(input));

describe("LookupEvents", () => {
  test("shows a call a moment after it was answered, with every member of the event", async () => {
    const client = new CloudTrailClient({ ...world.client(), region: "ap-south-1" });
    const sts = new STSClient({ ...world.client(), region: "ap-south-1" });
    const { $metadata } = await sts.send(new GetCallerIdentityCommand());
    await world.events();
    const { Events = [] } = await ask(
      { LookupAttributes: [{ AttributeKey: "EventName", AttributeValue: "GetCallerIdentity" }] },
      client,
    );
    expect(Events).toHaveLength(1);
    const [event] = Events as [Event];
    const record = JSON.parse(event.CloudTrailEvent ?? "") as Record<string, unknown>;
    expect(event).toMatchObject({
      EventId: record.eventID,
      EventName: "GetCallerIdentity",
      ReadOnly: "true",
      AccessKeyId: world.root.accessKeyId,
      EventSource: "sts.amazonaws.com",
      Username: "root",
      Resources: [],
    });
    expect(event.EventTime?.toISOString()).toBe(String(record.eventTime).replace("Z", ".000Z"));
    expect(record).toEqual({
      eventVersion: expect.stringMatching(/^1\./),
      userIdentity: {
        type: "Root",
        principalId: accountId,
        arn: `arn:aws:iam::${accountId}:root`,
        accountId,
        accessKeyId: world.root.accessKeyId,
      },
      eventTime: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/),
      eventSource: "sts.amazonaws.com",
      eventName: "GetCallerIdentity",
      awsRegion: "ap-south-1",
      sourceIPAddress: "127.0.0.1",
      userAgent: expect.stringContaining("aws-sdk-js/"),
      requestParameters: null,
      responseElements: null,
      requestID: $metadata.requestId,
      eventID: expect.stringMatching(/^[0-9a-f-]{36}$/),
      readOnly: true,
      eventType: "AwsApiCall",
      managementEvent: true,
      recipientAccountId: accountId,
      eventCategory: "Management",
    });
  });

  test("members of an event stand in the order of the real service", async () => {
    // Of a root user's call: one by nobody known has no user name.
    const attributes = '[{"AttributeKey":"Username","AttributeValue":"root"}]';
    const answer = await lookupRaw(`{"LookupAttributes":${attributes},"MaxResults":1}`);
    const { Events } = JSON.parse(answer.text) as { Events: Record<string, unknown>[] };
    expect(Object.keys(Events[0] ?? {})).toEqual([
      "EventId",
      "EventName",
      "ReadOnly",
      "AccessKeyId",
      "EventTime",
      "EventSource",
      "Username",
      "Resources",
      "CloudTrailEvent",
    ]);
  });

  test("its own calls are recorded with their parameters, successes and failures", async () => {
    const client = new CloudTrailClient({ ...world.client(), region: "sa-east-1" });
    await ask(
      { LookupAttributes: [{ AttributeKey: "EventName", AttributeValue: "X" }], MaxResults: 7 },
      client,
    );
    await nameAndMessage(ask({ MaxResults: 51 }, client));
    await nameAndMessage(client.send(new CreateTrailCommand({ Name: "t", S3BucketName: "b" })));
    const [good, bad, notYet] = (await world.events()).filter(
      (event) => event.awsRegion === "sa-east-1",
    );
    expect(good).toMatchObject({
      eventSource: "cloudtrail.amazonaws.com",
      eventName: "LookupEvents",
      readOnly: true,
      requestParameters: {
        lookupAttributes: [{ attributeKey: "EventName", attributeValue: "X" }],
        maxResults: 7,
      },
      responseElements: null,
    });
    expect(good).not.toHaveProperty("errorCode");
    expect(bad).toMatchObject({
      eventName: "LookupEvents",
      errorCode: "InvalidMaxResultsException",
      errorMessage: expect.stringContaining("less than or equal to 50"),
      requestParameters: { maxResults: 51 },
    });
    expect(notYet).toMatchObject({
      eventName: "CreateTrail",
      readOnly: false,
      errorCode: "UnsupportedOperationException",
      requestParameters: { name: "t", s3BucketName: "b" },
      responseElements: null,
    });
  });

  test("a call with a known key and a wrong signature is recorded as nobody's; a stranger's is not recorded", async () => {
    const region = "af-south-1";
    const wrong = { ...world.root, secretAccessKey: "wrong" };
    await lookupRaw('{"MaxResults":5}', { region, credentials: wrong });
    await lookupRaw("{}", {
      region,
      credentials: { accessKeyId: "AKIAAAAAAAAAAAAAAAAA", secretAccessKey: "x" },
    });
    const recorded = (await world.events()).filter((event) => event.awsRegion === region);
    expect(recorded).toHaveLength(1);
    expect(recorded[0]).toMatchObject({
      userIdentity: { type: "Unknown", accessKeyId: world.root.accessKeyId },
      errorCode: "InvalidSignatureException",
      requestParameters: null,
      recipientAccountId: accountId,
    });
  });

  test.each<[LookupEventsCommandInput, RegExp]>([
    [
      { MaxResults: 51 },
      /^InvalidMaxResultsException: 1 validation error detected: Value '51' at 'maxResults' failed to satisfy constraint: Member must have value less than or equal to 50$/,
    ],
    [{ MaxResults: 0 }, /^InvalidMaxResultsException: .*greater than or equal to 1$/],
    [
      { EventCategory: "management" as "insight" },
      /^InvalidEventCategoryException: .*enum value set: \[insight\]$/,
    ],
    [
      { LookupAttributes: [{ AttributeKey: "Nonsense" as "EventId", AttributeValue: "x" }] },
      /^InvalidLookupAttributesException: 1 validation error detected: Value 'Nonsense' at 'lookupAttributes.1.member.attributeKey' failed/,
    ],
    [
      { LookupAttributes: [{ AttributeKey: "EventName", AttributeValue: "" }] },
      /^InvalidLookupAttributesException/,
    ],
    [
      {
        LookupAttributes: [
          { AttributeKey: "EventName" } as { AttributeKey: "EventName"; AttributeValue: string },
        ],
      },
      /^InvalidLookupAttributesException: .*Value null at 'lookupAttributes.1.member.attributeValue' failed to satisfy constraint: Member must not be null/,
    ],
    [
      { LookupAttributes: [{ AttributeKey: "EventName", AttributeValue: "_".repeat(1001) }] },
      /^InvalidLookupAttributesException: .*not 2002$/,
    ],
    [
      { LookupAttributes: [{ AttributeKey: "ReadOnly", AttributeValue: "yes" }] },
      /^InvalidLookupAttributesException/,
    ],
    [
      {
        EventCategory: "insight",
        LookupAttributes: [{ AttributeKey: "Username", AttributeValue: "x" }],
      },
      /^InvalidLookupAttributesException/,
    ],
    [{ StartTime: new Date(2000), EndTime: new Date(1000) }, /^InvalidTimeRangeException/],
    [{ StartTime: new Date(Date.UTC(10_000, 0, 1)) }, /^InvalidTimeRangeException/],
    [{ NextToken: "forged" }, /^InvalidNextTokenException/],
  ])("%o", async (input, expected) => {
    expect(await nameAndMessage(ask(input))).toMatch(expected);
  });

  test("times may be numbers with a fraction or ISO 8601 texts", async () => {
    for (const body of [
      '{"StartTime":1424476529.5}',
      '{"StartTime":"2026-01-01T00:00:00Z"}',
      '{"EndTime":"2026-01-01"}',
      '{"EndTime":"2026-01-01T00:00:00.123+02:00"}',
    ]) {
      expect((await lookupRaw(body)).status).toBe(200);
    }
  });

  test("insight events are found by their own category only", async () => {
    const insight = {
      eventVersion: "1.07",
      eventTime: `${new Date().toISOString().slice(0, 19)}Z`,
      awsRegion: "eu-central-1",
      eventID: "7b4fdb5e-1d3a-4b2c-8f6e-0123456789ab",
      eventType: "AwsCloudTrailInsight",
      recipientAccountId: accountId,
      eventCategory: "Insight",
      insightDetails: {
        state: "Start",
        eventSource: "iam.amazonaws.com",
        eventName: "CreateUser",
        insightType: "ApiCallRateInsight",
      },
    };
    await world.ingest.record(Buffer.from(JSON.stringify(insight)), accountId);
    await world.events();
    const LookupAttributes = [
      { AttributeKey: "EventId" as const, AttributeValue: insight.eventID },
    ];
    expect((await ask({ EventCategory: "insight", LookupAttributes })).Events).toMatchObject([
      { EventId: insight.eventID },
    ]);
    expect((await ask({ LookupAttributes })).Events).toEqual([]);
  });

  test("the SDK's paginator sees each event that was there at its first page once, while others are written", async () => {
    const region = "me-south-1";
    const client = new CloudTrailClient({ ...world.client(), region });
    const sts = new STSClient({ ...world.client(), region });
    const before = new Set<string | undefined>();
    for (let n = 0; n < 25; n += 1) {
      const { $metadata } = await sts.send(new GetCallerIdentityCommand());
      before.add($metadata.requestId);
    }
    await world.events();
    const seen: unknown[] = [];
    for await (const page of paginateLookupEvents({ client, pageSize: 4 }, {})) {
      for (const event of page.Events ?? []) {
        seen.push((JSON.parse(event.CloudTrailEvent ?? "") as Record<string, unknown>).requestID);
      }
      await sts.send(new GetCallerIdentityCommand());
      await world.events();
    }
    expect(new Set(seen).size).toBe(seen.length);
    expect(new Set(seen)).toEqual(before);
  });
});

const open = (operations: unknown) =>
  openDoorWorld({ door: { operations: operations as [] } }).then((opened) =>
    opened[Symbol.asyncDispose](),
  );
describe("the door itself", () => {
  test("throttling answers as AWS does, when it is on", async () => {
    await using limited = await openDoorWorld({ lookupTps: 2 });
    const client = new CloudTrailClient(limited.client());
    const outcomes = [];
    for (let n = 0; n < 6; n += 1) {
      outcomes.push(await nameAndMessage(client.send(new LookupEventsCommand({}))));
    }
    expect(outcomes.slice(0, 2)).toEqual(["accepted", "accepted"]);
    expect(outcomes).toContain("ThrottlingException: Rate exceeded");
  });

  test("a bug of ours is an InternalFailure with a request id, and the log has the rest", async () => {
    const lines: string[] = [];
    const log = makeLog("info", { write: (line: string) => void lines.push(line) });
    const lookup = { lookup: () => Promise.reject(new Error("a secret detail")) };
    await using broken = await openDoorWorld({ log, rooms: { lookup } });
    const answer = await lookupRaw("{}", {}, broken);
    expect(answer).toMatchObject({ status: 500, errorType: "InternalFailure" });
    expect(answer.text).not.toContain("secret detail");
    expect(lines.join("")).toContain("a secret detail");
    expect(lines.join("")).toContain(answer.requestId);
  });

  test("a world's failure is ServiceUnavailable, which SDKs retry", async () => {
    const lookup = {
      lookup: () => Promise.reject(new CairnError("StoreUnavailable", "the store is away")),
    };
    await using broken = await openDoorWorld({ rooms: { lookup } });
    const client = new CloudTrailClient({ ...broken.client(), maxAttempts: 2 });
    expect(await nameAndMessage(client.send(new LookupEventsCommand({})))).toBe(
      "ServiceUnavailable: the store is away",
    );
    expect(broken.answers).toHaveLength(2);
  });

  test("a call that cannot be recorded is still answered, and the log says so", async () => {
    const lines: string[] = [];
    const log = makeLog("info", { write: (line: string) => void lines.push(line) });
    const ingest = {
      record: () => Promise.reject(new CairnError("JournalFull", "the disk is full")),
    };
    await using full = await openDoorWorld({ door: { ingest, log } });
    expect((await lookupRaw("{}", {}, full)).status).toBe(200);
    expect(lines.join("")).toContain("the disk is full");
  });

  test("it does not open when a row of its table has no model, no function, or a twin", async () => {
    const row = {
      service: "cloudtrail",
      name: "CreateTrail",
      permission: "none",
      run: () => Promise.resolve({}),
    };
    await expect(open([{ ...row, name: "NoSuchThing" }])).rejects.toThrow(
      /cloudtrail:NoSuchThing of the operation table has a model/,
    );
    await expect(open([{ ...row, run: undefined }])).rejects.toThrow(/has a function/);
    await expect(open([row, row])).rejects.toThrow(/stands once/);
    await expect(open([{ ...row, permission: undefined }])).rejects.toThrow(
      /what its caller needs/,
    );
    // Without a signature there is nobody to ask about.
    const { run, ...rest } = row;
    const unsigned = { ...rest, runUnsigned: run };
    await expect(open([unsigned])).rejects.toThrow(/what its caller needs/);
    const noModel = { service: (id: string) => (id === "sns" ? undefined : models.service(id)) };
    await expect(openDoorWorld({ door: { catalog: noModel } })).rejects.toThrow(/a model of sns/);
  });

  test("a body in signed chunks is decoded, and refused when a chunk is not what was signed", async () => {
    const clock = new TestClock(Date.now());
    await using chunked = await openDoorWorld({ clock });
    const body = '{"MaxResults":1}';
    const region = "eu-central-1";
    const { hostname, port } = new URL(chunked.url);
    const signer = new SignatureV4({
      service: "cloudtrail",
      region,
      credentials: chunked.root,
      sha256: Sha256,
    });
    const signingDate = new Date(clock.nowMs());
    const signed = await signer.sign(
      {
        method: "POST",
        protocol: "http:",
        hostname,
        path: "/",
        headers: {
          host: `${hostname}:${port}`,
          "x-amz-target": lookupTarget,
          "x-amz-content-sha256": "STREAMING-AWS4-HMAC-SHA256-PAYLOAD",
        },
      },
      { signingDate },
    );
    const { host: _, ...headers } = signed.headers;
    let previous = /Signature=([0-9a-f]{64})/.exec(headers.authorization ?? "")?.[1] ?? "";
    let sent = "";
    for (const chunk of [body, ""]) {
      const date = headers["x-amz-date"] ?? "";
      const text = [
        "AWS4-HMAC-SHA256-PAYLOAD",
        date,
        `${date.slice(0, 8)}/${region}/cloudtrail/aws4_request`,
        previous,
        emptyHash,
        sha256Hex(chunk),
      ].join("\n");
      previous = await signer.sign(text, { signingDate });
      sent += `${chunk.length.toString(16)};chunk-signature=${previous}\r\n${chunk}\r\n`;
    }
    const good = await fetchRaw(chunked, "POST", "/", {}, headers, sent);
    expect(good.status).toBe(200);
    expect(await chunked.events()).toMatchObject([{ requestParameters: { maxResults: 1 } }]);
    const changed = await fetchRaw(chunked, "POST", "/", {}, headers, sent.replace(":1}", ":2}"));
    expect(changed).toMatchObject({ status: 403, errorType: "InvalidSignatureException" });
  });
});
