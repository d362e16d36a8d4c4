// What every registry driver refuses: keys and values that it could not give back as they were.
import { CairnError } from "../base/errors.ts";
import type { Change } from "./registry.ts";

/** Bytes of a key in UTF-8. Below the 1,978 that LMDB takes, above any name AWS allows in an ARN. */
export const keyBytesMax = 1024;
/** Nesting of a value: far above any document of ours, far below a stack. */
const valueDepthMax = 512;

/** Throws ValidationFailed naming the key and the place in its value, before anything is changed. */
export function checkChanges(changes: readonly Change[]): void {
  const keys = new Set<string>();
  for (const { key, value, expectedVersion } of changes) {
    checkKey(key);
    if (keys.has(key)) refuse(`one commit changes "${key}" twice`);
    keys.add(key);
    if (
      expectedVersion !== undefined &&
      !(Number.isInteger(expectedVersion) && expectedVersion >= 0)
    ) {
      refuse(`"${key}" expects version ${expectedVersion}, which no key can have`);
    }
    if (value !== undefined) checkValue(value, key, "", 0);
  }
}

export function checkKey(key: string): void {
  if (key === "") refuse("a registry key is empty");
  if (Buffer.from(key).toString() !== key)
    refuse(`registry key ${JSON.stringify(key)} has half a surrogate pair`);
  if (key.includes("\0")) refuse(`registry key ${JSON.stringify(key)} has a NUL`);
  const bytes = Buffer.byteLength(key);
  if (bytes > keyBytesMax) {
    refuse(`registry key "${key.slice(0, 64)}…" has ${bytes} bytes, at most ${keyBytesMax}`);
  }
}

function checkValue(value: unknown, key: string, place: string, depth: number): void {
  const where = () => `the value of "${key}"${place === "" ? "" : ` at ${place}`}`;
  if (depth > valueDepthMax) refuse(`the value of "${key}" is nested over ${valueDepthMax} deep`);
  if (value === null || typeof value === "string" || typeof value === "boolean") return;
  if (typeof value === "number") {
    // JSON writes -0 as 0, so that it would not come back equal.
    if (Number.isFinite(value) && !Object.is(value, -0)) return;
    refuse(`${where()} is ${Object.is(value, -0) ? "-0" : value}, which JSON has no number for`);
  }
  if (Array.isArray(value)) {
    for (let index = 0; index < value.length; index++) {
      checkValue(value[index], key, `${place}[${index}]`, depth + 1);
    }
    return;
  }
  if (typeof value === "object") {
    const prototype: unknown = Object.getPrototypeOf(value);
    if (prototype !== Object.prototype && prototype !== null) {
      refuse(`${where()} is an object of a class, not plain JSON`);
    }
    for (const [name, member] of Object.entries(value)) {
      checkValue(member, key, `${place}.${name}`, depth + 1);
    }
    return;
  }
  refuse(`${where()} is ${value === undefined ? "undefined" : `a ${typeof value}`}, not JSON`);
}

function refuse(message: string): never {
  throw new CairnError("ValidationFailed", message);
}
