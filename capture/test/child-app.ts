// A small service for the crash tests: run as a process of its own, and killed without warning.
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { createCapture } from "../src/capture.ts";
import { captureHandler } from "../src/node.ts";
import { credentials, region } from "./ingest-server.ts";

const [url = "", folder = "", mode = "strict"] = process.argv.slice(2);
const capture = createCapture({
  url,
  credentials,
  region,
  service: "orders.example.com",
  ...(mode === "strict" ? { mode: "strict", strict: "spool" } : {}),
  spool: { folder, fileBytesMax: 20_000 },
  flushIntervalMs: 20,
  timeoutMs: 500,
  retry: { delayMsMin: 10, delayMsMax: 50 },
  environment: {},
  onError: () => undefined,
});
const server = createServer(
  captureHandler((_, response) => response.end("done"), capture, {
    eventName: (request) => request.url?.slice(1),
  }),
);
server.listen(0, "127.0.0.1", () => {
  process.send?.({ port: (server.address() as AddressInfo).port });
});
