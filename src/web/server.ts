// The HTTP server behind the main port: one port, three faces.
//
// The service in the signature's credential scope decides first: `cairn` is the event API (/v1), every other service
// is the AWS door. Unsigned requests reach only /health, from this machine /metrics, and what the AWS door takes
// another proof for.
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { createServer as createTlsServer } from "node:https";
import type { AddressInfo, Socket } from "node:net";
import Fastify, { type FastifyInstance, type FastifyReply } from "fastify";
import type { Registry as MetricsRegistry } from "prom-client";
import { assert } from "../base/assert.ts";
import type { Clock } from "../base/clock.ts";
import { awsBodyBytesMax } from "../base/limits.ts";
import type { Log } from "../base/log.ts";
import type { Random } from "../base/random.ts";
import { readBody } from "./body.ts";
import { errorAnswer } from "./errors.ts";
import {
  claimedService,
  type HttpRequest,
  type HttpResponse,
  httpRequest,
} from "./http-request.ts";
import { routeActions } from "./route-actions.ts";

export interface WebOptions {
  host: string;
  port: number;
  tls?: { cert: Buffer; key: Buffer };
  trustProxy: boolean;
  /** A client that has not sent its headers, and then its whole request, by then is cut off. Shorter in tests. */
  headersTimeoutMs?: number;
  requestTimeoutMs?: number;
  /** TLS ends in front of us: no address is this machine's then. */
  behindProxy: boolean;
  /** Answers everything that is signed for an AWS service, and says what is wrong with what is not signed. */
  aws: {
    handle(request: HttpRequest): Promise<HttpResponse>;
    /** When the request could not even be read whole. */
    refuse(request: HttpRequest, error: unknown): HttpResponse;
  };
  /** Adds the /v1 routes. */
  routes(web: FastifyInstance): void;
  /** Undefined: ready. Otherwise why not. */
  health(): string | undefined;
  metrics: MetricsRegistry;
  clock: Clock;
  random: Random;
  log: Log;
}

export interface Web {
  /** `http://127.0.0.1:4780` */
  url: string;
  /** Stops accepting, waits for answers under way up to `graceMs`, then cuts the rest. */
  close(graceMs: number): Promise<void>;
}

/** Node's own limit is 16 KiB; presigned URLs and session tokens come near it. */
const headerBytesMax = 32 * 1024;

