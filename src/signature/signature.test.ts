// SigV4 verification against published signatures and against the AWS SDK's own signer.
import { createHash, createHmac } from "node:crypto";
import { Sha256 } from "@aws-crypto/sha256-js";
import { SignatureV4 } from "@smithy/signature-v4";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { CairnError } from "../base/errors.ts";
import type { SignedRequest } from "./canonical.ts";
import { basicTime, type ParsedSignature, parseSignature } from "./parse-signature.ts";
import { deriveSigningKey, SigningKeys } from "./signing-keys.ts";
import { emptyHash, sha256Hex, verifySignature } from "./verify-signature.ts";

const secret = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";
const nowMs = Date.UTC(2015, 7, 30, 12, 36, 0);

function parsed(request: SignedRequest): ParsedSignature {
  const signature = parseSignature(request);
  if (signature === undefined || signature instanceof CairnError) {
    throw new Error(`not a signature: ${signature?.message}`);
  }
  return signature;
}

function check(
  request: SignedRequest,
  options: { secret?: string; nowMs?: number; body?: string | Buffer } = {},
): string {
  const signature = parseSignature(request);
  if (signature === undefined) return "unsigned";
  if (signature instanceof CairnError) return `${signature.code}: ${signature.message}`;
  const key = deriveSigningKey(options.secret ?? secret, signature);
  const error = verifySignature(
    signature,
    request,
    key,
    sha256Hex(options.body ?? ""),
    options.nowMs ?? nowMs,
  );
  return error === undefined ? "good" : `${error.code}: ${error.message}`;
}

/** One character for each byte, as node:http gives text. */
const wire = (text: string) => Buffer.from(text).toString("latin1");

/** Signs by hand, for requests that no signer makes: the canonical request is written out. */
function signedBy(canonical: string, scope = "20150830/us-east-1/service/aws4_request"): string {
  const [date = "", region = "", signingName = ""] = scope.split("/");
  const key = deriveSigningKey(secret, { accessKeyId: "AKIDEXAMPLE", date, region, signingName });
  const text = `AWS4-HMAC-SHA256\n20150830T123600Z\n${scope}\n${sha256Hex(canonical)}`;
  return createHmac("sha256", key).update(text).digest("hex");
}

const host = ["Host", "example.amazonaws.com"];
const amzDate = ["X-Amz-Date", "20150830T123600Z"];

/** `get-vanilla` of the published test suite; the others are in published-vectors.test.ts. */
const vanillaSignature = "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31";

function makeRequest(
  method: string,
  target: string,
  headers: readonly (readonly string[])[],
): SignedRequest {
  const [path = "", ...query] = target.split("?");
  const record: Record<string, string> = {};
  for (const [name = "", value = ""] of headers) {
    const key = name.toLowerCase();
    record[key] = key in record ? `${record[key]}, ${value}` : value;
  }
  return { method, path, query: query.join("?"), headers: record, rawHeaders: headers.flat() };
}

function suiteRequest(
  method: string,
  target: string,
  headers: string[][],
  signature: string,
  scope = "us-east-1/service",
): SignedRequest {
  const names = [...new Set(headers.map(([name = ""]) => name.toLowerCase()))].toSorted();
  const date = headers.find(([name]) => name === "X-Amz-Date")?.[1]?.slice(0, 8);
  const authorization = `AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/${date}/${scope}/aws4_request, SignedHeaders=${names.join(";")}, Signature=${signature}`;
  return makeRequest(method, target, [...headers, ["Authorization", authorization]]);
}

