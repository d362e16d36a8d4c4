// Whatever anybody sends to either port, the server stays up, answers what it must, and loses nothing else.
import { createHash } from "node:crypto";
import { connect } from "node:net";
import * as fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import { systemClock } from "../../src/base/clock.ts";
import type { Client } from "../../src/cli/client.ts";
import { signRequest } from "../../src/signature/signer.ts";
import { type CairnProcess, startCairn } from "../tools/cairn.ts";
import { clientOf, eventLine, storeEvents } from "../tools/post-events.ts";

let cairn: CairnProcess;
let client: Client;

beforeAll(async () => {
  cairn = await startCairn();
  client = clientOf(cairn);
});
afterAll(() => cairn.stop());

const bounded = { numRuns: 300, interruptAfterTimeLimit: 15_000, markInterruptAsFailure: false };

/** Sends bytes as they are and resolves with the status of the answer, if there is one before the line is closed. */
function sendBytes(url: string, bytes: Uint8Array): Promise<number | undefined> {
  const { hostname, port } = new URL(url);
  return new Promise((resolve) => {
    const socket = connect(Number(port), hostname);
    let text = "";
    const done = () => {
      socket.destroy();
      const status = /^HTTP\/1\.1 (\d{3})/.exec(text)?.[1];
      resolve(status === undefined ? undefined : Number(status));
    };
    socket.on("data", (chunk) => {
      text += chunk.toString("latin1");
      if (text.includes("\r\n\r\n")) done();
    });
    socket.on("close", done);
    socket.on("error", done);
    // Half a request waits for its rest: nothing comes, so the end is ours.
    socket.setTimeout(200, done);
    socket.write(bytes);
  });
}

const head = (url: string) => [
  "POST /v1/events HTTP/1.1",
  "GET / HTTP/1.1",
  "POST / HTTP/1.1",
  "PUT /bucket/key HTTP/1.1",
  `host: ${new URL(url).host}`,
  "content-length: 5",
  "transfer-encoding: chunked",
  "expect: 100-continue",
  "x-amz-target: CloudTrail_20131101.LookupEvents",
  "content-type: application/x-www-form-urlencoded",
  "authorization: AWS4-HMAC-SHA256 Credential=A/20260101/us-east-1/cairn/aws4_request, SignedHeaders=host, Signature=0",
  "authorization: AWS4-HMAC-SHA256 Credential=A/20260101/us-east-1/cloudtrail/aws4_request, SignedHeaders=host, Signature=0",
  "x-amz-date: 20260101T000000Z",
  "upgrade: websocket",
  "",
];

test("any bytes on either port leave both serving", async () => {
  const ports = fc.constantFrom(cairn.url, cairn.gatewayUrl);
  const lines = fc.array(fc.oneof(fc.constantFrom(...head(cairn.url)), fc.string()), {
    maxLength: 12,
  });
  const bytes = fc.oneof(
    fc.uint8Array({ maxLength: 400 }),
    lines.map((each) => Buffer.from(`${each.join("\r\n")}\r\n\r\n`, "latin1")),
  );
  await fc.assert(
    fc.asyncProperty(ports, bytes, async (url, sent) => {
      const status = await sendBytes(url, sent);
      // 502 and 503 are the gateway's words for an upstream that is not there.
      expect(status === undefined || status < 500 || [501, 502, 503].includes(status)).toBe(true);
    }),
    bounded,
  );
  expect((await fetch(`${cairn.url}/health`)).status).toBe(200);
});

/** A signed request; its status and text. */
async function send(service: string, path: string, body: Buffer, headers: Record<string, string>) {
  const url = new URL(path, cairn.url);
  const signed = await signRequest(
    {
      method: "POST",
      url,
      headers,
      payloadHash: createHash("sha256").update(body).digest("hex"),
      service,
      region: "us-east-1",
      nowMs: systemClock.nowMs(),
    },
    cairn.credentials,
  );
  delete signed["host"];
  const response = await fetch(url, { method: "POST", headers: signed, body });
  return { status: response.status, text: await response.text() };
}

test("any lines beside good ones: the good are stored, each other is accounted for", async () => {
  let round = 0;
  const line = fc.oneof(
    fc.json(),
    fc.string(),
    fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes).toString("latin1")),
    fc.jsonValue().map((value) =>
      JSON.stringify({
        eventName: "x",
        eventSource: "y",
        eventTime: value,
        requestParameters: value,
      }),
    ),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(line, { maxLength: 20 }), async (lines) => {
      const eventID = `fuzz-${(round += 1)}`;
      const others = lines.map((each) => each.replaceAll("\n", " "));
      const sent = [...others, eventLine({ eventID })];
      const posted = await storeEvents(client, sent);
      expect(posted.accepted + posted.rejected.length).toBe(
        sent.filter((each) => each.replaceAll(/[ \t\r]/g, "") !== "").length,
      );
      expect(posted.rejected.some(({ line: number }) => number === sent.length)).toBe(false);
      expect(posted.stored + posted.duplicates).toBe(posted.accepted);
    }),
    { ...bounded, numRuns: 40 },
  );
});

test("any JSON as a LookupEvents request is answered with its result or a caller's error", async () => {
  const members = fc.record(
    {
      LookupAttributes: fc.jsonValue(),
      StartTime: fc.jsonValue(),
      EndTime: fc.jsonValue(),
      MaxResults: fc.jsonValue(),
      NextToken: fc.jsonValue(),
      EventCategory: fc.jsonValue(),
    },
    { requiredKeys: [] },
  );
  const body = fc.oneof(
    members.map((value) => JSON.stringify(value)),
    fc.json(),
    fc.string(),
  );
  const headers = {
    "content-type": "application/x-amz-json-1.1",
    "x-amz-target": "CloudTrail_20131101.LookupEvents",
  };
  await fc.assert(
    fc.asyncProperty(body, async (text) => {
      const answer = await send("cloudtrail", "/", Buffer.from(text), headers);
      expect([200, 400]).toContain(answer.status);
      expect(() => JSON.parse(answer.text) as unknown).not.toThrow();
    }),
    { ...bounded, numRuns: 200 },
  );
});
