// The capture gateway: a reverse proxy on its own port that records what passes.
//
// It forwards first and thinks later: routing needs at most the head, and who called what is found out after the
// answer has gone. See docs/guides/gateway.md for what it does, docs/decisions/0001-gateway-transport.md for how.
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { createServer as createSecureServer } from "node:https";
import type { AddressInfo, Socket } from "node:net";
import type { Duplex } from "node:stream";
import type { Clock } from "../base/clock.ts";
import { CairnError } from "../base/errors.ts";
import type { Log } from "../base/log.ts";
import type { Random } from "../base/random.ts";
import { describeCall } from "../catalog/describe.ts";
import type { Authorizer } from "../directory/authorize.ts";
import type { Directory } from "../directory/directory.ts";
import type { Ingest } from "../ingest/ingest.ts";
import { protocolOf } from "./answer.ts";
import { CallHead } from "./call-head.ts";
import { Callers } from "./caller.ts";
import { CaptureBudget } from "./capture.ts";
import type { CatalogReader, ServiceName } from "./catalog-reader.ts";
import { type Counters, zeroCounters } from "./counters.ts";
import type { Door } from "./door.ts";
import { Exchange } from "./exchange.ts";
import { isRepeated } from "./headers.ts";
import { createPermit, type Permit } from "./permit.ts";
import { permittedHop } from "./permitted-hop.ts";
import { signedHop } from "./re-sign.ts";
import { Recorder, type RecorderOptions } from "./recorder.ts";
import { isWebSocket, passUpgrade, responseOn, serveWithoutUpgrade } from "./upgrade.ts";
import { headBytesMax, type Upstream, Upstreams, type UpstreamTargets } from "./upstream.ts";

export interface GatewayTimeouts {
  /** Until the connection to the upstream stands. */
  connectMs: number;
  /** Without a byte from or to the upstream. As long as the slowest call may think. */
  upstreamIdleMs: number;
  /** For the head of a request to come in whole. */
  headMs: number;
  /** Without a byte from or to the client, while it is its turn. */
  clientIdleMs: number;
  /** A connection without a request. */
  keepAliveMs: number;
}

export interface GatewayOptions {
  host: string;
  /** 0 takes a free one. */
  port: number;
  /** Left out: plain HTTP. */
  tls?: { key: string | Buffer; cert: string | Buffer };
  upstreams: UpstreamTargets;
  catalog: CatalogReader;
  /** Left out: the catalog's. */
  describe?: typeof describeCall;
  directory: Pick<Directory, "findKey" | "firstAccountId"> & Partial<Pick<Directory, "noteUse">>;
  ingest: Pick<Ingest, "enqueue" | "record">;
  clock: Clock;
  random: Random;
  log: Log;
  captureMode: "best-effort" | "strict";
  /** Best-effort events are made on a thread of their own; left out: on this one. */
  thread?: RecorderOptions["thread"];
  /** What becomes of a request signed with a key that the directory does not know, or with a token that is not good. */
  unknownKeys: "record" | "refuse";
  /** Asked whether the caller may, before a call is passed on. Left out: callers are identified and recorded. */
  authorizer?: Authorizer | undefined;
  /** Of calls that carry none. */
  region: string;
  /** Of calls without a verified caller; left out: the directory's first. */
  accountId?: string;
  /** `X-Forwarded-For` is believed. */
  trustProxy?: boolean;
  /** False: a proxy and nothing more. */
  recording?: boolean;
  timeouts?: Partial<GatewayTimeouts>;
}

export interface Gateway {
  readonly port: number;
  readonly counters: Readonly<Counters>;
  /** Waits until the calls that have been answered are handed over to be recorded. */
  settled(): Promise<void>;
  /** Refuses new connections, lets calls under way end (for a while), hands over their events. */
  close(): Promise<void>;
}

const defaultTimeouts: GatewayTimeouts = {
  connectMs: 10_000,
  // The longest call that AWS documents is a Lambda invocation of 15 minutes.
  upstreamIdleMs: 15 * 60_000,
  headMs: 60_000,
  clientIdleMs: 120_000,
  // Longer than clients keep a pooled connection, so that it is they who close it.
  keepAliveMs: 75_000,
};
/** Copies of bodies under way, all calls together. Beyond it calls are recorded without their parameters. */
const captureBudgetBytes = 256 * 1024 * 1024;
const closeGraceMs = 5000;

export async function startGateway(options: GatewayOptions): Promise<Gateway> {
  const gateway = new RunningGateway(options);
  await gateway.listen();
  return gateway;
}

class RunningGateway implements Gateway {
  readonly counters: Counters = zeroCounters();
  readonly #options: GatewayOptions;
  readonly #timeouts: GatewayTimeouts;
  readonly #upstreams: Upstreams;
  readonly #callers: Callers;
  readonly #permit: Permit | undefined;
  readonly #door: Door;
  readonly #server: Server;
  readonly #switched = new Set<Duplex>();
  /** Exchanges that a client's idle time is not counted for: it is the upstream's turn. */
  readonly #waiting = new WeakMap<Socket, Exchange>();

