// STS through the AWS SDK: every kind of caller, what its events say, and every refusal.
import {
  AssumeRoleCommand,
  type AssumeRoleCommandInput,
  AssumeRoleWithWebIdentityCommand,
  type Credentials,
  DecodeAuthorizationMessageCommand,
  GetAccessKeyInfoCommand,
  GetCallerIdentityCommand,
  GetFederationTokenCommand,
  GetSessionTokenCommand,
  STSClient,
} from "@aws-sdk/client-sts";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { fromBase32, totpCode, totpStep } from "../../src/directory/totp.ts";
import type { SigningCredentials } from "../../src/signature/signer.ts";
import { type OidcIssuer, openOidcIssuer } from "../tools/oidc-issuer.ts";
import { accountId, type DoorWorld, openDoorWorld } from "./aws-door-world.ts";

const otherId = "444455556666";
let world: DoorWorld;
let issuer: OidcIssuer;
let alice: SigningCredentials;
let ids: Record<"alice" | "deploy" | "next" | "other" | "web" | "reports", string>;

function trust(principal: object, more: object = {}, actions: string[] = ["sts:AssumeRole"]) {
  const statement = { Effect: "Allow", Principal: principal, Action: actions, ...more };
  return JSON.stringify({ Version: "2012-10-17", Statement: [statement] });
}

beforeAll(async () => {
  [world, issuer] = await Promise.all([openDoorWorld(), openOidcIssuer()]);
  const { directory } = world;
  const { roles, users, accounts, oidcProviders } = directory;
  await accounts.create(otherId);
  const user = await users.create(accountId, { userName: "alice", path: "/team/" });
  alice = await directory.accessKeys.create(accountId, { userName: "alice" });
  await world.allow("user", "alice");
  const all = ["sts:AssumeRole", "sts:TagSession", "sts:SetSourceIdentity"];
  const made = async (account: string, roleName: string, trustPolicy: string) =>
    (await roles.create(account, { roleName, trustPolicy })).roleId;
  await oidcProviders.create(accountId, { url: issuer.url, clientIds: ["app"] });
  const provider = `arn:aws:iam::${accountId}:oidc-provider/${issuer.name}`;
  ids = {
    alice: user.userId,
    deploy: await made(accountId, "deploy", trust({ AWS: accountId }, {}, all)),
    next: await made(accountId, "next", trust({ AWS: accountId }, {}, all)),
    other: await made(
      otherId,
      "other",
      trust(
        { AWS: `arn:aws:iam::${accountId}:root` },
        { Condition: { StringEquals: { "sts:ExternalId": "agreed" } } },
      ),
    ),
    web: await made(
      accountId,
      "web",
      trust(
        { Federated: provider },
        { Condition: { StringEquals: { [`${issuer.name}:aud`]: "app" } } },
        ["sts:AssumeRoleWithWebIdentity"],
      ),
    ),
    reports: await made(accountId, "reports", trust({ Service: "reports.amazonaws.com" })),
  };
  await world.allow("role", "deploy");
  await world.allow("role", "next");
});
afterAll(async () => {
  await issuer[Symbol.asyncDispose]();
  await world[Symbol.asyncDispose]();
});

const sts = (credentials: SigningCredentials = world.root) =>
  new STSClient(world.client(credentials));

function credentialsOf(given: Credentials | undefined): SigningCredentials {
  const { AccessKeyId, SecretAccessKey, SessionToken } = given ?? {};
  if (AccessKeyId === undefined || SecretAccessKey === undefined || SessionToken === undefined) {
    throw new Error("no credentials");
  }
  return {
    accessKeyId: AccessKeyId,
    secretAccessKey: SecretAccessKey,
    sessionToken: SessionToken,
  };
}

const roleArnOf = (roleName: string, account = accountId) =>
  `arn:aws:iam::${account}:role/${roleName}`;

function assume(
  as: SigningCredentials,
  roleName: string,
  more: Partial<AssumeRoleCommandInput> = {},
  account = accountId,
) {
  const RoleArn = roleArnOf(roleName, account);
  return sts(as).send(new AssumeRoleCommand({ RoleArn, RoleSessionName: "s-1", ...more }));
}

