// Validation against a model, in AWS's words; one small service shows every constraint.
import { describe, expect, test } from "vitest";
import { isCairnError } from "../base/errors.ts";
import type { Service } from "../catalog/service.ts";
import type { JsonObject } from "../event/json.ts";
import { parseJsonInput } from "./protocol/parse-json.ts";
import { escapeXml, queryAnswer } from "./protocol/xml.ts";
import { patternOf, validateInput } from "./validate.ts";

const service: Service = {
  id: "small",
  eventSource: "small.amazonaws.com",
  signingName: "small",
  endpointPrefix: "small",
  apiVersion: "2020-01-01",
  protocol: "json1.1",
  operations: { Do: { in: "In", out: "In", wrapper: "DoResult" } },
  shapes: {
    In: {
      t: "structure",
      req: ["Name"],
      m: {
        Name: { s: "Name" },
        Count: { s: "Count" },
        Kind: { s: "Kind" },
        Tags: { s: "Tags" },
        Labels: { s: "Labels" },
        Bytes: { s: "Bytes" },
        On: { s: "On" },
        Ratio: { s: "Ratio" },
        When: { s: "When" },
        Big: { s: "Big" },
      },
    },
    Name: { t: "string", min: 2, max: 5, pattern: "[a-z]+" },
    Count: { t: "integer", min: 1, max: 50 },
    Kind: { t: "string", enum: ["one", "two"] },
    Tags: { t: "list", e: { s: "Tag" }, min: 1, max: 2 },
    Tag: { t: "structure", req: ["Key"], m: { Key: { s: "Name" } } },
    Labels: { t: "map", k: { s: "Name" }, v: { s: "Count" }, max: 1 },
    Bytes: { t: "blob", max: 3 },
    On: { t: "boolean" },
    Ratio: { t: "double", max: 1 },
    When: { t: "timestamp" },
    Big: { t: "long" },
  },
};

function refusal(attempt: () => unknown): string {
  try {
    attempt();
  } catch (error) {
    if (isCairnError(error)) return `${error.code}: ${error.message}`;
    throw error;
  }
  return "accepted";
}

const validate = (input: JsonObject, exceptions = {}) =>
  refusal(() => validateInput(service, "In", input, exceptions));
const parse = (body: string) =>
  parseJsonInput(
    service,
    service.shapes.In as Extract<Service["shapes"][string], { t: "structure" }>,
    Buffer.from(body),
  );

describe("constraints", () => {
  test.each<[JsonObject, string]>([
    [
      {
        Name: "abc",
        Count: 50,
        Kind: "one",
        Tags: [{ Key: "ab" }],
        Labels: { ab: 1 },
        Bytes: "YWJj",
        Ratio: 1,
      },
      "accepted",
    ],
    [{}, "Value null at 'name' failed to satisfy constraint: Member must not be null"],
    [
      { Name: "a" },
      "Value 'a' at 'name' failed to satisfy constraint: Member must have length greater than or equal to 2",
    ],
    [
      { Name: "abcdef" },
      "Value 'abcdef' at 'name' failed to satisfy constraint: Member must have length less than or equal to 5",
    ],
    [
      { Name: "ABC" },
      "Value 'ABC' at 'name' failed to satisfy constraint: Member must satisfy regular expression pattern: [a-z]+",
    ],
    [
      { Name: "ab\n" },
      "Value 'ab\n' at 'name' failed to satisfy constraint: Member must satisfy regular expression pattern: [a-z]+",
    ],
    [
      { Name: "abc", Count: 51 },
      "Value '51' at 'count' failed to satisfy constraint: Member must have value less than or equal to 50",
    ],
    [
      { Name: "abc", Kind: "three" },
      "Value 'three' at 'kind' failed to satisfy constraint: Member must satisfy enum value set: [one, two]",
    ],
    [
      { Name: "abc", Tags: [] },
      "Value '[]' at 'tags' failed to satisfy constraint: Member must have length greater than or equal to 1",
    ],
    [
      { Name: "abc", Tags: [{ Key: "ab" }, {}] },
      "Value null at 'tags.2.member.key' failed to satisfy constraint: Member must not be null",
    ],
    [
      { Name: "abc", Tags: [null] },
      "Value null at 'tags.1.member' failed to satisfy constraint: Member must not be null",
    ],
    [
      { Name: "abc", Labels: { ab: 0 } },
      "Value '0' at 'labels.ab.member' failed to satisfy constraint: Member must have value greater than or equal to 1",
    ],
    [
      { Name: "abc", Labels: { a: 1 } },
      "Value 'a' at 'labels.a.key' failed to satisfy constraint: Member must have length greater than or equal to 2",
    ],
    [
      { Name: "abc", Bytes: "YWJjZA==" },
      "Value 'YWJjZA==' at 'bytes' failed to satisfy constraint: Member must have length less than or equal to 3",
    ],
  ])("%o", (input, expected) => {
    expect(validate(input)).toBe(
      expected === "accepted"
        ? expected
        : `ValidationFailed: 1 validation error detected: ${expected}`,
    );
  });

  test("several violations are told together", () => {
    expect(validate({ Name: "A", Count: 0 })).toBe(
      "ValidationFailed: 3 validation errors detected: Value 'A' at 'name' failed to satisfy constraint: Member must have length greater than or equal to 2; Value 'A' at 'name' failed to satisfy constraint: Member must satisfy regular expression pattern: [a-z]+; Value '0' at 'count' failed to satisfy constraint: Member must have value greater than or equal to 1",
    );
  });

  test("a member's own exception wins over the general one", () => {
    expect(validate({ Name: "A", Count: 0 }, { Count: "InvalidMaxResults" })).toMatch(
      /^InvalidMaxResults: 3 validation errors/,
    );
  });

  test("no request makes the answer long", () => {
    const tags = Array.from({ length: 10_000 }, () => ({ Key: "X".repeat(100) }));
    expect(validate({ Name: "abc", Tags: tags }).length).toBeLessThan(20_000);
  });

  test("Java's patterns are understood", () => {
    expect(patternOf("(?s).*").test("a\nb")).toBe(true);
    expect(patternOf(".*").test("a\nb")).toBe(false);
    expect(patternOf("[a-zA-Z0-9._/\\-:]+").test("a-b:c")).toBe(true);
    expect(patternOf("a|b").test("ab")).toBe(false);
  });
});

