// The record by itself: names, sizes, secrets, errors, credentials and the signature.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Sha256 } from "@aws-crypto/sha256-js";
import { SignatureV4 } from "@smithy/signature-v4";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { defaultCredentials, readProfile } from "../src/credentials.ts";
import { type CallOptions, describeCall, type ObservedCall } from "../src/describe.ts";
import { nameOfRoute, pascalCase } from "../src/event-name.ts";
import { readOpenApi } from "../src/openapi.ts";
import { encodeEvent, type FreeEvent } from "../src/record.ts";
import { cleanCopy, hiddenBy } from "../src/redact.ts";
import { signRequest } from "../src/sign.ts";

const defaults = {
  service: "orders.example.com",
  accountId: "123456789012",
  region: "eu-central-1",
  eventCategory: "Management" as const,
};

function encode(event: Partial<FreeEvent>): Record<string, unknown> {
  const { line } = encodeEvent({ eventName: "Test", ...event }, defaults);
  return JSON.parse(line.toString()) as Record<string, unknown>;
}

const describing = {
  findOperation: undefined,
  hides: hiddenBy(),
  identifyTimeoutMs: 50,
  report: () => undefined,
};

function callOf(call: Partial<ObservedCall<object>>): ObservedCall<object> {
  return {
    request: {},
    method: "GET",
    path: "/",
    query: "",
    header: () => undefined,
    remoteAddress: "::ffff:192.0.2.1",
    outcome: { status: 200 },
    time: new Date(),
    ...call,
  };
}

async function name(path: string, status: number): Promise<string | undefined> {
  return (await described({ path, outcome: { status } }))?.eventName;
}

function forwardedHeader(name: string): string | undefined {
  return name === "x-forwarded-for" ? "evil, 203.0.113.7, 198.51.100.2" : undefined;
}

async function addressBehind(trustProxy: boolean | number): Promise<string | undefined> {
  return (await described({ header: forwardedHeader }, { trustProxy }))?.sourceIPAddress;
}

async function requestIdFor(value: string): Promise<unknown> {
  const header = (name: string) => (name === "x-request-id" ? value : undefined);
  return encode((await described({ header })) ?? {})["requestID"];
}

const described = (call: Partial<ObservedCall<object>>, options: CallOptions<object> = {}) =>
  describeCall(callOf(call), options, describing);

describe("event names", () => {
  test.each([
    ["GET", "/", "GetRoot"],
    ["GET", "/users/:id", "GetUsersById"],
    ["POST", "/users", "PostUsers"],
    ["DELETE", "/users/{userId}/api-keys/{key_id}", "DeleteUsersByUserIdApiKeysByKeyId"],
    ["GET", "/v1/files/*", "GetV1FilesByPath"],
    ["GET", "/files/*rest", "GetFilesByRest"],
    ["GET", "/flights/:from-:to", "GetFlightsByFromTo"],
    ["PATCH", "/orders/:id(\\d+)", "PatchOrdersById"],
  ])("%s %s is %s", (method, route, name) => {
    expect(nameOfRoute(method, route)).toBe(name);
  });

  test("a strange route makes no endless name", () => {
    expect(nameOfRoute("GET", "/a".repeat(200))).toBe(`Get${"A".repeat(125)}`);
  });

  test("any spelling of an operation id gives one name", () => {
    expect(
      ["list-users", "list_users", "listUsers", "ListUsers", "list users"].map(pascalCase),
    ).toEqual(Array.from({ length: 5 }, () => "ListUsers"));
  });

  test("without a router, ids in a path do not make names, and paths that nothing answers make none", async () => {
    expect(await name("/users/42/orders/1b9d", 200)).toBe("GetUsersByIdOrdersById");
    expect(await name("/users/me", 200)).toBe("GetUsersMe");
    expect(await name("/wp-admin/setup", 404)).toBe("UnmatchedRoute");
  });
});