const assumed = async (...given: Parameters<typeof assume>) =>
  credentialsOf((await assume(...given)).Credentials);

async function nameAndMessage(attempt: Promise<unknown>): Promise<string> {
  try {
    await attempt;
  } catch (error) {
    if (error instanceof Error) return `${error.name}: ${error.message}`;
    throw error;
  }
  return "accepted";
}

/** Makes one call with the credentials: what STS calls the caller, and what the event says. */
async function seen(credentials: SigningCredentials) {
  const { Arn, UserId, Account } = await sts(credentials).send(new GetCallerIdentityCommand());
  const event = (await world.events()).at(-1);
  return { Arn, UserId, Account, identity: event?.["userIdentity"], event };
}

const federate = async (as: SigningCredentials) =>
  credentialsOf((await sts(as).send(new GetFederationTokenCommand({ Name: "guest" }))).Credentials);

const refusalOf = (WebIdentityToken: string, more: object = {}) =>
  nameAndMessage(
    sts().send(
      new AssumeRoleWithWebIdentityCommand({
        RoleArn: roleArnOf("web"),
        RoleSessionName: "s-1",
        WebIdentityToken,
        ...more,
      }),
    ),
  );

const isoSeconds = expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
const attributes = (mfa: boolean) => ({
  creationDate: isoSeconds,
  mfaAuthenticated: String(mfa),
});
const roleIssuer = (roleName: string, roleId: string, account = accountId) => ({
  type: "Role",
  principalId: roleId,
  arn: roleArnOf(roleName, account),
  accountId: account,
  userName: roleName,
});
const assumedRole = (
  roleName: string,
  roleId: string,
  accessKeyId: string,
  context: object = {},
  account = accountId,
) => ({
  type: "AssumedRole",
  principalId: `${roleId}:s-1`,
  arn: `arn:aws:sts::${account}:assumed-role/${roleName}/s-1`,
  accountId: account,
  accessKeyId,
  sessionContext: {
    sessionIssuer: roleIssuer(roleName, roleId, account),
    attributes: attributes(false),
    ...context,
  },
});

