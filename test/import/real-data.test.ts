// Real records through `cairn import`: each comes back byte for byte, once, and is found by everything it says.
import { execFile } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { CloudTrailClient, paginateLookupEvents } from "@aws-sdk/client-cloudtrail";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Client } from "../../src/cli/client.ts";
import type { JsonObject } from "../../src/event/json.ts";
import { type CairnProcess, startCairn } from "../tools/cairn.ts";
import { awsClis, boto3Pythons } from "../tools/clients.ts";
import { clientOf } from "../tools/post-events.ts";
import {
  attributes,
  attributesOf,
  idOf,
  realFolder,
  realLines,
  realRecordsAreThere,
} from "./real-records.ts";
import { runCairn, runImport, unexplained } from "./run-cairn.ts";

if (!realRecordsAreThere)
  console.warn("LEFT OUT: no real records in ../shared/realdata/events beside the project");

const lines = realRecordsAreThere ? realLines() : [];
const distinct = [...new Set(lines)];

async function searched(client: Client, query: Record<string, string>): Promise<string[]> {
  const response = await client.send({
    path: "/v1/events",
    query: new URLSearchParams(query),
    headers: { accept: "application/x-ndjson" },
  });
  return linesIn(Buffer.from(await response.arrayBuffer()));
}

function linesIn(bytes: Buffer): string[] {
  return bytes.toString().split("\n").slice(0, -1);
}

/** Some questions at a time, so that one process answers and another asks without waiting. */
async function each<T>(items: readonly T[], act: (item: T) => Promise<void>): Promise<void> {
  const rest = [...items];
  const work = async () => {
    for (let item = rest.shift(); item !== undefined; item = rest.shift()) await act(item);
  };
  await Promise.all([work(), work(), work(), work()]);
}

