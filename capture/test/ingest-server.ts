// A tiny stand-in for Cairn's /v1/events: checks the signature with another implementation, and fails on demand.
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { gunzipSync } from "node:zlib";
import { Sha256 } from "@aws-crypto/sha256-js";
import { SignatureV4 } from "@smithy/signature-v4";

export const credentials = {
  accessKeyId: "AKIACAPTURETEST00001",
  secretAccessKey: "capture/test+secret/never-in-any-file",
};
export const region = "eu-central-1";

export type Behaviour = "accept" | "error" | "throttle" | "hang" | "disconnect" | "page";

export interface CloudTrailRecord {
  [member: string]: unknown;
  eventID: string;
  eventName: string;
}

export class IngestServer {
  behaviour: Behaviour = "accept";
  /** Events with this name are refused, line by line. */
  rejectedName: string | undefined;
  /** Bodies with more lines than this are answered with 413. */
  linesMax = Infinity;
  /** Everything acknowledged, repeats included. */
  readonly received: CloudTrailRecord[] = [];
  readonly problems: string[] = [];
  requestCount = 0;
  readonly #server: Server;

  private constructor(server: Server) {
    this.#server = server;
  }

  static async start(port = 0): Promise<IngestServer> {
    const server = createServer();
    const ingest = new IngestServer(server);
    server.on("request", (request, response) => void ingest.#answer(request, response));
    await new Promise<void>((resolve) => server.listen(port, "127.0.0.1", resolve));
    return ingest;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  /** As Cairn stores them: an event id that is there already is dropped. */
  get stored(): CloudTrailRecord[] {
    return [...new Map(this.received.map((record) => [record.eventID, record])).values()];
  }

  named(eventName: string): CloudTrailRecord[] {
    return this.stored.filter((record) => record.eventName === eventName);
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise<void>((resolve) => {
      this.#server.close(() => resolve());
    });
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    this.requestCount += 1;
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const body = Buffer.concat(chunks);
    const json = (status: number, value: unknown, headers = {}) =>
      response
        .writeHead(status, { "content-type": "application/json", ...headers })
        .end(JSON.stringify(value));
    switch (this.behaviour) {
      case "error":
        return void json(500, { message: "out of order" });
      case "throttle":
        return void json(429, { message: "slower" });
      case "hang":
        return undefined;
      case "disconnect":
        return void request.socket.destroy();
      case "page":
        return void response.writeHead(200).end("<html>Welcome to somebody else's server</html>");
      case "accept":
        break;
    }
    const problem = await signatureProblem(request, body);
    if (problem !== undefined) {
      this.problems.push(problem);
      return void json(403, { message: problem });
    }
    const packed = request.headers["content-encoding"] === "gzip";
    const text = (packed ? gunzipSync(body) : body).toString("utf8");
    const lines = text.split("\n").filter((line) => line.trim() !== "");
    if (lines.length > this.linesMax) return void json(413, { message: "too long" });
    const rejected: { line: number; code: string; message: string }[] = [];
    for (const [index, line] of lines.entries()) {
      const record = JSON.parse(line) as CloudTrailRecord;
      if (record.eventName === this.rejectedName) {
        rejected.push({ line: index + 1, code: "Unwanted", message: "not this one" });
      } else this.received.push(record);
    }
    const accepted = lines.length - rejected.length;
    json(rejected.length === 0 ? 200 : 400, { received: lines.length, accepted, rejected });
  }
}

/** Signs the request again with Smithy's signer and compares. */
async function signatureProblem(
  request: IncomingMessage,
  body: Buffer,
): Promise<string | undefined> {
  if (request.method !== "POST" || request.url !== "/v1/events") {
    return `${request.method} ${request.url}`;
  }
  const authorization = request.headers.authorization ?? "";
  const names = /SignedHeaders=([^,]+)/.exec(authorization)?.[1]?.split(";") ?? [];
  const date = String(request.headers["x-amz-date"]).replace(
    /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/,
    "$1-$2-$3T$4:$5:$6Z",
  );
  const signer = new SignatureV4({ credentials, region, service: "cairn", sha256: Sha256 });
  const signed = await signer.sign(
    {
      method: "POST",
      protocol: "http:",
      hostname: "127.0.0.1",
      path: "/v1/events",
      headers: Object.fromEntries(names.map((name) => [name, String(request.headers[name])])),
      body,
    },
    { signingDate: new Date(date) },
  );
  const expected = signed.headers["authorization"];
  if (expected !== authorization) return `signature ${authorization}, not ${expected}`;
  if (!names.includes("host")) return "the host is not signed";
  return undefined;
}

/** Waits for a named thing, and says what there was instead when it does not come. */
export async function until(
  what: string,
  condition: () => boolean | Promise<boolean>,
  seen: () => unknown = () => "",
  timeoutMs = 10_000,
): Promise<void> {
  const deadlineMs = performance.now() + timeoutMs;
  while (!(await condition())) {
    if (performance.now() > deadlineMs) {
      throw new Error(`not within ${timeoutMs} ms: ${what}; seen: ${JSON.stringify(seen())}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
