// Each sample log entry of the five systems' documents, made by real clients through the gateway.
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { demoCalls } from "../../examples/demo/calls.ts";
import { startUpstream, type Upstream } from "../../examples/demo/upstream.ts";
import type { JsonObject } from "../../src/event/json.ts";
import { type CairnProcess, startCairn } from "../tools/cairn.ts";
import { awsClis } from "../tools/clients.ts";
import { clientOf } from "../tools/post-events.ts";
import { differences, readSamples, samplesAreThere } from "./samples.ts";

const run = promisify(execFile);

interface SampleCase {
  eventName: string;
  accountId: string;
  region: string;
  /** Left out: root. */
  userName?: string;
  /** With the AWS CLI, where the sample's service is to be called by it too. */
  cli?: string[];
  /** Members in which this sample contradicts itself or shows an identity that is tested elsewhere. */
  mayDiffer?: string[];
}

const cases: readonly SampleCase[] = [
  {
    eventName: "ListApps",
    accountId: "444455556666",
    region: "us-west-2",
    userName: "Mary_Major",
    cli: ["amplify", "list-apps", "--max-results", "100", "--no-paginate"],
  },
  {
    eventName: "ListBackendJobs",
    accountId: "444455556666",
    region: "us-west-2",
    userName: "Mary_Major",
    cli: [
      "amplifybackend",
      "list-backend-jobs",
      "--app-id",
      "d23mv2oexample",
      "--backend-environment-name",
      "staging",
      "--no-paginate",
    ],
  },
  {
    eventName: "ListProjects",
    accountId: "012345678901",
    region: "us-west-2",
    userName: "YOUR_ADMIN_USER_NAME",
    cli: ["mobile", "list-projects", "--no-paginate"],
    // The document's placeholders name two users: Administrator in the ARN, YOUR_ADMIN_USER_NAME beside it.
    mayDiffer: ["userIdentity.arn"],
  },
  {
    eventName: "UpdateResourceCollection",
    accountId: "123456789012",
    region: "us-east-1",
    userName: "TestUser",
    cli: [
      "devops-guru",
      "update-resource-collection",
      "--action",
      "REMOVE",
      "--resource-collection",
      '{"CloudFormation":{"StackNames":["*"]}}',
    ],
    // The document's caller is an assumed role; the directory has users.
    mayDiffer: ["userIdentity.type", "userIdentity.arn"],
  },
  {
    eventName: "CreateIdentityPool",
    accountId: "123456789012",
    region: "us-east-1",
    userName: "Alice",
    cli: [
      "cognito-identity",
      "create-identity-pool",
      "--identity-pool-name",
      "TestPool",
      "--allow-unauthenticated-identities",
      "--supported-login-providers",
      "graph.facebook.com=000000000000000",
    ],
  },
  {
    eventName: "GetResource",
    accountId: "123456789012",
    region: "us-east-1",
    cli: [
      "apigateway",
      "get-resource",
      "--rest-api-id",
      "3rbEXAMPLE",
      "--resource-id",
      "5tfEXAMPLE",
    ],
  },
];

if (!samplesAreThere)
  console.warn("LEFT OUT: the documents with the sample entries are not beside the project");

describe.skipIf(!samplesAreThere).each(cases)("the sample $eventName", (sample) => {
  let upstream: Upstream;
  let cairn: CairnProcess;
  let key: CairnProcess["credentials"];

  beforeAll(async () => {
    upstream = await startUpstream();
    cairn = await startCairn({
      flags: ["--gateway-upstream", upstream.url, "--account-id", sample.accountId],
    });
    key = await keyOf(cairn, sample.userName);
  });
  afterAll(async () => {
    await cairn.stop();
    await upstream.close();
  });

  /** The newest event of that name, as recorded, once there are `count`. */
  async function recorded(count: number): Promise<JsonObject> {
    const query = new URLSearchParams({ eventName: sample.eventName });
    const find = async () =>
      clientOf(cairn).json<{ events: { event: JsonObject }[] }>({ path: "/v1/events", query });
    await expect.poll(async () => (await find()).events.length, { timeout: 10_000 }).toBe(count);
    return (await find()).events[0]?.event ?? {};
  }

  /** What the document shows and the event has not. */
  function missing(event: JsonObject): string[] {
    const wanted = readSamples().get(sample.eventName);
    if (wanted === undefined) return [`the documents show no ${sample.eventName}`];
    return differences(wanted, event, sample.mayDiffer);
  }

  test("is what the JS SDK's call is recorded as", async () => {
    const call = demoCalls.find(({ eventName }) => eventName === sample.eventName);
    expect(call, "the demo makes this call").toBeDefined();
    await call?.send({ endpoint: cairn.gatewayUrl, region: sample.region, credentials: key });
    expect(missing(await recorded(1))).toEqual([]);
  });

  const clis = awsClis().filter(
    ({ name }) => sample.eventName !== "ListProjects" || name.startsWith("aws-cli 2.9"),
  );
  test.each(clis)("is what $name's call is recorded as", async ({ command }) => {
    const before = (
      await clientOf(cairn).json<{ events: unknown[] }>({
        path: "/v1/events",
        query: new URLSearchParams({ eventName: sample.eventName }),
      })
    ).events.length;
    await run(
      command,
      [...(sample.cli ?? []), "--endpoint-url", cairn.gatewayUrl, "--region", sample.region],
      {
        env: {
          ...process.env,
          ...cairn.environment,
          AWS_SHARED_CREDENTIALS_FILE: "/dev/null",
          AWS_ACCESS_KEY_ID: key.accessKeyId,
          AWS_SECRET_ACCESS_KEY: key.secretAccessKey,
        },
      },
    );
    expect(missing(await recorded(before + 1))).toEqual([]);
  });
});

test.skipIf(!samplesAreThere)("a difference is seen, member by member", () => {
  const sample = { eventName: "A", requestParameters: { a: 1, b: [1] }, eventID: "x" };
  expect(
    differences(sample, { eventName: "A", requestParameters: { a: 1, b: [1], c: 2 } }),
  ).toEqual([]);
  expect(differences(sample, { eventName: "B", requestParameters: { a: "1" } })).toEqual([
    'eventName: "A" ≠ "B"',
    'requestParameters.a: 1 ≠ "1"',
    "requestParameters.b: [1] ≠ undefined",
  ]);
  expect(differences(sample, { eventName: "A", requestParameters: null })).toHaveLength(1);
});

/** A key of the user, who is made; of root without a name. */
async function keyOf(
  cairn: CairnProcess,
  userName: string | undefined,
): Promise<CairnProcess["credentials"]> {
  if (userName === undefined) return cairn.credentials;
  const client = clientOf(cairn);
  await client.send({ method: "POST", path: "/v1/users", body: JSON.stringify({ userName }) });
  return client.json<CairnProcess["credentials"]>({
    method: "POST",
    path: "/v1/keys",
    body: JSON.stringify({ userName }),
  });
}
