// Temporary credentials at the gateway: the session is who called, and a token that is not good makes nobody of it.
import { randomBytes } from "node:crypto";
import {
  CreateUserPoolCommand,
  ListUserPoolsCommand,
  SignUpCommand,
} from "@aws-sdk/client-cognito-identity-provider";
import { GetObjectCommand, PutObjectCommand, S3Client } from "@aws-sdk/client-s3";
import { GetCallerIdentityCommand, STSClient } from "@aws-sdk/client-sts";
import { SignatureV4 } from "@smithy/signature-v4";
import { pino } from "pino";
import { expect, test } from "vitest";
import type { SessionCredentials } from "../../src/directory/sessions.ts";
import { CallHead } from "../../src/gateway/call-head.ts";
import { Callers } from "../../src/gateway/caller.ts";
import type { GatewayOptions } from "../../src/gateway/gateway.ts";
import { Sha256, type SigningCredentials } from "../../src/signature/signer.ts";
import { signedHeaders } from "../tools/signed-call.ts";
import { cognito } from "./clients.ts";
import { firstAccountId, type Recording, recordingGateway } from "./recording.ts";
import { closeAfter, eventually, RawClient, upstream } from "./support.ts";

interface Seen {
  url: string;
  headers: Record<string, unknown>;
}

/** Remembers what it was asked, and answers everything. */
async function origin() {
  const calls: Seen[] = [];
  const { url } = await upstream((request, response) => {
    calls.push({ url: request.url ?? "", headers: request.headers });
    request.resume().on("end", () => {
      response.setHeader("content-type", "application/x-amz-json-1.1");
      response.end("{}");
    });
  });
  return { url, calls };
}

async function makeRole({ directory }: Recording, roleName = "deploy") {
  const trustPolicy = JSON.stringify({
    Version: "2012-10-17",
    Statement: { Effect: "Allow", Principal: "*", Action: "sts:AssumeRole" },
  });
  const { roleId } = await directory.roles.create(firstAccountId, { roleName, trustPolicy });
  return { kind: "role", accountId: firstAccountId, roleName, roleId, sessionName: "s-1" } as const;
}

function issue(
  { directory }: Recording,
  bearer: Awaited<ReturnType<typeof makeRole>>,
  seconds = 900,
  more: object = {},
): SessionCredentials {
  return directory.sessions.issue({ bearer, seconds, mfa: false, ...more });
}

const asRole = (credentials: SigningCredentials) => ({
  type: "AssumedRole",
  arn: `arn:aws:sts::${firstAccountId}:assumed-role/deploy/s-1`,
  accountId: firstAccountId,
  accessKeyId: credentials.accessKeyId,
});
const nobody = ({ accessKeyId }: SigningCredentials) => ({ type: "Unknown", accessKeyId });

const listPools = (recording: Recording, as: SigningCredentials) =>
  cognito(recording, as).send(new ListUserPoolsCommand({ MaxResults: 1 }));

function s3(recording: Recording, credentials: SigningCredentials): S3Client {
  const client = new S3Client({
    endpoint: recording.endpoint,
    region: "us-east-1",
    credentials,
    forcePathStyle: true,
    maxAttempts: 1,
  });
  closeAfter(() => client.destroy());
  return client;
}

async function badOnes(recording: Recording): Promise<[what: string, SigningCredentials][]> {
  const { directory, alice } = recording;
  const role = await makeRole(recording);
  const good = issue(recording, role);
  const { sessionToken: token } = good;
  const other = issue(recording, role);
  const revoked = issue(recording, await makeRole(recording, "revoked"));
  await directory.roles.revokeSessions(firstAccountId, "revoked");
  const gone = issue(recording, await makeRole(recording, "gone"));
  await directory.roles.delete(firstAccountId, "gone");
  const middle = token.length >> 1;
  const changed = token[middle] === "A" ? "B" : "A";
  const { sessionToken: _, ...withoutToken } = good;
  return [
    [
      "a changed token",
      { ...good, sessionToken: token.slice(0, middle) + changed + token.slice(middle + 1) },
    ],
    ["a truncated token", { ...good, sessionToken: token.slice(0, -8) }],
    ["a token of nobody's", { ...good, sessionToken: randomBytes(500).toString("base64url") }],
    ["the token of another session", { ...good, sessionToken: other.sessionToken }],
    ["no token", withoutToken],
    ["a token with a user's own key", { ...alice, sessionToken: token }],
    ["a revoked session", revoked],
    ["a session of a role that is gone", gone],
    ["a session that is over", issue(recording, role, -1)],
    ["a wrong secret", { ...good, secretAccessKey: "guessed" }],
  ];
}

