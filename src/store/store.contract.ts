// What every store keeps, driver by driver. A driver's test file calls `describeStore` with a way to open it.
import { crc32c } from "@node-rs/crc32";
import * as fc from "fast-check";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import {
  type EventColumns,
  type FoundEvent,
  keepForeverMs,
  RowWriter,
  rowFlags,
  sealRow,
} from "../event/row.ts";
import type { Segment } from "../journal/journal.ts";
import { createMemoryStore } from "./memory/memory-store.ts";
import type { EventQuery, FilterColumn, Store } from "./store.ts";

export interface StoreHarness {
  /** An empty store. */
  open(): Promise<Store>;
  /** Closes it and opens it again on what it left. */
  reopen(store: Store): Promise<Store>;
  /** The state after a crash in the middle of a load: the watermark where it was before, some rows not there. */
  crashed(store: Store, watermark: bigint, lost: readonly bigint[]): Promise<Store>;
  /** Takes away what `open` made. */
  clear(): Promise<void>;
}

export interface TestEvent extends Partial<EventColumns> {
  raw?: string | Buffer;
}

const noon = Date.UTC(2026, 0, 15, 12);

export function columnsOf({ raw: _raw, ...some }: TestEvent): EventColumns {
  return {
    ownerAccount: "111122223333",
    eventTimeMs: noon,
    eventId: "00000000-0000-4000-8000-000000000000",
    eventSource: "cognito-idp.amazonaws.com",
    eventName: "CreateUserPool",
    eventCategory: "Management",
    eventType: "AwsApiCall",
    readOnly: "false",
    region: "us-east-1",
    recipientAccount: "111122223333",
    userType: "IAMUser",
    userArn: "arn:aws:iam::111122223333:user/Alice",
    principalId: "AIDAEXAMPLE",
    userName: "Alice",
    accessKeyId: "AKIAEXAMPLE",
    sourceIp: "127.0.0.1",
    errorCode: "",
    vpcEndpointId: "",
    sessionFromConsole: "",
    lookupResourceTypes: [],
    lookupResourceNames: [],
    resourcesType: [],
    resourcesArn: [],
    ingestTimeMs: noon + 2000,
    keepUntilMs: keepForeverMs,
    flags: 0,
    ...some,
  };
}

/** The bytes of an event that is not told its own: like real ones, they differ where the id does. */
function rawOf(event: TestEvent): Buffer {
  const raw = event.raw ?? JSON.stringify({ eventID: columnsOf(event).eventId });
  return typeof raw === "string" ? Buffer.from(raw) : raw;
}

/** A segment that holds `events` from `firstSeq` on. */
export function segmentOf(firstSeq: bigint, events: readonly TestEvent[]): Segment {
  const writer = new RowWriter();
  for (const event of events) writer.write(columnsOf(event), rawOf(event));
  const { bytes, offsets } = writer.take();
  for (const [index, offset] of offsets.entries()) {
    sealRow(bytes, offset, firstSeq + BigInt(index), crc32c);
  }
  return {
    firstSeq,
    lastSeq: firstSeq + BigInt(events.length) - 1n,
    count: events.length,
    byteLength: bytes.length,
    bytes: async () => bytes,
  };
}

function id(number: number): string {
  return `00000000-0000-4000-8000-${String(number).padStart(12, "0")}`;
}

function ask(store: Store, some: Partial<EventQuery> = {}): EventQuery {
  return { order: "newest", watermark: store.watermark(), ...some };
}

async function collect(store: Store, some: Partial<EventQuery> = {}): Promise<FoundEvent[]> {
  const events: FoundEvent[] = [];
  for await (const batch of store.stream(ask(store, some))) events.push(...batch);
  return events;
}

/** Few different times and ids, so that pages end between equal ones. */
function twins(first: number): TestEvent[] {
  return Array.from({ length: 20 }, (_, index) => ({
    eventTimeMs: noon + (index % 3),
    eventId: id(index % 5),
    raw: `{"n":${first + index}}`,
  }));
}

const seqs = (events: readonly FoundEvent[]) => events.map((event) => Number(event.seq));

