// Reads the signature of a request: who claims to have signed it, when, for what, and over which payload.
import { CairnError } from "../base/errors.ts";
import { presignedSecondsMax } from "../base/limits.ts";
import { type SignedRequest, signsPathAsSent } from "./canonical.ts";

export const algorithm = "AWS4-HMAC-SHA256";

/** What the last line of the canonical request is, and what it promises about the body. */
export type SignedPayload =
  /** The hash of the body, declared in a header. */
  | { kind: "hash"; hash: string }
  /** Nothing declared: the hash of the body itself. */
  | { kind: "body" }
  /** The body is not covered. */
  | { kind: "unsigned" }
  /** The body comes in chunks, each with a signature of its own (chunk-decoder.ts). */
  | { kind: "chunks"; signed: boolean; trailer: boolean; declared: string };

export interface ParsedSignature {
  form: "header" | "presigned";
  accessKeyId: string;
  /** The credential scope: `20150830`, a region, a service. */
  date: string;
  region: string;
  signingName: string;
  /** As written, `20150830T123600Z`, and as a time. */
  signedAt: string;
  signedAtMs: number;
  /** Presigned requests: how long they are good for. */
  expiresSeconds?: number;
  /** Lower case, in order. */
  signedHeaders: string[];
  signature: string;
  sessionToken?: string;
  payload: SignedPayload;
}

/**
 * Undefined: the request is not signed. An error: it is meant to be, but cannot be read; the message is AWS's.
 * Nothing is verified here: all that comes back is what the request claims.
 */
export function parseSignature(request: SignedRequest): ParsedSignature | undefined | CairnError {
  const { authorization } = request.headers;
  const presigned = /(?:^|&)X-Amz-Algorithm=/.test(request.query);
  const older = isOlderQuery(request.query);
  const ways = countOf(request, "authorization") + Number(presigned) + Number(older);
  // Of two, one could be read here and the other elsewhere: by the router, or by the upstream.
  if (ways > 1 && (presigned || older || isAnyAwsScheme(authorization ?? ""))) {
    return incomplete(
      "Only one auth mechanism allowed; only the X-Amz-Algorithm query parameter, Signature query string parameter or the Authorization header should be specified.",
    );
  }
  if (authorization !== undefined && isAwsScheme(authorization)) {
    return parseHeader(request, authorization);
  }
  if (older) {
    return incomplete(
      `The authorization mechanism you have provided is not supported. Please use ${algorithm}.`,
    );
  }
  return presigned ? parsePresigned(request) : undefined;
}

/** How often a header stands in the request; node:http joins what is repeated, or drops it. */
function countOf(request: SignedRequest, lowerName: string): number {
  const { rawHeaders } = request;
  if (rawHeaders === undefined) return Number(request.headers[lowerName] !== undefined);
  let count = 0;
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = rawHeaders[index] ?? "";
    if (name.length === lowerName.length && name.toLowerCase() === lowerName) count++;
  }
  return count;
}

/** Signature Version 2, which proves less and is not taken: named so that nobody takes it for unsigned. */
function isOlderQuery(query: string): boolean {
  return /(?:^|&)AWSAccessKeyId=/.test(query) && /(?:^|&)Signature=/.test(query);
}

/** Other schemes, such as a bearer token, are no business of this protocol: the request counts as unsigned. */
function isAwsScheme(authorization: string): boolean {
  return /^AWS(?:[34][-A-Z0-9]*)? /.test(authorization) || authorization.startsWith("AWS4-");
}

/** Of several headers joined, the first or another. */
function isAnyAwsScheme(authorization: string): boolean {
  return authorization.split(", ").some((each) => isAwsScheme(each));
}

function parseHeader(request: SignedRequest, authorization: string): ParsedSignature | CairnError {
  const space = authorization.indexOf(" ");
  const scheme = space < 0 ? authorization : authorization.slice(0, space);
  if (scheme !== algorithm) return incomplete(`Unsupported AWS 'algorithm': '${scheme}'.`);
  const fields = new Map<string, string>();
  for (const part of space < 0 ? [] : authorization.slice(space + 1).split(",")) {
    const pair = part.trim();
    if (pair === "") continue;
    const equals = pair.indexOf("=");
    if (equals < 0) {
      return incomplete(
        `'${pair}' not a valid key=value pair (missing equal-sign) in Authorization header.`,
      );
    }
    const name = pair.slice(0, equals).trim();
    // AWS takes the last one; the router took the first.
    if (fields.has(name)) return incomplete(`'${name}' is repeated in Authorization header.`);
    fields.set(name, pair.slice(equals + 1).trim());
  }
  const amzDate = request.headers["x-amz-date"];
  const dateHeader = amzDate ?? request.headers.date;
  const missing = ["Credential", "Signature", "SignedHeaders"]
    .filter((name) => !fields.get(name))
    .map((name) => `Authorization header requires '${name}' parameter.`);
  if (dateHeader === undefined) {
    missing.push(
      "Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header.",
    );
  }
  if (missing.length > 0) return incomplete(missing.join(" "));
  return complete(request, {
    form: "header",
    credential: fields.get("Credential") ?? "",
    signature: fields.get("Signature") ?? "",
    signedHeaders: fields.get("SignedHeaders") ?? "",
    date: dateHeader ?? "",
    isBasicDate: amzDate !== undefined,
    sessionToken: request.headers["x-amz-security-token"],
    declaredHash: request.headers["x-amz-content-sha256"],
  });
}

