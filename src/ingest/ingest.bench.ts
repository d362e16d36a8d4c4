// How fast the one way in is, with a journal that costs nothing: `npx vitest bench src/ingest`.
import { afterAll, bench, describe } from "vitest";
import { systemClock } from "../base/clock.ts";
import { silentLog } from "../base/log.ts";
import { readEvent } from "../event/read.ts";
import type { RowBatch } from "../event/row.ts";
import type { Journal } from "../journal/journal.ts";
import { createIngest } from "./create-ingest.ts";

/** An ordinary record of 1.5 kB. */
function line(index: number): string {
  const record = {
    eventVersion: "1.09",
    userIdentity: {
      type: "AssumedRole",
      principalId: "AROAEXAMPLEEXAMPLE12:deployer",
      arn: "arn:aws:sts::111122223333:assumed-role/Deploy/deployer",
      accountId: "111122223333",
      accessKeyId: "ASIAEXAMPLEEXAMPLE12",
      sessionContext: {
        sessionIssuer: {
          type: "Role",
          principalId: "AROAEXAMPLEEXAMPLE12",
          arn: "arn:aws:iam::111122223333:role/Deploy",
          accountId: "111122223333",
          userName: "Deploy",
        },
        attributes: { creationDate: "2026-01-01T00:00:00Z", mfaAuthenticated: "false" },
      },
    },
    eventTime: "2026-01-01T00:00:00Z",
    eventSource: "ec2.amazonaws.com",
    eventName: "DescribeInstances",
    awsRegion: "eu-west-1",
    sourceIPAddress: "192.0.2.17",
    userAgent: "aws-cli/2.9.19 Python/3.11.2 Linux/6.1.0 exe/x86_64 prompt/off",
    requestParameters: {
      instancesSet: { items: [{ instanceId: "i-0123456789abcdef0" }] },
      filterSet: {},
    },
    responseElements: null,
    requestID: `00000000-0000-4000-8000-${String(index).padStart(12, "0")}`,
    eventID: `11111111-1111-4111-8111-${String(index).padStart(12, "0")}`,
    readOnly: true,
    eventType: "AwsApiCall",
    managementEvent: true,
    recipientAccountId: "111122223333",
    eventCategory: "Management",
    tlsDetails: {
      tlsVersion: "TLSv1.3",
      cipherSuite: "TLS_AES_128_GCM_SHA256",
      clientProvidedHostHeader: "ec2.eu-west-1.amazonaws.com",
    },
    padding: "",
  };
  const text = JSON.stringify(record);
  return text.replace('"padding":""', `"padding":"${"x".repeat(1500 - text.length)}"`);
}

let nextSeq = 1n;
const freeJournal: Pick<Journal, "append" | "status"> = {
  status: () => ({ lastSeq: nextSeq - 1n, pendingBytes: 0, damaged: 0 }),
  append(batch: RowBatch) {
    const firstSeq = nextSeq;
    nextSeq += BigInt(batch.offsets.length);
    return Promise.resolve({ firstSeq, count: batch.offsets.length });
  },
};

const lines = Array.from({ length: 20_000 }, (_, i) => line(i));
const context = { ownerAccount: "111122223333", origin: "live" as const };
const options = { time: 3000, warmupTime: 1000 };

describe("20,000 events of 1.5 kB", () => {
  const body = Buffer.from(lines.join("\n"));
  for (const workers of [1, 2]) {
    const ingest = createIngest({
      journal: freeJournal as Journal,
      clock: systemClock,
      log: silentLog,
      retentionMs: "forever",
      workers,
    });
    afterAll(() => ingest.close());
    const name = `one body, ${workers} worker(s)`;
    bench(name, async () => void (await ingest.acceptLines(body, context)), options);
  }
  const buffers = lines.map((each) => Buffer.from(each));
  const readContext = { ...context, ingestTimeMs: 0, keepUntilMs: 0 };
  bench(
    "read only, one thread",
    () => buffers.forEach((each) => readEvent(each, readContext)),
    options,
  );
});