export function describeStore(harness: StoreHarness): void {
  describe("store contract", () => {
    let store: Store;
    beforeEach(async () => {
      store = await harness.open();
    });
    afterEach(async () => {
      await store.close();
      await harness.clear();
    });

    test("an empty store has nothing and says so", async () => {
      expect(store.watermark()).toBe(0n);
      expect(await store.find(ask(store), 10)).toEqual([]);
      expect(await store.find(ask(store, { text: "x" }), 10)).toEqual([]);
      expect(await collect(store)).toEqual([]);
      expect(await store.follow(0n, 10)).toEqual({ events: [], cursor: 0n });
      expect(await store.status()).toMatchObject({ watermark: 0n, eventCount: 0 });
    });

    test("a loaded event comes back with every column and every byte", async () => {
      const event: TestEvent = {
        eventTimeMs: noon + 7,
        lookupResourceTypes: ["AWS::A", "AWS::B"],
        lookupResourceNames: ["a", "ü😀"],
        resourcesType: ["AWS::C"],
        resourcesArn: ["arn:aws:c:::d"],
        errorCode: "AccessDenied",
        vpcEndpointId: "vpce-1",
        sessionFromConsole: "true",
        flags: 5,
        raw: '{"a": 1}',
      };
      expect(await store.load(segmentOf(1n, [event]))).toEqual({
        stored: 1,
        duplicates: 0,
        variants: 0,
      });
      const { ownerAccount, eventTimeMs, eventId, ingestTimeMs } = columnsOf(event);
      const kept = { seq: 1n, variant: false, raw: Buffer.from('{"a": 1}') };
      expect((await store.follow(0n, 10)).events).toEqual([{ ...columnsOf(event), ...kept }]);
      expect(await store.find(ask(store), 10)).toEqual([
        { ownerAccount, eventTimeMs, eventId, ingestTimeMs, ...kept },
      ]);
    });

    test("odd JSON keeps its bytes", async () => {
      const raws = [
        '{"nul":"\\u0000","lone":"\\ud800","tab":"\\t"}',
        '{\t"tabs" :\r\n "and newlines"\t}',
        '{"big":18446744073709551616,"float":347.0,"exp":1E400,"minus":-0}',
        '{"quote":"\'; DROP TABLE events_v1 --","backslash":"\\\\N"}',
        '{"text":"äöü😀\u{10ffff}","empty":""}',
        `{"deep":${"[".repeat(500)}${"]".repeat(500)}}`,
        `{"large":"${"x".repeat(256 * 1024 - 12)}"}`,
        "{}",
      ];
      await store.load(
        segmentOf(
          1n,
          raws.map((raw, index) => ({ raw, eventId: id(index) })),
        ),
      );
      const found = await store.find(ask(store, { order: "oldest" }), 100);
      expect(found.map((event) => event.raw.toString())).toEqual(raws);
      expect((await collect(store, { order: "oldest" })).map((e) => e.raw.toString())).toEqual(
        raws,
      );
    });

    test("strings may be empty, long or hold any character", async () => {
      const odd = [
        "",
        " ",
        "\0",
        "\t\n\\N\\'\"`",
        "%_*?{}",
        "NULL",
        "ä😀\u{10ffff}",
        "x".repeat(70_000),
      ];
      await store.load(
        segmentOf(
          1n,
          odd.map((value, index) => ({
            eventId: id(index),
            userName: value,
            eventName: value,
            lookupResourceNames: [value],
          })),
        ),
      );
      for (const [index, value] of odd.entries()) {
        for (const column of ["userName", "eventName", "resourceName"] as const) {
          const found = await store.find(ask(store, { equals: [{ column, value }] }), 10);
          expect([column, index, ...seqs(found)]).toEqual([column, index, index + 1]);
        }
        expect((await store.follow(0n, 10)).events[index]?.userName).toBe(value);
      }
    });

    test("a segment loaded again stores nothing twice", async () => {
      const segment = segmentOf(1n, [{ eventId: id(1) }, { eventId: id(2) }]);
      await store.load(segment);
      expect(await store.load(segment)).toEqual({ stored: 0, duplicates: 0, variants: 0 });
      store = await harness.reopen(store);
      expect(await store.load(segment)).toEqual({ stored: 0, duplicates: 0, variants: 0 });
      expect(seqs(await collect(store))).toEqual([2, 1]);
    });

    test("a load that a crash cut short is completed, and only completed", async () => {
      await store.load(segmentOf(1n, [{ eventId: id(1), raw: "{}" }]));
      const events: TestEvent[] = [
        { eventId: id(1), raw: "{}" }, // A duplicate of 1: dropped.
        { eventId: id(2), eventTimeMs: Date.UTC(2025, 5, 1) },
        { eventId: id(3), eventTimeMs: Date.UTC(2025, 7, 1), raw: "{}" },
        { eventId: id(3), eventTimeMs: Date.UTC(2025, 7, 1), raw: "{ }" }, // A variant of 4.
        { eventId: id(3), eventTimeMs: Date.UTC(2025, 7, 1), raw: "{}" }, // A duplicate of 4.
        { eventId: id(1), raw: "[]" }, // A variant of 1.
      ];
      const segment = segmentOf(2n, events);
      expect(await store.load(segment)).toEqual({ stored: 4, duplicates: 2, variants: 2 });
      const whole = await collect(store);
      for (const lost of [[], [3n], [4n], [5n], [4n, 7n], [3n, 4n, 5n, 7n]]) {
        store = await harness.crashed(store, 1n, lost);
        // Nothing of it is visible.
        expect(seqs(await collect(store))).toEqual([1]);
        expect((await store.follow(0n, 100)).events).toHaveLength(1);
        const outcome = await store.load(segment);
        expect(outcome.stored).toBe(lost.length);
        expect(await collect(store)).toEqual(whole);
      }
    });

    test("after a crash the log may come back in other segments", async () => {
      const events: TestEvent[] = [1, 2, 1, 3, 2, 4].map((number) => ({ eventId: id(number) }));
      await store.load(segmentOf(1n, events));
      const whole = await collect(store);
      store = await harness.crashed(store, 0n, [2n, 6n]);
      await store.load(segmentOf(1n, events.slice(0, 4)));
      await store.load(segmentOf(5n, events.slice(4)));
      expect(await collect(store)).toEqual(whole);
      // A segment that begins below the watermark is taken from there.
      store = await harness.crashed(store, 4n, [6n]);
      await store.load(segmentOf(1n, events));
      expect(await collect(store)).toEqual(whole);
    });

    test("the first event of an identity wins; an exact duplicate is dropped and counted", async () => {
      await store.load(segmentOf(1n, [{ eventId: id(1), userName: "first", raw: "{}" }]));
      const second = segmentOf(2n, [{ eventId: id(1), userName: "forged", raw: "{}" }]);
      expect(await store.load(second)).toEqual({ stored: 0, duplicates: 1, variants: 0 });
      const { events } = await store.follow(0n, 10);
      expect(events).toHaveLength(1);
      expect(events[0]).toMatchObject({ seq: 1n, userName: "first", variant: false });
    });

    test("the first wins within one segment as well", async () => {
      const outcome = await store.load(
        segmentOf(1n, [
          { eventId: id(1), raw: "{}" },
          { eventId: id(2), raw: "{}" },
          { eventId: id(1), raw: "{}" },
          { eventId: id(1), raw: "[]" },
          { eventId: id(1), raw: "[]" },
        ]),
      );
      expect(outcome).toEqual({ stored: 3, duplicates: 2, variants: 1 });
      expect(seqs(await collect(store, { order: "oldest" }))).toEqual([1, 4, 2]);
    });

    test("the same identity with other bytes is kept and flagged, and changes nothing", async () => {
      await store.load(segmentOf(1n, [{ raw: '{"a":1}' }]));
      const [before] = await collect(store);
      expect(await store.load(segmentOf(2n, [{ raw: '{"a":2}' }]))).toEqual({
        stored: 1,
        duplicates: 0,
        variants: 1,
      });
      // A duplicate of a variant is a duplicate.
      expect(await store.load(segmentOf(3n, [{ raw: '{"a":2}' }]))).toMatchObject({
        duplicates: 1,
      });
      const found = await collect(store, { order: "oldest" });
      expect(found[0]).toEqual(before);
      expect(found[1]).toMatchObject({ seq: 2n, variant: true });
      expect(found).toHaveLength(2);
    });

    test("account and time belong to the identity", async () => {
      const outcome = await store.load(
        segmentOf(1n, [
          { raw: "{}" },
          { raw: "{}", ownerAccount: "444455556666" },
          { raw: "{}", eventTimeMs: noon + 1 },
        ]),
      );
      expect(outcome).toEqual({ stored: 3, duplicates: 0, variants: 0 });
    });

    test("an event without a usable time is known by its id, whenever it comes", async () => {
      // Filed under the time it came, which differs from one import to the next.
      const flags = rowFlags.imported | rowFlags.timeUnreadable;
      const timeless = (eventTimeMs: number, raw = "{}") => ({ flags, eventTimeMs, raw });
      const month = 31 * 86_400_000;
      await store.load(segmentOf(2n, [timeless(noon)]));
      const again = [timeless(noon + month), timeless(noon + 2), timeless(noon + 3, "[]")];
      expect(await store.load(segmentOf(3n, again))).toEqual({
        stored: 1,
        duplicates: 2,
        variants: 1,
      });
      // An event that has a time is another one, though the time is the same.
      const other: TestEvent = { raw: "{}", eventTimeMs: noon };
      expect(await store.load(segmentOf(6n, [other, timeless(noon)]))).toEqual({
        stored: 1,
        duplicates: 1,
        variants: 0,
      });
      expect(seqs(await store.find(ask(store, { order: "oldest" }), 10))).toEqual([2, 6, 5]);
      // Also after a crash in the middle of a load.
      const whole = await collect(store);
      store = await harness.crashed(store, 2n, [5n]);
      expect(await store.load(segmentOf(3n, again))).toMatchObject({ stored: 1 });
      expect(await store.load(segmentOf(6n, [other, timeless(noon)]))).toMatchObject({ stored: 0 });
      expect(await collect(store)).toEqual(whole);
    });

    test("a segment may span many years", async () => {
      const events = Array.from({ length: 150 }, (_, index) => ({
        eventId: id(index),
        eventTimeMs: Date.UTC(2013, index, 3),
      }));
      expect(await store.load(segmentOf(1n, events))).toMatchObject({ stored: 150 });
      expect(await store.load(segmentOf(151n, events))).toMatchObject({ duplicates: 150 });
      expect(seqs(await collect(store, { order: "oldest" }))).toEqual(events.map((_, i) => i + 1));
    });

    test("the watermark outlives a restart, even when the last events were dropped", async () => {
      await store.load(segmentOf(1n, [{ eventId: id(1) }]));
      await store.load(segmentOf(2n, [{ eventId: id(2) }, { eventId: id(1) }, { eventId: id(1) }]));
      expect(store.watermark()).toBe(4n);
      store = await harness.reopen(store);
      expect(store.watermark()).toBe(4n);
      expect((await store.follow(2n, 10)).cursor).toBe(4n);
    });

    test("reached waits for the watermark, and leaves when told to", async () => {
      const waiting = store.reached(2n);
      const abort = new AbortController();
      const leaving = store.reached(9n, abort.signal);
      await store.load(segmentOf(1n, [{ eventId: id(1) }, { eventId: id(2) }]));
      await waiting;
      await store.reached(1n);
      abort.abort(new Error("left"));
      await expect(leaving).rejects.toThrow("left");
      const closing = store.reached(9n);
      await Promise.all([
        expect(closing).rejects.toMatchObject({ code: "StoreUnavailable" }),
        store.close(),
      ]);
    });

    test("order is event time, then the id's bytes, then seq", async () => {
      // In UTF-16 code units U+FF5E would come after U+1F600; in UTF-8 bytes it comes before.
      await store.load(
        segmentOf(1n, [
          { eventId: "b" },
          { eventId: "\u{1f600}" },
          { eventId: "\uff5e" },
          { eventId: "B" },
          { eventId: "b", raw: "[]" },
          { eventId: "zzz", eventTimeMs: noon - 1 },
          { eventId: "", eventTimeMs: noon + 1 },
        ]),
      );
      const oldest = [6, 4, 1, 5, 3, 2, 7];
      expect(seqs(await store.find(ask(store, { order: "oldest" }), 10))).toEqual(oldest);
      expect(seqs(await store.find(ask(store), 10))).toEqual(oldest.toReversed());
      expect(seqs(await store.find(ask(store), 3))).toEqual([7, 2, 3]);
      expect(seqs(await collect(store))).toEqual(oldest.toReversed());
    });

    test.each<[FilterColumn, TestEvent, string]>([
      ["eventId", { eventId: "x" }, "x"],
      ["eventName", { eventName: "x" }, "x"],
      ["eventSource", { eventSource: "x" }, "x"],
      ["eventType", { eventType: "x" }, "x"],
      ["readOnly", { readOnly: "true" }, "true"],
      ["userName", { userName: "x" }, "x"],
      ["userType", { userType: "x" }, "x"],
      ["userArn", { userArn: "x" }, "x"],
      ["principalId", { principalId: "x" }, "x"],
      ["accessKeyId", { accessKeyId: "x" }, "x"],
      ["sourceIp", { sourceIp: "x" }, "x"],
      ["errorCode", { errorCode: "x" }, "x"],
      ["region", { region: "x" }, "x"],
      ["recipientAccount", { recipientAccount: "x" }, "x"],
      ["resourceType", { lookupResourceTypes: ["a", "x"] }, "x"],
      ["resourceName", { lookupResourceNames: ["x", "a"] }, "x"],
    ])("an event is found by its %s, and by nothing like it", async (column, event, value) => {
      await store.load(segmentOf(1n, [{ eventId: id(1) }, { eventId: id(2), ...event }]));
      const by = (wanted: string) =>
        store.find(ask(store, { equals: [{ column, value: wanted }] }), 10);
      expect(seqs(await by(value))).toEqual([2]);
      expect(await by(value.toUpperCase())).toEqual([]);
      expect(await by(`${value} `)).toEqual([]);
    });

    test("several conditions are AND-ed, the same column twice too", async () => {
      await store.load(
        segmentOf(1n, [
          { eventId: id(1), userName: "a", lookupResourceNames: ["r", "s"] },
          { eventId: id(2), userName: "a", lookupResourceNames: ["r"] },
          { eventId: id(3), userName: "b", lookupResourceNames: ["r", "s"] },
        ]),
      );
      const by = async (...equals: [FilterColumn, string][]) =>
        seqs(
          await store.find(
            ask(store, { equals: equals.map(([column, value]) => ({ column, value })) }),
            10,
          ),
        );
      expect(await by(["userName", "a"], ["resourceName", "s"])).toEqual([1]);
      expect(await by(["resourceName", "r"], ["resourceName", "s"])).toEqual([3, 1]);
      expect(await by(["userName", "a"], ["userName", "b"])).toEqual([]);
    });

    test("time bounds are inclusive and may be anything", async () => {
      await store.load(
        segmentOf(
          1n,
          [-1, 0, 1].map((ms, index) => ({ eventId: id(index), eventTimeMs: noon + ms })),
        ),
      );
      const within = async (fromMs: number, toMs: number) =>
        seqs(await store.find(ask(store, { fromMs, toMs }), 10));
      expect(await within(noon, noon)).toEqual([2]);
      expect(await within(noon - 1, noon)).toEqual([2, 1]);
      expect(await within(noon - 0.5, noon + 0.5)).toEqual([2]);
      expect(await within(noon + 1, noon - 1)).toEqual([]);
      expect(await within(-Infinity, Infinity)).toEqual([3, 2, 1]);
      expect(await within(-8.64e15, 8.64e15)).toEqual([3, 2, 1]);
    });

    test("account and categories narrow the result", async () => {
      await store.load(
        segmentOf(1n, [
          { eventId: id(1) },
          { eventId: id(2), eventCategory: "Data" },
          { eventId: id(3), eventCategory: "Insight" },
          { eventId: id(4), ownerAccount: "444455556666" },
        ]),
      );
      const by = async (some: Partial<EventQuery>) => seqs(await store.find(ask(store, some), 10));
      expect(await by({ ownerAccount: "111122223333" })).toEqual([3, 2, 1]);
      expect(await by({ categories: ["Management"] })).toEqual([4, 1]);
      expect(await by({ categories: ["Data", "Insight"] })).toEqual([3, 2]);
      expect(await by({ categories: [] })).toEqual([]);
      expect(await by({ ownerAccount: "0" })).toEqual([]);
    });

    test("text is searched byte for byte, near or far in time", async () => {
      const years = [2012, 2019, 2024, 2025, 2026];
      await store.load(
        segmentOf(
          1n,
          years.map((year, index) => ({
            eventId: id(index),
            eventTimeMs: Date.UTC(year, 1, 1),
            raw: `{"year":${year},"text":"100% of_it\\n ä😀 'quoted'"}`,
          })),
        ),
      );
      const by = async (text: string, some: Partial<EventQuery> = {}) =>
        seqs(await store.find(ask(store, { text, ...some }), 10));
      for (const text of ["100% of_it\\n", "ä😀", "'quoted'", '"text":"']) {
        expect([text, ...(await by(text))]).toEqual([text, 5, 4, 3, 2, 1]);
      }
      expect(await by("100_ of")).toEqual([]);
      expect(await by("Ä")).toEqual([]);
      expect(await by("20", { order: "oldest", toMs: Date.UTC(2024, 1, 1) })).toEqual([1, 2, 3]);
      expect(await by(":2019,")).toEqual([2]);
      expect(seqs(await store.find(ask(store, { text: "ä" }), 2))).toEqual([5, 4]);
      expect(seqs(await collect(store, { text: "ä", order: "oldest" }))).toEqual([1, 2, 3, 4, 5]);
    });

    test("a walk in pages meets each event below its watermark once, whatever is loaded meanwhile", async () => {
      await store.load(segmentOf(1n, twins(1)));
      for (const order of ["newest", "oldest"] as const) {
        const watermark = store.watermark();
        const expected = await collect(store, { order });
        const walked: FoundEvent[] = [];
        for (;;) {
          const after = walked.at(-1);
          const page = await store.find(
            { order, watermark, ...(after === undefined ? {} : { after }) },
            3,
          );
          walked.push(...page);
          if (page.length === 0) break;
          const next = Number(store.watermark());
          await store.load(segmentOf(BigInt(next + 1), twins(next + 1)));
        }
        expect(seqs(walked)).toEqual(seqs(expected));
        expect(new Set(seqs(walked)).size).toBe(Number(watermark));
      }
    });

    test("a stream shows what was there when it began", async () => {
      const events = Array.from({ length: 300 }, (_, index) => ({ eventId: id(index) }));
      await store.load(segmentOf(1n, events));
      const seen: FoundEvent[] = [];
      let loaded = false;
      for await (const batch of store.stream(ask(store, { watermark: 10_000n }))) {
        seen.push(...batch);
        if (loaded) continue;
        loaded = true;
        await store.load(segmentOf(301n, [{ eventId: id(0), raw: "[]" }]));
      }
      expect(seen).toHaveLength(300);
    });

    test("a stream stops when its signal aborts or its reader leaves", async () => {
      const events = Array.from({ length: 400 }, (_, index) => ({ eventId: id(index) }));
      await store.load(segmentOf(1n, events));
      const abort = new AbortController();
      const walk = async () => {
        for await (const _batch of store.stream(ask(store), abort.signal)) {
          abort.abort(new Error("enough"));
        }
      };
      await expect(walk()).rejects.toThrow("enough");
      for await (const _batch of store.stream(ask(store))) break;
      await expect(store.find(ask(store), 1, abort.signal)).rejects.toThrow("enough");
      expect(await store.find(ask(store), 1)).toHaveLength(1);
    });

    test("follow meets every event in seq order and never passes the watermark", async () => {
      const events = [5, 3, 5, 1, 2, 5, 4].map((number) => ({
        eventId: id(number),
        eventTimeMs: noon - number,
      }));
      await store.load(segmentOf(1n, events));
      const met: number[] = [];
      let cursor = 0n;
      while (cursor < store.watermark()) {
        const next = await store.follow(cursor, 2);
        expect(next.cursor).toBeGreaterThan(cursor);
        expect(next.events.every((e) => e.seq > cursor && e.seq <= next.cursor)).toBe(true);
        met.push(...seqs(next.events));
        cursor = next.cursor;
      }
      expect(met).toEqual([1, 2, 4, 5, 7]);
      expect(await store.follow(cursor, 2)).toEqual({ events: [], cursor });
      expect(await store.follow(99n, 2)).toEqual({ events: [], cursor: 99n });
    });

    test("follow crosses long stretches of dropped events", async () => {
      const same = Array.from({ length: 500 }, () => ({ eventId: id(1) }));
      await store.load(segmentOf(1n, [...same, { eventId: id(2) }, ...same]));
      let cursor = 0n;
      const met: number[] = [];
      for (let steps = 0; cursor < 1001n; steps += 1) {
        expect(steps).toBeLessThan(1001);
        const next = await store.follow(cursor, 1);
        met.push(...seqs(next.events));
        cursor = next.cursor;
      }
      expect(met).toEqual([1, 501]);
    });

    test("countStored says what became of a stretch of one owner's log", async () => {
      await store.load(
        segmentOf(1n, [
          { eventId: id(1) },
          { eventId: id(1) },
          { eventId: id(1), raw: '{"other":"bytes"}' },
          { eventId: id(2), ownerAccount: "444455556666" },
          { eventId: id(3) },
        ]),
      );
      expect(await store.countStored("111122223333", 1n, 5n)).toEqual({ stored: 3, variants: 1 });
      expect(await store.countStored("111122223333", 2n, 4n)).toEqual({ stored: 1, variants: 1 });
      expect(await store.countStored("444455556666", 1n, 99n)).toEqual({ stored: 1, variants: 0 });
      expect(await store.countStored("444455556666", 5n, 5n)).toEqual({ stored: 0, variants: 0 });
    });

    test("deleteExpired takes only what was kept long enough and every reader has passed", async () => {
      const month = 31 * 86_400_000;
      await store.load(
        segmentOf(1n, [
          { eventId: id(1), keepUntilMs: noon },
          { eventId: id(2), keepUntilMs: noon + 1 },
          { eventId: id(3), keepUntilMs: noon - 1 },
          { eventId: id(4) },
          { eventId: id(5), keepUntilMs: noon - 1, eventTimeMs: noon - 2 * month },
          { eventId: id(6), keepUntilMs: noon - 1, eventTimeMs: noon - 2 * month },
          { eventId: id(7), keepUntilMs: noon - 1 },
        ]),
      );
      expect(await store.deleteExpired(noon - 2, 100n)).toBe(0);
      expect(await store.deleteExpired(noon, 6n)).toBe(4);
      const left = [2, 4, 7];
      expect(seqs(await collect(store, { order: "oldest" }))).toEqual(left);
      expect(seqs((await store.follow(0n, 100)).events)).toEqual(left);
      expect(await store.status()).toMatchObject({ eventCount: 3, watermark: 7n });
      expect(await store.deleteExpired(noon, 6n)).toBe(0);
      store = await harness.reopen(store);
      expect(seqs(await collect(store, { order: "oldest" }))).toEqual(left);
      expect(await store.deleteExpired(noon, 100n)).toBe(1);
      expect(seqs(await collect(store, { order: "oldest" }))).toEqual([2, 4]);
    });

    test("a segment whose rows cannot all be read is not loaded", async () => {
      const segment = segmentOf(1n, [{ eventId: id(1) }]);
      const broken: Segment = { ...segment, bytes: async () => Promise.reject(new Error("gone")) };
      await expect(store.load(broken)).rejects.toThrow(/gone|could not/);
      expect(store.watermark()).toBe(0n);
      expect(await store.load(segment)).toMatchObject({ stored: 1 });
    });

    test("many queries at once are all answered", async () => {
      await store.load(
        segmentOf(
          1n,
          Array.from({ length: 100 }, (_, i) => ({ eventId: id(i) })),
        ),
      );
      const answers = await Promise.all([
        ...Array.from({ length: 30 }, () => store.find(ask(store), 5)),
        ...Array.from({ length: 10 }, () => collect(store)),
        ...Array.from({ length: 10 }, () => collect(store, { text: "eventID" })),
      ]);
      expect(answers.map((answer) => answer.length)).toEqual([
        ...Array<number>(30).fill(5),
        ...Array<number>(20).fill(100),
      ]);
    });

    test("a closed store refuses, and closing twice is no error", async () => {
      await store.close();
      await store.close();
      await expect(store.find(ask(store), 1)).rejects.toMatchObject({ code: "StoreUnavailable" });
      await expect(store.load(segmentOf(1n, [{}]))).rejects.toMatchObject({
        code: "StoreUnavailable",
      });
    });

    test("any loads, crashes and queries come out as in the reference", async () => {
      await fc.assert(
        fc.asyncProperty(
          fc.array(loadArbitrary, { maxLength: 4 }),
          fc.array(queryArbitrary, { minLength: 1, maxLength: 6 }),
          async (loads, queries) => {
            await store.close();
            await harness.clear();
            store = await harness.open();
            const reference = createMemoryStore();
            for (const { events, lost } of loads) {
              const before = store.watermark();
              const segment = segmentOf(before + 1n, events);
              expect(await store.load(segment)).toEqual(await reference.load(segment));
              if (lost === undefined) continue;
              const gone = lost.map((offset) => before + 1n + BigInt(offset));
              store = await harness.crashed(store, before, gone);
              await store.load(segment);
            }
            for (const { limit, ...some } of queries) {
              const query = ask(store, some);
              expect(await store.find(query, limit)).toEqual(await reference.find(query, limit));
              expect(await collect(store, some)).toEqual(await collect(reference, some));
            }
            expect(await store.follow(0n, 1000)).toEqual(await reference.follow(0n, 1000));
          },
        ),
        { numRuns: 15 },
      );
    }, 180_000);
  });
}

