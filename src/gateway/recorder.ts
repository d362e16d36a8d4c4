// Turns a finished call into an event, after the caller has been answered.
//
// Nothing that fails here may reach the forwarding: `#eventOf` is the one place where exceptions of the catalog's
// readers end. A call whose parameters cannot be read is still recorded, without them.
import type { TLSSocket } from "node:tls";
import type { Clock, Timer } from "../base/clock.ts";
import type { Log } from "../base/log.ts";
import type { Random } from "../base/random.ts";
import type { DescribedCall, ObservedCall } from "../catalog/call.ts";
import type { describeCall, RecognisedCall } from "../catalog/describe.ts";
import type { Place } from "../catalog/profile-resources.ts";
import type { KeyForVerification } from "../directory/directory.ts";
import { eventBytes } from "../event/build.ts";
import type { JsonObject } from "../event/json.ts";
import { type Caller, userIdentity } from "../event/user-identity.ts";
import type { Ingest } from "../ingest/ingest.ts";
import type { GatewayError } from "./answer.ts";
import type { CallHead } from "./call-head.ts";
import type { Callers } from "./caller.ts";
import type { CatalogReader } from "./catalog-reader.ts";
import type { Counters } from "./counters.ts";
import { clientAddress } from "./headers.ts";
import type { Upstream } from "./upstream.ts";

export interface FinishedCall {
  head: CallHead;
  /** The client's connection, as it was when the call came in. */
  client: { address: string; tls?: JsonObject };
  /** Undefined: none is configured for the service. */
  upstream: Upstream | undefined;
  arrivedMs: number;
  completedMs: number;
  /** Undefined: too large, or it never came whole. */
  requestBody: Buffer | undefined;
  /** SHA-256 in hex; undefined when the body did not come whole. */
  bodyHash(): string | undefined;
  /** Undefined: the upstream did not begin an answer. */
  response: ObservedCall["response"] | undefined;
  /** What went wrong on our hop, or what we refused. */
  failure: GatewayError | undefined;
}

export interface RecorderOptions {
  catalog: CatalogReader;
  describe: typeof describeCall;
  callers: Callers;
  ingest: Pick<Ingest, "enqueue" | "record">;
  counters: Counters;
  clock: Clock;
  random: Random;
  log: Log;
  /** For calls that carry none. */
  region: string;
  accountId: string;
  trustProxy: boolean;
}

interface BuiltEvent {
  bytes: Buffer;
  ownerAccount: string;
}

export interface QueuedCall {
  head: CallHead;
  /** Asked when its turn has come. */
  finished: () => FinishedCall;
  /** Its copies of bodies may go. */
  done: () => void;
}

/** Calls of one batch: about a millisecond of work, which is what an answer may at worst wait. */
const batchCountMax = 32;
/** How long a call waits for others. A crash loses what waits here, on top of the ingest's own buffer. */
const batchDelayMs = 5;

export class Recorder {
  readonly #options: RecorderOptions;
  #queue: QueuedCall[] = [];
  #timer: Timer | undefined;
  /** Calls whose request has not come whole yet. */
  readonly #waiting = new Set<Promise<void>>();
  readonly #batches = new Set<Promise<void>>();

  constructor(options: RecorderOptions) {
    this.#options = options;
  }

