// A service from a Smithy model in its JSON form (`smithy build` writes it as model.json).
// https://smithy.io/2.0/spec/json-ast.html
import {
  invalid,
  listAt,
  type ModelRecord,
  modelDepthMax,
  nameAt,
  optionalRecord,
  recordAt,
  slugOf,
  textAt,
} from "./model-reader.ts";
import type { Member, Operation, Protocol, ScalarShape, Service, Shape } from "./service.ts";
import { reachable, ShapeTable } from "./shape-table.ts";

/** In the order of preference: the first one that the service has is its protocol. */
const protocolTraits: readonly [string, Protocol][] = [
  ["aws.protocols#restJson1", "rest-json"],
  ["aws.protocols#restXml", "rest-xml"],
  ["aws.protocols#awsJson1_1", "json1.1"],
  ["aws.protocols#awsJson1_0", "json1.0"],
  ["aws.protocols#awsQuery", "query"],
  ["aws.protocols#ec2Query", "ec2"],
  ["smithy.protocols#rpcv2Cbor", "rpc-v2-cbor"],
];

/** Resources may hold resources; following them must not exhaust the stack. */
const resourcesMax = 2000;

const scalarTypes: Readonly<Record<string, ScalarShape["t"]>> = {
  string: "string",
  enum: "string",
  boolean: "boolean",
  byte: "integer",
  short: "integer",
  integer: "integer",
  intEnum: "integer",
  long: "long",
  bigInteger: "long",
  float: "float",
  double: "double",
  bigDecimal: "double",
  timestamp: "timestamp",
  blob: "blob",
  document: "document",
};

const timestampFormats: Readonly<Record<string, NonNullable<ScalarShape["f"]>>> = {
  "date-time": "iso8601",
  "epoch-seconds": "unixTimestamp",
  "http-date": "rfc822",
};

export function fromSmithy(model: ModelRecord): Service {
  const reader = new SmithyReader(model);
  return reader.service();
}

class SmithyReader {
  readonly #shapes: ModelRecord;
  readonly #table = new ShapeTable();
  /** Local names, and full ones where two namespaces have the same. */
  readonly #names = new Map<string, string>();
  #protocol: Protocol = "rest-json";

  constructor(model: ModelRecord) {
    this.#shapes = withAppliedTraits(recordAt(model["shapes"], "shapes"));
    const taken = new Set<string>();
    for (const id of Object.keys(this.#shapes)) {
      const local = id.slice(id.indexOf("#") + 1);
      this.#names.set(id, taken.has(local) ? id : local);
      taken.add(local);
    }
  }

  service(): Service {
    const [serviceId, service] = this.#theService();
    const traits = optionalRecord(service["traits"], `shapes.${serviceId}.traits`);
    const protocols = protocolTraits.flatMap(([trait, name]) => (trait in traits ? [name] : []));
    const [protocol, ...otherProtocols] = protocols;
    if (protocol === undefined) {
      const known = protocolTraits.map(([trait]) => trait).join(", ");
      throw invalid(`shapes.${serviceId}`, `has none of the protocols ${known}`);
    }
    this.#protocol = protocol;
    const localName = serviceId.slice(serviceId.indexOf("#") + 1);
    const aws = optionalRecord(traits["aws.api#service"], `${serviceId} aws.api#service`);
    const id = textOr(aws["endpointPrefix"], textOr(aws["sdkId"], localName));
    const slug = slugOf(id);
    const sigv4 = optionalRecord(traits["aws.auth#sigv4"], `${serviceId} aws.auth#sigv4`);
    const operations = this.#operations(serviceId, service, isUnsigned(traits) === true);
    return {
      id: slug,
      eventSource: textOr(aws["cloudTrailEventSource"], `${slug}.internal`),
      signingName: textOr(sigv4["name"], slug),
      endpointPrefix: slug,
      apiVersion: textOr(service["version"], ""),
      protocol,
      ...(otherProtocols.length === 0 ? {} : { otherProtocols }),
      ...(protocols.some((each) => /^(?:json|rpc)/.test(each))
        ? { targetPrefixes: [localName] }
        : {}),
      operations,
      shapes: reachable(
        Object.values(operations).flatMap((each) => [each.in, each.out]),
        this.#table.shapes,
      ),
    };
  }

  #theService(): [string, ModelRecord] {
    const found = Object.entries(this.#shapes).filter(
      ([, shape]) => recordAt(shape, "a shape")["type"] === "service",
    );
    const [first] = found;
    if (first === undefined) throw invalid("shapes", "has no shape of the type 'service'");
    if (found.length > 1) {
      throw invalid("shapes", `has several services: ${found.map(([id]) => id).join(", ")}`);
    }
    return [first[0], recordAt(first[1], first[0])];
  }

