// Writes COMPAT.md from the operation table of the AWS door and the catalog's models.
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { renderCompat } from "../src/aws/compat.ts";
import { operationTable, servedServices } from "../src/aws/operations.ts";
import type { Service } from "../src/catalog/service.ts";
import { newestModelSource } from "./catalog/newest-models.ts";

const root = join(import.meta.dirname, "..");

/** COMPAT.md as it should be checked in. */
export function compatPage(): string {
  const services = servedServices.map(
    (id) => readJson(join(root, `src/catalog/services/${id}.json`)) as Service,
  );
  const { devDependencies } = readJson(join(root, "package.json")) as {
    devDependencies: Record<string, string>;
  };
  const clients = ["@aws-sdk/client-cloudtrail", "@aws-sdk/client-sts"];
  const modelSource = [
    ...clients.map((name) => `${name} ${devDependencies[name]}`),
    newestModelSource,
  ].join(", ");
  return renderCompat({ services, rows: operationTable, modelSource });
}

function readJson(path: string): unknown {
  return JSON.parse(readFileSync(path, "utf8")) as unknown;
}

if (import.meta.filename === process.argv[1]) {
  const path = join(root, "COMPAT.md");
  writeFileSync(path, compatPage());
  console.log(`wrote ${path}`);
}
