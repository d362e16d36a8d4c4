// An emulator of many services behind the gateway, driven by boto3: every call is recorded as botocore itself saw it.
import { type ChildProcess, execFile, execFileSync, spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { JsonObject, JsonValue } from "../../src/event/json.ts";
import { type CairnProcess, startCairn } from "../tools/cairn.ts";
import { boto3Pythons, isMissing } from "../tools/clients.ts";
import { allLoaded } from "../tools/found-events.ts";
import { clientOf } from "../tools/post-events.ts";

const run = promisify(execFile);
const pythons = boto3Pythons();
const hasMoto = motoIsThere();
// Nothing installs it: it is used where it is.
if (!hasMoto) console.warn("LEFT OUT: this suite needs moto_server");
const isLeftOut = !hasMoto || isMissing("boto3", pythons.length > 0);

function motoIsThere(): boolean {
  try {
    execFileSync("moto_server", ["--help"], { stdio: "ignore", timeout: 60_000 });
    return true;
  } catch {
    // Not there, or broken: either way no emulator to test with.
    return false;
  }
}

/** What botocore says of a call. */
interface BotoCall {
  service: string;
  operation: string;
  error: string | null;
  parameters: JsonObject;
}

const sources: Record<string, string> = {
  "cognito-idp": "cognito-idp.amazonaws.com",
  "cognito-identity": "cognito-identity.amazonaws.com",
  kms: "kms.amazonaws.com",
  dynamodb: "dynamodb.amazonaws.com",
  sqs: "sqs.amazonaws.com",
  sns: "sns.amazonaws.com",
  iam: "iam.amazonaws.com",
  sts: "sts.amazonaws.com",
  ec2: "ec2.amazonaws.com",
  s3: "s3.amazonaws.com",
  apigateway: "apigateway.amazonaws.com",
  apigatewayv2: "apigateway.amazonaws.com",
  lambda: "lambda.amazonaws.com",
  cloudwatch: "monitoring.amazonaws.com",
};

/** Lambda's events carry the version of its API in their names. */
const names: Record<string, string> = {
  CreateFunction: "CreateFunction20150331",
  GetFunction: "GetFunction20150331v2",
  ListFunctions: "ListFunctions20150331",
};

/** Every operation that the script calls, with its read-only flag. */
const isRead: Record<string, boolean> = {
  CreateUserPool: false,
  CreateUserPoolClient: false,
  ListUserPools: true,
  DescribeUserPool: true,
  SignUp: false,
  ConfirmSignUp: false,
  CreateIdentityPool: false,
  DescribeIdentityPool: true,
  CreateKey: false,
  ListKeys: true,
  DescribeKey: true,
  CreateTable: false,
  DescribeTable: true,
  ListTables: true,
  CreateQueue: false,
  ListQueues: true,
  GetQueueUrl: true,
  DeleteQueue: false,
  CreateTopic: false,
  GetTopicAttributes: true,
  CreateUser: false,
  GetUser: true,
  CreateRole: false,
  ListUsers: true,
  GetCallerIdentity: true,
  AssumeRole: true,
  CreateVpc: false,
  DescribeVpcs: true,
  DescribeInstances: true,
  CreateTags: false,
  DeleteVpc: false,
  CreateBucket: false,
  PutObject: false,
  GetBucketLocation: true,
  GetObject: true,
  ListBuckets: true,
  DeleteBucket: false,
  PutBucketVersioning: false,
  HeadBucket: true,
  CreateRestApi: false,
  GetRestApis: true,
  GetRestApi: true,
  GetResources: true,
  DeleteRestApi: false,
  CreateApi: false,
  GetApi: true,
  GetApis: true,
  CreateFunction20150331: false,
  GetFunction20150331v2: true,
  ListFunctions20150331: true,
  PutMetricAlarm: false,
  DescribeAlarms: true,
  GetDashboard: true,
  DeleteAlarms: false,
};

/** Errors whose code in an event is not the one that a client shows. */
const errors: Record<string, string> = {
  "iam NoSuchEntity": "NoSuchEntityException",
  "iam EntityAlreadyExists": "EntityAlreadyExistsException",
  "ec2 InvalidInstanceID.NotFound": "Client.InvalidInstanceID.NotFound",
  // An answer without a body: the client only has the status.
  "s3 404": "NotFound",
};

const hidden = "HIDDEN_DUE_TO_SECURITY_REASONS";

/** How parameters stand in the event of a service that does not simply write them in lower case. */
const renderings: Record<string, (parameters: JsonObject, operation: string) => JsonObject> = {
  "cognito-idp": (parameters) =>
    overwrite(parameters, ["username", "password", "confirmationCode"], hidden),
  lambda: (parameters) => overwrite(parameters, ["code"], {}),
  apigateway: (parameters, operation) => ({
    template: false,
    ...(operation === "CreateRestApi" ? { createRestApiInput: parameters } : parameters),
  }),
  ec2: ({ vpcIds, instanceIds, resources, tags, ...rest }) => ({
    ...rest,
    ...listed("vpcSet", vpcIds, (vpcId) => ({ vpcId })),
    ...listed("instancesSet", instanceIds, (instanceId) => ({ instanceId })),
    ...listed("resourcesSet", resources, (resourceId) => ({ resourceId })),
    ...listed("tagSet", tags, (tag) => tag),
  }),
  s3: ({ bucket, body: _body, versioningConfiguration: _configuration, ...rest }) =>
    bucket === undefined ? rest : { bucketName: bucket, ...rest },
};

function overwrite(parameters: JsonObject, members: readonly string[], value: JsonValue) {
  const present = members.filter((name) => name in parameters);
  return { ...parameters, ...Object.fromEntries(present.map((name) => [name, value])) };
}

function listed(
  name: string,
  values: JsonValue | undefined,
  item: (value: JsonValue) => JsonValue,
): JsonObject {
  return Array.isArray(values) ? { [name]: { items: values.map(item) } } : {};
}

function lowerFirst(value: JsonValue): JsonValue {
  if (Array.isArray(value)) return value.map(lowerFirst);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, each]) => [
      name.charAt(0).toLowerCase() + name.slice(1),
      lowerFirst(each),
    ]),
  );
}

