// sts:AssumeRole: temporary credentials of a role, for whom its trust policy trusts.
import { CairnError } from "../../../base/errors.ts";
import type { Question } from "../../../directory/authorize.ts";
import { type Keys, setIfGiven, tagKeys } from "../../../directory/condition-keys.ts";
import type { Role } from "../../../directory/model.ts";
import type { JsonObject } from "../../../event/json.ts";
import type { CallerSession, VerifiedCaller } from "../../../event/user-identity.ts";
import type { OperationCall, OperationRow } from "../../operation.ts";
import {
  credentialsAnswer,
  denied,
  packedAnswer,
  readLimits,
  readTags,
  tagMap,
  verifyCode,
} from "./session-input.ts";

type Source = NonNullable<CallerSession["inScopeOf"]>;

export const assumeRole: OperationRow = {
  service: "sts",
  name: "AssumeRole",
  permission: "asked by the operation",
  run: runAssumeRole,
  differences: [
    "A role session that a service principal made for itself carries the service's name as `invokedBy` in every event.",
    "`ProvidedContexts` is not used.",
    "A service principal says in the signed headers `x-amz-source-arn` and `x-amz-source-account` for which resource it assumes the role: `aws:SourceArn` and `aws:SourceAccount` for the trust policy, `inScopeOf` in the session's events.",
  ],
};

const defaultSeconds = 3600;
/** Of sessions made with the credentials of another role. */
export const chainedSecondsMax = 3600;

/** What a session of the role will carry: the request's own tags, those handed on, and the name it keeps. */
interface Carried {
  tags: Record<string, string>;
  transitiveTagKeys: string[];
  incoming: Record<string, string>;
  sourceIdentity?: string;
}

async function runAssumeRole(call: OperationCall): Promise<JsonObject> {
  const { input, authenticated, rooms, record } = call;
  const { caller } = authenticated;
  const { directory } = rooms;
  const { RoleArn: arn, RoleSessionName: sessionName } = input as Record<string, string>;
  if (arn === undefined || sessionName === undefined) throw new TypeError("validated before");
  if (!/^arn:aws:iam::\d{12}:role\/\S+$/.test(arn)) {
    throw new CairnError("ValidationFailed", `${arn} is invalid`);
  }
  if (caller.kind === "root") {
    throw new CairnError("AccessDenied", "Roles may not be assumed by root accounts.");
  }
  const role = await directory.roles.byArn(arn);
  if (caller.kind === "federated") throw denied(caller, "sts:AssumeRole", arn);
  const isChained = caller.kind === "role";
  const carried = readCarried(input, caller);
  const showedCode = await verifyCode(input, caller, directory);
  const session = caller.kind === "service" ? undefined : caller.session;
  const mfa = showedCode || (caller.kind === "user" && session?.mfa === true);
  const source = caller.kind === "service" ? readSource(call.signedHeaders) : {};
  const assumes = { accountId: accountOfRole(arn), trustPolicy: role?.trustPolicy };
  await checkTrust(call, {
    caller,
    resource: arn,
    assumes,
    context: requestContext(call, carried, source),
    showedCode,
  });
  if (role === undefined) throw denied(caller, "sts:AssumeRole", arn);
  // Only now: whoever may not assume it learns nothing of it.
  const seconds = sessionSeconds(input, role, isChained);
  const limits = await readLimits(input, role.accountId, directory);
  if (Object.keys(carried.incoming).length > 0) {
    record.requestParameters = { incomingTransitiveTags: carried.incoming };
  }
  const credentials = directory.sessions.issue({
    bearer: {
      kind: "role",
      accountId: role.accountId,
      roleName: role.roleName,
      roleId: role.roleId,
      sessionName,
    },
    seconds,
    mfa,
    ...limits,
    ...(Object.keys(carried.tags).length === 0 ? {} : { tags: carried.tags }),
    ...(carried.transitiveTagKeys.length === 0
      ? {}
      : { transitiveTagKeys: carried.transitiveTagKeys }),
    ...(carried.sourceIdentity === undefined ? {} : { sourceIdentity: carried.sourceIdentity }),
    ...(isChained ? { chained: true } : {}),
    ...(caller.kind === "service" ? { invokedBy: caller.invokedBy } : {}),
    ...(Object.keys(source).length === 0 ? {} : { inScopeOf: source }),
  });
  record.ownerAccountId = role.accountId;
  const { sourceIdentity } = carried;
  return {
    ...(sourceIdentity === undefined ? {} : { SourceIdentity: sourceIdentity }),
    AssumedRoleUser: assumedRoleUser(role, sessionName),
    Credentials: credentialsAnswer(credentials),
    ...packedAnswer(credentials),
  };
}

export function assumedRoleUser(role: Role, sessionName: string): JsonObject {
  return {
    AssumedRoleId: `${role.roleId}:${sessionName}`,
    Arn: `arn:aws:sts::${role.accountId}:assumed-role/${role.roleName}/${sessionName}`,
  };
}

/** One hour unless told otherwise, at most what the role allows, and less in a chain. */
export function sessionSeconds(input: JsonObject, role: Role, isChained: boolean): number {
  const { DurationSeconds: seconds = defaultSeconds } = input as { DurationSeconds?: number };
  if (isChained && seconds > chainedSecondsMax) {
    throw new CairnError(
      "ValidationFailed",
      "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining",
    );
  }
  if (seconds > role.maxSessionSeconds) {
    throw new CairnError(
      "ValidationFailed",
      "The requested DurationSeconds exceeds the MaxSessionDuration set for this role.",
    );
  }
  return seconds;
}

