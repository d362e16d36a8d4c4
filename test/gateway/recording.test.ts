// What the gateway writes down: who called what, with which outcome, in every mode.
import { createServer as createNetServer } from "node:net";
import { gzipSync } from "node:zlib";
import {
  AdminGetUserCommand,
  CognitoIdentityProviderClient,
  CreateUserPoolCommand,
  ListUserPoolsCommand,
  SignUpCommand,
} from "@aws-sdk/client-cognito-identity-provider";
import {
  HeadObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  S3Client,
} from "@aws-sdk/client-s3";
import { GetCallerIdentityCommand, STSClient } from "@aws-sdk/client-sts";
import { expect, test } from "vitest";
import type { describeCall } from "../../src/catalog/describe.ts";
import type { KeyForVerification } from "../../src/directory/directory.ts";
import type { JsonObject } from "../../src/event/json.ts";
import { type ChunkOptions, signedChunks } from "./chunks.ts";
import { cognito } from "./clients.ts";
import { type Credentials, firstAccountId, type Recording, recordingGateway } from "./recording.ts";
import { closeAfter, eventually, listen, RawClient, upstream } from "./support.ts";

const unknown: Credentials = { accessKeyId: "AKIAUNKNOWNUNKNOWN12", secretAccessKey: "x" };

/** Answers every call of a JSON protocol with the same body. */
const answering = (body: unknown, status = 200, headers: Record<string, string> = {}) =>
  upstream((request, response) => {
    request.resume();
    request.on("end", () => {
      response.writeHead(status, {
        "content-type": "application/x-amz-json-1.1",
        "x-amzn-requestid": "3f7b2a4e-0000-4000-8000-000000000001",
        ...headers,
      });
      response.end(Buffer.isBuffer(body) ? body : JSON.stringify(body));
    });
  });

const broken: typeof describeCall = () => {
  throw new Error("planted");
};

test("a signed call becomes an event of the user who signed it", async () => {
  const origin = await answering({ UserPools: [] });
  const recording = await recordingGateway(origin.url);
  await cognito(recording, recording.alice).send(new ListUserPoolsCommand({ MaxResults: 7 }));
  const [event, ...more] = await recording.events();
  expect(more).toEqual([]);
  expect(event).toMatchObject({
    userIdentity: {
      type: "IAMUser",
      userName: "Alice",
      arn: `arn:aws:iam::${firstAccountId}:user/Alice`,
      accountId: firstAccountId,
      accessKeyId: recording.alice.accessKeyId,
    },
    eventSource: "cognito-idp.amazonaws.com",
    eventName: "ListUserPools",
    awsRegion: "eu-west-1",
    sourceIPAddress: "127.0.0.1",
    requestParameters: { maxResults: 7 },
    responseElements: null,
    requestID: "3f7b2a4e-0000-4000-8000-000000000001",
    readOnly: true,
    eventType: "AwsApiCall",
    managementEvent: true,
    recipientAccountId: firstAccountId,
    eventCategory: "Management",
  });
  expect(event?.["userAgent"]).toMatch(/aws-sdk-js/);
  expect(event?.["eventID"]).toMatch(/^[0-9a-f-]{36}$/);
  expect(event).not.toHaveProperty("errorCode");
  expect(event).not.toHaveProperty("tlsDetails");
  expect(Date.parse(event?.["eventTime"] as string)).toBeGreaterThan(Date.now() - 60_000);
  expect(recording.gateway.counters).toMatchObject({ requests: 1, recorded: 1, dropped: 0 });
});

test("the upstream's error is the event's", async () => {
  const origin = await answering(
    { __type: "UserNotFoundException", message: "User does not exist." },
    400,
  );
  const recording = await recordingGateway(origin.url);
  const call = cognito(recording, recording.root).send(
    new AdminGetUserCommand({ UserPoolId: "eu-west-1_a", Username: "jane" }),
  );
  await expect(call).rejects.toThrow("User does not exist.");
  expect(await recording.events()).toMatchObject([
    {
      userIdentity: { type: "Root", accountId: firstAccountId },
      eventName: "AdminGetUser",
      errorCode: "UserNotFoundException",
    },
  ]);
});

