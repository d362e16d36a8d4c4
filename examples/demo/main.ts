// `npm run demo`: a small upstream, Cairn with its gateway in front of it, and real clients calling through.
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { systemClock } from "../../src/base/clock.ts";
import { Client } from "../../src/cli/client.ts";
import { configSources, readConfig } from "../../src/config.ts";
import type { SigningCredentials } from "../../src/signature/signer.ts";
import { start } from "../../src/start.ts";
import { demoCalls } from "./calls.ts";
import { startUpstream } from "./upstream.ts";

/** The usual port where it is free, else one that is. */
async function portOr(port: number): Promise<string> {
  const isFree = await new Promise<boolean>((resolve) => {
    const probe = createServer()
      .once("error", () => resolve(false))
      .listen(port, "127.0.0.1", () => probe.close(() => resolve(true)));
  });
  return isFree ? String(port) : "0";
}

function credentialsIn(path: string): { accessKeyId: string; secretAccessKey: string } {
  const text = readFileSync(path, "utf8");
  const value = (name: string) => new RegExp(`^${name}\\s*=\\s*(\\S+)`, "m").exec(text)?.[1] ?? "";
  return {
    accessKeyId: value("aws_access_key_id"),
    secretAccessKey: value("aws_secret_access_key"),
  };
}

const data = mkdtempSync(join(tmpdir(), "cairn-demo-"));
const upstream = await startUpstream();
const { config } = readConfig(
  configSources({
    data,
    port: await portOr(4780),
    "gateway-port": await portOr(4781),
    "gateway-upstream": upstream.url,
    "log-level": "error",
  }),
);
const cairn = await start(config);
console.log(`An upstream at ${upstream.url}, the gateway in front of it at ${cairn.gatewayUrl}.\n`);

const credentialsFile = join(data, "credentials");
const client = new Client({
  url: new URL(cairn.url),
  region: config.region,
  credentials: () => Promise.resolve(credentialsIn(credentialsFile)),
  clock: systemClock,
});
const post = <T>(path: string, body: object) =>
  client.json<T>({ method: "POST", path, body: JSON.stringify(body) });
await post("/v1/users", { userName: "alice" });
const alice = await post<SigningCredentials>("/v1/keys", { userName: "alice" });

for (const call of demoCalls) {
  await call.send({ endpoint: cairn.gatewayUrl, region: call.region, credentials: alice });
  console.log(
    `  alice called  ${call.system.padEnd(30)} ${call.eventName.padEnd(26)} ${call.region}`,
  );
}

interface Found {
  events: { eventName: string; username: string; region: string; event: unknown }[];
}
// The gateway answers first and records behind the answer: the last call is searchable a moment later.
const query = new URLSearchParams({ since: "5m", limit: "50" });
const wanted = new Set(demoCalls.map(({ eventName }) => eventName));
const find = async () =>
  (await client.json<Found>({ path: "/v1/events", query })).events.filter((event) =>
    wanted.has(event.eventName),
  );
const deadlineMs = systemClock.monotonicMs() + 10_000;
let found = await find();
while (found.length < demoCalls.length && systemClock.monotonicMs() < deadlineMs) {
  await systemClock.sleep(100);
  found = await find();
}
const example = found.find(({ eventName }) => eventName === "CreateIdentityPool");
console.log(`
${found.length} of ${demoCalls.length} calls are on record. One of them, as LookupEvents returns it:

${JSON.stringify(example?.event, null, 2)}

Look yourself, in another terminal (a region shows its own calls, as in AWS):

  export AWS_SHARED_CREDENTIALS_FILE=${credentialsFile}
  export AWS_ENDPOINT_URL=${cairn.url}
  export AWS_DEFAULT_REGION=us-east-1
  export CAIRN_URL=${cairn.url}

  aws cloudtrail lookup-events --endpoint-url ${cairn.url}
  aws cloudtrail lookup-events --endpoint-url ${cairn.url} --region us-west-2
  npm run --silent cairn -- events
  npm run --silent cairn -- events --event-name CreateIdentityPool --format ndjson

Ctrl-C ends the demo and removes its data.`);

await new Promise<void>((resolve) => {
  process.once("SIGINT", () => resolve());
  process.once("SIGTERM", () => resolve());
});
await cairn.close(2000);
await upstream.close();
rmSync(data, { recursive: true, force: true });
process.exit(0);
