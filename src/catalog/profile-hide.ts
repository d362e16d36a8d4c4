// Taking out what an event must not say, before anything is rendered: every style starts from a clean value.
import { isJsonObject, type JsonObject, type JsonValue } from "../event/json.ts";
import { hiddenMarker, isDenied, type Profile, plainName } from "./profile.ts";
import { put, shapeOf } from "./protocol/shape.ts";
import type { Member, Service, Shape } from "./service.ts";

/** Values shorter than this are ordinary words too often to be cut out of the middle of others. */
const wholeWordLengthMax = 6;
/** More comparisons than this are not made: whatever is left is hidden instead. */
const comparisonsMax = 500_000;

/** What was taken out of a call, so that it can be taken out of other places too. */
export class HiddenValues {
  readonly #texts = new Set<string>();
  readonly #keepsShort: boolean;
  #ordered: readonly (readonly [text: string, lower: string])[] | undefined;
  #comparisons = 0;

  /** `keepsShort`: values of fewer than six characters count too, as whole words (names of people may be short). */
  constructor(keepsShort: boolean) {
    this.#keepsShort = keepsShort;
  }

  add(value: JsonValue | undefined): void {
    if (typeof value === "string" || typeof value === "number") {
      this.#addText(String(value));
    } else if (Array.isArray(value)) {
      for (const each of value) this.add(each);
    } else if (isJsonObject(value)) {
      // Of an attribute only its value is anyone's; its name ("email") is an ordinary word.
      const isAttribute = typeof value["Name"] === "string" && "Value" in value;
      for (const [name, each] of Object.entries(value)) {
        if (!isAttribute || name !== "Name") this.add(each);
      }
    }
  }

