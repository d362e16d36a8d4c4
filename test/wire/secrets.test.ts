// Every kind of secret that there is goes through a real Cairn, rightly and wrongly used; none of them stays in anything that
// it writes: no column, journal segment, registry value, file, spool or log, not even at the most talkative log level.
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { SignatureV4 } from "@smithy/signature-v4";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createCapture } from "../../capture/src/index.ts";
import { systemClock } from "../../src/base/clock.ts";
import { systemRandom } from "../../src/base/random.ts";
import { queryCall } from "../../src/cli/aws-call.ts";
import { Client, Refusal } from "../../src/cli/client.ts";
import { loadMasterKey } from "../../src/directory/master-key.ts";
import { openDirectory } from "../../src/directory/open-directory.ts";
import { fromBase32, totpCode, totpStep } from "../../src/directory/totp.ts";
import { openLmdbRegistry } from "../../src/registry/lmdb/lmdb-registry.ts";
import { Sha256, type SigningCredentials } from "../../src/signature/signer.ts";
import {
  journalTexts,
  placesOf,
  textsIn,
  type WrittenText,
} from "../five-systems/secret-search.ts";
import { type CairnProcess, startCairn } from "../tools/cairn.ts";
import { openOidcIssuer } from "../tools/oidc-issuer.ts";
import { eventLine, storeEvents } from "../tools/post-events.ts";
import { awsJson, send } from "../tools/signed-call.ts";

const accountId = "111122223333";
const kinds = [
  "root key",
  "user key",
  "service key",
  "upstream key",
  "session of root",
  "session of a user with MFA",
  "session of a federated user",
  "session of a role",
  "session of a chained role",
  "session of a web identity",
  "session that a service forwards",
  "password",
  "TOTP seed",
  "one-time code",
  "OIDC token",
  "master key",
  "unknown token",
] as const;
type Kind = (typeof kinds)[number];

/** What must stand nowhere, by kind. */
const secrets = new Map<string, Kind>();
const planted = {
  event: "planted-in-an-event",
  user: "planted-in-the-registry",
  journal: "planted-in-the-journal",
  spool: "planted-in-the-spool",
  log: "planted-in-the-log",
};

let folder: string;
let data: string;
let cairn: CairnProcess;
let upstream: Server;
let root: SigningCredentials;
let logs = "";
let journal: WrittenText[];
let texts: WrittenText[];
/** What the answers were, so that a run in which nothing worked is no proof. */
const outcomes: string[] = [];

function keep(kind: Kind, ...values: (string | undefined)[]): void {
  for (const value of values) {
    if (value === undefined || value.length < 6) throw new Error(`no ${kind} to keep`);
    secrets.set(value, kind);
  }
}

function keepSession(kind: Kind, session: SigningCredentials): SigningCredentials {
  keep(kind, session.secretAccessKey, session.sessionToken);
  return session;
}

const clientOf = (credentials: SigningCredentials) =>
  new Client({
    url: new URL(cairn.url),
    region: "us-east-1",
    credentials: () => Promise.resolve(credentials),
    clock: systemClock,
  });

type Input = Record<string, string>;

/** An operation of IAM or STS; what a refusal says is looked through like everything else. */
async function call(
  who: SigningCredentials,
  operation: string,
  input: Input = {},
): Promise<Record<string, unknown>> {
  const [service, action = ""] = operation.split(":");
  try {
    const answer = await queryCall(clientOf(who), service as "iam" | "sts", action, input);
    outcomes.push(`${action} ok`);
    return answer;
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    outcomes.push(`${action} ${error.code}`);
    logs += `${error.message}\n`;
    return {};
  }
}

/** The `Credentials` of an answer of STS. */
function sessionIn(answer: Record<string, unknown>): SigningCredentials {
  const { AccessKeyId, SecretAccessKey, SessionToken } = (answer["Credentials"] ?? {}) as Input;
  return {
    accessKeyId: AccessKeyId ?? "",
    secretAccessKey: SecretAccessKey ?? "",
    sessionToken: SessionToken ?? "",
  };
}

async function newKey(kind: Kind, userName: string): Promise<SigningCredentials> {
  const { AccessKey } = await call(root, "iam:CreateAccessKey", { UserName: userName });
  const { AccessKeyId = "", SecretAccessKey = "" } = AccessKey as Input;
  keep(kind, SecretAccessKey);
  return { accessKeyId: AccessKeyId, secretAccessKey: SecretAccessKey };
}

