// Who called, at every door: each kind of caller calls AWS's door and the gateway, and both say the same of it.
import { GetCallerIdentityCommand, STSClient } from "@aws-sdk/client-sts";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { JsonObject } from "../../src/event/json.ts";
import type { GatewayOptions } from "../../src/gateway/gateway.ts";
import type { SigningCredentials } from "../../src/signature/signer.ts";
import { type Recording, recordingGateway } from "../gateway/recording.ts";
import { closeAfter } from "../gateway/support.ts";
import { type KnownCaller, type MadeCallers, makeCallers, serviceName } from "../tools/callers.ts";
import { awsClis, isMissing } from "../tools/clients.ts";
import { type OidcIssuer, openOidcIssuer } from "../tools/oidc-issuer.ts";
import { runClient } from "../tools/run-client.ts";
import { accountId, type DoorWorld, openDoorWorld } from "../wire/aws-door-world.ts";

let world: DoorWorld;
let issuer: OidcIssuer;
let callers: MadeCallers;

beforeAll(async () => {
  [world, issuer] = await Promise.all([openDoorWorld(), openOidcIssuer()]);
  callers = await makeCallers(world, issuer);
});
afterAll(async () => {
  await issuer[Symbol.asyncDispose]();
  await world[Symbol.asyncDispose]();
});

/** In front of the AWS door, with the same directory. */
type Settings = Omit<Partial<GatewayOptions>, "catalog">;

function gateway(options: Settings = {}, onThread = false): Promise<Recording> {
  const { directory } = world;
  return recordingGateway(new URL(world.url), { directory, ...options }, onThread);
}

function client(endpoint: string, credentials: SigningCredentials | (() => never)): STSClient {
  const made = new STSClient({ endpoint, region: "eu-central-1", credentials, maxAttempts: 1 });
  closeAfter(() => made.destroy());
  return made;
}

/** Whatever the answer is. */
const call = (endpoint: string, { credentials }: Pick<KnownCaller, "credentials">) =>
  client(endpoint, credentials)
    .send(new GetCallerIdentityCommand())
    .catch(() => undefined);

const neverAsked = (): never => {
  throw new Error("a call without a signature needs no credentials");
};

const identities = (events: JsonObject[]) => events.map((each) => each["userIdentity"]);
const byKind = (values: unknown[]) =>
  Object.fromEntries(callers.signing.map(({ kind }, index) => [kind, values[index]]));
const expected = () => byKind(callers.signing.map(({ identity }) => identity));

test("AWS's door knows every kind of caller", async () => {
  const before = (await world.events()).length;
  for (const each of callers.signing) await call(world.url, each);
  const events = (await world.events()).slice(before);
  expect(byKind(identities(events))).toEqual(expected());
});

describe("the gateway knows every kind of caller", () => {
  test.each<[string, Settings, boolean]>([
    ["on the recorder's thread", {}, true],
    ["on the forwarding thread", {}, false],
    ["in strict mode", { captureMode: "strict" }, false],
    ["where unknown keys are refused", { unknownKeys: "refuse" }, true],
  ])("%s", async (_where, options, onThread) => {
    const recording = await gateway(options, onThread);
    for (const each of callers.signing) await call(recording.endpoint, each);
    const events = await recording.events();
    expect(byKind(identities(events))).toEqual(expected());
    const { counters } = recording.gateway;
    expect(counters).toMatchObject({ dropped: 0, recordingErrors: 0, unrecognised: 0 });
    for (const [index, { identity }] of callers.signing.entries()) {
      const { accountId: account, invokedBy } = identity as Record<string, string>;
      // Whoever proves nothing has no account, and a service keeps its keys in one.
      expect(events[index]?.["recipientAccountId"]).toBe(account ?? accountId);
      if (invokedBy === undefined) continue;
      expect(events[index]).toMatchObject({
        sourceIPAddress: serviceName,
        userAgent: serviceName,
      });
    }
  });

  test("and takes a call out of a re-signed upstream's hands with the same words", async () => {
    const { accessKeyId, secretAccessKey } = world.root;
    const recording = await gateway({
      upstreams: {
        services: {
          sts: {
            url: new URL(world.url),
            mode: "re-sign",
            credentials: { accessKeyId, secretAccessKey },
          },
        },
      },
    });
    const before = (await world.events()).length;
    for (const each of callers.signing) await call(recording.endpoint, each);
    expect(byKind(identities(await recording.events()))).toEqual(expected());
    // The upstream has seen nobody but the one whom it knows, and no call of those who prove nothing.
    const seen = identities((await world.events()).slice(before)) as JsonObject[];
    const proved = callers.signing.filter(
      ({ identity }) => (identity as JsonObject)["type"] !== "Unknown",
    );
    expect(seen.map((each) => each["accessKeyId"])).toEqual(proved.map(() => accessKeyId));
    expect(seen.every((each) => !("sessionContext" in each))).toBe(true);
  });
});

test.each([false, true])(
  "the bearer of a web identity token signs nothing, and both doors know who it is (on the recorder's thread: %s)",
  async (onThread) => {
    const recording = await gateway({}, onThread);
    const { command, identity } = callers.webIdentity;
    await client(recording.endpoint, neverAsked).send(command());
    expect((await world.events()).at(-1)?.["userIdentity"]).toEqual(identity);
    expect(identities(await recording.events())).toEqual([identity]);
    // A token that the upstream does not take is nobody's word.
    const refused = command();
    refused.input.WebIdentityToken = `${refused.input.WebIdentityToken}x`;
    await expect(client(recording.endpoint, neverAsked).send(refused)).rejects.toThrow(
      "is not signed by its identity provider",
    );
    expect(identities(await recording.events()).at(-1)).toEqual({
      type: "Unknown",
      principalId: "Anonymous",
    });
  },
);

test("a key that nobody knows is Unknown with its id at the gateway, and leaves no event at AWS's door", async () => {
  const unknown = { accessKeyId: "AKIAUNKNOWNUNKNOWN12", secretAccessKey: "x" };
  const recording = await gateway({}, true);
  const before = (await world.events()).length;
  await call(world.url, { credentials: unknown });
  expect((await world.events()).length).toBe(before);
  await call(recording.endpoint, { credentials: unknown });
  expect(identities(await recording.events())).toEqual([
    { type: "Unknown", accessKeyId: unknown.accessKeyId },
  ]);
});

const [cli] = awsClis();
describe.skipIf(isMissing("an AWS CLI", cli !== undefined))("the AWS CLI is known as", () => {
  test.each([
    "IAM user with an MFA session",
    "cross-account role",
    "federated user",
    "service on behalf of a user",
  ])("%s", async (kind) => {
    const { credentials, identity } = callers.byKind(kind);
    const recording = await gateway({}, true);
    for (const url of [world.url, recording.endpoint]) {
      const { code, stderr } = await runClient(
        cli?.command ?? "",
        ["sts", "get-caller-identity", "--endpoint-url", url],
        url,
        credentials,
      );
      expect([code, stderr]).toEqual([0, ""]);
    }
    expect((await world.events()).slice(-2).map((each) => each["userIdentity"])).toEqual([
      identity,
      identity,
    ]);
    expect(identities(await recording.events())).toEqual([identity]);
  });
});
