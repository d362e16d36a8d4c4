// Runs a script of this folder in a process of its own and kills it in the middle.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";

/** Starts the script, sends SIGKILL once it has printed `count` lines, and returns all that it printed. */
export async function killAfterLines(
  script: string,
  scriptArguments: readonly string[],
  count: number,
): Promise<string[]> {
  const path = join(import.meta.dirname, script);
  const child = spawn(process.execPath, ["--import", "tsx", path, ...scriptArguments], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const closed = once(child, "close");
  const lines: string[] = [];
  for await (const line of createInterface({ input: child.stdout })) {
    lines.push(line);
    if (lines.length === count) child.kill("SIGKILL");
  }
  const [, signal] = (await closed) as [number | null, string | null];
  if (signal !== "SIGKILL")
    throw new Error(`${script} ended by itself after ${lines.length} lines`);
  return lines;
}