describe.skipIf(!realRecordsAreThere)("the real records", () => {
  let cairn: CairnProcess;
  let client: Client;

  beforeAll(async () => {
    cairn = await startCairn();
    client = clientOf(cairn);
  });
  afterAll(() => cairn.stop());

  test("are all accounted for", async () => {
    const { code, report } = await runImport(cairn, [realFolder, "--strict"]);
    expect(unexplained(report)).toEqual([]);
    expect(code).toBe(0);
    expect(report).toMatchObject({
      filesListed: 8,
      filesRead: 4,
      filesSkipped: 4,
      events: lines.length,
      stored: distinct.length,
      duplicates: lines.length - distinct.length,
      variants: distinct.length - new Set(distinct.map(identityOf)).size,
      rejected: [],
      failed: [],
    });
    expect(report.skipped.map(({ file }) => file.endsWith(".index.tsv"))).toEqual(
      Array<boolean>(4).fill(true),
    );
    expect(lines.length, "the folder is the one that this test knows").toBe(1687);
  });

  test("are stored once, however often they are imported", async () => {
    const { code, report } = await runImport(cairn, [realFolder]);
    expect(unexplained(report)).toEqual([]);
    expect(code).toBe(0);
    expect(report).toMatchObject({ stored: 0, variants: 0, duplicates: lines.length });
    expect(await searched(client, {})).toHaveLength(distinct.length);
  });

  test("come back byte for byte, each exactly once", async () => {
    const wanted = distinct.toSorted();
    expect((await searched(client, {})).toSorted()).toEqual(wanted);
    expect((await searched(client, { order: "oldest" })).toSorted()).toEqual(wanted);
    const printed = await runCairn(cairn, ["events", "--all-categories", "--format", "ndjson"]);
    expect(printed.code).toBe(0);
    expect(linesIn(printed.stdout).toSorted()).toEqual(wanted);
  });

  test("are found by every attribute they have", async () => {
    const byQuestion = new Map<string, string[]>();
    for (const line of distinct) {
      for (const question of attributesOf(line)) {
        const key = JSON.stringify(question);
        byQuestion.set(key, [...(byQuestion.get(key) ?? []), line]);
      }
    }
    expect(byQuestion.size).toBeGreaterThan(2000);
    const wrong: string[] = [];
    await each([...byQuestion], async ([key, wanted]) => {
      const [parameter, value] = JSON.parse(key) as [string, string];
      const found = new Set(await searched(client, { [parameter]: value }));
      for (const line of wanted)
        if (!found.delete(line)) wrong.push(`${parameter}=${value} misses ${line}`);
      // What else is found says the value in a member that only some records have.
      for (const line of found)
        if (!saysAnywhere(JSON.parse(line), value)) wrong.push(`${parameter}=${value}: ${line}`);
    });
    expect(wrong).toEqual([]);
  }, 240_000);

  test("are found by the resources that they show", async () => {
    const { events } = await client.json<{ events: ShownEvent[] }>({ path: "/v1/events" });
    const byQuestion = new Map<string, string[]>();
    for (const { seq, resources } of events) {
      for (const { resourceName, resourceType } of resources) {
        for (const question of [
          ["resourceName", resourceName],
          ["resourceType", resourceType],
        ]) {
          if (question[1] === null) continue;
          const key = JSON.stringify(question);
          byQuestion.set(key, [...(byQuestion.get(key) ?? []), seq]);
        }
      }
    }
    expect(byQuestion.size).toBeGreaterThan(200);
    const wrong: unknown[] = [];
    await each([...byQuestion], async ([key, wanted]) => {
      const [parameter = "", value = ""] = JSON.parse(key) as string[];
      const query = new URLSearchParams({ [parameter]: value });
      const found = await client.json<{ events: ShownEvent[] }>({ path: "/v1/events", query });
      const seqs = new Set(found.events.map(({ seq }) => seq));
      if (seqs.size !== new Set(wanted).size || wanted.some((seq) => !seqs.has(seq)))
        wrong.push([key, wanted, [...seqs]]);
    });
    expect(wrong).toEqual([]);
  }, 120_000);

  test.each(attributes)("are found in the terminal by --$flag", async ({ parameter, flag }) => {
    // A value that is neither the commonest nor the first to come.
    const values = distinct.flatMap((line) => attributesOf(line).get(parameter) ?? []);
    const value = values[Math.floor(values.length / 2)] ?? "";
    const wanted = distinct.filter((line) => attributesOf(line).get(parameter) === value);
    const words = ["events", "--all-categories", "--format", "ndjson", `--${flag}=${value}`];
    const { code, stdout, stderr } = await runCairn(cairn, words);
    expect([code, stderr]).toEqual([0, ""]);
    expect(linesIn(stdout)).toEqual(expect.arrayContaining(wanted));
  });

  test("are found in the terminal by all of their attributes together", async () => {
    for (const index of [7, 321, 555, 800, 1098]) {
      const line = distinct[index] ?? "";
      const flags = [...attributesOf(line)].map(([parameter, value]) => {
        const flag = attributes.find((attribute) => attribute.parameter === parameter)?.flag;
        return `--${flag}=${value}`;
      });
      const words = ["events", "--all-categories", "--format", "ndjson", ...flags];
      const { stdout } = await runCairn(cairn, words);
      expect(linesIn(stdout)).toContain(line);
    }
  });

  test("have left the server without a warning after thousands of questions", () => {
    expect(cairn.output()).not.toMatch(/warning|error/i);
  });
});

interface ShownEvent {
  seq: string;
  resources: { resourceName: string; resourceType: string | null }[];
}

/** Account, time and id; an id that tells nothing is made from the content, a time that is none does not count. */
function identityOf(line: string): string {
  const record = JSON.parse(line) as JsonObject;
  const text = typeof record["eventTime"] === "string" ? record["eventTime"] : "";
  const time = Date.parse(text.endsWith("Z") ? text : `${text.replace(" ", "T")}Z`);
  const isUsable = time >= Date.UTC(2000, 0, 1) && time < Date.UTC(2100, 0, 1);
  return JSON.stringify([isUsable ? time : "none", idOf(record) ?? line]);
}

function saysAnywhere(value: unknown, wanted: string): boolean {
  if (typeof value !== "object" || value === null)
    return String(value).toLowerCase().includes(wanted.toLowerCase());
  return Object.values(value).some((inner) => saysAnywhere(inner, wanted));
}

/** The record moved: what a stock client's event history shows. */
interface Moved {
  line: string;
  region: string;
}

