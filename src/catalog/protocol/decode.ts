// From the wire to the model's members, for every protocol. Nothing here throws: what cannot be read is absent.
import { isJsonObject, type JsonObject, type JsonValue } from "../../event/json.ts";
import type { ObservedCall } from "../call.ts";
import type { Operation, Protocol, Service, Shape, StructureShape } from "../service.ts";
import { readableBody } from "./bytes.ts";
import { readCbor } from "./cbor.ts";
import { type Fault, faultOf, requestIdOf } from "./fault.ts";
import { fromForm } from "./form.ts";
import { fromJson, readJson } from "./json.ts";
import { fromRequestHead, fromResponseHead } from "./rest.ts";
import { isEmpty, shapeOf, structureOf } from "./shape.ts";
import { childElement, fromXml, readXml } from "./xml.ts";

export interface DecodedOutput {
  output?: JsonObject;
  error?: Fault;
  requestId?: string;
}

/**
 * The request's parameters by member name. Numbers, strings and times stand as on the wire, text from labels, query,
 * headers, forms and XML in the model's type; blobs are base64. Undefined: there are none, or none could be read.
 */
export function decodeInput(
  service: Service,
  operation: Operation,
  labels: Readonly<Record<string, string>>,
  call: ObservedCall,
  protocol: Protocol = service.protocol,
): JsonObject | undefined {
  const shape = structureOf(service, operation.in);
  const isRest = protocol === "rest-json" || protocol === "rest-xml";
  const head = isRest && shape !== undefined ? fromRequestHead(service, shape, labels, call) : {};
  const body = readableBody(call.headers, call.body);
  const read = guarded(() => {
    switch (protocol) {
      case "query":
      case "ec2": {
        if (shape === undefined) return undefined;
        const form = [call.query, body?.toString("utf8") ?? ""].filter((part) => part !== "");
        return fromForm(service, shape, form.join("&"), protocol === "ec2" ? "ec2" : "query");
      }
      case "json1.0":
      case "json1.1":
      case "rest-json":
      case "rest-xml":
      case "rpc-v2-cbor":
        return fromBody(service, shape, body, protocol);
    }
  });
  const input = { ...read, ...head };
  return isEmpty(input) ? undefined : input;
}

export function decodeOutput(
  service: Service,
  operation: Operation,
  call: ObservedCall,
  protocol: Protocol = service.protocol,
): DecodedOutput {
  const told = decodeVerdict(call, protocol);
  const { response } = call;
  if (response === undefined || told.error !== undefined) return told;
  const body = readableBody(response.headers, response.body);
  const shape = structureOf(service, operation.out);
  const isRest = protocol === "rest-json" || protocol === "rest-xml";
  const head =
    isRest && shape !== undefined ? fromResponseHead(service, shape, response.headers) : {};
  const read = guarded(() =>
    protocol === "query" || protocol === "ec2"
      ? fromXmlAnswer(service, operation, shape, body)
      : fromBody(service, shape, body, protocol),
  );
  const output = { ...read, ...head };
  return isEmpty(output) ? told : { ...told, output };
}

/** Only whether the call went well, and its id: for answers whose content is not shown, which may be long. */
export function decodeVerdict(
  call: ObservedCall,
  protocol: Protocol,
): Pick<DecodedOutput, "error" | "requestId"> {
  const { response } = call;
  if (response === undefined) return {};
  const read = (): Buffer | undefined => readableBody(response.headers, response.body);
  const requestId = requestIdOf(protocol, response.headers, read);
  const error = faultOf(protocol, response.status, response.headers, read);
  return {
    ...(requestId === undefined ? {} : { requestId }),
    ...(error === undefined ? {} : { error }),
  };
}

function guarded(read: () => JsonObject | undefined): JsonObject | undefined {
  try {
    return read();
  } catch {
    // A body that is not what its protocol says is described as absent; the call itself is still described.
    return undefined;
  }
}

function fromBody(
  service: Service,
  shape: StructureShape | undefined,
  body: Buffer | undefined,
  protocol: Protocol,
): JsonObject | undefined {
  if (body === undefined || body.length === 0) return undefined;
  const payload = shape?.payload;
  const member = payload === undefined ? undefined : shape?.m[payload];
  if (payload !== undefined && member !== undefined) {
    const payloadShape = shapeOf(service, member.s);
    switch (payloadShape.t) {
      case "blob":
        return undefined;
      case "string":
        return { [payload]: body.toString("utf8") };
      case "boolean":
      case "document":
      case "double":
      case "float":
      case "integer":
      case "list":
      case "long":
      case "map":
      case "structure":
      case "timestamp": {
        const value =
          protocol === "rest-xml"
            ? rootFromXml(service, payloadShape, body)
            : fromJson(service, payloadShape, readJson(body));
        return value === undefined ? undefined : { [payload]: value };
      }
    }
  }
  // A body without a model is still what the caller said: the profile decides whether it is shown.
  const whole = shape ?? { t: "structure" as const, m: {} };
  if (protocol === "rest-xml") {
    return asObject(rootFromXml(service, whole, body));
  }
  const value = protocol === "rpc-v2-cbor" ? readCbor(body) : readJson(body);
  return asObject(fromJson(service, whole, isJsonObject(value) ? value : {}));
}

function rootFromXml(service: Service, shape: Shape, body: Buffer): JsonValue | undefined {
  const document = readXml(body);
  return document === undefined ? undefined : fromXml(service, shape, document.root);
}

function fromXmlAnswer(
  service: Service,
  operation: Operation,
  shape: StructureShape | undefined,
  body: Buffer | undefined,
): JsonObject | undefined {
  if (shape === undefined || body === undefined || body.length === 0) return undefined;
  const root = readXml(body)?.root;
  const found =
    operation.wrapper === undefined ? root : (childElement(root, operation.wrapper) ?? root);
  return found === undefined ? undefined : asObject(fromXml(service, shape, found));
}

function asObject(value: JsonValue | undefined): JsonObject | undefined {
  return isJsonObject(value) ? value : undefined;
}
