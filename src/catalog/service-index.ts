// What identification needs of every service, so that start-up reads one small file and not four hundred.
import type { Operation, Service } from "./service.ts";

export interface IndexEntry extends Omit<Service, "operations" | "shapes"> {
  operationCount: number;
  /** awsQuery: the operations that need no signature. */
  unsigned?: string[];
}

/**
 * For unsigned requests that say nothing but a path: the operations in whose path a fixed segment stands. By first
 * segment (`{}`: a label), then by place (`GET /apps/{appId}`): ids. `unsigned` has the operations that need no signature.
 */
export interface PathIndex {
  unsigned: Record<string, Record<string, string[]>>;
  all: Record<string, Record<string, string[]>>;
}

/** The key of a path's or a request's first segment. */
export function firstSegmentOf(path: string): string {
  const [, first = ""] = path.split("/", 2);
  return first.includes("{") ? "{}" : first;
}

export function indexEntry(service: Service): IndexEntry {
  const { operations, shapes: _, ...names } = service;
  const unsigned = Object.keys(operations).filter((name) => operations[name]?.unsigned === true);
  return {
    ...names,
    operationCount: Object.keys(operations).length,
    ...(service.protocol === "query" && unsigned.length > 0 ? { unsigned } : {}),
  };
}

export function pathIndexOf(services: Iterable<Service>): PathIndex {
  const all = new Map<string, Map<string, Set<string>>>();
  const unsigned: typeof all = new Map();
  for (const { id, protocol, operations } of services) {
    if (protocol !== "rest-json" && protocol !== "rest-xml") continue;
    const current = Object.values(operations);
    for (const operation of [...current, ...current.flatMap((each) => each.formerly ?? [])]) {
      const path = pathOf(operation);
      if (!path.split("/").some((part) => part !== "" && !part.startsWith("{"))) continue;
      for (const index of operation.unsigned === true ? [all, unsigned] : [all]) {
        const places = entryOf(index, firstSegmentOf(path), () => new Map<string, Set<string>>());
        const place = `${operation.method ?? "POST"} ${path}`;
        entryOf(places, place, () => new Set<string>()).add(id);
      }
    }
  }
  return { unsigned: sortedRecord(unsigned), all: sortedRecord(all) };
}

function entryOf<Value>(map: Map<string, Value>, key: string, make: () => Value): Value {
  let value = map.get(key);
  if (value === undefined) {
    value = make();
    map.set(key, value);
  }
  return value;
}

function sortedRecord(
  index: ReadonlyMap<string, ReadonlyMap<string, ReadonlySet<string>>>,
): Record<string, Record<string, string[]>> {
  return Object.fromEntries(
    [...index]
      .toSorted(byKey)
      .map(([first, places]) => [
        first,
        Object.fromEntries(
          [...places].toSorted(byKey).map(([place, ids]) => [place, [...ids].toSorted()]),
        ),
      ]),
  );
}

function byKey([a]: readonly [string, unknown], [b]: readonly [string, unknown]): number {
  return a < b ? -1 : 1;
}

function pathOf(operation: Operation): string {
  return (operation.path ?? "/").split("?")[0] ?? "/";
}
