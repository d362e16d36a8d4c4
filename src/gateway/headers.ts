// What happens to headers on their way through: nothing, but for those that belong to one hop only.
//
// node:http keeps names and values in turn, as received, in `rawHeaders`. They are sent on in that form: same order,
// same case, repeated ones repeated, Host included. Only what RFC 9110 (7.6.1) gives to a single connection is left
// out, unless the caller signed it: a signed header is never touched.

const noBodyExpected = new Set(["GET", "HEAD", "DELETE", "OPTIONS", "TRACE", "CONNECT"]);

/** The value of the first header of that (lower-case) name. */
export function rawHeader(raw: readonly string[], name: string): string | undefined {
  for (let index = 0; index + 1 < raw.length; index += 2) {
    const each = raw[index] ?? "";
    if (each.length === name.length && each.toLowerCase() === name) return raw[index + 1];
  }
  return undefined;
}

/** Whether there is more than one header of that (lower-case) name. */
export function isRepeated(raw: readonly string[], name: string): boolean {
  let count = 0;
  for (let index = 0; index + 1 < raw.length; index += 2) {
    const each = raw[index] ?? "";
    if (each.length === name.length && each.toLowerCase() === name) count++;
  }
  return count > 1;
}

/** Lower-case names; repeated headers joined by `, `. No header is dropped, as node:http does with some. */
export function joinHeaders(raw: readonly string[]): Record<string, string> {
  const joined: Record<string, string> = Object.create(null) as Record<string, string>;
  for (let index = 0; index + 1 < raw.length; index += 2) {
    const name = (raw[index] ?? "").toLowerCase();
    const value = raw[index + 1] ?? "";
    const before = joined[name];
    joined[name] = before === undefined ? value : `${before}, ${value}`;
  }
  return joined;
}

/** The request's headers as the upstream gets them. */
export function requestHeaders(
  method: string,
  raw: readonly string[],
  isSigned: (lowerName: string) => boolean,
): string[] {
  const named = connectionTokens(raw);
  let hasLength = false;
  let isChunked = false;
  const kept: string[] = [];
  for (let index = 0; index + 1 < raw.length; index += 2) {
    const name = raw[index] ?? "";
    const value = raw[index + 1] ?? "";
    const lower = name.toLowerCase();
    if (lower === "content-length") hasLength = true;
    if (lower === "transfer-encoding") isChunked = true;
    if (isOfRequestHop(lower, value, named) && !isSigned(lower)) continue;
    kept.push(name, value);
  }
  // A method that expects a body, sent without one: node:http would make it a chunked body of nothing.
  if (!hasLength && !isChunked && !noBodyExpected.has(method)) kept.push("Content-Length", "0");
  return isChunked ? kept : without(kept, "trailer");
}

/** The answer's headers as the client gets them. */
export function responseHeaders(
  raw: readonly string[],
  to: { httpVersion: string; status: number },
): string[] {
  const named = connectionTokens(raw);
  // Neither may have a transfer coding, and an HTTP/1.0 client cannot read one.
  const withoutCoding = to.status === 204 || to.status === 304 || to.httpVersion === "1.0";
  let isChunked = false;
  const kept: string[] = [];
  for (let index = 0; index + 1 < raw.length; index += 2) {
    const name = raw[index] ?? "";
    const value = raw[index + 1] ?? "";
    const lower = name.toLowerCase();
    if (lower === "connection" || lower === "keep-alive" || lower === "proxy-connection") continue;
    if (lower === "upgrade" || named.has(lower)) continue;
    if (lower === "transfer-encoding") {
      if (withoutCoding) continue;
      isChunked = true;
    }
    kept.push(name, value);
  }
  return isChunked ? kept : without(kept, "trailer");
}

/** Trailers in the form that `addTrailers` takes. */
export function trailerPairs(raw: readonly string[]): [string, string][] {
  const pairs: [string, string][] = [];
  for (let index = 0; index + 1 < raw.length; index += 2) {
    pairs.push([raw[index] ?? "", raw[index + 1] ?? ""]);
  }
  return pairs;
}

function isOfRequestHop(lower: string, value: string, named: ReadonlySet<string>): boolean {
  switch (lower) {
    case "connection":
      // The usual value is also ours, and stays where it stands.
      return value.trim().toLowerCase() !== "keep-alive";
    case "keep-alive":
    case "proxy-connection":
    case "upgrade":
      return true;
    case "te":
      // Trailers do pass; another transfer coding would be a promise in the client's name.
      return value.trim().toLowerCase() !== "trailers";
    default:
      return named.has(lower);
  }
}

/** What `Connection` names may not take away what makes the message a message. */
const neverNamed = new Set(["host", "content-length", "transfer-encoding", "authorization", "te"]);
const none: ReadonlySet<string> = new Set();

/** The headers that `Connection` names: of this hop only. */
export function connectionTokens(raw: readonly string[]): ReadonlySet<string> {
  let tokens: Set<string> | undefined;
  for (let index = 0; index + 1 < raw.length; index += 2) {
    const name = raw[index] ?? "";
    if (name.length !== 10 || name.toLowerCase() !== "connection") continue;
    for (const token of (raw[index + 1] ?? "").split(",")) {
      const lower = token.trim().toLowerCase();
      if (lower === "keep-alive" || lower === "close" || neverNamed.has(lower)) continue;
      (tokens ??= new Set()).add(lower);
    }
  }
  return tokens ?? none;
}

/** node:http refuses to announce trailers for a message that cannot have them. */
function without(headers: string[], name: string): string[] {
  if (rawHeader(headers, name) === undefined) return headers;
  const kept: string[] = [];
  for (let index = 0; index + 1 < headers.length; index += 2) {
    if (headers[index]?.toLowerCase() !== name) {
      kept.push(headers[index] ?? "", headers[index + 1] ?? "");
    }
  }
  return kept;
}
