// Shows figures on the terminal, and writes them between the marks in docs/performance.md.
import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { availableParallelism, cpus, release, totalmem } from "node:os";
import { join } from "node:path";
import type { Bench, BenchContext } from "./bench.ts";
import type { Figure } from "./figure.ts";

export interface BenchResult {
  bench: Bench;
  figures: Figure[];
  /** The machine's load average of one minute before it began. */
  load: number;
}

const root = join(import.meta.dirname, "..");
const page = join(root, "docs/performance.md");

export function printFigures(results: readonly BenchResult[]): void {
  for (const { bench, figures, load } of results) {
    console.log(`\n${bench.name}: ${bench.summary} (load before: ${load.toFixed(1)})`);
    for (const figure of figures) {
      const { name, measured, baseline, result, target } = figure;
      const against = [baseline, target === "" ? "" : `${result} (target ${target})`];
      const rest = against.filter((part) => part !== "").join("; ");
      console.log(`  ${verdict(figure).padEnd(4)}  ${name}: ${measured}${rest && `; ${rest}`}`);
    }
  }
}

/** Replaces what the last run of each bench has written; what others wrote stays. */
export function recordFigures(
  results: readonly BenchResult[],
  context: BenchContext,
  words: readonly string[],
): void {
  const command = ["npm run bench --", ...words].join(" ");
  const where = [
    `Commit ${commit()}, ${new Date().toISOString().slice(0, 16)}Z, \`${command}\`,`,
    `Node ${process.version}, ${availableParallelism()} × ${cpus()[0]?.model.trim()},`,
    `${Math.round(totalmem() / 2 ** 30)} GiB, Linux ${release()}`,
  ].join(" ");
  let text = readFileSync(page, "utf8");
  for (const { bench, figures, load } of results) {
    const block = [
      `${where}; load before: ${load.toFixed(1)}; ${context.rounds} round(s).`,
      "",
      "| Figure | Measured | Beside it, same run | Result | Target | |",
      "|---|---|---|---|---|---|",
      ...figures.map(
        (each) =>
          `| ${each.name} | ${each.measured} | ${each.baseline} | ${each.result} | ${each.target} | ${verdict(each)} |`,
      ),
    ].join("\n");
    const marked = new RegExp(`(<!-- ${bench.name} -->\n)[^]*?(<!-- /${bench.name} -->)`);
    if (!marked.test(text)) throw new Error(`docs/performance.md has no place for ${bench.name}`);
    text = text.replace(marked, (_, open: string, close: string) => `${open}${block}\n${close}`);
  }
  writeFileSync(page, text);
  console.log(`\nrecorded in ${page}`);
}

function verdict({ passes }: Figure): string {
  if (passes === undefined) return "";
  return passes ? "PASS" : "MISS";
}

function commit(): string {
  try {
    const git = (...words: string[]) =>
      execFileSync("git", words, { cwd: root, encoding: "utf8", stdio: "pipe" }).trim();
    const isChanged = git("status", "--porcelain", "--", "src") !== "";
    return `${git("rev-parse", "--short=10", "HEAD")}${isChanged ? " with changes" : ""}`;
  } catch {
    return "unknown";
  }
}
