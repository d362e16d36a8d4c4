// Which documents are refused, in which words, and which are accepted.
import * as fc from "fast-check";
import { expect, test } from "vitest";
import { isCairnError } from "../base/errors.ts";
import { policyCharactersMax } from "../base/limits.ts";
import { checkPolicyLength, policyLength } from "./length.ts";
import { malformedTexts as texts } from "./malformed.ts";
import { parsePolicy } from "./parse.ts";
import type { PolicyKind } from "./policy.ts";

const bucket = "arn:aws:s3:::example_bucket";
const statement = { Effect: "Allow", Action: "s3:ListBucket", Resource: bucket };

/** A document whose one statement differs from a good one by `changes`; undefined takes a member away, null the version. */
function having(changes: object, version: string | null = "2012-10-17"): object {
  const merged = Object.entries({ ...statement, ...changes });
  return {
    ...(version === null ? {} : { Version: version }),
    Statement: Object.fromEntries(merged.filter(([, value]) => value !== undefined)),
  };
}

function refusal(kind: PolicyKind, document: unknown, managed = false): string | undefined {
  try {
    parsePolicy(kind, document, { managed });
    return undefined;
  } catch (error) {
    if (!isCairnError(error, "MalformedPolicyDocument")) throw error;
    // The log always hears the reason.
    return typeof error.detail["why"] === "string" ? error.message : "no reason";
  }
}

const noRegion = "cannot contain region information.";
const iamPath =
  'IAM resource path must either be "*" or start with user/, federated-user/, role/, group/, instance-profile/, mfa/, server-certificate/, policy/, sms-mfa/, saml-provider/, oidc-provider/, report/, access-report/.';

