// Signed requests from the command line to a running server.
import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { defaultProvider } from "@aws-sdk/credential-provider-node";
import type { Clock } from "../base/clock.ts";
import { CairnError } from "../base/errors.ts";
import { type SigningCredentials, signRequest } from "../signature/signer.ts";

export interface ClientOptions {
  /** Where the server is; `CAIRN_URL`. */
  url: URL;
  region: string;
  credentials: () => Promise<SigningCredentials>;
  clock: Clock;
}

export interface ClientRequest {
  method?: string;
  path: string;
  query?: URLSearchParams;
  headers?: Record<string, string>;
  body?: Buffer | string;
  /** Left out: Cairn's own API. */
  service?: string;
  signal?: AbortSignal;
}

export class Client {
  readonly #options: ClientOptions;

  constructor(options: ClientOptions) {
    this.#options = options;
  }

  get url(): URL {
    return this.#options.url;
  }

  /** The response as it comes, once its status says success. Throws CairnError with the server's words otherwise. */
  async send(request: ClientRequest): Promise<Response> {
    const { url: base, region, clock } = this.#options;
    const url = new URL(request.path, base);
    // URLSearchParams writes a space as `+`, which a signature reads as a plus sign.
    if (request.query !== undefined) url.search = request.query.toString().replaceAll("+", "%20");
    const method = request.method ?? "GET";
    const body = request.body ?? "";
    const headers = await signRequest(
      {
        method,
        url,
        headers: request.headers ?? {},
        payloadHash: createHash("sha256").update(body).digest("hex"),
        service: request.service ?? "cairn",
        region,
        nowMs: clock.nowMs(),
      },
      await this.#options.credentials(),
    );
    delete headers["host"];
    let response: Response;
    try {
      response = await fetch(url, {
        method,
        headers,
        ...(method === "GET" ? {} : { body }),
        ...(request.signal === undefined ? {} : { signal: request.signal }),
      });
    } catch (cause) {
      if (request.signal?.aborted) throw cause;
      throw new CairnError(
        "Unavailable",
        `no Cairn answers at ${base.origin}: is it running? (CAIRN_URL)`,
        {
          cause,
        },
      );
    }
    if (response.ok) return response;
    throw await refusal(response);
  }

  async json<T>(request: ClientRequest): Promise<T> {
    return (await (await this.send(request)).json()) as T;
  }
}

/** The server's no, in its own words: the code of the event API, or the name of AWS's exception. */
export class Refusal extends Error {
  override readonly name = "Refusal";
  readonly code: string;

  constructor(code: string, message: string) {
    super(`${code}: ${message}`);
    this.code = code;
  }
}

async function refusal(response: Response): Promise<Error> {
  const text = await response.text();
  const fromXml = /<Code>([^<]*)<\/Code>\s*<Message>([^<]*)<\/Message>/.exec(text);
  if (fromXml !== null) return new Refusal(fromXml[1] ?? "", unescaped(fromXml[2] ?? ""));
  try {
    const body = JSON.parse(text) as { code?: string; __type?: string; message: string };
    return new Refusal(body.code ?? body.__type ?? String(response.status), body.message);
  } catch {
    return new Error(`the server answered ${response.status}: ${text.slice(0, 500)}`);
  }
}

function unescaped(text: string): string {
  const names: Record<string, string> = { lt: "<", gt: ">", quot: '"', apos: "'", amp: "&" };
  return text.replaceAll(/&(?:#(\d{1,7})|(lt|gt|quot|apos|amp));/g, (whole, code, name) => {
    if (typeof name === "string") return names[name] ?? whole;
    const point = Number(code);
    return point <= 0x10ffff ? String.fromCodePoint(point) : whole;
  });
}

/**
 * The usual AWS credential chain; before it, where the environment names no credentials, the file that a server
 * started in this folder has written, so that the commands work with nothing configured.
 */
export function findCredentials(
  environment: Readonly<Record<string, string | undefined>>,
  dataFolder: string,
): () => Promise<SigningCredentials> {
  const named = ["AWS_ACCESS_KEY_ID", "AWS_PROFILE", "AWS_SHARED_CREDENTIALS_FILE"].some(
    (name) => environment[name] !== undefined,
  );
  const own = join(dataFolder, "credentials");
  return defaultProvider(!named && existsSync(own) ? { filepath: own } : {});
}
