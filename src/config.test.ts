// What the configuration promises: precedence, all mistakes at once, no public address by accident.
import { describe, expect, test } from "vitest";
import { type ConfigSources, readConfig } from "./config.ts";

const sources = (parts: Partial<ConfigSources> = {}): ConfigSources => ({
  flags: {},
  environment: {},
  ...parts,
});

/** The mistakes that a configuration is refused with, a line each. */
function mistakes(parts: Partial<ConfigSources>): string[] {
  try {
    readConfig(sources(parts));
  } catch (error) {
    return (error as Error).message
      .split("\n")
      .slice(1)
      .map((line) => line.trim());
  }
  return [];
}

const mistakesOfFile = (text: string) => mistakes({ file: { name: "cairn.yaml", text } });

describe("configuration", () => {
  test("nothing configured works", () => {
    const { config } = readConfig(sources());
    expect(config).toMatchObject({ host: "127.0.0.1", port: 4780, accountId: "111122223333" });
    expect(config.retentionMs).toBe(90 * 86_400_000);
  });

  test("a flag wins over the environment, that over the file, that over the default", () => {
    const file = { name: "cairn.yaml", text: "port: 1\nregion: a\ndata: x\n" };
    const { config, origins } = readConfig(
      sources({ flags: { port: "3" }, environment: { CAIRN_PORT: "2", CAIRN_REGION: "b" }, file }),
    );
    expect([config.port, config.region, config.data]).toEqual([3, "b", "x"]);
    expect(origins.port.from).toBe("flag");
    expect(origins.region.from).toBe("environment");
    expect(origins.data.from).toBe("file");
    expect(origins.host.from).toBe("default");
  });

  test("all mistakes are reported at once, and no secret is shown", () => {
    const found = mistakes({
      flags: { port: "70000", "account-id": "1", retention: "soon" },
      environment: { CAIRN_ROOT_SECRET_ACCESS_KEY: "very-secret" },
    });
    expect(found).toEqual([
      '--port "70000" (flag): is no port from 0 to 65535',
      '--account-id "1" (flag): is no account id of 12 digits',
      '--retention "soon" (flag): "soon" is not a duration such as 2s, 5m, 1h or 90d',
      "--root-access-key-id and --root-secret-access-key go together",
    ]);
  });

  test("a public address needs TLS or a proxy in front", () => {
    expect(mistakes({ flags: { host: "0.0.0.0" } })[0]).toMatch(/reachable from other machines/);
    expect(mistakes({ flags: { host: "0.0.0.0", "behind-proxy": "true" } })).toEqual([]);
    expect(mistakes({ flags: { host: "::", "tls-cert": "c", "tls-key": "k" } })).toEqual([]);
  });

  test("the file names the services behind the gateway", () => {
    const text = [
      "gateway:",
      "  upstreams:",
      "    s3: http://127.0.0.1:9000",
      "    cognito-idp: { url: 'http://127.0.0.1:9229', mode: re-sign, access-key-id: a, secret-access-key: b }",
    ].join("\n");
    const { config } = readConfig(sources({ file: { name: "cairn.yaml", text } }));
    expect(config.gatewayUpstreams["s3"]?.url.port).toBe("9000");
    expect(config.gatewayUpstreams["cognito-idp"]?.credentials?.accessKeyId).toBe("a");
  });

  test("what stands under gateway is checked to its leaves", () => {
    expect(mistakesOfFile("gateway: 5")).toEqual(["gateway: must be names and values, not 5"]);
    expect(mistakesOfFile("gateway: { upstream: { s3: 'http://a' } }")).toEqual([
      "gateway: unknown setting upstream",
    ]);
    expect(mistakesOfFile("gateway: { upstreams: { s3: [1] } }")).toEqual([
      "gateway.upstreams.s3: must be names and values, not [1]",
      "gateway.upstreams.s3: is no URL such as http://127.0.0.1:9000",
    ]);
    expect(mistakesOfFile("gateway: { upstreams: { s3: 'http://u:p@a' } }")[0]).toMatch(
      /user name or password/,
    );
    expect(mistakesOfFile('region: ""')).toEqual(['--region "" (file): is empty']);
  });

  test("a private authority is for https only, where nothing else would vouch for an upstream", () => {
    const ca = { "gateway-upstream-ca": "ca.pem" };
    expect(mistakes({ flags: { ...ca, "gateway-upstream": "https://a" } })).toEqual([]);
    const forHttps = "--gateway-upstream-ca is for a --gateway-upstream that begins with https:";
    expect(mistakes({ flags: { ...ca, "gateway-upstream": "http://a" } })).toEqual([forHttps]);
    expect(mistakes({ flags: ca })).toEqual([forHttps]);
    expect(
      mistakesOfFile("gateway: { upstreams: { s3: { url: 'http://a', ca: ca.pem } } }"),
    ).toEqual(["gateway.upstreams.s3: ca is for a url that begins with https:"]);
  });

  test("an unknown name in the file is a mistake, not silence", () => {
    expect(mistakes({ file: { name: "cairn.yaml", text: "prot: 1\n" } })).toEqual([
      "cairn.yaml: unknown setting prot",
    ]);
    const text = "gateway: { upstreams: { s3: { url: 'http://a', mod: x } } }";
    expect(mistakes({ file: { name: "cairn.yaml", text } })).toEqual([
      "gateway.upstreams.s3: unknown setting mod",
    ]);
  });
});
