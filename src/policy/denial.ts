// How a denial reads: the words of AWS's AccessDenied messages.
// Source: IAM user guide, "Troubleshoot access denied error messages".
import type { AuthorizationRequest, Decision } from "./evaluate.ts";
import type { PolicyKind } from "./policy.ts";
import type { Principal } from "./principal.ts";

/** "with an explicit deny in …", "because no … allows the … action". */
const words: Readonly<Record<PolicyKind, { explicit: string; implicit: string }>> = {
  identity: { explicit: "an identity-based policy", implicit: "identity-based policy" },
  resource: { explicit: "a resource-based policy", implicit: "resource-based policy" },
  trust: { explicit: "the role trust policy", implicit: "role trust policy" },
  boundary: { explicit: "a permissions boundary", implicit: "permissions boundary" },
  session: { explicit: "a session policy", implicit: "session policy" },
  serviceControl: { explicit: "a service control policy", implicit: "service control policy" },
};

/**
 * The message of the error that a caller gets whose request was not allowed. `resourceName`: how the service names the
 * resource, where that is not by its ARN: IAM says `user Bob`.
 */
export function denialMessage(
  request: Pick<AuthorizationRequest, "principal" | "action" | "resource">,
  decision: Extract<Decision, { allowed: false }>,
  resourceName: string | undefined = request.resource === "*" ? undefined : request.resource,
): string {
  const { principal, action } = request;
  // STS tells a caller whom only an identity provider knows no more than this.
  if (principal.kind === "federated") return `Not authorized to perform ${action}`;
  const on = resourceName === undefined ? "" : ` on resource: ${resourceName}`;
  const { explicit, implicit } = words[decision.by];
  const because = decision.explicit
    ? `with an explicit deny in ${explicit}`
    : `because no ${implicit} allows the ${action} action`;
  return `User: ${nameOf(principal)} is not authorized to perform: ${action}${on} ${because}`;
}

function nameOf(principal: Exclude<Principal, { kind: "federated" }>): string {
  switch (principal.kind) {
    case "anonymous":
      return "anonymous";
    case "service":
      return principal.name;
    case "root":
    case "user":
    case "assumedRole":
    case "federatedUser":
      return principal.arn;
  }
}
