// Re-sign mode: verified here, signed again with the upstream's own credentials, and nothing else changed.
import { createHash } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import { Readable } from "node:stream";
import { ListUserPoolsCommand, SignUpCommand } from "@aws-sdk/client-cognito-identity-provider";
import { GetObjectCommand, PutObjectCommand, S3Client } from "@aws-sdk/client-s3";
import { SignatureV4 } from "@smithy/signature-v4";
import { expect, test } from "vitest";
import { ChunkReSigner, chunkBytesMax } from "../../src/gateway/chunk-re-signer.ts";
import { parseSignature } from "../../src/signature/parse-signature.ts";
import { Sha256 } from "../../src/signature/signer.ts";
import { deriveSigningKey } from "../../src/signature/signing-keys.ts";
import { verifySignature } from "../../src/signature/verify-signature.ts";
import { type ChunkOptions, chunkedBody, signedChunks } from "./chunks.ts";
import { cognito } from "./clients.ts";
import { type Credentials, type Recording, recordingGateway } from "./recording.ts";
import { closeAfter, eventually, RawClient, upstream } from "./support.ts";

const own = { accessKeyId: "AKIAUPSTREAMUPSTREAM", secretAccessKey: "the upstream's secret" };

interface Seen {
  request: IncomingMessage;
  body: Buffer;
  /** Undefined: verified with the upstream's own secret. */
  problem: string | undefined;
}

/** An upstream that believes only its own key; it verifies as Cairn does, and AWS's signer must agree where it can. */
async function strictUpstream(answer: (response: ServerResponse, seen: Seen) => void) {
  const calls: Seen[] = [];
  const origin = await upstream((request, response) => {
    const chunks: Buffer[] = [];
    request.on("error", () => undefined);
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      const body = Buffer.concat(chunks);
      void (async () => {
        const problem = await problemOf(request, body, origin.url.host);
        const seen = { request, body, problem };
        calls.push(seen);
        if (problem === undefined) answer(response, seen);
        else response.writeHead(403).end(problem);
      })();
    });
  });
  return { url: origin.url, calls };
}

async function problemOf(
  request: IncomingMessage,
  body: Buffer,
  host: string,
): Promise<string | undefined> {
  const [path = "", query = ""] = (request.url ?? "").split("?");
  const headers = Object.fromEntries(
    Object.entries(request.headers).map(([name, value]) => [name, String(value)]),
  );
  const { method = "", rawHeaders } = request;
  const signed = { method, path, query, headers, rawHeaders };
  const parsed = parseSignature(signed);
  if (parsed === undefined || parsed instanceof Error) return parsed?.message ?? "not signed";
  if (parsed.accessKeyId !== own.accessKeyId) return `signed by ${parsed.accessKeyId}`;
  if (headers["host"] !== host) return `for ${headers["host"]}`;
  const key = deriveSigningKey(own.secretAccessKey, parsed);
  const error = verifySignature(
    parsed,
    signed,
    key,
    createHash("sha256").update(body).digest("hex"),
    Date.now(),
  );
  if (error !== undefined) return error.message;
  const signer = new SignatureV4({
    credentials: own,
    region: parsed.region,
    service: parsed.signingName,
    sha256: Sha256,
    uriEscapePath: parsed.signingName !== "s3",
  });
  const again = await signer.sign(
    {
      method,
      protocol: "http:",
      hostname: "127.0.0.1",
      path,
      query: Object.fromEntries(new URLSearchParams(query)),
      headers: Object.fromEntries(
        Object.entries(headers).filter(([name]) => parsed.signedHeaders.includes(name)),
      ),
    },
    { signingDate: new Date(parsed.signedAtMs), signableHeaders: new Set(parsed.signedHeaders) },
  );
  return again.headers["authorization"] === headers["authorization"]
    ? undefined
    : "AWS's signer says otherwise";
}

async function reSigning(
  answer: (response: ServerResponse, seen: Seen) => void,
  services = ["s3", "cognito-idp", "sts"],
) {
  const origin = await strictUpstream(answer);
  const target = { url: origin.url, mode: "re-sign" as const, credentials: own };
  const recording = await recordingGateway({
    services: Object.fromEntries(services.map((id) => [id, target])),
  });
  return { recording, calls: origin.calls };
}

