// What the services' documents leave out of the record is forwarded and leaves no event; all else leaves one.
import { createServer, request, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import * as apiGateway from "@aws-sdk/client-api-gateway";
import * as identity from "@aws-sdk/client-cognito-identity";
import * as sync from "@aws-sdk/client-cognito-sync";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { type CairnProcess, startCairn } from "../tools/cairn.ts";
import { allLoaded } from "../tools/found-events.ts";
import { clientOf } from "../tools/post-events.ts";

let upstream: Server;
/** Requests that reached the upstream. */
let forwarded: string[] = [];
let cairn: CairnProcess;
let seenSeq = 0n;

beforeAll(async () => {
  upstream = createServer((incoming, response) => {
    forwarded.push(`${incoming.method} ${incoming.url}`);
    incoming.resume().once("end", () => {
      response.writeHead(200, { "content-type": "application/json" });
      response.end("{}");
    });
  });
  await new Promise<void>((resolve) => upstream.listen(0, "127.0.0.1", resolve));
  const url = `http://127.0.0.1:${(upstream.address() as AddressInfo).port}`;
  cairn = await startCairn({ flags: ["--gateway-upstream", url, "--capture-mode", "strict"] });
});
afterAll(async () => {
  await cairn.stop();
  upstream.close();
  upstream.closeAllConnections();
});
beforeEach(() => {
  forwarded = [];
});

/** The names of the events since the last time. */
async function newEvents(): Promise<string[]> {
  await allLoaded(cairn);
  const { events } = await clientOf(cairn).json<{
    events: { seq: string; eventName: string; eventSource: string }[];
  }>({ path: "/v1/events" });
  const fresh = events.filter(({ seq }) => BigInt(seq) > seenSeq);
  for (const { seq } of fresh) if (BigInt(seq) > seenSeq) seenSeq = BigInt(seq);
  return fresh.map(({ eventSource, eventName }) => `${eventSource} ${eventName}`).toSorted();
}

interface Sender {
  send(command: never): Promise<unknown>;
}
type CommandClass = new (input: object) => object;

/** Every operation of a client's package, by name. */
function operationsOf(sdk: object): Map<string, CommandClass> {
  return new Map(
    Object.entries(sdk)
      .filter(([name]) => name.endsWith("Command") && !name.startsWith("$"))
      .map(([name, value]) => [name.slice(0, -"Command".length), value as CommandClass]),
  );
}

/** Members that any of the operations asks for; each takes those it knows. */
const input = {
  IdentityPoolId: "us-east-1:1cf667a2-49a6-454b-9e45-23199EXAMPLE",
  IdentityPoolName: "TestPool",
  AllowUnauthenticatedIdentities: true,
  IdentityId: "us-east-1:2cf667a2-49a6-454b-9e45-23199EXAMPLE",
  IdentityIdsToDelete: ["us-east-1:2cf667a2-49a6-454b-9e45-23199EXAMPLE"],
  IdentityProviderName: "provider",
  ResourceArn: "arn:aws:cognito-identity:us-east-1:111122223333:identitypool/x",
  Roles: {},
  Logins: { "graph.facebook.com": "token" },
  LoginsToRemove: ["graph.facebook.com"],
  DeveloperProviderName: "provider",
  DeveloperUserIdentifier: "someone",
  SourceUserIdentifier: "someone",
  DestinationUserIdentifier: "another",
  MaxResults: 10,
  Tags: { a: "b" },
  TagKeys: ["a"],
  DatasetName: "settings",
  SyncSessionToken: "session",
  Platform: "APNS",
  Token: "token",
  DeviceId: "device",
  Events: {},
};

async function callAll(client: Sender, operations: Map<string, CommandClass>): Promise<void> {
  for (const Command of operations.values()) await client.send(new Command(input) as never);
}

function settings() {
  const { gatewayUrl: endpoint, credentials } = cairn;
  return { endpoint, region: "us-east-1", credentials };
}

test("of federated identities exactly the seven operations of their document are recorded", async () => {
  const operations = operationsOf(identity);
  expect(operations.size).toBe(23);
  await callAll(new identity.CognitoIdentityClient(settings()), operations);
  expect(forwarded).toHaveLength(23);
  expect(await newEvents()).toEqual(
    [
      "CreateIdentityPool",
      "DeleteIdentityPool",
      "DescribeIdentityPool",
      "GetIdentityPoolRoles",
      "ListIdentityPools",
      "SetIdentityPoolRoles",
      "UpdateIdentityPool",
    ].map((name) => `cognito-identity.amazonaws.com ${name}`),
  );
});

test("of Sync exactly the eight operations of its document are recorded", async () => {
  const operations = operationsOf(sync);
  expect(operations.size).toBe(17);
  await callAll(new sync.CognitoSyncClient(settings()), operations);
  expect(forwarded).toHaveLength(17);
  expect(await newEvents()).toEqual(
    [
      "BulkPublish",
      "DescribeIdentityPoolUsage",
      "GetBulkPublishDetails",
      "GetCognitoEvents",
      "GetIdentityPoolConfiguration",
      "ListIdentityPoolUsage",
      "SetCognitoEvents",
      "SetIdentityPoolConfiguration",
    ].map((name) => `cognito-sync.amazonaws.com ${name}`),
  );
});

test("of API Gateway the two test invocations are not recorded, and what stands beside them is", async () => {
  const client = new apiGateway.APIGatewayClient(settings());
  const method = { restApiId: "3rbEXAMPLE", resourceId: "5tfEXAMPLE", httpMethod: "GET" };
  const authorizer = { restApiId: "3rbEXAMPLE", authorizerId: "6ufEXAMPLE" };
  await client.send(new apiGateway.TestInvokeMethodCommand(method));
  await client.send(new apiGateway.TestInvokeAuthorizerCommand(authorizer));
  await client.send(new apiGateway.GetMethodCommand(method));
  await client.send(new apiGateway.GetAuthorizerCommand(authorizer));
  await client.send(new apiGateway.PutMethodCommand({ ...method, authorizationType: "NONE" }));
  expect(forwarded).toHaveLength(5);
  expect(await newEvents()).toEqual(
    ["GetAuthorizer", "GetMethod", "PutMethod"].map((name) => `apigateway.amazonaws.com ${name}`),
  );
});

/** A browser's request: unsigned, to the pool's own domain or to whatever stands in front of it. */
function browse(method: string, path: string, host: string | undefined): Promise<number> {
  return new Promise((resolve, reject) => {
    const url = new URL(path, cairn.gatewayUrl);
    const headers = host === undefined ? {} : { host };
    const sent = request(url, { method, headers }, (response) => {
      response.resume().once("end", () => resolve(response.statusCode ?? 0));
    });
    sent.once("error", reject);
    sent.end(method === "POST" ? "username=mary&password=Secret-1" : undefined);
  });
}

const hostedPaths: [string, string][] = [
  ["GET", "/oauth2/authorize?client_id=1&response_type=code&redirect_uri=https%3A%2F%2Fa"],
  ["POST", "/oauth2/token"],
  ["GET", "/oauth2/userInfo"],
  ["POST", "/oauth2/revoke"],
  ["GET", "/oauth2/idpresponse?code=1&state=2"],
  ["POST", "/saml2/idpresponse"],
  ["GET", "/saml2/logout"],
  ["GET", "/login?client_id=1"],
  ["POST", "/login?client_id=1"],
  ["GET", "/logout?client_id=1"],
  ["POST", "/signup?client_id=1"],
  ["POST", "/confirmUser?client_id=1"],
  ["POST", "/forgotPassword?client_id=1"],
  ["POST", "/confirmForgotPassword?client_id=1"],
  ["GET", "/.well-known/openid-configuration"],
  ["GET", "/us-east-1_EXAMPLE/.well-known/jwks.json"],
];

test.each([
  ["at the pool's own domain", "people.auth.us-east-1.amazoncognito.com"],
  ["at a domain that nobody knows", "sign-in.people.example"],
  ["at the gateway's address", undefined],
])("hosted UI and federation %s are passed on and not recorded", async (_where, host) => {
  for (const [method, path] of hostedPaths) expect(await browse(method, path, host)).toBe(200);
  expect(forwarded).toEqual(hostedPaths.map(([method, path]) => `${method} ${path}`));
  expect(await newEvents()).toEqual([]);
});
