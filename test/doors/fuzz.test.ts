// Nonsense at every door of a running server, from a seed: it is refused in a documented way, the server stays up, and
// what came in good order beside it is not lost.
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import * as fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type CairnProcess, startCairn } from "../tools/cairn.ts";
import { eventLine } from "../tools/post-events.ts";
import { seedOf } from "../tools/seed.ts";
import { type Answer, awsJson, type Call, send, signedHeaders } from "../tools/signed-call.ts";
import { speak } from "./raw.ts";

const seed = seedOf("fuzz");
/** Each property stops here, however many runs it has had by then. */
const budgetMs = 7000;
const settings = { seed, numRuns: 400, interruptAfterTimeLimit: budgetMs } as const;

let cairn: CairnProcess;
const upstream = createServer((request, response) => {
  request.on("error", () => undefined);
  request.resume().on("end", () => response.end("{}"));
});
beforeAll(async () => {
  await new Promise<void>((resolve) => upstream.listen(0, "127.0.0.1", () => resolve()));
  const { port } = upstream.address() as AddressInfo;
  cairn = await startCairn({ flags: ["--gateway-upstream", `http://127.0.0.1:${port}`] });
});
afterAll(async () => {
  await cairn.stop();
  upstream.closeAllConnections();
  upstream.close();
});

function ask(path: string, call: Partial<Call> = {}): Promise<Answer> {
  return send({ url: cairn.url, credentials: cairn.credentials, path, ...call });
}

/** Not a 5xx: 501, an operation that is not there yet, is the one that may be. */
function isDocumented(status: number): boolean {
  return (status >= 200 && status < 500) || status === 501;
}

async function expectUp(): Promise<void> {
  if (cairn.process.exitCode !== null) throw new Error(`the server ended:\n${cairn.output()}`);
  const health = await fetch(`${cairn.url}/health`);
  expect(health.status).toBe(200);
  // Every 500 is logged with its stack: none was wanted.
  expect(cairn.output()).not.toMatch(/"msg":"(a )?request failed"|Warning|InternalFailure/);
}

const isFilled = (bytes: Buffer) => !/^[ \t\r]*$/.test(bytes.toString("latin1"));
const withoutBreaks = (bytes: Uint8Array) => Buffer.from(bytes.filter((byte) => byte !== 0x0a));

async function countGood(): Promise<number> {
  const headers = { accept: "application/x-ndjson" };
  const { text } = await ask("/v1/events?eventName=Good", { headers });
  return text.split("\n").filter(Boolean).length;
}

const anyBytes = fc.uint8Array({ minLength: 1, maxLength: 2000 });

type Change = { kind: "flip" | "cut" | "insert" | "repeat"; at: number; bytes: Uint8Array };
const changes: fc.Arbitrary<Change[]> = fc.array(
  fc.record({
    kind: fc.constantFrom("flip", "cut", "insert", "repeat"),
    at: fc.double({ min: 0, max: 1, noNaN: true }),
    bytes: fc.uint8Array({ minLength: 1, maxLength: 8 }),
  }),
  { minLength: 1, maxLength: 4 },
);

function mutate(bytes: Buffer, list: readonly Change[]): Buffer {
  let result = bytes;
  for (const { kind, at, bytes: given } of list) {
    const index = Math.floor(at * result.length);
    const before = result.subarray(0, index);
    const after = result.subarray(index);
    if (kind === "insert") result = Buffer.concat([before, given, after]);
    else if (kind === "cut") result = Buffer.concat([before, after.subarray(given.length)]);
    else if (kind === "repeat") result = Buffer.concat([before, after.subarray(0, 40), after]);
    else result = Buffer.concat([before, given, after.subarray(given.length)]);
  }
  return result;
}

