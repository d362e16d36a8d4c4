// Holds an input against the constraints of the service's model, in the words of AWS's own validation.
import { assert } from "../base/assert.ts";
import { CairnError, type ErrorCode } from "../base/errors.ts";
import type { ScalarShape, Service, Shape } from "../catalog/service.ts";
import { isJsonObject, type JsonObject, type JsonValue } from "../event/json.ts";

interface Violation {
  /** The member of the input that it is in. */
  member: string;
  text: string;
}

/** Violations that are told; a request of 1 MiB could have as many as it likes. */
const violationsMax = 50;
/** Characters of a value that are repeated to the caller. */
const shownValueMax = 1024;

/**
 * Throws for the first member that has an exception of its own in `exceptions`, or else ValidationFailed with every
 * violation.
 */
export function validateInput(
  service: Service,
  shapeName: string | undefined,
  input: JsonObject,
  exceptions: Readonly<Record<string, ErrorCode>> = {},
): void {
  if (shapeName === undefined) return;
  const violations: Violation[] = [];
  checkShape(service, service.shapes[shapeName], input, [], violations);
  if (violations.length === 0) return;
  const text = `${violations.length} validation ${violations.length === 1 ? "error" : "errors"} detected: ${violations.map((each) => each.text).join("; ")}`;
  const own = violations.find((each) => Object.hasOwn(exceptions, each.member));
  throw new CairnError(
    (own === undefined ? undefined : exceptions[own.member]) ?? "ValidationFailed",
    text,
  );
}

function checkShape(
  service: Service,
  shape: Shape | undefined,
  value: JsonValue,
  path: string[],
  violations: Violation[],
): void {
  const add = (constraint: string) => {
    if (violations.length < violationsMax) violations.push(violation(value, path, constraint));
  };
  switch (shape?.t) {
    case "structure":
      if (!isJsonObject(value)) return;
      for (const name of shape.req ?? []) {
        if (value[name] === undefined && violations.length < violationsMax) {
          violations.push(violation(null, [...path, name], "Member must not be null"));
        }
      }
      for (const [name, member] of Object.entries(shape.m)) {
        const given = value[name];
        if (given === undefined) continue;
        checkShape(service, service.shapes[member.s], given, [...path, name], violations);
      }
      return;
    case "list":
      if (!Array.isArray(value)) return;
      checkLength(shape, value.length, add);
      for (const [index, each] of value.entries()) {
        if (violations.length >= violationsMax) return;
        const place = [...path, String(index + 1), "member"];
        if (each === null) violations.push(violation(null, place, "Member must not be null"));
        else checkShape(service, service.shapes[shape.e.s], each, place, violations);
      }
      return;
    case "map":
      if (!isJsonObject(value)) return;
      checkLength(shape, Object.keys(value).length, add);
      for (const [key, each] of Object.entries(value)) {
        if (violations.length >= violationsMax) return;
        checkShape(service, service.shapes[shape.k.s], key, [...path, key, "key"], violations);
        checkShape(service, service.shapes[shape.v.s], each, [...path, key, "member"], violations);
      }
      return;
    case "string":
      if (typeof value === "string") checkString(shape, value, add);
      return;
    case "blob":
      if (typeof value === "string") {
        checkLength(shape, Buffer.byteLength(value, "base64"), add);
      }
      return;
    case "integer":
    case "long":
    case "float":
    case "double":
      if (typeof value !== "number") return;
      if (shape.min !== undefined && value < shape.min) {
        add(`Member must have value greater than or equal to ${shape.min}`);
      }
      if (shape.max !== undefined && value > shape.max) {
        add(`Member must have value less than or equal to ${shape.max}`);
      }
      return;
    case "boolean":
    case "timestamp":
    case "document":
    case undefined:
  }
}

function checkLength(
  shape: { min?: number; max?: number },
  length: number,
  add: (constraint: string) => void,
): void {
  if (shape.min !== undefined && length < shape.min) {
    add(`Member must have length greater than or equal to ${shape.min}`);
  }
  if (shape.max !== undefined && length > shape.max) {
    add(`Member must have length less than or equal to ${shape.max}`);
  }
}

function checkString(shape: ScalarShape, value: string, add: (constraint: string) => void): void {
  checkLength(shape, value.length, add);
  if (shape.enum !== undefined && !shape.enum.includes(value)) {
    add(`Member must satisfy enum value set: [${shape.enum.join(", ")}]`);
  }
  // A text over its limit is refused already; a pattern on a very long one could take long.
  const isTooLong = shape.max !== undefined && value.length > shape.max;
  if (shape.pattern !== undefined && !isTooLong && !patternOf(shape.pattern).test(value)) {
    add(`Member must satisfy regular expression pattern: ${shape.pattern}`);
  }
}

function violation(value: JsonValue, path: readonly string[], constraint: string): Violation {
  const shown =
    value === null ? "Value null" : `Value '${showValue(value).slice(0, shownValueMax)}'`;
  const place = path.map((part) => part.charAt(0).toLowerCase() + part.slice(1)).join(".");
  return {
    member: path[0] ?? "",
    text: `${shown} at '${place}' failed to satisfy constraint: ${constraint}`,
  };
}

function showValue(value: JsonValue): string {
  if (typeof value === "string") return value;
  if (Array.isArray(value)) return `[${value.map(showValue).join(", ")}]`;
  return JSON.stringify(value);
}

const patterns = new Map<string, RegExp>();

/** The models' patterns are Java's: whole matches, with `(?s)` in front where a dot is any character. */
export function patternOf(pattern: string): RegExp {
  const known = patterns.get(pattern);
  if (known !== undefined) return known;
  const isDotAll = pattern.startsWith("(?s)");
  const source = `^(?:${isDotAll ? pattern.slice("(?s)".length) : pattern})$`;
  const compiled = compile(source, isDotAll ? "su" : "u") ?? compile(source, isDotAll ? "s" : "");
  assert(compiled !== undefined, `the model's pattern ${pattern} can be compiled`);
  patterns.set(pattern, compiled);
  return compiled;
}

/** Compiles every pattern below a shape, so that one that cannot be read is found at start. */
export function checkPatterns(service: Service, shapeName: string | undefined): void {
  const seen = new Set<string>();
  const visit = (name: string | undefined) => {
    if (name === undefined || seen.has(name)) return;
    seen.add(name);
    const shape = service.shapes[name];
    switch (shape?.t) {
      case "structure":
        for (const member of Object.values(shape.m)) visit(member.s);
        return;
      case "list":
        visit(shape.e.s);
        return;
      case "map":
        visit(shape.k.s);
        visit(shape.v.s);
        return;
      case "string":
        if (shape.pattern !== undefined) patternOf(shape.pattern);
        return;
      case "blob":
      case "boolean":
      case "document":
      case "double":
      case "float":
      case "integer":
      case "long":
      case "timestamp":
      case undefined:
    }
  };
  visit(shapeName);
}

function compile(source: string, flags: string): RegExp | undefined {
  try {
    return new RegExp(source, flags);
  } catch {
    // Java allows escapes that the stricter of JavaScript's two grammars does not.
    return undefined;
  }
}