  #addText(text: string): void {
    const isShort = text.length < wholeWordLengthMax;
    if (text.trim() === "" || text === hiddenMarker || (isShort && !this.#keepsShort)) return;
    if (text === "true" || text === "false") return;
    this.#texts.add(text);
    this.#ordered = undefined;
  }

  /** The text with every hidden value in it replaced. Short values count only as whole words. */
  scrub(text: string): string {
    if (text === "" || text === hiddenMarker) return text;
    // Longest first: a value may contain another.
    this.#ordered ??= [...this.#texts]
      .toSorted((a, b) => b.length - a.length)
      .map((each) => [each, each.toLowerCase()]);
    this.#comparisons += this.#ordered.length;
    if (this.#comparisons > comparisonsMax) return hiddenMarker;
    let clean = text;
    let lower = text.toLowerCase();
    for (const [secret, secretLower] of this.#ordered) {
      if (!lower.includes(secretLower)) continue;
      const escaped = secret.replaceAll(/[.*+?^${}()|[\]\\/]/g, "\\$&");
      const isWhole = secret.length < wholeWordLengthMax;
      const pattern = isWhole ? `(?<![A-Za-z0-9_])${escaped}(?![A-Za-z0-9_])` : escaped;
      // Services answer with the name as they keep it, which may differ in case. The private-use mark keeps a value
      // such as "security" from being found in the marker itself.
      clean = clean.replaceAll(new RegExp(pattern, "giu"), placeholder);
      lower = clean.toLowerCase();
    }
    return clean.replaceAll(placeholder, hiddenMarker);
  }
}

const placeholder = "\u{f8ff}";

interface NameRules {
  hide: ReadonlySet<string>;
  omit: ReadonlySet<string>;
  show: ReadonlySet<string>;
  masks: ReadonlyMap<string, string>;
}

const nameRules = new WeakMap<Profile, NameRules>();

function nameRulesOf(profile: Profile): NameRules {
  const made = nameRules.get(profile);
  if (made !== undefined) return made;
  const rules = {
    hide: new Set((profile.hide ?? []).map(plainName)),
    omit: new Set((profile.omit ?? []).map(plainName)),
    show: new Set((profile.show ?? []).map(plainName)),
    masks: new Map(
      Object.entries(profile.masks ?? {}).map(([name, text]) => [plainName(name), text] as const),
    ),
  };
  nameRules.set(profile, rules);
  return rules;
}

export class Hider {
  readonly #service: Service;
  readonly #rules: NameRules;
  /** What this one operation hides besides. */
  readonly #alsoHide: ReadonlySet<string>;
  readonly #keepsUnmodelled: boolean;
  readonly values: HiddenValues;

  constructor(
    service: Service,
    profile: Profile,
    alsoHide: readonly string[],
    keepsUnmodelled: boolean,
    values: HiddenValues,
  ) {
    this.#service = service;
    this.#rules = nameRulesOf(profile);
    this.#alsoHide = new Set(alsoHide.map(plainName));
    this.#keepsUnmodelled = keepsUnmodelled;
    this.values = values;
  }

  /** A copy without what must not be said. */
  clean(shape: Shape, value: JsonValue): JsonValue | undefined {
    switch (shape.t) {
      case "structure": {
        if (!isJsonObject(value)) return this.#unmodelled(value);
        const kept: JsonObject = {};
        for (const [name, each] of Object.entries(value)) {
          const member = Object.hasOwn(shape.m, name) ? shape.m[name] : undefined;
          if (member === undefined && !this.#keepsUnmodelled) {
            // Not shown, but it may hold what other places repeat.
            if (this.#isHidden(name)) this.values.add(each);
            continue;
          }
          put(kept, name, this.#named(name, member, each));
        }
        return kept;
      }
      case "list":
        return Array.isArray(value)
          ? value.map((each) => this.#element(shape.e, each) ?? null)
          : this.#unmodelled(value);
      case "map": {
        if (!isJsonObject(value)) return this.#unmodelled(value);
        const kept: JsonObject = {};
        for (const [key, each] of Object.entries(value)) {
          put(
            kept,
            key,
            this.#isHidden(key) ? this.#hidden(key, each) : this.#element(shape.v, each),
          );
        }
        return kept;
      }
      case "blob":
        return undefined;
      case "document":
        return this.#document(value);
      case "boolean":
      case "double":
      case "float":
      case "integer":
      case "long":
      case "string":
      case "timestamp":
        return shape.sensitive ? this.#hidden("", value) : this.#unmodelled(value);
    }
  }

  #element(member: Member, value: JsonValue): JsonValue | undefined {
    const shape = shapeOf(this.#service, member.s);
    if (value === null) return null;
    return member.sensitive || isSensitive(shape)
      ? this.#hidden("", value)
      : this.clean(shape, value);
  }

  #named(name: string, member: Member | undefined, value: JsonValue): JsonValue | undefined {
    const plain = plainName(name);
    const mask = this.#rules.masks.get(plain);
    if (this.#rules.omit.has(plain) || mask !== undefined) this.values.add(value);
    if (this.#rules.omit.has(plain)) return undefined;
    if (mask !== undefined) return mask;
    if (member === undefined) {
      return this.#isHidden(name) ? this.#hidden(name, value) : this.#document(value);
    }
    const shape = shapeOf(this.#service, member.s);
    if (this.#rules.show.has(plain) && shape.t !== "blob" && typeof value !== "object")
      return value;
    // A flag is no secret because of its name (`PasswordResetRequired` and the like); only the model may say so.
    const isNamed = this.#isHidden(name) && typeof value !== "boolean";
    if (member.sensitive || isSensitive(shape) || isNamed) {
      return shape.t === "blob" ? this.#omitted(value) : this.#hidden(name, value);
    }
    return this.clean(shape, value);
  }

  /** A value without a model: only its names can tell. */
  #document(value: JsonValue): JsonValue {
    if (Array.isArray(value)) return value.map((each) => this.#document(each));
    if (!isJsonObject(value)) return value;
    const kept: JsonObject = {};
    for (const [name, each] of Object.entries(value)) {
      if (this.#rules.omit.has(plainName(name))) {
        this.values.add(each);
        continue;
      }
      put(kept, name, this.#isHidden(name) ? this.#hidden(name, each) : this.#document(each));
    }
    return kept;
  }

  /** A value of another type than the model's: kept as it is where it can hold no member. */
  #unmodelled(value: JsonValue): JsonValue {
    return typeof value === "object" ? this.#document(value) : value;
  }

  #hidden(name: string, value: JsonValue): JsonValue {
    this.values.add(value);
    return this.#rules.masks.get(plainName(name)) ?? hiddenMarker;
  }

  #omitted(value: JsonValue): undefined {
    this.values.add(value);
    return undefined;
  }

  #isHidden(name: string): boolean {
    const plain = plainName(name);
    if (this.#rules.show.has(plain)) return false;
    return this.#rules.hide.has(plain) || this.#alsoHide.has(plain) || isDenied(name);
  }
}

function isSensitive(shape: Shape): boolean {
  return "sensitive" in shape && shape.sensitive;
}
