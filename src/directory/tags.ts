// Tags of users, roles and everything else that has some: at most 50, keys told apart without regard to case.
import { CairnError } from "../base/errors.ts";
import { constraintError } from "./names.ts";

/** In the order in which they were set, spelled as they were set last. */
export type Tags = Record<string, string>;

export interface Tag {
  Key: string;
  Value: string;
}

const tagsMax = 50;
const keyPattern = /^[\p{L}\p{Z}\p{N}_.:/=+\-@]{1,128}$/u;
const valuePattern = /^[\p{L}\p{Z}\p{N}_.:/=+\-@]{0,256}$/u;

export function checkTags(tags: readonly Tag[]): void {
  const seen = new Set<string>();
  for (const { Key, Value } of tags) {
    if (!keyPattern.test(Key)) {
      throw constraintError(
        Key,
        "tags.member.key",
        "Member must satisfy regular expression pattern: [\\p{L}\\p{Z}\\p{N}_.:/=+\\-@]{1,128}",
      );
    }
    if (!valuePattern.test(Value)) {
      throw constraintError(
        Value,
        "tags.member.value",
        "Member must satisfy regular expression pattern: [\\p{L}\\p{Z}\\p{N}_.:/=+\\-@]{0,256}",
      );
    }
    if (Key.toLowerCase().startsWith("aws:")) {
      throw new CairnError(
        "InvalidInput",
        `Tag key '${Key}' is invalid: keys that begin with aws: are reserved for system use.`,
      );
    }
    if (seen.has(Key.toLowerCase())) {
      throw new CairnError(
        "InvalidInput",
        "Duplicate tag keys found. Please note that Tag keys are case insensitive.",
      );
    }
    seen.add(Key.toLowerCase());
  }
}

export function withTags(present: Tags | undefined, added: readonly Tag[]): Tags {
  checkTags(added);
  const tags = withoutTags(
    present,
    added.map((tag) => tag.Key),
  );
  for (const { Key, Value } of added) {
    // A key such as __proto__ is a key like any other.
    Object.defineProperty(tags, Key, {
      value: Value,
      enumerable: true,
      configurable: true,
      writable: true,
    });
  }
  if (Object.keys(tags).length > tagsMax) {
    throw new CairnError(
      "LimitExceeded",
      `The number of tags has reached the maximum limit of ${tagsMax}.`,
    );
  }
  return tags;
}

export function withoutTags(present: Tags | undefined, keys: readonly string[]): Tags {
  const gone = new Set(keys.map((key) => key.toLowerCase()));
  return Object.fromEntries(
    Object.entries(present ?? {}).filter(([key]) => !gone.has(key.toLowerCase())),
  );
}

export function tagList(tags: Tags | undefined): Tag[] {
  return Object.entries(tags ?? {}).map(([Key, Value]) => ({ Key, Value }));
}