// Documents and answers as tests against IAM recorded them.
test.each<[document: unknown, answer: string]>([
  ["This is not a json document", texts.syntax],
  ["", texts.syntax],
  ["[]", texts.syntax],
  ["null", texts.syntax],
  // Named twice: JSON.parse would read the last, another reader the first.
  [
    '{"Version":"2012-10-17","Statement":{"Effect":"Deny","Effect":"Allow","Action":"*","Resource":"*"}}',
    texts.syntax,
  ],
  [null, texts.syntax],
  [undefined, texts.syntax],
  [[having({})], texts.syntax],
  [{}, texts.syntax],
  [having({}, "2013-10-17"), texts.syntax],
  [{ Version: 20121017, Statement: statement }, texts.syntax],
  [{ Version: "2012-10-17" }, texts.syntax],
  [{ Version: "2012-10-17", Statement: [] }, texts.syntax],
  [{ Version: "2012-10-17", Statement: ["afd"] }, texts.syntax],
  [{ Version: "2012-10-17", Statement: null }, texts.syntax],
  [{ Version: "2012-10-17", Statement: [[statement]] }, texts.syntax],
  [{ ...having({}), "Extra field": "value" }, texts.syntax],
  [{ ...having({}), statement }, texts.syntax],
  [{ ...having({}), Id: ["a"] }, texts.syntax],
  [{ ...having({}), Id: {} }, texts.syntax],
  [having({ "Extra field": "value" }), texts.syntax],
  [having({ Effect: "invalid" }), texts.syntax],
  [having({ Effect: undefined }), texts.syntax],
  [having({ Effect: ["Allow"] }), texts.syntax],
  [having({ Sid: {} }), texts.syntax],
  [having({ Sid: [] }), texts.syntax],
  [having({ Resource: { a: bucket } }), texts.syntax],
  [having({ Resource: ["adfdf", {}] }), texts.syntax],
  [having({ Resource: 1 }), texts.syntax],
  [having({ NotResource: [] }), texts.syntax],
  [having({ NotResource: "*" }), texts.syntax],
  [having({ Action: [[]] }), texts.syntax],
  [having({ Action: {} }), texts.syntax],
  [having({ Action: null }), texts.syntax],
  [having({ NotAction: "s3s:ListBucket" }), texts.syntax],
  [having({ Condition: [] }), texts.syntax],
  [having({ Condition: "a" }), texts.syntax],
  [having({ Condition: { a: "b" } }), texts.syntax],
  [having({ Condition: { DateGreaterThan: "b" } }), texts.syntax],
  [having({ Condition: { DateGreaterThan: [] } }), texts.syntax],
  [having({ Condition: { DateGreaterThan: { a: {} } } }), texts.syntax],
  [having({ Condition: { StringEquals: { a: null } } }), texts.syntax],
  [having({ Condition: { StringEquals: { a: [["b"]] } } }), texts.syntax],
  [having({ Condition: { x: { a: "1" } } }), texts.syntax],
  [having({ Condition: { "ForAnyValue::StringEqualsIfExists": { a: "b" } } }), texts.syntax],
  [having({ Condition: { "ForSomeValues:StringEquals": { a: "b" } } }), texts.syntax],
  [having({ Condition: { NullIfExists: { a: "true" } } }), texts.syntax],
  [having({ Condition: { StringEqualsIfExistsIfExists: { a: "b" } } }), texts.syntax],
  [having({ Condition: { stringequals: { a: "b" } } }), texts.syntax],
  [having({ Condition: [{ StringEquals: { a: "b" } }] }), texts.syntax],
  [having({ Effect: "denY" }), texts.legacy],
  [having({ Effect: "allow", Resource: "arn:aws:s3:us-east-1::example_bucket" }), texts.legacy],
  [having({ Condition: { DateGreaterThan: { a: "sdfdsf" } } }), texts.legacy],
  [having({ Action: undefined, Condition: { DateGreaterThan: { a: "x" } } }), texts.legacy],
  [having({ Condition: { DateLessThanEquals: { a: "234-13" } } }), texts.legacy],
  [
    having({ Condition: { DateLessThanEquals: { a: "2016-12-13t2:00:00.593194+1" } } }),
    texts.legacy,
  ],
  [
    having({ Condition: { DateLessThanEquals: { a: "2016-12-13t2:00:00.1999999999+10:59" } } }),
    texts.legacy,
  ],
  [having({ Condition: { DateLessThan: { a: "9223372036854775808" } } }), texts.legacy],
  [having({ Condition: { DateLessThan: { a: ["2020-01-01", "x"] } } }), texts.legacy],
  [having({ Condition: { NumericLessThan: { a: "ten" } } }), texts.legacy],
  [having({ Condition: { NumericLessThan: { a: "${aws:username}" } } }), texts.legacy],
  [having({ Condition: { IpAddress: { a: "203.0.113.0/33" } } }), texts.legacy],
  [having({ Condition: { IpAddress: { a: "2001:db8::/129" } } }), texts.legacy],
  [having({ Condition: { NotIpAddress: { a: "203.0.113" } } }), texts.legacy],
  [having({ Condition: { IpAddress: { a: "fe80::1%eth0" } } }), texts.legacy],
  [having({ Resource: "arn:aws:s3::example_bucket" }), texts.legacy],
  [having({ Action: undefined, Resource: "arn:aws:s3::example_bucket" }), texts.legacy],
  [having({ Resource: undefined, NotResource: "arn:aws:s3::example_bucket" }), texts.legacy],
  [having({ Resource: "arn:aws::fdsasf" }), texts.legacy],
  [having({ Resource: "arn:aws::::example_bucket" }), texts.legacy],
  [having({ Resource: "arn:error:s3:::x", Condition: { DateEquals: { a: "x" } } }), texts.legacy],
  [having({ Sid: "with space" }), texts.sidCharacters],
  [having({ Sid: "under_score" }), texts.sidCharacters],
  [
    {
      Version: "2012-10-17",
      Statement: [
        { ...statement, Sid: "sdf" },
        { Sid: "sdf", Effect: "Allow" },
      ],
    },
    texts.sidUnique,
  ],
  [having({ Action: undefined }), texts.noActions],
  [having({ Action: undefined, Resource: undefined }), texts.noActions],
  [having({ Action: [] }), texts.noActions],
  [{ Version: "2012-10-17", Statement: [{ Effect: "Deny" }, statement] }, texts.noActions],
  [
    having({ Resource: "invalid resource" }),
    'Resource invalid resource must be in ARN format or "*".',
  ],
  [having({ Resource: "" }), 'Resource  must be in ARN format or "*".'],
  [having({ Resource: ["adf"] }), 'Resource adf must be in ARN format or "*".'],
  [
    having({ Action: "s:3:ListBucket", Resource: "sdfsadf" }),
    'Resource sdfsadf must be in ARN format or "*".',
  ],
  [having({ Resource: "urn:aws:s3:::x" }), 'Resource urn:aws:s3:::x must be in ARN format or "*".'],
  [
    having({ Resource: "a:bsdfdsafsad" }),
    'Partition "bsdfdsafsad" is not valid for resource "arn:bsdfdsafsad:*:*:*:*".',
  ],
  [
    having({ Resource: "a:b:cadfsdf" }),
    'Partition "b" is not valid for resource "arn:b:cadfsdf:*:*:*".',
  ],
  [
    having({ Resource: "a:b:c:d:e:f:g:h" }),
    'Partition "b" is not valid for resource "arn:b:c:d:e:f:g:h".',
  ],
  [
    having({ Resource: "aws:s3:::example_bucket" }),
    'Partition "s3" is not valid for resource "arn:s3:::example_bucket:*".',
  ],
  [
    having({ Resource: ["arn:error:s3:::example_bucket", "arn:error:s3::example_bucket"] }),
    'Partition "error" is not valid for resource "arn:error:s3:::example_bucket".',
  ],
  [having({ Resource: "arn:aws" }), texts.vendorRegex],
  [having({ Resource: "arn:aws:s*:::x" }), texts.vendorRegex],
  [having({ Resource: "arn:aws:*:*:*:*" }), texts.vendorRegex],
  [
    having({ Resource: "arn:aws:iam:us-east-1::example_bucket" }),
    `IAM resource arn:aws:iam:us-east-1::example_bucket ${noRegion}`,
  ],
  [
    having({ Resource: "arn:aws:s3:us-east-1::example_bucket" }),
    `Resource arn:aws:s3:us-east-1::example_bucket can not contain region information.`,
  ],
  [having({ Resource: "arn:aws:iam:::example_bucket" }), iamPath],
  [having({ Resource: "arn:aws:iam::111122223333:x*" }), iamPath],
  [having({ Action: "invalid" }), texts.noVendor],
  [having({ Action: "invalid", Resource: undefined }), texts.noVendor],
  [having({ Action: undefined, NotAction: "" }), texts.noVendor],
  [having({ Action: "a a:ListBucket" }), "Vendor a a is not valid"],
  [having({ Action: "s3*:ListBucket" }), "Vendor s3* is not valid"],
  [having({ Action: ":ListBucket" }), "Vendor  is not valid"],
  [having({ Action: "s3:List:Bucket" }), texts.colons],
  [having({ Action: "s3:${aws:username}" }), texts.colons],
  [
    { Version: "2012-10-17", Statement: [statement, { ...statement, Action: "s:3s:ListBucket" }] },
    texts.colons,
  ],
  [having({ Resource: undefined }), texts.noResources],
  [having({ Resource: [] }), texts.noResources],
  [having({ Principal: "*" }), texts.principal],
  [having({ NotPrincipal: { AWS: "111122223333" } }), texts.principal],
  [
    `"${"x".repeat(policyCharactersMax)}"`,
    `Policy document must have length less than or equal to ${policyCharactersMax}`,
  ],
])("an identity policy %j is refused: %s", (document, answer) => {
  expect(refusal("identity", document)).toBe(answer);
  expect(refusal("boundary", document)).toBe(answer);
  expect(refusal("session", document)).toBe(answer);
});

