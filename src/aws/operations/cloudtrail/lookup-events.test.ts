// cloudtrail:LookupEvents: what goes in as the API says it, and what comes out in its order.
import { expect, test } from "vitest";
import type { Authenticated } from "../../../directory/directory.ts";
import type { FoundEvent } from "../../../event/row.ts";
import type { LookupRequest } from "../../../lookup/lookup-events.ts";
import type { OperationCall } from "../../operation.ts";
import { lookupEvents } from "./lookup-events.ts";

const authenticated: Authenticated = {
  caller: { kind: "root", accountId: "111122223333", accessKeyId: "AKIAROOT" },
  region: "eu-west-1",
  signingName: "cloudtrail",
};

const record =
  '{"eventID" : "an-id",\t"eventName":"CreateUser","eventSource":"iam.amazonaws.com","readOnly":false,' +
  '"userIdentity":{"userName":"alice","accessKeyId":"AKIAALICE"},' +
  '"requestParameters":{"userName":"bob"},"n":347.0,"s":"\\ud800"}';
const found: FoundEvent = {
  seq: 1n,
  ownerAccount: "111122223333",
  eventTimeMs: 1_700_000_000_000,
  eventId: "an-id",
  ingestTimeMs: 0,
  variant: false,
  raw: Buffer.from(record),
};

async function run(
  input: Parameters<typeof lookupEvents.run>[0]["input"],
  events: FoundEvent[],
  nextToken?: string,
) {
  const asked: LookupRequest[] = [];
  const lookup = {
    lookup: (request: LookupRequest) => {
      asked.push(request);
      return Promise.resolve({ events, ...(nextToken === undefined ? {} : { nextToken }) });
    },
  };
  const rooms = { lookup };
  const output = await lookupEvents.run({
    input,
    authenticated,
    rooms,
  } as unknown as OperationCall);
  return { asked: asked[0], output };
}

test("every member of the request reaches the lookup, for the caller's account and region", async () => {
  const { asked } = await run(
    {
      LookupAttributes: [{ AttributeKey: "EventName", AttributeValue: "CreateUser" }],
      StartTime: 1000,
      EndTime: 2000,
      EventCategory: "insight",
      MaxResults: 7,
      NextToken: "token",
    },
    [],
  );
  expect(asked).toEqual({
    accountId: "111122223333",
    region: "eu-west-1",
    attributes: [{ key: "EventName", value: "CreateUser" }],
    fromMs: 1000,
    toMs: 2000,
    category: "insight",
    resultsMax: 7,
    nextToken: "token",
  });
  expect((await run({}, [])).asked).toEqual({
    accountId: "111122223333",
    region: "eu-west-1",
    attributes: [],
  });
});

test("an event is shown in the real service's order, its record byte for byte", async () => {
  const { output } = await run({}, [found], "next");
  expect(JSON.stringify(output)).toBe(
    JSON.stringify({
      Events: [
        {
          EventId: "an-id",
          EventName: "CreateUser",
          ReadOnly: "false",
          AccessKeyId: "AKIAALICE",
          EventTime: 1_700_000_000,
          EventSource: "iam.amazonaws.com",
          Username: "alice",
          Resources: [{ ResourceType: "AWS::IAM::User", ResourceName: "bob" }],
          CloudTrailEvent: record,
        },
      ],
      NextToken: "next",
    }),
  );
});

test("members that the event does not have are left out", async () => {
  const bare = { ...found, raw: Buffer.from('{"eventName":"A","eventSource":"b"}') };
  const { output } = await run({}, [bare]);
  const [event] = output.Events as object[];
  expect(Object.keys(event ?? {})).toEqual([
    "EventId",
    "EventName",
    "EventTime",
    "EventSource",
    "Resources",
    "CloudTrailEvent",
  ]);
  expect(output).not.toHaveProperty("NextToken");
});
