// Every limit, with its unit in its name and its reason beside it.
import { assert } from "./assert.ts";

const kib = 1024;
const mib = 1024 * kib;

/** Bytes of one event's JSON. CloudTrail: 256 KB since eventVersion 1.05. */
export const eventBytesMax = 256 * kib;
/** Bytes of one imported event: event data stores keep enriched events of up to 1 MB (MaxEventSize Large). */
export const eventImportBytesMax = 1 * mib;
/** Nesting of an event's JSON. Far above any real record (14 in the widest public set), far below a stack. */
export const eventDepthMax = 512;
/** Bytes of requestParameters, responseElements and serviceEventDetails. CloudTrail record contents page. */
export const eventParametersBytesMax = 100 * kib;
/** Bytes of additionalEventData and edgeDeviceDetails. CloudTrail record contents page. */
export const eventAdditionalBytesMax = 28 * kib;
/** Bytes of userAgent, errorCode, errorMessage and requestID. CloudTrail record contents page. */
export const eventStringBytesMax = kib;
/** Live events must have a time a reader can trust: from here … */
export const eventTimeMsMin = Date.UTC(2000, 0, 1);
/** … to just before here. */
export const eventTimeMsMax = Date.UTC(2100, 0, 1);

/** Bytes of one POST /v1/events body, after gunzip as well. */
export const ingestBodyBytesMax = 64 * mib;
/** Bytes of one AWS API request: far above any modelled CloudTrail, STS or IAM request. */
export const awsBodyBytesMax = 1 * mib;

/** Bytes at which the current journal segment is sealed: about 10,000 events, one store part. */
export const segmentBytesMax = 16 * mib;
/** Age at which the current journal segment is sealed: half of the time to searchable that we promise. */
export const segmentAgeMsMax = 500;

/** Events on one LookupEvents page (CloudTrail API reference). */
export const lookupResultsMax = 50;
/** LookupEvents shows this many days (CloudTrail user guide, event history). */
export const lookupDays = 90;

/** How far a request's signing time may be from ours (AWS: Signature Version 4, five minutes). */
export const signatureSkewMsMax = 5 * 60 * 1000;
/** The longest validity of a presigned URL (AWS: seven days). */
export const presignedSecondsMax = 7 * 24 * 3600;

/** Bytes of a request or response body that the gateway reads to learn its parameters; the rest only streams by. */
export const gatewayCaptureBytesMax = 1 * mib;

assert(eventBytesMax <= eventImportBytesMax, "what is recorded live can be imported again");
assert(eventImportBytesMax < segmentBytesMax, "an event fits into a segment");
assert(eventParametersBytesMax < eventBytesMax, "a member fits into an event");