const versionAnswer = texts.version;
test.each<[document: object, answer: string | undefined]>([
  [having({}), undefined],
  [having({}, null), versionAnswer],
  [having({}, "2008-10-17"), versionAnswer],
  [having({ Effect: "denY" }, null), versionAnswer],
  [having({ Condition: { DateGreaterThan: { a: "sdfdsf" } } }, null), versionAnswer],
])("a managed policy %j: %s", (document, answer) => {
  expect(refusal("identity", document, true)).toBe(answer);
});

test.each<object>([
  having({}),
  having({}, null),
  having({}, "2008-10-17"),
  { ...having({}), Id: "sdfsdfsdf" },
  having({ Resource: [bucket, "*"] }),
  having({ Action: "*" }),
  having({ Action: "iam: asdf safdsf af " }),
  having({ Action: "aaaaaadsfdsafsadfsadfaaaaa:ListBucket" }),
  having({ Action: "s3-s:ListBucket" }),
  having({ Action: "s3.s:ListBucket" }),
  having({ Action: "*:ListBucket" }),
  having({ Action: undefined, NotAction: "s3:ListBucket", Resource: undefined, NotResource: "*" }),
  having({ Resource: "arn:aws:iam:::user/example_bucket" }),
  having({ Resource: "arn:aws:iam::*:role/*" }),
  having({ Resource: "arn:aws:iam::*:*" }),
  having({ Resource: "arn:aws:iam::*:us*" }),
  having({ Resource: "arn:aws:s33:::example_bucket" }),
  having({ Resource: "arn:aws:fdsasf" }),
  having({ Resource: "arn:aws:cloudwatch:us-east-1::example_bucket" }),
  having({ Resource: "arn:aws:s3:us-west-2:111122223333:accesspoint/x" }),
  having({ Resource: "arn:*:s3:::x" }),
  having({ Resource: "arn:aws-us-gov:s3:::x" }),
  having({ Condition: {} }),
  having({ Condition: { a: {} } }),
  having({ Condition: { x: {}, y: {} } }),
  having({ Condition: { DateGreaterThan: {} } }),
  having({ Condition: { DateGreaterThan: { a: [] } } }),
  having({ Condition: { DateGreaterThan: { a: "01T" } } }),
  having({ Condition: { DateLessThan: { a: "-292275054" } } }),
  having({ Condition: { DateLessThanEquals: { a: "2016-12-13t2:00:00.593194+23" } } }),
  having({ Condition: { DateLessThanEquals: { a: "2016-12-13T21:20:37.593194+00:00" } } }),
  having({ Condition: { DateLessThanEquals: { a: "2019-07-01T13:20:15Z" } } }),
  having({ Condition: { DateLessThan: { a: 1577836801 } } }),
  having({ Condition: { "ForAllValues:StringEquals": { "aws:TagKeys": "Department" } } }),
  having({ Condition: { "ForAnyValue:StringEqualsIfExists": { a: "asf" } } }),
  having({ Condition: { Bool: { "aws:SecureTransport": false } } }),
  having({ Sid: "" }),
  {
    Version: "2012-10-17",
    Statement: [
      { ...statement, Sid: "" },
      { ...statement, Sid: "" },
    ],
  },
  { Version: "2012-10-17", Statement: [{ ...statement, Sid: "sdf" }, statement] },
])("an identity policy %j is accepted, as a value and as text", (document) => {
  expect(refusal("identity", document)).toBeUndefined();
  expect(refusal("identity", JSON.stringify(document, undefined, 2))).toBeUndefined();
});

