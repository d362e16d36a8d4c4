// The watermark: how far the log is in the store, and who waits for it to get further.
import { CairnError } from "../base/errors.ts";

interface Waiter {
  seq: bigint;
  resolve: () => void;
  reject: (reason: Error) => void;
}

export class Watermark {
  #seq: bigint;
  #waiters = new Set<Waiter>();
  #closed = false;

  constructor(seq = 0n) {
    this.#seq = seq;
  }

  get seq(): bigint {
    return this.#seq;
  }

  /** Moves forward only; wakes whoever waited for a place that is now reached. */
  advance(seq: bigint): void {
    if (seq <= this.#seq) return;
    this.#seq = seq;
    for (const waiter of this.#waiters) if (waiter.seq <= seq) waiter.resolve();
  }

  async reached(seq: bigint, signal?: AbortSignal): Promise<void> {
    signal?.throwIfAborted();
    if (seq <= this.#seq) return;
    if (this.#closed) throw closedError();
    await new Promise<void>((resolve, reject) => {
      const leave = () => {
        this.#waiters.delete(waiter);
        signal?.removeEventListener("abort", onAbort);
      };
      const waiter: Waiter = {
        seq,
        resolve: () => (leave(), resolve()),
        reject: (reason) => (leave(), reject(reason)),
      };
      const onAbort = () => waiter.reject(signal?.reason as Error);
      this.#waiters.add(waiter);
      signal?.addEventListener("abort", onAbort, { once: true });
    });
  }

  /** Nobody is left waiting for a store that will not move again. */
  close(): void {
    this.#closed = true;
    for (const waiter of this.#waiters) waiter.reject(closedError());
  }
}

export function closedError(): CairnError {
  return new CairnError("StoreUnavailable", "the store is closed");
}
