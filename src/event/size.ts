// Size rules for events that our own doors build: what is cut, and what is left out, when a member is over its cap.
// Never applied to an accepted event: what comes from elsewhere is kept as it is.
//
// Source: CloudTrail user guide, record contents ("Length constraints"); which members go first when the whole event is
// too large follows the order that the guide gives for event data stores.
import {
  eventAdditionalBytesMax,
  eventBytesMax,
  eventDepthMax,
  eventParametersBytesMax,
  eventStringBytesMax,
} from "../base/limits.ts";
import type { JsonValue } from "./json.ts";

/** Undefined members are none. */
type Members = Readonly<Record<string, JsonValue | undefined>>;

const objectCaps: Record<string, number> = {
  requestParameters: eventParametersBytesMax,
  responseElements: eventParametersBytesMax,
  serviceEventDetails: eventParametersBytesMax,
  additionalEventData: eventAdditionalBytesMax,
  edgeDeviceDetails: eventAdditionalBytesMax,
};

const stringCaps: Record<string, number> = {
  userAgent: eventStringBytesMax,
  errorCode: eventStringBytesMax,
  errorMessage: eventStringBytesMax,
  requestID: eventStringBytesMax,
};

/** Left out in this order, until the event fits. */
const sacrifices = [
  "annotation",
  "additionalEventData",
  "serviceEventDetails",
  "edgeDeviceDetails",
  "eventContext",
  "resources",
  "responseElements",
  "requestParameters",
  "tlsDetails",
] as const;

/** Room for what is in an event beside the text of its members: never needed in full. */
const membersBytesMax = eventBytesMax - 1024;

/** The members as JSON texts, each within its cap and all together within one event. */
export function limitSizes(record: Members): Map<string, string> {
  const texts = new Map<string, string>();
  let total = 0;
  for (const [name, value] of Object.entries(record)) {
    if (value === undefined) continue;
    const text = memberText(name, value);
    texts.set(name, text);
    total += memberBytes(name, text);
  }
  for (const name of sacrifices) {
    if (total <= membersBytesMax) break;
    const text = texts.get(name);
    // Markers and small members are worth nothing here.
    if (text === undefined || text.length < 256) continue;
    const marker = omitted(name, Buffer.byteLength(text));
    texts.set(name, name === "resources" ? `[${marker}]` : marker);
    total -= Buffer.byteLength(text) - marker.length;
  }
  return texts;
}

/** The event in its final form: one line of UTF-8. */
export function recordBytes(record: Members): Buffer {
  const whole = textWithoutLimits(record);
  if (whole !== undefined) return Buffer.from(whole);
  const parts: string[] = [];
  for (const [name, text] of limitSizes(record)) parts.push(`${JSON.stringify(name)}:${text}`);
  return Buffer.from(`{${parts.join(",")}}`);
}

/** The usual case in one go: a text so small that no rule can apply. Undefined: it may be larger, or too deep. */
function textWithoutLimits(record: Members): string | undefined {
  for (const name in stringCaps) {
    const value = record[name];
    if (typeof value === "string" && value.length * 3 > (stringCaps[name] as number))
      return undefined;
  }
  for (const name in record) if (isDeeper(record[name], eventDepthMax - 4)) return undefined;
  const text = JSON.stringify(record);
  return text.length * 3 <= eventStringBytesMax * 8 ? text : undefined;
}

function memberText(name: string, value: JsonValue): string {
  if (typeof value === "string") {
    const cap = Object.hasOwn(stringCaps, name) ? stringCaps[name] : undefined;
    return JSON.stringify(cut(value, cap ?? eventStringBytesMax * 8));
  }
  // Two levels stand around the member: the event itself, and what a log file puts around it.
  if (isDeeper(value, eventDepthMax - 4)) return omitted(name, undefined);
  const text = JSON.stringify(value);
  const cap = Object.hasOwn(objectCaps, name) ? objectCaps[name] : undefined;
  if (cap === undefined || text.length * 3 <= cap) return text;
  const bytes = Buffer.byteLength(text);
  return bytes <= cap ? text : omitted(name, bytes);
}

function memberBytes(name: string, text: string): number {
  return name.length + 4 + Buffer.byteLength(text);
}

/** What stands in the place of an object that is left out. */
function omitted(name: string, originalSize: number | undefined): string {
  return JSON.stringify(
    originalSize === undefined
      ? { omitted: true, reason: `${name} nested too deeply` }
      : { omitted: true, originalSize, reason: `${name} too large` },
  );
}

/** The longest beginning of `text` that has at most `bytesMax` bytes of UTF-8 and cuts no character in two. */
function cut(text: string, bytesMax: number): string {
  if (text.length * 3 <= bytesMax || Buffer.byteLength(text) <= bytesMax) return text;
  const bytes = Buffer.from(text);
  let end = bytesMax;
  while (end > 0 && ((bytes[end] as number) & 0xc0) === 0x80) end--;
  return bytes.toString("utf8", 0, end);
}

/** Asked before JSON.stringify, which runs out of stack on nesting that a request may well have. */
function isDeeper(value: JsonValue | undefined, levels: number): boolean {
  if (typeof value !== "object" || value === null) return false;
  if (levels < 0) return true;
  if (Array.isArray(value)) return value.some((each) => isDeeper(each, levels - 1));
  for (const name in value) if (isDeeper(value[name], levels - 1)) return true;
  return false;
}
