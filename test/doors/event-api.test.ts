// The event API through its own door: what it takes, what it refuses and in which words.
import { createHash } from "node:crypto";
import { request } from "node:http";
import { gzipSync } from "node:zlib";
import { SignatureV4 } from "@smithy/signature-v4";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { systemClock } from "../../src/base/clock.ts";
import type { Client } from "../../src/cli/client.ts";
import { Sha256, signRequest } from "../../src/signature/signer.ts";
import { type CairnProcess, startCairn } from "../tools/cairn.ts";
import { clientOf, eventLine, postEvents, storeEvents } from "../tools/post-events.ts";

let cairn: CairnProcess;
let client: Client;

beforeAll(async () => {
  cairn = await startCairn({ flags: ["--trust-proxy", "--behind-proxy"] });
  client = clientOf(cairn);
});
afterAll(() => cairn.stop());

interface Answer {
  status: number;
  text: string;
}

/** Sends a signed request as it is given, bytes, headers and all. */
async function send(
  method: string,
  path: string,
  body: Buffer | string = "",
  headers: Record<string, string> = {},
  payloadHash = createHash("sha256").update(body).digest("hex"),
): Promise<Answer> {
  const url = new URL(path, cairn.url);
  const signed = await signRequest(
    {
      method,
      url,
      headers,
      payloadHash,
      service: "cairn",
      region: "us-east-1",
      nowMs: systemClock.nowMs(),
    },
    cairn.credentials,
  );
  delete signed["host"];
  const response = await fetch(url, {
    method,
    headers: signed,
    ...(method === "GET" ? {} : { body }),
  });
  return { status: response.status, text: await response.text() };
}

/** Announces many such lines, sends half of them and hangs up. */
async function breakOff(line: string): Promise<void> {
  const body = Buffer.from(`${line}\n`.repeat(40));
  const url = new URL("/v1/events", cairn.url);
  const payloadHash = createHash("sha256").update(body).digest("hex");
  const nowMs = systemClock.nowMs();
  const signing = { method: "POST", url, headers: {}, payloadHash, nowMs };
  const headers = await signRequest(
    { ...signing, service: "cairn", region: "us-east-1" },
    cairn.credentials,
  );
  const sent = request(url, {
    method: "POST",
    headers: { ...headers, "content-length": body.length },
  });
  const over = new Promise<void>((resolve) => sent.once("close", () => resolve()));
  sent.on("error", () => undefined);
  sent.write(body.subarray(0, body.length / 2), () => sent.destroy());
  await over;
}

/** What a follower is sent until there are `count` events: each id and event id. */
async function follow(lastEventId: string | undefined, count: number): Promise<[string, string][]> {
  const stop = new AbortController();
  const headers = lastEventId === undefined ? {} : { "last-event-id": lastEventId };
  const query = new URLSearchParams({ username: "door-tail" });
  const response = await client.send({
    path: "/v1/events/tail",
    query,
    headers,
    signal: stop.signal,
  });
  const found: [string, string][] = [];
  let text = "";
  const decoder = new TextDecoder();
  for await (const chunk of response.body ?? []) {
    text += decoder.decode(chunk as Uint8Array, { stream: true });
    if (found.length === 0 && lastEventId === undefined && text.startsWith(":")) {
      await postEvents(
        client,
        [1, 2].map((n) => eventLine({ eventID: `door-tail-${n}`, userName: "door-tail" })),
      );
    }
    for (const match of text.matchAll(/^id: (\d+)\nevent: event\ndata: (.*)\n\n/gm)) {
      const id = (JSON.parse(match[2] ?? "{}") as { eventID: string }).eventID;
      if (!found.some(([, known]) => known === id)) found.push([match[1] ?? "", id]);
    }
    if (found.length >= count) break;
  }
  stop.abort();
  return found;
}

