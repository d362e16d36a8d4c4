// File names of the journal: they hold the numbers that must survive when the rows are gone.
//
//   segment-<first seq>.v1.open              being written; rows from <first seq> on
//   segment-<first seq>-<last seq>.v1.sealed closed; exactly these rows
//   next-<seq>.v1.mark                       empty; no seq below <seq> may be given out again
//   <any of these>.damaged                   set aside for a person to look at
//
// A seq has 20 digits, so that names sort in its order. `v1` is the row version.
import { rowVersion } from "../../event/row.ts";

export type FileName =
  | { kind: "open"; firstSeq: bigint }
  | { kind: "sealed"; firstSeq: bigint; lastSeq: bigint }
  | { kind: "mark"; nextSeq: bigint }
  | { kind: "damaged"; of: FileName }
  | { kind: "newer"; version: number }
  | { kind: "unknown" };

/** What fits a signed 64-bit number, with room above every seq that recovery trusts a name for. */
const seqMax = 2n ** 63n;

export function openName(firstSeq: bigint): string {
  return `segment-${digits(firstSeq)}.v${rowVersion}.open`;
}

export function sealedName(firstSeq: bigint, lastSeq: bigint): string {
  return `segment-${digits(firstSeq)}-${digits(lastSeq)}.v${rowVersion}.sealed`;
}

export function markName(nextSeq: bigint): string {
  return `next-${digits(nextSeq)}.v${rowVersion}.mark`;
}

export function damagedName(name: string): string {
  return `${name}.damaged`;
}

export function parseFileName(name: string): FileName {
  if (name.endsWith(".damaged")) {
    const of = parseFileName(name.slice(0, -".damaged".length));
    return of.kind === "unknown" ? of : { kind: "damaged", of };
  }
  const match =
    /^(?:segment-(?<first>\d{20})(?:-(?<last>\d{20}))?|next-(?<next>\d{20}))\.v(?<version>\d{1,4})\.(?<end>open|sealed|mark)$/.exec(
      name,
    );
  const { first, last, next, version, end } = match?.groups ?? {};
  if (version === undefined) return { kind: "unknown" };
  if (Number(version) !== rowVersion) return { kind: "newer", version: Number(version) };
  const [firstSeq, lastSeq, nextSeq] = [seq(first), seq(last), seq(next)];
  if (end === "open" && firstSeq !== undefined && last === undefined) {
    return { kind: "open", firstSeq };
  }
  if (end === "sealed" && firstSeq !== undefined && lastSeq !== undefined && firstSeq <= lastSeq) {
    return { kind: "sealed", firstSeq, lastSeq };
  }
  if (end === "mark" && nextSeq !== undefined) return { kind: "mark", nextSeq };
  return { kind: "unknown" };
}

function seq(text: string | undefined): bigint | undefined {
  if (text === undefined) return undefined;
  const value = BigInt(text);
  return value >= 1n && value < seqMax ? value : undefined;
}

function digits(seq: bigint): string {
  return seq.toString().padStart(20, "0");
}
