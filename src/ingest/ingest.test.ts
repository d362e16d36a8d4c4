// The one way in, over an in-memory journal: nothing accepted is lost or altered, nothing refused is silent.
import { gzipSync } from "node:zlib";
import * as fc from "fast-check";
import { afterEach, expect, test } from "vitest";
import { TestClock } from "../base/clock.ts";
import { isCairnError } from "../base/errors.ts";
import {
  ingestChunkBytes,
  ingestInlineBytesMax,
  ingestLagBytesInitial,
  ingestLagWaitMsMax,
  ingestRejectedLinesMax,
} from "../base/limits.ts";
import { silentLog } from "../base/log.ts";
import { readEvent } from "../event/read.ts";
import {
  decodeRow,
  type EventColumns,
  keepForeverMs,
  type RowBatch,
  RowWriter,
  rowFlags,
  type StoredEvent,
} from "../event/row.ts";
import { createMemoryJournal, type MemoryJournal } from "../journal/memory/memory-journal.ts";
import { createIngest, type IngestOptions } from "./create-ingest.ts";
import { gunzipBounded } from "./gunzip.ts";
import type { Ingest, IngestContext } from "./ingest.ts";

const nowMs = Date.UTC(2026, 0, 2);
const live: IngestContext = { ownerAccount: "111122223333", origin: "live" };
const imported: IngestContext = { ...live, origin: "import" };

const open: Ingest[] = [];
afterEach(async () => {
  await Promise.all(open.splice(0).map((each) => each.close()));
});

function setUp(options: Partial<IngestOptions> = {}) {
  const clock = new TestClock(nowMs);
  const journal = createMemoryJournal({ clock });
  const ingest = createIngest({
    journal,
    clock,
    log: silentLog,
    retentionMs: 1000,
    workers: 2,
    ...options,
  });
  open.push(ingest);
  return { clock, journal, ingest };
}

/** Takes everything out of the journal, in its order. */
async function eventsOf(journal: MemoryJournal): Promise<Omit<StoredEvent, "variant">[]> {
  const { lastSeq, pendingBytes } = journal.status();
  const events: Omit<StoredEvent, "variant">[] = [];
  if (pendingBytes === 0) return events;
  journal.seal();
  const abort = new AbortController();
  for await (const segment of journal.segments(abort.signal)) {
    const bytes = await segment.bytes();
    for (let at = 0; at < bytes.length; at += 4 + bytes.readUInt32LE(at))
      events.push(decodeRow(bytes, at));
    await journal.release(segment);
    if (segment.lastSeq === lastSeq) break;
  }
  return events;
}

function event(id: string, members: object = {}): string {
  return JSON.stringify({
    eventTime: "2026-01-01T00:00:00Z",
    eventSource: "s3.amazonaws.com",
    eventName: "ListBuckets",
    eventID: id,
    ...members,
  });
}

/** Lines of about 1.5 kB, together more than one chunk: read by the workers. */
function manyLines(count: number): string[] {
  return Array.from({ length: count }, (_, i) => event(`e${i}`, { pad: "x".repeat(1400) }));
}

async function rejectionOf(promise: Promise<unknown>): Promise<string> {
  try {
    await promise;
    return "ok";
  } catch (error) {
    if (!isCairnError(error)) throw error;
    return `${error.code}: ${error.message}`;
  }
}

test("lines come back byte for byte, in their order, with the columns of their account and age", async () => {
  const { journal, ingest } = setUp();
  const lines = [
    ` ${event("a")}\t`,
    event("b", { n: "347.0" }).replace('"347.0"', "347.0"),
    event("é\\ud800"),
  ];
  const report = await ingest.acceptLines(Buffer.from(lines.join("\n")), live);
  expect(report).toEqual({
    received: 3,
    accepted: 3,
    rejected: [],
    ranges: [{ firstSeq: 1n, count: 3 }],
    lastSeq: 3n,
  });
  const events = await eventsOf(journal);
  expect(events.map((each) => each.raw.toString())).toEqual(lines);
  expect(events[0]).toMatchObject({
    seq: 1n,
    ownerAccount: "111122223333",
    ingestTimeMs: nowMs,
    keepUntilMs: nowMs + 1000,
    flags: 0,
  });
  await ingest.acceptLines(Buffer.from(event("c")), imported);
  const [kept] = (await eventsOf(journal)).slice(-1);
  expect(kept).toMatchObject({ keepUntilMs: keepForeverMs, flags: rowFlags.imported });
});