const trust = { Resource: undefined, Action: "sts:AssumeRole", Principal: { AWS: "111122223333" } };
const role = "arn:aws:iam::111122223333:role/x";
const invalid = (type: string, value: string) =>
  `Invalid principal in policy: "${type}":"${value}"`;

test.each<[changes: object, answer: string | undefined]>([
  [{}, undefined],
  [{ Principal: { Service: "ec2.amazonaws.com" } }, undefined],
  [{ Principal: { Service: ["ec2.amazonaws.com", "x.amazonaws.com"], AWS: role } }, undefined],
  [{ Principal: { Federated: "cognito-identity.amazonaws.com" } }, undefined],
  [
    { Principal: { Federated: "arn:aws:iam::111122223333:oidc-provider/idp.example.com/a" } },
    undefined,
  ],
  [{ Principal: "*" }, undefined],
  [{ Principal: undefined, NotPrincipal: { AWS: role } }, undefined],
  [{ Action: ["sts:AssumeRole", "sts:TagSession", "sts:SetSourceIdentity"] }, undefined],
  [{ Action: "STS:assumerole*" }, undefined],
  [{ Sid: "Anyone1" }, undefined],
  [{ Resource: "*" }, texts.resource],
  [{ NotResource: "*" }, texts.resource],
  [{ Principal: undefined }, texts.noPrincipal],
  [{ Principal: {} }, texts.noPrincipal],
  [{ Principal: { AWS: [] } }, texts.noPrincipal],
  [{ Action: "*" }, texts.trustAction],
  [{ Action: "iam:PassRole" }, texts.trustAction],
  [{ Action: ["sts:AssumeRole", "s3:GetObject"] }, texts.trustAction],
  [{ Action: undefined, NotAction: "sts:AssumeRole" }, texts.trustAction],
  [{ Sid: "with space" }, texts.sidCharacters],
  [{ Principal: "111122223333" }, texts.syntax],
  [{ Principal: ["*"] }, texts.syntax],
  [{ Principal: { Aws: "*" } }, texts.syntax],
  [{ Principal: { AWS: 111122223333 } }, texts.syntax],
  [{ NotPrincipal: "*" }, texts.syntax],
  [{ Principal: { AWS: "11112222333" } }, invalid("AWS", "11112222333")],
  [
    { Principal: { AWS: "arn:aws:iam::111122223333:role/*" } },
    invalid("AWS", "arn:aws:iam::111122223333:role/*"),
  ],
  [{ Principal: { AWS: "arn:aws:iam::*:root" } }, invalid("AWS", "arn:aws:iam::*:root")],
  [
    { Principal: { AWS: "arn:aws:iam::111122223333:group/x" } },
    invalid("AWS", "arn:aws:iam::111122223333:group/x"),
  ],
  [
    { Principal: { AWS: "arn:aws:sts::111122223333:assumed-role/x/*" } },
    invalid("AWS", "arn:aws:sts::111122223333:assumed-role/x/*"),
  ],
  [{ Principal: { AWS: [role, ""] } }, invalid("AWS", "")],
  [{ Principal: { Service: "ec2" } }, invalid("SERVICE", "ec2")],
  [{ Principal: { Service: "*" } }, invalid("SERVICE", "*")],
  [{ Principal: { Federated: "*" } }, invalid("FEDERATED", "*")],
  [{ Principal: { CanonicalUser: "79a59df9" } }, invalid("CANONICALUSER", "79a59df9")],
])("a trust policy with %j: %s", (changes, answer) => {
  expect(refusal("trust", having({ ...trust, ...changes }))).toBe(answer);
});

