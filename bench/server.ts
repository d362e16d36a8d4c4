// What the benches ask a running server besides its work: metrics and the memory of its process.
import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
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

export interface LoopControl {
  /** The longest that a loop without work was held since this was last asked. */
  delayMaxMs(): Promise<number>;
  stop(): void;
}

/** A process that does nothing: what it feels is the machine, not the server. */
export function startLoopControl(): LoopControl {
  const script = join(import.meta.dirname, "loop-control.ts");
  const child = spawn(process.execPath, ["--import", "tsx", script], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  return {
    delayMaxMs: () =>
      new Promise((resolve, reject) => {
        child.once("exit", () => reject(new Error("the control process ended")));
        child.stdout.once("data", (chunk: Buffer) => resolve(Number(chunk.toString())));
        child.stdin.write("\n");
      }),
    stop: () => child.kill(),
  };
}
