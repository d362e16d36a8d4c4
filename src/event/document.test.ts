// The JSON reader against JSON.parse, and each refusal with its place.
import * as fc from "fast-check";
import { expect, test } from "vitest";
import { absent, JsonDocument, kinds, name } from "./document.ts";

const document = new JsonDocument();

/** What the document says, as JSON.parse would have made it. */
function rebuild(node: number): unknown {
  switch (document.kind(node)) {
    case kinds.object: {
      const members: [string, unknown][] = [];
      for (let each = document.firstChild(node); each !== absent; each = document.nextSibling(each))
        members.push([document.name(each), rebuild(each)]);
      // fromEntries defines members, so that `__proto__` is one like any other.
      return Object.fromEntries(members);
    }
    case kinds.array: {
      const elements: unknown[] = [];
      for (let each = document.firstChild(node); each !== absent; each = document.nextSibling(each))
        elements.push(rebuild(each));
      return elements;
    }
    case kinds.string:
    case kinds.plainString:
      return document.string(node);
    case kinds.number:
      return Number(document.scalarText(node));
    case kinds.null:
      return null;
    default:
      return document.kind(node) === kinds.true;
  }
}

/** `ok`, or the code of the refusal. */
function outcome(text: string | Buffer): string {
  const problem = document.parse(Buffer.from(text as string));
  return problem === undefined ? "ok" : problem.code;
}

function parses(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

/** Any JSON text: any members, any white space, and any way to write a string. */
const space = fc.stringMatching(/^[ \t\r\n]{0,2}$/);
const stringText = fc.oneof(
  fc.string({ unit: "binary" }).map((value) => JSON.stringify(value)),
  fc
    .array(fc.oneof(fc.constantFrom("\\n", "\\/", '\\"', "\\\\"), fc.nat(0xffff).map(escaped)))
    .map((parts) => `"${parts.join("")}"`),
);
const { value: jsonText } = fc.letrec<{ value: string }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 5, withCrossShrink: true },
    fc.oneof(
      fc.constantFrom("true", "false", "null", "347.0", "18446744073709551616", "-0", "1e400"),
      fc.double({ noNaN: true, noDefaultInfinity: true }).map(String),
      stringText,
    ),
    fc
      .tuple(space, fc.array(fc.tuple(tie("value"), space), { maxLength: 4 }))
      .map(
        ([gap, items]) => `[${gap}${items.map(([item, after]) => item + after).join(`,${gap}`)}]`,
      ),
    fc
      .tuple(
        space,
        fc.uniqueArray(fc.tuple(stringText, tie("value")), {
          maxLength: 5,
          selector: ([key]) => JSON.parse(key) as string,
        }),
      )
      .map(
        ([gap, members]) =>
          `{${gap}${members.map(([key, item]) => `${key}${gap}:${gap}${item}`).join(`${gap},`)}${gap}}`,
      ),
  ),
}));

function isWellFormed(text: string): boolean {
  return Buffer.from(text).toString() === text;
}

function escaped(unit: number): string {
  return `\\u${unit.toString(16).padStart(4, "0")}`;
}

test("every JSON text without duplicate names says what JSON.parse says", () => {
  fc.assert(
    fc.property(jsonText, (text) => {
      expect(document.parse(Buffer.from(text))).toBeUndefined();
      expect(rebuild(document.root)).toEqual(JSON.parse(text));
    }),
    { numRuns: 2000 },
  );
});

test("a text with one byte changed, cut or put in is accepted exactly when JSON.parse accepts it", () => {
  const bytes = fc.constantFrom(...'{}[]",:\\ue-+.0123456789tfn \u0000\n'.split(""));
  fc.assert(
    fc.property(jsonText, fc.nat(), bytes, fc.nat(2), (text, where, byte, how) => {
      const at = where % (text.length + 1);
      const changed =
        how === 0
          ? text.slice(0, at)
          : text.slice(0, at) + byte + text.slice(how === 1 ? at + 1 : at);
      // Cutting inside a surrogate pair would test the test's own encoding.
      fc.pre(isWellFormed(changed) && changed !== "");
      const got = outcome(changed);
      // A changed byte may make two names equal: that is refused by its own name, whatever stands behind the second one.
      if (got === "DuplicateMember") return;
      expect(got).toSatisfy(() => (got === "ok") === parses(changed));
    }),
    { numRuns: 5000 },
  );
});

