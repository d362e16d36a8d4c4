// What an event says of one HTTP call: who, which operation, with what, and how it ended.
import { isIP } from "node:net";
import { withDeadline } from "./cairn-client.ts";
import { CaptureError, isThenable, messageOf, type Report } from "./errors.ts";
import {
  guessRoute,
  isReadMethod,
  nameOfRoute,
  pascalCase,
  routeParameters,
  unmatchedRouteName,
} from "./event-name.ts";
import type { FindOperation } from "./openapi.ts";
import {
  type EventCategory,
  type FreeEvent,
  type Identify,
  type Identity,
  type Resource,
  UnidentifiedError,
  unknownIdentity,
} from "./record.ts";
import { cleanCopy, type HidesName, scrub } from "./redact.ts";

/** How the call ended, as far as the capture has seen it. */
export interface CallOutcome {
  /** Undefined: the caller went away before there was an answer. */
  status: number | undefined;
  /** The parsed JSON body, where it was read: for errors, and where an option needs it. */
  body?: unknown;
}

/** One HTTP call, as an adapter of any framework can tell it. */
export interface ObservedCall<Request> {
  /** The framework's own request, for the application's functions. */
  request: Request;
  method: string;
  /** As sent: still percent-encoded, without the query. */
  path: string;
  /** As sent, without `?`. */
  query: string;
  /** The router's pattern, e.g. `/users/:id`; null: no route answers this path; undefined: there is no router. */
  route?: string | null | undefined;
  pathParameters?: Readonly<Record<string, unknown>> | undefined;
  /** The parsed JSON body, where the framework or the adapter has parsed it. */
  requestBody?: unknown;
  header: (name: string) => string | undefined;
  remoteAddress: string | undefined;
  outcome: CallOutcome;
  /** When it ended. */
  time: Date;
}

/** What one operation wants otherwise than the rest. */
export interface OperationOptions {
  readOnly?: boolean;
  requestBody?: boolean | readonly string[];
  responseElements?: boolean | readonly string[];
  eventCategory?: EventCategory;
  /** Not recorded at all. */
  skip?: boolean;
}

export interface CallOptions<Request> {
  /** Who calls: a function of yours, or one of `@cairn/capture/identify`. */
  identify?: Identify<Request> | undefined;
  /** Wins over the OpenAPI document and the route; undefined: these decide. */
  eventName?: string | ((request: Request) => string | undefined) | undefined;
  /** By event name. */
  operations?: Readonly<Record<string, OperationOptions>> | undefined;
  /** Members of the JSON request body to record: all, or the ones named. None by default. */
  requestBody?: boolean | readonly string[] | undefined;
  /** Members of a successful JSON response to record: all, or the ones named. None by default. */
  responseElements?: boolean | readonly string[] | undefined;
  resources?:
    | ((request: Request, response: CallOutcome) => readonly Resource[] | undefined)
    | undefined;
  additionalEventData?:
    | ((request: Request, response: CallOutcome) => object | undefined)
    | undefined;
  eventCategory?: EventCategory | undefined;
  /** Calls that are not recorded, e.g. health checks; asked before the call runs. */
  skip?: ((request: Request) => boolean) | undefined;
  /**
   * Proxies in front of the application that append to X-Forwarded-For; `true` is one. The address is counted from the
   * right end of the header, where the caller cannot write.
   */
  trustProxy?: boolean | number | undefined;
}

export interface Describing {
  findOperation: FindOperation | undefined;
  hides: HidesName;
  identifyTimeoutMs: number;
  report: Report;
}

/** Never rejects. Undefined: the call is not to be recorded. */
export async function describeCall<Request>(
  call: ObservedCall<Request>,
  options: CallOptions<Request>,
  describing: Describing,
): Promise<FreeEvent | undefined> {
  const operation = describing.findOperation?.(call.method, call.path);
  const eventName = eventNameOf(call, options, operation?.eventName, describing.report);
  const own = options.operations?.[eventName] ?? {};
  if (own.skip === true) return undefined;

  // Hidden values are collected from everything that was sent, shown or not: a message may repeat any of them.
  const hidden = new Set<string>();
  const clean = (value: unknown) => cleanCopy(value, describing.hides, hidden);
  const isUnmatched = eventName === unmatchedRouteName;
  const requestParameters = {
    ...chosen(clean(call.requestBody), own.requestBody ?? options.requestBody ?? false),
    ...(clean(queryMembers(call.query)) as object),
    ...(isUnmatched
      ? { method: call.method, path: call.path.slice(0, 1024) }
      : (clean(pathParametersOf(call, operation?.pathParameters)) as object)),
  };
  const { outcome } = call;
  const failed = outcome.status === undefined || outcome.status >= 400;
  const wantedElements = own.responseElements ?? options.responseElements ?? false;
  const responseElements = failed ? {} : chosen(clean(outcome.body), wantedElements);
  const additionalEventData = callBack("additionalEventData", describing.report, () =>
    options.additionalEventData?.(call.request, outcome),
  );
  const resources = callBack("resources", describing.report, () =>
    options.resources?.(call.request, outcome),
  );
  const error = failed ? errorOf(outcome) : undefined;
  return {
    eventName,
    userIdentity: await identityOf(call.request, options, describing),
    eventTime: call.time,
    sourceIPAddress: sourceAddress(call, options.trustProxy ?? false),
    userAgent: call.header("user-agent"),
    errorCode: error?.code,
    errorMessage: error?.message === undefined ? undefined : scrub(error.message, hidden),
    requestParameters: orNull(requestParameters),
    responseElements: orNull(responseElements),
    additionalEventData: additionalEventData && (clean(additionalEventData) as object),
    requestID: requestId(call.header("x-request-id")),
    readOnly: own.readOnly ?? operation?.readOnly ?? isReadMethod(call.method),
    resources: resources?.length === 0 ? undefined : resources,
    eventCategory: own.eventCategory ?? options.eventCategory,
  };
}

