// Every kind of caller that signs, made in a directory by real calls of STS; and what userIdentity says of each, in
// the shape that CloudTrail documents. One table: every door is held against it.
import {
  AssumeRoleCommand,
  type AssumeRoleCommandInput,
  AssumeRoleWithWebIdentityCommand,
  type Credentials,
  GetFederationTokenCommand,
  GetSessionTokenCommand,
  STSClient,
} from "@aws-sdk/client-sts";
import { expect } from "vitest";
import { fromBase32, totpCode, totpStep } from "../../src/directory/totp.ts";
import type { SigningCredentials } from "../../src/signature/signer.ts";
import { accountId, type DoorWorld } from "../wire/aws-door-world.ts";
import type { OidcIssuer } from "./oidc-issuer.ts";

export const otherAccountId = "444455556666";
export const serviceName = "reports.amazonaws.com";
const session = "s-1";

export interface KnownCaller {
  kind: string;
  credentials: SigningCredentials;
  /** The whole of `userIdentity`. */
  identity: object;
}

export interface MadeCallers {
  signing: KnownCaller[];
  /** One of `signing`. */
  byKind(kind: string): KnownCaller;
  /** The call of a web identity's bearer, who signs nothing, and what userIdentity says of that. */
  webIdentity: { command: () => AssumeRoleWithWebIdentityCommand; identity: object };
}

const roleArn = (roleName: string, account = accountId) =>
  `arn:aws:iam::${account}:role/${roleName}`;

function trust(principal: object, actions = ["sts:AssumeRole"]): string {
  const statement = { Effect: "Allow", Principal: principal, Action: actions };
  return JSON.stringify({ Version: "2012-10-17", Statement: [statement] });
}

function signing(given: Credentials | undefined): SigningCredentials {
  const { AccessKeyId, SecretAccessKey, SessionToken } = given ?? {};
  if (AccessKeyId === undefined || SecretAccessKey === undefined || SessionToken === undefined) {
    throw new Error("STS gave no credentials");
  }
  return {
    accessKeyId: AccessKeyId,
    secretAccessKey: SecretAccessKey,
    sessionToken: SessionToken,
  };
}

const attributes = (mfa = false) => ({
  creationDate: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/) as string,
  mfaAuthenticated: String(mfa),
});
const signed = (credentials: SigningCredentials, account = accountId) => ({
  accountId: account,
  accessKeyId: credentials.accessKeyId,
});
const rootShape = (credentials: SigningCredentials) => ({
  type: "Root",
  principalId: accountId,
  arn: `arn:aws:iam::${accountId}:root`,
  ...signed(credentials),
});
const guestShape = (credentials: SigningCredentials, sessionIssuer: object) => ({
  type: "FederatedUser",
  principalId: `${accountId}:guest`,
  arn: `arn:aws:sts::${accountId}:federated-user/guest`,
  ...signed(credentials),
  sessionContext: { sessionIssuer, attributes: attributes() },
});

