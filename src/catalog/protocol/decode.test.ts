// What each protocol's bytes are read as: one table a protocol, and bytes of any kind that must not throw.
// oxlint-disable vitest/expect-expect -- every case asserts through check() and checkAnswer().
import { deflateRawSync, deflateSync, gzipSync } from "node:zlib";
import { encode } from "cbor-x";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { JsonObject } from "../../event/json.ts";
import type { ObservedCall } from "../call.ts";
import type { Operation, Protocol, Service } from "../service.ts";
import { decodeInput, decodeOutput } from "./decode.ts";

const shapes: Service["shapes"] = {
  Text: { t: "string" },
  Secret: { t: "string", sensitive: true },
  Whole: { t: "integer" },
  Flag: { t: "boolean" },
  Time: { t: "timestamp" },
  Bytes: { t: "blob" },
  Free: { t: "document" },
  Texts: { t: "list", e: { s: "Text" } },
  FlatTexts: { t: "list", e: { s: "Text" }, flat: true },
  Ec2Texts: { t: "list", e: { s: "Text", n: "item" } },
  Pairs: { t: "map", k: { s: "Text" }, v: { s: "Text" } },
  FlatPairs: { t: "map", k: { s: "Text", n: "Name" }, v: { s: "Text", n: "Value" }, flat: true },
  Inner: { t: "structure", m: { Depth: { s: "Whole" }, Again: { s: "Inner" } } },
  Inners: { t: "list", e: { s: "Inner" } },
  Whole1: {
    t: "structure",
    m: {
      Name: { s: "Text" },
      Count: { s: "Whole", n: "count" },
      On: { s: "Flag" },
      When: { s: "Time" },
      Data: { s: "Bytes" },
      Names: { s: "Texts" },
      Flat: { s: "FlatTexts" },
      Tags: { s: "Pairs" },
      FlatTags: { s: "FlatPairs", n: "FlatTag" },
      Inner: { s: "Inner" },
      Inners: { s: "Inners" },
      Free: { s: "Free" },
    },
  },
  Rest: {
    t: "structure",
    m: {
      Id: { s: "Text", loc: "uri", n: "thing_id" },
      Limit: { s: "Whole", loc: "query", n: "limit" },
      Deep: { s: "Flag", loc: "query", n: "deep" },
      Kinds: { s: "Texts", loc: "query", n: "kind" },
      Others: { s: "Pairs", loc: "query" },
      Version: { s: "Text", loc: "header", n: "X-Version" },
      Meta: { s: "Pairs", loc: "headers", n: "x-meta-" },
      Body: { s: "Text", n: "body" },
    },
  },
  Streamed: {
    t: "structure",
    m: { Id: { s: "Text", loc: "uri" }, Body: { s: "Bytes" } },
    payload: "Body",
  },
  Policy: { t: "structure", m: { Policy: { s: "Text" } }, payload: "Policy" },
  Payload: { t: "structure", m: { Config: { s: "Whole1" } }, payload: "Config" },
  Ec2: {
    t: "structure",
    m: {
      Ids: { s: "Ec2Texts", n: "Id" },
      dryRun: { s: "Flag", n: "dryRun" },
      Filters: { s: "Ec2Filters", n: "Filter" },
      Set: { s: "Ec2Texts", n: "set" },
    },
  },
  Ec2Filters: { t: "list", e: { s: "Ec2Filter", n: "Filter" } },
  Ec2Filter: { t: "structure", m: { Name: { s: "Text" }, Values: { s: "Ec2Texts", n: "Value" } } },
};

const service: Service = {
  id: "things",
  eventSource: "things.example.com",
  signingName: "things",
  endpointPrefix: "things",
  apiVersion: "2020-01-01",
  protocol: "json1.1",
  operations: {},
  shapes,
};

function call(parts: Partial<ObservedCall> = {}): ObservedCall {
  return { method: "POST", path: "/", query: "", headers: {}, ...parts };
}

