// Prints every text that a stopped Cairn's data folder holds, decompressed: one JSON line {place, text} each.
// In a process of its own, because a process can open only one embedded store.
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join, relative } from "node:path";
import { Session } from "chdb";
import { open } from "lmdb";

const folder = process.argv[2];

function print(place, text) {
  process.stdout.write(`${JSON.stringify({ place, text })}\n`);
}

const session = new Session(join(folder, "store", "chdb"));
function lines(sql, format) {
  return session.query(sql, format).split("\n").filter(Boolean);
}
const columns = lines(
  "SELECT database, table, name, type FROM system.columns " +
    "WHERE database NOT IN ('system', 'INFORMATION_SCHEMA', 'information_schema') AND type LIKE '%String%'",
  "JSONEachRow",
).map((line) => JSON.parse(line));
for (const { database, table, name, type } of columns) {
  const text = type.startsWith("Array") ? `arrayStringConcat(${name}, '\\n')` : name;
  // Raw: neither escaped nor quoted.
  print(
    `store ${table}.${name}`,
    session.query(`SELECT ${text} FROM ${database}.${table}`, "TSVRaw"),
  );
}
session.close?.();

const registry = open({
  path: join(folder, "registry"),
  noSubdir: false,
  encoding: "string",
  keyEncoding: "binary",
});
for (const { key, value } of registry.getRange({})) print("registry", `${key.toString()} ${value}`);
await registry.close();

for (const name of readdirSync(folder, { recursive: true })) {
  const path = join(folder, name);
  // The store's own files are compressed: above they are read through the engine.
  if (statSync(path).isFile() && !name.startsWith(join("store", "chdb")))
    print(`file ${relative(folder, path)}`, readFileSync(path, "latin1"));
}
