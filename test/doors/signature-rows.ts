// What is signed badly, or well in an odd way, and what is to come of it: the rows of signature.test.ts.
//
// Each row says what AWS does. Sources: IAM user guide, "Troubleshoot Signature Version 4 signing"; S3 API reference,
// "Authenticating requests" and "Error responses"; where the pages are silent, what implementations that were compared
// with the service found, or "not documented".
import { eventLine } from "../tools/post-events.ts";
import {
  adding,
  basicTimeOf,
  hashOf,
  presigned,
  scopeOf,
  signed,
  type Unsigned,
  type Wire,
  withHeader,
} from "./hand-signed.ts";

/** What becomes of a request; each door has its name and status for it. */
export type Outcome =
  | "good"
  | "mismatch"
  | "incomplete"
  | "skewed"
  | "expired"
  | "unknown key"
  | "missing"
  | "unsigned header"
  | "another body"
  /** Refused before anyone looks at who it is from. */
  | "no HTTP";

export interface Door {
  at: "main" | "gateway";
  request: Pick<Unsigned, "method" | "target" | "headers" | "body" | "service">;
  words: Record<Exclude<Outcome, "good" | "no HTTP">, readonly [status: number, code: string]>;
}

const form = ["Content-Type", "application/x-www-form-urlencoded"] as const;
const json = ["Content-Type", "application/x-amz-json-1.1"] as const;

export const doors = {
  "AWS door, JSON": {
    at: "main",
    request: {
      service: "cloudtrail",
      method: "POST",
      target: "/",
      headers: [json, ["X-Amz-Target", "CloudTrail_20131101.ListChannels"]],
      body: '{"MaxResults":1}',
    },
    words: {
      mismatch: [403, "InvalidSignatureException"],
      incomplete: [403, "IncompleteSignature"],
      skewed: [403, "InvalidSignatureException"],
      expired: [400, "RequestExpired"],
      "unknown key": [403, "UnrecognizedClientException"],
      missing: [403, "MissingAuthenticationTokenException"],
      "unsigned header": [403, "InvalidSignatureException"],
      "another body": [403, "InvalidSignatureException"],
    },
  },
  "AWS door, query": {
    at: "main",
    request: {
      service: "sts",
      method: "POST",
      target: "/",
      headers: [form],
      body: "Action=GetCallerIdentity&Version=2011-06-15",
    },
    words: {
      mismatch: [403, "SignatureDoesNotMatch"],
      incomplete: [400, "IncompleteSignature"],
      skewed: [403, "SignatureDoesNotMatch"],
      expired: [400, "RequestExpired"],
      "unknown key": [403, "InvalidClientTokenId"],
      missing: [403, "MissingAuthenticationToken"],
      "unsigned header": [403, "SignatureDoesNotMatch"],
      "another body": [403, "SignatureDoesNotMatch"],
    },
  },
  "event API": {
    at: "main",
    request: {
      service: "cairn",
      method: "POST",
      target: "/v1/events",
      headers: [["Content-Type", "application/x-ndjson"]],
      body: eventLine({ eventID: "signature-doors" }),
    },
    words: {
      mismatch: [403, "SignatureDoesNotMatch"],
      incomplete: [403, "IncompleteSignature"],
      skewed: [403, "RequestTimeTooSkewed"],
      expired: [403, "RequestExpired"],
      "unknown key": [403, "InvalidClientTokenId"],
      missing: [403, "MissingAuthenticationToken"],
      "unsigned header": [403, "SignatureDoesNotMatch"],
      "another body": [400, "PayloadHashMismatch"],
    },
  },
  "gateway, JSON": {
    at: "gateway",
    request: {
      service: "cognito-idp",
      method: "POST",
      target: "/",
      headers: [json, ["X-Amz-Target", "AWSCognitoIdentityProviderService.ListUserPools"]],
      body: '{"MaxResults":1}',
    },
    words: {
      mismatch: [403, "InvalidSignatureException"],
      incomplete: [403, "IncompleteSignatureException"],
      skewed: [403, "InvalidSignatureException"],
      expired: [403, "InvalidSignatureException"],
      "unknown key": [403, "UnrecognizedClientException"],
      missing: [403, "MissingAuthenticationTokenException"],
      "unsigned header": [403, "InvalidSignatureException"],
      "another body": [400, "InvalidSignatureException"],
    },
  },
  "gateway, query": {
    at: "gateway",
    request: {
      service: "sts",
      method: "POST",
      target: "/",
      headers: [form],
      body: "Action=GetCallerIdentity&Version=2011-06-15",
    },
    words: {
      mismatch: [403, "SignatureDoesNotMatch"],
      incomplete: [403, "IncompleteSignature"],
      skewed: [403, "SignatureDoesNotMatch"],
      expired: [403, "SignatureDoesNotMatch"],
      "unknown key": [403, "InvalidClientTokenId"],
      missing: [403, "MissingAuthenticationToken"],
      "unsigned header": [403, "SignatureDoesNotMatch"],
      "another body": [400, "SignatureDoesNotMatch"],
    },
  },
  "gateway, S3": {
    at: "gateway",
    request: {
      service: "s3",
      method: "PUT",
      target: "/bucket/key",
      headers: [["x-amz-content-sha256", "UNSIGNED-PAYLOAD"]],
      body: "an object",
    },
    words: {
      mismatch: [403, "SignatureDoesNotMatch"],
      incomplete: [403, "AuthorizationHeaderMalformed"],
      skewed: [403, "RequestTimeTooSkewed"],
      expired: [403, "SignatureDoesNotMatch"],
      "unknown key": [403, "InvalidAccessKeyId"],
      missing: [403, "AccessDenied"],
      "unsigned header": [403, "AccessDenied"],
      "another body": [400, "XAmzContentSHA256Mismatch"],
    },
  },
} as const satisfies Record<string, Door>;

