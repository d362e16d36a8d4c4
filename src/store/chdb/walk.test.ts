// However a result is divided into steps and windows, together they are the whole and nothing twice.
import * as fc from "fast-check";
import { expect, test } from "vitest";
import type { EventQuery } from "../store.ts";
import { type Extent, steps, windows } from "./walk.ts";

const extent: Extent = { count: 10_000_000, firstMs: 1000, lastMs: 3_000_000, parts: 30 };

const time = fc.option(fc.integer({ min: -1000, max: 3_100_000 }), { nil: undefined });
const queryArbitrary = fc
  .record({
    order: fc.constantFrom("newest" as const, "oldest" as const),
    fromMs: time,
    toMs: time,
    afterMs: time,
  })
  .map(({ order, fromMs, toMs, afterMs }): EventQuery => {
    return {
      order,
      watermark: 1n,
      ...(fromMs === undefined ? {} : { fromMs }),
      ...(toMs === undefined ? {} : { toMs }),
      ...(afterMs === undefined ? {} : { after: { eventTimeMs: afterMs, eventId: "", seq: 1n } }),
    };
  });

/** The millisecond that a query covers, as far as anything can be stored there. */
function covers(query: EventQuery, ms: number): boolean {
  if (ms < (query.fromMs ?? -Infinity) || ms > (query.toMs ?? Infinity)) return false;
  const after = query.after?.eventTimeMs;
  if (after === undefined) return true;
  return query.order === "newest" ? ms <= after : ms >= after;
}

function expectDivided(query: EventQuery, parts: readonly EventQuery[]): void {
  const edges = parts.flatMap(({ fromMs, toMs }) => [fromMs, toMs]);
  const moments = [...edges, query.fromMs, query.toMs, query.after?.eventTimeMs]
    .concat(extent.firstMs, extent.lastMs)
    .flatMap((ms) => (ms === undefined ? [] : [ms - 1, ms, ms + 1]))
    .filter((ms) => ms >= extent.firstMs && ms <= extent.lastMs);
  for (const ms of moments) {
    const holding = parts.filter((part) => covers(part, ms));
    expect([ms, holding.length]).toEqual([ms, covers(query, ms) ? 1 : 0]);
  }
  // In the query's own order, so that the first found are the first wanted.
  const starts = parts.map((part) =>
    query.order === "newest" ? -(part.toMs ?? Infinity) : (part.fromMs ?? -Infinity),
  );
  expect(starts).toEqual(starts.toSorted((a, b) => a - b));
}

// oxlint-disable-next-line vitest/expect-expect -- expectDivided expects.
test("a lookup's steps are its whole range, nearest first", () => {
  fc.assert(fc.property(queryArbitrary, (query) => expectDivided(query, steps(query, extent))));
});

test("a lookup has steps only where the first ones may spare opening many parts", () => {
  const query: EventQuery = { order: "newest", watermark: 1n };
  expect(steps(query, extent)).toHaveLength(3);
  expect(steps(query, { ...extent, count: 1_000_000 })).toHaveLength(2);
  expect(steps(query, { ...extent, count: 300_000 })).toEqual([query]);
  expect(steps(query, { ...extent, parts: 5 })).toEqual([query]);
  const byId: EventQuery = { ...query, equals: [{ column: "eventId", value: "x" }] };
  expect(steps(byId, extent)).toEqual([byId]);
});

// oxlint-disable-next-line vitest/expect-expect -- expectDivided expects.
test("a text search's windows are its whole range, nearest first, however long each takes", async () => {
  await fc.assert(
    fc.asyncProperty(
      queryArbitrary,
      fc.array(fc.integer({ min: 1, max: 600 }), { minLength: 1 }),
      async (query, stepsMs) => {
        const parts: EventQuery[] = [];
        let spentMs = 0;
        for await (const window of windows(query, extent, () => spentMs)) {
          parts.push(window);
          spentMs += stepsMs[parts.length % stepsMs.length] ?? 1;
        }
        expectDivided(query, parts);
      },
    ),
    { numRuns: 30 },
  );
});
