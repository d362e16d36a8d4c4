// XML answers of the awsQuery protocol: written from the model, escaped, nothing else.
import type { Service } from "../../catalog/service.ts";
import { isJsonObject, type JsonObject, type JsonValue } from "../../event/json.ts";

/** `<Operation>Response` with its result and the request id, as STS, IAM and SNS write it. */
export function queryAnswer(
  service: Service,
  operationName: string,
  output: JsonObject,
  requestId: string,
): string {
  const operation = service.operations[operationName];
  const members = xmlValue(service, operation?.out, output);
  const wrapper = operation?.wrapper;
  const result = wrapper === undefined ? members : `<${wrapper}>${members}</${wrapper}>`;
  const name = `${operationName}Response`;
  return `<${name} xmlns="${namespaceOf(service)}">${result}<ResponseMetadata><RequestId>${requestId}</RequestId></ResponseMetadata></${name}>`;
}

export function queryError(
  service: Service | undefined,
  failure: { name: string; message: string; isSender: boolean },
  requestId: string,
): string {
  const space = service === undefined ? "" : ` xmlns="${namespaceOf(service)}"`;
  const type = failure.isSender ? "Sender" : "Receiver";
  return `<ErrorResponse${space}><Error><Type>${type}</Type><Code>${escapeXml(failure.name)}</Code><Message>${escapeXml(failure.message)}</Message></Error><RequestId>${requestId}</RequestId></ErrorResponse>`;
}

export function s3Error(failure: { name: string; message: string }, requestId: string): string {
  return `<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>${escapeXml(failure.name)}</Code><Message>${escapeXml(failure.message)}</Message><RequestId>${requestId}</RequestId></Error>`;
}

/** `https://sts.amazonaws.com/doc/2011-06-15/`, as the services' models have it. */
function namespaceOf(service: Service): string {
  return `https://${service.eventSource}/doc/${service.apiVersion}/`;
}

function xmlValue(service: Service, shapeName: string | undefined, value: JsonValue): string {
  const shape = shapeName === undefined ? undefined : service.shapes[shapeName];
  if (shape?.t === "structure" && isJsonObject(value)) {
    let text = "";
    // In the order that the operation gives them: STS writes Arn before UserId, its model the other way round.
    for (const [name, given] of Object.entries(value)) {
      const member = shape.m[name];
      if (member === undefined || given === null) continue;
      const element = member.n ?? name;
      text += `<${element}>${xmlValue(service, member.s, given)}</${element}>`;
    }
    return text;
  }
  if (shape?.t === "list" && Array.isArray(value)) {
    const element = shape.e.n ?? "member";
    return value
      .map((each) => `<${element}>${xmlValue(service, shape.e.s, each)}</${element}>`)
      .join("");
  }
  if (shape?.t === "map" && isJsonObject(value)) {
    const { k, v } = shape;
    const entry = (key: string, each: JsonValue) =>
      `<entry><${k.n ?? "key"}>${escapeXml(key)}</${k.n ?? "key"}><${v.n ?? "value"}>${xmlValue(service, v.s, each)}</${v.n ?? "value"}></entry>`;
    return Object.entries(value)
      .map(([key, each]) => entry(key, each))
      .join("");
  }
  return escapeXml(typeof value === "string" ? value : JSON.stringify(value));
}

/** Characters that XML 1.0 cannot hold at all become the replacement character. */
export function escapeXml(text: string): string {
  return text
    .replace(/[^\t\n\r\u0020-\uD7FF\uE000-\uFFFD\u{10000}-\u{10FFFF}]/gu, "\uFFFD")
    .replace(/[&<>"'\r]/g, (found) => `&#${found.charCodeAt(0)};`);
}
