// `cairn events`: search and follow the event history in the terminal.
import { once } from "node:events";
import { searchFilters } from "../lookup/search.ts";
import type { Client } from "./client.ts";
import {
  type Arguments,
  type Command,
  connect,
  readArguments,
  type Terminal,
  textOption,
  UsageError,
} from "./command.ts";

const formats = ["table", "json", "ndjson", "csv"] as const;
type OutputFormat = (typeof formats)[number];

/** `sourceIPAddress` → `source-ip-address`. */
function flagOf(parameter: string): string {
  return parameter
    .replaceAll(/([a-z])([A-Z])/g, "$1-$2")
    .replaceAll(/IPA/g, "IP-A")
    .toLowerCase();
}

const filterFlags = Object.keys(searchFilters).map(
  (parameter) => [flagOf(parameter), parameter] as const,
);

const options = {
  ...Object.fromEntries(
    filterFlags.map(([flag]) => [flag, { type: "string" as const, multiple: true }]),
  ),
  since: { type: "string" },
  until: { type: "string" },
  text: { type: "string" },
  category: { type: "string", multiple: true },
  "all-categories": { type: "boolean" },
  order: { type: "string" },
  limit: { type: "string" },
  format: { type: "string" },
  follow: { type: "boolean" },
} as const;

export const eventsCommand: Command = {
  name: "events",
  summary: "search the event history, or follow it",
  help: `Usage: cairn events [FILTERS] [--since WHEN] [--until WHEN] [--format FORMAT] [--follow]

Filters, each an exact value; all of them must hold:
${filterFlags.map(([flag]) => `  --${flag} VALUE`).join("\n")}
  --text TEXT          a text that the event's JSON contains
  --category NAME      Management (default), Data, NetworkActivity, Insight, ActivityAuditLog
  --all-categories     every category

  --since, --until     2026-01-31T12:00:00Z, epoch seconds, or an age such as 90m or 7d
  --order ORDER        newest (default) or oldest first
  --limit N            stop after N events; default 50 for a table, else all
  --format FORMAT      ${formats.join(", ")}; ndjson prints each event's accepted bytes
  --follow             print new events as they come, until interrupted
`,
  async run(words, terminal) {
    const given = readArguments(words, options);
    const format = formatOf(given);
    const query = queryOf(given);
    const client = connect(terminal);
    const limit = limitOf(given, format);
    if (given.values["follow"] === true) return follow(client, query, format, terminal);
    if (format === "table") return printTable(client, query, limit, terminal);
    const accept = { json: "application/json", ndjson: "application/x-ndjson", csv: "text/csv" }[
      format
    ];
    if (limit !== undefined) query.set("limit", String(limit));
    const response = await client.send({ path: "/v1/events", query, headers: { accept } });
    await pipe(response, terminal);
    return 0;
  },
};

function formatOf(given: Arguments): OutputFormat {
  const asked = textOption(given, "format") ?? "table";
  const found = formats.find((each) => each === asked);
  if (found === undefined)
    throw new UsageError(`--format ${asked} is none of ${formats.join(", ")}`);
  return found;
}

function limitOf(given: Arguments, format: OutputFormat): number | undefined {
  const text = textOption(given, "limit");
  if (text === undefined) return format === "table" ? 50 : undefined;
  if (!/^[1-9]\d*$/.test(text))
    throw new UsageError(`--limit ${text} is no whole number from 1 up`);
  return Number(text);
}

function queryOf(given: Arguments): URLSearchParams {
  const query = new URLSearchParams();
  for (const [flag, parameter] of filterFlags) {
    const values = given.values[flag];
    if (Array.isArray(values)) for (const value of values) query.append(parameter, String(value));
  }
  for (const name of ["since", "until", "text", "order"]) {
    const value = textOption(given, name);
    if (value !== undefined) query.set(name, value);
  }
  const categories = given.values["category"];
  if (Array.isArray(categories))
    for (const each of categories) query.append("category", String(each));
  else if (given.values["all-categories"] !== true) query.set("category", "Management");
  return query;
}

interface EventAnswer {
  eventTime: string;
  eventName: string;
  eventSource: string;
  username: string;
  sourceIPAddress: string;
  region: string;
  errorCode: string;
}

const columns: readonly (readonly [string, number, (event: EventAnswer) => string])[] = [
  ["TIME", 20, (event) => `${event.eventTime.slice(0, 19)}Z`],
  ["EVENT", 28, (event) => event.eventName],
  ["SOURCE", 30, (event) => event.eventSource],
  ["USER", 20, (event) => event.username],
  ["ADDRESS", 15, (event) => event.sourceIPAddress],
  ["REGION", 12, (event) => event.region],
  ["ERROR", 0, (event) => event.errorCode],
];

const tableHeader = `${columns
  .map(([name, width]) => name.padEnd(width))
  .join("  ")
  .trimEnd()}\n`;

function tableLine(event: EventAnswer): string {
  const cells = columns.map(([, width, value]) => printable(value(event)).padEnd(width));
  return `${cells.join("  ").trimEnd()}\n`;
}

/** What callers sent must not steer a terminal. */
function printable(text: string): string {
  // oxlint-disable-next-line no-control-regex -- control characters are what is looked for
  return text.replaceAll(/[\u0000-\u001f\u007f-\u009f]/g, "�");
}

async function printTable(
  client: Client,
  query: URLSearchParams,
  limit: number | undefined,
  terminal: Terminal,
): Promise<number> {
  let rest = limit ?? Infinity;
  let isFirst = true;
  while (rest > 0) {
    query.set("limit", String(Math.min(rest, 1000)));
    const page = await client.json<{ events: EventAnswer[]; nextToken?: string }>({
      path: "/v1/events",
      query,
    });
    // Not before the first answer: above an error it would stand for nothing.
    if (isFirst) terminal.write(tableHeader);
    isFirst = false;
    for (const event of page.events) terminal.write(tableLine(event));
    rest -= page.events.length;
    if (page.nextToken === undefined) break;
    query.set("nextToken", page.nextToken);
  }
  return 0;
}

async function pipe(response: Response, terminal: Terminal): Promise<void> {
  for await (const chunk of response.body ?? []) {
    if (!terminal.output.write(chunk)) await once(terminal.output, "drain");
  }
}

/** Prints each new event: a table line from its JSON, or the event itself. */
async function follow(
  client: Client,
  query: URLSearchParams,
  format: OutputFormat,
  terminal: Terminal,
): Promise<number> {
  if (format === "csv" || format === "json")
    throw new UsageError(`--follow goes with table or ndjson`);
  if (format === "table") query.set("form", "summary");
  const response = await client.send({ path: "/v1/events/tail", query });
  if (format === "table") terminal.write(tableHeader);
  let rest = "";
  const decoder = new TextDecoder();
  for await (const chunk of response.body ?? []) {
    const lines = (rest + decoder.decode(chunk as Uint8Array, { stream: true })).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) {
      if (!line.startsWith("data: ")) continue;
      const text = line.slice("data: ".length);
      terminal.write(format === "table" ? tableLine(JSON.parse(text) as EventAnswer) : `${text}\n`);
    }
  }
  return 0;
}
