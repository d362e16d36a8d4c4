// Each adapter in a real server of its framework: one set of promises, kept by all four.
import { createServer, type RequestListener, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { serve } from "@hono/node-server";
import express from "express";
import fastify from "fastify";
import { Hono } from "hono";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { type Capture, createCapture } from "../src/capture.ts";
import type { CallOptions } from "../src/describe.ts";
import type { CaptureError } from "../src/errors.ts";
import { expressCapture } from "../src/express.ts";
import { fastifyCapture } from "../src/fastify.ts";
import { honoCapture } from "../src/hono.ts";
import { captureHandler } from "../src/node.ts";
import { credentials, IngestServer, region, until } from "./ingest-server.ts";

let ingest: IngestServer;
let capture: Capture;
let errors: CaptureError[];
let stop: (() => Promise<void>) | undefined;

beforeEach(async () => {
  ingest = await IngestServer.start();
  errors = [];
});

afterEach(async () => {
  await stop?.();
  stop = undefined;
  await capture.close({ timeoutMs: 200 });
  await ingest.stop();
  if (ingest.problems.length > 0) throw new Error(ingest.problems.join("\n"));
});

function open(options: Parameters<typeof createCapture>[0] = {}): void {
  capture = createCapture({
    url: ingest.url,
    credentials,
    region,
    accountId: "123456789012",
    service: "orders.example.com",
    flushIntervalMs: 10,
    environment: {},
    onError: (error) => errors.push(error),
    ...options,
  });
}

/** The application of every test: `GET /users/:id`, `POST /users`, `GET /boom`, `GET /big`. */
type Build = (options: CallOptions<never>) => Promise<{ url: string; stop: () => Promise<void> }>;

/** What the four requests have in common: the header that tells who calls. */
interface Caller {
  headers?: { [name: string]: unknown };
  req?: { header: (name: string) => string | undefined };
}

const identify = ((request: Caller) => {
  const user = request.req?.header("x-user") ?? request.headers?.["x-user"];
  if (user === "trouble") throw new Error("the directory is away");
  return typeof user === "string"
    ? { type: "IAMUser", userName: user, principalId: `AIDA${user.toUpperCase()}` }
    : undefined;
}) as CallOptions<never>["identify"];

const userMissing = { code: "UserNotFound", message: "There is no such user: hunter2-secret" };
const big = "x".repeat(3 * 1024 * 1024);

const plainListener: RequestListener = (request, response) => {
  const { pathname } = new URL(request.url ?? "/", "http://x");
  const json = (status: number, body: unknown) =>
    response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
  if (pathname === "/users/42") return json(200, { id: "42", token: "t0ken-value" });
  if (pathname === "/users/404x") return json(404, userMissing);
  if (pathname === "/boom") return json(500, { message: "boom" });
  if (pathname === "/big") return response.end(big);
  if (pathname === "/users") {
    request.resume().on("end", () => json(201, { id: "43" }));
    return undefined;
  }
  return json(404, { message: "no route" });
};
const plainRoute = (request: { url?: string }) =>
  request.url?.startsWith("/users/") ? "/users/:id" : undefined;

function failing(): never {
  throw new Error("a bug of the application's");
}

const servers: Record<string, Build> = {
  "node:http": async (options) => {
    const server = createServer(
      captureHandler(plainListener, capture, { ...options, route: plainRoute } as never),
    );
    return listen(server);
  },
  express: async (options) => {
    const app = express();
    app.use(expressCapture<express.Request>(capture, options as never));
    app.use(express.json());
    app.get("/users/:id", (request, response) => {
      if (request.params.id === "404x") response.status(404).json(userMissing);
      else response.json({ id: request.params.id, token: "t0ken-value" });
    });
    app.post("/users", (_, response) => void response.status(201).json({ id: "43" }));
    app.get("/boom", () => {
      throw new Error("boom");
    });
    app.get("/big", (_, response) => void response.send(big));
    app.use(((_error, _request, response, _next) =>
      response.status(500).json({ message: "boom" })) as express.ErrorRequestHandler);
    return listen(createServer(app));
  },
  fastify: async (options) => {
    const server = fastify();
    await server.register(fastifyCapture, { ...options, capture } as never);
    server.get<{ Params: { id: string } }>("/users/:id", async (request, reply) => {
      if (request.params.id === "404x") return reply.code(404).send(userMissing);
      return { id: request.params.id, token: "t0ken-value" };
    });
    server.post("/users", async (_, reply) => reply.code(201).send({ id: "43" }));
    server.get("/boom", async () => {
      throw new Error("boom");
    });
    server.get("/big", async () => big);
    const url = await server.listen({ port: 0, host: "127.0.0.1" });
    return { url, stop: () => server.close() };
  },
  hono: async (options) => {
    const app = new Hono();
    app.use(honoCapture(capture, options as never));
    app.get("/users/:id", (context) =>
      context.req.param("id") === "404x"
        ? context.json(userMissing, 404)
        : context.json({ id: context.req.param("id"), token: "t0ken-value" }),
    );
    app.post("/users", async (context) => {
      await context.req.json();
      return context.json({ id: "43" }, 201);
    });
    app.get("/boom", () => {
      throw new Error("boom");
    });
    app.get("/big", (context) => context.text(big));
    app.onError((_, context) => context.json({ message: "boom" }, 500));
    const server = serve({ fetch: app.fetch, port: 0, hostname: "127.0.0.1" }) as Server;
    await until("the server listens", () => server.listening);
    return addressOf(server);
  },
};

async function listen(server: Server) {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return addressOf(server);
}

function addressOf(server: Server) {
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    stop: async () => {
      server.closeAllConnections();
      await new Promise<void>((resolve) => {
        server.close(() => resolve());
      });
    },
  };
}

