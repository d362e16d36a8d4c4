// The published Signature Version 4 test suite: each step equals its vector, and no byte of a signed request can be another.
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { CairnError } from "../base/errors.ts";
import {
  canonicalPaths,
  canonicalQuery,
  canonicalRequest,
  type SignedRequest,
} from "./canonical.ts";
import { type ParsedSignature, parseSignature } from "./parse-signature.ts";
import { deriveSigningKey } from "./signing-keys.ts";
import { signCanonical, stringToSign, verifySignature } from "./verify-signature.ts";

interface Vector {
  name: string;
  form: "header" | "presigned";
  /** S3's way with paths is "as sent"; every other service's is "normalised". */
  path: "normalised" | "as sent";
  method: string;
  target: string;
  headers: [name: string, value: string][];
  body: string;
  canonicalRequest: string;
  stringToSign: string;
  signature: string;
}

/** One to a line; the first says where they come from. */
const vectors = readFileSync(join(import.meta.dirname, "published-vectors.jsonl"), "utf8")
  .trim()
  .split("\n")
  .slice(1)
  .map((line) => JSON.parse(line) as Vector);
const accessKeyId = "AKIDEXAMPLE";
const secret = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";
const nowMs = Date.UTC(2015, 7, 30, 12, 36, 0);

/** What changes hands: one character for each byte. */
type Wire = Pick<Vector, "method" | "target" | "headers" | "body">;

const wireOf = ({ method, target, headers, body }: Vector): Wire => ({
  method,
  target: Buffer.from(target).toString("latin1"),
  headers,
  body,
});

function requestOf({ method, target, headers }: Wire): SignedRequest {
  const mark = target.indexOf("?");
  const joined: Record<string, string> = Object.create(null) as Record<string, string>;
  for (const [name, value] of headers) {
    const lower = name.toLowerCase();
    joined[lower] = joined[lower] === undefined ? value : `${joined[lower]}, ${value}`;
  }
  return {
    method,
    path: mark < 0 ? target : target.slice(0, mark),
    query: mark < 0 ? "" : target.slice(mark + 1),
    headers: joined,
    rawHeaders: headers.flat(),
  };
}

const bodyHashOf = (wire: Wire) =>
  createHash("sha256").update(Buffer.from(wire.body, "latin1")).digest("hex");

function parsed(request: SignedRequest): ParsedSignature {
  const signature = parseSignature(request);
  if (signature === undefined || signature instanceof CairnError) {
    throw new Error(`not a signature: ${signature?.message}`);
  }
  return signature;
}

/** `good`, or the code of the refusal. */
function judge(wire: Wire): string {
  const request = requestOf(wire);
  const signature = parseSignature(request);
  if (signature === undefined) return "unsigned";
  if (signature instanceof CairnError) return signature.code;
  if (signature.accessKeyId !== accessKeyId) return "unknown key";
  const key = deriveSigningKey(secret, signature);
  return verifySignature(signature, request, key, bodyHashOf(wire), nowMs)?.code ?? "good";
}

test("the vectors are all there", () => {
  expect(vectors.length).toBe(74);
  expect(new Set(vectors.map(({ name, form }) => `${name} ${form}`)).size).toBe(74);
});

describe.each(vectors.map((vector) => [`${vector.name}, ${vector.form}`, vector] as const))(
  "%s",
  (_name, vector) => {
    const wire = wireOf(vector);
    const request = requestOf(wire);

    test("canonical request, string to sign and signature are the published ones", () => {
      const signature = parsed(request);
      const signingName = vector.path === "as sent" ? "s3" : signature.signingName;
      const canonical = canonicalRequest(
        request,
        canonicalPaths(request.path, signingName)[0] ?? "",
        canonicalQuery(request.query, signature.form),
        signature.signedHeaders,
        bodyHashOf(wire),
      );
      expect(canonical).toBe(vector.canonicalRequest);
      expect(stringToSign(signature, canonical)).toBe(vector.stringToSign);
      const key = deriveSigningKey(secret, signature);
      expect(signCanonical(signature, key, canonical)).toBe(vector.signature);
      expect(signature.signature).toBe(vector.signature);
    });

    // The suite's service is none of S3's: it is to normalise a path, whatever its client did.
    test(`the verifier ${vector.path === "normalised" ? "accepts" : "refuses"} it`, () => {
      expect(judge(wire)).toBe(vector.path === "normalised" ? "good" : "SignatureDoesNotMatch");
    });
  },
);

const accepted = vectors.filter(({ path }) => path === "normalised").map(wireOf);

