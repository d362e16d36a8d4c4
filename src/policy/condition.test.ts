// Every condition operator as a table: what a policy asks of a key, what the request has, whether the condition holds.
import { expect, test } from "vitest";
import { evaluate } from "./evaluate.ts";
import { parsePolicy } from "./parse.ts";
import type { RequestContext } from "./template.ts";

type Values = string | number | boolean | readonly (string | number | boolean)[];
/** Operator, values in the policy, value of the key in the request (undefined: it has none), whether it holds. */
type Row = readonly [
  operator: string,
  wanted: Values,
  value: string | readonly string[] | undefined,
  holds: boolean,
];

const user = {
  kind: "user",
  accountId: "111122223333",
  arn: "arn:aws:iam::111122223333:user/Alice",
  userName: "Alice",
  userId: "AIDAEXAMPLEALICE00000",
} as const;

function decide(effect: "Allow" | "Deny", condition: unknown, context: RequestContext) {
  const statement = { Effect: effect, Action: "s3:GetObject", Resource: "*", Condition: condition };
  const everything = { Effect: "Allow", Action: "*", Resource: "*" };
  const policy = parsePolicy("identity", {
    Version: "2012-10-17",
    Statement: effect === "Allow" ? [statement] : [everything, statement],
  });
  const request = {
    principal: user,
    policies: { identity: [policy] },
    action: "s3:GetObject",
    resource: "arn:aws:s3:::bucket/key",
    context,
  };
  return evaluate(request).allowed;
}

function check(rows: readonly Row[]): void {
  test.each(rows)("%s %j, the request has %j: %s", (operator, wanted, value, holds) => {
    const condition = { [operator]: { "Example:Key": wanted } };
    const context = new Map(value === undefined ? [] : [["example:key", value] as const]);
    expect(decide("Allow", condition, context), "an Allow applies").toBe(holds);
    expect(decide("Deny", condition, context), "a Deny applies").toBe(!holds);
  });
}

check([
  // "Exact matching, case sensitive."
  ["StringEquals", "blue", "blue", true],
  ["StringEquals", "blue", "Blue", false],
  ["StringEquals", "blue", "blue ", false],
  ["StringEquals", "", "", true],
  ["StringEquals", "", "x", false],
  ["StringEquals", "b*", "blue", false],
  ["StringEquals", "b*", "b*", true],
  ["StringEquals", "b?ue", "b?ue", true],
  ["StringEquals", ["red", "blue"], "blue", true],
  ["StringEquals", ["red", "blue"], "green", false],
  ["StringEquals", [], "blue", false],
  ["StringEquals", 10, "10", true],
  ["StringEquals", true, "true", true],
  ["StringEquals", "Ünï", "Ünï", true],
  ["StringEquals", "blue", undefined, false],
  // "Negated matching": NOR over the policy's values, true when the key is not there.
  ["StringNotEquals", "blue", "blue", false],
  ["StringNotEquals", "blue", "red", true],
  ["StringNotEquals", "blue", "BLUE", true],
  ["StringNotEquals", ["red", "blue"], "blue", false],
  ["StringNotEquals", ["red", "blue"], "green", true],
  ["StringNotEquals", "blue", undefined, true],
  ["StringNotEquals", [], "blue", true],
  ["StringEqualsIgnoreCase", "blue", "BLUE", true],
  ["StringEqualsIgnoreCase", "BLUE", "blue", true],
  ["StringEqualsIgnoreCase", "blue", "blu", false],
  ["StringEqualsIgnoreCase", "b*", "blue", false],
  ["StringEqualsIgnoreCase", "blue", undefined, false],
  ["StringNotEqualsIgnoreCase", "blue", "BLUE", false],
  ["StringNotEqualsIgnoreCase", "blue", "red", true],
  ["StringNotEqualsIgnoreCase", "blue", undefined, true],
  // "Case-sensitive matching. The values can include a multi-character match wildcard and a single-character one."
  ["StringLike", "b*", "blue", true],
  ["StringLike", "b*", "Blue", false],
  ["StringLike", "*", "", true],
  ["StringLike", "*", "anything:with/all", true],
  ["StringLike", "b?ue", "blue", true],
  ["StringLike", "b?ue", "bue", false],
  ["StringLike", "b??e", "blue", true],
  ["StringLike", "*ue", "blue", true],
  ["StringLike", "*l*", "blue", true],
  ["StringLike", "*l*e*", "blue", true],
  ["StringLike", "*z*", "blue", false],
  ["StringLike", "b*b*e", "bye be", true],
  ["StringLike", "b*b*e", "be", false],
  ["StringLike", "ab*ba", "aba", false],
  ["StringLike", "ab*ba", "abba", true],
  ["StringLike", "?*", "", false],
  ["StringLike", "?*", "x", true],
  ["StringLike", "*?x?*", "axb", true],
  ["StringLike", "*?x?*", "ax", false],
  ["StringLike", "[a-z].+", "b", false],
  ["StringLike", "home/*", "home/", true],
  ["StringLike", ["", "home/", "home/Alice/*"], "home/Alice/x", true],
  ["StringLike", ["", "home/", "home/Alice/*"], "home/Bob/x", false],
  [
    "StringLike",
    "arn:aws:someservice:*:111122223333:finance/*",
    "arn:aws:someservice:us-east-2:999999999999:store/abc:111122223333:finance/document.txt",
    true,
  ],
  ["StringLike", "*ö*ü*", "xöyüz", true],
  ["StringLike", "*ö?ü", "öyü", true],
  ["StringLike", "b*", undefined, false],
  ["StringNotLike", "b*", "blue", false],
  ["StringNotLike", "b*", "red", true],
  ["StringNotLike", ["r*", "b*"], "blue", false],
  ["StringNotLike", "b*", undefined, true],
]);

