// Puts events into a running Cairn over its event API, and waits until they are searchable.
import { systemClock } from "../../src/base/clock.ts";
import { Client } from "../../src/cli/client.ts";
import type { CairnProcess } from "./cairn.ts";

export function clientOf(cairn: Pick<CairnProcess, "url" | "credentials">): Client {
  return new Client({
    url: new URL(cairn.url),
    region: "us-east-1",
    credentials: () => Promise.resolve(cairn.credentials),
    clock: systemClock,
  });
}

export interface Posted {
  accepted: number;
  rejected: { line: number; code: string; message: string }[];
  ranges: [string, string][];
}

/** Posts lines and returns the answer, once they are durable. */
export function postEvents(
  client: Client,
  lines: readonly (string | Buffer)[],
  origin = "live",
): Promise<Posted> {
  const body = Buffer.concat(lines.flatMap((line) => [Buffer.from(line), Buffer.from("\n")]));
  return client.json<Posted>({
    method: "POST",
    path: "/v1/events",
    query: new URLSearchParams({ origin }),
    body,
  });
}

/** Posts lines and returns once they are searchable, with what became of them. */
export async function storeEvents(
  client: Client,
  lines: readonly (string | Buffer)[],
  origin = "live",
): Promise<Posted & { stored: number; duplicates: number; variants: number }> {
  const posted = await postEvents(client, lines, origin);
  const outcome = await client.json<{ stored: number; duplicates: number; variants: number }>({
    method: "POST",
    path: "/v1/events/outcome",
    body: JSON.stringify({ ranges: posted.ranges }),
  });
  return { ...posted, ...outcome };
}

export interface EventFields {
  eventID: string;
  eventTime?: string;
  eventName?: string;
  eventSource?: string;
  userName?: string;
  [member: string]: unknown;
}

/** A management event of the first account, now, with what matters to the test on top. */
export function eventLine(fields: EventFields): string {
  const { userName = "Alice", ...rest } = fields;
  return JSON.stringify({
    eventVersion: "1.08",
    userIdentity: {
      type: "IAMUser",
      principalId: "AIDACKCEVSQ6C2EXAMPLE",
      arn: `arn:aws:iam::111122223333:user/${userName}`,
      accountId: "111122223333",
      accessKeyId: "AKIAIOSFODNN7EXAMPLE",
      userName,
    },
    eventTime: `${new Date(systemClock.nowMs()).toISOString().slice(0, 19)}Z`,
    eventSource: "iam.amazonaws.com",
    eventName: "CreateUser",
    awsRegion: "us-east-1",
    sourceIPAddress: "192.0.2.1",
    userAgent: "test",
    requestParameters: null,
    responseElements: null,
    requestID: `request-of-${rest.eventID}`,
    readOnly: false,
    eventType: "AwsApiCall",
    managementEvent: true,
    recipientAccountId: "111122223333",
    eventCategory: "Management",
    ...rest,
  });
}
