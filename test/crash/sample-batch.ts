// Batches with small events that carry a text of their own, for the journal's tests.
import {
  decodeRow,
  type EventColumns,
  keepForeverMs,
  type RowBatch,
  RowWriter,
} from "../../src/event/row.ts";
import type { Segment } from "../../src/journal/journal.ts";

const columns: EventColumns = {
  ownerAccount: "111122223333",
  eventTimeMs: Date.UTC(2026, 0, 2, 3, 4, 5),
  eventId: "",
  eventSource: "cognito-idp.amazonaws.com",
  eventName: "CreateIdentityPool",
  eventCategory: "Management",
  eventType: "AwsApiCall",
  readOnly: "false",
  region: "us-east-1",
  recipientAccount: "111122223333",
  userType: "IAMUser",
  userArn: "arn:aws:iam::111122223333:user/Alice",
  principalId: "AIDAEXAMPLE",
  userName: "Alice",
  accessKeyId: "AKIAEXAMPLE",
  sourceIp: "192.0.2.1",
  errorCode: "",
  vpcEndpointId: "",
  sessionFromConsole: "",
  lookupResourceTypes: [],
  lookupResourceNames: [],
  resourcesType: [],
  resourcesArn: [],
  ingestTimeMs: Date.UTC(2026, 0, 2, 3, 4, 6),
  keepUntilMs: keepForeverMs,
  flags: 0,
};

/** One event for each text, which becomes its id and its raw. */
export function batchOf(...texts: readonly string[]): RowBatch {
  const writer = new RowWriter(1024);
  for (const text of texts)
    writer.write({ ...columns, eventId: text.slice(0, 40) }, Buffer.from(text));
  return writer.take();
}

export interface FoundEvent {
  seq: bigint;
  text: string;
}

export async function eventsIn(segment: Segment): Promise<FoundEvent[]> {
  const bytes = await segment.bytes();
  const events: FoundEvent[] = [];
  for (let at = 0; at < bytes.length; at += 4 + bytes.readUInt32LE(at)) {
    const { seq, raw } = decodeRow(bytes, at);
    events.push({ seq, text: raw.toString() });
  }
  return events;
}
