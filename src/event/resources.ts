// The resources of an event: the record's own list, and the values that the resource table finds in it.
import { absent, type JsonDocument, kinds, name } from "./document.ts";
import { type ResourceRule, resourceTable } from "./resource-table.ts";

export interface Resources {
  /** The record's `resources` member; `types[i]` belongs to `arns[i]`, empty where it does not say. */
  types: string[];
  arns: string[];
  /** What LookupEvents shows; each (type, name) once. */
  lookupTypes: string[];
  lookupNames: string[];
}

/** One step of the paths of one event source, merged: every member of a record is looked at once. */
interface Step {
  members: Map<number, { text: string; step: Step }>;
  elements?: Step;
  found: { type: string; only: RegExp | undefined }[];
}

const names = {
  resources: name("resources"),
  type: name("type"),
  arnUpper: name("ARN"),
  arnLower: name("arn"),
  arnPrefix: name("ARNPrefix"),
};

const longForms: Record<string, string> = { q: "requestParameters", s: "responseElements" };

const compiled = new Map(
  Object.entries(resourceTable).map(([source, rules]) => [source, compile(rules)]),
);

function compile(rules: readonly ResourceRule[]): Step {
  const root: Step = { members: new Map(), found: [] };
  for (const rule of rules) {
    for (const path of rule.paths) {
      let step = root;
      for (const [index, part] of path.split(".").entries()) {
        const plain = part.replace(/\[\]$/, "");
        const { text, hash } = name(index === 0 ? (longForms[plain] ?? plain) : plain);
        const next = step.members.get(hash) ?? { text, step: { members: new Map(), found: [] } };
        step.members.set(hash, next);
        step = next.step;
        if (part.endsWith("[]")) step = step.elements ??= { members: new Map(), found: [] };
      }
      step.found.push({ type: rule.type, only: rule.only });
    }
  }
  return root;
}

export function resourcesOf(
  document: JsonDocument,
  eventSource: string,
  eventName: string,
): Resources {
  const own = document.member(document.root, names.resources);
  const table = compiled.get(eventSource);
  const isList = document.kind(own) === kinds.array;
  const result: Resources = { types: [], arns: [], lookupTypes: [], lookupNames: [] };
  if (!isList && table === undefined) return result;

  // The table first: it knows types that the record's own list often leaves out.
  const collected = new Collected(result);
  if (table !== undefined) walk(document, document.root, table, eventName, collected);
  if (isList) {
    for (let each = document.firstChild(own); each !== absent; each = document.nextSibling(each)) {
      const type = document.scalarText(document.member(each, names.type));
      const arn =
        document.kind(each) === kinds.object ? arnOf(document, each) : document.scalarText(each);
      if (type === "" && arn === "") continue;
      result.types.push(type);
      result.arns.push(arn);
      if (arn !== "") collected.add(type, arn);
    }
  }
  return result;
}

/** Real records spell it both ways, and some name only a prefix. */
function arnOf(document: JsonDocument, resource: number): string {
  for (const spelling of [names.arnUpper, names.arnLower, names.arnPrefix]) {
    const arn = document.scalarText(document.member(resource, spelling));
    if (arn !== "") return arn;
  }
  return "";
}

function walk(
  document: JsonDocument,
  node: number,
  step: Step,
  eventName: string,
  collected: Collected,
): void {
  if (step.found.length > 0) {
    const value = document.scalarText(node);
    if (value !== "") {
      for (const { type, only } of step.found) {
        if (only === undefined || only.test(eventName)) collected.add(type, value);
      }
    }
  }
  const isArray = document.kind(node) === kinds.array;
  if (isArray ? step.elements === undefined : step.members.size === 0) return;
  for (
    let child = document.firstChild(node);
    child !== absent;
    child = document.nextSibling(child)
  ) {
    if (isArray) {
      walk(document, child, step.elements as Step, eventName, collected);
      continue;
    }
    const next = step.members.get(document.nameHash(child));
    if (next !== undefined && document.name(child) === next.text)
      walk(document, child, next.step, eventName, collected);
  }
}

/** Keeps each (type, name) once, and no name without a type beside the same name with one. */
class Collected {
  readonly #types: string[];
  readonly #names: string[];
  /** Only for long lists: a record may name thousands. */
  #seen: Set<string> | undefined;

  constructor(result: Resources) {
    this.#types = result.lookupTypes;
    this.#names = result.lookupNames;
  }

  add(type: string, resource: string): void {
    if (this.#names.length >= 32) {
      this.#seen ??= new Set(
        this.#names.flatMap((each, i) => [`${this.#types[i]} ${each}`, ` ${each}`]),
      );
      if (this.#seen.has(`${type} ${resource}`)) return;
      this.#seen.add(`${type} ${resource}`).add(` ${resource}`);
    } else {
      for (let i = 0; i < this.#names.length; i++) {
        if (this.#names[i] === resource && (this.#types[i] === type || type === "")) return;
      }
    }
    this.#types.push(type);
    this.#names.push(resource);
  }
}
