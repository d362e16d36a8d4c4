// A process that appends under load is killed at an arbitrary point, again and again on one folder.
import { expect, test } from "vitest";
import { killAfterLines } from "./child.ts";
import { JournalFolder, readRecovered } from "./journal-folder.ts";

test("after SIGKILL every acknowledged event is found exactly once, in order, under the seq it was promised", async () => {
  const folder = new JournalFolder();
  const promised = new Map<string, bigint>();
  const released: [bigint, bigint][] = [];
  const isReleased = (seq: bigint) => released.some(([first, last]) => first <= seq && seq <= last);
  let highest = 0n;
  for (let round = 0; round < 8; round++) {
    const count = 40 + Math.floor((performance.now() * 7919) % 700);
    const lines = await killAfterLines(
      "append-until-killed.ts",
      [folder.folder, `${round}`],
      count,
    );
    for (const line of lines) {
      const [kind, first = "0", rest = "", end] = line.split(" ");
      if (end !== "end") continue;
      if (kind === "r") released.push([BigInt(first), BigInt(rest)]);
      else
        rest.split(",").forEach((text, index) => promised.set(text, BigInt(first) + BigInt(index)));
    }
    const journal = await folder.open();
    expect(journal.status().damaged).toBe(0);
    const found = await readRecovered(journal);
    const seqs = found.map(({ seq }) => seq);
    expect(seqs).toEqual(seqs.toSorted((a, b) => Number(a - b)));
    expect(new Set(seqs).size).toBe(seqs.length);
    const places = new Map(found.map(({ seq, text }) => [text, seq]));
    expect(places.size).toBe(found.length);
    const lost = [...promised].filter(
      ([text, seq]) => places.get(text) !== seq && !isReleased(seq),
    );
    expect(lost).toEqual([]);
    const { lastSeq } = journal.status();
    expect(lastSeq).toBeGreaterThan(highest);
    highest = lastSeq;
    await journal.close();
  }
  expect(promised.size).toBeGreaterThan(500);
  expect(released.length).toBeGreaterThan(0);
  expect(folder.errors()).toEqual([]);
  folder.remove();
});
