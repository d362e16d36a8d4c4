// Plain node:http: wraps a request listener so that each call it answers is recorded.
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Capture } from "./capture.ts";
import { type CallOptions, callBack } from "./describe.ts";
import { watchExchange } from "./http-exchange.ts";

export interface NodeOptions<Request extends IncomingMessage = IncomingMessage>
  extends CallOptions<Request> {
  /** The route that answers a request, e.g. `/users/:id`, where the application has a router of its own. */
  route?: ((request: Request) => string | undefined) | undefined;
}

/** `createServer(captureHandler(listener, capture))`. */
export function captureHandler<Request extends IncomingMessage, Response extends ServerResponse>(
  handler: (request: Request, response: Response) => unknown,
  capture: Capture,
  options: NodeOptions<Request> = {},
): (request: Request, response: Response) => void {
  return (request, response) => {
    const admitted = watchExchange(capture, options, request, response, () => ({
      request,
      route: callBack(
        "route",
        (error) => capture.report(error),
        () => options.route?.(request),
      ),
      body: (request as { body?: unknown }).body,
    }));
    if (admitted) void handler(request, response);
  };
}
