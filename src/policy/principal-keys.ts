// The condition keys that follow from who asks.
// Source: IAM user guide, "AWS global condition context keys" and the table of principal key values in "Variables".
import type { Principal } from "./principal.ts";

/** Keys in lower case. What depends on the request, such as its address and time, is added by whoever has it. */
export function principalKeys(principal: Principal): Map<string, string | readonly string[]> {
  switch (principal.kind) {
    case "root":
      return keysOf(principal.arn, principal.accountId, "Account", principal.accountId);
    case "user":
      return keysOf(principal.arn, principal.accountId, "User", principal.userId).set(
        "aws:username",
        principal.userName,
      );
    case "assumedRole":
      // The role's ARN, not the session's.
      return keysOf(
        principal.roleArn,
        principal.accountId,
        "AssumedRole",
        `${principal.roleId}:${principal.sessionName}`,
      );
    case "federatedUser":
      return keysOf(
        principal.arn,
        principal.accountId,
        "FederatedUser",
        `${principal.accountId}:${principal.name}`,
      );
    case "federated":
      return new Map([["aws:federatedprovider", principal.provider]]);
    case "service":
      return new Map<string, string | readonly string[]>([
        ["aws:principalisawsservice", "true"],
        ["aws:principalservicename", principal.name],
        ["aws:principalservicenameslist", [principal.name]],
      ]);
    case "anonymous":
      return new Map([
        ["aws:principaltype", "Anonymous"],
        ["aws:userid", "anonymous"],
      ]);
  }
}

function keysOf(
  arn: string,
  accountId: string,
  type: string,
  userId: string,
): Map<string, string | readonly string[]> {
  return new Map<string, string | readonly string[]>([
    ["aws:principalarn", arn],
    ["aws:principalaccount", accountId],
    ["aws:principaltype", type],
    ["aws:userid", userId],
    ["aws:principalisawsservice", "false"],
  ]);
}
