// The sample log entries of the five systems' own documents, read from where the documents lie.
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { JsonObject, JsonValue } from "../../src/event/json.ts";

const folder = join(import.meta.dirname, "../../../shared/reference");

export const samplesAreThere = existsSync(folder);

/** Every log entry shown in the documents, by event name. */
export function readSamples(): Map<string, JsonObject> {
  const samples = new Map<string, JsonObject>();
  for (const name of readdirSync(folder)) {
    const text = readFileSync(join(folder, name), "utf8");
    for (const [, block = ""] of text.matchAll(/```\n(.*?)```/gs)) {
      const entry = parseSample(block);
      if (typeof entry["eventName"] === "string") samples.set(entry["eventName"], entry);
    }
  }
  return samples;
}

/** One document writes its entry as a JavaScript literal inside `Records`, with an ellipsis behind it. */
function parseSample(block: string): JsonObject {
  const json = block
    .replace(/,?\s*\.\.\. additional entries \.\.\./, "")
    .replaceAll(/^(\s*)(\w+):/gm, '$1"$2":');
  const value = JSON.parse(json) as JsonObject;
  const records = value["Records"] as JsonObject[] | undefined;
  return records?.[0] ?? value;
}

/**
 * What may differ between a sample and what is recorded: ids, times, versions, addresses and agents; the session of
 * long-term keys, which have none.
 */
const mayDiffer = new Set([
  "eventID",
  "requestID",
  "eventTime",
  "eventVersion",
  "userAgent",
  "sourceIPAddress",
  "recipientAccountId",
  "userIdentity.principalId",
  "userIdentity.accountId",
  "userIdentity.accessKeyId",
  "userIdentity.sessionContext",
]);

/** Members that the sample shows and the event has not, or has otherwise: `path: sample ≠ event`. */
export function differences(
  sample: JsonObject,
  event: JsonObject,
  alsoMayDiffer: readonly string[] = [],
): string[] {
  const found: string[] = [];
  const compare = (path: string, wanted: JsonValue, got: JsonValue | undefined): void => {
    if (mayDiffer.has(path) || alsoMayDiffer.includes(path)) return;
    const isTree = typeof wanted === "object" && wanted !== null && !Array.isArray(wanted);
    if (isTree && typeof got === "object" && got !== null && !Array.isArray(got)) {
      for (const [name, value] of Object.entries(wanted)) {
        compare(path === "" ? name : `${path}.${name}`, value, got[name]);
      }
    } else if (JSON.stringify(wanted) !== JSON.stringify(got)) {
      found.push(`${path}: ${JSON.stringify(wanted)} ≠ ${JSON.stringify(got)}`);
    }
  };
  compare("", sample, event);
  return found;
}