export type DoorName = keyof typeof doors;
export const doorNames = Object.keys(doors) as DoorName[];
const withoutS3 = doorNames.filter((name) => name !== "gateway, S3");

const other = "0".repeat(64);
const minutes = 60_000;
const authorization = (change: (value: string) => string) => (wire: Wire) =>
  withHeader(wire, "authorization", change);
const more = (...headers: [string, string][]) => ({
  after: (wire: Wire) => adding(wire, ...headers),
});
const signing = (change: (unsigned: Unsigned) => Partial<Unsigned>) => ({
  before: (unsigned: Unsigned): Unsigned => ({ ...unsigned, ...change(unsigned) }),
});
const target = (wire: Wire, text: string): Wire => ({ ...wire, target: text });

export interface Row {
  name: string;
  /** What AWS does. */
  aws: string;
  outcome: Outcome;
  /** Words of the refusal. */
  says?: RegExp;
  before?: (unsigned: Unsigned) => Unsigned;
  sign?: (unsigned: Unsigned) => Wire;
  after?: (wire: Wire, unsigned: Unsigned) => Wire;
  at?: readonly DoorName[];
}

const calculated = /The request signature we calculated does not match/;

export const rows: Record<string, Row[]> = {
  "good requests": [
    { name: "as signed", aws: "accepts", outcome: "good" },
    {
      name: "presigned",
      aws: "accepts",
      outcome: "good",
      sign: (unsigned) => presigned(unsigned),
    },
    {
      name: "four minutes old",
      aws: "accepts up to five",
      outcome: "good",
      ...signing(({ signedAtMs }) => ({ signedAtMs: signedAtMs - 4 * minutes })),
    },
    {
      name: "four minutes ahead",
      aws: "accepts up to five",
      outcome: "good",
      ...signing(({ signedAtMs }) => ({ signedAtMs: signedAtMs + 4 * minutes })),
    },
    {
      name: "presigned an hour ago, for two",
      aws: "accepts until it expires",
      outcome: "good",
      ...signing(({ signedAtMs }) => ({ signedAtMs: signedAtMs - 60 * minutes })),
      sign: (unsigned) => presigned(unsigned, (all) => ({ ...all, "X-Amz-Expires": "7200" })),
    },
    {
      name: "the names of its headers in another case",
      aws: "accepts: names are signed in lower case",
      outcome: "good",
      after: (wire) => ({
        ...wire,
        headers: wire.headers.map(([name, value], index) => [
          index % 2 === 0 ? name.toUpperCase() : name.toLowerCase(),
          value,
        ]),
      }),
    },
    {
      name: "its headers in another order",
      aws: "accepts: they are signed in order of name",
      outcome: "good",
      after: (wire) => ({ ...wire, headers: wire.headers.toReversed() }),
    },
    {
      name: "white space around and in a value",
      aws: "accepts: trimmed, and runs are one space",
      outcome: "good",
      ...signing(({ headers }) => ({
        headers: [...headers, ["x-amz-meta-a", " \ta   b\t "]],
        canonicalValues: { "x-amz-meta-a": "a b" },
      })),
    },
    {
      name: "a repeated header that is signed",
      aws: "accepts: its values joined by commas, in the order received",
      outcome: "good",
      ...signing(({ headers }) => ({
        headers: [...headers, ["x-amz-meta-a", "2"], ["X-Amz-Meta-A", "1"]],
      })),
    },
    {
      name: "UTF-8 in a value, an à at its end",
      aws: "accepts: bytes are signed as they are",
      outcome: "good",
      ...signing(({ headers }) => ({
        headers: [...headers, ["x-amz-meta-a", Buffer.from("voilà").toString("latin1")]],
      })),
    },
    {
      name: "an X-Amzn-Trace-Id added by a proxy",
      aws: "accepts: no x-amz- header",
      outcome: "good",
      ...more(["X-Amzn-Trace-Id", "Root=1-5759e988-bd862e3fe1be46a994272793"]),
    },
    {
      name: "spaces left out of Authorization",
      aws: "accepts: commas part it",
      outcome: "good",
      after: authorization((value) => value.replaceAll(", ", ",")),
    },
    {
      name: "SignedHeaders in another order and case",
      aws: "accepts: sorted before they are used, case not looked at",
      outcome: "good",
      after: authorization((value) =>
        value.replace(
          /SignedHeaders=([^,]*)/,
          (_, names: string) =>
            `SignedHeaders=${names.toUpperCase().split(";").toReversed().join(";")}`,
        ),
      ),
    },
  ],
  time: [
    {
      name: "six minutes old",
      aws: "Signature expired: … is now earlier than …",
      outcome: "skewed",
      ...signing(({ signedAtMs }) => ({ signedAtMs: signedAtMs - 6 * minutes })),
    },
    {
      name: "six minutes ahead",
      aws: "Signature not yet current: … is still later than …",
      outcome: "skewed",
      ...signing(({ signedAtMs }) => ({ signedAtMs: signedAtMs + 6 * minutes })),
    },
    {
      name: "the date moved to now, the signature kept",
      aws: "the signature does not match",
      outcome: "mismatch",
      says: calculated,
      ...signing(({ signedAtMs }) => ({ signedAtMs: signedAtMs - 6 * minutes })),
      // The same day, unless midnight lies between: then the scope's date gives it away.
      after: (wire, { signedAtMs }) => {
        const moved = withHeader(wire, "x-amz-date", () => basicTimeOf(signedAtMs + 6 * minutes));
        const days = [signedAtMs, signedAtMs + 6 * minutes].map((ms) =>
          basicTimeOf(ms).slice(0, 8),
        );
        return authorization((value) => value.replace(days[0] ?? "", days[1] ?? ""))(moved);
      },
    },
    {
      name: "another date in the scope",
      aws: "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP",
      outcome: "mismatch",
      says: /Date in Credential scope does not match YYYYMMDD/,
      after: authorization((value) => value.replace(/\/\d{8}\//, "/20150830/")),
    },
    {
      name: "no date",
      aws: "Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header.",
      outcome: "incomplete",
      says: /requires existence of either a .*X-Amz-Date.* or a .*Date.* header/,
      after: (wire) => ({
        ...wire,
        headers: wire.headers.filter(([name]) => name !== "X-Amz-Date"),
      }),
    },
    {
      name: "X-Amz-Date twice",
      aws: "not documented; the first is taken, the signature covers both",
      outcome: "incomplete",
      says: /Date must be in ISO-8601/,
      after: (wire, { signedAtMs }) => adding(wire, ["X-Amz-Date", basicTimeOf(signedAtMs)]),
    },
    {
      name: "X-Amz-Date in the form of Date",
      aws: "Date must be in ISO-8601 'basic format'.",
      outcome: "incomplete",
      says: /Date must be in ISO-8601/,
      after: (wire, { signedAtMs }) =>
        withHeader(wire, "x-amz-date", () => new Date(signedAtMs).toUTCString()),
    },
  ],
  "scope and key": [
    {
      name: "another region, signed for the first",
      aws: "Credential should be scoped to a valid region",
      outcome: "mismatch",
      says: calculated,
      after: authorization((value) => value.replace("us-east-1", "eu-west-1")),
    },
    {
      name: "a region that is none",
      aws: "Credential should be scoped to a valid region",
      outcome: "mismatch",
      says: /Credential should be scoped to a valid region, not/,
      ...signing(() => ({ region: "us_east_1" })),
    },
    {
      name: "another terminator",
      aws: "Credential should be scoped with a valid terminator: 'aws4_request'",
      outcome: "mismatch",
      says: /valid terminator: .*aws4_request/,
      // At the main port a scope that cannot be read leads to the AWS door, whatever the path.
      at: doorNames.filter((name) => name !== "event API"),
      after: authorization((value) => value.replace("aws4_request", "aws4_demand")),
    },
    {
      name: "a scope of six parts",
      aws: "Credential must have exactly 5 slash-delimited elements",
      outcome: "incomplete",
      says: /exactly 5 slash-delimited elements/,
      after: authorization((value) => value.replace("aws4_request", "aws4_request/aws4_request")),
    },
    {
      name: "a scope of four parts",
      aws: "Credential must have exactly 5 slash-delimited elements",
      outcome: "incomplete",
      says: /exactly 5 slash-delimited elements/,
      at: doorNames.filter((name) => name !== "event API"),
      after: authorization((value) => value.replace("/us-east-1", "")),
    },
    {
      name: "a key that is nobody's",
      aws: "The security token included in the request is invalid.",
      outcome: "unknown key",
      ...signing(() => ({ accessKeyId: "AKIANOBODYSNOBODYS00" })),
    },
    {
      name: "another secret",
      aws: "the signature does not match",
      outcome: "mismatch",
      says: calculated,
      ...signing(({ secretAccessKey }) => ({ secretAccessKey: `${secretAccessKey}x` })),
    },
    {
      name: "not signed at all",
      aws: "Missing Authentication Token",
      outcome: "missing",
      // GetCallerIdentity and its like must be signed, and so must these.
      after: (wire) => ({
        ...wire,
        headers: wire.headers.filter(([name]) => name !== "Authorization"),
      }),
    },
  ],
  "the signature": [
    {
      name: "another digit",
      aws: "the signature does not match",
      outcome: "mismatch",
      says: calculated,
      after: authorization((value) => value.replace(/.$/, (digit) => (digit === "0" ? "1" : "0"))),
    },
    {
      name: "one digit short",
      aws: "the signature does not match",
      outcome: "mismatch",
      says: calculated,
      after: authorization((value) => value.slice(0, -1)),
    },
    {
      name: "no digit",
      aws: "Authorization header requires 'Signature' parameter.",
      outcome: "incomplete",
      says: /requires .*Signature.* parameter/,
      after: authorization((value) => value.replace(/Signature=.*$/, "Signature=")),
    },
    {
      name: "in upper case",
      aws: "not documented",
      outcome: "mismatch",
      says: calculated,
      after: authorization((value) =>
        value.replace(
          /Signature=(.*)$/,
          (_, digits: string) => `Signature=${digits.toUpperCase()}`,
        ),
      ),
    },
    {
      name: "AWS4-HMAC-SHA1",
      aws: "Unsupported AWS 'algorithm'",
      outcome: "incomplete",
      says: /Unsupported AWS .*algorithm.*AWS4-HMAC-SHA1/,
      after: authorization((value) => value.replace("SHA256", "SHA1")),
    },
    {
      name: "SigV4a",
      aws: "accepts where a service has regional keys; Cairn has none",
      outcome: "incomplete",
      says: /Unsupported AWS .*algorithm.*AWS4-ECDSA-P256-SHA256/,
      after: authorization((value) =>
        value.replace("AWS4-HMAC-SHA256", "AWS4-ECDSA-P256-SHA256").replace("/us-east-1", ""),
      ),
      at: doorNames.filter((name) => name !== "event API"),
    },
    {
      name: "SigV3",
      aws: "Unsupported AWS 'algorithm'",
      outcome: "incomplete",
      says: /Unsupported AWS .*algorithm.*AWS3-HTTPS/,
      after: authorization(() => "AWS3-HTTPS AWSAccessKeyId=A,Algorithm=HmacSHA256,Signature=abc"),
    },
    {
      name: "SigV2 in a header",
      aws: "Unsupported AWS 'algorithm'; S3: the authorization mechanism you have provided is not supported",
      outcome: "incomplete",
      says: /Unsupported AWS .*algorithm.*AWS/,
      after: authorization(() => "AWS AKIAIOSFODNN7EXAMPLE:qgk2+6Sv9/oM7G3qLEjTH1a1l1g="),
    },
    {
      name: "SigV2 in the query",
      aws: "The authorization mechanism you have provided is not supported.",
      outcome: "incomplete",
      says: /Please use AWS4-HMAC-SHA256/,
      after: (wire) => ({
        ...target(
          wire,
          `${wire.target}?AWSAccessKeyId=AKIAOLDEROLDEROLDER0&Expires=4102444800&Signature=abc`,
        ),
        headers: wire.headers.filter(([name]) => name !== "Authorization"),
      }),
    },
    {
      name: "the scheme in lower case",
      aws: "not documented; never signed so",
      outcome: "missing",
      after: authorization((value) => value.replace("AWS4-HMAC-SHA256", "aws4-hmac-sha256")),
      at: withoutS3.filter((name) => name !== "event API"),
    },
  ],
  "what the signature covers": [
    {
      name: "another method",
      aws: "the signature does not match",
      outcome: "mismatch",
      says: calculated,
      after: (wire) => ({ ...wire, method: "PATCH" }),
      at: doorNames.filter((name) => name !== "event API"),
    },
    {
      name: "another path",
      aws: "the signature does not match",
      outcome: "mismatch",
      says: calculated,
      after: (wire) => target(wire, `${wire.target}x`),
      at: doorNames.filter((name) => name !== "event API"),
    },
    {
      name: "a parameter more",
      aws: "the signature does not match",
      outcome: "mismatch",
      says: calculated,
      after: (wire) => target(wire, `${wire.target}?origin=import`),
    },
    {
      name: "a parameter named X-Amz-Signature more",
      aws: "the signature does not match: only a presigned request may have one",
      outcome: "mismatch",
      says: calculated,
      after: (wire) => target(wire, `${wire.target}?X-Amz-Signature=${other}`),
    },
    {
      name: "another Host",
      aws: "the signature does not match",
      outcome: "mismatch",
      says: calculated,
      after: (wire) => withHeader(wire, "host", (value) => value.replace(/^./, "x")),
      at: doorNames.filter((name) => !name.startsWith("gateway")),
    },
    {
      name: "a signed header less",
      aws: "the signature does not match",
      outcome: "mismatch",
      says: calculated,
      after: (wire) => ({
        ...wire,
        headers: wire.headers.filter(([name]) => name !== "X-Amz-Meta-B"),
      }),
    },
    {
      name: "a signed header twice",
      aws: "the signature does not match: both values are signed",
      outcome: "mismatch",
      says: calculated,
      after: (wire) => adding(wire, ["X-Amz-Meta-B", "another"]),
    },
    {
      name: "another body",
      aws: "the signature does not match",
      outcome: "mismatch",
      says: calculated,
      after: (wire) => ({ ...wire, body: wire.body.replace("e", "E") }),
      // There the body is not covered: the row below declares its hash.
      at: withoutS3,
    },
    {
      name: "another body than the one whose hash is declared",
      aws: "S3: XAmzContentSHA256Mismatch; others: the signature does not match",
      outcome: "another body",
      says: /x-amz-content-sha256.* header does not match what was computed/,
      before: declaringHash,
      after: (wire) => ({ ...wire, body: wire.body.replace("e", "E") }),
    },
    {
      name: "another body, and its hash declared",
      aws: "the signature does not match",
      outcome: "mismatch",
      says: calculated,
      before: declaringHash,
      after: (wire) => {
        const changed = { ...wire, body: wire.body.replace("e", "E") };
        return withHeader(changed, "x-amz-content-sha256", () => hashOf(changed.body));
      },
    },
  ],
  "headers that confuse": [
    {
      name: "Authorization twice, the same",
      aws: "not documented; the first is taken",
      outcome: "incomplete",
      says: /Only one auth mechanism allowed/,
      after: (wire) => adding(wire, wire.headers.at(-1) ?? ["", ""]),
    },
    {
      name: "Authorization twice, another scheme first",
      aws: "not documented; the first is taken",
      outcome: "incomplete",
      says: /Only one auth mechanism allowed/,
      after: (wire) => ({ ...wire, headers: [["Authorization", "Bearer abc"], ...wire.headers] }),
    },
    {
      name: "Authorization twice, another service's second",
      aws: "not documented; the first is taken",
      outcome: "incomplete",
      says: /Only one auth mechanism allowed/,
      after: (wire, unsigned) =>
        adding(wire, signed({ ...unsigned, service: "iam" }).headers.at(-1) ?? ["", ""]),
    },
    {
      name: "Credential twice in one Authorization",
      aws: "takes the last",
      outcome: "incomplete",
      says: /Credential.* is repeated/,
      after: (wire, unsigned) =>
        authorization(
          (value) => `${value}, Credential=${unsigned.accessKeyId}/${scopeOf(unsigned)}`,
        )(wire),
    },
    {
      name: "a part of Authorization without an equals sign",
      aws: "not a valid key=value pair (missing equal-sign) in Authorization header",
      outcome: "incomplete",
      says: /not a valid key=value pair/,
      after: authorization((value) => `${value}, Signature`),
    },
    {
      name: "Host twice",
      aws: "the load balancer refuses it",
      outcome: "mismatch",
      says: calculated,
      after: (wire) => adding(wire, ["Host", "another.example"]),
    },
    {
      name: "Host not among the signed headers",
      aws: "'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization.",
      outcome: "mismatch",
      says: /:authority.* must be a .*SignedHeader/,
      ...signing(({ headers }) => ({
        signedHeaders: headers
          .map(([name]) => name.toLowerCase())
          .filter((name) => name !== "host"),
      })),
    },
    {
      name: "an empty SignedHeaders",
      aws: "Authorization header requires 'SignedHeaders' parameter.",
      outcome: "incomplete",
      says: /requires .*SignedHeaders.* parameter/,
      after: authorization((value) => value.replace(/SignedHeaders=[^,]*/, "SignedHeaders=")),
    },
    {
      name: "a SignedHeaders that is shorter than what was signed",
      aws: "the signature does not match",
      outcome: "mismatch",
      says: calculated,
      after: authorization((value) => value.replace(/;user-agent/, "")),
    },
    {
      name: "an x-amz-security-token added",
      aws: "S3 refuses what is not signed; others look the token up, and find that the key needs none",
      outcome: "unsigned header",
      says: /headers present in the request which were not signed: x-amz-security-token/,
      ...more(["X-Amz-Security-Token", "abc"]),
      at: ["gateway, S3"],
    },
    {
      name: "an x-amz-acl added",
      aws: "There were headers present in the request which were not signed",
      outcome: "unsigned header",
      says: /headers present in the request which were not signed: x-amz-acl/,
      ...more(["x-amz-acl", "public-read"]),
      at: ["gateway, S3"],
    },
    {
      name: "an x-amz-content-sha256 of another body added",
      aws: "the signature does not match",
      outcome: "mismatch",
      says: calculated,
      ...more(["X-Amz-Content-Sha256", other]),
      at: withoutS3,
    },
    {
      name: "an x-amz-content-sha256 that covers nothing added",
      aws: "the signature does not match",
      outcome: "mismatch",
      says: calculated,
      ...more(["X-Amz-Content-Sha256", "UNSIGNED-PAYLOAD"]),
      at: withoutS3,
    },
    {
      name: "an X-Amz-Target that is not signed",
      aws: "to be signed by its documentation, as every x-amz- header",
      outcome: "unsigned header",
      says: /X-Amz-Target.* must be a .*SignedHeader/,
      ...signing(({ headers }) => ({
        signedHeaders: headers
          .map(([name]) => name.toLowerCase())
          .filter((name) => name !== "x-amz-target"),
      })),
      at: ["AWS door, JSON", "gateway, JSON"],
    },
    {
      name: "an X-Amz-Target added to a query request",
      aws: "to be signed by its documentation, as every x-amz- header",
      outcome: "unsigned header",
      says: /X-Amz-Target.* must be a .*SignedHeader/,
      ...more(["X-Amz-Target", "AWSCognitoIdentityProviderService.DeleteUserPool"]),
      at: ["event API"],
    },
    {
      name: "an X-Amz-Target twice",
      aws: "the signature does not match: both values are signed",
      outcome: "mismatch",
      says: calculated,
      ...more(["X-Amz-Target", "CloudTrail_20131101.DeleteTrail"]),
      at: ["AWS door, JSON"],
    },
    {
      // Of what passes on, an upstream takes the first or the last, and the record would name neither.
      name: "an X-Amz-Target twice on its way to an upstream",
      aws: "the signature does not match: both values are signed",
      outcome: "no HTTP",
      says: /X-Amz-Target is repeated/,
      ...more(["X-Amz-Target", "CloudTrail_20131101.DeleteTrail"]),
      at: ["gateway, JSON"],
    },
    {
      name: "a folded value",
      aws: "the load balancer refuses it",
      outcome: "no HTTP",
      ...more(["X-Folded", "a\r\n b"]),
    },
  ],
  "paths and queries": [
    ...[
      ["a//b", "/a//b", "/a/b"],
      [". and ..", "/a/./b/../c/", "/a/c/"],
      ["%2F", "/a%2Fb", "/a%252Fb"],
      ["%2f", "/a%2fb", "/a%252fb"],
      ["%2e%2e", "/a/%2e%2e/b", "/a/%252e%252e/b"],
      ["a plus", "/a+b", "/a%2Bb"],
      ["a semicolon", "/a;b", "/a%3Bb"],
      ["UTF-8, escaped", "/%C3%BC", "/%25C3%25BC"],
    ].map(([name = "", path = "", canonicalPath = ""]) => ({
      name: `a path with ${name}`,
      aws: "accepts: normalised, and escaped once more",
      outcome: "good" as const,
      ...signing(() => ({ target: path, canonicalPath })),
      at: withoutS3.filter((door) => door !== "event API"),
    })),
    ...[
      ["//", "/bucket//a/", "/bucket//a/"],
      [". and ..", "/bucket/./a/../b", "/bucket/./a/../b"],
      ["%2F", "/bucket/a%2Fb", "/bucket/a%2Fb"],
      ["%2f", "/bucket/a%2fb", "/bucket/a%2fb"],
      ["%2f, signed as %2F", "/bucket/a%2fb", "/bucket/a%2Fb"],
      ["$, signed as %24", "/bucket/a$b", "/bucket/a%24b"],
      ["UTF-8, escaped", "/bucket/%C3%BC", "/bucket/%C3%BC"],
    ].map(([name = "", path = "", canonicalPath = ""]) => ({
      name: `an object's key with ${name}`,
      aws: "accepts: as sent, and never normalised",
      outcome: "good" as const,
      ...signing(() => ({ target: path, canonicalPath })),
      at: ["gateway, S3"] as const,
    })),
    {
      name: "an object's key whose .. has been taken out",
      aws: "the signature does not match",
      outcome: "mismatch",
      says: calculated,
      ...signing(() => ({ target: "/bucket/a/../b", canonicalPath: "/bucket/b" })),
      at: ["gateway, S3"],
    },
    {
      name: "a path with a slash that was escaped when it was signed",
      aws: "the signature does not match",
      outcome: "mismatch",
      says: calculated,
      ...signing(() => ({ target: "/a/b", canonicalPath: "/a%252Fb" })),
      at: withoutS3.filter((door) => door !== "event API"),
    },
    {
      name: "an object's key with a slash that was escaped when it was signed",
      aws: "the signature does not match",
      outcome: "mismatch",
      says: calculated,
      ...signing(() => ({ target: "/bucket/a/b", canonicalPath: "/bucket/a%2Fb" })),
      at: ["gateway, S3"],
    },
    ...[
      ["?a", "a", "a="],
      ["?a=", "a=", "a="],
      ["a plus for a space", "a=b+c", "a=b%20c"],
      ["%20", "a=b%20c", "a=b%20c"],
      ["%2B", "a=b%2bc", "a=b%2Bc"],
      ["repeated names", "a=2&a=1&a", "a=&a=1&a=2"],
      ["names that differ in case", "b=1&A=2&a=3", "A=2&a=3&b=1"],
      ["a semicolon", "a=1;b=2", "a=1%3Bb%3D2"],
      ["equals signs in a value", "a=b=c==", "a=b%3Dc%3D%3D"],
      ["empty parts", "&a=1&&b=2&", "a=1&b=2"],
    ].map(([name = "", query = "", canonicalQuery = ""]) => ({
      name: `a query with ${name}`,
      aws: "accepts: decoded, sorted and escaped once",
      outcome: "good" as const,
      before: (unsigned: Unsigned) => ({
        ...unsigned,
        target: `${unsigned.target}?${query}`,
        canonicalQuery,
      }),
      at: doorNames.filter((door) => door !== "event API"),
    })),
    {
      name: "a path with UTF-8, raw",
      aws: "not documented; HTTP has no such request",
      outcome: "no HTTP",
      ...signing(() => ({
        target: Buffer.from("/ü").toString("latin1"),
        canonicalPath: "/%C3%BC",
      })),
    },
    {
      name: "a query with UTF-8, raw",
      aws: "not documented; HTTP has no such request",
      outcome: "no HTTP",
      before: (unsigned) => ({
        ...unsigned,
        target: `${unsigned.target}?${Buffer.from("ü=1").toString("latin1")}`,
        canonicalQuery: "%C3%BC=1",
      }),
    },
    {
      name: "a plus that was escaped when it was signed",
      aws: "S3 takes it for a space",
      outcome: "mismatch",
      says: calculated,
      before: (unsigned) => ({
        ...unsigned,
        target: `${unsigned.target}?a=b+c`,
        canonicalQuery: "a=b%2Bc",
      }),
    },
    {
      name: "a repeated name less",
      aws: "the signature does not match",
      outcome: "mismatch",
      says: calculated,
      before: (unsigned) => ({
        ...unsigned,
        target: `${unsigned.target}?a=1&a=1`,
        canonicalQuery: "a=1",
      }),
    },
  ],
  presigned: [
    {
      name: "an hour old, for ten minutes",
      aws: "Request has expired",
      outcome: "expired",
      says: /Signature expired/,
      ...signing(({ signedAtMs }) => ({ signedAtMs: signedAtMs - 60 * minutes })),
      sign: (unsigned) => presigned(unsigned, (all) => ({ ...all, "X-Amz-Expires": "600" })),
    },
    {
      name: "for no time",
      aws: "Request has expired",
      outcome: "expired",
      says: /Signature expired/,
      ...signing(({ signedAtMs }) => ({ signedAtMs: signedAtMs - 1000 })),
      sign: (unsigned) => presigned(unsigned, (all) => ({ ...all, "X-Amz-Expires": "0" })),
    },
    ...[
      ["more than seven days", "604801", /must be less than a week/],
      ["less than no time", "-1", /must be non-negative/],
      ["a time that is none", "soon", /should be a number/],
    ].map(([name, expires, says]) => ({
      name: `for ${String(name)}`,
      aws: "AuthorizationQueryParametersError",
      outcome: "incomplete" as const,
      says: says as RegExp,
      sign: (unsigned: Unsigned) =>
        presigned(unsigned, (all) => ({ ...all, "X-Amz-Expires": String(expires) })),
    })),
    {
      name: "longer, after it was signed",
      aws: "the signature does not match",
      outcome: "mismatch",
      says: calculated,
      sign: (unsigned) => presigned(unsigned),
      after: (wire) => target(wire, wire.target.replace("Expires=300", "Expires=86400")),
    },
    ...["X-Amz-SignedHeaders", "X-Amz-Date"].map((name) => ({
      name: `without ${name}`,
      aws: `AWS query-string parameters must include '${name}'.`,
      outcome: "incomplete" as const,
      says: new RegExp(`must include .*${name}`),
      sign: (unsigned: Unsigned) => presigned(unsigned, (all) => ({ ...all, [name]: undefined })),
    })),
    {
      name: "without a signature",
      aws: "AWS query-string parameters must include 'X-Amz-Signature'.",
      outcome: "incomplete",
      says: /must include .*X-Amz-Signature/,
      sign: (unsigned) => presigned(unsigned),
      after: (wire) => target(wire, wire.target.replace(/&X-Amz-Signature=.*/, "")),
    },
    {
      name: "without a time to expire, six minutes ago",
      aws: "S3 wants one; elsewhere as one signed in a header",
      outcome: "skewed",
      ...signing(({ signedAtMs }) => ({ signedAtMs: signedAtMs - 6 * minutes })),
      sign: (unsigned) => presigned(unsigned, (all) => ({ ...all, "X-Amz-Expires": undefined })),
      at: withoutS3,
    },
    {
      name: "for S3, without a time to expire",
      aws: "Query-string authentication version 4 requires the … and X-Amz-Expires parameters.",
      outcome: "incomplete",
      says: /and X-Amz-Expires parameters/,
      sign: (unsigned) => presigned(unsigned, (all) => ({ ...all, "X-Amz-Expires": undefined })),
      at: ["gateway, S3"],
    },
    {
      name: "with a token added afterwards",
      aws: "a long-term key has none: the token is invalid",
      outcome: "unknown key",
      sign: (unsigned) => presigned(unsigned),
      after: (wire) => target(wire, `${wire.target}&X-Amz-Security-Token=abc`),
    },
    {
      name: "with a second signature",
      aws: "not documented; the first is taken",
      outcome: "incomplete",
      says: /X-Amz-Signature.* is repeated/,
      sign: (unsigned) => presigned(unsigned),
      after: (wire) => target(wire, `${wire.target}&X-Amz-Signature=${other}`),
    },
    {
      name: "with a second signature, spelled in another way",
      aws: "not documented; the first is taken",
      outcome: "incomplete",
      says: /X-Amz-Signature.* is repeated/,
      sign: (unsigned) => presigned(unsigned),
      after: (wire) => target(wire, `${wire.target}&X%2DAmz-Signature=${other}`),
    },
    {
      name: "and signed in a header",
      aws: "Only one auth mechanism allowed",
      outcome: "incomplete",
      says: /Only one auth mechanism allowed/,
      sign: (unsigned) => {
        const { target: both } = presigned(unsigned);
        return { ...signed(unsigned), target: both };
      },
    },
    {
      name: "with a bearer token in a header",
      aws: "Only one auth mechanism allowed",
      outcome: "incomplete",
      says: /Only one auth mechanism allowed/,
      sign: (unsigned) => presigned(unsigned),
      ...more(["Authorization", "Bearer abc"]),
    },
    {
      name: "by SigV2 as well",
      aws: "Only one auth mechanism allowed",
      outcome: "incomplete",
      says: /Only one auth mechanism allowed/,
      sign: (unsigned) => presigned(unsigned),
      after: (wire) => target(wire, `${wire.target}&AWSAccessKeyId=A&Signature=abc`),
    },
    {
      name: "with another algorithm",
      aws: "Unsupported AWS 'algorithm'",
      outcome: "incomplete",
      says: /Unsupported AWS .*algorithm.*AWS4-HMAC-SHA1/,
      sign: (unsigned) =>
        presigned(unsigned, (all) => ({ ...all, "X-Amz-Algorithm": "AWS4-HMAC-SHA1" })),
    },
  ],
};

/** The hash of the body in a header, signed. */
function declaringHash(unsigned: Unsigned): Unsigned {
  const payload = hashOf(unsigned.body);
  const headers = unsigned.headers.filter(([name]) => name !== "x-amz-content-sha256");
  return { ...unsigned, payload, headers: [...headers, ["x-amz-content-sha256", payload]] };
}
