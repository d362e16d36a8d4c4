// A service from an OpenAPI 3 document.
//
//   info.title                    the id (as a slug), unless x-cairn-id names it
//   x-cairn-event-source          the event source; left out: `<id>.internal`
//   x-cairn-signing-name          the service in signatures; left out: the id
//   servers                       the first one's path stands before every path; the hosts tell unsigned requests
//   operationId                   the event's name; left out: made of method and path (`GetOrdersItems`)
//   writeOnly, format: password   sensitive values; x-cairn-sensitive says it of any other
//   GET, HEAD, OPTIONS, TRACE     reads, unless x-cairn-read-only says otherwise
import {
  invalid,
  isRecord,
  listAt,
  type ModelRecord,
  memberNameAt,
  modelDepthMax,
  nameAt,
  optionalRecord,
  optionalText,
  recordAt,
  slugOf,
  textAt,
} from "./model-reader.ts";
import type { Member, Operation, ScalarShape, Service, StructureShape } from "./service.ts";
import { reachable, ShapeTable } from "./shape-table.ts";

const methods = ["get", "put", "post", "delete", "options", "head", "patch", "trace"] as const;
const readingMethods: ReadonlySet<string> = new Set(["get", "head", "options", "trace"]);
/** Described elsewhere in the document, whatever its parameters say. */
const ownHeaders: ReadonlySet<string> = new Set(["accept", "content-type", "authorization"]);

export function fromOpenApi(document: ModelRecord): Service {
  const version = textAt(document["openapi"], "openapi");
  if (!/^3\.[0-9]+(?:\.|$)/.test(version)) {
    throw invalid("openapi", `is '${version.slice(0, 16)}': OpenAPI 3.0 or 3.1 is needed`);
  }
  return new OpenApiReader(document).service();
}

interface SchemaPart {
  part: ModelRecord;
  at: string;
  /** False: one of several that may hold, so that what it requires may be absent. */
  isCertain: boolean;
}

class OpenApiReader {
  readonly #document: ModelRecord;
  readonly #table = new ShapeTable();

  constructor(document: ModelRecord) {
    this.#document = document;
  }

