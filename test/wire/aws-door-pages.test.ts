// The pages that describe the AWS door say what the code does: COMPAT.md and docs/reference/errors.md.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { compatPage } from "../../scripts/generate-compat.ts";
import { wireErrors, wireFailure } from "../../src/aws/errors.ts";
import { operationTable, servedServices } from "../../src/aws/operations.ts";
import { CairnError, type ErrorCode, errorCodes } from "../../src/base/errors.ts";
import { errorStatus } from "../../src/web/errors.ts";
import { models } from "./aws-door-world.ts";

const root = join(import.meta.dirname, "../..");
const codes = Object.keys(errorCodes) as ErrorCode[];

describe("COMPAT.md", () => {
  const page = readFileSync(join(root, "COMPAT.md"), "utf8");

  test("is what the table and the models say; npx tsx scripts/generate-compat.ts writes it", () => {
    expect(page).toBe(compatPage());
  });

  test("lists every operation of every served model once, as implemented or as not yet", () => {
    for (const id of servedServices) {
      const section = page.split(`### ${id}\n`)[1]?.split("\n#")[0] ?? "";
      const listed = [...section.matchAll(/`(\w+)`/g)].map((match) => match[1] ?? "");
      const modelled = Object.keys(models.service(id)?.operations ?? {});
      expect(modelled.length).toBeGreaterThan(0);
      expect(listed.toSorted(byText)).toEqual(modelled.toSorted(byText));
      const done = /^Implemented .*$/m.exec(section)?.[0] ?? "";
      const rows = operationTable.filter((row) => row.service === id).map((row) => row.name);
      expect([...done.matchAll(/`(\w+)`/g)].map((match) => match[1])).toEqual(rows);
    }
  });
});

describe("docs/reference/errors.md", () => {
  const page = readFileSync(join(root, "docs/reference/errors.md"), "utf8");
  const rows = [...page.matchAll(/^\| `(\w+)` \| (.*) \|$/gm)].map((match) => ({
    code: match[1] ?? "",
    cells: (match[2] ?? "").split(" | "),
  }));

  test("has every code once, and no other", () => {
    expect(rows.map((row) => row.code).toSorted(byText)).toEqual([...codes].toSorted(byText));
  });

  test.each(codes)(
    "says of %s whose fault it is, what each door calls it, and when it comes",
    (code) => {
      const [kind, json, query, status, when] = rows.find((row) => row.code === code)?.cells ?? [];
      const named = wireErrors[code];
      expect(kind).toBe(errorCodes[code]);
      expect(json).toBe(`\`${named.json[0]}\` ${named.json[1]}`);
      expect(query).toBe(`\`${named.query[0]}\` ${named.query[1]}`);
      expect(status).toBe(String(errorStatus[code]));
      expect(when).toMatch(/^[A-Z].{10,}\.$/);
    },
  );
});

describe("names on the wire", () => {
  test.each(codes)("%s is told without its details", (code) => {
    const error = new CairnError(code, "what happened", { detail: { secret: "hidden" } });
    for (const family of ["json", "query", "s3"] as const) {
      const told = wireFailure(error, family);
      expect(JSON.stringify(told)).not.toContain("hidden");
      expect(told.status).toBeGreaterThanOrEqual(400);
      expect(told.isSender).toBe(told.status < 500);
    }
  });

  test("what the caller did wrong never looks like something that another try mends", () => {
    // A setting or a model that cannot be used is met at start or on the command line, not by a caller of this door.
    const ownSettings: ErrorCode[] = ["InvalidConfiguration", "InvalidCatalogModel"];
    const callers = codes.filter((code) => errorCodes[code] === "caller");
    for (const code of callers.filter((each) => !ownSettings.includes(each))) {
      expect([code, wireErrors[code].json[1] < 500, wireErrors[code].query[1] < 500]).toEqual([
        code,
        true,
        true,
      ]);
    }
  });

  test("anything else is an internal failure that says nothing", () => {
    expect(wireFailure(new Error("hidden"), "json")).toEqual({
      name: "InternalFailure",
      status: 500,
      message: "An internal error occurred.",
      isSender: false,
    });
    expect(wireFailure("hidden", "s3").name).toBe("InternalError");
  });
});

function byText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
