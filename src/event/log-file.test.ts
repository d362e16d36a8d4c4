// Taking files apart: every record with its own bytes and line, and a damaged one costs no other.
import { expect, test } from "vitest";
import { splitFile } from "./log-file.ts";

/** The records as `line: text`, then what is wrong, or the form. */
function check(text: string): string[] {
  const content = splitFile(Buffer.from(text));
  if (content.form !== "records") return [content.form];
  const records = content.records.map(({ bytes, line }) => `${line}: ${bytes.toString()}`);
  const { broken } = content;
  return broken === undefined
    ? records
    : [...records, `broken at ${broken.line}: ${broken.reason}`];
}

test("a log file's records keep their bytes and their lines", () => {
  expect(check('{"Records":[{"a":1.0},{"b":"]}"}]}')).toEqual(['1: {"a":1.0}', '1: {"b":"]}"}']);
  expect(check('{\n "Records" : [\n  { "a": 1,\n    "b": 2 },\n  {} ]\n}\n')).toEqual([
    '3: { "a": 1,\n    "b": 2 }',
    "5: {}",
  ]);
  expect(check('{"Records":[]}')).toEqual([]);
});

test("a bare array and a single pretty-printed record are read as well", () => {
  expect(check('[{"a":1} , {"b":2}]')).toEqual(['1: {"a":1}', '1: {"b":2}']);
  expect(check('{\n  "a": {"x": "\\"}"}\n}\n')).toEqual(['1: {\n  "a": {"x": "\\"}"}\n}']);
});

test("NDJSON is a record a line, damaged lines included", () => {
  expect(check('{"a":1}\r\n\n  \n{"b":\n{"c":3}')).toEqual([
    '1: {"a":1}',
    '4: {"b":',
    '5: {"c":3}',
  ]);
  expect(check('{"a":\n{"b":2}\n{"c":3}')).toEqual(['1: {"a":', '2: {"b":2}', '3: {"c":3}']);
  expect(check('{\n "a":\n')).toEqual(["broken at 1: the file ends inside this record"]);
});

test("a truncated log file gives the records before the cut and says where it breaks", () => {
  expect(check('{"Records":[{"a":1},\n{"b":2')).toEqual([
    '1: {"a":1}',
    "broken at 2: the file ends inside this record",
  ]);
  expect(check('{"Records":[{"a":1}\n{"b":2}]}')).toEqual([
    '1: {"a":1}',
    "broken at 2: no comma or closing bracket behind this record",
  ]);
});

test("digests, empty files and other things are told apart", () => {
  expect(
    check('{"awsAccountId":"1","digestStartTime":"","digestEndTime":"","logFiles":[]}'),
  ).toEqual(["digest"]);
  expect(check(" \n")).toEqual(["empty"]);
  expect(check("PK\u0003")).toEqual(["unknown"]);
});

test("a byte order mark is no part of the first record", () => {
  expect(check('\ufeff{"Records":[{"a":1}]}')).toEqual(['1: {"a":1}']);
});

test("joined log files are all read, and members beside the records are passed over", () => {
  expect(check('{"Records":[{"a":1}]}{"x":[1],"Records":[{"b":2}],"y":"]"}\n[{"c":3}]\n')).toEqual([
    '1: {"a":1}',
    '1: {"b":2}',
    '2: {"c":3}',
  ]);
  expect(check('{"Records":[{"a":1}],"Records":[{"b":2}]}')).toEqual(['1: {"a":1}', '1: {"b":2}']);
});

test("what stands where a record should is named, never passed over", () => {
  expect(check('{"Records":[{"a":1},]}')).toEqual([
    '1: {"a":1}',
    "broken at 1: this is no JSON value",
  ]);
  expect(check('{"Records":[{"a":1}]')).toEqual([
    '1: {"a":1}',
    "broken at 1: the file ends before its closing bracket",
  ]);
  expect(check('{"Records":[{"a":1},')).toEqual([
    '1: {"a":1}',
    "broken at 1: the file ends where a record should stand",
  ]);
  expect(check('{"Records":[{"a":1}]} x')).toEqual(['1: {"a":1}', "1: x"]);
});

test("a log file of one long line is taken apart in one pass", () => {
  const count = 200_000;
  const file = Buffer.from(`{"Records":[${Array<string>(count).fill('{"a":1}').join(",")}]}`);
  const startedMs = performance.now();
  const content = splitFile(file);
  expect(content).toMatchObject({ form: "records" });
  expect(content.form === "records" && content.records.length).toBe(count);
  // Looking for the end of the line anew at each record would take a minute.
  expect(performance.now() - startedMs).toBeLessThan(5000);
});