function s3Client(recording: Recording, credentials: Credentials, options = {}) {
  const client = new S3Client({
    endpoint: recording.endpoint,
    region: "us-west-2",
    credentials,
    forcePathStyle: true,
    maxAttempts: 1,
    ...options,
  });
  closeAfter(() => client.destroy());
  return client;
}

const json = (body: unknown) => (response: ServerResponse) => {
  response.writeHead(200, { "content-type": "application/x-amz-json-1.1" });
  response.end(JSON.stringify(body));
};

test("a call in a JSON protocol arrives signed by the upstream's key, and is recorded as its user's", async () => {
  const { recording, calls } = await reSigning(json({ UserPools: [] }));
  await cognito(recording, recording.alice).send(new ListUserPoolsCommand({ MaxResults: 3 }));
  expect(calls).toMatchObject([{ problem: undefined }]);
  expect(calls[0]?.body.toString()).toBe('{"MaxResults":3}');
  expect(await recording.events()).toMatchObject([
    { userIdentity: { userName: "Alice" }, eventName: "ListUserPools", awsRegion: "eu-west-1" },
  ]);
});

/** As botocore signs for all but S3: the hash of the body is in the signature, and in no header. */
async function undeclared(
  credentials: Credentials,
  port: number,
  body: string,
  sent = body,
): Promise<string> {
  const signer = new SignatureV4({
    credentials,
    region: "us-east-1",
    service: "sts",
    sha256: Sha256,
    applyChecksum: false,
  });
  const signed = await signer.sign({
    method: "POST",
    protocol: "http:",
    hostname: "127.0.0.1",
    path: "/",
    query: {},
    headers: {
      host: `127.0.0.1:${port}`,
      "content-type": "application/x-www-form-urlencoded; charset=utf-8",
      "content-length": String(body.length),
    },
    body,
  });
  const lines = Object.entries(signed.headers).map(([name, value]) => `${name}: ${value}\r\n`);
  return `POST / HTTP/1.1\r\n${lines.join("")}\r\n${sent}`;
}

test("a body whose hash no header declares is read whole, checked and signed", async () => {
  const { recording, calls } = await reSigning((response) => response.end("<done/>"));
  const { port } = recording.gateway;
  const client = new RawClient(port);
  const body = "Action=GetCallerIdentity&Version=2011-06-15";
  client.write(await undeclared(recording.alice, port, body));
  expect(await client.until((text) => text.includes("<done/>"))).toMatch(/^HTTP\/1\.1 200 /);
  expect(calls).toMatchObject([{ problem: undefined }]);
  expect(calls[0]?.body.toString()).toBe(body);
  client.write(await undeclared(recording.alice, port, body, body.replace("2011", "2012")));
  expect(await client.until((text) => text.includes("</ErrorResponse>"))).toMatch(
    /^HTTP\/1\.1 403 [^]*<Code>SignatureDoesNotMatch/,
  );
  expect(calls).toHaveLength(1);
  expect(await recording.events()).toMatchObject([
    { eventName: "GetCallerIdentity", userIdentity: { userName: "Alice" } },
    { eventName: "GetCallerIdentity", errorCode: "SignatureDoesNotMatch" },
  ]);
});

test("S3 objects pass with odd keys, of any size, and with a body that declares nothing of itself", async () => {
  const { recording, calls } = await reSigning((response, { request }) => {
    response.writeHead(200, { etag: '"x"' });
    response.end(request.method === "GET" ? "content" : "");
  });
  const s3 = s3Client(recording, recording.alice);
  const large = Buffer.alloc(3_000_000, "z");
  await s3.send(new PutObjectCommand({ Bucket: "b", Key: "a key/ü+$&/../x", Body: "small" }));
  await s3.send(new PutObjectCommand({ Bucket: "b", Key: "large", Body: large }));
  const answer = await s3.send(
    new GetObjectCommand({ Bucket: "b", Key: "k", ResponseContentType: "a/b c" }),
  );
  expect(await answer.Body?.transformToString()).toBe("content");
  expect(calls.map(({ problem }) => problem)).toEqual([undefined, undefined, undefined]);
  expect(calls[1]?.body.equals(large)).toBe(true);
});