describe("the identity in the event of", () => {
  const aliceArn = `arn:aws:iam::${accountId}:user/team/alice`;

  test("the root user", async () => {
    const { accessKeyId } = world.root;
    const arn = `arn:aws:iam::${accountId}:root`;
    const { identity, event, ...told } = await seen(world.root);
    expect(told).toEqual({ Arn: arn, UserId: accountId, Account: accountId });
    expect(identity).toEqual({ type: "Root", principalId: accountId, arn, accountId, accessKeyId });
    expect(event).toMatchObject({ recipientAccountId: accountId, awsRegion: "eu-central-1" });
  });

  test("the root user with temporary credentials, and with an alias", async () => {
    const answer = await sts().send(new GetSessionTokenCommand({ DurationSeconds: 7200 }));
    // The root user's are never good for more than an hour.
    expect(answer.Credentials?.Expiration?.getTime()).toBeLessThanOrEqual(Date.now() + 3_600_000);
    const session = credentialsOf(answer.Credentials);
    await world.directory.accounts.setAlias(accountId, "example");
    const { identity } = await seen(session);
    await world.directory.accounts.deleteAlias(accountId, "example");
    expect(identity).toEqual({
      type: "Root",
      principalId: accountId,
      arn: `arn:aws:iam::${accountId}:root`,
      accountId,
      accessKeyId: session.accessKeyId,
      userName: "example",
      sessionContext: { attributes: attributes(false) },
    });
  });

  test("an IAM user, with a long-term key and with a session without MFA", async () => {
    const user = {
      type: "IAMUser",
      principalId: ids.alice,
      arn: aliceArn,
      accountId,
      userName: "alice",
    };
    const { identity, event: _, ...told } = await seen(alice);
    expect(told).toEqual({ Arn: aliceArn, UserId: ids.alice, Account: accountId });
    expect(identity).toEqual({ ...user, accessKeyId: alice.accessKeyId });
    const answer = await sts(alice).send(new GetSessionTokenCommand({}));
    const session = credentialsOf(answer.Credentials);
    expect((await seen(session)).identity).toEqual({
      ...user,
      accessKeyId: session.accessKeyId,
      sessionContext: { attributes: attributes(false) },
    });
  });

  test("an IAM user with an MFA session, and of the role it assumes with it", async () => {
    const { mfaDevices, users, accessKeys } = world.directory;
    await users.create(accountId, { userName: "mfa" });
    const key = await accessKeys.create(accountId, { userName: "mfa" });
    await world.allow("user", "mfa");
    const { device, base32Seed } = await mfaDevices.create(accountId, { name: "mfa" });
    const { serialNumber: SerialNumber } = device;
    const step = totpStep(Date.now());
    const code = (at: number) => totpCode(fromBase32(base32Seed), at);
    await mfaDevices.enable(accountId, "mfa", SerialNumber, [code(step - 1), code(step)]);
    const ask = (TokenCode: string) =>
      sts(key).send(new GetSessionTokenCommand({ SerialNumber, TokenCode }));
    const wrong =
      "AccessDenied: MultiFactorAuthentication failed with invalid MFA one time pass code.";
    // Used up when the device was bound.
    expect(await nameAndMessage(ask(code(step)))).toBe(wrong);
    const session = credentialsOf((await ask(code(step + 1))).Credentials);
    expect(await nameAndMessage(ask(code(step + 1)))).toBe(wrong);
    expect((await seen(session)).identity).toMatchObject({
      type: "IAMUser",
      userName: "mfa",
      sessionContext: { attributes: attributes(true) },
    });
    const role = await assumed(session, "deploy");
    expect((await seen(role)).identity).toEqual(
      assumedRole("deploy", ids.deploy, role.accessKeyId, {
        sessionIssuer: roleIssuer("deploy", ids.deploy),
        attributes: attributes(true),
      }),
    );
  });

  test("an assumed role, with the source identity that it keeps", async () => {
    const session = await assumed(alice, "deploy", { SourceIdentity: "alice@example.com" });
    const { identity, event: _, ...told } = await seen(session);
    expect(told).toEqual({
      Arn: `arn:aws:sts::${accountId}:assumed-role/deploy/s-1`,
      UserId: `${ids.deploy}:s-1`,
      Account: accountId,
    });
    expect(identity).toEqual(
      assumedRole("deploy", ids.deploy, session.accessKeyId, {
        sourceIdentity: "alice@example.com",
      }),
    );
    const chained = await assumed(session, "next");
    expect((await seen(chained)).identity).toEqual(
      assumedRole("next", ids.next, chained.accessKeyId, { sourceIdentity: "alice@example.com" }),
    );
    expect(
      await nameAndMessage(assume(session, "next", { SourceIdentity: "someone-else" })),
    ).toMatch(/^AccessDenied: The source identity/);
  });

  test("a role of another account, and of the call that assumed it: one event for each account", async () => {
    const before = (await world.events()).length;
    const session = await assumed(alice, "other", { ExternalId: "agreed" }, otherId);
    const made = (await world.ownedEvents()).slice(before);
    expect(made.map(({ owner }) => owner)).toEqual([accountId, otherId]);
    const [own, theirs] = made.map(({ event }) => event);
    const shared = {
      eventName: "AssumeRole",
      readOnly: true,
      sharedEventID: expect.stringMatching(/^[0-9a-f-]{36}$/),
      requestParameters: {
        roleArn: roleArnOf("other", otherId),
        roleSessionName: "s-1",
        externalId: "agreed",
      },
      responseElements: {
        credentials: {
          accessKeyId: session.accessKeyId,
          expiration: expect.stringMatching(/^\w{3} \d\d?, \d{4},? /),
          sessionToken: "HIDDEN_DUE_TO_SECURITY_REASONS",
        },
        assumedRoleUser: {
          assumedRoleId: `${ids.other}:s-1`,
          arn: `arn:aws:sts::${otherId}:assumed-role/other/s-1`,
        },
      },
      resources: [{ accountId: otherId, type: "AWS::IAM::Role", ARN: roleArnOf("other", otherId) }],
    };
    expect(own).toMatchObject({
      ...shared,
      recipientAccountId: accountId,
      userIdentity: { type: "IAMUser", userName: "alice" },
    });
    expect(theirs).toMatchObject({ ...shared, recipientAccountId: otherId });
    expect(theirs?.["userIdentity"]).toEqual({
      type: "AWSAccount",
      principalId: ids.alice,
      accountId,
    });
    expect(own?.["sharedEventID"]).toBe(theirs?.["sharedEventID"]);
    expect(own?.["eventID"]).not.toBe(theirs?.["eventID"]);
    const { identity, event } = await seen(session);
    expect(identity).toEqual(assumedRole("other", ids.other, session.accessKeyId, {}, otherId));
    expect(event).toMatchObject({ recipientAccountId: otherId });
    expect(event).not.toHaveProperty("sharedEventID");
  });

  test("a federated user", async () => {
    const session = await federate(alice);
    const { identity, event: _, ...told } = await seen(session);
    const arn = `arn:aws:sts::${accountId}:federated-user/guest`;
    expect(told).toEqual({ Arn: arn, UserId: `${accountId}:guest`, Account: accountId });
    const federated = { type: "FederatedUser", principalId: `${accountId}:guest`, arn, accountId };
    expect(identity).toEqual({
      ...federated,
      accessKeyId: session.accessKeyId,
      sessionContext: {
        sessionIssuer: {
          type: "IAMUser",
          principalId: ids.alice,
          arn: aliceArn,
          accountId,
          userName: "alice",
        },
        attributes: attributes(false),
      },
    });
    const ofRoot = await federate(world.root);
    expect((await seen(ofRoot)).identity).toEqual({
      ...federated,
      accessKeyId: ofRoot.accessKeyId,
      sessionContext: {
        sessionIssuer: {
          type: "Root",
          principalId: accountId,
          arn: `arn:aws:iam::${accountId}:root`,
          accountId,
        },
        attributes: attributes(false),
      },
    });
  });

  test("the bearer of a web identity token, and of the role session that it becomes", async () => {
    const provider = `arn:aws:iam::${accountId}:oidc-provider/${issuer.name}`;
    const client = new STSClient({ ...world.client(), credentials: () => neverAsked() });
    for (const algorithm of ["RS256", "ES256"] as const) {
      const answer = await client.send(
        new AssumeRoleWithWebIdentityCommand({
          RoleArn: roleArnOf("web"),
          RoleSessionName: "s-1",
          WebIdentityToken: issuer.token({ sub: "user:42", aud: "app" }, { algorithm }),
        }),
      );
      expect(answer).toMatchObject({
        SubjectFromWebIdentityToken: "user:42",
        Audience: "app",
        Provider: provider,
        AssumedRoleUser: { AssumedRoleId: `${ids.web}:s-1` },
      });
      const event = (await world.events()).at(-1);
      expect(event?.["userIdentity"]).toEqual({
        type: "WebIdentityUser",
        principalId: `${provider}:app:user:42`,
        userName: "user:42",
        identityProvider: provider,
      });
      expect(event).toMatchObject({
        eventName: "AssumeRoleWithWebIdentity",
        recipientAccountId: accountId,
        awsRegion: "us-east-1",
        requestParameters: { roleArn: roleArnOf("web"), roleSessionName: "s-1" },
        responseElements: { subjectFromWebIdentityToken: "user:42", provider, audience: "app" },
      });
      const session = credentialsOf(answer.Credentials);
      expect((await seen(session)).identity).toEqual(
        assumedRole("web", ids.web, session.accessKeyId, {
          webIdFederationData: { federatedProvider: provider, attributes: {} },
        }),
      );
    }
  });

  test("a service principal, the role it assumes, and a call that it makes for someone", async () => {
    const { servicePrincipals, sessions } = world.directory;
    const name = "reports.amazonaws.com";
    await servicePrincipals.create(accountId, name);
    const service = await servicePrincipals.createKey(accountId, name);
    const { identity, event } = await seen(service);
    expect(identity).toEqual({ type: "AWSService", invokedBy: name });
    expect(event).toMatchObject({ sourceIPAddress: name, userAgent: name });
    const before = (await world.events()).length;
    const session = await assumed(service, "reports");
    const made = (await world.ownedEvents()).slice(before);
    expect(made).toHaveLength(1);
    expect(made[0]).toMatchObject({
      owner: accountId,
      event: { sharedEventID: expect.any(String), userIdentity: { type: "AWSService" } },
    });
    expect((await seen(session)).identity).toEqual({
      ...assumedRole("reports", ids.reports, session.accessKeyId),
      invokedBy: name,
    });
    const found = await world.directory.findKey(alice.accessKeyId);
    if (found === undefined) throw new Error("no key");
    const forwarded = sessions.forward(name, found.caller, 900);
    const onBehalf = await seen(forwarded);
    expect(onBehalf.identity).toEqual({
      type: "IAMUser",
      principalId: ids.alice,
      arn: aliceArn,
      accountId,
      accessKeyId: forwarded.accessKeyId,
      userName: "alice",
      sessionContext: { attributes: attributes(false) },
      invokedBy: name,
    });
    expect(onBehalf.event).toMatchObject({ sourceIPAddress: name, userAgent: name });
  });

  test("a session whose signature does not hold: nobody, with the key's id", async () => {
    const session = await assumed(alice, "deploy");
    const forged = { ...session, secretAccessKey: "guessed" };
    expect(await nameAndMessage(sts(forged).send(new GetCallerIdentityCommand()))).toMatch(
      /^SignatureDoesNotMatch/,
    );
    expect((await world.events()).at(-1)).toMatchObject({
      errorCode: "SignatureDoesNotMatch",
      userIdentity: { type: "Unknown", accessKeyId: session.accessKeyId },
      requestParameters: null,
    });
  });
});

