// Collects a service's shapes under names; scalars that are alike share one.
import { assert } from "../base/assert.ts";
import type { Operation, ScalarShape, Shape } from "./service.ts";

export class ShapeTable {
  readonly shapes: Record<string, Shape> = {};

  /** False: the name is taken, by this very shape or (recursion) by one that is being built. */
  reserve(name: string): boolean {
    if (Object.hasOwn(this.shapes, name)) return false;
    this.shapes[name] = { t: "document" };
    return true;
  }

  set(name: string, shape: Shape): void {
    this.shapes[name] = shape;
  }

  scalar(shape: ScalarShape): string {
    // No shape of a model can have a name that begins so.
    const name = [
      "*",
      shape.sensitive === true ? "sensitive " : "",
      shape.json === true ? "json " : "",
      shape.stream === true ? "streaming " : "",
      shape.f === undefined ? "" : `${shape.f} `,
      shape.t,
    ].join("");
    this.shapes[name] = shape;
    return name;
  }
}

/** The shapes where operations begin. */
export function rootsOf(operations: Iterable<Operation>): string[] {
  return [...operations].flatMap(({ in: input, out, formerly }) => [
    ...(input === undefined ? [] : [input]),
    ...(out === undefined ? [] : [out]),
    ...(formerly === undefined ? [] : rootsOf([formerly])),
  ]);
}

/** Only what the operations reach, in the order of names. */
export function reachable(
  roots: Iterable<string | undefined>,
  shapes: Readonly<Record<string, Shape>>,
): Record<string, Shape> {
  const seen = new Set<string>();
  const waiting = [...roots].filter((name) => name !== undefined);
  for (let name = waiting.pop(); name !== undefined; name = waiting.pop()) {
    if (seen.has(name)) continue;
    seen.add(name);
    const shape = shapes[name];
    assert(shape !== undefined, `there is a shape named ${name}`);
    if (shape.t === "structure") waiting.push(...Object.values(shape.m).map((each) => each.s));
    if (shape.t === "list") waiting.push(shape.e.s);
    if (shape.t === "map") waiting.push(shape.k.s, shape.v.s);
  }
  const kept: Record<string, Shape> = {};
  for (const name of [...seen].toSorted()) kept[name] = shapes[name] as Shape;
  return kept;
}
