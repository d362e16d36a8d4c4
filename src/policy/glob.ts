// Wildcard patterns: `*` is any text, `?` is any one character. Matched in one pass over the text, without backtracking.
//
// A pattern is a row of states, one before each character and one at the end; a `*` is a loop on the state where it
// stands. The states that are alive are the bits of a few words, and each character of the text moves them all at once:
//
//   "a*b?"     0 ─a─► 1 ─b─► 2 ─any─► 3      alive' = ((alive & accepts[character]) << 1) | (alive & loops)
//                    ↺ *
//
// So a match costs at most (characters of the text) × (characters of the pattern / 32, rounded up) steps, whatever the
// pattern is. Most patterns never get that far: a text without wildcards, or with one `*`, is compared as it is.

/** `*` among the code units of a pattern. */
export const anyText = -1;
/** `?` among the code units of a pattern. */
export const oneCharacter = -2;

/**
 * What a wildcard may run over. `text`: everything. `resource`, for the Resource element: in the first five parts of
 * an ARN it stays inside its part, except that a `*` which ends a part may run on past the colon (IAM user guide,
 * "IAM JSON policy elements: Resource"). `arn`, for the Arn condition operators: always inside its part, except a `*`
 * which ends the whole pattern.
 */
export type GlobMode = "text" | "resource" | "arn";

const colon = 0x3a;
const star = 0x2a;
const questionMark = 0x3f;
const asciiCount = 128;
/** Colons before the last part of an ARN, which may hold colons of its own. */
const arnColons = 5;

/** Appends the code units of `pattern`, its wildcards as such. */
export function addPattern(tokens: number[], pattern: string): void {
  for (let i = 0; i < pattern.length; i++) {
    const code = pattern.charCodeAt(i);
    tokens.push(code === star ? anyText : code === questionMark ? oneCharacter : code);
  }
}

/** Appends the code units of `text`, in which nothing is a wildcard. */
export function addLiteral(tokens: number[], text: string): void {
  for (let i = 0; i < text.length; i++) tokens.push(text.charCodeAt(i));
}

export function globOf(pattern: string, mode: GlobMode = "text"): Glob {
  const tokens: number[] = [];
  addPattern(tokens, pattern);
  return new Glob(tokens, mode);
}

/** One compiled pattern. */
export class Glob {
  /** The literal text before the first wildcard; the whole pattern when there is none. */
  readonly #prefix: string;
  /** The literal text behind the last wildcard. */
  readonly #suffix: string;
  readonly #automaton: Automaton | undefined;
  readonly #exact: boolean;

  constructor(pattern: readonly number[], mode: GlobMode) {
    const tokens = completed(pattern, mode);
    const first = tokens.findIndex(isWildcard);
    this.#exact = first < 0;
    if (first < 0) {
      this.#prefix = textOf(tokens);
      this.#suffix = "";
      return;
    }
    const last = tokens.findLastIndex(isWildcard);
    this.#prefix = textOf(tokens.slice(0, first));
    this.#suffix = textOf(tokens.slice(last + 1));
    const crosses = crossings(tokens, mode);
    const runs = tokens.slice(first, last + 1);
    if (runs.every((token) => token === anyText) && crosses[last] === true) return;
    this.#automaton = new Automaton(runs, crosses.slice(first, last + 1));
  }

