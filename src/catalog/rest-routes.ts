// Finds the operation of a REST request by its method, path, query and headers.
//
// A tree per method, one level a path segment, built once per service:
//
//   GET ── restapis ──┬─ (end)                    GetRestApis
//                     └─ {label} ──┬─ (end)       GetRestApi
//                                  └─ resources   GetResources
//
// All routes that fit are gathered, and the most specific one is taken: fixed segments before labels, then fixed query
// members (`?acl`), then required members that are there: what tells UploadPart from PutObject.
import type { RequestHead } from "./call.ts";
import type { Operation, Service } from "./service.ts";

export interface RestMatch {
  name: string;
  /** The operation's former address. */
  isFormer: boolean;
  /** Decoded. */
  labels: Record<string, string>;
  fit: RouteFit;
}

/** How well a route explains a request. */
export interface RouteFit {
  /** One character a segment: d fixed, c fixed and a label (`{id}:start`), b label, a greedy label. */
  pattern: string;
  fixedQuery: number;
  /** Required members in the query and in headers that the request has, and that it lacks. */
  met: number;
  unmet: number;
  /** Both end in a slash, or neither: all that tells a few operations of sister services apart. */
  isSameEnd: boolean;
}

interface Route {
  name: string;
  isFormer: boolean;
  labels: string[];
  pattern: string;
  endsInSlash: boolean;
  fixedQuery: [string, string | undefined][];
  requiredQuery: string[];
  requiredHeaders: string[];
}

interface Node {
  fixed: Map<string, Node>;
  /** Segments like `{id}:start`. */
  mixed: { before: string; after: string; node: Node }[];
  label?: Node;
  /** Routes that end here. */
  routes: Route[];
  /** Routes with a greedy label here, and the segments behind it. */
  greedy: { route: Route; tail: string[] }[];
}

/** More segments than any path of a model has by far; what is longer only greedy labels can mean. */
const segmentsMax = 64;

export class RestRoutes {
  readonly #roots = new Map<string, Node>();

  static of(service: Service): RestRoutes {
    const routes = new RestRoutes();
    for (const [name, operation] of Object.entries(service.operations)) {
      if (operation.old !== true) routes.add(name, operation, service);
    }
    for (const [name, { formerly }] of Object.entries(service.operations)) {
      if (formerly !== undefined) routes.add(name, formerly, service, true);
    }
    return routes;
  }

  /** Of two routes that fit a request equally, the one that was added first is found. */
  add(
    name: string,
    operation: Pick<Operation, "method" | "path" | "in">,
    service?: Service,
    isFormer = false,
  ): void {
    const [path = "/", query = ""] = (operation.path ?? "/").split("?");
    const segments = withoutTrailing(segmentsOf(path));
    const required = requiredMembers(operation, service);
    const route: Route = {
      name,
      isFormer,
      labels: segments.flatMap((each) => /\{([^{}]+?)\+?\}/.exec(each)?.[1] ?? []),
      pattern: segments.map((each) => (isGreedy(each) ? "a" : isLabel(each) ? "b" : "c")).join(""),
      endsInSlash: path.endsWith("/"),
      fixedQuery: query
        .split("&")
        .filter((each) => each !== "" && !each.startsWith("x-id="))
        .map((each) => {
          const equals = each.indexOf("=");
          return equals === -1
            ? [each, undefined]
            : [each.slice(0, equals), each.slice(equals + 1)];
        }),
      ...required,
    };
    let node = rootOf(this.#roots, operation.method ?? "POST");
    for (const [index, segment] of segments.entries()) {
      if (isGreedy(segment)) {
        node.greedy.push({ route, tail: segments.slice(index + 1) });
        return;
      }
      node = childOf(node, segment);
    }
    node.routes.push(route);
  }

  match(head: RequestHead, path = head.path): RestMatch | undefined {
    let best: RestMatch | undefined;
    for (const each of this.matches(head, path)) {
      if (best === undefined || compareFit(each.fit, best.fit) > 0) best = each;
    }
    return best;
  }

  /** Every route that fits. */
  matches(head: RequestHead, path = head.path): RestMatch[] {
    const root = this.#roots.get(head.method);
    if (root === undefined) return [];
    const segments = segmentsOf(path);
    const found = this.#walk(root, segments, head);
    return found.length > 0 ? found : this.#withWholeArn(root, segments, head);
  }

  /** Some clients leave the slashes of an ARN in a label as they are. */
  #withWholeArn(root: Node, segments: readonly string[], head: RequestHead): RestMatch[] {
    const at = segments.findIndex((each) => /^arn(?::|%3A)/i.test(each));
    if (at === -1 || segments.length > segmentsMax) return [];
    for (let end = segments.length; end > at + 1; end -= 1) {
      const arn = segments.slice(at, end).join("/");
      const merged = [...segments.slice(0, at), arn, ...segments.slice(end)];
      const found = this.#walk(root, merged, head);
      if (found.length > 0) return found;
    }
    return [];
  }

