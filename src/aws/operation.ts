// What an operation of the AWS door is: one row of the table, one file that runs it.
import type { ErrorCode } from "../base/errors.ts";
import type { Authorizer } from "../directory/authorize.ts";
import type { Authenticated, Directory } from "../directory/directory.ts";
import type { WebIdentities } from "../directory/web-identity.ts";
import type { JsonObject } from "../event/json.ts";
import type { Caller } from "../event/user-identity.ts";
import type { LookupEvents } from "../lookup/lookup-events.ts";
import type { RequestContext } from "../policy/template.ts";
import type { Permission } from "./permission.ts";

/** The rooms that operations call. Made at the roof. */
export interface Rooms {
  lookup: LookupEvents;
  directory: Directory;
  authorizer: Authorizer;
  webIdentities: WebIdentities;
}

/** What the record says beyond what the wire shows. An operation fills it in as it learns it, also before it fails. */
export interface CallRecord {
  /** Who called, where no signature says so. */
  caller?: Caller;
  /** Whose event it is, when it is not the caller's account's. */
  accountId?: string;
  /** Another account whose thing was used: it gets a copy, with the same `sharedEventID`. Only of calls that succeed. */
  ownerAccountId?: string;
  /** Members that the service adds to the request's own. */
  requestParameters?: JsonObject;
}

/** One parsed and validated call. */
export interface UnsignedCall {
  /** By the model's member names and types; timestamps are epoch milliseconds. */
  input: JsonObject;
  /** Condition keys of the request as it came, in lower case. */
  context: RequestContext;
  /** The headers that the signature covers, by lower-case names. */
  signedHeaders: Readonly<Record<string, string>>;
  rooms: Rooms;
  record: CallRecord;
}

/** One verified call. */
export interface OperationCall extends UnsignedCall {
  /** Who called, for which region. */
  authenticated: Authenticated;
}

interface Row {
  /** The catalog's id, e.g. `cloudtrail`. */
  service: string;
  name: string;
  /** What the caller needs; it is asked before the operation runs. */
  permission: Permission;
  /** Members whose violated constraints have an exception of their own in the model. */
  violations?: Readonly<Record<string, ErrorCode>>;
  /** For COMPAT.md: where it differs from AWS. */
  differences?: readonly string[];
}

export interface OperationRow extends Row {
  /** The answer's members in wire order, or a CairnError. */
  run: (call: OperationCall) => Promise<JsonObject>;
}

/** An operation that takes something else than a signature as proof. */
export interface UnsignedOperationRow extends Row {
  runUnsigned: (call: UnsignedCall) => Promise<JsonObject>;
}

export type AnyOperationRow = OperationRow | UnsignedOperationRow;
