// Whatever comes in for IAM, STS and Organizations, there is an answer, and it is no server error.
import * as fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import { operationTable } from "../../src/aws/operations.ts";
import type { Member, Service } from "../../src/catalog/service.ts";
import { signRequest } from "../../src/signature/signer.ts";
import { sha256Hex } from "../../src/signature/verify-signature.ts";
import { accountId, type DoorWorld, models, openDoorWorld } from "./aws-door-world.ts";

let world: DoorWorld;
const statuses = new Map<number, number>();
const trustPolicy = JSON.stringify({
  Version: "2012-10-17",
  Statement: [{ Effect: "Allow", Principal: { AWS: accountId }, Action: "sts:AssumeRole" }],
});
const ownPolicy = JSON.stringify({
  Version: "2012-10-17",
  Statement: [{ Effect: "Allow", Action: "iam:Get*", Resource: "*" }],
});
beforeAll(async () => {
  world = await openDoorWorld();
  const { users, groups, roles, policies, organizations } = world.directory;
  await users.create(accountId, { userName: "alice" });
  await groups.create(accountId, "team");
  await roles.create(accountId, { roleName: "deploy", trustPolicy });
  await policies.create(accountId, { policyName: "p", document: ownPolicy });
  await organizations.create(accountId);
});
afterAll(() => world[Symbol.asyncDispose]());

/** What is there, what is nearly there, and what never is. */
const texts = fc.oneof(
  fc.constantFrom(
    "alice",
    "team",
    "deploy",
    "p",
    "v1",
    "/",
    "",
    " ",
    ".",
    "..",
    "a/b",
    "%00",
    "\0",
    "__proto__",
    "constructor",
    "\ud800",
    "é\u202e",
    accountId,
    trustPolicy,
    "{}",
    '{"Statement":null}',
    "null",
    "r-",
    "ou-aaaa-aaaaaaaa",
    "p-FullAWSAccess",
    "SERVICE_CONTROL_POLICY",
    "cloudtrail.amazonaws.com",
    `arn:aws:iam::${accountId}:role/deploy`,
    `arn:aws:iam::${accountId}:policy/p`,
    `arn:aws:iam::${accountId}:mfa/x`,
    `arn:aws:iam::${accountId}:oidc-provider/x`,
    "arn:aws:iam::aws:policy/AdministratorAccess",
    "arn:aws:iam::aws:policy/constructor",
    "arn:aws:iam:::policy/",
    "arn:",
    "https://example.com",
    "http://[",
    "x".repeat(5000),
    "9".repeat(30),
    "-1",
    "1e9",
    "true",
  ),
  fc.string({ unit: "binary", maxLength: 40 }),
);

/** A value of about the member's shape. */
function valueOf(service: Service, member: Member, depth: number): fc.Arbitrary<unknown> {
  const shape = service.shapes[member.s];
  if (depth > 4) return texts;
  switch (shape?.t) {
    case "structure":
      return fc.record(
        Object.fromEntries(
          Object.entries(shape.m).map(([name, each]) => [name, valueOf(service, each, depth + 1)]),
        ),
        { requiredKeys: [] },
      );
    case "list":
      return fc.array(valueOf(service, shape.e, depth + 1), { maxLength: 3 });
    case "map":
      return fc.dictionary(texts, valueOf(service, shape.v, depth + 1), { maxKeys: 2 });
    case "integer":
    case "long":
    case "float":
    case "double":
      return fc.oneof(
        fc.integer(),
        fc.constantFrom(0, 1, 3600, 43_200, 1000, -1, 1.5, 1e300),
        texts,
      );
    case "boolean":
      return fc.oneof(fc.boolean(), texts);
    case undefined:
    case "string":
    case "blob":
    case "timestamp":
    case "document":
      return texts;
  }
}

function addForm(form: URLSearchParams, name: string, value: unknown): void {
  if (Array.isArray(value)) {
    value.forEach((each, index) => addForm(form, `${name}.member.${index + 1}`, each));
  } else if (typeof value === "object" && value !== null) {
    for (const [key, each] of Object.entries(value)) addForm(form, `${name}.${key}`, each);
  } else if (value !== undefined) {
    form.append(name, typeof value === "string" ? value : JSON.stringify(value));
  }
}

async function call(service: Service, operationName: string, input: object): Promise<number> {
  const isQuery = service.protocol === "query";
  const form = new URLSearchParams({ Action: operationName, Version: service.apiVersion });
  for (const [name, value] of Object.entries(input)) addForm(form, name, value);
  const body = Buffer.from(isQuery ? form.toString() : JSON.stringify(input));
  const headers = await signRequest(
    {
      method: "POST",
      url: new URL(world.url),
      headers: isQuery
        ? { "content-type": "application/x-www-form-urlencoded" }
        : { "x-amz-target": `AWSOrganizationsV20161128.${operationName}` },
      payloadHash: sha256Hex(body),
      service: service.signingName,
      region: "us-east-1",
      nowMs: Date.now(),
    },
    world.root,
  );
  const request = {
    method: "POST",
    path: "/",
    query: "",
    headers,
    body,
    remoteAddress: "::1",
    isSecure: false,
  };
  const { status } = await world.door.handle(request);
  statuses.set(status, (statuses.get(status) ?? 0) + 1);
  return status;
}

const rows = operationTable.filter((row) => row.service !== "cloudtrail");

test.each(rows.map((row) => [`${row.service}:${row.name}`, row] as const))("%s", async (_, row) => {
  const service = models.service(row.service);
  if (service === undefined) throw new Error("no model");
  const shape = service.operations[row.name]?.in;
  const input = valueOf(service, { s: shape ?? "" }, 0);
  // Whoever was here before may have deleted it.
  if ((await world.directory.organizations.membership(accountId)) === undefined) {
    await world.directory.organizations.create(accountId);
  }
  await fc.assert(
    fc.asyncProperty(shape === undefined ? fc.constant({}) : input, async (given) => {
      expect(await call(service, row.name, given as object)).toBeLessThan(500);
    }),
    { numRuns: 25 },
  );
});

test("they were let in, and some of them went well", () => {
  expect(rows.length).toBeGreaterThan(140);
  expect(statuses.get(200)).toBeGreaterThan(100);
  expect(statuses.get(400)).toBeGreaterThan(100);
  expect(statuses.get(404)).toBeGreaterThan(100);
});