test("a compressed answer is read for the event and passed on as it came", async () => {
  const origin = await answering(
    gzipSync(JSON.stringify({ UserPool: { Id: "eu-west-1_zipped", Name: "n" } })),
    200,
    {
      "content-encoding": "gzip",
    },
  );
  const recording = await recordingGateway(origin.url);
  const client = new RawClient(recording.gateway.port);
  client.write(
    'POST / HTTP/1.1\r\nHost: cognito-idp.eu-west-1.amazonaws.com\r\nX-Amz-Target: AWSCognitoIdentityProviderService.CreateUserPool\r\nContent-Type: application/x-amz-json-1.1\r\nContent-Length: 16\r\n\r\n{"PoolName":"n"}',
  );
  await client.until((text) => text.includes("content-encoding: gzip\r\n"));
  await eventually("the event", () => recording.gateway.counters.recorded === 1);
  expect(await recording.events()).toMatchObject([
    { eventName: "CreateUserPool", responseElements: { userPool: { id: "eu-west-1_zipped" } } },
  ]);
});

test("an operation that needs no signature is recorded for the account set on its upstream", async () => {
  const origin = await answering({
    UserConfirmed: false,
    UserSub: "6a9f0000-0000-4000-8000-000000000001",
  });
  const recording = await recordingGateway({
    services: {
      "cognito-idp": {
        url: origin.url,
        mode: "pass-through",
        accountId: "444455556666",
        region: "ap-south-1",
      },
    },
  });
  await cognito(recording, recording.root).send(
    new SignUpCommand({
      ClientId: "abc",
      Username: "jane@example.com",
      Password: "PlantedSecret-1",
    }),
  );
  const rows = await recording.rows();
  expect(rows).toMatchObject([{ ownerAccount: "444455556666", eventName: "SignUp" }]);
  const raw = rows[0]?.raw.toString() ?? "";
  expect(JSON.parse(raw)).toMatchObject({
    userIdentity: { type: "Unknown", principalId: "Anonymous" },
    awsRegion: "ap-south-1",
    recipientAccountId: "444455556666",
    additionalEventData: { sub: "6a9f0000-0000-4000-8000-000000000001" },
  });
  expect(raw).not.toMatch(/PlantedSecret-1|jane@example.com/);
});

test("the region of an unsigned call is its host's, before any setting", async () => {
  const origin = await answering({});
  const recording = await recordingGateway({
    default: origin.url,
    services: {
      "cognito-idp": { url: origin.url, mode: "pass-through", region: "ap-south-1" },
    },
  });
  const client = new RawClient(recording.gateway.port);
  const call = async (host: string, path: string, extra: string) => {
    client.write(`POST ${path} HTTP/1.1\r\nHost: ${host}\r\n${extra}Content-Length: 2\r\n\r\n{}`);
    await client.until((text) => text.includes("{}"));
  };
  const signUp =
    "X-Amz-Target: AWSCognitoIdentityProviderService.SignUp\r\nContent-Type: application/x-amz-json-1.1\r\n";
  await call("cognito-idp.eu-west-1.amazonaws.com", "/", signUp);
  await call("cognito-idp.amazonaws.com", "/", signUp);
  await call("abc123.execute-api.eu-west-1.amazonaws.com", "/prod/@connections/x", "");
  await call("sts.amazonaws.com", "/?Action=GetCallerIdentity&Version=2011-06-15", "");
  const events = await recording.events();
  expect(events.map((each) => [each["eventName"], each["awsRegion"]])).toEqual([
    ["SignUp", "eu-west-1"],
    ["SignUp", "ap-south-1"],
    ["PostToConnection", "eu-west-1"],
    ["GetCallerIdentity", "us-east-1"],
  ]);
});

