// The event API as whoever calls it meets it: what it takes, what it refuses, and in which words.
import { request as httpRequest } from "node:http";
import { gzipSync } from "node:zlib";
import { SignatureV4 } from "@smithy/signature-v4";
import { Registry } from "prom-client";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { systemClock } from "../../src/base/clock.ts";
import { silentLog } from "../../src/base/log.ts";
import { systemRandom } from "../../src/base/random.ts";
import { queryCall } from "../../src/cli/aws-call.ts";
import { Sha256 } from "../../src/signature/signer.ts";
import { readBody } from "../../src/web/body.ts";
import { startWeb } from "../../src/web/server.ts";
import { type CairnProcess, startCairn } from "../tools/cairn.ts";
import { clientOf, eventLine, storeEvents } from "../tools/post-events.ts";
import { type Answer, type Call, send, signedHeaders } from "../tools/signed-call.ts";
import { open, speak } from "./raw.ts";

let cairn: CairnProcess;
beforeAll(async () => {
  cairn = await startCairn();
});
afterAll(() => cairn.stop());

/** A signed request of the first account's root. */
function ask(path: string, call: Partial<Call> = {}): Promise<Answer> {
  return send({ url: cairn.url, credentials: cairn.credentials, path, ...call });
}

function postLines(lines: readonly (string | Buffer)[], call: Partial<Call> = {}): Promise<Answer> {
  const body = Buffer.concat(lines.flatMap((line) => [Buffer.from(line), Buffer.from("\n")]));
  return ask("/v1/events", { method: "POST", body, ...call });
}

interface ErrorBody {
  code: string;
  message: string;
}

/** `404 NotFound: no GET /v1/nothing here`; the request id is looked at, and left out. */
function said(answer: Answer): string {
  const { code, message, requestId } = JSON.parse(answer.text) as ErrorBody & { requestId: string };
  if (!/^[0-9a-f-]{36}$/.test(requestId)) throw new Error(`no request id in ${answer.text}`);
  return `${answer.status} ${code}: ${message}`;
}

interface PostAnswer extends ErrorBody {
  received: number;
  accepted: number;
  rejected: { line: number; code: string; message: string }[];
  failedFromLine?: number;
}

const posted = (answer: Answer) => JSON.parse(answer.text) as PostAnswer;

/** The promise is two seconds; a machine that has other things to do may need more. */
const soon = { timeout: 20_000 };

let names = 0;
const newId = (what: string) => `${what}-${names++}`;

/** Those of the ids that a search finds, each as often as it does. */
async function found(ids: readonly string[]): Promise<string[]> {
  const counts: string[] = [];
  for (const id of ids) {
    const { text } = await ask(`/v1/events?eventId=${id}`, {
      headers: { accept: "application/x-ndjson" },
    });
    counts.push(
      ...text
        .split("\n")
        .filter(Boolean)
        .map(() => id),
    );
  }
  return counts;
}

async function isUp(): Promise<void> {
  const answer = await fetch(`${cairn.url}/health`);
  expect(answer.status).toBe(200);
}

