// The capture library in real applications, delivering to a real Cairn that is found, killed, away, and back again.
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { CloudTrailClient, paginateLookupEvents } from "@aws-sdk/client-cloudtrail";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import {
  type Capture,
  type CaptureError,
  type CaptureOptions,
  createCapture,
} from "../../capture/src/index.ts";
import { type CairnProcess, startCairn } from "../tools/cairn.ts";
import { clientOf, eventLine, storeEvents } from "../tools/post-events.ts";
import { type Application, type Framework, placeOrder, startApplication } from "./application.ts";

const frameworks: Framework[] = ["express", "fastify"];
const service = "orders.example.com";

interface Found {
  eventID: string;
  eventName: string;
  errorCode?: string;
  userIdentity: { userName?: string };
  requestParameters: Record<string, unknown> | null;
}

let folder: string;
let cairn: CairnProcess;
let capture: Capture;
let errors: CaptureError[];
const stops: (() => Promise<unknown>)[] = [];

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "cairn-capture-"));
  errors = [];
  cairn = await startCairn({ data: join(folder, "data") });
  stops.push(() => cairn.stop());
});

afterEach(async () => {
  for (let stop = stops.pop(); stop !== undefined; stop = stops.pop()) await stop();
  rmSync(folder, { recursive: true, force: true });
});

const spoolFolder = () => join(folder, "spool");

function openCapture(options: CaptureOptions = {}): Capture {
  const opened = createCapture({
    url: cairn.url,
    credentials: cairn.credentials,
    service,
    environment: {},
    flushIntervalMs: 50,
    retry: { delayMsMin: 50, delayMsMax: 500 },
    onError: (error) => errors.push(error),
    ...options,
  });
  stops.push(() => opened.close({ timeoutMs: 500 }));
  return opened;
}

async function serve(framework: Framework): Promise<Application> {
  const application = await startApplication(framework, capture);
  stops.push(() => application.stop());
  return application;
}

/** On the data folder and the port that it had before. */
async function restartCairn(): Promise<void> {
  const { port } = new URL(cairn.url);
  cairn = await startCairn({ data: cairn.data, flags: ["--port", port] });
}

/** Every event of the application, once all that was delivered before is searchable. */
async function foundEvents(query: Record<string, string> = {}): Promise<Found[]> {
  const client = clientOf(cairn);
  // Its place in the log is behind everything delivered so far, so when it is searchable all of that is.
  await storeEvents(client, [eventLine({ eventID: crypto.randomUUID() })]);
  const response = await client.send({
    path: "/v1/events",
    query: new URLSearchParams({ eventSource: service, order: "oldest", ...query }),
    headers: { accept: "application/x-ndjson" },
  });
  const lines = (await response.text()).split("\n").filter(Boolean);
  return lines.map((line) => JSON.parse(line) as Found);
}

const orderOf = (event: Found) => String(event.requestParameters?.["id"]);

/** Events of one second have no order of their own: a PUT before the GET of its order, orders by number. */
const asMade = (events: Found[]) =>
  events.toSorted(
    (a, b) => Number(orderOf(a)) - Number(orderOf(b)) || (a.eventName < b.eventName ? 1 : -1),
  );