  #operations(serviceId: string, service: ModelRecord, isOpen: boolean): Record<string, Operation> {
    const operations: Record<string, Operation> = {};
    const ids = [...new Set(this.#operationIds(service, serviceId, new Set()))].toSorted();
    if (ids.length === 0) throw invalid(`shapes.${serviceId}`, "has no operations");
    for (const id of ids) {
      const shape = this.#shape(id, serviceId);
      if (shape["type"] !== "operation") throw invalid(id, "is no operation");
      const name = nameAt(id.slice(id.indexOf("#") + 1), id);
      operations[name] = this.#operation(id, name, shape, isOpen);
    }
    return operations;
  }

  /** A service's own, and those of its resources, however deep. */
  #operationIds(holder: ModelRecord, place: string, seen: Set<string>): string[] {
    const single = ["create", "put", "read", "update", "delete", "list"];
    const many = ["operations", "collectionOperations"];
    const ids = [
      ...single.flatMap((key) => (key in holder ? [targetOf(holder[key], `${place}.${key}`)] : [])),
      ...many.flatMap((key) => targetsOf(holder[key], `${place}.${key}`)),
    ];
    for (const resource of targetsOf(holder["resources"], `${place}.resources`)) {
      if (seen.has(resource)) continue;
      seen.add(resource);
      if (seen.size > resourcesMax) {
        throw invalid(place, `has more than ${resourcesMax} resources`);
      }
      ids.push(...this.#operationIds(this.#shape(resource, place), resource, seen));
    }
    return ids;
  }

  #operation(id: string, name: string, shape: ModelRecord, isOpen: boolean): Operation {
    const traits = optionalRecord(shape["traits"], `${id}.traits`);
    const operation: Operation = {};
    const isRest = this.#protocol === "rest-json" || this.#protocol === "rest-xml";
    if (isRest) {
      const http = recordAt(traits["smithy.api#http"], `${id} smithy.api#http`);
      const method = textAt(http["method"], `${id} smithy.api#http method`).toUpperCase();
      const path = textAt(http["uri"], `${id} smithy.api#http uri`);
      if (!path.startsWith("/")) throw invalid(`${id} smithy.api#http uri`, "must start with /");
      if (method !== "POST") operation.method = method;
      if (path !== "/") operation.path = path;
      if (method === "GET" || method === "HEAD") operation.read = true;
    }
    const input = this.#root(shape["input"], `${id}.input`);
    const output = this.#root(shape["output"], `${id}.output`);
    if (input !== undefined) operation.in = input;
    if (output !== undefined) operation.out = output;
    if (this.#protocol === "query") operation.wrapper = `${name}Result`;
    if ("smithy.api#readonly" in traits) operation.read = true;
    if (isUnsigned(traits) ?? isOpen) operation.unsigned = true;
    return operation;
  }

  #root(value: unknown, place: string): string | undefined {
    if (value === undefined) return undefined;
    const target = targetOf(value, place);
    if (target === "smithy.api#Unit") return undefined;
    if (this.#shape(target, place)["type"] !== "structure") {
      throw invalid(place, `names '${target}', which is no structure`);
    }
    return this.#build(target, {}, place, 0);
  }