describe("who may come in", () => {
  test("/health and /metrics need no signature", async () => {
    const health = await send({ url: cairn.url, path: "/health" });
    expect([health.status, health.text]).toEqual([200, '{"status":"ok"}']);
    const metrics = await send({ url: cairn.url, path: "/metrics" });
    expect(metrics.status).toBe(200);
    expect(metrics.headers["content-type"]).toMatch(/^text\/plain/);
    expect(metrics.text).toMatch(/^cairn_journal_last_seq \d+$/m);
  });

  test.each([
    ["GET", "/v1/events"],
    ["POST", "/v1/events"],
    ["POST", "/v1/events/outcome"],
    ["GET", "/v1/events/tail"],
    ["GET", "/v1/users"],
    ["POST", "/v1/users"],
    ["GET", "/v1/keys"],
    ["POST", "/v1/keys"],
    ["PATCH", "/v1/keys/AKIA"],
    ["DELETE", "/v1/keys/AKIA"],
    ["GET", "/v1/catalog"],
    ["POST", "/v1/catalog"],
    ["DELETE", "/v1/catalog/s3"],
  ])("%s %s needs one", async (method, path) => {
    const answer = await send({ url: cairn.url, method, path });
    expect(said(answer)).toBe("403 MissingAuthenticationToken: Missing Authentication Token");
  });

  test("a signature for another service does not open the event API", async () => {
    const { url, credentials } = cairn;
    const answer = await send({ url, credentials, path: "/v1/events", service: "cloudtrail" });
    expect(answer.status).toBeGreaterThanOrEqual(400);
    expect(answer.status).toBeLessThan(500);
    expect(answer.text).not.toContain("events");
  });

  test("a wrong secret, an unknown key and an old date are told apart", async () => {
    const { accessKeyId, secretAccessKey } = cairn.credentials;
    const wrong = await ask("/v1/events?limit=1", {
      credentials: { accessKeyId, secretAccessKey: "wrong" },
    });
    expect(said(wrong)).toMatch(/^403 SignatureDoesNotMatch: /);
    const unknown = await ask("/v1/events?limit=1", {
      credentials: { accessKeyId: "AKIAUNKNOWN", secretAccessKey },
    });
    expect(said(unknown)).toMatch(/^403 InvalidClientTokenId: /);
  });

  test("a body that was changed on its way is refused", async () => {
    const body = eventLine({ eventID: newId("changed") });
    const headers = await signedHeaders({ ...cairn, method: "POST", path: "/v1/events", body });
    const answer = await send({
      url: cairn.url,
      method: "POST",
      path: "/v1/events",
      headers,
      body: body.replace("CreateUser", "DeleteUser"),
    });
    expect(said(answer)).toMatch(/^400 PayloadHashMismatch: /);
  });

  test("a presigned GET works in a browser", async () => {
    const id = newId("presigned");
    await storeEvents(clientOf(cairn), [eventLine({ eventID: id })]);
    const url = new URL(cairn.url);
    const signer = new SignatureV4({
      credentials: cairn.credentials,
      region: "us-east-1",
      service: "cairn",
      sha256: Sha256,
    });
    const presigned = await signer.presign(
      {
        method: "GET",
        protocol: "http:",
        hostname: url.hostname,
        port: Number(url.port),
        path: "/v1/events",
        query: { eventId: id, limit: "1" },
        headers: { host: url.host },
      },
      { expiresIn: 60 },
    );
    const query = new URLSearchParams(presigned.query as Record<string, string>).toString();
    const answer = await send({ url: cairn.url, path: `/v1/events?${query}` });
    expect([answer.status, answer.text]).toEqual([200, expect.stringContaining(id)]);
  });
});

