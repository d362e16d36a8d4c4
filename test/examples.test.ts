// Every command and every program in README and the guides, and every file of examples/, run as a reader would run them.
import { type ChildProcess, execFile, spawn } from "node:child_process";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { CloudTrailClient, LookupEventsCommand } from "@aws-sdk/client-cloudtrail";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type CairnProcess, startCairn } from "./tools/cairn.ts";
import { awsClis, boto3Pythons, isMissing } from "./tools/clients.ts";
import { type CodeBlock, codeBlocks, commandsOf } from "./tools/document-code.ts";
import { type OidcIssuer, openOidcIssuer } from "./tools/oidc-issuer.ts";
import { clientOf, eventLine, storeEvents } from "./tools/post-events.ts";

const run = promisify(execFile);
const root = join(import.meta.dirname, "..");
const pages = [
  "README.md",
  "docs/guides/search.md",
  "docs/guides/import.md",
  "docs/guides/gateway.md",
  "docs/guides/capture.md",
  "docs/guides/permissions.md",
  "docs/guides/accounts.md",
  "docs/guides/oidc.md",
  "capture/README.md",
];
const blocks = pages.flatMap(codeBlocks);

/** A reader's folder: the packages are there, `cairn` is on the path, and log files wait to be imported. */
let folder: string;
let upstream: Server;
let cairn: CairnProcess;
let environment: NodeJS.ProcessEnv;
/** The OIDC provider of the page about them. */
let issuer: OidcIssuer;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "cairn-examples-"));
  upstream = createServer((request, response) => {
    request.resume().on("end", () => {
      response.setHeader("content-type", "application/xml");
      response.end("<ListAllMyBucketsResult><Buckets></Buckets></ListAllMyBucketsResult>");
    });
  });
  await new Promise<void>((resolve) => upstream.listen(0, "127.0.0.1", resolve));
  const { port } = upstream.address() as AddressInfo;
  cairn = await startCairn({ flags: ["--gateway-upstream", `http://127.0.0.1:${port}`] });

  issuer = await openOidcIssuer();
  writeFileSync(join(folder, "token.jwt"), issuer.token({ sub: "staff|alice", aud: "cairn" }));
  symlinkSync(join(root, "node_modules"), join(folder, "node_modules"));
  const paths = {
    "@cairn/capture": [join(root, "capture/src/index.ts")],
    "@cairn/capture/*": [join(root, "capture/src/*.ts")],
  };
  writeFileSync(join(folder, "package.json"), '{"name": "orders", "type": "module"}');
  writeFileSync(join(folder, "tsconfig.json"), JSON.stringify({ compilerOptions: { paths } }));
  mkdirSync(join(folder, "bin"));
  const command = join(folder, "bin", "cairn");
  writeFileSync(
    command,
    `#!/bin/sh\nexec "${process.execPath}" "${root}/dist/cli/cairn.cjs" "$@"\n`,
  );
  chmodSync(command, 0o755);
  for (const logs of ["cloudtrail-logs", "trail-bucket", "logs"]) {
    mkdirSync(join(folder, logs));
    const record = eventLine({ eventID: crypto.randomUUID(), eventName: `From-${logs}` });
    writeFileSync(join(folder, logs, "log.json"), `{"Records":[${record}]}`);
  }
  environment = {
    ...process.env,
    ...cairn.environment,
    HOME: folder,
    PATH: `${join(folder, "bin")}:${process.env["PATH"]}`,
    npm_package_name: "orders",
  };
});

afterAll(async () => {
  await cairn.stop();
  await issuer[Symbol.asyncDispose]();
  upstream.close();
  rmSync(folder, { recursive: true, force: true });
});

/** What a reader has typed already when a command's text begins: other ports, and the checkout's own `cairn`. */
function here(text: string): string {
  return text
    .replaceAll("http://127.0.0.1:4780", cairn.url)
    .replaceAll("http://127.0.0.1:4781", cairn.gatewayUrl)
    .replaceAll("npm run --silent cairn --", "cairn")
    .replaceAll("https://login.example.com/realms/staff", issuer.url)
    .replaceAll("login.example.com/realms/staff", issuer.name);
}

