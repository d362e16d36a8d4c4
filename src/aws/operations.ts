// The operation table: what the AWS door does. Whatever else the models know is refused by name, and listed in
// COMPAT.md as not yet.
import type { AnyOperationRow } from "./operation.ts";
import { lookupEvents } from "./operations/cloudtrail/lookup-events.ts";
import { iamRows } from "./operations/iam/table.ts";
import { organizationsRows } from "./operations/organizations/table.ts";
import { assumeRole } from "./operations/sts/assume-role.ts";
import { assumeRoleWithWebIdentity } from "./operations/sts/assume-role-with-web-identity.ts";
import { decodeAuthorizationMessage } from "./operations/sts/decode-authorization-message.ts";
import { getAccessKeyInfo } from "./operations/sts/get-access-key-info.ts";
import { getCallerIdentity } from "./operations/sts/get-caller-identity.ts";
import { getFederationToken } from "./operations/sts/get-federation-token.ts";
import { getSessionToken } from "./operations/sts/get-session-token.ts";

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

export const operationTable: readonly AnyOperationRow[] = [
  lookupEvents,
  assumeRole,
  assumeRoleWithWebIdentity,
  decodeAuthorizationMessage,
  getAccessKeyInfo,
  getCallerIdentity,
  getFederationToken,
  getSessionToken,
  ...iamRows,
  ...organizationsRows,
];
