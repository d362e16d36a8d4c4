// Requests signed by hand and written as bytes: what no SDK would sign, and signed requests changed on their way.
//
// Nothing of src/signature is used, so that it cannot agree with itself. Paths and queries are canonical as written
// here unless a request says otherwise.
import { createHash, createHmac } from "node:crypto";
import { speak } from "./raw.ts";

export type Headers = readonly (readonly [name: string, value: string])[];

/** A request's bytes, one character for each. */
export interface Wire {
  method: string;
  target: string;
  headers: Headers;
  body: string;
}

export interface Unsigned extends Wire {
  accessKeyId: string;
  secretAccessKey: string;
  service: string;
  region: string;
  signedAtMs: number;
  /** Left out: every header. */
  signedHeaders?: readonly string[];
  /** Left out: the path as it stands. */
  canonicalPath?: string;
  canonicalQuery?: string;
  /** Lower-case name: the value that is signed, where it is not simply what stands there. */
  canonicalValues?: Readonly<Record<string, string>>;
  /** Left out: the hash of the body. */
  payload?: string;
}

/** SHA-256 in hex. */
export function hashOf(text: string): string {
  return createHash("sha256").update(Buffer.from(text, "latin1")).digest("hex");
}

const hmac = (key: string | Buffer, text: string) =>
  createHmac("sha256", key).update(text).digest();

/** `20150830T123600Z` */
export function basicTimeOf(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 19).replace(/[-:]/g, "")}Z`;
}

export function scopeOf({ signedAtMs, region, service }: Unsigned): string {
  return `${basicTimeOf(signedAtMs).slice(0, 8)}/${region}/${service}/aws4_request`;
}

function canonicalQueryOf(query: string): string {
  const parts = query.split("&").filter((part) => part !== "");
  return parts
    .map((part) => (part.includes("=") ? part : `${part}=`))
    .toSorted()
    .join("&");
}

function signatureOf(request: Unsigned, target: string, names: readonly string[]): string {
  const [path = "", query = ""] = target.split("?");
  const values = (name: string) =>
    request.headers.filter(([each]) => each.toLowerCase() === name).map(([, value]) => value);
  const lines = names.map(
    (name) => `${name}:${request.canonicalValues?.[name] ?? values(name).join(",")}\n`,
  );
  const canonical = [
    request.method,
    request.canonicalPath ?? path,
    request.canonicalQuery ?? canonicalQueryOf(query),
    lines.join(""),
    names.join(";"),
    request.payload ?? hashOf(request.body),
  ].join("\n");
  const scope = scopeOf(request);
  let key = hmac(`AWS4${request.secretAccessKey}`, scope.slice(0, 8));
  for (const part of [request.region, request.service, "aws4_request"]) key = hmac(key, part);
  const time = basicTimeOf(request.signedAtMs);
  const text = ["AWS4-HMAC-SHA256", time, scope, hashOf(canonical)].join("\n");
  return hmac(key, text).toString("hex");
}

function namesOf(request: Unsigned): string[] {
  const all = request.headers.map(([name]) => name.toLowerCase());
  return [...new Set(request.signedHeaders ?? all)].toSorted();
}

/** Signed in its Authorization header, which is the last one. */
export function signed(request: Unsigned): Wire {
  const dated: Unsigned = {
    ...request,
    headers: [...request.headers, ["X-Amz-Date", basicTimeOf(request.signedAtMs)]],
    ...(request.signedHeaders === undefined
      ? {}
      : { signedHeaders: [...request.signedHeaders, "x-amz-date"] }),
  };
  const names = namesOf(dated);
  const signature = signatureOf(dated, dated.target, names);
  const text = `AWS4-HMAC-SHA256 Credential=${request.accessKeyId}/${scopeOf(request)}, SignedHeaders=${names.join(";")}, Signature=${signature}`;
  const { method, target, body } = request;
  return { method, target, body, headers: [...dated.headers, ["Authorization", text]] };
}

/** Signed in its query, where the signature is the last parameter. `parameters` are those of the signing, and may miss some. */
export function presigned(
  request: Unsigned,
  change: (parameters: Record<string, string>) => Record<string, string | undefined> = (same) =>
    same,
): Wire {
  const names = namesOf(request);
  const parameters = change({
    "X-Amz-Algorithm": "AWS4-HMAC-SHA256",
    "X-Amz-Credential": `${request.accessKeyId}/${scopeOf(request)}`,
    "X-Amz-Date": basicTimeOf(request.signedAtMs),
    "X-Amz-Expires": "300",
    "X-Amz-SignedHeaders": names.join(";"),
  });
  const query = Object.entries(parameters)
    .flatMap(([name, value]) =>
      value === undefined ? [] : [`${name}=${encodeURIComponent(value)}`],
    )
    .join("&");
  const target = `${request.target}${request.target.includes("?") ? "&" : "?"}${query}`;
  const signature = signatureOf(request, target, names);
  const { method, headers, body } = request;
  return { method, headers, body, target: `${target}&X-Amz-Signature=${signature}` };
}

/** The value of a wire's header, changed. */
export function withHeader(wire: Wire, name: string, change: (value: string) => string): Wire {
  const headers = wire.headers.map(([each, value]): readonly [string, string] =>
    each.toLowerCase() === name.toLowerCase() ? [each, change(value)] : [each, value],
  );
  return { ...wire, headers };
}

export function adding(wire: Wire, ...headers: Headers): Wire {
  return { ...wire, headers: [...wire.headers, ...headers] };
}

export interface HeardAnswer {
  status: number;
  text: string;
  /** AWS's name of the error, or ours: from JSON or XML. */
  code: string | undefined;
}

/** Writes it on a connection of its own and hears the answer to its end. */
export async function ask(url: string, wire: Wire): Promise<HeardAnswer> {
  const lines = [
    `${wire.method} ${wire.target} HTTP/1.1`,
    ...wire.headers.map(([name, value]) => `${name}: ${value}`),
    ...(wire.method === "GET" ? [] : [`Content-Length: ${wire.body.length}`]),
    "Connection: close",
  ];
  const bytes = Buffer.from(`${lines.join("\r\n")}\r\n\r\n${wire.body}`, "latin1");
  const { text, closed } = await speak(url, bytes, { withinMs: 20_000 });
  const status = /^HTTP\/1\.1 (\d{3})/.exec(text)?.[1];
  if (status === undefined || !closed) throw new Error(`no whole answer: ${text.slice(0, 300)}`);
  const code = /<Code>([^<]*)<\/Code>|"(?:__type|code)":"([^"]*)"/.exec(text);
  return { status: Number(status), text, code: code?.[1] ?? code?.[2] };
}
