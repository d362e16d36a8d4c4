// A second opinion on signatures: botocore's signer and ours agree at every step, on requests of every shape.
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { join } from "node:path";
import * as fc from "fast-check";
import { expect, test } from "vitest";
import {
  canonicalPaths,
  canonicalQuery,
  canonicalRequest,
  type SignedRequest,
} from "../../src/signature/canonical.ts";
import { parseSignature } from "../../src/signature/parse-signature.ts";
import { deriveSigningKey } from "../../src/signature/signing-keys.ts";
import {
  signCanonical,
  stringToSign,
  verifySignature,
} from "../../src/signature/verify-signature.ts";
import { boto3Pythons, isMissing } from "../tools/clients.ts";
import { seedOf } from "../tools/seed.ts";

const keys = {
  accessKeyId: "AKIDEXAMPLE",
  secretAccessKey: "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
};
const nowMs = Date.UTC(2015, 7, 30, 12, 36, 0);
const signedAt = "20150830T123600Z";
const host = "example.amazonaws.com";

interface Given {
  service: string;
  region: string;
  method: string;
  host: string;
  path: string;
  parameters: [string, string][];
  headers: [string, string][];
  body: string;
  signedAt: string;
}

interface Signed {
  canonicalRequest: string;
  stringToSign: string;
  signature: string;
  signedHeaders: string;
}

const escaped = (text: string) =>
  encodeURIComponent(text).replace(
    /[!'()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );

const text = fc
  .string({ unit: "grapheme", maxLength: 10 })
  .filter((each) => !/\p{Surrogate}/u.test(each));
const segment = fc.oneof(
  text.map(escaped),
  fc.constantFrom(".", "..", "", "a%2Fb", "a%2fb", "a+b", "a;b", "...", "%2e%2e"),
);
const requests: fc.Arbitrary<Given> = fc.record({
  service: fc.constantFrom("s3", "cloudtrail", "sts"),
  region: fc.constantFrom("us-east-1", "eu-west-1"),
  method: fc.constantFrom("GET", "POST", "PUT", "DELETE"),
  host: fc.constant(host),
  path: fc
    .array(segment, { minLength: 1, maxLength: 5 })
    // Two slashes at the start of a path would be a host to Python.
    .map((segments) => `/${segments.join("/").replace(/^\/+/, "")}`),
  parameters: fc.array(
    fc.tuple(
      fc.oneof(
        text.filter((each) => each !== ""),
        fc.constantFrom("a", "A", "a-b", "X-Amz-Meta"),
      ),
      fc.oneof(text, fc.constantFrom("", "a b", "a+b", "a=b", "a;b", "100%")),
    ),
    { maxLength: 5 },
  ),
  headers: fc.array(
    fc.tuple(
      fc.constantFrom("My-Header1", "x-amz-meta-a", "Range", "Content-Type"),
      fc.string({ unit: fc.constantFrom("a", "B", "1", " ", "\t", ",", ";", "=", "é") }),
    ),
    { maxLength: 5 },
  ),
  body: fc.oneof(fc.constant(""), text),
  signedAt: fc.constant(signedAt),
});

const wire = (unicode: string) => Buffer.from(unicode).toString("latin1");

/** The request as we would receive it, and its body. */
function received(given: Given, signed: Signed): SignedRequest {
  const scope = `20150830/${given.region}/${given.service}/aws4_request`;
  const authorization = `AWS4-HMAC-SHA256 Credential=${keys.accessKeyId}/${scope}, SignedHeaders=${signed.signedHeaders}, Signature=${signed.signature}`;
  const pairs = [["Host", host], ...given.headers, ["Authorization", authorization]];
  const headers: Record<string, string> = {};
  for (const [name = "", value = ""] of pairs) {
    const lower = name.toLowerCase();
    headers[lower] =
      headers[lower] === undefined ? wire(value) : `${headers[lower]}, ${wire(value)}`;
  }
  return {
    method: given.method,
    path: given.path,
    query: given.parameters.map(([name, value]) => `${escaped(name)}=${escaped(value)}`).join("&"),
    headers,
    rawHeaders: pairs.flatMap(([name = "", value = ""]) => [name, wire(value)]),
  };
}

function ours(given: Given, signed: Signed) {
  const request = received(given, signed);
  const parsed = parseSignature(request);
  if (parsed === undefined || parsed instanceof Error) throw parsed ?? new Error("unsigned");
  const key = deriveSigningKey(keys.secretAccessKey, parsed);
  const bodyHash = createHash("sha256").update(given.body).digest("hex");
  const canonical = canonicalRequest(
    request,
    canonicalPaths(request.path, parsed.signingName)[0] ?? "",
    canonicalQuery(request.query, parsed.form),
    parsed.signedHeaders,
    bodyHash,
  );
  return {
    // Bytes here, text there.
    canonicalRequest: Buffer.from(canonical, "latin1").toString(),
    stringToSign: stringToSign(parsed, canonical),
    signature: signCanonical(parsed, key, canonical),
    signedHeaders: parsed.signedHeaders.join(";"),
    problem: verifySignature(parsed, request, key, bodyHash, nowMs)?.message,
  };
}

const pythons = boto3Pythons();
const leavesOut = isMissing("python3-botocore (with boto3)", pythons.length > 0);
// A test of its own for each; where there is none, one that is left out.
const commands = leavesOut
  ? [["botocore", ""]]
  : pythons.map(({ name, command }) => [name, command]);

test.skipIf(leavesOut).each(commands)(
  "%s signs 500 requests as we verify them",
  (_name, command) => {
    const seed = seedOf("signatures");
    const sample = fc.sample(requests, { seed, numRuns: 500 }).map((given) => ({
      ...given,
      headers: [
        ...given.headers,
        ["X-Amz-Date", signedAt],
        ...hashHeader(given),
      ] as Given["headers"],
    }));
    const output = execFileSync(command ?? "", [join(import.meta.dirname, "botocore-sign.py")], {
      input: JSON.stringify({ ...keys, requests: sample }),
      encoding: "utf8",
      maxBuffer: 64 * 1024 * 1024,
    });
    const signed = JSON.parse(output) as Signed[];
    expect(signed).toHaveLength(sample.length);
    for (const [index, given] of sample.entries()) {
      const theirs = signed[index];
      if (theirs === undefined) throw new Error("an answer is missing");
      expect({ given, ...ours(given, theirs) }).toEqual({ given, ...theirs, problem: undefined });
    }
  },
);

/** S3's signer reads the hash of the body from its header. */
function hashHeader({ service, body }: Given): [string, string][] {
  if (service !== "s3") return [];
  return [["X-Amz-Content-SHA256", createHash("sha256").update(body).digest("hex")]];
}
