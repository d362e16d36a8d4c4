// A call of IAM as its operations read it: the caller's own account, members by name, lists in pages.
import { CairnError } from "../../../base/errors.ts";
import type { Directory } from "../../../directory/directory.ts";
import { checkPathPrefix, constraintError } from "../../../directory/names.ts";
import type { Tag } from "../../../directory/tags.ts";
import type { JsonObject, JsonValue } from "../../../event/json.ts";
import type { VerifiedCaller } from "../../../event/user-identity.ts";
import type { OperationCall, OperationRow } from "../../operation.ts";
import { type IamOperation, iamPermissions } from "./permissions.ts";

/** Members have been held against the model: each is of its type, and the required ones are there. */
export class IamCall {
  readonly accountId: string;
  readonly caller: VerifiedCaller;
  readonly directory: Directory;
  readonly #input: JsonObject;

  constructor({ input, authenticated, rooms }: OperationCall) {
    this.caller = authenticated.caller;
    this.accountId = authenticated.caller.accountId;
    this.directory = rooms.directory;
    this.#input = input;
  }

  text(name: string): string {
    return this.optional(name) ?? "";
  }

  optional(name: string): string | undefined {
    return this.#input[name] as string | undefined;
  }

  /** `{ path: … }` where `Path` was given, else nothing: for options that are left out. */
  given<Name extends string>(members: Record<Name, string>): Partial<Record<Name, string>> {
    const named = Object.entries(members) as [Name, string][];
    return Object.fromEntries(
      named.flatMap(([name, member]) => {
        const value = this.optional(member);
        return value === undefined ? [] : [[name, value]];
      }),
    ) as Partial<Record<Name, string>>;
  }

  number(name: string): number | undefined {
    return this.#input[name] as number | undefined;
  }

  flag(name: string): boolean {
    return this.#input[name] === true;
  }

  isGiven(name: string): boolean {
    return this.#input[name] !== undefined;
  }

  texts(name: string): string[] {
    return (this.#input[name] ?? []) as string[];
  }

  tags(): Tag[] {
    const tags = (this.#input["Tags"] ?? []) as unknown as Partial<Tag>[];
    return tags.map(({ Key = "", Value = "" }) => ({ Key, Value }));
  }

  /** One of a set, or the default. */
  oneOf<Value extends string>(name: string, values: readonly Value[], otherwise: Value): Value {
    const given = this.optional(name);
    if (given === undefined) return otherwise;
    const found = values.find((value) => value === given);
    if (found !== undefined) return found;
    const member = name.charAt(0).toLowerCase() + name.slice(1);
    const set = `Member must satisfy enum value set: [${values.join(", ")}]`;
    throw constraintError(given, member, set);
  }

  pathPrefix(): string {
    const prefix = this.optional("PathPrefix") ?? "/";
    checkPathPrefix(prefix);
    return prefix;
  }

  /** Whom a call means that names no user: its caller. Undefined: the root user. */
  userName(): string | undefined {
    const given = this.optional("UserName");
    if (given !== undefined) return given;
    if (this.caller.kind === "user") return this.caller.userName;
    if (this.caller.kind === "root") return undefined;
    throw new CairnError(
      "ValidationFailed",
      "Must specify userName when calling with non-User credentials",
    );
  }
}

const itemsDefault = 100;
const itemsMax = 1000;

export interface Page {
  items: JsonValue[];
  /** The last members of the answer. */
  rest: JsonObject;
}

/** The part of a list that the call asks for. `keyOf`: by what the list is in order, each different. */
export function pageOf<Item>(
  call: IamCall,
  items: readonly Item[],
  keyOf: (item: Item) => string,
  answer: (item: Item) => JsonValue,
): Page {
  const { page, rest } = cut(call, items, keyOf);
  return { items: page.map(answer), rest };
}

/** The same without making the answers. */
export function cut<Item>(
  call: IamCall,
  items: readonly Item[],
  keyOf: (item: Item) => string,
): { page: Item[]; rest: JsonObject } {
  const most = call.number("MaxItems") ?? itemsDefault;
  if (most < 1 || most > itemsMax) {
    throw constraintError(
      String(most),
      "maxItems",
      most < 1
        ? "Member must have value greater than or equal to 1"
        : `Member must have value less than or equal to ${itemsMax}`,
    );
  }
  const after = readMarker(call.optional("Marker"));
  const sorted = items.map((item) => ({ item, key: keyOf(item) }));
  sorted.sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0));
  const left = after === undefined ? sorted : sorted.filter(({ key }) => key > after);
  const page = left.slice(0, most);
  const last = page.at(-1);
  const rest =
    left.length > page.length && last !== undefined
      ? { IsTruncated: true, Marker: Buffer.from(last.key).toString("base64url") }
      : { IsTruncated: false };
  return { page: page.map(({ item }) => item), rest };
}

/** It says after what a page begins; whoever invents one gets a page of their own account's things. */
function readMarker(marker: string | undefined): string | undefined {
  if (marker === undefined) return undefined;
  const bytes = Buffer.from(marker, "base64url");
  if (marker !== "" && bytes.toString("base64url") === marker) return bytes.toString("utf8");
  throw new CairnError("ValidationFailed", `Invalid Marker: ${marker.slice(0, 64)}`);
}

/** A row of IAM's part of the table. No answer: the operation has none. */
export function iamRow(
  name: IamOperation,
  run: (call: IamCall) => Promise<JsonObject | void>,
  differences?: readonly string[],
): OperationRow {
  return {
    service: "iam",
    name,
    permission: iamPermissions[name],
    async run(call) {
      checkCredentials(call.authenticated.caller);
      return (await run(new IamCall(call))) ?? {};
    },
    ...(differences === undefined ? {} : { differences }),
  };
}

/** IAM takes no federation tokens, and sessions of users only where a one-time code was shown. */
function checkCredentials(caller: VerifiedCaller): void {
  const isWeak =
    caller.kind === "federated" ||
    ((caller.kind === "user" || caller.kind === "root") &&
      caller.invokedBy === undefined &&
      caller.session?.mfa === false);
  if (!isWeak) return;
  throw new CairnError(
    "InvalidClientTokenId",
    "The security token included in the request is invalid",
  );
}
