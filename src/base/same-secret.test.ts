// Comparing secrets: equal is equal, and any other text is not, whatever it holds.
import * as fc from "fast-check";
import { expect, test } from "vitest";
import { isSameSecret } from "./same-secret.ts";

test("a secret is the same as itself, and as no other", () => {
  const text = fc.string({ unit: "grapheme", maxLength: 50 });
  fc.assert(
    fc.property(text, text, (one, other) => {
      expect(isSameSecret(one, one)).toBe(true);
      expect(isSameSecret(one, other)).toBe(Buffer.from(one).equals(Buffer.from(other)));
    }),
  );
});

test.each([
  ["", "a"],
  ["secret", "secret "],
  ["secret", "secre"],
  ["é", "e"],
  // Of as many characters, and of other bytes.
  ["aé", "éa"],
  ["a", "é"],
])("%j is not %j", (one, other) => {
  expect(isSameSecret(one, other)).toBe(false);
});
