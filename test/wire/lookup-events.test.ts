// LookupEvents through the real clients: every AWS CLI and boto3 on this machine, and the JS SDK.
import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { CloudTrailClient, paginateLookupEvents } from "@aws-sdk/client-cloudtrail";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Client } from "../../src/cli/client.ts";
import { type CairnProcess, startCairn } from "../tools/cairn.ts";
import { awsClis, boto3Pythons, isMissing } from "../tools/clients.ts";
import { clientOf, eventLine, postEvents, storeEvents } from "../tools/post-events.ts";

const run = promisify(execFile);

/** [EventId, CloudTrailEvent] of every event that a whole walk through the pages returns, in order. */
type Walk = (attribute: [string, string] | undefined) => Promise<[string, string][]>;

/** Within the last 90 days, whatever today is. */
const eventTime = `${new Date(performance.timeOrigin - 86_400_000).toISOString().slice(0, 19)}Z`;

let cairn: CairnProcess;
let client: Client;

beforeAll(async () => {
  cairn = await startCairn();
  client = clientOf(cairn);
});
afterAll(() => cairn.stop());

function environment(): NodeJS.ProcessEnv {
  return { ...process.env, ...cairn.environment };
}

function cliWalk(command: string): Walk {
  return async (attribute) => {
    const filter =
      attribute === undefined
        ? []
        : ["--lookup-attributes", `AttributeKey=${attribute[0]},AttributeValue=${attribute[1]}`];
    const { stdout } = await run(
      command,
      ["cloudtrail", "lookup-events", "--endpoint-url", cairn.url, "--output", "json", ...filter],
      { env: environment(), maxBuffer: 1 << 28 },
    );
    const { Events } = JSON.parse(stdout) as {
      Events: { EventId: string; CloudTrailEvent: string }[];
    };
    return Events.map((event) => [event.EventId, event.CloudTrailEvent]);
  };
}

function boto3Walk(command: string): Walk {
  return async (attribute) => {
    const script = join(import.meta.dirname, "lookup-events.py");
    const { stdout } = await run(command, [script, ...(attribute ?? ["", ""])], {
      env: environment(),
      maxBuffer: 1 << 28,
    });
    return stdout
      .split("\n")
      .filter(Boolean)
      .map((line) => JSON.parse(line) as [string, string]);
  };
}

const sdkWalk: Walk = async (attribute) => {
  const sdk = new CloudTrailClient({
    endpoint: cairn.url,
    region: "us-east-1",
    credentials: cairn.credentials,
  });
  const input =
    attribute === undefined
      ? {}
      : {
          LookupAttributes: [
            { AttributeKey: attribute[0] as "EventId", AttributeValue: attribute[1] },
          ],
        };
  const found: [string, string][] = [];
  for await (const page of paginateLookupEvents({ client: sdk }, input)) {
    for (const event of page.Events ?? [])
      found.push([event.EventId ?? "", event.CloudTrailEvent ?? ""]);
  }
  return found;
};

const clis = awsClis();
const pythons = boto3Pythons();
isMissing("the AWS CLI", clis.length > 0);
isMissing("boto3", pythons.length > 0);
const walks: [string, Walk][] = [
  ["JS SDK", sdkWalk],
  ...clis.map(({ name, command }): [string, Walk] => [name, cliWalk(command)]),
  ...pythons.map(({ name, command }): [string, Walk] => [name, boto3Walk(command)]),
];

describe.each(walks)("%s", (name, walk) => {
  test("a client's own call is in the event history within two seconds", async () => {
    await walk(["EventName", "NoSuchEvent"]);
    await expect
      .poll(async () => (await walk(["EventSource", "cloudtrail.amazonaws.com"])).length, {
        timeout: 20_000,
      })
      .toBeGreaterThan(0);
  });

  test("pages under concurrent writes miss nothing that was there and return nothing twice", async () => {
    const userName = `paging-${name.replaceAll(/\W/g, "-")}`;
    const before = Array.from({ length: 500 }, (_, index) => `${userName}-before-${index}`);
    await storeEvents(
      client,
      before.map((eventID) => eventLine({ eventID, userName })),
    );
    const walking = new AbortController();
    const writing = (async () => {
      for (let index = 0; !walking.signal.aborted && index < 2000; index++) {
        await postEvents(client, [eventLine({ eventID: `${userName}-during-${index}`, userName })]);
      }
    })();
    const found = await walk(["Username", userName]);
    walking.abort();
    await writing;
    const ids = found.map(([id]) => id);
    expect(new Set(ids).size, "none twice").toBe(ids.length);
    expect(
      before.filter((id) => !ids.includes(id)),
      "none missed",
    ).toEqual([]);
  });

  test("a forged event with another's id changes nothing that was stored", async () => {
    const eventID = `forged-${name.replaceAll(/\W/g, "-")}`;
    const original = eventLine({ eventID, eventTime, userName: "Alice" });
    const forged = eventLine({ eventID, eventTime, userName: "Mallory" });
    expect(await storeEvents(client, [original])).toMatchObject({ stored: 1, variants: 0 });
    expect(await storeEvents(client, [forged, original])).toMatchObject({
      stored: 1,
      variants: 1,
      duplicates: 1,
    });
    const found = await walk(["EventId", eventID]);
    expect(found.map(([, json]) => json).toSorted()).toEqual([original, forged].toSorted());
    expect((await walk(["Username", "Alice"])).filter(([id]) => id === eventID)).toEqual([
      [eventID, original],
    ]);
  });
});
