// Events made on the recorder's thread: the same as those made on the main thread, and never fewer.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  CreateUserPoolCommand,
  ListUserPoolsCommand,
  SignUpCommand,
} from "@aws-sdk/client-cognito-identity-provider";
import { PutObjectCommand, S3Client } from "@aws-sdk/client-s3";
import * as fc from "fast-check";
import { expect, test } from "vitest";
import { silentLog } from "../../src/base/log.ts";
import { openCatalog } from "../../src/catalog/catalog.ts";
import type { JsonObject } from "../../src/event/json.ts";
import { type CallBatch, CallPacker, unpackCalls } from "../../src/gateway/call-batch.ts";
import { zeroCounters } from "../../src/gateway/counters.ts";
import type { FinishedCall } from "../../src/gateway/finished-call.ts";
import { RecorderThread } from "../../src/gateway/recorder-thread.ts";
import { cognito } from "./clients.ts";
import { type Recording, recordingGateway } from "./recording.ts";
import { closeAfter, RawClient, upstream } from "./support.ts";

/** Says no to one pool, yes to all else. */
function origin() {
  return upstream((request, response) => {
    let body = "";
    request.setEncoding("latin1");
    request.on("data", (chunk: string) => (body += chunk.slice(0, 1000)));
    request.on("end", () => {
      const bad = body.includes("taken");
      response.writeHead(bad ? 400 : 200, {
        "content-type": "application/x-amz-json-1.1",
        "x-amzn-requestid": "3f7b2a4e-0000-4000-8000-000000000001",
      });
      response.end(
        bad
          ? '{"__type":"UsernameExistsException","message":"no"}'
          : '{"UserPool":{"Id":"eu-west-1_a"}}',
      );
    });
  });
}

/** Whatever the answer is. */
const send = (call: Promise<unknown>) => call.catch(() => undefined);

/** One of each kind: signed, wrongly signed, unknown, unsigned, refused upstream, large, no event at all. */
async function callAll(recording: Recording): Promise<void> {
  const unknown = { accessKeyId: "AKIAUNKNOWNUNKNOWN12", secretAccessKey: "x" };
  const wrong = { ...recording.alice, secretAccessKey: "not Alice's" };
  for (const who of [recording.alice, recording.root, unknown, wrong]) {
    await send(cognito(recording, who).send(new CreateUserPoolCommand({ PoolName: "n" })));
    await send(cognito(recording, who).send(new ListUserPoolsCommand({ MaxResults: 7 })));
  }
  await send(
    cognito(recording, recording.alice).send(new CreateUserPoolCommand({ PoolName: "taken" })),
  );
  await send(
    cognito(recording, recording.alice).send(
      new SignUpCommand({ ClientId: "c", Username: "u", Password: "secret-word" }),
    ),
  );
  const s3 = new S3Client({
    endpoint: recording.endpoint,
    region: "us-west-2",
    credentials: recording.alice,
    forcePathStyle: true,
    maxAttempts: 1,
  });
  closeAfter(() => s3.destroy());
  for (const size of [10, 3_000_000]) {
    await send(
      s3.send(new PutObjectCommand({ Bucket: "b", Key: "a key/ü", Body: Buffer.alloc(size, "z") })),
    );
  }
  const client = new RawClient(recording.gateway.port);
  client.write("GET /nothing/known HTTP/1.1\r\nHost: example.com\r\n\r\n");
  await client.until((text) => text.includes("eu-west-1_a"));
}

/** Without what differs from one call to the next. */
function comparable(
  { eventID, requestID, eventTime, ...rest }: JsonObject,
  keys: string[],
): string {
  expect([typeof eventID, typeof requestID, typeof eventTime]).toEqual(Array(3).fill("string"));
  const text = JSON.stringify(rest);
  return keys.reduce((shown, key) => shown.replaceAll(key, "KEY"), text);
}

test("an event made on the thread says what one made on the main thread says", async () => {
  const { url } = await origin();
  const found: string[][] = [];
  for (const onThread of [false, true]) {
    const recording = await recordingGateway(url, {}, onThread);
    await callAll(recording);
    const events = await recording.events();
    const { counters } = recording.gateway;
    expect(counters).toMatchObject({ unrecognised: 1, dropped: 0, recordingErrors: 0 });
    expect(counters.recorded).toBe(events.length);
    const rows = await recording.rows();
    expect(rows.map((row) => row.ownerAccount)).toEqual(rows.map(() => "111122223333"));
    const keys = [recording.alice.accessKeyId, recording.root.accessKeyId];
    found.push(
      events.map((each) =>
        comparable(each, keys).replaceAll(/AIDA\w+|\b127\.0\.0\.1:\d+\b/g, "ID"),
      ),
    );
  }
  expect(found[0]?.length).toBe(12);
  expect(found[1]).toEqual(found[0]);
});

test("a service that a user adds while the thread runs is known to it from the next call on", async () => {
  const { url } = await origin();
  const ownFolder = mkdtempSync(join(tmpdir(), "cairn-catalog-"));
  closeAfter(() => rmSync(ownFolder, { recursive: true }));
  const catalog = openCatalog({ ownFolder });
  const recording = await recordingGateway(url, { catalog }, true);
  const client = new RawClient(recording.gateway.port);
  const call = async () => {
    client.write("GET /teapots/7 HTTP/1.1\r\nHost: tea.example\r\n\r\n");
    await client.until((text) => text.includes("eu-west-1_a"));
    await recording.gateway.settled();
  };
  await call();
  catalog.add(
    JSON.stringify({
      openapi: "3.0.0",
      info: { title: "Tea", version: "1" },
      servers: [{ url: "http://tea.example" }],
      paths: {
        "/teapots/{id}": {
          get: {
            operationId: "GetTeapot",
            parameters: [{ name: "id", in: "path", required: true, schema: { type: "string" } }],
          },
        },
      },
    }),
  );
  await call();
  expect(recording.gateway.counters).toMatchObject({ unrecognised: 1, recorded: 1 });
  expect(await recording.events()).toMatchObject([
    { eventName: "GetTeapot", requestParameters: { id: "7" } },
  ]);
});