test("a member name put in a second time is refused wherever it stands", () => {
  const names = fc.uniqueArray(fc.string({ unit: "binary", maxLength: 6 }), {
    minLength: 1,
    maxLength: 80,
  });
  fc.assert(
    fc.property(names, fc.nat(), fc.nat(20), fc.boolean(), (all, pick, depth, escape) => {
      fc.pre(all.every(isWellFormed));
      const again = all[pick % all.length] ?? "";
      const second = escape
        ? `"${[...Array(again.length).keys()].map((i) => escaped(again.charCodeAt(i))).join("")}"`
        : JSON.stringify(again);
      const members = [...all.map((each) => JSON.stringify(each)), second].map(
        (each) => `${each}:1`,
      );
      const wrap = (inner: string) => '{"x":['.repeat(depth) + inner + "]}".repeat(depth);
      expect(outcome(wrap(`{${members.join(",")}}`))).toBe("DuplicateMember");
      expect(outcome(wrap(`{${members.slice(0, -1).join(",")}}`))).toBe("ok");
    }),
  );
});

test("names are compared by what they mean: escapes, prototype names, lone surrogates", () => {
  expect(outcome('{"a":1,"\\u0061":2}')).toBe("DuplicateMember");
  expect(outcome('{"__proto__":1,"__proto__":2}')).toBe("DuplicateMember");
  expect(outcome('{"__proto__":1,"constructor":2,"toString":3}')).toBe("ok");
  expect(outcome('{"\\ud800":1,"\\ud801":2,"\\ufffd":3}')).toBe("ok");
  expect(outcome('{"\\ud800":1,"\\uD800":2}')).toBe("DuplicateMember");
  expect(outcome('{"é":1,"\\u00e9":2}')).toBe("DuplicateMember");
  expect(outcome('{"a":{"a":{"a":1}},"b":[{"a":1},{"a":1}]}')).toBe("ok");
});

test("thousands of members are compared in no time, made to collide or not", () => {
  const many = Array.from({ length: 40_000 }, (_, i) => `"k${i}":${i}`);
  expect(outcome(`{${many.join(",")}}`)).toBe("ok");
  expect(outcome(`{${many.join(",")},"k39999":1}`)).toBe("DuplicateMember");
});

test("names that all want one slot of the table are still compared", () => {
  // A document of its own: its table has the first size, which the names are made for.
  const fresh = new JsonDocument();
  const code = (members: string[]) => fresh.parse(Buffer.from(`{${members.join(",")}}`))?.code;
  const members = collidingNames(100).map((each) => `"${each}":1`);
  expect(code(members)).toBeUndefined();
  for (const again of [3, 60, 99]) {
    expect(code([...members, members[again] ?? ""])).toBe("DuplicateMember");
  }
});

function slot(text: string): number {
  const { hash } = name(text);
  return (hash ^ (hash >>> 15)) & 0x7ff;
}

/** Names whose hashes agree in every bit that the table of a small document uses. */
function collidingNames(count: number): string[] {
  const found: string[] = [];
  for (let i = 0; found.length < count; i++) {
    if (slot(`n${i}`) === slot("n0")) found.push(`n${i}`);
  }
  return found;
}

function nested(depth: number): string {
  return '{"a":['.repeat(depth / 2) + "]}".repeat(depth / 2);
}

test("512 levels are read, one more is refused", () => {
  expect(outcome(nested(512))).toBe("ok");
  expect(outcome(nested(514))).toBe("TooDeep");
  expect(outcome("[".repeat(200_000))).toBe("TooDeep");
});