/** Signs in the address, where the session token stands in the query. */
async function presigned(base: string, credentials: SigningCredentials): Promise<string> {
  const signer = new SignatureV4({
    service: "sts",
    region: "us-east-1",
    sha256: Sha256,
    credentials,
  });
  const { hostname, port } = new URL(base);
  const query = { Action: "GetCallerIdentity", Version: "2011-06-15" };
  const request = {
    method: "GET",
    protocol: "http:",
    hostname,
    port: Number(port),
    path: "/",
    query,
    headers: { host: `${hostname}:${port}` },
  };
  const { query: signed = {} } = await signer.presign(request, { expiresIn: 300 });
  return `/?${new URLSearchParams(signed as Input).toString().replaceAll("+", "%20")}`;
}

/** In every way that credentials can be used and misused, at every door. */
async function useEverywhere(credentials: SigningCredentials): Promise<void> {
  await call(credentials, "sts:GetCallerIdentity");
  await call(credentials, "iam:ListUsers", { Marker: "no-such-marker" });
  const body = "Action=GetCallerIdentity&Version=2011-06-15";
  const headers = { "content-type": "application/x-www-form-urlencoded" };
  const wrong = { ...credentials, secretAccessKey: "w".repeat(40) };
  const cut = {
    ...credentials,
    sessionToken: credentials.sessionToken?.slice(0, -9) ?? "x".repeat(99),
  };
  for (const url of [cairn.url, cairn.gatewayUrl]) {
    for (const each of [credentials, wrong, cut]) {
      const post = { url, method: "POST", headers, body, credentials: each, service: "sts" };
      await tell(send(post));
      await tell(send({ ...post, service: "no-such-service" }));
      await tell(send({ url, path: await presigned(url, each) }));
      await tell(send({ url, path: "/v1/events?limit=1", credentials: each }));
      await tell(
        awsJson({ url, target: "X.Nothing", input: "{", credentials: each, service: "sqs" }),
      );
    }
  }
}

/** An answer is something that Cairn wrote, too; the keys that it is there to give are looked for in none of these. */
async function tell(answer: Promise<{ text: string; status: number }>): Promise<void> {
  const { text, status } = await answer;
  outcomes.push(String(status));
  logs += `${text}\n`;
}

async function passwords(alice: SigningCredentials): Promise<void> {
  const [first, second, third, wrong, weak] = [
    "First-Horse-7-Battery",
    "Second/Tr0ub4dor+&3",
    "Third-Möhre-9-Word!",
    "Guessed-1-Wrongly?",
    "onlyletters",
  ];
  keep("password", first, second, third, wrong, weak);
  const user = { UserName: "alice" };
  await call(root, "iam:CreateLoginProfile", { ...user, Password: weak });
  await call(root, "iam:CreateLoginProfile", { ...user, Password: first });
  await call(root, "iam:CreateLoginProfile", { ...user, Password: first });
  await call(root, "iam:UpdateLoginProfile", { ...user, Password: second });
  await call(root, "iam:UpdateLoginProfile", { UserName: "nobody", Password: second });
  await call(alice, "iam:ChangePassword", { OldPassword: wrong, NewPassword: third });
  await call(alice, "iam:ChangePassword", { OldPassword: second, NewPassword: third });
  // Not as the operation wants it: the complaint must not repeat it.
  await call(alice, "iam:ChangePassword", { OldPassword: third, NewPassword: "" });
  await call(alice, "iam:CreateUser", { UserName: "bob", Password: third });
  await call(alice, "iam:NoSuchOperation", { UserName: "bob", Password: third });
}

