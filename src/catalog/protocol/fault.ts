// Errors and request ids, in each protocol's form.
import { isJsonObject, type JsonObject, type JsonValue } from "../../event/json.ts";
import type { Protocol } from "../service.ts";
import { readCbor } from "./cbor.ts";
import { readJson } from "./json.ts";
import { own } from "./shape.ts";
import { childElement, childText, readXml, type XmlElement } from "./xml.ts";

type Headers = Readonly<Record<string, string>>;

export interface Fault {
  code: string;
  message: string;
}

/** What an answer without a readable error still says. */
const statusFaults: Record<number, string> = {
  400: "BadRequest",
  401: "Unauthorized",
  403: "AccessDenied",
  404: "NotFound",
  405: "MethodNotAllowed",
  409: "Conflict",
  412: "PreconditionFailed",
  413: "RequestEntityTooLarge",
  429: "ThrottlingException",
  500: "InternalFailure",
  503: "ServiceUnavailable",
};

/** Where XML protocols put their errors: awsQuery and restXml, S3, EC2, SimpleDB. */
const xmlErrorPaths = [["Error"], ["Errors", "Error"], ["Response", "Errors", "Error"]];

/** Undefined: the answer is no error. Never throws. */
export function faultOf(
  protocol: Protocol,
  status: number,
  headers: Headers,
  readBody: () => Buffer | undefined,
): Fault | undefined {
  if (status < 300) return undefined;
  const body = readBody();
  const told =
    protocol === "query" || protocol === "ec2" || protocol === "rest-xml"
      ? (xmlFault(body) ?? jsonFault(protocol, headers, body))
      : (jsonFault(protocol, headers, body) ?? xmlFault(body));
  if (told !== undefined) return told;
  // A redirect or "not modified" is an error only where the service says so.
  if (status < 400) return undefined;
  return { code: statusFaults[status] ?? `HTTP${status}`, message: "" };
}

function xmlFault(body: Buffer | undefined): Fault | undefined {
  const document = xmlDocument(body);
  if (document === undefined) return undefined;
  const { name, root } = document;
  const found =
    name === "Error"
      ? root
      : xmlErrorPaths.map((path) => childElement(root, ...path)).find((each) => each !== undefined);
  const code = childText(found, "Code") ?? childText(found, "code");
  if (code === undefined || code === "") return undefined;
  return { code, message: childText(found, "Message") ?? childText(found, "message") ?? "" };
}

function jsonFault(
  protocol: Protocol,
  headers: Headers,
  body: Buffer | undefined,
): Fault | undefined {
  const told = jsonDocument(protocol, body);
  // `Code;Sender`: the name that clients of the service's older protocol know.
  const queryError = own(headers, "x-amzn-query-error")?.split(";")[0];
  const named =
    queryError ||
    own(headers, "x-amzn-errortype") ||
    text(told, "__type") ||
    text(told, "code") ||
    text(told, "Code") ||
    text(told, "errorCode");
  if (named === undefined || named === "") return undefined;
  return {
    code: bareCode(named),
    message:
      text(told, "message") ??
      text(told, "Message") ??
      text(told, "errorMessage") ??
      own(headers, "x-amzn-error-message") ??
      "",
  };
}

/** `com.amazonaws.x#NotFound:http://…` is `NotFound`. */
function bareCode(named: string): string {
  const beforeColon = named.split(":")[0] ?? named;
  return (beforeColon.split("#").pop() ?? beforeColon).trim() || named;
}

function text(told: JsonObject | undefined, name: string): string | undefined {
  const value = own(told, name);
  return typeof value === "string" ? value : typeof value === "number" ? String(value) : undefined;
}

function jsonDocument(protocol: Protocol, body: Buffer | undefined): JsonObject | undefined {
  if (body === undefined || body.length === 0) return undefined;
  try {
    const told: JsonValue = protocol === "rpc-v2-cbor" ? readCbor(body) : readJson(body);
    return isJsonObject(told) ? told : undefined;
  } catch {
    // Not what the protocol promises: a proxy's page, or torn. The status still tells.
    return undefined;
  }
}

function xmlDocument(body: Buffer | undefined): { name: string; root: XmlElement } | undefined {
  if (body === undefined || body.length === 0) return undefined;
  try {
    return readXml(body);
  } catch {
    // As above.
    return undefined;
  }
}

const requestIdHeaders = ["x-amzn-requestid", "x-amz-request-id", "x-amzn-request-id"];

export function requestIdOf(
  protocol: Protocol,
  headers: Headers,
  readBody: () => Buffer | undefined,
): string | undefined {
  for (const name of requestIdHeaders) {
    const value = own(headers, name);
    if (value !== undefined && value !== "") return value;
  }
  if (protocol !== "query" && protocol !== "ec2" && protocol !== "rest-xml") return undefined;
  const root = xmlDocument(readBody())?.root;
  const id =
    childText(root, "ResponseMetadata", "RequestId") ??
    childText(root, "RequestId") ??
    childText(root, "RequestID") ??
    childText(root, "requestId") ??
    childText(root, "ResponseMetadata", "requestId");
  return id === "" ? undefined : id;
}
