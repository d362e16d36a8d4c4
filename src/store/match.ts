// Whether one event is what a query asks for: the same answer as the engine's, for events already in hand.
import type { StoredEvent } from "../event/row.ts";
import type { EventQuery, FilterColumn } from "./store.ts";

/** Everything but the watermark and the place to continue from. */
export function matchesQuery(
  event: StoredEvent,
  query: Omit<EventQuery, "watermark" | "after">,
): boolean {
  if (query.ownerAccount !== undefined && event.ownerAccount !== query.ownerAccount) return false;
  if (query.fromMs !== undefined && event.eventTimeMs < query.fromMs) return false;
  if (query.toMs !== undefined && event.eventTimeMs > query.toMs) return false;
  if (query.categories !== undefined && !query.categories.includes(event.eventCategory))
    return false;
  if (query.text !== undefined && !event.raw.includes(query.text, 0, "utf8")) return false;
  return (query.equals ?? []).every(({ column, value }) => hasValue(event, column, value));
}

function hasValue(event: StoredEvent, column: FilterColumn, value: string): boolean {
  if (column === "resourceType") return event.lookupResourceTypes.includes(value);
  if (column === "resourceName") return event.lookupResourceNames.includes(value);
  return event[column] === value;
}