test("carriage returns, empty lines and a missing last line feed are no part of any record", async () => {
  const { journal, ingest } = setUp();
  const body = `\ufeff\r\n${event("a")}\r\n  \n\n${event("b")}\n{\r\n${event("c")}`;
  const report = await ingest.acceptLines(Buffer.from(body), live);
  expect(report).toMatchObject({ received: 4, accepted: 3 });
  expect(report.rejected).toEqual([
    { line: 6, code: "Truncated", message: "the record is cut short: the text ends at byte 1" },
  ]);
  const raws = (await eventsOf(journal)).map((each) => each.raw.toString());
  expect(raws).toEqual([event("a"), event("b"), event("c")]);
  expect(await ingest.acceptLines(Buffer.alloc(0), live)).toMatchObject({
    received: 0,
    accepted: 0,
  });
});

test("each bad line is named and costs no other", async () => {
  const { ingest } = setUp();
  const lines: (string | Buffer)[] = [
    event("ok1"),
    "nonsense",
    event("cut").slice(0, -3),
    event("dup").replace("{", '{"eventID":"x",'),
    event("tab").replace("ListBuckets", "List\tBuckets"),
    Buffer.concat([Buffer.from('{"a":"'), Buffer.from([0xff]), Buffer.from('"}')]),
    `{"a":${"[".repeat(600)}`,
    event("large", { pad: "x".repeat(300_000) }),
    event("late", { eventTime: "2100-01-01T00:00:00Z" }),
    "[1]",
    event("ok2"),
  ];
  const body = Buffer.concat(
    lines.flatMap((line) => [Buffer.from(line as string), Buffer.from("\n")]),
  );
  const report = await ingest.acceptLines(body, live);
  expect(report.accepted).toBe(2);
  expect(report.received).toBe(lines.length);
  expect(report.rejected.map(({ line, code }) => `${line} ${code}`)).toEqual([
    "2 NotJson",
    "3 Truncated",
    "4 DuplicateMember",
    "5 ControlCharacter",
    "6 InvalidUtf8",
    "7 TooDeep",
    "8 TooLarge",
    "9 TimeOutOfRange",
    "10 NotAnObject",
  ]);
  expect(ingest.counters).toMatchObject({ accepted: 2, rejected: { TooDeep: 1, InvalidUtf8: 1 } });
});

test("a large body is read by the workers with the same result, in order", async () => {
  const { journal, ingest } = setUp();
  const lines = manyLines(4000);
  lines[1234] = "broken";
  lines[3999] = "";
  const body = Buffer.from(`${lines.join("\n")}\n`);
  expect(body.length).toBeGreaterThan(ingestChunkBytes * 4);
  const report = await ingest.acceptLines(body, live);
  expect(report.accepted).toBe(3998);
  expect(report.rejected).toMatchObject([{ line: 1235, code: "NotJson" }]);
  expect(report.ranges.reduce((sum, each) => sum + each.count, 0)).toBe(3998);
  const expected = lines.filter((line) => line.startsWith("{"));
  expect((await eventsOf(journal)).map((each) => each.raw.toString())).toEqual(expected);
});

test("small and large bodies give the same events wherever their lines are cut", async () => {
  const { journal, ingest } = setUp();
  const line = fc.oneof(
    fc.constantFrom("", "  ", "nonsense", event("short")),
    fc.nat(3).map((size) => event(`s${size}`, { pad: "é".repeat(size * 9000) })),
  );
  await fc.assert(
    fc.asyncProperty(
      fc.array(line, { maxLength: 40 }),
      fc.constantFrom("\n", "\r\n"),
      async (lines, end) => {
        const before = journal.status().lastSeq;
        const report = await ingest.acceptLines(Buffer.from(lines.join(end)), live);
        const good = lines.filter((each) => each.startsWith("{"));
        expect(report.accepted).toBe(good.length);
        expect(report.rejected.map((each) => each.line)).toEqual(
          lines.flatMap((each, i) => (each === "nonsense" ? [i + 1] : [])),
        );
        expect(journal.status().lastSeq - before).toBe(BigInt(good.length));
        const raws = (await eventsOf(journal)).map((each) => each.raw.toString());
        expect(raws).toEqual(good);
      },
    ),
    { numRuns: 60 },
  );
});

