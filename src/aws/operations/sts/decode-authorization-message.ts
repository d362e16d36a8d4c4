// sts:DecodeAuthorizationMessage: what stands in the encoded part of a refusal.
import { CairnError } from "../../../base/errors.ts";
import type { JsonObject } from "../../../event/json.ts";
import type { OperationCall, OperationRow } from "../../operation.ts";
import { onNoResource } from "../../permission.ts";

export const decodeAuthorizationMessage: OperationRow = {
  service: "sts",
  name: "DecodeAuthorizationMessage",
  permission: onNoResource,
  run: runDecodeAuthorizationMessage,
};

function runDecodeAuthorizationMessage(call: OperationCall): Promise<JsonObject> {
  const { accountId } = call.authenticated.caller;
  const encoded = call.input["EncodedMessage"] as string;
  const decoded = call.rooms.directory.decodeMessage(accountId, encoded);
  if (decoded !== undefined) return Promise.resolve({ DecodedMessage: decoded });
  return Promise.reject(
    new CairnError("InvalidAuthorizationMessage", "Message is not valid, or not of this account."),
  );
}
