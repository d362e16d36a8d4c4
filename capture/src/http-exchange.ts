// Watches one request and response of node:http, for every adapter that stands on it.
//
// Best effort only listens. Strict holds what the application writes until the event is durable:
//
//   holding ──(end, 1 MiB held, 250 ms after the first byte, flushHeaders)──► waiting ──► open: all held is written
//                                                                                    └──► refused: 503 instead
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Capture } from "./capture.ts";
import { type CallOptions, readsRequestBody, readsResponseBody } from "./describe.ts";
import { CaptureError, messageOf } from "./errors.ts";

/** What the framework knows when the call has ended. */
export interface FrameworkFacts<Request> {
  request: Request;
  /** As `ObservedCall.route`. */
  route?: string | null | undefined;
  pathParameters?: Readonly<Record<string, unknown>> | undefined;
  /** The body, when the framework has parsed it. */
  body?: unknown;
}

/** Bytes of a JSON body that are read for the event; of a longer body nothing is. */
const bodyBytesMax = 64 * 1024;
/** Bytes of a response that strict mode keeps in memory before it must decide. */
const heldBytesMax = 1024 * 1024;
/** How long strict mode waits for the end of a response that has begun, such as a stream of server-sent events. */
const heldMsMax = 250;

export const refusal = {
  status: 503,
  headers: { "content-type": "application/json", "retry-after": "1" },
  body: JSON.stringify({
    code: "ServiceUnavailableException",
    message: "The audit trail cannot record this request.",
  }),
};

/** Starts watching. False: strict mode has answered the request, and the application must not see it. */
export function watchExchange<Request>(
  capture: Capture,
  options: CallOptions<Request>,
  request: IncomingMessage,
  response: ServerResponse,
  facts: () => FrameworkFacts<Request>,
): boolean {
  try {
    const admission = capture.admit(facts().request, options);
    if (admission === "skip") return true;
    if (admission === "refuse") {
      response.writeHead(refusal.status, refusal.headers).end(refusal.body);
      return false;
    }
    const exchange = new Exchange(capture, options, request, response, facts);
    if (capture.mode === "strict") exchange.hold();
    else exchange.listen();
  } catch (cause) {
    capture.report(new CaptureError("CallbackFailed", messageOf(cause), { cause }));
  }
  return true;
}

type Write = (...args: unknown[]) => unknown;

class Exchange<Request> {
  readonly #capture: Capture;
  readonly #options: CallOptions<Request>;
  readonly #request: IncomingMessage;
  readonly #response: ServerResponse;
  readonly #facts: () => FrameworkFacts<Request>;
  /** Taken now: a router rewrites it, and a closed socket has none. */
  readonly #target: string;
  readonly #remoteAddress: string | undefined;
  readonly #requestBody: BodyCopy | undefined;
  readonly #responseBody = new BodyCopy();
  #observed: Promise<void> | undefined;

  constructor(
    capture: Capture,
    options: CallOptions<Request>,
    request: IncomingMessage,
    response: ServerResponse,
    facts: () => FrameworkFacts<Request>,
  ) {
    this.#capture = capture;
    this.#options = options;
    this.#request = request;
    this.#response = response;
    this.#facts = facts;
    const original = (request as { originalUrl?: unknown }).originalUrl;
    this.#target = typeof original === "string" ? original : (request.url ?? "/");
    this.#remoteAddress = request.socket?.remoteAddress;
    this.#requestBody = readsRequestBody(options) ? copyRequestBody(request) : undefined;
  }

  listen(): void {
    const response = this.#response;
    const { write, end } = originalsOf(response);
    let hasEnded = false;
    response.write = ((...args: unknown[]) => {
      // HTTP/2 writes the last chunk by calling `write` from `end`.
      if (!hasEnded) this.#keepIfRead(args);
      return write(...args);
    }) as typeof response.write;
    response.end = ((...args: unknown[]) => {
      if (!hasEnded) this.#keepIfRead(args);
      hasEnded = true;
      return end(...args);
    }) as typeof response.end;
    const ended = () => {
      const status = response.headersSent ? response.statusCode : undefined;
      this.#observe(status).catch((error: unknown) => this.#report(error));
    };
    response.once("finish", ended);
    response.once("close", ended);
  }

