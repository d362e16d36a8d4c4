// The registry as the directory uses it: what a change reads it also guards, and what it writes it writes whole.
import { CairnError, isCairnError } from "../base/errors.ts";
import type { Change, Registry } from "../registry/registry.ts";

/** Tries of a change that another process's change overtook. */
const attemptsMax = 10;

/** One change being made: reads see its own writes, nothing is written before it ends well. */
export interface Draft {
  get<T extends object>(key: string): Promise<T | undefined>;
  /** What is committed now, without the draft's own writes; a later change of it is not noticed. */
  list<T extends object>(prefix: string): Promise<T[]>;
  /** Members that are undefined are left out. Guarded where the key was read before. */
  put(key: string, value: object): void;
  delete(key: string): void;
}

export class Documents {
  readonly #registry: Registry;
  #last: Promise<unknown> = Promise.resolve();
  #generation = 0;

  constructor(registry: Registry) {
    this.#registry = registry;
  }

  /** Grows with each change made here: what was read before it is not kept after it. */
  get generation(): number {
    return this.#generation;
  }

  async get<T extends object>(key: string): Promise<T | undefined> {
    return (await this.#registry.get<T>(key))?.value;
  }

  async list<T extends object>(prefix: string): Promise<T[]> {
    return (await this.#registry.list<T>(prefix)).map((entry) => entry.value);
  }

  /** With their keys; every document there is for the prefix "". */
  entries(prefix: string): Promise<{ key: string; value: object }[]> {
    return this.#registry.list<object>(prefix);
  }

  /** The last parts of the keys below a prefix. */
  async names(prefix: string): Promise<string[]> {
    return (await this.#registry.list(prefix)).map((entry) => entry.key.slice(prefix.length));
  }

  /** Runs what reads from a draft without changing anything. */
  read<T>(ask: (draft: Pick<Draft, "get">) => Promise<T>): Promise<T> {
    return ask({ get: (key) => this.get(key) });
  }

  /** Writes one document whatever is there, in no order with the changes: for what nobody decides by. */
  async note(key: string, value: object): Promise<void> {
    await this.#registry.commit([{ key, value }]);
  }

  /**
   * Durable when it resolves; nothing is changed when it rejects. Changes of this process are made one after the
   * other; one that another process overtakes is decided anew, so `decide` must do nothing but read and write.
   */
  change<T>(decide: (draft: Draft) => Promise<T>): Promise<T> {
    const made = this.#last.then(() => this.#attempt(decide));
    // The next change does not fail because this one did; this one's caller hears of it.
    this.#last = made.catch(() => undefined);
    return made;
  }

  async #attempt<T>(decide: (draft: Draft) => Promise<T>): Promise<T> {
    for (let left = attemptsMax; ; left--) {
      try {
        return await this.#once(decide);
      } catch (error) {
        if (left <= 1 || !isCairnError(error, "RegistryConflict")) throw error;
      }
    }
  }

  async #once<T>(decide: (draft: Draft) => Promise<T>): Promise<T> {
    const registry = this.#registry;
    const versions = new Map<string, number>();
    const writes = new Map<string, object | undefined>();
    const draft: Draft = {
      async get<V extends object>(key: string) {
        if (writes.has(key)) return structuredClone(writes.get(key)) as V | undefined;
        const entry = await registry.get<V>(key);
        const version = entry?.version ?? 0;
        const before = versions.get(key);
        if (before !== undefined && before !== version) {
          throw new CairnError("RegistryConflict", `"${key}" changed while it was being changed`);
        }
        versions.set(key, version);
        return entry?.value;
      },
      async list<V extends object>(prefix: string) {
        return (await registry.list<V>(prefix)).map((entry) => entry.value);
      },
      put: (key, value) => void writes.set(key, JSON.parse(JSON.stringify(value)) as object),
      delete: (key) => void writes.set(key, undefined),
    };
    const result = await decide(draft);
    const changes = [...writes].map(([key, value]): Change => {
      const expectedVersion = versions.get(key);
      return { key, value, ...(expectedVersion === undefined ? {} : { expectedVersion }) };
    });
    if (changes.length === 0) return result;
    try {
      await registry.commit(changes);
    } finally {
      // Also when it failed: the failure may have come after the change was made.
      this.#generation += 1;
    }
    return result;
  }
}