test("a large body that is not what was signed never reaches the upstream whole", async () => {
  const { recording, calls } = await reSigning(json({}));
  const s3 = s3Client(recording, recording.alice, { requestChecksumCalculation: "WHEN_REQUIRED" });
  s3.middlewareStack.add(
    (next) => (args) => {
      (args.request as { body: Buffer }).body = Buffer.alloc(3_000_000, "b");
      return next(args);
    },
    { step: "finalizeRequest", priority: "low" },
  );
  await expect(
    s3.send(new PutObjectCommand({ Bucket: "b", Key: "k", Body: Buffer.alloc(3_000_000, "a") })),
  ).rejects.toMatchObject({ name: "XAmzContentSHA256Mismatch" });
  expect(calls).toEqual([]);
  expect(await recording.events()).toMatchObject([
    {
      eventName: "PutObject",
      userIdentity: { type: "Unknown" },
      errorCode: "XAmzContentSHA256Mismatch",
    },
  ]);
});

test("a stream in unsigned chunks with a checksum behind it passes as it is", async () => {
  const { recording, calls } = await reSigning((response) => response.end());
  const s3 = s3Client(recording, recording.alice, { requestStreamBufferSize: 64 * 1024 });
  const blocks = Array.from({ length: 40 }, () => Buffer.alloc(64 * 1024, "c"));
  await s3.send(
    new PutObjectCommand({
      Bucket: "b",
      Key: "k",
      Body: Readable.from(blocks),
      ContentLength: 40 * 64 * 1024,
    }),
  );
  expect(calls).toMatchObject([{ problem: undefined }]);
  const head = calls[0]?.request.headers ?? {};
  expect(head["x-amz-content-sha256"]).toBe("STREAMING-UNSIGNED-PAYLOAD-TRAILER");
  expect(calls[0]?.body.subarray(-60).toString()).toContain("x-amz-checksum-crc32:");
});

const small = [Buffer.from("hello, "), Buffer.from("world")];
const large = Array.from({ length: 40 }, (_, index) =>
  Buffer.alloc(64 * 1024, String.fromCharCode(65 + index)),
);
const trailer = ["x-amz-checksum-crc32", "qwertg=="] as const;

async function putChunks(recording: Recording, parts: Buffer[], options: ChunkOptions = {}) {
  const { port } = recording.gateway;
  const client = new RawClient(port);
  client.write(await signedChunks(recording.alice, parts, port, options));
  return client.until((text) => /^HTTP\/1\.1 200 [^]*\r\n\r\n|<\/Error>/.test(text));
}

test.each([
  ["small", small],
  ["large", large],
])(
  "a body in signed chunks is checked, taken apart and sent on whole: %s",
  async (_name, parts) => {
    const { recording, calls } = await reSigning((response) => response.end());
    expect(await putChunks(recording, parts)).toMatch(/^HTTP\/1\.1 200 /);
    expect(calls).toMatchObject([{ problem: undefined }]);
    expect(calls[0]?.body.equals(Buffer.concat(parts))).toBe(true);
    expect(calls[0]?.request.headers["content-encoding"]).toBe("gzip");
    expect(await putChunks(recording, parts, { spoil: "chunk" })).toMatch(
      /^HTTP\/1\.1 403 [^]*SignatureDoesNotMatch/,
    );
    expect(calls).toHaveLength(1);
    expect(recording.gateway.counters.refused).toBe(1);
    expect(await recording.events()).toMatchObject([
      { userIdentity: { userName: "Alice" } },
      { userIdentity: { type: "Unknown" }, errorCode: "SignatureDoesNotMatch" },
    ]);
  },
);

test.each<[string, Buffer[], ChunkOptions]>([
  ["small", small, {}],
  ["large", large, {}],
  ["large, of no declared length", large, { httpChunked: true }],
])(
  "signed chunks with a signed trailer arrive as such, each signed anew: %s",
  async (_name, parts, options) => {
    const { recording, calls } = await reSigning((response) => response.end());
    expect(await putChunks(recording, parts, { ...options, trailer })).toMatch(/^HTTP\/1\.1 200 /);
    expect(calls).toMatchObject([{ problem: undefined }]);
    const headers = calls[0]?.request.headers ?? {};
    expect(headers).toMatchObject({
      "x-amz-content-sha256": "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER",
      "x-amz-trailer": trailer[0],
      "content-encoding": "aws-chunked,gzip",
    });
    const [, seed = ""] = /Signature=([0-9a-f]{64})$/.exec(headers["authorization"] ?? "") ?? [];
    const expected = chunkedBody(own.secretAccessKey, String(headers["x-amz-date"]), seed, parts, {
      trailer,
    });
    expect(calls[0]?.body.equals(expected)).toBe(true);
    expect(await recording.events()).toMatchObject([
      { eventName: "PutObject", userIdentity: { userName: "Alice" } },
    ]);
  },
);

