// Commits two keys at once, again and again, and prints each number after it is durable. Ends by being killed.
import { openLmdbRegistry } from "../../src/registry/lmdb/lmdb-registry.ts";

const [folder = ""] = process.argv.slice(2);
const registry = await openLmdbRegistry({ folder });
for (let number = 1; ; number++) {
  await registry.commit([
    { key: "first", value: number },
    { key: "second", value: number },
  ]);
  process.stdout.write(`${number}\n`);
}