describe("published signatures", () => {
  const s3Secret = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";
  const s3Ms = Date.UTC(2013, 4, 24);
  const s3Host = ["Host", "examplebucket.s3.amazonaws.com"];
  const s3Date = ["X-Amz-Date", "20130524T000000Z"];
  const noBody = ["x-amz-content-sha256", emptyHash];
  const welcome = "Welcome to Amazon S3.";
  test.each([
    [
      "GET object",
      "GET",
      "/test.txt",
      [s3Host, ["Range", "bytes=0-9"], noBody, s3Date],
      "",
      "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41",
    ],
    [
      "PUT object in its own spelling",
      "PUT",
      "/test$file.text",
      [
        ["Date", "Fri, 24 May 2013 00:00:00 GMT"],
        s3Host,
        ["x-amz-content-sha256", sha256Hex(welcome)],
        s3Date,
        ["x-amz-storage-class", "REDUCED_REDUNDANCY"],
      ],
      welcome,
      "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd",
    ],
    [
      "GET lifecycle",
      "GET",
      "/?lifecycle",
      [s3Host, noBody, s3Date],
      "",
      "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543",
    ],
    [
      "list objects",
      "GET",
      "/?max-keys=2&prefix=J",
      [s3Host, noBody, s3Date],
      "",
      "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7",
    ],
  ])("S3 documentation: %s verifies", (_name, method, target, headers, body, signature) => {
    const request = suiteRequest(method, target, headers, signature, "us-east-1/s3");
    expect(check(request, { secret: s3Secret, nowMs: s3Ms, body })).toBe("good");
  });

  test("S3 documentation: a presigned URL verifies until it expires", () => {
    const target =
      "/test.txt?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524%2Fus-east-1%2Fs3%2Faws4_request&X-Amz-Date=20130524T000000Z&X-Amz-Expires=86400&X-Amz-SignedHeaders=host&X-Amz-Signature=aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404";
    const request = makeRequest("GET", target, [s3Host]);
    const at = (ms: number) => check(request, { secret: s3Secret, nowMs: ms });
    expect(at(s3Ms)).toBe("good");
    expect(at(s3Ms + 86_400_000)).toBe("good");
    expect(at(s3Ms + 86_400_001)).toMatch(/^RequestExpired: Signature expired: 20130525T000000Z/);
    expect(at(s3Ms - 300_000)).toBe("good");
    expect(at(s3Ms - 300_001)).toMatch(/^RequestTimeTooSkewed: Signature not yet current/);
  });
});

describe("time", () => {
  const vanilla = suiteRequest("GET", "/", [host, amzDate], vanillaSignature);
  test.each([
    [-300_000, "good"],
    [300_000, "good"],
    [
      300_001,
      "RequestTimeTooSkewed: Signature expired: 20150830T123600Z is now earlier than 20150830T123600Z (20150830T124100Z - 5 min.)",
    ],
    [
      -301_000,
      "RequestTimeTooSkewed: Signature not yet current: 20150830T123600Z is still later than 20150830T123559Z (20150830T123059Z + 5 min.)",
    ],
  ])("a clock %i ms away gives %s", (skewMs, expected) => {
    expect(check(vanilla, { nowMs: nowMs + skewMs })).toBe(expected);
  });
});

const presigned = (service: string) =>
  `X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=A%2F20150830%2Fus-east-1%2F${service}%2Faws4_request&X-Amz-Date=20150830T123600Z&X-Amz-SignedHeaders=host&X-Amz-Signature=00`;

