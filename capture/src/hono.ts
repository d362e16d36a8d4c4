// Hono middleware: records each call that passes, on any runtime that Hono runs on and this package does.
import type { Context, MiddlewareHandler } from "hono";
import type { Capture } from "./capture.ts";
import { type CallOptions, readsRequestBody, readsResponseBody } from "./describe.ts";
import { CaptureError, messageOf } from "./errors.ts";
import { refusal, splitTarget } from "./http-exchange.ts";

export interface HonoCaptureOptions extends CallOptions<Context> {
  /** Where Hono's server does not tell the caller's address as @hono/node-server does. */
  remoteAddress?: ((context: Context) => string | undefined) | undefined;
}

/** Bytes of a JSON answer that are read for the event; of a longer one nothing is. */
const bodyBytesMax = 64 * 1024;

/** `app.use(honoCapture(capture, { identify }))`, before the routes. */
export function honoCapture(capture: Capture, options: HonoCaptureOptions = {}): MiddlewareHandler {
  return async (context, next) => {
    const admission = capture.admit<Context>(context, options);
    if (admission === "refuse") return refusalResponse();
    await next();
    if (admission === "skip") return undefined;
    const observed = observe(capture, options, context);
    if (capture.mode === "strict") {
      try {
        await observed;
      } catch {
        // Reported where it happened; the caller learns that the request is not on record.
        capture.countRefused();
        // Hono merges the headers of the answer it had; an answer about a failure must not carry them.
        context.res = undefined;
        context.res = refusalResponse();
      }
    } else {
      // Not waited for: recording adds nothing to the answer's time.
      observed.catch((cause: unknown) => {
        capture.report(new CaptureError("CallbackFailed", messageOf(cause), { cause }));
      });
    }
    return undefined;
  };
}

async function observe(
  capture: Capture,
  options: HonoCaptureOptions,
  context: Context,
): Promise<void> {
  const time = new Date();
  const { status } = context.res;
  const [path, query] = splitTarget(context.req.url);
  // Copied before the first await: afterwards the server may have sent the original.
  const answer = readsResponseBody(options, status) ? copyOf(context.res) : undefined;
  const requestBody = readsRequestBody(options) ? await requestBodyOf(context) : undefined;
  const route = routeOf(context);
  await capture.observe<Context>(
    {
      request: context,
      method: context.req.method,
      path,
      query,
      route: route?.path ?? null,
      pathParameters: route && context.req.param(),
      requestBody,
      header: (name) => context.req.header(name),
      remoteAddress: options.remoteAddress?.(context) ?? nodeAddress(context),
      outcome: { status, body: answer && (await jsonOf(answer)) },
      time,
    },
    options,
  );
}

/** The last route that is no middleware: what would have answered, had nothing before it answered instead. */
function routeOf(context: Context): { path: string; method: string } | undefined {
  return context.req.matchedRoutes.findLast(
    (route) => route.method !== "ALL" || route.handler.length < 2,
  );
}

function nodeAddress(context: Context): string | undefined {
  const env = context.env as { incoming?: { socket?: { remoteAddress?: string } } } | undefined;
  return env?.incoming?.socket?.remoteAddress;
}

/** What the application has read is kept by Hono; a body it left alone is left alone here as well. */
async function requestBodyOf(context: Context): Promise<unknown> {
  if (!/\bjson\b/i.test(context.req.header("content-type") ?? "")) return undefined;
  if (Object.keys(context.req.bodyCache).length === 0) return undefined;
  try {
    return await context.req.json();
  } catch {
    return undefined;
  }
}

function copyOf(response: Response): Response | undefined {
  const isJson = /\bjson\b/i.test(response.headers.get("content-type") ?? "");
  const isPacked = response.headers.has("content-encoding");
  if (!isJson || isPacked || response.body === null || response.bodyUsed) return undefined;
  return response.clone();
}

async function jsonOf(response: Response): Promise<unknown> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  try {
    for await (const chunk of response.body as AsyncIterable<Uint8Array>) {
      bytes += chunk.length;
      // Leaving the loop cancels this copy only.
      if (bytes > bodyBytesMax) return undefined;
      chunks.push(chunk);
    }
    return JSON.parse(Buffer.concat(chunks).toString("utf8")) as unknown;
  } catch {
    return undefined;
  }
}

function refusalResponse(): Response {
  return new Response(refusal.body, { status: refusal.status, headers: refusal.headers });
}