interface InputCase {
  protocol: Protocol;
  body?: string | Buffer;
  shape?: string;
  labels?: Record<string, string>;
  request?: Partial<ObservedCall>;
}

function check(input: InputCase, expected: JsonObject | undefined): void {
  const operation: Operation = { in: input.shape ?? "Whole1" };
  const body = input.body === undefined ? {} : { body: Buffer.from(input.body) };
  expect(
    decodeInput(
      service,
      operation,
      input.labels ?? {},
      call({ ...input.request, ...body }),
      input.protocol,
    ),
  ).toEqual(expected);
}

interface OutputCase {
  protocol: Protocol;
  status?: number;
  headers?: Record<string, string>;
  body?: string | Buffer;
  shape?: string;
  wrapper?: string;
}

function checkAnswer(input: OutputCase, expected: ReturnType<typeof decodeOutput>): void {
  const operation: Operation = {
    out: input.shape ?? "Whole1",
    ...(input.wrapper === undefined ? {} : { wrapper: input.wrapper }),
  };
  const response = {
    status: input.status ?? 200,
    headers: input.headers ?? {},
    ...(input.body === undefined ? {} : { body: Buffer.from(input.body) }),
  };
  expect(decodeOutput(service, operation, call({ response }), input.protocol)).toEqual(expected);
}

describe("json1.0, json1.1 and rpc-v2-cbor bodies are read by member, and what no model knows is kept", () => {
  const said = {
    Name: "a",
    count: 3,
    On: false,
    When: 1.5,
    Names: ["x", "y"],
    Tags: { __proto__x: "1", Case: "2" },
    Inner: { Depth: 1, Again: { Depth: 2 } },
    Unknown: { a: [1] },
    Free: { any: null, thing: 1 },
  };
  const read: JsonObject = {
    Name: "a",
    Count: 3,
    On: false,
    When: 1.5,
    Names: ["x", "y"],
    Tags: { __proto__x: "1", Case: "2" },
    Inner: { Depth: 1, Again: { Depth: 2 } },
    Unknown: { a: [1] },
    Free: { any: null, thing: 1 },
  };
  test.each(["json1.0", "json1.1"] as const)("%s", (protocol) => {
    check({ protocol, body: JSON.stringify(said) }, read);
    check({ protocol, body: "{}" }, undefined);
    check({ protocol, body: "" }, undefined);
    check({ protocol }, undefined);
    check({ protocol, body: '{"Name":null}' }, undefined);
    check({ protocol, body: '{"Name"' }, undefined);
    check({ protocol, body: "[1]" }, undefined);
    check({ protocol, body: '{"count":1e400}' }, { Count: "Infinity" });
    check({ protocol, body: '{"Names":"not a list"}' }, { Names: "not a list" });
  });
  test("rpc-v2-cbor", () => {
    check({ protocol: "rpc-v2-cbor", body: Buffer.from(encode(said)) }, read);
    check(
      { protocol: "rpc-v2-cbor", body: Buffer.from(encode({ Data: Buffer.from("hi") })) },
      { Data: "aGk=" },
    );
    // Tag 1, epoch seconds; an indefinite map with an indefinite text.
    check(
      { protocol: "rpc-v2-cbor", body: Buffer.from("bf645768656ec11a5f5e1000ff", "hex") },
      { When: 1600000000 },
    );
    check(
      { protocol: "rpc-v2-cbor", body: Buffer.from("bf644e616d657f61616162ffff", "hex") },
      { Name: "ab" },
    );
    check(
      { protocol: "rpc-v2-cbor", body: Buffer.from("a165636f756e741bffffffffffffffff", "hex") },
      { Count: "18446744073709551615" },
    );
    check(
      { protocol: "rpc-v2-cbor", body: Buffer.from("a165636f756e74f93e00", "hex") },
      { Count: 1.5 },
    );
  });
  test("a small CBOR body cannot stand for a large value", () => {
    for (const hex of [
      "9bffffffffffffffff",
      "bbffffffffffffffff",
      "5bffffffffffffffff",
      "7a7fffffff",
    ]) {
      check({ protocol: "rpc-v2-cbor", body: Buffer.from(hex, "hex") }, undefined);
    }
    check({ protocol: "rpc-v2-cbor", body: Buffer.alloc(100_000, 0x81) }, undefined);
    check({ protocol: "rpc-v2-cbor", body: Buffer.alloc(100_000, 0xd8) }, undefined);
  });
});

