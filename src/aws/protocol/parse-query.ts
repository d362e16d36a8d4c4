// Reads an awsQuery form into the model's members, strictly: what is no number or no boolean is refused by name.
import { CairnError } from "../../base/errors.ts";
import { fromForm } from "../../catalog/protocol/form.ts";
import { shapeOf } from "../../catalog/protocol/shape.ts";
import type { Service, Shape, StructureShape } from "../../catalog/service.ts";
import { isJsonObject, type JsonObject, type JsonValue } from "../../event/json.ts";

export function parseQueryInput(service: Service, shape: StructureShape, form: string): JsonObject {
  const input = fromForm(service, shape, form, "query");
  checkTypes(service, shape, input, "");
  return input;
}

/** The form reader leaves a text that is not of its type as it is: good for a record, not for an operation. */
function checkTypes(service: Service, shape: Shape, value: JsonValue, path: string): void {
  switch (shape.t) {
    case "structure":
      if (!isJsonObject(value)) return;
      for (const [name, member] of Object.entries(shape.m)) {
        const given = value[name];
        if (given === undefined) continue;
        checkTypes(
          service,
          shapeOf(service, member.s),
          given,
          path === "" ? name : `${path}.${name}`,
        );
      }
      return;
    case "list":
      if (!Array.isArray(value)) return;
      value.forEach((each, index) => {
        checkTypes(service, shapeOf(service, shape.e.s), each, `${path}.member.${index + 1}`);
      });
      return;
    case "map":
      if (!isJsonObject(value)) return;
      for (const [key, each] of Object.entries(value)) {
        checkTypes(service, shapeOf(service, shape.v.s), each, `${path}.${key}`);
      }
      return;
    case "boolean":
      if (value !== null && typeof value !== "boolean") throw malformed(value, "Boolean", path);
      return;
    case "integer":
    case "long":
      if (value !== null && !Number.isSafeInteger(value)) throw malformed(value, "Integer", path);
      return;
    case "float":
    case "double":
      if (value !== null && typeof value !== "number") throw malformed(value, "Double", path);
      return;
    case "string":
    case "blob":
    case "timestamp":
    case "document":
  }
}

function malformed(value: JsonValue, wanted: string, path: string): CairnError {
  const shown = (typeof value === "string" ? value : JSON.stringify(value)).slice(0, 64);
  return new CairnError("SerializationFailed", `'${shown}' is no ${wanted} (at ${path})`);
}