function batchOf(...bodyBytes: number[]): CallBatch {
  const packer = new CallPacker();
  for (const size of bodyBytes) {
    packer.add({
      head: { method: "GET", target: "/nothing", rawHeaders: ["Host", "example.com"] },
      client: { address: "127.0.0.1" },
      upstream: {},
      arrivedMs: 1,
      completedMs: 2,
      requestBody: Buffer.alloc(size),
    });
  }
  return { bytes: packer.take(), signers: bodyBytes.map(() => undefined) };
}

function threadAlone(recordHere: (batch: CallBatch) => void) {
  const counters = zeroCounters();
  const thread = new RecorderThread(
    {
      start: { region: "us-east-1", accountId: "111122223333", trustProxy: false },
      catalog: { ownFolder: undefined, version: 0 },
      ingest: {
        enqueue: () => true,
        enqueueRows: ({ offsets }) => offsets.length,
        rowTimes: () => ({ ingestTimeMs: 1, keepUntilMs: 2 }),
      },
      onUse: () => expect.unreachable("nobody signed"),
      counters,
      log: silentLog,
    },
    recordHere,
  );
  closeAfter(() => thread.close());
  return { thread, counters };
}

test("a thread declines calls beyond its bound, and takes some again when it has caught up", async () => {
  const { thread, counters } = threadAlone(() => expect.unreachable("nothing was lost"));
  const underWay: Promise<void>[] = [];
  const take = () => thread.take(batchOf(1024 * 1024));
  for (let taken = take(); taken !== undefined; taken = take()) {
    underWay.push(taken);
    expect(underWay.length).toBeLessThan(10);
  }
  expect(underWay.length).toBe(3);
  await Promise.all(underWay);
  expect(counters.unrecognised).toBe(3);
  await take();
  expect(counters.unrecognised).toBe(4);
});

test("what a thread had not done when it died is recorded on the main thread", async () => {
  const recovered: CallBatch[] = [];
  const { thread, counters } = threadAlone((batch) => recovered.push(batch));
  const batch = batchOf(10, 0, 20);
  const settled = thread.take(batch);
  await thread.close();
  await settled;
  expect(recovered).toEqual([batch]);
  expect([...unpackCalls(batch.bytes)].map((each) => each.requestBody?.length)).toEqual([
    10, 0, 20,
  ]);
  expect(counters.unrecognised).toBe(0);
  // The next calls get a new one.
  await thread.take(batchOf(10));
  expect(counters.unrecognised).toBe(1);
  expect(recovered.length).toBe(1);
});

/** Bodies as texts, which compare a thousand times faster. */
function withTexts({ requestBody, response, ...rest }: FinishedCall) {
  const body = response?.body?.toString("latin1");
  return { ...rest, requestBody: requestBody?.toString("latin1"), response: { ...response, body } };
}

test("calls come out of a batch as they went in", () => {
  const text = fc.string({ unit: "binary" });
  // Headers are one character for each byte.
  const header = fc
    .uint8Array({ maxLength: 40 })
    .map((bytes) => Buffer.from(bytes).toString("latin1").replaceAll("\n", " "));
  const body = fc.option(
    fc.oneof(
      fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes)),
      fc.constant(Buffer.alloc(100_000, "z")),
    ),
    { nil: undefined },
  );
  const call = fc.record(
    {
      head: fc.record({ method: header, target: header, rawHeaders: fc.array(header) }),
      client: fc.record({ address: text }),
      upstream: fc.record({ region: text }, { requiredKeys: [] }),
      arrivedMs: fc.nat(),
      completedMs: fc.nat(),
      requestBody: body,
      largeBodyHash: text,
      largeBodyChunks: fc.constantFrom("good", "bad", "cut-off", "unchecked"),
      requestId: text,
      response: fc.record({ status: fc.nat(999), rawHeaders: fc.array(header), body }),
      failure: fc.record({ code: text, message: text }),
    },
    { requiredKeys: ["head", "client", "upstream", "arrivedMs", "completedMs"] },
  );
  fc.assert(
    fc.property(fc.array(call, { maxLength: 5 }), (calls) => {
      const packer = new CallPacker();
      for (const each of calls) packer.add(each);
      // Undefined members and those left out are the same.
      expect([...unpackCalls(packer.take())].map(withTexts)).toEqual(calls.map(withTexts));
      expect(packer.take().length).toBe(0);
    }),
  );
});

test("a line feed in a head makes it say nothing, and costs no other call", () => {
  const packer = new CallPacker();
  const [call] = unpackCalls(batchOf(3).bytes);
  if (call === undefined) throw new Error("no call came out of the batch");
  const head = { ...call.head, target: "/a\nHost\nevil.example" };
  for (const each of [call, { ...call, head }, call]) packer.add(each);
  const [first, forged, last, ...more] = unpackCalls(packer.take());
  expect([first, last, more]).toEqual([call, call, []]);
  expect(forged?.head).toEqual({ method: "", target: "", rawHeaders: ["", ""] });
});
