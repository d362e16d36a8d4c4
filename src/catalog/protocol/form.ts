// Form bodies of awsQuery and ec2Query under the model's member names.
//
//   awsQuery   Filters.member.1.Name=…   Tags.entry.1.key=…   (flat lists: Attribute.1.Name=…)
//   ec2Query   Filter.1.Name=…           every list is flat, names are capitalised
import type { JsonObject, JsonValue } from "../../event/json.ts";
import type { Member, Service, Shape } from "../service.ts";
import { decodeDepthMax, isEmpty, put, shapeOf, typedText } from "./shape.ts";

interface FormNode {
  text?: string;
  children: Map<string, FormNode>;
}

export type FormDialect = "query" | "ec2";

export function fromForm(
  service: Service,
  shape: Shape,
  body: string,
  dialect: FormDialect,
): JsonObject {
  const root = formTree(body);
  const read = fromNode(service, shape, root, dialect, 0);
  return typeof read === "object" && read !== null && !Array.isArray(read) ? read : {};
}

function formTree(body: string): FormNode {
  const root: FormNode = { children: new Map() };
  for (const [path, text] of new URLSearchParams(body)) {
    const parts = path.split(".");
    if (parts.length > decodeDepthMax) continue;
    let node = root;
    for (const part of parts) {
      let child = node.children.get(part);
      if (child === undefined) {
        child = { children: new Map() };
        node.children.set(part, child);
      }
      node = child;
    }
    node.text ??= text;
  }
  return root;
}

function fromNode(
  service: Service,
  shape: Shape,
  node: FormNode,
  dialect: FormDialect,
  depth: number,
): JsonValue | undefined {
  if (depth > decodeDepthMax) return undefined;
  switch (shape.t) {
    case "structure": {
      const read: JsonObject = {};
      for (const [name, member] of Object.entries(shape.m)) {
        const child = memberNode(service, name, member, node, dialect);
        if (child === undefined) continue;
        const value = fromNode(service, shapeOf(service, member.s), child, dialect, depth + 1);
        put(read, name, value);
      }
      return isEmpty(read) && depth > 0 ? undefined : read;
    }
    case "list": {
      const element = shapeOf(service, shape.e.s);
      // An empty list is sent as the bare name.
      if (node.children.size === 0) return [];
      const holder = numbered(node)
        ? node
        : (node.children.get(shape.e.n ?? "member") ?? node.children.get("member"));
      if (holder === undefined) return undefined;
      return inOrder(holder).map(
        (each) => fromNode(service, element, each, dialect, depth + 1) ?? null,
      );
    }
    case "map": {
      const element = shapeOf(service, shape.v.s);
      const holder = numbered(node) ? node : node.children.get("entry");
      const read: JsonObject = {};
      for (const each of holder === undefined ? [] : inOrder(holder)) {
        const key = each.children.get(shape.k.n ?? "key")?.text;
        const value = each.children.get(shape.v.n ?? "value");
        if (key === undefined || value === undefined) continue;
        put(read, key, fromNode(service, element, value, dialect, depth + 1));
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
      return node.text === undefined ? undefined : typedText(shape, node.text);
  }
}

function memberNode(
  service: Service,
  name: string,
  member: Member,
  node: FormNode,
  dialect: FormDialect,
): FormNode | undefined {
  if (dialect === "ec2") return node.children.get(ec2Name(name, member));
  const shape = shapeOf(service, member.s);
  // A flat list's element name stands in place of the member's.
  const isFlatList = shape.t === "list" && (member.flat ?? shape.flat);
  const names = [isFlatList ? shape.e.n : undefined, member.n, name];
  for (const each of names) {
    const child = each === undefined ? undefined : node.children.get(each);
    if (child !== undefined) return child;
  }
  return undefined;
}

/** The name that ec2Query gives a member: its own, or the XML name with a capital. */
export function ec2Name(name: string, member: Member): string {
  if (member.q !== undefined) return member.q;
  const wire = member.n ?? name;
  return wire.charAt(0).toUpperCase() + wire.slice(1);
}

function numbered(node: FormNode): boolean {
  for (const key of node.children.keys()) if (/^\d+$/.test(key)) return true;
  return false;
}

function inOrder(node: FormNode): FormNode[] {
  return [...node.children]
    .filter(([key]) => /^\d+$/.test(key))
    .toSorted(([a], [b]) => Number(a) - Number(b))
    .map(([, child]) => child);
}
