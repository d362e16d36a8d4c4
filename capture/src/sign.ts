// Signature Version 4, as much of it as one POST to Cairn needs.
// Source: IAM user guide, "Create a signed AWS API request".
import { createHash, createHmac } from "node:crypto";

export interface Credentials {
  accessKeyId: string;
  secretAccessKey: string;
  sessionToken?: string | undefined;
}

export interface RequestToSign {
  method: string;
  url: URL;
  /** Lower-case names; all of them are signed. */
  headers: Readonly<Record<string, string>>;
  body: Uint8Array;
}

export interface SigningScope {
  region: string;
  /** The service in the credential scope. */
  service: string;
  nowMs: number;
}

const algorithm = "AWS4-HMAC-SHA256";

/** The headers to send: the ones given, and what the signature adds. */
export function signRequest(
  request: RequestToSign,
  credentials: Credentials,
  scope: SigningScope,
): Record<string, string> {
  const time = new Date(scope.nowMs).toISOString().replaceAll(/[-:]|\.\d{3}/g, "");
  const date = time.slice(0, 8);
  const bodyHash = sha256(request.body);
  const headers: Record<string, string> = {
    ...request.headers,
    host: request.url.host,
    "x-amz-content-sha256": bodyHash,
    "x-amz-date": time,
  };
  if (credentials.sessionToken) headers["x-amz-security-token"] = credentials.sessionToken;

  const names = Object.keys(headers).toSorted();
  const canonicalRequest = [
    request.method,
    canonicalPath(request.url.pathname),
    canonicalQuery(request.url.searchParams),
    ...names.map((name) => `${name}:${headers[name]?.trim().replaceAll(/\s+/g, " ")}`),
    "",
    names.join(";"),
    bodyHash,
  ].join("\n");
  const scopeText = `${date}/${scope.region}/${scope.service}/aws4_request`;
  const stringToSign = [algorithm, time, scopeText, sha256(canonicalRequest)].join("\n");
  const key = [date, scope.region, scope.service, "aws4_request"].reduce<Uint8Array>(
    (key, part) => hmac(key, part),
    Buffer.from(`AWS4${credentials.secretAccessKey}`),
  );
  headers["authorization"] =
    `${algorithm} Credential=${credentials.accessKeyId}/${scopeText}, ` +
    `SignedHeaders=${names.join(";")}, Signature=${hmac(key, stringToSign).toString("hex")}`;
  return headers;
}

/** The path as it stands in the URL is encoded once; every service but S3 signs it encoded a second time. */
function canonicalPath(pathname: string): string {
  return pathname.split("/").map(encode).join("/");
}

function canonicalQuery(query: URLSearchParams): string {
  return [...query]
    .map(([name, value]) => `${encode(name)}=${encode(value)}`)
    .toSorted()
    .join("&");
}

function encode(text: string): string {
  return encodeURIComponent(text).replaceAll(
    /[!'()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}

function sha256(content: string | Uint8Array): string {
  return createHash("sha256").update(content).digest("hex");
}

function hmac(key: Uint8Array, text: string): Buffer {
  return createHmac("sha256", key).update(text).digest();
}