test("a document that was refused leaves nothing behind for the next", () => {
  expect(outcome(`{"a":1,"${"b".repeat(100)}`)).toBe("Truncated");
  expect(outcome('{"a":1}')).toBe("ok");
  expect(document.member(document.root, name("b"))).toBe(absent);
  expect(outcome("")).toBe("NotJson");
});

test("a part of a larger buffer is read as if it stood alone", () => {
  const bytes = Buffer.from('{"x":1}\n{"a":"b"}\n{"y"');
  expect(document.parse(bytes, 8, 17)).toBeUndefined();
  expect(document.string(document.member(document.root, name("a")))).toBe("b");
  expect(document.parse(bytes, 18)?.code).toBe("Truncated");
});

/** Each refusal, as its reader sees it. */
function check(text: string | Buffer): string {
  const problem = document.parse(Buffer.from(text as string));
  return problem === undefined ? "ok" : `${problem.code}: ${problem.message}`;
}

test("a refusal names what is wrong and where", () => {
  expect(
    [
      "",
      "nonsense",
      '{"a":1,}',
      '{"a":[1,2',
      '{"a":{"b":"cut',
      '{"a":tru',
      '{"a":trUe}',
      '{"a":01}',
      '{"a":1.}',
      '{"a":"\\x"}',
      '{"a":"\\u12',
      '{"a":"tab\there"}',
      '{"a":1}{"b":2}',
      '{"a":1 "b":2}',
      "{'a':1}",
      '{"a" 1}',
      "\u0000",
      "\ufeff{}",
      '{"requestParameters":{"items":[{"b":1},{"c d":{"x":1,"y":2,"x":3}}]}}',
      Buffer.from([0x7b, 0x22, 0xc3, 0x28, 0x22, 0x3a, 0x31, 0x7d]),
      Buffer.concat([Buffer.from('{"a":"é'), Buffer.from([0xe2, 0x82]), Buffer.from('"}')]),
      // A surrogate written in UTF-8, and an overlong "/".
      Buffer.from([0x22, 0xed, 0xa0, 0x80, 0x22]),
      Buffer.from([0x22, 0xc0, 0xaf, 0x22]),
    ].map(check),
  ).toMatchInlineSnapshot(`
    [
      "NotJson: the text is empty",
      "NotJson: the record has "o" where "null" must stand (byte 1)",
      "NotJson: a has "}" where a member name must stand (byte 7)",
      "Truncated: a[1] is cut short: the text ends at byte 9",
      "Truncated: a.b is cut short: the text ends at byte 14",
      "Truncated: a is cut short: the text ends at byte 8",
      "NotJson: a has "U" where "true" must stand (byte 7)",
      "NotJson: a has "1" where "," or "}" must stand (byte 6)",
      "NotJson: a has a number that JSON does not allow (byte 7)",
      "NotJson: a has an escape that JSON does not know (byte 6)",
      "Truncated: a is cut short: the text ends at byte 10",
      "ControlCharacter: a has byte 0x09 inside a string; JSON wants it escaped (byte 9)",
      "NotJson: the record is followed by more text (byte 7)",
      "NotJson: a has """ where "," or "}" must stand (byte 7)",
      "NotJson: the record has "'" where a member name must stand (byte 1)",
      "NotJson: a has "1" where ":" must stand (byte 5)",
      "ControlCharacter: the record has byte 0x00 where a value must stand (byte 0)",
      "ByteOrderMark: the text begins with a byte order mark, which is not part of JSON",
      "DuplicateMember: requestParameters.items[1]."c d".x stands twice in one object, at bytes 47 and 59",
      "InvalidUtf8: the text is not UTF-8: byte 0xc3 at byte 2 begins no character",
      "InvalidUtf8: the text is not UTF-8: byte 0xe2 at byte 8 begins no character",
      "InvalidUtf8: the text is not UTF-8: byte 0xed at byte 1 begins no character",
      "InvalidUtf8: the text is not UTF-8: byte 0xc0 at byte 1 begins no character",
    ]
  `);
});
