// The AWS door: one pipeline for every request that is signed for an AWS service.
//
//   route → authenticate → parse → validate → run → serialize      and then the call is itself recorded
//
// A step that fails throws a CairnError; the route says in which form its words go out.
import { assert } from "../base/assert.ts";
import type { Clock } from "../base/clock.ts";
import { CairnError, isCairnError } from "../base/errors.ts";
import { awsBodyBytesMax } from "../base/limits.ts";
import type { Log } from "../base/log.ts";
import type { Random } from "../base/random.ts";
import { regionOfHost } from "../catalog/host-name.ts";
import { structureOf } from "../catalog/protocol/shape.ts";
import type { Operation, Service } from "../catalog/service.ts";
import type { Authenticator, Examination } from "../directory/authenticate.ts";
import { requestKeys } from "../directory/condition-keys.ts";
import type { JsonObject } from "../event/json.ts";
import type { Ingest } from "../ingest/ingest.ts";
import { ChunkDecoder } from "../signature/chunk-decoder.ts";
import { wireFailure } from "./errors.ts";
import type { AnyOperationRow, CallRecord, Rooms, UnsignedCall } from "./operation.ts";
import { operationTable, servedServices } from "./operations.ts";
import { checkPermission } from "./permission.ts";
import { parseJsonInput } from "./protocol/parse-json.ts";
import { parseQueryInput } from "./protocol/parse-query.ts";
import { queryAnswer, queryError, s3Error } from "./protocol/xml.ts";
import { recordCall } from "./record-call.ts";
import type { AwsRequest, AwsResponse } from "./request.ts";
import { queryParameters, type Route, routeRequest } from "./route.ts";
import { checkPatterns, validateInput } from "./validate.ts";

/** The models, by catalog id. */
export interface ServiceModels {
  service(id: string): Service | undefined;
}

export interface AwsDoorOptions {
  catalog: ServiceModels;
  authenticator: Authenticator;
  rooms: Rooms;
  /** Of unsigned calls, which name none. */
  region: string;
  ingest: Pick<Ingest, "record">;
  clock: Clock;
  random: Random;
  log: Log;
  /** For tests of the table itself. */
  operations?: readonly AnyOperationRow[];
}

export interface AwsDoor {
  /** Never rejects: what goes wrong is in the answer, and in the log. */
  handle(request: AwsRequest): Promise<AwsResponse>;
  /** The answer to a request that could not even be read whole, e.g. RequestTooLarge. */
  refuse(request: AwsRequest, error: unknown): AwsResponse;
}