check([
  ["NumericEquals", "10", "10", true],
  ["NumericEquals", 10, "10", true],
  ["NumericEquals", "10", "10.0", true],
  ["NumericEquals", "010", "10", true],
  ["NumericEquals", "10", "11", false],
  ["NumericEquals", "-0", "0", true],
  ["NumericEquals", "9007199254740993", "9007199254740992", false],
  ["NumericEquals", "0.1", "0.10", true],
  ["NumericEquals", "10", "ten", false],
  ["NumericEquals", "10", "", false],
  ["NumericEquals", ["1", "2"], "2", true],
  ["NumericEquals", "10", undefined, false],
  ["NumericNotEquals", "10", "10", false],
  ["NumericNotEquals", "10", "11", true],
  ["NumericNotEquals", "10", "ten", true],
  ["NumericNotEquals", ["1", "2"], "2", false],
  ["NumericNotEquals", "10", undefined, true],
  ["NumericLessThan", "10", "9", true],
  ["NumericLessThan", "10", "9.999", true],
  ["NumericLessThan", "10", "10", false],
  ["NumericLessThan", "10", "-11", true],
  ["NumericLessThan", "-10", "-11", true],
  ["NumericLessThan", "-10", "-9", false],
  ["NumericLessThan", "10", "9x", false],
  ["NumericLessThan", "10", undefined, false],
  ["NumericLessThanEquals", "10", "10", true],
  ["NumericLessThanEquals", "10", "10.1", false],
  ["NumericLessThanEquals", "100", "20", true],
  ["NumericGreaterThan", "10", "11", true],
  ["NumericGreaterThan", "10", "10", false],
  ["NumericGreaterThan", "99", "100", true],
  ["NumericGreaterThan", "10", undefined, false],
  ["NumericGreaterThanEquals", "10", "10", true],
  ["NumericGreaterThanEquals", "10", "9.9", false],
]);

