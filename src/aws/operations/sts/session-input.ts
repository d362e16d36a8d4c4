// What the operations that make sessions have in common: reading tags, policies and one-time codes, writing credentials.
import { CairnError, isCairnError } from "../../../base/errors.ts";
import type { Directory } from "../../../directory/directory.ts";
import { checkSessionPolicy } from "../../../directory/policy-text.ts";
import type { SessionCredentials, SessionGrant } from "../../../directory/sessions.ts";
import { checkTags, type Tag } from "../../../directory/tags.ts";
import type { JsonObject } from "../../../event/json.ts";
import { callerArn, type VerifiedCaller } from "../../../event/user-identity.ts";

const policyArnsMax = 10;

/** The policies and tags of the request, checked; each only where it is given. */
export async function readLimits(
  input: JsonObject,
  accountId: string,
  directory: Directory,
): Promise<Pick<SessionGrant, "policy" | "policyArns">> {
  const { Policy: policy, PolicyArns } = input as {
    Policy?: string;
    PolicyArns?: { arn?: string }[];
  };
  if (policy !== undefined) checkSessionPolicy(policy);
  const policyArns = (PolicyArns ?? []).flatMap(({ arn }) => arn ?? []);
  if (policyArns.length > policyArnsMax) {
    throw new CairnError(
      "ValidationFailed",
      `The number of policy ARNs must not exceed ${policyArnsMax}.`,
    );
  }
  for (const arn of policyArns) await checkPolicyArn(directory, accountId, arn);
  return {
    ...(policy === undefined ? {} : { policy }),
    ...(policyArns.length === 0 ? {} : { policyArns }),
  };
}

async function checkPolicyArn(directory: Directory, accountId: string, arn: string): Promise<void> {
  try {
    await directory.policies.get(accountId, arn);
  } catch (error) {
    if (!isCairnError(error, "NoSuchEntity")) throw error;
    throw new CairnError("MalformedPolicyDocument", `PolicyArn ${arn} could not be found.`);
  }
}

export function readTags(input: JsonObject): Tag[] {
  const tags = (input["Tags"] ?? []) as unknown as Tag[];
  try {
    checkTags(tags);
  } catch (error) {
    // IAM has a name of its own for this; STS has not.
    if (!isCairnError(error, "InvalidInput")) throw error;
    throw new CairnError("ValidationFailed", error.message);
  }
  return tags;
}

export function tagMap(tags: readonly Tag[]): Record<string, string> {
  return Object.fromEntries(tags.map(({ Key, Value }) => [Key, Value]));
}

/** True: a code was given and is good, and is used up now. */
export async function verifyCode(
  input: JsonObject,
  caller: VerifiedCaller,
  directory: Directory,
): Promise<boolean> {
  const { SerialNumber: serialNumber, TokenCode: code } = input as Record<string, string>;
  if (serialNumber === undefined && code === undefined) return false;
  if (serialNumber === undefined || code === undefined) {
    throw new CairnError("ValidationFailed", "SerialNumber and TokenCode must be given together.");
  }
  const isHolder = caller.kind === "user" || caller.kind === "root";
  const owner = caller.kind === "user" ? caller.userName : undefined;
  const { mfaDevices } = directory;
  if (isHolder && (await mfaDevices.verify(caller.accountId, owner, serialNumber, code))) {
    return true;
  }
  throw new CairnError(
    "AccessDenied",
    "MultiFactorAuthentication failed with invalid MFA one time pass code.",
  );
}

export function credentialsAnswer(session: SessionCredentials): JsonObject {
  return {
    AccessKeyId: session.accessKeyId,
    SecretAccessKey: session.secretAccessKey,
    SessionToken: session.sessionToken,
    Expiration: `${new Date(session.expiresMs).toISOString().slice(0, 19)}Z`,
  };
}

export function packedAnswer({ packedPercent }: SessionCredentials): JsonObject {
  return packedPercent === undefined ? {} : { PackedPolicySize: packedPercent };
}

export function denied(
  caller: VerifiedCaller,
  action: string,
  resource: string,
  message = `User: ${callerArn(caller)} is not authorized to perform: ${action} on resource: ${resource}`,
): CairnError {
  return new CairnError("AccessDenied", message);
}

/** GetSessionToken and GetFederationToken take long-term keys only. */
export function longTermCaller(caller: VerifiedCaller, operation: string) {
  const isLongTerm =
    (caller.kind === "user" || caller.kind === "root") && caller.session === undefined;
  if (isLongTerm) return caller;
  throw new CairnError("AccessDenied", `Cannot call ${operation} with session credentials`);
}

const rootSecondsMax = 3600;
const defaultSeconds = 43_200;

/** Twelve hours unless told otherwise; the root user never has more than one. */
export function tokenSeconds(input: JsonObject, caller: VerifiedCaller): number {
  const seconds =
    typeof input["DurationSeconds"] === "number" ? input["DurationSeconds"] : defaultSeconds;
  return caller.kind === "root" ? Math.min(seconds, rootSecondsMax) : seconds;
}
