// How found events are written out: one JSON object an event, NDJSON of the accepted bytes, or CSV.
import type { StoredEvent } from "../event/row.ts";

export type Format = "json" | "ndjson" | "csv";

export const contentTypes: Readonly<Record<Format, string>> = {
  json: "application/json; charset=utf-8",
  ndjson: "application/x-ndjson; charset=utf-8",
  csv: "text/csv; charset=utf-8",
};

/** The best format that an Accept header asks for; undefined: none of ours. */
export function acceptedFormat(accept: string | undefined): Format | undefined {
  if (accept === undefined || accept.trim() === "") return "json";
  const wishes = accept
    .split(",")
    .map((part) => {
      const [type = "", ...parameters] = part.split(";").map((each) => each.trim().toLowerCase());
      const quality = parameters.find((each) => each.startsWith("q="))?.slice(2);
      return { type, quality: quality === undefined ? 1 : Number(quality) };
    })
    .filter(({ quality }) => quality > 0)
    .toSorted((a, b) => b.quality - a.quality);
  for (const { type } of wishes) {
    if (type === "application/json" || type === "*/*" || type === "application/*") return "json";
    if (type === "application/x-ndjson" || type === "application/ndjson") return "ndjson";
    if (type === "text/csv" || type === "text/*") return "csv";
  }
  return undefined;
}

/** One event as a JSON object; the accepted JSON stands inside it untouched. */
export function eventJson(event: StoredEvent): Buffer {
  const summary = {
    seq: String(event.seq),
    eventId: event.eventId,
    eventTime: new Date(event.eventTimeMs).toISOString(),
    eventName: event.eventName,
    eventSource: event.eventSource,
    eventCategory: event.eventCategory,
    readOnly: event.readOnly,
    username: event.userName,
    region: event.region,
    account: event.recipientAccount,
    errorCode: event.errorCode,
    sourceIPAddress: event.sourceIp,
    accessKeyId: event.accessKeyId,
    resources: event.lookupResourceNames.map((resourceName, index) => ({
      resourceType: event.lookupResourceTypes[index] || null,
      resourceName,
    })),
    ingestTime: new Date(event.ingestTimeMs).toISOString(),
    variant: event.variant,
  };
  const head = JSON.stringify(summary);
  return Buffer.concat([Buffer.from(`${head.slice(0, -1)},"event":`), event.raw, Buffer.from("}")]);
}

/**
 * The accepted bytes as one line. Line breaks between members, which JSON allows and NDJSON cannot hold, become
 * spaces; inside strings a raw line break is no JSON and was refused at the door.
 */
export function eventLine(event: StoredEvent): Buffer {
  if (!event.raw.includes(0x0a) && !event.raw.includes(0x0d)) return event.raw;
  const line = Buffer.from(event.raw);
  for (let at = 0; at < line.length; at++)
    if (line[at] === 0x0a || line[at] === 0x0d) line[at] = 0x20;
  return line;
}

/** The columns of CloudTrail's own CSV download first, then what an investigation asks next. */
const csvColumns: readonly (readonly [string, (event: StoredEvent) => string])[] = [
  ["Event name", (event) => event.eventName],
  ["Event time", (event) => new Date(event.eventTimeMs).toISOString()],
  ["User name", (event) => event.userName],
  ["Event source", (event) => event.eventSource],
  ["Resource type", (event) => event.lookupResourceTypes.join(", ")],
  ["Resource name", (event) => event.lookupResourceNames.join(", ")],
  ["Event ID", (event) => event.eventId],
  ["Access key", (event) => event.accessKeyId],
  ["Read-only", (event) => event.readOnly],
  ["Error code", (event) => event.errorCode],
  ["Source IP address", (event) => event.sourceIp],
  ["Region", (event) => event.region],
  ["Account", (event) => event.recipientAccount],
  ["Event category", (event) => event.eventCategory],
];

export const csvHeader = `${csvColumns.map(([name]) => csvField(name)).join(",")}\r\n`;

export function eventCsv(event: StoredEvent): string {
  return `${csvColumns.map(([, value]) => csvField(value(event))).join(",")}\r\n`;
}

/** RFC 4180 quoting. A leading `=`, `+`, `-` or `@` would be run as a formula by spreadsheets, so `'` goes before it. */
function csvField(value: string): string {
  const inert = /^[=+\-@\t\r]/.test(value) ? `'${value}` : value;
  return /[",\r\n]/.test(inert) ? `"${inert.replaceAll('"', '""')}"` : inert;
}
