// The checked-in descriptions: whole, as the generator makes them, and right where Cairn itself answers by them.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { cachedNewestModels } from "../../scripts/catalog/newest-models.ts";
import { generateServices, serviceText } from "../../scripts/generate-catalog.ts";
import { openCatalog } from "./catalog.ts";
import { checkService } from "./check-service.ts";
import type { ScalarShape, Service, Shape } from "./service.ts";

const folder = join(import.meta.dirname, "services");
const catalog = openCatalog();

function serviceNamed(id: string): Service {
  const service = catalog.service(id);
  if (service === undefined) throw new Error(`there is no ${id}`);
  return service;
}

test("every service file can be read, and every shape that it names is there", () => {
  const names = readdirSync(folder).filter((name) => !/^(?:index|paths)\.json$/.test(name));
  expect(names.length).toBeGreaterThan(455);
  for (const name of names) {
    const service = checkService(JSON.parse(readFileSync(join(folder, name), "utf8")) as unknown);
    expect(`${service.id}.json`).toBe(name);
    expect(service.eventSource).toMatch(/^[a-z0-9-]+\.amazonaws\.com$/);
  }
  const listed = catalog.services().map((each) => `${each.id}.json`);
  expect(listed.toSorted()).toEqual(names.toSorted());
});

test("a description whose shape is missing is refused, and the place is named", () => {
  const service = serviceNamed("sts");
  const { "*string": _, ...shapes } = service.shapes;
  expect(() => checkService({ ...service, shapes })).toThrow(/names the shape '\*string'/);
});

/** Ids, and which of them have another file than the generator makes: run npx tsx scripts/generate-catalog.ts. */
function compared(made: readonly Service[]): { ids: string[]; unlike: string[] } {
  const unlike = made.filter(
    (service) => readFileSync(join(folder, `${service.id}.json`), "utf8") !== serviceText(service),
  );
  return { ids: made.map((each) => each.id), unlike: unlike.map((each) => each.id) };
}

test("the checked-in files are what the generator makes of the installed models", async () => {
  const ids = ["cloudtrail", "cognito-idp", "mobile", "sts"];
  const made = await generateServices(new Map(), new Set(ids));
  expect(compared(made)).toEqual({ ids, unlike: [] });
});

const newest = cachedNewestModels();
if (newest === undefined) {
  // oxlint-disable-next-line no-console -- whoever reads the counts must see what is not in them.
  console.warn(
    "LEFT OUT: botocore's models are not here; scripts/generate-catalog.ts fetches them",
  );
}

test.skipIf(newest === undefined)(
  "the checked-in files are what the generator makes of the newest models",
  async () => {
    const ids = ["arc-region-switch", "cloudtrail-data", "devops-guru", "dsql", "s3tables", "sqs"];
    const made = await generateServices(newest ?? new Map(), new Set(ids));
    expect(compared(made)).toEqual({ ids, unlike: [] });
  },
);

test.each([
  ["arc-region-switch", "rpc-v2-cbor", "CreatePlan"],
  ["bedrock-agentcore", "rest-json", "InvokeAgentRuntime"],
  ["dsql", "rest-json", "CreateCluster"],
  ["evs", "json1.0", "CreateEnvironment"],
  ["notifications", "rest-json", "CreateNotificationConfiguration"],
  ["s3tables", "rest-json", "CreateTableBucket"],
  ["s3vectors", "rest-json", "PutVectors"],
])("newer services are there: %s speaks %s and has %s", (id, protocol, name) => {
  const service = serviceNamed(id);
  expect(service.protocol).toBe(protocol);
  expect(Object.keys(service.operations)).toContain(name);
});

test("older services have the operations that were added since", () => {
  expect(Object.keys(serviceNamed("devops-guru").operations)).toHaveLength(31);
  expect(serviceNamed("ec2").operations).toHaveProperty("CreateRouteServer");
  expect(serviceNamed("bedrock").operations).toHaveProperty("CreateAutomatedReasoningPolicy");
  expect(serviceNamed("eks").operations).toHaveProperty("CreateCapability");
});

