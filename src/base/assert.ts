// Assertions: our own bugs, said loudly. Never use one for what a caller sent or the world did.

/** Throws when a fact that our own code must keep true is not. `fact` says what must be true. */
export function assert(condition: unknown, fact: string): asserts condition {
  if (!condition) throw new AssertionError(fact);
}

export class AssertionError extends Error {
  override readonly name = "AssertionError";
  constructor(fact: string) {
    super(`broken invariant: ${fact}`);
  }
}

/** For the branch that the types say cannot be reached. */
export function unreachable(value: never): never {
  throw new AssertionError(`unexpected value ${JSON.stringify(value)}`);
}
