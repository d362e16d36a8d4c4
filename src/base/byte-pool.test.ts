// A pool never gives a buffer that is too short, and keeps no more than it may.
import { expect, test } from "vitest";
import { BytePool } from "./byte-pool.ts";

test("what was given is taken again, where it is long enough", () => {
  const pool = new BytePool(100);
  const [short, long] = [pool.take(10), pool.take(50)];
  pool.give(short);
  pool.give(long);
  expect(pool.take(11)).toBe(long);
  expect(pool.take(11)).not.toBe(long);
  expect(pool.take(10)).toBe(short);
});

test("no more bytes are kept than allowed", () => {
  const pool = new BytePool(100);
  const kept = pool.take(60);
  const tooMuch = pool.take(60);
  pool.give(kept);
  pool.give(tooMuch);
  expect(pool.take(60)).toBe(kept);
  expect(pool.take(60)).not.toBe(tooMuch);
});