test("records that have line feeds of their own come as a JSON text sequence", async () => {
  const { journal, ingest } = setUp();
  const pretty = manyLines(2000).map((each) => JSON.stringify(JSON.parse(each), null, 2));
  const body = Buffer.from(pretty.map((each) => `\u001e${each}\n`).join(""));
  const report = await ingest.acceptLines(body, { ...imported, separator: "record-separator" });
  expect(report).toMatchObject({ received: 2000, accepted: 2000, rejected: [] });
  expect((await eventsOf(journal)).map((each) => each.raw.toString())).toEqual(pretty);
  const bad = await ingest.acceptLines(
    Buffer.from(`\u001e${event("a")}\n\u001e{\n\u001e${event("b")}`),
    {
      ...live,
      separator: "record-separator",
    },
  );
  expect(bad).toMatchObject({
    received: 3,
    accepted: 2,
    rejected: [{ line: 2, code: "Truncated" }],
  });
});

test("when the journal refuses part of a body, the report says from which line on", async () => {
  const { journal, ingest } = setUp();
  const lines = manyLines(4000);
  journal.faults.failEvery = 3;
  const report = await ingest.acceptLines(Buffer.from(lines.join("\n")), live);
  const { failed } = report;
  expect(failed).toMatchObject({ code: "JournalUnavailable" });
  expect(report.accepted).toBeGreaterThan(0);
  expect(failed?.fromLine).toBe(report.accepted + 1);
  const accepted = (await eventsOf(journal)).map((each) => each.raw.toString());
  expect(accepted).toEqual(lines.slice(0, report.accepted));

  // The rest, sent again from there, completes the body: nothing is missing and nothing stands twice.
  delete journal.faults.failEvery;
  const rest = lines.slice((failed?.fromLine ?? 0) - 1);
  expect(await ingest.acceptLines(Buffer.from(rest.join("\n")), live)).toMatchObject({
    accepted: rest.length,
  });
  expect((await eventsOf(journal)).map((each) => each.raw.toString())).toEqual(rest);
});

test("a full journal refuses a body whole, and takes it once there is room", async () => {
  const { journal, ingest } = setUp();
  journal.faults.pendingBytesMax = 10;
  const body = Buffer.from(`bad\n${event("a")}`);
  const refused = await ingest.acceptLines(body, live);
  expect(refused).toMatchObject({
    received: 0,
    accepted: 0,
    rejected: [],
    failed: { fromLine: 1, code: "JournalFull" },
  });
  expect(ingest.counters).toMatchObject({ accepted: 0, rejected: {} });
  delete journal.faults.pendingBytesMax;
  expect(await ingest.acceptLines(body, live)).toMatchObject({ received: 2, accepted: 1 });
});

test("a body of rubbish is answered with a bounded report that says where it stopped", async () => {
  const { ingest } = setUp();
  for (const filler of ["x\n", `${"x".repeat(300)}\n`]) {
    const count = ingestRejectedLinesMax * 3;
    const report = await ingest.acceptLines(
      Buffer.from(`${event("a")}\n${filler.repeat(count)}`),
      live,
    );
    expect(report.rejected.length).toBeGreaterThanOrEqual(ingestRejectedLinesMax);
    expect(report.rejected.length).toBeLessThanOrEqual(ingestRejectedLinesMax * 2);
    expect(report.failed).toMatchObject({ code: "ValidationFailed" });
    expect(report.failed?.fromLine).toBe(report.received + 1);
    expect(report.accepted).toBe(1);
  }
});

test("whatever bytes a body has, every line is accounted for", async () => {
  const { ingest } = setUp();
  const bytes = fc.oneof(
    fc.uint8Array({ maxLength: 3000 }),
    // Runs of one piece, so that chunks end everywhere.
    fc
      .tuple(fc.constantFrom(event("a"), "\n", "\r\n", "\u001e", '{"', "é", "\u0000"), fc.nat(40))
      .map(([piece, count]) => Buffer.from(`${piece.repeat(count)}\n${event("b")}`)),
    fc
      .nat(5)
      .map((size) => Buffer.from(`${event("c", { pad: "x".repeat(size * 20_000) })}\n`.repeat(3))),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(bytes, { maxLength: 4 }), fc.boolean(), async (parts, sequence) => {
      const body = Buffer.concat(parts);
      const report = await ingest.acceptLines(body, {
        ...imported,
        separator: sequence ? "record-separator" : "newline",
      });
      expect(report.received).toBe(report.accepted + report.rejected.length);
      expect(report.failed).toBeUndefined();
    }),
    { numRuns: 200 },
  );
});