test("an unknown key is recorded as Unknown with its id, and the call goes on", async () => {
  const origin = await answering({ UserPools: [] });
  const recording = await recordingGateway(origin.url);
  await cognito(recording, unknown).send(new ListUserPoolsCommand({ MaxResults: 1 }));
  expect(await recording.events()).toMatchObject([
    {
      userIdentity: { type: "Unknown", accessKeyId: unknown.accessKeyId },
      recipientAccountId: firstAccountId,
    },
  ]);
});

test("an unknown key is refused in the protocol's form where that is set, and the refusal recorded", async () => {
  let reached = 0;
  const origin = await upstream((_request, response) => {
    reached++;
    response.end("{}");
  });
  const recording = await recordingGateway(origin.url, { unknownKeys: "refuse" });
  await expect(
    cognito(recording, unknown).send(new ListUserPoolsCommand({ MaxResults: 1 })),
  ).rejects.toMatchObject({
    name: "UnrecognizedClientException",
    $metadata: { httpStatusCode: 403 },
  });
  const sts = new STSClient({
    endpoint: recording.endpoint,
    region: "us-east-1",
    credentials: unknown,
    maxAttempts: 1,
  });
  closeAfter(() => sts.destroy());
  await expect(sts.send(new GetCallerIdentityCommand({}))).rejects.toMatchObject({
    name: "InvalidClientTokenId",
    $metadata: { httpStatusCode: 403 },
  });
  expect(reached).toBe(0);
  await cognito(recording, recording.alice).send(new ListUserPoolsCommand({ MaxResults: 1 }));
  expect(reached).toBe(1);
  await recording.disableKey(recording.alice.accessKeyId);
  await expect(
    cognito(recording, recording.alice).send(new ListUserPoolsCommand({ MaxResults: 1 })),
  ).rejects.toMatchObject({ name: "UnrecognizedClientException" });
  expect(reached).toBe(1);
  expect(await recording.events()).toMatchObject([
    {
      userIdentity: { type: "Unknown" },
      eventName: "ListUserPools",
      errorCode: "UnrecognizedClientException",
    },
    { eventName: "GetCallerIdentity", errorCode: "InvalidClientTokenId" },
    { userIdentity: { userName: "Alice" } },
    { userIdentity: { type: "Unknown", accessKeyId: recording.alice.accessKeyId } },
  ]);
  expect(recording.gateway.counters.refused).toBe(3);
});

test("a known key with a wrong signature is recorded as Unknown, never as its user", async () => {
  const origin = await answering({ UserPools: [] });
  const recording = await recordingGateway(origin.url);
  const forged = { ...recording.alice, secretAccessKey: "not hers" };
  await cognito(recording, forged).send(new ListUserPoolsCommand({ MaxResults: 1 }));
  const [event] = await recording.events();
  expect(event?.["userIdentity"]).toEqual({
    type: "Unknown",
    accessKeyId: recording.alice.accessKeyId,
  });
});

test("a body that is not the one that was signed is recorded as Unknown", async () => {
  const origin = await answering({ UserPools: [] });
  const recording = await recordingGateway(origin.url);
  const client = cognito(recording, recording.alice);
  // After signing: what stands in the head no longer fits the body.
  client.middlewareStack.add(
    (next) => (args) => {
      (args.request as { body: string }).body = '{"MaxResults":2}';
      return next(args);
    },
    { step: "finalizeRequest", priority: "low" },
  );
  await client.send(new ListUserPoolsCommand({ MaxResults: 1 }));
  expect(await recording.events()).toMatchObject([
    { userIdentity: { type: "Unknown" }, requestParameters: { maxResults: 2 } },
  ]);
});

