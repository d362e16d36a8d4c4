// JSON and CBOR values under the model's member names. What the model does not know stays, under its wire name:
// whether it is shown is the profile's decision.
import { isJsonObject, type JsonObject, type JsonValue } from "../../event/json.ts";
import type { Service, Shape, StructureShape } from "../service.ts";
import { decodeDepthMax, put, shapeOf, wireName } from "./shape.ts";

/** Throws SyntaxError on what is not JSON. */
export function readJson(bytes: Buffer): JsonValue {
  return JSON.parse(bytes.toString("utf8")) as JsonValue;
}

export function fromJson(
  service: Service,
  shape: Shape,
  value: JsonValue,
  depth = 0,
): JsonValue | undefined {
  if (value === null || depth > decodeDepthMax) return undefined;
  switch (shape.t) {
    case "structure": {
      if (!isJsonObject(value)) return value;
      const known = membersByWireName(shape);
      const read: JsonObject = {};
      for (const [key, each] of Object.entries(value)) {
        const [name, shapeName] = known.get(key) ?? [key, undefined];
        put(read, name, fromJson(service, shapeOf(service, shapeName), each, depth + 1));
      }
      return read;
    }
    case "list": {
      if (!Array.isArray(value)) return value;
      const element = shapeOf(service, shape.e.s);
      return value.map((each) => fromJson(service, element, each, depth + 1) ?? null);
    }
    case "map": {
      if (!isJsonObject(value)) return value;
      const element = shapeOf(service, shape.v.s);
      const read: JsonObject = {};
      for (const [key, each] of Object.entries(value)) {
        put(read, key, fromJson(service, element, each, depth + 1));
      }
      return read;
    }
    case "blob":
    case "boolean":
    case "document":
    case "double":
    case "float":
    case "integer":
    case "long":
    case "string":
    case "timestamp":
      return plain(value, depth);
  }
}

type NamedShape = readonly [name: string, shape: string];

const byWireName = new WeakMap<StructureShape, ReadonlyMap<string, NamedShape>>();

function membersByWireName(shape: StructureShape): ReadonlyMap<string, NamedShape> {
  const made = byWireName.get(shape);
  if (made !== undefined) return made;
  const members = new Map<string, NamedShape>();
  for (const [name, member] of Object.entries(shape.m)) {
    if (member.loc === undefined) members.set(wireName(name, member), [name, member.s]);
  }
  byWireName.set(shape, members);
  return members;
}

/** A value without a model: kept as it is, cut where it is too deep. */
function plain(value: JsonValue, depth: number): JsonValue | undefined {
  if (depth > decodeDepthMax) return undefined;
  if (Array.isArray(value)) return value.map((each) => plain(each, depth + 1) ?? null);
  if (isJsonObject(value)) {
    const read: JsonObject = {};
    for (const [key, each] of Object.entries(value)) put(read, key, plain(each, depth + 1));
    return read;
  }
  // 1e400 reads as Infinity, which JSON cannot say.
  return typeof value === "number" && !Number.isFinite(value) ? String(value) : value;
}
