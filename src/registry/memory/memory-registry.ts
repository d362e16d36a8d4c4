// The in-memory registry: keeps every promise of the port but power loss, and fails on demand. For tests.
import { type Clock, systemClock } from "../../base/clock.ts";
import { CairnError } from "../../base/errors.ts";
import { checkChanges, checkKey } from "../check-changes.ts";
import type { Change, Entry, Registry } from "../registry.ts";

/** How the world goes wrong. May be changed while the registry runs. */
export interface MemoryRegistryFaults {
  /** Every n-th commit rejects with RegistryUnavailable and changes nothing. */
  failEvery?: number;
  /** How long a commit takes; it is seen, whole, only at the end. */
  latencyMs?: number;
}

export interface MemoryRegistryOptions extends MemoryRegistryFaults {
  clock?: Clock;
}

export interface MemoryRegistry extends Registry {
  readonly faults: MemoryRegistryFaults;
  /** The process dies here: commits under way never settle. Returns the registry as the next start finds it. */
  crash(): MemoryRegistry;
}

export function createMemoryRegistry(options: MemoryRegistryOptions = {}): MemoryRegistry {
  return new Memory(options, new Map());
}

/** Values are kept as JSON text, so that no one shares an object with the registry. */
type Documents = Map<string, { json: string; version: number }>;

class Memory implements MemoryRegistry {
  readonly faults: MemoryRegistryFaults = {};
  readonly #clock: Clock;
  readonly #documents: Documents;
  #commitCount = 0;
  #state: "open" | "closed" | "crashed" = "open";
  #last: Promise<unknown> = Promise.resolve();

  constructor(options: MemoryRegistryOptions, documents: Documents) {
    if (options.failEvery !== undefined) this.faults.failEvery = options.failEvery;
    if (options.latencyMs !== undefined) this.faults.latencyMs = options.latencyMs;
    this.#clock = options.clock ?? systemClock;
    this.#documents = documents;
  }

  async get<T>(key: string): Promise<Entry<T> | undefined> {
    this.#checkOpen();
    checkKey(key);
    return this.#entry<T>(key);
  }

  async list<T>(prefix: string): Promise<Entry<T>[]> {
    this.#checkOpen();
    return [...this.#documents.keys()]
      .filter((key) => key.startsWith(prefix))
      .toSorted((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)))
      .flatMap((key) => this.#entry<T>(key) ?? []);
  }

  async commit(changes: readonly Change[]): Promise<void> {
    this.#checkOpen();
    checkChanges(changes);
    // Copied now: what the caller does to its objects while the commit is under way changes nothing.
    const copies = changes.map((each) => ({
      ...each,
      json: each.value === undefined ? undefined : JSON.stringify(each.value),
    }));
    const { failEvery, latencyMs } = this.faults;
    this.#commitCount += 1;
    if (failEvery !== undefined && this.#commitCount % failEvery === 0) {
      throw new CairnError("RegistryUnavailable", "the registry failed on demand");
    }
    if (latencyMs !== undefined) {
      const slept = this.#clock.sleep(latencyMs);
      this.#last = slept;
      await slept;
    }
    if (this.#state === "crashed") await new Promise<never>(() => {});
    for (const { key, expectedVersion } of copies) {
      const version = this.#documents.get(key)?.version ?? 0;
      if (expectedVersion !== undefined && expectedVersion !== version) {
        throw new CairnError(
          "RegistryConflict",
          `"${key}" is at version ${version}, not ${expectedVersion}`,
        );
      }
    }
    for (const { key, json } of copies) {
      const version = this.#documents.get(key)?.version ?? 0;
      if (json === undefined) this.#documents.delete(key);
      else this.#documents.set(key, { json, version: version + 1 });
    }
  }

  async close(): Promise<void> {
    if (this.#state !== "open") return;
    this.#state = "closed";
    await this.#last;
  }

  crash(): MemoryRegistry {
    this.#state = "crashed";
    return new Memory({ ...this.faults, clock: this.#clock }, new Map(this.#documents));
  }

  #entry<T>(key: string): Entry<T> | undefined {
    const found = this.#documents.get(key);
    if (found === undefined) return undefined;
    return { key, value: JSON.parse(found.json) as T, version: found.version };
  }

  #checkOpen(): void {
    if (this.#state !== "open") {
      throw new CairnError("RegistryUnavailable", "the registry is closed");
    }
  }
}