test("an S3 upload of any size is recorded with its caller; its body is not", async () => {
  const origin = await upstream((request, response) => {
    request.resume();
    request.on("end", () => {
      response.writeHead(200, { etag: '"x"', "x-amz-request-id": "S3REQUEST" });
      response.end();
    });
  });
  const recording = await recordingGateway(origin.url);
  const s3 = new S3Client({
    endpoint: recording.endpoint,
    region: "us-west-2",
    credentials: recording.alice,
    forcePathStyle: true,
    maxAttempts: 1,
  });
  closeAfter(() => s3.destroy());
  await s3.send(
    new PutObjectCommand({ Bucket: "b", Key: "a key/ü", Body: Buffer.alloc(5_000_000, "z") }),
  );
  const [event] = await recording.events();
  expect(event).toMatchObject({
    userIdentity: { userName: "Alice" },
    eventSource: "s3.amazonaws.com",
    eventName: "PutObject",
    awsRegion: "us-west-2",
    requestParameters: { bucketName: "b", key: "a key/ü" },
    eventCategory: "Data",
    managementEvent: false,
    requestID: "S3REQUEST",
  });
});

test("who signed a body in chunks is believed where the chunks hold, of whatever size", async () => {
  const origin = await upstream((request, response) => {
    request.resume();
    request.on("end", () => response.end());
  });
  const small = [Buffer.from("hello, "), Buffer.from("world")];
  const large = Array.from({ length: 40 }, () => Buffer.alloc(64 * 1024, "a"));
  const trailer = ["x-amz-checksum-crc32", "qwertg=="] as const;
  for (const onThread of [false, true]) {
    const recording = await recordingGateway(origin.url, {}, onThread);
    const { port } = recording.gateway;
    const client = new RawClient(port);
    const found: unknown[] = [];
    for (const parts of [small, large]) {
      for (const options of [
        {},
        { trailer },
        { spoil: "chunk" },
        { trailer, spoil: "trailer" },
      ] satisfies ChunkOptions[]) {
        client.write(await signedChunks(recording.alice, parts, port, options));
        await client.until((text) => /^HTTP\/1\.1 200 [^]*\r\n\r\n/.test(text));
        const { userIdentity } = (await recording.events()).at(-1) ?? {};
        found.push((userIdentity as JsonObject)["userName"] ?? userIdentity);
      }
    }
    const unknownWithKey = { type: "Unknown", accessKeyId: recording.alice.accessKeyId };
    const each = ["Alice", "Alice", unknownWithKey, unknownWithKey];
    expect(found).toEqual([...each, ...each]);
  }
});

test("a large body in chunks that nobody could check yet is nobody's", async () => {
  const origin = await upstream((request, response) => {
    request.resume();
    request.on("end", () => response.end());
  });
  const waiting: (() => void)[] = [];
  const spoken = new Promise<void>((resolve) => waiting.push(resolve));
  const caller = { kind: "user" as const, accountId: firstAccountId, userName: "Bob", path: "/" };
  const bob = { accessKeyId: "AKIABOBBOBBOBBOBBOBB", secretAccessKey: "Bob's" };
  const key: KeyForVerification = {
    secret: bob.secretAccessKey,
    status: "Active",
    caller: { ...caller, userId: "AIDABOB", accessKeyId: bob.accessKeyId },
  };
  const recording = await recordingGateway(origin.url, {
    directory: { findKey: () => spoken.then(() => key), firstAccountId },
  });
  const { port } = recording.gateway;
  const client = new RawClient(port);
  const put = async (size: number) => {
    client.write(await signedChunks(bob, [Buffer.alloc(size, "a")], port));
    await client.until((text) => /^HTTP\/1\.1 200 [^]*\r\n\r\n/.test(text));
  };
  // A small one is kept, and checked when the directory has spoken.
  await put(3_000_000);
  await put(1000);
  for (const speak of waiting) speak();
  expect(await recording.events()).toMatchObject([
    { userIdentity: { type: "Unknown", accessKeyId: bob.accessKeyId } },
    { userIdentity: { userName: "Bob" } },
  ]);
});

