// The roof: names the drivers, wires the floors together in the order that events flow, and takes them down again.
import { mkdir, open, readFile, rename } from "node:fs/promises";
import { join, resolve } from "node:path";
import { createAwsDoor } from "./aws/door.ts";
import { type Clock, systemClock } from "./base/clock.ts";
import { CairnError } from "./base/errors.ts";
import { type Log, makeLog } from "./base/log.ts";
import { type Random, systemRandom } from "./base/random.ts";
import { type Catalog, openCatalog } from "./catalog/catalog.ts";
import type { Config } from "./config.ts";
import { createAuthenticator } from "./directory/authenticate.ts";
import { createAuthorizer } from "./directory/authorize.ts";
import type { Directory } from "./directory/directory.ts";
import { earlierPolicyArn } from "./directory/earlier-users.ts";
import { createFetchJson } from "./directory/fetch-json.ts";
import { loadMasterKey } from "./directory/master-key.ts";
import { openDirectory } from "./directory/open-directory.ts";
import { createWebIdentities } from "./directory/web-identity.ts";
import { eventBytes } from "./event/build.ts";
import { userArn } from "./event/user-identity.ts";
import { type Gateway, startGateway } from "./gateway/gateway.ts";
import { readTargets } from "./gateway/read-targets.ts";
import { createIngest } from "./ingest/create-ingest.ts";
import { type IndexerStatus, startIndexer } from "./ingest/indexer.ts";
import type { Ingest, IngestCounters } from "./ingest/ingest.ts";
import { startRetention } from "./ingest/retention.ts";
import { openSegmentFileJournal } from "./journal/segment-files/segment-file-journal.ts";
import { createLookupEvents } from "./lookup/lookup-events.ts";
import { deriveTokenKey, PageTokens } from "./lookup/page-token.ts";
import { createMetrics } from "./metrics.ts";
import { openLmdbRegistry } from "./registry/lmdb/lmdb-registry.ts";
import { openChdbStore } from "./store/chdb/chdb-store.ts";
import { createAdminister } from "./web/administration.ts";
import { createAdmit } from "./web/admit.ts";
import { catalogRoutes } from "./web/catalog-routes.ts";
import { eventRoutes } from "./web/event-routes.ts";
import { masterKeyRoutes } from "./web/master-key-routes.ts";
import { principalRoutes } from "./web/principal-routes.ts";
import { startWeb } from "./web/server.ts";

export interface Running {
  /** The AWS API and the event API. */
  url: string;
  gatewayUrl: string;
  dataFolder: string;
  /** Undefined: the root key was given, and its owner has it. */
  credentialsFile: string | undefined;
  gateway: Gateway;
  /** Doors first, then what is behind them; what was accepted is durable before this resolves. */
  close(graceMs: number): Promise<void>;
}

/** What has been opened so far, taken down in the opposite order. */
class Opened {
  readonly #closers: (() => Promise<unknown> | void)[] = [];

  add(close: () => Promise<unknown> | void): void {
    this.#closers.push(close);
  }

