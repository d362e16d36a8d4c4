// Wildcards: the same answer as the plain definition gives, in a bounded number of steps.
import * as fc from "fast-check";
import { expect, test } from "vitest";
import { addPattern, Glob, type GlobMode, globOf } from "./glob.ts";

/** The definition, as a table over both texts: slow, and plain to see. */
function matchesByTable(pattern: string, text: string): boolean {
  let row = [true, ...Array.from(text, () => false)];
  for (const wanted of pattern) {
    const next: boolean[] = [wanted === "*" && row[0] === true];
    for (let i = 0; i < text.length; i++) {
      const here = wanted === "*" ? next[i] === true || row[i + 1] === true : row[i] === true;
      next.push(here && (wanted === "*" || wanted === "?" || wanted === text[i]));
    }
    row = next;
  }
  return row.at(-1) === true;
}

const letters = fc.string({
  unit: fc.constantFrom("a", "b", ":", "ö"),
  maxLength: 80,
  size: "max",
});
const wildcards = fc.string({
  unit: fc.constantFrom("a", "b", ":", "ö", "*", "*", "?"),
  maxLength: 80,
  size: "max",
});

// A text made from the pattern, so that many match.
const fitting = wildcards.chain((pattern) =>
  fc.tuple(
    fc.constant(pattern),
    fc
      .array(fc.string({ unit: fc.constantFrom("a", "b", "ö"), maxLength: 3 }), {
        minLength: pattern.length,
        maxLength: pattern.length,
      })
      .map((fills) =>
        Array.from(pattern)
          .map((each, i) => (each === "*" ? fills[i] : each === "?" ? "b" : each))
          .join(""),
      ),
  ),
);

test("a pattern matches what its definition says, however long", () => {
  const long = fc.tuple(wildcards, letters);
  fc.assert(
    fc.property(fc.oneof(long, fitting), ([pattern, text]) => {
      expect(globOf(pattern).matches(text)).toBe(matchesByTable(pattern, text));
    }),
    { numRuns: 5000 },
  );
  fc.assert(
    fc.property(fitting, ([pattern, text]) => {
      expect(globOf(pattern).matches(text)).toBe(true);
    }),
    { numRuns: 1000 },
  );
});

test("in an ARN, no wildcard ever matches more than it would in a text", () => {
  const arn = fc
    .array(fc.string({ unit: fc.constantFrom("a", "b"), maxLength: 2 }), {
      minLength: 5,
      maxLength: 7,
    })
    .map((parts) => `arn:${parts.join(":")}`);
  const pattern = fc
    .array(fc.string({ unit: fc.constantFrom("a", "*", "?"), maxLength: 3 }), {
      minLength: 5,
      maxLength: 7,
    })
    .map((parts) => `arn:${parts.join(":")}`);
  fc.assert(
    fc.property(pattern, arn, (wanted, text) => {
      const by = (mode: GlobMode) => globOf(wanted, mode).matches(text);
      expect([by("arn"), by("resource"), by("text")]).toEqual(
        [by("arn"), by("resource"), by("text")].toSorted((a, b) => Number(a) - Number(b)),
      );
    }),
    { numRuns: 3000 },
  );
});

test.each([
  ["*a*a*a*a*a*a*a*a*a*a*b", "a"],
  ["*?a?a?a?a?a?a?a?a?a?a?b", "a"],
  [`${"*a".repeat(1000)}b`, "a"],
  [`${"?*".repeat(1000)}b`, "a"],
  [`*${"a".repeat(1500)}b*`, "a"],
  [`*${"a?".repeat(700)}b*`, "a"],
  ["*:*:*:*:*:*:*:*x", ":"],
])(
  "no text of 2000 characters takes %s more steps than its length, for each 32 characters of the pattern",
  (pattern, unit) => {
    const text = unit.repeat(2000);
    for (const mode of ["text", "resource", "arn"] as const) {
      const tokens: number[] = [];
      addPattern(tokens, pattern);
      const steps = new Glob(tokens, mode).steps(text);
      expect(steps).toBeLessThanOrEqual(text.length * (Math.floor(pattern.length / 32) + 1));
    }
    expect(globOf(pattern).matches(text)).toBe(false);
  },
);

test("steps stay in that bound for any pattern and text, and are taken", () => {
  let most = 0;
  fc.assert(
    fc.property(fitting, ([pattern, text]) => {
      const steps = globOf(pattern).steps(text);
      most = Math.max(most, steps);
      expect(steps).toBeLessThanOrEqual(text.length * (Math.floor(pattern.length / 32) + 1));
    }),
    { numRuns: 3000 },
  );
  expect(most).toBeGreaterThan(20);
});
