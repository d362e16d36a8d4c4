// Where REST protocols put members: labels, query, headers, status.
import type { JsonObject, JsonValue } from "../../event/json.ts";
import type { RequestHead } from "../call.ts";
import type { Member, Service, Shape, StructureShape } from "../service.ts";
import { own, put, shapeOf, typedText, wireName } from "./shape.ts";

type Headers = Readonly<Record<string, string>>;

/** The members that stand in the request's head. */
export function fromRequestHead(
  service: Service,
  shape: StructureShape,
  labels: Readonly<Record<string, string>>,
  request: RequestHead,
): JsonObject {
  const query = new URLSearchParams(request.query);
  const bound = new Set<string>();
  for (const [name, member] of Object.entries(shape.m)) {
    if (member.loc === "query") bound.add(wireName(name, member));
  }
  const read: JsonObject = {};
  for (const [name, member] of Object.entries(shape.m)) {
    const memberShape = shapeOf(service, member.s);
    switch (member.loc) {
      case "uri": {
        const text = own(labels, wireName(name, member)) ?? own(labels, name);
        if (text !== undefined) put(read, name, typedText(memberShape, text));
        break;
      }
      case "query":
        put(read, name, fromQuery(service, memberShape, wireName(name, member), query, bound));
        break;
      case "header":
      case "headers":
        put(read, name, fromHeaders(service, name, member, request.headers));
        break;
      case undefined:
      case "status":
        break;
    }
  }
  return read;
}

/** The members that stand in the response's head. */
export function fromResponseHead(
  service: Service,
  shape: StructureShape,
  headers: Headers,
): JsonObject {
  const read: JsonObject = {};
  for (const [name, member] of Object.entries(shape.m)) {
    if (member.loc === "header" || member.loc === "headers") {
      put(read, name, fromHeaders(service, name, member, headers));
    }
  }
  return read;
}

function fromQuery(
  service: Service,
  shape: Shape,
  key: string,
  query: URLSearchParams,
  bound: ReadonlySet<string>,
): JsonValue | undefined {
  if (shape.t === "list") {
    const texts = query.getAll(key);
    const element = shapeOf(service, shape.e.s);
    return texts.length === 0 ? undefined : texts.map((text) => typedText(element, text));
  }
  if (shape.t === "map") {
    // A map in the query is every parameter that no other member claims.
    const read: JsonObject = {};
    const isList = shapeOf(service, shape.v.s).t === "list";
    for (const name of new Set(query.keys())) {
      if (bound.has(name) && name !== key) continue;
      put(read, name, isList ? query.getAll(name) : (query.get(name) ?? undefined));
    }
    return Object.keys(read).length === 0 ? undefined : read;
  }
  const text = query.get(key);
  return text === null ? undefined : typedText(shape, text);
}

function fromHeaders(
  service: Service,
  name: string,
  member: Member,
  headers: Headers,
): JsonValue | undefined {
  const key = wireName(name, member).toLowerCase();
  const shape = shapeOf(service, member.s);
  if (member.loc === "headers" || shape.t === "map") {
    const read: JsonObject = {};
    for (const [header, text] of Object.entries(headers)) {
      if (header.startsWith(key)) put(read, header.slice(key.length), text);
    }
    return Object.keys(read).length === 0 ? undefined : read;
  }
  const text = own(headers, key);
  if (text === undefined) return undefined;
  if (shape.t === "list") {
    const element = shapeOf(service, shape.e.s);
    return text.split(",").map((each) => typedText(element, each.trim()));
  }
  if ("json" in shape && shape.json) return jsonText(text);
  return typedText(shape, text);
}

function jsonText(text: string): JsonValue {
  try {
    return JSON.parse(Buffer.from(text, "base64").toString("utf8")) as JsonValue;
  } catch {
    return text;
  }
}
