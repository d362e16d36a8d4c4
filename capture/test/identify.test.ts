// Ready-made callers: what a token, a certificate and an API key prove, and that nothing else is taken for proof.
import { execFileSync, spawnSync } from "node:child_process";
import { createHash, generateKeyPairSync, X509Certificate } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type RequestListener } from "node:http";
import { createServer as createSecureServer, request as httpsRequest } from "node:https";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { serve } from "@hono/node-server";
import express from "express";
import fastify from "fastify";
import { Hono } from "hono";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { isMissing } from "../../test/tools/clients.ts";
import { type OidcIssuer, openOidcIssuer } from "../../test/tools/oidc-issuer.ts";
import { type Capture, createCapture } from "../src/capture.ts";
import type { CaptureError } from "../src/errors.ts";
import { expressCapture } from "../src/express.ts";
import { fastifyCapture } from "../src/fastify.ts";
import { honoCapture } from "../src/hono.ts";
import {
  identifyByAny,
  identifyByApiKey,
  identifyByCertificate,
  identifyByToken,
  type TokenOptions,
} from "../src/identify.ts";
import { KeySet } from "../src/key-set.ts";
import { captureHandler } from "../src/node.ts";
import type { Identify, Identity } from "../src/record.ts";
import { credentials, IngestServer, region, until } from "./ingest-server.ts";

let issuer: OidcIssuer;
const stops: (() => Promise<unknown> | void)[] = [];

beforeAll(async () => {
  issuer = await openOidcIssuer();
});
afterAll(() => issuer[Symbol.asyncDispose]());
afterEach(async () => {
  for (const stop of stops.splice(0).toReversed()) await stop();
});

const good = { sub: "user:42", aud: "app" };
const hashOf = (secret: string) => createHash("sha256").update(secret).digest("hex");
const fingerprint = (secret: string) => `sha256:${hashOf(secret).slice(0, 16)}`;
const unproved = (secret: string) => ({ type: "Unknown", credentialId: fingerprint(secret) });
const bearer = (token: string) => ({ headers: { authorization: `Bearer ${token}` } });

const json = (value: unknown) => Buffer.from(JSON.stringify(value)).toString("base64url");
const emailOf = (claims: { email?: unknown }) => String(claims.email);
const botOf = (claims: { tenant?: unknown }): Identity | undefined =>
  claims.tenant === "red" ? { type: "IAMUser", userName: "red-bot" } : undefined;
const robotOf = ({ subject }: X509Certificate): Identity | undefined =>
  subject.includes("OU=robots") ? { type: "Role", userName: "robot" } : undefined;

const byToken = (options: Partial<TokenOptions<unknown>> = {}) =>
  identifyByToken({ issuer: issuer.url, audience: ["other", "app"], ...options });

/** As CloudTrail shows the bearer of a web identity: these members and no others. */
const user42 = () => ({
  type: "WebIdentityUser",
  principalId: `${issuer.name}:app:user:42`,
  userName: "user:42",
  identityProvider: issuer.name,
});