test("a call that no service of the catalog fits is forwarded and counted", async () => {
  const origin = await answering({ hello: 1 });
  const recording = await recordingGateway(origin.url);
  const client = new RawClient(recording.gateway.port);
  client.write("GET /nothing/known HTTP/1.1\r\nHost: example.com\r\n\r\n");
  await client.until((text) => text.includes("hello"));
  await eventually("the count", () => recording.gateway.counters.unrecognised === 1);
  expect(await recording.events()).toEqual([]);
});

test("a hop that fails is recorded, with an answer that says whose fault it is", async () => {
  const closed = createNetServer();
  const port = await listen(closed);
  await new Promise((resolve) => closed.close(resolve));
  const recording = await recordingGateway(new URL(`http://127.0.0.1:${port}`));
  const call = cognito(recording, recording.alice).send(
    new CreateUserPoolCommand({ PoolName: "n" }),
  );
  await expect(call).rejects.toMatchObject({
    name: "ServiceUnavailable",
    message: expect.stringContaining("Cairn gateway") as string,
    $metadata: { httpStatusCode: 502 },
  });
  expect(await recording.events()).toMatchObject([
    {
      userIdentity: { userName: "Alice" },
      eventName: "CreateUserPool",
      errorCode: "ServiceUnavailable",
      errorMessage: expect.stringContaining("ECONNREFUSED") as string,
      requestParameters: { poolName: "n" },
      responseElements: null,
    },
  ]);
  expect(recording.gateway.counters.failedHops).toBe(1);
});

/** What an SDK makes of the answer that a service without an upstream gets. */
const notConfigured = (id: string) => ({
  name: "UpstreamNotConfigured",
  message: expect.stringMatching(
    new RegExp(`the service "${id}": set gateway\\.upstreams\\.${id} .*CAIRN_GATEWAY_UPSTREAM`),
  ) as string,
  $metadata: { httpStatusCode: 400, attempts: 1 },
});

test("a service without an upstream is answered once, in its protocol, and recorded; no SDK tries again", async () => {
  const recording = await recordingGateway({ services: {} });
  const settings = {
    endpoint: recording.endpoint,
    region: "us-east-1",
    credentials: recording.alice,
    maxAttempts: 3,
  };
  const pools = new CognitoIdentityProviderClient(settings);
  const s3 = new S3Client({ ...settings, forcePathStyle: true });
  const sts = new STSClient(settings);
  for (const client of [pools, s3, sts]) closeAfter(() => client.destroy());
  await expect(pools.send(new ListUserPoolsCommand({ MaxResults: 1 }))).rejects.toMatchObject(
    notConfigured("cognito-idp"),
  );
  await expect(s3.send(new ListObjectsV2Command({ Bucket: "b" }))).rejects.toMatchObject(
    notConfigured("s3"),
  );
  await expect(sts.send(new GetCallerIdentityCommand({}))).rejects.toMatchObject(
    notConfigured("sts"),
  );
  expect(recording.gateway.counters.requests).toBe(3);
  expect(await recording.events()).toMatchObject(
    ["ListUserPools", "ListObjects", "GetCallerIdentity"].map((eventName) => ({
      eventName,
      errorCode: "UpstreamNotConfigured",
      userIdentity: { userName: "Alice" },
    })),
  );
});