describe("an OpenAPI document", () => {
  const document = {
    servers: [{ url: "https://api.example.com/v2/" }, { url: "/internal" }],
    paths: {
      "/users/{id}": { get: { operationId: "get-user" }, parameters: [] },
      "/users/me": { get: { operationId: "getCurrentUser" } },
      "/users/{id}/report.{format}": { get: {} },
      "/search": { post: { operationId: "search", "x-cairn-read-only": true } },
      "/odd": { post: { operationId: "x", "x-cairn-event-name": "DoOdd" } },
    },
  };
  const find = readOpenApi(document);

  test("names the operation and gives its path parameters, a literal before a parameter", () => {
    expect(find("GET", "/v2/users/a%20b")).toEqual({
      eventName: "GetUser",
      readOnly: true,
      pathParameters: { id: "a b" },
    });
    expect(find("GET", "/users/me")?.eventName).toBe("GetCurrentUser");
    expect(find("GET", "/internal/users/7/report.pdf")).toEqual({
      eventName: "GetUsersByIdReportByFormat",
      readOnly: true,
      pathParameters: { id: "7", format: "pdf" },
    });
    expect(find("POST", "/search")).toMatchObject({ eventName: "Search", readOnly: true });
    expect(find("POST", "/odd")?.eventName).toBe("DoOdd");
    expect(find("DELETE", "/users/me")).toBeUndefined();
    expect(find("GET", "/users")).toBeUndefined();
    expect(find("GET", "/users/")).toBeUndefined();
  });

  test("wins over the route", async () => {
    const call = callOf({ path: "/v2/users/7", route: "/v2/users/:id" });
    const event = await describeCall(call, {}, { ...describing, findOperation: find });
    expect(event).toMatchObject({ eventName: "GetUser", requestParameters: { id: "7" } });
  });

  test("that is none is refused at the start, with its reason", () => {
    expect(() => readOpenApi({})).toThrow("has no `paths`");
    const folder = mkdtempSync(join(tmpdir(), "cairn-openapi-"));
    const file = join(folder, "api.yaml");
    writeFileSync(file, "openapi: 3.0.0");
    expect(() => readOpenApi(file)).toThrow("is no JSON");
    rmSync(folder, { recursive: true });
  });

  test("never throws on a path that a caller made up", () => {
    fc.assert(
      fc.property(fc.string(), (path) => {
        expect(find("DELETE", `/users/${path}`)).toBeUndefined();
        find("GET", `/users/${path}`);
      }),
    );
  });
});

describe("sizes", () => {
  test("strings are cut at 1 KiB between characters", () => {
    const { userAgent, errorMessage } = encode({
      userAgent: "☃".repeat(1000),
      errorMessage: "x".repeat(2000),
    });
    expect(userAgent).toBe("☃".repeat(341));
    expect(errorMessage).toBe("x".repeat(1024));
  });

  test("an object over its limit is dropped as a whole, with its size", () => {
    const record = encode({
      requestParameters: { text: "x".repeat(100 * 1024) },
      additionalEventData: { text: "x".repeat(28 * 1024 - 20) },
    });
    expect(record["requestParameters"]).toEqual({
      omitted: true,
      originalSize: 100 * 1024 + 11,
      reason: "requestParameters too large",
    });
    expect(record["additionalEventData"]).toHaveProperty("text");
  });

  test("an event over 256 KiB gives up its objects, and is refused when that is not enough", () => {
    const resource = { ARN: `arn:${"x".repeat(1000)}`, type: "T" };
    const record = encode({
      requestParameters: { text: "x".repeat(90 * 1024) },
      responseElements: { text: "x".repeat(90 * 1024) },
      resources: Array.from({ length: 100 }, () => resource),
    });
    expect(record["resources"]).toEqual([
      { omitted: true, originalSize: expect.any(Number) as number, reason: "resources too large" },
    ]);
    expect(record["responseElements"]).toHaveProperty("text");
    const userIdentity = { type: "IAMUser", tags: "x".repeat(300 * 1024) } as const;
    expect(() => encode({ userIdentity })).toThrow(/more than 262144/);
  });

  test("whatever the application hands over becomes one line of at most 256 KiB, or is refused", () => {
    fc.assert(
      fc.property(fc.anything(), fc.string({ unit: "binary" }), (value, text) => {
        const clean = cleanCopy({ value, text }, hiddenBy()) as object;
        const { line } = encodeEvent(
          { eventName: "Test", requestParameters: clean, errorMessage: text },
          defaults,
        );
        expect(line.includes(10)).toBe(false);
        expect(line.length).toBeLessThanOrEqual(256 * 1024);
        JSON.parse(line.toString());
      }),
    );
  });
});