async function mfaSession(alice: SigningCredentials): Promise<SigningCredentials> {
  const { VirtualMFADevice } = await call(root, "iam:CreateVirtualMFADevice", {
    VirtualMFADeviceName: "phone",
  });
  const { SerialNumber = "", Base32StringSeed = "" } = VirtualMFADevice as Input;
  const seed = Buffer.from(Base32StringSeed, "base64").toString();
  keep("TOTP seed", seed, Base32StringSeed);
  const code = (step: number) => totpCode(fromBase32(seed), step);
  const step = totpStep(systemClock.nowMs());
  const device = { UserName: "alice", SerialNumber };
  const codes = { AuthenticationCode1: code(step - 1), AuthenticationCode2: code(step) };
  await call(root, "iam:EnableMFADevice", {
    ...device,
    AuthenticationCode1: "000000",
    AuthenticationCode2: "000000",
  });
  await call(root, "iam:EnableMFADevice", { ...device, ...codes });
  for (const each of [code(step - 1), code(step), code(step + 1)]) {
    // As an event would have it: six digits alone stand in many numbers.
    for (const name of ["Code", "Code1", "Code2"]) {
      keep("one-time code", `${name}":"${each}"`, `${name}=${each}`);
    }
  }
  const mfa = { SerialNumber, TokenCode: code(step + 1) };
  return sessionIn(await call(alice, "sts:GetSessionToken", mfa));
}

const trust = (principal: object, action: string) =>
  JSON.stringify({
    Version: "2012-10-17",
    Statement: [{ Effect: "Allow", Principal: principal, Action: action }],
  });

const roleArn = (name: string) => `arn:aws:iam::${accountId}:role/${name}`;

const assume = async (who: SigningCredentials, name: string) =>
  sessionIn(await call(who, "sts:AssumeRole", { RoleArn: roleArn(name), RoleSessionName: "ci" }));

async function roleSessions(alice: SigningCredentials): Promise<SigningCredentials[]> {
  const everything = JSON.stringify({
    Version: "2012-10-17",
    Statement: [{ Effect: "Allow", Action: "*", Resource: "*" }],
  });
  for (const name of ["deploy", "next"]) {
    const AssumeRolePolicyDocument = trust(
      { AWS: `arn:aws:iam::${accountId}:root` },
      "sts:AssumeRole",
    );
    await call(root, "iam:CreateRole", { RoleName: name, AssumeRolePolicyDocument });
    const policy = { RoleName: name, PolicyName: "all", PolicyDocument: everything };
    await call(root, "iam:PutRolePolicy", policy);
  }
  const role = keepSession("session of a role", await assume(alice, "deploy"));
  return [role, keepSession("session of a chained role", await assume(role, "next"))];
}

async function webIdentity(): Promise<SigningCredentials> {
  await using issuer = await openOidcIssuer();
  await call(root, "iam:CreateOpenIDConnectProvider", {
    Url: issuer.url,
    "ClientIDList.member.1": "cairn",
    "ThumbprintList.member.1": "a".repeat(40),
  });
  const Federated = `arn:aws:iam::${accountId}:oidc-provider/${issuer.name}`;
  await call(root, "iam:CreateRole", {
    RoleName: "web",
    AssumeRolePolicyDocument: trust({ Federated }, "sts:AssumeRoleWithWebIdentity"),
  });
  const good = issuer.token({ sub: "mallory", aud: "cairn", email: "private@people.example" });
  const expired = issuer.token({ sub: "mallory", aud: "cairn", exp: 1_700_000_000 });
  const tampered = `${good.slice(0, -6)}AAAAAA`;
  for (const token of [good, expired]) keep("OIDC token", token, ...token.split(".").slice(1));
  keep("OIDC token", tampered);
  const assume = async (WebIdentityToken: string) =>
    sessionIn(
      await call(root, "sts:AssumeRoleWithWebIdentity", {
        RoleArn: roleArn("web"),
        RoleSessionName: "browser",
        WebIdentityToken,
      }),
    );
  for (const token of [expired, tampered]) await assume(token);
  // Without a signature, as a browser asks.
  const form = new URLSearchParams({
    Action: "AssumeRoleWithWebIdentity",
    Version: "2011-06-15",
    RoleArn: roleArn("no-such-role"),
    RoleSessionName: "browser",
    WebIdentityToken: good,
  });
  const headers = { "content-type": "application/x-www-form-urlencoded" };
  for (const url of [cairn.url, cairn.gatewayUrl]) {
    await tell(send({ url, method: "POST", headers, body: form.toString() }));
  }
  return keepSession("session of a web identity", await assume(good));
}