export async function makeCallers(world: DoorWorld, issuer: OidcIssuer): Promise<MadeCallers> {
  const { root, directory } = world;
  const { accounts, users, roles, accessKeys, mfaDevices, oidcProviders, servicePrincipals } =
    directory;
  const sts = (credentials: SigningCredentials) => new STSClient(world.client(credentials));
  await accounts.create(otherAccountId);
  const user = await users.create(accountId, { userName: "alice", path: "/team/" });
  const alice = await accessKeys.create(accountId, { userName: "alice" });
  await oidcProviders.create(accountId, { url: issuer.url, clientIds: ["app"] });
  const provider = `arn:aws:iam::${accountId}:oidc-provider/${issuer.name}`;
  await servicePrincipals.create(accountId, serviceName);
  const service = await servicePrincipals.createKey(accountId, serviceName);
  const make = async (roleName: string, trustPolicy: string, account = accountId) =>
    (await roles.create(account, { roleName, trustPolicy })).roleId;
  const ours = trust({ AWS: accountId }, ["sts:AssumeRole", "sts:SetSourceIdentity"]);
  const ids = {
    deploy: await make("deploy", ours),
    next: await make("next", ours),
    other: await make("other", ours, otherAccountId),
    web: await make("web", trust({ Federated: provider }, ["sts:AssumeRoleWithWebIdentity"])),
    reports: await make("reports", trust({ Service: serviceName })),
  };

  const assume = async (
    as: SigningCredentials,
    roleName: string,
    more: Partial<AssumeRoleCommandInput> & { account?: string } = {},
  ) => {
    const { account, ...rest } = more;
    const RoleArn = roleArn(roleName, account);
    const command = new AssumeRoleCommand({ RoleArn, RoleSessionName: session, ...rest });
    return signing((await sts(as).send(command)).Credentials);
  };
  const assumeFor = async (as: SigningCredentials, roleName: string, sourceArn: string) => {
    const client = sts(as);
    client.middlewareStack.add(
      (next) => (args) => {
        const { headers } = args.request as { headers: Record<string, string> };
        headers["x-amz-source-arn"] = sourceArn;
        return next(args);
      },
      { step: "build" },
    );
    const RoleArn = roleArn(roleName);
    const command = new AssumeRoleCommand({ RoleArn, RoleSessionName: session });
    return signing((await client.send(command)).Credentials);
  };
  const federate = async (as: SigningCredentials) => {
    const command = new GetFederationTokenCommand({ Name: "guest" });
    return signing((await sts(as).send(command)).Credentials);
  };
  const withMfa = async () => {
    const { device, base32Seed } = await mfaDevices.create(accountId, { name: "alice" });
    const step = totpStep(Date.now());
    const code = (at: number) => totpCode(fromBase32(base32Seed), at);
    const { serialNumber: SerialNumber } = device;
    await mfaDevices.enable(accountId, "alice", SerialNumber, [code(step - 1), code(step)]);
    const TokenCode = code(step + 1);
    const command = new GetSessionTokenCommand({ SerialNumber, TokenCode });
    return signing((await sts(alice).send(command)).Credentials);
  };
  const webIdentity = () =>
    new AssumeRoleWithWebIdentityCommand({
      RoleArn: roleArn("web"),
      RoleSessionName: session,
      WebIdentityToken: issuer.token({ sub: "user:42", aud: "app" }),
    });
  const onBehalfOf = async ({ accessKeyId, sessionToken }: SigningCredentials) => {
    const found = await directory.findKey(accessKeyId, sessionToken);
    if (found === undefined) throw new Error("no such key");
    return directory.sessions.forward(serviceName, found.caller, 900);
  };

  await world.allow("user", "alice");
  for (const roleName of ["deploy", "next"]) await world.allow("role", roleName);
  const rootSession = signing((await sts(root).send(new GetSessionTokenCommand({}))).Credentials);
  const mfaSession = await withMfa();
  const deploy = await assume(alice, "deploy", { SourceIdentity: "alice@example.com" });
  const next = await assume(deploy, "next");
  const other = await assume(alice, "other", { account: otherAccountId });
  const web = signing((await sts(root).send(webIdentity())).Credentials);
  const mfaRole = await assume(mfaSession, "deploy");
  const reports = await assume(service, "reports");
  const inScopeOf = {
    sourceArn: `arn:aws:reports:eu-central-1:${accountId}:report/7`,
    sourceAccount: accountId,
  };
  const scoped = await assumeFor(service, "reports", inScopeOf.sourceArn);
  const guest = await federate(alice);
  const rootGuest = await federate(root);
  const aliceForService = await onBehalfOf(alice);
  const otherForService = await onBehalfOf(other);
  const forged = { ...alice, secretAccessKey: "guessed" };
  const forgedSession = { ...deploy, secretAccessKey: "guessed" };

  const aliceArn = `arn:aws:iam::${accountId}:user/team/alice`;
  const aliceShape = (credentials: SigningCredentials) => ({
    type: "IAMUser",
    principalId: user.userId,
    arn: aliceArn,
    ...signed(credentials),
    userName: "alice",
  });
  const roleShape = (
    roleName: keyof typeof ids,
    credentials: SigningCredentials,
    context: object = {},
    account = accountId,
  ) => ({
    type: "AssumedRole",
    principalId: `${ids[roleName]}:${session}`,
    arn: `arn:aws:sts::${account}:assumed-role/${roleName}/${session}`,
    ...signed(credentials, account),
    sessionContext: {
      sessionIssuer: {
        type: "Role",
        principalId: ids[roleName],
        arn: roleArn(roleName, account),
        accountId: account,
        userName: roleName,
      },
      attributes: attributes(),
      ...context,
    },
  });
  const sourceIdentity = "alice@example.com";
  const ofAlice = {
    type: "IAMUser",
    principalId: user.userId,
    arn: aliceArn,
    accountId,
    userName: "alice",
  };
  const ofRoot = {
    type: "Root",
    principalId: accountId,
    arn: `arn:aws:iam::${accountId}:root`,
    accountId,
  };
  const invokedBy = serviceName;

  const table: [kind: string, SigningCredentials, identity: object][] = [
    ["root user", root, rootShape(root)],
    [
      "root user with a session",
      rootSession,
      { ...rootShape(rootSession), sessionContext: { attributes: attributes() } },
    ],
    ["IAM user", alice, aliceShape(alice)],
    [
      "IAM user with an MFA session",
      mfaSession,
      { ...aliceShape(mfaSession), sessionContext: { attributes: attributes(true) } },
    ],
    ["assumed role", deploy, roleShape("deploy", deploy, { sourceIdentity })],
    ["chained role", next, roleShape("next", next, { sourceIdentity })],
    [
      "role assumed with MFA",
      mfaRole,
      roleShape("deploy", mfaRole, { attributes: attributes(true) }),
    ],
    ["cross-account role", other, roleShape("other", other, {}, otherAccountId)],
    [
      "role of a web identity",
      web,
      roleShape("web", web, {
        webIdFederationData: { federatedProvider: provider, attributes: {} },
      }),
    ],
    ["federated user", guest, guestShape(guest, ofAlice)],
    ["federated user of the root user", rootGuest, guestShape(rootGuest, ofRoot)],
    ["service principal", service, { type: "AWSService", invokedBy }],
    ["role of a service", reports, { ...roleShape("reports", reports), invokedBy }],
    [
      "role of a service, for a resource",
      scoped,
      { ...roleShape("reports", scoped), invokedBy, inScopeOf },
    ],
    [
      "service on behalf of a user",
      aliceForService,
      {
        ...aliceShape(aliceForService),
        sessionContext: { attributes: attributes() },
        invokedBy,
      },
    ],
    [
      "service on behalf of a role",
      otherForService,
      { ...roleShape("other", otherForService, {}, otherAccountId), invokedBy },
    ],
    ["wrong secret", forged, { type: "Unknown", accessKeyId: forged.accessKeyId }],
    [
      "session with a wrong secret",
      forgedSession,
      { type: "Unknown", accessKeyId: forgedSession.accessKeyId },
    ],
  ];
  const all = table.map(([kind, credentials, identity]) => ({ kind, credentials, identity }));
  return {
    signing: all,
    byKind(kind) {
      const found = all.find((each) => each.kind === kind);
      if (found === undefined) throw new Error(`no caller is called "${kind}"`);
      return found;
    },
    webIdentity: {
      command: webIdentity,
      identity: {
        type: "WebIdentityUser",
        principalId: `${provider}:app:user:42`,
        userName: "user:42",
        identityProvider: provider,
      },
    },
  };
}
