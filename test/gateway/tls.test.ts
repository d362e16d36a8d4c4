// TLS on either side: the gateway's own port, and upstreams with certificates.
import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer, request as httpsRequest } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { readConfig } from "../../src/config.ts";
import { readTargets } from "../../src/gateway/read-targets.ts";
import { start } from "../../src/start.ts";
import { recordingGateway } from "./recording.ts";
import { closeAfter, listen } from "./support.ts";

const hasOpenssl = spawnSync("openssl", ["version"]).status === 0;
if (!hasOpenssl) console.warn("SKIPPED: TLS at the gateway, because openssl is not installed");

function certificate(): { key: Buffer; cert: Buffer; certFile: string } {
  const folder = mkdtempSync(join(tmpdir(), "cairn-tls-"));
  closeAfter(() => rmSync(folder, { recursive: true }));
  const key = join(folder, "key.pem");
  const cert = join(folder, "cert.pem");
  execFileSync(
    "openssl",
    `req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost -addext subjectAltName=DNS:localhost -keyout ${key} -out ${cert}`.split(
      " ",
    ),
    { stdio: "ignore" },
  );
  return { key: readFileSync(key), cert: readFileSync(cert), certFile: cert };
}

/** As at start: the file's text read and checked, then the files that it names. */
function targetsOf(text: string) {
  const { config } = readConfig({ flags: {}, environment: {}, file: { name: "cairn.yaml", text } });
  return readTargets(config);
}

const target = "AWSCognitoIdentityProviderService.ListUserPools";
const headers = {
  host: "cognito-idp.eu-west-1.amazonaws.com",
  "x-amz-target": target,
  "content-type": "application/x-amz-json-1.1",
};

function ask(port: number, ca: Buffer): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    const outgoing = httpsRequest(
      {
        host: "127.0.0.1",
        servername: "localhost",
        port,
        method: "POST",
        ca,
        headers,
        agent: false,
      },
      (answer) => {
        answer.resume();
        answer.on("end", () => resolve(answer.statusCode));
      },
    );
    outgoing.on("error", reject);
    outgoing.end("{}");
  });
}

test.skipIf(!hasOpenssl)(
  "TLS is spoken on both sides, and what the client's used is in its event",
  async () => {
    const { key, cert } = certificate();
    let host: string | undefined;
    const origin = createServer({ key, cert }, (request, response) => {
      host = request.headers.host;
      request.resume();
      request.on("end", () => response.end('{"UserPools":[]}'));
    });
    const port = await listen(origin);
    const recording = await recordingGateway(
      {
        services: {
          // The name in the certificate is the upstream's; the Host header stays the client's.
          "cognito-idp": {
            url: new URL(`https://localhost:${port}`),
            mode: "pass-through",
            ca: cert,
          },
        },
      },
      { tls: { key, cert } },
    );
    expect(await ask(recording.gateway.port, cert)).toBe(200);
    expect(host).toBe("cognito-idp.eu-west-1.amazonaws.com");
    expect(await recording.events()).toMatchObject([
      {
        eventName: "ListUserPools",
        tlsDetails: {
          tlsVersion: "TLSv1.3",
          cipherSuite: expect.stringMatching(/^TLS_/) as string,
          clientProvidedHostHeader: "cognito-idp.eu-west-1.amazonaws.com",
        },
      },
    ]);
  },
);

test.skipIf(!hasOpenssl)(
  "an upstream whose certificate nobody vouches for is not spoken to",
  async () => {
    const { key, cert } = certificate();
    let asked = 0;
    const origin = createServer({ key, cert }, (_request, response) => {
      asked++;
      response.end();
    });
    const port = await listen(origin);
    const recording = await recordingGateway(new URL(`https://localhost:${port}`), {
      tls: { key, cert },
    });
    expect(await ask(recording.gateway.port, cert)).toBe(502);
    expect(asked).toBe(0);
    expect(await recording.events()).toMatchObject([
      {
        errorCode: "ServiceUnavailable",
        errorMessage: expect.stringContaining("gateway-upstream-ca") as string,
      },
    ]);
  },
);

test.skipIf(!hasOpenssl)(
  "an upstream of a private authority is spoken to where its file is named, and by nobody else's",
  async () => {
    const { key, cert, certFile } = certificate();
    const other = certificate();
    const origin = createServer({ key, cert }, (request, response) => {
      request.resume();
      request.on("end", () => response.end('{"UserPools":[]}'));
    });
    const url = `https://localhost:${await listen(origin)}`;
    const statusWith = async (text: string) => {
      const recording = await recordingGateway(await targetsOf(text), { tls: { key, cert } });
      return ask(recording.gateway.port, cert);
    };
    const named = (ca: string) =>
      `gateway: { upstreams: { cognito-idp: { url: "${url}", ca: "${ca}" } } }`;
    expect(await statusWith(`gateway-upstream: "${url}"\ngateway-upstream-ca: "${certFile}"`)).toBe(
      200,
    );
    expect(await statusWith(named(certFile))).toBe(200);
    expect(await statusWith(named(other.certFile))).toBe(502);
    // The file of one upstream says nothing about another.
    expect(
      await statusWith(
        `${named(other.certFile)}\ngateway-upstream: "${url}"\ngateway-upstream-ca: "${certFile}"`,
      ),
    ).toBe(502);
  },
);

test("a file of authorities that is missing or holds none is named at the start, with its setting", async () => {
  const folder = mkdtempSync(join(tmpdir(), "cairn-ca-"));
  closeAfter(() => rmSync(folder, { recursive: true }));
  const [missing, empty, spoilt] = ["missing.pem", "empty.pem", "spoilt.pem"].map((name) =>
    join(folder, name),
  );
  writeFileSync(empty ?? "", "nothing\n");
  writeFileSync(spoilt ?? "", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n");
  const text = [
    `data: "${folder}/data"`,
    "gateway-upstream: https://a",
    `gateway-upstream-ca: "${missing}"`,
    "gateway:",
    "  upstreams:",
    `    s3: { url: "https://b", ca: "${empty}" }`,
    `    sqs: { url: "https://c", ca: "${spoilt}" }`,
    `    sts: { url: "https://d", ca: "${folder}" }`,
  ].join("\n");
  const { config } = readConfig({ flags: {}, environment: {}, file: { name: "f", text } });
  const error: unknown = await start(config).catch((reason: unknown) => reason);
  expect(error).toMatchObject({ code: "InvalidConfiguration" });
  expect((error as Error).message.split("\n  ")).toEqual([
    `gateway.upstreams.s3: ca: ${empty} holds no certificate in PEM form`,
    `gateway.upstreams.sqs: ca: certificate 1 of ${spoilt} cannot be read`,
    expect.stringMatching(/^gateway\.upstreams\.sts: ca: EISDIR/),
    expect.stringMatching(/^--gateway-upstream-ca: ENOENT: .*missing\.pem/),
  ]);
  // Nothing was made before the mistake was found.
  expect(existsSync(join(folder, "data"))).toBe(false);
});