test("events recorded in one turn share an append and each is durable when its promise resolves", async () => {
  const { journal, ingest } = setUp();
  await Promise.all(["a", "b", "c"].map((id) => ingest.record(Buffer.from(event(id)), "1")));
  const ids = (await eventsOf(journal)).map((each) => each.eventId);
  expect(ids).toEqual(["a", "b", "c"]);
  expect(ingest.counters.accepted).toBe(3);
});

test("record tells its caller when the journal or the reader refuses the event", async () => {
  const { journal, ingest } = setUp();
  expect(await rejectionOf(ingest.record(Buffer.from("{}"), "1"))).toBe(
    "ValidationFailed: the event is refused: eventName is missing or empty",
  );
  journal.faults.pendingBytesMax = 1;
  expect(await rejectionOf(ingest.record(Buffer.from(event("a")), "1"))).toMatch(/^JournalFull/);
  delete journal.faults.pendingBytesMax;
  await ingest.record(Buffer.from(event("a")), "1");
  expect(ingest.counters).toEqual({ accepted: 1, rejected: { NameMissing: 1 }, dropped: 0 });
});

test("an enqueued event is durable after the flush interval, without anyone asking", async () => {
  const { clock, journal, ingest } = setUp();
  expect(ingest.enqueue(Buffer.from(event("a")), "1")).toBe(true);
  expect(ingest.enqueue(Buffer.from(event("b")), "1")).toBe(true);
  expect(journal.status().lastSeq).toBe(0n);
  clock.advance(50);
  await expect.poll(() => journal.status().lastSeq).toBe(2n);
  expect(ingest.counters.accepted).toBe(2);
});

test("an event that comes while a slow drive writes is durable after its own interval, and so is the next", async () => {
  const { clock, journal, ingest } = setUp();
  journal.faults.latencyMs = 120;
  const enqueue = (id: string) => ingest.enqueue(Buffer.from(event(id)), "1");
  const pass = async (ms: number) => {
    for (let passed = 0; passed < ms; passed += 10) {
      clock.advance(10);
      // The journal goes on in promises.
      for (let turn = 0; turn < 5; turn++) await Promise.resolve();
    }
  };
  enqueue("a");
  await pass(60);
  // Its interval ends while `a` is being written.
  enqueue("b");
  await pass(400);
  expect(journal.status().lastSeq).toBe(2n);
  enqueue("c");
  await pass(400);
  expect(journal.status().lastSeq).toBe(3n);
});

test("a quarter of a megabyte of enqueued events does not wait for the interval", async () => {
  const { journal, ingest } = setUp();
  for (const line of manyLines(200)) ingest.enqueue(Buffer.from(line), "1");
  await expect.poll(() => journal.status().lastSeq).toBeGreaterThan(0n);
});

/** As another thread makes them. */
function rowsOf(ingest: Ingest, ids: readonly string[]): RowBatch {
  const writer = new RowWriter();
  for (const id of ids) {
    const bytes = Buffer.from(event(id));
    const context = { ...ingest.rowTimes(), ownerAccount: "1", origin: "live" as const };
    writer.write(readEvent(bytes, context).columns as EventColumns, bytes);
  }
  return writer.take();
}

test("rows that another thread has made become the same events as if they had been enqueued", async () => {
  const { clock, journal, ingest } = setUp();
  ingest.enqueue(Buffer.from(event("a")), "1");
  expect(ingest.enqueueRows(rowsOf(ingest, ["b", "c"]))).toBe(2);
  expect(ingest.enqueueRows(rowsOf(ingest, []))).toBe(0);
  ingest.enqueue(Buffer.from(event("d")), "1");
  clock.advance(50);
  await expect.poll(() => journal.status().lastSeq).toBe(4n);
  const [a, ...others] = await eventsOf(journal);
  expect(others.map((each) => each.eventId)).toEqual(["b", "c", "d"]);
  for (const { eventId, seq, raw } of others) {
    expect(raw.toString()).toBe(event(eventId));
    expect({ ...a, eventId, seq, raw }).toEqual(others.find((each) => each.seq === seq));
  }
  expect(ingest.counters).toEqual({ accepted: 4, rejected: {}, dropped: 0 });
});