describe("a token of an OIDC provider", () => {
  test.each(["RS256", "ES256", "EdDSA"] as const)(
    "is its bearer, signed with %s",
    async (algorithm) => {
      const identify = byToken();
      expect(await identify(bearer(issuer.token(good, { algorithm })))).toEqual(user42());
      const several = issuer.token({ ...good, aud: ["elsewhere", "app"] }, { algorithm });
      expect(await identify(bearer(several))).toEqual(user42());
    },
  );

  test("that is not there, or is another scheme's, is nobody", async () => {
    const identify = byToken();
    for (const headers of [{}, { authorization: "Basic YTpi" }, { authorization: "Bearer " }]) {
      expect(await identify({ headers })).toBeUndefined();
    }
  });

  test("that proves nothing is Unknown with its fingerprint, never the one whom it names", async () => {
    await using stranger = await openOidcIssuer();
    const identify = byToken();
    const nowSeconds = Math.floor(Date.now() / 1000);
    const [head = "", body = "", signature = ""] = issuer.token(good).split(".");
    const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
    const bad: Record<string, string> = {
      "no token": "this-is-not-a-token-at-all",
      "two parts": `${head}.${body}`,
      "no signature": `${head}.${body}.`,
      "the algorithm none": `${json({ alg: "none" })}.${body}.${signature}`,
      "a shared secret": issuer.token(good, { header: { alg: "HS256" } }),
      "an algorithm that is not taken": issuer.token(good, { header: { alg: "PS256" } }),
      "another algorithm than its key's": issuer.token(good, { header: { alg: "ES256" } }),
      "an extension that is not understood": issuer.token(good, { header: { crit: ["x"] } }),
      "another key": issuer.token(good, { key: privateKey }),
      "another issuer": stranger.token(good),
      "another issuer's signature": stranger.token({ ...good, iss: issuer.url }),
      "a changed body": `${head}.${json({ iss: issuer.url, ...good, sub: "root" })}.${signature}`,
      "an unknown key": issuer.token(good, { keyId: "unknown" }),
      "another audience": issuer.token({ ...good, aud: "someone-else" }),
      "no audience": issuer.token({ sub: "user:42" }),
      "its time over": issuer.token({ ...good, exp: nowSeconds - 120 }),
      "its time not come": issuer.token({ ...good, nbf: nowSeconds + 120 }),
      "an issue in the future": issuer.token({ ...good, iat: nowSeconds + 120 }),
      "no end": issuer.token({ ...good, exp: undefined }),
      "an end that is no time": issuer.token({ ...good, exp: "9999999999" }),
      "a body that is no object": `${head}.${json([])}.${signature}`,
      "more than a header holds": issuer.token({ ...good, more: "x".repeat(16 * 1024) }),
    };
    for (const [what, token] of Object.entries(bad)) {
      expect([what, await identify(bearer(token))]).toEqual([what, unproved(token)]);
    }
    // A minute of difference between the clocks is none.
    const late = issuer.token({ ...good, exp: nowSeconds - 30, nbf: nowSeconds + 30 });
    expect(await identify(bearer(late))).toEqual(user42());
    expect(await byToken({ clockToleranceMs: 0 })(bearer(late))).toEqual(unproved(late));
    // Short enough to be guessed from its hash.
    expect(await identify(bearer("hunter2"))).toEqual({ type: "Unknown" });
  });

  test("may say another name, or be another identity; where none fits it is Unknown with the token's id", async () => {
    const token = issuer.token({ ...good, email: "a@example.com", jti: "t-1", tenant: "red" });
    expect(await byToken({ userName: emailOf })(bearer(token))).toEqual({
      ...user42(),
      userName: "a@example.com",
    });
    expect(await byToken({ identity: botOf })(bearer(token))).toEqual({
      type: "IAMUser",
      userName: "red-bot",
    });
    const blue = issuer.token({ ...good, jti: "t-2" });
    expect(await byToken({ identity: botOf })(bearer(blue))).toEqual({
      type: "Unknown",
      credentialId: "t-2",
    });
    const nobody = issuer.token({ aud: "app", jti: "t-3" });
    expect(await byToken()(bearer(nobody))).toEqual({ type: "Unknown", credentialId: "t-3" });
    const fromQuery = byToken({ token: (request) => (request as { query: string }).query });
    expect(await fromQuery({ query: token })).toEqual(user42());
  });

  test("is what it was when the call came in, however long the call takes", async () => {
    const identify = byToken({ clockToleranceMs: 0 });
    const token = issuer.token({ ...good, exp: Math.floor(Date.now() / 1000) + 2 });
    const request = bearer(token);
    identify.begin?.(request);
    await until(
      "the token is over",
      async () => (await byToken({ clockToleranceMs: 0 })(bearer(token)))?.type === "Unknown",
    );
    expect(await identify(request)).toEqual(user42());
  });

  test.each<[string, Partial<TokenOptions<unknown>>]>([
    ["an issuer without https", { issuer: "http://login.example.com" }],
    ["no issuer", { issuer: "" }],
    ["keys from a place without https", { jwksUri: "http://login.example.com/keys" }],
    ["no audience", { audience: [] }],
    ["an algorithm that proves nothing", { algorithms: ["none" as never] }],
  ])("is not looked for with %s: the application does not start", (_what, options) => {
    expect(() => byToken(options)).toThrow(TypeError);
  });
});

/** A key set whose clock stands still. */
function keySet(url: string) {
  const clock = { nowMs: 0 };
  const set = new KeySet({ issuer: url, nowMs: () => clock.nowMs });
  const has = async (algorithm: "RS256" | "ES256", keyId: string = algorithm) =>
    (await set.keysFor(algorithm, keyId)).length;
  return { clock, has };
}