describe("putting events in", () => {
  test("good and bad lines in one body: the bad are named by line, the good are stored", async () => {
    const deep = `${'{"a":'.repeat(600)}1${"}".repeat(600)}`;
    const lines = [
      eventLine({ eventID: "door-good-1" }),
      '{"eventName":"cut',
      eventLine({ eventID: "door-twice" }).replace('"readOnly"', '"eventID":"again","readOnly"'),
      Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x7d]),
      eventLine({ eventID: "door-control" }).replace("test", "te\u0001st"),
      deep,
      eventLine({ eventID: "door-large", requestParameters: { text: "x".repeat(300 * 1024) } }),
      eventLine({ eventID: "door-old", eventTime: "1999-12-31T23:59:59Z" }),
      eventLine({ eventID: "door-late", eventTime: "2100-01-01T00:00:00Z" }),
      "[]",
      "",
      eventLine({ eventID: "not-a-uuid", unknownMember: { kept: 347.5 }, sourceIPAddress: 5 }),
    ];
    const posted = await storeEvents(client, lines);
    expect(posted.rejected.map(({ line, code }) => [line, code])).toEqual([
      [2, "Truncated"],
      [3, "DuplicateMember"],
      [4, "InvalidUtf8"],
      [5, "ControlCharacter"],
      [6, "TooDeep"],
      [7, "TooLarge"],
      [8, "TimeOutOfRange"],
      [9, "TimeOutOfRange"],
      [10, "NotAnObject"],
    ]);
    expect(posted).toMatchObject({ accepted: 2, stored: 2 });
    const found = await send("GET", "/v1/events?eventId=not-a-uuid", "", {
      accept: "application/x-ndjson",
    });
    expect(found.text.trim()).toBe(lines.at(-1));
  });

  test("gzip is taken; what is no gzip, cut short or a bomb is refused by name", async () => {
    const body = gzipSync(Buffer.from(`${eventLine({ eventID: "door-gzip" })}\n`));
    const gzip = { "content-encoding": "gzip" };
    expect(await send("POST", "/v1/events", body, gzip)).toMatchObject({ status: 200 });
    expect((await send("POST", "/v1/events", "plain", gzip)).text).toMatch(/not gzip/);
    expect((await send("POST", "/v1/events", body.subarray(0, -9), gzip)).text).toMatch(
      /cut short/,
    );
    const bomb = gzipSync(Buffer.alloc(80 * 1024 * 1024));
    expect(await send("POST", "/v1/events", bomb, gzip)).toMatchObject({ status: 413 });
    expect(await send("POST", "/v1/events", body, { "content-encoding": "br" })).toMatchObject({
      status: 415,
    });
  });

  test("an empty body is an empty report", async () => {
    expect(JSON.parse((await send("POST", "/v1/events", "")).text)).toMatchObject({
      received: 0,
      accepted: 0,
    });
  });

  test("more than 64 MiB is refused before it is read", async () => {
    const answer = await send("POST", "/v1/events", Buffer.alloc(64 * 1024 * 1024 + 1)).catch(
      () => undefined,
    );
    // The server may close the connection before the client has sent everything: both say no.
    expect(answer?.status ?? 413).toBe(413);
    expect(await send("GET", "/v1/events?limit=1")).toMatchObject({ status: 200 });
  });

  test("a chunked body is unframed; one that is not framed as it claims is refused", async () => {
    const line = eventLine({ eventID: "door-chunked" });
    const hash = "STREAMING-UNSIGNED-PAYLOAD-TRAILER";
    const framed = `${Buffer.byteLength(line).toString(16)}\r\n${line}\r\n0\r\n\r\n`;
    const headers = { "content-encoding": "aws-chunked" };
    const taken = await send("POST", "/v1/events", framed, headers, hash);
    expect(taken.text).toContain('"accepted":1');
    expect((await send("POST", "/v1/events", line, headers, hash)).status).toBeGreaterThanOrEqual(
      400,
    );
  });

  test("what became of events is told of those that are there, and of no others", async () => {
    const outcome = (ranges: string[][]) =>
      send("POST", "/v1/events/outcome", JSON.stringify({ ranges }));
    expect(await outcome([["5", "1"]])).toMatchObject({ status: 400 });
    expect(await outcome([["1", "9999999999999999999"]])).toMatchObject({ status: 400 });
    expect(await send("POST", "/v1/events/outcome", "{")).toMatchObject({ status: 400 });
  });

  test("large bodies at once, one after the other and broken off: each event keeps its own bytes", async () => {
    const eventName = "DoorLarge";
    const bodies = Array.from({ length: 18 }, (_, body) =>
      // Of different lengths: a body may be read where a longer one was before.
      Array.from({ length: 150 + 50 * (body % 4) }, (_each, line) =>
        eventLine({ eventID: `large-${body}-${line}`, eventName, note: `${body}`.repeat(900) }),
      ),
    );
    const rest = bodies.entries();
    const sendSome = async () => {
      for (const [index, lines] of rest) {
        if (index % 3 === 0)
          await breakOff(eventLine({ eventID: "broken", note: "z".repeat(9000) }));
        await storeEvents(client, lines);
      }
    };
    await Promise.all([1, 2, 3, 4].map(sendSome));
    const headers = { accept: "application/x-ndjson" };
    const { text } = await send("GET", `/v1/events?eventName=${eventName}`, "", headers);
    expect(text.trimEnd().split("\n").toSorted()).toEqual(bodies.flat().toSorted());
  });
});

