// A figure: one measured number beside what it is held against, and the words and arithmetic around it.

export interface Figure {
  name: string;
  /** What was measured, with its unit. */
  measured: string;
  /** What it is held against, measured in the same run; empty where the target is an absolute one. */
  baseline: string;
  /** The ratio or the value that the target speaks of. */
  result: string;
  target: string;
  /** Undefined: reported only, nothing was promised. */
  passes: boolean | undefined;
}

/** `value` against `baseline`, both in `unit` (higher is better): at least `ratioMin` times as much. */
export function atLeastTimes(
  name: string,
  value: number,
  baseline: { name: string; value: number },
  unit: string,
  ratioMin: number,
): Figure {
  const ratio = value / baseline.value;
  return {
    name,
    measured: amount(value, unit),
    baseline: `${baseline.name}: ${amount(baseline.value, unit)}`,
    result: `${rounded(ratio)} ×`,
    target: `≥ ${ratioMin} ×`,
    passes: ratio >= ratioMin,
  };
}

/** `value` against `baseline`, both in `unit` (lower is better): at most `ratioMax` times as much. */
export function atMostTimes(
  name: string,
  value: number,
  baseline: { name: string; value: number },
  unit: string,
  ratioMax: number,
): Figure {
  const ratio = value / baseline.value;
  return {
    name,
    measured: amount(value, unit),
    baseline: `${baseline.name}: ${amount(baseline.value, unit)}`,
    result: `${rounded(ratio)} ×`,
    target: `≤ ${ratioMax} ×`,
    passes: ratio <= ratioMax,
  };
}

export function atMost(name: string, value: number, unit: string, valueMax: number): Figure {
  return {
    name,
    measured: amount(value, unit),
    baseline: "",
    result: amount(value, unit),
    target: `≤ ${amount(valueMax, unit)}`,
    passes: value <= valueMax,
  };
}

export function reported(name: string, value: number, unit: string, baseline = ""): Figure {
  return {
    name,
    measured: amount(value, unit),
    baseline,
    result: "",
    target: "",
    passes: undefined,
  };
}

export function median(values: readonly number[]): number {
  return percentile(values, 50);
}

/** The nearest rank: one of the values. */
export function percentile(values: readonly number[], percent: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  const rank = Math.ceil((percent / 100) * sorted.length);
  return sorted[Math.max(0, rank - 1)] ?? Number.NaN;
}

function amount(value: number, unit: string): string {
  return `${rounded(value)} ${unit}`;
}

/** Three digits that count, thousands with a separator. */
function rounded(value: number): string {
  return value.toLocaleString("en-US", { maximumSignificantDigits: value >= 1000 ? 4 : 3 });
}
