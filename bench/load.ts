// The load generator: posts prepared bodies to a server over a few connections and says when all of it was durable and
// when all of it was searchable.
import { createHash } from "node:crypto";
import { Agent, request } from "node:http";
import { signRequest } from "../src/signature/signer.ts";
import type { CairnProcess } from "../test/tools/cairn.ts";
import type { Body } from "./traffic.ts";

export interface LoadOutcome {
  count: number;
  durableMs: number;
  searchableMs: number;
}

export interface Answer {
  status: number;
  body: Buffer;
  /** From the first byte sent to the last one received. */
  tookMs: number;
}

type Server = Pick<CairnProcess, "url" | "credentials">;

/** Signs and sends one request; the hash of its body is made here, as every client must. */
export class SignedClient {
  readonly #server: Server;
  readonly #agent: Agent;

  constructor(server: Server, connections: number) {
    this.#server = server;
    this.#agent = new Agent({ keepAlive: true, maxSockets: connections });
  }

  async send(
    service: string,
    method: string,
    path: string,
    headers: Record<string, string>,
    body: Buffer,
  ): Promise<Answer> {
    const url = new URL(path, this.#server.url);
    const signed = await signRequest(
      {
        method,
        url,
        headers,
        payloadHash: createHash("sha256").update(body).digest("hex"),
        service,
        region: "us-east-1",
        nowMs: Date.now(),
      },
      this.#server.credentials,
    );
    const startedMs = performance.now();
    return await new Promise((resolve, reject) => {
      const sent = request(url, { method, agent: this.#agent, headers: signed }, (response) => {
        const chunks: Buffer[] = [];
        response.on("data", (chunk: Buffer) => chunks.push(chunk));
        response.on("error", reject);
        response.on("end", () => {
          const tookMs = performance.now() - startedMs;
          resolve({ status: response.statusCode ?? 0, body: Buffer.concat(chunks), tookMs });
        });
      });
      sent.on("error", reject);
      sent.setHeader("content-length", body.length);
      sent.end(body);
    });
  }

  /** Posts lines; the answer's JSON. Throws unless every line was taken. */
  async postEvents(body: Buffer): Promise<{ accepted: number; ranges: [string, string][] }> {
    const answer = await this.send("cairn", "POST", "/v1/events", {}, body);
    if (answer.status !== 200) throw new Error(`${answer.status}: ${answer.body.toString()}`);
    return JSON.parse(answer.body.toString()) as { accepted: number; ranges: [string, string][] };
  }

  /** Resolves when these events are searchable. */
  async searchable(ranges: readonly [string, string][]): Promise<void> {
    const body = Buffer.from(JSON.stringify({ ranges }));
    const answer = await this.send("cairn", "POST", "/v1/events/outcome", {}, body);
    if (answer.status !== 200) throw new Error(`${answer.status}: ${answer.body.toString()}`);
  }

  /** One LookupEvents page, or whatever `body` asks. */
  lookup(body: object): Promise<Answer> {
    const headers = {
      "content-type": "application/x-amz-json-1.1",
      "x-amz-target": "CloudTrail_20131101.LookupEvents",
    };
    return this.send("cloudtrail", "POST", "/", headers, Buffer.from(JSON.stringify(body)));
  }

  close(): void {
    this.#agent.destroy();
  }
}

/** Sends the bodies in their order, `connections` at a time. */
export async function postAll(
  server: Server,
  bodies: Iterable<Body>,
  connections: number,
): Promise<LoadOutcome> {
  const client = new SignedClient(server, connections + 1);
  const startedMs = performance.now();
  const rest = bodies[Symbol.iterator]();
  let count = 0;
  let highest: [string, string] | undefined;
  const sendSome = async () => {
    for (let next = rest.next(); next.done !== true; next = rest.next()) {
      const { accepted, ranges } = await client.postEvents(next.value.bytes);
      count += accepted;
      for (const range of ranges)
        if (highest === undefined || BigInt(range[1]) > BigInt(highest[1])) highest = range;
    }
  };
  await Promise.all(Array.from({ length: connections }, sendSome));
  const durableMs = performance.now() - startedMs;
  // The watermark only grows: when the last one is searchable, all are.
  if (highest !== undefined) await client.searchable([[highest[1], highest[1]]]);
  const searchableMs = performance.now() - startedMs;
  client.close();
  return { count, durableMs, searchableMs };
}