/** What no call makes yet: on the folder of a Cairn that has stopped. */
async function serviceCredentials(): Promise<SigningCredentials[]> {
  const masterKey = await loadMasterKey({ path: join(data, "master.key"), random: systemRandom });
  const registry = await openLmdbRegistry({ folder: join(data, "registry") });
  const directory = openDirectory({
    registry,
    masterKey: masterKey.current,
    formerMasterKey: masterKey.former,
    clock: systemClock,
    random: systemRandom,
    firstAccountId: accountId,
  });
  await directory.servicePrincipals.create(accountId, "reports.amazonaws.com");
  const key = await directory.servicePrincipals.createKey(accountId, "reports.amazonaws.com");
  keep("service key", key.secretAccessKey);
  const caller = (await directory.findKey(root.accessKeyId))?.caller;
  if (caller === undefined) throw new Error("the root key is gone");
  const forwarded = directory.sessions.forward("reports.amazonaws.com", caller, 900);
  await registry.close();
  return [key, keepSession("session that a service forwards", forwarded)];
}

async function rotate(): Promise<void> {
  const path = join(data, "master.key");
  const before = readFileSync(path, "utf8").trim();
  const next = systemRandom.bytes(32).toString("base64");
  for (const key of [before, next]) {
    keep("master key", key, Buffer.from(key, "base64").toString("hex"));
  }
  const post = { method: "POST", path: "/v1/master-key/rotation" };
  for (const body of [
    JSON.stringify({ newKey: before }),
    JSON.stringify({ newKey: `${next}xx` }),
    JSON.stringify({ newKey: next, revokeSessions: 1 }),
    `{"newKey":"${next}"`,
    JSON.stringify({ newKey: next }),
    JSON.stringify({ newKey: before }),
  ]) {
    const path = "/v1/master-key/rotation";
    await tell(send({ ...post, path, url: cairn.url, credentials: root, body }));
  }
  expect(readFileSync(path, "utf8").trim()).toBe(next);
}

/** The capture library waits for a Cairn that is away; its events go to its spool. */
async function spool(): Promise<void> {
  const spoolFolder = join(folder, "spool");
  const secretAccessKey = systemRandom.text(40, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOP");
  keep("user key", secretAccessKey);
  const errors: string[] = [];
  const capture = createCapture({
    url: "http://127.0.0.1:9",
    credentials: { accessKeyId: "AKIACAPTURE", secretAccessKey },
    service: "orders.internal",
    mode: "strict",
    strict: "spool",
    spool: { folder: spoolFolder },
    onError: (error) => errors.push(`${error.message} ${String(error.cause)}`),
  });
  await capture.record({ eventName: planted.spool });
  await capture.close({ timeoutMs: 100 });
  logs += errors.join("\n");
}

function spoolTexts(): WrittenText[] {
  const place = join(folder, "spool");
  return readdirSync(place, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => ({
      place: `spool ${entry.name}`,
      text: readFileSync(join(entry.parentPath, entry.name), "latin1"),
    }));
}

const start = () =>
  startCairn({ data, flags: ["--log-level", "trace", "--config", join(folder, "cairn.yaml")] });

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "cairn-secrets-"));
  data = join(folder, "data");
  upstream = createServer((request, response) => {
    request.resume().on("end", () => {
      response.writeHead(200, { "content-type": "application/x-amz-json-1.1" }).end("{}");
    });
  });
  await new Promise<void>((resolve) => upstream.listen(0, "127.0.0.1", resolve));
  const upstreamUrl = `http://127.0.0.1:${(upstream.address() as AddressInfo).port}`;
  const upstreamSecret = "upstream-secret-Kzq-4711";
  keep("upstream key", upstreamSecret);
  writeFileSync(
    join(folder, "cairn.yaml"),
    `capture-mode: strict
gateway-upstream: ${upstreamUrl}
gateway:
  upstreams:
    sqs: {url: ${upstreamUrl}, mode: re-sign, access-key-id: AKIAUPSTREAM, secret-access-key: ${upstreamSecret}}
`,
  );
  cairn = await start();
  root = cairn.credentials;
  keep("root key", root.secretAccessKey);
  await storeEvents(clientOf(root), [eventLine({ eventID: "planted", userName: planted.event })]);
  await call(root, "iam:CreateUser", { UserName: planted.user });
  await call(root, "iam:CreateUser", { UserName: "alice" });
  await call(root, "iam:AttachUserPolicy", {
    UserName: "alice",
    PolicyArn: "arn:aws:iam::aws:policy/AdministratorAccess",
  });
  const alice = await newKey("user key", "alice");
  await passwords(alice);
  const used = [
    root,
    alice,
    keepSession("session of root", sessionIn(await call(root, "sts:GetSessionToken"))),
    keepSession("session of a user with MFA", await mfaSession(alice)),
    keepSession(
      "session of a federated user",
      sessionIn(await call(alice, "sts:GetFederationToken", { Name: "guest" })),
    ),
    ...(await roleSessions(alice)),
    await webIdentity(),
  ];
  const unknownToken = systemRandom.text(300, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghij");
  keep("unknown token", unknownToken);
  used.push({
    accessKeyId: "ASIAUNKNOWNUNKNOWN12",
    secretAccessKey: "x",
    sessionToken: unknownToken,
  });
  for (const credentials of used) await useEverywhere(credentials);
  await rotate();
  await spool();
  // Acknowledged, and not yet in the store: what is in the journal now is what a crash leaves.
  await clientOf(root).send({
    method: "POST",
    path: "/v1/events",
    body: eventLine({ eventID: "last", userName: planted.journal }),
  });
  await cairn.kill();
  logs += cairn.output();
  journal = journalTexts(data);

  const services = await serviceCredentials();
  cairn = await start();
  for (const credentials of services) await useEverywhere(credentials);
  await tell(send({ url: cairn.url, path: `/v1/${planted.log}`, credentials: root }));
  await cairn.stop();
  logs += cairn.output();
  texts = [...(await textsIn(data)), ...spoolTexts(), { place: "log", text: logs }];
}, 240_000);

