// What identification needs of every service, so that start-up reads one small file and not four hundred.
import type { Operation, Service } from "./service.ts";

export interface IndexEntry extends Omit<Service, "operations" | "shapes"> {
  operationCount: number;
  /** awsQuery: the operations that need no signature. */
  unsigned?: string[];
}

/**
 * By service id: `GET /apps/{appId}`, of the operations in whose path a fixed segment stands; for unsigned requests
 * that say nothing else. In `unsigned` those of the operations that need no signature.
 */
export interface PathIndex {
  unsigned: Record<string, string[]>;
  all: Record<string, string[]>;
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
  const index: PathIndex = { unsigned: {}, all: {} };
  for (const { id, protocol, operations } of services) {
    if (protocol !== "rest-json" && protocol !== "rest-xml") continue;
    const isTelling = (operation: Operation) =>
      pathOf(operation)
        .split("/")
        .some((part) => part !== "" && !part.startsWith("{"));
    const telling = Object.values(operations).filter(isTelling);
    const places = (chosen: Operation[]) =>
      [...new Set(chosen.map((each) => `${each.method ?? "POST"} ${pathOf(each)}`))].toSorted();
    const unsigned = places(telling.filter((each) => each.unsigned === true));
    if (telling.length > 0) index.all[id] = places(telling);
    if (unsigned.length > 0) index.unsigned[id] = unsigned;
  }
  return index;
}

function pathOf(operation: Operation): string {
  return (operation.path ?? "/").split("?")[0] ?? "/";
}
