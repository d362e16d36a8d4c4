// What the event API changes is itself on record: who made, disabled or deleted which user or key, and who tried.
//
// The events are the ones that IAM's own calls would leave, so that whoever watches for CreateAccessKey sees these too.
import type { FastifyRequest } from "fastify";
import type { Clock } from "../base/clock.ts";
import { isCairnError } from "../base/errors.ts";
import type { Log } from "../base/log.ts";
import type { Random } from "../base/random.ts";
import { eventBytes } from "../event/build.ts";
import type { JsonObject } from "../event/json.ts";
import { userIdentity } from "../event/user-identity.ts";
import type { Ingest } from "../ingest/ingest.ts";
import type { Admitted } from "./admit.ts";
import { httpRequest } from "./http-request.ts";

export interface Change {
  eventSource: string;
  eventName: string;
  requestParameters: JsonObject | null;
  /** Left out: it changes something. */
  readOnly?: boolean;
}

type Sender = Pick<Admitted, "caller" | "region">;

export interface AdministrationOptions {
  ingest: Pick<Ingest, "record">;
  clock: Clock;
  random: Random;
  log: Log;
  trustProxy: boolean;
}

export type Administer = <T>(
  request: FastifyRequest,
  admitted: Admitted,
  change: Change,
  run: () => Promise<T>,
  /** What the event shows of the outcome: never a secret. */
  shown?: (outcome: T) => JsonObject,
) => Promise<T>;

/** Runs a change and records it, also when it fails. Resolves when the event is durable. */
export function createAdminister(options: AdministrationOptions): Administer {
  return async (request, admitted, change, run, shown) => {
    const record = (outcome: { responseElements: JsonObject | null; error?: unknown }) =>
      recordAnswer(options, request, admitted, change, outcome);
    try {
      const outcome = await run();
      await record({ responseElements: shown?.(outcome) ?? null });
      return outcome;
    } catch (error) {
      await record({ responseElements: null, error });
      throw error;
    }
  };
}

/** Resolves when the event is durable. */
export async function recordAnswer(
  options: AdministrationOptions,
  request: FastifyRequest,
  { caller, region }: Sender,
  change: Change,
  outcome: { responseElements: JsonObject | null; error?: unknown },
): Promise<void> {
  const { error } = outcome;
  const { remoteAddress, headers } = httpRequest(request.raw, Buffer.alloc(0), options.trustProxy);
  const event = eventBytes({
    eventTimeMs: options.clock.nowMs(),
    userIdentity: userIdentity(caller),
    eventSource: change.eventSource,
    eventName: change.eventName,
    awsRegion: region,
    sourceIPAddress: remoteAddress,
    userAgent: headers["user-agent"],
    ...(error === undefined
      ? {}
      : {
          errorCode: recordedCode(error),
          errorMessage: isCairnError(error) ? error.message : undefined,
        }),
    requestParameters: change.requestParameters,
    responseElements: outcome.responseElements,
    requestID: request.id,
    eventID: options.random.uuid(),
    readOnly: change.readOnly ?? false,
    managementEvent: true,
    recipientAccountId: caller.accountId,
    eventCategory: "Management",
  });
  try {
    await options.ingest.record(event, caller.accountId);
  } catch (cause) {
    // What was done is done, and its answer must go out; the log is then the only witness.
    options.log.error(
      { err: cause, eventName: change.eventName },
      "a change could not be recorded",
    );
  }
}

/** As IAM's own failures stand in real records: `EntityAlreadyExistsException`. */
function recordedCode(error: unknown): string {
  if (!isCairnError(error)) return "InternalFailure";
  if (error.code === "AccessDenied") return error.code;
  return error.code === "ValidationFailed" ? "ValidationError" : `${error.code}Exception`;
}