/** Whether an adapter has to read the response's body for these options. */
export function readsResponseBody<Request>(
  options: CallOptions<Request>,
  status: number | undefined,
): boolean {
  if (status === undefined || status >= 400) return true;
  return (
    (options.responseElements ?? false) !== false ||
    options.resources !== undefined ||
    options.additionalEventData !== undefined ||
    Object.values(options.operations ?? {}).some((own) => own.responseElements)
  );
}

/** Whether an adapter that has no parsed body at hand has to read the request's. */
export function readsRequestBody<Request>(options: CallOptions<Request>): boolean {
  return (
    (options.requestBody ?? false) !== false ||
    Object.values(options.operations ?? {}).some((own) => own.requestBody)
  );
}

/** True when the application says that this call is not recorded. */
export function isSkipped<Request>(
  options: CallOptions<Request>,
  request: Request,
  report: Report,
): boolean {
  return callBack("skip", report, () => options.skip?.(request)) === true;
}

function eventNameOf<Request>(
  call: ObservedCall<Request>,
  options: CallOptions<Request>,
  operationName: string | undefined,
  report: Report,
): string {
  const { eventName } = options;
  const given =
    typeof eventName === "function"
      ? callBack("eventName", report, () => eventName(call.request))
      : eventName;
  if (given) return given;
  if (operationName !== undefined) return operationName;
  if (call.route === null) return unmatchedRouteName;
  if (call.route !== undefined) return nameOfRoute(call.method, call.route);
  // Without a router only the answer tells whether there is such a path.
  if (call.outcome.status === 404) return unmatchedRouteName;
  return nameOfRoute(call.method, guessRoute(call.path));
}

async function identityOf<Request>(
  request: Request,
  options: CallOptions<Request>,
  { hides, identifyTimeoutMs, report }: Describing,
): Promise<Identity> {
  try {
    const asked = options.identify?.(request);
    const identity = isThenable(asked)
      ? await withDeadline(
          Promise.resolve(asked),
          identifyTimeoutMs,
          undefined,
          `identify took more than ${identifyTimeoutMs} ms`,
        )
      : asked;
    if (identity === undefined || identity === null) return unknownIdentity();
    return cleanIdentity(identity, hides);
  } catch (cause) {
    const message = `identify: ${messageOf(cause)}; the caller is recorded as unknown`;
    report(new CaptureError("IdentifyFailed", message, { cause }));
    return cause instanceof UnidentifiedError
      ? cleanIdentity(cause.identity, hides)
      : unknownIdentity();
  }
}

/** An application may hand over its whole user object; what is secret in it stays out. */
export function cleanIdentity(identity: Identity, hides: HidesName): Identity {
  // `credentialId` and `credentialsIssuedTo` are CloudTrail's own members, and name credentials without being any.
  const copy = cleanCopy(identity, (name) => !name.startsWith("credential") && hides(name));
  return { ...(copy as Identity) };
}

function pathParametersOf<Request>(
  call: ObservedCall<Request>,
  fromDocument: Record<string, string> | undefined,
): Readonly<Record<string, unknown>> {
  const known = call.pathParameters ?? {};
  if (Object.keys(known).length > 0) return known;
  return fromDocument ?? (call.route ? routeParameters(call.route, call.path) : {});
}

/** What a function of the application says. One that throws, or answers later, says nothing. */
export function callBack<T>(name: string, report: Report, run: () => T | undefined): T | undefined {
  const failed = (cause: unknown) => {
    report(new CaptureError("CallbackFailed", `${name}: ${messageOf(cause)}`, { cause }));
  };
  try {
    const value = run();
    if (!isThenable(value)) return value;
    failed(new Error("it answers with a promise, and is not waited for"));
    value.then(undefined, failed);
  } catch (cause) {
    failed(cause);
  }
  return undefined;
}

