// A bounded copy of a body that streams by: what the recorder reads afterwards.
import type { LargeBody, LargeBodyFindings } from "./large-body.ts";

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
  readonly #beginLarge: (() => LargeBody | undefined) | undefined;
  #chunks: Buffer[] | undefined = [];
  #held = 0;
  #large: LargeBody | undefined;
  #ended = false;

  /** `beginLarge` is asked once, when the body turns out too large to keep: who wants to see it all the same? */
  constructor(budget: CaptureBudget, bytesMax: number, beginLarge?: () => LargeBody | undefined) {
    this.#budget = budget;
    this.#bytesMax = bytesMax;
    this.#beginLarge = beginLarge;
  }

  push(chunk: Buffer): void {
    if (this.#chunks === undefined) {
      this.#large?.push(chunk);
      return;
    }
    if (this.#held + chunk.length > this.#bytesMax || !this.#budget.take(chunk.length)) {
      this.#large = this.#beginLarge?.();
      for (const each of this.#chunks) this.#large?.push(each);
      this.#large?.push(chunk);
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

  /** Of a body too large to keep; empty where nobody wanted to see it. */
  largeBodyFindings(): LargeBodyFindings {
    return this.#large?.findings(this.#ended) ?? {};
  }

  release(): void {
    this.#budget.give(this.#held);
    this.#held = 0;
    this.#chunks = undefined;
  }
}