check([
  ["DateEquals", "2020-01-01T00:00:01Z", "2020-01-01T00:00:01Z", true],
  ["DateEquals", "2020-01-01T00:00:01Z", "2020-01-01T01:00:01+01:00", true],
  ["DateEquals", "2020-01-01T00:00:01Z", "2019-12-31T19:00:01-05:00", true],
  ["DateEquals", "2020-01-01T00:00:01Z", "1577836801", true],
  ["DateEquals", "1577836801", "2020-01-01T00:00:01Z", true],
  ["DateEquals", "2020-01-01", "2020-01-01T00:00:00.000Z", true],
  ["DateEquals", "2020-01", "2020-01-01", true],
  ["DateEquals", "2020-01-01T00:00Z", "2020-01-01t00:00:00z", true],
  ["DateEquals", "2020-01-01T00:00:00.5Z", "2020-01-01T00:00:00Z", false],
  // A number alone is seconds since 1970, not a year.
  ["DateEquals", "2020", "1970-01-01T00:33:40Z", true],
  ["DateEquals", "2020-01-01", "yesterday", false],
  ["DateEquals", "2020-01-01", undefined, false],
  ["DateNotEquals", "2020-01-01", "2020-01-02", true],
  ["DateNotEquals", "2020-01-01", "2020-01-01", false],
  ["DateNotEquals", "2020-01-01", undefined, true],
  ["DateLessThan", "2020-01-01T00:00:01Z", "2020-01-01T00:00:00Z", true],
  ["DateLessThan", "2020-01-01T00:00:01Z", "2020-01-01T00:00:01Z", false],
  ["DateLessThan", "2020-01-01T00:00:01Z", undefined, false],
  ["DateLessThan", "-292275054", "2020-01-01", false],
  ["DateLessThanEquals", "2020-01-01T00:00:01Z", "2020-01-01T00:00:01Z", true],
  ["DateLessThanEquals", "2020-01-01T00:00:01Z", "2020-01-01T00:00:01.001Z", false],
  ["DateGreaterThan", "2020-01-01T00:00:01Z", "2020-01-01T00:00:02Z", true],
  ["DateGreaterThan", "2020-01-01T00:00:01Z", "2020-01-01T00:00:01Z", false],
  ["DateGreaterThan", "2020-01-01T00:00:01Z", undefined, false],
  ["DateGreaterThan", "2020-01-01T00:00:01Z", "9223372036854775807", true],
  ["DateGreaterThanEquals", "2020-01-01T00:00:01Z", "2020-01-01T00:00:01Z", true],
  ["DateGreaterThanEquals", "2020-01-01T00:00:01Z", "2020-01-01T00:00:00Z", false],
]);

check([
  ["Bool", "true", "true", true],
  ["Bool", true, "true", true],
  ["Bool", "True", "TRUE", true],
  ["Bool", "true", "false", false],
  ["Bool", "false", "false", true],
  ["Bool", false, "true", false],
  ["Bool", "yes", "yes", false],
  ["Bool", "true", undefined, false],
  ["Bool", "false", undefined, false],
  ["Bool", ["true", "false"], "false", true],
  ["BoolIfExists", "false", undefined, true],
  ["BoolIfExists", "false", "true", false],
  ["BinaryEquals", "QmluYXJ5VmFsdWVJbkJhc2U2NA==", "QmluYXJ5VmFsdWVJbkJhc2U2NA==", true],
  ["BinaryEquals", "QmluYXJ5VmFsdWVJbkJhc2U2NA==", "QmluYXJ5VmFsdWVJbkJhc2U2NB==", true],
  ["BinaryEquals", "AAEC", "AAED", false],
  ["BinaryEquals", "AAEC", "not base64", false],
  ["BinaryEquals", "not base64", "not base64", false],
  ["BinaryEquals", "AAEC", undefined, false],
]);

check([
  ["IpAddress", "203.0.113.0/24", "203.0.113.0", true],
  ["IpAddress", "203.0.113.0/24", "203.0.113.255", true],
  ["IpAddress", "203.0.113.0/24", "203.0.114.0", false],
  ["IpAddress", "203.0.113.77/24", "203.0.113.5", true],
  ["IpAddress", "203.0.113.5", "203.0.113.5", true],
  ["IpAddress", "203.0.113.5", "203.0.113.6", false],
  ["IpAddress", "203.0.113.5/32", "203.0.113.5", true],
  ["IpAddress", "0.0.0.0/0", "198.51.100.1", true],
  ["IpAddress", "128.0.0.0/1", "255.255.255.255", true],
  ["IpAddress", "128.0.0.0/1", "127.255.255.255", false],
  ["IpAddress", "203.0.113.0/25", "203.0.113.128", false],
  ["IpAddress", "2001:DB8:1234:5678::/64", "2001:db8:1234:5678:ffff::1", true],
  ["IpAddress", "2001:DB8:1234:5678::/64", "2001:db8:1234:5679::1", false],
  ["IpAddress", "2001:db8::1", "2001:db8:0:0:0:0:0:1", true],
  ["IpAddress", "2001:db8::/33", "2001:db8:7fff::", true],
  ["IpAddress", "2001:db8::/33", "2001:db8:8000::", false],
  ["IpAddress", "::/0", "2001:db8::1", true],
  ["IpAddress", "::/0", "203.0.113.5", false],
  ["IpAddress", "0.0.0.0/0", "2001:db8::1", false],
  ["IpAddress", "203.0.113.0/24", "::ffff:203.0.113.9", true],
  ["IpAddress", "::ffff:203.0.113.0/120", "203.0.113.9", true],
  ["IpAddress", "::ffff:203.0.113.0/120", "203.0.114.9", false],
  ["IpAddress", ["203.0.113.0/24", "2001:DB8:1234:5678::/64"], "2001:db8:1234:5678::9", true],
  ["IpAddress", "203.0.113.0/24", "203.0.113", false],
  ["IpAddress", "203.0.113.0/24", "AWS Internal", false],
  ["IpAddress", "203.0.113.0/24", undefined, false],
  ["IpAddressIfExists", "203.0.113.0/24", undefined, true],
  ["NotIpAddress", "203.0.113.0/24", "203.0.113.9", false],
  ["NotIpAddress", "203.0.113.0/24", "203.0.114.9", true],
  ["NotIpAddress", ["203.0.113.0/24", "2001:db8::/32"], "2001:db8::1", false],
  ["NotIpAddress", "203.0.113.0/24", "cloudtrail.amazonaws.com", true],
  ["NotIpAddress", "203.0.113.0/24", undefined, true],
]);

