// Lengths, ranges, patterns and value sets of the services that Cairn answers for itself; the SDKs' models have none.
//
// Source: the services' API references. One JSON file per service, structure by structure, in a short notation:
//
//   str{3..256 /[a-z]+/}   text of that length that matches     int{1..50}          a number in that range
//   enum(A|B)              one of these                         [X](1..10)          a list of so many, each an X
//   map<K,V>(1..1)         a map of so many entries             Name                what the file's aliases say
//
// A name that is no alias is a structure, and stands there for the reader.
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Member, Service, Shape } from "../../src/catalog/service.ts";
import { reachable, rootsOf } from "../../src/catalog/shape-table.ts";

interface ConstraintFile {
  aliases: Record<string, string>;
  structures: Record<string, Record<string, string>>;
}

export function applyConstraints(service: Service): Service {
  const path = join(import.meta.dirname, "constraints", `${service.id}.json`);
  if (!existsSync(path)) return service;
  const file = JSON.parse(readFileSync(path, "utf8")) as ConstraintFile;
  const shapes = { ...service.shapes };
  for (const [name, members] of Object.entries(file.structures)) {
    const structure = shapes[name];
    if (structure?.t !== "structure") throw new Error(`${service.id} has no structure ${name}`);
    const m = { ...structure.m };
    for (const [key, notation] of Object.entries(members)) {
      const member = m[key];
      if (member === undefined) throw new Error(`${service.id} has no member ${name}.${key}`);
      m[key] = { ...member, s: constrained(shapes, member.s, notation, file.aliases) };
    }
    shapes[name] = { ...structure, m };
  }
  const operations = Object.values(service.operations);
  return {
    ...service,
    shapes: reachable(rootsOf(operations), shapes),
  };
}

/** The name of a shape like the named one that has the constraints as well. */
function constrained(
  shapes: Record<string, Shape>,
  shapeName: string,
  notation: string,
  aliases: Readonly<Record<string, string>>,
): string {
  const alias = aliases[notation];
  if (alias !== undefined) return constrained(shapes, shapeName, alias, aliases);
  const shape = shapes[shapeName];
  if (shape === undefined) throw new Error(`there is no shape ${shapeName}`);
  const add = (made: Shape, suffix: string) => {
    const name = shapeName.startsWith("*") ? `${shapeName} ${suffix}` : `*${shapeName} ${suffix}`;
    shapes[name] = made;
    return name;
  };
  const of = (member: Member, inner: string): Member => ({
    ...member,
    s: constrained(shapes, member.s, inner, aliases),
  });

  const list = /^\[(.*)\](?:\((\d*)\.\.(\d*)\))?$/.exec(notation);
  if (list?.[1] !== undefined && shape.t === "list") {
    return add({ ...shape, e: of(shape.e, list[1]), ...bounds(list[2], list[3]) }, notation);
  }
  const map = /^map<((?:[^,{]|\{[^}]*\})+),(.+)>(?:\((\d*)\.\.(\d*)\))?$/.exec(notation);
  if (map?.[1] !== undefined && map[2] !== undefined && shape.t === "map") {
    const made = { ...shape, k: of(shape.k, map[1]), v: of(shape.v, map[2]) };
    return add({ ...made, ...bounds(map[3], map[4]) }, notation);
  }
  const oneOf = /^enum\((.*)\)$/.exec(notation);
  if (oneOf?.[1] !== undefined && shape.t === "string") {
    return add({ ...shape, enum: oneOf[1].split("|") }, notation);
  }
  const text = /^str\{(?:(\d*)\.\.(\d*))? ?(?:\/(.*)\/)?\}$/.exec(notation);
  if (text !== null && (shape.t === "string" || shape.t === "blob")) {
    const pattern = text[3] === undefined ? {} : { pattern: text[3] };
    return add({ ...shape, ...bounds(text[1], text[2]), ...pattern }, notation);
  }
  const number = /^int\{(\d*)\.\.(\d*)\}$/.exec(notation);
  if (number !== null && (shape.t === "integer" || shape.t === "long")) {
    return add({ ...shape, ...bounds(number[1], number[2]) }, notation);
  }
  if (/^[A-Z]\w*$/.test(notation) && shape.t === "structure") return shapeName;
  throw new Error(`'${notation}' cannot be said of ${shapeName}, which is a ${shape.t}`);
}

function bounds(least?: string, most?: string): { min?: number; max?: number } {
  return {
    ...(least === undefined || least === "" ? {} : { min: Number(least) }),
    ...(most === undefined || most === "" ? {} : { max: Number(most) }),
  };
}