test.each([
  ["on the recorder's thread", true, {}],
  ["on the forwarding thread", false, {}],
  ["in strict mode", false, { captureMode: "strict" as const }],
])(
  "a token that is not good is Unknown with the key's id, never the role: %s",
  async (_where, onThread, options) => {
    const { url, calls } = await origin();
    const recording = await recordingGateway(url, options, onThread);
    const bad = await badOnes(recording);
    for (const [, credentials] of bad) await listPools(recording, credentials);
    // Passed on all the same: who it was is found out beside the call.
    expect(calls).toHaveLength(bad.length);
    const events = await recording.events();
    const seen = bad.map(([what], index) => [what, events[index]?.["userIdentity"]]);
    expect(seen).toEqual(bad.map(([what, credentials]) => [what, nobody(credentials)]));
    expect(events.map((each) => each["recipientAccountId"])).toEqual(bad.map(() => firstAccountId));
  },
);

const modes: [
  string,
  (url: URL) => [GatewayOptions["upstreams"] | URL, Partial<GatewayOptions>],
][] = [
  ["unknown keys are refused", (url) => [url, { unknownKeys: "refuse" }]],
  [
    "calls are signed anew",
    (url) => {
      const target = { url, mode: "re-sign" as const, credentials: upstreamKey };
      return [{ services: { "cognito-idp": target, sts: target, s3: target } }, {}];
    },
  ],
];
const upstreamKey = { accessKeyId: "AKIAUPSTREAMUPSTREAM", secretAccessKey: "the upstream's" };

test.each(modes)(
  "where %s, a token that is not good gets AWS's words and no further",
  async (mode, settings) => {
    const { url, calls } = await origin();
    const [upstreams, options] = settings(url);
    const recording = await recordingGateway(upstreams, options as object);
    const bad = (await badOnes(recording)).filter(
      // A wrong signature by a good key is the upstream's to refuse, unless it is signed anew.
      ([what]) => what !== "a wrong secret" || mode === "calls are signed anew",
    );
    for (const [what, credentials] of bad) {
      const [json, query, inS3] =
        what === "a session that is over"
          ? ["ExpiredTokenException", "ExpiredToken", "ExpiredToken"]
          : what === "a wrong secret"
            ? ["InvalidSignatureException", "SignatureDoesNotMatch", "SignatureDoesNotMatch"]
            : ["UnrecognizedClientException", "InvalidClientTokenId", "InvalidAccessKeyId"];
      await expect(listPools(recording, credentials)).rejects.toMatchObject({
        name: json,
        $metadata: { httpStatusCode: 403 },
      });
      const sts = new STSClient({
        endpoint: recording.endpoint,
        region: "us-east-1",
        credentials,
        maxAttempts: 1,
      });
      closeAfter(() => sts.destroy());
      await expect(sts.send(new GetCallerIdentityCommand())).rejects.toMatchObject({
        name: query,
        $metadata: { httpStatusCode: 403 },
      });
      const get = new GetObjectCommand({ Bucket: "b", Key: "k" });
      await expect(s3(recording, credentials).send(get)).rejects.toMatchObject({
        name: inS3,
        $metadata: { httpStatusCode: inS3 === "ExpiredToken" ? 400 : 403 },
      });
    }
    expect(calls).toEqual([]);
    const events = await recording.events();
    expect(events).toHaveLength(bad.length * 3);
    const expected = bad.flatMap(([what, credentials]) =>
      [0, 1, 2].map(() => [what, nobody(credentials)]),
    );
    expect(events.map((each, index) => [expected[index]?.[0], each["userIdentity"]])).toEqual(
      expected,
    );
    for (const { errorCode } of events) {
      expect(errorCode).toMatch(/^(ExpiredToken|UnrecognizedClient|Invalid|SignatureDoesNotMatch)/);
    }
    // Who is good goes on.
    await listPools(recording, issue(recording, await makeRole(recording, "good")));
    expect(calls).toHaveLength(1);
  },
);

test("a session that ends while its call is under way is whoever it was when the call came in", async () => {
  const held: (() => void)[] = [];
  const { url } = await upstream((request, response) => {
    request.resume().on("end", () => {
      response.setHeader("content-type", "application/x-amz-json-1.1");
      held.push(() => response.end("{}"));
    });
  });
  const recording = await recordingGateway(url, {}, true);
  const credentials = issue(recording, await makeRole(recording));
  const first = listPools(recording, credentials);
  await eventually("the first call to come through", () => held.length === 1);
  await recording.directory.roles.revokeSessions(firstAccountId, "deploy");
  const second = listPools(recording, credentials);
  await eventually("the second call to come through", () => held.length === 2);
  for (const answer of held) answer();
  await Promise.all([first, second]);
  const callers = (await recording.events()).map((each) => each["userIdentity"]);
  expect(callers).toHaveLength(2);
  expect(callers).toContainEqual(expect.objectContaining(asRole(credentials)));
  expect(callers).toContainEqual(nobody(credentials));
});

