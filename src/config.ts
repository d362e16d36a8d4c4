// Configuration: one table of settings, read once at start from flags, environment, file and defaults.
//
// Precedence: flag > environment > file > default. Everything that can be checked without touching the disk or the
// network is checked here, and all mistakes are reported at once.
import { readFileSync } from "node:fs";
import { parse as parseYaml } from "yaml";
import { parseDurationMs } from "./base/duration.ts";
import { CairnError } from "./base/errors.ts";
import { diskReserveBytes } from "./base/limits.ts";

type Kind =
  | "text"
  | "port"
  | "flag"
  | "duration"
  | "number"
  | "secret"
  | "url"
  | "account"
  | "choice";

interface Setting {
  /** The flag without `--`; the environment name is `CAIRN_` and this in capitals. */
  flag: string;
  kind: Kind;
  default?: string;
  choices?: readonly string[];
  /** The unit is in the text. */
  doc: string;
}

/** Every setting, in the order of docs/reference/config.md, which is generated from this table. */
export const settings = {
  host: {
    flag: "host",
    kind: "text",
    default: "127.0.0.1",
    doc: "Address that both ports listen on.",
  },
  port: {
    flag: "port",
    kind: "port",
    default: "4780",
    doc: "Port of the AWS API, the event API and the console; 0 takes a free one.",
  },
  gatewayPort: {
    flag: "gateway-port",
    kind: "port",
    default: "4781",
    doc: "Port of the capture gateway; 0 takes a free one.",
  },
  gatewayUpstream: {
    flag: "gateway-upstream",
    kind: "url",
    doc: "Where the gateway sends every service that `gateway.upstreams` of the file does not name.",
  },
  gatewayUpstreamCa: {
    flag: "gateway-upstream-ca",
    kind: "text",
    doc: "PEM file of the authorities that vouch for an https `--gateway-upstream`, in place of the usual ones.",
  },
  gatewayUnknownKeys: {
    flag: "gateway-unknown-keys",
    kind: "choice",
    choices: ["record", "refuse"],
    default: "record",
    doc: "A key the directory does not know: record the call as userIdentity Unknown, or refuse it with 403.",
  },
  gatewayAuthorize: {
    flag: "gateway-authorize",
    kind: "flag",
    default: "false",
    doc: "Ask the policies of the caller before a call is passed on; false: the gateway identifies and records. In the file also `gateway.authorize`.",
  },
  captureMode: {
    flag: "capture-mode",
    kind: "choice",
    choices: ["best-effort", "strict"],
    default: "best-effort",
    doc: "best-effort never delays a response; strict holds it until the event is durable, and answers 503 when it cannot be.",
  },
  trustProxy: {
    flag: "trust-proxy",
    kind: "flag",
    default: "false",
    doc: "Take the caller's address from X-Forwarded-For. Only behind a proxy that sets it.",
  },
  data: {
    flag: "data",
    kind: "text",
    default: "./cairn-data",
    doc: "Folder that holds everything.",
  },
  accountId: {
    flag: "account-id",
    kind: "account",
    default: "111122223333",
    doc: "The account made at first start.",
  },
  region: {
    flag: "region",
    kind: "text",
    default: "us-east-1",
    doc: "Region of what carries none, such as unsigned calls at the gateway.",
  },
  rootAccessKeyId: {
    flag: "root-access-key-id",
    kind: "text",
    doc: "Use this root access key instead of making one at first start.",
  },
  rootSecretAccessKey: {
    flag: "root-secret-access-key",
    kind: "secret",
    doc: "The secret of that key. Give it by the environment, not by a flag.",
  },
  masterKey: {
    flag: "master-key",
    kind: "secret",
    doc: "32 bytes in base64 that seal the secrets; left out: the file `master.key` in the data folder.",
  },
  formerMasterKey: {
    flag: "former-master-key",
    kind: "secret",
    doc: "The master key before that one: what is sealed under it is sealed anew. Left out: the file `master.key.old`, unless the master key is given.",
  },
  retention: {
    flag: "retention",
    kind: "duration",
    default: "90d",
    doc: "How long recorded events are kept; `forever` keeps them all. Imported events are kept for ever.",
  },
  lookupTps: {
    flag: "lookup-tps",
    kind: "number",
    default: "0",
    doc: "LookupEvents requests per second for each account and region before ThrottlingException; 0: no limit (AWS: 2).",
  },
  storeMemoryMax: {
    flag: "store-memory-max",
    kind: "number",
    default: "0",
    doc: "MiB of memory the store may use for queries; 0: a third of the machine's or the container's.",
  },
  diskReserve: {
    flag: "disk-reserve",
    kind: "number",
    default: String(diskReserveBytes / 2 ** 20),
    doc: "MiB of the disk to leave free, at most an eighth of it: new events are refused before it is so full that accepted ones cannot be stored; 0: none.",
  },
  behindProxy: {
    flag: "behind-proxy",
    kind: "flag",
    default: "false",
    doc: "TLS ends in front of Cairn: allows a public address without a certificate.",
  },
  tlsCert: {
    flag: "tls-cert",
    kind: "text",
    doc: "PEM file of the certificate chain for both ports.",
  },
  tlsKey: { flag: "tls-key", kind: "text", doc: "PEM file of the certificate's private key." },
  logLevel: {
    flag: "log-level",
    kind: "choice",
    choices: ["trace", "debug", "info", "warn", "error", "silent"],
    default: "info",
    doc: "What is written to the log on standard error.",
  },
} as const satisfies Record<string, Setting>;

