// A call as it was seen on the wire, and what the catalog makes of it.
import type { JsonObject } from "../event/json.ts";

/** What is known before the body: enough to choose an upstream. */
export interface RequestHead {
  method: string;
  /** As sent: still percent-encoded, without the query. */
  path: string;
  /** As sent, without `?`; empty when there is none. */
  query: string;
  /** Lower-case names; repeated headers joined by `, `. */
  headers: Readonly<Record<string, string>>;
  /** The service in the signature's credential scope, when the request is signed. */
  signingName?: string;
}

export interface ObservedCall extends RequestHead {
  /** Undefined: larger than what is read for recording, or not read at all. */
  body?: Buffer;
  /** Undefined: the upstream could not be reached, or the hop failed before its answer. */
  response?: {
    status: number;
    headers: Readonly<Record<string, string>>;
    body?: Buffer;
  };
}

/** What the event says of the call; the members have the event's own names. */
export interface DescribedCall {
  /** False: the service's documents say that this call is not recorded. */
  recorded: boolean;
  /** Why not, when it is not. */
  reason?: string;
  eventSource: string;
  eventName: string;
  apiVersion?: string;
  readOnly: boolean;
  managementEvent: boolean;
  eventCategory: "Management" | "Data";
  requestParameters: JsonObject | null;
  responseElements: JsonObject | null;
  additionalEventData?: JsonObject;
  errorCode?: string;
  errorMessage?: string;
  /** From the response, where it has one. */
  requestID?: string;
  resources?: { ARN: string; type: string; accountId?: string }[];
}
