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
/** Bytes of lines that one worker reads at a time: large enough to amortise the hand-over, small beside a frame of 50 ms. */
export const ingestChunkBytes = 1 * mib;
/** Bytes of buffers that are kept for the next chunks, and of those kept for the next bodies. */
export const ingestPoolBytesMax = 16 * mib;
/** Smaller bodies are read at once on the main thread (about 0.2 ms): a worker's round trip would cost more. */
export const ingestInlineBytesMax = 32 * kib;
/** Refused lines that one report names; behind the last one the rest of the body is not taken. */
export const ingestRejectedLinesMax = 10_000;
/** Bytes of rows that wait for the journal on behalf of best-effort doors: what a crash can lose at most. */
export const ingestBufferBytesMax = 8 * mib;
/**
 * How far the store may lag behind, at the pace of its last loads, before bulk bodies are read more slowly. More would be
 * acknowledged sooner and found later.
 */
export const ingestLagMsMax = 1000;
/** The same in bytes of rows: until the store's pace is known … */
export const ingestLagBytesInitial = 28 * mib;
/** … and the least and the most that a pace may come to. */
export const ingestLagBytesMin = 8 * mib;
export const ingestLagBytesMax = 128 * mib;
/** Bytes of rows in a load that tells the store's pace: a smaller one tells what a statement costs. */
export const ingestPaceBytesMin = 4 * mib;
/** How long each chunk of such a body waits for the store at most: one that is down slows ingest and never stops it. */
export const ingestLagWaitMsMax = 250;
/** How long a best-effort event waits for company before it is written. */
export const ingestFlushIntervalMs = 50;
/** Bytes of waiting rows that are written at once, without waiting for the interval. */
export const ingestFlushBytes = 256 * kib;
/** How long a best-effort buffer waits after the journal refused it: room on a disk does not come back sooner. */
export const ingestRetryMs = 500;
/** Bytes of rows whose callers wait for the disk: beyond it the disk cannot keep up and callers are told so. */
export const ingestWaitingBytesMax = 64 * mib;
/** Bytes of one AWS API request: far above any modelled CloudTrail, STS or IAM request. */
export const awsBodyBytesMax = 1 * mib;

/** Bytes at which the current journal segment is sealed: about 35,000 events, one store part. Half of it merges more often. */
export const segmentBytesMax = 64 * mib;
/** Age at which the current journal segment is sealed, once the store is free: a quarter of the time that we promise. */
export const segmentAgeMsMax = 500;

/**
 * Bytes of the disk that the journal leaves free: what was accepted must also fit into the store, whose merges write
 * parts anew before they remove the old ones, and users and keys must stay changeable.
 */
export const diskReserveBytes = 256 * mib;
/** On a small disk the reserve is this part of it. */
export const diskReserveShareMax = 1 / 8;

/** Events on one LookupEvents page (CloudTrail API reference). */
export const lookupResultsMax = 50;
/** LookupEvents shows this many days (CloudTrail user guide, event history). */
export const lookupDays = 90;

/** Characters of a policy document before anything reads it (IAM API reference: length of a PolicyDocument). */
export const policyCharactersMax = 131_072;

/** How far a request's signing time may be from ours (AWS: Signature Version 4, five minutes). */
export const signatureSkewMsMax = 5 * 60 * 1000;
/** The longest validity of a presigned URL (AWS: seven days). */
export const presignedSecondsMax = 7 * 24 * 3600;

/** Bytes of a request or response body that the gateway reads to learn its parameters; the rest only streams by. */
export const gatewayCaptureBytesMax = 1 * mib;

assert(eventBytesMax <= eventImportBytesMax, "what is recorded live can be imported again");
assert(eventImportBytesMax < segmentBytesMax, "an event fits into a segment");
assert(eventImportBytesMax <= ingestBodyBytesMax, "an event fits into a body");
assert(
  ingestFlushBytes + eventBytesMax * 2 < ingestBufferBytesMax,
  "the buffer outlasts one flush",
);
assert(diskReserveBytes >= 4 * segmentBytesMax, "a segment and its merges fit into the reserve");
assert(eventParametersBytesMax < eventBytesMax, "a member fits into an event");