const finance = "arn:aws:someservice:*:111122223333:finance/*";
check([
  // "Each of the six colon-delimited components of the ARN is checked separately."
  ["ArnLike", finance, "arn:aws:someservice:us-east-2:111122223333:finance/document.txt", true],
  [
    "ArnLike",
    finance,
    "arn:aws:someservice:us-east-2:999999999999:store/abc:111122223333:finance/document.txt",
    false,
  ],
  ["ArnEquals", finance, "arn:aws:someservice:us-east-2:111122223333:finance/document.txt", true],
  [
    "ArnEquals",
    "arn:aws:sns:us-east-1:123456789012:TOPIC",
    "arn:aws:sns:us-east-1:123456789012:TOPIC",
    true,
  ],
  [
    "ArnEquals",
    "arn:aws:sns:us-east-1:123456789012:TOPIC",
    "arn:aws:sns:us-east-1:123456789012:topic",
    false,
  ],
  ["ArnLike", "arn:aws:sns:us-*-1:*:t?", "arn:aws:sns:us-east-1:123456789012:t1", true],
  ["ArnLike", "arn:aws:sns:us-*-1:*:t?", "arn:aws:sns:us-east:x-1:123456789012:t1", false],
  ["ArnLike", "arn:aws:sns:us-east-?:*:t", "arn:aws:sns:us-east-1:1:t", true],
  ["ArnLike", "arn:aws:sns:us-east-?*:t", "arn:aws:sns:us-east-1:1:t", false],
  [
    "ArnLike",
    "arn:aws:logs:*:*:log-group:*",
    "arn:aws:logs:us-east-1:1:log-group:a:log-stream:b",
    true,
  ],
  ["ArnLike", "arn:aws:logs:*:*:log-group:?:x", "arn:aws:logs:us-east-1:1:log-group:a:x", true],
  ["ArnLike", "*", "arn:aws:sns:us-east-1:123456789012:TOPIC", true],
  ["ArnLike", "arn:aws:iam::*:role/*", "arn:aws:iam::111122223333:user/Alice", false],
  ["ArnLike", finance, undefined, false],
  [
    "ArnNotEquals",
    finance,
    "arn:aws:someservice:us-east-2:111122223333:finance/document.txt",
    false,
  ],
  ["ArnNotLike", finance, "arn:aws:someservice:us-east-2:111122223333:hr/document.txt", true],
  ["ArnNotLike", [finance, "arn:aws:s3:::x"], "arn:aws:s3:::x", false],
  ["ArnNotLike", finance, undefined, true],
  ["ArnLikeIfExists", finance, undefined, true],
]);

check([
  // Null: "true (the key doesn't exist)", "false (the key exists and its value is not null)".
  ["Null", "true", undefined, true],
  ["Null", true, undefined, true],
  ["Null", "true", "x", false],
  ["Null", "false", "x", true],
  ["Null", "false", undefined, false],
  ["Null", "false", "", true],
  ["Null", ["true", "false"], "x", true],
  ["Null", "maybe", undefined, false],
  ["Null", "true", [], true],
  ["Null", "false", ["x"], true],
  // …IfExists: a missing key makes the condition true, a present one is compared.
  ["StringEqualsIfExists", "blue", undefined, true],
  ["StringEqualsIfExists", "blue", "red", false],
  ["StringLikeIfExists", ["t1.*", "t2.*", "m3.*"], "m5.large", false],
  ["StringLikeIfExists", ["t1.*", "t2.*", "m3.*"], undefined, true],
  ["StringNotEqualsIfExists", "blue", undefined, true],
  ["StringNotEqualsIfExists", "blue", "blue", false],
  ["NumericLessThanIfExists", "10", undefined, true],
  ["NumericLessThanIfExists", "10", "11", false],
  ["DateGreaterThanIfExists", "2020-01-01", undefined, true],
  ["BinaryEqualsIfExists", "AAEC", undefined, true],
  ["NotIpAddressIfExists", "203.0.113.0/24", undefined, true],
]);

