// What an operation of the AWS door is: one row of the table, one file that runs it.
import type { ErrorCode } from "../base/errors.ts";
import type { Authenticated } from "../directory/directory.ts";
import type { JsonObject } from "../event/json.ts";
import type { LookupEvents } from "../lookup/lookup-events.ts";

/** The rooms that operations call. Made at the roof. */
export interface Rooms {
  lookup: LookupEvents;
}

/** One verified, parsed and validated call. */
export interface OperationCall {
  /** By the model's member names and types; timestamps are epoch milliseconds. */
  input: JsonObject;
  /** Who called, for which region. */
  authenticated: Authenticated;
  rooms: Rooms;
}

export interface OperationRow {
  /** The catalog's id, e.g. `cloudtrail`. */
  service: string;
  name: string;
  /** The answer's members in wire order, or a CairnError. */
  run: (call: OperationCall) => Promise<JsonObject>;
  /** Members whose violated constraints have an exception of their own in the model. */
  violations?: Readonly<Record<string, ErrorCode>>;
  /** For COMPAT.md: where it differs from AWS. */
  differences?: readonly string[];
}
