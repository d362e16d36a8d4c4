// Any operation of the table, called by anyone about the same few things: what tests of all operations send.
import type { AnyOperationRow } from "../../src/aws/operation.ts";
import type { AwsResponse } from "../../src/aws/request.ts";
import { isCairnError } from "../../src/base/errors.ts";
import type { Member, Service } from "../../src/catalog/service.ts";
import { type SigningCredentials, signRequest } from "../../src/signature/signer.ts";
import { sha256Hex } from "../../src/signature/verify-signature.ts";
import { type DoorWorld, models } from "./aws-door-world.ts";

const allowAll = '{"Effect":"Allow","Action":"*","Resource":"*"}';

/** What is there in the account: calls mean these by name. */
export const target = {
  user: "target",
  group: "crew",
  role: "deploy",
  policy: "rules",
  profile: "web",
  device: "phone",
  issuer: "token.example.com/x",
} as const;

/** By member: something that is valid, and in the account where things are named. */
function valuesFor(accountId: string): Readonly<Record<string, unknown>> {
  const arn = (rest: string) => `arn:aws:iam::${accountId}:${rest}`;
  return {
    UserName: target.user,
    GroupName: target.group,
    RoleName: target.role,
    PolicyName: target.policy,
    PolicyArn: arn(`policy/${target.policy}`),
    VersionId: "v1",
    InstanceProfileName: target.profile,
    VirtualMFADeviceName: target.device,
    SerialNumber: arn(`mfa/${target.device}`),
    OpenIDConnectProviderArn: arn(`oidc-provider/${target.issuer}`),
    RoleArn: arn(`role/${target.role}`),
    PermissionsBoundary: arn(`policy/${target.policy}`),
    PolicyDocument: `{"Version":"2012-10-17","Statement":${allowAll}}`,
    AssumeRolePolicyDocument:
      '{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":"*","Action":"sts:AssumeRole"}}',
    Url: "https://other.example.com",
    AWSServiceName: "example.amazonaws.com",
    ServicePrincipal: "example.amazonaws.com",
    DeletionTaskId: "task/aws-service-role/example.amazonaws.com/AWSServiceRoleForExample/done",
    AccountId: "444455556666",
    ChildId: "444455556666",
    ParentId: "r-abcd",
    SourceParentId: "r-abcd",
    DestinationParentId: "r-abcd",
    OrganizationalUnitId: "ou-abcd-12345678",
    HandshakeId: `h-${"a".repeat(32)}`,
    Target: { Id: "777788889999", Type: "ACCOUNT" },
    RootId: "r-abcd",
    TargetId: "r-abcd",
    PolicyId: "p-abcd1234",
    Type: "SERVICE_CONTROL_POLICY",
    Filter: "SERVICE_CONTROL_POLICY",
    PolicyType: "SERVICE_CONTROL_POLICY",
    Content: `{"Version":"2012-10-17","Statement":${allowAll}}`,
    Description: "what accounts may do",
    CreateAccountRequestId: `car-${"a".repeat(32)}`,
    AccountAlias: "example",
    Email: "a@example.com",
    AccountName: "name",
    Name: "name",
    AuthenticationCode1: "123456",
    AuthenticationCode2: "654321",
    ClientID: "app",
    AccessKeyId: "AKIAIOSFODNN7EXAMPLE",
    OldPassword: "Old-password-of-example-1",
    NewPassword: "New-password-of-example-1",
    Password: "Password-of-example-1",
    EncodedMessage: "message",
    RoleSessionName: "first",
    ChildType: "ACCOUNT",
    Status: "Active",
    ThumbprintList: ["a".repeat(40)],
    Tags: [{ Key: "Team", Value: "red" }],
    TagKeys: ["Team"],
  };
}

/** Required members, and those that name something. */
function sampleInput(
  service: Service,
  shapeName: string | undefined,
  accountId: string,
  more: Readonly<Record<string, unknown>>,
): Record<string, unknown> {
  const shape = shapeName === undefined ? undefined : service.shapes[shapeName];
  if (shape?.t !== "structure") return {};
  const values = { ...valuesFor(accountId), ...more };
  const required = new Set(shape.req);
  const input: Record<string, unknown> = {};
  for (const [name, member] of Object.entries(shape.m)) {
    if (Object.hasOwn(more, name)) input[name] = more[name];
    else if (required.has(name)) input[name] = values[name] ?? plainValue(service, member);
    else if (["UserName", "RoleName", "GroupName"].includes(name)) input[name] = values[name];
  }
  return input;
}

