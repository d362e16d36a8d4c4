// Every call that the AWS door serves is itself an event: built here, the same way as a call seen at the gateway.
import type { Clock } from "../base/clock.ts";
import type { Log } from "../base/log.ts";
import type { Random } from "../base/random.ts";
import type { DescribedCall, ObservedCall } from "../catalog/call.ts";
import { describeCall } from "../catalog/describe.ts";
import { buildEvent } from "../event/build.ts";
import { recordBytes } from "../event/size.ts";
import { asOtherAccount, type Caller, isVerified, userIdentity } from "../event/user-identity.ts";
import type { Ingest } from "../ingest/ingest.ts";
import type { CallRecord } from "./operation.ts";
import type { AwsRequest, AwsResponse } from "./request.ts";
import type { Route } from "./route.ts";

export interface ServedCall {
  request: AwsRequest;
  response: AwsResponse;
  requestId: string;
  route: Route;
  /** What the operation knows beyond what the wire shows. */
  record: CallRecord;
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
  const { route, request, response, requestId, accountId, region } = served;
  const { service, operationName, operation } = route;
  // Not an operation of the API: CloudTrail records none such either.
  if (service === undefined || operationName === undefined || operation === undefined) return;
  const { log, clock, random } = options;
  try {
    const described = describeCall(
      { service, operationName, operation, labels: {}, protocol: service.protocol },
      observed(request, response),
      { region, accountId },
    );
    if (!described.recorded) return;
    const copies = copiesOf(served, described.errorCode === undefined);
    const sharedEventID = copies.isShared ? random.uuid() : undefined;
    const eventTimeMs = clock.nowMs();
    await Promise.all(
      copies.all.map(({ caller, recipient }) => {
        const record = buildEvent({
          ...factsOf(served, described, caller),
          eventTimeMs,
          requestID: requestId,
          eventID: random.uuid(),
          recipientAccountId: recipient,
          sharedEventID,
        });
        return options.ingest.record(recordBytes(record), recipient);
      }),
    );
  } catch (error) {
    log.error({ err: error, requestId, operationName }, "a served call could not be recorded");
  }
}

interface Copy {
  caller: Caller;
  recipient: string;
}

/**
 * One event for the account that called; another for the account whose thing was used, which learns no names of the
 * other's. Of a service's call only the account that it was for has a copy, as if the service had another.
 */
function copiesOf(
  { caller, accountId, record }: ServedCall,
  succeeded: boolean,
): { all: Copy[]; isShared: boolean } {
  const own = { caller, recipient: accountId };
  const owner = record.ownerAccountId;
  if (owner === undefined || !succeeded || !isVerified(caller)) {
    return { all: [own], isShared: false };
  }
  const theirs = { caller: asOtherAccount(caller), recipient: owner };
  if (caller.kind === "service") return { all: [theirs], isShared: true };
  return owner === accountId
    ? { all: [own], isShared: false }
    : { all: [own, theirs], isShared: true };
}

function factsOf(
  { request, record, region }: ServedCall,
  described: DescribedCall,
  caller: Caller,
) {
  const service = "invokedBy" in caller ? caller.invokedBy : undefined;
  const requestParameters = { ...described.requestParameters, ...record.requestParameters };
  // What an unproved caller sent is not shown as anyone's request; nor, observed in public records, what was denied.
  const isShown =
    caller.kind !== "unknown" &&
    described.errorCode !== "AccessDenied" &&
    Object.keys(requestParameters).length > 0;
  return {
    userIdentity: userIdentity(caller),
    eventSource: described.eventSource,
    eventName: described.eventName,
    awsRegion: region,
    // A service's address and program are its own business: the record has its name.
    sourceIPAddress: service ?? request.remoteAddress,
    userAgent: service ?? request.headers["user-agent"],
    errorCode: described.errorCode,
    errorMessage: described.errorMessage,
    requestParameters: isShown ? requestParameters : null,
    responseElements: described.responseElements,
    additionalEventData: described.additionalEventData,
    readOnly: described.readOnly,
    resources: described.resources?.map((each) => ({ ...each })),
    apiVersion: described.apiVersion,
    managementEvent: described.managementEvent,
    eventCategory: described.eventCategory,
  };
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