test("awsQuery forms are read with their lists and maps, flat and wrapped, from body and query", () => {
  check(
    {
      protocol: "query",
      request: { query: "Action=Do&Version=1" },
      body:
        "Name=a+b%26c&count=3&On=true&When=2020-01-01T00:00:00Z&Names.member.2=y&Names.member.1=x&Flat.1=p&Flat.2=q" +
        "&Tags.entry.1.key=k&Tags.entry.1.value=v&FlatTag.1.Name=n&FlatTag.1.Value=w&Inner.Again.Depth=2" +
        "&Inners.member.1.Depth=1&Unknown=1",
    },
    {
      Name: "a b&c",
      Count: 3,
      On: true,
      When: "2020-01-01T00:00:00Z",
      Names: ["x", "y"],
      Flat: ["p", "q"],
      Tags: { k: "v" },
      FlatTags: { n: "w" },
      Inner: { Again: { Depth: 2 } },
      Inners: [{ Depth: 1 }],
    },
  );
  check({ protocol: "query", body: "Names=" }, { Names: [] });
  check(
    { protocol: "query", body: "count=12345678901234567890" },
    { Count: "12345678901234567890" },
  );
  check({ protocol: "query", body: `${"Inner.Again.".repeat(200)}Depth=1` }, undefined);
  check({ protocol: "query" }, undefined);
});

test("ec2 forms are read with capitalised names and bare numbered lists", () => {
  check(
    {
      protocol: "ec2",
      shape: "Ec2",
      body: "Action=X&Id.1=i-1&Id.2=i-2&DryRun=false&Filter.1.Name=vpc-id&Filter.1.Value.1=v",
    },
    { Ids: ["i-1", "i-2"], dryRun: false, Filters: [{ Name: "vpc-id", Values: ["v"] }] },
  );
});

test("REST members come from labels, query, headers and body", () => {
  check(
    {
      protocol: "rest-json",
      shape: "Rest",
      labels: { thing_id: "t/1" },
      request: {
        query: "limit=10&deep=false&kind=a&kind=b&x=y",
        headers: { "x-version": "7", "x-meta-one": "1" },
      },
      body: '{"body":"text"}',
    },
    {
      Id: "t/1",
      Limit: 10,
      Deep: false,
      Kinds: ["a", "b"],
      Others: { x: "y" },
      Version: "7",
      Meta: { one: "1" },
      Body: "text",
    },
  );
  check(
    { protocol: "rest-json", shape: "Rest", labels: { Id: "by member" }, body: "{broken" },
    { Id: "by member" },
  );
  check(
    { protocol: "rest-json", shape: "Streamed", labels: { Id: "1" }, body: "bytes" },
    { Id: "1" },
  );
  check(
    { protocol: "rest-xml", shape: "Policy", body: '{"Version":"1"}' },
    { Policy: '{"Version":"1"}' },
  );
});

test("restXml payloads are read by element, attributes and entities included, other entities never expanded", () => {
  check(
    {
      protocol: "rest-xml",
      shape: "Payload",
      body:
        '<?xml version="1.0"?><Config xmlns="urn:x"><Name> a &lt;&#x41;&#66;&amp; </Name><count>2</count>' +
        "<Names><member>x</member><member>y</member></Names><Flat>p</Flat><Flat>q</Flat>" +
        "<Tags><entry><key>k</key><value>v</value></entry></Tags><Inner><Depth>1</Depth></Inner></Config>",
    },
    {
      Config: {
        Name: " a <AB& ",
        Count: 2,
        Names: ["x", "y"],
        Flat: ["p", "q"],
        Tags: { k: "v" },
        Inner: { Depth: 1 },
      },
    },
  );
  const bomb =
    '<!DOCTYPE c [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]><c><Name>&b;</Name></c>';
  check({ protocol: "rest-xml", shape: "Payload", body: bomb }, { Config: { Name: "&b;" } });
  check({ protocol: "rest-xml", shape: "Payload", body: "<a>".repeat(50_000) }, undefined);
  check({ protocol: "rest-xml", shape: "Payload", body: "no xml" }, undefined);
});

