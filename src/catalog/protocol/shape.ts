// Looking shapes up: the one place that knows how members, wire names and shapes hang together.
import type { JsonObject, JsonValue } from "../../event/json.ts";
import type { Member, ScalarShape, Service, Shape, StructureShape } from "../service.ts";

/** Deeper values are left out: no real call comes near, and no walk may exhaust the stack. */
export const decodeDepthMax = 96;

/** A name that the model does not describe is read as whatever the wire says. */
const unknownShape: ScalarShape = { t: "document" };

export function shapeOf(service: Service, name: string | undefined): Shape {
  return own(service.shapes, name) ?? unknownShape;
}

export function structureOf(
  service: Service,
  name: string | undefined,
): StructureShape | undefined {
  const shape = own(service.shapes, name);
  return shape?.t === "structure" ? shape : undefined;
}

/** The value under an own key: what the wire names never reaches a prototype. */
export function own<Value>(
  record: Readonly<Record<string, Value>> | undefined,
  name: string | undefined,
): Value | undefined {
  return record !== undefined && name !== undefined && Object.hasOwn(record, name)
    ? record[name]
    : undefined;
}

/** Sets an own key, whatever its name; `__proto__` is a name like any other. */
export function put(target: JsonObject, name: string, value: JsonValue | undefined): void {
  if (value === undefined) return;
  if (name === "__proto__") {
    Object.defineProperty(target, name, {
      value,
      enumerable: true,
      configurable: true,
      writable: true,
    });
  } else {
    target[name] = value;
  }
}

export function isEmpty(value: JsonObject): boolean {
  for (const name in value) if (Object.hasOwn(value, name)) return false;
  return true;
}

export function wireName(name: string, member: Member): string {
  return member.n ?? name;
}

/** Text from a header, label, query, form or XML element as the type that the model gives it. */
export function typedText(shape: Shape, text: string): JsonValue {
  switch (shape.t) {
    case "boolean":
      return text === "true" || text === "1"
        ? true
        : text === "false" || text === "0"
          ? false
          : text;
    case "integer":
    case "long":
    case "float":
    case "double": {
      const number = Number(text);
      // A number that JavaScript would change stays text: the event must not say another value than the caller did.
      return text.trim() === "" || !Number.isFinite(number) || isChanged(text, number)
        ? text
        : number;
    }
    case "blob":
    case "document":
    case "list":
    case "map":
    case "string":
    case "structure":
    case "timestamp":
      return text;
  }
}

function isChanged(text: string, number: number): boolean {
  return /^[+-]?\d+$/.test(text) && !Number.isSafeInteger(number);
}