  hold(): void {
    const response = this.#response;
    const originals = originalsOf(response);
    let state: "holding" | "waiting" | "open" | "refused" = "holding";
    const held: (() => void)[] = [];
    /** Of writes that are held: whoever waits for one of them must not wait for ever when it is refused. */
    const callbacks: (() => void)[] = [];
    let heldBytes = 0;
    let hasEnded = false;
    let wantsDrain = false;
    let timer: NodeJS.Timeout | undefined;

    const release = () => {
      state = "open";
      for (const run of held.splice(0)) run();
      if (wantsDrain) response.emit("drain");
    };
    const refuse = () => {
      state = "refused";
      this.#capture.countRefused();
      for (const name of response.getHeaderNames()) response.removeHeader(name);
      response.statusMessage = "";
      originals.writeHead(refusal.status, refusal.headers);
      originals.end(refusal.body);
      if (wantsDrain) response.emit("drain");
      for (const callback of callbacks.splice(0)) process.nextTick(callback);
    };
    const keepCallback = (args: unknown[]) => {
      const callback = args.find((arg) => typeof arg === "function") as (() => void) | undefined;
      if (callback === undefined) return;
      if (state === "refused") process.nextTick(callback);
      else callbacks.push(callback);
    };
    const decide = (status: number | undefined) => {
      if (state !== "holding") return;
      state = "waiting";
      clearTimeout(timer);
      this.#observe(status)
        .then(release, refuse)
        .catch((error: unknown) => {
          // The connection broke while it was written to; there is nobody to answer.
          this.#report(error);
          response.destroy();
        });
    };
    /** Runs the original now, keeps it for later, or forgets it. */
    const whenOpen = (run: () => unknown, otherwise: unknown): unknown => {
      if (state === "open") return run();
      if (state === "refused") return otherwise;
      held.push(run);
      timer ??= setTimeout(() => decide(response.statusCode), heldMsMax).unref();
      return otherwise;
    };

    response.writeHead = ((...args: unknown[]) => {
      if (state === "holding") response.statusCode = Number(args[0]);
      return whenOpen(() => originals.writeHead(...args), response);
    }) as typeof response.writeHead;
    response.write = ((...args: unknown[]) => {
      if (state === "open") return originals.write(...args);
      heldBytes += this.#keep(args);
      keepCallback(args);
      const hasRoom = heldBytes < heldBytesMax || state === "refused";
      if (!hasRoom) wantsDrain = true;
      whenOpen(() => originals.write(...args), true);
      if (!hasRoom) decide(response.statusCode);
      return hasRoom;
    }) as typeof response.write;
    response.end = ((...args: unknown[]) => {
      if (state === "open") return originals.end(...args);
      this.#keep(args);
      keepCallback(args);
      hasEnded = true;
      whenOpen(() => originals.end(...args), response);
      decide(response.statusCode);
      return response;
    }) as typeof response.end;
    if (originals.flushHeaders !== undefined) {
      response.flushHeaders = () => {
        whenOpen(() => originals.flushHeaders?.(), undefined);
        decide(response.statusCode);
      };
    }
    // Frameworks ask these before they write an answer of their own: to them, what is held has been sent.
    emulate(response, "headersSent", () => (state === "open" ? undefined : held.length > 0));
    emulate(response, "writableEnded", () => (state === "open" ? undefined : hasEnded));
    response.once("close", () => decide(undefined));
  }

