// Makes the event of a finished call: who called, which operation, with what outcome. On whichever thread.
//
// Nothing that fails here may reach the forwarding: `eventOf` is the one place where exceptions of the catalog's
// readers end. A call whose parameters cannot be read is still recorded, without them.
import { clientAddress } from "../base/client-address.ts";
import type { Random } from "../base/random.ts";
import type { DescribedCall, ObservedCall, RequestHead } from "../catalog/call.ts";
import type { describeCall, RecognisedCall } from "../catalog/describe.ts";
import { regionOfHost } from "../catalog/host-name.ts";
import type { Place } from "../catalog/profile-resources.ts";
import { eventBytes } from "../event/build.ts";
import {
  type Caller,
  isVerified,
  userIdentity,
  type VerifiedCaller,
  type WebIdentityCaller,
} from "../event/user-identity.ts";
import { sha256Hex } from "../signature/verify-signature.ts";
import type { CallHead } from "./call-head.ts";
import { callerOf, type Signer } from "./caller.ts";
import type { CatalogReader } from "./catalog-reader.ts";
import type { FinishedCall } from "./finished-call.ts";
import { joinHeaders } from "./headers.ts";

/** What a thread that makes events must be told; the same for every call. */
export interface RecordingDefaults {
  /** For calls that carry none. */
  region: string;
  accountId: string;
  /** `X-Forwarded-For` is believed. */
  trustProxy: boolean;
}

/** A key was used: by whom, and for what its signature is. */
export interface KeyUse {
  caller: VerifiedCaller;
  region: string;
  service: string;
}

export interface EventMakerOptions extends RecordingDefaults {
  catalog: Pick<CatalogReader, "identify">;
  describe: typeof describeCall;
  random: Random;
  /** Told of failures of our own; the call goes on without what failed. */
  onProblem: (error: unknown, message: string) => void;
  /** Told of each recognised call whose signature holds. */
  onUse: (use: KeyUse) => void;
}

export interface MadeEvent {
  bytes: Buffer;
  ownerAccount: string;
}

/** No service or operation of the catalog fits; or the service's documents say that such calls are not recorded. */
export type NoEvent = "unrecognised" | "notRecorded";

export class EventMaker {
  readonly #options: EventMakerOptions;

  constructor(options: EventMakerOptions) {
    this.#options = options;
  }

  /** `head` is the call's, `signer` what the directory knew of its key when it came in. */
  eventOf(call: FinishedCall, head: CallHead, signer: Signer | undefined): MadeEvent | NoEvent {
    const { catalog, describe, onProblem, onUse } = this.#options;
    const { requestBody } = call;
    const { requestHead } = head;
    let identified: RecognisedCall | undefined;
    try {
      identified = catalog.identify(requestHead, requestBody);
    } catch (error) {
      onProblem(error, "a call could not be identified");
    }
    if (identified === undefined) return "unrecognised";
    const caller = callerOf(head, signer, bodyHash(call, head), call);
    if (isVerified(caller)) {
      const { region = "", signingName: service = "" } = head.claims;
      onUse({ caller, region, service });
    }
    const place = this.#placeOf(call, head, caller);
    let described: DescribedCall;
    try {
      described = describe(identified, observedCall(requestHead, call), place);
    } catch (error) {
      const { operationName } = identified;
      onProblem(
        error,
        `a call of ${operationName} could not be described; it is recorded without its parameters`,
      );
      described = bareDescription(identified, call.response?.status);
    }
    if (!described.recorded) return "notRecorded";
    const known = caller.kind === "anonymous" ? (webIdentityOf(described) ?? caller) : caller;
    return this.#build(call, head, known, described, place);
  }

