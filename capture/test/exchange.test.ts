// What real clients and applications do to a response: leave early, stream, hijack, never end.
import {
  createServer,
  get,
  type IncomingMessage,
  type RequestListener,
  type Server,
} from "node:http";
import type { AddressInfo } from "node:net";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import express from "express";
import fastify from "fastify";
import { afterEach, beforeEach, expect, test } from "vitest";
import { type Capture, type CaptureOptions, createCapture } from "../src/capture.ts";
import type { CaptureError } from "../src/errors.ts";
import { expressCapture } from "../src/express.ts";
import { fastifyCapture } from "../src/fastify.ts";
import { captureHandler, type NodeOptions } from "../src/node.ts";
import { credentials, IngestServer, region, until } from "./ingest-server.ts";

let ingest: IngestServer;
let capture: Capture;
let errors: CaptureError[];
const stops: (() => unknown)[] = [];

beforeEach(async () => {
  ingest = await IngestServer.start();
  errors = [];
});

afterEach(async () => {
  for (const stop of stops.splice(0)) await stop();
  await capture.close({ timeoutMs: 200 });
  await ingest.stop();
});

function open(options: CaptureOptions = {}): void {
  capture = createCapture({
    url: ingest.url,
    credentials,
    region,
    flushIntervalMs: 10,
    environment: {},
    onError: (error) => errors.push(error),
    ...options,
  });
}

async function listen(server: Server): Promise<string> {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  stops.push(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

const serve = (listener: RequestListener, options: NodeOptions = {}) =>
  listen(createServer(captureHandler(listener, capture, options)));

/** The response, as soon as its head is there. */
function head(url: string): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    get(url, resolve).on("error", reject);
  });
}

test.each(["best-effort", "strict"] as const)(
  "%s: a caller who leaves before the answer is recorded once, as aborted",
  async (mode) => {
    open({ mode });
    let reached = false;
    const url = await serve((_, response) => {
      reached = true;
      response.once("close", () => response.end("too late"));
    });
    const request = get(`${url}/slow`);
    request.on("error", () => undefined);
    await until("the application runs", () => reached);
    request.destroy();
    await until("the event arrives", () => ingest.received.length > 0);
    await capture.flush();
    expect(ingest.received).toHaveLength(1);
    expect(ingest.received[0]).toMatchObject({ eventName: "GetSlow", errorCode: "RequestAborted" });
  },
);

test("strict: a stream that never ends begins after its event is in Cairn, and then flows", async () => {
  open({ mode: "strict" });
  let send: ((text: string) => unknown) | undefined;
  const url = await serve((_, response) => {
    response.writeHead(200, { "content-type": "text/event-stream" });
    response.write("data: first\n\n");
    send = (text) => response.write(text);
  });
  const response = await head(`${url}/events`);
  expect(ingest.named("GetEvents")).toHaveLength(1);
  let text = "";
  response.setEncoding("utf8").on("data", (chunk: string) => (text += chunk));
  await until("the first is here", () => text === "data: first\n\n");
  send?.("data: second\n\n");
  await until("the second is here", () => text.endsWith("data: second\n\n"));
  response.destroy();
});

test("strict: flushHeaders sends the head as soon as the event is in Cairn", async () => {
  open({ mode: "strict" });
  const url = await serve((_, response) => {
    response.setHeader("x-own", "kept");
    response.flushHeaders();
  });
  const response = await head(`${url}/events`);
  expect(response.headers["x-own"]).toBe("kept");
  expect(ingest.received).toHaveLength(1);
  response.destroy();
});

test("strict: a piped body of many megabytes comes through whole, without being held whole", async () => {
  open({ mode: "strict" });
  const block = Buffer.alloc(64 * 1024, "x");
  let heldMost = 0;
  const url = await serve((_, response) => {
    let sent = 0;
    const source = Readable.from(
      (function* () {
        for (; sent < 160; sent++) {
          if (ingest.received.length === 0) heldMost = sent;
          yield block;
        }
      })(),
      { highWaterMark: 1 },
    );
    pipeline(source, response).catch(() => undefined);
  });
  const body = await (await fetch(`${url}/download`)).arrayBuffer();
  expect(body.byteLength).toBe(160 * block.length);
  expect(heldMost).toBeLessThan(40);
});

test("strict: what the application set does not leak into the 503, and its callbacks are called", async () => {
  open({ mode: "strict", strictTimeoutMs: 50 });
  ingest.behaviour = "error";
  let ended = false;
  const url = await serve((_, response) => {
    response.setHeader("set-cookie", "session=1");
    response.writeHead(201, "Made", { "x-secret": "1", "content-length": "4" });
    response.write("do");
    response.end("ne", () => {
      ended = true;
    });
  });
  const response = await fetch(`${url}/orders`, { method: "POST" });
  expect([
    response.status,
    response.headers.get("set-cookie"),
    response.headers.get("x-secret"),
  ]).toEqual([503, null, null]);
  expect(await response.json()).toMatchObject({ code: "ServiceUnavailableException" });
  await until("the callback is called", () => ended);
  expect(capture.counters.refused).toBe(1);
});

test("strict: a handler that asks sees what it has sent", async () => {
  open({ mode: "strict" });
  const seen: boolean[] = [];
  const url = await serve((_, response) => {
    seen.push(response.headersSent, response.writableEnded);
    response.writeHead(200);
    seen.push(response.headersSent, response.writableEnded);
    response.end("x");
    seen.push(response.headersSent, response.writableEnded);
  });
  await (await fetch(url)).text();
  expect(seen).toEqual([false, false, true, false, true, true]);
});

