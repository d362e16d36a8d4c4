// A Cognito emulator behind the gateway: people sign up, sign in and are administered, and no trace of who they are
// or what they know stays in anything that Cairn writes.
import { type ChildProcess, spawn } from "node:child_process";
import { createHmac } from "node:crypto";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { CloudTrailClient, LookupEventsCommand } from "@aws-sdk/client-cloudtrail";
import {
  AdminAddUserToGroupCommand,
  AdminCreateUserCommand,
  AdminDeleteUserCommand,
  AdminDisableUserCommand,
  AdminGetUserCommand,
  AdminInitiateAuthCommand,
  AdminListGroupsForUserCommand,
  AdminSetUserPasswordCommand,
  AdminUpdateUserAttributesCommand,
  ChangePasswordCommand,
  CognitoIdentityProviderClient,
  ConfirmForgotPasswordCommand,
  ConfirmSignUpCommand,
  CreateGroupCommand,
  CreateUserPoolClientCommand,
  CreateUserPoolCommand,
  DeleteUserCommand,
  DescribeUserPoolClientCommand,
  ForgotPasswordCommand,
  GetUserCommand,
  InitiateAuthCommand,
  ListUsersCommand,
  ListUsersInGroupCommand,
  RespondToAuthChallengeCommand,
  RevokeTokenCommand,
  SignUpCommand,
  UpdateUserAttributesCommand,
} from "@aws-sdk/client-cognito-identity-provider";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { JsonObject } from "../../src/event/json.ts";
import { type CairnProcess, startCairn } from "../tools/cairn.ts";
import { clientOf, eventLine, storeEvents } from "../tools/post-events.ts";
import { journalTexts, placesOf, textsIn, type WrittenText } from "./secret-search.ts";

interface Emulator {
  url: string;
  process: ChildProcess;
  folder: string;
}

/** The code that it "sends" to everyone. */
const code = "c0de-Kzq-4711";

