// A Fastify service in strict mode: no answer leaves before its event is durable. Start Cairn, set
// AWS_SHARED_CREDENTIALS_FILE as it says, then run `npx tsx examples/capture-fastify.ts`.
import fastify from "fastify";
// In your own project: from "@cairn/capture" and "@cairn/capture/fastify".
import { fastifyCapture } from "../capture/src/fastify.ts";
import { createCapture } from "../capture/src/index.ts";

const capture = createCapture({
  service: "payments.example.com",
  mode: "strict",
  // Durable on this machine's disk is enough: the service keeps working while Cairn is away.
  strict: "spool",
  spool: { folder: "./cairn-spool", bytesMax: 256 * 1024 * 1024 },
});

const server = fastify({ logger: true });
await server.register(fastifyCapture, {
  capture,
  identify: (request) => {
    const userName = request.headers["x-user"];
    return typeof userName === "string"
      ? { type: "IAMUser", userName, principalId: `users/${userName}` }
      : undefined;
  },
  skip: (request) => request.url === "/health",
  operations: { PostPayments: { requestBody: ["amount", "currency"], responseElements: true } },
});

server.get("/health", async () => ({ status: "ok" }));
server.post("/payments", async (_, reply) => reply.code(201).send({ paymentId: "p-1" }));

// Not every event is a request.
await capture.record({
  eventName: "ServiceStarted",
  eventType: "AwsServiceEvent",
  userIdentity: { type: "AWSService", invokedBy: "payments.example.com" },
});

server.addHook("onClose", () => capture.close());
await server.listen({ port: Number(process.env["PORT"] ?? 3001), host: "127.0.0.1" });
// Fastify runs onClose once its last answer is out.
process.once("SIGTERM", () => void server.close());
