// Runs the benches: prints each figure beside its baseline, and with --write records them in docs/performance.md.
import { mkdirSync } from "node:fs";
import { loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { authorize } from "./authorize.ts";
import type { Bench, BenchContext } from "./bench.ts";
import type { Figure } from "./figure.ts";
import { footprint } from "./footprint.ts";
import { gateway } from "./gateway.ts";
import { ingest } from "./ingest.ts";
import { lookups } from "./lookups.ts";
import { printFigures, recordFigures } from "./report.ts";
import { text } from "./text.ts";
import { visibility } from "./visibility.ts";

const benches: readonly Bench[] = [
  ingest,
  visibility,
  gateway,
  lookups,
  authorize,
  text,
  footprint,
];

const help = `Usage: npm run bench -- [OPTIONS]

Measures the built server in a process of its own. A figure that misses its target is said to, and fails nothing.

  --only NAME        one bench; may be given several times
  --scale small      a quick look at everything; the figures are no proof
  --events N         events of the largest data set (10000000)
  --rounds N         how often to repeat; medians count (3)
  --cache FOLDER     where large data sets are kept (${join(tmpdir(), "cairn-bench-cache")})
  --write            records the figures in docs/performance.md

Benches:
${benches.map(({ name, summary }) => `  ${name.padEnd(17)}  ${summary}`).join("\n")}
`;

const { values } = parseArgs({
  options: {
    only: { type: "string", multiple: true },
    scale: { type: "string", default: "full" },
    events: { type: "string" },
    rounds: { type: "string" },
    cache: { type: "string", default: join(tmpdir(), "cairn-bench-cache") },
    write: { type: "boolean", default: false },
    help: { type: "boolean", default: false },
  },
});

process.exitCode = await main();

async function main(): Promise<number> {
  if (values.help) {
    process.stdout.write(help);
    return 0;
  }
  const unknown = (values.only ?? []).filter((name) => !benches.some((each) => each.name === name));
  if (unknown.length > 0 || (values.scale !== "small" && values.scale !== "full")) {
    process.stderr.write(`unknown: ${[...unknown, values.scale].join(", ")}\n\n${help}`);
    return 2;
  }
  const isSmall = values.scale === "small";
  const context: BenchContext = {
    scale: values.scale,
    eventCount: Number(values.events ?? (isSmall ? 100_000 : 10_000_000)),
    cacheFolder: values.cache,
    rounds: Number(values.rounds ?? (isSmall ? 1 : 3)),
    say: (text) => void process.stderr.write(`  ${text}\n`),
  };
  mkdirSync(context.cacheFolder, { recursive: true });
  const results: { bench: Bench; figures: Figure[]; load: number }[] = [];
  let failed = 0;
  for (const bench of benches) {
    if (values.only !== undefined && !values.only.includes(bench.name)) continue;
    process.stderr.write(`${bench.name}: ${bench.summary}\n`);
    // What else kept the machine busy: a figure means little without it.
    const load = loadavg()[0] ?? 0;
    try {
      results.push({ bench, figures: await bench.run(context), load });
    } catch (error) {
      failed++;
      process.stderr.write(`${bench.name} could not be measured: ${(error as Error).stack}\n`);
    }
  }
  printFigures(results);
  if (values.write) recordFigures(results, context, process.argv.slice(2));
  return failed === 0 ? 0 : 1;
}