describe("what cannot be read is refused in AWS's words", () => {
  const authorization = (text: string, more: string[][] = [amzDate]) =>
    check(makeRequest("GET", "/", [host, ...more, ["Authorization", text]]));
  const scope = "20150830/us-east-1/service/aws4_request";
  test.each([
    [
      "AWS4-HMAC-SHA256",
      "IncompleteSignature: Authorization header requires 'Credential' parameter. Authorization header requires 'Signature' parameter. Authorization header requires 'SignedHeaders' parameter.",
    ],
    [
      `AWS4-HMAC-SHA256 Credential=A/${scope}, Signature=00`,
      "IncompleteSignature: Authorization header requires 'SignedHeaders' parameter.",
    ],
    [
      `AWS4-HMAC-SHA256 Credential=A/b, SignedHeaders=host, Signature=00`,
      "IncompleteSignature: Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term, got 'A/b'",
    ],
    [
      `AWS4-HMAC-SHA256 Credential=A/20150830/us-east-1/service/aws3, SignedHeaders=host, Signature=00`,
      "SignatureDoesNotMatch: Credential should be scoped with a valid terminator: 'aws4_request', not 'aws3'.",
    ],
    [
      `AWS4-HMAC-SHA256 Credential=A/20150831/us-east-1/service/aws4_request, SignedHeaders=host, Signature=00`,
      "SignatureDoesNotMatch: Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: '20150831' != '20150830', from '20150830T123600Z'.",
    ],
    [
      `AWS4-HMAC-SHA256 Credential=A/20150830/us east/service/aws4_request, SignedHeaders=host, Signature=00`,
      "SignatureDoesNotMatch: Credential should be scoped to a valid region, not 'us east'.",
    ],
    [
      `AWS4-HMAC-SHA256 Credential=A/${scope}, SignedHeaders=x-amz-date, Signature=00`,
      "SignatureDoesNotMatch: 'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization.",
    ],
    [
      "AWS4-ECDSA-P256-SHA256 Credential=A",
      "IncompleteSignature: Unsupported AWS 'algorithm': 'AWS4-ECDSA-P256-SHA256'.",
    ],
    [
      `AWS4-HMAC-SHA1 Credential=A/${scope}, SignedHeaders=host, Signature=00`,
      "IncompleteSignature: Unsupported AWS 'algorithm': 'AWS4-HMAC-SHA1'.",
    ],
    ["AWS AKIDEXAMPLE:abc", "IncompleteSignature: Unsupported AWS 'algorithm': 'AWS'."],
    [
      `AWS4-HMAC-SHA256 Credential=A/${scope}, SignedHeaders, Signature=00`,
      "IncompleteSignature: 'SignedHeaders' not a valid key=value pair (missing equal-sign) in Authorization header.",
    ],
    [
      `AWS4-HMAC-SHA256 Credential=A/${scope}, SignedHeaders=host, Signature=00, Credential=B/${scope}`,
      "IncompleteSignature: 'Credential' is repeated in Authorization header.",
    ],
    [
      `AWS4-HMAC-SHA256 Credential=A/${scope}/more, SignedHeaders=host, Signature=00`,
      `IncompleteSignature: Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term, got 'A/${scope}/more'`,
    ],
    ["Bearer abc", "unsigned"],
    ["Basic abc", "unsigned"],
  ])("%s", (text, expected) => {
    expect(authorization(text)).toBe(expected);
  });

  const good = `AWS4-HMAC-SHA256 Credential=A/${scope}, SignedHeaders=host, Signature=00`;
  test.each<[string, string[][], RegExp]>([
    ["no date", [], /^IncompleteSignature: .*'X-Amz-Date' or a 'Date' header\.$/],
    [
      "a date that is none",
      [["X-Amz-Date", "noon"]],
      /^IncompleteSignature: Date must be in ISO-8601 'basic format'. Got 'noon'/,
    ],
    [
      "a date of another form in X-Amz-Date",
      [["X-Amz-Date", "Sun, 30 Aug 2015 12:36:00 GMT"]],
      /^IncompleteSignature: Date must be in ISO-8601 'basic format'/,
    ],
    [
      "a day that no month has",
      [["X-Amz-Date", "20150830T123600Z".replace("0830", "0231")]],
      /^IncompleteSignature: Date must be in ISO-8601 'basic format'. Got '20150231T123600Z'/,
    ],
    [
      "a Date without a zone",
      [["Date", "Sun, 30 Aug 2015 12:36:00"]],
      /^IncompleteSignature: Date must be in ISO-8601 'basic format'/,
    ],
    [
      "a repeated X-Amz-Date",
      [amzDate, amzDate],
      /^IncompleteSignature: Date must be in ISO-8601 'basic format'/,
    ],
    [
      "a second Authorization header",
      [amzDate, ["Authorization", "Bearer abc"]],
      /^IncompleteSignature: Only one auth mechanism allowed/,
    ],
    [
      "an X-Amz-Target that is not signed",
      [amzDate, ["X-Amz-Target", "CloudTrail_20131101.LookupEvents"]],
      /^SignatureDoesNotMatch: 'X-Amz-Target' must be a 'SignedHeader' in the AWS Authorization\.$/,
    ],
    [
      "a payload hash that is none",
      [amzDate, ["X-Amz-Content-Sha256", "abc"]],
      /^IncompleteSignature: x-amz-content-sha256 must be/,
    ],
  ])("%s is named", (_name, headers, expected) => {
    expect(authorization(good, headers)).toMatch(expected);
  });

  test("header names that are members of every object are only headers that are absent", () => {
    const text = `AWS4-HMAC-SHA256 Credential=A/${scope}, SignedHeaders=constructor;host;__proto__, Signature=00`;
    const { rawHeaders: _, ...request } = makeRequest("GET", "/", [
      host,
      amzDate,
      ["Authorization", text],
    ]);
    expect(check(request)).toMatch(/^SignatureDoesNotMatch/);
  });

  test("S3 refuses x-amz headers that are not signed", () => {
    const text = `AWS4-HMAC-SHA256 Credential=A/20150830/us-east-1/s3/aws4_request, SignedHeaders=host;x-amz-date, Signature=00`;
    expect(authorization(text, [amzDate, ["x-amz-acl", "public-read"]])).toBe(
      "AccessDenied: There were headers present in the request which were not signed: x-amz-acl",
    );
  });

  test.each([
    ["X-Amz-Expires=604801", /must be less than a week/],
    ["X-Amz-Expires=-1", /X-Amz-Expires must be non-negative/],
    ["X-Amz-Expires=soon", /should be a number/],
    ["X-Amz-Expires=", /should be a number/],
    ["X-Amz-Expires=1e3", /should be a number/],
    ["X-Amz-Date=20150830T123600Z", /'X-Amz-Date' is repeated/],
    ["X%2DAmz-Signature=11", /'X-Amz-Signature' is repeated/],
    ["%58-Amz-Credential=B", /'X-Amz-Credential' is repeated/],
  ])("a presigned request with %s is refused", (more, expected) => {
    expect(check(makeRequest("GET", `/?${presigned("sts")}&${more}`, [host]))).toMatch(expected);
  });

  test("a presigned S3 request must say when it expires; another is good for as long as a signed header", () => {
    expect(check(makeRequest("GET", `/?${presigned("s3")}`, [host]))).toMatch(
      /^IncompleteSignature: Query-string authentication version 4 requires the .* and X-Amz-Expires parameters\.$/,
    );
    expect(check(makeRequest("GET", `/?${presigned("sts")}`, [host]))).toMatch(
      /^SignatureDoesNotMatch: The request signature we calculated/,
    );
    expect(
      check(makeRequest("GET", `/?${presigned("sts")}`, [host]), { nowMs: nowMs + 300_001 }),
    ).toMatch(/^RequestTimeTooSkewed/);
  });

  test.each([
    ["the same", good],
    ["a bearer token", "Bearer abc"],
    ["a scheme of nobody's", "x"],
  ])("two ways to sign at once are refused: presigned, and %s in a header", (_name, text) => {
    for (const query of [presigned("sts"), "AWSAccessKeyId=A&Expires=1&Signature=abc"]) {
      const request = makeRequest("GET", `/?${query}`, [host, amzDate, ["Authorization", text]]);
      expect(check(request)).toMatch(/^IncompleteSignature: Only one auth mechanism allowed/);
    }
  });

  test.each([
    "AWSAccessKeyId=AKIDEXAMPLE&Expires=1440938160&Signature=vjbyPxybdZaNmGa%2ByT272YEAiv4%3D",
    "Action=ListUsers&AWSAccessKeyId=AKIDEXAMPLE&SignatureVersion=2&SignatureMethod=HmacSHA256&Timestamp=2015-08-30T12%3A36%3A00Z&Signature=abc",
  ])("Signature Version 2 in the query is refused by name: %s", (query) => {
    expect(check(makeRequest("GET", `/?${query}`, [host]))).toBe(
      "IncompleteSignature: The authorization mechanism you have provided is not supported. Please use AWS4-HMAC-SHA256.",
    );
  });

  test("whatever stands in the headers and the query, an answer comes back", () => {
    const junk = fc.string({ unit: "binary", maxLength: 60 });
    fc.assert(
      fc.property(junk, junk, junk, junk, junk, (a, b, path, query, date) => {
        const answers = [`AKIDEXAMPLE/${scope}`, `${a}/${scope}`, a].flatMap((credential) => {
          const text = `AWS4-HMAC-SHA256 Credential=${credential}, SignedHeaders=host;${b}, Signature=${a}`;
          const dates = [amzDate, ["X-Amz-Date", date]];
          const presigned = `X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=${credential}&X-Amz-SignedHeaders=host;${b}&X-Amz-Date=${date}&X-Amz-Signature=${a}`;
          return [
            ...dates.map((each) =>
              makeRequest("GET", `/${path}?${query}`, [
                host,
                each,
                ["Authorization", text],
                [b, a],
              ]),
            ),
            makeRequest("GET", `/${path}?${presigned}&${query}`, [host, [b, a]]),
          ].map((request) => check(request));
        });
        expect(answers).not.toContain("good");
      }),
    );
  });
});

