// The first steps without the AWS CLI: users, keys, roles, accounts, and the master key, against a real server.
import { spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { GetCallerIdentityCommand, GetSessionTokenCommand, STSClient } from "@aws-sdk/client-sts";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { systemRandom } from "../../src/base/random.ts";
import type { JsonObject } from "../../src/event/json.ts";
import { type CairnProcess, startCairn } from "../tools/cairn.ts";
import { clientOf } from "../tools/post-events.ts";

const program = join(import.meta.dirname, "..", "..", "dist", "cli", "cairn.cjs");
let cairn: CairnProcess;
let data: string;

beforeAll(async () => {
  data = mkdtempSync(join(tmpdir(), "cairn-cli-"));
  cairn = await startCairn({ data });
});
afterAll(async () => {
  await cairn.stop();
  rmSync(data, { recursive: true });
});

interface Run {
  code: number | null;
  stdout: string;
  stderr: string;
}

/** With the root key, unless the environment names another. */
function run(words: readonly string[], environment: Record<string, string> = {}): Promise<Run> {
  const env = { PATH: process.env["PATH"] ?? "", ...cairn.environment, ...environment };
  const child = spawn(process.execPath, [program, ...words], { env, cwd: tmpdir() });
  let [stdout, stderr] = ["", ""];
  child.stdout.on("data", (chunk: Buffer) => (stdout += chunk.toString()));
  child.stderr.on("data", (chunk: Buffer) => (stderr += chunk.toString()));
  return new Promise((resolve) => child.on("exit", (code) => resolve({ code, stdout, stderr })));
}

/** What it wrote; fails with its complaint where it did not end well. */
async function told(words: string, environment?: Record<string, string>): Promise<string> {
  const { code, stdout, stderr } = await run(words.split(" "), environment);
  if (code !== 0) throw new Error(`${words} ended with ${code}: ${stderr}`);
  return stdout;
}

const json = async (words: string, environment?: Record<string, string>) =>
  JSON.parse(await told(words, environment)) as JsonObject;

/** Credentials as `cairn key create` prints them, for the environment. */
async function keyOf(userName: string): Promise<Record<string, string>> {
  const { AccessKey } = (await json(`key create --user ${userName} --json`)) as {
    AccessKey: { AccessKeyId: string; SecretAccessKey: string };
  };
  return {
    AWS_ACCESS_KEY_ID: AccessKey.AccessKeyId,
    AWS_SECRET_ACCESS_KEY: AccessKey.SecretAccessKey,
  };
}

async function eventsNamed(eventName: string, count: number): Promise<JsonObject[]> {
  const query = new URLSearchParams({ eventName });
  const find = async () =>
    (
      await clientOf(cairn).json<{ events: { event: JsonObject }[] }>({
        path: "/v1/events",
        query,
      })
    ).events.map(({ event }) => event);
  await expect.poll(async () => (await find()).length, { timeout: 20_000 }).toBe(count);
  return find();
}

describe("who one is and whom there is", () => {
  test("cairn whoami says whose key it signs with, for root and for a user", async () => {
    expect(await told("whoami")).toBe(
      `account  111122223333\narn      arn:aws:iam::111122223333:root\nuser id  111122223333\nserver   ${cairn.url}\n`,
    );
    expect(await told("user create carol --path /team/")).toBe(
      "arn:aws:iam::111122223333:user/team/carol\n",
    );
    expect(await json("whoami --json", await keyOf("carol"))).toEqual({
      UserId: expect.stringMatching(/^AIDA/) as unknown,
      Account: "111122223333",
      Arn: "arn:aws:iam::111122223333:user/team/carol",
    });
  });

  test("a user is deleted once its keys are, and what is left is said in IAM's words", async () => {
    const made = await json("user create dave --json");
    expect(made).toEqual({
      User: {
        Path: "/",
        UserName: "dave",
        UserId: expect.stringMatching(/^AIDA/) as unknown,
        Arn: "arn:aws:iam::111122223333:user/dave",
        CreateDate: expect.any(String) as unknown,
      },
    });
    expect((await json("user list --json"))["Users"]).toContainEqual(made["User"]);
    const key = await keyOf("dave");
    expect(await run(["user", "delete", "dave"])).toMatchObject({
      code: 1,
      stderr: "cairn: DeleteConflict: Cannot delete entity, must delete access keys first.\n",
    });
    expect((await json("key list --json"))["AccessKeyMetadata"]).toContainEqual({
      UserName: "dave",
      AccessKeyId: key["AWS_ACCESS_KEY_ID"],
      Status: "Active",
      CreateDate: expect.any(String) as unknown,
    });
    await told(`key delete ${key["AWS_ACCESS_KEY_ID"]}`);
    expect(await told("user delete dave")).toBe("");
    expect(await told("user list")).not.toContain("dave");
    expect(await run(["user", "delete", "dave&<"])).toMatchObject({
      code: 1,
      stderr: expect.stringContaining("dave&<") as unknown,
    });
    expect(await run(["user", "delete", "dave"])).toMatchObject({
      code: 1,
      stderr: "cairn: NoSuchEntity: The user with name dave cannot be found.\n",
    });
  });

  test("accounts are made in an organization, and each has its role for the first administrator", async () => {
    expect(await told("account list")).toMatch(/^ACCOUNT .*\n111122223333\n$/);
    const tooEarly = await run(["account", "create", "Dev", "--email", "dev@example.com"]);
    expect(tooEarly.code).toBe(1);
    expect(tooEarly.stderr).toMatch(/^cairn: AWSOrganizationsNotInUse.*organization create` makes/);
    expect(await told("organization create")).toMatch(/^o-[a-z0-9]{10}\n$/);
    const id = (await told("account create Dev --email dev@example.com")).trim();
    expect(id).toMatch(/^\d{12}$/);
    expect(await run(["account", "create", "Dev", "--email", "dev@example.com"])).toMatchObject({
      code: 1,
      stderr: "cairn: the account was not made: EMAIL_ALREADY_EXISTS\n",
    });
    const { Accounts } = (await json("account list --json")) as { Accounts: { Id: string }[] };
    expect(Accounts.map((account) => account.Id).toSorted()).toEqual(
      ["111122223333", id].toSorted(),
    );
    expect(await told("account list")).toMatch(
      new RegExp(`^${id} +Dev +dev@example\\.com +ACTIVE +\\d{4}-`, "m"),
    );
  });

  test("roles are listed, however many they are and however they read", async () => {
    expect(await told("role list")).toBe("NAME  ID  PATH  CREATED\n");
    const statement = { Effect: "Allow", Principal: { AWS: "*" }, Action: "sts:AssumeRole" };
    for (let number = 0; number < 3; number++) {
      const form = new URLSearchParams({
        Action: "CreateRole",
        Version: "2010-05-08",
        RoleName: `role-${number}`,
        Description: "a < b & c",
        AssumeRolePolicyDocument: JSON.stringify({ Version: "2012-10-17", Statement: statement }),
      });
      await clientOf(cairn).send({
        method: "POST",
        path: "/",
        service: "iam",
        headers: { "content-type": "application/x-www-form-urlencoded" },
        body: form.toString(),
      });
    }
    expect(await told("role list")).toMatch(/^role-0 +AROA\w+ +\/ +\d{4}-.*\nrole-1 .*\nrole-2 /m);
    const { Roles } = (await json("role list --json")) as { Roles: JsonObject[] };
    expect(Roles).toHaveLength(3);
    expect(Roles[0]).toMatchObject({
      RoleName: "role-0",
      Description: "a < b & c",
      MaxSessionDuration: 3600,
      AssumeRolePolicyDocument: { Version: "2012-10-17" },
    });
  });
});

const answers = async (credentials: {
  accessKeyId: string;
  secretAccessKey: string;
  sessionToken?: string;
}) => {
  const client = new STSClient({
    endpoint: cairn.url,
    region: "us-east-1",
    credentials,
    maxAttempts: 1,
  });
  const { Arn } = await client.send(new GetCallerIdentityCommand({}));
  return Arn;
};

async function sessionOfRoot() {
  const { credentials } = cairn;
  const client = new STSClient({ endpoint: cairn.url, region: "us-east-1", credentials });
  const { Credentials } = await client.send(new GetSessionTokenCommand({}));
  return {
    accessKeyId: Credentials?.AccessKeyId ?? "",
    secretAccessKey: Credentials?.SecretAccessKey ?? "",
    sessionToken: Credentials?.SessionToken ?? "",
  };
}

const status = async () =>
  (await json("key rotate-master --status --json")) as {
    keyId: string;
    former?: { keyId: string; endedTime?: string };
  };

describe("cairn key rotate-master", () => {
  test("rotates while the server serves, reports, and forgets the old key when told to", async () => {
    const session = await sessionOfRoot();
    const before = await status();
    expect(before).toMatchObject({ source: "file", path: join(data, "master.key") });
    const done = new AbortController();
    const served: (string | undefined)[] = [];
    const serving = (async () => {
      while (!done.signal.aborted) served.push(await answers(cairn.credentials));
    })();
    const { code, stdout, stderr } = await run(["key", "rotate-master"]);
    done.abort();
    await serving;
    expect(new Set(served)).toEqual(new Set(["arn:aws:iam::111122223333:root"]));
    expect(code).toBe(0);
    const { keyId } = await status();
    expect(keyId).not.toBe(before.keyId);
    expect(stderr).toMatch(`Sealing anew: from key ${before.keyId} to key ${keyId}.`);
    expect(stdout).toMatch(/^Done: \d+ secrets sealed anew in 1 commits, \d/);
    expect(stdout).toContain(`  master key  ${keyId}  ${join(data, "master.key")}\n`);
    expect(stdout).toContain(`  old key     ${before.keyId}  ${join(data, "master.key.old")}\n`);
    expect(stdout).toMatch(/Session tokens from before the rotation end by \d{4}-.*Z\./);
    expect(await answers(session)).toMatch(/:root$/);

    const tooSoon = await run(["key", "rotate-master"]);
    expect(tooSoon).toMatchObject({ code: 1 });
    expect(tooSoon.stderr).toContain("still kept: forget it first");

    await cairn.stop();
    cairn = await startCairn({ data });
    expect(await answers(cairn.credentials)).toMatch(/:root$/);
    expect(await answers(session)).toMatch(/:root$/);
    expect(await told("key rotate-master --forget-old")).toMatch(`Forgotten: key ${before.keyId}.`);
    await expect(answers(session)).rejects.toThrow(/security token/);
    expect(await status()).not.toHaveProperty("former");
  });

  test("takes a given key, which no event shows, and ends sessions when asked to", async () => {
    const session = await sessionOfRoot();
    const key = systemRandom.bytes(32).toString("base64");
    const file = join(data, "next.key");
    writeFileSync(file, `${key}\n`, { mode: 0o600 });
    const report = await json(`key rotate-master --new-key-file ${file} --revoke-sessions --json`);
    expect(report).toMatchObject({
      former: { sessionsRevoked: true, endedTime: expect.any(String) as unknown },
      progress: { state: "finished" },
    });
    expect(readFileSync(join(data, "master.key"), "utf8").trim()).toBe(key);
    await expect(answers(session)).rejects.toThrow(/security token/);
    const [refused, ...done] = (await eventsNamed("RotateMasterKey", 3)).toSorted((a, b) =>
      "errorCode" in a ? -1 : "errorCode" in b ? 1 : 0,
    );
    expect(refused).toMatchObject({ errorCode: "UnmodifiableEntityException" });
    expect(done).toContainEqual(
      expect.objectContaining({
        eventSource: "cairn.internal",
        requestParameters: { newKeyGiven: true, revokeSessions: true },
        responseElements: { keyId: report["keyId"], formerKeyId: expect.any(String) as unknown },
      }),
    );
    expect(JSON.stringify(done)).not.toContain(key);
    await told("key rotate-master --forget-old");
  });

  test("is the root user's of the first account, and nobody else's", async () => {
    const { keyId } = await status();
    const carol = await keyOf("carol");
    for (const words of ["", " --status", " --forget-old"]) {
      const { code, stderr } = await run(`key rotate-master${words}`.split(" "), carol);
      expect({ code, words }).toEqual({ code: 1, words });
      expect(stderr).toMatch(
        /^cairn: AccessDenied: User: arn:aws:iam::111122223333:user\/team\/carol is not authorized/,
      );
    }
    expect((await status()).keyId).toBe(keyId);
    expect((await eventsNamed("RotateMasterKey", 4))[0]).toMatchObject({
      errorCode: "AccessDenied",
      userIdentity: { userName: "carol" },
    });
  });

  test("goes on by itself in the next process when this one is killed", async () => {
    const client = clientOf(cairn);
    for (let number = 0; number < 150; number++) {
      const body = JSON.stringify({ userName: `many-${number}` });
      await client.send({ method: "POST", path: "/v1/users", body });
      await client.send({ method: "POST", path: "/v1/keys", body });
    }
    const before = (await status()).keyId;
    const sent = client.send({ method: "POST", path: "/v1/master-key/rotation", body: "{}" });
    await sent.catch(() => undefined);
    await cairn.kill();
    cairn = await startCairn({ data });
    await expect
      .poll(async () => (await status()).former?.endedTime, { timeout: 20_000 })
      .toBeDefined();
    expect((await status()).former?.keyId).toBe(before);
    await told("key rotate-master --forget-old");
    await cairn.stop();
    cairn = await startCairn({ data });
    expect(await answers(cairn.credentials)).toMatch(/:root$/);
  });

  test("says what to do about a key that the server was given", async () => {
    const [first, second] = [1, 2].map((byte) => Buffer.alloc(32, byte).toString("base64"));
    const folder = join(data, "given");
    mkdirSync(folder);
    const main = cairn;
    try {
      cairn = await startCairn({
        data: folder,
        environment: { CAIRN_MASTER_KEY: first ?? "" },
      });
      const refused = await run(["key", "rotate-master"]);
      expect(refused.code).toBe(1);
      expect(refused.stderr).toContain("CAIRN_FORMER_MASTER_KEY as the present one");
      await cairn.stop();
      cairn = await startCairn({
        data: folder,
        environment: { CAIRN_MASTER_KEY: second ?? "", CAIRN_FORMER_MASTER_KEY: first ?? "" },
      });
      await expect
        .poll(() => told("key rotate-master --status"), { timeout: 20_000 })
        .toMatch(/CAIRN_FORMER_MASTER_KEY may go/);
      await cairn.stop();
      cairn = await startCairn({ data: folder, environment: { CAIRN_MASTER_KEY: second ?? "" } });
      expect(await answers(cairn.credentials)).toMatch(/:root$/);
      await cairn.stop();
      await expect(
        startCairn({ data: folder, environment: { CAIRN_MASTER_KEY: first ?? "" } }),
      ).rejects.toThrow(/ended with 2 [\s\S]*the secrets were sealed anew under key/);
    } finally {
      cairn = main;
    }
  });

  test("sends no key in the clear, and nothing at all when it is used wrongly", async () => {
    const away = { CAIRN_URL: "http://cairn.example.com", CAIRN_NEW_MASTER_KEY: "x" };
    expect(await run(["key", "rotate-master"], away)).toMatchObject({
      code: 2,
      stderr: expect.stringContaining("over https") as unknown,
    });
    expect(await run(["key", "rotate-master", "--status", "--forget-old"])).toMatchObject({
      code: 2,
    });
    expect(await run(["key", "rotate-master"], { CAIRN_URL: "http://127.0.0.1:9" })).toMatchObject({
      code: 1,
      stderr: expect.stringContaining("is it running?") as unknown,
    });
  });
});