async function until(what: string, isTrue: () => boolean | Promise<boolean>, seen: () => unknown) {
  const deadlineMs = performance.now() + 20_000;
  while (!(await isTrue())) {
    if (performance.now() > deadlineMs)
      throw new Error(`not within 20 s: ${what}; seen: ${JSON.stringify(seen())}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

describe.each(frameworks)("in %s", (framework) => {
  test("a call is found through the event API and LookupEvents, by whoever made it", async () => {
    capture = openCapture();
    const { url } = await serve(framework);
    expect(await placeOrder(url, "7")).toBe(201);
    await fetch(`${url}/orders/7`, { headers: { "x-user": "bob" } });
    await fetch(`${url}/orders/8`);
    expect(await capture.flush()).toBe(true);

    const found = asMade(await foundEvents());
    const parameters = { id: "7", customer: "c-1" };
    expect(found).toMatchObject([
      {
        eventName: "PutOrdersById",
        userIdentity: { userName: "alice" },
        requestParameters: parameters,
      },
      { eventName: "GetOrdersById", userIdentity: { userName: "bob" }, readOnly: true },
      { eventName: "GetOrdersById", userIdentity: { type: "Unknown" }, errorCode: "OrderNotFound" },
    ]);
    expect(JSON.stringify(found)).not.toContain("not recorded");
    expect(await foundEvents({ errorCode: "OrderNotFound" })).toEqual([found[2]]);
    expect(await foundEvents({ username: "bob", text: '"GetOrdersById"' })).toEqual([found[1]]);

    const cloudTrail = new CloudTrailClient({
      endpoint: cairn.url,
      region: "us-east-1",
      credentials: cairn.credentials,
    });
    const looked = [];
    const attributes = { AttributeKey: "EventSource" as const, AttributeValue: service };
    const pages = paginateLookupEvents(
      { client: cloudTrail, pageSize: 2 },
      { LookupAttributes: [attributes] },
    );
    for await (const { Events = [] } of pages) looked.push(...Events);
    cloudTrail.destroy();
    const seen = looked.map(({ EventId, EventName, Username, ReadOnly }) => ({
      EventId,
      EventName,
      Username,
      ReadOnly,
    }));
    expect(seen).toHaveLength(3);
    expect(seen).toEqual(
      expect.arrayContaining([
        {
          EventId: found[0]?.eventID,
          EventName: "PutOrdersById",
          Username: "alice",
          ReadOnly: "false",
        },
        {
          EventId: found[1]?.eventID,
          EventName: "GetOrdersById",
          Username: "bob",
          ReadOnly: "true",
        },
        expect.objectContaining({ EventId: found[2]?.eventID, ReadOnly: "true" }),
      ]),
    );
    expect(errors).toEqual([]);
  });

  test("Cairn is killed and comes back while the app serves: every call arrives exactly once", async () => {
    capture = openCapture({ spool: { folder: spoolFolder() } });
    const application = await serve(framework);
    const answered: string[] = [];
    const end = new AbortController();
    const callers = Array.from({ length: 4 }, async (_, caller) => {
      for (let call = 0; !end.signal.aborted; call++) {
        const id = `${caller}-${call}`;
        expect(await placeOrder(application.url, id)).toBe(201);
        answered.push(id);
      }
    });
    stops.push(async () => {
      end.abort();
      await Promise.all(callers);
    });
    const more = async (count: number) => {
      const before = answered.length;
      await until(
        `${count} more calls`,
        () => answered.length >= before + count,
        () => answered.length,
      );
    };
    for (let kill = 0; kill < 2; kill++) {
      await more(100);
      await until(
        "a delivery",
        () => capture.counters.delivered > 0,
        () => capture.counters,
      );
      await cairn.kill();
      await more(100);
      await until(
        "a spooled event",
        () => capture.counters.spoolBytes > 0,
        () => capture.counters,
      );
      await restartCairn();
    }
    await more(100);
    end.abort();
    await Promise.all(callers);
    expect(await capture.flush({ timeoutMs: 30_000 })).toBe(true);

    const orders = (await foundEvents()).map(orderOf);
    expect(orders.toSorted()).toEqual(answered.toSorted());
    expect(capture.counters).toMatchObject({ dropped: 0, rejected: 0, spoolBytes: 0 });
    expect(errors.map((error) => error.code)).toContain("DeliveryFailed");
  });

  test("strict: 503 while Cairn is away, and every call that ran is recorded exactly once", async () => {
    capture = openCapture({ mode: "strict", strictTimeoutMs: 3_000 });
    const application = await serve(framework);
    expect(await placeOrder(application.url, "before")).toBe(201);

    await cairn.kill();
    // The first one may have begun before anyone could know.
    expect(await placeOrder(application.url, "while-dying")).toBe(503);
    // Away for as long as a call would wait for it: from then on a call is refused before it runs.
    let refused = 0;
    await until(
      "a call is refused before it runs",
      async () => {
        const ran = application.placed.length;
        expect(await placeOrder(application.url, `leaving-${refused++}`)).toBe(503);
        return application.placed.length === ran;
      },
      () => [capture.counters, application.placed],
    );
    const ranBefore = application.placed.length;
    expect(await placeOrder(application.url, "away-1")).toBe(503);
    expect(await placeOrder(application.url, "away-2")).toBe(503);
    expect(application.placed.slice(ranBefore), "a refused call does not run").toEqual([]);

    await restartCairn();
    let tries = 0;
    await until(
      "the app answers again",
      async () => (await placeOrder(application.url, `after-${tries++}`)) === 201,
      () => [capture.counters, errors.at(-1)?.message],
    );
    expect(await capture.flush()).toBe(true);
    expect((await foundEvents()).map(orderOf).toSorted()).toEqual(application.placed.toSorted());
    expect(application.placed).toContain(`after-${tries - 1}`);
  });

  test("strict with a spool: the app goes on while Cairn is away, and nothing is lost", async () => {
    capture = openCapture({ mode: "strict", strict: "spool", spool: { folder: spoolFolder() } });
    const application = await serve(framework);
    await cairn.kill();
    for (const id of ["1", "2", "3"]) expect(await placeOrder(application.url, id)).toBe(201);
    await restartCairn();
    expect(await capture.flush({ timeoutMs: 20_000 })).toBe(true);
    expect((await foundEvents()).map(orderOf).toSorted()).toEqual(["1", "2", "3"]);
  });

  test("a wrong key throws nothing into the app; what waited in the spool arrives with the right one", async () => {
    const spool = { folder: spoolFolder() };
    const credentials = { ...cairn.credentials, secretAccessKey: "not-the-secret-of-this-key" };
    capture = openCapture({ credentials, spool });
    const application = await serve(framework);
    for (const id of ["1", "2"]) expect(await placeOrder(application.url, id)).toBe(201);
    await until(
      "a refusal",
      () => errors.length > 0,
      () => capture.counters,
    );
    expect(errors[0]).toMatchObject({ code: "DeliveryFailed" });
    expect(errors[0]?.message).toMatch(/403|SignatureDoesNotMatch/);
    await capture.close({ timeoutMs: 200 });
    expect(capture.counters).toMatchObject({ captured: 2, delivered: 0, dropped: 0 });
    expect(await foundEvents()).toEqual([]);

    capture = openCapture({ spool });
    expect(await capture.flush({ timeoutMs: 20_000 })).toBe(true);
    expect((await foundEvents()).map(orderOf).toSorted()).toEqual(["1", "2"]);
    await until("an empty spool", () => spoolFiles().length === 0, spoolFiles);
  });
});

const spoolFiles = () => readdirSync(spoolFolder()).filter((name) => name.includes("ndjson"));
