// Walks a result in steps: each is one bounded query, so that memory stays small, first results come at once, an abort
// is felt soon and readers are shared.
import type { FoundEvent } from "../../event/row.ts";
import type { EventQuery } from "../store.ts";
import { isResultTooLarge } from "./sessions.ts";

/** One query: at most `limit` events, in order. */
export type Page = (query: EventQuery, limit: number) => Promise<FoundEvent[]>;

/** At most `limit` events; where their bytes are too many for one answer, in several. */
export async function gather(page: Page, query: EventQuery, limit: number): Promise<FoundEvent[]> {
  const found: FoundEvent[] = [];
  let step = limit;
  while (found.length < limit) {
    const wanted = Math.min(step, limit - found.length);
    const after = found.at(-1) ?? query.after;
    try {
      const events = await page({ ...query, ...(after === undefined ? {} : { after }) }, wanted);
      found.push(...events);
      if (events.length < wanted) break;
    } catch (error) {
      if (!isResultTooLarge(error) || step === 1) throw error;
      step = Math.ceil(step / 8);
    }
  }
  return found;
}

const firstBatchEvents = 50;
const batchBytesMax = 4 * 1024 * 1024;
const batchEventsMax = 4000;

/** Everything, in batches that grow to a few megabytes. */
export async function* walk(page: Page, query: EventQuery): AsyncGenerator<FoundEvent[]> {
  let limit = firstBatchEvents;
  let after = query.after;
  for (;;) {
    const events = await gather(
      page,
      { ...query, ...(after === undefined ? {} : { after }) },
      limit,
    );
    if (events.length > 0) yield events;
    if (events.length < limit) return;
    after = events.at(-1);
    const bytes = events.reduce((sum, event) => sum + event.raw.length, 0);
    const fitting = Math.floor((batchBytesMax * events.length) / Math.max(bytes, 1));
    limit = Math.max(1, Math.min(limit * 4, fitting, batchEventsMax));
  }
}

/** What is stored, roughly: how many events, and from when to when. */
export interface Extent {
  count: number;
  firstMs: number;
  lastMs: number;
  /** How many parts hold them. */
  parts: number;
}

/** Events in the first steps of a lookup, roughly; the last one has the rest. */
const stepEvents = [200_000, 1_600_000];
const partsAtOnce = 16;

/**
 * A lookup in steps: first the time ranges that hold about the nearest events, then the rest. A lookup opens every part in
 * its range, whether it needs it or not; where the value is not rare, the first steps are enough. Not for an event id,
 * which is hardly ever near, and not where parts are few.
 */
export function steps(query: EventQuery, extent: Extent): EventQuery[] {
  if (extent.parts <= partsAtOnce) return [query];
  if (query.equals?.some(({ column }) => column === "eventId") === true) return [query];
  const divided: EventQuery[] = [];
  let rest = query;
  for (const count of stepEvents) {
    if (extent.count < 2 * count) break;
    const [near, far] = divide(rest, extent, count);
    if (far === undefined) break;
    divided.push(near);
    rest = far;
  }
  return [...divided, rest];
}

/** The time range with about the nearest `count` events, and what lies behind it, if anything does. */
function divide(query: EventQuery, extent: Extent, count: number): [EventQuery, EventQuery?] {
  const nearMs = Math.ceil(((extent.lastMs - extent.firstMs) * count) / extent.count);
  const startMs = query.after?.eventTimeMs;
  if (query.order === "newest") {
    const toMs = Math.min(query.toMs ?? Infinity, startMs ?? Infinity, extent.lastMs);
    const fromMs = Math.floor(toMs) - nearMs;
    if (!(fromMs > Math.max(query.fromMs ?? -Infinity, extent.firstMs))) return [query];
    return [
      { ...query, fromMs },
      { ...query, toMs: fromMs - 1 },
    ];
  }
  const fromMs = Math.max(query.fromMs ?? -Infinity, startMs ?? -Infinity, extent.firstMs);
  const toMs = Math.ceil(fromMs) + nearMs;
  if (!(toMs < Math.min(query.toMs ?? Infinity, extent.lastMs))) return [query];
  return [
    { ...query, toMs },
    { ...query, fromMs: toMs + 1 },
  ];
}

const windowMsFirst = 60_000;
const stepMsWanted = 250;

/**
 * The time range of `query` in windows, nearest end first, each as long as one step takes about `stepMsWanted`: what a
 * text search reads cannot be known beforehand.  `queryMs` is the
 * time spent in queries so far, which a slow consumer does not add to.
 */
export async function* windows(
  query: EventQuery,
  extent: Extent,
  queryMs: () => number,
): AsyncGenerator<EventQuery> {
  const newest = query.order === "newest";
  let fromMs = Math.ceil(Math.max(query.fromMs ?? -Infinity, extent.firstMs));
  let toMs = Math.floor(Math.min(query.toMs ?? Infinity, extent.lastMs));
  if (query.after !== undefined) {
    if (newest) toMs = Math.min(toMs, query.after.eventTimeMs);
    else fromMs = Math.max(fromMs, query.after.eventTimeMs);
  }
  let lengthMs = windowMsFirst;
  while (fromMs <= toMs) {
    const beforeMs = queryMs();
    if (newest) {
      const start = Math.max(fromMs, toMs - lengthMs + 1);
      yield { ...query, fromMs: start, toMs };
      toMs = start - 1;
    } else {
      const end = Math.min(toMs, fromMs + lengthMs - 1);
      yield { ...query, fromMs, toMs: end };
      fromMs = end + 1;
    }
    const tookMs = queryMs() - beforeMs;
    const factor = stepMsWanted / Math.max(tookMs, 1);
    lengthMs = Math.max(1000, Math.ceil(lengthMs * Math.min(8, Math.max(0.25, factor))));
  }
}
