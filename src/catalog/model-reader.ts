// What reading a user's model needs in either form: typed look-ups whose errors say where, and names that are safe.
import { CairnError } from "../base/errors.ts";

export type ModelRecord = Record<string, unknown>;

/** Shapes inside shapes; real models stay far below, and reading must not exhaust the stack. */
export const modelDepthMax = 128;

export function invalid(place: string, what: string): CairnError {
  return new CairnError("InvalidCatalogModel", `${place} ${what}`);
}

export function isRecord(value: unknown): value is ModelRecord {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

export function recordAt(value: unknown, place: string): ModelRecord {
  if (isRecord(value)) return value;
  throw invalid(place, value === undefined ? "is missing" : "is no object");
}

/** An absent record is an empty one. */
export function optionalRecord(value: unknown, place: string): ModelRecord {
  return value === undefined || value === null ? {} : recordAt(value, place);
}

export function textAt(value: unknown, place: string): string {
  if (typeof value === "string" && value !== "") return value;
  throw invalid(place, value === undefined ? "is missing" : "is no text");
}

export function optionalText(value: unknown, place: string): string | undefined {
  return value === undefined ? undefined : textAt(value, place);
}

export function listAt(value: unknown, place: string): unknown[] {
  if (Array.isArray(value)) return value;
  throw invalid(place, "is no list");
}

/** Event names and member names: letters, digits and a few signs; nothing that means something to an object. */
export function nameAt(value: unknown, place: string): string {
  const name = textAt(value, place);
  if (/^[A-Za-z0-9$@_][\w$@.:[\]-]{0,127}$/.test(name) && name !== "__proto__") return name;
  throw invalid(place, `'${name.slice(0, 128)}' cannot be a name`);
}

/** Members have the names of the wire, which may be any text. */
export function memberNameAt(value: unknown, place: string): string {
  const name = textAt(value, place);
  // oxlint-disable-next-line no-control-regex -- they are what is refused.
  const isPlain = !/[\u0000-\u001f]/.test(name) && name.length <= 256;
  if (isPlain && name !== "__proto__") return name;
  throw invalid(place, `'${name.slice(0, 128)}' cannot be a name`);
}

export function slugOf(title: string): string {
  return title
    .normalize("NFKD")
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, "-")
    .slice(0, 64)
    .replaceAll(/^-+|-+$/g, "");
}