test.each<[changes: object, answer: string | undefined]>([
  [{ Principal: "*" }, undefined],
  [{ Principal: "*", Sid: "with space" }, undefined],
  [{}, texts.noPrincipal],
  [{ Principal: "*", Resource: undefined }, texts.noResources],
])("a resource policy with %j: %s", (changes, answer) => {
  expect(refusal("resource", having(changes))).toBe(answer);
});

test.each<[document: unknown, accepted: boolean]>([
  [having({ Resource: "*" }), true],
  [having({ Effect: "Deny", Action: undefined, NotAction: "iam:*" }), true],
  [having({ Condition: { StringNotEquals: { "aws:RequestedRegion": "eu-west-1" } } }), true],
  [having({ Principal: "*" }), false],
  [having({}, "2008-10-17"), false],
  [having({}, null), false],
  [having({ Resource: undefined }), false],
  ["{", false],
])("a service control policy %j is accepted: %s", (document, accepted) => {
  expect(refusal("serviceControl", document)).toBe(accepted ? undefined : texts.serviceControl);
});

test("documents that are deep, long or hold themselves are refused like any other that is no policy", () => {
  const loop: Record<string, unknown> = { Version: "2012-10-17" };
  loop["Statement"] = loop;
  expect(refusal("identity", loop)).toBe(texts.syntax);
  const list: unknown[] = [];
  list.push(list);
  expect(refusal("identity", having({ Action: list }))).toBe(texts.syntax);
  expect(refusal("identity", having({ Condition: { StringEquals: loop } }))).toBe(texts.syntax);
  const deep = '{"Statement":['.repeat(9_000);
  expect(refusal("identity", deep)).toBe(texts.syntax);
  expect(refusal("identity", "[".repeat(policyCharactersMax))).toBe(texts.syntax);
  const proto = '{"__proto__":{"Version":"2012-10-17"},"Statement":[]}';
  expect(refusal("identity", proto)).toBe(texts.syntax);
});

