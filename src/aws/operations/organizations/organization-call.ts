// A call of Organizations as its operations read it: members by name, lists in pages.
import { CairnError } from "../../../base/errors.ts";
import type { Memberships } from "../../../directory/memberships.ts";
import type { Organizations } from "../../../directory/organizations.ts";
import type { ServiceControlPolicies } from "../../../directory/service-control-policies.ts";
import type { Tag } from "../../../directory/tags.ts";
import type { JsonObject } from "../../../event/json.ts";
import type { OperationCall, OperationRow } from "../../operation.ts";
import { type OrganizationsOperation, organizationsPermissions } from "./permissions.ts";

const resultsMax = 20;

export class OrganizationCall {
  /** The account that asks. */
  readonly accountId: string;
  readonly organizations: Organizations;
  readonly policies: ServiceControlPolicies;
  readonly memberships: Memberships;
  readonly #input: JsonObject;

  constructor({ input, authenticated, rooms }: OperationCall) {
    this.accountId = authenticated.caller.accountId;
    this.organizations = rooms.directory.organizations;
    this.policies = rooms.directory.serviceControlPolicies;
    this.memberships = rooms.directory.memberships;
    this.#input = input;
  }

  text(name: string): string {
    return this.optional(name) ?? "";
  }

  optional(name: string): string | undefined {
    return this.#input[name] as string | undefined;
  }

  texts(name: string): string[] {
    return (this.#input[name] ?? []) as string[];
  }

  part(name: string): JsonObject {
    return (this.#input[name] ?? {}) as JsonObject;
  }

  /** False: it asks for handshakes that are no invitations, and of those there are none. */
  handshakeFilter(): boolean {
    const { ActionType, ParentHandshakeId } = this.part("Filter");
    if (ActionType !== undefined && ParentHandshakeId !== undefined) {
      throw invalid("You can specify only one filter parameter for the operation.");
    }
    return ParentHandshakeId === undefined && (ActionType ?? "INVITE") === "INVITE";
  }

  tags(): Tag[] {
    return (this.#input["Tags"] ?? []) as unknown as Tag[];
  }

  /** One of a set, or the default. */
  oneOf<Value extends string>(name: string, values: readonly Value[], otherwise?: Value): Value {
    const given = this.optional(name) ?? otherwise;
    const found = values.find((value) => value === given);
    if (found !== undefined) return found;
    throw invalid(
      `${name} must be one of ${values.join(", ")}, not '${String(given).slice(0, 64)}'.`,
    );
  }

  /** The part of a list that the call asks for, in the order of `keyOf`. */
  page<Item>(
    items: readonly Item[],
    keyOf: (item: Item) => string,
  ): { page: Item[]; rest: JsonObject } {
    const most = (this.#input["MaxResults"] as number | undefined) ?? resultsMax;
    if (most < 1 || most > resultsMax) {
      throw invalid(`MaxResults must be between 1 and ${resultsMax}, not ${most}.`);
    }
    const after = readToken(this.optional("NextToken"));
    const sorted = items
      .map((item) => ({ item, key: keyOf(item) }))
      .toSorted((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0));
    const left = after === undefined ? sorted : sorted.filter(({ key }) => key > after);
    const page = left.slice(0, most);
    const last = page.at(-1);
    const isWhole = last === undefined || left.length === page.length;
    return {
      page: page.map(({ item }) => item),
      rest: isWhole ? {} : { NextToken: Buffer.from(last.key).toString("base64url") },
    };
  }
}

export function invalid(message: string): CairnError {
  return new CairnError("InvalidInput", message);
}

function readToken(token: string | undefined): string | undefined {
  if (token === undefined) return undefined;
  const bytes = Buffer.from(token, "base64url");
  if (token !== "" && bytes.toString("base64url") === token) return bytes.toString("utf8");
  throw invalid("You provided a value for NextToken that isn't valid.");
}

/** A row of Organizations' part of the table. No answer: the operation has none. */
export function organizationsRow(
  name: OrganizationsOperation,
  run: (call: OrganizationCall) => Promise<JsonObject | void>,
  differences?: readonly string[],
): OperationRow {
  return {
    service: "organizations",
    name,
    permission: organizationsPermissions[name],
    run: async (call) => (await run(new OrganizationCall(call))) ?? {},
    ...(differences === undefined ? {} : { differences }),
  };
}
