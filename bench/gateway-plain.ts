// The baseline of the gateway bench, in a process of its own: the product's proxy with recording off.
import { systemClock } from "../src/base/clock.ts";
import { silentLog } from "../src/base/log.ts";
import { systemRandom } from "../src/base/random.ts";
import { openCatalog } from "../src/catalog/catalog.ts";
import { openDirectory } from "../src/directory/open-directory.ts";
import { startGateway } from "../src/gateway/gateway.ts";
import { createMemoryRegistry } from "../src/registry/memory/memory-registry.ts";

const gateway = await startGateway({
  host: "127.0.0.1",
  port: 0,
  upstreams: { default: new URL(process.argv[2] ?? ""), services: {} },
  catalog: openCatalog({}),
  directory: openDirectory({
    registry: createMemoryRegistry(),
    masterKey: Buffer.alloc(32, 7),
    clock: systemClock,
    random: systemRandom,
    firstAccountId: "111122223333",
  }),
  ingest: { enqueue: () => true, record: () => Promise.resolve() },
  clock: systemClock,
  random: systemRandom,
  log: silentLog,
  captureMode: "best-effort",
  unknownKeys: "record",
  region: "us-east-1",
  recording: false,
});
console.log(`http://127.0.0.1:${gateway.port}/`);