test("content encodings and chunk framing are undone, within a bound", () => {
  const body = '{"Name":"a"}';
  const read = { Name: "a" };
  const encoded = (encoding: string, bytes: Buffer, expected: JsonObject | undefined) =>
    check(
      { protocol: "json1.1", body: bytes, request: { headers: { "content-encoding": encoding } } },
      expected,
    );
  encoded("gzip", gzipSync(body), read);
  encoded("deflate", deflateSync(body), read);
  encoded("deflate", deflateRawSync(body), read);
  encoded("identity", Buffer.from(body), read);
  encoded("gzip", Buffer.from(body), undefined);
  encoded("zstd", Buffer.from(body), undefined);
  encoded("gzip", gzipSync(JSON.stringify({ Name: "a".repeat(5_000_000) })), undefined);
  const chunked = `6;chunk-signature=ab\r\n{"Name\r\n6;chunk-signature=cd\r\n":"a"}\r\n0;chunk-signature=ef\r\n\r\n`;
  encoded("aws-chunked", Buffer.from(chunked), read);
  encoded("aws-chunked", Buffer.from(chunked.slice(0, 20)), undefined);
  check(
    {
      protocol: "json1.1",
      body: chunked,
      request: { headers: { "x-amz-content-sha256": "STREAMING-UNSIGNED-PAYLOAD-TRAILER" } },
    },
    read,
  );
});

test("errors are read in each protocol's form, with the request's id", () => {
  const json = { "x-amzn-requestid": "r-1" };
  checkAnswer(
    {
      protocol: "json1.1",
      status: 400,
      headers: json,
      body: '{"__type":"com.amazonaws.x#NotFoundException:http://x","message":"gone"}',
    },
    { requestId: "r-1", error: { code: "NotFoundException", message: "gone" } },
  );
  checkAnswer(
    {
      protocol: "rest-json",
      status: 404,
      headers: {
        "x-amzn-errortype": "NotFoundException:http://internal/",
        "x-amz-request-id": "r-2",
      },
      body: '{"Message":"no such thing"}',
    },
    { requestId: "r-2", error: { code: "NotFoundException", message: "no such thing" } },
  );
  checkAnswer(
    { protocol: "rest-json", status: 400, body: '{"code":"BadRequestException","message":"m"}' },
    { error: { code: "BadRequestException", message: "m" } },
  );
  checkAnswer(
    {
      protocol: "json1.0",
      status: 400,
      headers: { "x-amzn-query-error": "AWS.SimpleQueueService.NonExistentQueue;Sender" },
      body: '{"__type":"com.amazonaws.sqs#QueueDoesNotExist","message":"m"}',
    },
    { error: { code: "AWS.SimpleQueueService.NonExistentQueue", message: "m" } },
  );
  checkAnswer(
    {
      protocol: "query",
      status: 404,
      body: "<ErrorResponse><Error><Type>Sender</Type><Code>NoSuchEntity</Code><Message>m &amp; n</Message></Error><RequestId>r-3</RequestId></ErrorResponse>",
    },
    { requestId: "r-3", error: { code: "NoSuchEntity", message: "m & n" } },
  );
  checkAnswer(
    {
      protocol: "ec2",
      status: 400,
      body: "<Response><Errors><Error><Code>InvalidInstanceID.NotFound</Code><Message>m</Message></Error></Errors><RequestID>r-4</RequestID></Response>",
    },
    { requestId: "r-4", error: { code: "InvalidInstanceID.NotFound", message: "m" } },
  );
  checkAnswer(
    {
      protocol: "rest-xml",
      status: 404,
      body: "<Error><Code>NoSuchBucket</Code><Message>m</Message><RequestId>r-5</RequestId></Error>",
    },
    { requestId: "r-5", error: { code: "NoSuchBucket", message: "m" } },
  );
  checkAnswer(
    {
      protocol: "rpc-v2-cbor",
      status: 400,
      body: Buffer.from(encode({ __type: "aws.x#InvalidThing", message: "m" })),
    },
    { error: { code: "InvalidThing", message: "m" } },
  );
  checkAnswer(
    { protocol: "json1.1", status: 503, body: "<html>" },
    { error: { code: "ServiceUnavailable", message: "" } },
  );
  checkAnswer({ protocol: "rest-xml", status: 404 }, { error: { code: "NotFound", message: "" } });
  checkAnswer({ protocol: "rest-xml", status: 304 }, {});
});