describe.each(Object.keys(servers))("%s", (name) => {
  async function start(options: CallOptions<never> = {}): Promise<string> {
    const server = await servers[name]?.({ identify, ...options });
    if (server === undefined) throw new Error(`no server ${name}`);
    stop = server.stop;
    return server.url;
  }

  test("a call becomes one record with every member in CloudTrail's order", async () => {
    open();
    const url = await start();
    const response = await fetch(`${url}/users/42?verbose=yes&tag=a&tag=b&api_key=k3y-value`, {
      headers: {
        "x-user": "alice",
        "user-agent": "curl/8.0",
        "x-request-id": "req-1",
        "x-forwarded-for": "203.0.113.9",
        authorization: "Bearer h3ader-value",
      },
    });
    expect(await response.json()).toEqual({ id: "42", token: "t0ken-value" });
    expect(await capture.flush()).toBe(true);
    expect(ingest.received).toHaveLength(1);
    const [record] = ingest.received;
    expect(Object.keys(record ?? {})).toEqual(
      [
        "eventVersion userIdentity eventTime eventSource eventName awsRegion sourceIPAddress userAgent",
        "requestParameters responseElements requestID eventID readOnly eventType managementEvent",
        "recipientAccountId eventCategory",
      ]
        .join(" ")
        .split(" "),
    );
    expect(record).toMatchObject({
      eventVersion: "1.11",
      userIdentity: {
        type: "IAMUser",
        principalId: "AIDAALICE",
        arn: "arn:aws:iam::123456789012:user/alice",
        accountId: "123456789012",
        userName: "alice",
      },
      eventTime: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/) as string,
      eventSource: "orders.example.com",
      eventName: "GetUsersById",
      awsRegion: region,
      sourceIPAddress: "127.0.0.1",
      userAgent: "curl/8.0",
      responseElements: null,
      requestID: "req-1",
      eventID: expect.stringMatching(/^[0-9a-f-]{36}$/) as string,
      readOnly: true,
      eventType: "AwsApiCall",
      managementEvent: true,
      recipientAccountId: "123456789012",
      eventCategory: "Management",
    });
    expect(record?.["requestParameters"]).toEqual({
      id: "42",
      verbose: "yes",
      tag: ["a", "b"],
      api_key: "HIDDEN_DUE_TO_SECURITY_REASONS",
    });
    expect(JSON.stringify(record)).not.toMatch(/k3y-value|h3ader-value|t0ken-value/);
  });

  test("a failed call carries the error's own code, and no secret that its message repeats", async () => {
    open();
    const url = await start();
    const response = await fetch(`${url}/users/404x?password=hunter2-secret`);
    expect([response.status, await response.json()]).toEqual([404, userMissing]);
    await fetch(`${url}/boom`);
    await fetch(`${url}/nowhere/at/all`);
    expect(await capture.flush()).toBe(true);
    expect(ingest.named("GetUsersById")[0]).toMatchObject({
      errorCode: "UserNotFound",
      errorMessage: "There is no such user: HIDDEN_DUE_TO_SECURITY_REASONS",
      userIdentity: { type: "Unknown", principalId: "Anonymous" },
    });
    expect(ingest.named("GetBoom")[0]).toMatchObject({
      errorCode: "InternalFailure",
      errorMessage: "boom",
    });
    expect(ingest.named("UnmatchedRoute")[0]).toMatchObject({
      errorCode: "ResourceNotFoundException",
      requestParameters: { method: "GET", path: "/nowhere/at/all" },
    });
  });

  test("bodies are recorded only as far as asked, and never their secrets", async () => {
    open();
    const url = await start({
      requestBody: ["name", "password", "address"],
      operations: { PostUsers: { responseElements: true } },
      resources: (_: never, response: { body?: unknown }) => [
        {
          ARN: `arn:example:users/${(response.body as { id: string }).id}`,
          type: "Example::User",
        },
      ],
    });
    const response = await fetch(`${url}/users`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({
        name: "Bob",
        password: "hunter2-secret",
        unasked: 1,
        address: { city: "Ulm", apiKey: "k3y-value" },
      }),
    });
    expect(response.status).toBe(201);
    expect(await capture.flush()).toBe(true);
    expect(ingest.received[0]).toMatchObject({
      eventName: "PostUsers",
      readOnly: false,
      requestParameters: {
        name: "Bob",
        password: "HIDDEN_DUE_TO_SECURITY_REASONS",
        address: { city: "Ulm", apiKey: "HIDDEN_DUE_TO_SECURITY_REASONS" },
      },
      responseElements: { id: "43" },
      resources: [
        { accountId: "123456789012", type: "Example::User", ARN: "arn:example:users/43" },
      ],
    });
    expect(JSON.stringify(ingest.received)).not.toMatch(/unasked|hunter2|k3y-value/);
  });

  test("nothing that the application's functions throw reaches the caller", async () => {
    open({
      onError: (error) => {
        errors.push(error);
        throw new Error("onError itself");
      },
    });
    const url = await start({ resources: failing, eventName: failing, skip: failing });
    const response = await fetch(`${url}/users/42`, { headers: { "x-user": "trouble" } });
    expect(response.status).toBe(200);
    expect(await capture.flush()).toBe(true);
    expect(ingest.received).toHaveLength(1);
    expect(ingest.received[0]).toMatchObject({
      eventName: "GetUsersById",
      userIdentity: { type: "Unknown", principalId: "Anonymous" },
    });
    expect(errors.map((error) => error.code).toSorted()).toEqual([
      "CallbackFailed",
      "CallbackFailed",
      "CallbackFailed",
      "IdentifyFailed",
    ]);
  });

  test("behind one proxy the caller is the address that the proxy saw", async () => {
    open();
    const url = await start({ trustProxy: true });
    await fetch(`${url}/users/42`, {
      headers: { "x-forwarded-for": "198.51.100.1, 203.0.113.9:4711" },
    });
    await capture.flush();
    expect(ingest.received[0]?.["sourceIPAddress"]).toBe("203.0.113.9");
  });

  test("what the application skips is not recorded", async () => {
    open({ mode: "strict" });
    const url = await start({ skip: () => true });
    expect((await fetch(`${url}/users/42`)).status).toBe(200);
    await capture.flush();
    expect(capture.counters.captured).toBe(0);
  });

  test("strict: the answer comes after the event is in Cairn, whole and of any size", async () => {
    open({ mode: "strict" });
    const url = await start();
    const response = await fetch(`${url}/users/42`);
    expect(ingest.received.map((record) => record.eventName)).toEqual(["GetUsersById"]);
    expect(await response.json()).toEqual({ id: "42", token: "t0ken-value" });
    expect((await fetch(`${url}/big`).then((response) => response.text())).length).toBe(big.length);
    const missing = await fetch(`${url}/users/404x`);
    expect([missing.status, await missing.json()]).toEqual([404, userMissing]);
    const boom = await fetch(`${url}/boom`);
    expect(boom.status).toBe(500);
    expect(ingest.received).toHaveLength(4);
  });

  test("strict: without Cairn the answer is 503, and later ones are refused before they run", async () => {
    open({ mode: "strict", strictTimeoutMs: 150, retry: { delayMsMin: 20, delayMsMax: 50 } });
    const url = await start();
    ingest.behaviour = "error";
    const held = await fetch(`${url}/users/42`);
    expect(held.status).toBe(503);
    expect(held.headers.get("content-type")).toContain("application/json");
    expect(await held.json()).toMatchObject({ code: "ServiceUnavailableException" });
    await until(
      "requests are refused",
      async () => (await fetch(`${url}/users/42`)).status === 503,
    );
    const captured = capture.counters.captured;
    expect((await fetch(`${url}/users`, { method: "POST" })).status).toBe(503);
    expect(capture.counters.captured).toBe(captured);

    // What ran is still delivered, because it happened.
    ingest.behaviour = "accept";
    await until("the first event arrives", () => ingest.named("GetUsersById").length > 0);
    await until("requests run again", async () => (await fetch(`${url}/users/42`)).status === 200);
  });
});
