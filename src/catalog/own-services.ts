// Users' own services on disk: one file each, `<id>.json`.
import {
  closeSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { CairnError } from "../base/errors.ts";
import { checkService } from "./check-service.ts";
import type { Service } from "./service.ts";

/** In the order of file names; a file that cannot be read as a service is an error that names it. */
export function readOwnServices(folder: string): Service[] {
  let names: string[];
  try {
    names = readdirSync(folder).filter((name) => name.endsWith(".json"));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
    throw new CairnError("InvalidConfiguration", `the folder ${folder} cannot be read`, {
      cause: error,
    });
  }
  return names.toSorted().flatMap((name) => {
    const path = join(folder, name);
    try {
      const service = checkService(JSON.parse(readFileSync(path, "utf8")) as unknown);
      if (`${service.id}.json` === name) return [service];
      throw new CairnError("InvalidCatalogModel", `it holds the service '${service.id}'`);
    } catch (error) {
      // Another thread's catalog may have removed it since the folder was listed.
      if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
      throw new CairnError(
        "InvalidCatalogModel",
        `${path} is no service of the catalog: ${error instanceof Error ? error.message : String(error)}`,
        { cause: error },
      );
    }
  });
}

/** Whole or not at all: a crash leaves the service that was there before. */
export function writeOwnService(folder: string, service: Service): void {
  mkdirSync(folder, { recursive: true });
  const path = join(folder, `${service.id}.json`);
  writeFileSync(`${path}.new`, `${JSON.stringify(service)}\n`, { flush: true });
  renameSync(`${path}.new`, path);
  syncFolder(folder);
}

/** Gone for good when this returns. */
export function removeOwnService(folder: string, id: string): void {
  rmSync(join(folder, `${id}.json`), { force: true });
  syncFolder(folder);
}

function syncFolder(folder: string): void {
  const handle = openSync(folder, "r");
  try {
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
}
