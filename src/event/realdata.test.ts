// Real records, written by others: every one is a record, and says what a second, independent reading says.
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import type { JsonObject } from "./json.ts";
import { isJsonObject } from "./json.ts";
import { readEvent } from "./read.ts";
import { type EventColumns, rowFlags } from "./row.ts";

const folder = join(import.meta.dirname, "../../../shared/realdata/events");
const found = existsSync(folder);
if (!found) process.emitWarning(`SKIPPED: no real records at ${folder}`);

const ingestTimeMs = Date.UTC(2026, 0, 1);
const context = {
  ownerAccount: "111122223333",
  origin: "import" as const,
  ingestTimeMs,
  keepUntilMs: ingestTimeMs,
};

function* lines(): Generator<{ place: string; line: string }> {
  for (const file of readdirSync(folder).filter((each) => each.endsWith(".ndjson"))) {
    const texts = readFileSync(join(folder, file), "utf8").split("\n");
    for (const [index, line] of texts.entries()) {
      if (line.trim() !== "") yield { place: `${file}:${index + 1}`, line };
    }
  }
}

function columnsOf(line: string): EventColumns {
  const { columns, rejection } = readEvent(Buffer.from(line), context);
  if (columns === undefined) throw new Error(rejection.message);
  return columns;
}

test.skipIf(!found)("every real record is accepted, and the odd ones are known by name", () => {
  const odd: string[] = [];
  let count = 0;
  for (const { place, line } of lines()) {
    count++;
    const { columns, rejection } = readEvent(Buffer.from(line), context);
    if (columns === undefined) odd.push(`${place} ${rejection.code}`);
    else if ((columns.flags & rowFlags.timeUnreadable) !== 0) odd.push(`${place} time unreadable`);
  }
  expect(count).toBe(1687);
  expect(odd).toMatchInlineSnapshot(`
    [
      "cloud-custodian-cwe.ndjson:6 time unreadable",
      "panther-analysis.ndjson:34 time unreadable",
      "panther-analysis.ndjson:35 time unreadable",
      "panther-analysis.ndjson:36 time unreadable",
      "panther-analysis.ndjson:37 time unreadable",
      "panther-analysis.ndjson:77 time unreadable",
      "panther-analysis.ndjson:321 time unreadable",
      "panther-analysis.ndjson:438 time unreadable",
      "panther-analysis.ndjson:444 time unreadable",
      "panther-analysis.ndjson:447 time unreadable",
    ]
  `);
});

function text(value: unknown): string {
  return ["string", "number", "boolean"].includes(typeof value) ? String(value) : "";
}

test.skipIf(!found)("columns say what JSON.parse says", () => {
  const differences: string[] = [];
  for (const { place, line } of lines()) {
    const record = JSON.parse(line) as JsonObject;
    const identity = isJsonObject(record["userIdentity"]) ? record["userIdentity"] : {};
    const columns = columnsOf(line);
    const time = text(record["eventTime"]).replace(" ", "T").replace(/Z?$/, "Z");
    const expected: Partial<EventColumns> = {
      eventTimeMs: Number.isNaN(Date.parse(time)) ? ingestTimeMs : Date.parse(time),
      eventSource: text(record["eventSource"]),
      eventName: text(record["eventName"]),
      eventType: text(record["eventType"]),
      readOnly: text(record["readOnly"]).toLowerCase(),
      region: text(record["awsRegion"]),
      recipientAccount: text(record["recipientAccountId"]),
      userType: text(identity["type"]),
      userArn: text(identity["arn"]),
      principalId: text(identity["principalId"]),
      accessKeyId: text(identity["accessKeyId"]),
      sourceIp: text(record["sourceIPAddress"]),
      errorCode: text(record["errorCode"]),
      vpcEndpointId: text(record["vpcEndpointId"]),
      sessionFromConsole: text(record["sessionCredentialFromConsole"]),
    };
    for (const [column, value] of Object.entries(expected)) {
      const got = columns[column as keyof EventColumns];
      if (got !== value)
        differences.push(`${place} ${column}: ${String(got)}, not ${String(value)}`);
    }
  }
  expect(differences).toEqual([]);
});

test.skipIf(!found)("what LookupEvents derives, by event source", () => {
  // How many records of each source have a resource: a path that stops matching shows here.
  const bySource = new Map<string, { records: number; named: number }>();
  const userNames = new Map<string, number>();
  for (const { line } of lines()) {
    const columns = columnsOf(line);
    const entry = bySource.get(columns.eventSource) ?? { records: 0, named: 0 };
    entry.records++;
    if (columns.lookupResourceNames.length > 0) entry.named++;
    bySource.set(columns.eventSource, entry);
    const key = `${columns.userType || "none"} ${columns.userName === "" ? "without" : "with"}`;
    userNames.set(key, (userNames.get(key) ?? 0) + 1);
  }
  const common = [...bySource].filter(([, entry]) => entry.records >= 10);
  expect(
    common.map(([source, { records, named }]) => `${source} ${named}/${records}`).toSorted(),
  ).toMatchInlineSnapshot(`
    [
      "apigateway.amazonaws.com 11/11",
      "bedrock.amazonaws.com 16/33",
      "cloudtrail.amazonaws.com 16/30",
      "config.amazonaws.com 6/18",
      "ec2.amazonaws.com 227/367",
      "ecr.amazonaws.com 7/13",
      "eks.amazonaws.com 15/18",
      "elasticloadbalancing.amazonaws.com 2/11",
      "events.amazonaws.com 0/15",
      "guardduty.amazonaws.com 36/42",
      "iam.amazonaws.com 70/239",
      "kms.amazonaws.com 8/16",
      "lambda.amazonaws.com 26/47",
      "logs.amazonaws.com 1/19",
      "organizations.amazonaws.com 1/16",
      "rds.amazonaws.com 71/127",
      "s3.amazonaws.com 122/131",
      "secretsmanager.amazonaws.com 22/38",
      "ses.amazonaws.com 3/40",
      "signin.amazonaws.com 2/56",
      "sns.amazonaws.com 0/15",
      "ssm.amazonaws.com 26/163",
      "sts.amazonaws.com 9/34",
      "wafv2.amazonaws.com 2/13",
    ]
  `);
  expect(
    [...userNames].map(([key, count]) => `${key}: ${count}`).toSorted(),
  ).toMatchInlineSnapshot(`
    [
      "AWSAccount without: 5",
      "AWSService without: 2",
      "AssumedRole with: 524",
      "AssumedRole without: 33",
      "FederatedUser with: 3",
      "IAMUser with: 1048",
      "IAMUser without: 17",
      "Root with: 43",
      "Unknown with: 2",
      "Unknown without: 2",
      "none without: 8",
    ]
  `);
});
