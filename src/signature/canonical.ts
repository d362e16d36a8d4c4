// The canonical request of Signature Version 4, rebuilt from what stands on the wire.
// Source: IAM user guide, "Create a signed AWS API request".
//
// Strings are as node:http gives them: one character for each byte received. Nothing here decodes a path or a
// query into text, because two spellings of one text are two different requests to whoever signed them.

/** A request as it came in, nothing decoded and nothing dropped. */
export interface SignedRequest {
  method: string;
  /** Still percent-encoded, without the query. */
  path: string;
  /** Without `?`; empty when there is none. */
  query: string;
  /** Lower-case names; repeated headers joined by `, `. */
  headers: Readonly<Record<string, string>>;
  /** Names and values in turn, as received. node:http drops some repeated headers from `headers`. */
  rawHeaders?: readonly string[];
  /** Whose failures are counted together; left out: nobody's. */
  remoteAddress?: string;
}

/** Services that sign the path exactly as it is sent; all others normalise it and encode it a second time. */
const singleEncoding = new Set(["s3", "s3express", "s3-outposts", "s3-object-lambda"]);

export function signsPathAsSent(signingName: string): boolean {
  return singleEncoding.has(signingName);
}

/**
 * The canonical path, or the two that are tried: a path sent to S3 in a spelling of its own (`/a$b`, `%2f`) is signed
 * by some clients as sent and by others re-encoded. Both say the same object.
 */
export function canonicalPaths(path: string, signingName: string): string[] {
  const asSent = path === "" ? "/" : path;
  if (!signsPathAsSent(signingName)) return [encode(normalisePath(asSent), "/")];
  const encodedAnew = encodeAnew(asSent, "/");
  return encodedAnew === asSent ? [asSent] : [asSent, encodedAnew];
}

/**
 * Every parameter, each decoded and encoded once, in order of name and then value. Only a presigned request has its
 * signature among them, which it cannot cover: in any other, a parameter of that name is one like the rest.
 */
export function canonicalQuery(query: string, form: "header" | "presigned"): string {
  if (query === "") return "";
  const pairs: [name: string, value: string][] = [];
  for (const part of query.split("&")) {
    if (part === "") continue;
    const equals = part.indexOf("=");
    const name = encodeAnew(equals < 0 ? part : part.slice(0, equals), "");
    if (form === "presigned" && name === "X-Amz-Signature") continue;
    pairs.push([name, equals < 0 ? "" : encodeAnew(part.slice(equals + 1), "")]);
  }
  pairs.sort((a, b) => compare(a[0], b[0]) || compare(a[1], b[1]));
  return pairs.map(([name, value]) => `${name}=${value}`).join("&");
}

/** One line for each signed header; one that is not in the request has an empty value and fails the comparison. */
export function canonicalHeaders(request: SignedRequest, signedHeaders: readonly string[]): string {
  const received = request.rawHeaders === undefined ? undefined : joinHeaders(request.rawHeaders);
  let lines = "";
  for (const name of signedHeaders) {
    const value = received === undefined ? ownHeader(request, name) : received.get(name);
    lines += `${name}:${foldSpaces(value ?? "")}\n`;
  }
  return lines;
}

export function canonicalRequest(
  request: SignedRequest,
  path: string,
  query: string,
  signedHeaders: readonly string[],
  payloadHash: string,
): string {
  return [
    request.method,
    path,
    query,
    canonicalHeaders(request, signedHeaders),
    signedHeaders.join(";"),
    payloadHash,
  ].join("\n");
}

/** The names come from the caller: `constructor` is no header. */
function ownHeader(request: SignedRequest, name: string): string | undefined {
  return Object.hasOwn(request.headers, name) ? request.headers[name] : undefined;
}

/** Values of one name in the order received, joined by a comma without a space: that is how they are signed. */
function joinHeaders(rawHeaders: readonly string[]): Map<string, string> {
  const joined = new Map<string, string>();
  for (let index = 0; index + 1 < rawHeaders.length; index += 2) {
    const name = (rawHeaders[index] ?? "").toLowerCase();
    const value = foldSpaces(rawHeaders[index + 1] ?? "");
    const before = joined.get(name);
    joined.set(name, before === undefined ? value : `${before},${value}`);
  }
  return joined;
}

/** White space of HTTP only: what JavaScript counts as such is the second byte of an `à`, too. */
function foldSpaces(value: string): string {
  if (!/^ | $| {2}|[\t\n\v\f\r]/.test(value)) return value;
  return value.replace(/[ \t\n\v\f\r]+/g, " ").replace(/^ | $/g, "");
}

/** Takes out `.`, `..` and empty segments; a trailing slash stays. What is no path, such as a whole URL, does not become one. */
function normalisePath(path: string): string {
  if (!path.startsWith("/") || !/\/\.|\/\//.test(path)) return path;
  const kept: string[] = [];
  for (const segment of path.split("/")) {
    if (segment === "" || segment === ".") continue;
    if (segment === "..") kept.pop();
    else kept.push(segment);
  }
  return `/${kept.join("/")}${kept.length > 0 && path.endsWith("/") ? "/" : ""}`;
}

const unreserved = /^[A-Za-z0-9\-._~]*$/;

/** Percent-encodes every byte but the unreserved ones and those in `kept`; a `%` is encoded like any other. */
function encode(text: string, kept: string): string {
  if (unreserved.test(text)) return text;
  let encoded = "";
  for (const character of text) {
    encoded +=
      kept.includes(character) || unreserved.test(character) ? character : escapeOf(character);
  }
  return encoded;
}

/** Decodes `%XX` and `+` and encodes again, byte for byte; a `%` that starts no escape stands for itself. */
function encodeAnew(text: string, kept: string): string {
  if (unreserved.test(text)) return text;
  // In a path a plus is a plus; only in a query does it stand for a space.
  const plus = kept === "/" ? "%2B" : "%20";
  return text.replace(/%[0-9A-Fa-f]{2}|[^A-Za-z0-9\-._~]/gu, (found) => {
    if (found.length === 3 && found.startsWith("%")) {
      const byte = String.fromCharCode(Number.parseInt(found.slice(1), 16));
      return unreserved.test(byte) ? byte : found.toUpperCase();
    }
    if (found === "+") return plus;
    return kept.includes(found) ? found : escapeOf(found);
  });
}

function escapeOf(character: string): string {
  const code = character.codePointAt(0) ?? 0;
  if (code <= 0xff) return `%${code.toString(16).toUpperCase().padStart(2, "0")}`;
  return Buffer.from(character)
    .toString("hex")
    .toUpperCase()
    .replace(/../g, (byte) => `%${byte}`);
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