export async function startWeb(options: WebOptions): Promise<Web> {
  let server: Server | undefined;
  /** What is there, and by which methods. */
  const methods = new Map<string, string[]>();
  const fastify = Fastify({
    genReqId: () => options.random.uuid(),
    // HEAD would run a whole search for nothing.
    exposeHeadRoutes: false,
    forceCloseConnections: "idle",
    frameworkErrors: (error, request, reply) => {
      const body = { code: "ValidationFailed", message: error.message, requestId: request.id };
      // Its types know no more than that some reply comes in.
      void (reply as unknown as FastifyReply).status(error.statusCode ?? 400).send(body);
    },
    clientErrorHandler: (error, socket) => answerUnreadable(options, error, socket),
    serverFactory(handler) {
      const listener = (request: IncomingMessage, response: ServerResponse) => {
        const service = claimedService(request);
        const isOurs =
          service === "cairn" || (service === undefined && isOpenPath(request.url ?? ""));
        if (isOurs) handler(request, response);
        else void answerAws(options, request, response);
      };
      const {
        headersTimeoutMs: headersTimeout = 30_000,
        requestTimeoutMs: requestTimeout = 300_000,
      } = options;
      const limits = {
        maxHeaderSize: headerBytesMax,
        headersTimeout,
        requestTimeout,
        connectionsCheckingInterval: Math.min(10_000, headersTimeout),
      };
      server =
        options.tls === undefined
          ? createServer(limits, listener)
          : createTlsServer({ ...limits, ...options.tls }, listener);
      return server;
    },
  });
  // Bodies are read by the routes themselves: each has its own limit, and the signature covers the bytes as sent.
  fastify.removeAllContentTypeParsers();
  fastify.addContentTypeParser("*", (_request, _payload, done) => done(null));
  fastify.setErrorHandler((error, request, reply) => {
    if (request.raw.socket.destroyed) {
      options.log.debug({ err: error, requestId: request.id }, "the client has gone");
      return reply;
    }
    const answer = errorAnswer(error, request.id);
    if (answer.status >= 500)
      options.log.error({ err: error, requestId: request.id }, "request failed");
    return reply.status(answer.status).send(answer.body);
  });
  fastify.addHook("onRoute", ({ method, url }) => {
    methods.set(url, [...(methods.get(url) ?? []), ...[method].flat()]);
    for (const each of [method].flat()) {
      const isAsked = !url.startsWith("/v1/") || routeActions.has(`${each} ${url}`);
      assert(isAsked, `${each} ${url} says what its caller needs`);
    }
  });
  fastify.setNotFoundHandler((request, reply) => {
    const path = request.url.split("?")[0] ?? "";
    const allowed = allowedMethods(methods, path);
    const requestId = request.id;
    if (allowed !== undefined) {
      const message = `${path} does not take ${request.method}, only ${allowed}`;
      const body = { code: "MethodNotAllowed", message, requestId };
      return reply.status(405).header("allow", allowed).send(body);
    }
    const message = `no ${request.method} ${path} here`;
    return reply.status(404).send({ code: "NotFound", message, requestId });
  });
  fastify.route({
    // HEAD is what some load balancers ask.
    method: ["GET", "HEAD"],
    url: "/health",
    handler(_request, reply) {
      const reason = options.health();
      return reply.status(reason === undefined ? 200 : 503).send({ status: reason ?? "ok" });
    },
  });
  fastify.get("/metrics", async (request, reply) => {
    // Behind a proxy on this machine every caller seems to be here.
    const isForwarded = ["x-forwarded-for", "forwarded"].some((name) => name in request.headers);
    const isHere = isLoopbackAddress(request.raw.socket.remoteAddress ?? "");
    if (!isHere || isForwarded || options.behindProxy) {
      return reply.status(403).send({
        code: "AccessDenied",
        message: "/metrics answers this machine only",
        requestId: request.id,
      });
    }
    return reply.type(options.metrics.contentType).send(await options.metrics.metrics());
  });
  options.routes(fastify);
  await fastify.listen({ host: options.host, port: options.port });
  const port = (fastify.server.address() as AddressInfo).port;
  const host = options.host.includes(":") ? `[${options.host}]` : options.host;
  return {
    url: `${options.tls === undefined ? "http" : "https"}://${host}:${port}`,
    async close(graceMs) {
      const cut = options.clock.after(graceMs, () => server?.closeAllConnections());
      await fastify.close();
      cut.cancel();
    },
  };
}

/** What is no HTTP, or too large a head of it, gets its answer before there is a request. */
function answerUnreadable(options: WebOptions, error: NodeJS.ErrnoException, socket: Socket): void {
  if (error.code === "ECONNRESET" || !socket.writable) return;
  const [status, message] =
    error.code === "HPE_HEADER_OVERFLOW"
      ? [
          "431 Request Header Fields Too Large",
          `the head of the request is larger than ${headerBytesMax} bytes`,
        ]
      : error.code === "ERR_HTTP_REQUEST_TIMEOUT"
        ? ["408 Request Timeout", "the request did not come in whole in time"]
        : ["400 Bad Request", "this is no HTTP request"];
  const body = JSON.stringify({
    code: "ValidationFailed",
    message,
    requestId: options.random.uuid(),
  });
  socket.end(
    `HTTP/1.1 ${status}\r\nconnection: close\r\ncontent-type: application/json\r\ncontent-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
  );
}

/** `GET, POST`; undefined: there is nothing at that path. */
function allowedMethods(
  methods: ReadonlyMap<string, readonly string[]>,
  path: string,
): string | undefined {
  for (const [pattern, allowed] of methods) {
    const isThere = new RegExp(`^${pattern.replaceAll(/:[a-z]+/gi, "[^/]+")}$`).test(path);
    if (isThere) return allowed.toSorted().join(", ");
  }
  return undefined;
}

function isOpenPath(url: string): boolean {
  return /^\/(v1\/|health(\?|$)|metrics(\?|$))/.test(url);
}

function isLoopbackAddress(address: string): boolean {
  return address === "::1" || /^(::ffff:)?127\./.test(address);
}

async function answerAws(
  options: WebOptions,
  message: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const head = httpRequest(message, Buffer.alloc(0), options.trustProxy);
  let answer: HttpResponse;
  try {
    const { bytes } = await readBody(message, awsBodyBytesMax);
    answer = await options.aws.handle({ ...head, body: bytes });
  } catch (error) {
    // The client went away in the middle: there is nobody to answer.
    if (message.destroyed && !message.complete) return;
    answer = options.aws.refuse(head, error);
    // What is left of an oversized body is not read: the connection cannot be used again.
    response.setHeader("connection", "close");
  }
  response.writeHead(answer.status, answer.headers);
  response.end(answer.body);
}
