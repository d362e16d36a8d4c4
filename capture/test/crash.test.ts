// Applications that die without warning: what was acknowledged reaches Cairn, exactly once by event id.
import { type ChildProcess, fork } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { createCapture } from "../src/capture.ts";
import { credentials, IngestServer, region, until } from "./ingest-server.ts";

let ingest: IngestServer;
let folder: string;
const children: ChildProcess[] = [];

beforeEach(async () => {
  ingest = await IngestServer.start();
  folder = mkdtempSync(join(tmpdir(), "cairn-crash-"));
});

afterEach(async () => {
  for (const child of children.splice(0)) child.kill("SIGKILL");
  await ingest.stop();
  rmSync(folder, { recursive: true, force: true });
  if (ingest.problems.length > 0) throw new Error(ingest.problems.join("\n"));
});

interface App {
  url: string;
  kill: () => Promise<void>;
}

async function startApp(mode: "strict" | "best-effort"): Promise<App> {
  const child = fork(join(import.meta.dirname, "child-app.ts"), [ingest.url, folder, mode], {
    execArgv: ["--import", "tsx"],
    stdio: ["ignore", "inherit", "inherit", "ipc"],
  });
  children.push(child);
  const port = await new Promise<number>((resolve, reject) => {
    child.once("message", (message) => resolve((message as { port: number }).port));
    child.once("exit", (code) => reject(new Error(`the application ended with ${code}`)));
  });
  return {
    url: `http://127.0.0.1:${port}`,
    kill: () =>
      new Promise((resolve) => {
        child.once("exit", () => resolve());
        child.kill("SIGKILL");
      }),
  };
}

/** Calls until the application is gone; the names of the calls that were answered. */
async function call(app: App, prefix: string, acknowledged: Set<string>): Promise<void> {
  for (let number = 0; ; number++) {
    const name = `${prefix}${number}`;
    try {
      const response = await fetch(`${app.url}/${name}`);
      await response.text();
      if (response.status === 200) acknowledged.add(name);
    } catch {
      return;
    }
  }
}

/** A later start of the application: sends what the dead ones left. */
async function deliverLeftovers(): Promise<void> {
  const capture = createCapture({
    url: ingest.url,
    credentials,
    region,
    service: "orders.example.com",
    spool: { folder },
    environment: {},
  });
  await until("the spool is empty", async () => {
    await capture.flush();
    return readdirSync(folder).length === 0;
  });
  await capture.close();
}

function spooledLines(): number {
  let count = 0;
  for (const name of readdirSync(folder)) {
    try {
      count += readFileSync(join(folder, name), "utf8").split("\n").length - 1;
    } catch (error) {
      // Renamed between the two looks: the next one sees it.
      if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
    }
  }
  return count;
}

test("killed at any moment, strict with a spool: every answered call arrives exactly once", async () => {
  const acknowledged = new Set<string>();
  for (let round = 0; round < 4; round++) {
    // Cairn is away, comes and goes, and is there.
    ingest.behaviour = round < 2 ? "error" : "accept";
    const app = await startApp("strict");
    const callers = ["A", "B", "C"].map((caller) => call(app, `R${round}${caller}`, acknowledged));
    const wanted = acknowledged.size + 40 + round * 17;
    await until(
      "calls are answered",
      () => acknowledged.size >= wanted,
      () => acknowledged.size,
    );
    await app.kill();
    await Promise.all(callers);
  }
  ingest.behaviour = "accept";
  await deliverLeftovers();
  const names = ingest.stored.map((record) => record.eventName);
  expect(names.length, "no call has two events").toBe(new Set(names).size);
  expect([...acknowledged].filter((name) => !names.includes(name))).toEqual([]);
  expect(acknowledged.size).toBeGreaterThan(200);
});

test("two processes in one spool folder, one killed: nothing of either is lost or harmed", async () => {
  ingest.behaviour = "error";
  const apps = [await startApp("strict"), await startApp("strict")];
  const acknowledged = new Set<string>();
  const callers = apps.map((app, index) => call(app, `P${index}N`, acknowledged));
  await until(
    "calls are answered",
    () => acknowledged.size >= 80,
    () => acknowledged.size,
  );
  await apps[0]?.kill();
  ingest.behaviour = "accept";
  await until(
    "the living one goes on",
    () => ingest.stored.length >= 80,
    () => ingest.stored.length,
  );
  await apps[1]?.kill();
  await Promise.all(callers);
  await deliverLeftovers();
  const names = ingest.stored.map((record) => record.eventName);
  expect(names.length).toBe(new Set(names).size);
  expect([...acknowledged].filter((name) => !names.includes(name))).toEqual([]);
});

test("best effort: what was older than the flush interval survives a kill while Cairn is away", async () => {
  ingest.behaviour = "error";
  const app = await startApp("best-effort");
  for (let number = 0; number < 30; number++) await (await fetch(`${app.url}/E${number}`)).text();
  await until("all are on disk", () => spooledLines() >= 30, spooledLines);
  await app.kill();
  ingest.behaviour = "accept";
  await deliverLeftovers();
  expect(ingest.stored).toHaveLength(30);
});