test.each<[string, ChunkOptions, RegExp]>([
  ["a chunk", { spoil: "chunk" }, /^HTTP\/1\.1 403 [^]*SignatureDoesNotMatch/],
  ["the trailer", { spoil: "trailer" }, /^HTTP\/1\.1 403 [^]*SignatureDoesNotMatch/],
  [
    "the trailer's signature",
    { spoil: "trailer-signature" },
    /^HTTP\/1\.1 403 [^]*SignatureDoesNotMatch/,
  ],
  ["the length", { declaredBytes: 5 }, /^HTTP\/1\.1 400 [^]*IncompleteBody/],
])(
  "signed chunks with a signed trailer never arrive whole where %s is not what was signed",
  async (_name, options, answer) => {
    const { recording, calls } = await reSigning((response) => response.end());
    for (const parts of [small, large]) {
      expect(await putChunks(recording, parts, { ...options, trailer })).toMatch(answer);
    }
    expect(calls).toEqual([]);
    expect(recording.gateway.counters).toMatchObject({ refused: 2, failedHops: 0 });
  },
);

test("a chunk too large to hold is refused by name", () => {
  const scope = { date: "20130524", region: "us-east-1", signingName: "s3" };
  const key = Buffer.alloc(32);
  const signature = {
    ...scope,
    form: "header" as const,
    accessKeyId: "AKIAX",
    signedAt: "20130524T000000Z",
    signedAtMs: 0,
    signedHeaders: ["host"],
    signature: "0".repeat(64),
    payload: { kind: "chunks", signed: true, trailer: true, declared: "" } as const,
  };
  const seal = { scope: signature, signingKey: key, signature: "0".repeat(64) };
  const body = new ChunkReSigner(signature, key, seal, undefined);
  const head = `${(chunkBytesMax + 1).toString(16)};chunk-signature=${"0".repeat(64)}\r\n`;
  expect(() => body.push(Buffer.from(head))).toThrow(/at most 16777216/);
});

test("chunks that say more or less than their head never become another request", async () => {
  const { recording, calls } = await reSigning((response) => response.end());
  for (const parts of [small, large]) {
    for (const declaredBytes of [5, 100_000_000]) {
      expect(await putChunks(recording, parts, { declaredBytes })).toMatch(
        /^HTTP\/1\.1 400 [^]*IncompleteBody/,
      );
    }
  }
  const { port } = recording.gateway;
  const options = { declaredBytes: 9, httpChunked: true };
  const sent = (await signedChunks(recording.alice, [], port, options)).toString();
  const withoutBody = sent.replace(/transfer-encoding: chunked\r\n\r\n[^]*$/, "\r\n");
  const client = new RawClient(port);
  client.write(withoutBody);
  expect(await client.until((text) => text.includes("</Error>"))).toMatch(
    /^HTTP\/1\.1 400 [^]*IncompleteBody/,
  );
  expect(calls).toEqual([]);
});

test("a presigned URL arrives as a signed request", async () => {
  const { recording, calls } = await reSigning((response) => response.end("content"));
  const signer = new SignatureV4({
    credentials: recording.alice,
    region: "us-east-1",
    service: "s3",
    sha256: Sha256,
    uriEscapePath: false,
  });
  const url = new URL(recording.endpoint);
  const signed = await signer.presign(
    {
      method: "GET",
      protocol: "http:",
      hostname: url.hostname,
      port: Number(url.port),
      path: "/b/k",
      query: { versionId: "a b" },
      headers: { host: url.host, "X-Amz-Content-Sha256": "UNSIGNED-PAYLOAD" },
    },
    { expiresIn: 60 },
  );
  const query = Object.entries(signed.query ?? {})
    .map(([name, value]) => `${name}=${encodeURIComponent(String(value))}`)
    .join("&");
  const client = new RawClient(recording.gateway.port);
  client.write(`GET /b/k?${query} HTTP/1.1\r\nHost: ${url.host}\r\n\r\n`);
  expect(await client.until((text) => text.includes("\r\n\r\n"))).toMatch(/^HTTP\/1\.1 200 /);
  expect(calls).toMatchObject([{ problem: undefined, request: { url: "/b/k?versionId=a%20b" } }]);
});

