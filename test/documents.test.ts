// The documents say what is there: those made from the code, and the names and links in those written by hand.
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { expect, test } from "vitest";
import { configReference } from "../scripts/generate-config-reference.ts";
import { rejectionCodes } from "../src/event/rejection.ts";

const root = join(import.meta.dirname, "..");
const read = (path: string) => readFileSync(join(root, path), "utf8");

test("docs/reference/config.md lists every setting as it is", () => {
  expect(read("docs/reference/config.md")).toBe(configReference());
});

const eventApi = "docs/reference/event-api.md";

test("the page of the event API describes every path and method that there is, and no other", () => {
  const routes = readdirSync(join(root, "src/web"))
    .filter((name) => name.endsWith("-routes.ts"))
    .flatMap((name) => [...read(`src/web/${name}`).matchAll(/\bweb\.(\w+)\("(\/v1[^"]*)"/g)])
    .map(
      ([, method = "", path = ""]) => `${method.toUpperCase()} ${path.replaceAll(/:\w+/g, "{}")}`,
    );
  const described = [...read(eventApi).matchAll(/^### `([A-Z]+ [^`]+)`$/gm)].map(
    ([, heading = ""]) => heading.replaceAll(/\{\w+\}/g, "{}"),
  );
  expect(routes.length).toBeGreaterThan(10);
  expect(described.toSorted()).toEqual(routes.toSorted());
});

test("the page of the event API explains why a record is refused", () => {
  const page = read(eventApi);
  const missing = Object.entries(rejectionCodes).filter(
    ([code, why]) => !page.includes(`| \`${code}\` | ${why} |`),
  );
  expect(missing).toEqual([]);
});

test("the changelog has one list of unreleased changes", () => {
  expect(read("CHANGELOG.md").match(/^## Unreleased$/gm)).toHaveLength(1);
});

test("every dependency has its sentence", () => {
  const manifest = JSON.parse(read("package.json")) as Record<string, Record<string, string>>;
  const page = read("docs/decisions/dependencies.md");
  const names = Object.keys({ ...manifest["dependencies"], ...manifest["devDependencies"] });
  expect(names.filter((name) => !page.includes(`\`${name}\``))).toEqual([]);
  const versions = Object.values({ ...manifest["dependencies"], ...manifest["devDependencies"] });
  expect(
    versions.filter((version) => !/^\d/.test(version)),
    "every version is exact",
  ).toEqual([]);
});

/** Paths in backquotes that the page names, such as `src/event/row.ts` or `test/doors/web.test.ts`. */
function pathsIn(page: string): string[] {
  const named = page.matchAll(/`((?:src|test|capture|docs|scripts|examples|bench)\/[\w./-]+)`/g);
  return [...new Set([...named].map(([, path = ""]) => path))];
}

const invariants = read("ARCHITECTURE.md")
  .split(/^## /m)
  .find((section) => section.startsWith("Invariants"))
  ?.split(/^(?=\d+\. )/m)
  .slice(1);

test("the invariants are numbered one by one, and each names the tests that hold it", () => {
  expect(invariants?.length).toBeGreaterThan(10);
  const numbers = invariants?.map((text) => Number.parseInt(text, 10));
  expect(numbers).toEqual(numbers?.map((_, index) => index + 1));
  const without = invariants?.filter(
    (text) => !pathsIn(text).some((path) => /\.(test|contract)\.ts$/.test(path)),
  );
  expect(without).toEqual([]);
});

const pages = ["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md"]
  .concat(["capture/README.md", "COMPAT.md"])
  .concat(
    readdirSync(join(root, "docs"), { recursive: true, encoding: "utf8" })
      .filter((name) => name.endsWith(".md"))
      .map((name) => join("docs", name)),
  );

test("no page names a file of the project that is not there", () => {
  const missing = pages.flatMap((page) =>
    pathsIn(read(page))
      .filter((path) => !existsSync(join(root, path)))
      .map((path) => `${page}: ${path}`),
  );
  expect(missing).toEqual([]);
});

test("every link between pages leads to a file", () => {
  const broken = pages.flatMap((page) =>
    [...read(page).matchAll(/\]\((?!https?:|#)([^)#\s]+)[^)]*\)/g)]
      .map(([, target = ""]) => target)
      .filter((target) => !existsSync(join(root, dirname(page), target)))
      .map((target) => `${page}: ${target}`),
  );
  expect(broken).toEqual([]);
});

test("the decisions are numbered one by one", () => {
  const numbered = readdirSync(join(root, "docs/decisions")).filter((name) => /^\d/.test(name));
  const numbers = numbered.map((name) => Number.parseInt(name, 10)).toSorted((a, b) => a - b);
  expect(numbers).toEqual(numbers.map((_, index) => index + 1));
});

test("the glossary says each word once", () => {
  const [, glossary = ""] = read("ARCHITECTURE.md").split(/^## Glossary$/m);
  const words = [...(glossary.split(/^## /m)[0] ?? "").matchAll(/^\| ([\w, ]+) \|/gm)].map(
    ([, word = ""]) => word,
  );
  expect(words.length).toBeGreaterThan(10);
  expect(words).toEqual([...new Set(words)]);
});

test("every folder of src has its place on a floor", () => {
  const [, floors = ""] = read("ARCHITECTURE.md").split(/^## Floors/m);
  const missing = readdirSync(join(root, "src"), { withFileTypes: true })
    .filter((entry) => !entry.name.endsWith(".test.ts"))
    .map((entry) => `\`${entry.name}${entry.isDirectory() ? "/" : ""}\``)
    .filter((name) => !floors.includes(name));
  expect(missing).toEqual([]);
});