describe("secrets", () => {
  test("are hidden under telling names at any depth; harmless names are shown", () => {
    const clean = cleanCopy(
      {
        Password: "a",
        "new-password": "b",
        client_secret: "c",
        AccessToken: "d",
        nested: [{ apiKey: "e", creditCardNumber: "f" }],
        nextToken: "page",
        accessKeyId: "AKIA",
        pinned: true,
        author: "g",
        __proto__: null,
      },
      hiddenBy(),
    );
    const hidden = "HIDDEN_DUE_TO_SECURITY_REASONS";
    expect(JSON.parse(JSON.stringify(clean))).toEqual({
      Password: hidden,
      "new-password": hidden,
      client_secret: hidden,
      AccessToken: hidden,
      nested: [{ apiKey: hidden, creditCardNumber: hidden }],
      nextToken: "page",
      accessKeyId: "AKIA",
      pinned: true,
      author: "g",
    });
  });

  test("more names can be hidden, and built-in ones shown", () => {
    const hides = hiddenBy({ names: ["iban", "phone_number"], allow: ["code"] });
    expect(["IBAN", "phoneNumber", "code", "token"].map(hides)).toEqual([true, true, false, true]);
  });

  test("are taken out of error messages even when the body is not recorded", async () => {
    const event = await described({
      method: "POST",
      path: "/login",
      requestBody: { password: "hunter2!", nested: { token: ["t0ken-1"] } },
      outcome: { status: 400, body: { message: "bad password hunter2! and t0ken-1" } },
    });
    expect(event?.requestParameters).toBeNull();
    expect(event?.errorMessage).not.toMatch(/hunter2|t0ken/);
    expect(event?.errorMessage).toMatch(/^bad password HIDDEN/);
  });

  test("cycles, functions, big numbers and dates do no harm", () => {
    const cycle: Record<string, unknown> = { when: new Date(0), big: 2n ** 64n, run: () => 1 };
    cycle["self"] = cycle;
    const text = JSON.stringify(cleanCopy(cycle, hiddenBy()));
    expect(text).toContain('"when":"1970-01-01T00:00:00.000Z","big":"18446744073709551616"');
  });
});

describe("outcomes", () => {
  test.each([
    [{ status: 403 }, "AccessDenied", undefined],
    [{ status: 429, body: { error: "slow down" } }, "ThrottlingException", "slow down"],
    [{ status: 418 }, "ClientError", undefined],
    [{ status: 599 }, "InternalFailure", undefined],
    [
      { status: 400, body: { __type: "com.example#BadOrder:http://x", message: "m" } },
      "BadOrder",
      "m",
    ],
    [{ status: 400, body: { error: { code: "bad-order", message: "m" } } }, "BadOrder", "m"],
    [{ status: 400, body: { code: 17, name: "OrderError" } }, "OrderError", undefined],
    [{ status: 400, body: { code: "a whole sentence" } }, "ValidationException", undefined],
    [{ status: undefined }, "RequestAborted", "The caller went away before the answer."],
  ])("%j is %s", async (outcome, code, message) => {
    const event = await described({ outcome });
    expect([event?.errorCode, event?.errorMessage]).toEqual([code, message]);
  });

  test("the caller's address loses its IPv4 prefix, and a forged header is not believed", async () => {
    expect(await addressBehind(false)).toBe("192.0.2.1");
    expect(await addressBehind(1)).toBe("198.51.100.2");
    expect(await addressBehind(2)).toBe("203.0.113.7");
    expect(await addressBehind(3)).toBe("192.0.2.1");
  });

  test("an identify that never answers is given up, and the caller is unknown", async () => {
    const event = await described({}, { identify: () => new Promise(() => undefined) });
    expect(event?.userIdentity).toEqual({ type: "Unknown", principalId: "Anonymous" });
  });

  test("a request id that does not look like one is replaced", async () => {
    expect(await requestIdFor("01J-abc")).toBe("01J-abc");
    expect(await requestIdFor("a\nb")).toMatch(/^[0-9a-f-]{36}$/);
    expect(await requestIdFor("x".repeat(200))).toMatch(/^[0-9a-f-]{36}$/);
  });
});

