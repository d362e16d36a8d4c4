// What names may look like, in IAM's words. Source: IAM API reference, CreateUser and CreateAccessKey.
import { CairnError } from "../base/errors.ts";

export function checkUserName(userName: string): void {
  if (userName.length < 1 || userName.length > 64) {
    throw new CairnError(
      "ValidationFailed",
      `1 validation error detected: Value '${userName.slice(0, 128)}' at 'userName' failed to satisfy constraint: Member must have length ${userName.length < 1 ? "greater than or equal to 1" : "less than or equal to 64"}`,
    );
  }
  if (!/^[\w+=,.@-]+$/.test(userName)) {
    throw new CairnError(
      "ValidationFailed",
      "The specified value for userName is invalid. It must contain only alphanumeric characters and/or the following: +=,.@_-",
    );
  }
}

export function checkPath(path: string): void {
  if (path.length > 512 || !/^\/(?:[\x21-\x7e]+\/)?$/.test(path)) {
    throw new CairnError(
      "ValidationFailed",
      "The specified value for path is invalid. It must begin and end with / and contain only alphanumeric characters and/or / characters.",
    );
  }
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