function plainValue(service: Service, member: Member): unknown {
  const shape = service.shapes[member.s];
  if (shape?.t === "structure") return {};
  if (shape?.t === "list") return [plainValue(service, shape.e)];
  if (shape?.t === "boolean") return true;
  return shape?.t === "integer" ? 1 : "x";
}

function addForm(form: URLSearchParams, name: string, value: unknown): void {
  if (Array.isArray(value)) {
    value.forEach((each, index) => addForm(form, `${name}.member.${index + 1}`, each));
  } else if (typeof value === "object" && value !== null) {
    for (const [key, each] of Object.entries(value)) addForm(form, `${name}.${key}`, each);
  } else form.append(name, String(value));
}

export function modelOf(row: AnyOperationRow): Service {
  const service = models.service(row.service);
  if (service === undefined) throw new Error(`no model of ${row.service}`);
  return service;
}

export interface SampleCall {
  /** Whose things the call names. */
  accountId: string;
  /** Undefined: nobody signs. */
  credentials: SigningCredentials | undefined;
  /** Members besides the usual ones, or in their place. */
  input?: Readonly<Record<string, unknown>>;
  headers?: Record<string, string>;
  remoteAddress?: string;
  region?: string;
}

export async function sendSample(
  world: DoorWorld,
  row: AnyOperationRow,
  given: SampleCall,
): Promise<AwsResponse> {
  const service = modelOf(row);
  const isQuery = service.protocol === "query";
  const shape = service.operations[row.name]?.in;
  const input = sampleInput(service, shape, given.accountId, given.input ?? {});
  const form = new URLSearchParams({ Action: row.name, Version: service.apiVersion });
  for (const [name, value] of Object.entries(input)) addForm(form, name, value);
  const body = Buffer.from(isQuery ? form.toString() : JSON.stringify(input));
  const [targetPrefix = ""] = service.targetPrefixes ?? [];
  const unsigned: Record<string, string> = isQuery
    ? { "content-type": "application/x-www-form-urlencoded", ...given.headers }
    : { "x-amz-target": `${targetPrefix}.${row.name}`, ...given.headers };
  const headers =
    given.credentials === undefined
      ? unsigned
      : await signRequest(
          {
            method: "POST",
            url: new URL(world.url),
            headers: unsigned,
            payloadHash: sha256Hex(body),
            service: service.signingName,
            region: given.region ?? "us-east-1",
            nowMs: Date.now(),
          },
          given.credentials,
        );
  return world.door.handle({
    method: "POST",
    path: "/",
    query: "",
    headers,
    body,
    remoteAddress: given.remoteAddress ?? "203.0.113.9",
    isSecure: false,
  });
}

/** Makes what the calls name, as far as it is not there. */
export async function makeTargets({ directory }: DoorWorld, accountId: string): Promise<void> {
  const { users, groups, roles, policies, instanceProfiles, mfaDevices, oidcProviders } = directory;
  const { PolicyDocument, AssumeRolePolicyDocument } = valuesFor(accountId);
  const making: (() => Promise<unknown>)[] = [
    () => users.create(accountId, { userName: target.user }),
    () => groups.create(accountId, target.group),
    () =>
      roles.create(accountId, {
        roleName: target.role,
        trustPolicy: String(AssumeRolePolicyDocument).replace('"*"', `{"AWS":"${accountId}"}`),
      }),
    () =>
      policies.create(accountId, {
        policyName: target.policy,
        document: String(PolicyDocument),
      }),
    () => instanceProfiles.create(accountId, { profileName: target.profile }),
    () => mfaDevices.create(accountId, { name: target.device }),
    () => oidcProviders.create(accountId, { url: `https://${target.issuer}`, clientIds: ["app"] }),
  ];
  for (const make of making) {
    try {
      await make();
    } catch (error) {
      if (!isCairnError(error, "EntityAlreadyExists")) throw error;
    }
  }
}

/** What an answer says of its failure; undefined: it is none. */
export function failureOf({
  status,
  body,
}: AwsResponse): { name: string; message: string } | undefined {
  if (status < 400) return undefined;
  const text = body;
  if (text.startsWith("{")) {
    const { __type: name, message } = JSON.parse(text) as { __type: string; message: string };
    return { name, message };
  }
  const part = (tag: string) => new RegExp(`<${tag}>([^<]*)</${tag}>`).exec(text)?.[1] ?? "";
  return { name: part("Code"), message: part("Message") };
}