describe("putting events in", () => {
  test("good and bad lines together: each bad one is named with its line, the good ones are stored", async () => {
    const ids = Array.from({ length: 3 }, () => newId("mixed"));
    const deep = `{"a":${"[".repeat(513)}${"]".repeat(513)}}`;
    const line = (index: number) => eventLine({ eventID: ids[index] ?? "" });
    const answer = await postLines([
      line(0),
      "{oops",
      eventLine({ eventID: "twice" }).replace('"eventName"', '"eventID":"other","eventName"'),
      "",
      line(1),
      Buffer.concat([Buffer.from('{"eventID":"'), Buffer.from([0xff]), Buffer.from('"}')]),
      '{"eventID":"a\tb"}',
      deep,
      eventLine({ eventID: "large", requestParameters: "x".repeat(300_000) }),
      eventLine({ eventID: "early", eventTime: "1999-12-31T23:59:59Z" }),
      eventLine({ eventID: "late", eventTime: "2100-01-01T00:00:00Z" }),
      "[1]",
      "17",
      line(2),
    ]);
    expect(answer.status).toBe(207);
    const { received, accepted, rejected } = posted(answer);
    expect({ received, accepted }).toEqual({ received: 13, accepted: 3 });
    expect(rejected.map(({ line: number, code }) => `${number} ${code}`)).toEqual([
      "2 NotJson",
      "3 DuplicateMember",
      "6 InvalidUtf8",
      "7 ControlCharacter",
      "8 TooDeep",
      "9 TooLarge",
      "10 TimeOutOfRange",
      "11 TimeOutOfRange",
      "12 NotAnObject",
      "13 NotAnObject",
    ]);
    for (const { message } of rejected) expect(message).toMatch(/\w+ \w+/);
    await expect.poll(() => found(ids), soon).toEqual(ids);
  });

  test("an empty body holds no events, and says so", async () => {
    const answer = await ask("/v1/events", { method: "POST" });
    expect([answer.status, posted(answer)]).toEqual([
      200,
      { received: 0, accepted: 0, rejected: [], ranges: [] },
    ]);
  });

  test("gzip is taken; cut short, damaged, wrong or with a tail it is refused, and what is wrong is said", async () => {
    const id = newId("gzip");
    const packed = gzipSync(`${eventLine({ eventID: id })}\n`);
    const headers = { "content-encoding": "gzip" };
    const post = (body: Buffer) => ask("/v1/events", { method: "POST", headers, body });
    expect(posted(await post(packed)).accepted).toBe(1);
    expect(said(await post(packed.subarray(0, 60)))).toMatch(
      /^400 SerializationFailed: the gzip body is cut short/,
    );
    expect(said(await post(Buffer.from("{}")))).toMatch(
      /^400 SerializationFailed: the body is not gzip/,
    );
    expect(said(await post(Buffer.alloc(0)))).toMatch(
      /^400 SerializationFailed: the body is empty/,
    );
    expect(said(await post(Buffer.concat([packed, Buffer.from("tail")])))).toMatch(
      /^400 SerializationFailed: /,
    );
    const brotli = await ask("/v1/events", {
      method: "POST",
      headers: { "content-encoding": "br" },
      body: packed,
    });
    expect(said(brotli)).toMatch(/^415 UnsupportedMediaType: content-encoding "?br"? is neither/);
    const loud = await ask("/v1/events", {
      method: "POST",
      headers: { "content-encoding": "GZIP" },
      body: packed,
    });
    expect(loud.status).toBe(200);
    await expect.poll(() => found([id]), soon).toEqual([id]);
  });

  test("a gzip bomb is refused at 64 MiB", async () => {
    const bomb = gzipSync(Buffer.alloc(70 * 2 ** 20, 0x20));
    expect(bomb.length).toBeLessThan(100_000);
    const answer = await ask("/v1/events", {
      method: "POST",
      headers: { "content-encoding": "gzip" },
      body: bomb,
    });
    expect(said(answer)).toMatch(
      /^413 RequestTooLarge: the gzip body unpacks to more than the 67108864/,
    );
    await isUp();
  });

  test("a body over 64 MiB is refused, announced or not", async () => {
    const body = Buffer.alloc(64 * 2 ** 20 + 1, 0x0a);
    expect(said(await ask("/v1/events", { method: "POST", body }))).toMatch(
      /^413 RequestTooLarge: the body is larger than 67108864 bytes/,
    );
    const headers = { "transfer-encoding": "chunked" };
    expect(said(await ask("/v1/events", { method: "POST", body, headers }))).toMatch(
      /^413 RequestTooLarge/,
    );
    await isUp();
  });

  test("strangers do not get to send a body at all", async () => {
    const heard = await speak(
      cairn.url,
      "POST /v1/events HTTP/1.1\r\nhost: cairn\r\ncontent-length: 60000000\r\n\r\n",
      { withinMs: 5000, until: /\}$/ },
    );
    expect(heard.text).toMatch(/^HTTP\/1\.1 403 /);
    expect(heard.text).toContain("MissingAuthenticationToken");
  });

  test("lone surrogates, large numbers, odd spaces and unknown members are kept byte for byte", async () => {
    const id = newId("kept");
    const line = eventLine({ eventID: id }).replace(
      '"readOnly"',
      ' "odd" :\t[1e400, 347.0, 18446744073709551617, "\\ud800"],"__proto__":{"x":1},\r"readOnly"',
    );
    expect((await postLines([line])).status).toBe(200);
    await expect.poll(() => found([id]), soon).toEqual([id]);
    const ndjson = await ask(`/v1/events?eventId=${id}`, {
      headers: { accept: "application/x-ndjson" },
    });
    expect(ndjson.text).toBe(`${line.replace("\r", " ")}\n`);
    const json = await ask(`/v1/events?eventId=${id}&limit=1`);
    expect(json.text).toContain(line);
  });

  test("wrong types in known members, ids that are no UUID: accepted whole", async () => {
    const id = newId("no uuid é");
    const line = eventLine({
      eventID: id,
      eventName: 7,
      sourceIPAddress: { a: 1 },
      resources: "none",
      readOnly: "perhaps",
    } as never);
    expect(posted(await postLines([line])).rejected).toEqual([]);
    await expect.poll(() => found([encodeURIComponent(id)]), soon).toHaveLength(1);
  });

  test("one id with two contents: both are kept, the second as a variant; the same bytes twice count once", async () => {
    const id = newId("variant");
    const eventTime = "2026-01-02T03:04:05Z";
    const first = eventLine({ eventID: id, eventTime });
    const second = eventLine({ eventID: id, eventTime, eventName: "Forged" });
    const outcome = await storeEvents(clientOf(cairn), [first, second, first]);
    expect(outcome).toMatchObject({ accepted: 3, stored: 2, duplicates: 1, variants: 1 });
    const { text } = await ask(`/v1/events?eventId=${id}&limit=10`);
    const { events } = JSON.parse(text) as { events: { variant: boolean; eventName: string }[] };
    expect(new Map(events.map((each) => [each.eventName, each.variant]))).toEqual(
      new Map([
        ["CreateUser", false],
        ["Forged", true],
      ]),
    );
  });

  test("an outcome that was never accepted is refused instead of waited for", async () => {
    const outcome = (ranges: unknown) =>
      ask("/v1/events/outcome", { method: "POST", body: JSON.stringify({ ranges }) });
    expect(said(await outcome([["1", "999999999999"]]))).toMatch(
      /^400 ValidationFailed: .*999999999999/,
    );
    expect(said(await outcome([["9", "3"]]))).toMatch(/^400 ValidationFailed: /);
    expect(said(await outcome("all"))).toMatch(/^400 ValidationFailed: /);
    expect(said(await ask("/v1/events/outcome", { method: "POST", body: "{" }))).toMatch(
      /^400 SerializationFailed: the body is no JSON/,
    );
  });

  test("an origin we do not know is refused by name", async () => {
    expect(said(await ask("/v1/events?origin=moon", { method: "POST" }))).toBe(
      '400 ValidationFailed: origin "moon" is neither live nor import',
    );
  });
});

