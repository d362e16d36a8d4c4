// How found events are written out: one JSON object an event, NDJSON of the accepted bytes, or CSV.
import { type ShownColumns, shownColumns } from "../event/read.ts";
import type { FoundEvent } from "../event/row.ts";

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
export function eventJson(event: FoundEvent): Buffer {
  const columns = shownColumns(event);
  const summary = {
    seq: String(event.seq),
    eventId: event.eventId,
    eventTime: new Date(event.eventTimeMs).toISOString(),
    eventName: columns.eventName,
    eventSource: columns.eventSource,
    eventCategory: columns.eventCategory,
    readOnly: columns.readOnly,
    username: columns.userName,
    region: columns.region,
    account: columns.recipientAccount,
    errorCode: columns.errorCode,
    sourceIPAddress: columns.sourceIp,
    accessKeyId: columns.accessKeyId,
    resources: columns.lookupResourceNames.map((resourceName, index) => ({
      resourceType: columns.lookupResourceTypes[index] || null,
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
export function eventLine(event: FoundEvent): Buffer {
  if (!event.raw.includes(0x0a) && !event.raw.includes(0x0d)) return event.raw;
  const line = Buffer.from(event.raw);
  for (let at = 0; at < line.length; at++)
    if (line[at] === 0x0a || line[at] === 0x0d) line[at] = 0x20;
  return line;
}

/** The columns of CloudTrail's own CSV download first, then what an investigation asks next. */
const csvColumns: readonly (readonly [string, (columns: ShownColumns) => string])[] = [
  ["Event name", (columns) => columns.eventName],
  ["Event time", (columns) => new Date(columns.eventTimeMs).toISOString()],
  ["User name", (columns) => columns.userName],
  ["Event source", (columns) => columns.eventSource],
  ["Resource type", (columns) => columns.lookupResourceTypes.join(", ")],
  ["Resource name", (columns) => columns.lookupResourceNames.join(", ")],
  ["Event ID", (columns) => columns.eventId],
  ["Access key", (columns) => columns.accessKeyId],
  ["Read-only", (columns) => columns.readOnly],
  ["Error code", (columns) => columns.errorCode],
  ["Source IP address", (columns) => columns.sourceIp],
  ["Region", (columns) => columns.region],
  ["Account", (columns) => columns.recipientAccount],
  ["Event category", (columns) => columns.eventCategory],
];

export const csvHeader = `${csvColumns.map(([name]) => csvField(name)).join(",")}\r\n`;

export function eventCsv(event: FoundEvent): string {
  const columns = shownColumns(event);
  return `${csvColumns.map(([, value]) => csvField(value(columns))).join(",")}\r\n`;
}

/** RFC 4180 quoting. A leading `=`, `+`, `-` or `@` would be run as a formula by spreadsheets, so `'` goes before it. */
function csvField(value: string): string {
  const inert = /^[=+\-@\t\r]/.test(value) ? `'${value}` : value;
  return /[",\r\n]/.test(inert) ? `"${inert.replaceAll('"', '""')}"` : inert;
}
