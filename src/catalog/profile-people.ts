// People in Cognito user pools: known by their sub, never by their name.
import { isJsonObject, type JsonObject, type JsonValue } from "../event/json.ts";
import { hiddenMarker } from "./profile.ts";
import type { HiddenValues } from "./profile-hide.ts";
import { own, put } from "./protocol/shape.ts";

/** A sub is a UUID; anything else is not taken for one, because a claim may say anything. */
const subPattern = /^[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}$/i;

/**
 * Failures that the service can only answer once it has found the user, and so has accepted the token. Before any
 * other one it may not have looked at the token at all: a forged one would put the call down to whom it likes.
 */
const failuresOfKnownUsers = new Set([
  "AliasExistsException",
  "CodeMismatchException",
  "EnableSoftwareTokenMFAException",
  "ExpiredCodeException",
  "PasswordHistoryPolicyViolationException",
  "PasswordResetRequiredException",
  "UserNotConfirmedException",
]);

/** Whether what the request says of its user was accepted by the service. */
export function isVouchedFor(isAnswered: boolean, errorCode: string | undefined): boolean {
  return isAnswered && (errorCode === undefined || failuresOfKnownUsers.has(errorCode));
}

/**
 * The one user that the call is about, where the wire says so: the answer's UserSub, a `sub` attribute, or the `sub`
 * claim of a token (read, not verified: the service has just accepted or issued it; `input` is left out where it has
 * not). Lists of users name nobody.
 */
export function subOf(
  input: JsonObject | undefined,
  output: JsonObject | undefined,
): string | undefined {
  return (
    asSub(own(output, "UserSub")) ??
    subAttribute(output) ??
    subAttribute(input) ??
    subClaim(input) ??
    subClaim(own(output, "AuthenticationResult")) ??
    subClaim(output)
  );
}

function asSub(value: JsonValue | undefined): string | undefined {
  return typeof value === "string" && subPattern.test(value) ? value : undefined;
}

function subAttribute(said: JsonObject | undefined): string | undefined {
  const user = own(said, "User");
  const lists = [
    own(said, "UserAttributes"),
    own(said, "Attributes"),
    isJsonObject(user) ? own(user, "Attributes") : undefined,
    isJsonObject(user) ? own(user, "UserAttributes") : undefined,
  ];
  for (const list of lists) {
    if (!Array.isArray(list)) continue;
    for (const each of list) {
      if (isJsonObject(each) && own(each, "Name") === "sub") return asSub(own(each, "Value"));
    }
  }
  return undefined;
}

const tokenMembers = ["IdToken", "AccessToken", "Token"];

function subClaim(said: JsonValue | undefined): string | undefined {
  for (const claims of claimsOf(said)) {
    const sub = asSub(own(claims, "sub"));
    if (sub !== undefined) return sub;
  }
  return undefined;
}

function claimsOf(said: JsonValue | undefined): JsonObject[] {
  if (!isJsonObject(said)) return [];
  const found: JsonObject[] = [];
  for (const name of tokenMembers) {
    const token = own(said, name);
    const payload = typeof token === "string" ? token.split(".")[1] : undefined;
    if (payload === undefined) continue;
    try {
      const claims = JSON.parse(Buffer.from(payload, "base64url").toString("utf8")) as JsonValue;
      if (isJsonObject(claims)) found.push(claims);
    } catch {
      // Not a token with claims: it says nothing about whose it is.
    }
  }
  return found;
}

const namingClaims = [
  "username",
  "cognito:username",
  "preferred_username",
  "email",
  "phone_number",
];

/** A token names its user: what it says must not come back in an error message either. */
export function hideClaims(said: JsonObject | undefined, hidden: HiddenValues): void {
  for (const claims of [...claimsOf(said), ...claimsOf(own(said, "AuthenticationResult"))]) {
    for (const name of namingClaims) hidden.add(own(claims, name));
  }
}

/** A filter on anything else may hold a name, an address or a number. */
const namelessFilter = /^\s*"?(?:sub|cognito:user_status|status)"?\s*\^?=\s*"[\w-]*"\s*$/;

/** Names that stand in a filter, and the filter itself where it can hold one. */
export function hideFilter(input: JsonObject, hidden: HiddenValues): void {
  const filter = own(input, "Filter");
  if (typeof filter !== "string" || namelessFilter.test(filter)) return;
  hidden.add(filter);
  for (const [, quoted] of filter.matchAll(/"([^"]*)"?/g)) hidden.add(quoted);
  input["Filter"] = hiddenMarker;
}

/** The members that hold a pool's own words and never a user's. */
const poolMembers = new Set(["userPoolId", "clientId", "userSub", "authFlow", "challengeName"]);

/** Replaces what was hidden wherever else it was repeated. */
export function scrub(value: JsonValue, hidden: HiddenValues): JsonValue {
  if (typeof value === "string") return hidden.scrub(value);
  if (Array.isArray(value)) return value.map((each) => scrub(each, hidden));
  if (!isJsonObject(value)) return value;
  const clean: JsonObject = {};
  for (const [name, each] of Object.entries(value)) {
    put(clean, name, poolMembers.has(name) ? each : scrub(each, hidden));
  }
  return clean;
}