test("an Express router's mount point and middleware that answers early keep their names apart", async () => {
  open();
  const app = express();
  app.use(expressCapture<express.Request>(capture));
  const router = express.Router();
  router.get("/orders/:orderId", (request, response) => {
    if (request.query["fail"] !== undefined) throw new Error("broken");
    response.json({});
  });
  app.use("/tenants/:tenant", (request, response, next) => {
    if (request.query["blocked"] === undefined) next();
    else response.status(401).json({ error: "who are you?" });
  });
  app.use("/tenants/:tenant", router);
  app.use(((error: Error, _request, response, _next) =>
    response.status(500).json({ message: error.message })) as express.ErrorRequestHandler);
  const url = await listen(createServer(app));
  await fetch(`${url}/tenants/t-77/orders/5`);
  await fetch(`${url}/tenants/t-77/orders/5?fail`);
  await fetch(`${url}/tenants/t-77/orders/5?blocked`);
  expect(await capture.flush()).toBe(true);
  expect(ingest.named("GetTenantsByIdOrdersByOrderId")).toMatchObject([
    { requestParameters: { orderId: "5" } },
    { requestParameters: { orderId: "5", fail: "" }, errorMessage: "broken" },
  ]);
  expect(ingest.named("UnmatchedRoute")[0]).toMatchObject({
    errorCode: "UnauthorizedException",
    errorMessage: "who are you?",
    requestParameters: { path: "/tenants/t-77/orders/5" },
  });
});

test.each(["best-effort", "strict"] as const)(
  "%s: Fastify's hijacked replies and injected requests are recorded",
  async (mode) => {
    open({ mode });
    const server = fastify();
    await server.register(fastifyCapture, { capture });
    server.get("/hijacked", (_, reply) => {
      reply.hijack();
      reply.raw.end("by hand");
    });
    server.get("/injected", async () => ({ ok: true }));
    const url = await server.listen({ port: 0, host: "127.0.0.1" });
    stops.push(() => server.close());
    expect(await (await fetch(`${url}/hijacked`)).text()).toBe("by hand");
    expect((await server.inject("/injected")).json()).toEqual({ ok: true });
    await capture.flush();
    expect(ingest.stored.map((record) => record.eventName)).toEqual(["GetHijacked", "GetInjected"]);
  },
);

test("plain node: a JSON body is recorded as far as asked while the application reads it itself", async () => {
  open();
  let read = "";
  const url = await serve(
    (request, response) => {
      request.setEncoding("utf8").on("data", (chunk: string) => (read += chunk));
      request.on("end", () => response.end("ok"));
    },
    { requestBody: true },
  );
  const body = JSON.stringify({ name: "Bob", password: "pl4nted", list: [1, 2] });
  await fetch(`${url}/users`, {
    method: "POST",
    body,
    headers: { "content-type": "application/json" },
  });
  await capture.flush();
  expect(read).toBe(body);
  expect(ingest.received[0]?.["requestParameters"]).toEqual({
    name: "Bob",
    password: "HIDDEN_DUE_TO_SECURITY_REASONS",
    list: [1, 2],
  });
});

test("an OpenAPI document names the calls of any adapter", async () => {
  open({ openapi: { paths: { "/pets/{petId}": { get: { operationId: "showPetById" } } } } });
  const url = await serve((_, response) => response.end("cat"));
  await (await fetch(`${url}/pets/7?full=1`)).text();
  await capture.flush();
  expect(ingest.received[0]).toMatchObject({
    eventName: "ShowPetById",
    requestParameters: { petId: "7", full: "1" },
  });
});

test("a listener that throws behaves as without the capture", async () => {
  open();
  const failure = new Error("the application's own");
  const handler = captureHandler(() => {
    throw failure;
  }, capture);
  const server = createServer((request, response) => {
    try {
      handler(request, response);
    } catch (error) {
      response.statusCode = error === failure ? 500 : 599;
      response.end();
    }
  });
  const url = await listen(server);
  expect((await fetch(`${url}/x`)).status).toBe(500);
  await capture.flush();
  expect(ingest.received[0]).toMatchObject({ errorCode: "InternalFailure" });
});

test("functions that answer with a rejected promise, where none is waited for, end nothing", async () => {
  const rejected = (async () => Promise.reject(new Error("late"))) as never;
  open({ onError: rejected });
  const url = await serve((_, response) => response.end("ok"), {
    route: rejected,
    skip: rejected,
    resources: rejected,
    additionalEventData: rejected,
    eventName: rejected,
    identify: rejected,
  });
  expect(await (await fetch(`${url}/x`)).text()).toBe("ok");
  expect(await capture.flush()).toBe(true);
  expect(ingest.received[0]).toMatchObject({
    eventName: "GetX",
    userIdentity: { type: "Unknown" },
  });
});

test("a thousand calls pass while Cairn fails, and all are on record afterwards", async () => {
  open({ retry: { delayMsMin: 10, delayMsMax: 100 } });
  ingest.behaviour = "error";
  const url = await serve((_, response) => response.end("ok"), { eventName: "Call" });
  const statuses = new Set<number>();
  await Promise.all(
    Array.from({ length: 20 }, async () => {
      for (let call = 0; call < 50; call++) {
        const response = await fetch(`${url}/call`);
        await response.text();
        statuses.add(response.status);
      }
    }),
  );
  expect([...statuses]).toEqual([200]);
  ingest.behaviour = "accept";
  await until(
    "all arrived",
    () => ingest.stored.length === 1000,
    () => capture.counters,
  );
});