  #member(value: unknown, place: string, depth: number): Member {
    const record = recordAt(value, place);
    const target = targetOf(record, place);
    const traits = optionalRecord(record["traits"], `${place}.traits`);
    const own = target.startsWith("smithy.api#")
      ? {}
      : optionalRecord(this.#shape(target, place)["traits"], `${target}.traits`);
    const member: Member = { s: this.#build(target, traits, place, depth + 1) };
    Object.assign(member, placeOf(traits, place));
    const wire = traits["smithy.api#jsonName"] ?? traits["smithy.api#xmlName"];
    if (typeof wire === "string" && member.n === undefined) member.n = wire;
    const ec2Name = traits["aws.protocols#ec2QueryName"];
    if (typeof ec2Name === "string") member.q = ec2Name;
    if ("smithy.api#xmlAttribute" in traits) member.attr = true;
    if ("smithy.api#xmlFlattened" in traits) member.flat = true;
    const sensitive = "smithy.api#sensitive" in traits || "smithy.api#sensitive" in own;
    const shape = this.#table.shapes[member.s];
    const isAggregate = shape?.t === "structure" || shape?.t === "list" || shape?.t === "map";
    if (sensitive && isAggregate) member.sensitive = true;
    return member;
  }

  /** Puts the shape and all that it names into the table; the name that it has there. */
  #build(id: string, memberTraits: ModelRecord, place: string, depth: number): string {
    if (depth > modelDepthMax) throw invalid(place, `is nested deeper than ${modelDepthMax}`);
    if (id.startsWith("smithy.api#")) {
      const type = id.slice("smithy.api#".length).replace(/^Primitive/, "");
      const scalar = scalarTypes[type.charAt(0).toLowerCase() + type.slice(1)];
      if (type === "Unit") return this.#empty();
      if (scalar === undefined) throw invalid(place, `names '${id}', which is not known`);
      return this.#scalar(scalar, memberTraits, {});
    }
    const shape = this.#shape(id, place);
    const type = textAt(shape["type"], `${id}.type`);
    const traits = optionalRecord(shape["traits"], `${id}.traits`);
    const scalar = Object.hasOwn(scalarTypes, type) ? scalarTypes[type] : undefined;
    if (scalar !== undefined) return this.#scalar(scalar, memberTraits, traits);
    const name = this.#names.get(id) ?? id;
    if (type === "union" && "smithy.api#streaming" in traits) {
      return this.#table.scalar({ t: "blob", stream: true });
    }
    if (!this.#table.reserve(name)) return name;
    this.#table.set(name, this.#aggregate(id, type, shape, depth));
    return name;
  }

  #aggregate(id: string, type: string, shape: ModelRecord, depth: number): Shape {
    const traits = optionalRecord(shape["traits"], `${id}.traits`);
    const flat = "smithy.api#xmlFlattened" in traits ? ({ flat: true } as const) : {};
    switch (type) {
      case "list":
      case "set":
        return { t: "list", e: this.#member(shape["member"], `${id}.member`, depth), ...flat };
      case "map":
        return {
          t: "map",
          k: this.#member(shape["key"], `${id}.key`, depth),
          v: this.#member(shape["value"], `${id}.value`, depth),
          ...flat,
        };
      case "structure":
      case "union":
        return this.#structure(id, type, shape, depth);
      default:
        throw invalid(id, `has the type '${type}', which no value can have`);
    }
  }

  #structure(id: string, type: string, shape: ModelRecord, depth: number): Shape {
    const m: Record<string, Member> = {};
    const required: string[] = [];
    let payload: string | undefined;
    for (const [key, value] of Object.entries(this.#members(shape, id, new Set()))) {
      const name = nameAt(key, `${id}.members`);
      const place = `${id}$${name}`;
      m[name] = this.#member(value, place, depth);
      const traits = optionalRecord(recordAt(value, place)["traits"], `${place}.traits`);
      if ("smithy.api#required" in traits) required.push(name);
      if ("smithy.api#httpPayload" in traits) payload = name;
    }
    return {
      t: "structure",
      m,
      ...(required.length === 0 ? {} : { req: required }),
      ...(payload === undefined ? {} : { payload }),
      ...(type === "union" ? { union: true } : {}),
    };
  }

  /** The members of its mixins come first. */
  #members(shape: ModelRecord, id: string, seen: Set<string>): ModelRecord {
    let members: ModelRecord = {};
    for (const mixin of targetsOf(shape["mixins"], `${id}.mixins`)) {
      if (seen.has(mixin)) continue;
      seen.add(mixin);
      if (seen.size > modelDepthMax) throw invalid(id, `has more than ${modelDepthMax} mixins`);
      members = { ...members, ...this.#members(this.#shape(mixin, id), mixin, seen) };
    }
    return { ...members, ...optionalRecord(shape["members"], `${id}.members`) };
  }

  #scalar(type: ScalarShape["t"], memberTraits: ModelRecord, traits: ModelRecord): string {
    const has = (name: string) => name in memberTraits || name in traits;
    const scalar: ScalarShape = { t: type };
    const format =
      memberTraits["smithy.api#timestampFormat"] ?? traits["smithy.api#timestampFormat"];
    if (typeof format === "string" && Object.hasOwn(timestampFormats, format)) {
      const known = timestampFormats[format];
      if (known !== undefined) scalar.f = known;
    }
    if (has("smithy.api#sensitive")) scalar.sensitive = true;
    if (type === "blob" && has("smithy.api#streaming")) scalar.stream = true;
    if (type === "string" && traits["smithy.api#mediaType"] === "application/json") {
      scalar.json = true;
    }
    return this.#table.scalar(scalar);
  }

