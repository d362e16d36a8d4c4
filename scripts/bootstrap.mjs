// Brings up a fresh clone and then does one thing: start, test, check, dev, bench or demo.
// Plain Node with no dependency, because it is what installs the dependencies.
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
process.chdir(root);
const [task = "start", ...taskArguments] = process.argv.slice(2);

const tasks = {
  start() {
    install();
    build();
    return run("node", ["dist/cli/cairn.cjs", "start", ...taskArguments]);
  },
  dev() {
    install();
    return run(bin("tsx"), ["watch", "src/cli/cairn.cts", "start", ...taskArguments]);
  },
  check() {
    install();
    return checks().every(([, status]) => status === 0) ? 0 : 1;
  },
  bench() {
    install();
    build();
    return run(bin("tsx"), ["bench/main.ts", ...taskArguments]);
  },
  demo() {
    install();
    build();
    // The AWS SDK's notice about Node versions is longer than what the demo shows.
    const env = { ...process.env, NODE_NO_WARNINGS: "1" };
    return run(bin("tsx"), ["examples/demo/main.ts", ...taskArguments], { env });
  },
  test() {
    install();
    build();
    installSystemTools();
    return test();
  },
};

if (!(task in tasks)) {
  console.error(`unknown task ${task}; one of ${Object.keys(tasks).join(", ")}`);
  process.exit(2);
}
const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);
if (major < 20 || (major === 20 && minor < 19)) {
  console.error(`Cairn needs Node 20.19 or later; this is ${process.versions.node}`);
  process.exit(2);
}
process.exit(tasks[task]());

function ignore() {}

/** Runs a command in the foreground; signals go to it as well, since it shares our process group. */
function run(command, args, options = {}) {
  process.on("SIGINT", ignore);
  process.on("SIGTERM", ignore);
  const { status, error } = spawnSync(command, args, { stdio: "inherit", ...options });
  if (error !== undefined) console.error(`${command}: ${error.message}`);
  return status ?? 1;
}

function bin(name) {
  return join("node_modules", ".bin", name);
}

/** `npm ci` when node_modules is missing or was made from another lockfile. */
function install() {
  const stamp = join("node_modules", ".cairn-lockfile");
  const want = createHash("sha256").update(readFileSync("package-lock.json")).digest("hex");
  if (existsSync(stamp) && readFileSync(stamp, "utf8") === want) return;
  console.log("Installing dependencies …");
  const status = run("npm", ["ci", "--no-audit", "--no-fund", "--loglevel=error"]);
  if (status !== 0) process.exit(status);
  writeFileSync(stamp, want);
}

/** Builds when `dist` is missing or older than any source. */
function build() {
  const stamp = join("dist", ".built");
  const sources = [...filesBelow("src"), "package.json", "tsconfig.build.json", "tsconfig.json"];
  const want = createHash("sha256");
  for (const path of sources.toSorted((a, b) => (a < b ? -1 : 1))) {
    const { size, mtimeMs } = statSync(path);
    want.update(`${path} ${size} ${mtimeMs}\n`);
  }
  const digest = want.digest("hex");
  if (existsSync(stamp) && readFileSync(stamp, "utf8") === digest) return;
  console.log("Building …");
  rmSync("dist", { recursive: true, force: true });
  const status =
    run(bin("tsc"), ["-p", "tsconfig.build.json"]) || run("node", ["scripts/copy-assets.mjs"]);
  if (status !== 0) process.exit(status);
  writeFileSync(stamp, digest);
}

function filesBelow(folder) {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath ?? entry.path, entry.name));
}

/** The real clients that the wire suites drive, from Debian where we may install them. */
function installSystemTools() {
  const wanted = [
    ["/usr/bin/aws", "awscli"],
    ["/usr/lib/python3/dist-packages/boto3", "python3-boto3"],
  ].filter(([path]) => !existsSync(path));
  if (wanted.length === 0) return;
  const packages = wanted.map(([, name]) => name);
  const isDebian = existsSync("/usr/bin/apt-get");
  if (!isDebian || process.getuid?.() !== 0) {
    console.warn(
      `The wire suites need ${packages.join(" and ")}: install them to run those suites.`,
    );
    return;
  }
  console.log(`Installing ${packages.join(", ")} …`);
  const quiet = { stdio: ["ignore", "ignore", "inherit"] };
  const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive" };
  run("apt-get", ["update", "-qq"], { ...quiet, env });
  run("apt-get", ["install", "-y", "-qq", "--no-install-recommends", ...packages], {
    ...quiet,
    env,
  });
}

/** Formatting, lint and types, as [name, exit status]. */
function checks() {
  const folders = ["src", "test", "bench", "scripts", "examples", "capture"].filter(existsSync);
  return [
    ["format", run(bin("biome"), ["check", "."])],
    ["lint", run(bin("oxlint"), ["--type-aware", ...folders])],
    ["types", run(bin("tsc"), ["--noEmit"])],
  ];
}

/** Every check and every test; the last line is the count of all of them. */
function test() {
  const counts = { passed: 0, failed: 0, skipped: 0 };
  for (const [name, status] of checks()) {
    console.log(`${status === 0 ? "✓" : "✗"} ${name}`);
    counts[status === 0 ? "passed" : "failed"] += 1;
  }
  const report = join(".cache", "tests.json");
  mkdirSync(".cache", { recursive: true });
  rmSync(report, { force: true });
  const reporters = ["--reporter=default", "--reporter=json", `--outputFile.json=${report}`];
  const status = run(bin("vitest"), ["run", ...reporters, ...taskArguments]);
  if (existsSync(report)) {
    const result = JSON.parse(readFileSync(report, "utf8"));
    counts.passed += result.numPassedTests;
    counts.failed += result.numFailedTests;
    counts.skipped += result.numPendingTests + result.numTodoTests;
    // A file that failed before its first test counts as one failure.
    counts.failed += result.testResults.filter(
      (file) => file.status === "failed" && file.assertionResults.length === 0,
    ).length;
  } else {
    counts.failed += 1;
  }
  if (status !== 0 && counts.failed === 0) counts.failed += 1;
  const skipped = counts.skipped === 0 ? "" : `, ${counts.skipped} skipped`;
  console.log(`${counts.passed} passed, ${counts.failed} failed${skipped}`);
  return counts.failed === 0 ? 0 : 1;
}
