// Builds one CloudTrail record: members in the order that the real service writes, cut to the documented sizes.
// Source: CloudTrail user guide, "CloudTrail record contents".
import { randomUUID } from "node:crypto";
import { CaptureError } from "./errors.ts";

/** Who called. Members beside these are kept, so any `userIdentity` that CloudTrail knows can be given. */
export interface Identity {
  type:
    | "Root"
    | "IAMUser"
    | "AssumedRole"
    | "Role"
    | "FederatedUser"
    | "Directory"
    | "AWSAccount"
    | "AWSService"
    | "IdentityCenterUser"
    | "SAMLUser"
    | "WebIdentityUser"
    | "Unknown";
  principalId?: string | undefined;
  arn?: string | undefined;
  /** Left out: the capture's own account. */
  accountId?: string | undefined;
  accessKeyId?: string | undefined;
  userName?: string | undefined;
  sessionContext?: object | undefined;
  [member: string]: unknown;
}

/** Who called, as far as it can be found out. */
export interface Identify<Request> {
  /** Asked when the call has ended, so that the application has authenticated it. Undefined: nobody has shown anything. */
  (request: Request): Identity | undefined | Promise<Identity | undefined>;
  /** Told when the call comes in, for what will not be known any more when it has ended. */
  begin?: (request: Request) => void;
}

/** Somebody has shown something, and what it proves could not be found out. */
export class UnidentifiedError extends Error {
  /** What is recorded in place of the caller. */
  readonly identity: Identity;

  constructor(message: string, identity: Identity, options?: { cause?: unknown }) {
    super(message, options);
    this.name = "UnidentifiedError";
    this.identity = identity;
  }
}

export interface Resource {
  ARN: string;
  /** e.g. `AWS::S3::Object`, or a type of your own such as `Example::Orders::Order`. */
  type: string;
  accountId?: string | undefined;
}

export type EventCategory = "Management" | "Data";

/** An event that the application makes itself; only the name is needed. */
export interface FreeEvent {
  eventName: string;
  userIdentity?: Identity | undefined;
  /** Now, when left out. */
  eventTime?: Date | undefined;
  eventSource?: string | undefined;
  sourceIPAddress?: string | undefined;
  userAgent?: string | undefined;
  errorCode?: string | undefined;
  errorMessage?: string | undefined;
  requestParameters?: object | null | undefined;
  responseElements?: object | null | undefined;
  additionalEventData?: object | undefined;
  requestID?: string | undefined;
  readOnly?: boolean | undefined;
  resources?: readonly Resource[] | undefined;
  eventType?: "AwsApiCall" | "AwsServiceEvent" | undefined;
  apiVersion?: string | undefined;
  eventCategory?: EventCategory | undefined;
  /** The account whose trail shows the event, when it is not the capture's own. */
  recipientAccountId?: string | undefined;
  sharedEventID?: string | undefined;
}

export interface RecordDefaults {
  service: string;
  accountId: string;
  region: string;
  eventCategory: EventCategory;
}

/** What is delivered: one line of NDJSON, still without its line feed. */
export interface EventLine {
  eventId: string;
  line: Buffer;
}

/** The newest documented version whose members these events use. */
const eventVersion = "1.11";
const kib = 1024;
const eventBytesMax = 256 * kib;
const stringBytesMax = kib;
/** Dropped as a whole when larger, never cut in the middle of a value. */
const objectBytesMax = {
  requestParameters: 100 * kib,
  responseElements: 100 * kib,
  additionalEventData: 28 * kib,
};
/** What an event over 256 KiB gives up first. */
const droppedFirst = [
  "additionalEventData",
  "resources",
  "responseElements",
  "requestParameters",
] as const;

export function unknownIdentity(): Identity {
  return { type: "Unknown", principalId: "Anonymous" };
}

