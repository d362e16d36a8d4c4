// Every call that the AWS door serves is itself an event: built here, the same way as a call seen at the gateway.
import type { Clock } from "../base/clock.ts";
import type { Log } from "../base/log.ts";
import type { Random } from "../base/random.ts";
import type { ObservedCall } from "../catalog/call.ts";
import { describeCall } from "../catalog/describe.ts";
import { buildEvent } from "../event/build.ts";
import { recordBytes } from "../event/size.ts";
import { type Caller, userIdentity } from "../event/user-identity.ts";
import type { Ingest } from "../ingest/ingest.ts";
import type { AwsRequest, AwsResponse } from "./request.ts";
import type { Route } from "./route.ts";

export interface ServedCall {
  request: AwsRequest;
  response: AwsResponse;
  requestId: string;
  route: Route;
  /** Whose event it is. */
  accountId: string;
  region: string;
  /** `unknown` where the signature did not hold: the key it names proves nothing about who called. */
  caller: Caller;
}

export interface RecordCallOptions {
  ingest: Pick<Ingest, "record">;
  clock: Clock;
  random: Random;
  log: Log;
}

/**
 * Resolves when the event is durable, so that whoever has the answer can rely on the record. When it cannot be
 * recorded the answer still goes out, and the log says so: what was done is done, and reading must work on a full disk.
 */
export async function recordCall(served: ServedCall, options: RecordCallOptions): Promise<void> {
  const { route, request, response, requestId, accountId, region, caller } = served;
  const { service, operationName, operation } = route;
  // Not an operation of the API: CloudTrail records none such either.
  if (service === undefined || operationName === undefined || operation === undefined) return;
  const { log } = options;
  try {
    const described = describeCall(
      { service, operationName, operation, labels: {}, protocol: service.protocol },
      observed(request, response),
      { region, accountId },
    );
    if (!described.recorded) return;
    const record = buildEvent({
      eventTimeMs: options.clock.nowMs(),
      userIdentity: userIdentity(caller),
      eventSource: described.eventSource,
      eventName: described.eventName,
      awsRegion: region,
      sourceIPAddress: request.remoteAddress,
      userAgent: request.headers["user-agent"],
      errorCode: described.errorCode,
      errorMessage: described.errorMessage,
      // What an unproved caller sent is not shown as anyone's request.
      requestParameters: caller.kind === "unknown" ? null : described.requestParameters,
      responseElements: described.responseElements,
      additionalEventData: described.additionalEventData,
      requestID: requestId,
      eventID: options.random.uuid(),
      readOnly: described.readOnly,
      resources: described.resources?.map((each) => ({ ...each })),
      apiVersion: described.apiVersion,
      managementEvent: described.managementEvent,
      recipientAccountId: accountId,
      eventCategory: described.eventCategory,
    });
    await options.ingest.record(recordBytes(record), accountId);
  } catch (error) {
    log.error({ err: error, requestId, operationName }, "a served call could not be recorded");
  }
}

function observed(request: AwsRequest, response: AwsResponse): ObservedCall {
  const { method, path, query, headers, body } = request;
  const answer = { status: response.status, headers: response.headers };
  return {
    method,
    path,
    query,
    headers,
    body,
    response: { ...answer, body: Buffer.from(response.body) },
  };
}
