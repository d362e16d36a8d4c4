// The house rules as tests: each reads the source tree as text, and each is first seen to catch a planted sin.
import { readdirSync, readFileSync } from "node:fs";
import { join, relative } from "node:path";
import { expect, test } from "vitest";

interface SourceFile {
  /** Path below the root, e.g. `src/event/row.ts`. */
  path: string;
  text: string;
}

const root = join(import.meta.dirname, "..");

/** The floors, lowest first; a folder may import from lower floors and from itself. */
const floors: Record<string, number> = {
  base: 0,
  event: 1,
  catalog: 1,
  signature: 1,
  policy: 1,
  journal: 2,
  store: 2,
  registry: 2,
  ingest: 3,
  lookup: 3,
  directory: 3,
  aws: 4,
  gateway: 4,
  web: 4,
  cli: 5,
};
const ports = ["journal", "store", "registry"];
const rooms = ["ingest", "lookup", "directory"];
/** Where callers prove who they are, or that they were given what they bring back. */
const proving = ["signature", "lookup", "directory", "aws", "gateway", "web"];
/** The only cross-imports on one floor, each with its reason. */
const allowedSideways = new Set([
  "store→journal", // the store loads the journal's segments
  "catalog→event", // the JSON types
  "policy→event", // the JSON reader that refuses a member named twice
  "aws→web", // one port: the AWS door is mounted on the web server
]);

function folderOf(path: string): string | undefined {
  const parts = path.split("/");
  return parts[0] === "src" && parts.length > 2 ? parts[1] : undefined;
}

function importsOf(file: SourceFile): string[] {
  return [...file.text.matchAll(/(?:from|import\()\s*"(\.[^"]+)"/g)].map((match) =>
    relative(root, join(root, file.path, "..", match[1] ?? "")),
  );
}

/** The first `x === y` whose one side is named after something that proves; `undefined` and literals give nothing away. */
function comparisonOfSecrets(text: string): string | undefined {
  const proof = /(?:signature|secret|accessKey|token|password|mac)$/i;
  const open = /^(?:undefined|null|true|false|\d.*)$/;
  return [...text.matchAll(/([\w.#?]+)\s*[!=]==\s*([\w.#?]+)/g)].find(
    ([, left = "", right = ""]) =>
      (proof.test(left) || proof.test(right)) && !open.test(left) && !open.test(right),
  )?.[0];
}

const rules: Record<string, (file: SourceFile) => string | undefined> = {
  "imports point down": (file) => {
    const from = folderOf(file.path);
    if (from === undefined || /\.(test|contract)\.ts$/.test(file.path)) return undefined;
    for (const target of importsOf(file)) {
      const to = folderOf(target);
      if (to === undefined || to === from) continue;
      const fromFloor = floors[from] ?? -1;
      const toFloor = floors[to] ?? 99;
      if (toFloor < fromFloor || allowedSideways.has(`${from}→${to}`)) continue;
      return `imports ${target}`;
    }
    return undefined;
  },
  "only the roof names a driver": (file) => {
    const from = folderOf(file.path);
    if (from === undefined || from === "cli" || /\.(test|contract)\.ts$/.test(file.path))
      return undefined;
    const driver = importsOf(file).find((target) => {
      const parts = target.split("/");
      return (
        parts[0] === "src" &&
        ports.includes(parts[1] ?? "") &&
        parts.length > 3 &&
        parts[1] !== from
      );
    });
    return driver === undefined ? undefined : `imports ${driver}`;
  },
  "time has one home": (file) =>
    file.path.startsWith("src/") &&
    file.path !== "src/base/clock.ts" &&
    !file.path.endsWith(".test.ts")
      ? /Date\.now\(|new Date\(\)|\bsetTimeout\(|\bsetInterval\(/.exec(file.text)?.[0]
      : undefined,
  "randomness has one home": (file) =>
    file.path.startsWith("src/") &&
    file.path !== "src/base/random.ts" &&
    !file.path.endsWith(".test.ts")
      ? /Math\.random\(|\brandomUUID\(/.exec(file.text)?.[0]
      : undefined,
  "the environment has one home": (file) =>
    file.path.startsWith("src/") &&
    !["src/config.ts", "src/cli/main.ts"].includes(file.path) &&
    !file.path.endsWith(".test.ts")
      ? /process\.env\b/.exec(file.text)?.[0]
      : undefined,
  // What proves something is compared by isSameSecret: with === the time it takes tells how much of it is right.
  "secrets are compared in constant time": (file) =>
    proving.includes(folderOf(file.path) ?? "") && !file.path.endsWith(".test.ts")
      ? comparisonOfSecrets(file.text)
      : undefined,
  "every file says on its first line what it is": (file) =>
    /^(\/\/ |#!)/.test(file.text) ? undefined : "first line is no comment",
  "no leftovers": (file) =>
    file.path === "test/tidy.test.ts"
      ? undefined
      : /\b(FIXME|TODO|XXX)\b|\.only\(/.exec(file.text)?.[0],
};

/** One sin per rule: a rule that does not catch its own is worth nothing. */
const sins: Record<keyof typeof rules, SourceFile> = {
  "imports point down": {
    path: "src/event/a.ts",
    text: '// A.\nimport { x } from "../store/store.ts";',
  },
  "only the roof names a driver": {
    path: "src/lookup/a.ts",
    text: '// A.\nimport { x } from "../store/chdb/open.ts";',
  },
  "time has one home": { path: "src/event/a.ts", text: "// A.\nconst now = Date.now();" },
  "randomness has one home": { path: "src/event/a.ts", text: "// A.\nMath.random();" },
  "the environment has one home": { path: "src/event/a.ts", text: "// A.\nprocess.env.HOME;" },
  "secrets are compared in constant time": {
    path: "src/signature/a.ts",
    text: "// A.\nif (signed === parsed.signature) return true;",
  },
  "every file says on its first line what it is": { path: "src/a.ts", text: "export {};" },
  "no leftovers": { path: "src/a.ts", text: "// A.\n// FIXME" },
};

function sourceFiles(): SourceFile[] {
  return ["src", "test", "bench", "scripts", "examples", "capture/src", "capture/test"].flatMap(
    (folder) => {
      let names: string[];
      try {
        names = readdirSync(join(root, folder), { recursive: true, encoding: "utf8" });
      } catch {
        return [];
      }
      return names
        .filter((name) => /\.(ts|mjs)$/.test(name) && !name.includes("node_modules"))
        .map((name) => ({
          path: join(folder, name),
          text: readFileSync(join(root, folder, name), "utf8"),
        }));
    },
  );
}

test.each(Object.keys(rules))("%s", (name) => {
  const rule = rules[name];
  const sin = sins[name];
  expect(
    rule !== undefined && sin !== undefined && rule(sin),
    "the rule catches its planted sin",
  ).toBeTruthy();
  const found = sourceFiles().flatMap((file) => {
    const sin = rule?.(file);
    return sin === undefined ? [] : [`${file.path}: ${sin}`];
  });
  expect(found).toEqual([]);
});

test("rooms never import each other", () => {
  const crossings = sourceFiles().flatMap((file) => {
    const from = folderOf(file.path) ?? "";
    if (!rooms.includes(from) || file.path.endsWith(".test.ts")) return [];
    return importsOf(file)
      .filter((target) => rooms.includes(folderOf(target) ?? "") && folderOf(target) !== from)
      .map((target) => `${file.path} → ${target}`);
  });
  expect(crossings).toEqual([]);
});