function neverAsked(): never {
  throw new Error("a call without a signature needs no credentials");
}

describe("AssumeRole", () => {
  test("hands transitive tags on, shows them, and lets nobody change them", async () => {
    const Tags = [
      { Key: "Team", Value: "red" },
      { Key: "Cost", Value: "7" },
    ];
    const session = await assumed(alice, "deploy", { Tags, TransitiveTagKeys: ["Team"] });
    expect((await world.events()).at(-1)).toMatchObject({
      requestParameters: {
        tags: [
          { key: "Team", value: "red" },
          { key: "Cost", value: "7" },
        ],
        transitiveTagKeys: ["Team"],
      },
    });
    const next = await assume(session, "next", { Tags: [{ Key: "Step", Value: "2" }] });
    expect(next.PackedPolicySize).toBeGreaterThan(0);
    expect((await world.events()).at(-1)).toMatchObject({
      requestParameters: { incomingTransitiveTags: { Team: "red" } },
    });
    const { accessKeyId, sessionToken } = credentialsOf(next.Credentials);
    const found = await world.directory.findKey(accessKeyId, sessionToken);
    expect(found?.caller).toMatchObject({
      session: { tags: { Team: "red", Step: "2" }, transitiveTagKeys: ["Team"], chained: true },
    });
    expect(
      await nameAndMessage(assume(session, "next", { Tags: [{ Key: "TEAM", Value: "blue" }] })),
    ).toMatch(/^ValidationError: One of the specified transitive tag keys/);
  });

  test.each<[string, Partial<AssumeRoleCommandInput> & { as?: "root"; role?: string }, RegExp]>([
    ["root", { as: "root" }, /^AccessDenied: Roles may not be assumed by root accounts\.$/],
    [
      "no such role",
      { role: "absent" },
      /^AccessDenied: User: arn:aws:iam::111122223333:user\/team\/alice is not authorized to perform: sts:AssumeRole on resource: arn:aws:iam::111122223333:role\/absent because no role trust policy allows the sts:AssumeRole action$/,
    ],
    [
      "a role that trusts others",
      { role: "reports" },
      /^AccessDenied: User: .*role\/reports because no role trust policy allows/,
    ],
    [
      "a name that is no ARN",
      { RoleArn: "not-an-arn-of-a-role" },
      /^ValidationError: .* is invalid$/,
    ],
    ["a short session", { DurationSeconds: 899 }, /^ValidationError: .*'durationSeconds'.*900$/],
    [
      "a session longer than the role's",
      { DurationSeconds: 3601 },
      /^ValidationError: The requested DurationSeconds exceeds the MaxSessionDuration/,
    ],
    [
      "a duration that is no number",
      { DurationSeconds: "abc" as never },
      /^MalformedInput: 'abc' is no Integer \(at DurationSeconds\)$/,
    ],
    [
      "a duration that is not whole",
      { DurationSeconds: 900.5 },
      /^MalformedInput: '900.5' is no Integer/,
    ],
    ["a bad session name", { RoleSessionName: "a b" }, /^ValidationError: .*'roleSessionName'/],
    ["a bad session policy", { Policy: "{" }, /^MalformedPolicyDocument/],
    [
      "a session policy that is not there",
      { PolicyArns: [{ arn: `arn:aws:iam::${accountId}:policy/absent` }] },
      /^MalformedPolicyDocumentException: PolicyArn .* could not be found/,
    ],
    [
      "tags twice",
      {
        Tags: [
          { Key: "a", Value: "1" },
          { Key: "A", Value: "2" },
        ],
      },
      /^ValidationError: Duplicate tag keys/,
    ],
    ["a transitive tag that is none", { TransitiveTagKeys: ["x"] }, /^ValidationError: .*included/],
    ["a code without a device", { TokenCode: "123456" }, /^ValidationError: SerialNumber and/],
    [
      "somebody else's device",
      { SerialNumber: `arn:aws:iam::${accountId}:mfa/mfa`, TokenCode: "123456" },
      /^AccessDenied: MultiFactorAuthentication failed/,
    ],
  ])("%s is refused", async (_what, { as, role = "deploy", ...more }, expected) => {
    const credentials = as === "root" ? world.root : alice;
    expect(await nameAndMessage(assume(credentials, role, more))).toMatch(expected);
  });

  test("a role that asks for an external id is not assumed without it: no confused deputy", async () => {
    for (const ExternalId of [undefined, "guessed"]) {
      const before = (await world.events()).length;
      const more = ExternalId === undefined ? {} : { ExternalId };
      expect(await nameAndMessage(assume(alice, "other", more, otherId))).toMatch(
        /^AccessDenied: .*role\/other because no role trust policy allows/,
      );
      const refused = (await world.ownedEvents()).slice(before);
      // Whoever does not get in leaves no trace with the other account.
      expect(refused).toMatchObject([
        { owner: accountId, event: { errorCode: "AccessDenied", responseElements: null } },
      ]);
    }
  });

  test("a service says for which resource it assumes a role, and gets in only where the role is for that", async () => {
    const { servicePrincipals, roles } = world.directory;
    const name = "exports.amazonaws.com";
    await servicePrincipals.create(accountId, name);
    const service = await servicePrincipals.createKey(accountId, name);
    const ours = `arn:aws:exports:eu-central-1:${accountId}:export/7`;
    await roles.create(accountId, {
      roleName: "exports",
      trustPolicy: trust(
        { Service: name },
        {
          Condition: { StringEquals: { "aws:SourceArn": ours, "aws:SourceAccount": accountId } },
        },
      ),
    });
    const assumeFor = async (
      headers: Record<string, string>,
      as: SigningCredentials = service,
      step: "build" | "deserialize" = "build",
    ) => {
      const client = sts(as);
      const add = (request: unknown) =>
        void Object.assign((request as { headers: object }).headers, headers);
      const middleware = { step } as { step: "build" };
      client.middlewareStack.add((next) => (args) => (add(args.request), next(args)), middleware);
      const RoleArn = roleArnOf("exports");
      const { Credentials } = await client.send(
        new AssumeRoleCommand({ RoleArn, RoleSessionName: "s-1" }),
      );
      return credentialsOf(Credentials);
    };
    const session = await assumeFor({
      "x-amz-source-arn": ours,
      "x-amz-source-account": accountId,
    });
    const inScopeOf = { sourceArn: ours, sourceAccount: accountId };
    expect((await seen(session)).identity).toMatchObject({ invokedBy: name, inScopeOf });
    // The account is the ARN's own, where that names one.
    const again = await assumeFor({ "x-amz-source-arn": ours });
    expect((await seen(again)).identity).toMatchObject({ inScopeOf });
    const theirs = ours.replace(accountId, otherId);
    const refused = [{}, { "x-amz-source-arn": theirs }, { "x-amz-source-account": accountId }];
    for (const headers of refused) {
      expect(await nameAndMessage(assumeFor(headers as Record<string, string>))).toMatch(
        /^AccessDenied/,
      );
    }
    expect(await nameAndMessage(assumeFor({ "x-amz-source-arn": "a report" }))).toMatch(
      /^ValidationError: The header x-amz-source-arn/,
    );
    const contradicting = { "x-amz-source-arn": ours, "x-amz-source-account": otherId };
    expect(await nameAndMessage(assumeFor(contradicting))).toMatch(
      /^ValidationError: The header x-amz-source-account/,
    );
    // Added after the signature, as anyone on the way could.
    const added = assumeFor({ "x-amz-source-arn": ours }, service, "deserialize");
    expect(await nameAndMessage(added)).toMatch(/^AccessDenied/);
    // A user who says the same is no service.
    const trustPolicy = trust(
      { AWS: accountId },
      { Condition: { StringEquals: { "aws:SourceArn": ours } } },
    );
    await roles.updateTrust(accountId, "exports", trustPolicy);
    expect(await nameAndMessage(assumeFor({ "x-amz-source-arn": ours }, alice))).toMatch(
      /^AccessDenied/,
    );
  });

  test("a chain ends after an hour, whatever its roles allow", async () => {
    await world.directory.roles.update(accountId, "next", { maxSessionSeconds: 43_200 });
    const session = await assumed(alice, "next", { DurationSeconds: 43_200 });
    expect(await nameAndMessage(assume(session, "next", { DurationSeconds: 3601 }))).toMatch(
      /^ValidationError: .*1 hour session limit for roles assumed by role chaining$/,
    );
    expect(await nameAndMessage(assume(session, "next", { DurationSeconds: 3600 }))).toBe(
      "accepted",
    );
  });
});