describe("searching", () => {
  const source = "search.example.com";
  const ids: string[] = [];
  beforeAll(async () => {
    for (let index = 0; index < 60; index++) ids.push(newId("search"));
    // Groups of four share a second: order must be total all the same.
    const lines = ids.map((eventID, index) =>
      eventLine({
        eventID,
        eventSource: source,
        eventTime: new Date(Date.UTC(2026, 0, 2, 3, 4, Math.floor(index / 4)))
          .toISOString()
          .replace(".000", ""),
      }),
    );
    await storeEvents(clientOf(cairn), lines);
  });

  async function pages(order: string, between: () => Promise<unknown>): Promise<string[]> {
    const seen: string[] = [];
    let next = "";
    for (;;) {
      const token = next === "" ? "" : `&nextToken=${encodeURIComponent(next)}`;
      const answer = await ask(`/v1/events?eventSource=${source}&order=${order}&limit=7${token}`);
      expect(answer.status).toBe(200);
      const page = JSON.parse(answer.text) as {
        events: { eventId: string }[];
        nextToken?: string;
      };
      seen.push(...page.events.map(({ eventId }) => eventId));
      if (page.nextToken === undefined) return seen;
      next = page.nextToken;
      await between();
    }
  }

  const write = () =>
    storeEvents(clientOf(cairn), [
      eventLine({
        eventID: newId("during"),
        eventSource: source,
        eventTime: "2026-01-02T03:04:07Z",
      }),
    ]);

  test.each(["newest", "oldest"])(
    "pages, %s first, miss nothing and show nothing twice while events come in",
    async (order) => {
      const seen = await pages(order, write);
      expect(new Set(seen).size).toBe(seen.length);
      expect(seen.filter((id) => ids.includes(id)).toSorted()).toEqual(ids.toSorted());
      const times = seen
        .filter((id) => ids.includes(id))
        .map((id) => Math.floor(ids.indexOf(id) / 4));
      expect(times).toEqual(times.toSorted((a, b) => (order === "oldest" ? a - b : b - a)));
    },
  );

  test("a token of another search, or a made-up one, is refused", async () => {
    const { text } = await ask(`/v1/events?eventSource=${source}&limit=1`);
    const { nextToken } = JSON.parse(text) as { nextToken: string };
    const other = await ask(
      `/v1/events?eventName=CreateUser&limit=1&nextToken=${encodeURIComponent(nextToken)}`,
    );
    expect(said(other)).toMatch(/^400 InvalidNextToken: /);
    expect(said(await ask(`/v1/events?eventSource=${source}&limit=1&nextToken=abc`))).toMatch(
      /^400 InvalidNextToken: /,
    );
  });

  test.each([
    ["since=yesterday", /^400 ValidationFailed: since "yesterday" is no moment such as/],
    ["since=2h&until=3h", /^400 InvalidTimeRange: since \(2h\) is after until \(3h\)/],
    ["eventnam=x", /^400 ValidationFailed: unknown parameter "eventnam"; known: eventId/],
    ["limit=0", /^400 ValidationFailed: limit "0" is no whole number from 1 up/],
    ["order=random", /^400 ValidationFailed: order "random" is none of newest, oldest/],
    ["category=Other", /^400 ValidationFailed: category "Other" is none of Management/],
    ["limit=1&limit=2", /^400 ValidationFailed: limit "2" is given twice/],
  ])("%s is refused, and what would be right is said", async (query, expected) => {
    expect(said(await ask(`/v1/events?${query}`))).toMatch(expected);
  });

  test("a time that no calendar holds is an error, not a crash", async () => {
    for (const moment of ["99999999999999999999", "9".repeat(400), "1e5", "-5", "275760-13-01"]) {
      const answer = await ask(`/v1/events?limit=1&since=${moment}`);
      expect(answer.status).toBeLessThan(500);
    }
    for (const moment of ["999999999999d", "0.0000001ms"])
      expect((await ask(`/v1/events?limit=1&since=${moment}`)).status).toBeLessThan(500);
  });

  test.each([
    ["application/json", "application/json", /^\{"events":\[\{.*\]\}$/s],
    ["application/x-ndjson", "application/x-ndjson", /^\{.*\}\n$/s],
    ["text/csv", "text/csv", /^Event name,Event time,.*\r\n$/s],
    ["*/*", "application/json", /^\{"events":\[/],
    ["text/html, */*;q=0.1", "application/json", /^\{"events":\[/],
    ["text/csv;q=0.5, application/x-ndjson", "application/x-ndjson", /^\{.*\}\n$/s],
  ])("accept: %s gives %s, the whole result", async (accept, type, expected) => {
    const answer = await ask(`/v1/events?eventSource=${source}`, { headers: { accept } });
    expect(answer.status).toBe(200);
    expect(answer.headers["content-type"]).toMatch(type);
    expect(answer.text).toMatch(expected);
    for (const id of ids) expect(answer.text).toContain(id);
  });

  test("a form that we do not have is refused with those that we have", async () => {
    const answer = await ask("/v1/events", { headers: { accept: "text/html" } });
    expect(said(answer)).toMatch(
      /^406 NotAcceptable: accept "text\/html": we have application\/json.*x-ndjson.*text\/csv/,
    );
  });
});

describe("following", () => {
  interface Follower {
    status: number;
    /** Ids of the events that came so far, with the stream's own ids. */
    events: { id: string; eventID: string }[];
    close(): void;
  }

  async function follow(path: string, headers: Record<string, string> = {}): Promise<Follower> {
    const signed = await signedHeaders({ ...cairn, path, headers });
    return new Promise((resolve, reject) => {
      const { hostname, port } = new URL(cairn.url);
      const asked = httpRequest({ hostname, port, path, headers: signed }, (response) => {
        const follower: Follower = {
          status: response.statusCode ?? 0,
          events: [],
          close: () => asked.destroy(),
        };
        let text = "";
        response.on("error", () => undefined);
        response.on("data", (chunk: Buffer) => {
          text += chunk.toString();
          const blocks = text.split("\n\n");
          text = blocks.pop() ?? "";
          for (const block of blocks) {
            const match = /^id: (\d+)\nevent: event\ndata: (.*)$/s.exec(block);
            if (match === null) continue;
            const { eventID } = JSON.parse(match[2] ?? "") as { eventID: string };
            follower.events.push({ id: match[1] ?? "", eventID });
          }
        });
        resolve(follower);
      });
      asked.on("error", reject);
      asked.end();
    });
  }

  test("new events that match arrive, others do not, and Last-Event-ID goes on without a gap", async () => {
    const path = "/v1/events/tail?eventName=Followed";
    const first = await follow(path);
    expect(first.status).toBe(200);
    const client = clientOf(cairn);
    const put = (eventName: string) => {
      const eventID = newId("tail");
      return storeEvents(client, [eventLine({ eventID, eventName })]).then(() => eventID);
    };
    const one = await put("Followed");
    await put("Other");
    const two = await put("Followed");
    await expect.poll(() => first.events.map(({ eventID }) => eventID), soon).toEqual([one, two]);
    first.close();
    const three = await put("Followed");
    const four = await put("Followed");
    const second = await follow(path, { "last-event-id": first.events[0]?.id ?? "" });
    await expect
      .poll(() => second.events.map(({ eventID }) => eventID), soon)
      .toEqual([two, three, four]);
    const five = await put("Followed");
    await expect.poll(() => second.events.at(-1)?.eventID, soon).toBe(five);
    second.close();
  });

  test("a Last-Event-ID that we never gave is refused, one from before a new data folder starts at the end", async () => {
    const refused = await ask("/v1/events/tail", { headers: { "last-event-id": "abc" } });
    expect(said(refused)).toMatch(/^400 ValidationFailed: last-event-id "abc"/);
    const follower = await follow("/v1/events/tail?eventName=AfterReset", {
      "last-event-id": "999999999999",
    });
    const eventID = newId("reset");
    await storeEvents(clientOf(cairn), [eventLine({ eventID, eventName: "AfterReset" })]);
    await expect.poll(() => follower.events.map((each) => each.eventID), soon).toEqual([eventID]);
    follower.close();
  });

  test("what a tail cannot do is refused rather than ignored", async () => {
    for (const parameter of ["limit=5", "nextToken=a", "order=oldest"])
      expect(said(await ask(`/v1/events/tail?${parameter}`))).toMatch(
        /^400 ValidationFailed: (limit|nextToken|order) /,
      );
  });
});

describe("users, keys and services", () => {
  test("a user's key works until it is disabled or deleted", async () => {
    const user = await ask("/v1/users", { method: "POST", body: '{"userName":"Bob"}' });
    expect([user.status, JSON.parse(user.text)]).toMatchObject([
      200,
      { userName: "Bob", arn: "arn:aws:iam::111122223333:user/Bob" },
    ]);
    const again = await ask("/v1/users", { method: "POST", body: '{"userName":"Bob"}' });
    expect(said(again)).toMatch(/^409 EntityAlreadyExists: .*Bob/);
    const made = await ask("/v1/keys", { method: "POST", body: '{"userName":"Bob"}' });
    const key = JSON.parse(made.text) as { accessKeyId: string; secretAccessKey: string };
    const asBob = () => ask("/v1/users", { credentials: key });
    expect(said(await asBob())).toMatch(/^403 AccessDenied: .*user\/Bob is not authorized/);
    await queryCall(clientOf(cairn), "iam", "AttachUserPolicy", {
      UserName: "Bob",
      PolicyArn: "arn:aws:iam::aws:policy/IAMReadOnlyAccess",
    });
    expect(JSON.parse((await asBob()).text)).toMatchObject({ users: [{ userName: "Bob" }] });
    const path = `/v1/keys/${key.accessKeyId}`;
    const disabled = await ask(path, { method: "PATCH", body: '{"status":"Inactive"}' });
    expect([disabled.status, disabled.text]).toEqual([204, ""]);
    expect(said(await asBob())).toMatch(/^403 InvalidClientTokenId/);
    await ask(path, { method: "PATCH", body: '{"status":"Active"}' });
    expect((await asBob()).status).toBe(200);
    expect((await ask(path, { method: "DELETE" })).status).toBe(204);
    expect((await asBob()).status).toBe(403);
    expect(said(await ask(path, { method: "DELETE" }))).toMatch(/^404 NoSuchEntity: /);
    const { text } = await ask("/v1/keys");
    expect(text).not.toContain(key.accessKeyId);
    expect(text).not.toContain("secret");
  });

  test.each([
    ["/v1/users", "{}", /^400 ValidationFailed: userName is missing/],
    ["/v1/users", '{"userName":7}', /^400 ValidationFailed: userName must be a string/],
    ["/v1/users", '{"userName":""}', /^400 ValidationFailed: /],
    ["/v1/users", '{"userName":"a b/c"}', /^400 ValidationFailed: /],
    ["/v1/users", "[", /^400 SerializationFailed: the body is no JSON/],
    ["/v1/users", "7", /^400 SerializationFailed: the body is no JSON object/],
    ["/v1/keys", '{"userName":"Nobody"}', /^404 NoSuchEntity: .*Nobody/],
    ["/v1/catalog", "", /^400 InvalidCatalogModel: /],
    ["/v1/catalog", '{"openapi":"3.0.0"}', /^400 InvalidCatalogModel: /],
    ["/v1/catalog", "a: [", /^400 InvalidCatalogModel: /],
  ])("POST %s %s is refused, and what is wrong is said", async (path, body, expected) => {
    expect(said(await ask(path, { method: "POST", body }))).toMatch(expected);
  });

  test("the catalog lists its services", async () => {
    const { text } = await ask("/v1/catalog");
    const { services } = JSON.parse(text) as { services: { id: string; eventSource: string }[] };
    expect(services.find(({ id }) => id === "cloudtrail")).toMatchObject({
      eventSource: "cloudtrail.amazonaws.com",
    });
  });

  test("a service is added and removed, and both are on record; a built-in one stays", async () => {
    const list = async () => (await ask("/v1/catalog")).text;
    const body =
      '{"openapi":"3.0.0","info":{"title":"Tea pots"},"paths":{"/pots":{"get":{"operationId":"ListPots"}}}}';
    const added = await ask("/v1/catalog", { method: "POST", body });
    expect([added.status, JSON.parse(added.text)]).toEqual([
      200,
      {
        id: "tea-pots",
        eventSource: "tea-pots.internal",
        protocol: "rest-json",
        operations: 1,
        own: true,
      },
    ]);
    expect(await list()).toContain('"tea-pots"');
    const remove = (id: string) => ask(`/v1/catalog/${id}`, { method: "DELETE" });
    const removed = await remove("tea-pots");
    expect([removed.status, removed.text]).toEqual([204, ""]);
    expect(await list()).not.toContain("tea-pots");
    expect(said(await remove("tea-pots"))).toBe('404 NotFound: no service "tea-pots" was added');
    expect(said(await remove("s3"))).toMatch(/^400 ValidationFailed: "s3" is built in/);
    expect(await list()).toContain('"s3"');
    const recorded = async () => {
      const { text } = await ask("/v1/events?eventSource=cairn.internal", {
        headers: { accept: "application/x-ndjson" },
      });
      return text
        .split("\n")
        .filter((line) => line.includes("tea-pots"))
        .map((line) => JSON.parse(line) as Record<string, unknown>)
        .map(({ eventName, errorCode }) => `${String(eventName)} ${String(errorCode)}`)
        .toSorted();
    };
    await expect
      .poll(recorded, soon)
      .toEqual([
        "AddService undefined",
        "RemoveService NotFoundException",
        "RemoveService undefined",
      ]);
  });
});

describe("the words of HTTP", () => {
  test("a path that is not there is told in JSON", async () => {
    expect(said(await ask("/v1/nothing"))).toBe("404 NotFound: no GET /v1/nothing here");
    expect(said(await ask("/v1/events/"))).toMatch(/^404 NotFound: /);
  });

  test.each([
    ["DELETE", "/v1/events", "GET, POST"],
    ["PUT", "/v1/users", "GET, POST"],
    ["OPTIONS", "/v1/events", "GET, POST"],
    ["HEAD", "/v1/events", "GET, POST"],
    ["POST", "/v1/keys/AKIA", "DELETE, PATCH"],
    ["GET", "/v1/catalog/s3", "DELETE"],
    ["POST", "/health", "GET, HEAD"],
    ["DELETE", "/metrics", "GET"],
  ])("%s %s: 405, and what is allowed", async (method, path, allowed) => {
    const answer = await ask(path, { method });
    expect([answer.status, answer.headers.allow]).toEqual([405, allowed]);
    const words =
      method === "HEAD" ? /^$/ : /"code":"MethodNotAllowed","message":".* does not take /;
    expect(answer.text).toMatch(words);
  });

  test("HEAD /health is for load balancers", async () => {
    const answer = await send({ url: cairn.url, method: "HEAD", path: "/health" });
    expect([answer.status, answer.text]).toEqual([200, ""]);
  });

  test.each([
    [
      "oversized headers",
      `GET /v1/events HTTP/1.1\r\nhost: a\r\nx: ${"y".repeat(40_000)}\r\n\r\n`,
      431,
    ],
    ["no HTTP", "hello\r\n\r\n", 400],
    [
      "two lengths",
      "POST /v1/events HTTP/1.1\r\nhost: a\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nab",
      400,
    ],
    [
      "a length and chunks",
      "POST /v1/events HTTP/1.1\r\nhost: a\r\ncontent-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
      400,
    ],
    ["an escape that is none", "GET /v1/%zz HTTP/1.1\r\nhost: a\r\n\r\n", 400],
  ])("%s: refused in our words", async (_what, bytes, status) => {
    const { text } = await speak(cairn.url, bytes, { withinMs: 5000, until: /\}$/ });
    expect(text).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `));
    const { code, message } = JSON.parse(text.slice(text.indexOf("\r\n\r\n") + 4)) as ErrorBody;
    expect([typeof code, typeof message]).toEqual(["string", "string"]);
    await isUp();
  });
});

describe("clients that leave", () => {
  test("in the middle of an upload: nothing is stored of it, nothing is logged as our failure", async () => {
    const before = cairn.output();
    const lines = Array.from({ length: 2000 }, () => eventLine({ eventID: newId("abandoned") }));
    const body = lines.join("\n");
    const call = { ...cairn, method: "POST", path: "/v1/events", body };
    const headers = { ...(await signedHeaders(call)), "content-length": String(body.length) };
    for (let count = 0; count < 5; count++) {
      const socket = await open(cairn.url);
      const head = Object.entries(headers).map(([name, value]) => `${name}: ${value}`);
      socket.write(`POST /v1/events HTTP/1.1\r\n${head.join("\r\n")}\r\n\r\n`);
      socket.write(body.slice(0, body.length / 2));
      await new Promise<void>((resolve) => socket.write("", () => resolve()));
      socket.destroy();
    }
    await isUp();
    const { text } = await ask("/v1/events?text=abandoned&limit=1");
    expect(text).toBe('{"events":[]}');
    expect(cairn.output()).toBe(before);
  });

  test("in the middle of long answers: the next ones are answered at once", async () => {
    const filler = "x".repeat(4000);
    const lines = Array.from({ length: 3000 }, () =>
      eventLine({ eventID: newId("long"), eventSource: "long.example.com", userAgent: filler }),
    );
    await storeEvents(clientOf(cairn), lines);
    const path = "/v1/events?eventSource=long.example.com";
    const headers = await signedHeaders({ ...cairn, path });
    const { hostname, port } = new URL(cairn.url);
    // More of them than the store has sessions; the first ones are left open, and not read.
    const asked = await Promise.all(
      Array.from(
        { length: 12 },
        () =>
          new Promise<() => void>((resolve, reject) => {
            const one = httpRequest({ hostname, port, path, headers, agent: false }, (response) => {
              response.once("readable", () => resolve(() => one.destroy()));
            });
            one.on("error", reject);
            one.end();
          }),
      ),
    );
    const startMs = systemClock.monotonicMs();
    expect((await ask("/v1/events?limit=5")).status).toBe(200);
    for (const leave of asked) leave();
    for (let count = 0; count < 20; count++)
      expect((await ask("/v1/events?limit=5")).status).toBe(200);
    expect(systemClock.monotonicMs() - startMs).toBeLessThan(20_000);
    const whole = await ask(path, { headers: { accept: "application/x-ndjson" } });
    expect(whole.text.split("\n").filter(Boolean)).toHaveLength(3000);
  });

  test("many requests on one connection leave nothing behind", async () => {
    const { Agent } = await import("node:http");
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    for (let count = 0; count < 30; count++)
      expect((await ask("/v1/events?limit=1", { agent })).status).toBe(200);
    agent.destroy();
    expect(cairn.output()).not.toMatch(/MaxListeners/);
  });
});

describe("slow clients", () => {
  test.each([
    ["its headers", "POST /v1/events HTTP/1.1\r\nhost: a\r\n"],
    ["its body", "POST /v1/events HTTP/1.1\r\nhost: a\r\ncontent-length: 10\r\n\r\n12345"],
  ])("one that does not finish %s is told so, and hung up on", async (_what, bytes) => {
    const random = systemRandom;
    const web = await startWeb({
      host: "127.0.0.1",
      port: 0,
      trustProxy: false,
      behindProxy: false,
      headersTimeoutMs: 200,
      requestTimeoutMs: 200,
      aws: {
        handle: () => Promise.resolve({ status: 200, headers: {}, body: "" }),
        refuse: () => ({ status: 400, headers: {}, body: "" }),
      },
      routes(fastify) {
        fastify.post("/v1/events", async (request) => {
          await readBody(request.raw, 100);
          return {};
        });
      },
      health: () => undefined,
      metrics: new Registry(),
      clock: systemClock,
      random,
      log: silentLog,
    });
    const { text, closed } = await speak(web.url, bytes, { withinMs: 10_000 });
    expect(closed).toBe(true);
    expect(text).toMatch(/^HTTP\/1\.1 408 .*"code":"\w+","message":"the request did not/s);
    await web.close(0);
  });
});
