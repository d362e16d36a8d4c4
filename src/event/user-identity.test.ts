// userIdentity, kind by kind, as CloudTrail's user guide shows it; and held against real records.
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { isJsonObject, type JsonObject, type JsonValue } from "./json.ts";
import { asOtherAccount, type Caller, isVerified, userIdentity } from "./user-identity.ts";

const accountId = "111122223333";
const accessKeyId = "ASIAIOSFODNN7EXAMPLE";
const session = {
  issuedMs: Date.UTC(2026, 0, 2, 3, 4, 5, 999),
  expiresMs: Date.UTC(2026, 0, 2, 4, 4, 5),
  mfa: false,
};
const signed = { accountId, accessKeyId };
const alice = { kind: "user", userName: "alice", userId: "AIDAALICE", path: "/team/" } as const;
const deploy = {
  kind: "role",
  roleName: "deploy",
  roleId: "AROADEPLOY",
  path: "/ci/",
  sessionName: "run-1",
} as const;
const provider = `arn:aws:iam::${accountId}:oidc-provider/issuer.example.com`;
const attributes =
  '"attributes":{"creationDate":"2026-01-02T03:04:05Z","mfaAuthenticated":"false"}';
const roleStart = `{"type":"AssumedRole","principalId":"AROADEPLOY:run-1","arn":"arn:aws:sts::${accountId}:assumed-role/deploy/run-1","accountId":"${accountId}","accessKeyId":"${accessKeyId}","sessionContext":{"sessionIssuer":{"type":"Role","principalId":"AROADEPLOY","arn":"arn:aws:iam::${accountId}:role/ci/deploy","accountId":"${accountId}","userName":"deploy"}`;
const federatedStart = `{"type":"FederatedUser","principalId":"${accountId}:guest","arn":"arn:aws:sts::${accountId}:federated-user/guest","accountId":"${accountId}","accessKeyId":"${accessKeyId}","sessionContext":{"sessionIssuer":`;
const userStart = `{"type":"IAMUser","principalId":"AIDAALICE","arn":"arn:aws:iam::${accountId}:user/team/alice","accountId":"${accountId}","accessKeyId":"${accessKeyId}","userName":"alice"`;
const rootStart = `{"type":"Root","principalId":"${accountId}","arn":"arn:aws:iam::${accountId}:root","accountId":"${accountId}","accessKeyId":"${accessKeyId}"`;

const cases: [string, Caller, string][] = [
  ["root", { kind: "root", ...signed }, `${rootStart}}`],
  [
    "root with an alias and a session",
    { kind: "root", ...signed, accountAlias: "example", session },
    `${rootStart},"userName":"example","sessionContext":{${attributes}}}`,
  ],
  ["user", { ...alice, ...signed }, `${userStart}}`],
  [
    "user with an MFA session",
    { ...alice, ...signed, session: { ...session, mfa: true } },
    `${userStart},"sessionContext":{${attributes.replace("false", "true")}}}`,
  ],
  [
    "user for whom a service calls",
    { ...alice, ...signed, session, invokedBy: "reports.amazonaws.com" },
    `${userStart},"sessionContext":{${attributes}},"invokedBy":"reports.amazonaws.com"}`,
  ],
  ["role", { ...deploy, ...signed, session }, `${roleStart},${attributes}}}`],
  [
    "role of a web identity, with a source identity",
    {
      ...deploy,
      ...signed,
      session: {
        ...session,
        sourceIdentity: "alice",
        webIdentity: { provider, attributes: {} },
        tags: { Team: "red" },
        policy: "{}",
        chained: true,
      },
    },
    `${roleStart},"webIdFederationData":{"federatedProvider":"${provider}","attributes":{}},${attributes},"sourceIdentity":"alice"}}`,
  ],
  [
    "role that a service uses for something of its own",
    {
      ...deploy,
      ...signed,
      session: {
        ...session,
        inScopeOf: {
          sourceArn: `arn:aws:reports:us-east-1:${accountId}:report/7`,
          sourceAccount: accountId,
        },
      },
      invokedBy: "reports.amazonaws.com",
    },
    `${roleStart},${attributes}},"invokedBy":"reports.amazonaws.com","inScopeOf":{"sourceArn":"arn:aws:reports:us-east-1:${accountId}:report/7","sourceAccount":"${accountId}"}}`,
  ],
  [
    "name that a user gave",
    { kind: "federated", ...signed, name: "guest", issuer: alice, session },
    `${federatedStart}{"type":"IAMUser","principalId":"AIDAALICE","arn":"arn:aws:iam::${accountId}:user/team/alice","accountId":"${accountId}","userName":"alice"},${attributes}}}`,
  ],
  [
    "name that the root user gave",
    { kind: "federated", ...signed, name: "guest", issuer: { kind: "root" }, session },
    `${federatedStart}{"type":"Root","principalId":"${accountId}","arn":"arn:aws:iam::${accountId}:root","accountId":"${accountId}"},${attributes}}}`,
  ],
  [
    "service",
    { kind: "service", ...signed, invokedBy: "reports.amazonaws.com" },
    '{"type":"AWSService","invokedBy":"reports.amazonaws.com"}',
  ],
  [
    "web identity",
    { kind: "webIdentity", provider, audience: "app", subject: "user:42" },
    `{"type":"WebIdentityUser","principalId":"${provider}:app:user:42","userName":"user:42","identityProvider":"${provider}"}`,
  ],
  [
    "another account",
    { kind: "account", accountId, principalId: "AIDAALICE" },
    `{"type":"AWSAccount","principalId":"AIDAALICE","accountId":"${accountId}"}`,
  ],
  [
    "unknown key",
    { kind: "unknown", accessKeyId },
    `{"type":"Unknown","accessKeyId":"${accessKeyId}"}`,
  ],
  ["nobody", { kind: "anonymous" }, '{"type":"Unknown","principalId":"Anonymous"}'],
];