const withHeaders = (target: string, headers: string[][], signature: string) =>
  suiteRequest("GET", target, [...headers, amzDate], signature);
const vanilla = (query: string) =>
  `GET\n/\n${query}\nhost:example.amazonaws.com\nx-amz-date:20150830T123600Z\n\nhost;x-amz-date\n${emptyHash}`;

describe("what is signed by hand", () => {
  test("only HTTP's white space is trimmed: an à at the end of a value keeps its second byte", () => {
    for (const value of ["à", "voilà la", "à  à", "\u00a0"]) {
      const canonical = `GET\n/\n\nhost:example.amazonaws.com\nmy-header1:${value.replace(/ +/g, " ")}\nx-amz-date:20150830T123600Z\n\nhost;my-header1;x-amz-date\n${emptyHash}`;
      const headers = [host, ["My-Header1", wire(value)]];
      expect(check(withHeaders("/", headers, signedBy(canonical)))).toBe("good");
    }
  });

  test("tabs and runs of white space are one space, as SDKs sign them", () => {
    const canonical = `GET\n/\n\nhost:example.amazonaws.com\nmy-header1:a b c\nx-amz-date:20150830T123600Z\n\nhost;my-header1;x-amz-date\n${emptyHash}`;
    for (const value of ["a b c", "a\tb c", " a  b \t c\t", "a b\r\n  c"]) {
      const headers = [host, ["My-Header1", value]];
      expect(check(withHeaders("/", headers, signedBy(canonical)))).toBe("good");
    }
  });

  test("a parameter named X-Amz-Signature is left out of a presigned request's signature, and of no other's", () => {
    const added = withHeaders("/?X-Amz-Signature=00", [host], signedBy(vanilla("")));
    expect(check(added)).toMatch(/^SignatureDoesNotMatch: The request signature we calculated/);
    const covered = signedBy(vanilla("X-Amz-Signature=00"));
    expect(check(withHeaders("/?X-Amz-Signature=00", [host], covered))).toBe("good");
  });

  test.each([
    ["?a and ?a= are one", ["?a", "?a="], "a="],
    ["an empty part says nothing", ["?&&a=1&", "?a=1"], "a=1"],
    ["a value may have an equals sign", ["?a=b=c", "?a=b%3Dc"], "a=b%3Dc"],
    ["a plus is a space, an escaped one a plus", ["?a=b+c%2Bd", "?a=b%20c%2bd"], "a=b%20c%2Bd"],
    ["a semicolon parts nothing", ["?a=1;b=2", "?a=1%3bb=2"], "a=1%3Bb%3D2"],
    [
      "repeated names are in order of value",
      ["?a=2&a=1&A=3&a", "?a=1&a&a=2&A=3"],
      "A=3&a=&a=1&a=2",
    ],
    ["ü raw and escaped are one", [wire("?ü=1"), "?%c3%bc=1"], "%C3%BC=1"],
    ["a percent sign that escapes nothing is one", ["?a=100%", "?a=100%25"], "a=100%25"],
  ])("query: %s", (_name, targets, canonical) => {
    for (const target of targets) {
      const request = withHeaders(`/${target}`, [host], signedBy(vanilla(canonical)));
      expect(check(request)).toBe("good");
    }
    const other = withHeaders("/?z", [host], signedBy(vanilla(canonical)));
    expect(check(other)).toMatch(/^SignatureDoesNotMatch/);
  });

  test.each([
    ["/a%2Fb", "/a%252Fb"],
    ["/a%2fb", "/a%252fb"],
    ["/a//b/./c/../d/", "/a/b/d/"],
    ["/%2e%2e/a", "/%252e%252e/a"],
    [wire("/ü"), "/%C3%BC"],
    ["/%C3%BC", "/%25C3%25BC"],
    ["/a+b", "/a%2Bb"],
    ["/a;b", "/a%3Bb"],
    ["/..", "/"],
    ["/../../a", "/a"],
    ["/...", "/..."],
    ["/.a/..b", "/.a/..b"],
  ])("path: %s is signed as %s", (path, canonical) => {
    const signature = signedBy(vanilla("").replace("\n/\n", `\n${canonical}\n`));
    expect(check(withHeaders(path, [host], signature))).toBe("good");
  });

  test("a path is not taken for a whole URL, nor a URL for a path", () => {
    const signature = signedBy(vanilla("").replace("\n/\n", "\n/http%3A/a/b\n"));
    expect(check(withHeaders("/http:/a/b", [host], signature))).toBe("good");
    expect(check(withHeaders("http://a/b", [host], signature))).toMatch(/^SignatureDoesNotMatch/);
  });

  test("the names in SignedHeaders are taken in any order and either case, as AWS does", () => {
    const request = withHeaders("/", [host], vanillaSignature);
    const authorization = request.headers["authorization"] ?? "";
    for (const names of ["x-amz-date;host", "Host;X-Amz-Date", "HOST;x-amz-date"]) {
      const text = authorization.replace("host;x-amz-date", names);
      expect(check({ ...request, headers: { ...request.headers, authorization: text } })).toBe(
        "good",
      );
    }
  });
});

