// Events whose callers wait: what is recorded while one append is under way goes into the next one together.
import { CairnError } from "../base/errors.ts";
import { ingestWaitingBytesMax } from "../base/limits.ts";
import { type EventColumns, RowWriter } from "../event/row.ts";
import type { Journal } from "../journal/journal.ts";

interface Waiting {
  resolve(): void;
  reject(error: unknown): void;
}

export class RecordGroup {
  readonly #journal: Journal;
  readonly #writer = new RowWriter(64 * 1024);
  #waiting: Waiting[] = [];
  #running: Promise<void> | undefined;

  constructor(journal: Journal) {
    this.#journal = journal;
  }

  /** Resolves when the event is durable; rejects with the journal's reason when it is not. */
  add(columns: EventColumns, raw: Buffer): Promise<void> {
    if (this.#writer.byteLength + raw.length > ingestWaitingBytesMax) {
      const message = `${this.#writer.byteLength} bytes of events already wait for the journal`;
      return Promise.reject(new CairnError("Unavailable", message));
    }
    this.#writer.write(columns, raw);
    return new Promise((resolve, reject) => {
      this.#waiting.push({ resolve, reject });
      this.#running ??= this.#run();
    });
  }

  /** Resolves when nobody waits any more. */
  async settled(): Promise<void> {
    await this.#running;
  }

  async #run(): Promise<void> {
    // Not at once: what is recorded in one turn of the loop shares an append.
    await Promise.resolve();
    while (this.#waiting.length > 0) {
      const waiting = this.#waiting;
      this.#waiting = [];
      try {
        await this.#journal.append(this.#writer.take());
        for (const each of waiting) each.resolve();
      } catch (error) {
        for (const each of waiting) each.reject(error);
      }
    }
    this.#running = undefined;
  }
}
