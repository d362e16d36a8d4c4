// Delivery when Cairn is away, slow, or choosy: nothing is lost without being counted, and memory stays bounded.
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { type Capture, type CaptureOptions, createCapture } from "../src/capture.ts";
import type { CaptureError } from "../src/errors.ts";
import { type Behaviour, credentials, IngestServer, region, until } from "./ingest-server.ts";

let ingest: IngestServer;
let folder: string;
let errors: CaptureError[];
const captures: Capture[] = [];

beforeEach(async () => {
  ingest = await IngestServer.start();
  folder = mkdtempSync(join(tmpdir(), "cairn-capture-"));
  errors = [];
});

afterEach(async () => {
  for (const capture of captures.splice(0)) await capture.close({ timeoutMs: 100 });
  await ingest.stop();
  rmSync(folder, { recursive: true, force: true });
  if (ingest.problems.length > 0) throw new Error(ingest.problems.join("\n"));
});

function open(options: CaptureOptions = {}): Capture {
  const capture = createCapture({
    url: ingest.url,
    credentials,
    region,
    service: "orders.example.com",
    flushIntervalMs: 10,
    timeoutMs: 300,
    retry: { delayMsMin: 10, delayMsMax: 40 },
    environment: {},
    onError: (error) => errors.push(error),
    ...options,
  });
  captures.push(capture);
  return capture;
}

const codes = () => errors.map((error) => error.code);
const files = () => readdirSync(folder);
const spooledText = () =>
  files()
    .map((name) => readFileSync(join(folder, name), "utf8"))
    .join("");
const names = (count: number, prefix = "E") =>
  Array.from({ length: count }, (_, i) => `${prefix}${i}`);

function line(eventName: string): string {
  const eventID = `00000000-0000-4000-8000-00000000000${eventName.at(-1)}`;
  return JSON.stringify({ eventID, eventName });
}

async function recordAll(capture: Capture, eventNames: string[]): Promise<void> {
  for (const eventName of eventNames) await capture.record({ eventName });
}

function arrived(): string[] {
  return ingest.stored.map((record) => record.eventName).toSorted();
}

describe("while Cairn answers", () => {
  test("events go in batches, gzipped when asked, each exactly once", async () => {
    const capture = open({ gzip: true, batch: { eventsMax: 100 } });
    await recordAll(capture, names(1000));
    expect(await capture.flush()).toBe(true);
    expect(ingest.received).toHaveLength(1000);
    expect(arrived()).toEqual(names(1000).toSorted());
    expect(ingest.requestCount).toBeLessThan(15);
    expect(capture.counters).toMatchObject({ captured: 1000, delivered: 1000, bufferedEvents: 0 });
    expect(capture.counters.bufferedBytes).toBe(0);
  });

  test("a line that Cairn refuses is reported with its event's id and not sent again", async () => {
    ingest.rejectedName = "E1";
    const capture = open();
    await recordAll(capture, names(3));
    expect(await capture.flush()).toBe(true);
    expect(arrived()).toEqual(["E0", "E2"]);
    expect(codes()).toEqual(["EventRejected"]);
    expect(errors[0]?.eventId).toMatch(/^[0-9a-f-]{36}$/);
    expect(errors[0]?.message).toContain("Unwanted: not this one");
    expect(capture.counters).toMatchObject({ delivered: 2, rejected: 1 });
  });

  test("a batch that is too large for the way is sent in smaller ones", async () => {
    ingest.linesMax = 3;
    const capture = open();
    await recordAll(capture, names(20));
    expect(await capture.flush()).toBe(true);
    expect(arrived()).toEqual(names(20).toSorted());
    expect(capture.counters).toMatchObject({ delivered: 20, retries: 0 });
  });

  test("credentials that have changed are fetched again after a refusal", async () => {
    const served = [{ accessKeyId: "AKIAOLD", secretAccessKey: "old" }, credentials];
    const capture = open({ credentials: async () => served.shift() ?? credentials });
    await recordAll(capture, ["E0"]);
    await until("the event arrives", () => ingest.received.length === 1, codes);
    expect(ingest.problems.splice(0)).toHaveLength(1);
  });

  test("strict: record() resolves after the event is in Cairn, and rejects when Cairn refuses it", async () => {
    ingest.rejectedName = "Bad";
    const capture = open({ mode: "strict", flushIntervalMs: 60_000 });
    await capture.record({ eventName: "Good" });
    expect(arrived()).toEqual(["Good"]);
    await expect(capture.record({ eventName: "Bad" })).rejects.toMatchObject({
      code: "EventRejected",
    });
  });
});

