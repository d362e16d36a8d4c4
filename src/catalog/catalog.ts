// The catalog: every service that is known, and which of their operations a request is.
//
// Start-up reads one index. A service's own file is read when a request first needs it, and kept; so are the trees of
// its paths. Who may be meant, in this order: the service in the signature's scope; X-Amz-Target; the RPC path; the
// host; a path, or an Action with its Version, that only one service has. What none of these settles stays unknown.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { CairnError } from "../base/errors.ts";
import { readModel } from "./add.ts";
import type { RequestHead } from "./call.ts";
import { meaningOfHost, plainHost } from "./host-name.ts";
import { formValue, type Identified, operationOf, rpcTargetOf, targetOf } from "./identify.ts";
import { readOwnServices, removeOwnService, writeOwnService } from "./own-services.ts";
import { PathFinder } from "./path-finder.ts";
import { compareFit, RestRoutes } from "./rest-routes.ts";
import type { Protocol, Service } from "./service.ts";
import { type IndexEntry, indexEntry, type PathIndex, pathIndexOf } from "./service-index.ts";

export interface CatalogOptions {
  /** Where users' own services are kept; left out: there are none, and none can be added. */
  ownFolder?: string;
}

export interface ListedService {
  id: string;
  eventSource: string;
  protocol: Protocol;
  operations: number;
  /** A user's own. */
  own: boolean;
}

const builtInFolder = join(import.meta.dirname, "services");

/** Reads the index and users' own services; a damaged file of these is an error that names it. */
export function openCatalog(options: CatalogOptions = {}): Catalog {
  return new Catalog(options);
}

export class Catalog {
  /** Where users' own services are kept. */
  readonly ownFolder: string | undefined;
  readonly #builtIn: ReadonlyMap<string, IndexEntry>;
  /** Built-in services first: a user's own never comes before them. */
  readonly #entries: Map<string, IndexEntry>;
  readonly #own = new Set<string>();
  readonly #loaded = new Map<string, Service>();
  readonly #routes = new Map<string, RestRoutes>();
  #names: NameTables;
  #version = 0;
  #builtInPaths: PathIndex | undefined;
  #paths: PathFinder | undefined;

  constructor({ ownFolder }: CatalogOptions) {
    this.ownFolder = ownFolder;
    const entries = readJson("index.json") as IndexEntry[];
    this.#builtIn = new Map(entries.map((entry) => [entry.id, entry]));
    this.#entries = new Map(this.#builtIn);
    // One that was added before AWS had a service of its name stays what its user says it is.
    for (const service of ownFolder === undefined ? [] : readOwnServices(ownFolder)) {
      this.#takeOwn(service);
    }
    this.#names = namesOf(this.#entries.values());
  }