const attributes = ["PostDateTime", "Message", "Tags"];
check([
  // ForAllValues: each value of the request agrees with one of the policy's; true when there is none.
  ["ForAllValues:StringLike", attributes, ["PostDateTime", "Message"], true],
  ["ForAllValues:StringLike", attributes, ["PostDateTime", "UserName"], false],
  ["ForAllValues:StringEquals", attributes, attributes, true],
  ["ForAllValues:StringEquals", attributes, "Tags", true],
  ["ForAllValues:StringEquals", attributes, undefined, true],
  ["ForAllValues:StringEquals", attributes, [], true],
  ["ForAllValues:StringEquals", attributes, "", true],
  ["ForAllValues:StringEquals", attributes, ["", ""], true],
  ["ForAllValues:StringEquals", attributes, ["", "Tags"], false],
  ["ForAllValues:StringNotEquals", ["ID", "UserName"], ["Tags", "Message"], true],
  ["ForAllValues:StringNotEquals", ["ID", "UserName"], ["Tags", "ID"], false],
  ["ForAllValues:StringNotEquals", ["ID"], undefined, true],
  ["ForAllValues:NumericLessThan", "10", ["1", "9"], true],
  ["ForAllValues:NumericLessThan", "10", ["1", "10"], false],
  [
    "ForAllValues:ArnLike",
    "arn:aws:iam::*:role/*",
    ["arn:aws:iam::1:role/a", "arn:aws:iam::1:user/a"],
    false,
  ],
  ["ForAllValues:StringEqualsIfExists", attributes, ["ID"], false],
  // ForAnyValue: one of them does; false when there is none.
  ["ForAnyValue:StringLike", ["ID", "PostDateTime"], ["UserName", "Message", "PostDateTime"], true],
  ["ForAnyValue:StringLike", ["ID", "PostDateTime"], ["UserName"], false],
  ["ForAnyValue:StringEquals", "Tags", "Tags", true],
  ["ForAnyValue:StringEquals", "Tags", undefined, false],
  ["ForAnyValue:StringEquals", "Tags", [], false],
  ["ForAnyValue:StringEquals", "", "", false],
  ["ForAnyValue:StringEqualsIfExists", "Tags", undefined, true],
  ["ForAnyValue:StringEqualsIfExists", "Tags", ["ID"], false],
  ["ForAnyValue:StringNotEquals", ["ID", "Tags"], ["ID", "Message"], true],
  ["ForAnyValue:StringNotEquals", ["ID", "Tags"], ["ID", "Tags"], false],
  ["ForAnyValue:StringNotEquals", "ID", undefined, false],
  ["ForAnyValue:IpAddress", "203.0.113.0/24", ["198.51.100.1", "203.0.113.1"], true],
  ["ForAnyValue:Bool", "true", ["false", "true"], true],
  ["ForAnyValue:Null", "true", undefined, true],
  // Without a set operator, a key of several values: one of them, and for a negated operator none of them.
  ["StringEquals", "Tags", ["ID", "Tags"], true],
  ["StringEquals", "Tags", ["ID"], false],
  ["StringNotEquals", "Tags", ["ID", "Tags"], false],
  ["StringNotEquals", "Tags", ["ID", "Message"], true],
  ["StringEquals", "Tags", [], false],
  ["StringNotEquals", "Tags", [], true],
]);

test("keys of one block and blocks of one condition must all hold, and key names have no case", () => {
  const condition = {
    StringEquals: {
      "AWS:PrincipalTag/Team": "blue",
      "aws:requestedregion": ["eu-west-1", "eu-west-2"],
    },
    Bool: { "aws:SecureTransport": true },
  };
  const all = [
    ["aws:principaltag/team", "blue"],
    ["aws:requestedregion", "eu-west-2"],
    ["aws:securetransport", "true"],
  ] as const;
  expect(decide("Allow", condition, new Map(all))).toBe(true);
  for (const [key] of all) {
    const others = all.filter(([other]) => other !== key);
    expect(decide("Allow", condition, new Map(others)), `without ${key}`).toBe(false);
    const wrong = new Map<string, string>([...others, [key, "another"]]);
    expect(decide("Allow", condition, wrong), `with another ${key}`).toBe(false);
  }
});