test("of rows that do not fit into the buffer the first ones are taken, and the others counted", async () => {
  const { journal, ingest } = setUp({ bufferBytesMax: 700 });
  const rows = rowsOf(ingest, ["a", "b", "c", "d"]);
  const taken = ingest.enqueueRows(rows);
  expect(taken).toBeGreaterThan(0);
  expect(rows.offsets[taken]).toBeLessThanOrEqual(700);
  expect(rows.offsets[taken + 1] ?? rows.bytes.length).toBeGreaterThan(700);
  expect(ingest.counters.dropped).toBe(4 - taken);
  await ingest.flush();
  const ids = (await eventsOf(journal)).map((each) => each.eventId);
  expect(ids).toEqual(["a", "b", "c", "d"].slice(0, taken));
  await ingest.close();
  expect(ingest.enqueueRows(rows)).toBe(0);
});

test("flush waits for all that was enqueued before it", async () => {
  const { clock, journal, ingest } = setUp();
  journal.faults.latencyMs = 10;
  ingest.enqueue(Buffer.from(event("a")), "1");
  const first = ingest.flush();
  ingest.enqueue(Buffer.from(event("b")), "1");
  const second = ingest.flush();
  await expect.poll(() => (clock.advance(10), journal.status().lastSeq)).toBe(2n);
  await Promise.all([first, second]);
  expect(ingest.counters.accepted).toBe(2);
});

test("while the journal refuses, enqueued events are kept up to the bound, then dropped and counted, never lost silently", async () => {
  const { clock, journal, ingest } = setUp({ bufferBytesMax: 100_000 });
  journal.faults.pendingBytesMax = 1;
  const taken: string[] = [];
  for (const [i, line] of manyLines(100).entries()) {
    if (ingest.enqueue(Buffer.from(line), "1")) taken.push(`e${i}`);
  }
  expect(taken.length).toBeGreaterThan(40);
  expect(taken.length).toBeLessThan(70);
  expect(ingest.counters.dropped).toBe(100 - taken.length);
  expect(await rejectionOf(ingest.flush())).toMatch(/^JournalFull/);
  expect(ingest.counters.accepted).toBe(0);

  // Room again: the retry finds it by itself.
  delete journal.faults.pendingBytesMax;
  clock.advance(500);
  await expect.poll(() => ingest.counters.accepted).toBe(taken.length);
  expect((await eventsOf(journal)).map((each) => each.eventId)).toEqual(taken);
  expect(ingest.enqueue(Buffer.from(event("after")), "1")).toBe(true);
});

test("an event of our own that cannot be read is refused and counted, not thrown", () => {
  const { ingest } = setUp();
  expect(ingest.enqueue(Buffer.from("no event"), "1")).toBe(false);
  expect(ingest.counters.rejected).toEqual({ NotJson: 1 });
});

test("closing flushes what is there, gives up what the journal refuses, and takes nothing more", async () => {
  const { journal, ingest } = setUp();
  ingest.enqueue(Buffer.from(event("a")), "1");
  const recording = ingest.record(Buffer.from(event("b")), "1");
  const accepting = ingest.acceptLines(Buffer.from(manyLines(2000).join("\n")), live);
  await ingest.close();
  await recording;
  expect(await accepting).toMatchObject({ accepted: 2000 });
  expect(journal.status().lastSeq).toBe(2002n);
  expect(ingest.enqueue(Buffer.from(event("c")), "1")).toBe(false);
  expect(await rejectionOf(ingest.record(Buffer.from(event("c")), "1"))).toMatch(/^Unavailable/);
  expect(await rejectionOf(ingest.acceptLines(Buffer.from(event("c")), live))).toMatch(
    /^Unavailable/,
  );

  const refused = setUp();
  refused.journal.faults.pendingBytesMax = 1;
  refused.ingest.enqueue(Buffer.from(event("a")), "1");
  await refused.ingest.close();
  expect(refused.ingest.counters).toMatchObject({ accepted: 0, dropped: 1 });
});

test("a body over the limit is refused before it is read", async () => {
  const { ingest } = setUp();
  const body = new Uint8Array(64 * 1024 * 1024 + 1);
  expect(await rejectionOf(ingest.acceptLines(body, live))).toBe(
    "RequestTooLarge: the body has 67108865 bytes; at most 67108864 are allowed",
  );
});