test("only REST services have operations that stand at another's address", () => {
  const marked = catalog
    .services()
    .filter(({ id }) => Object.values(serviceNamed(id).operations).some((each) => each.old))
    .map(({ protocol }) => protocol);
  expect(marked.length).toBeGreaterThan(0);
  expect(marked.filter((each) => !each.startsWith("rest-"))).toEqual([]);
});

test("what only an older model has stays", () => {
  expect(serviceNamed("chime").operations).toHaveProperty("CreateMeeting");
  expect(serviceNamed("qldb").operations).toHaveProperty("CreateLedger");
});

describe("what Cairn answers by", () => {
  test("CloudTrail has its 60 operations", () => {
    expect(Object.keys(serviceNamed("cloudtrail").operations)).toEqual(
      [
        "AddTags CancelQuery CreateChannel CreateDashboard CreateEventDataStore CreateTrail DeleteChannel",
        "DeleteDashboard DeleteEventDataStore DeleteResourcePolicy DeleteTrail",
        "DeregisterOrganizationDelegatedAdmin DescribeQuery DescribeTrails DisableFederation EnableFederation",
        "GenerateQuery GetChannel GetDashboard GetEventConfiguration GetEventDataStore GetEventSelectors GetImport",
        "GetInsightSelectors GetQueryResults GetResourcePolicy GetTrail GetTrailStatus ListChannels ListDashboards",
        "ListEventDataStores ListImportFailures ListImports ListInsightsData ListInsightsMetricData ListPublicKeys",
        "ListQueries ListTags ListTrails LookupEvents PutEventConfiguration PutEventSelectors PutInsightSelectors",
        "PutResourcePolicy RegisterOrganizationDelegatedAdmin RemoveTags RestoreEventDataStore SearchSampleQueries",
        "StartDashboardRefresh StartEventDataStoreIngestion StartImport StartLogging StartQuery",
        "StopEventDataStoreIngestion StopImport StopLogging UpdateChannel UpdateDashboard UpdateEventDataStore",
        "UpdateTrail",
      ].flatMap((line) => line.split(" ")),
    );
  });

  test("LookupEvents has the constraints of the API reference", () => {
    expect(scalar("cloudtrail", "LookupEventsRequest", "MaxResults")).toEqual({
      t: "integer",
      min: 1,
      max: 50,
    });
    expect(scalar("cloudtrail", "LookupAttribute", "AttributeValue")).toEqual({
      t: "string",
      min: 1,
      max: 2000,
    });
    expect(scalar("cloudtrail", "LookupAttribute", "AttributeKey").enum).toEqual([
      "EventId",
      "EventName",
      "ReadOnly",
      "Username",
      "ResourceType",
      "ResourceName",
      "EventSource",
      "AccessKeyId",
    ]);
    expect(scalar("cloudtrail", "LookupEventsRequest", "EventCategory").enum).toEqual(["insight"]);
    expect(structure("cloudtrail", "LookupAttribute").req).toEqual([
      "AttributeKey",
      "AttributeValue",
    ]);
  });

  test("both forms of X-Amz-Target are known for CloudTrail", () => {
    expect(serviceNamed("cloudtrail").targetPrefixes).toEqual([
      "com.amazonaws.cloudtrail.v20131101.CloudTrail_20131101",
      "CloudTrail_20131101",
    ]);
  });

  test("a member of an answer is never where only a request has one", () => {
    const wrong = catalog.services().flatMap(({ id }) => {
      const { operations, shapes } = serviceNamed(id);
      return Object.values(operations).flatMap((each) => {
        const shape = each.out === each.in ? undefined : shapes[each.out ?? ""];
        const members = shape?.t === "structure" ? Object.values(shape.m) : [];
        return members.some(({ loc }) => loc === "query" || loc === "uri")
          ? [`${id} ${each.out}`]
          : [];
      });
    });
    expect(wrong).toEqual([]);
  });

  test("a session's policy and the size of its token have the limits of STS", () => {
    const input = structure("sts", "GetFederationTokenRequest");
    expect(scalar("sts", "GetFederationTokenRequest", "Policy").max).toBe(2048);
    expect(Object.keys(input.m)).toContain("MinimumSessionTokenSize");
    expect(scalar("sts", "AssumeRoleRequest", "MinimumSessionTokenSize")).toMatchObject({
      min: 0,
      max: 4096,
    });
  });

  test("PutAuditEvents takes 1 to 100 events", () => {
    const input = structure("cloudtrail-data", "PutAuditEventsRequest");
    const events = serviceNamed("cloudtrail-data").shapes[input.m["auditEvents"]?.s ?? ""];
    expect(events).toMatchObject({ t: "list", min: 1, max: 100 });
  });
});