  service(id: string): Service | undefined {
    const known = this.#loaded.get(id);
    if (known !== undefined || !this.#entries.has(id)) return known;
    const service = readJson(`${id}.json`) as Service;
    this.#loaded.set(id, service);
    return service;
  }

  services(): ListedService[] {
    return [...this.#entries.values()].map((entry) => ({
      id: entry.id,
      eventSource: entry.eventSource,
      protocol: entry.protocol,
      operations: entry.operationCount,
      own: this.#own.has(entry.id),
    }));
  }

  /**
   * Takes a user's own service from a Smithy JSON model or an OpenAPI 3 document; one that was added before under the
   * same id is replaced. The service is on disk when this returns.
   */
  add(text: string): Service {
    if (this.ownFolder === undefined) {
      throw new CairnError("InvalidCatalogModel", "this catalog keeps no services of users");
    }
    const service = readModel(text);
    this.#refuseBuiltIn(service);
    writeOwnService(this.ownFolder, service);
    this.#takeOwn(service);
    this.#changed();
    return service;
  }

  /** Forgets a user's own service, on disk as well. Throws for one that was never added. */
  remove(id: string): void {
    if (this.ownFolder === undefined || !this.#own.has(id)) {
      const name = JSON.stringify(id.slice(0, 128));
      throw this.#builtIn.has(id)
        ? new CairnError(
            "ValidationFailed",
            `${name} is built in: only services that were added can be removed`,
          )
        : new CairnError("NotFound", `no service ${name} was added`);
    }
    removeOwnService(this.ownFolder, id);
    this.#own.delete(id);
    this.#loaded.delete(id);
    this.#routes.delete(id);
    const builtIn = this.#builtIn.get(id);
    if (builtIn === undefined) this.#entries.delete(id);
    else this.#entries.set(id, builtIn);
    this.#changed();
  }

  /** Reads the index of paths, which the first unsigned request would else wait for. */
  prepare(): void {
    this.#pathFinder();
  }

  /** Changes with `add` and `remove`: another catalog of the same folder is then out of date. */
  get version(): number {
    return this.#version;
  }

  /** The service by the head alone: enough to choose an upstream. Its description is only read to tell several apart. */
  identifyService(head: RequestHead): IndexEntry | Service | undefined {
    const ids = this.#candidates(head, undefined);
    const [first] = ids;
    if (first === undefined) return undefined;
    const best = ids.length === 1 ? undefined : this.#best(ids, head, undefined);
    return best?.service ?? this.#entries.get(first);
  }

  /** Service and operation; awsQuery and ec2Query need the body, the others only the head. */
  identify(head: RequestHead, body?: Buffer): Identified | undefined {
    return this.#best(this.#candidates(head, body), head, body);
  }

  /** The operation of the first service that has one; of several REST services the one whose path says most. */
  #best(
    ids: readonly string[],
    head: RequestHead,
    body: Buffer | undefined,
  ): Identified | undefined {
    let best: Identified | undefined;
    for (const id of ids) {
      const service = this.service(id);
      if (service === undefined) continue;
      const found = operationOf(service, () => this.#routesOf(service), head, body);
      if (found === undefined) continue;
      if (found.fit === undefined) return found;
      if (best?.fit === undefined || compareFit(found.fit, best.fit) > 0) best = found;
    }
    return best;
  }

  /** Ids of the services that may be meant, the likeliest first. */
  #candidates(head: RequestHead, body: Buffer | undefined): readonly string[] {
    const { signing, target, host } = this.#names;
    const byTarget = idsOf(target, (rpcTargetOf(head) ?? targetOf(head))?.prefix);
    const byHost = () => {
      const given = head.headers["host"];
      const meaning = meaningOfHost(given, (name) => host.has(name));
      return meaning === undefined
        ? idsOf(this.#names.ownHost, plainHost(given))
        : idsOf(host, meaning.endpointPrefix);
    };
    const signed = idsOf(signing, head.signingName?.toLowerCase());
    if (signed.length === 1) return signed;
    if (signed.length > 1) {
      const narrowed = narrow(narrow(signed, byTarget), byHost());
      return this.#ofVersion(narrowed, head, body);
    }
    if (byTarget.length > 0) return narrow(byTarget, byHost());
    const hosted = byHost();
    if (hosted.length > 0) return this.#ofVersion(hosted, head, body);
    const byAction = this.#byAction(head, body);
    return byAction.length > 0 ? byAction : this.#byPath(head);
  }

  /** Services that share names but not the API's version (the two generations of load balancing). */
  #ofVersion(
    ids: readonly string[],
    head: RequestHead,
    body: Buffer | undefined,
  ): readonly string[] {
    const version = ids.length < 2 ? undefined : formValue(head, body, "Version");
    if (version === undefined) return ids;
    return narrow(
      ids,
      ids.filter((id) => this.#entries.get(id)?.apiVersion === version),
    );
  }

  /** An Action that only one service has: in the API's version, or else among the operations without a signature. */
  #byAction(head: RequestHead, body: Buffer | undefined): readonly string[] {
    const action = formValue(head, body, "Action");
    if (action === undefined) return [];
    const version = formValue(head, body, "Version");
    const fitting = [...this.#entries.values()].filter(({ id, apiVersion, protocol, unsigned }) => {
      if (protocol !== "query" && protocol !== "ec2") return false;
      if (version === undefined) return unsigned?.includes(action) === true;
      return version === apiVersion && Object.hasOwn(this.service(id)?.operations ?? {}, action);
    });
    // Services of one event source are one service under several names.
    const sources = new Set(fitting.map((each) => each.eventSource));
    if (sources.size !== 1) return [];
    return fitting.toSorted((a, b) => rank(a) - rank(b)).map((each) => each.id);
  }

  /**
   * The one service that has this path; first among the operations that need no signature. A path of one segment, such
   * as `/logout`, is many a web page's too: it only means a service of AWS with the headers and query that one asks for.
   */
  #byPath(head: RequestHead): readonly string[] {
    const [id, ...others] = this.#pathFinder().find(head);
    if (id === undefined || others.length > 0) return [];
    const isShort = head.path.lastIndexOf("/") === 0;
    if (isShort && !this.#own.has(id) && this.#best([id], head, undefined)?.fit?.unmet !== 0) {
      return [];
    }
    return [id];
  }

  #pathFinder(): PathFinder {
    this.#builtInPaths ??= readJson("paths.json") as PathIndex;
    this.#paths ??= new PathFinder(
      this.#builtInPaths,
      pathIndexOf([...this.#own].flatMap((id) => this.service(id) ?? [])),
    );
    return this.#paths;
  }

  #routesOf(service: Service): RestRoutes {
    let routes = this.#routes.get(service.id);
    if (routes === undefined) {
      routes = RestRoutes.of(service);
      this.#routes.set(service.id, routes);
    }
    return routes;
  }

  #refuseBuiltIn({ id }: Service): void {
    if (!this.#entries.has(id) || this.#own.has(id)) return;
    throw new CairnError(
      "InvalidCatalogModel",
      `'${id}' is the id of a service of AWS that the catalog describes already: give yours another name`,
    );
  }

  #changed(): void {
    this.#names = namesOf(this.#entries.values());
    this.#paths = undefined;
    this.#version++;
  }

  #takeOwn(service: Service): void {
    this.#own.add(service.id);
    this.#entries.set(service.id, indexEntry(service));
    this.#loaded.set(service.id, service);
    this.#routes.delete(service.id);
  }
}

