// The memory journal keeps the contract, and its faults do what their names say.
import { expect, test } from "vitest";
import { batchOf } from "../../../test/crash/sample-batch.ts";
import { TestClock } from "../../base/clock.ts";
import { contractSegmentBytesMax, describeJournal, readAll } from "../journal.contract.ts";
import { createMemoryJournal, type MemoryJournal } from "./memory-journal.ts";

describeJournal(async () => {
  const clock = new TestClock(0);
  let journal: MemoryJournal = createMemoryJournal({
    clock,
    segmentBytesMax: contractSegmentBytesMax,
  });
  const crash = async () => (journal = journal.crash());
  return {
    journal,
    clock,
    crash,
    reopen: async () => {
      await journal.close();
      return crash();
    },
    setFull: (isFull) => {
      if (isFull) journal.faults.pendingBytesMax = 0;
      else delete journal.faults.pendingBytesMax;
    },
  };
});

test("failEvery refuses every n-th append, which never comes back", async () => {
  const clock = new TestClock(0);
  const journal = createMemoryJournal({ clock, failEvery: 2 });
  await journal.append(batchOf("a"));
  await expect(journal.append(batchOf("b"))).rejects.toMatchObject({ code: "JournalUnavailable" });
  await journal.append(batchOf("c"));
  expect((await readAll(journal, clock)).map(({ text }) => text)).toEqual(["a", "c"]);
});

test.each([true, false])("a crash meets appends under way: lost is %s", async (isLost) => {
  const clock = new TestClock(0);
  const journal = createMemoryJournal({ clock, loseUnflushedOnCrash: isLost });
  await journal.append(batchOf("a"));
  journal.faults.latencyMs = 10;
  let settled = false;
  void journal.append(batchOf("b")).finally(() => (settled = true));
  const after = journal.crash();
  clock.advance(10);
  expect((await readAll(after, clock)).map(({ text }) => text)).toEqual(
    isLost ? ["a"] : ["a", "b"],
  );
  expect(settled).toBe(false);
});