/** Throws InvalidEvent when the event cannot be written, or is too large whatever is left out. */
export function encodeEvent(event: FreeEvent, defaults: RecordDefaults): EventLine {
  const eventId = randomUUID();
  const category = event.eventCategory ?? defaults.eventCategory;
  const members: Record<string, unknown> = {
    eventVersion,
    userIdentity: completeIdentity(event.userIdentity ?? unknownIdentity(), defaults.accountId),
    eventTime: `${new Date(event.eventTime ?? Date.now()).toISOString().slice(0, 19)}Z`,
    eventSource: event.eventSource ?? defaults.service,
    eventName: event.eventName,
    awsRegion: defaults.region,
    // CloudTrail shows a service's name where a service made the call by itself.
    sourceIPAddress: event.sourceIPAddress ?? defaults.service,
    userAgent: cut(event.userAgent),
    errorCode: cut(event.errorCode),
    errorMessage: cut(event.errorMessage),
    requestParameters: event.requestParameters ?? null,
    responseElements: event.responseElements ?? null,
    additionalEventData: event.additionalEventData,
    requestID: cut(event.requestID) ?? randomUUID(),
    eventID: eventId,
    readOnly: event.readOnly ?? false,
    resources: event.resources?.map((resource) => ({
      accountId: resource.accountId ?? defaults.accountId,
      type: resource.type,
      ARN: resource.ARN,
    })),
    eventType: event.eventType ?? "AwsApiCall",
    apiVersion: event.apiVersion,
    managementEvent: category === "Management",
    recipientAccountId: event.recipientAccountId ?? defaults.accountId,
    sharedEventID: event.sharedEventID,
    eventCategory: category,
  };
  for (const [name, bytesMax] of Object.entries(objectBytesMax)) omitOver(members, name, bytesMax);
  let line = Buffer.from(JSON.stringify(members));
  for (const name of droppedFirst) {
    if (line.length <= eventBytesMax) break;
    omitOver(members, name, 0);
    // Readers walk over resources as a list.
    if (name === "resources" && members[name] !== undefined) members[name] = [members[name]];
    line = Buffer.from(JSON.stringify(members));
  }
  if (line.length > eventBytesMax) {
    throw new CaptureError(
      "InvalidEvent",
      `event ${event.eventName} has ${line.length} bytes, more than ${eventBytesMax}, without its parameters`,
      { eventId },
    );
  }
  return { eventId, line };
}

/** In CloudTrail these come without an account. */
const ofNoAccount: ReadonlySet<Identity["type"]> = new Set([
  "AWSService",
  "SAMLUser",
  "Unknown",
  "WebIdentityUser",
]);

/** Members in CloudTrail's order; what can be known from the others is filled in. */
function completeIdentity(identity: Identity, accountId: string): Record<string, unknown> {
  const { type, principalId, arn, accessKeyId, userName, ...rest } = identity;
  const owner = identity.accountId ?? (ofNoAccount.has(type) ? undefined : accountId);
  delete rest.accountId;
  return {
    type,
    principalId,
    arn: arn ?? derivedArn(type, owner, userName),
    accountId: owner,
    accessKeyId,
    userName,
    ...rest,
  };
}

function derivedArn(
  type: Identity["type"],
  accountId: string | undefined,
  userName: string | undefined,
): string | undefined {
  if (accountId === undefined) return undefined;
  if (type === "Root") return `arn:aws:iam::${accountId}:root`;
  if (type === "IAMUser" && userName) return `arn:aws:iam::${accountId}:user/${userName}`;
  return undefined;
}

function omitOver(members: Record<string, unknown>, name: string, bytesMax: number): void {
  const value = members[name];
  if (value === null || value === undefined) return;
  const originalSize = Buffer.byteLength(JSON.stringify(value));
  if (originalSize > bytesMax) {
    members[name] = { omitted: true, originalSize, reason: `${name} too large` };
  }
}

/** At most 1 KiB of UTF-8, never half a character. */
function cut(text: string | undefined): string | undefined {
  if (text === undefined || text.length * 3 <= stringBytesMax) return text;
  const bytes = Buffer.from(text);
  if (bytes.length <= stringBytesMax) return text;
  let end = stringBytesMax;
  while (end > 0 && ((bytes[end] ?? 0) & 0xc0) === 0x80) end -= 1;
  return bytes.toString("utf8", 0, end);
}
