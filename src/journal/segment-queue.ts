// The queue of sealed segments between the one writer and the one reader of a journal.
import type { Segment } from "./journal.ts";

/** Sealed, unreleased segments in `seq` order, and the reader that waits for the next one. */
export class SegmentQueue<S extends Segment> {
  #segments: S[] = [];
  readonly #wakes = new Set<() => void>();
  readonly #onAwaited: () => void;
  #readers = 0;
  #ended = false;

  /** `onAwaited`: a reader has taken all there is and waits for more. */
  constructor(onAwaited: () => void = () => undefined) {
    this.#onAwaited = onAwaited;
  }

  /** A reader is about: it has a segment in hand and will come for the next one. */
  get isReaderBusy(): boolean {
    return this.#readers > this.#wakes.size;
  }

  push(segment: S): void {
    this.#segments.push(segment);
    this.#wakeReaders();
  }

  /** The segment as this queue knows it, unless it was released. */
  find(firstSeq: bigint): S | undefined {
    return this.#segments.find((each) => each.firstSeq === firstSeq);
  }

  remove(segment: S): void {
    this.#segments = this.#segments.filter((each) => each !== segment);
  }

  get all(): readonly S[] {
    return this.#segments;
  }

  /** Readers end; what is still here is for the next start. */
  end(): void {
    this.#ended = true;
    this.#wakeReaders();
  }

  /** From the oldest unreleased segment on; a second reader starts there again. */
  async *read(signal: AbortSignal): AsyncGenerator<S> {
    let behind = 0n;
    this.#readers += 1;
    try {
      while (!this.#ended && !signal.aborted) {
        const next = this.#segments.find((each) => each.firstSeq > behind);
        if (next === undefined) {
          await this.#changed(signal);
          continue;
        }
        behind = next.lastSeq;
        yield next;
      }
    } finally {
      this.#readers -= 1;
    }
  }

  #wakeReaders(): void {
    for (const wake of this.#wakes) wake();
  }

  #changed(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const wake = () => {
        signal.removeEventListener("abort", wake);
        this.#wakes.delete(wake);
        resolve();
      };
      this.#wakes.add(wake);
      signal.addEventListener("abort", wake, { once: true });
      this.#onAwaited();
    });
  }
}