const dayMs = 86_400_000;

/** Its time and account are written anew where they stand, so that all other bytes stay. */
function moved(line: string, index: number): Moved | undefined {
  // Seconds, spread over 80 of the 90 days.
  const at = performance.timeOrigin - dayMs - Math.floor((79 * dayMs * index) / distinct.length);
  const eventTime = `${new Date(at).toISOString().slice(0, 19)}Z`;
  const wanted = { eventTime, recipientAccountId: "111122223333" };
  let text = line;
  for (const [name, value] of Object.entries(wanted)) {
    text = text.replace(new RegExp(`("${name}" ?: ?)("[^"]*"|null|\\d+)`), `$1"${value}"`);
    const record = JSON.parse(text) as JsonObject;
    if (!(name in record)) text = `${text.trimEnd().slice(0, -1)},"${name}":"${value}"}`;
    else if (record[name] !== value) text = JSON.stringify({ ...record, [name]: value });
  }
  const { awsRegion, eventCategory, managementEvent, eventSource, eventName } = JSON.parse(
    text,
  ) as JsonObject;
  const isManagement =
    eventCategory === undefined && managementEvent === undefined
      ? // Two records do not say that they are calls on objects.
        !(
          eventSource === "s3.amazonaws.com" &&
          ["PutObject", "CopyObject"].includes(eventName as string)
        )
      : (eventCategory ?? "Management") === "Management" && managementEvent !== false;
  return typeof awsRegion === "string" && isManagement
    ? { line: text, region: awsRegion }
    : undefined;
}

interface LookupQuestion {
  region: string;
  attribute?: [string, string];
}

/** [EventId, CloudTrailEvent] of every event, in order, for each question. */
type Lookup = (questions: readonly LookupQuestion[]) => Promise<[string, string][][]>;

