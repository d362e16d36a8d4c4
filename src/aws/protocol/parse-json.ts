// Reads an awsJson body into the model's members, strictly: what has the wrong type is refused by name.
// Nothing that the model does not know gets through.
import { CairnError } from "../../base/errors.ts";
import type { Service, Shape, StructureShape } from "../../catalog/service.ts";
import { isJsonObject, type JsonObject, type JsonValue } from "../../event/json.ts";

/** Timestamps come out as epoch milliseconds; an empty body is an empty input. */
export function parseJsonInput(
  service: Service,
  shape: StructureShape | undefined,
  body: Buffer,
): JsonObject {
  const value = body.length === 0 ? {} : readBody(body);
  if (!isJsonObject(value)) {
    throw refused(
      value === null ? "Expected a structure, found null" : unexpected(value, "structure"),
    );
  }
  return shape === undefined ? {} : readStructure(service, shape, value, "");
}

function readBody(body: Buffer): unknown {
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(body)) as unknown;
  } catch (error) {
    throw new CairnError("SerializationFailed", "The request body is not valid JSON in UTF-8.", {
      cause: error,
    });
  }
}

function readStructure(
  service: Service,
  shape: StructureShape,
  value: JsonObject,
  path: string,
): JsonObject {
  const read: JsonObject = {};
  for (const [name, member] of Object.entries(shape.m)) {
    const wireName = member.n ?? name;
    const given = Object.hasOwn(value, wireName) ? value[wireName] : undefined;
    if (given === undefined || given === null) continue;
    read[name] = readValue(
      service,
      service.shapes[member.s],
      given,
      path === "" ? name : `${path}.${name}`,
    );
  }
  return read;
}

function readValue(
  service: Service,
  shape: Shape | undefined,
  value: JsonValue,
  path: string,
): JsonValue {
  switch (shape?.t) {
    case undefined:
    case "document":
      return value;
    case "structure":
      if (!isJsonObject(value)) throw refused(unexpected(value, "structure"), path);
      return readStructure(service, shape, value, path);
    case "list":
      if (!Array.isArray(value)) throw refused(unexpected(value, "list"), path);
      return value.map((each, index) =>
        // Kept as null: the constraint that list members are not null names it better.
        each === null
          ? null
          : readValue(service, service.shapes[shape.e.s], each, `${path}[${index}]`),
      );
    case "map": {
      if (!isJsonObject(value)) throw refused(unexpected(value, "map"), path);
      const entries = Object.entries(value).filter(([, each]) => each !== null);
      return Object.fromEntries(
        entries.map(([key, each]) => [
          key,
          readValue(service, service.shapes[shape.v.s], each, `${path}.${key}`),
        ]),
      );
    }
    case "string":
      if (typeof value !== "string") throw refused(unexpected(value, "String"), path);
      return value;
    case "blob":
      if (typeof value !== "string" || !/^[A-Za-z0-9+/\s]*={0,2}\s*$/.test(value)) {
        throw refused(unexpected(value, "Blob"), path);
      }
      return value;
    case "boolean":
      if (typeof value !== "boolean") throw refused(unexpected(value, "Boolean"), path);
      return value;
    case "integer":
    case "long": {
      // Beyond these a long loses digits in JavaScript; no served operation has such a member.
      const [least, most] =
        shape.t === "integer"
          ? [-(2 ** 31), 2 ** 31 - 1]
          : [Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER];
      const isWhole = typeof value === "number" && Number.isInteger(value);
      if (!isWhole || value < least || value > most) {
        throw refused(unexpected(value, shape.t === "integer" ? "Integer" : "Long"), path);
      }
      return value;
    }
    case "float":
    case "double":
      if (typeof value !== "number") throw refused(unexpected(value, "Double"), path);
      return value;
    case "timestamp":
      return readTimestamp(value, path);
  }
}

/** Epoch seconds; as leniency also the ISO 8601 text that people write. */
function readTimestamp(value: JsonValue, path: string): number {
  // Whole milliseconds: 1424476529.123 * 1000 is a little more than it says.
  if (typeof value === "number") return Math.round(value * 1000);
  if (typeof value === "string") {
    const iso = /^\d{4}-\d\d-\d\d(?:T\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:?\d\d)?)?$/;
    // A time without a zone is UTC.
    const zoned = /T.*(?:Z|[+-]\d\d:?\d\d)$/.test(value) || !value.includes("T");
    const ms = iso.test(value) ? Date.parse(zoned ? value : `${value}Z`) : Number.NaN;
    if (!Number.isNaN(ms)) return ms;
  }
  throw refused(unexpected(value, "Timestamp"), path);
}

/** In the words of AWS's own parser. */
function unexpected(value: unknown, wanted: string): string {
  if (wanted === "structure" || wanted === "list" || wanted === "map") {
    if (Array.isArray(value)) return "Start of list found where not expected";
    if (isJsonObject(value)) return "Start of structure or map found where not expected.";
    return `Expected ${wanted} or null`;
  }
  if (Array.isArray(value)) return "Start of list found where not expected";
  if (isJsonObject(value)) return "Start of structure or map found where not expected.";
  const kind =
    typeof value === "string"
      ? "STRING_VALUE"
      : typeof value === "number"
        ? Number.isInteger(value)
          ? "NUMBER_VALUE"
          : "DECIMAL_VALUE"
        : value === true
          ? "TRUE_VALUE"
          : "FALSE_VALUE";
  return `${kind} can not be converted to ${/^[AEIOU]/.test(wanted) ? "an" : "a"} ${wanted}`;
}

function refused(message: string, path = ""): CairnError {
  return new CairnError("SerializationFailed", path === "" ? message : `${message} (at ${path})`);
}