export type SettingName = keyof typeof settings;

/** One service behind the gateway, as `gateway.upstreams.<service>` of the file gives it. */
export interface UpstreamConfig {
  url: URL;
  mode: "pass-through" | "re-sign";
  credentials?: { accessKeyId: string; secretAccessKey: string };
  /** The account that unsigned calls are recorded for. */
  accountId?: string;
  /** The region of unsigned calls whose host names none. */
  region?: string;
  /** A PEM file. */
  ca?: string;
}

export interface Config {
  host: string;
  port: number;
  gatewayPort: number;
  gatewayUpstream: URL | undefined;
  gatewayUpstreamCa: string | undefined;
  gatewayUpstreams: Readonly<Record<string, UpstreamConfig>>;
  gatewayUnknownKeys: "record" | "refuse";
  gatewayAuthorize: boolean;
  captureMode: "best-effort" | "strict";
  trustProxy: boolean;
  data: string;
  accountId: string;
  region: string;
  rootAccessKeyId: string | undefined;
  rootSecretAccessKey: string | undefined;
  masterKey: string | undefined;
  formerMasterKey: string | undefined;
  /** Undefined: for ever. */
  retentionMs: number | undefined;
  lookupTps: number;
  storeMemoryMaxMib: number;
  diskReserveMib: number;
  behindProxy: boolean;
  tlsCert: string | undefined;
  tlsKey: string | undefined;
  logLevel: string;
}

export interface Origin {
  value: string | undefined;
  from: "flag" | "environment" | "file" | "default";
}

export interface ConfigSources {
  /** By flag name, without `--`. */
  flags: Readonly<Record<string, string | undefined>>;
  environment: Readonly<Record<string, string | undefined>>;
  /** The text of the file and its name, when there is one. */
  file?: { name: string; text: string };
}

export function environmentName(flag: string): string {
  return `CAIRN_${flag.replaceAll("-", "_").toUpperCase()}`;
}

/** The sources as this process has them: `cairn.yaml` in the working folder, or `--config FILE`. */
export function configSources(flags: Readonly<Record<string, string | undefined>>): ConfigSources {
  const environment = process.env;
  const named = flags["config"] ?? environment["CAIRN_CONFIG"];
  const name = named ?? "cairn.yaml";
  try {
    return { flags, environment, file: { name, text: readFileSync(name, "utf8") } };
  } catch (cause) {
    if (named === undefined) return { flags, environment };
    throw new CairnError("InvalidConfiguration", `cannot read the configuration file ${named}`, {
      cause,
    });
  }
}