export function createAwsDoor(options: AwsDoorOptions): AwsDoor {
  const { catalog, authenticator, rooms, log, random } = options;
  const rows = options.operations ?? operationTable;
  const services = servedServices.map((id) => {
    const service = catalog.service(id);
    assert(service !== undefined, `the catalog has a model of ${id}`);
    return service;
  });
  checkTable(rows, services);

  async function answer(
    request: AwsRequest,
    route: Route,
    examination: Examination,
    requestId: string,
    record: CallRecord,
  ): Promise<AwsResponse> {
    const row = rows.find(
      (each) => each.service === route.service?.id && each.name === route.operationName,
    );
    if (!examination.ok && !isOpen(row, examination)) throw examination.error;
    if (route.problem !== undefined) throw route.problem;
    const { service, operationName = "", operation } = route;
    assert(service !== undefined && operation !== undefined, "a route without a problem leads on");
    if (row === undefined) throw notImplemented(service, operationName);
    const whole = examination.ok ? withoutChunks(request, examination) : request;
    const input = parseInput(service, operation, whole);
    validateInput(service, operation.in, input, row.violations);
    const context = contextOf(request, examination);
    if (examination.ok) {
      const { caller } = examination.authenticated;
      const asked = { caller, input, directory: rooms.directory };
      const action = actionOf(service, operationName);
      await checkPermission(row.permission, action, asked, context, rooms.authorizer);
    }
    const signedHeaders = examination.ok ? signedHeadersOf(request, examination) : {};
    const call = { input, context, signedHeaders, rooms, record };
    const output = await runRow(row, call, examination);
    return serialize(service, operationName, output, requestId);
  }

  function contextOf(request: AwsRequest, examination: Examination) {
    const region =
      examination.signature?.region ?? regionOfHost(request.headers["host"]) ?? options.region;
    return requestKeys({ ...request, region, nowMs: options.clock.nowMs() });
  }

  function refuse(request: AwsRequest, error: unknown): AwsResponse {
    return failure(routeRequest(request, services), error, random.uuid());
  }

  function failure(route: Route, error: unknown, requestId: string): AwsResponse {
    const told = wireFailure(error, route.family);
    // Not by the status: S3 says 501 to a caller who asks for what is not there.
    if (isCairnError(error) && error.kind === "caller") {
      log.debug({ code: error.code, requestId, ...error.detail }, error.message);
    } else log.error({ err: error, requestId }, "a request failed");
    return serializeError(route, told, requestId);
  }

  return {
    refuse,
    async handle(request) {
      const requestId = random.uuid();
      let route: Route = { family: "json" };
      let examination: Examination | undefined;
      let response: AwsResponse;
      const record: CallRecord = {};
      try {
        route = routeRequest(request, services);
        if (request.body.length > awsBodyBytesMax) {
          throw new CairnError(
            "RequestTooLarge",
            `the request body has ${request.body.length} bytes; at most ${awsBodyBytesMax} are allowed`,
          );
        }
        examination = await authenticator.examine(request, { body: request.body });
        response = await answer(request, route, examination, requestId, record);
      } catch (error) {
        response = failure(route, error, requestId);
      }
      const defaultRegion = regionOfHost(request.headers["host"]) ?? options.region;
      const sender = senderOf(examination, record, defaultRegion);
      if (sender !== undefined) {
        await recordCall({ request, response, requestId, route, record, ...sender }, options);
      }
      return response;
    },
  };
}

/** A row that nothing can serve, or a pattern that cannot be read, must not wait for its first caller. */
function checkTable(rows: readonly AnyOperationRow[], services: readonly Service[]): void {
  for (const row of rows) {
    const service = services.find((each) => each.id === row.service);
    assert(
      service !== undefined && Object.hasOwn(service.operations, row.name),
      `${row.service}:${row.name} of the operation table has a model`,
    );
    const isAskedFor = typeof row.permission === "function" || "run" in row;
    assert(
      row.permission !== undefined && (isAskedFor || row.permission === "asked by the operation"),
      `${row.service}:${row.name} says what its caller needs`,
    );
    const run = "run" in row ? row.run : row.runUnsigned;
    assert(typeof run === "function", `${row.service}:${row.name} has a function that runs it`);
    const twins = rows.filter((each) => each.service === row.service && each.name === row.name);
    assert(twins.length === 1, `${row.service}:${row.name} stands once in the operation table`);
    checkPatterns(service, service.operations[row.name]?.in);
  }
}

/** Nobody signed, and nobody must. */
function isOpen(
  row: AnyOperationRow | undefined,
  examination: Extract<Examination, { ok: false }>,
): boolean {
  const isUnsigned = examination.error.code === "MissingAuthenticationToken";
  return isUnsigned && row !== undefined && "runUnsigned" in row;
}

function runRow(
  row: AnyOperationRow,
  call: UnsignedCall,
  examination: Examination,
): Promise<JsonObject> {
  if ("runUnsigned" in row) return row.runUnsigned(call);
  assert(examination.ok, "an operation that needs a signature has one");
  return row.run({ ...call, authenticated: examination.authenticated });
}

