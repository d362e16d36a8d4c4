// Runs a command of the built `cairn` against a running one, as a shell would.
import { spawn } from "node:child_process";
import { join } from "node:path";
import type { ImportReport } from "../../src/cli/import.ts";
import type { CairnProcess } from "../tools/cairn.ts";

const main = join(import.meta.dirname, "..", "..", "dist", "cli", "cairn.cjs");

export interface Ran {
  code: number | null;
  stdout: Buffer;
  stderr: string;
}

export function runCairn(
  cairn: Pick<CairnProcess, "environment">,
  words: readonly string[],
): Promise<Ran> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [main, ...words], {
      env: { ...process.env, ...cairn.environment },
      stdio: ["ignore", "pipe", "pipe"],
    });
    const stdout: Buffer[] = [];
    let stderr = "";
    child.stdout.on("data", (chunk: Buffer) => stdout.push(chunk));
    child.stderr.on("data", (chunk: Buffer) => (stderr += chunk.toString()));
    child.once("error", reject);
    child.once("close", (code) => resolve({ code, stdout: Buffer.concat(stdout), stderr }));
  });
}

/** `cairn import … --json`, with its report. */
export async function runImport(
  cairn: Pick<CairnProcess, "environment">,
  words: readonly string[],
): Promise<Ran & { report: ImportReport }> {
  const ran = await runCairn(cairn, ["import", ...words, "--json"]);
  if (ran.stdout.length === 0) throw new Error(`import printed no report: ${ran.stderr}`);
  return { ...ran, report: JSON.parse(ran.stdout.toString()) as ImportReport };
}

/** What does not add up in a report: nothing may be unexplained. */
export function unexplained(report: ImportReport): string[] {
  const failed = new Set(report.failed.map(({ file }) => file)).size;
  const sums: [string, number, number][] = [
    ["filesListed", report.filesListed, report.filesRead + report.filesSkipped + failed],
    ["filesSkipped", report.filesSkipped, report.skipped.length],
    ["events", report.events, report.stored + report.duplicates + report.rejected.length],
  ];
  return [
    ...sums.filter(([, a, b]) => a !== b).map(([name, a, b]) => `${name}: ${a} ≠ ${b}`),
    ...[...report.skipped, ...report.failed, ...report.rejected]
      .filter(({ reason }) => reason === "")
      .map(({ file }) => `${file}: no reason`),
  ];
}