  service(): Service {
    const info = recordAt(this.#document["info"], "info");
    const id =
      optionalText(this.#document["x-cairn-id"], "x-cairn-id") ??
      slugOf(textAt(info["title"], "info.title"));
    if (id === "")
      throw invalid("info.title", "has no letter or digit that an id could be made of");
    const { basePath, hosts } = this.#servers();
    const operations = this.#operations(basePath);
    return {
      id,
      eventSource: this.#extension("x-cairn-event-source", info) ?? `${id}.internal`,
      signingName: this.#extension("x-cairn-signing-name", info) ?? id,
      endpointPrefix: id,
      apiVersion: versionOf(info["version"]),
      protocol: "rest-json",
      ...(hosts.length === 0 ? {} : { hosts }),
      operations,
      shapes: reachable(
        Object.values(operations).flatMap((each) => [each.in, each.out]),
        this.#table.shapes,
      ),
    };
  }

  #extension(name: string, info: ModelRecord): string | undefined {
    return optionalText(this.#document[name] ?? info[name], name);
  }

  #servers(): { basePath: string; hosts: string[] } {
    const servers = listAt(this.#document["servers"] ?? [], "servers");
    const hosts: string[] = [];
    let basePath = "";
    for (const [index, server] of servers.entries()) {
      const place = `servers[${index}].url`;
      const url = textAt(recordAt(server, `servers[${index}]`)["url"], place);
      const [, host, path = ""] = /^(?:https?:\/\/([^/]*))?(\/.*)?$/i.exec(url) ?? [];
      if (host === undefined && path === "") {
        throw invalid(place, `'${url.slice(0, 128)}' is neither a path nor an http address`);
      }
      if (index === 0) basePath = path.replace(/\/+$/, "");
      // A host with variables in it is no name that a request could carry.
      if (host !== undefined && !host.includes("{")) {
        hosts.push(host.toLowerCase().replace(/:\d+$/, ""));
      }
    }
    return { basePath, hosts: [...new Set(hosts)] };
  }

  #operations(basePath: string): Record<string, Operation> {
    const operations: Record<string, Operation> = {};
    for (const [path, value] of Object.entries(recordAt(this.#document["paths"], "paths"))) {
      if (path.startsWith("x-")) continue;
      if (!path.startsWith("/")) throw invalid(`paths.${path}`, "must start with /");
      const item = this.#resolve(value, `paths.${path}`);
      for (const method of methods) {
        if (item[method] === undefined) continue;
        const place = `paths.${path}.${method}`;
        const source = recordAt(item[method], place);
        const name =
          source["operationId"] === undefined
            ? nameOfRoute(method, path)
            : nameAt(source["operationId"], `${place}.operationId`);
        if (Object.hasOwn(operations, name)) {
          throw invalid(place, `has the name '${name}', which another operation has already`);
        }
        operations[name] = this.#operation(name, method, `${basePath}${path}`, item, source, place);
      }
    }
    if (Object.keys(operations).length === 0) throw invalid("paths", "has no operations");
    return Object.fromEntries(Object.entries(operations).toSorted(([a], [b]) => (a < b ? -1 : 1)));
  }

  #operation(
    name: string,
    method: string,
    path: string,
    item: ModelRecord,
    source: ModelRecord,
    place: string,
  ): Operation {
    for (const segment of path.split("/")) {
      if (!/^[^{}]*(?:\{[^{}]+\}[^{}]*)?$/.test(segment)) {
        throw invalid(place, `has more than one parameter in the path segment '${segment}'`);
      }
    }
    const operation: Operation = { path };
    if (method !== "post") operation.method = method.toUpperCase();
    operation.in = this.#input(name, item, source, place);
    const output = this.#output(name, source, place);
    if (output !== undefined) operation.out = output;
    const read = source["x-cairn-read-only"] ?? readingMethods.has(method);
    if (read === true) operation.read = true;
    if (!this.#isSigned(source, place)) operation.unsigned = true;
    return operation;
  }

  /** Only a scheme that says so is a signature; tokens and keys are the application's own. */
  #isSigned(source: ModelRecord, place: string): boolean {
    const wanted = listAt(
      source["security"] ?? this.#document["security"] ?? [],
      `${place}.security`,
    );
    const components = optionalRecord(this.#document["components"], "components");
    const schemes = optionalRecord(components["securitySchemes"], "components.securitySchemes");
    return (
      wanted.length > 0 &&
      wanted.every((each) =>
        Object.keys(recordAt(each, `${place}.security`)).some((name) => {
          const scheme = Object.hasOwn(schemes, name)
            ? this.#resolve(schemes[name], `components.securitySchemes.${name}`)
            : {};
          return scheme["x-amazon-apigateway-authtype"] === "awsSigv4";
        }),
      )
    );
  }

  #input(name: string, item: ModelRecord, source: ModelRecord, place: string): string {
    const structure: StructureShape = { t: "structure", m: {} };
    const required: string[] = [];
    // An operation's own parameter takes the place of the path's.
    const parameters = new Map<string, [ModelRecord, string]>();
    for (const [holder, at] of [
      [item, place.slice(0, place.lastIndexOf("."))],
      [source, place],
    ] as const) {
      const list = listAt(holder["parameters"] ?? [], `${at}.parameters`);
      for (const [index, value] of list.entries()) {
        const where = `${at}.parameters[${index}]`;
        const parameter = this.#resolve(value, where);
        parameters.set(`${String(parameter["in"])} ${String(parameter["name"])}`, [
          parameter,
          where,
        ]);
      }
    }
    for (const [parameter, where] of parameters.values()) {
      const wire = memberNameAt(parameter["name"], `${where}.name`);
      const loc = parameterPlace(textAt(parameter["in"], `${where}.in`), wire, where);
      if (loc === undefined) continue;
      const key = Object.hasOwn(structure.m, wire) ? `${loc}.${wire}` : wire;
      const member = this.#parameterMember(parameter, `${name} input.${key}`, where);
      structure.m[key] = { ...member, loc, n: wire };
      if (parameter["required"] === true) required.push(key);
    }
    this.#addBody(structure, required, name, source, place);
    if (required.length > 0) structure.req = required;
    this.#table.set(`${name} input`, structure);
    return `${name} input`;
  }

  #parameterMember(parameter: ModelRecord, shapeName: string, place: string): Member {
    const content = optionalRecord(parameter["content"], `${place}.content`);
    const [inContent] = Object.values(content);
    const schema =
      parameter["schema"] ?? optionalRecord(inContent, `${place}.content`)["schema"] ?? {};
    const member = this.#member(schema, shapeName, place, 0);
    return isSensitive(parameter) ? this.#madeSensitive(member) : member;
  }

  #addBody(
    structure: StructureShape,
    required: string[],
    name: string,
    source: ModelRecord,
    place: string,
  ): void {
    if (source["requestBody"] === undefined) return;
    const body = this.#resolve(source["requestBody"], `${place}.requestBody`);
    const media = this.#jsonSchema(body, `${place}.requestBody`);
    if (media === undefined) return;
    const member = this.#member(media.schema, `${name} body`, media.place, 0);
    const shape = this.#table.shapes[member.s];
    const isOpen =
      shape?.t === "structure" &&
      !Object.keys(shape.m).some((key) => Object.hasOwn(structure.m, key));
    if (isOpen && member.sensitive !== true) {
      Object.assign(structure.m, shape.m);
      required.push(...(shape.req ?? []));
      return;
    }
    // What is no object, or names a parameter's twin, stands as a whole.
    const key = Object.hasOwn(structure.m, "body") ? "requestBody" : "body";
    structure.m[key] = member;
    structure.payload = key;
    if (body["required"] === true) required.push(key);
  }

