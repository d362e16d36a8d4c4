// XML bodies: a plain element tree, and the tree under the model's member names.
import { XMLParser } from "fast-xml-parser";
import type { JsonObject, JsonValue } from "../../event/json.ts";
import type { Member, Service, Shape } from "../service.ts";
import { decodeDepthMax, own, put, shapeOf, typedText, wireName } from "./shape.ts";

/** An element: its text when it is a leaf, else its children and `@attributes` by name. */
export type XmlElement = string | { [name: string]: XmlElement[] };

const attributePrefix = "@";
const textName = "#text";

// Entities declared by the document are never expanded: the five of XML and character references are decoded below,
// so that no body can grow. Values stay text until the model says what they are.
const parser = new XMLParser({
  ignoreAttributes: false,
  attributeNamePrefix: attributePrefix,
  textNodeName: textName,
  parseTagValue: false,
  parseAttributeValue: false,
  trimValues: false,
  removeNSPrefix: true,
  processEntities: false,
  ignoreDeclaration: true,
  ignorePiTags: true,
  isArray: () => true,
});

/** The root element, with its name. Throws on what is not XML. */
export function readXml(bytes: Buffer): { name: string; root: XmlElement } | undefined {
  const document = parser.parse(bytes.toString("utf8")) as Record<string, unknown>;
  for (const [name, elements] of Object.entries(document)) {
    if (name === textName || !Array.isArray(elements)) continue;
    return { name, root: element(elements[0], 0) };
  }
  return undefined;
}

function element(parsed: unknown, depth: number): XmlElement {
  if (depth > decodeDepthMax || parsed === null || parsed === undefined) return "";
  if (typeof parsed !== "object") return typeof parsed === "string" ? decodeEntities(parsed) : "";
  const children: { [name: string]: XmlElement[] } = {};
  let text = "";
  let isLeaf = true;
  for (const [name, value] of Object.entries(parsed)) {
    if (name === textName) {
      text = decodeEntities(Array.isArray(value) ? value.join("") : String(value));
      continue;
    }
    const values = Array.isArray(value) ? value : [value];
    if (!name.startsWith(attributePrefix)) isLeaf = false;
    put(children, name, values.map((each) => element(each, depth + 1)) as JsonValue);
  }
  // White space between child elements is no value; a leaf's attributes (xmlns) are not worth its text.
  return isLeaf && (text !== "" || Object.keys(children).every(isNamespace)) ? text : children;
}

function isNamespace(name: string): boolean {
  return name === `${attributePrefix}xmlns` || name.startsWith(`${attributePrefix}xmlns:`);
}

const namedEntities: Record<string, string> = { amp: "&", lt: "<", gt: ">", quot: '"', apos: "'" };

function decodeEntities(text: string): string {
  if (!text.includes("&")) return text;
  return text.replaceAll(
    /&(?:#x([0-9a-fA-F]{1,6})|#([0-9]{1,7})|(amp|lt|gt|quot|apos));/g,
    (all: string, hex?: string, decimal?: string, name?: string) => {
      if (name !== undefined) return namedEntities[name] ?? all;
      const code = hex === undefined ? Number(decimal) : Number.parseInt(hex, 16);
      return code <= 0x10ffff ? String.fromCodePoint(code) : all;
    },
  );
}

export function childElements(parent: XmlElement | undefined, name: string): XmlElement[] {
  return parent === undefined || typeof parent === "string" ? [] : (own(parent, name) ?? []);
}

export function childElement(
  parent: XmlElement | undefined,
  ...path: string[]
): XmlElement | undefined {
  let found = parent;
  for (const name of path) found = childElements(found, name)[0];
  return found;
}

export function childText(parent: XmlElement | undefined, ...path: string[]): string | undefined {
  const found = childElement(parent, ...path);
  return typeof found === "string" ? found.trim() : undefined;
}

/** Members that the model does not know are left out: XML alone cannot say a list from a value. */
export function fromXml(
  service: Service,
  shape: Shape,
  found: XmlElement,
  depth = 0,
): JsonValue | undefined {
  if (depth > decodeDepthMax) return undefined;
  switch (shape.t) {
    case "structure": {
      const read: JsonObject = {};
      for (const [name, member] of Object.entries(shape.m)) {
        if (member.loc !== undefined) continue;
        put(read, name, memberFromXml(service, name, member, found, depth));
      }
      return read;
    }
    case "list":
      return items(service, shape.e, childElements(found, shape.e.n ?? "member"), depth);
    case "map":
      return entries(service, shape, childElements(found, "entry"), depth);
    case "blob":
    case "boolean":
    case "document":
    case "double":
    case "float":
    case "integer":
    case "long":
    case "string":
    case "timestamp":
      return typeof found === "string" ? typedText(shape, found) : undefined;
  }
}

function memberFromXml(
  service: Service,
  name: string,
  member: Member,
  parent: XmlElement,
  depth: number,
): JsonValue | undefined {
  const key = wireName(name, member);
  const shape = shapeOf(service, member.s);
  if (member.attr) {
    const [text] = childElements(parent, attributePrefix + (key.split(":").pop() ?? key));
    return typeof text === "string" ? text : undefined;
  }
  const found = childElements(parent, key);
  const [first] = found;
  if (first === undefined) return undefined;
  const isFlat = member.flat ?? ("flat" in shape && shape.flat);
  if (isFlat && shape.t === "list") return items(service, shape.e, found, depth);
  if (isFlat && shape.t === "map") return entries(service, shape, found, depth);
  return fromXml(service, shape, first, depth + 1);
}

function items(service: Service, member: Member, found: XmlElement[], depth: number): JsonValue {
  const shape = shapeOf(service, member.s);
  return found.map((each) => fromXml(service, shape, each, depth + 1) ?? null);
}

function entries(
  service: Service,
  shape: Extract<Shape, { t: "map" }>,
  found: XmlElement[],
  depth: number,
): JsonObject {
  const read: JsonObject = {};
  const valueShape = shapeOf(service, shape.v.s);
  for (const each of found) {
    const key = childText(each, shape.k.n ?? "key");
    const value = childElement(each, shape.v.n ?? "value");
    if (key === undefined || value === undefined) continue;
    put(read, key, fromXml(service, valueShape, value, depth + 1));
  }
  return read;
}
