// A gateway that records, on memory drivers: real directory, real ingest, real catalog.
import { systemClock } from "../../src/base/clock.ts";
import { silentLog } from "../../src/base/log.ts";
import { systemRandom } from "../../src/base/random.ts";
import { type Catalog, openCatalog } from "../../src/catalog/catalog.ts";
import { createAuthorizer } from "../../src/directory/authorize.ts";
import type { Directory } from "../../src/directory/directory.ts";
import { openDirectory } from "../../src/directory/open-directory.ts";
import type { JsonObject } from "../../src/event/json.ts";
import { decodeRow, type StoredEvent } from "../../src/event/row.ts";
import { type Gateway, type GatewayOptions, startGateway } from "../../src/gateway/gateway.ts";
import { createIngest } from "../../src/ingest/create-ingest.ts";
import {
  createMemoryJournal,
  type MemoryJournal,
} from "../../src/journal/memory/memory-journal.ts";
import { createMemoryRegistry } from "../../src/registry/memory/memory-registry.ts";
import { closeAfter } from "./support.ts";

export const firstAccountId = "111122223333";

export interface Credentials {
  accessKeyId: string;
  secretAccessKey: string;
}

export interface Recording {
  gateway: Gateway;
  endpoint: string;
  journal: MemoryJournal;
  catalog: Catalog;
  /** The first account's root key, and that of its user Alice. */
  root: Credentials;
  alice: Credentials;
  directory: Directory;
  disableKey(accessKeyId: string): Promise<void>;
  /** What has been recorded so far, in order. */
  events(): Promise<JsonObject[]>;
  rows(): Promise<Omit<StoredEvent, "variant">[]>;
}

let builtIn: Catalog | undefined;

export async function recordingGateway(
  upstreams: GatewayOptions["upstreams"] | URL,
  options: Partial<GatewayOptions> & { catalog?: Catalog; authorize?: boolean } = {},
  onThread = false,
): Promise<Recording> {
  const catalog = options.catalog ?? (builtIn ??= openCatalog());
  const journal = createMemoryJournal();
  const clock = systemClock;
  const ingest = createIngest({
    journal,
    clock,
    log: silentLog,
    retentionMs: "forever",
    workers: 1,
  });
  closeAfter(() => ingest.close());
  const directory = openDirectory({
    registry: createMemoryRegistry(),
    masterKey: Buffer.alloc(32, 7),
    clock,
    random: systemRandom,
    firstAccountId,
  });
  const first = await directory.ensureFirstAccount();
  await directory.createUser(firstAccountId, "Alice");
  const alice = await directory.createAccessKey(firstAccountId, "Alice");
  const gateway = await startGateway({
    host: "127.0.0.1",
    port: 0,
    upstreams: upstreams instanceof URL ? { default: upstreams, services: {} } : upstreams,
    catalog,
    directory,
    ingest,
    clock,
    random: systemRandom,
    log: silentLog,
    captureMode: "best-effort",
    unknownKeys: "record",
    region: "us-east-1",
    ...(onThread ? { thread: { catalog, ingest } } : {}),
    ...(options.authorize === true
      ? { authorizer: createAuthorizer({ directory, clock, log: silentLog }) }
      : {}),
    ...options,
  });
  closeAfter(() => gateway.close());
  const rows = async () => {
    await gateway.settled();
    await ingest.flush();
    journal.seal();
    const found: Omit<StoredEvent, "variant">[] = [];
    const { lastSeq } = journal.status();
    if (lastSeq === 0n) return found;
    for await (const segment of journal.segments(new AbortController().signal)) {
      const bytes = await segment.bytes();
      for (let at = 0; at < bytes.length; at += 4 + bytes.readUInt32LE(at)) {
        found.push(decodeRow(bytes, at));
      }
      if (segment.lastSeq >= lastSeq) break;
    }
    return found;
  };
  return {
    gateway,
    endpoint: `http://127.0.0.1:${gateway.port}`,
    journal,
    catalog,
    root: { accessKeyId: first.accessKeyId ?? "", secretAccessKey: first.secretAccessKey ?? "" },
    alice,
    directory,
    disableKey: (id) => directory.setAccessKeyStatus(firstAccountId, id, "Inactive"),
    rows,
    events: async () => (await rows()).map(({ raw }) => JSON.parse(raw.toString()) as JsonObject),
  };
}