/** Ids by the names that requests carry, in the order of `rank`. */
interface NameTables {
  signing: ReadonlyMap<string, readonly string[]>;
  target: ReadonlyMap<string, readonly string[]>;
  host: ReadonlyMap<string, readonly string[]>;
  ownHost: ReadonlyMap<string, readonly string[]>;
}

function namesOf(entries: Iterable<IndexEntry>): NameTables {
  const signing = new Map<string, string[]>();
  const target = new Map<string, string[]>();
  const host = new Map<string, string[]>();
  const ownHost = new Map<string, string[]>();
  const ranked = [...entries].toSorted((a, b) => rank(a) - rank(b));
  for (const entry of ranked) {
    for (const name of new Set([entry.signingName, ...(entry.signingAliases ?? [])])) {
      put(signing, name.toLowerCase(), entry.id);
    }
    for (const prefix of entry.targetPrefixes ?? []) put(target, prefix, entry.id);
    put(host, entry.endpointPrefix, entry.id);
    for (const name of entry.hosts ?? []) put(ownHost, name, entry.id);
  }
  return { signing, target, host, ownHost };
}

/** Of services that share a name, the one that is called by it comes first. */
function rank({ id, signingName, endpointPrefix }: IndexEntry): number {
  return (id === signingName ? 0 : 1) + (id === endpointPrefix ? 0 : 1);
}

function put(table: Map<string, string[]>, name: string, id: string): void {
  const ids = table.get(name);
  if (ids === undefined) table.set(name, [id]);
  else if (!ids.includes(id)) ids.push(id);
}

function idsOf(
  table: ReadonlyMap<string, readonly string[]>,
  name: string | undefined,
): readonly string[] {
  return (name === undefined ? undefined : table.get(name)) ?? [];
}

/** Those that are in both; all when none is. */
function narrow(ids: readonly string[], wanted: readonly string[]): readonly string[] {
  const both = ids.filter((id) => wanted.includes(id));
  return both.length === 0 ? ids : both;
}

function readJson(name: string): unknown {
  return JSON.parse(readFileSync(join(builtInFolder, name), "utf8"));
}