describe.each<Behaviour>(["error", "throttle", "hang", "disconnect", "page"])(
  "while Cairn answers with: %s",
  (behaviour) => {
    test("events wait in memory and arrive once it is back", async () => {
      ingest.behaviour = behaviour;
      const capture = open();
      await recordAll(capture, names(5));
      await until("two attempts", () => capture.counters.retries >= 2);
      expect(codes()).toContain("DeliveryFailed");
      ingest.behaviour = "accept";
      await until("all arrived", () => capture.counters.delivered === 5, arrived);
      expect(arrived()).toEqual(names(5));
      expect(capture.counters).toMatchObject({ captured: 5, dropped: 0 });
    });

    test("events wait on disk and arrive exactly once, oldest first", async () => {
      ingest.behaviour = behaviour;
      const capture = open({ spool: { folder, fileBytesMax: 2000 } });
      for (const name of names(12)) {
        await capture.record({ eventName: name });
        const { spooled } = capture.counters;
        await until(
          "it is on disk",
          () => capture.counters.spooled > spooled,
          () => capture.counters,
        );
      }
      expect(capture.counters.bufferedEvents).toBe(0);
      expect(files().length).toBeGreaterThan(2);
      ingest.behaviour = "accept";
      await until("all arrived", () => ingest.stored.length === 12, arrived);
      expect(ingest.stored.map((record) => record.eventName)).toEqual(names(12));
      await until("the spool is empty", () => capture.counters.spoolBytes === 0, files);
      expect(files()).toEqual([]);
      expect(capture.counters).toMatchObject({ captured: 12, delivered: 12 });
    });
  },
);

describe("bounds", () => {
  test("memory holds no more than it may, and what is lost is counted and reported", async () => {
    ingest.behaviour = "hang";
    const capture = open({ buffer: { eventsMax: 50 } });
    await recordAll(capture, names(500));
    expect(capture.counters).toMatchObject({ bufferedEvents: 50, dropped: 450 });
    expect(codes()).toContain("EventDropped");
    ingest.behaviour = "accept";
    await until("the oldest arrive", () => ingest.stored.length === 50, arrived);
    expect(arrived()).toEqual(names(50).toSorted());
  });

  test("memory is bounded in bytes as well", async () => {
    ingest.behaviour = "hang";
    const capture = open({ buffer: { bytesMax: 100_000 } });
    for (const eventName of names(50)) {
      await capture.record({ eventName, requestParameters: { text: "x".repeat(10_000) } });
    }
    expect(capture.counters.bufferedBytes).toBeLessThanOrEqual(100_000);
    expect(capture.counters.bufferedEvents).toBe(9);
  });

  test("with a spool, a burst larger than memory is kept whole while Cairn hangs", async () => {
    ingest.behaviour = "hang";
    const capture = open({ buffer: { eventsMax: 100 }, spool: { folder }, timeoutMs: 60_000 });
    for (const eventName of names(1000)) {
      await until("there is room", () => capture.counters.bufferedEvents < 100);
      await capture.record({ eventName });
    }
    expect(capture.counters.dropped).toBe(0);
    expect(capture.counters.spooled).toBeGreaterThan(800);
  });

  test("best effort: a full spool drops the newest events and counts them", async () => {
    ingest.behaviour = "error";
    const capture = open({ buffer: { eventsMax: 20 }, spool: { folder, bytesMax: 20_000 } });
    for (const eventName of names(200)) {
      const hasRoom = () => capture.counters.bufferedEvents < 20 || codes().includes("SpoolFull");
      await until("memory has room, or nothing has", hasRoom);
      await capture.record({ eventName });
    }
    expect(codes()).toContain("SpoolFull");
    expect(spooledText().length).toBeLessThanOrEqual(20_000);
    ingest.behaviour = "accept";
    const kept = () => capture.counters.captured - capture.counters.dropped;
    await until("what was kept arrives", () => ingest.stored.length === kept(), arrived);
    expect(capture.counters.dropped).toBeGreaterThan(100);
    expect(ingest.named("E0")).toHaveLength(1);
    expect(ingest.named("E199")).toHaveLength(0);
  });

  test('strict "spool": when record() resolves, the event is in a file, whatever Cairn does', async () => {
    ingest.behaviour = "hang";
    const capture = open({ mode: "strict", strict: "spool", spool: { folder } });
    for (const eventName of names(20)) {
      await capture.record({ eventName });
      expect(spooledText()).toContain(`"eventName":"${eventName}"`);
    }
    // More than one batch at once, and somebody who waits for the end.
    const together = names(1200, "Together").map((eventName) => capture.record({ eventName }));
    const flushed = capture.flush({ timeoutMs: 50 });
    await Promise.all(together);
    expect(spooledText().match(/Together/g)).toHaveLength(1200);
    expect(await flushed).toBe(false);
  });

  test("strict: a full spool refuses", async () => {
    ingest.behaviour = "error";
    const capture = open({
      mode: "strict",
      strict: "spool",
      strictTimeoutMs: 200,
      spool: { folder, bytesMax: 2_000 },
    });
    let accepted = 0;
    await expect(async () => {
      for (; accepted < 10; accepted++) await capture.record({ eventName: `E${accepted}` });
    }).rejects.toMatchObject({ code: "NotDurable" });
    expect(accepted).toBeGreaterThan(0);
    expect(spooledText().split("\n").length - 1).toBeGreaterThanOrEqual(accepted);
    await until("requests are refused at once", () => capture.admit({}) === "refuse");
  });

  test("a thousand events a second are taken without an error, in Cairn's absence too", async () => {
    const capture = open({ spool: { folder } });
    let taken = 0;
    for (let second = 0; second < 2; second++) {
      ingest.behaviour = second === 0 ? "accept" : "error";
      const started = performance.now();
      while (performance.now() - started < 1000) {
        const due = Math.min(1000, Math.floor(performance.now() - started) + 1);
        for (; taken < second * 1000 + due; taken++) await capture.record({ eventName: "Tick" });
        await new Promise((resolve) => setTimeout(resolve, 1));
      }
    }
    ingest.behaviour = "accept";
    await until(
      "all arrived",
      () => ingest.stored.length === taken,
      () => capture.counters,
    );
    expect(taken).toBeGreaterThan(1900);
    expect(new Set(codes())).toEqual(new Set(["DeliveryFailed"]));
  });
});