  /**
   * When `ready` has resolved, and then later, with others: a batch of calls costs far less than each on its own between two answers, and no answer waits
   * for it. Never rejects.
   */
  recordSoon(call: QueuedCall, ready?: Promise<void>): void {
    if (ready !== undefined) {
      const waiting = ready.then(() => this.recordSoon(call));
      this.#waiting.add(waiting);
      void waiting.finally(() => this.#waiting.delete(waiting));
      return;
    }
    this.#queue.push(call);
    if (this.#queue.length >= batchCountMax) this.#beginBatch();
    else this.#timer ??= this.#options.clock.after(batchDelayMs, () => this.#beginBatch());
  }

  /** Resolves when the event is durable, or when there is none to write; else rejects. */
  async recordDurably(call: FinishedCall): Promise<void> {
    const event = this.#eventOf(call, await this.#keyOf(call.head));
    if (event === undefined) return;
    try {
      await this.#options.ingest.record(event.bytes, event.ownerAccount);
    } catch (error) {
      this.#options.counters.dropped++;
      throw error;
    }
    this.#options.counters.recorded++;
  }

  /** Waits until what has been queued is handed over. */
  async settled(): Promise<void> {
    while (this.#queue.length + this.#batches.size + this.#waiting.size > 0) {
      this.#beginBatch();
      await Promise.all([...this.#batches, ...this.#waiting]);
    }
  }

  #beginBatch(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    const queued = this.#queue;
    if (queued.length === 0) return;
    this.#queue = [];
    const batch = new Promise<void>((resolve) => {
      setImmediate(() => resolve(this.#recordAll(queued)));
    });
    this.#batches.add(batch);
    void batch.finally(() => this.#batches.delete(batch));
  }

  /** One call after the other, each in one go: what belongs to a call is in the processor's cache only once. */
  async #recordAll(queued: readonly QueuedCall[]): Promise<void> {
    for (const { head, finished, done } of queued) {
      this.#record(finished, await this.#keyOf(head));
      done();
    }
  }

  /** What goes wrong is logged and counted. */
  #record(finished: () => FinishedCall, key: KeyForVerification | undefined): void {
    const { counters, ingest, log } = this.#options;
    try {
      const event = this.#eventOf(finished(), key);
      if (event === undefined) return;
      if (ingest.enqueue(event.bytes, event.ownerAccount)) counters.recorded++;
      else counters.dropped++;
    } catch (error) {
      counters.recordingErrors++;
      log.error({ err: error }, "a call could not be recorded");
    }
  }

  /** Undefined also where the directory could not be asked: whoever it was, we cannot say. */
  async #keyOf(head: CallHead): Promise<KeyForVerification | undefined> {
    try {
      return await this.#options.callers.lookUp(head);
    } catch (error) {
      this.#options.counters.recordingErrors++;
      this.#options.log.error({ err: error }, "the caller of a call could not be looked up");
      return undefined;
    }
  }

  #eventOf(call: FinishedCall, key: KeyForVerification | undefined): BuiltEvent | undefined {
    const { callers, catalog, counters, describe, log } = this.#options;
    const requestHead = call.head.requestHead;
    let identified: RecognisedCall | undefined;
    try {
      identified = catalog.identify(requestHead, call.requestBody);
    } catch (error) {
      counters.recordingErrors++;
      log.error({ err: error }, "a call could not be identified");
    }
    if (identified === undefined) {
      counters.unrecognised++;
      return undefined;
    }
    const caller = callers.identify(
      call.head,
      key,
      (call.head.coversBody ? call.bodyHash() : undefined) ?? "unread",
      call.arrivedMs,
      call.requestBody,
    );
    const place = this.#placeOf(call, caller);
    let described: DescribedCall;
    try {
      const observed = {
        ...requestHead,
        ...(call.requestBody === undefined ? {} : { body: call.requestBody }),
        ...(call.response === undefined ? {} : { response: call.response }),
      };
      described = describe(identified, observed, place);
    } catch (error) {
      counters.recordingErrors++;
      log.error(
        { err: error, operation: identified.operationName },
        "a call could not be described; it is recorded without its parameters",
      );
      described = bareDescription(identified, call.response?.status);
    }
    if (!described.recorded) {
      counters.notRecorded++;
      return undefined;
    }
    return this.#build(call, caller, described, place);
  }

  /** A verified caller's account and the signature's region; else what is set on the upstream; else the defaults. */
  #placeOf(call: FinishedCall, caller: Caller): Place {
    const { region, accountId } = this.#options;
    const target = call.upstream?.target;
    return {
      region: call.head.claims.region ?? target?.region ?? region,
      accountId:
        caller.kind === "root" || caller.kind === "user"
          ? caller.accountId
          : (target?.accountId ?? accountId),
    };
  }

  #build(call: FinishedCall, caller: Caller, described: DescribedCall, place: Place): BuiltEvent {
    const { random, trustProxy } = this.#options;
    const { head, failure } = call;
    const bytes = eventBytes({
      eventTimeMs: call.completedMs,
      userIdentity: userIdentity(caller),
      eventSource: described.eventSource,
      eventName: described.eventName,
      awsRegion: place.region,
      sourceIPAddress: clientAddress(
        call.client.address,
        trustProxy ? head.headers["x-forwarded-for"] : undefined,
      ),
      userAgent: textOf(head.headers["user-agent"]),
      // What the upstream said comes first; our own failure is told where it said nothing.
      errorCode: described.errorCode ?? failure?.code,
      errorMessage: described.errorCode === undefined ? failure?.message : described.errorMessage,
      requestParameters: described.requestParameters,
      responseElements: described.responseElements,
      additionalEventData: described.additionalEventData,
      requestID: described.requestID ?? random.uuid(),
      eventID: random.uuid(),
      readOnly: described.readOnly,
      resources: described.resources,
      apiVersion: described.apiVersion,
      managementEvent: described.managementEvent,
      recipientAccountId: place.accountId,
      eventCategory: described.eventCategory,
      tlsDetails: call.client.tls,
    });
    return { bytes, ownerAccount: place.accountId };
  }
}

/** What is known of a call without reading its bodies. */
function bareDescription(identified: RecognisedCall, status: number | undefined): DescribedCall {
  const { service, operation, operationName } = identified;
  return {
    recorded: true,
    eventSource: service.eventSource,
    eventName: operationName,
    apiVersion: service.apiVersion,
    readOnly: operation.read === true,
    managementEvent: true,
    eventCategory: "Management",
    requestParameters: null,
    responseElements: null,
    ...(status !== undefined && status >= 400 ? { errorCode: String(status) } : {}),
  };
}

/** The members of `tlsDetails` that the connection shows. */
export function tlsDetails(socket: TLSSocket, host: string | undefined): JsonObject {
  return {
    tlsVersion: socket.getProtocol() ?? "",
    cipherSuite: socket.getCipher().standardName,
    ...(host === undefined ? {} : { clientProvidedHostHeader: host }),
  };
}

/** node:http gives a header as one character for each byte; where the bytes are UTF-8, that is what they mean. */
function textOf(header: string | undefined): string | undefined {
  if (header === undefined) return undefined;
  // oxlint-disable-next-line no-control-regex -- "is it all ASCII" is what is asked.
  if (/^[\x00-\x7f]*$/.test(header)) return header;
  const decoded = Buffer.from(header, "latin1").toString("utf8");
  return decoded.includes("\ufffd") ? header : decoded;
}
