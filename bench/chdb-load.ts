// The baseline of ingest, run in a process of its own: chDB alone loads rows that are ready into the store's own table.
//
// Prints the milliseconds that the loading took. Arguments: a fresh folder, then the files of rows.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { Session } from "chdb";
import { loadColumns, segmentStructure } from "../src/store/chdb/row-format.ts";

const [folder = "", ...paths] = process.argv.slice(2);
const session = new Session(folder);
const table = readFileSync(join(import.meta.dirname, "../src/store/chdb/events_v1.sql"), "utf8");
session.query(table);
const { before, after } = loadColumns;
const startedMs = performance.now();
for (const path of paths) {
  await session.queryAsync(
    `INSERT INTO events_v1 (${before}, variant, ${after}) ` +
      `SELECT ${before}, 0, ${after} FROM file('${path}', 'RowBinary', '${segmentStructure.replaceAll("'", "\\'")}')`,
  );
}
console.log(performance.now() - startedMs);
session.close();
process.exit(0);
