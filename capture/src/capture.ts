// The capture itself: takes calls and events from the application, makes records of them, and hands them to delivery.
import { CairnClient } from "./cairn-client.ts";
import {
  type CredentialSource,
  defaultCredentials,
  type Environment,
  readProfile,
} from "./credentials.ts";
import { Delivery, type DeliveryCounts } from "./delivery.ts";
import {
  type CallOptions,
  callBack,
  cleanIdentity,
  describeCall,
  isSkipped,
  type ObservedCall,
} from "./describe.ts";
import { CaptureError, messageOf, type Report, safeReport, warningReport } from "./errors.ts";
import { readOpenApi } from "./openapi.ts";
import { type EventCategory, encodeEvent, type FreeEvent, type RecordDefaults } from "./record.ts";
import { cleanCopy, type HidesName, hiddenBy, type RedactOptions } from "./redact.ts";
import type { Credentials } from "./sign.ts";
import { Spool } from "./spool.ts";

export interface CaptureOptions {
  /** Cairn's address. Default: `CAIRN_URL`, or `http://127.0.0.1:4780`. */
  url?: string | URL | undefined;
  /** Default: the `AWS_*` variables, or else the profile in the shared credentials file. */
  credentials?: Credentials | (() => Promise<Credentials>) | undefined;
  /** Default: `AWS_REGION`, `AWS_DEFAULT_REGION`, the profile's region, or `us-east-1`. */
  region?: string | undefined;
  /** The events' source, e.g. `orders.example.com`. Default: `CAIRN_SERVICE`, or the npm package's name and `.internal`. */
  service?: string | undefined;
  /** Default: `CAIRN_ACCOUNT_ID`, the profile's `aws_account_id`, or Cairn's own default account. */
  accountId?: string | undefined;
  /** `strict` holds each response until its event is durable, and answers 503 when it cannot be. */
  mode?: "best-effort" | "strict" | undefined;
  /** Strict mode: durable in Cairn, or in the spool on this machine's disk. Default: `cairn`. */
  strict?: "cairn" | "spool" | undefined;
  /** Strict mode: how long a response waits for its event. */
  strictTimeoutMs?: number | undefined;
  /** Where events wait on disk while Cairn is away. Without it they wait in memory only. */
  spool?:
    | { folder: string; bytesMax?: number | undefined; fileBytesMax?: number | undefined }
    | undefined;
  /** What memory may hold. */
  buffer?: { eventsMax?: number | undefined; bytesMax?: number | undefined } | undefined;
  /** What one request to Cairn may hold. */
  batch?: { eventsMax?: number | undefined; bytesMax?: number | undefined } | undefined;
  flushIntervalMs?: number | undefined;
  /** The pause after a failure, doubled with each one. */
  retry?: { delayMsMin?: number | undefined; delayMsMax?: number | undefined } | undefined;
  /** How long one request to Cairn may take. */
  timeoutMs?: number | undefined;
  /** Default: true, unless Cairn is on this machine. */
  gzip?: boolean | undefined;
  /** The API's OpenAPI 3 document, or the path of its JSON file: event names are its operation ids. */
  openapi?: object | string | undefined;
  redact?: (RedactOptions & { event?: ((event: FreeEvent) => FreeEvent) | undefined }) | undefined;
  /** Default: `Management`. */
  eventCategory?: EventCategory | undefined;
  identifyTimeoutMs?: number | undefined;
  /** Told of every failure. Default: a process warning, at most one of a kind a minute. */
  onError?: ((error: CaptureError) => void) | undefined;
  /** Default: the process's own. */
  environment?: Environment | undefined;
}

export interface CaptureCounters extends DeliveryCounts {
  /** Events taken from the application. */
  captured: number;
  /** Events that could not be written as a record. */
  invalid: number;
  /** Strict mode: requests answered with 503. */
  refused: number;
  /** In memory now. */
  bufferedEvents: number;
  bufferedBytes: number;
  /** On disk now, in the whole spool folder. */
  spoolBytes: number;
}

