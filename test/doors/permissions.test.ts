// The event API asks policies before it does anything: every route, every kind of refusal, and what is on record of it.
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Registry } from "prom-client";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { systemClock } from "../../src/base/clock.ts";
import { silentLog } from "../../src/base/log.ts";
import { systemRandom } from "../../src/base/random.ts";
import { queryCall } from "../../src/cli/aws-call.ts";
import type { JsonObject } from "../../src/event/json.ts";
import { openLmdbRegistry } from "../../src/registry/lmdb/lmdb-registry.ts";
import type { SigningCredentials } from "../../src/signature/signer.ts";
import { eventOf, routeActions } from "../../src/web/route-actions.ts";
import { startWeb } from "../../src/web/server.ts";
import { type CairnProcess, startCairn } from "../tools/cairn.ts";
import { clientOf } from "../tools/post-events.ts";
import { type Answer, send } from "../tools/signed-call.ts";

const accountId = "111122223333";
let cairn: CairnProcess;
let folder: string;
const keys: Record<string, SigningCredentials> = {};

function run(...words: string[]) {
  const program = join(import.meta.dirname, "../../dist/cli/cairn.cjs");
  const environment = { ...process.env, ...cairn.environment };
  const ran = spawnSync(process.execPath, [program, ...words], {
    encoding: "utf8",
    env: environment,
  });
  return { ...ran, said: ran.stderr };
}

/** By the CLI, as on a first day. */
async function makeUser(name: string, ...policies: string[]): Promise<void> {
  const made = run("user", "create", name, ...policies.flatMap((each) => ["--policy", each]));
  if (made.status !== 0) throw new Error(made.said);
  const key = await clientOf(cairn).json<SigningCredentials>({
    method: "POST",
    path: "/v1/keys",
    body: JSON.stringify({ userName: name }),
  });
  keys[name] = { accessKeyId: key.accessKeyId, secretAccessKey: key.secretAccessKey };
}

const keyOf = (name: string) => {
  const key = keys[name];
  if (key === undefined) throw new Error(`no key of ${name}`);
  return key;
};

beforeAll(async () => {
  cairn = await startCairn();
  folder = mkdtempSync(join(tmpdir(), "cairn-policies-"));
  await makeUser("nobody");
  await makeUser("one");
  await makeUser("power", "arn:aws:iam::aws:policy/PowerUserAccess");
  await makeUser("admin", "arn:aws:iam::aws:policy/AdministratorAccess");
});
afterAll(async () => {
  rmSync(folder, { recursive: true });
  await cairn.stop();
});

const event = () =>
  `${JSON.stringify({ eventTime: new Date().toISOString(), eventName: "Ask", eventSource: "x.example.com" })}\n`;

/** A call of the route that goes well, or is refused by what is behind it. */
function bodyFor(route: string): string | undefined {
  switch (route) {
    case "POST /v1/events":
      return event();
    case "POST /v1/events/outcome":
      return '{"ranges":[]}';
    case "POST /v1/catalog":
      return "{}";
    case "POST /v1/users":
      return '{"userName":"made"}';
    case "POST /v1/keys":
      return '{"userName":"one"}';
    case "PATCH /v1/keys/:id":
      return '{"status":"Active"}';
    default:
      return undefined;
  }
}

async function call(route: string, credentials: SigningCredentials): Promise<Answer> {
  const [method = "", pattern = ""] = route.split(" ");
  const body = bodyFor(route);
  const path = pattern.replace(":id", "AKIAIOSFODNN7EXAMPLE");
  return send({
    url: cairn.url,
    credentials,
    method,
    path,
    ...(body === undefined ? {} : { body }),
  });
}

async function allow(statement: object): Promise<void> {
  await queryCall(clientOf(cairn), "iam", "PutUserPolicy", {
    UserName: "one",
    PolicyName: "only",
    PolicyDocument: JSON.stringify({ Version: "2012-10-17", Statement: statement }),
  });
}

const events = async (query: Record<string, string>) =>
  (
    await clientOf(cairn).json<{ events: { event: JsonObject }[] }>({
      path: "/v1/events",
      query: new URLSearchParams(query),
    })
  ).events.map(({ event: each }) => each);

/** A tail has no end: that it begins is its answer. */
const routes = [...routeActions.keys()];
const ending = routes.filter((route) => !route.endsWith("/tail"));
/** Whoever chooses the master key can make sessions of anybody: no policy gives that away. */
const rootsOwn = routes.filter((route) => route.includes("/v1/master-key"));

