// The application of these tests, once in each framework: orders that are placed and shown, and a list of what ran.
import { createServer, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import express from "express";
import fastify from "fastify";
import { expressCapture } from "../../capture/src/express.ts";
import { fastifyCapture } from "../../capture/src/fastify.ts";
import type { Capture, Identity } from "../../capture/src/index.ts";

export interface Application {
  url: string;
  /** The orders whose code ran, in order. */
  placed: string[];
  stop(): Promise<void>;
}

export type Framework = "express" | "fastify";

const callerOf = (headers: Record<string, unknown>): Identity | undefined =>
  typeof headers["x-user"] === "string"
    ? { type: "IAMUser", userName: headers["x-user"], principalId: `users/${headers["x-user"]}` }
    : undefined;

const notFound = { code: "OrderNotFound", message: "There is no such order." };

async function startExpress(capture: Capture): Promise<Application> {
  const placed: string[] = [];
  const app = express();
  app.use(
    expressCapture<express.Request>(capture, {
      identify: (request) => callerOf(request.headers),
      requestBody: ["customer"],
    }),
  );
  app.use(express.json());
  app.put("/orders/:id", (request, response) => {
    placed.push(request.params.id);
    response.status(201).json({ id: request.params.id });
  });
  app.get("/orders/:id", (request, response) => {
    if (placed.includes(request.params.id)) response.json({ id: request.params.id });
    else response.status(404).json(notFound);
  });
  const server = createServer(app as RequestListener);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    placed,
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

async function startFastify(capture: Capture): Promise<Application> {
  const placed: string[] = [];
  const server = fastify({ forceCloseConnections: true });
  await server.register(fastifyCapture, {
    capture,
    identify: (request) => callerOf(request.headers),
    requestBody: ["customer"],
  });
  server.put<{ Params: { id: string } }>("/orders/:id", async (request, reply) => {
    placed.push(request.params.id);
    return reply.code(201).send({ id: request.params.id });
  });
  server.get<{ Params: { id: string } }>("/orders/:id", async (request, reply) =>
    placed.includes(request.params.id) ? { id: request.params.id } : reply.code(404).send(notFound),
  );
  const url = await server.listen({ port: 0, host: "127.0.0.1" });
  return { url, placed, stop: () => server.close() };
}

export function startApplication(framework: Framework, capture: Capture): Promise<Application> {
  return framework === "express" ? startExpress(capture) : startFastify(capture);
}

/** The status of the answer to `PUT /orders/ID`. */
export async function placeOrder(url: string, id: string): Promise<number> {
  const response = await fetch(`${url}/orders/${id}`, {
    method: "PUT",
    headers: { "content-type": "application/json", "x-user": "alice" },
    body: JSON.stringify({ customer: "c-1", cardNumber: "not recorded" }),
  });
  await response.arrayBuffer();
  return response.status;
}
