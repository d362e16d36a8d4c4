// Holds a service description against its own form: every name that is used is there.
import { CairnError } from "../base/errors.ts";
import type { Member, Service, Shape } from "./service.ts";

const protocols = ["json1.0", "json1.1", "rest-json", "rest-xml", "query", "ec2", "rpc-v2-cbor"];
const idForm = /^[a-z0-9](?:[a-z0-9.-]{0,62}[a-z0-9])?$/;

/** Throws InvalidCatalogModel for the first thing that is wrong, and says where it is. */
export function checkService(value: unknown): Service {
  const service = record(value, "the service");
  for (const name of ["id", "eventSource", "signingName", "endpointPrefix", "apiVersion"]) {
    if (typeof service[name] !== "string") throw wrong(name, "is no text");
  }
  if (!idForm.test(service["id"] as string)) {
    throw wrong("id", "must be 1 to 64 of a-z, 0-9, '-' and '.'");
  }
  if (!protocols.includes(service["protocol"] as string)) throw wrong("protocol", "is not known");
  const shapes = record(service["shapes"], "shapes");
  for (const [name, shape] of Object.entries(shapes)) checkShape(shapes, name, shape);
  for (const [name, value] of Object.entries(record(service["operations"], "operations"))) {
    const operation = record(value, `operations.${name}`);
    checkOperation(shapes, `operations.${name}`, operation);
    if (operation["formerly"] !== undefined) {
      const place = `operations.${name}.formerly`;
      checkOperation(shapes, place, record(operation["formerly"], place));
    }
  }
  return value as Service;
}

function checkOperation(
  shapes: Record<string, unknown>,
  place: string,
  operation: Record<string, unknown>,
): void {
  for (const side of ["in", "out"]) {
    const shape = operation[side];
    if (shape !== undefined && !(typeof shape === "string" && Object.hasOwn(shapes, shape))) {
      throw wrong(`${place}.${side}`, `names the shape '${textOf(shape)}', which is not there`);
    }
  }
}

function checkShape(shapes: Record<string, unknown>, name: string, value: unknown): void {
  const shape = record(value, `shapes.${name}`) as unknown as Shape;
  const check = (place: string, member: Member | undefined) => {
    const named = record(member, `shapes.${name}.${place}`)["s"];
    if (typeof named !== "string" || !Object.hasOwn(shapes, named)) {
      throw wrong(
        `shapes.${name}.${place}`,
        `names the shape '${textOf(named)}', which is not there`,
      );
    }
  };
  switch (shape.t) {
    case "structure":
      for (const [key, member] of Object.entries(record(shape.m, `shapes.${name}.m`))) {
        check(key, member as Member);
      }
      return;
    case "list":
      check("e", shape.e);
      return;
    case "map":
      check("k", shape.k);
      check("v", shape.v);
      return;
    case "string":
    case "boolean":
    case "integer":
    case "long":
    case "float":
    case "double":
    case "blob":
    case "timestamp":
    case "document":
      return;
    default:
      throw wrong(`shapes.${name}`, "has a type that is not known");
  }
}

function textOf(value: unknown): string {
  return typeof value === "string" ? value.slice(0, 128) : typeof value;
}

function record(value: unknown, place: string): Record<string, unknown> {
  if (typeof value === "object" && value !== null && !Array.isArray(value)) {
    return value as Record<string, unknown>;
  }
  throw wrong(place, "is no object");
}

function wrong(place: string, what: string): CairnError {
  return new CairnError("InvalidCatalogModel", `${place} ${what}`);
}
