// IAM's part of the operation table.
import type { OperationRow } from "../../operation.ts";
import { accessKeyRows } from "./access-keys.ts";
import { accountRows } from "./account.ts";
import { attachmentRows } from "./attachments.ts";
import { groupRows } from "./groups.ts";
import { instanceProfileRows } from "./instance-profiles.ts";
import { loginProfileRows } from "./login-profiles.ts";
import { mfaDeviceRows } from "./mfa-devices.ts";
import { oidcProviderRows } from "./oidc-providers.ts";
import { policyRows } from "./policies.ts";
import { roleRows } from "./roles.ts";
import { userRows } from "./users.ts";

export const iamRows: readonly OperationRow[] = [
  ...userRows,
  ...groupRows,
  ...roleRows,
  ...policyRows,
  ...attachmentRows,
  ...accessKeyRows,
  ...loginProfileRows,
  ...mfaDeviceRows,
  ...oidcProviderRows,
  ...instanceProfileRows,
  ...accountRows,
];