async function startEmulator(): Promise<Emulator> {
  const folder = mkdtempSync(join(tmpdir(), "cognito-local-"));
  // Its own default makes every user name an e-mail address.
  mkdirSync(join(folder, ".cognito"));
  writeFileSync(
    join(folder, ".cognito", "config.json"),
    JSON.stringify({ UserPoolDefaults: { UsernameAttributes: [] } }),
  );
  const main = createRequire(import.meta.url).resolve("cognito-local");
  const child = spawn(process.execPath, [join(main, "..", "bin", "start.js")], {
    cwd: folder,
    env: { ...process.env, PORT: "0", HOST: "127.0.0.1", CODE: code },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const url = await new Promise<string>((resolve, reject) => {
    let written = "";
    child.stdout.on("data", (chunk: Buffer) => {
      written += chunk.toString();
      const found = /running on (http:\/\/[\w.:]+)/.exec(written)?.[1];
      if (found !== undefined) resolve(found);
    });
    child.once("exit", () => reject(new Error(`cognito-local ended:\n${written}`)));
  });
  return { url, process: child, folder };
}

const mary = {
  name: "mary.majors-handle",
  password: "Correct-Horse-7-Battery",
  nextPassword: "Staple/Tr0ub4dor+&3",
  email: "mary.major@people.example",
  nextEmail: "mary.elsewhere@people.example",
  phone: "+15550104477",
  fullName: "Mary Quite-Contrary Major",
};
const john = {
  name: "johns-handle-äö",
  password: "Temporary-9-Word!",
  nextPassword: "Lasting-8-Word?",
  email: "john.stiles@people.example",
  phone: "+15550108899",
};

/** What must stand nowhere; tokens are added as they are issued. */
const secrets = new Set([...Object.values(mary), ...Object.values(john), code, "no-such-handle"]);
const wrongPassword = "Guessed-1-Wrongly";
secrets.add(wrongPassword);

/** Every call made, with the error that the client saw. */
const calls: [string, string][] = [];
const subs = { mary: "", john: "" };

let emulator: Emulator;
let cairn: CairnProcess;
let logs = "";
let journal: WrittenText[];
let texts: WrittenText[];
let events: JsonObject[];

const planted = {
  event: "planted-in-an-event",
  user: "planted-in-the-registry",
  journal: "planted-in-the-journal",
  log: "planted-in-the-log",
};

interface Answer {
  AuthenticationResult?: { AccessToken?: string; IdToken?: string; RefreshToken?: string };
  Session?: string;
}

function keepTokens(answer: unknown): void {
  const { AuthenticationResult: tokens, Session } = answer as Answer;
  for (const token of [...Object.values(tokens ?? {}), Session]) {
    if (typeof token !== "string" || token.length < 20) continue;
    secrets.add(token);
    // The signature alone is enough to know a token again, and the payload names its user.
    for (const part of token.split(".").slice(1)) if (part.length >= 20) secrets.add(part);
  }
}

async function makeCalls(): Promise<void> {
  const settings = { endpoint: cairn.gatewayUrl, region: "us-east-1" };
  const client = new CognitoIdentityProviderClient({
    ...settings,
    credentials: cairn.credentials,
    maxAttempts: 1,
  });
  const call = async <T>(command: object): Promise<T> => {
    const name = command.constructor.name.replace(/Command$/, "");
    try {
      const answer = await client.send(command as never);
      keepTokens(answer);
      calls.push([name, ""]);
      return answer as T;
    } catch (error) {
      calls.push([name, (error as Error).name]);
      return {} as T;
    }
  };
  const { UserPool } = await call<{ UserPool: { Id: string } }>(
    new CreateUserPoolCommand({ PoolName: "people", UsernameAttributes: [] }),
  );
  const UserPoolId = UserPool.Id;
  const { UserPoolClient } = await call<{
    UserPoolClient: { ClientId: string; ClientSecret?: string };
  }>(new CreateUserPoolClientCommand({ UserPoolId, ClientName: "app", GenerateSecret: true }));
  const { ClientId, ClientSecret } = UserPoolClient;
  if (ClientSecret !== undefined) secrets.add(ClientSecret);
  await call(new DescribeUserPoolClientCommand({ UserPoolId, ClientId }));
  const attributes = [
    { Name: "email", Value: mary.email },
    { Name: "phone_number", Value: mary.phone },
    { Name: "name", Value: mary.fullName },
  ];
  const SecretHash = createHmac("sha256", ClientSecret ?? "")
    .update(mary.name + ClientId)
    .digest("base64");
  secrets.add(SecretHash);
  const person = { ClientId, Username: mary.name, SecretHash };
  const signUp = { ...person, Password: mary.password, UserAttributes: attributes };
  const { UserSub } = await call<{ UserSub: string }>(
    new SignUpCommand({
      ...signUp,
      ClientMetadata: { from: mary.email },
      ValidationData: [{ Name: "phone", Value: mary.phone }],
    }),
  );
  subs.mary = UserSub;
  await call(new SignUpCommand(signUp));
  await call(new ConfirmSignUpCommand({ ...person, ConfirmationCode: "not-the-code" }));
  await call(new ConfirmSignUpCommand({ ...person, ConfirmationCode: code }));
  const signIn = (USERNAME: string, PASSWORD: string) =>
    new InitiateAuthCommand({
      ClientId,
      AuthFlow: "USER_PASSWORD_AUTH",
      AuthParameters: { USERNAME, PASSWORD },
    });
  await call(signIn(mary.name, wrongPassword));
  await call(signIn("no-such-handle", wrongPassword));
  const { AuthenticationResult } = await call<Answer>(signIn(mary.name, mary.password));
  const AccessToken = AuthenticationResult?.AccessToken ?? "";
  const RefreshToken = AuthenticationResult?.RefreshToken ?? "";
  await call(new GetUserCommand({ AccessToken }));
  await call(
    new ChangePasswordCommand({
      AccessToken,
      PreviousPassword: mary.password,
      ProposedPassword: mary.nextPassword,
    }),
  );
  await call(
    new UpdateUserAttributesCommand({
      AccessToken,
      UserAttributes: [{ Name: "email", Value: mary.nextEmail }],
    }),
  );
  await call(
    new InitiateAuthCommand({
      ClientId,
      AuthFlow: "REFRESH_TOKEN_AUTH",
      AuthParameters: { REFRESH_TOKEN: RefreshToken },
    }),
  );
  await call(new ForgotPasswordCommand(person));
  await call(
    new ConfirmForgotPasswordCommand({
      ...person,
      ConfirmationCode: code,
      Password: mary.password,
    }),
  );
  await call(new RevokeTokenCommand({ ClientId, Token: RefreshToken }));

  const { User } = await call<{ User?: { Attributes?: { Name: string; Value: string }[] } }>(
    new AdminCreateUserCommand({
      UserPoolId,
      Username: john.name,
      TemporaryPassword: john.password,
      UserAttributes: [
        { Name: "email", Value: john.email },
        { Name: "phone_number", Value: john.phone },
      ],
    }),
  );
  subs.john = User?.Attributes?.find(({ Name }) => Name === "sub")?.Value ?? "";
  const admin = { UserPoolId, Username: john.name };
  await call(new AdminGetUserCommand(admin));
  await call(new AdminGetUserCommand({ UserPoolId, Username: "no-such-handle" }));
  const { Session } = await call<Answer>(signIn(john.name, john.password));
  await call(
    new RespondToAuthChallengeCommand({
      ClientId,
      ChallengeName: "NEW_PASSWORD_REQUIRED",
      Session,
      ChallengeResponses: { USERNAME: john.name, NEW_PASSWORD: john.nextPassword },
    }),
  );
  await call(
    new AdminSetUserPasswordCommand({ ...admin, Password: john.nextPassword, Permanent: true }),
  );
  await call(
    new AdminInitiateAuthCommand({
      UserPoolId,
      ClientId,
      AuthFlow: "ADMIN_USER_PASSWORD_AUTH",
      AuthParameters: { USERNAME: john.name, PASSWORD: john.nextPassword },
    }),
  );
  await call(
    new AdminUpdateUserAttributesCommand({
      ...admin,
      UserAttributes: [{ Name: "email", Value: john.email }],
    }),
  );
  await call(new CreateGroupCommand({ UserPoolId, GroupName: "staff" }));
  await call(new AdminAddUserToGroupCommand({ ...admin, GroupName: "staff" }));
  await call(new AdminListGroupsForUserCommand(admin));
  await call(new ListUsersInGroupCommand({ UserPoolId, GroupName: "staff" }));
  await call(new ListUsersCommand({ UserPoolId, Filter: `email = "${mary.nextEmail}"` }));
  await call(new ListUsersCommand({ UserPoolId }));
  await call(new AdminDisableUserCommand(admin));
  await call(new AdminDeleteUserCommand(admin));
  await call(new DeleteUserCommand({ AccessToken }));
}

async function plant(): Promise<void> {
  const client = clientOf(cairn);
  const event = { eventID: "planted", userName: planted.event };
  await storeEvents(client, [eventLine(event)]);
  await client.send({
    method: "POST",
    path: "/v1/users",
    body: JSON.stringify({ userName: planted.user }),
  });
}

/** Waits until a search finds something. */
async function foundSoon(search: () => Promise<unknown[]>): Promise<void> {
  const untilMs = performance.now() + 20_000;
  while ((await search()).length === 0)
    if (performance.now() > untilMs) throw new Error("the last event is not found after 20 s");
}

beforeAll(async () => {
  emulator = await startEmulator();
  const flags = ["--gateway-upstream", emulator.url, "--capture-mode", "strict"];
  flags.push("--log-level", "trace");
  const data = mkdtempSync(join(tmpdir(), "cairn-"));
  cairn = await startCairn({ data, flags });
  await plant();
  await makeCalls();
  const last = { eventID: "in-the-journal", userName: planted.journal };
  await clientOf(cairn).send({
    method: "POST",
    path: "/v1/events",
    body: eventLine(last),
  });
  // Acknowledged, and not yet in the store: what is in the journal now is what a crash leaves.
  await cairn.kill();
  logs += cairn.output();
  journal = journalTexts(data);

  cairn = await startCairn({ data, flags });
  const found = clientOf(cairn);
  await foundSoon(() => search({ eventId: last.eventID }));
  events = await search({ eventSource: "cognito-idp.amazonaws.com" });
  await new CloudTrailClient({
    endpoint: cairn.url,
    region: "us-east-1",
    credentials: cairn.credentials,
  })
    .send(
      new LookupEventsCommand({
        LookupAttributes: [{ AttributeKey: planted.log as "EventId", AttributeValue: "x" }],
      }),
    )
    .catch(() => undefined);
  await cairn.stop();
  logs += cairn.output();
  texts = [...(await textsIn(data)), { place: "log", text: logs }];

  async function search(query: Record<string, string>): Promise<JsonObject[]> {
    const answer = await found.json<{ events: { seq: string; event: JsonObject }[] }>({
      path: "/v1/events",
      query: new URLSearchParams(query),
    });
    // In the order of the calls: an event's own time counts in seconds.
    return answer.events
      .toSorted((a, b) => Number(a.seq) - Number(b.seq))
      .map(({ event }) => event);
  }
}, 180_000);

afterAll(() => {
  emulator.process.kill();
  rmSync(emulator.folder, { recursive: true, force: true });
  rmSync(cairn.data, { recursive: true, force: true });
});

describe("people behind the gateway", () => {
  test("every call is recorded, in order, with the error that the client saw", () => {
    expect(calls.filter(([, error]) => error === "").length).toBeGreaterThan(25);
    expect(events.map((event) => [event["eventName"], event["errorCode"] ?? ""])).toEqual(calls);
  });

  test("calls about one user name the sub, and nobody else", () => {
    expect(subs.mary).toMatch(/^[0-9a-f-]{36}$/);
    expect(subs.john).toMatch(/^[0-9a-f-]{36}$/);
    const named = events.map((event) => {
      const additional = event["additionalEventData"] as JsonObject | undefined;
      return [event["eventName"], additional?.["sub"]];
    });
    const of = (sub: string) => named.filter(([, each]) => each === sub).map(([name]) => name);
    expect(of(subs.mary)).toMatchInlineSnapshot(`
      [
        "SignUp",
        "InitiateAuth",
        "GetUser",
        "ChangePassword",
        "UpdateUserAttributes",
        "InitiateAuth",
        "DeleteUser",
      ]
    `);
    expect(of(subs.john)).toMatchInlineSnapshot(`
      [
        "AdminCreateUser",
        "AdminGetUser",
        "RespondToAuthChallenge",
        "AdminInitiateAuth",
      ]
    `);
    expect(named.filter(([, sub]) => sub !== undefined)).toHaveLength(
      of(subs.mary).length + of(subs.john).length,
    );
  });

  test("the search sees what is planted in the journal, the store, the registry and the log", () => {
    expect(placesOf([planted.journal], journal)).toHaveLength(1);
    expect(placesOf(Object.values(planted), texts)).toEqual(
      expect.arrayContaining([
        `store events_v1.user_name: ${planted.event}`,
        `store events_v1.raw: ${planted.event}`,
        `registry: ${planted.user}`,
        `log: ${planted.log}`,
      ]),
    );
    // And in every form that it might have.
    const text = Buffer.from(mary.password).toString("base64");
    expect(placesOf([mary.password], [{ place: "here", text: `..${text}..` }])).toHaveLength(1);
  });

  test("no password, token, code, user name, address or number is anywhere", () => {
    expect(secrets.size).toBeGreaterThan(25);
    expect(placesOf([...secrets], journal)).toEqual([]);
    expect(placesOf([...secrets], texts)).toEqual([]);
  });
});
