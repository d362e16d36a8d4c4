// Finds the whole rows in a segment file that a crash or a bad drive may have damaged.
import { setImmediate } from "node:timers/promises";
import { crc32c } from "@node-rs/crc32";
import { checkRow } from "../../event/row.ts";

/** Rows back to back with consecutive seqs: `bytes[start, end)`. */
export interface Run {
  start: number;
  end: number;
  firstSeq: bigint;
  count: number;
}

/** Work done before other requests get their turn: about 2 ms. */
const sliceBytes = 2 * 1024 * 1024;

/**
 * All runs of whole rows, in order, with seqs from `firstSeq` to `lastSeq`, each higher than the one before it. Bytes
 * that are no row are passed over, also in the middle: whether that is a torn tail or damage, the caller decides.
 */
export async function scanRows(bytes: Buffer, firstSeq: bigint, lastSeq: bigint): Promise<Run[]> {
  const runs: Run[] = [];
  let run: Run | undefined;
  let expectedSeq = firstSeq;
  let at = 0;
  let sliceEnd = sliceBytes;
  while (at < bytes.length) {
    const row = checkRow(bytes, at, crc32c);
    if (row !== undefined && row.seq >= expectedSeq && row.seq <= lastSeq) {
      if (run === undefined || run.end !== at || row.seq !== expectedSeq) {
        run = { start: at, end: at, firstSeq: row.seq, count: 0 };
        runs.push(run);
      }
      run.count += 1;
      run.end = row.end;
      expectedSeq = row.seq + 1n;
      at = row.end;
    } else {
      at = nextCandidate(bytes, at + 1, Math.min(bytes.length, at + sliceBytes), expectedSeq);
    }
    if (at >= sliceEnd) {
      sliceEnd = at + sliceBytes;
      await setImmediate();
    }
  }
  return runs;
}

/** The next offset below `end` at which a row with a seq soon after `expectedSeq` could start; else `end`. */
function nextCandidate(bytes: Buffer, from: number, end: number, expectedSeq: bigint): number {
  // A seq cannot be further away than there are rows in the rest; compared as two halves, because this looks at
  // every byte and a BigInt for each would be slow.
  const lowMin = Number(expectedSeq & 0xffff_ffffn);
  const highMin = Number(expectedSeq >> 32n);
  for (let at = from; at < end; at++) {
    if (at + 16 > bytes.length) return bytes.length;
    const high = bytes.readUInt32LE(at + 12);
    if (high !== highMin && high !== highMin + 1) continue;
    const ahead = (high - highMin) * 0x1_0000_0000 + bytes.readUInt32LE(at + 8) - lowMin;
    if (ahead < 0 || ahead > bytes.length - at) continue;
    const length = bytes.readUInt32LE(at);
    if (length >= 12 && at + 4 + length <= bytes.length) return at;
  }
  return end;
}