  async close(): Promise<void> {
    for (let close = this.#closers.pop(); close !== undefined; close = this.#closers.pop())
      await close();
  }
}

/** Resolves when every door is open. A start that fails leaves nothing open behind it. */
export async function start(config: Config): Promise<Running> {
  const opened = new Opened();
  try {
    return await openAll(config, opened);
  } catch (error) {
    await opened.close();
    throw toStartError(error);
  }
}

/** A port that cannot be had is a setting to change. */
function toStartError(error: unknown): unknown {
  const { code, syscall, address, port } = error as NodeJS.ErrnoException & {
    address?: string;
    port?: number;
  };
  if (syscall !== "listen") return error;
  const why =
    code === "EADDRINUSE" ? "is taken, perhaps by another Cairn" : `cannot be had (${code})`;
  const message = `port ${port} of ${address} ${why}; --port and --gateway-port choose others, 0 a free one`;
  return new CairnError("InvalidConfiguration", message, { cause: error });
}

async function openAll(config: Config, opened: Opened): Promise<Running> {
  const clock = systemClock;
  const random = systemRandom;
  const log = makeLog(config.logLevel);
  const dataFolder = resolve(config.data);
  const tls = await readTls(config);
  const upstreams = await readTargets(config);
  // The events are nobody else's on this machine, also where the folder was there before.
  process.umask(0o077);
  await mkdir(dataFolder, { recursive: true, mode: 0o700 });

  const journal = await openSegmentFileJournal({
    folder: join(dataFolder, "journal"),
    clock,
    log,
    reserveBytes: config.diskReserveMib * 1024 * 1024,
  });
  opened.add(() => journal.close());
  const registry = await openLmdbRegistry({ folder: join(dataFolder, "registry") });
  opened.add(() => registry.close());
  const store = await openChdbStore({
    folder: join(dataFolder, "store"),
    clock,
    log,
    ...(config.storeMemoryMaxMib === 0
      ? {}
      : { memoryBytesMax: config.storeMemoryMaxMib * 1024 * 1024 }),
  });
  opened.add(() => store.close());
  const indexer = startIndexer({ journal, store, clock, log });
  opened.add(() => indexer.stop());
  const retention = startRetention({ store, clock, log, cursors: () => [] });
  opened.add(() => retention.stop());
  const ingest = createIngest({
    journal,
    clock,
    log,
    retentionMs: config.retentionMs ?? "forever",
    lagBytesMax: () => indexer.lagBytesMax(),
  });
  opened.add(() => ingest.close());

  const masterKey = await loadMasterKey({
    path: join(dataFolder, "master.key"),
    text: config.masterKey,
    formerText: config.formerMasterKey,
    random,
  });
  const tokens = new PageTokens({
    key: deriveTokenKey(masterKey.current),
    ...(masterKey.former === undefined ? {} : { formerKey: deriveTokenKey(masterKey.former) }),
    clock,
  });
  const directory = openDirectory({
    registry,
    masterKey: masterKey.current,
    formerMasterKey: masterKey.former,
    keyFiles: masterKey.files,
    onMasterKey: (key) => tokens.replaceKey(deriveTokenKey(key)),
    clock,
    random,
    log,
    firstAccountId: config.accountId,
  });
  opened.add(() => directory.keyRotation.stop());
  await directory.keyRotation.settle();
  const credentialsFile = await ensureRootKey(config, directory, dataFolder);
  await keepEarlierUsers(directory, ingest, { clock, random, log, region: config.region });
  const { trustProxy } = config;
  // Without its own word for it a proxy's address is everybody's.
  const limitsFailures = trustProxy || !config.behindProxy;
  const authenticator = createAuthenticator({ directory, clock, limitsFailures });
  const authorizer = createAuthorizer({ directory, clock, log });
  const catalog = openCatalog({ ownFolder: join(dataFolder, "catalog") });

  await checkUpstreams(config, catalog, directory);

  const lookup = createLookupEvents({ store, clock, tokens, perSecondMax: config.lookupTps });
  const webIdentities = createWebIdentities({
    providers: directory.oidcProviders,
    fetchJson: createFetchJson(clock),
    clock,
  });
  const aws = createAwsDoor({
    catalog,
    authenticator,
    rooms: { lookup, directory, authorizer, webIdentities },
    region: config.region,
    ingest,
    clock,
    random,
    log,
  });
  const administration = { ingest, clock, random, log, trustProxy };
  const admit = createAdmit({ authenticator, authorizer, ...administration });
  const administer = createAdminister(administration);

  const gateway = await startGateway({
    host: config.host,
    port: config.gatewayPort,
    ...(tls === undefined ? {} : { tls }),
    upstreams,
    catalog,
    directory,
    ingest,
    clock,
    random,
    log,
    captureMode: config.captureMode,
    thread: { catalog, ingest },
    unknownKeys: config.gatewayUnknownKeys,
    ...(config.gatewayAuthorize ? { authorizer } : {}),
    region: config.region,
    trustProxy,
  });
  opened.add(() => gateway.close());
  const groups = {
    ingest: () => flatCounters(ingest.counters),
    indexer: () => numbersOf(indexer.status()),
    gateway: () => ({ ...gateway.counters }),
  };
  const web = await startWeb({
    host: config.host,
    port: config.port,
    ...(tls === undefined ? {} : { tls }),
    behindProxy: config.behindProxy,
    trustProxy,
    aws,
    routes(fastify) {
      eventRoutes(fastify, { admit, ingest, journal, store, tokens, clock });
      principalRoutes(fastify, { admit, administer, directory });
      catalogRoutes(fastify, { admit, administer, catalog });
      masterKeyRoutes(fastify, { admit, administer, directory });
    },
    health: () => journal.status().refusing ?? indexer.status().failing,
    metrics: createMetrics(groups, journal, store),
    clock,
    random,
    log,
  });
  await directory.keyRotation.resume();
  return {
    url: web.url,
    gatewayUrl: web.url.replace(/:\d+$/, `:${gateway.port}`),
    dataFolder,
    credentialsFile,
    gateway,
    async close(graceMs) {
      await web.close(graceMs);
      await opened.close();
    },
  };
}

/** What an update gives to users is on record like what anybody gives them. */
async function keepEarlierUsers(
  directory: Directory,
  ingest: Pick<Ingest, "record">,
  { clock, random, log, region }: { clock: Clock; random: Random; log: Log; region: string },
): Promise<void> {
  const users = await directory.admitEarlierUsers();
  if (users.length === 0) return;
  log.warn(
    { users: users.map(({ accountId, userName }) => userArn({ accountId, path: "/", userName })) },
    "users from before there were permissions keep theirs: AdministratorAccess is attached to each",
  );
  for (const { accountId, userName } of users) {
    const event = eventBytes({
      eventTimeMs: clock.nowMs(),
      userIdentity: { type: "AWSService", invokedBy: "cairn.internal" },
      eventSource: "iam.amazonaws.com",
      eventName: "AttachUserPolicy",
      awsRegion: region,
      sourceIPAddress: "cairn.internal",
      userAgent: "cairn.internal",
      requestID: random.uuid(),
      requestParameters: { userName, policyArn: earlierPolicyArn },
      responseElements: null,
      eventID: random.uuid(),
      readOnly: false,
      managementEvent: true,
      recipientAccountId: accountId,
      eventCategory: "Management",
    });
    await ingest.record(event, accountId);
  }
}

/** Refusals by reason beside the others: `rejected_NotJson`. */
function flatCounters({
  accepted,
  dropped,
  rejected,
}: Readonly<IngestCounters>): Record<string, number> {
  const byReason = Object.entries(rejected).map(
    ([reason, count]) => [`rejected${reason}`, count] as const,
  );
  return { accepted, dropped, ...Object.fromEntries(byReason) };
}

/** Without the words of why a load is failing. */
function numbersOf({ failing: _failing, ...counts }: IndexerStatus): Record<string, number> {
  return counts;
}

/** What the settings alone cannot show: the services and accounts that the upstreams name. */
async function checkUpstreams(
  config: Config,
  catalog: Catalog,
  directory: Directory,
): Promise<void> {
  const accounts = (await directory.listAccounts()).map(({ accountId }) => accountId);
  const mistakes = Object.entries(config.gatewayUpstreams).flatMap(([id, { accountId }]) => [
    ...(catalog.service(id) === undefined
      ? [`gateway.upstreams.${id}: no such service; \`cairn catalog list\` names them`]
      : []),
    ...(accountId === undefined || accounts.includes(accountId)
      ? []
      : [`gateway.upstreams.${id}: there is no account ${accountId}, only ${accounts.join(", ")}`]),
  ]);
  if (mistakes.length > 0) throw new CairnError("InvalidConfiguration", mistakes.join("\n  "));
}

async function readTls(config: Config): Promise<{ cert: Buffer; key: Buffer } | undefined> {
  if (config.tlsCert === undefined || config.tlsKey === undefined) return undefined;
  try {
    return { cert: await readFile(config.tlsCert), key: await readFile(config.tlsKey) };
  } catch (cause) {
    throw new CairnError(
      "InvalidConfiguration",
      `cannot read the certificate: ${(cause as Error).message}`,
      { cause },
    );
  }
}

/** Makes the first account and writes its root key where the AWS tools find it; undefined when the key was given. */
async function ensureRootKey(
  config: Config,
  directory: Directory,
  dataFolder: string,
): Promise<string | undefined> {
  const { rootAccessKeyId: accessKeyId, rootSecretAccessKey: secretAccessKey } = config;
  if (accessKeyId !== undefined && secretAccessKey !== undefined) {
    await directory.ensureFirstAccount({ givenKey: { accessKeyId, secretAccessKey } });
    return undefined;
  }
  const path = join(dataFolder, "credentials");
  const { accessKeyId: made } = await directory.ensureFirstAccount();
  if (made === undefined || (await exists(path))) return path;
  // Read back, not taken from the answer: a start that crashed before this line left the key made but unwritten.
  const key = await directory.findKey(made);
  if (key === undefined) return path;
  await writePrivate(
    path,
    `[default]\naws_access_key_id = ${made}\naws_secret_access_key = ${key.secret}\naws_account_id = ${config.accountId}\nregion = ${config.region}\n`,
  );
  return path;
}

async function exists(path: string): Promise<boolean> {
  try {
    await readFile(path);
    return true;
  } catch {
    // Missing or unreadable: writing it anew shows which.
    return false;
  }
}

/** The file is there whole or not at all, and only its owner reads it. */
async function writePrivate(path: string, text: string): Promise<void> {
  const file = await open(`${path}.new`, "w", 0o600);
  await file.writeFile(text);
  await file.sync();
  await file.close();
  await rename(`${path}.new`, path);
}
