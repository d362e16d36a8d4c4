// sts:GetAccessKeyInfo: the account that an access key id belongs to, whatever has become of the key.
import { CairnError } from "../../../base/errors.ts";
import { accountOfKeyId } from "../../../directory/key-id.ts";
import type { JsonObject } from "../../../event/json.ts";
import type { OperationCall, OperationRow } from "../../operation.ts";

export const getAccessKeyInfo: OperationRow = {
  service: "sts",
  name: "GetAccessKeyInfo",
  // What the caller's own key says of itself, GetCallerIdentity says too.
  permission: ({ caller, input }) =>
    input["AccessKeyId"] === caller.accessKeyId ? [] : [{ resource: "*" }],
  run: runGetAccessKeyInfo,
};

async function runGetAccessKeyInfo({ input, rooms }: OperationCall): Promise<JsonObject> {
  const accessKeyId = input["AccessKeyId"] as string;
  const found = await rooms.directory.accessKeys.find(accessKeyId);
  const accountId = found?.key.accountId ?? accountOfKeyId(accessKeyId);
  if (accountId !== undefined) return { Account: accountId };
  throw new CairnError("ValidationFailed", `${accessKeyId} is not a valid access key id.`);
}
