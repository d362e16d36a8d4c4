// How often somebody may guess: five failures in five minutes, and then nothing is believed until these have passed.
//
// In memory: a restart forgives, and whoever can restart the server need not guess.
import type { Clock } from "../base/clock.ts";
import { CairnError } from "../base/errors.ts";

const failuresMax = 5;
const windowMs = 5 * 60 * 1000;
/** Names whose failures are remembered: the oldest go first. */
const namesMax = 10_000;

export class FailureLimit {
  readonly #clock: Clock;
  readonly #failures = new Map<string, { count: number; sinceMs: number }>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Counts a try before it is made, so that tries at the same time count too. Throws Throttled when it is one too many. */
  begin(name: string): void {
    const nowMs = this.#clock.monotonicMs();
    const known = this.#failures.get(name);
    const isFresh = known !== undefined && nowMs - known.sinceMs < windowMs;
    if (isFresh && known.count >= failuresMax) {
      throw new CairnError("Throttled", "Too many failed attempts; try again in a few minutes.");
    }
    this.#failures.delete(name);
    this.#failures.set(name, {
      count: isFresh ? known.count + 1 : 1,
      sinceMs: isFresh ? known.sinceMs : nowMs,
    });
    if (this.#failures.size <= namesMax) return;
    const oldest = this.#failures.keys().next();
    if (oldest.done !== true) this.#failures.delete(oldest.value);
  }

  /** It was right: what went before is forgotten. */
  succeed(name: string): void {
    this.#failures.delete(name);
  }
}
