// The AWS door on memory drivers behind a small HTTP server: what the door's wire tests run against.
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { type AwsDoorOptions, createAwsDoor } from "../../src/aws/door.ts";
import type { Rooms } from "../../src/aws/operation.ts";
import type { AwsRequest, AwsResponse } from "../../src/aws/request.ts";
import { type Clock, systemClock } from "../../src/base/clock.ts";
import { type Log, silentLog } from "../../src/base/log.ts";
import { systemRandom } from "../../src/base/random.ts";
import type { Service } from "../../src/catalog/service.ts";
import { createAuthenticator } from "../../src/directory/authenticate.ts";
import { createAuthorizer } from "../../src/directory/authorize.ts";
import { createFetchJson } from "../../src/directory/fetch-json.ts";
import { openDirectory } from "../../src/directory/open-directory.ts";
import { createWebIdentities } from "../../src/directory/web-identity.ts";
import type { JsonObject } from "../../src/event/json.ts";
import { createIngest } from "../../src/ingest/create-ingest.ts";
import { createMemoryJournal } from "../../src/journal/memory/memory-journal.ts";
import { createLookupEvents } from "../../src/lookup/lookup-events.ts";
import { deriveTokenKey, PageTokens } from "../../src/lookup/page-token.ts";
import { createMemoryRegistry } from "../../src/registry/memory/memory-registry.ts";
import type { SigningCredentials } from "../../src/signature/signer.ts";
import { createMemoryStore } from "../../src/store/memory/memory-store.ts";

export const accountId = "111122223333";

const servicesFolder = join(import.meta.dirname, "../../src/catalog/services");

export const models = {
  service: (id: string): Service | undefined =>
    JSON.parse(readFileSync(join(servicesFolder, `${id}.json`), "utf8")) as Service,
};

export interface DoorWorldOptions {
  lookupTps?: number;
  clock?: Clock;
  log?: Log;
  door?: Partial<AwsDoorOptions>;
  rooms?: Partial<Rooms>;
}

/** Dispose of it with `await using`. */
export async function openDoorWorld(options: DoorWorldOptions = {}) {
  const clock = options.clock ?? systemClock;
  const log = options.log ?? silentLog;
  const journal = createMemoryJournal({ segmentAgeMsMax: 20 });
  const store = createMemoryStore();
  const ingest = createIngest({ journal, clock, log, retentionMs: 90 * 24 * 3600 * 1000 });
  const stop = new AbortController();
  const indexing = (async () => {
    for await (const segment of journal.segments(stop.signal)) {
      await store.load(segment);
      await journal.release(segment);
    }
  })();
  const masterKey = systemRandom.bytes(32);
  const registry = createMemoryRegistry();
  const directory = openDirectory({
    registry,
    masterKey,
    clock,
    random: systemRandom,
    firstAccountId: accountId,
  });
  const first = await directory.ensureFirstAccount();
  const root = {
    accessKeyId: first.accessKeyId ?? "",
    secretAccessKey: first.secretAccessKey ?? "",
  };
  const lookup = createLookupEvents({
    store,
    clock,
    tokens: new PageTokens({ key: deriveTokenKey(masterKey), clock }),
    perSecondMax: options.lookupTps ?? 0,
  });
  const door = createAwsDoor({
    catalog: models,
    authenticator: createAuthenticator({ directory, clock }),
    rooms: {
      lookup,
      directory,
      authorizer: createAuthorizer({ directory, clock, log }),
      webIdentities: createWebIdentities({
        providers: directory.oidcProviders,
        fetchJson: createFetchJson(clock),
        clock,
      }),
      ...options.rooms,
    },
    region: "us-east-1",
    ingest,
    clock,
    random: systemRandom,
    log,
    ...options.door,
  });

  const answers: AwsResponse[] = [];
  const server = createServer((message, response) => {
    const parts: Buffer[] = [];
    message.on("data", (part: Buffer) => parts.push(part));
    message.on("end", () => {
      const [path = "/", query = ""] = (message.url ?? "/").split(/\?(.*)/s);
      const headers = Object.fromEntries(
        Object.entries(message.headersDistinct).map(([name, values]) => [
          name,
          (values ?? []).join(", "),
        ]),
      );
      const request: AwsRequest = {
        method: message.method ?? "GET",
        path,
        query,
        headers,
        rawHeaders: message.rawHeaders,
        body: Buffer.concat(parts),
        remoteAddress: message.socket.remoteAddress ?? "",
        isSecure: false,
      };
      void (async () => {
        const answer = await door.handle(request);
        answers.push(answer);
        response.writeHead(answer.status, answer.headers).end(answer.body);
      })();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;

  /** Every event so far, in the order recorded, once all that was accepted is indexed. */
  async function events(): Promise<JsonObject[]> {
    await ingest.flush();
    await store.reached(journal.status().lastSeq, AbortSignal.timeout(10_000));
    const found = await store.follow(0n, 100_000);
    return found.events.map((event) => JSON.parse(event.raw.toString("utf8")) as JsonObject);
  }

  /** The same with the account that each is kept for. */
  async function ownedEvents(): Promise<{ owner: string; event: JsonObject }[]> {
    await events();
    const found = await store.follow(0n, 100_000);
    return found.events.map((event) => ({
      owner: event.ownerAccount,
      event: JSON.parse(event.raw.toString("utf8")) as JsonObject,
    }));
  }

  return {
    url: `http://127.0.0.1:${port}`,
    /** Client settings for the root user, or for the given key. */
    client: (credentials: SigningCredentials = root) => ({
      endpoint: `http://127.0.0.1:${port}`,
      region: "eu-central-1",
      credentials,
      maxAttempts: 1,
    }),
    root,
    /** Attaches a policy: left out, the one that allows everything. */
    allow: (
      kind: "user" | "role",
      name: string,
      policy = "AdministratorAccess",
      account = accountId,
    ) =>
      directory.attachments.attach(
        { kind, accountId: account, name },
        `arn:aws:iam::aws:policy/${policy}`,
      ),
    registry,
    directory,
    door,
    ingest,
    store,
    answers,
    events,
    ownedEvents,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
      await ingest.close();
      await journal.close();
      stop.abort();
      await indexing.catch(() => undefined);
      await store.close();
    },
  };
}

export type DoorWorld = Awaited<ReturnType<typeof openDoorWorld>>;
