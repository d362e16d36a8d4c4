// One call on its way through: to its upstream, back to its caller, and from there to the recorder.
//
//   client ──request──► Exchange ──► upstream        Both directions stream with back-pressure; a bounded copy of
//          ◄─response──          ◄──                 each body is kept for the recorder.
//                         │
//                         └─► settle(), exactly once: when the answer has passed, or when it is sure that none will
//
// Best-effort: the answer streams, and the recorder starts after its last byte has been handed over.
// Strict: the answer is held (up to a bound; of a longer one the last chunk) until the event is durable.
import type { ClientRequest, IncomingMessage, ServerResponse } from "node:http";
import type { Duplex } from "node:stream";
import { TLSSocket } from "node:tls";
import { isCairnError } from "../base/errors.ts";
import { gatewayCaptureBytesMax } from "../base/limits.ts";
import type { JsonObject } from "../event/json.ts";
import { answerError, type GatewayError, hopFailure, refusal } from "./answer.ts";
import { CallHead } from "./call-head.ts";
import { BodyCapture } from "./capture.ts";
import type { Door } from "./door.ts";
import type { FinishedCall } from "./finished-call.ts";
import { requestHeaders, responseHeaders, trailerPairs } from "./headers.ts";
import { largeBodyOf } from "./large-body.ts";
import type { Recorder } from "./recorder.ts";
import { relay } from "./relay.ts";
import type { Upstream } from "./upstream.ts";

/** Changes the body on its way to the upstream. Either throws to refuse it; the upstream then gets no whole request. */
export interface BodyFilter {
  push(chunk: Buffer): Buffer | undefined;
  end(): Buffer | undefined;
}

export interface Hop {
  upstream: Upstream;
  target: string;
  headers: string[];
  /** Left out: the body passes as it is. */
  filter?: BodyFilter;
  /** The whole body, where it has been read already. */
  body?: Buffer;
  /** The upstream speaks another protocol from here on. Left out: such an answer is a failure of the hop. */
  onSwitch?(answer: IncomingMessage, socket: Duplex, early: Buffer): void;
}

interface Answer {
  status: number;
  headers: readonly string[];
}

/** Upstreams may be asked again, on a fresh connection, for what changes nothing when it is done twice. */
const repeatable = new Set(["GET", "HEAD", "OPTIONS", "TRACE"]);
/** How long a client may keep sending what nobody reads any more. */
const lingerMs = 5000;

