// Express and Connect middleware: records each call that passes. Mount it before the routes.
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Capture } from "./capture.ts";
import type { CallOptions } from "./describe.ts";
import { guessRoute } from "./event-name.ts";
import { splitTarget, watchExchange } from "./http-exchange.ts";

export type Middleware<Request extends IncomingMessage> = (
  request: Request,
  response: ServerResponse,
  next: (error?: unknown) => void,
) => void;

/** What Express adds to a request; Connect adds only some of it. */
interface RoutedRequest {
  baseUrl?: string;
  originalUrl?: string;
  route?: { path?: unknown };
  params?: Record<string, unknown>;
  body?: unknown;
  app?: unknown;
}

/** `app.use(expressCapture(capture, { identify }))`. */
export function expressCapture<Request extends IncomingMessage = IncomingMessage>(
  capture: Capture,
  options: CallOptions<Request> = {},
): Middleware<Request> {
  return (request, response, next) => {
    const admitted = watchExchange(capture, options, request, response, () => {
      const routed = request as RoutedRequest;
      return {
        request,
        route: routeOf(routed),
        pathParameters: routed.params,
        body: routed.body,
      };
    });
    if (admitted) next();
  };
}

/** The whole pattern. Connect has no routes, and then the name is made from the path. */
function routeOf(request: RoutedRequest): string | null | undefined {
  if (request.app === undefined) return undefined;
  const path = request.route?.path;
  if (path === undefined) return null;
  const pattern = typeof path === "string" ? path : "/*path";
  // A router is mounted at a pattern too, but Express only keeps what it matched: ids in it must not name operations.
  return `${guessRoute(request.baseUrl || mountPoint(request, pattern))}${pattern}`;
}

/** Where the router was mounted, when an error handler has answered: Express has forgotten it by then. */
function mountPoint(request: RoutedRequest, pattern: string): string {
  if (/[*?{(]/.test(pattern)) return "";
  const [path] = splitTarget(request.originalUrl ?? "");
  const segments = path.split("/").filter((segment) => segment !== "");
  const own = pattern.split("/").filter((segment) => segment !== "").length;
  return segments
    .slice(0, Math.max(0, segments.length - own))
    .map((segment) => `/${segment}`)
    .join("");
}
