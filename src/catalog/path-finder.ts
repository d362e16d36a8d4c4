// Which services have a path. The trees are grown by first segment and only when a request asks: all at once would hold
// up every other request.
import type { RequestHead } from "./call.ts";
import { RestRoutes } from "./rest-routes.ts";
import { firstSegmentOf, type PathIndex } from "./service-index.ts";

export class PathFinder {
  readonly #indexes: readonly PathIndex[];
  readonly #trees = new Map<string, RestRoutes>();

  constructor(...indexes: PathIndex[]) {
    this.#indexes = indexes;
  }

  /** Ids of the services with an unsigned operation there, or else of those with any. */
  find(head: RequestHead): string[] {
    for (const kind of ["unsigned", "all"] as const) {
      const ids = new Set<string>();
      for (const first of new Set([firstSegmentOf(head.path), "{}"])) {
        for (const { name } of this.#tree(kind, first)?.matches(head) ?? []) ids.add(name);
      }
      if (ids.size > 0) return [...ids];
    }
    return [];
  }

  #tree(kind: keyof PathIndex, first: string): RestRoutes | undefined {
    const known = this.#trees.get(`${kind} ${first}`);
    if (known !== undefined) return known;
    const records = this.#indexes
      .map((index) => index[kind])
      .filter((index) => Object.hasOwn(index, first));
    // What no service has is not kept: requests could name ever new ones.
    if (records.length === 0) return undefined;
    const tree = new RestRoutes();
    for (const [place, ids] of records.flatMap((index) => Object.entries(index[first] ?? {}))) {
      const space = place.indexOf(" ");
      for (const id of ids) {
        tree.add(id, { method: place.slice(0, space), path: place.slice(space + 1) });
      }
    }
    this.#trees.set(`${kind} ${first}`, tree);
    return tree;
  }
}
