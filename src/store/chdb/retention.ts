// Retention: takes out the rows that were kept long enough, a month at a time.
import { literal } from "./query.ts";
import type { Sessions } from "./sessions.ts";

/** Hidden rows' share of a month at which it is rewritten without them: at most ten rewrites over its life. */
const hiddenShareMax = 0.1;

/** Deletes; the caller lets nothing else write meanwhile. How many rows went. */
export async function deleteExpired(
  sessions: Sessions,
  table: string,
  nowMs: number,
  seqMax: bigint,
): Promise<number> {
  const ask = async (sql: string) => {
    const text = (await sessions.write(sql, "TSV")).trim();
    return text === "" ? [] : text.split("\n").map((line) => line.split("\t"));
  };
  const isExpired = `keep_until <= ${literal.time(Math.floor(nowMs))} AND seq <= ${literal.seq(seqMax)}`;
  const months = await ask(
    `SELECT _partition_id, count(), countIf(${isExpired}) AS expired FROM ${table} ` +
      "GROUP BY _partition_id HAVING expired > 0",
  );
  let deleted = 0;
  for (const [month = "", rowsText, expiredText] of months) {
    const rows = Number(rowsText);
    const expired = Number(expiredText);
    if (rows === expired) {
      await ask(`ALTER TABLE ${table} DROP PARTITION ID '${month}'`);
    } else {
      // Marks the rows: cheap and at once. Rewriting a month each time a few of its rows expire would not be.
      await ask(`DELETE FROM ${table} IN PARTITION ID '${month}' WHERE ${isExpired}`);
      if (await mostlyHidden(ask, table, month, rows - expired)) {
        await ask(
          `ALTER TABLE ${table} APPLY DELETED MASK IN PARTITION ID '${month}' SETTINGS mutations_sync = 1`,
        );
      }
    }
    deleted += expired;
  }
  return deleted;
}

async function mostlyHidden(
  ask: (sql: string) => Promise<string[][]>,
  table: string,
  month: string,
  visible: number,
): Promise<boolean> {
  const [row] = await ask(
    "SELECT sum(rows) FROM system.parts WHERE active AND database = currentDatabase() " +
      `AND table = '${table}' AND partition_id = '${month}'`,
  );
  const held = Number(row?.[0] ?? 0);
  return held - visible > held * hiddenShareMax;
}
