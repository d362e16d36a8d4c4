// What every part of the directory works with.
import type { Clock } from "../base/clock.ts";
import { CairnError } from "../base/errors.ts";
import type { Random } from "../base/random.ts";
import type { Documents } from "./documents.ts";
import type { MasterKeys } from "./master-keys.ts";
import type { HolderKind } from "./model.ts";
import { seal, unseal } from "./seal.ts";

export interface Core {
  documents: Documents;
  clock: Clock;
  random: Random;
  masterKeys: MasterKeys;
}

export function sealFor(core: Core, owner: string, secret: string): string {
  return seal(secret, owner, core.masterKeys.current, core.random);
}

export function unsealFor(core: Core, owner: string, sealed: string): string {
  return unseal(sealed, owner, core.masterKeys);
}

export function noSuchEntity(message: string): CairnError {
  return new CairnError("NoSuchEntity", message);
}

export function deleteConflict(what: string): CairnError {
  return new CairnError("DeleteConflict", `Cannot delete entity, must ${what} first.`);
}

/** IAM's words for a name that nothing has. */
export function notFound(kind: HolderKind, name: string): CairnError {
  return noSuchEntity(`The ${kind} with name ${name.slice(0, 128)} cannot be found.`);
}

export function overQuota(quota: string, most: number): CairnError {
  return new CairnError("LimitExceeded", `Cannot exceed quota for ${quota}: ${most}`);
}

export function omit<T extends object, K extends keyof T>(value: T, ...names: K[]): Omit<T, K> {
  const rest = { ...value };
  for (const name of names) delete rest[name];
  return rest;
}
