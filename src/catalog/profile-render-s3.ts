// S3's own form: `bucketName`, `key`, `Host`, the query and the amz headers by their own names, XML by its elements.
import { isJsonObject, type JsonObject, type JsonValue } from "../event/json.ts";
import type { ObservedCall } from "./call.ts";
import { put, shapeOf, wireName } from "./protocol/shape.ts";
import type { Operation, Service, Shape, StructureShape } from "./service.ts";

const xmlNamespace = "http://s3.amazonaws.com/doc/2006-03-01/";

/** Names that are not the wire's. */
const names: Record<string, string> = { Bucket: "bucketName", Key: "key", UploadId: "uploadId" };

export function renderS3Input(
  service: Service,
  operation: Operation,
  shape: StructureShape,
  input: JsonObject,
  call: ObservedCall,
): JsonObject {
  const shown: JsonObject = {};
  // The operation's own query flag: `?versioning` is shown as `versioning: ""`.
  const fixed = new URLSearchParams(operation.path?.split("?")[1] ?? "");
  for (const [name, value] of fixed) if (name !== "x-id") put(shown, name, value);
  for (const [name, value] of Object.entries(input)) {
    const member = Object.hasOwn(shape.m, name) ? shape.m[name] : undefined;
    if (member === undefined) continue;
    const wire = wireName(name, member);
    if (name === shape.payload)
      put(shown, ...payload(service, wire, shapeOf(service, member.s), value));
    else if (member.loc === "headers") putPrefixed(shown, wire, value);
    else if (member.loc !== "header") put(shown, names[name] ?? wire, text(value));
    // Headers of HTTP itself (Content-Type, Range, If-Match) are not parameters of the call.
    else if (wire.toLowerCase().startsWith("x-amz-")) put(shown, wire, text(value));
  }
  const host = call.headers["host"];
  if (host !== undefined) put(shown, "Host", host);
  return shown;
}

/** The answer's amz headers: encryption, version; bodies are never shown. */
export function renderS3Output(shape: StructureShape, output: JsonObject): JsonObject {
  const shown: JsonObject = {};
  for (const [name, value] of Object.entries(output)) {
    const member = Object.hasOwn(shape.m, name) ? shape.m[name] : undefined;
    if (member?.loc !== "header") continue;
    const wire = wireName(name, member);
    if (wire.toLowerCase().startsWith("x-amz-")) put(shown, wire, text(value));
  }
  return shown;
}

export function s3AdditionalData(call: ObservedCall): JsonObject {
  const isPresigned = /(?:^|&)X-Amz-Signature=/i.test(call.query);
  const isSigned = isPresigned || call.headers["authorization"] !== undefined;
  const id2 = call.response?.headers["x-amz-id-2"];
  return {
    ...(isSigned ? { SignatureVersion: "SigV4" } : {}),
    bytesTransferredIn: length(call.headers, call.body),
    ...(isSigned ? { AuthenticationMethod: isPresigned ? "QueryString" : "AuthHeader" } : {}),
    ...(id2 === undefined ? {} : { "x-amz-id-2": id2 }),
    bytesTransferredOut: length(call.response?.headers ?? {}, call.response?.body),
  };
}

function length(headers: Readonly<Record<string, string>>, body: Buffer | undefined): number {
  const decoded = headers["x-amz-decoded-content-length"] ?? headers["content-length"] ?? "";
  return /^\d{1,15}$/.test(decoded) ? Number(decoded) : (body?.length ?? 0);
}

function text(value: JsonValue): JsonValue {
  return typeof value === "number" || typeof value === "boolean" ? String(value) : value;
}

function putPrefixed(shown: JsonObject, prefix: string, value: JsonValue): void {
  if (!isJsonObject(value)) return;
  for (const [name, each] of Object.entries(value)) put(shown, `${prefix}${name}`, each);
}

function payload(
  service: Service,
  wire: string,
  shape: Shape,
  value: JsonValue,
): [string, JsonValue] {
  if (typeof value !== "string") {
    const elements = xmlElements(service, shape, value);
    return [wire, isJsonObject(elements) ? { xmlns: xmlNamespace, ...elements } : elements];
  }
  // The one text body is a bucket policy, and it is shown as the document that it is.
  try {
    return ["bucketPolicy", JSON.parse(value) as JsonValue];
  } catch {
    return ["bucketPolicy", value];
  }
}

function xmlElements(service: Service, shape: Shape, value: JsonValue): JsonValue {
  switch (shape.t) {
    case "structure": {
      if (!isJsonObject(value)) return value;
      const shown: JsonObject = {};
      for (const [name, each] of Object.entries(value)) {
        const member = Object.hasOwn(shape.m, name) ? shape.m[name] : undefined;
        if (member === undefined) continue;
        const inner = shapeOf(service, member.s);
        const isWrapped = inner.t === "list" && !(member.flat ?? inner.flat);
        const elements = xmlElements(service, inner, each);
        put(
          shown,
          wireName(name, member),
          isWrapped ? { [inner.e.n ?? "member"]: elements } : elements,
        );
      }
      return shown;
    }
    case "list": {
      if (!Array.isArray(value)) return value;
      const inner = shapeOf(service, shape.e.s);
      const elements = value.map((each) => xmlElements(service, inner, each));
      // XML cannot tell one element from a list of one, and neither can the real records.
      return elements.length === 1 ? (elements[0] ?? null) : elements;
    }
    case "blob":
    case "boolean":
    case "document":
    case "double":
    case "float":
    case "integer":
    case "long":
    case "map":
    case "string":
    case "timestamp":
      return value;
  }
}