test("an event of the application's own has every member that readers expect", () => {
  const record = encode({
    eventName: "NightlyCleanup",
    eventTime: new Date("2026-01-02T03:04:05.678Z"),
    eventCategory: "Data",
    resources: [{ ARN: "arn:example:1", type: "Example::Thing" }],
    sharedEventID: "s",
  });
  expect(Object.keys(record).join(" ")).toBe(
    "eventVersion userIdentity eventTime eventSource eventName awsRegion sourceIPAddress requestParameters " +
      "responseElements requestID eventID readOnly resources eventType managementEvent recipientAccountId " +
      "sharedEventID eventCategory",
  );
  expect(record).toMatchObject({
    eventTime: "2026-01-02T03:04:05Z",
    sourceIPAddress: "orders.example.com",
    managementEvent: false,
    eventCategory: "Data",
    requestParameters: null,
    resources: [{ accountId: "123456789012", type: "Example::Thing", ARN: "arn:example:1" }],
  });
});

describe("credentials", () => {
  test("come from the environment, or else the profile in the shared file", async () => {
    const folder = mkdtempSync(join(tmpdir(), "cairn-credentials-"));
    const file = join(folder, "credentials");
    writeFileSync(
      file,
      "# Written by hand\n[default]\naws_access_key_id = AKIADEFAULT\r\naws_secret_access_key=s3cret=with=signs\n\n[other]\naws_access_key_id=AKIAOTHER\naws_secret_access_key=o\naws_session_token=t\nregion=eu-west-1\naws_account_id=210987654321\n",
    );
    const shared = { AWS_SHARED_CREDENTIALS_FILE: file, AWS_CONFIG_FILE: join(folder, "none") };
    expect(await defaultCredentials(shared)()).toMatchObject({
      accessKeyId: "AKIADEFAULT",
      secretAccessKey: "s3cret=with=signs",
    });
    expect(await defaultCredentials({ ...shared, AWS_PROFILE: "other" })()).toEqual({
      accessKeyId: "AKIAOTHER",
      secretAccessKey: "o",
      sessionToken: "t",
    });
    expect(readProfile({ ...shared, AWS_PROFILE: "other" })).toMatchObject({
      region: "eu-west-1",
      aws_account_id: "210987654321",
    });
    const both = { ...shared, AWS_ACCESS_KEY_ID: "AKIAENV", AWS_SECRET_ACCESS_KEY: "e" };
    expect(await defaultCredentials(both)()).toMatchObject({ accessKeyId: "AKIAENV" });
    const error = defaultCredentials({ ...shared, AWS_PROFILE: "missing" })();
    await expect(error).rejects.toThrow(/profile missing in .*credentials/);
    rmSync(folder, { recursive: true });
  });
});

test("signatures equal those of another implementation, for any path, body and session token", async () => {
  const credentials = {
    accessKeyId: "AKIATEST",
    secretAccessKey: "secret/+=",
    sessionToken: "to+ken",
  };
  const nowMs = Date.UTC(2026, 0, 2, 3, 4, 5);
  const signer = new SignatureV4({
    credentials,
    region: "eu-central-1",
    service: "cairn",
    sha256: Sha256,
  });
  for (const path of ["/v1/events", "/pre fix/v1/events", "/a%2Fb/ü/v1/events"]) {
    const url = new URL(path, "http://127.0.0.1:4780");
    const body = Buffer.from("a body\n☃");
    const headers = { "content-type": "application/x-ndjson" };
    const ours = signRequest({ method: "POST", url, headers, body }, credentials, {
      region: "eu-central-1",
      service: "cairn",
      nowMs,
    });
    const theirs = await signer.sign(
      {
        method: "POST",
        protocol: "http:",
        hostname: "127.0.0.1",
        path: url.pathname,
        headers: { ...headers, host: url.host },
        body,
      },
      { signingDate: new Date(nowMs) },
    );
    expect(ours["authorization"]).toBe(theirs.headers["authorization"]);
  }
});