describe("sessions", () => {
  test("get no further sessions of their own, and end when they are revoked", async () => {
    const session = credentialsOf(
      (await sts(alice).send(new GetSessionTokenCommand({}))).Credentials,
    );
    expect(await nameAndMessage(sts(session).send(new GetSessionTokenCommand({})))).toBe(
      "AccessDenied: Cannot call GetSessionToken with session credentials",
    );
    const federate = new GetFederationTokenCommand({ Name: "guest" });
    expect(await nameAndMessage(sts(session).send(federate))).toBe(
      "AccessDenied: Cannot call GetFederationToken with session credentials",
    );
    const federated = credentialsOf((await sts(alice).send(federate)).Credentials);
    expect(await nameAndMessage(assume(federated, "deploy"))).toMatch(/^AccessDenied/);
    await world.directory.users.revokeSessions(accountId, "alice");
    for (const each of [session, federated]) {
      expect(await nameAndMessage(sts(each).send(new GetCallerIdentityCommand()))).toBe(
        "InvalidClientTokenId: The security token included in the request is invalid.",
      );
    }
  });

  test("keys say whose account they are of, and messages are read by it alone", async () => {
    const session = await assumed(alice, "deploy");
    for (const AccessKeyId of [alice.accessKeyId, session.accessKeyId]) {
      const { Account } = await sts().send(new GetAccessKeyInfoCommand({ AccessKeyId }));
      expect(Account).toBe(accountId);
    }
    const unknown = new GetAccessKeyInfoCommand({ AccessKeyId: "AKIAIOSFODNN7EXAMPLE" });
    expect(await nameAndMessage(sts().send(unknown))).toMatch(/^ValidationError/);
    const EncodedMessage = world.directory.encodeMessage(accountId, '{"allowed":false}');
    const decode = new DecodeAuthorizationMessageCommand({ EncodedMessage });
    expect((await sts().send(decode)).DecodedMessage).toBe('{"allowed":false}');
    const junk = new DecodeAuthorizationMessageCommand({ EncodedMessage: `${EncodedMessage}x` });
    expect(await nameAndMessage(sts().send(junk))).toMatch(/^InvalidAuthorizationMessageException/);
  });
});