/** The query of a presigned GET of `/b/k`. */
async function presigned(recording: Recording, credentials: SigningCredentials): Promise<string> {
  const signer = new SignatureV4({
    credentials,
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
      headers: { host: url.host, "X-Amz-Content-Sha256": "UNSIGNED-PAYLOAD" },
    },
    { expiresIn: 60 },
  );
  return Object.entries(signed.query ?? {})
    .map(([name, value]) => `${name}=${encodeURIComponent(String(value))}`)
    .join("&");
}

test.each([true, false])(
  "a session signs a presigned URL and a large body in chunks, and no token is in what is recorded (on the recorder's thread: %s)",
  async (onThread) => {
    const { url } = await origin();
    const logged: string[] = [];
    const log = pino({ level: "trace" }, { write: (line: string) => void logged.push(line) });
    const recording = await recordingGateway(url, { log }, onThread);
    const credentials = issue(recording, await makeRole(recording), 900, {
      policy: '{"Statement":"planted-policy"}',
      tags: { Team: "planted-tag" },
    });
    const query = await presigned(recording, credentials);
    const { host } = new URL(recording.endpoint);
    const client = new RawClient(recording.gateway.port);
    const get = async (text: string) => {
      client.write(`GET /b/k?${text} HTTP/1.1\r\nHost: ${host}\r\n\r\n`);
      await client.until((received) => received.includes("{}"));
    };
    await get(query);
    // A header beside it says nothing: the signature is in the query, and so is its token.
    await get(query.replace(/X-Amz-Security-Token=[^&]*/, "X-Amz-Security-Token=junk"));
    await s3(recording, credentials).send(
      new PutObjectCommand({ Bucket: "b", Key: "k", Body: Buffer.alloc(3_000_000, "z") }),
    );
    await cognito(recording, credentials).send(new CreateUserPoolCommand({ PoolName: "n" }));
    const rows = await recording.rows();
    const events = rows.map(({ raw }) => JSON.parse(raw.toString()) as object);
    expect(events).toMatchObject([
      { eventName: "GetObject", userIdentity: asRole(credentials) },
      { eventName: "GetObject", userIdentity: nobody(credentials) },
      { eventName: "PutObject", userIdentity: asRole(credentials) },
      { eventName: "CreateUserPool", userIdentity: asRole(credentials) },
    ]);
    const everything = [...rows.map(({ raw }) => raw.toString()), ...logged].join("\n");
    expect(everything).toContain(credentials.accessKeyId);
    for (const secret of [
      credentials.sessionToken,
      credentials.secretAccessKey,
      "planted-policy",
      "planted-tag",
    ]) {
      expect(everything).not.toContain(secret);
    }
  },
);

test("what crosses to the recorder's thread holds no secret, no policy and no tag", async () => {
  const { url } = await origin();
  const recording = await recordingGateway(url);
  const credentials = issue(recording, await makeRole(recording), 900, {
    policy: '{"Statement":"planted-policy"}',
    tags: { Team: "planted-tag" },
    transitiveTagKeys: ["Team"],
  });
  const headers = await signedHeaders({ url: recording.endpoint, credentials });
  const callers = new Callers(recording.directory);
  const head = () =>
    new CallHead({ method: "GET", target: "/", rawHeaders: Object.entries(headers).flat() });
  const signers = [];
  for (const each of [head(), head()]) {
    signers.push(callers.signerOf(each, await callers.lookUp(each)));
  }
  expect(signers[0]).toMatchObject({ caller: { kind: "role", session: { mfa: false } } });
  const text = JSON.stringify(signers);
  for (const secret of [credentials.secretAccessKey, credentials.sessionToken, "planted"]) {
    expect(text).not.toContain(secret);
  }
  // One object, so that a batch of a caller's calls carries it once.
  expect(signers[0]?.caller).toBe(signers[1]?.caller);
});

