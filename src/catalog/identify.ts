// What a request's own words say: which operation of a service it names, in which protocol.
import type { RequestHead } from "./call.ts";
import type { RecognisedCall } from "./describe.ts";
import { bucketOfHost, isDirectoryBucketHost } from "./host-name.ts";
import type { RestMatch, RestRoutes, RouteFit } from "./rest-routes.ts";
import type { Operation, Protocol, Service } from "./service.ts";

export interface Identified extends RecognisedCall {
  /** REST only: how well the route explains the request. */
  fit?: RouteFit;
}

export interface TargetHeader {
  /** What stands before the last dot; SDKs differ in how much that is. */
  prefix: string;
  operationName: string;
}

/** X-Amz-Target is cut at its last dot. */
export function targetOf(head: RequestHead): TargetHeader | undefined {
  const target = head.headers["x-amz-target"];
  const dot = target?.lastIndexOf(".") ?? -1;
  if (target === undefined || dot < 1) return undefined;
  return { prefix: target.slice(0, dot), operationName: target.slice(dot + 1) };
}

/** Smithy RPC v2: `/service/{Name}/operation/{Operation}`, perhaps below a path of the endpoint's own. */
export function rpcTargetOf(head: RequestHead): TargetHeader | undefined {
  if (head.headers["smithy-protocol"] !== "rpc-v2-cbor") return undefined;
  const match = /\/service\/([^/]+)\/operation\/([^/]+)$/.exec(head.path);
  if (match?.[1] === undefined || match[2] === undefined) return undefined;
  const prefix = match[1].slice(match[1].lastIndexOf(".") + 1);
  return { prefix, operationName: match[2] };
}

/** awsQuery and ec2: `Action` or `Version`, in the query string or in the form that is the body. */
export function formValue(
  head: RequestHead,
  body: Buffer | undefined,
  name: "Action" | "Version",
): string | undefined {
  return valueIn(head.query, name) ?? (isForm(head) ? valueIn(body?.toString(), name) : undefined);
}

/** Finds one member without reading the others; a form can be long. */
function valueIn(form: string | undefined, name: string): string | undefined {
  if (form === undefined || form === "") return undefined;
  for (let at = 0; at <= form.length; ) {
    const end = form.indexOf("&", at) === -1 ? form.length : form.indexOf("&", at);
    const equals = form.indexOf("=", at);
    if (equals !== -1 && equals < end) {
      const key = form.slice(at, equals);
      if (key === name || (key.includes("%") && unescaped(key) === name)) {
        return unescaped(form.slice(equals + 1, end));
      }
    }
    at = end + 1;
  }
  return undefined;
}

function unescaped(text: string): string {
  return new URLSearchParams(`v=${text}`).get("v") ?? text;
}

function isForm(head: RequestHead): boolean {
  return /^application\/x-www-form-urlencoded\b/i.test(head.headers["content-type"] ?? "");
}

/** Which operation of this service the request is; undefined: none that the model knows. */
export function operationOf(
  service: Service,
  routes: () => RestRoutes,
  head: RequestHead,
  body: Buffer | undefined,
): Identified | undefined {
  const protocols = [service.protocol, ...(service.otherProtocols ?? [])];
  const rpc = rpcTargetOf(head);
  if (rpc !== undefined && service.targetPrefixes !== undefined) {
    return named(service, rpc.operationName, "rpc-v2-cbor");
  }
  const target = targetOf(head);
  const json = protocols.find((each) => each === "json1.0" || each === "json1.1");
  if (target !== undefined && json !== undefined) {
    return named(service, target.operationName, jsonProtocol(head) ?? json);
  }
  const form = protocols.find((each) => each === "query" || each === "ec2");
  if (form !== undefined) {
    const action = formValue(head, body, "Action");
    return action === undefined ? undefined : named(service, action, form);
  }
  if (service.protocol !== "rest-json" && service.protocol !== "rest-xml") return undefined;
  const match = restMatch(service, routes(), head);
  if (match === undefined) return undefined;
  const found = named(service, match.name, service.protocol, match.labels);
  if (found === undefined) return undefined;
  const operation = match.isFormer
    ? (found.operation.formerly ?? found.operation)
    : found.operation;
  return { ...found, operation, fit: match.fit };
}

function restMatch(service: Service, routes: RestRoutes, head: RequestHead): RestMatch | undefined {
  if (service.id === "s3") return s3Match(routes, head);
  if (service.id === "apigatewaymanagementapi") {
    // The endpoint's own path, the stage, stands before.
    const at = head.path.indexOf("/@connections/");
    return at === -1 ? undefined : routes.match(head, head.path.slice(at));
  }
  return routes.match(head);
}

function s3Match(routes: RestRoutes, head: RequestHead): RestMatch | undefined {
  const bucket = bucketOfHost(head.headers["host"]);
  const path = bucket === undefined ? head.path : `/${encodeURIComponent(bucket)}${head.path}`;
  const match = routes.match(head, path);
  // Two operations with one address: the host tells them apart.
  return match?.name === "ListBuckets" && isDirectoryBucketHost(head.headers["host"])
    ? { ...match, name: "ListDirectoryBuckets" }
    : match;
}

function jsonProtocol(head: RequestHead): Protocol | undefined {
  const version = /^application\/x-amz-json-(1\.[01])\b/i.exec(head.headers["content-type"] ?? "");
  return version === null ? undefined : version[1] === "1.0" ? "json1.0" : "json1.1";
}

function named(
  service: Service,
  operationName: string,
  protocol: Protocol,
  labels: Readonly<Record<string, string>> = {},
): Identified | undefined {
  const operation: Operation | undefined = Object.hasOwn(service.operations, operationName)
    ? service.operations[operationName]
    : undefined;
  return operation === undefined
    ? undefined
    : { service, operationName, operation, labels, protocol };
}