/** Reads, checks and freezes the configuration. Throws InvalidConfiguration that lists every mistake. */
export function readConfig(sources: ConfigSources): {
  config: Config;
  origins: Record<SettingName, Origin>;
} {
  const mistakes: string[] = [];
  const file = readFile(sources, mistakes);
  const origins = originsOf(sources, file, mistakes);
  const read = <T>(name: SettingName, parse: (text: string) => T): T | undefined => {
    const { value, from } = origins[name];
    if (value === undefined) return undefined;
    try {
      return parse(value);
    } catch (error) {
      const shown = settings[name].kind === "secret" ? "(hidden)" : JSON.stringify(value);
      mistakes.push(`--${settings[name].flag} ${shown} (${from}): ${(error as Error).message}`);
      return undefined;
    }
  };
  const text = (name: SettingName) => read(name, parseText);
  const flag = (name: SettingName) => read(name, parseFlag) ?? false;
  const choice = <T extends string>(name: SettingName, choices: readonly [T, ...T[]]) =>
    read(name, (value) => parseChoice(value, choices)) ?? choices[0];
  const config: Config = {
    host: text("host") ?? "",
    port: read("port", parsePort) ?? 0,
    gatewayPort: read("gatewayPort", parsePort) ?? 0,
    gatewayUpstream: read("gatewayUpstream", parseUrl),
    gatewayUpstreamCa: text("gatewayUpstreamCa"),
    gatewayUpstreams: upstreamsOf(file, mistakes),
    gatewayUnknownKeys: choice("gatewayUnknownKeys", settings.gatewayUnknownKeys.choices),
    gatewayAuthorize: flag("gatewayAuthorize"),
    captureMode: choice("captureMode", settings.captureMode.choices),
    trustProxy: flag("trustProxy"),
    data: text("data") ?? "",
    accountId: read("accountId", parseAccount) ?? "",
    region: text("region") ?? "",
    rootAccessKeyId: text("rootAccessKeyId"),
    rootSecretAccessKey: text("rootSecretAccessKey"),
    masterKey: text("masterKey"),
    formerMasterKey: text("formerMasterKey"),
    retentionMs: read("retention", (value) =>
      value === "forever" ? Infinity : parseDurationMs(value),
    ),
    lookupTps: read("lookupTps", parseNumber) ?? 0,
    storeMemoryMaxMib: read("storeMemoryMax", parseNumber) ?? 0,
    diskReserveMib: read("diskReserve", parseNumber) ?? diskReserveBytes / 2 ** 20,
    behindProxy: flag("behindProxy"),
    tlsCert: text("tlsCert"),
    tlsKey: text("tlsKey"),
    logLevel: choice("logLevel", settings.logLevel.choices),
  };
  if (config.retentionMs === Infinity) config.retentionMs = undefined;
  mistakes.push(...contradictions(config));
  if (mistakes.length > 0) {
    throw new CairnError(
      "InvalidConfiguration",
      `the configuration has mistakes:\n  ${mistakes.join("\n  ")}`,
    );
  }
  return { config: Object.freeze(config), origins };
}

/** What each setting alone cannot show. */
function contradictions(config: Config): string[] {
  const found: string[] = [];
  if ((config.tlsCert === undefined) !== (config.tlsKey === undefined)) {
    found.push("--tls-cert and --tls-key go together");
  }
  if (config.gatewayUpstreamCa !== undefined && config.gatewayUpstream?.protocol !== "https:") {
    found.push("--gateway-upstream-ca is for a --gateway-upstream that begins with https:");
  }
  if ((config.rootAccessKeyId === undefined) !== (config.rootSecretAccessKey === undefined)) {
    found.push("--root-access-key-id and --root-secret-access-key go together");
  }
  if (!isLoopback(config.host) && config.tlsCert === undefined && !config.behindProxy) {
    found.push(
      `--host ${config.host} is reachable from other machines: give --tls-cert and --tls-key, or --behind-proxy when TLS ends in front of Cairn`,
    );
  }
  return found;
}

