// cloudtrail:LookupEvents on the wire; what it means is in lookup/lookup-events.ts.
import type { JsonObject, JsonValue } from "../../../event/json.ts";
import { type ShownColumns, shownColumns } from "../../../event/read.ts";
import type { FoundEvent } from "../../../event/row.ts";
import type { LookupRequest } from "../../../lookup/lookup-events.ts";
import type { OperationCall, OperationRow } from "../../operation.ts";
import { onNoResource } from "../../permission.ts";

export const lookupEvents: OperationRow = {
  service: "cloudtrail",
  name: "LookupEvents",
  permission: onNoResource,
  run: runLookupEvents,
  violations: {
    LookupAttributes: "InvalidLookupAttributes",
    MaxResults: "InvalidMaxResults",
    EventCategory: "InvalidEventCategory",
    NextToken: "InvalidNextToken",
  },
  differences: [
    "Several LookupAttributes are AND-ed (at most 10). AWS documents at most one and applies only the first.",
    "There is no limit of 2 requests per second unless `--lookup-tps` sets one.",
    "An event is found about a second after its call was answered, not after minutes.",
    "A NextToken is good for 24 hours; MaxResults may change between pages.",
  ],
};

async function runLookupEvents(call: OperationCall): Promise<JsonObject> {
  const { caller, region } = call.authenticated;
  const request = readRequest(call.input, caller.accountId, region);
  const page = await call.rooms.lookup.lookup(request);
  return {
    Events: page.events.map(wireEvent),
    ...(page.nextToken === undefined ? {} : { NextToken: page.nextToken }),
  };
}

/** The input has been validated: each member is of its type or absent. */
function readRequest(input: JsonObject, accountId: string, region: string): LookupRequest {
  const attributes = (input.LookupAttributes ?? []) as {
    AttributeKey: string;
    AttributeValue: string;
  }[];
  const { StartTime, EndTime, EventCategory, MaxResults, NextToken } = input as {
    StartTime?: number;
    EndTime?: number;
    EventCategory?: string;
    MaxResults?: number;
    NextToken?: string;
  };
  return {
    accountId,
    region,
    attributes: attributes.map((each) => ({
      key: each.AttributeKey,
      value: each.AttributeValue,
    })),
    ...(StartTime === undefined ? {} : { fromMs: StartTime }),
    ...(EndTime === undefined ? {} : { toMs: EndTime }),
    ...(EventCategory === undefined ? {} : { category: EventCategory }),
    ...(MaxResults === undefined ? {} : { resultsMax: MaxResults }),
    ...(NextToken === undefined ? {} : { nextToken: NextToken }),
  };
}

/** Members in the order that the real service writes; those that the event does not have are left out. */
function wireEvent(event: FoundEvent): JsonObject {
  const columns = shownColumns(event);
  const members: [string, JsonValue][] = [
    ["EventId", event.eventId],
    ["EventName", columns.eventName],
    ["ReadOnly", columns.readOnly],
    ["AccessKeyId", columns.accessKeyId],
    ["EventTime", event.eventTimeMs / 1000],
    ["EventSource", columns.eventSource],
    ["Username", columns.userName],
    ["Resources", resources(columns)],
    ["CloudTrailEvent", event.raw.toString("utf8")],
  ];
  return Object.fromEntries(members.filter(([, value]) => value !== ""));
}

function resources(columns: ShownColumns): JsonObject[] {
  return columns.lookupResourceNames.map((name, index) => {
    const type = columns.lookupResourceTypes[index] ?? "";
    return { ...(type === "" ? {} : { ResourceType: type }), ResourceName: name };
  });
}