describe("AssumeRoleWithWebIdentity refuses", () => {
  const good = { sub: "user", aud: "app" };

  test("what is no token, no one's token, or not for this application; and records none of it", async () => {
    const before = (await world.events()).length;
    const nowSeconds = Math.floor(Date.now() / 1000);
    await using stranger = await openOidcIssuer();
    const [head = "", body = "", signature = ""] = issuer.token(good).split(".");
    const none = Buffer.from('{"alg":"none"}').toString("base64url");
    const cases: [string, RegExp][] = [
      [
        "not.a.token",
        /^InvalidIdentityToken(Exception)?: The ID Token provided is not a valid JWT/,
      ],
      [`${none}.${body}.${signature}`, /not a valid JWT/],
      [issuer.token(good, { header: { alg: "HS256" } }), /not a valid JWT/],
      [issuer.token(good, { header: { crit: ["x"] } }), /not a valid JWT/],
      [stranger.token(good), /No OpenIDConnect provider found in your account/],
      [stranger.token({ ...good, iss: issuer.url }), /is not signed by its identity provider/],
      [
        `${head}.${Buffer.from(`{"iss":"${issuer.url}"}`).toString("base64url")}.${signature}`,
        /is not signed/,
      ],
      [issuer.token(good, { keyId: "unknown" }), /Couldn't retrieve verification key/],
      [issuer.token({ ...good, aud: "other" }), /Incorrect token audience/],
      [issuer.token({ ...good, azp: "other" }), /Incorrect token audience/],
      [issuer.token({ aud: "app" }), /has no subject/],
      [issuer.token({ ...good, exp: nowSeconds - 1 }), /^ExpiredTokenException: Token expired/],
      [issuer.token({ ...good, nbf: nowSeconds + 3600 }), /not yet valid/],
      [issuer.token({ ...good, exp: "soon" }), /Missing a required claim/],
    ];
    for (const [token, expected] of cases) expect(await refusalOf(token)).toMatch(expected);
    expect(await refusalOf(issuer.token(good), { ProviderId: "graph.facebook.com" })).toMatch(
      /ProviderId/,
    );
    expect((await world.events()).length).toBe(before);
  });

  test("a role that does not trust the provider, and that is on record", async () => {
    expect(await refusalOf(issuer.token(good), { RoleArn: roleArnOf("deploy") })).toBe(
      "AccessDenied: Not authorized to perform sts:AssumeRoleWithWebIdentity",
    );
    expect((await world.events()).at(-1)).toMatchObject({
      errorCode: "AccessDenied",
      userIdentity: { type: "WebIdentityUser", userName: "user" },
      recipientAccountId: accountId,
    });
  });

  test("a key that its provider does not show, without asking it again and again", async () => {
    await using rotating = await openOidcIssuer();
    rotating.show(["RS256"]);
    await world.directory.oidcProviders.create(accountId, {
      url: rotating.url,
      clientIds: ["app"],
    });
    for (let calls = 0; calls < 3; calls++) await refusalOf(rotating.token(good));
    expect(rotating.asked()).toBe(2);
    // Within half a minute nobody makes us ask again.
    expect(await refusalOf(rotating.token(good, { algorithm: "ES256" }))).toMatch(
      /Couldn't retrieve/,
    );
    expect(rotating.asked()).toBe(2);
  });
});

test("no secret and no token is in any event, log or registry value", async () => {
  const session = await assumed(alice, "deploy");
  await seen(session);
  const everything = [
    JSON.stringify(await world.events()),
    JSON.stringify(await world.registry.list("")),
  ].join("\n");
  expect(everything).toContain(alice.accessKeyId);
  for (const secret of [
    alice.secretAccessKey,
    world.root.secretAccessKey,
    session.secretAccessKey,
    session.sessionToken ?? "",
  ]) {
    expect(everything).not.toContain(secret);
  }
});