test.each(["best-effort", "strict"] as const)(
  "an answer of the gateway's own has the request id of its event: %s",
  async (captureMode) => {
    const settings = { region: "us-east-1", maxAttempts: 1, forcePathStyle: true };
    const ids: unknown[] = [];
    const expected: unknown[] = [];
    const compare = async (recording: Recording, call: Promise<unknown>) => {
      const error: unknown = await call.then(
        () => undefined,
        (reason: unknown) => reason,
      );
      ids.push((error as { $metadata?: { requestId?: string } }).$metadata?.requestId);
      expected.push((await recording.events()).at(-1)?.["requestID"]);
    };
    const none = await recordingGateway({ services: {} }, { captureMode });
    const s3 = new S3Client({ ...settings, endpoint: none.endpoint, credentials: none.alice });
    const sts = new STSClient({ ...settings, endpoint: none.endpoint, credentials: none.alice });
    for (const client of [s3, sts]) closeAfter(() => client.destroy());
    const list = new ListUserPoolsCommand({ MaxResults: 1 });
    await compare(none, cognito(none, none.alice).send(list));
    await compare(none, s3.send(new HeadObjectCommand({ Bucket: "b", Key: "k" })));
    await compare(none, sts.send(new GetCallerIdentityCommand({})));
    // Breaks off after it has said who it is.
    const origin = await upstream((_request, response) => {
      response.writeHead(200, { "x-amzn-requestid": "upstream", "content-length": 100 });
      response.write("x");
      setImmediate(() => response.destroy());
    });
    const breaking = await recordingGateway(origin.url, { captureMode });
    await compare(breaking, cognito(breaking, breaking.alice).send(list));
    // The head of a best-effort answer has gone, with its id, by the time it breaks off.
    if (captureMode === "best-effort") ids[3] = "upstream";
    expect(ids).toEqual(expected);
    expect(new Set(ids).size).toBe(4);
    expect(ids).not.toContain(undefined);
  },
);

test("a client that leaves before the answer is recorded", async () => {
  let arrived = false;
  const origin = await upstream(() => {
    arrived = true;
  });
  const recording = await recordingGateway(origin.url);
  const client = new RawClient(recording.gateway.port);
  client.write(
    "POST / HTTP/1.1\r\nHost: h\r\nX-Amz-Target: AWSCognitoIdentityProviderService.ListUserPools\r\nContent-Type: application/x-amz-json-1.1\r\nContent-Length: 2\r\n\r\n{}",
  );
  await eventually("the call to arrive", () => arrived);
  client.socket.destroy();
  await eventually("the event", () => recording.gateway.counters.recorded === 1);
  expect(await recording.events()).toMatchObject([
    { eventName: "ListUserPools", errorCode: "ClientDisconnected" },
  ]);
});

test("calls go to the upstream of their service", async () => {
  const pools = await answering({ UserPools: [] });
  const objects = await upstream((_request, response) => {
    response.writeHead(200, { "content-type": "application/xml" });
    response.end(
      "<ListBucketResult><Name>other</Name><IsTruncated>false</IsTruncated></ListBucketResult>",
    );
  });
  const recording = await recordingGateway({
    default: pools.url,
    services: { s3: { url: objects.url, mode: "pass-through" } },
  });
  const s3 = new S3Client({
    endpoint: recording.endpoint,
    region: "us-west-2",
    credentials: recording.alice,
    forcePathStyle: true,
    maxAttempts: 1,
  });
  closeAfter(() => s3.destroy());
  expect((await s3.send(new ListObjectsV2Command({ Bucket: "b" }))).Name).toBe("other");
  const { UserPools } = await cognito(recording, recording.alice).send(
    new ListUserPoolsCommand({ MaxResults: 1 }),
  );
  expect(UserPools).toEqual([]);
});

test("the client's address is its socket's, or what a trusted proxy wrote last", async () => {
  const origin = await answering({ UserPools: [] });
  for (const [trustProxy, address] of [
    [false, "127.0.0.1"],
    [true, "198.51.100.7"],
  ] as const) {
    const recording = await recordingGateway(origin.url, { trustProxy });
    const client = new RawClient(recording.gateway.port);
    client.write(
      "POST / HTTP/1.1\r\nHost: h\r\nX-Forwarded-For: 203.0.113.9, 198.51.100.7\r\nX-Amz-Target: AWSCognitoIdentityProviderService.ListUserPools\r\nContent-Type: application/x-amz-json-1.1\r\nContent-Length: 2\r\n\r\n{}",
    );
    await client.until((text) => text.includes("UserPools"));
    await eventually("the event", () => recording.gateway.counters.recorded === 1);
    expect(await recording.events()).toMatchObject([{ sourceIPAddress: address }]);
  }
});

