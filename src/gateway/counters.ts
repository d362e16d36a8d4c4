// What the gateway counts, for /metrics and for its tests.

export interface Counters {
  /** Requests that came in, but for upgrades. */
  requests: number;
  /** Calls whose event has been handed over (best-effort) or is durable (strict). */
  recorded: number;
  /** Forwarded without an event: no service or operation of the catalog fits. */
  unrecognised: number;
  /** Forwarded without an event, because the service's documents say that such calls are not recorded. */
  notRecorded: number;
  /** Events that could not be taken: the buffer was full, or the journal refused (strict). */
  dropped: number;
  /** Calls that the upstream could not be reached for, or whose answer broke off. */
  failedHops: number;
  /** Calls that the gateway refused: unknown keys by setting, bad signatures in re-sign mode, two operations named. */
  refused: number;
  /** Connections that were passed on as upgrades (WebSocket), unrecorded. */
  upgrades: number;
  /** Requests that are not HTTP. */
  malformed: number;
  /** Failures of our own while a call was being recorded. */
  recordingErrors: number;
}

export function zeroCounters(): Counters {
  return {
    requests: 0,
    recorded: 0,
    unrecognised: 0,
    notRecorded: 0,
    dropped: 0,
    failedHops: 0,
    refused: 0,
    upgrades: 0,
    malformed: 0,
    recordingErrors: 0,
  };
}