export interface Capture {
  readonly mode: "best-effort" | "strict";
  readonly counters: Readonly<CaptureCounters>;
  /**
   * Records an event of the application's own. Best effort: resolves at once and never rejects. Strict: resolves when the
   * event is durable, and rejects with a CaptureError when it is not in time.
   */
  record(event: FreeEvent): Promise<void>;
  /** Records an HTTP call that has ended; what the adapters use, and adapters of other frameworks can. As `record`. */
  observe<Request>(call: ObservedCall<Request>, options?: CallOptions<Request>): Promise<void>;
  /** What an adapter does with a call that is about to run. Strict mode refuses while events cannot become durable. */
  admit<Request>(request: Request, options?: CallOptions<Request>): "record" | "skip" | "refuse";
  /** Tells `onError`; never throws. */
  report(error: CaptureError): void;
  /** Counts a call that was answered with 503 because its event is not durable. */
  countRefused(): void;
  /** Resolves to true when everything captured so far is in Cairn, to false when that took longer. */
  flush(options?: { timeoutMs?: number }): Promise<boolean>;
  /** Delivers within the bound and stops; what is left goes to the spool. Without one it is lost, and reported. */
  close(options?: { timeoutMs?: number }): Promise<void>;
}

const mib = 1024 * 1024;
/** Where `cairn start` listens, and the account it makes, when nobody says otherwise. */
const defaultUrl = "http://127.0.0.1:4780";
const defaultAccountId = "111122223333";

/** Throws a TypeError for options that cannot work, at the application's start and never later. */
export function createCapture(options: CaptureOptions = {}): Capture {
  const environment = options.environment ?? process.env;
  const report = safeReport(options.onError ?? warningReport());
  const profile = readProfile(environment);
  const region =
    options.region ||
    environment["AWS_REGION"] ||
    environment["AWS_DEFAULT_REGION"] ||
    profile["region"] ||
    "us-east-1";
  const defaults: RecordDefaults = {
    service: options.service || environment["CAIRN_SERVICE"] || defaultService(environment),
    accountId:
      options.accountId ||
      environment["CAIRN_ACCOUNT_ID"] ||
      profile["aws_account_id"] ||
      defaultAccountId,
    region,
    eventCategory: options.eventCategory ?? "Management",
  };
  const mode = options.mode ?? "best-effort";
  const strict = mode === "strict" ? (options.strict ?? "cairn") : undefined;
  checkOptions(options, defaults, strict);
  const url = urlOf(options.url || environment["CAIRN_URL"] || defaultUrl);
  // Read before anything is started that would have to be stopped again.
  const findOperation = options.openapi === undefined ? undefined : readOpenApi(options.openapi);
  const timeoutMs = options.timeoutMs ?? 10_000;
  const client = new CairnClient({
    url,
    credentials: credentialsOf(options.credentials, environment),
    region,
    gzip: options.gzip ?? !isLoopback(url),
    timeoutMs,
  });
  const spool =
    options.spool &&
    new Spool({
      folder: options.spool.folder,
      bytesMax: options.spool.bytesMax ?? 1024 * mib,
      fileBytesMax: options.spool.fileBytesMax,
      report,
    });
  const delivery = new Delivery({
    post: (lines, signal) => client.post(lines, signal),
    spool,
    buffer: {
      eventsMax: options.buffer?.eventsMax ?? 10_000,
      bytesMax: options.buffer?.bytesMax ?? 16 * mib,
    },
    batch: {
      eventsMax: options.batch?.eventsMax ?? 500,
      bytesMax: options.batch?.bytesMax ?? mib,
    },
    flushIntervalMs: options.flushIntervalMs ?? 500,
    retry: {
      delayMsMin: options.retry?.delayMsMin ?? 200,
      delayMsMax: options.retry?.delayMsMax ?? 30_000,
    },
    strict,
    strictTimeoutMs: options.strictTimeoutMs ?? 5_000,
    report,
  });
  return new RunningCapture({
    mode,
    defaults,
    client,
    delivery,
    spool,
    report,
    hides: hiddenBy(options.redact),
    redactEvent: options.redact?.event,
    findOperation,
    identifyTimeoutMs: options.identifyTimeoutMs ?? 2_000,
  });
}