  /** Once, whichever of the response's ends comes first. Rejects only in strict mode. */
  #observe(status: number | undefined): Promise<void> {
    this.#observed ??= (async () => {
      const facts = this.#facts();
      const [path, query] = splitTarget(this.#target);
      await this.#capture.observe<Request>(
        {
          request: facts.request,
          method: this.#request.method ?? "GET",
          path,
          query,
          route: facts.route,
          pathParameters: facts.pathParameters,
          requestBody: facts.body ?? this.#requestBody?.json(),
          header: (name) => headerOf(this.#request, name),
          remoteAddress: this.#remoteAddress,
          outcome: {
            status,
            body: readsResponseBody(this.#options, status) ? this.#bodyOfResponse() : undefined,
          },
          time: new Date(),
        },
        this.#options,
      );
    })();
    return this.#observed;
  }

  /** A compressed body is not unpacked for the event: its error code then comes from the status. */
  #bodyOfResponse(): unknown {
    return this.#response.getHeader("content-encoding") === undefined
      ? this.#responseBody.json()
      : undefined;
  }

  /** Best effort: nothing that goes wrong here may disturb the answer, and most answers are not read at all. */
  #keepIfRead(args: unknown[]): void {
    try {
      if (readsResponseBody(this.#options, this.#response.statusCode)) this.#keep(args);
    } catch (error) {
      this.#report(error);
    }
  }

  /** Keeps a written chunk for the event; returns its bytes. */
  #keep(args: unknown[]): number {
    const [chunk, encoding] = args;
    if (typeof chunk === "string") {
      const known = typeof encoding === "string" && Buffer.isEncoding(encoding) ? encoding : "utf8";
      return this.#responseBody.add(Buffer.from(chunk, known));
    }
    return chunk instanceof Uint8Array ? this.#responseBody.add(chunk) : 0;
  }

  #report(error: unknown): void {
    this.#capture.report(
      error instanceof CaptureError
        ? error
        : new CaptureError("CallbackFailed", messageOf(error), { cause: error }),
    );
  }
}

/** A bounded copy of a body that passes by. */
class BodyCopy {
  #chunks: Uint8Array[] = [];
  #bytes = 0;

  add(chunk: Uint8Array): number {
    this.#bytes += chunk.length;
    if (this.#bytes <= bodyBytesMax) this.#chunks.push(chunk);
    else this.#chunks = [];
    return chunk.length;
  }

  /** Undefined: no JSON, or too long to read. */
  json(): unknown {
    if (this.#bytes === 0 || this.#bytes > bodyBytesMax) return undefined;
    const text = Buffer.concat(this.#chunks).toString("utf8");
    if (!/^\s*[{[]/.test(text)) return undefined;
    try {
      return JSON.parse(text) as unknown;
    } catch {
      return undefined;
    }
  }
}

/** Copies what arrives without reading from the stream, which only the application may do. */
function copyRequestBody(request: IncomingMessage): BodyCopy | undefined {
  if (!/\bjson\b/i.test(request.headers["content-type"] ?? "")) return undefined;
  const copy = new BodyCopy();
  const push = request.push.bind(request);
  request.push = (chunk: unknown, encoding?: BufferEncoding) => {
    if (chunk instanceof Uint8Array) copy.add(chunk);
    return push(chunk, encoding);
  };
  return copy;
}

/** Shadows a getter of the response's class for as long as `value` knows better. */
function emulate(
  response: ServerResponse,
  name: "headersSent" | "writableEnded",
  value: () => boolean | undefined,
): void {
  const prototype = Object.getPrototypeOf(response) as object;
  Object.defineProperty(response, name, {
    configurable: true,
    get: () => value() ?? (Reflect.get(prototype, name, response) as boolean),
  });
}

function originalsOf(response: ServerResponse) {
  return {
    writeHead: response.writeHead.bind(response) as Write,
    write: response.write.bind(response) as Write,
    end: response.end.bind(response) as Write,
    // HTTP/2 responses have none.
    flushHeaders: (response.flushHeaders as Write | undefined)?.bind(response),
  };
}

export function splitTarget(target: string): [string, string] {
  // A proxy-style request line holds a whole URL.
  const local = target.replace(/^[a-z]+:\/\/[^/?]*/i, "") || "/";
  const mark = local.indexOf("?");
  return mark === -1 ? [local, ""] : [local.slice(0, mark), local.slice(mark + 1)];
}

function headerOf(request: IncomingMessage, name: string): string | undefined {
  const value = request.headers[name];
  return Array.isArray(value) ? value.join(", ") : value;
}
