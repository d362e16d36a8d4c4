// The real records beside the project, and what an independent reading says of each.
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { isJsonObject, type JsonObject } from "../../src/event/json.ts";

export const realFolder = join(import.meta.dirname, "../../../shared/realdata/events");
export const realRecordsAreThere = existsSync(realFolder);

/** Every line of every file, repeated ones too. */
export function realLines(): string[] {
  return readdirSync(realFolder)
    .filter((name) => name.endsWith(".ndjson"))
    .flatMap((name) => readFileSync(join(realFolder, name), "utf8").split("\n"))
    .filter((line) => line !== "");
}

/** How a record may be asked for: the parameter of `/v1/events`, the flag of `cairn events`, where it stands. */
export const attributes: readonly {
  parameter: string;
  flag: string;
  read: (record: JsonObject) => unknown;
}[] = [
  { parameter: "eventId", flag: "event-id", read: (record) => idOf(record) },
  { parameter: "eventName", flag: "event-name", read: ({ eventName }) => eventName },
  { parameter: "eventSource", flag: "event-source", read: ({ eventSource }) => eventSource },
  { parameter: "eventType", flag: "event-type", read: ({ eventType }) => eventType },
  { parameter: "readOnly", flag: "read-only", read: ({ readOnly }) => lowerCase(readOnly) },
  { parameter: "username", flag: "username", read: (record) => caller(record)["userName"] },
  { parameter: "userType", flag: "user-type", read: (record) => caller(record)["type"] },
  { parameter: "userArn", flag: "user-arn", read: (record) => caller(record)["arn"] },
  {
    parameter: "principalId",
    flag: "principal-id",
    read: (record) => caller(record)["principalId"],
  },
  {
    parameter: "accessKeyId",
    flag: "access-key-id",
    read: (record) => caller(record)["accessKeyId"],
  },
  {
    parameter: "sourceIPAddress",
    flag: "source-ip-address",
    read: ({ sourceIPAddress }) => sourceIPAddress,
  },
  { parameter: "errorCode", flag: "error-code", read: ({ errorCode }) => errorCode },
  { parameter: "region", flag: "region", read: ({ awsRegion }) => awsRegion },
  { parameter: "account", flag: "account", read: ({ recipientAccountId }) => recipientAccountId },
];

/** Placeholders such as `...` tell no record from another. */
export function idOf(record: JsonObject): string | undefined {
  const id = record["eventID"];
  return typeof id === "string" && /[\p{L}\p{N}]/u.test(id) ? id : undefined;
}

function caller(record: JsonObject): JsonObject {
  const identity = record["userIdentity"];
  return isJsonObject(identity) ? identity : {};
}

function lowerCase(value: unknown): unknown {
  return typeof value === "string" ? value.toLowerCase() : value;
}

/** The attributes that a record has, each as the text that a search gives. */
export function attributesOf(line: string): Map<string, string> {
  const record = JSON.parse(line) as JsonObject;
  const found = new Map<string, string>();
  for (const { parameter, read } of attributes) {
    const value = read(record);
    if (!["string", "number", "boolean"].includes(typeof value) || value === "") continue;
    found.set(parameter, String(value));
  }
  return found;
}