  constructor(options: GatewayOptions) {
    this.#options = options;
    this.#timeouts = { ...defaultTimeouts, ...options.timeouts };
    checkTargets(options.upstreams);
    this.#upstreams = new Upstreams(options.upstreams);
    this.#callers = new Callers(options.directory);
    const { authorizer, catalog, region, trustProxy = false } = options;
    this.#permit =
      authorizer === undefined
        ? undefined
        : createPermit({ authorizer, catalog, region, trustProxy });
    const { clock, random, log } = options;
    const recorder =
      options.recording === false
        ? undefined
        : new Recorder({
            ...options,
            describe: options.describe ?? describeCall,
            callers: this.#callers,
            counters: this.counters,
            accountId: options.accountId ?? options.directory.firstAccountId,
            trustProxy: options.trustProxy ?? false,
          });
    this.#door = {
      clock,
      random,
      log,
      counters: this.counters,
      budget: new CaptureBudget(captureBudgetBytes),
      timeouts: { connectMs: this.#timeouts.connectMs, idleMs: this.#timeouts.upstreamIdleMs },
      recorder,
      strict: recorder !== undefined && options.captureMode === "strict",
      signerOf: (head) => this.#callers.signerOf(head, head.foundKey),
      protocolOf: (head) => this.#serviceOf(head)?.protocol ?? protocolOf(head.headers),
    };
    this.#server = this.#makeServer();
  }

  get port(): number {
    return (this.#server.address() as AddressInfo | null)?.port ?? 0;
  }

  listen(): Promise<void> {
    if (this.#upstreams.dependOnService) this.#options.catalog.prepare?.();
    return new Promise((resolve, reject) => {
      this.#server.once("error", reject);
      this.#server.listen(this.#options.port, this.#options.host, () => {
        this.#server.off("error", reject);
        resolve();
      });
    });
  }

  async settled(): Promise<void> {
    await this.#door.recorder?.settled();
  }