describe("asking", () => {
  test("names that every object has are unknown parameters like others", async () => {
    for (const name of ["toString", "hasOwnProperty", "constructor"]) {
      const answer = await send("GET", `/v1/events?${name}=1&limit=1`);
      expect(answer).toMatchObject({ status: 400 });
      expect(answer.text).toContain(`unknown parameter \\"${name}\\"`);
    }
  });

  test("a presigned URL works as a signed request does", async () => {
    const signer = new SignatureV4({
      credentials: cairn.credentials,
      region: "us-east-1",
      service: "cairn",
      sha256: Sha256,
    });
    const { host, hostname } = new URL(cairn.url);
    const presigned = await signer.presign(
      {
        method: "GET",
        protocol: "http:",
        hostname,
        path: "/v1/events",
        query: { limit: "1" },
        headers: { host },
      },
      { expiresIn: 60, signingDate: new Date(systemClock.nowMs()) },
    );
    const query = new URLSearchParams(presigned.query as Record<string, string>).toString();
    const response = await fetch(`${cairn.url}/v1/events?${query.replaceAll("+", "%20")}`);
    expect(response.status).toBe(200);
  });

  test("pages in both orders meet every event once while others are written", async () => {
    const userName = "door-pages";
    const ids = Array.from({ length: 230 }, (_, index) => `door-page-${index}`);
    await storeEvents(
      client,
      ids.map((eventID) => eventLine({ eventID, userName })),
    );
    for (const order of ["newest", "oldest"]) {
      const met: string[] = [];
      let nextToken: string | undefined;
      do {
        const token = nextToken === undefined ? "" : `&nextToken=${encodeURIComponent(nextToken)}`;
        const answer = await send(
          "GET",
          `/v1/events?username=${userName}&order=${order}&limit=50${token}`,
        );
        const page = JSON.parse(answer.text) as {
          events: { eventId: string }[];
          nextToken?: string;
        };
        met.push(...page.events.map(({ eventId }) => eventId));
        nextToken = page.nextToken;
        await postEvents(client, [eventLine({ eventID: `door-${order}-${met.length}`, userName })]);
      } while (nextToken !== undefined);
      expect(new Set(met).size, "none twice").toBe(met.length);
      expect(
        ids.filter((id) => !met.includes(id)),
        "none missed",
      ).toEqual([]);
    }
  });

  test("a JSON answer of more than a page is streamed whole", async () => {
    const lines = Array.from({ length: 1200 }, (_, index) =>
      eventLine({ eventID: `door-many-${index}`, userName: "door-many" }),
    );
    await storeEvents(client, lines);
    const answer = await send("GET", "/v1/events?username=door-many&limit=1100");
    expect((JSON.parse(answer.text) as { events: unknown[] }).events).toHaveLength(1100);
  });

  test("new events are followed, and a reader that comes back misses none", async () => {
    const first = await follow(undefined, 1);
    expect(first[0]?.[1]).toBe("door-tail-1");
    expect((await follow(first[0]?.[0], 1)).map(([, id]) => id)).toContain("door-tail-2");
  });
});

describe("who may come in", () => {
  test("unsigned requests reach /health and nothing else", async () => {
    expect((await fetch(`${cairn.url}/health`)).status).toBe(200);
    for (const path of ["/v1/events", "/v1/users", "/v1/keys", "/v1/catalog", "/", "/any/object"]) {
      const response = await fetch(cairn.url + path);
      expect([400, 403]).toContain(response.status);
    }
  });

  test("behind a proxy nobody's address is this machine's, and /metrics is closed", async () => {
    expect((await fetch(`${cairn.url}/metrics`)).status).toBe(403);
  });

  test("a signature for another service opens no event API", async () => {
    const url = new URL("/v1/events", cairn.url);
    const signed = await signRequest(
      {
        method: "GET",
        url,
        headers: {},
        payloadHash: createHash("sha256").update("").digest("hex"),
        service: "cloudtrail",
        region: "us-east-1",
        nowMs: systemClock.nowMs(),
      },
      cairn.credentials,
    );
    delete signed["host"];
    expect((await fetch(url, { headers: signed })).status).toBeGreaterThanOrEqual(400);
  });

  test("the last active root key can be neither deleted nor disabled", async () => {
    const path = `/v1/keys/${cairn.credentials.accessKeyId}`;
    expect(await send("DELETE", path)).toMatchObject({ status: 409 });
    expect(await send("PATCH", path, JSON.stringify({ status: "Inactive" }))).toMatchObject({
      status: 409,
    });
    expect(await send("GET", "/v1/keys")).toMatchObject({ status: 200 });
  });

  test("the address on record is the one that the trusted proxy wrote", async () => {
    await send("POST", "/v1/users", JSON.stringify({ userName: "door-proxy" }), {
      "x-forwarded-for": "6.6.6.6 <script>, 9.9.9.9",
    });
    const find = () =>
      send("GET", "/v1/events?eventName=CreateUser&sourceIPAddress=9.9.9.9&limit=1");
    await expect.poll(async () => (await find()).text, { timeout: 10_000 }).toContain("door-proxy");
  });

  test("what cannot be read is answered in the same words", async () => {
    for (const [path, headers] of [
      ["/v1/%zz", {}],
      ["/v1/nothing", {}],
      ["/v1/events", { "x-large": "x".repeat(40_000) }],
    ] as const) {
      const response = await fetch(cairn.url + path, { headers });
      expect(response.status).toBeGreaterThanOrEqual(400);
      expect(Object.keys((await response.json()) as object)).toEqual([
        "code",
        "message",
        "requestId",
      ]);
    }
  });
});
