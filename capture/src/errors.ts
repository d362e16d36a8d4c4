// What can go wrong between an application and Cairn, each with a stable word.

export type CaptureErrorCode =
  /** `identify` threw or took too long: the event is recorded with an unknown caller. */
  | "IdentifyFailed"
  /** Another function of the application threw: what it was asked for is left out of the event. */
  | "CallbackFailed"
  /** An event could not be written as JSON, or is larger than an event may be. */
  | "InvalidEvent"
  /** Cairn did not take a batch now; it is tried again. */
  | "DeliveryFailed"
  /** Cairn looked at an event and refused it; it is not tried again. */
  | "EventRejected"
  /** There was no room left in memory and in the spool: the event is lost, and counted. */
  | "EventDropped"
  /** Strict mode: the event was not durable in time, so the request was answered with 503. */
  | "NotDurable"
  /** The spool folder could not be written or read. */
  | "SpoolFailed"
  | "SpoolFull"
  /** A line of a spool file is no event: it is left out of what is sent. */
  | "SpoolLineUnreadable"
  /** A record came after `close()`. */
  | "Closed";

export class CaptureError extends Error {
  readonly code: CaptureErrorCode;
  /** The event it is about, when it is about one. */
  readonly eventId: string | undefined;

  constructor(
    code: CaptureErrorCode,
    message: string,
    options?: { cause?: unknown; eventId?: string },
  ) {
    super(message, options?.cause === undefined ? undefined : { cause: options.cause });
    this.name = "CaptureError";
    this.code = code;
    this.eventId = options?.eventId;
  }
}

export type Report = (error: CaptureError) => void;

/** At most one warning of a kind in this time, so that an outage is no flood of warnings. */
const warningIntervalMs = 60_000;

/** Without `onError` a failure is a process warning: never silent, never thrown, never a flood. */
export function warningReport(): Report {
  const lastMs = new Map<CaptureErrorCode, number>();
  return (error) => {
    const nowMs = performance.now();
    if (nowMs - (lastMs.get(error.code) ?? -Infinity) < warningIntervalMs) return;
    lastMs.set(error.code, nowMs);
    process.emitWarning(error.message, { type: "CairnCaptureWarning", code: error.code });
  };
}

/** The application's own `onError` may throw too; that must not reach the request it was reporting on. */
export function safeReport(report: Report): Report {
  return (failure) => {
    try {
      const result: unknown = report(failure);
      // An `async` function fits the type as well; its rejection would end the process.
      if (isThenable(result)) result.then(undefined, () => undefined);
    } catch {
      // Whoever reports errors by throwing them has been told; there is nobody left to tell.
    }
  };
}

export function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof (value as { then?: unknown } | null | undefined)?.then === "function";
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