  async close(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    this.#server.closeIdleConnections();
    for (const socket of this.#switched) socket.destroy();
    const grace = this.#options.clock.after(closeGraceMs, () => this.#server.closeAllConnections());
    await closed;
    grace.cancel();
    this.#upstreams.close();
    await this.#door.recorder?.close();
  }

  #makeServer(): Server {
    const { tls } = this.#options;
    const settings = { maxHeaderSize: headBytesMax, keepAliveTimeout: this.#timeouts.keepAliveMs };
    const server =
      tls === undefined ? createServer(settings) : createSecureServer({ ...settings, ...tls });
    server.headersTimeout = this.#timeouts.headMs;
    // A large upload may take as long as it flows: idle time is what is bounded.
    server.requestTimeout = 0;
    server.timeout = this.#timeouts.clientIdleMs;
    // No header is dropped for there being many; their bytes are bounded.
    server.maxHeadersCount = 0;
    const serve = (request: IncomingMessage, response: ServerResponse) => {
      this.#serve(request, response);
    };
    server.on("request", serve);
    // With a listener, node:http leaves the 100 to the upstream, and any other expectation too.
    server.on("checkContinue", serve);
    server.on("checkExpectation", serve);
    server.on("upgrade", (request, socket, rest) => this.#upgrade(request, socket, rest));
    server.on("connect", (_request, socket) => {
      socket.end(
        "HTTP/1.1 405 Method Not Allowed\r\nConnection: close\r\nContent-Length: 0\r\n\r\n",
      );
    });
    server.on("timeout", (socket) => {
      if (!this.#waiting.has(socket)) socket.destroy();
    });
    server.on("clientError", (error, socket) => this.#answerMalformed(error, socket));
    return server;
  }

  #serve(request: IncomingMessage, response: ServerResponse): void {
    this.counters.requests++;
    const exchange = new Exchange(this.#door, request, response);
    const { socket } = request;
    const beginWaiting = () => this.#waiting.set(socket, exchange);
    if (request.complete) beginWaiting();
    else request.once("end", beginWaiting);
    response.once("close", () => {
      this.#waiting.delete(socket);
      // Once closing, no connection stays for a next request.
      if (!this.#server.listening) setImmediate(() => this.#server.closeIdleConnections());
    });
    this.#forward(exchange);
    this.#lookUpCaller(exchange);
  }

  /** After the call is on its way: the answer takes longer than this. */
  #lookUpCaller({ head }: Exchange): void {
    if (this.#door.recorder !== undefined) void this.#callers.lookUp(head);
  }

  #forward(exchange: Exchange): void {
    const { head } = exchange;
    if (isRepeated(head.rawHeaders, "x-amz-target")) {
      this.counters.refused++;
      exchange.fail(ambiguous);
      return;
    }
    const upstream = this.#route(head);
    if (upstream === undefined) {
      exchange.fail(this.#noUpstream(head));
      return;
    }
    if (upstream.target.mode === "re-sign" || this.#permit !== undefined)
      void this.#forwardVerified(exchange, upstream);
    else this.#admit(exchange, () => exchange.pass(upstream));
  }

  /** Lets a call in, at once or, where unknown keys are refused, when its key is found. */
  #admit(exchange: Exchange, enter: () => void): void {
    const { accessKeyId } =
      this.#options.unknownKeys === "refuse" ? exchange.head.claims : { accessKeyId: undefined };
    if (accessKeyId === undefined) {
      enter();
      return;
    }
    void this.#admitKnown(exchange, enter);
  }

  async #admitKnown(exchange: Exchange, enter: () => void): Promise<void> {
    try {
      const refusal = await this.#callers.refusalOf(exchange.head);
      if (refusal !== undefined) throw refusal;
      if (!exchange.clientGone) enter();
    } catch (error) {
      exchange.refuse(error);
    }
  }

  async #forwardVerified(exchange: Exchange, upstream: Upstream): Promise<void> {
    try {
      const { catalog, clock } = this.#options;
      const permit = this.#permit;
      const callers = this.#callers;
      const hop =
        permit === undefined || upstream.target.mode === "re-sign"
          ? await signedHop(exchange, upstream, { catalog, callers, clock, permit })
          : await permittedHop(exchange, upstream, { catalog, callers, permit });
      if (!exchange.clientGone) exchange.send(hop);
    } catch (error) {
      if (!exchange.clientGone) exchange.refuse(error);
    }
  }

  #upgrade(request: IncomingMessage, socket: Duplex, rest: Buffer): void {
    socket.on("error", () => socket.destroy());
    const upstream = isWebSocket(request) ? this.#route(CallHead.of(request)) : undefined;
    // A WebSocket's frames are not signed, so that re-signing has nothing to offer it, and policies nothing to say of it.
    const isVerified = upstream?.target.mode === "re-sign" || this.#permit !== undefined;
    if (upstream === undefined || isVerified) {
      const event = this.#options.tls === undefined ? "connection" : "secureConnection";
      serveWithoutUpgrade(this.#server, event, request, socket, rest);
      return;
    }
    this.counters.requests++;
    const exchange = new Exchange(this.#door, request, responseOn(socket, request));
    const track = (ends: readonly Duplex[]) => {
      for (const end of ends) {
        this.#switched.add(end);
        end.once("close", () => this.#switched.delete(end));
      }
    };
    this.#admit(exchange, () => passUpgrade(exchange, upstream, socket, rest, track));
    this.#lookUpCaller(exchange);
  }

  #route(head: CallHead): Upstream | undefined {
    if (!this.#upstreams.dependOnService) return this.#upstreams.find(undefined);
    return this.#upstreams.find(this.#serviceOf(head)?.id);
  }

  #serviceOf(head: CallHead): ServiceName | undefined {
    try {
      return this.#options.catalog.identifyService(head.requestHead);
    } catch (error) {
      this.counters.recordingErrors++;
      this.#options.log.error({ err: error }, "the service of a call could not be identified");
      return undefined;
    }
  }

  #noUpstream(head: CallHead) {
    const id = this.#serviceOf(head)?.id;
    const what = id === undefined ? "this request" : `the service "${id}"`;
    const how =
      id === undefined
        ? "set --gateway-upstream (CAIRN_GATEWAY_UPSTREAM)"
        : `set gateway.upstreams.${id} in the config file, or --gateway-upstream (CAIRN_GATEWAY_UPSTREAM) for every service`;
    return {
      // No SDK tries this again, as each does with a 503; and none takes it for an answer about the resource, as a 404,
      // or for an endpoint to discover anew, as a 421.
      status: 400,
      code: "UpstreamNotConfigured",
      message: `Cairn gateway: no upstream is configured for ${what}: ${how}.`,
    };
  }

  #answerMalformed(error: NodeJS.ErrnoException, socket: Duplex): void {
    if (error.code === "ECONNRESET" || !socket.writable) {
      socket.destroy();
      return;
    }
    this.counters.malformed++;
    const status =
      error.code === "HPE_HEADER_OVERFLOW"
        ? "431 Request Header Fields Too Large"
        : error.code === "ERR_HTTP_REQUEST_TIMEOUT"
          ? "408 Request Timeout"
          : "400 Bad Request";
    const body = `Cairn gateway: ${status.slice(4)}.\n`;
    socket.end(
      `HTTP/1.1 ${status}\r\nServer: cairn-gateway\r\nConnection: close\r\nContent-Type: text/plain\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
      () => socket.destroy(),
    );
  }
}

/** One server takes the first, another the last: what went through would not be what was recorded. */
const ambiguous = {
  status: 400,
  code: "BadRequest",
  message:
    "Cairn gateway: X-Amz-Target is repeated, so that nobody can say which operation is meant.",
};

function checkTargets({ services }: UpstreamTargets): void {
  for (const [id, target] of Object.entries(services)) {
    if (target.mode === "re-sign" && target.credentials === undefined) {
      throw new CairnError(
        "InvalidConfiguration",
        `gateway.upstreams.${id}: mode re-sign needs access-key-id and secret-access-key`,
      );
    }
  }
}
