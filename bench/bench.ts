// What a bench is, and what it is given to run.
import type { Figure } from "./figure.ts";

export interface BenchContext {
  /** `small`: a quick look that exercises everything; its figures are no proof. */
  scale: "small" | "full";
  /** Events of the largest data set; the growth figures start at a tenth of it. */
  eventCount: number;
  /** Data sets that are made once and kept. */
  cacheFolder: string;
  /** How often what takes seconds is repeated; medians count. */
  rounds: number;
  say(text: string): void;
}

export interface Bench {
  name: string;
  summary: string;
  run(context: BenchContext): Promise<Figure[]>;
}