test("a token never reaches a re-signed upstream, in whichever place it came; the upstream's own does", async () => {
  const { url, calls } = await origin();
  const credentials = { ...upstreamKey, sessionToken: "the-upstreams-own-token" };
  const target = { url, mode: "re-sign" as const, credentials };
  const plain = { url, mode: "re-sign" as const, credentials: upstreamKey };
  const recording = await recordingGateway({ services: { "cognito-idp": plain, s3: target } });
  const session = issue(recording, await makeRole(recording));
  await listPools(recording, session);
  await s3(recording, session).send(new PutObjectCommand({ Bucket: "b", Key: "k", Body: "x" }));
  const client = new RawClient(recording.gateway.port);
  const query = await presigned(recording, session);
  const { host } = new URL(recording.endpoint);
  client.write(`GET /b/k?${query} HTTP/1.1\r\nHost: ${host}\r\n\r\n`);
  await client.until((text) => text.includes("{}"));
  // Not signed, so that the token proves nothing: it stays here all the same.
  const signUp = '{"ClientId":"c","Username":"u","Password":"p"}';
  client.write(
    `POST /?X-Amz-Security-Token=${session.sessionToken}&a=b HTTP/1.1\r\nHost: cognito-idp.eu-west-1.amazonaws.com\r\nX-Amz-Target: AWSCognitoIdentityProviderService.SignUp\r\nContent-Type: application/x-amz-json-1.1\r\nX-Amz-Security-Token: ${session.sessionToken}\r\nContent-Length: ${signUp.length}\r\n\r\n${signUp}`,
  );
  await client.until((text) => text.includes("{}"));
  await cognito(recording, session).send(
    new SignUpCommand({ ClientId: "c", Username: "u", Password: "p" }),
  );
  expect(calls.map(({ headers }) => headers["x-amz-security-token"])).toEqual([
    undefined,
    credentials.sessionToken,
    credentials.sessionToken,
    undefined,
    undefined,
  ]);
  expect(calls[3]?.url).toBe("/?a=b");
  expect(JSON.stringify(calls)).not.toContain(session.sessionToken);
  const events = await recording.events();
  expect(events.slice(0, 3)).toMatchObject(
    [0, 1, 2].map(() => ({ userIdentity: asRole(session) })),
  );
});

test.each(["record", "refuse"] as const)(
  "a WebSocket handshake is held to the same rules (unknown keys: %s)",
  async (unknownKeys) => {
    const { url, calls } = await origin();
    const recording = await recordingGateway(url, { unknownKeys }, true);
    const role = await makeRole(recording);
    const good = issue(recording, role);
    const over = issue(recording, role, -1);
    const shake = async (credentials: SigningCredentials) => {
      const headers = await signedHeaders({
        url: recording.endpoint,
        path: "/b/k",
        service: "s3",
        headers: {
          connection: "Upgrade",
          upgrade: "websocket",
          "sec-websocket-key": "dGhlIHNhbXBsZSBub25jZQ==",
        },
        credentials,
      });
      const client = new RawClient(recording.gateway.port);
      const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
      client.write(`GET /b/k HTTP/1.1\r\n${lines.join("")}\r\n`);
      return client.until((text) => /\{\}|<\/Error>/.test(text));
    };
    const refuses = unknownKeys === "refuse";
    expect(await shake(good)).toMatch(/^HTTP\/1\.1 200 /);
    expect(await shake(over)).toMatch(
      refuses ? /^HTTP\/1\.1 400 [^]*ExpiredToken/ : /^HTTP\/1\.1 200 /,
    );
    expect(calls).toHaveLength(refuses ? 1 : 2);
    expect(await recording.events()).toMatchObject([
      { eventName: "GetObject", userIdentity: asRole(good) },
      { eventName: "GetObject", userIdentity: nobody(over) },
    ]);
  },
);

test.each([true, false])(
  "a key and a role that are used here are known to be in use, and only by who proves it (on the recorder's thread: %s)",
  async (onThread) => {
    const { url } = await origin();
    const recording = await recordingGateway(url, {}, onThread);
    const { accessKeys, roles } = recording.directory;
    const { alice, root } = recording;
    await listPools(recording, { ...root, secretAccessKey: "guessed" });
    await listPools(recording, alice);
    await listPools(recording, alice);
    await listPools(recording, issue(recording, await makeRole(recording)));
    await recording.gateway.settled();
    const use = { region: "eu-west-1", service: "cognito-idp" };
    await eventually("the uses", async () => {
      const known = [
        await accessKeys.lastUse(alice.accessKeyId),
        await roles.lastUse(firstAccountId, "deploy"),
      ];
      return known.every((each) => each !== undefined);
    });
    expect(await accessKeys.lastUse(alice.accessKeyId)).toMatchObject(use);
    expect(await roles.lastUse(firstAccountId, "deploy")).toMatchObject(use);
    expect(await accessKeys.lastUse(root.accessKeyId)).toBeUndefined();
  },
);
