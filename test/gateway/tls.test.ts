// TLS on either side: the gateway's own port, and upstreams with certificates.
import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer, request as httpsRequest } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { recordingGateway } from "./recording.ts";
import { closeAfter, listen } from "./support.ts";

const hasOpenssl = spawnSync("openssl", ["version"]).status === 0;
if (!hasOpenssl) console.warn("SKIPPED: TLS at the gateway, because openssl is not installed");

function certificate(): { key: Buffer; cert: Buffer } {
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
  return { key: readFileSync(key), cert: readFileSync(cert) };
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
    expect(await recording.events()).toMatchObject([{ errorCode: "ServiceUnavailable" }]);
  },
);