/** A signed request as its bytes. */
async function requestBytes(call: Call): Promise<Buffer> {
  const body = Buffer.from(call.body ?? "");
  const headers = { ...(await signedHeaders(call)), "content-length": String(body.length) };
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}`);
  const head = `${call.method ?? "GET"} ${call.path ?? "/"} HTTP/1.1\r\n${lines.join("\r\n")}\r\n\r\n`;
  return Buffer.concat([Buffer.from(head), body]);
}

const lookupEvents = "com.amazonaws.cloudtrail.v20131101.CloudTrail_20131101.LookupEvents";

/** The first status line, if any; a mutated request may well be an unfinished one, which is not waited for. */
async function statusOf(url: string, bytes: Uint8Array): Promise<number | undefined> {
  const { text } = await speak(url, bytes, { withinMs: 150, until: /\r\n\r\n/ });
  if (text === "") return undefined;
  const status = /^HTTP\/1\.1 (\d{3}) /.exec(text)?.[1];
  if (status === undefined) throw new Error(`no HTTP came back: ${text.slice(0, 200)}`);
  return Number(status);
}

test("arbitrary bytes and mutated requests on both ports: no 5xx, and the server stays up", {
  timeout: 60_000,
}, async () => {
  const { url, gatewayUrl, credentials } = cairn;
  const body = `${eventLine({ eventID: "mutated" })}\n`;
  const aws = {
    method: "POST",
    headers: { "content-type": "application/x-amz-json-1.1", "x-amz-target": lookupEvents },
    body: '{"MaxResults":5}',
    service: "cloudtrail",
  };
  const requests = await Promise.all([
    requestBytes({ url, credentials, method: "POST", path: "/v1/events", body }),
    requestBytes({ url, credentials, path: "/v1/events?limit=1&since=2h" }),
    requestBytes({ url, credentials, ...aws }),
    requestBytes({ url: gatewayUrl, credentials, ...aws }),
    requestBytes({ url: gatewayUrl, credentials, path: "/bucket/key?acl", service: "s3" }),
  ]);
  const spoken = fc.oneof(
    anyBytes,
    fc
      .tuple(fc.constantFrom(...requests), changes)
      .map(([bytes, list]) => new Uint8Array(mutate(bytes, list))),
  );
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.tuple(fc.boolean(), spoken), { minLength: 4, maxLength: 8 }),
      async (said) => {
        const statuses = await Promise.all(
          said.map(([atGateway, bytes]) => statusOf(atGateway ? gatewayUrl : url, bytes)),
        );
        const answered = statuses.filter((status) => status !== undefined);
        expect(answered.filter((status) => !isDocumented(status))).toEqual([]);
      },
    ),
    settings,
  );
  await expectUp();
});

test("whatever stands between good lines, the good ones are accepted and found, and each other line is accounted for", {
  timeout: 60_000,
}, async () => {
  let count = 0;
  const wanted: string[] = [];
  const event = fc
    .dictionary(
      fc.constantFrom(
        "eventTime",
        "eventName",
        "userIdentity",
        "resources",
        "sourceIPAddress",
        "readOnly",
        "eventCategory",
        "requestParameters",
        "__proto__",
        "x",
      ),
      fc.jsonValue(),
    )
    .map((members) => Buffer.from(eventLine({ ...members, eventID: "odd" })));
  const line = fc.oneof(
    anyBytes.map(withoutBreaks),
    fc.json().map((text) => Buffer.from(text)),
    fc.string({ unit: "binary", maxLength: 300 }).map((text) => withoutBreaks(Buffer.from(text))),
    fc
      .tuple(fc.constant(Buffer.from(eventLine({ eventID: "mutated" }))), changes)
      .map(([bytes, list]) => withoutBreaks(mutate(bytes, list))),
    event,
  );
  await fc.assert(
    fc.asyncProperty(fc.array(line, { maxLength: 12 }), async (lines) => {
      const good = lines.map(() => `good-${seed}-${count++}`);
      // Before it is sent: a run that the time limit leaves behind is stored as well.
      wanted.push(...good);
      const mixed = lines.flatMap((bytes, index) => [
        bytes,
        Buffer.from(eventLine({ eventID: good[index] ?? "", eventName: "Good" })),
      ]);
      const body = Buffer.concat(mixed.flatMap((bytes) => [bytes, Buffer.from("\n")]));
      const answer = await ask("/v1/events", { method: "POST", body });
      expect([200, 207]).toContain(answer.status);
      const report = JSON.parse(answer.text) as {
        received: number;
        accepted: number;
        rejected: { line: number; code: string; message: string }[];
      };
      const filled = mixed.filter(isFilled).length;
      expect(report.received).toBe(report.accepted + report.rejected.length);
      expect(report.received).toBe(filled);
      // Even lines are the good ones.
      expect(report.rejected.filter(({ line: number }) => number % 2 === 0)).toEqual([]);
      for (const { code, message } of report.rejected) expect([code, message]).not.toContain("");
    }),
    settings,
  );
  await expectUp();
  await expect.poll(countGood, { timeout: 20_000 }).toBe(wanted.length);
});

test("a call of a service that is not here is refused, and is no failure of the server's", async () => {
  const { url, credentials } = cairn;
  const request = await requestBytes({ url, credentials, path: "/bucket/key?acl", service: "s3" });
  expect(await statusOf(url, request)).toBe(501);
  await expectUp();
});

test("LookupEvents with any JSON, or none: an answer or a client's error", {
  timeout: 60_000,
}, async () => {
  const { url, credentials } = cairn;
  const attribute = fc.record(
    {
      AttributeKey: fc.oneof(fc.constantFrom("EventId", "Username", "ReadOnly"), fc.jsonValue()),
      AttributeValue: fc.oneof(fc.string({ unit: "binary" }), fc.jsonValue()),
    },
    { requiredKeys: [] },
  );
  const members = fc.record(
    {
      LookupAttributes: fc.oneof(fc.array(attribute), fc.jsonValue()),
      StartTime: fc.oneof(fc.double(), fc.integer(), fc.string(), fc.jsonValue()),
      EndTime: fc.oneof(fc.double(), fc.integer(), fc.string(), fc.jsonValue()),
      MaxResults: fc.oneof(fc.integer(), fc.double(), fc.jsonValue()),
      NextToken: fc.oneof(fc.string({ unit: "binary" }), fc.jsonValue()),
      EventCategory: fc.oneof(fc.constant("insight"), fc.jsonValue()),
      ["__proto__"]: fc.jsonValue(),
    },
    { requiredKeys: [] },
  );
  const body = fc.oneof(
    members.map((value) => JSON.stringify(value)),
    fc.json(),
    fc.string({ unit: "binary" }),
  );
  const target = fc.oneof(
    { weight: 8, arbitrary: fc.constant(lookupEvents) },
    fc.constantFrom("CloudTrail_20131101.LookupEvents", "CloudTrail_20131101.CreateTrail", "x.y"),
  );
  await fc.assert(
    fc.asyncProperty(target, body, async (name, text) => {
      const call = { url, credentials, service: "cloudtrail", target: name, input: text };
      const answer = await awsJson(call);
      expect([answer.status, answer.text]).toSatisfy(([status]: [number]) => isDocumented(status));
      const parsed = JSON.parse(answer.text) as { __type?: string };
      if (answer.status !== 200 && typeof parsed.__type !== "string")
        throw new Error(`no AWS error: ${answer.text}`);
    }),
    settings,
  );
  await expectUp();
});

test("searches with any parameters: an answer or a client's error that says why", {
  timeout: 60_000,
}, async () => {
  const name = fc.oneof(
    fc.constantFrom("since", "until", "text", "limit", "order", "nextToken", "category"),
    fc.constantFrom("eventId", "username", "resourceName", "__proto__", "constructor"),
    fc.string(),
  );
  const value = fc.oneof(
    fc.string({ unit: "binary" }),
    fc.double().map(String),
    fc.date({ noInvalidDate: true }).map((date) => date.toISOString()),
    fc.constantFrom("1", "newest", "7d", "99999999999d", "%", "'", "\\", "\0"),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(fc.tuple(name, value), { maxLength: 4 }), async (pairs) => {
      const query = pairs
        .map(
          ([key, text]) =>
            `${encodeURIComponent(wellFormed(key))}=${encodeURIComponent(wellFormed(text))}`,
        )
        .join("&");
      const answer = await ask(`/v1/events?limit=1&${query}`);
      expect([answer.status, query]).toSatisfy(([status]: [number]) => isDocumented(status));
      const { message, events } = JSON.parse(answer.text) as { message?: string; events?: [] };
      expect(answer.status === 200 ? events : message).toBeTruthy();
    }),
    settings,
  );
  await expectUp();
});

/** A lone surrogate cannot stand in a URL. */
function wellFormed(text: string): string {
  return Buffer.from(text).toString();
}
