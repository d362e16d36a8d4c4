// Posts batches to Cairn's `/v1/events` and says what its answer means.
import * as http from "node:http";
import * as https from "node:https";
import { promisify } from "node:util";
import { gzip } from "node:zlib";
import type { CredentialSource } from "./credentials.ts";
import { messageOf } from "./errors.ts";
import { type Credentials, signRequest } from "./sign.ts";

export interface Rejection {
  /** Counted from 1. */
  line: number;
  code: string;
  message: string;
}

export type Answer =
  /** Cairn has looked at every line: what is not rejected is durable. */
  | { kind: "report"; accepted: number; rejected: Rejection[] }
  /** The body is larger than something on the way takes. */
  | { kind: "too-large" }
  /** Nothing was acknowledged. Repeating is safe: Cairn drops an event id that it has. */
  | { kind: "unavailable"; reason: string; retryAfterMs?: number };

export interface CairnClientOptions {
  url: URL;
  credentials: CredentialSource;
  region: string;
  gzip: boolean;
  timeoutMs: number;
}

const gzipAsync = promisify(gzip);
/** A report names at most every line of a batch; more is no answer of Cairn's. */
const answerBytesMax = 4 * 1024 * 1024;
/** Credentials are asked for again after this time, so that short-lived ones may change. */
const credentialsAgeMsMax = 60_000;

export class CairnClient {
  readonly #options: CairnClientOptions;
  readonly #url: URL;
  readonly #agent: http.Agent;
  #credentials: { value: Credentials; atMs: number } | undefined;
  /** How far Cairn's clock is ahead of ours, known from its refusals: a wrong clock must not stop the trail. */
  #skewMs = 0;

  constructor(options: CairnClientOptions) {
    this.#options = options;
    this.#url = new URL(`${options.url.pathname.replace(/\/+$/, "")}/v1/events`, options.url);
    const agentOptions = { keepAlive: true, maxSockets: 2 };
    this.#agent =
      options.url.protocol === "https:"
        ? new https.Agent(agentOptions)
        : new http.Agent(agentOptions);
  }