/** Bytes that `%XX` and, in a query, `+` stand for. */
const decoded = (text: string) =>
  text
    .replaceAll("+", " ")
    .replace(/%([0-9a-f]{2})/gi, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));

/** What a server makes of a request: two that agree in this are one request, spelled in two ways. */
function meaning(wire: Wire): unknown {
  const { path, query } = requestOf(wire);
  const segments: string[] = [];
  for (const segment of path.split("/")) {
    if (segment === "..") segments.pop();
    else if (segment !== "." && segment !== "") segments.push(segment);
  }
  const parameters = query
    .split("&")
    .filter((part) => part !== "")
    .map((part) => {
      const [name = "", ...value] = part.split("=");
      return `${decoded(name)}\0${decoded(value.join("="))}`;
    });
  const headers = wire.headers.map(([name, value]) => {
    const shown = name.toLowerCase() === "authorization" ? authorizationMeaning(value) : value;
    return `${name.toLowerCase()}:${shown.replace(/[ \t\n\v\f\r]+/g, " ").replace(/^ | $/g, "")}`;
  });
  return {
    method: wire.method,
    path: [
      path === "" || path.startsWith("/"),
      ...segments,
      segments.length > 0 && path.endsWith("/"),
    ],
    parameters: parameters.toSorted(),
    headers,
    body: wire.body,
  };
}

/** White space and commas stand between the parts, and the names in SignedHeaders may be in either case. */
const authorizationMeaning = (text: string) =>
  text
    .split(/[\s,]+/)
    .map((part) => (part.startsWith("SignedHeaders=") ? part.toLowerCase() : part))
    .join(" ");

const put = (text: string, at: number, byte: number) => {
  const index = Math.floor(at * text.length);
  return text.slice(0, index) + String.fromCharCode(byte) + text.slice(index + 1);
};

type Place = "method" | "target" | "header name" | "header value" | "body";

function changed(wire: Wire, place: Place, at: number, byte: number, which: number): Wire {
  // In the presigned vectors nobody signed the header of that name: the date stands in the query.
  const isPresigned = /[?&]X-Amz-Signature=/.test(wire.target);
  const signed = [...wire.headers.keys()].filter(
    (index) => !(isPresigned && wire.headers[index]?.[0] === "X-Amz-Date"),
  );
  const chosen = signed[which % signed.length] ?? 0;
  const headers = wire.headers.map(([name, value], index): [string, string] => {
    if (index !== chosen) return [name, value];
    if (place === "header name") return [put(name, at, byte), value];
    return place === "header value" ? [name, put(value, at, byte)] : [name, value];
  });
  if (place === "method") return { ...wire, method: put(wire.method, at, byte) };
  if (place === "target") return { ...wire, target: put(wire.target, at, byte) };
  if (place !== "body") return { ...wire, headers };
  const grown = wire.body + String.fromCharCode(byte);
  return { ...wire, body: wire.body === "" ? grown : put(wire.body, at, byte) };
}

describe("one byte changed", () => {
  test("anywhere in method, target, signed headers or body: refused, unless it says the same", () => {
    const place = fc.constantFrom<Place>("method", "target", "header name", "header value", "body");
    let refused = 0;
    fc.assert(
      fc.property(
        fc.constantFrom(...accepted),
        place,
        fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true }),
        fc.integer({ min: 0, max: 255 }),
        fc.nat(20),
        (wire, ...change) => {
          const other = changed(wire, ...change);
          const isRefused = judge(other) !== "good";
          if (isRefused) refused++;
          return isRefused || isDeepStrictEqual(meaning(other), meaning(wire));
        },
      ),
      { numRuns: 20_000 },
    );
    // Changes that say the same are rare: the property is not empty.
    expect(refused).toBeGreaterThan(17_000);
  });

  test("in the signature: refused at each of its places, and cut short or prolonged", () => {
    for (const wire of accepted) {
      const signature = parsed(requestOf(wire)).signature;
      const others = signature
        .split("")
        .map(
          (digit, index) =>
            signature.slice(0, index) + (digit === "0" ? "1" : "0") + signature.slice(index + 1),
        );
      others.push(signature.slice(0, -1), signature.slice(1), `${signature}0`);
      others.push(signature.toUpperCase(), signature.slice(0, 1));
      for (const other of others) {
        const verdict = judge({
          ...wire,
          target: wire.target.replace(signature, other),
          headers: wire.headers.map(([name, value]) => [name, value.replace(signature, other)]),
        });
        expect(verdict).toBe("SignatureDoesNotMatch");
      }
    }
  });
});
