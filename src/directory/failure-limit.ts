// How often somebody may guess: so many failures in five minutes, and then nothing is believed until these have passed.
//
// In memory: a restart forgives, and whoever can restart the server need not guess.
import type { Clock } from "../base/clock.ts";
import { CairnError } from "../base/errors.ts";

/** Of a password or a one-time code: what people get wrong. */
export const typedFailuresMax = 5;
/** Of a signature: what a client with an old secret gets wrong by itself, and no more. */
export const signatureFailuresMax = 100;
const windowMs = 5 * 60 * 1000;
/** Names whose failures are remembered: the oldest go first. */
const namesMax = 10_000;

export class FailureLimit {
  readonly #clock: Clock;
  readonly #failuresMax: number;
  readonly #failures = new Map<string, { count: number; sinceMs: number }>();

  constructor(clock: Clock, failuresMax = typedFailuresMax) {
    this.#clock = clock;
    this.#failuresMax = failuresMax;
  }

  /** Counts a try before it is made, so that tries at the same time count too. Throws Throttled when it is one too many. */
  begin(name: string): void {
    const refusal = this.refusal(name);
    if (refusal !== undefined) throw refusal;
    this.fail(name);
  }

  /** What is told when there were too many. */
  refusal(name: string): CairnError | undefined {
    const known = this.#fresh(name);
    if (known === undefined || known.count < this.#failuresMax) return undefined;
    return new CairnError("Throttled", "Too many failed attempts; try again in a few minutes.");
  }

  fail(name: string): void {
    const known = this.#fresh(name);
    this.#failures.delete(name);
    this.#failures.set(name, {
      count: (known?.count ?? 0) + 1,
      sinceMs: known?.sinceMs ?? this.#clock.monotonicMs(),
    });
    if (this.#failures.size <= namesMax) return;
    const oldest = this.#failures.keys().next();
    if (oldest.done !== true) this.#failures.delete(oldest.value);
  }

  /** It was right: what went before is forgotten. */
  succeed(name: string): void {
    this.#failures.delete(name);
  }

  #fresh(name: string): { count: number; sinceMs: number } | undefined {
    const known = this.#failures.get(name);
    const isFresh = known !== undefined && this.#clock.monotonicMs() - known.sinceMs < windowMs;
    return isFresh ? known : undefined;
  }
}
