// Durations as people write them: `2s`, `5m`, `1h`, `90d`.
import { CairnError } from "./errors.ts";

const unitMs: Record<string, number> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** Reads a duration into milliseconds; throws InvalidConfiguration naming the text it could not read. */
export function parseDurationMs(text: string): number {
  const match = /^(\d+(?:\.\d+)?)(ms|s|m|h|d)$/.exec(text.trim());
  const perUnit = match?.[2] === undefined ? undefined : unitMs[match[2]];
  if (match?.[1] === undefined || perUnit === undefined) {
    throw new CairnError(
      "InvalidConfiguration",
      `"${text}" is not a duration such as 2s, 5m, 1h or 90d`,
    );
  }
  return Number(match[1]) * perUnit;
}
