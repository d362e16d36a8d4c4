// Organizations' part of the operation table.
import type { OperationRow } from "../../operation.ts";
import { delegationRows } from "./delegation.ts";
import { membershipRows } from "./memberships.ts";
import { organizationRows } from "./organization.ts";
import { policyRows } from "./policies.ts";
import { treeRows } from "./tree.ts";

export const organizationsRows: readonly OperationRow[] = [
  ...organizationRows,
  ...treeRows,
  ...delegationRows,
  ...policyRows,
  ...membershipRows,
];
