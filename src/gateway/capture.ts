// A bounded copy of a body that streams by: what the recorder reads afterwards.
import { createHash, type Hash } from "node:crypto";
import type { CallHead } from "./call-head.ts";

/** Bytes that all exchanges together may hold: many slow calls at once must not fill the memory. */
export class CaptureBudget {
  #left: number;

  constructor(bytesMax: number) {
    this.#left = bytesMax;
  }

  take(count: number): boolean {
    if (count > this.#left) return false;
    this.#left -= count;
    return true;
  }

  give(count: number): void {
    this.#left += count;
  }
}

/** Keeps references to chunks, never copies: they are joined once, when and if somebody asks. */
export class BodyCapture {
  readonly #budget: CaptureBudget;
  readonly #bytesMax: number;
  readonly #head: Pick<CallHead, "coversBody"> | undefined;
  #chunks: Buffer[] | undefined = [];
  #held = 0;
  #hash: Hash | undefined;
  #ended = false;

  /** `head` is asked once, when the body turns out too large to keep: is its SHA-256 wanted all the same? */
  constructor(budget: CaptureBudget, bytesMax: number, head?: Pick<CallHead, "coversBody">) {
    this.#budget = budget;
    this.#bytesMax = bytesMax;
    this.#head = head;
  }

  push(chunk: Buffer): void {
    if (this.#chunks === undefined) {
      this.#hash?.update(chunk);
      return;
    }
    if (this.#held + chunk.length > this.#bytesMax || !this.#budget.take(chunk.length)) {
      if (this.#head?.coversBody === true) {
        this.#hash = createHash("sha256");
        for (const each of this.#chunks) this.#hash.update(each);
        this.#hash.update(chunk);
      }
      this.release();
      return;
    }
    this.#chunks.push(chunk);
    this.#held += chunk.length;
  }

  end(): void {
    this.#ended = true;
  }

  /** Undefined: too large, cut off, or given up. */
  body(): Buffer | undefined {
    if (this.#chunks === undefined || !this.#ended) return undefined;
    const first = this.#chunks[0];
    if (this.#chunks.length === 1 && first !== undefined) return first;
    const joined = Buffer.concat(this.#chunks, this.#held);
    this.#chunks = [joined];
    return joined;
  }

  /** SHA-256 in hex of a body too large to keep; undefined when it did not pass whole, or nobody asked for it. */
  largeBodyHash(): string | undefined {
    // A hash can be read once only; a copy keeps it readable.
    return this.#ended ? this.#hash?.copy().digest("hex") : undefined;
  }

  release(): void {
    this.#budget.give(this.#held);
    this.#held = 0;
    this.#chunks = undefined;
  }
}