const escapeUri = (text: string) =>
  encodeURIComponent(text).replace(
    /[!'()*]/g,
    (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`,
  );
const signerFor = (service: string, sessionToken?: string) =>
  new SignatureV4({
    service,
    region: "eu-west-1",
    sha256: Sha256,
    uriEscapePath: service !== "s3",
    credentials: {
      accessKeyId: "AKIDEXAMPLE",
      secretAccessKey: secret,
      ...(sessionToken === undefined ? {} : { sessionToken }),
    },
  });

const received = (request: {
  method: string;
  path: string;
  query?: Record<string, unknown>;
  headers: Record<string, string>;
}): SignedRequest => {
  const query = Object.entries(request.query ?? {}).flatMap(([name, value]) =>
    [value].flat().map((each) => `${escapeUri(name)}=${escapeUri(String(each))}`),
  );
  const target = `${request.path}?${query.join("&")}`;
  return makeRequest(request.method, target, Object.entries(request.headers));
};

describe("the SDK's signer agrees", () => {
  const text = fc
    .string({ unit: "grapheme", maxLength: 12 })
    .filter((each) => !/\p{Surrogate}/u.test(each));
  const headerValue = fc
    .string({ maxLength: 20 })
    .map((each) => each.replace(/[^\x20-\x7e]/g, " "));
  const cases = {
    service: fc.constantFrom("s3", "cloudtrail", "execute-api"),
    segments: fc.array(fc.oneof(text, fc.constantFrom(".", "..", "", "a b", "ü+%", "$&'()*")), {
      maxLength: 5,
    }),
    query: fc.dictionary(
      // The SDK loses a parameter of the name that every JavaScript object has.
      text.filter((each) => !/^x-amz-/i.test(each) && !["", "__proto__"].includes(each)),
      fc.oneof(text, fc.array(text, { minLength: 1, maxLength: 3 })),
      { maxKeys: 4, noNullPrototype: true },
    ),
    headers: fc.dictionary(
      fc.constantFrom("x-amz-meta-a", "my-header", "content-type", "range"),
      headerValue,
      { noNullPrototype: true },
    ),
    body: fc.oneof(fc.constant(""), text),
    token: fc.option(fc.constant("a+token/with=signs"), { nil: undefined }),
  };

  test("on any path, query, header, body and token in a header", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.record(cases),
        async ({ service, segments, query, headers, body, token }) => {
          const path = `/${segments.map(escapeUri).join("/")}`;
          const signed = await signerFor(service, token).sign(
            {
              method: "POST",
              protocol: "http:",
              hostname: "127.0.0.1",
              path,
              query,
              headers: { host: "127.0.0.1:4780", ...headers },
              body,
            },
            { signingDate: new Date(nowMs) },
          );
          expect(check(received(signed), { body })).toBe("good");
          expect(check(received(signed), { body: `${body}x` })).toMatch(/^PayloadHashMismatch/);
          expect(check(received({ ...signed, path: `${path}x` }), { body })).toMatch(
            /^SignatureDoesNotMatch/,
          );
          expect(check(received({ ...signed, query: { ...query, more: "" } }), { body })).toMatch(
            /^SignatureDoesNotMatch/,
          );
        },
      ),
      { numRuns: 60 },
    );
  });

  test("on presigned requests", async () => {
    await fc.assert(
      fc.asyncProperty(fc.record(cases), async ({ service, segments, query, token }) => {
        const path = `/${segments.map(escapeUri).join("/")}`;
        const signed = await signerFor(service, token).presign(
          {
            method: "GET",
            protocol: "http:",
            hostname: "127.0.0.1",
            path,
            query,
            headers: {
              host: "127.0.0.1:4780",
              ...(service === "s3" ? { "x-amz-content-sha256": "UNSIGNED-PAYLOAD" } : {}),
            },
          },
          { signingDate: new Date(nowMs), expiresIn: 60 },
        );
        const request = received(signed);
        expect(check(request)).toBe("good");
        expect(check(request, { nowMs: nowMs + 61_000 })).toMatch(/^RequestExpired/);
      }),
      { numRuns: 40 },
    );
  });
});

describe("signing keys", () => {
  const scope = {
    accessKeyId: "AKIDEXAMPLE",
    date: "20150830",
    region: "us-east-1",
    signingName: "iam",
  };

  test("equal the published derivation", () => {
    expect(deriveSigningKey(secret, scope).toString("hex")).toBe(
      "c4afb1cc5771d871763a393e44b703571b55cc28424d1a5e86da6ed3c154a4b9",
    );
  });

  test("are remembered, follow a changed secret, and stay within their bound", () => {
    const keys = new SigningKeys(2);
    const first = keys.keyFor(scope, secret);
    expect(keys.keyFor(scope, secret)).toBe(first);
    expect(keys.keyFor(scope, "another")).toEqual(deriveSigningKey("another", scope));
    for (const region of ["a", "b", "c"]) keys.keyFor({ ...scope, region }, secret);
    expect(keys.size).toBe(2);
    expect(keys.keyFor(scope, secret)).toEqual(first);
  });
});

test("a body is checked only when its hash was not left unread", () => {
  const declared = sha256Hex("the body");
  const headers = [host, ["X-Amz-Content-Sha256", declared], amzDate];
  const canonical = `POST\n/\n\nhost:example.amazonaws.com\nx-amz-content-sha256:${declared}\nx-amz-date:20150830T123600Z\n\nhost;x-amz-content-sha256;x-amz-date\n${declared}`;
  const scope = {
    accessKeyId: "AKIDEXAMPLE",
    date: "20150830",
    region: "us-east-1",
    signingName: "service",
  };
  const stringToSign = `AWS4-HMAC-SHA256\n${basicTime(nowMs)}\n20150830/us-east-1/service/aws4_request\n${createHash("sha256").update(canonical).digest("hex")}`;
  const key = deriveSigningKey(secret, scope);
  const signature = createHmac("sha256", key).update(stringToSign).digest("hex");
  const request = suiteRequest("POST", "/", headers, signature);
  expect(verifySignature(parsed(request), request, key, "unread", nowMs)).toBeUndefined();
  expect(verifySignature(parsed(request), request, key, declared, nowMs)).toBeUndefined();
  expect(verifySignature(parsed(request), request, key, emptyHash, nowMs)?.code).toBe(
    "PayloadHashMismatch",
  );
});
