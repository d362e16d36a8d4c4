// A call that is over, as plain data: all that its event is made of, on this thread or on another.
import type { JsonObject } from "../event/json.ts";
import type { WireHead } from "./call-head.ts";
import type { LargeBodyFindings } from "./large-body.ts";

export interface FinishedCall extends LargeBodyFindings {
  head: WireHead;
  /** The client's connection, as it was when the call came in. */
  client: { address: string; tls?: JsonObject };
  /** What is set on the upstream for calls that do not say it; empty where none is configured for the service. */
  upstream: { region?: string | undefined; accountId?: string | undefined };
  arrivedMs: number;
  completedMs: number;
  /** Left out: too large, or it never came whole. */
  requestBody?: Buffer | undefined;
  /** Left out: the upstream did not begin an answer. */
  response?: FinishedResponse | undefined;
  /** What went wrong on our hop, or what we refused. */
  failure?: { code: string; message: string } | undefined;
  /** What the caller was told, where the answer was not the upstream's. */
  requestId?: string | undefined;
}

export interface FinishedResponse {
  status: number;
  /** Names and values in turn, as received. */
  rawHeaders: readonly string[];
  /** Left out: too large, or it never came whole. */
  body?: Buffer | undefined;
}
