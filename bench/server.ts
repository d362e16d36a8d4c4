// What the benches ask a running server besides its work: metrics and the memory of its process.
import { readFileSync } from "node:fs";
import type { CairnProcess } from "../test/tools/cairn.ts";

/** The longest that the server's event loop was held since this was last asked. */
export async function eventLoopDelayMaxMs(cairn: CairnProcess): Promise<number> {
  return (await metric(cairn, "nodejs_eventloop_lag_max_seconds")) * 1000;
}

export async function metric(cairn: CairnProcess, name: string): Promise<number> {
  const text = await (await fetch(new URL("/metrics", cairn.url))).text();
  const found = new RegExp(`^${name}(?:\\{[^}]*\\})? (\\S+)$`, "m").exec(text);
  if (found === null) throw new Error(`the server has no metric ${name}`);
  return Number(found[1]);
}

/** Memory that the process holds now (Linux). */
export function residentBytes(cairn: CairnProcess): number {
  const status = readFileSync(`/proc/${cairn.process.pid}/status`, "utf8");
  return Number(/^VmRSS:\s+(\d+) kB/m.exec(status)?.[1]) * 1024;
}