interface Parts {
  mode: "best-effort" | "strict";
  defaults: RecordDefaults;
  client: CairnClient;
  delivery: Delivery;
  spool: Spool | undefined;
  report: Report;
  hides: HidesName;
  redactEvent: ((event: FreeEvent) => FreeEvent) | undefined;
  findOperation: ReturnType<typeof readOpenApi> | undefined;
  identifyTimeoutMs: number;
}

class RunningCapture implements Capture {
  readonly mode: "best-effort" | "strict";
  readonly #parts: Parts;
  #captured = 0;
  #invalid = 0;
  #refused = 0;
  #closing: Promise<void> | undefined;
  #isClosed = false;
  /** Calls whose caller is still being identified. */
  readonly #describing = new Set<Promise<unknown>>();
  /** A script that ends by itself still delivers what it recorded. */
  readonly #beforeExit = () => void this.flush();

  constructor(parts: Parts) {
    this.mode = parts.mode;
    this.#parts = parts;
    process.once("beforeExit", this.#beforeExit);
  }

  get counters(): Readonly<CaptureCounters> {
    const { delivery, spool } = this.#parts;
    return {
      captured: this.#captured,
      ...delivery.counts,
      invalid: this.#invalid,
      refused: this.#refused,
      bufferedEvents: delivery.heldEvents,
      bufferedBytes: delivery.heldBytes,
      spoolBytes: spool?.bytes ?? 0,
    };
  }

  async record(event: FreeEvent): Promise<void> {
    await this.#take(() => this.#cleaned(event));
  }

  async observe<Request>(
    call: ObservedCall<Request>,
    options: CallOptions<Request> = {},
  ): Promise<void> {
    const describing = describeCall(call, options, this.#parts);
    this.#describing.add(describing);
    try {
      const event = await describing;
      if (event !== undefined) await this.#take(() => event);
    } catch (error) {
      if (this.mode === "strict") throw error;
      this.report(asCaptureError(error));
    } finally {
      this.#describing.delete(describing);
    }
  }

  admit<Request>(
    request: Request,
    options: CallOptions<Request> = {},
  ): "record" | "skip" | "refuse" {
    const { report } = this.#parts;
    if (isSkipped(options, request, report)) return "skip";
    if (this.mode === "strict" && !this.#parts.delivery.isAvailable) {
      this.#refused += 1;
      return "refuse";
    }
    callBack("identify", report, () => options.identify?.begin?.(request));
    return "record";
  }

  report(error: CaptureError): void {
    this.#parts.report(error);
  }

  countRefused(): void {
    this.#refused += 1;
  }

  async flush(options: { timeoutMs?: number } = {}): Promise<boolean> {
    await Promise.allSettled(this.#describing);
    return this.#parts.delivery.flush(options.timeoutMs ?? 10_000);
  }

  close(options: { timeoutMs?: number } = {}): Promise<void> {
    this.#closing ??= this.#close(options.timeoutMs ?? 5_000);
    return this.#closing;
  }

  async #close(timeoutMs: number): Promise<void> {
    process.removeListener("beforeExit", this.#beforeExit);
    const startedMs = Date.now();
    await Promise.allSettled(this.#describing);
    this.#isClosed = true;
    await this.#parts.delivery.close(Math.max(0, timeoutMs - (Date.now() - startedMs)));
    this.#parts.client.close();
  }

  /** The one way in. Best effort: whatever happens, nothing is thrown. */
  async #take(make: () => FreeEvent): Promise<void> {
    try {
      if (this.#isClosed) {
        throw new CaptureError("Closed", "an event came after close()");
      }
      const event = this.#encode(make);
      this.#captured += 1;
      if (this.mode === "strict") await this.#parts.delivery.offerAndWait(event);
      else this.#parts.delivery.offer(event);
    } catch (error) {
      const reported = asCaptureError(error);
      if (reported.code === "InvalidEvent") this.#invalid += 1;
      this.report(reported);
      if (this.mode === "strict") throw reported;
    }
  }

  #encode(make: () => FreeEvent) {
    try {
      const event = make();
      return encodeEvent(this.#parts.redactEvent?.(event) ?? event, this.#parts.defaults);
    } catch (cause) {
      if (cause instanceof CaptureError) throw cause;
      throw new CaptureError("InvalidEvent", `an event is no record: ${messageOf(cause)}`, {
        cause,
      });
    }
  }

  #cleaned(event: FreeEvent): FreeEvent {
    if (typeof event.eventName !== "string" || event.eventName === "") {
      throw new CaptureError("InvalidEvent", "an event needs an eventName");
    }
    const clean = <T>(value: T): T => cleanCopy(value, this.#parts.hides) as T;
    return {
      ...event,
      userIdentity: event.userIdentity && cleanIdentity(event.userIdentity, this.#parts.hides),
      requestParameters: clean(event.requestParameters),
      responseElements: clean(event.responseElements),
      additionalEventData: clean(event.additionalEventData),
    };
  }
}

function asCaptureError(error: unknown): CaptureError {
  if (error instanceof CaptureError) return error;
  return new CaptureError("InvalidEvent", messageOf(error), { cause: error });
}

function credentialsOf(
  given: CaptureOptions["credentials"],
  environment: Environment,
): CredentialSource {
  if (given === undefined) return defaultCredentials(environment);
  return typeof given === "function" ? given : () => Promise.resolve(given);
}

/** `.internal` is the top-level domain that belongs to nobody outside. */
function defaultService(environment: Environment): string {
  const name = environment["npm_package_name"]?.replace(/^@[^/]*\//, "") || "application";
  return `${name.replaceAll(/[^a-z0-9.-]/gi, "-").toLowerCase()}.internal`;
}

function urlOf(text: string | URL): URL {
  if (!URL.canParse(text.toString())) {
    throw new TypeError(`url ${text.toString()} is no URL such as ${defaultUrl}`);
  }
  const url = new URL(text);
  if (url.protocol !== "http:" && url.protocol !== "https:") {
    throw new TypeError(`url ${url.href} is neither http nor https`);
  }
  return url;
}

function isLoopback(url: URL): boolean {
  return /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])$/.test(url.hostname);
}

/** All mistakes at once. */
function checkOptions(
  options: CaptureOptions,
  defaults: RecordDefaults,
  strict: "cairn" | "spool" | undefined,
): void {
  const mistakes: string[] = [];
  if (!/^\d{12}$/.test(defaults.accountId)) {
    mistakes.push(`accountId ${defaults.accountId} has not 12 digits`);
  }
  if (!/^[\w.-]+\.[\w-]+$/.test(defaults.service)) {
    mistakes.push(`service ${defaults.service} is no name such as orders.example.com`);
  }
  if (strict === "spool" && options.spool === undefined) {
    mistakes.push('strict: "spool" needs spool: { folder }');
  }
  for (const [name, value] of [
    ["flushIntervalMs", options.flushIntervalMs],
    ["strictTimeoutMs", options.strictTimeoutMs],
    ["timeoutMs", options.timeoutMs],
    ["identifyTimeoutMs", options.identifyTimeoutMs],
    ["buffer.eventsMax", options.buffer?.eventsMax],
    ["buffer.bytesMax", options.buffer?.bytesMax],
    ["batch.eventsMax", options.batch?.eventsMax],
    ["batch.bytesMax", options.batch?.bytesMax],
    ["spool.bytesMax", options.spool?.bytesMax],
    ["spool.fileBytesMax", options.spool?.fileBytesMax],
    ["retry.delayMsMin", options.retry?.delayMsMin],
    ["retry.delayMsMax", options.retry?.delayMsMax],
  ] as const) {
    if (value !== undefined && !(value > 0)) mistakes.push(`${name} ${value} is not above 0`);
  }
  if (mistakes.length > 0) throw new TypeError(`capture: ${mistakes.join("; ")}`);
}