describe("awsJson types", () => {
  test("each type is read as what it is", () => {
    expect(
      parse(
        '{"Name":"abc","Count":3,"On":false,"Ratio":0.5,"When":1424476529.123,"Big":9007199254740991,"Bytes":"YWJj","Labels":{"ab":1,"cd":null},"Tags":[{"Key":"k","More":1}],"More":{}}',
      ),
    ).toEqual({
      Name: "abc",
      Count: 3,
      On: false,
      Ratio: 0.5,
      When: 1_424_476_529_123,
      Big: 9_007_199_254_740_991,
      Bytes: "YWJj",
      Labels: { ab: 1 },
      Tags: [{ Key: "k" }],
    });
    expect(parse("")).toEqual({});
  });

  test.each([
    ['{"On":"true"}', "STRING_VALUE can not be converted to a Boolean (at On)"],
    ['{"On":1}', "NUMBER_VALUE can not be converted to a Boolean (at On)"],
    ['{"Ratio":"1"}', "STRING_VALUE can not be converted to a Double (at Ratio)"],
    ['{"Bytes":"%"}', "STRING_VALUE can not be converted to a Blob (at Bytes)"],
    ['{"Big":9007199254740993}', "NUMBER_VALUE can not be converted to a Long (at Big)"],
    ['{"Labels":[]}', "Start of list found where not expected (at Labels)"],
    ['{"Tags":[{"Key":1}]}', "NUMBER_VALUE can not be converted to a String (at Tags[0].Key)"],
    [
      '{"When":"2026-02-30T00:00:00Zx"}',
      "STRING_VALUE can not be converted to a Timestamp (at When)",
    ],
  ])("%s", (body, expected) => {
    expect(refusal(() => parse(body))).toBe(`SerializationFailed: ${expected}`);
  });

  test("nesting that no stack could hold is only an unknown member", () => {
    const deep = `{"More":${"[".repeat(200_000)}${"]".repeat(200_000)}}`;
    expect([
      "accepted",
      "SerializationFailed: The request body is not valid JSON in UTF-8.",
    ]).toContain(refusal(() => parse(deep)));
  });
});

describe("XML", () => {
  test("no text can end an element or leave XML's characters", () => {
    expect(escapeXml(`<a b="c">&'\u0000\u001F\uFFFF\r\n`)).toBe(
      "&#60;a b=&#34;c&#34;&#62;&#38;&#39;\uFFFD\uFFFD\uFFFD&#13;\n",
    );
    expect(escapeXml("😀ü")).toBe("😀ü");
    expect(escapeXml("\uD800")).toBe("\uFFFD");
  });

  test("structures and lists are written as awsQuery has them", () => {
    const output = { Name: "a<b", Tags: [{ Key: "x" }, { Key: "y" }], On: true };
    expect(queryAnswer(service, "Do", output, "id")).toBe(
      '<DoResponse xmlns="https://small.amazonaws.com/doc/2020-01-01/"><DoResult><Name>a&#60;b</Name><Tags><member><Key>x</Key></member><member><Key>y</Key></member></Tags><On>true</On></DoResult><ResponseMetadata><RequestId>id</RequestId></ResponseMetadata></DoResponse>',
    );
  });
});
