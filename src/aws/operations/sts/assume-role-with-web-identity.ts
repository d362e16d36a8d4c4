// sts:AssumeRoleWithWebIdentity: temporary credentials of a role, for the bearer of an OIDC provider's token.
import { CairnError } from "../../../base/errors.ts";
import type { Question } from "../../../directory/authorize.ts";
import { type Keys, setIfGiven, tagKeys } from "../../../directory/condition-keys.ts";
import { oidcProviderArn } from "../../../directory/oidc-providers.ts";
import type { Tag } from "../../../directory/tags.ts";
import type { WebIdentity } from "../../../directory/web-identity.ts";
import type { JsonObject } from "../../../event/json.ts";
import type { WebIdentityCaller } from "../../../event/user-identity.ts";
import type { UnsignedCall, UnsignedOperationRow } from "../../operation.ts";
import { assumedRoleUser, sessionSeconds } from "./assume-role.ts";
import { credentialsAnswer, packedAnswer, readLimits, readTags, tagMap } from "./session-input.ts";

export const assumeRoleWithWebIdentity: UnsignedOperationRow = {
  service: "sts",
  name: "AssumeRoleWithWebIdentity",
  permission: "asked by the operation",
  runUnsigned: runAssumeRoleWithWebIdentity,
  differences: [
    "Tokens of OIDC providers that the role's account knows (CreateOpenIDConnectProvider). The providers that AWS has built in (Google, Facebook, Amazon) are registered like any other; `ProviderId` and OAuth access tokens are refused.",
    "A provider's certificate is checked against the machine's authorities; the thumbprints are kept and not used. An issuer on a loopback address may be plain HTTP.",
    "A refused token is not on record: nobody vouches for who sent it.",
  ],
};

/** Claims that a trust policy can name as `<issuer>:<claim>`. */
const contextClaims = ["amr", "sub", "email", "oaud"] as const;

async function runAssumeRoleWithWebIdentity(call: UnsignedCall): Promise<JsonObject> {
  const { input, rooms, record } = call;
  const {
    RoleArn: arn,
    RoleSessionName: sessionName,
    WebIdentityToken: token,
  } = input as Record<string, string>;
  if (arn === undefined || sessionName === undefined || token === undefined) {
    throw new TypeError("validated before");
  }
  const accountId = /^arn:aws:iam::(\d{12}):role\/\S+$/.exec(arn)?.[1];
  if (accountId === undefined) throw new CairnError("ValidationFailed", `${arn} is invalid`);
  if (input["ProviderId"] !== undefined) {
    throw new CairnError(
      "InvalidIdentityToken",
      "ProviderId is for OAuth 2.0 access tokens, which are not taken here.",
    );
  }
  const identity = await rooms.webIdentities.verify(accountId, token);
  const caller = callerOf(identity);
  // Believed from here on: what follows is on record, also when it is refused.
  record.caller = caller;
  record.accountId = accountId;
  const role = await rooms.directory.roles.byArn(arn);
  const { tags, transitiveTagKeys, sourceIdentity } = readAwsClaims(identity.claims);
  const question: Omit<Question, "action"> = {
    caller,
    resource: arn,
    assumes: { accountId, trustPolicy: role?.trustPolicy },
    context: requestContext(call, identity, tags, transitiveTagKeys, sourceIdentity),
  };
  const actions = ["sts:AssumeRoleWithWebIdentity"];
  if (tags.length > 0) actions.push("sts:TagSession");
  if (sourceIdentity !== undefined) actions.push("sts:SetSourceIdentity");
  for (const action of actions) {
    const refusal = await rooms.authorizer.refusalOf({ ...question, action });
    // One answer for all, also for a role that is not there: nobody learns which.
    if (refusal !== undefined || role === undefined) {
      throw new CairnError(
        "AccessDenied",
        "Not authorized to perform sts:AssumeRoleWithWebIdentity",
      );
    }
  }
  if (role === undefined) throw new TypeError("refused before");
  const seconds = sessionSeconds(input, role, false);
  const limits = await readLimits(input, accountId, rooms.directory);
  if (tags.length > 0) record.requestParameters = { principalTags: tagMap(tags) };
  const credentials = rooms.directory.sessions.issue({
    bearer: {
      kind: "role",
      accountId,
      roleName: role.roleName,
      roleId: role.roleId,
      sessionName,
    },
    seconds,
    mfa: false,
    webIdentity: { provider: caller.provider, attributes: {} },
    ...limits,
    ...(tags.length === 0 ? {} : { tags: tagMap(tags) }),
    ...(transitiveTagKeys.length === 0 ? {} : { transitiveTagKeys }),
    ...(sourceIdentity === undefined ? {} : { sourceIdentity }),
  });
  return {
    ...(sourceIdentity === undefined ? {} : { SourceIdentity: sourceIdentity }),
    SubjectFromWebIdentityToken: identity.subject,
    Audience: identity.audience,
    AssumedRoleUser: assumedRoleUser(role, sessionName),
    Credentials: credentialsAnswer(credentials),
    Provider: caller.provider,
    ...packedAnswer(credentials),
  };
}

function callerOf({ provider, audience, subject }: WebIdentity): WebIdentityCaller {
  return { kind: "webIdentity", provider: oidcProviderArn(provider), audience, subject };
}

function requestContext(
  { input, context }: UnsignedCall,
  { provider, audience, claims }: WebIdentity,
  tags: readonly Tag[],
  transitiveTagKeys: readonly string[],
  sourceIdentity: string | undefined,
): Question["context"] {
  const keys: Keys = new Map([...context, ...tagKeys(tags)]);
  const url = provider.url.toLowerCase();
  for (const claim of contextClaims) {
    const values = textsOf(claim === "oaud" ? claims["aud"] : claims[claim]);
    if (values.length > 0)
      keys.set(`${url}:${claim}`, values.length === 1 ? (values[0] ?? "") : values);
  }
  keys.set(`${url}:aud`, audience);
  setIfGiven(keys, "sts:rolesessionname", input["RoleSessionName"] as string);
  setIfGiven(keys, "sts:sourceidentity", sourceIdentity);
  if (transitiveTagKeys.length > 0) keys.set("sts:transitivetagkeys", transitiveTagKeys);
  return keys;
}

/** The claims by which a provider sets session tags and a source identity (IAM user guide, session tags). */
function readAwsClaims(claims: Record<string, unknown>): {
  tags: Tag[];
  transitiveTagKeys: string[];
  sourceIdentity?: string;
} {
  const given = claims["https://aws.amazon.com/tags"];
  const { principal_tags: named = {}, transitive_tag_keys: transitive = [] } = (
    typeof given === "object" && given !== null ? given : {}
  ) as Record<string, unknown>;
  const tags = Object.entries(typeof named === "object" && named !== null ? named : {}).map(
    ([Key, value]) => ({ Key, Value: textsOf(value)[0] ?? "" }),
  );
  const sourceIdentity = claims["https://aws.amazon.com/source_identity"];
  if (
    sourceIdentity !== undefined &&
    !(typeof sourceIdentity === "string" && /^[\w+=,.@-]{2,64}$/.test(sourceIdentity))
  ) {
    throw new CairnError("InvalidIdentityToken", "The source identity of the token is not one.");
  }
  return {
    tags: readTags({ Tags: tags }),
    transitiveTagKeys: textsOf(transitive),
    ...(sourceIdentity === undefined ? {} : { sourceIdentity }),
  };
}

function textsOf(value: unknown): string[] {
  return [value].flat().filter((each): each is string => typeof each === "string");
}
