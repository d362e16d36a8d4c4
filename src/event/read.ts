// Reads one event: the one place that decides what a record says, and whether it is one.
//
// What it accepts it accepts whole: `raw` is never touched, and a known member of an unexpected type only leaves its
// column empty, or gives the scalar's text. Refused is only what two readers could understand differently, and a live
// event that no reader could place.
import { hash } from "node:crypto";
import { assert } from "../base/assert.ts";
import {
  eventBytesMax,
  eventImportBytesMax,
  eventTimeMsMax,
  eventTimeMsMin,
} from "../base/limits.ts";
import { eventCategoryOf } from "./category.ts";
import { absent, JsonDocument, kinds, name } from "./document.ts";
import type { Rejection } from "./rejection.ts";
import { resourcesOf } from "./resources.ts";
import { type EventColumns, type FoundEvent, keepForeverMs, rowFlags } from "./row.ts";
import { readTimeMs } from "./time.ts";
import { lookupUserName } from "./user-name.ts";

/** When records came in, and until when they are kept. */
export interface RowTimes {
  ingestTimeMs: number;
  keepUntilMs: number;
}

/** What the record itself does not say. */
export interface ReadContext extends RowTimes {
  /** The account that the event is recorded or imported for. */
  ownerAccount: string;
  /** Imported events may be of any age and larger; live ones need a time, a name and a source. */
  origin: "live" | "import";
}

export type ReadEvent =
  | { columns: EventColumns; rejection?: never }
  | { rejection: Rejection; columns?: never };

const top = {
  eventTime: name("eventTime"),
  eventID: name("eventID"),
  eventSource: name("eventSource"),
  eventName: name("eventName"),
  eventCategory: name("eventCategory"),
  eventType: name("eventType"),
  managementEvent: name("managementEvent"),
  readOnly: name("readOnly"),
  awsRegion: name("awsRegion"),
  recipientAccountId: name("recipientAccountId"),
  userIdentity: name("userIdentity"),
  sourceIPAddress: name("sourceIPAddress"),
  errorCode: name("errorCode"),
  vpcEndpointId: name("vpcEndpointId"),
  sessionCredentialFromConsole: name("sessionCredentialFromConsole"),
  additionalEventData: name("additionalEventData"),
  // Records whose facts stand one level down: Insights events and events from outside AWS.
  insightDetails: name("insightDetails"),
  eventData: name("eventData"),
  // The spellings of aggregated events.
  eventId: name("eventId"),
  accountId: name("accountId"),
  timeWindow: name("timeWindow"),
} as const;
const identity = {
  type: name("type"),
  arn: name("arn"),
  principalId: name("principalId"),
  userName: name("userName"),
  accessKeyId: name("accessKeyId"),
};
const signInUserName = name("UserName");
const windowStart = name("windowStart");

/** One for the thread: a reading starts and ends within one call. */
const document = new JsonDocument();

/**
 * Reads `bytes[from, to)`, one JSON text. Never throws for what is in it. `knownUtf8`: the caller has already checked
 * the encoding of these bytes.
 */
export function readEvent(
  bytes: Buffer,
  context: ReadContext,
  from = 0,
  to = bytes.length,
  knownUtf8 = false,
): ReadEvent {
  const imported = context.origin === "import";
  const bytesMax = imported ? eventImportBytesMax : eventBytesMax;
  if (to - from > bytesMax) {
    const message = `the record has ${to - from} bytes; at most ${bytesMax} are allowed`;
    return { rejection: { code: "TooLarge", message } };
  }
  const problem = document.parse(bytes, from, to, knownUtf8);
  if (problem !== undefined) return { rejection: problem };
  const root = document.root;
  if (document.kind(root) !== kinds.object) {
    const message = `the record is ${kindWords[document.kind(root)]}, not a JSON object`;
    return { rejection: { code: "NotAnObject", message } };
  }

  const nested = nestedFacts();
  const fact = (member: { text: string; hash: number }) => {
    const own = document.scalarText(document.member(root, member));
    return own !== "" || nested === absent
      ? own
      : document.scalarText(document.member(nested, member));
  };
  const eventSource = fact(top.eventSource);
  const eventName = fact(top.eventName);
  const eventType = fact(top.eventType);
  const timeText = eventTimeText();
  const timeMs = timeText === "" ? undefined : readTimeMs(timeText);
  const timeUsable = timeMs !== undefined && timeMs >= eventTimeMsMin && timeMs < eventTimeMsMax;

  if (imported) {
    if (eventSource === "" && eventName === "" && eventType === "")
      return { rejection: notARecord() };
  } else if (eventName === "") {
    return { rejection: { code: "NameMissing", message: "eventName is missing or empty" } };
  } else if (eventSource === "") {
    return { rejection: { code: "SourceMissing", message: "eventSource is missing or empty" } };
  } else if (!timeUsable) {
    return { rejection: timeRejection(timeText, timeMs) };
  }

  const ownId = idText();
  const caller = callerNode(nested);
  const userType = document.scalarText(document.member(caller, identity.type));
  const userArn = document.scalarText(document.member(caller, identity.arn));
  const principalId = document.scalarText(document.member(caller, identity.principalId));
  const additional = document.member(root, top.additionalEventData);
  const resources = resourcesOf(document, eventSource, eventName);
  return {
    columns: {
      ownerAccount: context.ownerAccount,
      eventTimeMs: timeUsable ? timeMs : context.ingestTimeMs,
      eventId: ownId === "" ? contentId(bytes, from, to) : ownId,
      eventSource,
      eventName,
      eventCategory: eventCategoryOf({
        eventCategory: document.scalarText(document.member(root, top.eventCategory)),
        eventType,
        managementEvent: truthText(document.member(root, top.managementEvent)),
        eventSource,
        eventName,
      }),
      eventType,
      readOnly: truthText(document.member(root, top.readOnly)),
      region: fact(top.awsRegion),
      recipientAccount: fact(top.recipientAccountId) || fact(top.accountId),
      userType,
      userArn,
      principalId,
      userName: lookupUserName({
        type: userType,
        userName: document.scalarText(document.member(caller, identity.userName)),
        principalId,
        arn: userArn,
        signInName: document.scalarText(document.member(additional, signInUserName)),
      }),
      accessKeyId: document.scalarText(document.member(caller, identity.accessKeyId)),
      sourceIp: fact(top.sourceIPAddress),
      errorCode: fact(top.errorCode),
      vpcEndpointId: fact(top.vpcEndpointId),
      sessionFromConsole:
        truthText(document.member(root, top.sessionCredentialFromConsole)) === "true" ? "true" : "",
      lookupResourceTypes: resources.lookupTypes,
      lookupResourceNames: resources.lookupNames,
      resourcesType: resources.types,
      resourcesArn: resources.arns,
      ingestTimeMs: context.ingestTimeMs,
      keepUntilMs: context.keepUntilMs,
      flags:
        (imported ? rowFlags.imported : 0) |
        (timeUsable ? 0 : rowFlags.timeUnreadable) |
        (ownId === "" ? rowFlags.idFromContent : 0),
    },
  };
}