  matches(text: string): boolean {
    if (this.#exact) return text === this.#prefix;
    const prefix = this.#prefix;
    const suffix = this.#suffix;
    if (text.length < prefix.length + suffix.length) return false;
    if (prefix !== "" && !text.startsWith(prefix)) return false;
    if (suffix !== "" && !text.endsWith(suffix)) return false;
    const automaton = this.#automaton;
    if (automaton === undefined) return true;
    return automaton.run(text, prefix.length, text.length - suffix.length) > 0;
  }

  /** How many steps `matches` takes beyond comparing the literal ends: what the promise at the top is tested with. */
  steps(text: string): number {
    const from = this.#prefix.length;
    const to = text.length - this.#suffix.length;
    if (this.#automaton === undefined || from > to) return 0;
    return Math.abs(this.#automaton.run(text, from, to)) - 1;
  }
}

function isWildcard(token: number): boolean {
  return token < 0;
}

function textOf(tokens: readonly number[]): string {
  let text = "";
  for (const token of tokens) text += String.fromCharCode(token);
  return text;
}

/** IAM takes the parts that a Resource leaves out as `*`: `arn:aws:sqs` is `arn:aws:sqs:*:*:*`. */
function completed(tokens: readonly number[], mode: GlobMode): readonly number[] {
  if (mode !== "resource" || tokens.at(-1) === anyText) return tokens;
  const colons = tokens.filter((token) => token === colon).length;
  return colons < arnColons ? [...tokens, colon, anyText] : tokens;
}

/** For each wildcard: may it match a colon? */
function crossings(tokens: readonly number[], mode: GlobMode): boolean[] {
  let colons = 0;
  return tokens.map((token, i) => {
    if (token === colon) colons++;
    if (!isWildcard(token)) return false;
    if (mode === "text" || colons >= arnColons) return true;
    if (token === oneCharacter) return false;
    let next = i + 1;
    while (tokens[next] === anyText) next++;
    return next === tokens.length || (mode === "resource" && tokens[next] === colon);
  });
}

/** The row of states of a pattern that begins and ends with a wildcard. */
class Automaton {
  readonly #words: number;
  /** For each ASCII character, the states that it leads on from. */
  readonly #accepts: Int32Array;
  /** The same for the other characters of the pattern. */
  readonly #acceptsOther = new Map<number, Int32Array>();
  /** The same for characters that are not in the pattern. */
  readonly #acceptsAny: Int32Array;
  /** The states with a `*`, … */
  readonly #loops: Int32Array;
  /** … and those whose `*` may match a colon. */
  readonly #colonLoops: Int32Array;
  readonly #lastWord: number;
  readonly #lastBit: number;
  /** Once the last state is alive, it stays so. */
  readonly #endsOpen: boolean;

  constructor(tokens: readonly number[], crosses: readonly boolean[]) {
    const last = tokens.filter((token) => token !== anyText).length;
    const words = (last >>> 5) + 1;
    this.#words = words;
    this.#accepts = new Int32Array(asciiCount * words);
    this.#acceptsAny = new Int32Array(words);
    this.#loops = new Int32Array(words);
    this.#colonLoops = new Int32Array(words);
    this.#lastWord = last >>> 5;
    this.#lastBit = 1 << (last & 31);
    this.#endsOpen = tokens.at(-1) === anyText && crosses.at(-1) === true;

    let state = 0;
    const acceptsColon = new Int32Array(words);
    tokens.forEach((token, i) => {
      const word = state >>> 5;
      const bit = 1 << (state & 31);
      if (token === anyText) {
        set(this.#loops, word, bit);
        if (crosses[i] === true) set(this.#colonLoops, word, bit);
        return;
      }
      if (token === oneCharacter) {
        set(this.#acceptsAny, word, bit);
        if (crosses[i] === true) set(acceptsColon, word, bit);
      }
      state++;
    });
    for (let code = 0; code < asciiCount; code++)
      this.#accepts.set(code === colon ? acceptsColon : this.#acceptsAny, code * words);
    state = 0;
    for (const token of tokens) {
      if (token === anyText) continue;
      const word = state >>> 5;
      const bit = 1 << (state & 31);
      state++;
      if (token === oneCharacter) continue;
      if (token < asciiCount) set(this.#accepts, token * words + word, bit);
      else {
        let row = this.#acceptsOther.get(token);
        if (row === undefined)
          this.#acceptsOther.set(token, (row = Int32Array.from(this.#acceptsAny)));
        set(row, word, bit);
      }
    }
  }

  /** The steps taken and one more; negative when `text[from, to)` does not match. */
  run(text: string, from: number, to: number): number {
    if (this.#words > 1) return this.#runWide(text, from, to);
    const accepts = this.#accepts;
    const loops = this.#loops[0] as number;
    const colonLoops = this.#colonLoops[0] as number;
    const lastBit = this.#lastBit;
    let alive = 1;
    let at = from;
    while (at < to) {
      if (this.#endsOpen && (alive & lastBit) !== 0) break;
      const code = text.charCodeAt(at++);
      const row =
        code < asciiCount ? (accepts[code] as number) : (this.#otherRow(code)[0] as number);
      alive = ((alive & row) << 1) | (alive & (code === colon ? colonLoops : loops));
      if (alive === 0) break;
    }
    const steps = at - from + 1;
    return (alive & lastBit) !== 0 ? steps : -steps;
  }

  #runWide(text: string, from: number, to: number): number {
    const words = this.#words;
    const alive = new Int32Array(words);
    alive[0] = 1;
    let at = from;
    while (at < to) {
      if (this.#endsOpen && ((alive[this.#lastWord] as number) & this.#lastBit) !== 0) break;
      const code = text.charCodeAt(at++);
      const rows = code < asciiCount ? this.#accepts : this.#otherRow(code);
      const start = code < asciiCount ? code * words : 0;
      const loops = code === colon ? this.#colonLoops : this.#loops;
      let carry = 0;
      let any = 0;
      for (let word = 0; word < words; word++) {
        const before = alive[word] as number;
        const moved = before & (rows[start + word] as number);
        const after = (moved << 1) | carry | (before & (loops[word] as number));
        carry = moved >>> 31;
        alive[word] = after;
        any |= after;
      }
      if (any === 0) break;
    }
    const steps = (at - from) * words + 1;
    return ((alive[this.#lastWord] as number) & this.#lastBit) !== 0 ? steps : -steps;
  }

  #otherRow(code: number): Int32Array {
    return this.#acceptsOther.get(code) ?? this.#acceptsAny;
  }
}

function set(words: Int32Array, word: number, bit: number): void {
  words[word] = (words[word] as number) | bit;
}