const openWith = (url: string) =>
  startWeb({
    host: "127.0.0.1",
    port: 0,
    trustProxy: false,
    behindProxy: false,
    aws: {
      handle: () => Promise.reject(new Error("never")),
      refuse: () => ({ status: 500, headers: {}, body: "" }),
    },
    routes: (web) => web.get(url, () => ({})),
    health: () => undefined,
    metrics: new Registry(),
    clock: systemClock,
    random: systemRandom,
    log: silentLog,
  });

const policyPut = async () =>
  (await events({ eventName: "PutUserPolicy", text: "searcher" }))[0]?.["requestParameters"];

test("every route below /v1 says what its caller needs, or the server does not open", async () => {
  await expect(openWith("/v1/forgotten")).rejects.toThrow(/GET \/v1\/forgotten says what/);
  await (await openWith("/v1/users")).close(0);
});

test.each(routes)(
  "%s is denied to a user without policies, and the denial on record",
  async (route) => {
    const { action } = routeActions.get(route) ?? { action: "" };
    const answer = await call(route, keyOf("nobody"));
    const { code, message } = JSON.parse(answer.text) as Record<string, string>;
    expect({ status: answer.status, code }).toEqual({ status: 403, code: "AccessDenied" });
    const user = `User: arn:aws:iam::${accountId}:user/nobody is not authorized to perform: ${action}`;
    expect(message).toMatch(
      new RegExp(
        `^${user}( on resource: .*)? because no identity-based policy allows the ${action} action$`,
      ),
    );
    const { eventName, eventSource, readOnly } = eventOf(
      routeActions.get(route) ?? { action, readOnly: true },
    );
    const query = { eventName, username: "nobody", limit: "1" };
    await expect
      .poll(async () => (await events(query))[0]?.["errorMessage"], { timeout: 20_000 })
      .toBe(message);
    expect((await events(query))[0]).toMatchObject({
      eventSource,
      readOnly,
      errorCode: "AccessDenied",
      requestParameters: null,
      responseElements: null,
      userIdentity: { type: "IAMUser", userName: "nobody" },
    });
  },
);

test.each(rootsOwn)("%s is the root user's, whatever policies say", async (route) => {
  await allow({ Effect: "Allow", Action: "*", Resource: "*" });
  const answer = await call(route, keyOf("one"));
  expect(answer.status).toBe(403);
  expect(answer.text).toContain(`the affair of the root user of account ${accountId}`);
});

const given = ending.filter((route) => !rootsOwn.includes(route));
test.each(given)("%s is allowed by exactly its action", async (route) => {
  const { action } = routeActions.get(route) ?? { action: "" };
  await allow({ Effect: "Allow", NotAction: action, Resource: "*" });
  expect((await call(route, keyOf("one"))).status).toBe(403);
  await allow({ Effect: "Allow", Action: action, Resource: "*" });
  expect((await call(route, keyOf("one"))).status).not.toBe(403);
});

test("the master key is the affair of the first account's root user, whatever policies say", async () => {
  await allow({ Effect: "Allow", Action: "*", Resource: "*" });
  const answer = await call("GET /v1/master-key", keyOf("one"));
  expect(answer.status).toBe(403);
  expect(answer.text).toContain("the affair of the root user");
});

test("a tail begins for whom its action is allowed", async () => {
  await allow({ Effect: "Allow", Action: "cairn:FollowEvents", Resource: "*" });
  const controller = new AbortController();
  const response = await clientOf({ url: cairn.url, credentials: keyOf("one") }).send({
    path: "/v1/events/tail",
    signal: controller.signal,
  });
  expect(response.status).toBe(200);
  controller.abort();
});

test("a body is not read for somebody who may not send it", async () => {
  const body = Buffer.alloc(65 * 1024 * 1024, "x");
  const answer = await send({
    url: cairn.url,
    credentials: keyOf("nobody"),
    method: "POST",
    path: "/v1/events",
    body,
  }).catch((error: unknown) => error as Error);
  // Larger than anybody may send: who may not send at all hears of that first, or is cut off.
  expect(answer instanceof Error ? 403 : answer.status).toBe(403);
});

