// One service of aws-sdk 2's or botocore's models in the catalog's form.
import type { Member, Operation, Protocol, Service } from "../../src/catalog/service.ts";
import { reachable, rootsOf, ShapeTable } from "../../src/catalog/shape-table.ts";
import { type AccessLevels, isRead } from "./access-levels.ts";
import { namesOf } from "./service-names.ts";
import type { SourceModel, SourceProtocol, SourceShape } from "./source-model.ts";

const places = {
  uri: "uri",
  querystring: "query",
  header: "header",
  headers: "headers",
  statusCode: "status",
} as const;

export function buildService(model: SourceModel, levels: AccessLevels): Service {
  const table = new ShapeTable();
  const build = new ModelReader(model, table);
  const names = namesOf(model, levels);
  const operations: Record<string, Operation> = {};
  const deprecated = deprecatedTwins(model);
  for (const name of Object.keys(model.operations).toSorted()) {
    const source = model.operations[name];
    if (source === undefined) continue;
    const operation: Operation = {};
    const { method = "POST", requestUri = "/" } = source.http ?? {};
    if (method !== "POST") operation.method = method;
    if (requestUri !== "/") operation.path = requestUri;
    if (source.input !== undefined) operation.in = build.root(`${name}Input`, source.input);
    if (source.output !== undefined) operation.out = build.root(`${name}Output`, source.output);
    if (source.output?.resultWrapper !== undefined) {
      operation.wrapper = source.output.resultWrapper;
    }
    if (isRead(levels, names.iamPrefix, name, source.readonly)) operation.read = true;
    if (source.authtype === "none" || source.auth?.includes("smithy.api#noAuth") === true) {
      operation.unsigned = true;
    }
    if (deprecated.has(name)) operation.old = true;
    operations[name] = operation;
  }
  const { protocol, others } = protocolsOf(model);
  return {
    ...names,
    apiVersion: model.metadata.apiVersion,
    protocol,
    ...optionalProtocols(protocol, [...others, ...(names.otherProtocols ?? [])]),
    operations,
    shapes: reachable(rootsOf(Object.values(operations)), table.shapes),
  };
}

/**
 * A newer model of the same service: its operations and shapes replace the older ones, what only the older model has
 * stays, for clients that still call it.
 */
export function replaceOlder(older: Service, newer: Service): Service {
  const operations = sorted({ ...older.operations, ...newer.operations });
  for (const [name, before] of Object.entries(older.operations)) {
    const now = operations[name];
    if (now === undefined || !isRest(older.protocol)) continue;
    if (addressOf(now) !== addressOf(before)) operations[name] = { ...now, formerly: before };
  }
  const others = [newer.protocol, ...(newer.otherProtocols ?? []), ...(older.otherProtocols ?? [])];
  return {
    ...older,
    ...optionalProtocols(older.protocol, others),
    operations,
    shapes: reachable(rootsOf(Object.values(operations)), { ...older.shapes, ...newer.shapes }),
  };
}

function isRest(protocol: Protocol): boolean {
  return protocol === "rest-json" || protocol === "rest-xml";
}

/** Method and path, whatever its labels are called and whether it ends in a slash. */
function addressOf({ method = "POST", path = "/" }: Operation): string {
  return `${method} ${path.replaceAll(/\{[^}+]+/g, "{").replace(/\/$/, "")}`;
}

function sorted<Value>(record: Record<string, Value>): Record<string, Value> {
  return Object.fromEntries(Object.entries(record).toSorted(([a], [b]) => (a < b ? -1 : 1)));
}

function protocolsOf({ metadata }: SourceModel): { protocol: Protocol; others: Protocol[] } {
  const plain = (name: SourceProtocol): Protocol => {
    if (name === "smithy-rpc-v2-cbor") return "rpc-v2-cbor";
    if (name !== "json") return name;
    return metadata.jsonVersion === "1.0" ? "json1.0" : "json1.1";
  };
  return {
    protocol: plain(metadata.protocol),
    others: (metadata.protocols ?? []).map((name) => plain(name)),
  };
}