const minute = 60_000;

describe("a provider's keys", () => {
  test("are asked for once, and a missing one at most every half minute", async () => {
    await using provider = await openOidcIssuer();
    provider.show(["RS256"]);
    const { clock, has } = keySet(provider.url);
    await Promise.all([has("RS256"), has("RS256"), has("RS256")]);
    expect(provider.asked()).toBe(2);
    for (const keyId of ["a", "b", "c"]) expect(await has("ES256", keyId)).toBe(0);
    expect(provider.asked()).toBe(2);
    // The provider changes its keys: the new one is found, the old one is gone.
    provider.show(["ES256"]);
    clock.nowMs += minute / 2;
    expect(await has("ES256")).toBe(1);
    expect(await has("RS256")).toBe(0);
    expect(provider.asked()).toBe(4);
  });

  test("that the provider has taken back are forgotten within its keys' age", async () => {
    await using provider = await openOidcIssuer();
    const { clock, has } = keySet(provider.url);
    expect(await has("RS256")).toBe(1);
    provider.show(["ES256"]);
    clock.nowMs += 10 * minute;
    // Fetched beside this call, so that no call waits for a slow provider.
    expect(await has("RS256")).toBe(1);
    await until("the keys are fetched", () => provider.asked() === 4);
    await until("the key is forgotten", async () => (await has("RS256")) === 0);
  });

  test("are believed for an hour where the provider is away, and not longer", async () => {
    const provider = await openOidcIssuer();
    const { clock, has } = keySet(provider.url);
    expect(await has("RS256")).toBe(1);
    await provider[Symbol.asyncDispose]();
    clock.nowMs += 59 * minute;
    expect(await has("RS256")).toBe(1);
    clock.nowMs += minute;
    await expect(has("RS256")).rejects.toThrow(/keys of http:.* are not known/);
  });

  test("of other kinds, for other uses, or too short, are none", async () => {
    const { publicKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
    const short = generateKeyPairSync("rsa", { modulusLength: 1024 }).publicKey;
    const rsa = publicKey.export({ format: "jwk" });
    const shown = [
      { ...rsa, kid: "k", alg: "RS512" },
      { ...rsa, kid: "k", use: "enc" },
      { ...rsa, kid: "other", use: "sig" },
      { ...short.export({ format: "jwk" }), kid: "k" },
      { kty: "oct", k: "c2VjcmV0", kid: "k" },
      { kty: "RSA", n: 1, e: "AQAB", kid: "k" },
      null,
      "RSA",
    ];
    const listener: RequestListener = (request, response) =>
      void response.end(
        JSON.stringify(
          request.url === "/keys" ? { keys: shown } : { issuer: url, jwks_uri: `${url}/keys` },
        ),
      );
    const url: string = await listen(createServer(listener));
    const { clock, has } = keySet(url);
    expect(await has("RS256", "k")).toBe(0);
    shown.push({ ...rsa, kid: "k" });
    clock.nowMs += minute;
    expect(await has("RS256", "k")).toBe(1);
  });

  test.each<[string, RequestListener]>([
    ["is too long", (_, response) => void response.end(`"${"x".repeat(300_000)}"`)],
    ["is no JSON", (_, response) => void response.end("<html>")],
    ["is an error", (_, response) => void response.writeHead(500).end("{}")],
    [
      "sends us elsewhere",
      (_, response) => void response.writeHead(302, { location: issuer.url }).end(),
    ],
    [
      "is another issuer's",
      (_, response) =>
        void response.end(JSON.stringify({ issuer: issuer.url, jwks_uri: `${issuer.url}/keys` })),
    ],
    ["never comes", () => undefined],
  ])(
    "are not taken from an answer that %s; the caller is Unknown, and it is heard",
    async (_what, listener) => {
      const url = await listen(createServer(listener));
      const now = Math.floor(Date.now() / 1000);
      const token = issuer.token({ ...good, iss: url, iat: now });
      const identify = identifyByToken({ issuer: url, audience: "app" });
      await expect(identify(bearer(token))).rejects.toMatchObject({
        name: "UnidentifiedError",
        message: expect.stringMatching(/keys/),
        identity: unproved(token),
      });
    },
  );
});

async function listen(server: ReturnType<typeof createServer>): Promise<string> {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  stops.push(() => {
    server.closeAllConnections();
    return new Promise((resolve) => server.close(resolve));
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

describe("an API key", () => {
  const key = "orders_live_4f0c9a1b2c3d4e5f";
  const owners = new Map([[hashOf(key), { type: "IAMUser", userName: "billing" } as const]]);

  test("is whose it is, found by its hash", async () => {
    const identify = identifyByApiKey({ lookUp: (hash) => owners.get(hash) });
    expect(await identify({ headers: { "x-api-key": key } })).toEqual({
      type: "IAMUser",
      userName: "billing",
    });
    expect(await identify({ headers: {} })).toBeUndefined();
    const other = `${key}x`;
    expect(await identify({ headers: { "x-api-key": other } })).toEqual(unproved(other));
    expect(await identify({ headers: { "x-api-key": "short" } })).toEqual({ type: "Unknown" });
  });

  test("that cannot be looked up is Unknown, and it is heard", async () => {
    const identify = identifyByApiKey({
      key: (request) => (request as { key: string }).key,
      lookUp: () => Promise.reject(new Error("the database is away")),
    });
    await expect(identify({ key })).rejects.toMatchObject({
      message: "the database is away",
      identity: unproved(key),
    });
  });

  test("goes before or after other ways; the first that proves anything counts", async () => {
    const identify = identifyByAny(
      byToken(),
      identifyByApiKey({ lookUp: (hash) => owners.get(hash) }),
    );
    const token = issuer.token(good);
    const forged = `${token.slice(0, -8)}AAAAAAAA`;
    const asked = (headers: Record<string, string>) => identify({ headers });
    expect(await asked({})).toBeUndefined();
    expect(await asked({ "x-api-key": key })).toMatchObject({ userName: "billing" });
    expect(await asked({ authorization: `Bearer ${token}`, "x-api-key": key })).toEqual(user42());
    expect(await asked({ authorization: `Bearer ${forged}`, "x-api-key": key })).toMatchObject({
      userName: "billing",
    });
    expect(await asked({ authorization: `Bearer ${forged}` })).toEqual(unproved(forged));
    const failing = identifyByAny(
      () => {
        throw new Error("away");
      },
      identifyByApiKey({ lookUp: (hash) => owners.get(hash) }),
    );
    expect(await failing({ headers: { "x-api-key": key } })).toMatchObject({ userName: "billing" });
    await expect(failing({ headers: {} })).rejects.toThrow("away");
  });
});

const hasNoOpenssl = isMissing("openssl", spawnSync("openssl", ["version"]).status === 0);
const printOf = (cert: Buffer) =>
  createHash("sha256").update(new X509Certificate(cert).raw).digest("hex");
const openssl = (...args: string[]) => execFileSync("openssl", args, { stdio: "ignore" });

/** An authority and the certificates that it signs. */
function authority() {
  const folder = mkdtempSync(join(tmpdir(), "cairn-certificates-"));
  const file = (name: string) => join(folder, name);
  const newKey = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"];
  const made = (name: string) => ({
    key: readFileSync(file(`${name}.key`)),
    cert: readFileSync(file(`${name}.pem`)),
  });
  const selfSigned = (name: string, subject: string) => {
    const out = ["-keyout", file(`${name}.key`), "-out", file(`${name}.pem`)];
    openssl("req", "-x509", ...newKey, "-days", "2", "-subj", subject, ...out);
    return made(name);
  };
  const signed = (name: string, subject: string, alternative?: string) => {
    const keys = ["-keyout", file(`${name}.key`), "-out", file(`${name}.csr`)];
    openssl("req", "-new", ...newKey, "-subj", subject, ...keys);
    writeFileSync(file("ext"), alternative === undefined ? "" : `subjectAltName=${alternative}`);
    const by = ["-CA", file("ca.pem"), "-CAkey", file("ca.key"), "-CAcreateserial"];
    const out = ["-out", file(`${name}.pem`), "-extfile", file("ext")];
    openssl("x509", "-req", "-in", file(`${name}.csr`), ...by, "-days", "2", ...out);
    return made(name);
  };
  const ca = selfSigned("ca", "/C=DE/O=Example, Inc./CN=Example Devices");
  return { ca, selfSigned, signed, remove: () => rmSync(folder, { recursive: true }) };
}

describe.skipIf(hasNoOpenssl)("a client certificate", () => {
  let certificates: ReturnType<typeof authority>;
  beforeAll(() => {
    certificates = authority();
  });
  afterAll(() => certificates.remove());

  const issuedBy = "CN=Example Devices,O=Example\\, Inc.,C=DE";

  test.each<[string, string, string | undefined, string | undefined]>([
    ["its common name", "/O=Example/CN=orders", undefined, "orders"],
    [
      "its SPIFFE id",
      "/CN=orders",
      "URI:spiffe://example/orders,DNS:orders.local",
      "spiffe://example/orders",
    ],
    ["its e-mail address", "/CN=Jane", "email:jane@example.com", "jane@example.com"],
    ["its only DNS name", "/O=Example", "DNS:orders.local", "orders.local"],
    ["none of several", "/O=Example", "DNS:a.local,DNS:b.local", undefined],
    [
      "its common name, where it has several addresses",
      "/CN=Jane",
      "email:a@x.de,email:b@x.de",
      "Jane",
    ],
    ["none of several common names", "/CN=a/CN=b", undefined, undefined],
  ])(
    "is known by its fingerprint, and called by %s",
    async (_what, subject, alternative, userName) => {
      const { cert } = certificates.signed("leaf", subject, alternative);
      const identify = identifyByCertificate({ certificate: () => new X509Certificate(cert) });
      expect(await identify({})).toEqual({
        type: "WebIdentityUser",
        principalId: printOf(cert),
        userName,
        identityProvider: issuedBy,
      });
    },
  );

  test("cannot pass one name off as two", async () => {
    const alternative = "@names\n[names]\nDNS.1=a.local, URI:spiffe://example/admin";
    for (const [subject, userName] of [
      ["/CN=mallory", "mallory"],
      ["/O=Example", "a.local, URI:spiffe://example/admin"],
    ] as const) {
      const { cert } = certificates.signed("quoted", subject, alternative);
      const identify = identifyByCertificate({ certificate: () => new X509Certificate(cert) });
      expect((await identify({}))?.userName).toBe(userName);
    }
  });

  test("may be another identity, or none", async () => {
    const { cert } = certificates.signed("robot", "/OU=robots/CN=r2");
    const certificate = () => new X509Certificate(cert);
    expect(await identifyByCertificate({ certificate, identity: robotOf })({})).toEqual({
      type: "Role",
      userName: "robot",
    });
    const none = identifyByCertificate({ certificate, identity: () => undefined });
    expect(await none({})).toEqual({ type: "Unknown", credentialId: printOf(cert) });
    expect(await identifyByCertificate({ certificate: () => undefined })({})).toBeUndefined();
    expect(await identifyByCertificate()({ headers: {} })).toBeUndefined();
  });

  test("names the caller of a real connection, also of one who hangs up; an untrusted one names nobody", async () => {
    const ingest = await IngestServer.start();
    stops.push(() => ingest.stop());
    const capture = openCapture(ingest);
    const server = certificates.signed("server", "/CN=localhost", "DNS:localhost");
    const client = certificates.signed("client", "/CN=orders");
    const stranger = certificates.selfSigned("stranger", "/CN=orders");
    let isHanging = false;
    const listener: RequestListener = (request, response) => {
      if (request.url === "/hang") isHanging = true;
      else response.end("{}");
    };
    const identify = identifyByCertificate();
    const https = createSecureServer(
      { ...server, ca: certificates.ca.cert, requestCert: true, rejectUnauthorized: false },
      captureHandler(listener, capture, { identify, eventName: ({ url }) => url?.slice(1) }),
    );
    const { port } = new URL(await listen(https));
    const ask = (path: string, own: object) =>
      httpsRequest({
        port,
        path,
        ca: certificates.ca.cert,
        servername: "localhost",
        agent: false,
        ...own,
      });
    const answered = (path: string, own: object) =>
      new Promise<void>((resolve, reject) => {
        const request = ask(path, own);
        request.on("response", (response) => response.resume().on("end", () => resolve()));
        request.on("error", reject).end();
      });
    await answered("/known", client);
    await answered("/stranger", stranger);
    await answered("/nobody", {});
    const left = ask("/hang", client).on("error", () => undefined);
    left.end();
    await until("the call to come in", () => isHanging);
    left.destroy();
    await until("all events", () => ingest.stored.length === 4);
    const callerOf = (name: string) => ingest.named(name)[0]?.["userIdentity"];
    const orders = {
      type: "WebIdentityUser",
      principalId: printOf(client.cert),
      userName: "orders",
      identityProvider: issuedBy,
    };
    expect(callerOf("known")).toEqual(orders);
    expect(callerOf("hang")).toEqual(orders);
    expect(ingest.named("hang")[0]).toMatchObject({ errorCode: "RequestAborted" });
    expect(callerOf("stranger")).toEqual({ type: "Unknown", credentialId: printOf(stranger.cert) });
    expect(callerOf("nobody")).toEqual({ type: "Unknown", principalId: "Anonymous" });
  });
});

const errors: CaptureError[] = [];

function openCapture(ingest: IngestServer): Capture {
  errors.length = 0;
  const capture = createCapture({
    url: ingest.url,
    credentials,
    region,
    accountId: "123456789012",
    service: "orders.example.com",
    flushIntervalMs: 10,
    environment: {},
    onError: (error) => errors.push(error),
  });
  stops.push(() => capture.close({ timeoutMs: 500 }));
  return capture;
}

/** A server of each framework that answers `GET /orders`. */
const frameworks: Record<
  string,
  (capture: Capture, identify: Identify<unknown>) => Promise<string>
> = {
  "node:http": (capture, identify) =>
    listen(
      createServer(captureHandler((_, response) => response.end("{}"), capture, { identify })),
    ),
  express: (capture, identify) => {
    const app = express();
    app.use(expressCapture(capture, { identify }));
    app.get("/orders", (_, response) => void response.json({}));
    return listen(createServer(app as RequestListener));
  },
  fastify: async (capture, identify) => {
    const app = fastify({ forceCloseConnections: true });
    stops.push(() => app.close());
    await app.register(fastifyCapture, { capture, identify });
    app.get("/orders", () => ({}));
    return app.listen({ port: 0, host: "127.0.0.1" });
  },
  hono: async (capture, identify) => {
    const app = new Hono();
    app.use(honoCapture(capture, { identify }));
    app.get("/orders", (context) => context.json({}));
    return new Promise((resolve) => {
      const server = serve({ fetch: app.fetch, port: 0, hostname: "127.0.0.1" }, ({ port }) =>
        resolve(`http://127.0.0.1:${port}`),
      );
      stops.push(() => new Promise((done) => server.close(() => done(undefined))));
    });
  },
};

test.each(Object.entries(frameworks))(
  "the event of %s has the caller exactly as CloudTrail shows it, and no credential",
  async (_name, startServer) => {
    const ingest = await IngestServer.start();
    stops.push(() => ingest.stop());
    const capture = openCapture(ingest);
    const key = "orders_live_4f0c9a1b2c3d4e5f";
    const lookUp = (hash: string): Identity | undefined => {
      if (hash === hashOf("orders_live_that_fails_to_be_found")) throw new Error("away");
      return hash === hashOf(key)
        ? { type: "IAMUser", userName: "billing", principalId: "AIDABILLING" }
        : undefined;
    };
    const url = await startServer(capture, identifyByAny(byToken(), identifyByApiKey({ lookUp })));
    const token = issuer.token(good);
    const forged = `${token.slice(0, -8)}AAAAAAAA`;
    const failing = "orders_live_that_fails_to_be_found";
    const calls: Record<string, string>[] = [
      { authorization: `Bearer ${token}` },
      { authorization: `Bearer ${forged}` },
      { "x-api-key": key },
      { "x-api-key": failing },
      {},
    ];
    for (const headers of calls) {
      await (await fetch(`${url}/orders`, { headers })).arrayBuffer();
      const count = calls.indexOf(headers) + 1;
      await until("the event", () => ingest.stored.length === count);
    }
    expect(ingest.stored.map((each) => each["userIdentity"])).toEqual([
      user42(),
      unproved(forged),
      {
        type: "IAMUser",
        principalId: "AIDABILLING",
        arn: "arn:aws:iam::123456789012:user/billing",
        accountId: "123456789012",
        userName: "billing",
      },
      unproved(failing),
      { type: "Unknown", principalId: "Anonymous" },
    ]);
    expect(errors.map(({ code, message }) => [code, message])).toEqual([
      ["IdentifyFailed", "identify: away; the caller is recorded as unknown"],
    ]);
    const everything = JSON.stringify(ingest.stored);
    for (const secret of [token, forged, key, failing]) expect(everything).not.toContain(secret);
  },
);