async function until<T>(
  what: string,
  ask: () => Promise<T | undefined> | T | undefined,
): Promise<T> {
  const deadlineMs = performance.now() + 30_000;
  for (;;) {
    const answer = await ask();
    if (answer !== undefined) return answer;
    if (performance.now() > deadlineMs) throw new Error(`not within 30 s: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/** The events of a service, oldest first. */
async function eventsOf(eventSource: string): Promise<Record<string, unknown>[]> {
  const response = await clientOf(cairn).send({
    path: "/v1/events",
    query: new URLSearchParams({ eventSource, order: "oldest" }),
    headers: { accept: "application/x-ndjson" },
  });
  const lines = (await response.text()).split("\n").filter(Boolean);
  return lines.map((line) => JSON.parse(line) as Record<string, unknown>);
}

/** A command that goes on shows an event that comes after it was typed. */
async function follows(text: string): Promise<void> {
  const child = spawn("bash", ["-c", `exec ${text.split("\n").at(-1)}`], {
    cwd: folder,
    env: environment,
  });
  try {
    let written = "";
    child.stdout.on("data", (chunk: Buffer) => (written += chunk.toString()));
    child.stderr.on("data", (chunk: Buffer) => (written += chunk.toString()));
    // What it follows begins when it has asked, so the event is sent again until it is seen.
    await until("an event that is followed", async () => {
      const eventID = crypto.randomUUID();
      await storeEvents(clientOf(cairn), [eventLine({ eventID, eventName: "ConsoleLogin" })]);
      return written.includes("ConsoleLogin") ? true : undefined;
    });
  } finally {
    child.kill("SIGTERM");
  }
}

/** What this file runs in other ways, or cannot: they install, take over the terminal, or are run by CI itself. */
const notTyped = /^npm (start|test|install|run demo)\b/;

const needsAws = (command: string) => /\baws\b/.test(command.replaceAll("aws:amz", ""));

describe("each command is typed as it stands", () => {
  const shells = blocks.filter(({ language }) => language === "sh");
  const lines = shells.flatMap((block) => {
    const commands = commandsOf(block).filter((command) => !notTyped.test(command));
    // A block whose lines build on each other is typed as a whole.
    return commands.some((command) => /^\w+=/.test(command))
      ? [[`${block.page}:${block.line}`, commands.join("\n")] as const]
      : commands.map((command) => [`${block.page}:${block.line}`, command] as const);
  });
  const leavesOutAws = isMissing(
    "the AWS CLI, for the commands in the documents",
    awsClis().length > 0,
  );
  const leavesOutCurl = isMissing(
    "curl, for the commands in the documents",
    existsSync("/usr/bin/curl"),
  );

  test("the pages have commands", () => expect(lines.length).toBeGreaterThan(10));

  test.for(lines)("%s: %s", async ([, command], { skip }) => {
    skip(leavesOutAws && needsAws(command), "it needs the AWS CLI");
    skip(leavesOutCurl && /\bcurl\b/.test(command), "it needs curl");
    const options = { cwd: folder, env: environment, timeout: 60_000 };
    // A page's later blocks use what an earlier one has set.
    const variables = `KEY=${cairn.credentials.accessKeyId} SECRET=${cairn.credentials.secretAccessKey}`;
    const text = `${variables}\n${here(command)}`;
    if (/--follow/.test(command)) {
      await follows(text);
      return;
    }
    const { stdout } = await run("bash", ["-euo", "pipefail", "-c", text], options);
    expect(stdout).not.toMatch(/"code" *:|SignatureDoesNotMatch/);
  });
});

const asksAws = awsClis().length > 0;

/** What an AWS CLI finds with these words, newest first. */
async function lookUp(words: string): Promise<Record<string, unknown>[]> {
  const command = `aws cloudtrail lookup-events ${words}`;
  const { stdout } = await run("bash", ["-c", command], { cwd: folder, env: environment });
  const { Events } = JSON.parse(stdout) as { Events: { CloudTrailEvent: string }[] };
  return Events.map((event) => JSON.parse(event.CloudTrailEvent) as Record<string, unknown>);
}

const named = (eventName: string) =>
  `--lookup-attributes AttributeKey=EventName,AttributeValue=${eventName}`;

/** The `userIdentity` that a page shows, with what stands here in its places. */
function shownIdentities(page: string): unknown[] {
  return blocks
    .filter((block) => block.page === page && block.language === "json")
    .map(({ code }) => JSON.parse(here(`{${code}}`)) as { userIdentity: unknown })
    .map(({ userIdentity }) => userIdentity);
}

describe.skipIf(!asksAws)("what the guides say is then on record", () => {
  test("accounts.md: the auditor sees who made olga, and nothing of the managing account", async () => {
    const found = await until("olga's event", async () => {
      const events = await lookUp(`--profile orders-audit ${named("CreateUser")}`);
      return events.length > 0 ? events : undefined;
    });
    expect(found.map((event) => event["requestParameters"])).toEqual([{ userName: "olga" }]);
    expect(found[0]?.["userIdentity"]).toMatchObject({
      type: "AssumedRole",
      sessionContext: { sessionIssuer: { userName: "OrganizationAccountAccessRole" } },
    });
    const here = await lookUp(named("AssumeRole"));
    const there = await lookUp(`--profile orders-audit ${named("AssumeRole")}`);
    const ids = (events: typeof here) => events.map((event) => event["sharedEventID"]);
    expect(there.length).toBeGreaterThan(0);
    expect(ids(here)).toEqual(expect.arrayContaining(ids(there)));
    expect(here[0]?.["userIdentity"]).toMatchObject({ type: "IAMUser", userName: "olivia" });
    expect(there[0]?.["userIdentity"]).toEqual({
      type: "AWSAccount",
      accountId: "111122223333",
      principalId: expect.stringMatching(/^AIDA/) as unknown,
    });
  });

  test("oidc.md: the exchange and the calls after it look as they do on the page", async () => {
    const [exchange, call] = shownIdentities("docs/guides/oidc.md");
    const exchanges = await lookUp(named("AssumeRoleWithWebIdentity"));
    expect(exchanges.map((event) => event["userIdentity"])).toContainEqual(exchange);
    const calls = await until("a call of the session", async () => {
      const events = await lookUp("--lookup-attributes AttributeKey=Username,AttributeValue=alice");
      return events.length > 0 ? events : undefined;
    });
    expect(calls[0]?.["userIdentity"]).toMatchObject(call as object);
    expect(JSON.stringify([...exchanges, ...calls])).not.toContain(
      readFileSync(join(folder, "token.jwt"), "utf8").split(".")[2],
    );
  });
});

describe("README: the first look", () => {
  const clis = awsClis();
  const [look] = blocks.filter(({ code }) => code.includes("get-caller-identity"));
  test.skipIf(isMissing("an AWS CLI", clis.length > 0))(
    "the second command shows the first, the first time it is asked",
    async () => {
      expect(look?.page).toBe("README.md");
      const data = mkdtempSync(join(tmpdir(), "cairn-first-look-"));
      const first = await startCairn({ data });
      try {
        for (const { command } of clis) {
          // Older ones do not read AWS_ENDPOINT_URL, and the page says what to add.
          const text = (look?.code ?? "").replaceAll(
            /^aws (.*)$/gm,
            `${command} $1 --endpoint-url ${first.url}`,
          );
          const { stdout } = await run("bash", ["-euo", "pipefail", "-c", text], {
            env: { ...process.env, ...first.environment },
          });
          expect(stdout).toContain('"EventName": "GetCallerIdentity"');
        }
      } finally {
        await first.stop();
        rmSync(data, { recursive: true, force: true });
      }
    },
  );
});

describe("README: point an SDK at it", () => {
  beforeAll(async () => {
    const eventID = crypto.randomUUID();
    await storeEvents(clientOf(cairn), [eventLine({ eventID, userName: "SnippetUser" })]);
  });

  test("the TypeScript finds an event", async () => {
    const [block] = blocks.filter(
      ({ page, language }) => page === "README.md" && language === "ts",
    );
    expect(await runProgram("readme.ts", here(block?.code ?? ""))).toMatch(
      /CreateUser SnippetUser$/m,
    );
  });

  const pythons = boto3Pythons();
  isMissing("a Python with boto3, for README's program", pythons.length > 0);
  test.each(pythons)("the Python finds it, with $name", async ({ command }) => {
    const [block] = blocks.filter(({ language }) => language === "python");
    const { stdout } = await run(command, ["-c", here(block?.code ?? "")], { env: environment });
    expect(stdout).toMatch(/CreateUser SnippetUser$/m);
  });
});

/** Runs a program in the reader's folder to its end; standard output. */
async function runProgram(name: string, code: string): Promise<string> {
  writeFileSync(join(folder, name), code);
  const options = { cwd: folder, env: environment, timeout: 60_000 };
  const { stdout } = await run(process.execPath, ["--import", "tsx", name], options);
  return stdout;
}

/**
 * The programs of the capture library's pages are fragments of a service; what is around them, and what must then be
 * on record. Each is known by a word in it.
 */
interface Completion {
  page: string;
  word: string;
  before?: string;
  after: string;
  recorded: Record<string, unknown>[];
}

const callOnce = `
const response = await fetch(url + path, { method, headers: { "content-type": "application/json" }, body });
await response.arrayBuffer();
server.close();
await capture.close();`;

const openFastify = `
import fastify from "fastify";
const server = fastify();
server.decorateRequest("user", null);
server.addHook("onRequest", async (request) => { request.user = { name: "alice", id: "AIDAALICE" }; });`;

const completions: Completion[] = [
  {
    page: "docs/guides/capture.md",
    word: "@cairn/capture/fastify",
    before: openFastify,
    after: `
server.get("/orders/:id", async () => ({}));
const url = await server.listen({ port: 0 });
const [method, path, body] = ["GET", "/orders/7", undefined];
${callOnce}`,
    recorded: [
      {
        eventName: "GetOrdersById",
        requestParameters: { id: "7" },
        userIdentity: expect.objectContaining({
          type: "IAMUser",
          userName: "alice",
          principalId: "AIDAALICE",
        }),
      },
    ],
  },
  {
    page: "docs/guides/capture.md",
    word: "AssumedRole",
    before: `${openFastify}
import { createCapture } from "@cairn/capture";
import { fastifyCapture } from "@cairn/capture/fastify";
const role = { id: "AROAORDERS", name: "orders" };
const session = "s-1";
const capture = createCapture({ service: "SERVICE" });
await server.register(fastifyCapture, { capture,`,
    after: `});
server.get("/orders/:id", async () => ({}));
const url = await server.listen({ port: 0 });
const [method, path, body] = ["GET", "/orders/7", undefined];
${callOnce}`,
    recorded: [
      {
        eventName: "GetOrdersById",
        userIdentity: expect.objectContaining({
          type: "AssumedRole",
          principalId: "AROAORDERS:s-1",
          arn: "arn:aws:sts::123456789012:assumed-role/orders/s-1",
        }),
      },
    ],
  },
  {
    page: "docs/guides/capture.md",
    word: "identifyByAny",
    before: `${openFastify}
import { createHash } from "node:crypto";
import { createCapture } from "@cairn/capture";
import { fastifyCapture } from "@cairn/capture/fastify";
const key = createHash("sha256").update("a key of the billing robot").digest("hex");
const apiKeys = {
  findOwner: async (hash) => (hash === key ? { type: "IAMUser", userName: "billing" } : undefined),
};
const capture = createCapture({ service: "SERVICE" });
await server.register(fastifyCapture, { capture,`,
    after: `});
server.get("/orders", async () => ({}));
const url = await server.listen({ port: 0 });
await fetch(url + "/orders", { headers: { "x-api-key": "a key of the billing robot" } });
await fetch(url + "/nowhere", { headers: { authorization: "Bearer not.a.token-of-anyone" } });
server.close();
await capture.close();`,
    recorded: [
      {
        eventName: "GetOrders",
        userIdentity: expect.objectContaining({ type: "IAMUser", userName: "billing" }),
      },
      {
        eventName: "UnmatchedRoute",
        userIdentity: {
          type: "Unknown",
          credentialId: expect.stringMatching(/^sha256:[0-9a-f]{16}$/),
        },
      },
    ],
  },
  {
    page: "docs/guides/capture.md",
    word: "operations: {",
    before: `${openFastify}
import { createCapture } from "@cairn/capture";
import { fastifyCapture } from "@cairn/capture/fastify";
const capture = createCapture({ service: "SERVICE" });
await server.register(fastifyCapture, { capture,`,
    after: `});
server.get("/metrics", async () => "");
server.get("/object", async () => "");
server.post("/search", async () => ({}));
server.post("/users", async () => ({ id: "u-1" }));
const url = await server.listen({ port: 0 });
await fetch(url + "/metrics");
await fetch(url + "/search", { method: "POST" });
await fetch(url + "/object");
const [method, path, body] = ["POST", "/users", JSON.stringify({ name: "n", role: "r", other: "o" })];
${callOnce}`,
    recorded: [
      { eventName: "PostSearch", readOnly: true },
      { eventName: "GetObject", eventCategory: "Data" },
      {
        eventName: "PostUsers",
        requestParameters: { name: "n", role: "r" },
        responseElements: { id: "u-1" },
      },
    ],
  },
  {
    page: "docs/guides/capture.md",
    word: "NightlyCleanup",
    before: `
import { createCapture } from "@cairn/capture";
const capture = createCapture({ service: "SERVICE" });`,
    after: "await capture.close();",
    recorded: [{ eventName: "NightlyCleanup", additionalEventData: { removed: 17 } }],
  },
  {
    page: "capture/README.md",
    word: "@cairn/capture/express",
    before: `
const showOrder = (request, response) => {
  request.user = { name: "alice", id: "AIDAALICE" };
  response.json({});
};`,
    after: `
const server = app.listen(0);
const url = "http://127.0.0.1:" + server.address().port;
const [method, path, body] = ["GET", "/orders/7", undefined];
${callOnce}`,
    recorded: [
      { eventName: "GetOrdersById", userIdentity: expect.objectContaining({ userName: "alice" }) },
    ],
  },
];

const completionOf = (block: CodeBlock) =>
  completions.find(({ page, word }) => page === block.page && block.code.includes(word));

const nameOf = (event: Record<string, unknown>) => String(event["eventName"]);
const byName = (a: Record<string, unknown>, b: Record<string, unknown>) =>
  nameOf(a) < nameOf(b) ? -1 : 1;

describe("the capture library's pages", () => {
  const programs = blocks.filter(({ page, language }) => page !== "README.md" && language === "ts");

  test("each program on them is run below", () => {
    expect(programs.map(completionOf)).toEqual(completions);
  });

  test.each(programs.map((block) => [`${block.page}:${block.line}`, block] as const))(
    "%s records what it says",
    async (place, block) => {
      const completion = completionOf(block);
      // An event source of its own, so that only this program's events are looked at.
      const service = `${place.replaceAll(/\W/g, "-").toLowerCase()}.example.com`;
      const text = [completion?.before, block.code, completion?.after].join("\n");
      const code = text
        .replaceAll(/SERVICE|orders\.example\.com/g, service)
        .replaceAll("/var/spool/orders-audit", join(folder, "spool"));
      const imports = code.match(/^import .*$/gm) ?? [];
      await runProgram(
        `${service}.ts`,
        [...imports, code.replaceAll(/^import .*$/gm, "")].join("\n"),
      );
      const found = await until(`${completion?.recorded.length} events of ${service}`, async () => {
        const events = await eventsOf(service);
        return events.length >= (completion?.recorded.length ?? 0) ? events : undefined;
      });
      expect(found.toSorted(byName)).toEqual(
        (completion?.recorded ?? [])
          .toSorted(byName)
          .map((event) => expect.objectContaining(event)),
      );
    },
  );
});

/** A program of examples/ in the reader's folder, and the first match of what it writes. */
async function startExample(file: string, ready: RegExp) {
  const child: ChildProcess = spawn(
    process.execPath,
    ["--import", import.meta.resolve("tsx"), join(root, "examples", file)],
    { cwd: folder, env: { ...environment, PORT: "0" }, stdio: ["ignore", "pipe", "pipe"] },
  );
  let written = "";
  child.stdout?.on("data", (chunk: Buffer) => (written += chunk.toString()));
  child.stderr?.on("data", (chunk: Buffer) => (written += chunk.toString()));
  const ended = new Promise<number | null>((resolve) => child.once("exit", resolve));
  const match = await until(`${file} says ${ready}; it said ${written}`, () => {
    if (child.exitCode !== null)
      throw new Error(`${file} ended with ${child.exitCode}: ${written}`);
    return ready.exec(written) ?? undefined;
  });
  return { child, ended, match, output: () => written };
}

describe("examples/", () => {
  test("capture-express.ts records its calls and stops at SIGTERM", async () => {
    const { child, ended, match } = await startExample("capture-express.ts", /port: (\d+)/);
    const url = `http://127.0.0.1:${match[1]}`;
    await fetch(`${url}/orders/7`, { headers: { "x-user": "alice", connection: "close" } });
    await fetch(`${url}/orders`, {
      method: "POST",
      headers: { "content-type": "application/json", connection: "close" },
      body: JSON.stringify({ customer: "c-1", items: [1], card: "4111" }),
    });
    child.kill("SIGTERM");
    expect(await ended).toBe(0);
    const found = await until("two orders", async () => {
      // The pages' own programs use this event source under other names only.
      const events = await eventsOf("orders.example.com");
      const ours = events.filter(({ eventName }) => /Orders/.test(String(eventName)));
      return ours.length >= 2 ? ours : undefined;
    });
    expect(found).toHaveLength(2);
    expect(found).toContainEqual(
      expect.objectContaining({
        eventName: "GetOrdersById",
        userIdentity: expect.objectContaining({ userName: "alice" }),
        resources: [expect.objectContaining({ ARN: "arn:example:orders:::order/7" })],
      }),
    );
    expect(found).toContainEqual(
      expect.objectContaining({
        eventName: "PostOrders",
        requestParameters: { customer: "c-1", items: [1] },
      }),
    );
  });

  test("capture-fastify.ts answers when its event is durable, and stops at SIGTERM", async () => {
    const { child, ended, match } = await startExample(
      "capture-fastify.ts",
      /listening at (http:\/\/127\.0\.0\.1:\d+)/,
    );
    const response = await fetch(`${match[1]}/payments`, {
      method: "POST",
      headers: { "content-type": "application/json", "x-user": "bob", connection: "close" },
      body: JSON.stringify({ amount: 5, currency: "EUR", card: "4111" }),
    });
    expect(response.status).toBe(201);
    await fetch(`${match[1]}/health`, { headers: { connection: "close" } });
    child.kill("SIGTERM");
    expect(await ended).toBe(0);
    const found = await until("two events", async () => {
      const events = await eventsOf("payments.example.com");
      return events.length >= 2 ? events : undefined;
    });
    expect(new Set(found.map(nameOf))).toEqual(new Set(["PostPayments", "ServiceStarted"]));
    expect(found).toContainEqual(
      expect.objectContaining({
        requestParameters: { amount: 5, currency: "EUR" },
        responseElements: { paymentId: "p-1" },
      }),
    );
  });

  test("the demo's calls are found where it says, and its data is gone when it ends", async () => {
    const { child, ended, output } = await startExample("demo/main.ts", /Ctrl-C ends/);
    const setting = (name: string) => new RegExp(`export ${name}=(\\S+)`).exec(output())?.[1] ?? "";
    const credentialsFile = setting("AWS_SHARED_CREDENTIALS_FILE");
    const value = (name: string) =>
      new RegExp(`^${name} *= *(\\S+)`, "m").exec(readFileSync(credentialsFile, "utf8"))?.[1] ?? "";
    const credentials = {
      accessKeyId: value("aws_access_key_id"),
      secretAccessKey: value("aws_secret_access_key"),
    };
    const called = [...output().matchAll(/^ +alice called +.*?(\w+) +(us-\w+-\d)/gm)];
    expect(called.length).toBeGreaterThanOrEqual(6);
    for (const region of new Set(called.map(([, , each = ""]) => each))) {
      const endpoint = setting("AWS_ENDPOINT_URL");
      const cloudTrail = new CloudTrailClient({ endpoint, region, credentials });
      const wanted = called.filter(([, , each]) => each === region).map(([, name = ""]) => name);
      await until(`${wanted.join()} in ${region}`, async () => {
        const { Events = [] } = await cloudTrail.send(new LookupEventsCommand({}));
        const names = Events.map(({ EventName }) => EventName);
        return wanted.every((name) => names.includes(name)) ? true : undefined;
      });
      cloudTrail.destroy();
    }
    child.kill("SIGINT");
    expect(await ended).toBe(0);
    expect(existsSync(credentialsFile)).toBe(false);
  });
});
