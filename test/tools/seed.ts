// Seeded chance for tests: prints the seed, so that SEED=… repeats a run.

export interface Chance {
  readonly seed: number;
  /** From 0 up to 1. */
  next(): number;
  /** A whole number from `low` to `high`, both included. */
  between(low: number, high: number): number;
  oneOf<T>(choices: readonly T[]): T;
}

/** Mulberry32: small, and the same everywhere. */
export function chanceFrom(seed: number): Chance {
  let state = seed >>> 0;
  const next = () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  const between = (low: number, high: number) => low + Math.floor(next() * (high - low + 1));
  return {
    seed,
    next,
    between,
    oneOf: (choices) => choices[between(0, choices.length - 1)] as never,
  };
}

/** SEED of the environment, or a new one; said either way. */
export function seedOf(what: string): number {
  const given = process.env["SEED"];
  const seed = given === undefined ? Math.floor(Math.random() * 2 ** 31) : Number(given);
  console.info(`${what}: SEED=${seed} repeats this run`);
  return seed;
}