function chosen(value: unknown, members: boolean | readonly string[]): object {
  if (members === false || typeof value !== "object" || value === null) return {};
  // A list has no names of its own.
  if (Array.isArray(value)) return members === true ? { items: value } : {};
  if (members === true) return value;
  return Object.fromEntries(Object.entries(value).filter(([name]) => members.includes(name)));
}

function orNull(members: object): object | null {
  return Object.keys(members).length === 0 ? null : members;
}

function queryMembers(query: string): Record<string, unknown> {
  const members = Object.create(null) as Record<string, unknown>;
  for (const [name, value] of new URLSearchParams(query)) {
    const before = members[name];
    if (before === undefined) members[name] = value;
    else if (Array.isArray(before)) before.push(value);
    else members[name] = [before, value];
  }
  return members;
}

/** What AWS services answer in these cases. */
const codesByStatus: Record<number, string> = {
  400: "ValidationException",
  401: "UnauthorizedException",
  403: "AccessDenied",
  404: "ResourceNotFoundException",
  405: "MethodNotAllowedException",
  408: "RequestTimeoutException",
  409: "ConflictException",
  410: "ResourceNotFoundException",
  412: "PreconditionFailedException",
  413: "RequestEntityTooLargeException",
  415: "UnsupportedMediaTypeException",
  422: "ValidationException",
  429: "ThrottlingException",
  500: "InternalFailure",
  501: "NotImplementedException",
  503: "ServiceUnavailableException",
  504: "GatewayTimeoutException",
};

function errorOf(outcome: CallOutcome): { code: string; message?: string } {
  const { status } = outcome;
  if (status === undefined) {
    return { code: "RequestAborted", message: "The caller went away before the answer." };
  }
  const body = outcome.body as Record<string, unknown> | null | undefined;
  // `{error: {code, message}}` is as common as `{code, message}`.
  const nested = body?.["error"];
  const places = typeof nested === "object" && nested !== null ? [nested, body] : [body];
  return {
    code:
      firstText(places, ["__type", "code", "Code", "name"], codeOf) ??
      codesByStatus[status] ??
      (status >= 500 ? "InternalFailure" : "ClientError"),
    ...optional(
      "message",
      firstText(places, ["message", "Message", "detail", "error_description"], (text) => text) ??
        (typeof nested === "string" ? nested : undefined),
    ),
  };
}

/** `com.example#NotFound:http://…` is `NotFound`; a sentence or a number is no code. */
function codeOf(text: string): string | undefined {
  const word = text.replace(/^.*#/, "").replace(/:.*$/, "");
  if (!/^[A-Za-z][\w.-]*$/.test(word)) return undefined;
  return /[A-Z]/.test(word) && !/[.-]/.test(word) ? word : pascalCase(word);
}

function firstText(
  places: unknown[],
  names: string[],
  read: (text: string) => string | undefined,
): string | undefined {
  for (const place of places) {
    for (const name of names) {
      const value = (place as Record<string, unknown> | null | undefined)?.[name];
      const text = typeof value === "string" && value !== "" ? read(value) : undefined;
      if (text !== undefined) return text;
    }
  }
  return undefined;
}

function optional<K extends string, T>(name: K, value: T | undefined): { [key in K]?: T } {
  return (value === undefined ? {} : { [name]: value }) as { [key in K]?: T };
}

/** The caller's own id is kept when it looks like one; anything else gets an id of ours. */
function requestId(header: string | undefined): string | undefined {
  return header !== undefined && /^[\w.:/+=@-]{1,128}$/.test(header) ? header : undefined;
}

function sourceAddress<Request>(
  call: ObservedCall<Request>,
  trustProxy: boolean | number,
): string | undefined {
  const hops = Number(trustProxy);
  if (hops > 0) {
    const forwarded = call.header("x-forwarded-for")?.split(",") ?? [];
    const address =
      forwarded.length === 0 ? undefined : forwarded.at(-Math.min(hops, forwarded.length));
    const plain = plainAddress(address?.trim());
    if (plain !== undefined && isIP(plain) !== 0) return plain;
  }
  return plainAddress(call.remoteAddress);
}

/** Without port, brackets and the `::ffff:` of an IPv4 caller on an IPv6 socket. */
function plainAddress(address: string | undefined): string | undefined {
  if (address === undefined) return undefined;
  const bare =
    /^\[([^\]]+)\](?::\d+)?$/.exec(address)?.[1] ??
    /^([\d.]+):\d+$/.exec(address)?.[1] ??
    address.replace(/%.*$/, "");
  return bare.replace(/^::ffff:(?=\d+\.)/i, "");
}