  /**
   * A verified caller's account, else the upstream's, else the default one. The region of the signature, else of the
   * host that was called, else the upstream's, else the default one.
   */
  #placeOf({ upstream }: FinishedCall, head: CallHead, caller: Caller): Place {
    const { region, accountId } = this.#options;
    return {
      region: head.claims.region ?? regionOfHost(head.headers["host"]) ?? upstream.region ?? region,
      accountId: isVerified(caller) ? caller.accountId : (upstream.accountId ?? accountId),
    };
  }

  #build(
    call: FinishedCall,
    head: CallHead,
    caller: Caller,
    described: DescribedCall,
    place: Place,
  ): MadeEvent {
    const { random, trustProxy } = this.#options;
    const { failure } = call;
    // As the services' own records have it, whatever the protocol calls it.
    const isDenied = failure?.code === "AccessDenied" || failure?.code === "AccessDeniedException";
    // A service's address and program are its own business: the record has its name.
    const service = "invokedBy" in caller ? caller.invokedBy : undefined;
    const bytes = eventBytes({
      eventTimeMs: call.completedMs,
      userIdentity: userIdentity(caller),
      eventSource: described.eventSource,
      eventName: described.eventName,
      awsRegion: place.region,
      sourceIPAddress:
        service ??
        clientAddress(
          call.client.address,
          trustProxy ? head.headers["x-forwarded-for"] : undefined,
        ),
      userAgent: service ?? textOf(head.headers["user-agent"]),
      // What the upstream said comes first; our own failure is told where it said nothing.
      errorCode: described.errorCode ?? (isDenied ? "AccessDenied" : failure?.code),
      errorMessage: described.errorCode === undefined ? failure?.message : described.errorMessage,
      requestParameters: isDenied ? null : described.requestParameters,
      responseElements: described.responseElements,
      additionalEventData: described.additionalEventData,
      requestID: call.requestId ?? described.requestID ?? random.uuid(),
      eventID: random.uuid(),
      readOnly: described.readOnly,
      resources: described.resources,
      apiVersion: described.apiVersion,
      managementEvent: described.managementEvent,
      recipientAccountId: place.accountId,
      eventCategory: described.eventCategory,
      tlsDetails: call.client.tls,
    });
    return { bytes, ownerAccount: place.accountId };
  }
}

function observedCall(
  requestHead: RequestHead,
  { requestBody, response }: FinishedCall,
): ObservedCall {
  const { method, path, query, headers, signingName } = requestHead;
  const observed: ObservedCall = { method, path, query, headers };
  if (signingName !== undefined) observed.signingName = signingName;
  if (requestBody !== undefined) observed.body = requestBody;
  if (response === undefined) return observed;
  const { status, rawHeaders, body } = response;
  observed.response = { status, headers: joinHeaders(rawHeaders) };
  if (body !== undefined) observed.response.body = body;
  return observed;
}

/**
 * The bearer of a web identity token, who signs nothing: whom the service that took the token says that it is of.
 * Undefined: it took none, or does not say all of it.
 */
function webIdentityOf(described: DescribedCall): WebIdentityCaller | undefined {
  const { eventSource, eventName, errorCode, responseElements } = described;
  const isIt = eventSource === "sts.amazonaws.com" && eventName === "AssumeRoleWithWebIdentity";
  if (!isIt || errorCode !== undefined) return undefined;
  const { provider, audience, subjectFromWebIdentityToken: subject } = responseElements ?? {};
  const isWhole =
    typeof provider === "string" && typeof audience === "string" && typeof subject === "string";
  return isWhole ? { kind: "webIdentity", provider, audience, subject } : undefined;
}

/** Of what was read; `unread` where nobody needs it, or where nobody can know it. */
function bodyHash({ requestBody, largeBodyHash }: FinishedCall, head: CallHead): string {
  if (!head.coversBody) return "unread";
  return (requestBody === undefined ? largeBodyHash : sha256Hex(requestBody)) ?? "unread";
}

/** What is known of a call without reading its bodies. */
function bareDescription(identified: RecognisedCall, status: number | undefined): DescribedCall {
  const { service, operation, operationName } = identified;
  return {
    recorded: true,
    eventSource: service.eventSource,
    eventName: operationName,
    apiVersion: service.apiVersion,
    readOnly: operation.read === true,
    managementEvent: true,
    eventCategory: "Management",
    requestParameters: null,
    responseElements: null,
    ...(status !== undefined && status >= 400 ? { errorCode: String(status) } : {}),
  };
}

/** node:http gives a header as one character for each byte; where the bytes are UTF-8, that is what they mean. */
function textOf(header: string | undefined): string | undefined {
  if (header === undefined) return undefined;
  // oxlint-disable-next-line no-control-regex -- "is it all ASCII" is what is asked.
  if (/^[\x00-\x7f]*$/.test(header)) return header;
  const decoded = Buffer.from(header, "latin1").toString("utf8");
  return decoded.includes("\ufffd") ? header : decoded;
}
