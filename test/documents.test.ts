// The documents that are made from the code are what the code would make today.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { configReference } from "../scripts/generate-config-reference.ts";

const read = (path: string) => readFileSync(join(import.meta.dirname, "..", path), "utf8");

test("docs/reference/config.md lists every setting as it is", () => {
  expect(read("docs/reference/config.md")).toBe(configReference());
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
