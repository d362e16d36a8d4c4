// The whole of Cairn on a disk that fills up, by its own events or by others' files.
import { randomBytes } from "node:crypto";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { afterAll, afterEach, expect, test } from "vitest";
import { systemClock } from "../../src/base/clock.ts";
import { type CairnProcess, startCairn } from "../tools/cairn.ts";
import { allLoaded, findEvents } from "../tools/found-events.ts";
import { eventLine } from "../tools/post-events.ts";
import { chanceFrom, seedOf } from "../tools/seed.ts";
import { type Answer, awsJson, send } from "../tools/signed-call.ts";
import { mountSmallDisk } from "./small-disk.ts";

/** The reserve is an eighth of it, 8 MiB. */
const diskMebibytes = 64;
const disk = mountSmallDisk(diskMebibytes);
afterAll(() => disk?.unmount());

/** How often others fill the disk in the middle of a load: the engine spoils a part in some of them. */
const rounds = Number(process.env["ROUNDS"] ?? 6);

const running: CairnProcess[] = [];
afterEach(async () => {
  for (const cairn of running.splice(0)) await cairn.kill();
});

async function start(name: string, flags: string[] = []): Promise<CairnProcess> {
  const cairn = await startCairn({ data: join(disk?.folder ?? "", name), flags });
  running.push(cairn);
  return cairn;
}

let batchCount = 0;

interface Posted {
  ids: string[];
  answer: Answer;
}

/** Ten events of 20 kB that hardly get smaller by compression. */
async function post({ url, credentials }: CairnProcess): Promise<Posted> {
  const name = `batch-${batchCount++}`;
  const ids = Array.from({ length: 10 }, (_, index) => `${name}-${index}`);
  const lines = ids.map((eventID) =>
    eventLine({ eventID, requestParameters: { text: randomBytes(15_000).toString("base64") } }),
  );
  const request = { url, credentials, method: "POST", path: "/v1/events" };
  return { ids, answer: await send({ ...request, body: lines.join("\n") }) };
}

interface Account {
  acknowledged: string[];
  refused: string[];
}

/** Posts until one is refused. */
const postUntilFull = (cairn: CairnProcess, account: Account) =>
  postUntilRefused(cairn, account, 1);

/** Posts until `count` posts were refused, each as it must be. */
async function postUntilRefused(cairn: CairnProcess, account: Account, count: number) {
  for (let refusals = 0; refusals < count; ) {
    const { ids, answer } = await post(cairn);
    if (answer.status === 200) {
      account.acknowledged.push(...ids);
      continue;
    }
    refusals += 1;
    account.refused.push(...ids);
    const { code, message, accepted, failedFromLine } = JSON.parse(answer.text) as Refusal;
    if (answer.status !== 507 || code !== "JournalFull" || accepted !== 0 || failedFromLine !== 1)
      throw new Error(`refused with ${answer.status} ${answer.text}`);
    if (!/disk is full/.test(message)) throw new Error(message);
  }
}

interface Refusal {
  code: string;
  message: string;
  accepted: number;
  failedFromLine: number;
}

/** How often the acknowledged and the refused events are found, as `{ once: 120, never: 30 }`. */
async function tally(cairn: CairnProcess, ids: readonly string[]): Promise<Record<string, number>> {
  const { byId } = await findEvents(cairn, 0);
  const counts: Record<string, number> = {};
  for (const id of ids) {
    const times = byId.get(id) ?? 0;
    const name = times === 0 ? "never" : times === 1 ? "once" : "more often";
    counts[name] = (counts[name] ?? 0) + 1;
  }
  return counts;
}

/** LookupEvents and `GET /v1/events`: the newest event each. */
async function read({
  url,
  credentials,
}: CairnProcess): Promise<{ status: number; text: string }[]> {
  const answers = [
    await awsJson({
      url,
      credentials,
      service: "cloudtrail",
      target: "com.amazonaws.cloudtrail.v20131101.CloudTrail_20131101.LookupEvents",
      input: { MaxResults: 1 },
    }),
    await send({ url, credentials, path: "/v1/events?limit=1" }),
  ];
  return answers.map(({ status, text }) => ({ status, text: status === 200 ? "" : text }));
}

