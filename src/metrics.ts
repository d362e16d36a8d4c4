// What /metrics shows: the counters that each room and door keeps, read when Prometheus asks.
import { Counter, collectDefaultMetrics, Gauge, Registry } from "prom-client";
import type { Journal } from "./journal/journal.ts";
import type { Store } from "./store/store.ts";

/** Groups of counters, each a plain object that its owner adds to. */
export interface CounterGroups {
  ingest: () => Readonly<Record<string, number>>;
  indexer: () => Readonly<Record<string, number>>;
  gateway: () => Readonly<Record<string, number>>;
}

/** `notRecorded` → `not_recorded`. */
function snake(name: string): string {
  return name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

export function createMetrics(groups: CounterGroups, journal: Journal, store: Store): Registry {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  for (const [group, read] of Object.entries(groups) as [
    string,
    () => Readonly<Record<string, number>>,
  ][]) {
    new Counter({
      name: `cairn_${group}_total`,
      help: `What ${group} has counted since start, by name.`,
      labelNames: ["name"],
      registers: [registry],
      collect() {
        this.reset();
        for (const [name, value] of Object.entries(read())) this.inc({ name: snake(name) }, value);
      },
    });
  }
  gauge(registry, "cairn_journal_last_seq", "The highest seq acknowledged.", () =>
    Number(journal.status().lastSeq),
  );
  gauge(
    registry,
    "cairn_journal_pending_bytes",
    "Bytes that the store has not taken yet.",
    () => journal.status().pendingBytes,
  );
  gauge(registry, "cairn_store_watermark", "The seq up to which everything is searchable.", () =>
    Number(store.watermark()),
  );
  return registry;
}

function gauge(registry: Registry, name: string, help: string, read: () => number): void {
  new Gauge({
    name,
    help,
    registers: [registry],
    collect() {
      this.set(read());
    },
  });
}
