// Fastify plugin: records each call of the server it is registered on.
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import type { Capture } from "./capture.ts";
import type { CallOptions } from "./describe.ts";
import { watchExchange } from "./http-exchange.ts";

export interface FastifyCaptureOptions extends CallOptions<FastifyRequest> {
  capture: Capture;
}

/** `await server.register(fastifyCapture, { capture, identify })`, before the routes. */
export function fastifyCapture(
  server: FastifyInstance,
  options: FastifyCaptureOptions,
  done: () => void,
): void {
  server.addHook(
    "onRequest",
    (request: FastifyRequest, reply: FastifyReply, next: () => void): void => {
      const admitted = watchExchange(options.capture, options, request.raw, reply.raw, () => ({
        request,
        // Fastify 4 and 5 have no pattern only where no route answers.
        route: request.routeOptions?.url ?? null,
        pathParameters: request.params as Record<string, unknown>,
        body: request.body,
      }));
      if (admitted) next();
      // The answer is out: Fastify must not write another.
      else reply.hijack();
    },
  );
  done();
}

// Fastify's mark for a plugin whose hooks belong to the surrounding server and not to a child of it.
Object.assign(fastifyCapture, {
  [Symbol.for("skip-override")]: true,
  [Symbol.for("fastify.display-name")]: "@cairn/capture",
});
