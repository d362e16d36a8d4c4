// What a caller needs so that an operation runs: the column of the operation table that the authorizer reads.
import { isCairnError } from "../base/errors.ts";
import type { Authorizer } from "../directory/authorize.ts";
import type { KeyValue } from "../directory/condition-keys.ts";
import type { Directory } from "../directory/directory.ts";
import type { JsonObject } from "../event/json.ts";
import type { VerifiedCaller } from "../event/user-identity.ts";
import type { RequestContext } from "../policy/template.ts";

/** A verified call, before it runs. */
export interface PermissionCall {
  caller: VerifiedCaller;
  /** Parsed and validated. */
  input: JsonObject;
  directory: Directory;
}

export interface Needed {
  /** Left out: the operation's own, `iam:GetUser`. */
  action?: string;
  resource: string;
  /** How a refusal names it, where that is not by its ARN. */
  resourceName?: string;
  /** Condition keys of this operation, in lower case. */
  keys?: readonly (readonly [string, KeyValue])[];
}

/** All of it must be allowed; the first refusal is the answer. */
export type Permission =
  /** Everybody may who has signed. */
  | "none"
  /** The operation asks by itself, because a policy of what it uses has a say. */
  | "asked by the operation"
  | ((call: PermissionCall) => readonly Needed[] | Promise<readonly Needed[]>);

export const onNoResource: Permission = () => [{ resource: "*" }];

/** Rejects with AccessDenied in AWS's words. */
export async function checkPermission(
  permission: Permission,
  ownAction: string,
  call: PermissionCall,
  context: RequestContext,
  authorizer: Authorizer,
): Promise<void> {
  if (typeof permission !== "function") return;
  for (const { action = ownAction, resource, resourceName, keys } of await permission(call)) {
    await authorizer.authorize({
      caller: call.caller,
      action,
      resource,
      resourceName,
      context: keys === undefined ? context : new Map([...context, ...keys]),
    });
  }
}

/** Who may not know whether a thing is there is told nothing of it: it is then asked about by its name alone. */
export async function ifThere<T>(looked: Promise<T>): Promise<T | undefined> {
  try {
    return await looked;
  } catch (error) {
    if (isCairnError(error) && error.kind === "caller") return undefined;
    throw error;
  }
}
