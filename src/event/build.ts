// Builds the JSON of an event that one of our own doors records.
import type { JsonObject, JsonValue } from "./json.ts";
import { recordBytes } from "./size.ts";

/** The members, by their own names; undefined ones are left out of the record. */
export interface EventFacts {
  eventTimeMs: number;
  userIdentity: JsonObject;
  eventSource: string;
  eventName: string;
  awsRegion: string;
  sourceIPAddress: string;
  userAgent?: string | undefined;
  errorCode?: string | undefined;
  errorMessage?: string | undefined;
  requestParameters: JsonObject | null;
  responseElements: JsonObject | null;
  additionalEventData?: JsonObject | undefined;
  requestID: string;
  eventID: string;
  readOnly: boolean;
  resources?: JsonObject[] | undefined;
  eventType?: "AwsApiCall" | "AwsServiceEvent" | undefined;
  apiVersion?: string | undefined;
  managementEvent: boolean;
  recipientAccountId: string;
  sharedEventID?: string | undefined;
  eventCategory: "Management" | "Data";
  tlsDetails?: JsonObject | undefined;
}

/** The newest documented version whose members these events use. */
const eventVersion = "1.11";

/** The event in its final form: within the size rules, one line of UTF-8. What `Ingest.record` and `enqueue` take. */
export function eventBytes(facts: EventFacts): Buffer {
  return recordBytes(buildEvent(facts));
}

/** The record in the member order that the real service writes, before any size rule; undefined members are none. */
export function buildEvent(facts: EventFacts): Record<string, JsonValue | undefined> {
  return {
    eventVersion,
    userIdentity: facts.userIdentity,
    eventTime: `${new Date(facts.eventTimeMs).toISOString().slice(0, 19)}Z`,
    eventSource: facts.eventSource,
    eventName: facts.eventName,
    awsRegion: facts.awsRegion,
    sourceIPAddress: facts.sourceIPAddress,
    userAgent: facts.userAgent,
    errorCode: facts.errorCode,
    errorMessage: facts.errorMessage,
    requestParameters: facts.requestParameters,
    responseElements: facts.responseElements,
    additionalEventData: facts.additionalEventData,
    requestID: facts.requestID,
    eventID: facts.eventID,
    readOnly: facts.readOnly,
    resources: facts.resources,
    eventType: facts.eventType ?? "AwsApiCall",
    apiVersion: facts.apiVersion,
    managementEvent: facts.managementEvent,
    recipientAccountId: facts.recipientAccountId,
    sharedEventID: facts.sharedEventID,
    eventCategory: facts.eventCategory,
    tlsDetails: facts.tlsDetails,
  };
}