test("gzip is unpacked whole or refused by what is wrong with it", async () => {
  const text = Buffer.from(`${manyLines(100).join("\n")}\n`);
  const packed = gzipSync(text);
  expect(await gunzipBounded(packed, text.length)).toEqual(text);
  const members = Buffer.concat([packed, gzipSync("more")]);
  expect((await gunzipBounded(members, 1 << 20)).toString()).toBe(`${text.toString()}more`);
  const damaged = Buffer.from(packed);
  damaged[packed.length - 6] = (damaged[packed.length - 6] as number) ^ 1;
  const refusals = await Promise.all(
    [
      gunzipBounded(packed, text.length - 1),
      gunzipBounded(packed.subarray(0, packed.length - 9), 1 << 20),
      gunzipBounded(Buffer.from("not gzip"), 1 << 20),
      gunzipBounded(Buffer.alloc(0), 1 << 20),
      gunzipBounded(damaged, 1 << 20),
      gunzipBounded(Buffer.concat([packed, Buffer.from("trailing")]), 1 << 20),
      gunzipBounded(Buffer.concat([packed, Buffer.alloc(7)]), 1 << 20),
    ].map(rejectionOf),
  );
  expect(refusals.map((each) => each.replaceAll(/\d{2,}/g, "N"))).toMatchInlineSnapshot(`
    [
      "RequestTooLarge: the gzip body unpacks to more than the N bytes that are allowed",
      "SerializationFailed: the gzip body is cut short after N bytes",
      "SerializationFailed: the body is not gzip, or damaged: incorrect header check",
      "SerializationFailed: the body is empty, which is not gzip",
      "SerializationFailed: the body is not gzip, or damaged: incorrect data check",
      "SerializationFailed: the body is not gzip, or damaged: incorrect header check",
      "SerializationFailed: the gzip body has 7 bytes behind its end that are not gzip",
    ]
  `);
});

test("a body just over the inline size takes the other way and says the same", async () => {
  const { ingest } = setUp();
  for (const size of [ingestInlineBytesMax, ingestInlineBytesMax + 1]) {
    const line = event("a", { pad: "" });
    const body = Buffer.from(
      `${line.replace('"pad":""', `"pad":"${"x".repeat(size - line.length - 4)}"`)}\nbad`,
    );
    expect(body.length).toBe(size);
    expect(await ingest.acceptLines(body, live)).toMatchObject({
      accepted: 1,
      rejected: [{ line: 2, code: "NotJson" }],
    });
  }
});

test("a bulk body waits for a store that lags, a small one does not, and none waits for ever", async () => {
  const { clock, journal, ingest } = setUp();
  // Nobody takes these.
  const rows = { bytes: Buffer.alloc(ingestLagBytesInitial + 1), offsets: [] };
  rows.bytes.writeUInt32LE(rows.bytes.length - 4);
  await journal.append({ ...rows, offsets: [0] });
  await ingest.acceptLines(Buffer.from(event("small")), live);
  const bulk = Array.from({ length: 300 }, (_, i) => event(`bulk-${i}`)).join("\n");
  expect(bulk.length).toBeGreaterThan(ingestInlineBytesMax);
  let isAccepted = false;
  const accepting = ingest.acceptLines(Buffer.from(bulk), live).then((report) => {
    isAccepted = true;
    return report;
  });
  // Another room, whose store keeps up, reads the same three times over meanwhile.
  const other = setUp().ingest;
  for (let time = 0; time < 3; time++) await other.acceptLines(Buffer.from(bulk), live);
  expect(isAccepted).toBe(false);
  for (let waitedMs = 0; waitedMs < ingestLagWaitMsMax; waitedMs += 10) {
    clock.advance(10);
    await new Promise(setImmediate);
  }
  expect(await accepting).toMatchObject({ accepted: 300 });
});

test("bulk bodies that follow each other are each kept byte for byte", async () => {
  // A journal that takes its time: chunks are read while others wait for it.
  const journal = createMemoryJournal({ latencyMs: 20 });
  const { ingest } = setUp({ journal });
  // Of different lengths: what is read into a buffer may be shorter than what was there before.
  const bodies = Array.from({ length: 16 }, (_, body) =>
    Array.from({ length: 900 - 200 * (body % 4) }, (_each, i) => event(`${body}-${i}`)),
  );
  const rest = bodies.values();
  const sendSome = async () => {
    for (const lines of rest) await ingest.acceptLines(Buffer.from(lines.join("\n")), live);
  };
  await Promise.all([1, 2, 3, 4].map(sendSome));
  delete journal.faults.latencyMs;
  const found = (await eventsOf(journal)).map(({ raw }) => raw.toString());
  expect(found.toSorted()).toEqual(bodies.flat().toSorted());
});