test("who cannot prove anything gets the protocol's 403, and the upstream hears nothing", async () => {
  const { recording, calls } = await reSigning(json({}));
  const forged = { ...recording.alice, secretAccessKey: "not hers" };
  await expect(
    cognito(recording, forged).send(new ListUserPoolsCommand({ MaxResults: 1 })),
  ).rejects.toMatchObject({
    name: "InvalidSignatureException",
    $metadata: { httpStatusCode: 403 },
  });
  await expect(
    s3Client(recording, forged).send(new PutObjectCommand({ Bucket: "b", Key: "k", Body: "x" })),
  ).rejects.toMatchObject({ name: "SignatureDoesNotMatch", $metadata: { httpStatusCode: 403 } });
  const client = new RawClient(recording.gateway.port);
  client.write(
    "POST / HTTP/1.1\r\nHost: h\r\nX-Amz-Target: AWSCognitoIdentityProviderService.ListUserPools\r\nContent-Type: application/x-amz-json-1.1\r\nContent-Length: 2\r\n\r\n{}",
  );
  expect(await client.until((text) => text.includes("}"))).toMatch(
    /^HTTP\/1\.1 403 [^]*MissingAuthenticationToken/,
  );
  expect(calls).toEqual([]);
  // Which one is written down first depends on when their bodies came.
  const errors = (await recording.events()).map((event) => [
    event["eventName"],
    event["errorCode"],
    event["userIdentity"],
  ]);
  const byAliceKey = { type: "Unknown", accessKeyId: recording.alice.accessKeyId };
  expect(errors).toHaveLength(3);
  expect(errors).toEqual(
    expect.arrayContaining([
      ["ListUserPools", "InvalidSignatureException", byAliceKey],
      ["PutObject", "SignatureDoesNotMatch", byAliceKey],
      [
        "ListUserPools",
        "MissingAuthenticationTokenException",
        { type: "Unknown", principalId: "Anonymous" },
      ],
    ]),
  );
});

test("a refused call whose body never comes is recorded when its client has gone", async () => {
  const { recording, calls } = await reSigning(json({}));
  const client = new RawClient(recording.gateway.port);
  client.write("PUT /b/k HTTP/1.1\r\nHost: s3.amazonaws.com\r\n");
  client.write(`Authorization: AWS ${recording.alice.accessKeyId}:sig\r\n`);
  client.write("Content-Length: 100\r\n\r\nnot all");
  expect(await client.until((text) => text.includes("</Error>"))).toMatch(/^HTTP\/1\.1 403 /);
  client.socket.destroy();
  await eventually("the event", () => recording.gateway.counters.recorded === 1);
  expect(await recording.events()).toMatchObject([
    { eventName: "PutObject", errorCode: "AuthorizationHeaderMalformed" },
  ]);
  expect(calls).toEqual([]);
});

test("an operation that needs no signature passes without one", async () => {
  let got: IncomingMessage | undefined;
  const origin = await upstream((request, response) => {
    got = request;
    request.resume();
    request.on("end", () => json({ UserConfirmed: false, UserSub: "s" })(response));
  });
  const recording = await recordingGateway({
    services: { "cognito-idp": { url: origin.url, mode: "re-sign", credentials: own } },
  });
  await cognito(recording, recording.alice).send(
    new SignUpCommand({ ClientId: "abc", Username: "jane", Password: "Secret-1" }),
  );
  expect(got?.headers.authorization).toBeUndefined();
  expect(got?.headers.host).toBe(origin.url.host);
});

test("re-sign without credentials is a mistake in the configuration, found at the start", async () => {
  await expect(
    recordingGateway({ services: { s3: { url: new URL("http://127.0.0.1:1"), mode: "re-sign" } } }),
  ).rejects.toThrow(/gateway\.upstreams\.s3: mode re-sign needs/);
});