export class Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly head: CallHead;
  readonly arrivedMs: number;
  readonly #door: Door;
  readonly #requestCopy: BodyCapture | undefined;
  readonly #responseCopy: BodyCapture | undefined;
  #upstream: Upstream | undefined;
  #outgoing: ClientRequest | undefined;
  #answer: Answer | undefined;
  readonly #client: FinishedCall["client"];
  /** Somebody listens to the request's body. */
  #bodyTaken = false;
  #continued = false;
  #settled = false;
  #failure: GatewayError | undefined;
  /** Of an answer of the gateway's own, which its event has too. */
  #requestId: string | undefined;
  #completedMs = 0;
  #clientGone = false;

  constructor(door: Door, request: IncomingMessage, response: ServerResponse) {
    this.#door = door;
    this.request = request;
    this.response = response;
    this.head = CallHead.of(request);
    this.arrivedMs = door.clock.nowMs();
    // Read now: a connection that has been closed no longer says where it came from.
    const { socket } = request;
    this.#client = {
      address: socket.remoteAddress ?? "",
      ...(socket instanceof TLSSocket ? { tls: tlsDetails(socket, request.headers.host) } : {}),
    };
    if (door.recorder !== undefined) {
      this.#requestCopy = new BodyCapture(door.budget, gatewayCaptureBytesMax, () =>
        largeBodyOf(this.head, () => door.signerOf(this.head)),
      );
      this.#responseCopy = new BodyCapture(door.budget, gatewayCaptureBytesMax);
    }
    response.sendDate = false;
    request.on("error", () => {
      // A client that goes away is noticed once, at the response's close.
    });
    response.on("error", () => {
      // The same.
    });
    response.once("close", () => this.#onClose());
  }

  get clientGone(): boolean {
    return this.#clientGone;
  }

  /** Passes the call on as it came. */
  pass(upstream: Upstream): void {
    this.send(this.unchangedHop(upstream));
  }

  unchangedHop(upstream: Upstream): Hop {
    const { head, request } = this;
    const isSigned = (name: string) => head.isSigned(name);
    const headers = requestHeaders(head.method, request.rawHeaders, isSigned);
    // Only an HTTP/1.0 client may leave it out; we speak 1.1 to the upstream.
    if (request.headers.host === undefined) headers.push("Host", upstream.authority);
    return { upstream, target: head.target, headers };
  }

  send(hop: Hop, again = false): void {
    const { request, response } = this;
    this.#upstream = hop.upstream;
    let outgoing: ClientRequest;
    try {
      outgoing = hop.upstream.dial(
        { method: this.head.method, target: hop.target, headers: hop.headers },
        this.#door.clock,
        this.#door.timeouts,
      );
    } catch (error) {
      // Bytes that our parser lets through and our writer does not.
      this.#door.log.debug({ err: error }, "a request head cannot be passed on");
      this.#door.counters.malformed++;
      this.fail({
        status: 400,
        code: "BadRequest",
        message: "Cairn gateway: the request head holds characters that HTTP does not allow.",
      });
      return;
    }
    this.#outgoing = outgoing;
    outgoing.on("continue", () => this.sendContinue());
    outgoing.on("information", ({ statusCode }) => {
      if (statusCode === 102 && !response.headersSent) response.writeProcessing();
    });
    if (hop.onSwitch !== undefined) {
      outgoing.on("upgrade", (answer, socket, early) => {
        this.#settled = true;
        this.#drop();
        this.#door.counters.upgrades++;
        hop.onSwitch?.(answer, socket, early);
      });
    }
    outgoing.on("response", (incoming) => this.#onResponse(incoming));
    outgoing.on("error", (error: NodeJS.ErrnoException) => {
      const stale =
        outgoing.reusedSocket && (error.code === "ECONNRESET" || error.code === "EPIPE");
      if (
        stale &&
        !again &&
        repeatable.has(this.head.method) &&
        !hasBody(request) &&
        !this.#settled
      ) {
        this.send(hop, true);
        return;
      }
      this.#onHopError(error);
    });
    if (hop.body !== undefined) outgoing.end(hop.body);
    else if (!hasBody(request)) {
      this.#readRest();
      outgoing.end();
    } else this.#sendBody(outgoing, hop.filter);
  }

  /** Answers with an error of the gateway's own, and records the call with it. */
  fail(error: GatewayError): void {
    this.#readRest();
    this.#settle(error, () => this.#answerWith(error));
  }

  /** The same for a refusal; anything but a CairnError is a bug of ours, or the registry's being away. */
  refuse(error: unknown): void {
    const { counters, log } = this.#door;
    if (isCairnError(error) && error.kind === "caller") {
      counters.refused++;
      this.fail(refusal(error, this.#door.protocolOf(this.head)));
      return;
    }
    log.error({ err: error }, "a call could not be passed on");
    this.fail({
      status: 500,
      code: "InternalFailure",
      message: "Cairn gateway: the call could not be passed on; the gateway's log says why.",
    });
  }

  /** Tells a client that waits with its body to send it. */
  sendContinue(): void {
    if (this.#continued || this.response.headersSent) return;
    this.#continued = true;
    this.response.writeContinue();
  }

  /** What has been read of the body before it was sent on: the copy for the recorder. */
  noteBody(body: Buffer): void {
    this.#bodyTaken = true;
    this.#requestCopy?.push(body);
    this.#requestCopy?.end();
  }

  /** A body that goes nowhere is read all the same: in some protocols only it names the operation. */
  #readRest(): void {
    const { request } = this;
    if (!this.#bodyTaken) {
      this.#bodyTaken = true;
      const copy = this.#requestCopy;
      request.on("data", (chunk: Buffer) => copy?.push(chunk));
      request.on("end", () => copy?.end());
    }
    request.resume();
  }

  #sendBody(outgoing: ClientRequest, filter: BodyFilter | undefined): void {
    const { request } = this;
    this.#bodyTaken = true;
    const copy = this.#requestCopy;
    let isRefused = false;
    const guarded = (filtering: () => Buffer | undefined): Buffer | undefined => {
      if (isRefused) return undefined;
      try {
        return filtering();
      } catch (error) {
        isRefused = true;
        outgoing.destroy();
        this.refuse(error);
        return undefined;
      }
    };
    relay(request, outgoing, {
      onChunk: (chunk) => {
        copy?.push(chunk);
        return filter === undefined ? chunk : guarded(() => filter.push(chunk));
      },
      onEnd: () => {
        copy?.end();
        const last = filter === undefined ? undefined : guarded(() => filter.end());
        if (outgoing.destroyed) return;
        if (request.rawTrailers.length > 0) outgoing.addTrailers(trailerPairs(request.rawTrailers));
        if (last === undefined) outgoing.end();
        else outgoing.end(last);
      },
    });
    // The head goes out with the first chunk; a client that waits before its body must not wait for ever.
    setImmediate(() => {
      if (!outgoing.destroyed) outgoing.flushHeaders();
    });
    outgoing.once("close", () => {
      // Nobody reads the rest of the upload: it runs dry, for a while.
      if (request.complete || this.#clientGone) return;
      this.#door.clock.after(lingerMs, () => {
        if (!request.complete) request.socket.destroy();
      });
    });
  }

  #onResponse(incoming: IncomingMessage): void {
    const { request, response } = this;
    const status = incoming.statusCode ?? 502;
    this.#answer = { status, headers: incoming.rawHeaders };
    incoming.on("error", (error) => this.#onHopError(error));
    if (this.#settled) {
      incoming.resume();
      return;
    }
    const writeHead = () => {
      const headers = responseHeaders(incoming.rawHeaders, {
        httpVersion: request.httpVersion,
        status,
      });
      response.writeHead(status, incoming.statusMessage ?? "", headers);
    };
    if (this.#door.strict) this.#relayHeld(incoming, writeHead);
    else this.#relayAtOnce(incoming, writeHead);
  }

  #relayAtOnce(incoming: IncomingMessage, writeHead: () => void): void {
    const { response } = this;
    const copy = this.#responseCopy;
    try {
      writeHead();
    } catch (error) {
      this.#onHopError(error);
      return;
    }
    relay(incoming, response, {
      onChunk: (chunk) => {
        copy?.push(chunk);
        return chunk;
      },
      onEnd: () => {
        copy?.end();
        addTrailers(response, incoming);
        response.end();
        this.#settle(undefined, undefined);
      },
    });
  }

  #relayHeld(incoming: IncomingMessage, writeHead: () => void): void {
    const { response } = this;
    const copy = this.#responseCopy;
    let held: Buffer[] = [];
    let heldBytes = 0;
    relay(incoming, response, {
      onChunk: (chunk) => {
        copy?.push(chunk);
        held.push(chunk);
        heldBytes += chunk.length;
        if (heldBytes <= gatewayCaptureBytesMax) return undefined;
        // Too long to hold: all but the last chunk goes, and without that one no client takes the answer for whole.
        if (!response.headersSent) {
          try {
            writeHead();
          } catch (error) {
            this.#onHopError(error);
            return undefined;
          }
        }
        const ready = held.slice(0, -1);
        held = held.slice(-1);
        heldBytes = chunk.length + gatewayCaptureBytesMax;
        return ready.length === 1 ? ready[0] : Buffer.concat(ready);
      },
      onEnd: () => {
        copy?.end();
        this.#settle(undefined, () => {
          if (!response.headersSent) writeHead();
          for (const chunk of held) response.write(chunk);
          addTrailers(response, incoming);
          response.end();
        });
      },
    });
  }

  #onHopError(error: unknown): void {
    if (this.#settled) return;
    const failure = hopFailure(this.#upstream, error);
    this.#door.counters.failedHops++;
    this.#door.log.warn(
      { err: error, upstream: this.#upstream?.target.url.origin },
      "a hop failed",
    );
    this.#outgoing?.destroy();
    this.#readRest();
    this.#settle(failure, () => this.#answerWith(failure));
  }

  #onClose(): void {
    if (this.response.writableFinished) return;
    this.#clientGone = true;
    this.#outgoing?.destroy();
    this.#settle(
      // An answer that has begun says what the upstream did; without one, nobody knows.
      this.#answer === undefined
        ? {
            status: 499,
            code: "ClientDisconnected",
            message: "The client closed its connection before the answer.",
          }
        : undefined,
      undefined,
    );
  }

  #answerWith(failure: GatewayError): void {
    const { response } = this;
    if (response.destroyed) return;
    if (response.headersSent) {
      // Too late for words: a cut connection is how HTTP says that an answer is not whole.
      response.destroy();
      return;
    }
    const requestId = (this.#requestId ??= this.#door.random.uuid());
    answerError(response, failure, this.#door.protocolOf(this.head), requestId);
  }

  /** Records the call, once. `release` lets the answer go: in strict mode when the event is durable, else at once. */
  #settle(failure: GatewayError | undefined, release: (() => void) | undefined): void {
    if (this.#settled) return;
    this.#settled = true;
    const { clock, random, recorder, strict } = this.#door;
    this.#completedMs = clock.nowMs();
    this.#failure = failure;
    if (failure !== undefined && !this.response.headersSent) this.#requestId = random.uuid();
    if (recorder === undefined || !strict) {
      release?.();
      if (recorder === undefined) return;
      const ends = this.#requestEnds();
      const record = () => {
        recorder.recordSoon(this.#finished(), this.head);
        this.#drop();
      };
      if (ends === undefined) record();
      else recorder.recordWhen(ends, record);
      return;
    }
    // Where the upstream has answered, it may be the answer that the client waits for before it sends on.
    const ends = failure === undefined ? undefined : this.#requestEnds();
    void this.#recordDurably(recorder, release, ends);
  }

  /** The request has come whole, or never will. Undefined: it has already. */
  #requestEnds(): Promise<void> | undefined {
    const { request } = this;
    const { socket } = request;
    if (request.readableEnded || request.destroyed || socket.destroyed || !hasBody(request)) {
      return undefined;
    }
    // A client that asked first and was refused sends nothing.
    if (request.headers.expect !== undefined && !this.#continued) return undefined;
    return new Promise((resolve) => {
      // node:http tells a request that has been answered nothing of its connection's end.
      const ends = () => {
        socket.off("close", ends);
        resolve();
      };
      socket.once("close", ends);
      request.once("end", ends);
      request.once("close", ends);
    });
  }

  async #recordDurably(
    recorder: Recorder,
    release: (() => void) | undefined,
    ready: Promise<void> | undefined,
  ): Promise<void> {
    try {
      await ready;
      await recorder.recordDurably(this.#finished(), this.head);
    } catch (error) {
      this.#door.log.error(
        { err: error },
        "an answer is withheld: its event could not be made durable",
      );
      this.#answerWith({
        status: 503,
        code: "ServiceUnavailable",
        message:
          "Cairn gateway: the call was passed on, but its event could not be made durable (capture mode strict).",
      });
      return;
    } finally {
      this.#drop();
    }
    try {
      release?.();
    } catch (error) {
      // An answer whose head cannot be written: only a cut connection is left to say so.
      this.#door.log.error({ err: error }, "an answer cannot be passed on");
      this.response.destroy();
    }
  }

  #finished(): FinishedCall {
    const answer = this.#answer;
    const failure = this.#failure;
    return {
      head: this.head.wire,
      client: this.#client,
      upstream: {
        region: this.#upstream?.target.region,
        accountId: this.#upstream?.target.accountId,
      },
      arrivedMs: this.arrivedMs,
      completedMs: this.#completedMs,
      requestBody: this.#requestCopy?.body(),
      ...this.#requestCopy?.largeBodyFindings(),
      requestId: this.#requestId,
      failure: failure === undefined ? undefined : { code: failure.code, message: failure.message },
      response:
        answer === undefined
          ? undefined
          : {
              status: answer.status,
              rawHeaders: answer.headers,
              body: this.#responseCopy?.body(),
            },
    };
  }

  #drop(): void {
    this.#requestCopy?.release();
    this.#responseCopy?.release();
  }
}

/** The members of `tlsDetails` that the connection shows. */
function tlsDetails(socket: TLSSocket, host: string | undefined): JsonObject {
  return {
    tlsVersion: socket.getProtocol() ?? "",
    cipherSuite: socket.getCipher().standardName,
    ...(host === undefined ? {} : { clientProvidedHostHeader: host }),
  };
}

export function hasBody(request: IncomingMessage): boolean {
  const length = request.headers["content-length"];
  return (length !== undefined && length !== "0") || "transfer-encoding" in request.headers;
}

function addTrailers(response: ServerResponse, incoming: IncomingMessage): void {
  if (incoming.rawTrailers.length > 0) response.addTrailers(trailerPairs(incoming.rawTrailers));
}