const kinds: PolicyKind[] = [
  "identity",
  "boundary",
  "session",
  "resource",
  "trust",
  "serviceControl",
];

test("whatever a document is, it is read or refused as malformed", () => {
  const value = fc.oneof(fc.anything(), fc.jsonValue());
  const element = fc.oneof(
    value,
    fc.constantFrom(
      "*",
      "s3:*",
      bucket,
      "Allow",
      "Deny",
      "111122223333",
      { AWS: "*" },
      "${aws:username}",
    ),
    fc.array(fc.constantFrom("*", "a:b", "", bucket, ":", "arn:aws:s3")),
    fc.dictionary(
      fc.constantFrom(
        "StringLike",
        "Null",
        "IpAddressIfExists",
        "ForAnyValue:DateEquals",
        "AWS",
        "toString",
      ),
      fc.oneof(
        value,
        fc.dictionary(fc.string(), fc.oneof(fc.string(), fc.array(fc.string()), value)),
      ),
    ),
  );
  const names = [
    "Sid",
    "Effect",
    "Principal",
    "NotPrincipal",
    "Action",
    "NotAction",
    "Resource",
    "NotResource",
    "Condition",
  ];
  const almost = fc.record(
    {
      Version: fc.oneof(fc.constantFrom("2012-10-17", "2008-10-17"), value),
      Id: element,
      Statement: fc.oneof(
        value,
        fc.array(
          fc.record(Object.fromEntries(names.map((name) => [name, element])), { requiredKeys: [] }),
        ),
      ),
    },
    { requiredKeys: ["Statement"] },
  );
  const document = fc.oneof(
    fc.anything(),
    fc.string(),
    fc.json(),
    almost,
    almost.map((each) => safeText(each)),
  );
  fc.assert(
    fc.property(fc.constantFrom(...kinds), document, (kind, each) => {
      // Anything else that is thrown fails here.
      expect(() => refusal(kind, each)).not.toThrow();
    }),
    { numRuns: 1500 },
  );
});

/** The JSON text of a value, or a text that is none, for values that have no JSON. */
function safeText(value: unknown): string {
  try {
    return JSON.stringify(value) ?? "undefined";
  } catch {
    return "{";
  }
}

/** A document of a length. */
function of(length: number): string {
  return `"${"x".repeat(length - 2)}"`;
}

function refused(...args: Parameters<typeof checkPolicyLength>): string | undefined {
  try {
    checkPolicyLength(...args);
    return undefined;
  } catch (error) {
    if (!isCairnError(error, "LimitExceeded")) throw error;
    return error.message;
  }
}

test("white space does not count in a policy's length, and what is too long is refused in IAM's words", () => {
  expect(policyLength(' { "a" :\n\t"b c" } ')).toBe(10);
  expect(refused("managed", [of(6144)])).toBeUndefined();
  expect(refused("managed", [of(6145)])).toBe("Cannot exceed quota for PolicySize: 6144");
  expect(refused("trust", [of(2049)])).toBe("Cannot exceed quota for ACLSizePerRole: 2048");
  expect(refused("userInline", [of(1000), of(1049)], "user Bob")).toBe(
    "Maximum policy size of 2048 bytes exceeded for user Bob",
  );
  expect(refused("userInline", [of(1000), of(1048)], "user Bob")).toBeUndefined();
});