  #empty(): string {
    if (this.#table.reserve("Unit")) this.#table.set("Unit", { t: "structure", m: {} });
    return "Unit";
  }

  #shape(id: string, place: string): ModelRecord {
    if (!Object.hasOwn(this.#shapes, id)) {
      throw invalid(place, `names the shape '${id}', which is not there`);
    }
    return recordAt(this.#shapes[id], `shapes.${id}`);
  }
}

/** Traits that stand apart from their shapes (`apply`) are put where they belong. */
function withAppliedTraits(shapes: ModelRecord): ModelRecord {
  const merged: ModelRecord = {};
  const applied: [string, ModelRecord][] = [];
  for (const [id, value] of Object.entries(shapes)) {
    if (!/^[A-Za-z_][\w.]*#[A-Za-z_]\w*(?:\$[A-Za-z_]\w*)?$/.test(id)) {
      throw invalid("shapes", `'${id.slice(0, 128)}' is no absolute shape id`);
    }
    const shape = recordAt(value, `shapes.${id}`);
    const traits = optionalRecord(shape["traits"], `${id}.traits`);
    if (shape["type"] === "apply") applied.push([id, traits]);
    else merged[id] = shape;
  }
  for (const [id, traits] of applied) {
    const [shapeId = "", memberName] = id.split("$");
    const shape = recordAt(merged[shapeId], `shapes.${id} (apply): shapes.${shapeId}`);
    if (memberName === undefined) {
      merged[shapeId] = withTraits(shape, traits);
      continue;
    }
    const isMember = ["member", "key", "value"].includes(memberName) && memberName in shape;
    if (isMember) {
      const member = recordAt(shape[memberName], id);
      merged[shapeId] = { ...shape, [memberName]: withTraits(member, traits) };
    } else {
      const members = recordAt(shape["members"], `${shapeId}.members`);
      const member = recordAt(members[memberName], id);
      merged[shapeId] = {
        ...shape,
        members: { ...members, [memberName]: withTraits(member, traits) },
      };
    }
  }
  return merged;
}

function withTraits(holder: ModelRecord, traits: ModelRecord): ModelRecord {
  return { ...holder, traits: { ...optionalRecord(holder["traits"], "traits"), ...traits } };
}

/** Undefined: the traits do not say. */
function isUnsigned(traits: ModelRecord): boolean | undefined {
  if ("smithy.api#optionalAuth" in traits) return true;
  const schemes = traits["smithy.api#auth"];
  return schemes === undefined ? undefined : listAt(schemes, "smithy.api#auth").length === 0;
}

function placeOf(traits: ModelRecord, place: string): Partial<Pick<Member, "loc" | "n">> {
  if ("smithy.api#httpLabel" in traits) return { loc: "uri" };
  if ("smithy.api#httpResponseCode" in traits) return { loc: "status" };
  if ("smithy.api#httpQueryParams" in traits) return { loc: "query" };
  const at = (name: string) => textAt(traits[`smithy.api#${name}`], `${place} ${name}`);
  if ("smithy.api#httpQuery" in traits) return { loc: "query", n: at("httpQuery") };
  if ("smithy.api#httpHeader" in traits) return { loc: "header", n: at("httpHeader") };
  if ("smithy.api#httpPrefixHeaders" in traits) {
    return { loc: "headers", n: at("httpPrefixHeaders") };
  }
  return {};
}

function targetOf(value: unknown, place: string): string {
  return textAt(recordAt(value, place)["target"], `${place}.target`);
}

function targetsOf(value: unknown, place: string): string[] {
  if (value === undefined) return [];
  return listAt(value, place).map((each) => targetOf(each, place));
}

function textOr(value: unknown, otherwise: string): string {
  return typeof value === "string" && value !== "" ? value : otherwise;
}
