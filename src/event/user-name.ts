// The `Username` that LookupEvents shows and searches, for each kind of identity.
// Source: CloudTrail API reference, Event.Username, and lookups pasted in public repositories: the page does not say how
// the name is found.

/** What the record says of its caller; empty where it says nothing. */
export interface UserNameClues {
  type: string;
  userName: string;
  principalId: string;
  arn: string;
  /** `additionalEventData.UserName`, where IAM Identity Center's sign-in events have it. */
  signInName: string;
}

type Rule = (clues: UserNameClues) => string;

/** `AROA…:session` and `111122223333:name`: what stands behind the colon; else the last part of the session's ARN. */
const sessionName: Rule = ({ principalId, arn }) => {
  const colon = principalId.indexOf(":");
  if (colon >= 0) return principalId.slice(colon + 1);
  const session = /^arn:[^:]*:sts::\d*:(?:assumed-role\/[^/]+|federated-user)\/(.+)$/.exec(
    arn,
  )?.[1];
  return session ?? "";
};
const userName: Rule = (clues) => clues.userName;
const none: Rule = () => "";

/** In order: the first that gives a name. */
const rules: Record<string, readonly Rule[]> = {
  Root: [() => "root"],
  IAMUser: [userName],
  AssumedRole: [sessionName, userName],
  FederatedUser: [sessionName, userName],
  Role: [userName, sessionName],
  SAMLUser: [userName],
  WebIdentityUser: [userName],
  Directory: [userName],
  IdentityCenterUser: [userName, (clues) => clues.signInName],
  // Failed sign-ins carry HIDDEN_DUE_TO_SECURITY_REASONS as their name, and are found by it.
  Unknown: [userName],
  // Omitted even where the record has a name.
  AWSAccount: [none],
  AWSService: [none],
};
const otherRules: readonly Rule[] = [userName, (clues) => clues.signInName];

export function lookupUserName(clues: UserNameClues): string {
  const own = Object.hasOwn(rules, clues.type) ? rules[clues.type] : undefined;
  for (const rule of own ?? otherRules) {
    const found = rule(clues);
    if (found !== "") return found;
  }
  return "";
}
