// A gateway that asks policies before it passes a call on: what is denied never reaches the upstream, and is on record.
import type { IncomingMessage } from "node:http";
import {
  CreateUserPoolCommand,
  ListUserPoolsCommand,
  SignUpCommand,
} from "@aws-sdk/client-cognito-identity-provider";
import {
  GetObjectCommand,
  HeadObjectCommand,
  ListBucketsCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  S3Client,
} from "@aws-sdk/client-s3";
import { AssumeRoleCommand, GetCallerIdentityCommand, STSClient } from "@aws-sdk/client-sts";
import { expect, test } from "vitest";
import { systemClock } from "../../src/base/clock.ts";
import { silentLog } from "../../src/base/log.ts";
import { createAuthorizer } from "../../src/directory/authorize.ts";
import { signRequest } from "../../src/signature/signer.ts";
import { sha256Hex } from "../../src/signature/verify-signature.ts";
import { signedChunks } from "./chunks.ts";
import { cognito } from "./clients.ts";
import { type Credentials, firstAccountId, type Recording, recordingGateway } from "./recording.ts";
import { closeAfter, RawClient, upstream } from "./support.ts";

const aliceArn = `arn:aws:iam::${firstAccountId}:user/Alice`;

interface Arrived {
  request: IncomingMessage;
  body: Buffer;
}

/** An upstream that says yes to everything, and what came to it. */
async function authorizing(
  options: { mode?: "re-sign"; authorize?: boolean } = {},
): Promise<{ recording: Recording; arrived: Arrived[] }> {
  const arrived: Arrived[] = [];
  const origin = await upstream((request, response) => {
    const chunks: Buffer[] = [];
    request.on("error", () => undefined);
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      arrived.push({ request, body: Buffer.concat(chunks) });
      response.writeHead(200, { "content-type": "application/x-amz-json-1.1" });
      response.end(request.method === "HEAD" ? undefined : '{"UserPools":[]}');
    });
  });
  const credentials = { accessKeyId: "AKIAUPSTREAMUPSTREAM", secretAccessKey: "the upstream's" };
  const target = { url: origin.url, mode: options.mode ?? ("pass-through" as const), credentials };
  const recording = await recordingGateway(
    { default: origin.url, services: { "cognito-idp": target, s3: target } },
    { authorize: options.authorize ?? true },
  );
  return { recording, arrived };
}

async function allow({ directory }: Recording, statement: object): Promise<void> {
  const document = JSON.stringify({ Version: "2012-10-17", Statement: statement });
  await directory.attachments.putInline(
    { kind: "user", accountId: firstAccountId, name: "Alice" },
    "only",
    document,
  );
}