function isLoopback(host: string): boolean {
  return host === "localhost" || host === "::1" || /^127\.\d+\.\d+\.\d+$/.test(host);
}

type FileTree = Record<string, unknown>;

function readFile(sources: ConfigSources, mistakes: string[]): FileTree {
  if (sources.file === undefined) return {};
  try {
    const tree: unknown = parseYaml(sources.file.text) ?? {};
    if (typeof tree === "object" && tree !== null && !Array.isArray(tree)) return tree as FileTree;
    mistakes.push(`${sources.file.name}: the top level must be names and values`);
  } catch (error) {
    mistakes.push(`${sources.file.name}: ${(error as Error).message.split("\n")[0]}`);
  }
  return {};
}

/** Where each setting's value comes from; a name in the file that is no setting is a mistake. */
function originsOf(
  sources: ConfigSources,
  file: FileTree,
  mistakes: string[],
): Record<SettingName, Origin> {
  const known = new Set<string>(["gateway", ...Object.values(settings).map(({ flag }) => flag)]);
  for (const name of Object.keys(file)) {
    if (!known.has(name)) mistakes.push(`${sources.file?.name}: unknown setting ${name}`);
  }
  const origins = Object.entries(settings).map(
    ([name, setting]: [string, Setting]): [string, Origin] => {
      const flag = sources.flags[setting.flag];
      if (flag !== undefined) return [name, { value: flag, from: "flag" }];
      const environment = sources.environment[environmentName(setting.flag)];
      if (environment !== undefined && environment !== "") {
        return [name, { value: environment, from: "environment" }];
      }
      const inFile = file[setting.flag] ?? inGateway(file, setting.flag);
      if (inFile !== undefined && inFile !== null) {
        return [name, { value: scalarText(inFile), from: "file" }];
      }
      return [name, { value: setting.default, from: "default" }];
    },
  );
  return Object.fromEntries(origins) as Record<SettingName, Origin>;
}

/** `gateway: { authorize: true }` stands beside the upstreams, where one looks for it. */
function inGateway(file: FileTree, flag: string): unknown {
  if (flag !== "gateway-authorize") return undefined;
  const gateway = file["gateway"];
  return typeof gateway === "object" && gateway !== null
    ? (gateway as FileTree)["authorize"]
    : undefined;
}

function upstreamsOf(file: FileTree, mistakes: string[]): Record<string, UpstreamConfig> {
  const gateway = treeOf("gateway", file["gateway"], mistakes);
  for (const name of Object.keys(gateway)) {
    if (name !== "upstreams" && name !== "authorize")
      mistakes.push(`gateway: unknown setting ${name}`);
  }
  const found: Record<string, UpstreamConfig> = {};
  const upstreams = treeOf("gateway.upstreams", gateway["upstreams"], mistakes);
  for (const [service, value] of Object.entries(upstreams)) {
    const place = `gateway.upstreams.${service}`;
    const entry = typeof value === "string" ? { url: value } : treeOf(place, value, mistakes);
    try {
      found[service] = upstreamOf(entry);
    } catch (error) {
      mistakes.push(`${place}: ${(error as Error).message}`);
    }
  }
  return found;
}

/** Names and values; nothing where nothing is written. Anything else is a mistake. */
function treeOf(place: string, value: unknown, mistakes: string[]): FileTree {
  if (value === undefined || value === null) return {};
  if (typeof value === "object" && !Array.isArray(value)) return value as FileTree;
  mistakes.push(`${place}: must be names and values, not ${JSON.stringify(value)}`);
  return {};
}