afterAll(() => {
  upstream.close();
  rmSync(folder, { recursive: true, force: true });
});

/** Where a secret may stand: in the file that is there to hold it, mode 600. */
function isItsHome(found: string): boolean {
  const [, place = "", secret = ""] = /^(file [^:]+): (.*)$/s.exec(found) ?? [];
  const kind = secrets.get(secret);
  if (kind === "root key") return place === "file credentials";
  return kind === "master key" && /^file master\.key(\.old)?$/.test(place);
}

const strays = (where: readonly WrittenText[]) =>
  placesOf([...secrets.keys()], where)
    .filter((found) => !isItsHome(found))
    .map((found) => `${secrets.get(found.replace(/^.*?: /s, ""))} in ${found}`);

test("every kind of secret was there, and was used with success and without", () => {
  expect(new Set(secrets.values())).toEqual(new Set(kinds));
  for (const outcome of ["200", "400", "403", "404", "GetCallerIdentity ok", "ChangePassword ok"]) {
    expect(outcomes).toContain(outcome);
  }
  expect(outcomes).toContain("ChangePassword AccessDenied");
  expect(outcomes).toContain("AssumeRoleWithWebIdentity ExpiredTokenException");
});

test("the search sees what is planted in the journal, the store, the registry, the spool and the log", () => {
  expect(placesOf([planted.journal], journal)).toHaveLength(1);
  expect(placesOf(Object.values(planted), texts)).toEqual(
    expect.arrayContaining([
      `store events_v1.user_name: ${planted.event}`,
      `store events_v1.raw: ${planted.event}`,
      `registry: ${planted.user}`,
      expect.stringMatching(new RegExp(`^spool .*: ${planted.spool}$`)),
      `log: ${planted.log}`,
    ]),
  );
});

test("the search fails on a secret of each kind, wherever one is planted", () => {
  for (const kind of kinds) {
    const [secret = ""] = [...secrets].find(([, each]) => each === kind) ?? [];
    for (const place of ["store events_v1.raw", "registry", "log", "journal 1", "file store.log"]) {
      const written = [{ place, text: `{"a":${JSON.stringify(`x${secret}y`)}}` }];
      expect(strays(written)).toContain(`${kind} in ${place}: ${secret}`);
    }
  }
  // Where a secret is at home nothing else is, and no other one.
  const [master = ""] = [...secrets].find(([, kind]) => kind === "master key") ?? [];
  expect(strays([{ place: "file credentials", text: master }])).toHaveLength(1);
  expect(strays([{ place: "file master.key", text: root.secretAccessKey }])).toHaveLength(1);
  // The secrets that files are there to hold are found there.
  expect(placesOf([master, root.secretAccessKey], texts)).toEqual(
    expect.arrayContaining([
      `file credentials: ${root.secretAccessKey}`,
      `file master.key.old: ${master}`,
    ]),
  );
});

test("no secret is anywhere else", () => {
  expect(strays(journal)).toEqual([]);
  expect(strays(texts)).toEqual([]);
});