function parsePresigned(request: SignedRequest): ParsedSignature | CairnError {
  const fields = new Map<string, string>();
  for (const part of request.query.split("&")) {
    const equals = part.indexOf("=");
    if (equals < 0) continue;
    // Its name is signed as it reads, however it is spelled.
    const name = decode(part.slice(0, equals));
    if (!name.startsWith("X-Amz-")) continue;
    if (fields.has(name)) return incomplete(`AWS query-string parameter '${name}' is repeated.`);
    fields.set(name, decode(part.slice(equals + 1)));
  }
  const scheme = fields.get("X-Amz-Algorithm");
  if (scheme !== algorithm) return incomplete(`Unsupported AWS 'algorithm': '${scheme}'.`);
  const missing = ["X-Amz-Credential", "X-Amz-Signature", "X-Amz-SignedHeaders", "X-Amz-Date"]
    .filter((name) => !fields.get(name))
    .map((name) => `AWS query-string parameters must include '${name}'.`);
  if (missing.length > 0)
    return incomplete(`${missing.join(" ")} Re-examine the query-string parameters.`);
  const parsed = complete(request, {
    form: "presigned",
    credential: fields.get("X-Amz-Credential") ?? "",
    signature: fields.get("X-Amz-Signature") ?? "",
    signedHeaders: fields.get("X-Amz-SignedHeaders") ?? "",
    date: fields.get("X-Amz-Date") ?? "",
    isBasicDate: true,
    sessionToken: fields.get("X-Amz-Security-Token"),
    declaredHash: fields.get("X-Amz-Content-Sha256") ?? request.headers["x-amz-content-sha256"],
  });
  if (parsed instanceof CairnError) return parsed;
  const expires = fields.get("X-Amz-Expires");
  if (expires === undefined) {
    // Elsewhere such a request is good for as long as one that is signed in a header.
    if (!signsPathAsSent(parsed.signingName)) return parsed;
    return incomplete(
      "Query-string authentication version 4 requires the X-Amz-Algorithm, X-Amz-Credential, X-Amz-Signature, X-Amz-Date, X-Amz-SignedHeaders, and X-Amz-Expires parameters.",
    );
  }
  if (/^-\d+$/.test(expires)) return incomplete("X-Amz-Expires must be non-negative");
  if (!/^\d{1,9}$/.test(expires)) return incomplete("X-Amz-Expires should be a number");
  if (Number(expires) > presignedSecondsMax) {
    return incomplete(
      `X-Amz-Expires must be less than a week (in seconds); that is, the given X-Amz-Expires must be less than ${presignedSecondsMax} seconds`,
    );
  }
  return { ...parsed, expiresSeconds: Number(expires) };
}

interface Claims {
  form: ParsedSignature["form"];
  credential: string;
  signature: string;
  signedHeaders: string;
  date: string;
  /** It stands where only `20150830T123600Z` is allowed, not in a Date header. */
  isBasicDate: boolean;
  sessionToken: string | undefined;
  declaredHash: string | undefined;
}

function complete(request: SignedRequest, claims: Claims): ParsedSignature | CairnError {
  const scope = claims.credential.split("/");
  const [accessKeyId, date, region, signingName, terminator] = scope;
  if (scope.length !== 5 || !accessKeyId || !date || !region || !signingName || !terminator) {
    return incomplete(
      `Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term, got '${claims.credential}'`,
    );
  }
  if (terminator !== "aws4_request") {
    return mismatch(
      `Credential should be scoped with a valid terminator: 'aws4_request', not '${terminator}'.`,
    );
  }
  if (!/^[A-Za-z0-9-]{1,64}$/.test(region)) {
    return mismatch(`Credential should be scoped to a valid region, not '${region}'.`);
  }
  const time = readTime(claims.date, claims.isBasicDate);
  if (time === undefined) {
    return incomplete(
      `Date must be in ISO-8601 'basic format'. Got '${claims.date}'. See http://en.wikipedia.org/wiki/ISO_8601`,
    );
  }
  const { signedAt, signedAtMs } = time;
  if (!signedAt.startsWith(`${date}T`)) {
    return mismatch(
      `Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: '${date}' != '${signedAt.slice(0, 8)}', from '${signedAt}'.`,
    );
  }
  // In order, as they are signed, whatever the order they are listed in.
  const signedHeaders = claims.signedHeaders.toLowerCase().split(";").toSorted();
  if (!signedHeaders.includes("host")) {
    return mismatch("'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization.");
  }
  // It names the operation: whoever could change it would make another call in the signer's name.
  if (request.headers["x-amz-target"] !== undefined && !signedHeaders.includes("x-amz-target")) {
    return mismatch("'X-Amz-Target' must be a 'SignedHeader' in the AWS Authorization.");
  }
  const payload = readPayload(claims, signingName);
  if (payload instanceof CairnError) return payload;
  const unsigned = signsPathAsSent(signingName)
    ? unsignedAmzHeader(request, signedHeaders)
    : undefined;
  if (unsigned !== undefined) {
    return new CairnError(
      "AccessDenied",
      `There were headers present in the request which were not signed: ${unsigned}`,
    );
  }
  return {
    form: claims.form,
    accessKeyId,
    date,
    region,
    signingName,
    signedAt,
    signedAtMs,
    signedHeaders,
    signature: claims.signature,
    ...(claims.sessionToken === undefined ? {} : { sessionToken: claims.sessionToken }),
    payload,
  };
}