/** What a reader may be shown of an event; the rest is bookkeeping of the row. */
export type ShownColumns = Omit<EventColumns, "keepUntilMs" | "flags">;

/**
 * The columns of a found event, read from its bytes once more: that takes a fraction of fetching each from its own place
 * on disk. Its key is the one that it is kept under.
 */
export function shownColumns(event: FoundEvent): ShownColumns {
  const { ownerAccount, eventTimeMs, eventId, ingestTimeMs, raw } = event;
  const { columns, rejection } = readEvent(raw, {
    ownerAccount,
    ingestTimeMs,
    keepUntilMs: keepForeverMs,
    origin: "import",
  });
  assert(columns !== undefined, `a stored event can be read: ${rejection?.message}`);
  return { ...columns, eventTimeMs, eventId };
}

/** The id of a record that has none: what `sha256sum` prints for its bytes. The same record always gets the same. */
export function contentId(bytes: Buffer, from = 0, to = bytes.length): string {
  return `sha256-${hash("sha256", bytes.subarray(from, to), "hex")}`;
}

function nestedFacts(): number {
  const insight = document.member(document.root, top.insightDetails);
  return insight === absent ? document.member(document.root, top.eventData) : insight;
}

function callerNode(nested: number): number {
  const own = document.member(document.root, top.userIdentity);
  return own === absent ? document.member(nested, top.userIdentity) : own;
}

function eventTimeText(): string {
  const own = document.member(document.root, top.eventTime);
  if (own !== absent) return document.scalarText(own);
  return document.scalarText(
    document.member(document.member(document.root, top.timeWindow), windowStart),
  );
}

/** Usable is any text; `null`, containers and blanks are not. Real records also have placeholders, which differ in nothing. */
function idText(): string {
  const own = document.scalarText(document.member(document.root, top.eventID));
  const id = own === "" ? document.scalarText(document.member(document.root, top.eventId)) : own;
  return /[\p{L}\p{N}]/u.test(id) ? id : "";
}

/** Booleans, and strings that say the same in any case. */
function truthText(node: number): string {
  const text = document.scalarText(node).toLowerCase();
  return text === "true" || text === "false" ? text : "";
}

function notARecord(): Rejection {
  const isLogFile = document.kind(document.member(document.root, recordsName)) === kinds.array;
  return {
    code: "NotARecord",
    message: isLogFile
      ? 'this is a whole log file ({"Records": […]}), not one record: send one record a line'
      : "the object has none of eventName, eventSource and eventType: it is no CloudTrail record",
  };
}

const recordsName = name("Records");

function timeRejection(text: string, timeMs: number | undefined): Rejection {
  if (text === "") return { code: "TimeMissing", message: "eventTime is missing or empty" };
  const shown = JSON.stringify(text.slice(0, 64));
  if (timeMs === undefined) {
    return {
      code: "TimeUnreadable",
      message: `eventTime ${shown} is no time such as 2025-02-19T20:13:49Z`,
    };
  }
  return {
    code: "TimeOutOfRange",
    message: `eventTime ${shown} lies outside 2000-01-01 to 2099-12-31`,
  };
}

const kindWords: Record<number, string> = {
  [kinds.array]: "an array",
  [kinds.plainString]: "a string",
  [kinds.string]: "a string",
  [kinds.number]: "a number",
  [kinds.true]: "a boolean",
  [kinds.false]: "a boolean",
  [kinds.null]: "null",
};
