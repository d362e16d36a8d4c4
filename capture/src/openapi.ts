// Finds a call's operation in an OpenAPI 3 (or Swagger 2) document, by method and path template.
import { readFileSync } from "node:fs";
import { decode, isReadMethod, nameOfRoute, pascalCase } from "./event-name.ts";

export interface ApiOperation {
  eventName: string;
  readOnly: boolean;
  pathParameters: Record<string, string>;
}

export type FindOperation = (method: string, path: string) => ApiOperation | undefined;

interface Template {
  parts: Part[][];
  operations: Map<string, { eventName: string; readOnly: boolean }>;
}

/** A piece of one path segment: text, or a parameter's name. */
type Part = { text: string } | { name: string };

type Tree = Record<string, unknown>;

/** The document, or the path of a JSON file that holds it. Throws when it is none. */
export function readOpenApi(document: object | string): FindOperation {
  const tree = typeof document === "string" ? readDocument(document) : (document as Tree);
  const paths = tree["paths"];
  if (typeof paths !== "object" || paths === null) {
    throw new TypeError("the OpenAPI document has no `paths`");
  }
  const prefixes = basePaths(tree);
  const templates = Object.entries(paths as Tree)
    .map(([path, item]) => templateOf(path, (item ?? {}) as Tree))
    // A literal segment wins over a parameter in the same place, as the specification says.
    .toSorted(compareTemplates);
  return (method, path) => {
    const segments = withoutPrefix(path, prefixes).split("/");
    for (const template of templates) {
      const operation = template.operations.get(method);
      const pathParameters = operation && matchTemplate(template, segments);
      if (operation && pathParameters) return { ...operation, pathParameters };
    }
    return undefined;
  };
}

function readDocument(file: string): Tree {
  const text = readFileSync(file, "utf8");
  try {
    return JSON.parse(text) as Tree;
  } catch (cause) {
    throw new TypeError(
      `${file} is no JSON; for a YAML document, parse it and give the object itself`,
      { cause },
    );
  }
}

/** The paths of `servers` (or Swagger's basePath): requests come with them, templates are written without. */
function basePaths(tree: Tree): string[] {
  const urls = Array.isArray(tree["servers"])
    ? tree["servers"].map((server: unknown) => (server as Tree | null)?.["url"])
    : [tree["basePath"]];
  return urls
    .filter((url): url is string => typeof url === "string")
    .map((url) => url.replace(/^[a-z]+:\/\/[^/]*/i, "").replace(/\/+$/, ""))
    .filter((path) => path.startsWith("/"));
}

function withoutPrefix(path: string, prefixes: string[]): string {
  const prefix = prefixes.find((prefix) => path === prefix || path.startsWith(`${prefix}/`));
  return prefix === undefined ? path : path.slice(prefix.length) || "/";
}

function templateOf(path: string, item: Tree): Template {
  const operations: Template["operations"] = new Map();
  for (const [key, value] of Object.entries(item)) {
    const method = key.toUpperCase();
    if (!/^(GET|PUT|POST|DELETE|OPTIONS|HEAD|PATCH|TRACE)$/.test(method)) continue;
    const operation = (value ?? {}) as Tree;
    const named = operation["x-cairn-event-name"];
    const id = operation["operationId"];
    const readOnly = operation["x-cairn-read-only"];
    operations.set(method, {
      eventName:
        typeof named === "string"
          ? named
          : (typeof id === "string" && pascalCase(id)) || nameOfRoute(method, path),
      readOnly: typeof readOnly === "boolean" ? readOnly : isReadMethod(method),
    });
  }
  return { parts: path.split("/").map(partsOf), operations };
}

/** `{id}` is one parameter; `{year}-{month}.csv` is two, with text around. */
function partsOf(segment: string): Part[] {
  return segment
    .split(/(\{[^}]+\})/)
    .filter((piece) => piece !== "")
    .map((piece) => (piece.startsWith("{") ? { name: piece.slice(1, -1) } : { text: piece }));
}

function compareTemplates(a: Template, b: Template): number {
  for (let index = 0; index < Math.min(a.parts.length, b.parts.length); index++) {
    const order = literalness(b.parts[index]) - literalness(a.parts[index]);
    if (order !== 0) return order;
  }
  return 0;
}

function literalness(parts: Part[] | undefined): number {
  if (parts === undefined || parts.every((part) => "text" in part)) return 2;
  return parts.length > 1 ? 1 : 0;
}

function matchTemplate(template: Template, segments: string[]): Record<string, string> | undefined {
  if (template.parts.length !== segments.length) return undefined;
  const found: Record<string, string> = {};
  for (const [index, parts] of template.parts.entries()) {
    if (!matchSegment(parts, segments[index] ?? "", found)) return undefined;
  }
  return found;
}

/** Parameters take as little as they can, left to right; the last one takes the rest. */
function matchSegment(parts: Part[], segment: string, found: Record<string, string>): boolean {
  let at = 0;
  for (const [index, part] of parts.entries()) {
    if ("text" in part) {
      if (!segment.startsWith(part.text, at)) return false;
      at += part.text.length;
      continue;
    }
    const next = parts[index + 1];
    const isBeforeLastText = index + 2 === parts.length && next !== undefined && "text" in next;
    const end =
      next === undefined || !("text" in next)
        ? segment.length
        : isBeforeLastText
          ? segment.lastIndexOf(next.text)
          : segment.indexOf(next.text, at + 1);
    if (end <= at) return false;
    found[part.name] = decode(segment.slice(at, end));
    at = end;
  }
  return at === segment.length;
}