function readCarried(input: JsonObject, caller: VerifiedCaller): Carried {
  const session = caller.kind === "service" ? undefined : caller.session;
  const given = readTags(input);
  const transitive = (input["TransitiveTagKeys"] ?? []) as string[];
  const handedOn = new Set((session?.transitiveTagKeys ?? []).map((key) => key.toLowerCase()));
  const incoming = Object.fromEntries(
    Object.entries(session?.tags ?? {}).filter(([key]) => handedOn.has(key.toLowerCase())),
  );
  const conflicting = given.find(({ Key }) => handedOn.has(Key.toLowerCase()));
  if (conflicting !== undefined) {
    throw new CairnError(
      "ValidationFailed",
      `One of the specified transitive tag keys can't be set because it conflicts with a transitive tag key from the calling session: ${conflicting.Key}`,
    );
  }
  const keys = new Set(given.map(({ Key }) => Key.toLowerCase()));
  if (!transitive.every((key) => keys.has(key.toLowerCase()))) {
    throw new CairnError(
      "ValidationFailed",
      "The specified transitive tag key must be included in the requested tags.",
    );
  }
  const wanted = input["SourceIdentity"] as string | undefined;
  if (wanted?.toLowerCase().startsWith("aws:") === true) {
    throw new CairnError("ValidationFailed", "A source identity cannot begin with aws:.");
  }
  const sourceIdentity = session?.sourceIdentity ?? wanted;
  if (sourceIdentity !== undefined && wanted !== undefined && wanted !== sourceIdentity) {
    throw new CairnError(
      "AccessDenied",
      "The source identity of a session cannot be changed by the sessions that follow it.",
    );
  }
  return {
    tags: { ...incoming, ...tagMap(given) },
    transitiveTagKeys: [...Object.keys(incoming), ...transitive],
    incoming,
    ...(sourceIdentity === undefined ? {} : { sourceIdentity }),
  };
}

function requestContext(
  { input, context }: OperationCall,
  { tags, transitiveTagKeys, incoming, sourceIdentity }: Carried,
  source: Source,
): Question["context"] {
  const requested = Object.entries(tags)
    .filter(([key]) => !Object.hasOwn(incoming, key))
    .map(([Key, Value]) => ({ Key, Value }));
  const keys: Keys = new Map([...context, ...tagKeys(requested)]);
  const { RoleSessionName, ExternalId } = input as Record<string, string>;
  setIfGiven(keys, "sts:rolesessionname", RoleSessionName);
  setIfGiven(keys, "sts:externalid", ExternalId);
  setIfGiven(keys, "sts:sourceidentity", sourceIdentity);
  setIfGiven(keys, "aws:sourcearn", source.sourceArn);
  setIfGiven(keys, "aws:sourceaccount", source.sourceAccount);
  if (transitiveTagKeys.length > 0) keys.set("sts:transitivetagkeys", transitiveTagKeys);
  return keys;
}

/**
 * For which resource, and of which account, a service assumes the role. Services say so in these headers; a trust policy
 * that asks for it (`aws:SourceArn`, `aws:SourceAccount`) lets no service be talked into using somebody else's role.
 */
function readSource(headers: OperationCall["signedHeaders"]): Source {
  const { "x-amz-source-arn": sourceArn, "x-amz-source-account": sourceAccount } = headers;
  const named = sourceArn === undefined ? undefined : readArn(sourceArn);
  if (sourceArn !== undefined && named === undefined) throw invalidSource("x-amz-source-arn");
  const isAccount = sourceAccount === undefined || /^\d{12}$/.test(sourceAccount);
  if (!isAccount || (named?.accountId ?? sourceAccount) !== (sourceAccount ?? named?.accountId)) {
    throw invalidSource("x-amz-source-account");
  }
  // An ARN without an account, such as a bucket's, says nothing of whose it is.
  const account = sourceAccount ?? named?.accountId;
  return {
    ...(sourceArn === undefined ? {} : { sourceArn }),
    ...(account === undefined ? {} : { sourceAccount: account }),
  };
}

function readArn(arn: string): { accountId: string | undefined } | undefined {
  const found = /^arn:aws[\w-]*:[\w-]+:[\w-]*:(\d{12})?:[\x21-\x7e]{1,1024}$/.exec(arn);
  return found === null ? undefined : { accountId: found[1] };
}

function invalidSource(header: string): CairnError {
  return new CairnError("ValidationFailed", `The header ${header} is not that of a resource.`);
}

/** Tags and a source identity are permissions of their own. */
async function checkTrust(
  { rooms, input }: OperationCall,
  question: Omit<Question, "action">,
): Promise<void> {
  const { authorizer } = rooms;
  await authorizer.authorize({ ...question, action: "sts:AssumeRole" });
  if (input["Tags"] !== undefined)
    await authorizer.authorize({ ...question, action: "sts:TagSession" });
  if (question.context.has("sts:sourceidentity"))
    await authorizer.authorize({ ...question, action: "sts:SetSourceIdentity" });
}

/** `arn:aws:iam::111122223333:role/…` */
export function accountOfRole(arn: string): string {
  return arn.split(":")[4] ?? "";
}
