// A limit of requests per second for each account and region, as a bucket that refills.
import type { Clock } from "../base/clock.ts";

/** Buckets kept: an account may name any region, but only those asked within the last moments count. */
const bucketsMax = 10_000;

export class RateLimit {
  readonly #perSecond: number;
  readonly #clock: Clock;
  readonly #buckets = new Map<string, { tokens: number; atMs: number }>();

  /** `perSecond` 0: no limit. */
  constructor(options: { perSecond: number; clock: Clock }) {
    this.#perSecond = options.perSecond;
    this.#clock = options.clock;
  }

  /** True: go ahead, and it counts. */
  take(key: string): boolean {
    if (this.#perSecond <= 0) return true;
    const capacity = Math.max(1, this.#perSecond);
    const atMs = this.#clock.monotonicMs();
    const bucket = this.#buckets.get(key) ?? { tokens: capacity, atMs };
    const refilled = bucket.tokens + ((atMs - bucket.atMs) / 1000) * this.#perSecond;
    const tokens = Math.min(capacity, refilled);
    const isAllowed = tokens >= 1;
    this.#buckets.delete(key);
    this.#buckets.set(key, { tokens: isAllowed ? tokens - 1 : tokens, atMs });
    if (this.#buckets.size > bucketsMax) {
      const oldest = this.#buckets.keys().next();
      if (oldest.done !== true) this.#buckets.delete(oldest.value);
    }
    return isAllowed;
  }
}
