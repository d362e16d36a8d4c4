// What all exchanges of one gateway share.
import type { Clock } from "../base/clock.ts";
import type { Log } from "../base/log.ts";
import type { Random } from "../base/random.ts";
import type { Protocol } from "../catalog/service.ts";
import type { CallHead } from "./call-head.ts";
import type { Signer } from "./caller.ts";
import type { CaptureBudget } from "./capture.ts";
import type { Counters } from "./counters.ts";
import type { Recorder } from "./recorder.ts";
import type { HopTimeouts } from "./upstream.ts";

export interface Door {
  clock: Clock;
  random: Random;
  log: Log;
  counters: Counters;
  budget: CaptureBudget;
  timeouts: HopTimeouts;
  /** Undefined: recording is off. */
  recorder: Recorder | undefined;
  strict: boolean;
  /** Against what the call's signature is held, as far as the directory has said by now. */
  signerOf(head: CallHead): Signer | undefined;
  /** In which words the caller of such a request expects an error. */
  protocolOf(head: CallHead): Protocol;
}