function s3(recording: Recording, credentials: Credentials = recording.alice) {
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

async function outcome(attempt: Promise<unknown>): Promise<string> {
  try {
    await attempt;
  } catch (error) {
    const { name, message } = error as Error;
    return `${name}: ${message}`;
  }
  return "passed";
}

const list = new ListUserPoolsCommand({ MaxResults: 1 });

test.each([[undefined], ["re-sign" as const]])(
  "a call that no policy allows is refused in its protocol's words, and recorded with them: mode %s",
  async (mode) => {
    const { recording, arrived } = await authorizing(mode === undefined ? {} : { mode });
    const message = `User: ${aliceArn} is not authorized to perform: cognito-idp:ListUserPools because no identity-based policy allows the cognito-idp:ListUserPools action`;
    expect(await outcome(cognito(recording, recording.alice).send(list))).toBe(
      `AccessDeniedException: ${message}`,
    );
    expect(arrived).toEqual([]);
    expect(await recording.events()).toMatchObject([
      {
        eventName: "ListUserPools",
        errorCode: "AccessDenied",
        errorMessage: message,
        requestParameters: null,
        responseElements: null,
        userIdentity: { type: "IAMUser", userName: "Alice" },
      },
    ]);
    await allow(recording, { Effect: "Allow", Action: "cognito-idp:ListUserPools", Resource: "*" });
    expect(await outcome(cognito(recording, recording.alice).send(list))).toBe("passed");
    const create = new CreateUserPoolCommand({ PoolName: "p" });
    expect(await outcome(cognito(recording, recording.alice).send(create))).toMatch(
      /^AccessDeniedException: .*cognito-idp:CreateUserPool/,
    );
    expect(await outcome(cognito(recording, recording.root).send(create))).toBe("passed");
    expect(arrived).toHaveLength(2);
  },
);

test("without the setting the gateway identifies and records, and passes everything", async () => {
  const { recording, arrived } = await authorizing({ authorize: false });
  expect(await outcome(cognito(recording, recording.alice).send(list))).toBe("passed");
  expect(arrived).toHaveLength(1);
});

test("S3 is asked about by its own actions, an object by its ARN, a list by its bucket's", async () => {
  const { recording, arrived } = await authorizing();
  await allow(recording, [
    { Effect: "Allow", Action: "s3:GetObject", Resource: "arn:aws:s3:::photos/public/*" },
    { Effect: "Allow", Action: "s3:ListBucket", Resource: "arn:aws:s3:::photos" },
    { Effect: "Deny", Action: "s3:*", Resource: "arn:aws:s3:::photos/public/secret*" },
  ]);
  const client = s3(recording);
  const get = (Key: string) =>
    outcome(client.send(new GetObjectCommand({ Bucket: "photos", Key })));
  expect(await get("public/a b/ü.jpg")).toBe("passed");
  expect(
    await outcome(client.send(new HeadObjectCommand({ Bucket: "photos", Key: "public/x" }))),
  ).toBe("passed");
  expect(await outcome(client.send(new ListObjectsV2Command({ Bucket: "photos" })))).not.toMatch(
    /AccessDenied/,
  );
  const passed = arrived.length;
  expect(await get("private/x")).toBe(
    `AccessDenied: User: ${aliceArn} is not authorized to perform: s3:GetObject on resource: arn:aws:s3:::photos/private/x because no identity-based policy allows the s3:GetObject action`,
  );
  expect(await get("public/secret.txt")).toMatch(/with an explicit deny in an identity-based/);
  // One server takes it for a name, another goes up.
  expect(await get("public/../private/x")).toMatch(/^AccessDenied: .*a segment of dots/);
  expect(await outcome(client.send(new ListBucketsCommand({})))).toMatch(/s3:ListAllMyBuckets/);
  expect(
    await outcome(
      client.send(new PutObjectCommand({ Bucket: "photos", Key: "public/x", Body: "x" })),
    ),
  ).toMatch(/^AccessDenied: .*s3:PutObject on resource: arn:aws:s3:::photos\/public\/x/);
  expect(arrived).toHaveLength(passed);
});

test("an upload of any size passes unchanged where it is allowed, and does not begin where not", async () => {
  const { recording, arrived } = await authorizing();
  await allow(recording, {
    Effect: "Allow",
    Action: "s3:PutObject",
    Resource: "arn:aws:s3:::b/*",
  });
  const parts = [Buffer.alloc(64 * 1024, "a"), Buffer.alloc(3 * 1024 * 1024, "b")];
  const { port } = recording.gateway;
  const put = async (spoil?: "chunk") => {
    const client = new RawClient(port);
    const whole = await signedChunks(
      recording.alice,
      parts,
      port,
      spoil === undefined ? {} : { spoil },
    );
    client.write(whole);
    return {
      whole,
      text: await client.until((text) => /^HTTP\/1\.1 200 [^]*\r\n\r\n|<\/Error>/.test(text)),
    };
  };
  const { whole, text } = await put();
  expect(text).toMatch(/^HTTP\/1\.1 200 /);
  expect(arrived).toHaveLength(1);
  // As it was sent, to the byte.
  const body = arrived[0]?.body ?? Buffer.alloc(0);
  expect(body.length).toBeGreaterThan(3 * 1024 * 1024);
  expect(whole.subarray(whole.length - body.length).equals(body)).toBe(true);
  expect((await put("chunk")).text).toMatch(/^HTTP\/1\.1 403 [^]*SignatureDoesNotMatch/);
  await allow(recording, { Effect: "Deny", Action: "*", Resource: "*" });
  expect((await put()).text).toMatch(/^HTTP\/1\.1 403 [^]*AccessDenied/);
  expect(arrived).toHaveLength(1);
});

async function post(
  recording: Recording,
  call: {
    service: string;
    body: string;
    query?: string;
    headers?: Record<string, string>;
    sent?: string;
    credentials?: Credentials;
  },
) {
  const url = new URL(`/${call.query ?? ""}`, recording.endpoint);
  const { host: _, ...headers } = await signRequest(
    {
      method: "POST",
      url,
      headers: { ...call.headers },
      payloadHash: sha256Hex(call.body),
      service: call.service,
      region: "us-east-1",
      nowMs: systemClock.nowMs(),
    },
    call.credentials ?? recording.alice,
  );
  const response = await fetch(url, { method: "POST", headers, body: call.sent ?? call.body });
  return { status: response.status, text: await response.text() };
}

const dynamoDb = (name: string) => ({
  "content-type": "application/x-amz-json-1.0",
  "x-amz-target": `DynamoDB_20120810.${name}`,
});

test("what cannot be named cannot be allowed, but to the root user", async () => {
  const { recording, arrived } = await authorizing();
  await allow(recording, { Effect: "Allow", Action: "*", Resource: "*" });
  const form = { "content-type": "application/x-www-form-urlencoded" };
  const unknown = { service: "dynamodb", body: "{}", headers: dynamoDb("NoSuchOperation") };
  const twice = {
    service: "dynamodb",
    body: '{"TableName":"mine","TableName":"theirs"}',
    headers: dynamoDb("DescribeTable"),
  };
  const twoActions = {
    service: "sts",
    body: "Action=GetCallerIdentity&Version=2011-06-15&Action=AssumeRole",
    headers: form,
  };
  const queryAndForm = {
    service: "sts",
    query: "?Action=GetCallerIdentity",
    body: "Action=AssumeRole&Version=2011-06-15",
    headers: form,
  };
  for (const call of [unknown, twice, twoActions, queryAndForm]) {
    const { status, text } = await post(recording, call);
    expect({ status, said: /no policy can allow this request/.test(text) }).toEqual({
      status: 403,
      said: true,
    });
  }
  expect(arrived).toEqual([]);
  expect((await post(recording, { ...twice, credentials: recording.root })).status).toBe(200);
  const once = { ...twice, body: '{"TableName":"mine"}' };
  expect((await post(recording, once)).status).toBe(200);
});

test("a table's ARN is asked about, in the caller's account and region", async () => {
  const { recording } = await authorizing();
  await allow(recording, {
    Effect: "Allow",
    Action: "dynamodb:DescribeTable",
    Resource: `arn:aws:dynamodb:us-east-1:${firstAccountId}:table/mine`,
  });
  const describe = (TableName: string) =>
    post(recording, {
      service: "dynamodb",
      body: JSON.stringify({ TableName }),
      headers: {
        "content-type": "application/x-amz-json-1.0",
        "x-amz-target": "DynamoDB_20120810.DescribeTable",
      },
    });
  expect((await describe("mine")).status).toBe(200);
  expect((await describe("theirs")).status).toBe(403);
});

test("nobody is believed before the signature, nor a body that is not the one that was signed", async () => {
  const { recording, arrived } = await authorizing();
  await allow(recording, { Effect: "Allow", Action: "*", Resource: "*" });
  const call = {
    service: "dynamodb",
    body: '{"TableName":"mine"}',
    headers: {
      "content-type": "application/x-amz-json-1.0",
      "x-amz-target": "DynamoDB_20120810.DescribeTable",
    },
  };
  const forged = { ...recording.alice, secretAccessKey: "not hers" };
  expect((await post(recording, { ...call, credentials: forged })).text).toMatch(
    /InvalidSignature/,
  );
  expect((await post(recording, { ...call, sent: '{"TableName":"othr"}' })).text).toMatch(
    /InvalidSignature/,
  );
  const unknown = { accessKeyId: "AKIAUNKNOWNUNKNOWN00", secretAccessKey: "x" };
  expect((await post(recording, { ...call, credentials: unknown })).text).toMatch(/Unrecognized/);
  const unsigned = await fetch(recording.endpoint, {
    method: "POST",
    headers: call.headers,
    body: call.body,
  });
  expect(unsigned.status).toBe(403);
  expect(arrived).toEqual([]);
  // Operations that need no signature pass without one.
  const signUp = new SignUpCommand({ ClientId: "c", Username: "u", Password: "p" });
  await outcome(cognito(recording, recording.alice).send(signUp));
  expect(arrived).toHaveLength(1);
});

test("a session may do at the gateway what its role may, and less by its own policy", async () => {
  const { recording } = await authorizing();
  const { directory } = recording;
  const trustPolicy = JSON.stringify({
    Version: "2012-10-17",
    Statement: { Effect: "Allow", Principal: { AWS: aliceArn }, Action: "sts:AssumeRole" },
  });
  const role = await directory.roles.create(firstAccountId, { roleName: "reader", trustPolicy });
  await directory.attachments.attach(
    { kind: "role", accountId: firstAccountId, name: "reader" },
    "arn:aws:iam::aws:policy/AdministratorAccess",
  );
  const session = (policy?: string) =>
    directory.sessions.issue({
      bearer: {
        kind: "role",
        accountId: firstAccountId,
        roleName: role.roleName,
        roleId: role.roleId,
        sessionName: "s",
      },
      seconds: 900,
      mfa: false,
      ...(policy === undefined ? {} : { policy }),
    });
  const onlySts =
    '{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"sts:*","Resource":"*"}}';
  expect(await outcome(cognito(recording, session()).send(list))).toBe("passed");
  expect(await outcome(cognito(recording, session(onlySts)).send(list))).toMatch(
    /^AccessDeniedException: .*because no session policy allows/,
  );
});

test("a policy that is taken away denies the next call, and an authorizer that fails lets nobody in", async () => {
  const { recording, arrived } = await authorizing();
  await allow(recording, { Effect: "Allow", Action: "*", Resource: "*" });
  const client = cognito(recording, recording.alice);
  expect(await outcome(client.send(list))).toBe("passed");
  await allow(recording, { Effect: "Allow", Action: "s3:*", Resource: "*" });
  expect(await outcome(client.send(list))).toMatch(/^AccessDeniedException/);
  expect(arrived).toHaveLength(1);
  const away = new Error("the registry is away");
  const failing = createAuthorizer({
    directory: {
      generation: 0,
      organizations: recording.directory.organizations,
      permissionsOf: () => Promise.reject(away),
    },
    clock: systemClock,
    log: silentLog,
  });
  const found = await recording.directory.findKey(recording.alice.accessKeyId);
  if (found === undefined) throw new Error("no key");
  const context = new Map<string, string>();
  const question = { caller: found.caller, action: "s3:GetObject", resource: "*", context };
  await expect(failing.refusalOf(question)).rejects.toBe(away);
});

test("STS behind the gateway: what is about a role names it", async () => {
  const { recording } = await authorizing();
  const client = new STSClient({
    endpoint: recording.endpoint,
    region: "us-east-1",
    credentials: recording.alice,
    maxAttempts: 1,
  });
  closeAfter(() => client.destroy());
  const RoleArn = "arn:aws:iam::999988887777:role/theirs";
  expect(
    await outcome(client.send(new AssumeRoleCommand({ RoleArn, RoleSessionName: "s1" }))),
  ).toMatch(/sts:AssumeRole on resource: arn:aws:iam::999988887777:role\/theirs/);
  expect(await outcome(client.send(new GetCallerIdentityCommand({})))).toMatch(/GetCallerIdentity/);
});