test("a call that cannot be described is passed on and recorded without its parameters", async () => {
  const origin = await answering({ UserPools: [] });
  const recording = await recordingGateway(origin.url, { describe: broken });
  await cognito(recording, recording.alice).send(new ListUserPoolsCommand({ MaxResults: 1 }));
  expect(await recording.events()).toMatchObject([
    { eventName: "ListUserPools", userIdentity: { userName: "Alice" }, requestParameters: null },
  ]);
  expect(recording.gateway.counters.recordingErrors).toBe(1);
});

test("best-effort: an answer does not wait for the journal, nor for its being broken", async () => {
  const origin = await answering({ UserPools: [] });
  const recording = await recordingGateway(origin.url);
  recording.journal.faults.failEvery = 1;
  await cognito(recording, recording.alice).send(new ListUserPoolsCommand({ MaxResults: 1 }));
  await recording.gateway.settled();
  expect(recording.gateway.counters.recorded).toBe(1);
  // What was taken is tried again until the journal is back.
  delete recording.journal.faults.failEvery;
  expect(await recording.events()).toHaveLength(1);
});

test("strict: the answer is there only when the event is", async () => {
  const origin = await answering({ UserPools: [] });
  const recording = await recordingGateway(origin.url, { captureMode: "strict" });
  recording.journal.faults.latencyMs = 300;
  const client = cognito(recording, recording.alice);
  const before = Date.now();
  await client.send(new ListUserPoolsCommand({ MaxResults: 1 }));
  expect(Date.now() - before).toBeGreaterThanOrEqual(295);
  expect(recording.journal.status().lastSeq).toBe(1n);
  expect(await recording.events()).toMatchObject([{ eventName: "ListUserPools" }]);
});

test("strict: an event that cannot be made durable makes the answer a 503", async () => {
  const origin = await answering({ UserPools: [] });
  const recording = await recordingGateway(origin.url, { captureMode: "strict" });
  recording.journal.faults.failEvery = 1;
  await expect(
    cognito(recording, recording.alice).send(new ListUserPoolsCommand({ MaxResults: 1 })),
  ).rejects.toMatchObject({
    name: "ServiceUnavailable",
    message: expect.stringContaining("could not be made durable") as string,
    $metadata: { httpStatusCode: 503 },
  });
  expect(recording.gateway.counters).toMatchObject({ dropped: 1, recorded: 0 });
  delete recording.journal.faults.failEvery;
  await cognito(recording, recording.alice).send(new ListUserPoolsCommand({ MaxResults: 1 }));
  expect(await recording.events()).toHaveLength(1);
});

test("strict: a long answer streams, but never ends whole without its event", async () => {
  const body = Buffer.alloc(6_000_000, "y");
  const origin = await upstream((_request, response) => {
    response.writeHead(200, { "content-length": body.length });
    response.end(body);
  });
  const recording = await recordingGateway(origin.url, { captureMode: "strict" });
  const ask = () => {
    const client = new RawClient(recording.gateway.port);
    client.write("GET /b/key HTTP/1.1\r\nHost: s3.us-east-1.amazonaws.com\r\n\r\n");
    return client;
  };
  const whole = await ask().until((text) => text.length > body.length && text.endsWith("y"));
  expect(whole.length - whole.indexOf("\r\n\r\n") - 4).toBe(body.length);
  recording.journal.faults.failEvery = 1;
  const cut = await ask().untilClosed();
  expect(cut).toMatch(/^HTTP\/1\.1 200 /);
  expect(cut.length - cut.indexOf("\r\n\r\n") - 4).toBeLessThan(body.length);
});
