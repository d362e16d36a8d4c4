// sts:GetCallerIdentity: who the signature says you are. AWS needs no permission for it, and neither do we.

import type { JsonObject } from "../../../event/json.ts";
import { callerArn, callerUserId } from "../../../event/user-identity.ts";
import type { OperationCall, OperationRow } from "../../operation.ts";

export const getCallerIdentity: OperationRow = {
  service: "sts",
  name: "GetCallerIdentity",
  permission: "none",
  run: runGetCallerIdentity,
};

function runGetCallerIdentity({ authenticated }: OperationCall): Promise<JsonObject> {
  const { caller } = authenticated;
  return Promise.resolve({
    Arn: callerArn(caller),
    UserId: callerUserId(caller),
    Account: caller.accountId,
  });
}