test.each(cases)("%s", (_what, caller, expected) => {
  expect(JSON.stringify(userIdentity(caller))).toBe(expected);
});

test.each<[string, Caller, JsonObject]>([
  ["user", { ...alice, ...signed }, { principalId: "AIDAALICE" }],
  ["role", { ...deploy, ...signed, session }, { principalId: "AROADEPLOY:run-1" }],
  ["root", { kind: "root", ...signed }, { principalId: accountId }],
])("another account learns no name of a %s", (_what, caller, expected) => {
  if (!isVerified(caller)) throw new Error("not verified");
  expect(userIdentity(asOtherAccount(caller))).toEqual({
    type: "AWSAccount",
    accountId,
    ...expected,
  });
});

const folder = join(import.meta.dirname, "../../../shared/realdata/events");
const found = existsSync(folder);

/** Members as paths: `sessionContext.attributes.creationDate`. Names below `webIdFederationData.attributes` are data. */
function pathsOf(value: JsonValue, path = ""): string[] {
  if (!isJsonObject(value)) return [path];
  return Object.entries(value).flatMap(([name, each]) =>
    pathsOf(each, path === "" ? name : `${path}.${name}`),
  );
}

test.skipIf(!found)("every member that we write stands in real records of its kind", () => {
  const real = new Map<string, Set<string>>();
  for (const file of readdirSync(folder).filter((each) => each.endsWith(".ndjson"))) {
    for (const line of readFileSync(join(folder, file), "utf8").split("\n")) {
      const identity = line === "" ? undefined : (JSON.parse(line) as JsonObject)["userIdentity"];
      if (!isJsonObject(identity)) continue;
      const type = identity["type"] as string;
      const seen = real.get(type) ?? new Set();
      for (const path of pathsOf(identity)) seen.add(path);
      real.set(type, seen);
    }
  }
  // Documented, and in none of these sets.
  const documented = new Set([
    "sessionContext.sourceIdentity",
    "sessionContext.webIdFederationData.federatedProvider",
    "inScopeOf.sourceArn",
    "inScopeOf.sourceAccount",
  ]);
  const unseen = cases.flatMap(([what, caller]) => {
    const identity = userIdentity(caller);
    const seen = real.get(identity["type"] as string);
    return pathsOf(identity)
      .filter((path) => seen?.has(path) === false && !documented.has(path))
      .map((path) => `${what}: ${path}`);
  });
  expect(unseen).toEqual([]);
});
