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

  /** An operation of IAM, at the AWS API. */
  async iam(operation: string, parameters: Readonly<Record<string, string>>): Promise<void> {
    const form = { Action: operation, Version: "2010-05-08", ...parameters };
    await this.send({
      method: "POST",
      path: "/",
      service: "iam",
      headers: { "content-type": "application/x-www-form-urlencoded" },
      body: new URLSearchParams(form).toString(),
    });
  }

  async json<T>(request: ClientRequest): Promise<T> {
    return (await (await this.send(request)).json()) as T;
  }
}

const xmlCharacters: Readonly<Record<string, string>> = {
  "&lt;": "<",
  "&gt;": ">",
  "&quot;": '"',
  "&apos;": "'",
  "&amp;": "&",
};

function xmlText(text: string, tag: string): string {
  const found = new RegExp(`<${tag}>([^<]*)</${tag}>`).exec(text)?.[1] ?? "";
  return found.replaceAll(/&(?:lt|gt|quot|apos|amp);/g, (name) => xmlCharacters[name] ?? name);
}

async function refusal(response: Response): Promise<Error> {
  const text = await response.text();
  if (text.startsWith("<"))
    return new Error(`${xmlText(text, "Code")}: ${xmlText(text, "Message")}`);
  try {
    const { code, message } = JSON.parse(text) as { code: string; message: string };
    return new Error(`${code}: ${message}`);
  } catch {
    return new Error(`the server answered ${response.status}: ${text.slice(0, 500)}`);
  }
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
