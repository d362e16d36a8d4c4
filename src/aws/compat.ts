// COMPAT.md, written from the operation table and the models: what the AWS door does, does not do yet, and does
// otherwise than AWS.
import type { Service } from "../catalog/service.ts";
import { wireErrors } from "./errors.ts";
import type { AnyOperationRow } from "./operation.ts";

/** Differences that no single operation has. Any other difference from AWS is a bug. */
const differences = [
  "**Permissions** are evaluated as [docs/reference/policies.md](docs/reference/policies.md) says. A change holds from the next call on: there is no delay until it is known everywhere. Conditions know the global keys that a request to Cairn has (`aws:SourceIp`, `aws:PrincipalTag/…`, `aws:MultiFactorAuthPresent` and so on, no `aws:SourceVpc…`) and the keys of IAM, STS and Organizations for the operations that are implemented.",
  "**Session tokens** are sealed with the master key and good for one Cairn, in every region. `sessionToken` is hidden in events.",
  "**Throttling is off by default.** `--lookup-tps 2` gives LookupEvents AWS's own limit for each account and region.",
  "**Operations that are not there yet** answer `UnsupportedOperationException` (awsJson) or `UnsupportedOperation` (awsQuery), HTTP 400, which no SDK retries; the message names the operation. The call is recorded like any other.",
  "**HTTP statuses** of awsJson errors are those that the CloudTrail API reference prints: 400 for every modelled exception, 403 for what fails authentication, 404 for an unknown operation, 413 for a body over 1 MiB, 500 and 503 for what is the server's fault.",
  "**Region.** The region in the signature's credential scope is the endpoint's region; any name is accepted.",
  "**Clock skew** is five minutes for every service, also for those that AWS gives fifteen.",
  "**Payloads.** `UNSIGNED-PAYLOAD` and bodies in signed or unsigned chunks (`aws-chunked`) are accepted for every service, not only for S3.",
  "**Timestamps in requests** may also be ISO 8601 texts; a time without a zone is UTC.",
  "**Wrong signatures.** A call that names a key of the account but is not signed with its secret is recorded with `userIdentity.type` `Unknown`, its key id and no parameters. Calls with unknown keys, or without a signature, are not recorded.",
  "**Recording is part of the answer.** A call's event is durable before its answer goes out. When it cannot be recorded (a full disk), a read is answered all the same and the log says so.",
];

export interface CompatOptions {
  services: readonly Service[];
  rows: readonly AnyOperationRow[];
  /** Where the models come from, e.g. `aws-sdk 2.1693.0`. */
  modelSource: string;
}

export function renderCompat({ services, rows, modelSource }: CompatOptions): string {
  const implemented = (service: Service) =>
    rows.filter((row) => row.service === service.id).map((row) => row.name);
  const summary = services.map((service) => {
    const done = implemented(service).length;
    const all = Object.keys(service.operations).length;
    return `| \`${service.id}\` | ${service.apiVersion} | ${protocolName(service)} | ${done} | ${all - done} |`;
  });
  const sections = services.map((service) => {
    const done = implemented(service);
    const notYet = Object.keys(service.operations)
      .filter((name) => !done.includes(name))
      .toSorted((a, b) => (a < b ? -1 : 1));
    return [
      `### ${service.id}`,
      `Implemented (${done.length}): ${names(done)}`,
      `Not yet (${notYet.length}): ${names(notYet)}`,
    ].join("\n\n");
  });
  const own = rows
    .filter((row) => row.differences !== undefined)
    .map((row) => {
      const items = (row.differences ?? []).map((each) => `* ${each}`);
      return `### ${row.service}:${row.name}\n\n${items.join("\n")}`;
    });
  return `# Compatibility with AWS

Generated from the operation table by \`npx tsx scripts/generate-compat.ts\`; a test holds it to the code. Models: ${modelSource}.
What is listed as not yet is known by name and refused; what differs from AWS is listed here, and any other difference is
a bug.

## Services

Which service a request is for is decided by its signature's credential scope.

| Service | API version | Protocol | Implemented | Not yet |
|---|---|---|---|---|
${summary.join("\n")}

## Operations

${sections.join("\n\n")}

## Differences

${differences.map((each) => `* ${each}`).join("\n")}

${own.join("\n\n")}

## Errors

The names of every error are in [docs/reference/errors.md](docs/reference/errors.md). Those of authentication:

| What is wrong | awsJson | awsQuery |
|---|---|---|
${authenticationRows().join("\n")}
`;
}

function authenticationRows(): string[] {
  const rows = [
    ["no signature", "MissingAuthenticationToken"],
    ["a signature that cannot be read", "IncompleteSignature"],
    ["an unknown or disabled key", "InvalidClientTokenId"],
    ["a wrong signature", "SignatureDoesNotMatch"],
    ["a clock more than five minutes off", "RequestTimeTooSkewed"],
    ["a presigned request after its time", "RequestExpired"],
  ] as const;
  return rows.map(([what, code]) => {
    const { json, query } = wireErrors[code];
    return `| ${what} | \`${json[0]}\` ${json[1]} | \`${query[0]}\` ${query[1]} |`;
  });
}

function names(list: readonly string[]): string {
  return list.length === 0 ? "none" : list.map((name) => `\`${name}\``).join(", ");
}

function protocolName(service: Service): string {
  const known: Partial<Record<Service["protocol"], string>> = {
    "json1.0": "awsJson 1.0",
    "json1.1": "awsJson 1.1",
    query: "awsQuery",
    "rest-json": "restJson",
  };
  return known[service.protocol] ?? service.protocol;
}