  /** Never rejects. */
  async post(lines: readonly Buffer[], signal: AbortSignal): Promise<Answer> {
    try {
      const plain = Buffer.concat(lines.flatMap((line) => [line, lineFeed]));
      const body = this.#options.gzip ? await gzipAsync(plain) : plain;
      const credentials = await this.#currentCredentials(signal);
      const headers = signRequest(
        {
          method: "POST",
          url: this.#url,
          headers: {
            "content-type": "application/x-ndjson",
            ...(this.#options.gzip ? { "content-encoding": "gzip" } : {}),
          },
          body,
        },
        credentials,
        { region: this.#options.region, service: "cairn", nowMs: Date.now() + this.#skewMs },
      );
      const response = await this.#exchange(headers, body, signal);
      return this.#understand(response, lines.length);
    } catch (error) {
      return { kind: "unavailable", reason: messageOf(error) };
    }
  }

  close(): void {
    this.#agent.destroy();
  }

  async #currentCredentials(signal: AbortSignal): Promise<Credentials> {
    const known = this.#credentials;
    if (known !== undefined && performance.now() - known.atMs < credentialsAgeMsMax)
      return known.value;
    // The application's function may never answer.
    const value = await withDeadline(
      this.#options.credentials(),
      this.#options.timeoutMs,
      signal,
      "the credentials did not come in time",
    );
    this.#credentials = { value, atMs: performance.now() };
    return value;
  }

  #exchange(headers: Record<string, string>, body: Buffer, signal: AbortSignal): Promise<Response> {
    const { timeoutMs } = this.#options;
    return new Promise((resolve, reject) => {
      const send = this.#url.protocol === "https:" ? https.request : http.request;
      const request = send(this.#url, {
        method: "POST",
        agent: this.#agent,
        headers: { ...headers, "content-length": body.length },
        signal,
      });
      // One bound for the whole exchange: a server that trickles its answer is as good as none.
      const timer = setTimeout(() => {
        request.destroy(new Error(`no answer from ${this.#url.origin} within ${timeoutMs} ms`));
      }, timeoutMs);
      const fail = (error: Error) => {
        clearTimeout(timer);
        reject(error);
      };
      request.on("error", fail);
      request.on("response", (response) => {
        const chunks: Buffer[] = [];
        let bytes = 0;
        response.on("data", (chunk: Buffer) => {
          bytes += chunk.length;
          if (bytes > answerBytesMax) {
            request.destroy(new Error(`an answer of more than ${answerBytesMax} bytes`));
          } else chunks.push(chunk);
        });
        response.on("error", fail);
        response.on("end", () => {
          clearTimeout(timer);
          resolve({
            status: response.statusCode ?? 0,
            headers: response.headers,
            text: Buffer.concat(chunks).toString("utf8"),
          });
        });
        response.on("close", () => {
          if (!response.complete) fail(new Error("the answer broke off"));
        });
      });
      request.end(body);
    });
  }

  #understand(response: Response, sent: number): Answer {
    // Only a report that accounts for every line is an acknowledgement: a 200 from a proxy's own page is none. With
    // 429 and 5xx Cairn says that it takes nothing now, whatever else it says.
    const report = reportOf(response.text);
    const mayCount = response.status < 500 && response.status !== 429;
    if (mayCount && report !== undefined) {
      const counted = report.accepted + report.rejected.length;
      if (report.received === sent && counted === sent) return report;
    }
    if (response.status === 413) return { kind: "too-large" };
    if (response.status === 401 || response.status === 403) {
      this.#credentials = undefined;
      this.#learnSkew(response.headers.date);
    }
    const retryAfter = Number(response.headers["retry-after"]);
    return {
      kind: "unavailable",
      reason: `${this.#url.origin} answered ${response.status}, which acknowledges nothing: ${response.text.slice(0, 200)}`,
      ...(retryAfter > 0 ? { retryAfterMs: Math.min(retryAfter * 1000, 60_000) } : {}),
    };
  }

  #learnSkew(date: string | undefined): void {
    const skewMs = Date.parse(date ?? "") - Date.now();
    // Within a minute the signature's own tolerance does, and a date header has only seconds.
    if (Number.isFinite(skewMs)) this.#skewMs = Math.abs(skewMs) > 60_000 ? skewMs : 0;
  }
}

interface Response {
  status: number;
  headers: http.IncomingHttpHeaders;
  text: string;
}

const lineFeed = Buffer.from("\n");

function reportOf(
  text: string,
): { kind: "report"; received: number; accepted: number; rejected: Rejection[] } | undefined {
  let report: { received?: unknown; accepted?: unknown; rejected?: unknown } | null;
  try {
    report = JSON.parse(text) as typeof report;
  } catch {
    return undefined;
  }
  if (typeof report?.received !== "number" || typeof report.accepted !== "number") return undefined;
  if (!Array.isArray(report.rejected)) return undefined;
  return {
    kind: "report",
    received: report.received,
    accepted: report.accepted,
    rejected: report.rejected as Rejection[],
  };
}

/** The promise's own outcome, or an error when the deadline or the signal comes first. */
export async function withDeadline<T>(
  promise: Promise<T>,
  timeoutMs: number,
  signal: AbortSignal | undefined,
  message: string,
): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  let abort: (() => void) | undefined;
  try {
    return await Promise.race([
      promise,
      new Promise<never>((_, reject) => {
        timer = setTimeout(() => reject(new Error(message)), timeoutMs);
        abort = () => reject(new Error("given up"));
        signal?.addEventListener("abort", abort, { once: true });
      }),
    ]);
  } finally {
    clearTimeout(timer);
    if (abort !== undefined) signal?.removeEventListener("abort", abort);
  }
}
