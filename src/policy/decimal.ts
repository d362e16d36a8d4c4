// Decimal numbers of any length, compared exactly: what Numeric conditions compare.

export interface Decimal {
  readonly negative: boolean;
  /** Digits before the point, without leading zeros. */
  readonly whole: string;
  /** Digits behind the point, without trailing zeros. */
  readonly fraction: string;
}

/** Undefined: no integer or decimal number. */
export function parseDecimal(text: string): Decimal | undefined {
  const match = /^([+-]?)(\d+)(?:\.(\d+))?$/.exec(text);
  if (match === null) return undefined;
  const whole = withoutLeadingZeros(match[2] ?? "");
  const fraction = withoutTrailingZeros(match[3] ?? "");
  return { negative: match[1] === "-" && whole + fraction !== "", whole, fraction };
}

// Loops, not expressions: those of this kind look back over and over in a long row of zeros.
function withoutLeadingZeros(digits: string): string {
  let start = 0;
  while (start < digits.length && digits[start] === "0") start++;
  return digits.slice(start);
}

function withoutTrailingZeros(digits: string): string {
  let end = digits.length;
  while (end > 0 && digits[end - 1] === "0") end--;
  return digits.slice(0, end);
}

/** Below, at or above zero as `a` is less than, equal to or greater than `b`. */
export function compareDecimals(a: Decimal, b: Decimal): number {
  if (a.negative !== b.negative) return a.negative ? -1 : 1;
  const size =
    a.whole.length - b.whole.length ||
    compareText(a.whole, b.whole) ||
    compareText(a.fraction, b.fraction);
  return a.negative ? -size : size;
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