describe("the spool", () => {
  test("holds no secret, and nobody but the owner may read it", async () => {
    ingest.behaviour = "error";
    const capture = open({ spool: { folder: join(folder, "deep") } });
    await capture.record({
      eventName: "SignIn",
      userIdentity: { type: "IAMUser", userName: "alice", passwordHash: "pl4nted-hash" },
      requestParameters: { user: "alice", password: "pl4nted-password", nested: [{ otp: 4711 }] },
      responseElements: { accessToken: "pl4nted-token" },
    });
    await until("it is on disk", () => capture.counters.spooled === 1);
    const [name = ""] = readdirSync(join(folder, "deep"));
    const text = readFileSync(join(folder, "deep", name), "utf8");
    expect(text).toContain("alice");
    expect(text).toContain("HIDDEN_DUE_TO_SECURITY_REASONS");
    expect(text).not.toMatch(/pl4nted|4711/);
    expect(text).not.toContain(credentials.secretAccessKey);
  });

  test("leftovers of a dead process are sent, their torn last line is not, a damaged line is reported", async () => {
    const host = hostname().replaceAll(/[^A-Za-z0-9.-]/g, "-");
    // No process has a pid this high: Linux stops at 2^22.
    const dead = (ms: number, suffix: string) =>
      join(folder, `${String(ms).padStart(14, "0")}_${host}_9999999_abcdef_0${ms}.${suffix}`);
    writeFileSync(
      dead(2, "open"),
      `${line("E2")}\n\0\0\0\n${line("E3")}\n${line("E4").slice(0, 30)}`,
    );
    writeFileSync(dead(1, "ndjson"), `${line("E1")}\n`);
    writeFileSync(join(folder, "notes.txt"), "not ours");
    const capture = open({ spool: { folder } });
    await until("all arrived", () => ingest.stored.length === 3, arrived);
    expect(ingest.received.map((record) => record.eventName)).toEqual(["E1", "E2", "E3"]);
    await until("the spool is empty", () => files().length === 1, files);
    expect(files()).toEqual(["notes.txt"]);
    expect(codes()).toEqual(["SpoolLineUnreadable"]);
    await until("they are counted", () => capture.counters.delivered === 3);
  });

  test("a folder that cannot be used is reported, and events still go from memory", async () => {
    writeFileSync(join(folder, "file"), "");
    ingest.behaviour = "error";
    const capture = open({ spool: { folder: join(folder, "file") } });
    await recordAll(capture, names(3));
    await until("it is reported", () => codes().includes("SpoolFailed"), codes);
    ingest.behaviour = "accept";
    await until("all arrived", () => ingest.stored.length === 3, arrived);
    expect(arrived()).toEqual(names(3));
  });
});

describe("close", () => {
  test("delivers what is there and then takes nothing more", async () => {
    const capture = open({ flushIntervalMs: 60_000 });
    await recordAll(capture, names(10));
    await capture.close();
    expect(arrived()).toEqual(names(10).toSorted());
    await capture.record({ eventName: "Late" });
    expect(codes()).toEqual(["Closed"]);
  });

  test("keeps to its bound; what is left is on disk and sent by the next capture", async () => {
    ingest.behaviour = "hang";
    const first = open({ spool: { folder }, flushIntervalMs: 60_000, timeoutMs: 60_000 });
    await recordAll(first, names(10));
    const started = performance.now();
    await first.close({ timeoutMs: 100 });
    expect(performance.now() - started).toBeLessThan(1500);
    expect(spooledText().trim().split("\n")).toHaveLength(10);
    expect(first.counters).toMatchObject({ spooled: 10, dropped: 0, bufferedEvents: 0 });
    ingest.behaviour = "accept";
    const second = open({ spool: { folder } });
    await until("all arrived", () => ingest.stored.length === 10, arrived);
    await until("the spool is empty", () => files().length === 0, files);
    await until("they are counted", () => second.counters.delivered === 10);
    expect(second.counters.captured).toBe(0);
  });

  test("without a spool it says how many events are lost", async () => {
    ingest.behaviour = "hang";
    const capture = open();
    await recordAll(capture, names(7));
    await capture.close({ timeoutMs: 50 });
    expect(capture.counters.dropped).toBe(7);
    expect(errors.at(-1)?.message).toMatch(/^7 events lost/);
  });
});