  #walk(root: Node, segments: readonly string[], head: RequestHead): RestMatch[] {
    const found: RestMatch[] = [];
    const query = new QueryView(head.query);
    // A slash at the end says nothing, except to a greedy label: `folder/` is a key.
    const length = withoutTrailing(segments).length;
    const take = (route: Route, values: readonly string[]) => {
      const fit = fitOf(route, head, query);
      if (fit === undefined) return;
      const labels: Record<string, string> = {};
      for (const [index, name] of route.labels.entries()) {
        Object.defineProperty(labels, name, {
          value: decode(values[index] ?? ""),
          enumerable: true,
          configurable: true,
          writable: true,
        });
      }
      found.push({ name: route.name, isFormer: route.isFormer, labels, fit });
    };
    const visit = (node: Node, at: number, values: readonly string[]): void => {
      for (const { route, tail } of node.greedy) {
        const rest = greedyValues(segments, at, tail);
        if (rest !== undefined) take(route, [...values, ...rest]);
      }
      if (at >= length) {
        if (at === length) for (const route of node.routes) take(route, values);
        return;
      }
      const segment = segments[at] ?? "";
      const fixed = node.fixed.get(segment.includes("%") ? decode(segment) : segment);
      if (fixed !== undefined) visit(fixed, at + 1, values);
      for (const { before, after, node: next } of node.mixed) {
        const text = decode(segment);
        const end = text.length - after.length;
        if (end > before.length && text.startsWith(before) && text.endsWith(after)) {
          visit(next, at + 1, [...values, encodeURIComponent(text.slice(before.length, end))]);
        }
      }
      if (node.label !== undefined && segment !== "") {
        visit(node.label, at + 1, [...values, segment]);
      }
    };
    visit(root, 0, []);
    return found;
  }
}

/** Above zero: `a` explains the request better. */
export function compareFit(a: RouteFit, b: RouteFit): number {
  if (a.unmet !== b.unmet && (a.unmet === 0 || b.unmet === 0)) return b.unmet - a.unmet;
  if (a.pattern !== b.pattern) return a.pattern > b.pattern ? 1 : -1;
  return (
    a.fixedQuery - b.fixedQuery ||
    a.met - b.met ||
    b.unmet - a.unmet ||
    Number(a.isSameEnd) - Number(b.isSameEnd)
  );
}

function fitOf(route: Route, head: RequestHead, query: QueryView): RouteFit | undefined {
  for (const [name, value] of route.fixedQuery) {
    const given = query.get(name);
    if (given === undefined || (value !== undefined && given !== value)) return undefined;
  }
  let met = 0;
  for (const name of route.requiredQuery) if (query.get(name) !== undefined) met += 1;
  for (const name of route.requiredHeaders) if (Object.hasOwn(head.headers, name)) met += 1;
  return {
    pattern: route.pattern,
    fixedQuery: route.fixedQuery.length,
    met,
    unmet: route.requiredQuery.length + route.requiredHeaders.length - met,
    isSameEnd: route.endsInSlash === head.path.endsWith("/"),
  };
}

/** The text of a greedy label at `at`, then of the labels behind it. */
function greedyValues(
  segments: readonly string[],
  at: number,
  tail: readonly string[],
): string[] | undefined {
  // Only a greedy label at the very end takes the slash at the end with it.
  const given = tail.length === 0 ? segments : withoutTrailing(segments);
  const end = given.length - tail.length;
  const rest = given.slice(at, end).join("/");
  if (end <= at || rest === "") return undefined;
  const values = [rest];
  for (const [index, segment] of tail.entries()) {
    const text = given[end + index] ?? "";
    if (isLabel(segment)) values.push(text);
    else if (decode(text) !== segment) return undefined;
  }
  return values;
}

function requiredMembers(
  operation: Pick<Operation, "in">,
  service: Service | undefined,
): { requiredQuery: string[]; requiredHeaders: string[] } {
  const shape = operation.in === undefined ? undefined : service?.shapes[operation.in];
  const required = { requiredQuery: [] as string[], requiredHeaders: [] as string[] };
  if (shape?.t !== "structure") return required;
  for (const name of shape.req ?? []) {
    const member = shape.m[name];
    if (member?.loc === "query") required.requiredQuery.push(member.n ?? name);
    if (member?.loc === "header") required.requiredHeaders.push((member.n ?? name).toLowerCase());
  }
  return required;
}

function rootOf(roots: Map<string, Node>, method: string): Node {
  let root = roots.get(method);
  if (root === undefined) {
    root = emptyNode();
    roots.set(method, root);
  }
  return root;
}

function emptyNode(): Node {
  return { fixed: new Map(), mixed: [], routes: [], greedy: [] };
}

function childOf(node: Node, segment: string): Node {
  if (isMixed(segment)) {
    const [before = "", after = ""] = segment.split(/\{[^{}]*\}/);
    let branch = node.mixed.find((each) => each.before === before && each.after === after);
    if (branch === undefined) {
      branch = { before, after, node: emptyNode() };
      node.mixed.push(branch);
    }
    return branch.node;
  }
  if (isLabel(segment)) {
    node.label ??= emptyNode();
    return node.label;
  }
  let child = node.fixed.get(segment);
  if (child === undefined) {
    child = emptyNode();
    node.fixed.set(segment, child);
  }
  return child;
}

function isMixed(segment: string): boolean {
  return segment.includes("{") && !/^\{[^{}]*\}$/.test(segment);
}

function isLabel(segment: string): boolean {
  return segment.startsWith("{") && segment.endsWith("}");
}

function isGreedy(segment: string): boolean {
  return segment.startsWith("{") && segment.endsWith("+}");
}

function segmentsOf(path: string): string[] {
  return path === "" || path === "/" ? [] : path.slice(1).split("/");
}

function withoutTrailing(segments: readonly string[]): readonly string[] {
  return segments.at(-1) === "" ? segments.slice(0, -1) : segments;
}

/** What is no valid escape is what was sent: an upstream that accepts it has its own idea of it. */
function decode(text: string): string {
  if (!text.includes("%")) return text;
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** Parsed when the first route asks for it; most have nothing to ask. */
class QueryView {
  readonly #query: string;
  #parsed?: URLSearchParams;

  constructor(query: string) {
    this.#query = query;
  }

  get(name: string): string | undefined {
    if (this.#query === "") return undefined;
    this.#parsed ??= new URLSearchParams(this.#query);
    return this.#parsed.get(name) ?? undefined;
  }
}
