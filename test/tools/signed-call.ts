// One signed request to a running Cairn, whatever its answer is: for tests that look at refusals as well.
import { createHash } from "node:crypto";
import { type Agent, type IncomingHttpHeaders, request } from "node:http";
import { systemClock } from "../../src/base/clock.ts";
import { type SigningCredentials, signRequest } from "../../src/signature/signer.ts";

export interface Call {
  url: string;
  method?: string;
  /** With its query. */
  path?: string;
  headers?: Record<string, string>;
  body?: Buffer | string;
  /** Left out: not signed. */
  credentials?: SigningCredentials;
  /** Of the signature's scope; left out: `cairn`. */
  service?: string;
  region?: string;
  agent?: Agent;
}

export interface Answer {
  status: number;
  headers: IncomingHttpHeaders;
  body: Buffer;
  text: string;
}

/** The request's head, ready to be written by whatever means. */
export async function signedHeaders(call: Call): Promise<Record<string, string>> {
  const body = call.body ?? "";
  const headers = { ...call.headers };
  if (call.credentials === undefined) return headers;
  return signRequest(
    {
      method: call.method ?? "GET",
      url: new URL(call.path ?? "/", call.url),
      headers,
      payloadHash: createHash("sha256").update(body).digest("hex"),
      service: call.service ?? "cairn",
      region: call.region ?? "us-east-1",
      nowMs: systemClock.nowMs(),
    },
    call.credentials,
  );
}

/** Resolves with any answer; rejects when there is none, or it breaks off. */
export async function send(call: Call): Promise<Answer> {
  const headers = await signedHeaders(call);
  const { hostname, port } = new URL(call.url);
  const options = { hostname, port, method: call.method ?? "GET", path: call.path ?? "/" };
  return new Promise((resolve, reject) => {
    const agent = call.agent === undefined ? {} : { agent: call.agent };
    const sent = request({ ...options, headers, ...agent }, (response) => {
      const chunks: Buffer[] = [];
      response.on("data", (chunk: Buffer) => chunks.push(chunk));
      response.on("error", reject);
      response.on("aborted", () => reject(new Error("the answer broke off")));
      response.on("end", () => {
        const body = Buffer.concat(chunks);
        const { statusCode: status = 0, headers: answered } = response;
        resolve({ status, headers: answered, body, text: body.toString() });
      });
    });
    sent.on("error", reject);
    sent.end(call.body ?? "");
  });
}

/** A call of an AWS JSON 1.1 operation, such as `com.amazonaws.cloudtrail.v20131101.CloudTrail_20131101.LookupEvents`. */
export function awsJson(
  call: Omit<Call, "method" | "body"> & { target: string; input: unknown },
): Promise<Answer> {
  const { target, input, ...rest } = call;
  const headers = { "content-type": "application/x-amz-json-1.1", "x-amz-target": target };
  const body = typeof input === "string" ? input : JSON.stringify(input);
  return send({ ...rest, method: "POST", headers: { ...headers, ...rest.headers }, body });
}
