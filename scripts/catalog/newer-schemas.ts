// What newer @aws-sdk/client-* packages know: their schemas replace the older model operation by operation.
//
//   [9, namespace, name, traits, () => input, () => output]                 operation
//   [3 | 4, namespace, name, traits, memberNames, memberSchemas, required]  structure (4: union); first `required` ones
//   [1, namespace, name, traits, element]  [2, namespace, name, traits, key, value]  list, map
//   [0, namespace, name, traits, scalar]                                    scalar with traits
//   number                                                                  scalar; 64 + n: list of it; 128 + n: map of it
//   [schema, traits]                                                        member
import { existsSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import type { Member, Operation, ScalarShape, Service, Shape } from "../../src/catalog/service.ts";
import { reachable, rootsOf, ShapeTable } from "../../src/catalog/shape-table.ts";
import { type AccessLevels, isRead } from "./access-levels.ts";

const require = createRequire(import.meta.url);

/** By catalog id; where the package's schemas are newer than the models of aws-sdk 2. */
const clientPackages: Readonly<Record<string, string>> = {
  amplify: "client-amplify",
  amplifybackend: "client-amplifybackend",
  amplifyuibuilder: "client-amplifyuibuilder",
  apigateway: "client-api-gateway",
  apigatewayv2: "client-apigatewayv2",
  cloudtrail: "client-cloudtrail",
  "cognito-identity": "client-cognito-identity",
  "cognito-idp": "client-cognito-identity-provider",
  "cognito-sync": "client-cognito-sync",
  s3: "client-s3",
  sts: "client-sts",
};

/** Its installed client is the newest model there is. */
export function hasClientPackage(id: string): boolean {
  return Object.hasOwn(clientPackages, id);
}

type Traits = number | Readonly<Record<string, unknown>>;
type Schema = unknown;

export function overlayNewer(service: Service, levels: AccessLevels): Service {
  const packageName = clientPackages[service.id];
  if (packageName === undefined) return service;
  const client = require(`@aws-sdk/${packageName}`) as Record<string, Schema>;
  const noAuth = unsignedOperations(packageName);
  const reader = new SchemaReader(service);
  const operations: Record<string, Operation> = { ...service.operations };
  for (const exported of Object.keys(client).toSorted()) {
    const schema = client[exported];
    if (!exported.endsWith("$") || !Array.isArray(schema) || schema[0] !== 9) continue;
    const [, , name, traits, input, output] = schema as [9, string, string, Traits, Schema, Schema];
    operations[name] = reader.operation(name, traits, input, output);
    if (isRead(levels, service.iamPrefix, name)) operations[name].read = true;
    if (noAuth.has(name)) operations[name].unsigned = true;
  }
  const sorted = Object.fromEntries(
    Object.entries(operations).toSorted(([a], [b]) => (a < b ? -1 : 1)),
  );
  return {
    ...service,
    operations: sorted,
    shapes: reachable(rootsOf(Object.values(sorted)), {
      ...service.shapes,
      ...reader.table.shapes,
    }),
  };
}

/** Operations whose own case in the client's list of authentication schemes is "none". */
function unsignedOperations(packageName: string): Set<string> {
  const folder = join(require.resolve(`@aws-sdk/${packageName}/package.json`), "../dist-es/auth");
  const path = join(folder, "httpAuthSchemeProvider.js");
  const text = existsSync(path) ? readFileSync(path, "utf8") : "";
  return new Set(
    [...text.matchAll(/case "(\w+)":\s*\{\s*options\.push\(createSmithyApiNoAuth/g)].map(
      (match) => match[1] ?? "",
    ),
  );
}

class SchemaReader {
  readonly table = new ShapeTable();
  readonly #older: Service;

  constructor(older: Service) {
    this.#older = older;
  }

  operation(name: string, traits: Traits, input: Schema, output: Schema): Operation {
    const older = this.#older.operations[name];
    const operation: Operation = {};
    const http = traitsOf(traits)["http"] as [string, string, number] | undefined;
    const [method, uri] = http ?? ["POST", "/"];
    if (method !== "POST") operation.method = method;
    const given = dropClientMark(uri);
    const takesBucket = this.#older.id === "s3" && membersOf(resolve(input)).includes("Bucket");
    const full = takesBucket
      ? `/{Bucket}${given === "/" ? "" : given.replace(/^\/\?/, "?")}`
      : given;
    // The older model's labels have the names of the API reference; the newer ones those of the members.
    const isSame = older?.path !== undefined && withoutLabels(older.path) === withoutLabels(full);
    const path = isSame ? older.path : full;
    if (path !== undefined && path !== "/") operation.path = path;
    const inputName = this.#root(input, older?.in);
    const outputName = this.#root(output, older?.out);
    if (outputName !== inputName) this.#dropAddress(outputName);
    if (inputName !== undefined) operation.in = inputName;
    if (outputName !== undefined) operation.out = outputName;
    if (older?.wrapper !== undefined) operation.wrapper = older.wrapper;
    else if (this.#older.protocol === "query") operation.wrapper = `${name}Result`;
    if (older?.unsigned === true) operation.unsigned = true;
    if (older?.old === true) operation.old = true;
    return operation;
  }

  /** Some schemas of answers say `httpQuery` of a member, as the request's do; an answer has it in its body. */
  #dropAddress(outputName: string | undefined): void {
    const shape = outputName === undefined ? undefined : this.table.shapes[outputName];
    if (shape?.t !== "structure") return;
    for (const member of Object.values(shape.m)) {
      if (member.loc === "query" || member.loc === "uri") delete member.loc;
    }
  }

  /** Undefined: the operation has no input (or output) at all. */
  #root(schema: Schema, older: string | undefined): string | undefined {
    const resolved = resolve(schema);
    return resolved === "unit" ? undefined : this.#shape(resolved, {}, older);
  }

  #member(schema: Schema, older: Member | undefined): Member {
    let inner = resolve(schema);
    let traits: Record<string, unknown> = {};
    while (Array.isArray(inner) && (inner.length === 2 || inner.length === 1)) {
      traits = { ...traitsOf(inner[1] as Traits), ...traits };
      inner = resolve(inner[0]);
    }
    const own = Array.isArray(inner) ? traitsOf(inner[3] as Traits) : {};
    const member: Member = { s: this.#shape(inner, traits, older?.s) };
    const place = placeOf(traits);
    const shape = this.table.shapes[member.s];
    if (place !== undefined) member.loc = place.loc;
    const name = place?.name ?? traits["jsonName"] ?? traits["xmlName"];
    if (member.loc === "uri" && older?.loc === "uri" && older.n !== undefined) member.n = older.n;
    else if (typeof name === "string") member.n = name;
    // A payload's XML element is named by its structure.
    else if (traits["httpPayload"] !== undefined && typeof own["xmlName"] === "string") {
      member.n = own["xmlName"];
    }
    if (traits["xmlAttribute"] !== undefined) member.attr = true;
    if (traits["xmlFlattened"] !== undefined) member.flat = true;
    const isAggregate = shape?.t === "structure" || shape?.t === "list" || shape?.t === "map";
    if (isAggregate && (own["sensitive"] ?? traits["sensitive"]) !== undefined) {
      member.sensitive = true;
    }
    return member;
  }

  #shape(schema: Schema, traits: Record<string, unknown>, older: string | undefined): string {
    const known = older === undefined ? undefined : this.#older.shapes[older];
    if (typeof schema === "number") return this.#numbered(schema, traits, known);
    if (!Array.isArray(schema)) throw new Error(`a schema of an unknown form: ${String(schema)}`);
    const [kind, , name, ownTraits] = schema as [number, string, string, Traits];
    switch (kind) {
      case 0:
        return this.#numbered(schema[4], { ...traitsOf(ownTraits), ...traits }, known);
      case 1:
        if (this.table.reserve(name)) {
          const olderElement = known?.t === "list" ? known.e : undefined;
          this.table.set(name, { t: "list", e: this.#member(schema[4], olderElement) });
        }
        return name;
      case 2:
        if (this.table.reserve(name)) {
          const olderMap = known?.t === "map" ? known : undefined;
          const k = this.#member(schema[4], olderMap?.k);
          this.table.set(name, { t: "map", k, v: this.#member(schema[5], olderMap?.v) });
        }
        return name;
      case 3:
      case 4:
        if (traitsOf(ownTraits)["streaming"] !== undefined) {
          return this.table.scalar({ t: "blob", stream: true });
        }
        if (this.table.reserve(name)) this.table.set(name, this.#structure(schema, known));
        return name;
      default:
        throw new Error(`a schema of an unknown kind: ${kind} ${name}`);
    }
  }

  #structure(schema: readonly unknown[], known: Shape | undefined): Shape {
    const names = membersOf(schema);
    const members = schema[5] as readonly Schema[];
    const older = known?.t === "structure" ? known.m : {};
    const m: Record<string, Member> = {};
    let payload: string | undefined;
    for (const [index, name] of names.entries()) {
      m[name] = this.#member(members[index], older[name]);
      if (memberTraits(members[index])["httpPayload"] !== undefined) payload = name;
    }
    const required = names.slice(0, (schema[6] as number | undefined) ?? 0);
    return {
      t: "structure",
      m,
      ...(required.length === 0 ? {} : { req: required }),
      ...(payload === undefined ? {} : { payload }),
      ...(schema[0] === 4 ? { union: true } : {}),
    };
  }

  #numbered(code: unknown, traits: Record<string, unknown>, known: Shape | undefined): string {
    if (typeof code !== "number") throw new Error(`a scalar of an unknown form: ${String(code)}`);
    if (code >= 128) {
      const v = this.#numbered(
        code - 128,
        {},
        known?.t === "map" ? this.#olderShape(known.v) : undefined,
      );
      this.table.set(`map of ${v}`, {
        t: "map",
        k: { s: this.table.scalar({ t: "string" }) },
        v: { s: v },
      });
      return `map of ${v}`;
    }
    if (code >= 64) {
      const e = this.#numbered(
        code - 64,
        {},
        known?.t === "list" ? this.#olderShape(known.e) : undefined,
      );
      this.table.set(`list of ${e}`, { t: "list", e: { s: e } });
      return `list of ${e}`;
    }
    const shape: ScalarShape = { ...scalarOf(code, known) };
    if (traits["sensitive"] !== undefined) shape.sensitive = true;
    if (traits["mediaType"] === "application/json") shape.json = true;
    return this.table.scalar(shape);
  }

  #olderShape(member: Member): Shape | undefined {
    return this.#older.shapes[member.s];
  }
}

function scalarOf(code: number, known: Shape | undefined): ScalarShape {
  switch (code) {
    case 0:
      return { t: "string" };
    case 1: {
      // The schemas have one code for every number; the older model knows which.
      const isNumber =
        known?.t === "integer" ||
        known?.t === "long" ||
        known?.t === "float" ||
        known?.t === "double";
      return { t: isNumber ? known.t : "integer" };
    }
    case 2:
      return { t: "boolean" };
    case 4:
      return { t: "timestamp" };
    case 5:
      return { t: "timestamp", f: "iso8601" };
    case 6:
      return { t: "timestamp", f: "rfc822" };
    case 7:
      return { t: "timestamp", f: "unixTimestamp" };
    case 15:
      return { t: "document" };
    case 17:
      return { t: "long" };
    case 19:
      return { t: "double" };
    case 21:
      return { t: "blob" };
    case 42:
      return { t: "blob", stream: true };
    default:
      throw new Error(`a scalar of an unknown code: ${code}`);
  }
}

function placeOf(
  traits: Record<string, unknown>,
): { loc: NonNullable<Member["loc"]>; name?: string } | undefined {
  if (traits["httpLabel"] !== undefined) return { loc: "uri" };
  if (traits["httpResponseCode"] !== undefined) return { loc: "status" };
  if (traits["httpQueryParams"] !== undefined) return { loc: "query" };
  const query = traits["httpQuery"];
  if (typeof query === "string") return { loc: "query", name: query };
  const header = traits["httpHeader"];
  if (typeof header === "string") return { loc: "header", name: header };
  const prefix = traits["httpPrefixHeaders"];
  if (typeof prefix === "string") return { loc: "headers", name: prefix };
  return undefined;
}

const traitBits = [
  "httpLabel",
  "idempotent",
  "idempotencyToken",
  "sensitive",
  "httpPayload",
  "httpResponseCode",
  "httpQueryParams",
];

function traitsOf(traits: Traits | undefined): Record<string, unknown> {
  if (typeof traits === "object") return { ...traits };
  const bits = traits ?? 0;
  return Object.fromEntries(
    traitBits.filter((_, index) => ((bits >> index) & 1) === 1).map((name) => [name, 1]),
  );
}

function memberTraits(schema: Schema): Record<string, unknown> {
  const inner = resolve(schema);
  if (!Array.isArray(inner) || inner.length !== 2) return {};
  return { ...memberTraits(inner[0]), ...traitsOf(inner[1] as Traits) };
}

function membersOf(schema: Schema): string[] {
  return Array.isArray(schema) && Array.isArray(schema[4]) ? (schema[4] as string[]) : [];
}

function resolve(schema: Schema): Schema {
  let found = schema;
  while (typeof found === "function") found = (found as () => Schema)();
  return found;
}

function withoutLabels(path: string): string {
  return path.replaceAll(/\{[^}+]+/g, "{");
}

/** `x-id` says which client method sent the request; it is no part of the address. */
function dropClientMark(path: string): string {
  const [before = "/", query] = path.split("?");
  const kept = (query ?? "").split("&").filter((each) => each !== "" && !each.startsWith("x-id="));
  return kept.length === 0 ? before : `${before}?${kept.join("&")}`;
}
