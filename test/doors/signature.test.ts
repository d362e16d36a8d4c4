// Bad signatures at every door, byte by byte on real sockets: what AWS refuses is refused, in the door's own words.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { systemClock } from "../../src/base/clock.ts";
import { type CairnProcess, startCairn } from "../tools/cairn.ts";
import { clientOf } from "../tools/post-events.ts";
import { ask, signed, type Unsigned, type Wire } from "./hand-signed.ts";
import {
  type Door,
  type DoorName,
  doorNames,
  doors,
  type Outcome,
  type Row,
  rows,
} from "./signature-rows.ts";

let cairn: CairnProcess;
const folder = mkdtempSync(join(tmpdir(), "cairn-signature-"));
/** User agents of what has reached an upstream. */
const passed = new Set<string>();
const upstream = createServer((request, response) => {
  passed.add(request.headers["user-agent"] ?? "");
  request.on("error", () => undefined);
  request.resume().on("end", () => response.end("{}"));
});

beforeAll(async () => {
  await new Promise<void>((resolve) => upstream.listen(0, "127.0.0.1", () => resolve()));
  const url = `http://127.0.0.1:${(upstream.address() as AddressInfo).port}`;
  const entry = (id: string) =>
    `    ${id}:\n      url: ${url}\n      mode: re-sign\n      access-key-id: local\n      secret-access-key: local\n`;
  const config = join(folder, "cairn.yaml");
  const entries = ["cognito-idp", "sts", "s3"].map(entry).join("");
  writeFileSync(config, `gateway:\n  upstreams:\n${entries}`);
  cairn = await startCairn({ flags: ["--config", config, "--gateway-upstream", url] });
});
afterAll(async () => {
  await cairn.stop();
  upstream.closeAllConnections();
  upstream.close();
  rmSync(folder, { recursive: true, force: true });
});

/** A good request of that door, before it is signed. `agent` tells its event and its arrival from others'. */
function request(name: DoorName, agent: string): Unsigned {
  const { at, request: base }: Door = doors[name];
  // A host name, so that the gateway knows the service of what it cannot read a scope from.
  const host =
    at === "gateway" ? `${base.service}.us-east-1.amazonaws.com` : new URL(cairn.url).host;
  return {
    ...base,
    headers: [["Host", host], ...base.headers, ["User-Agent", agent], ["X-Amz-Meta-B", "b"]],
    ...cairn.credentials,
    region: "us-east-1",
    // Whole seconds, as they are signed.
    signedAtMs: Math.floor(systemClock.nowMs() / 1000) * 1000,
    ...(base.service === "s3" ? { payload: "UNSIGNED-PAYLOAD" } : {}),
  };
}

function wireOf(row: Row, unsigned: Unsigned): Wire {
  const prepared = row.before?.(unsigned) ?? unsigned;
  const wire = (row.sign ?? signed)(prepared);
  return row.after?.(wire, prepared) ?? wire;
}

const table = Object.entries(rows).flatMap(([group, each]) =>
  each.map((row) => [`${group}: ${row.name}`, row] as const),
);

/** What is to come of it, as `hear` tells it. */
function expectedOf(row: Row, name: DoorName): string[] {
  const { at, words }: Door = doors[name];
  if (row.outcome === "good") return ["let in", at === "gateway" ? "passed on" : "kept"];
  const told = row.outcome === "no HTTP" ? "400" : words[row.outcome].join(" ");
  return [told, "kept", ...(row.says === undefined ? [] : ["in these words"])];
}

async function hear(row: Row, name: DoorName, agent: string): Promise<string[]> {
  const url = doors[name].at === "main" ? cairn.url : cairn.gatewayUrl;
  const { status, code, text } = await ask(url, wireOf(row, request(name, agent)));
  // The first door's operation is one that Cairn may not do yet: who is told so has been let in.
  const isIn = status === 200 || code === "UnsupportedOperationException";
  const refusal = row.outcome === "no HTTP" ? `${status}` : `${status} ${code}`;
  const words = row.says?.test(unescaped(text)) === true ? "in these words" : text;
  return [
    isIn ? "let in" : refusal,
    passed.has(agent) ? "passed on" : "kept",
    ...(row.says === undefined ? [] : [words]),
  ];
}

describe("at each door", () => {
  test.each(table)("%s", async (title, row) => {
    const heard = new Map<DoorName, string[]>();
    const expected = new Map<DoorName, string[]>();
    for (const name of row.at ?? doorNames) {
      heard.set(name, await hear(row, name, `${title} at the ${name}`));
      expected.set(name, expectedOf(row, name));
    }
    expect(heard).toEqual(expected);
  });
});

const unescaped = (text: string) =>
  text.replace(/&#(\d+);/g, (_, code: string) => String.fromCharCode(Number(code)));

interface Identity {
  type?: string;
  accessKeyId?: string;
}

/** Whom each event since then names, by user agent. */
async function recordedCallers(sinceMs: number): Promise<Map<string, Identity>> {
  const found = await clientOf(cairn).send({
    path: "/v1/events",
    query: new URLSearchParams({ since: String(Math.floor(sinceMs / 1000)) }),
    headers: { accept: "application/x-ndjson" },
  });
  const lines = (await found.text()).split("\n").filter(Boolean);
  return new Map(
    lines.map((line) => {
      const event = JSON.parse(line) as { userAgent?: string; userIdentity: Identity };
      return [event.userAgent ?? "", event.userIdentity];
    }),
  );
}

test("a gateway that passes everything on records the caller of what verifies, and of nothing else", async () => {
  const sinceMs = systemClock.nowMs();
  const agents = new Map<string, Outcome>();
  for (const [title, row] of table) {
    if (row.at?.includes("gateway, JSON") === false) continue;
    const agent = `${title}, recorded`;
    const base = request("gateway, JSON", agent);
    const unsigned: Unsigned = {
      ...base,
      service: "dynamodb",
      headers: base.headers.map(([name, value]) => {
        if (name === "Host") return [name, "dynamodb.us-east-1.amazonaws.com"];
        return name === "X-Amz-Target" ? [name, "DynamoDB_20120810.ListTables"] : [name, value];
      }),
    };
    const answer = await ask(cairn.gatewayUrl, wireOf(row, unsigned));
    const passes = row.outcome !== "no HTTP";
    expect([agent, answer.status, passed.has(agent)]).toEqual([agent, passes ? 200 : 400, passes]);
    if (passes) agents.set(agent, row.outcome);
  }
  expect(agents.size).toBeGreaterThan(70);
  let identities = new Map<string, Identity>();
  await expect
    .poll(async () => {
      identities = await recordedCallers(sinceMs);
      return [...agents.keys()].filter((agent) => !identities.has(agent));
    })
    .toEqual([]);
  const wrong = [...agents].filter(([agent, outcome]) => {
    const { type, accessKeyId } = identities.get(agent) ?? {};
    if (outcome !== "good") return type !== "Unknown";
    return type !== "Root" || accessKeyId !== cairn.credentials.accessKeyId;
  });
  expect(wrong).toEqual([]);
  // A signature that is not taken is not the same as none: the key that it names is told.
  expect(identities.get("the signature: SigV2 in the query, recorded")).toMatchObject({
    type: "Unknown",
    accessKeyId: "AKIAOLDEROLDEROLDER0",
  });
});