function readPayload(claims: Claims, signingName: string): SignedPayload | CairnError {
  const declared = claims.declaredHash;
  if (declared === undefined) {
    // A presigned S3 URL is made before anyone knows the body.
    const uncovered = claims.form === "presigned" && signsPathAsSent(signingName);
    return uncovered ? { kind: "unsigned" } : { kind: "body" };
  }
  if (declared === "UNSIGNED-PAYLOAD") return { kind: "unsigned" };
  const streaming = /^STREAMING-(AWS4-HMAC-SHA256|UNSIGNED)-PAYLOAD(-TRAILER)?$/.exec(declared);
  // An unsigned streaming body without a trailer does not exist: it would be UNSIGNED-PAYLOAD.
  if (streaming !== null && (streaming[1] !== "UNSIGNED" || streaming[2] !== undefined)) {
    const signed = streaming[1] !== "UNSIGNED";
    return { kind: "chunks", signed, trailer: streaming[2] !== undefined, declared };
  }
  if (/^[0-9a-f]{64}$/.test(declared)) return { kind: "hash", hash: declared };
  return incomplete(
    "x-amz-content-sha256 must be UNSIGNED-PAYLOAD, STREAMING-UNSIGNED-PAYLOAD-TRAILER, STREAMING-AWS4-HMAC-SHA256-PAYLOAD, STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER or a valid sha256 value.",
  );
}

/** S3 refuses what could have been added to a signed request on its way. */
function unsignedAmzHeader(request: SignedRequest, signedHeaders: string[]): string | undefined {
  return Object.keys(request.headers).find(
    (name) => name.startsWith("x-amz-") && !signedHeaders.includes(name),
  );
}

interface SigningTime {
  signedAt: string;
  signedAtMs: number;
}

/** The last time read: requests of one second have one text in common, and reading it is dear. */
let lastTime: { text: string; time: SigningTime } | undefined;

function readTime(text: string, isBasic: boolean): SigningTime | undefined {
  if (lastTime?.text === text) return lastTime.time;
  const basic = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/.exec(text);
  if (basic === null) return isBasic ? undefined : readDateHeader(text);
  const signedAtMs = Date.parse(
    `${basic[1]}-${basic[2]}-${basic[3]}T${basic[4]}:${basic[5]}:${basic[6]}Z`,
  );
  // The 31st of February is read as a day of March.
  if (!isWritable(signedAtMs) || basicTime(signedAtMs) !== text) return undefined;
  lastTime = { text, time: { signedAt: text, signedAtMs } };
  return lastTime.time;
}

/** `Sun, 30 Aug 2015 12:36:00 GMT`, and the forms like it. Without a zone it would be read in that of this machine. */
function readDateHeader(text: string): SigningTime | undefined {
  if (!/(?:GMT|UTC|Z|[+-]\d\d:?\d\d)$/.test(text)) return undefined;
  const signedAtMs = Date.parse(text);
  return isWritable(signedAtMs) ? { signedAt: basicTime(signedAtMs), signedAtMs } : undefined;
}

/** Past year 9999 the text form has a sign and six digits, which no credential scope can name. */
function isWritable(ms: number): boolean {
  return ms >= 0 && ms < Date.UTC(10_000, 0, 1);
}

/** `20150830T123600Z` */
export function basicTime(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 19).replace(/[-:]/g, "")}Z`;
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    // Not an escape that a client makes: the text as it stands will be named in the refusal.
    return text;
  }
}

function incomplete(message: string): CairnError {
  return new CairnError("IncompleteSignature", message);
}

function mismatch(message: string): CairnError {
  return new CairnError("SignatureDoesNotMatch", message);
}