function optionalProtocols(
  main: Protocol,
  others: readonly Protocol[],
): Pick<Service, "otherProtocols"> {
  const further = [...new Set(others)].filter((each) => each !== main);
  return further.length === 0 ? {} : { otherProtocols: further };
}

/** REST: deprecated operations that share method and path with one that is not. */
function deprecatedTwins(model: SourceModel): Set<string> {
  if (!isRest(protocolsOf(model).protocol)) return new Set();
  const place = (name: string) => {
    const http = model.operations[name]?.http;
    return `${http?.method} ${http?.requestUri}`;
  };
  const current = new Set(
    Object.keys(model.operations)
      .filter((name) => model.operations[name]?.deprecated !== true)
      .map(place),
  );
  return new Set(
    Object.keys(model.operations).filter(
      (name) =>
        model.operations[name]?.deprecated === true &&
        model.operations[name].http !== undefined &&
        current.has(place(name)),
    ),
  );
}

class ModelReader {
  readonly #model: SourceModel;
  readonly #table: ShapeTable;

  constructor(model: SourceModel, table: ShapeTable) {
    this.#model = model;
    this.#table = table;
  }

  /** An operation's input or output; the name of its shape. */
  root(name: string, source: SourceShape): string {
    return this.#shape(name, { type: "structure", ...source });
  }

  #member(name: string, source: SourceShape): Member {
    const shape = source.shape === undefined ? source : this.#model.shapes[source.shape];
    if (shape === undefined) throw new Error(`${name}: no shape is named ${source.shape}`);
    const sensitive = source.sensitive === true || shape.sensitive === true;
    const isScalar = !["structure", "list", "map"].includes(shape.type ?? "string");
    const member: Member = {
      s: this.#shape(name, isScalar ? { ...shape, ...source, sensitive } : source),
    };
    if (source.location !== undefined) member.loc = places[source.location];
    if (source.locationName !== undefined) member.n = source.locationName;
    if (source.queryName !== undefined) member.q = source.queryName;
    if (source.xmlAttribute === true) member.attr = true;
    if (source.flattened === true) member.flat = true;
    if (sensitive && !isScalar) member.sensitive = true;
    return member;
  }

  #shape(inlineName: string, source: SourceShape): string {
    const name = source.shape ?? inlineName;
    const shape = source.shape === undefined ? source : this.#model.shapes[source.shape];
    if (shape === undefined) throw new Error(`${inlineName}: no shape is named ${name}`);
    const type = shape.type ?? "string";
    if (shape.document === true) return this.#table.scalar({ t: "document" });
    if (shape.eventstream === true) return this.#table.scalar({ t: "blob", stream: true });
    switch (type) {
      case "structure":
        if (!this.#table.reserve(name)) return name;
        this.#table.set(name, {
          t: "structure",
          m: Object.fromEntries(
            Object.entries(shape.members ?? {}).map(([key, each]) => [
              key,
              this.#member(`${name}.${key}`, each),
            ]),
          ),
          ...(shape.required === undefined ? {} : { req: shape.required }),
          ...(shape.payload === undefined ? {} : { payload: shape.payload }),
          ...(shape.union === true ? { union: true } : {}),
        });
        return name;
      case "list":
        if (!this.#table.reserve(name)) return name;
        this.#table.set(name, {
          t: "list",
          e: this.#member(`${name}[]`, shape.member ?? {}),
          ...(shape.flattened === true ? { flat: true } : {}),
        });
        return name;
      case "map":
        if (!this.#table.reserve(name)) return name;
        this.#table.set(name, {
          t: "map",
          k: this.#member(`${name}{key}`, shape.key ?? {}),
          v: this.#member(`${name}{}`, shape.value ?? {}),
          ...(shape.flattened === true ? { flat: true } : {}),
        });
        return name;
      case "string":
      case "boolean":
      case "integer":
      case "long":
      case "float":
      case "double":
      case "blob":
      case "timestamp":
        return this.#table.scalar({
          t: type,
          ...(shape.timestampFormat === undefined ? {} : { f: shape.timestampFormat }),
          ...(shape.sensitive === true ? { sensitive: true } : {}),
          ...(shape.jsonvalue === true ? { json: true } : {}),
          ...(shape.streaming === true ? { stream: true } : {}),
        });
    }
  }
}