const upstreamNames = [
  "url",
  "mode",
  "access-key-id",
  "secret-access-key",
  "account-id",
  "region",
  "ca",
];

function upstreamOf(entry: Record<string, unknown>): UpstreamConfig {
  const text = (name: string) => (entry[name] === undefined ? undefined : scalarText(entry[name]));
  const unknown = Object.keys(entry).find((name) => !upstreamNames.includes(name));
  if (unknown !== undefined) throw new Error(`unknown setting ${unknown}`);
  const mode = parseChoice(text("mode") ?? "pass-through", ["pass-through", "re-sign"] as const);
  const accessKeyId = text("access-key-id");
  const secretAccessKey = text("secret-access-key");
  const accountId = text("account-id");
  const region = text("region");
  const hasCredentials = accessKeyId !== undefined && secretAccessKey !== undefined;
  if (mode === "re-sign" && !hasCredentials) {
    throw new Error("mode re-sign needs access-key-id and secret-access-key");
  }
  const ca = text("ca");
  const url = parseUrl(text("url") ?? "");
  if (ca !== undefined && url.protocol !== "https:") {
    throw new Error("ca is for a url that begins with https:");
  }
  return {
    url,
    mode,
    ...(hasCredentials ? { credentials: { accessKeyId, secretAccessKey } } : {}),
    ...(accountId === undefined ? {} : { accountId: parseAccount(accountId) }),
    ...(region === undefined ? {} : { region }),
    ...(ca === undefined ? {} : { ca: parseText(ca) }),
  };
}

/** What `gateway.upstreams` of the file came to: names as in the file, and values, secrets hidden. */
export function upstreamSettings({ gatewayUpstreams }: Config): [string, string][] {
  return Object.entries(gatewayUpstreams).flatMap(([service, upstream]) => {
    const { url, mode, credentials, accountId, region, ca } = upstream;
    const values: Record<string, string | undefined> = {
      url: url.href,
      mode,
      "access-key-id": credentials?.accessKeyId,
      "secret-access-key": credentials === undefined ? undefined : "(hidden)",
      "account-id": accountId,
      region,
      ca,
    };
    return Object.entries(values).flatMap(([name, value]): [string, string][] =>
      value === undefined ? [] : [[`gateway.upstreams.${service}.${name}`, value]],
    );
  });
}

/** A value of the file as the text that a flag would have; a list or a tree shows as what it is. */
function scalarText(value: unknown): string {
  return typeof value === "string" ? value : JSON.stringify(value);
}

function parseText(text: string): string {
  if (text.trim() === "") throw new Error("is empty");
  return text;
}

function parseFlag(text: string): boolean {
  if (["true", "1", "yes", "on", ""].includes(text)) return true;
  if (["false", "0", "no", "off"].includes(text)) return false;
  throw new Error("is neither true nor false");
}

function parsePort(text: string): number {
  if (!/^\d{1,5}$/.test(text) || Number(text) > 65_535)
    throw new Error("is no port from 0 to 65535");
  return Number(text);
}

function parseNumber(text: string): number {
  const value = Number(text);
  if (text.trim() === "" || !Number.isFinite(value) || value < 0)
    throw new Error("is no number from 0 up");
  return value;
}

function parseAccount(text: string): string {
  if (!/^\d{12}$/.test(text)) throw new Error("is no account id of 12 digits");
  return text;
}

function parseUrl(text: string): URL {
  if (!URL.canParse(text)) throw new Error("is no URL such as http://127.0.0.1:9000");
  const url = new URL(text);
  if (url.username !== "" || url.password !== "") {
    throw new Error("has a user name or password, which would not be sent");
  }
  if (url.protocol !== "http:" && url.protocol !== "https:")
    throw new Error("is no http or https URL");
  return url;
}

function parseChoice<T extends string>(text: string, choices: readonly T[]): T {
  const found = choices.find((choice) => choice === text);
  if (found === undefined) throw new Error(`is none of ${choices.join(", ")}`);
  return found;
}
