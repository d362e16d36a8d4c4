// Finds which service and operation a request means, before anyone is believed.
//
// The service in the signature's scope decides; then the protocol that the service's model speaks says where the
// operation's name stands. A request that cannot be placed still gets a route, so that its refusal is written in a
// form that its client reads.
import { CairnError } from "../base/errors.ts";
import type { Operation, Service } from "../catalog/service.ts";
import { parseSignature } from "../signature/parse-signature.ts";
import type { ErrorFamily } from "./errors.ts";
import type { AwsRequest } from "./request.ts";

export interface Route {
  family: ErrorFamily;
  service?: Service;
  operationName?: string;
  operation?: Operation;
  /** Why it leads nowhere; said only to a caller who has proved who it is. */
  problem?: CairnError;
}

export function routeRequest(request: AwsRequest, services: readonly Service[]): Route {
  const signature = parseSignature(request);
  if (signature === undefined || signature instanceof CairnError) {
    return unsignedRoute(request, services) ?? { family: guessFamily(request) };
  }
  const { signingName } = signature;
  const service = services.find(
    (each) =>
      each.signingName === signingName || each.signingAliases?.includes(signingName) === true,
  );
  if (service === undefined) {
    const problem = new CairnError(
      "UnknownOperation",
      `Cairn does not answer for the service '${signingName.slice(0, 64)}'. It answers for ${services.map((each) => each.signingName).join(", ")}.`,
    );
    return { family: signingName === "s3" ? "s3" : guessFamily(request), problem };
  }
  const family = service.protocol === "query" ? "query" : "json";
  const name = operationNameOf(request, service);
  const operation = Object.hasOwn(service.operations, name) ? service.operations[name] : undefined;
  if (operation !== undefined) return { family, service, operationName: name, operation };
  return { family, service, problem: unknownOperation(request, service, name) };
}

/** An awsQuery operation that needs no signature: its name and the version of its API say which it is. */
function unsignedRoute(request: AwsRequest, services: readonly Service[]): Route | undefined {
  const parameters = queryParameters(request);
  const operationName = parameters.get("Action") ?? "";
  const version = parameters.get("Version");
  for (const service of services) {
    if (service.protocol !== "query" || service.apiVersion !== version) continue;
    const operation = Object.hasOwn(service.operations, operationName)
      ? service.operations[operationName]
      : undefined;
    if (operation?.unsigned === true) {
      return { family: "query", service, operationName, operation };
    }
  }
  return undefined;
}

function guessFamily(request: AwsRequest): ErrorFamily {
  if (request.headers["x-amz-target"] !== undefined) return "json";
  const isForm = request.headers["content-type"]?.startsWith("application/x-www-form-urlencoded");
  return isForm === true || /(?:^|&)Action=/.test(request.query) ? "query" : "json";
}

function operationNameOf(request: AwsRequest, service: Service): string {
  switch (service.protocol) {
    case "json1.0":
    case "json1.1": {
      // SDKs disagree about what stands before the last dot.
      const target = request.headers["x-amz-target"] ?? "";
      return target.slice(target.lastIndexOf(".") + 1);
    }
    case "query":
    case "ec2":
      return queryParameters(request).get("Action") ?? "";
    case "rest-json":
    case "rest-xml":
    case "rpc-v2-cbor":
      return (
        Object.entries(service.operations).find(
          ([, operation]) =>
            (operation.method ?? "POST") === request.method && pathMatches(operation, request.path),
        )?.[0] ?? ""
      );
  }
}

function pathMatches(operation: Operation, path: string): boolean {
  const pattern = (operation.path ?? "/").split("?")[0] ?? "/";
  const wanted = pattern.split("/");
  const given = path.split("/");
  const isGreedy = wanted.at(-1)?.endsWith("+}") === true;
  if (isGreedy ? given.length < wanted.length : given.length !== wanted.length) return false;
  return wanted.every((part, index) => part.startsWith("{") || part === given[index]);
}

/** Query and form together: awsQuery clients send either. */
export function queryParameters(request: AwsRequest): URLSearchParams {
  const isForm = request.headers["content-type"]?.startsWith("application/x-www-form-urlencoded");
  const form = isForm === true ? request.body.toString("utf8") : "";
  return new URLSearchParams([request.query, form].filter((part) => part !== "").join("&"));
}

function unknownOperation(request: AwsRequest, service: Service, name: string): CairnError {
  const shown = name.slice(0, 128);
  if (service.protocol === "query") {
    const version = queryParameters(request).get("Version")?.slice(0, 32) ?? "NONE";
    return new CairnError(
      "UnknownOperation",
      shown === ""
        ? "The request must contain the parameter Action."
        : `Could not find operation ${shown} for version ${version}`,
    );
  }
  if (shown !== "") {
    return new CairnError(
      "UnknownOperation",
      `The service ${service.id} has no operation '${shown}'.`,
    );
  }
  const isRpc = service.protocol === "json1.0" || service.protocol === "json1.1";
  return new CairnError(
    "UnknownOperation",
    isRpc
      ? "The request has no X-Amz-Target header that names an operation."
      : `The service ${service.id} has no operation at ${request.method} ${request.path.slice(0, 256)}.`,
  );
}