const listIdentityPools = {
  service: "cognito-identity",
  target: "AWSCognitoIdentityService.ListIdentityPools",
  input: { MaxResults: 5 },
};

const readable = [
  { status: 200, text: "" },
  { status: 200, text: "" },
];

async function health({ url }: CairnProcess): Promise<string> {
  const answer = await fetch(`${url}/health`);
  return `${answer.status} ${((await answer.json()) as { status: string }).status}`;
}

/** Waits until there is room again, then posts once more. */
async function recovered(cairn: CairnProcess, account: Account): Promise<void> {
  await expect.poll(() => health(cairn), { timeout: 20_000 }).toBe("200 ok");
  const { ids, answer } = await post(cairn);
  expect(answer.text).toMatch(/"accepted":10/);
  account.acknowledged.push(...ids);
}

async function expectAllFound(cairn: CairnProcess, account: Account): Promise<void> {
  await allLoaded(cairn);
  const { acknowledged, refused } = account;
  expect(await tally(cairn, acknowledged)).toEqual({ once: acknowledged.length });
  expect(await tally(cairn, refused)).toEqual({ never: refused.length });
}

test.skipIf(disk === undefined)(
  "events fill the disk: they are refused in time for the store to take what was accepted, and again accepted when there is room",
  { timeout: 240_000 },
  async () => {
    const account: Account = { acknowledged: [], refused: [] };
    let cairn = await start("own");
    await postUntilRefused(cairn, account, 10);
    expect(await health(cairn)).toMatch(/^503 the journal's disk is full: \d+ MiB are free/);
    expect(await read(cairn)).toEqual(readable);
    // No room was made: what the journal had accepted fits.
    await expectAllFound(cairn, account);

    await cairn.kill();
    cairn = await start("own");
    await postUntilRefused(cairn, account, 3);
    await expectAllFound(cairn, account);
    expect(await read(cairn)).toEqual(readable);

    disk?.resize(diskMebibytes * 3);
    await recovered(cairn, account);
    await expectAllFound(cairn, account);
    await cairn.stop();
  },
);

test.skipIf(disk === undefined)(
  "others fill the disk to the last byte: nothing acknowledged is lost, reading works, a restart works, and all is well when they leave",
  { timeout: 240_000 },
  async () => {
    const upstream = createServer((request, response) => {
      request.resume().on("end", () => response.end("{}"));
    });
    await new Promise<void>((resolve) => upstream.listen(0, "127.0.0.1", () => resolve()));
    const { port } = upstream.address() as AddressInfo;
    const flags = ["--capture-mode", "strict", "--gateway-upstream", `http://127.0.0.1:${port}`];
    const account: Account = { acknowledged: [], refused: [] };
    const chance = chanceFrom(seedOf("disk-full"));
    let cairn = await start("others", flags);
    try {
      for (let round = 0; round < rounds; round++) {
        const fillAtMs = systemClock.monotonicMs() + chance.between(0, 700);
        // Loads and merges are under way when the last byte goes.
        const posting = postUntilFull(cairn, account);
        while (systemClock.monotonicMs() < fillAtMs) await systemClock.sleep(5);
        disk?.fill();
        await posting;
        // Cairn itself may have made room since, or have refused before.
        disk?.fill();
        await postUntilFull(cairn, account);
        expect(await health(cairn)).toMatch(/^503 the journal's disk is full/);
        for (let reads = 0; reads < 5; reads++) expect(await read(cairn)).toEqual(readable);
        // A segment that is loaded late gives its room back late.
        const strict = async () => {
          disk?.fill();
          return await awsJson({ ...listIdentityPools, ...cairn, url: cairn.gatewayUrl });
        };
        await expect.poll(async () => (await strict()).status, { timeout: 10_000 }).toBe(503);
        if (round === rounds - 1) break;
        disk?.empty();
        await recovered(cairn, account);
        await expectAllFound(cairn, account);
      }

      await cairn.kill();
      cairn = await start("others", flags);
      expect(await read(cairn)).toEqual(readable);
      await postUntilRefused(cairn, account, 2);

      disk?.empty();
      await recovered(cairn, account);
      await expectAllFound(cairn, account);
      await cairn.stop();
    } finally {
      upstream.close();
    }
  },
);
