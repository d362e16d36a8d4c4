// Chunked bodies: the S3 documentation's own example, cut anywhere, and every way to spoil it.
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { CairnError } from "../base/errors.ts";
import { ChunkDecoder } from "./chunk-decoder.ts";
import type { ParsedSignature, SignedPayload } from "./parse-signature.ts";
import { deriveSigningKey } from "./signing-keys.ts";

const secret = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";

function signature(payload: SignedPayload, seed: string): ParsedSignature {
  return {
    form: "header",
    accessKeyId: "AKIAIOSFODNN7EXAMPLE",
    date: "20130524",
    region: "us-east-1",
    signingName: "s3",
    signedAt: "20130524T000000Z",
    signedAtMs: Date.UTC(2013, 4, 24),
    signedHeaders: ["host"],
    signature: seed,
    payload,
  };
}

/** 65 KiB of `a`, as 64 KiB and 1 KiB: the example of the S3 API reference. */
const payload = Buffer.alloc(66_560, "a");
function body(signatures: (string | undefined)[], tail: string, sizes = [65_536, 1024]): Buffer {
  const parts: Buffer[] = [];
  let at = 0;
  for (const [index, size] of [...sizes, 0].entries()) {
    const mark = signatures[index] === undefined ? "" : `;chunk-signature=${signatures[index]}`;
    parts.push(Buffer.from(`${size.toString(16)}${mark}\r\n`), payload.subarray(at, at + size));
    if (size > 0) parts.push(Buffer.from("\r\n"));
    at += size;
  }
  return Buffer.concat([...parts, Buffer.from(tail)]);
}

const forms = {
  signed: {
    parsed: signature(
      {
        kind: "chunks",
        signed: true,
        trailer: false,
        declared: "STREAMING-AWS4-HMAC-SHA256-PAYLOAD",
      },
      "4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9",
    ),
    bytes: body(
      [
        "ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648",
        "0055627c9e194cb4542bae2aa5492e3c1575bbb81b612b7d234b86a503ef5497",
        "b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e279d449df9",
      ],
      "\r\n",
    ),
  },
  "signed with trailers": {
    parsed: signature(
      {
        kind: "chunks",
        signed: true,
        trailer: true,
        declared: "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER",
      },
      "106e2a8a18243abcf37539882f36619c00e2dfc72633413f02d3b74544bfeb8e",
    ),
    bytes: body(
      [
        "b474d8862b1487a5145d686f57f013e54db672cee1c953b3010fb58501ef5aa2",
        "1c1344b170168f8e65b41376b44b20fe354e373826ccbbe2c1d40a8cae51e5c7",
        "2ca2aba2005185cf7159c6277faf83795951dd77a3a99e6e65d5c9f85863f992",
      ],
      "x-amz-checksum-crc32c:sOO8/Q==\r\nx-amz-trailer-signature:d81f82fc3505edab99d459891051a732e8730629a2e4a59689829ca17fe2e435\r\n\r\n",
    ),
  },
  unsigned: {
    parsed: signature(
      {
        kind: "chunks",
        signed: false,
        trailer: true,
        declared: "STREAMING-UNSIGNED-PAYLOAD-TRAILER",
      },
      "00",
    ),
    bytes: body([], "x-amz-checksum-crc32c:sOO8/Q==\r\n\r\n"),
  },
};

function decode(parsed: ParsedSignature, parts: Buffer[]): { payload: Buffer; trailers: string[] } {
  const decoder = new ChunkDecoder(parsed, deriveSigningKey(secret, parsed));
  const decoded = parts.flatMap((part) => decoder.push(part));
  return { payload: Buffer.concat(decoded), trailers: [...decoder.end().trailers.keys()] };
}

function refusal(parsed: ParsedSignature, bytes: Buffer): string {
  try {
    decode(parsed, [bytes]);
  } catch (error) {
    if (error instanceof CairnError) return `${error.code}: ${error.message}`;
    throw error;
  }
  return "accepted";
}

describe.each(Object.entries(forms))("%s", (_name, { parsed, bytes }) => {
  test("the documentation's body is decoded, however it is cut", () => {
    expect(decode(parsed, [bytes]).payload.equals(payload)).toBe(true);
    fc.assert(
      fc.property(fc.array(fc.nat(bytes.length), { maxLength: 6 }), (cuts) => {
        const ends = [...cuts.toSorted((a, b) => a - b), bytes.length];
        const parts = ends.map((end, index) => bytes.subarray(ends[index - 1] ?? 0, end));
        expect(decode(parsed, parts).payload.equals(payload)).toBe(true);
      }),
      { numRuns: 30 },
    );
    const single = bytes.subarray(65_500);
    const parts = [bytes.subarray(0, 65_500), ...Array.from(single, (byte) => Buffer.from([byte]))];
    expect(decode(parsed, parts).payload.equals(payload)).toBe(true);
  });

  test("a body that stops early is refused wherever it stops", () => {
    for (const end of [0, 10, 90, 5000, 65_620, 65_640, bytes.length - 1]) {
      expect(refusal(parsed, bytes.subarray(0, end))).toMatch(
        /^IncompleteBody: .*before its last chunk/,
      );
    }
  });

  test("bytes behind the last chunk are refused", () => {
    expect(refusal(parsed, Buffer.concat([bytes, Buffer.from("x")]))).toMatch(/^IncompleteBody/);
  });
});

test("trailers come back by name", () => {
  const { parsed, bytes } = forms["signed with trailers"];
  expect(decode(parsed, [bytes]).trailers).toEqual([
    "x-amz-checksum-crc32c",
    "x-amz-trailer-signature",
  ]);
});

test("one changed byte of a signed chunk or trailer is found", () => {
  for (const [form, at] of [
    ["signed", 100],
    ["signed", 65_624 + 100],
    ["signed with trailers", 65_624 + 200],
  ] as const) {
    const { parsed, bytes } = forms[form];
    const spoilt = Buffer.from(bytes);
    spoilt[at] = 0x62;
    expect(refusal(parsed, spoilt)).toMatch(/^SignatureDoesNotMatch/);
  }
  const { parsed, bytes } = forms["signed with trailers"];
  const otherTrailer = Buffer.from(bytes.toString("latin1").replace("sOO8", "sOO9"), "latin1");
  expect(refusal(parsed, otherTrailer)).toMatch(/^SignatureDoesNotMatch/);
  const noTrailer = Buffer.from(
    bytes.toString("latin1").replace(/x-amz-checksum[^]*$/, "\r\n"),
    "latin1",
  );
  expect(refusal(parsed, noTrailer)).toMatch(/^SignatureDoesNotMatch/);
});

test.each([
  ["no length", "zz\r\n"],
  ["a length without a signature", "5\r\nhello\r\n0\r\n\r\n"],
  ["a line without an end", "1".repeat(2000)],
])("%s is refused", (_name, text) => {
  expect(refusal(forms.signed.parsed, Buffer.from(text))).toMatch(/^IncompleteBody/);
});