describe("what the gateway depends on", () => {
  test.each([
    ["amplify", "amplify"],
    ["amplifybackend", "amplifybackend"],
    ["amplifyuibuilder", "amplifyuibuilder"],
    ["mobile", "mobilehub"],
    ["devops-guru", "devops-guru"],
    ["cognito-idp", "cognito-idp"],
    ["cognito-identity", "cognito-identity"],
    ["cognito-sync", "cognito-sync"],
    ["apigateway", "apigateway"],
    ["apigatewayv2", "apigateway"],
    ["monitoring", "monitoring"],
    ["email", "ses"],
    ["sesv2", "ses"],
    ["states", "states"],
    ["resourcegroupstaggingapi", "tagging"],
    ["streams.dynamodb", "dynamodb"],
    ["iotsecuretunneling", "iotsecuredtunneling"],
  ])("%s is recorded as %s.amazonaws.com", (id, source) => {
    expect(serviceNamed(id).eventSource).toBe(`${source}.amazonaws.com`);
  });

  test("Cognito's operations for people need no signature, its administrators' do", () => {
    const unsigned = ["SignUp", "InitiateAuth", "ConfirmSignUp", "ForgotPassword", "GetUser"];
    const further = [
      "RespondToAuthChallenge",
      "ResendConfirmationCode",
      "GetTokensFromRefreshToken",
    ];
    const known = unsignedOf("cognito-idp");
    expect(known).toEqual(expect.arrayContaining([...unsigned, ...further]));
    for (const name of ["AdminCreateUser", "CreateUserPool", "ListUsers"]) {
      expect(known).not.toContain(name);
    }
    expect(unsignedOf("cognito-identity")).toEqual([
      "GetCredentialsForIdentity",
      "GetId",
      "GetOpenIdToken",
      "UnlinkIdentity",
    ]);
    expect(unsignedOf("sts")).toEqual(["AssumeRoleWithSAML", "AssumeRoleWithWebIdentity"]);
  });

  test("passwords, tokens and secrets are marked as sensitive", () => {
    expect(scalar("cognito-idp", "SignUpRequest", "Password").sensitive).toBe(true);
    expect(scalar("cognito-idp", "AuthenticationResultType", "AccessToken").sensitive).toBe(true);
    expect(scalar("sts", "Credentials", "SecretAccessKey").sensitive).toBe(true);
  });

  test("reads and writes are told apart", () => {
    expect(reads("cloudtrail", "LookupEvents")).toBe(true);
    expect(reads("cloudtrail", "CreateTrail")).toBe(false);
    expect(reads("s3", "GetObject")).toBe(true);
    expect(reads("s3", "HeadObject")).toBe(true);
    expect(reads("s3", "PutObject")).toBe(false);
    expect(reads("dynamodb", "Query")).toBe(true);
    expect(reads("apigateway", "GetResource")).toBe(true);
    expect(reads("apigateway", "CreateResource")).toBe(false);
    expect(reads("iam", "GenerateCredentialReport")).toBe(true);
  });
});

function reads(id: string, name: string): boolean {
  return serviceNamed(id).operations[name]?.read === true;
}

function unsignedOf(id: string): string[] {
  return Object.entries(serviceNamed(id).operations)
    .filter(([, operation]) => operation.unsigned === true)
    .map(([name]) => name);
}

function structure(id: string, name: string): Extract<Shape, { t: "structure" }> {
  const shape = serviceNamed(id).shapes[name];
  if (shape?.t !== "structure") throw new Error(`${id} has no structure ${name}`);
  return shape;
}

function scalar(id: string, name: string, member: string): ScalarShape {
  const shape = serviceNamed(id).shapes[structure(id, name).m[member]?.s ?? ""];
  if (shape === undefined || shape.t === "structure" || shape.t === "list" || shape.t === "map") {
    throw new Error(`${id} ${name}.${member} is no scalar`);
  }
  return shape;
}
