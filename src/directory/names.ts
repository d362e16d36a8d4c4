// What names may look like, in IAM's words. Source: IAM API reference, IAM and STS quotas.
import { CairnError } from "../base/errors.ts";

/** IAM names a value and its place in the words of AWS's own validation. */
export function constraintError(value: string, member: string, constraint: string): CairnError {
  return new CairnError(
    "ValidationFailed",
    `1 validation error detected: Value '${value.slice(0, 128)}' at '${member}' failed to satisfy constraint: ${constraint}`,
  );
}

export function checkLength(value: string, member: string, min: number, max: number): void {
  if (value.length < min) {
    throw constraintError(value, member, `Member must have length greater than or equal to ${min}`);
  }
  if (value.length > max) {
    throw constraintError(value, member, `Member must have length less than or equal to ${max}`);
  }
}

export function checkName(value: string, member: string, lengthMax: number): void {
  checkLength(value, member, 1, lengthMax);
  if (!/^[\w+=,.@-]+$/.test(value)) {
    throw new CairnError(
      "ValidationFailed",
      `The specified value for ${member} is invalid. It must contain only alphanumeric characters and/or the following: +=,.@_-`,
    );
  }
}

export const checkUserName = (name: string) => checkName(name, "userName", 64);
export const checkGroupName = (name: string) => checkName(name, "groupName", 128);
export const checkRoleName = (name: string) => checkName(name, "roleName", 64);
export const checkPolicyName = (name: string) => checkName(name, "policyName", 128);
export const checkProfileName = (name: string) => checkName(name, "instanceProfileName", 128);

export function checkPath(path: string): void {
  if (path.length > 512 || !/^\/(?:[\x21-\x7e]+\/)?$/.test(path)) {
    throw new CairnError(
      "ValidationFailed",
      "The specified value for path is invalid. It must begin and end with / and contain only alphanumeric characters and/or / characters.",
    );
  }
}

/** `/`, `/team/`, or the beginning of a path. */
export function checkPathPrefix(prefix: string): void {
  if (prefix.length <= 512 && /^\/[\x21-\x7e]*$/.test(prefix)) return;
  throw new CairnError(
    "ValidationFailed",
    "The specified value for pathPrefix is invalid. It must begin with / and contain only alphanumeric characters and/or / characters.",
  );
}

export function checkAccountId(accountId: string): void {
  if (!/^\d{12}$/.test(accountId)) {
    throw new CairnError("ValidationFailed", `"${accountId}" is not an account id of 12 digits`);
  }
}

/** For a root key given by the operator. AWS's own ids are 20 characters, its secrets 40; emulators use shorter ones. */
export function checkGivenKey(key: { accessKeyId: string; secretAccessKey: string }): void {
  if (!/^\w{3,128}$/.test(key.accessKeyId)) {
    throw new CairnError(
      "InvalidConfiguration",
      "the given root access key id must be 3 to 128 letters, digits or _",
    );
  }
  if (!/^[\x21-\x7e]{8,128}$/.test(key.secretAccessKey)) {
    throw new CairnError(
      "InvalidConfiguration",
      "the given root secret access key must be 8 to 128 printable ASCII characters without spaces",
    );
  }
}

/** `x.amazonaws.com`, as policies name a service. */
export function checkServicePrincipal(principal: string): void {
  if (/^[a-z0-9](?:[a-z0-9.-]{0,120}[a-z0-9])?\.amazonaws\.com$/.test(principal)) return;
  throw new CairnError(
    "ValidationFailed",
    `"${principal.slice(0, 128)}" is not a service principal such as reports.amazonaws.com`,
  );
}

/** Descriptions of roles and policies. */
export function checkDescription(text: string): void {
  checkLength(text, "description", 0, 1000);
  if (/^[\t\n\r\u0020-\u007E\u00A1-\u00FF]*$/.test(text)) return;
  throw constraintError(
    text,
    "description",
    "Member must satisfy regular expression pattern: [\\u0009\\u000A\\u000D\\u0020-\\u007E\\u00A1-\\u00FF]*",
  );
}
