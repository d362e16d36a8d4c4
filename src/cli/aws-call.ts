// Calls of the AWS API from the command line: through the same door, and answered in the same words, as the AWS CLI's.
import { XMLParser } from "fast-xml-parser";
import type { Client } from "./client.ts";

const versions = { iam: "2010-05-08", sts: "2011-06-15" } as const;

const parser = new XMLParser({
  ignoreAttributes: true,
  // A number may be an account id, and begin with zeros.
  parseTagValue: false,
  // Also `&#60;`, which the server writes.
  htmlEntities: true,
  isArray: (name) => name === "member",
});

/** What stands in the answer's result, lists as lists, every value as text. */
export async function queryCall(
  client: Client,
  service: keyof typeof versions,
  action: string,
  input: Readonly<Record<string, string>> = {},
): Promise<Record<string, unknown>> {
  const form = new URLSearchParams({ Action: action, Version: versions[service], ...input });
  const response = await client.send({
    method: "POST",
    path: "/",
    service,
    headers: { "content-type": "application/x-www-form-urlencoded; charset=utf-8" },
    body: form.toString(),
  });
  const parsed = parser.parse(await response.text()) as Record<string, Record<string, unknown>>;
  const result = listed(parsed[`${action}Response`]?.[`${action}Result`]);
  return typeof result === "object" && result !== null ? (result as Record<string, unknown>) : {};
}

/** Every page of a list. */
export async function queryList(
  client: Client,
  service: keyof typeof versions,
  action: string,
  member: string,
): Promise<Record<string, unknown>[]> {
  const found: Record<string, unknown>[] = [];
  let marker: string | undefined;
  do {
    const input: Record<string, string> = marker === undefined ? {} : { Marker: marker };
    const page = await queryCall(client, service, action, input);
    // An empty list is an empty element, and that reads as an empty text.
    if (Array.isArray(page[member])) found.push(...(page[member] as Record<string, unknown>[]));
    marker = page["IsTruncated"] === "true" ? (page["Marker"] as string) : undefined;
  } while (marker !== undefined);
  return found;
}

/** An operation of Organizations. */
export async function organizationsCall<T>(
  client: Client,
  operation: string,
  input: object = {},
): Promise<T> {
  return client.json<T>({
    method: "POST",
    path: "/",
    service: "organizations",
    headers: {
      "content-type": "application/x-amz-json-1.1",
      "x-amz-target": `AWSOrganizationsV20161128.${operation}`,
    },
    body: JSON.stringify(input),
  });
}

/** `<member>` elements are a list. */
function listed(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(listed);
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value);
  const [first] = entries;
  if (entries.length === 1 && first?.[0] === "member") return listed(first[1]);
  return Object.fromEntries(entries.map(([name, member]) => [name, listed(member)]));
}
