// DynamoDB's items: keys are shown, attribute values are not.
// Source: DynamoDB developer guide, "Understanding DynamoDB log file entries".
import { isJsonObject, type JsonObject, type JsonValue } from "../event/json.ts";
import { put } from "./protocol/shape.ts";

const namesOnly = new Set(["Item", "AttributeUpdates", "Expected", "QueryFilter", "ScanFilter"]);
const valuesOnly = new Set(["ExpressionAttributeValues", "KeyConditions", "Parameters"]);
const keys = new Set(["Key", "ExclusiveStartKey"]);

/** The request with items as lists of attribute names, keys with plain values, and literals out of statements. */
export function withoutAttributeValues(value: JsonValue): JsonValue {
  if (Array.isArray(value)) return value.map(withoutAttributeValues);
  if (!isJsonObject(value)) return value;
  const shown: JsonObject = {};
  for (const [name, each] of Object.entries(value)) {
    if (valuesOnly.has(name)) continue;
    if (namesOnly.has(name) && isJsonObject(each)) put(shown, name, Object.keys(each));
    else if (keys.has(name) && isJsonObject(each)) put(shown, name, plainKey(each));
    else if (name === "Keys" && Array.isArray(each)) {
      put(
        shown,
        name,
        each.map((key) => (isJsonObject(key) ? plainKey(key) : key)),
      );
    } else if (name === "Statement" && typeof each === "string") {
      put(shown, name, each.replaceAll(/'(?:[^']|'')*'?|\b\d+(?:\.\d+)?\b/g, "***(Redacted)"));
    } else put(shown, name, withoutAttributeValues(each));
  }
  return shown;
}

/** `{pk: {S: "a"}}` → `{pk: "a"}`. */
function plainKey(key: JsonObject): JsonObject {
  const shown: JsonObject = {};
  for (const [name, typed] of Object.entries(key)) {
    const values = isJsonObject(typed) ? Object.values(typed) : [typed];
    put(shown, name, values.length === 1 ? (values[0] ?? null) : typed);
  }
  return shown;
}