  #output(name: string, source: ModelRecord, place: string): string | undefined {
    const responses = optionalRecord(source["responses"], `${place}.responses`);
    const code =
      Object.keys(responses)
        .filter((each) => /^2(?:\d\d|XX)$/i.test(each))
        .toSorted()[0] ?? (Object.hasOwn(responses, "default") ? "default" : undefined);
    if (code === undefined) return undefined;
    const at = `${place}.responses.${code}`;
    const media = this.#jsonSchema(this.#resolve(responses[code], at), at);
    if (media === undefined) return undefined;
    const member = this.#member(media.schema, `${name} output`, media.place, 0);
    const shape = this.#table.shapes[member.s];
    if (shape?.t === "structure" && member.sensitive !== true) return member.s;
    this.#table.set(`${name} response`, { t: "structure", m: { body: member }, payload: "body" });
    return `${name} response`;
  }

  #jsonSchema(holder: ModelRecord, place: string): { schema: unknown; place: string } | undefined {
    const content = optionalRecord(holder["content"], `${place}.content`);
    const type = Object.keys(content).find((each) =>
      /^application\/(?:[\w.-]+\+)?json(?:\s*;|$)/i.test(each),
    );
    if (type === undefined) return undefined;
    const at = `${place}.content.${type}`;
    return { schema: recordAt(content[type], at)["schema"] ?? {}, place: `${at}.schema` };
  }

  #member(value: unknown, shapeName: string, place: string, depth: number): Member {
    if (depth > modelDepthMax) throw invalid(place, `is nested deeper than ${modelDepthMax}`);
    // JSON Schema allows `true` and `false` for anything and nothing.
    if (typeof value === "boolean") return { s: this.#table.scalar({ t: "document" }) };
    const reference = recordAt(value, place)["$ref"];
    const schema = this.#resolve(value, place);
    // A component is one shape wherever it is used; what is written in place has the name of its place.
    const name = typeof reference === "string" ? componentName(reference) : shapeName;
    const member: Member = { s: this.#shape(schema, name, place, depth) };
    return isSensitive(schema) || isSensitive(value as ModelRecord)
      ? this.#madeSensitive(member)
      : member;
  }

  #madeSensitive(member: Member): Member {
    const shape = this.#table.shapes[member.s];
    if (shape === undefined || shape.t === "structure" || shape.t === "list" || shape.t === "map") {
      return { ...member, sensitive: true };
    }
    return { ...member, s: this.#table.scalar({ ...shape, sensitive: true }) };
  }

  #shape(schema: ModelRecord, name: string, place: string, depth: number): string {
    const type = typeOf(schema);
    switch (type) {
      case "array": {
        if (!this.#table.reserve(name)) return name;
        const e = this.#member(schema["items"] ?? {}, `${name}[]`, `${place}.items`, depth + 1);
        this.#table.set(name, { t: "list", e });
        return name;
      }
      case "object":
        return this.#object(schema, name, place, depth);
      default:
        return this.#table.scalar(scalarOf(type, schema["format"]));
    }
  }

  #object(schema: ModelRecord, name: string, place: string, depth: number): string {
    const parts = this.#parts(schema, place);
    const hasProperties = parts.some(({ part }) => part["properties"] !== undefined);
    const free = schema["additionalProperties"];
    if (!hasProperties) {
      if (!isRecord(free)) return this.#table.scalar({ t: "document" });
      if (!this.#table.reserve(name)) return name;
      const v = this.#member(free, `${name}{}`, `${place}.additionalProperties`, depth + 1);
      this.#table.set(name, { t: "map", k: { s: this.#table.scalar({ t: "string" }) }, v });
      return name;
    }
    if (!this.#table.reserve(name)) return name;
    const m: Record<string, Member> = {};
    const required = new Set<string>();
    for (const { part, at, isCertain } of parts) {
      for (const [key, value] of Object.entries(
        optionalRecord(part["properties"], `${at}.properties`),
      )) {
        const property = memberNameAt(key, `${at}.properties`);
        m[property] = this.#member(
          value,
          `${name}.${property}`,
          `${at}.properties.${property}`,
          depth + 1,
        );
      }
      if (!isCertain) continue;
      for (const each of listAt(part["required"] ?? [], `${at}.required`)) {
        if (typeof each === "string") required.add(each);
      }
    }
    const req = [...required].filter((each) => Object.hasOwn(m, each));
    this.#table.set(name, { t: "structure", m, ...(req.length === 0 ? {} : { req }) });
    return name;
  }

  /** The schema itself and what it is made of: all of `allOf`, and whatever `oneOf` and `anyOf` may bring. */
  #parts(schema: ModelRecord, place: string): SchemaPart[] {
    const parts: SchemaPart[] = [];
    const seen = new Set<ModelRecord>();
    const waiting: SchemaPart[] = [{ part: schema, at: place, isCertain: true }];
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      const { part, at, isCertain } = next;
      // Once is enough, however many ways lead to it; a circle adds nothing.
      if (seen.has(part)) continue;
      seen.add(part);
      parts.push(next);
      for (const key of ["allOf", "oneOf", "anyOf"]) {
        for (const [index, value] of listAt(part[key] ?? [], `${at}.${key}`).entries()) {
          const inner = `${at}.${key}[${index}]`;
          waiting.push({
            part: this.#resolve(value, inner),
            at: inner,
            isCertain: isCertain && key === "allOf",
          });
        }
      }
    }
    return parts;
  }

  #resolve(value: unknown, place: string): ModelRecord {
    let record = recordAt(value, place);
    for (let steps = 0; typeof record["$ref"] === "string"; steps += 1) {
      const reference = record["$ref"];
      if (steps > modelDepthMax) throw invalid(place, `'${reference}' leads in a circle`);
      if (!reference.startsWith("#/")) {
        throw invalid(
          place,
          `refers to '${reference.slice(0, 256)}': only references into the same document are read`,
        );
      }
      let found: unknown = this.#document;
      for (const part of reference.slice(2).split("/")) {
        const key = decodePointer(part);
        found = isRecord(found) && Object.hasOwn(found, key) ? found[key] : undefined;
      }
      record = recordAt(found, `${place}: '${reference.slice(0, 256)}'`);
    }
    return record;
  }
}