describe("keys by the event API", () => {
  test("PowerUserAccess leaves users and keys alone here as at IAM", async () => {
    for (const route of routes.filter((each) => /users|keys/.test(each))) {
      expect((await call(route, keyOf("power"))).status).toBe(403);
    }
    expect((await call("GET /v1/events", keyOf("power"))).status).toBe(200);
  });

  test("the root user's are made, disabled and deleted by the root user alone", async () => {
    const ask = (method: string, path: string, body: string) =>
      send({ url: cairn.url, credentials: keyOf("admin"), method, path, body });
    const { accessKeyId } = cairn.credentials;
    for (const answer of [
      await ask("POST", "/v1/keys", "{}"),
      await ask("PATCH", `/v1/keys/${accessKeyId}`, '{"status":"Inactive"}'),
      await ask("DELETE", `/v1/keys/${accessKeyId}`, ""),
    ]) {
      expect(answer.status).toBe(403);
      expect(answer.text).toContain("Only the root user has a say over its own access keys.");
    }
    expect((await ask("POST", "/v1/keys", '{"userName":"power"}')).status).toBe(200);
  });
});

test("an update keeps what users could do before there were permissions, once, and says so", async () => {
  const data = mkdtempSync(join(tmpdir(), "cairn-earlier-"));
  const first = await startCairn({ data });
  await clientOf(first).send({ method: "POST", path: "/v1/users", body: '{"userName":"earlier"}' });
  await first.stop();
  // As the version before left it.
  const registry = await openLmdbRegistry({ folder: join(data, "registry") });
  await registry.commit([{ key: "permissions/asked", value: undefined }]);
  await registry.close();
  for (const times of ["at first", "again"]) {
    const updated = await startCairn({ data });
    try {
      const said = /AdministratorAccess is attached to each/.test(updated.output());
      expect({ times, said }).toEqual({ times, said: times === "at first" });
      const client = clientOf(updated);
      const attached = () =>
        client.json<{ events: { event: JsonObject }[] }>({
          path: "/v1/events",
          query: new URLSearchParams({ eventName: "AttachUserPolicy" }),
        });
      await expect
        .poll(async () => (await attached()).events.map(({ event: each }) => each), {
          timeout: 20_000,
        })
        .toMatchObject([
          {
            userIdentity: { type: "AWSService", invokedBy: "cairn.internal" },
            requestParameters: {
              userName: "earlier",
              policyArn: "arn:aws:iam::aws:policy/AdministratorAccess",
            },
          },
        ]);
      const { AttachedPolicies } = await queryCall(client, "iam", "ListAttachedUserPolicies", {
        UserName: "earlier",
      });
      expect(AttachedPolicies).toMatchObject([{ PolicyName: "AdministratorAccess" }]);
    } finally {
      await updated.stop();
    }
  }
  rmSync(data, { recursive: true });
});

describe("cairn user create --policy", () => {
  const document =
    '{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"cairn:SearchEvents","Resource":"*"}}';

  test("takes ARNs and files, as often as it is given", async () => {
    const file = join(folder, "searcher.json");
    writeFileSync(file, document);
    await makeUser("both", file, "arn:aws:iam::aws:policy/AWSCloudTrail_ReadOnlyAccess");
    expect((await call("GET /v1/events", keyOf("both"))).status).toBe(200);
    expect((await call("GET /v1/users", keyOf("both"))).status).toBe(403);
    await expect.poll(policyPut, { timeout: 20_000 }).toMatchObject({
      userName: "both",
      policyName: "searcher",
    });
  });

  test.each([
    [
      "a file that is not there",
      () => "/no/such/file.json",
      /no ARN, and no file that can be read/,
    ],
    [
      "a file that is no policy",
      () => {
        const file = join(folder, "bad.json");
        writeFileSync(file, '{"Version":"2012-10-17"}');
        return file;
      },
      /--policy .*bad\.json: Syntax errors in policy\. the document has no Statement/,
    ],
  ])("leaves no user behind for %s", (_what, policy, said) => {
    const ran = run("user", "create", "absent", "--policy", policy());
    expect(ran).toMatchObject({ status: 2, stdout: "" });
    expect(ran.said).toMatch(said);
    expect(run("user", "list").stdout).not.toContain("absent");
  });

  test("says that the user is made when a policy is not there", () => {
    const ran = run("user", "create", "half", "--policy", "arn:aws:iam::aws:policy/NoSuchPolicy");
    expect(ran.status).toBe(1);
    expect(ran.said).toMatch(/the user is made, but .*\n.*NoSuchEntity: Policy .*NoSuchPolicy/s);
    expect(run("user", "list").stdout).toContain("half");
  });
});