/** What an event must say of a call, member by member; more parameters may be there, as headers and defaults are. */
function wantedOf({ service, operation, error, parameters }: BotoCall): JsonObject {
  const eventName = names[operation] ?? operation;
  const lower = lowerFirst(parameters) as JsonObject;
  const isUnsigned = ["SignUp", "ConfirmSignUp"].includes(operation);
  return {
    eventSource: sources[service] ?? `unexpected service ${service}`,
    eventName,
    readOnly: isRead[eventName] ?? `unexpected operation ${eventName}`,
    errorCode: error === null ? "" : (errors[`${service} ${error}`] ?? error),
    requestParameters: renderings[service]?.(lower, operation) ?? lower,
    accessKeyId: isUnsigned ? "" : cairn.credentials.accessKeyId,
    userType: isUnsigned ? "Unknown" : "Root",
  };
}

function saidBy(event: JsonObject, wanted: JsonObject): JsonObject {
  const identity = event["userIdentity"] as JsonObject;
  const recorded = (event["requestParameters"] ?? {}) as JsonObject;
  const asked = Object.keys(wanted["requestParameters"] as JsonObject);
  const parameters = Object.fromEntries(
    asked.flatMap((name) => (name in recorded ? [[name, recorded[name] as JsonValue]] : [])),
  );
  return {
    eventSource: event["eventSource"] as string,
    eventName: event["eventName"] as string,
    readOnly: event["readOnly"] as boolean,
    errorCode: event["errorCode"] ?? "",
    requestParameters: parameters,
    accessKeyId: identity["accessKeyId"] ?? "",
    userType: identity["type"] as string,
  };
}

interface Moto {
  url: string;
  process: ChildProcess;
  folder: string;
}

let cairn: CairnProcess;
let moto: Moto;

/** On a free port, which it says. */
async function startMoto(): Promise<Moto> {
  const folder = mkdtempSync(join(tmpdir(), "moto-"));
  const child = spawn("moto_server", ["-H", "127.0.0.1", "-p", "0"], {
    cwd: folder,
    env: { ...process.env, PYTHONUNBUFFERED: "1" },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const url = await new Promise<string>((resolve, reject) => {
    let written = "";
    const read = (chunk: Buffer) => {
      written += chunk.toString();
      const found = /Running on (http:\/\/[\w.:]+)/.exec(written)?.[1];
      if (found !== undefined) resolve(found);
    };
    child.stdout.on("data", read);
    child.stderr.on("data", read);
    child.once("exit", () => reject(new Error(`moto_server ended:\n${written}`)));
  });
  return { url, process: child, folder };
}

async function eventsAfter(seq: bigint): Promise<{ seq: bigint; event: JsonObject }[]> {
  await allLoaded(cairn);
  const answer = await clientOf(cairn).json<{ events: { seq: string; event: JsonObject }[] }>({
    path: "/v1/events",
  });
  return answer.events
    .map((each) => ({ seq: BigInt(each.seq), event: each.event }))
    .filter((each) => each.seq > seq)
    .toSorted((a, b) => Number(a.seq - b.seq));
}

describe.skipIf(isLeftOut)("an emulator behind the gateway", () => {
  let lastSeq = 0n;

  beforeAll(async () => {
    moto = await startMoto();
    // Strict, so that an answered call is in the journal.
    const flags = ["--gateway-upstream", moto.url, "--capture-mode", "strict"];
    cairn = await startCairn({ flags });
  });
  afterAll(async () => {
    await cairn.stop();
    moto.process.kill();
    rmSync(moto.folder, { recursive: true, force: true });
  });

  test.each(pythons)(
    "every call of $name is recorded as it was made",
    async ({ command }) => {
      await fetch(`${moto.url}/moto-api/reset`, { method: "POST" });
      const script = join(import.meta.dirname, "moto-calls.py");
      const { stdout } = await run(command, [script], {
        env: { ...process.env, ...cairn.environment, AWS_ENDPOINT_URL: cairn.gatewayUrl },
        maxBuffer: 1 << 26,
      });
      const calls = stdout
        .split("\n")
        .filter(Boolean)
        .map((line) => JSON.parse(line) as BotoCall);
      expect(calls.length).toBeGreaterThan(60);
      expect(calls.filter(({ error }) => error !== null).length).toBeGreaterThan(14);
      const services = [...new Set(calls.map(({ service }) => service))];
      expect(services.toSorted()).toEqual(Object.keys(sources).toSorted());

      const events = await eventsAfter(lastSeq);
      lastSeq = events.at(-1)?.seq ?? lastSeq;
      const wanted = calls.map(wantedOf);
      expect(
        events.map(({ event }, index) => saidBy(event, wanted[index] ?? { requestParameters: {} })),
      ).toEqual(wanted);
    },
    120_000,
  );

  test("calls on objects are data events, all others management events", async () => {
    const events = await eventsAfter(0n);
    const data = events.filter(({ event }) => event["eventCategory"] === "Data");
    const namesOfData = data.map(({ event }) => event["eventName"]);
    expect(new Set(namesOfData)).toEqual(new Set(["GetObject", "HeadBucket", "PutObject"]));
    expect(data.every(({ event }) => event["managementEvent"] === false)).toBe(true);
  });
});