/** YAML reads `version: 1.0` as a number. */
function versionOf(value: unknown): string {
  return typeof value === "string" || typeof value === "number" ? String(value) : "";
}

function componentName(reference: string): string {
  const [, name] = /^#\/components\/schemas\/([A-Za-z0-9._-]+)$/.exec(reference) ?? [];
  return name === undefined || name === "__proto__" ? `at ${reference}` : name;
}

function typeOf(schema: ModelRecord): string {
  const given = schema["type"];
  // OpenAPI 3.1: `["string", "null"]`.
  const type = Array.isArray(given) ? given.find((each) => each !== "null") : given;
  if (typeof type === "string") return type;
  if (
    ["properties", "additionalProperties", "allOf", "oneOf", "anyOf"].some((key) => key in schema)
  ) {
    return "object";
  }
  return schema["items"] === undefined ? "any" : "array";
}

function scalarOf(type: string, format: unknown): ScalarShape {
  switch (type) {
    case "string":
      if (format === "date-time") return { t: "timestamp", f: "iso8601" };
      if (format === "byte") return { t: "blob" };
      if (format === "binary") return { t: "blob", stream: true };
      return { t: "string" };
    case "boolean":
      return { t: "boolean" };
    case "integer":
      return { t: format === "int64" ? "long" : "integer" };
    case "number":
      return { t: format === "float" ? "float" : "double" };
    default:
      return { t: "document" };
  }
}

function isSensitive(schema: ModelRecord): boolean {
  return (
    schema["writeOnly"] === true ||
    schema["format"] === "password" ||
    schema["x-cairn-sensitive"] === true
  );
}

/** Undefined: a place that events do not show. */
function parameterPlace(
  given: string,
  wire: string,
  place: string,
): "uri" | "query" | "header" | undefined {
  switch (given) {
    case "path":
      return "uri";
    case "query":
      return "query";
    case "header":
      return ownHeaders.has(wire.toLowerCase()) ? undefined : "header";
    case "cookie":
      return undefined;
    default:
      throw invalid(
        `${place}.in`,
        `is '${given.slice(0, 64)}': path, query, header or cookie is needed`,
      );
  }
}

/** `GET /orders/{id}/items` is GetOrdersItems. */
function nameOfRoute(method: string, path: string): string {
  const words = path
    .replaceAll(/\{[^}]*\}/g, "")
    .split(/[^A-Za-z0-9]+/)
    .filter((each) => each !== "");
  return [method, ...words].map((each) => each.charAt(0).toUpperCase() + each.slice(1)).join("");
}

function decodePointer(part: string): string {
  let text = part;
  try {
    text = decodeURIComponent(part);
  } catch {
    // No escape, then: the name as it stands.
  }
  return text.replaceAll("~1", "/").replaceAll("~0", "~");
}