describe.skipIf(!realRecordsAreThere)("the real records, as if of today", () => {
  let cairn: CairnProcess;
  let folder: string;
  let importing: Awaited<ReturnType<typeof runImport>>;
  const shown = distinct.flatMap((line, index) => moved(line, index) ?? []);
  const regions = [...new Set(shown.map(({ region }) => region))];

  beforeAll(async () => {
    cairn = await startCairn();
    folder = mkdtempSync(join(tmpdir(), "moved-"));
    writeFileSync(join(folder, "a.ndjson"), shown.map(({ line }) => `${line}\n`).join(""));
    importing = await runImport(cairn, [folder, "--strict"]);
  });
  afterAll(async () => {
    await cairn.stop();
    rmSync(folder, { recursive: true });
  });

  test("are imported again, since their time is another", () => {
    expect(shown.length).toBeGreaterThan(1050);
    const all = { stored: shown.length, duplicates: 0, rejected: [], failed: [] };
    expect(importing.report).toMatchObject(all);
    expect(importing.code).toBe(0);
  });

  const sdk: Lookup = (questions) =>
    Promise.all(
      questions.map(async ({ region, attribute }) => {
        const { credentials, url } = cairn;
        const client = new CloudTrailClient({ endpoint: url, region, credentials });
        const LookupAttributes =
          attribute === undefined
            ? []
            : [{ AttributeKey: attribute[0] as "EventId", AttributeValue: attribute[1] }];
        const found: [string, string][] = [];
        for await (const page of paginateLookupEvents({ client }, { LookupAttributes }))
          for (const { EventId, CloudTrailEvent } of page.Events ?? [])
            found.push([EventId ?? "", CloudTrailEvent ?? ""]);
        return found;
      }),
    );

  function boto3(command: string): Lookup {
    return async (questions) => {
      const script = join(import.meta.dirname, "lookup-questions.py");
      return JSON.parse(await output(command, [script], JSON.stringify(questions))) as Awaited<
        ReturnType<Lookup>
      >;
    };
  }

  function cli(command: string): Lookup {
    return async (questions) => {
      const answers: [string, string][][] = [];
      for (const { region, attribute } of questions) {
        const words = ["cloudtrail", "lookup-events", "--endpoint-url", cairn.url];
        words.push("--region", region, "--output", "json");
        if (attribute !== undefined) {
          const [AttributeKey, AttributeValue] = attribute;
          words.push("--lookup-attributes", JSON.stringify([{ AttributeKey, AttributeValue }]));
        }
        const { Events } = JSON.parse(await output(command, words)) as {
          Events: { EventId: string; CloudTrailEvent: string }[];
        };
        answers.push(Events.map((event) => [event.EventId, event.CloudTrailEvent]));
      }
      return answers;
    };
  }

  function output(command: string, words: string[], input = ""): Promise<string> {
    return new Promise((resolve, reject) => {
      const options = { env: { ...process.env, ...cairn.environment }, maxBuffer: 1 << 28 };
      const child = execFile(command, words, options, (error, stdout, stderr) =>
        error === null ? resolve(stdout) : reject(new Error(`${command}: ${stderr}`)),
      );
      child.stdin?.end(input);
    });
  }

  /** Of the attributes that LookupEvents has: some values of each, in the region where they stand. */
  function sampleQuestions(count: number): LookupQuestion[] {
    const keys: [string, string][] = [
      ["EventId", "eventId"],
      ["EventName", "eventName"],
      ["EventSource", "eventSource"],
      ["ReadOnly", "readOnly"],
      ["Username", "username"],
      ["AccessKeyId", "accessKeyId"],
    ];
    return keys.flatMap(([key, parameter]) => {
      const having = shown.filter(({ line }) => attributesOf(line).has(parameter));
      return Array.from({ length: count }, (_, index): LookupQuestion => {
        const one = having[Math.floor((having.length * (index + 0.5)) / count)];
        const value = attributesOf(one?.line ?? "{}").get(parameter) ?? "";
        return { region: one?.region ?? "", attribute: [key, value] };
      });
    });
  }

  const parameterOf: Record<string, string> = {
    EventId: "eventId",
    EventName: "eventName",
    EventSource: "eventSource",
    ReadOnly: "readOnly",
    Username: "username",
    AccessKeyId: "accessKeyId",
  };

  function wantedBy({ region, attribute }: LookupQuestion): string[] {
    const inRegion = shown.filter((each) => each.region === region).map(({ line }) => line);
    if (attribute === undefined) return inRegion;
    const [key, value] = attribute;
    return inRegion.filter((line) => attributesOf(line).get(parameterOf[key] ?? "") === value);
  }

  /** A spawn for each question makes the CLI slow: it is asked about the regions where most happened. */
  const crowded = regions.filter((region) => wantedBy({ region }).length > 30);
  const clients: [string, Lookup, readonly string[], number][] = [
    ["the JS SDK", sdk, regions, 20],
    ...boto3Pythons().map(({ name, command }): [string, Lookup, readonly string[], number] => [
      name,
      boto3(command),
      regions,
      20,
    ]),
    ...awsClis().map(({ name, command }): [string, Lookup, readonly string[], number] => [
      name,
      cli(command),
      crowded,
      1,
    ]),
  ];

  test.each(clients)(
    "are shown by %s, each once and byte for byte",
    async (_name, ask, asked) => {
      expect(asked.length).toBeGreaterThan(3);
      const questions = asked.map((region) => ({ region }));
      const answers = await ask(questions);
      for (const [index, question] of questions.entries()) {
        const found = (answers[index] ?? []).filter(([, json]) => !isOwnCall(json));
        expect(found.map(([, json]) => json).toSorted()).toEqual(wantedBy(question).toSorted());
      }
    },
    240_000,
  );

  test.each(clients)(
    "are found by %s by each attribute",
    async (_name, ask, _asked, count) => {
      const questions = sampleQuestions(count);
      const answers = await ask(questions);
      const missed = questions.flatMap((question, index) => {
        const found = new Set((answers[index] ?? []).map(([, json]) => json));
        return wantedBy(question).filter((line) => !found.has(line));
      });
      expect(missed).toEqual([]);
    },
    240_000,
  );
});

/** The lookups themselves are in the history too. */
function isOwnCall(json: string): boolean {
  const { eventSource, eventTime } = JSON.parse(json) as JsonObject;
  return (
    eventSource === "cloudtrail.amazonaws.com" &&
    Date.parse(eventTime as string) > performance.timeOrigin - dayMs / 2
  );
}