/** Whose event the call is. Undefined: nobody's, because the request names no one that we know. */
function senderOf(
  examination: Examination | undefined,
  { caller: found, accountId: ownAccount }: CallRecord,
  defaultRegion: string,
) {
  if (found !== undefined && ownAccount !== undefined) {
    const region = examination?.signature?.region ?? defaultRegion;
    return { caller: found, region, accountId: ownAccount };
  }
  if (examination === undefined) return undefined;
  if (examination.ok) {
    const { caller, region } = examination.authenticated;
    return { caller, region, accountId: ownAccount ?? caller.accountId };
  }
  const { key, signature } = examination;
  if (key === undefined || signature === undefined) return undefined;
  const { accountId, accessKeyId } = key.caller;
  return { caller: { kind: "unknown", accessKeyId } as const, region: signature.region, accountId };
}

/** What somebody could have added on the way says nothing of the caller. */
function signedHeadersOf(
  { headers }: AwsRequest,
  { signature }: Extract<Examination, { ok: true }>,
): Record<string, string> {
  return Object.fromEntries(
    signature.signedHeaders.flatMap((name) => {
      const value = Object.hasOwn(headers, name) ? headers[name] : undefined;
      return value === undefined ? [] : [[name, value]];
    }),
  );
}

function withoutChunks(
  request: AwsRequest,
  { signature, signingKey }: Extract<Examination, { ok: true }>,
): AwsRequest {
  if (signature.payload.kind !== "chunks") return request;
  const decoder = new ChunkDecoder(signature, signingKey);
  const body = Buffer.concat(decoder.push(request.body));
  decoder.end();
  return { ...request, body };
}

function parseInput(service: Service, operation: Operation, request: AwsRequest): JsonObject {
  const shape = structureOf(service, operation.in);
  switch (service.protocol) {
    case "json1.0":
    case "json1.1":
      return parseJsonInput(service, shape, request.body);
    case "query":
      if (shape === undefined) return {};
      return parseQueryInput(service, shape, queryParameters(request).toString());
    case "ec2":
    case "rest-json":
    case "rest-xml":
    case "rpc-v2-cbor":
      throw notImplemented(service, "this protocol");
  }
}

/** `cloudtrail:LookupEvents` */
export function actionOf(service: Service, operationName: string): string {
  return `${service.iamPrefix ?? service.id}:${operationName}`;
}

function notImplemented(service: Service, operationName: string): CairnError {
  return new CairnError(
    "OperationNotImplemented",
    `Cairn does not implement ${actionOf(service, operationName)} yet. COMPAT.md lists what it does.`,
  );
}

function serialize(
  service: Service,
  operationName: string,
  output: JsonObject,
  requestId: string,
): AwsResponse {
  const headers = { "x-amzn-requestid": requestId };
  if (service.protocol === "query") {
    const body = queryAnswer(service, operationName, output, requestId);
    return { status: 200, headers: { ...headers, "content-type": "text/xml" }, body };
  }
  const body = JSON.stringify(output);
  return { status: 200, headers: { ...headers, "content-type": jsonType(service) }, body };
}

function serializeError(
  route: Route,
  failure: ReturnType<typeof wireFailure>,
  requestId: string,
): AwsResponse {
  const { status, name, message } = failure;
  const headers = { "x-amzn-requestid": requestId, "content-type": "text/xml" };
  if (route.family === "s3") {
    const s3Headers = { "x-amz-request-id": requestId, "content-type": "application/xml" };
    return { status, headers: s3Headers, body: s3Error(failure, requestId) };
  }
  if (route.family === "query") {
    return { status, headers, body: queryError(route.service, failure, requestId) };
  }
  return {
    status,
    headers: {
      ...headers,
      "content-type": jsonType(route.service),
      "x-amzn-errortype": name,
    },
    // `Message` is CloudTrail's own spelling, `message` that of most other services: clients read either.
    body: JSON.stringify({ __type: name, Message: message, message }),
  };
}

function jsonType(service: Service | undefined): string {
  if (service?.protocol === "json1.0") return "application/x-amz-json-1.0";
  return service?.protocol === "rest-json" ? "application/json" : "application/x-amz-json-1.1";
}