const word = fc.constantFrom("", "a", "b", "ü", "\0");
const moment = fc.integer({ min: -3, max: 3 }).map((days) => noon + days * 20 * 86_400_000);

const eventArbitrary: fc.Arbitrary<TestEvent> = fc.record({
  ownerAccount: fc.constantFrom("111122223333", "444455556666"),
  eventTimeMs: moment,
  flags: fc.constantFrom(0, rowFlags.imported | rowFlags.timeUnreadable),
  eventId: word,
  eventName: word,
  userName: word,
  eventCategory: fc.constantFrom("Management", "Data"),
  lookupResourceNames: fc.array(word, { maxLength: 2 }),
  raw: fc.constantFrom("{}", "[]", '"a"', '"ü"'),
});

const loadArbitrary = fc.record(
  {
    events: fc.array(eventArbitrary, { minLength: 1, maxLength: 12 }),
    /** Then a crash: the load is undone but for some rows, and comes again. */
    lost: fc.array(fc.nat({ max: 11 }), { maxLength: 6 }),
  },
  { requiredKeys: ["events"] },
);

const queryArbitrary = fc.record(
  {
    limit: fc.integer({ min: 1, max: 20 }),
    order: fc.constantFrom("newest" as const, "oldest" as const),
    ownerAccount: fc.constantFrom("111122223333", "444455556666"),
    fromMs: moment,
    toMs: moment,
    categories: fc.subarray(["Management", "Data"]),
    equals: fc.array(
      fc.record({
        column: fc.constantFrom(
          "eventId" as const,
          "eventName" as const,
          "userName" as const,
          "resourceName" as const,
        ),
        value: word,
      }),
      { maxLength: 2 },
    ),
    text: fc.constantFrom("a", "ü", "[", "{}"),
    watermark: fc.bigInt({ min: 0n, max: 40n }),
    after: fc.record({
      eventTimeMs: moment,
      eventId: word,
      seq: fc.bigInt({ min: 0n, max: 40n }),
    }),
  },
  { requiredKeys: ["limit", "order"] },
);