test("answers are read by member: wrapped, bare, empty lists kept, gzip undone", () => {
  checkAnswer(
    {
      protocol: "query",
      wrapper: "DoResult",
      body: "<DoResponse><DoResult><Name>a</Name><When>2020-01-01T00:00:00Z</When><Names/></DoResult><ResponseMetadata><RequestId>r</RequestId></ResponseMetadata></DoResponse>",
    },
    { requestId: "r", output: { Name: "a", When: "2020-01-01T00:00:00Z", Names: [] } },
  );
  checkAnswer(
    {
      protocol: "ec2",
      shape: "Ec2",
      body: "<DoResponse><requestId>r</requestId><set><item>a</item><item>b</item></set></DoResponse>",
    },
    { requestId: "r", output: { Set: ["a", "b"] } },
  );
  checkAnswer(
    {
      protocol: "json1.1",
      headers: { "content-encoding": "gzip" },
      body: gzipSync('{"Name":"a"}'),
    },
    { output: { Name: "a" } },
  );
  checkAnswer(
    { protocol: "rest-json", shape: "Rest", headers: { "x-version": "1" }, body: '{"body":"b"}' },
    { output: { Version: "1", Body: "b" } },
  );
});

test("bytes of any kind, in any place, are read without throwing", () => {
  const protocols: Protocol[] = [
    "json1.0",
    "json1.1",
    "rest-json",
    "rest-xml",
    "query",
    "ec2",
    "rpc-v2-cbor",
  ];
  const near = fc.constantFrom(
    '{"Name":"a","__proto__":{"x":1},"constructor":1}',
    "<a><b>1</b><__proto__>x</__proto__><constructor/></a>",
    "a.__proto__.1=x&constructor=1&Names.member.1=a",
  );
  const bytes = fc.oneof(
    fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes)),
    near.map((text) => Buffer.from(text)),
    fc.json().map((text) => Buffer.from(text)),
  );
  const names = fc.constantFrom(
    "content-encoding",
    "x-amz-content-sha256",
    "x-amzn-errortype",
    "x-version",
  );
  const values = fc.oneof(
    fc.constantFrom("gzip", "deflate", "aws-chunked", "br, gzip"),
    fc.string(),
  );
  fc.assert(
    fc.property(
      fc.constantFrom(...protocols),
      fc.constantFrom("Whole1", "Rest", "Streamed", "Policy", "Payload", "Ec2", "Missing"),
      bytes,
      fc.dictionary(names, values),
      fc.string(),
      fc.integer({ min: 100, max: 599 }),
      (protocol, shape, body, headers, query, status) => {
        const observed = call({ body, headers, query, response: { status, headers, body } });
        decodeInput(service, { in: shape }, { Id: "x" }, observed, protocol);
        decodeOutput(service, { out: shape }, observed, protocol);
      },
    ),
    { numRuns: 3000 },
  );
  expect(Object.prototype).not.toHaveProperty("x");
});
