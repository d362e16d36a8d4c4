// The operation table: what the AWS door does. Whatever else the models know is refused by name, and listed in
// COMPAT.md as not yet.
import type { OperationRow } from "./operation.ts";
import { lookupEvents } from "./operations/cloudtrail/lookup-events.ts";
import { getCallerIdentity } from "./operations/sts/get-caller-identity.ts";

/** The services that the door answers for, by catalog id, in the order of COMPAT.md. */
export const servedServices = [
  "cloudtrail",
  "cloudtrail-data",
  "sts",
  "iam",
  "organizations",
  "sns",
  "logs",
] as const;

export const operationTable: readonly OperationRow[] = [lookupEvents, getCallerIdentity];
