// The `resources` member: what a call was about, filled in from its parameters by the profile's templates.
import type { JsonObject } from "../event/json.ts";
import type { DescribedCall } from "./call.ts";
import type { ResourceRule } from "./profile.ts";
import { own } from "./protocol/shape.ts";

/** Where the call was made: known to the door, not on the wire. */
export interface Place {
  region: string;
  accountId: string;
}

type Resource = NonNullable<DescribedCall["resources"]>[number];

export function resourcesOf(
  rules: readonly ResourceRule[],
  input: JsonObject | undefined,
  place: Place | undefined,
): Resource[] {
  const found: Resource[] = [];
  for (const rule of rules) {
    const ARN = arnOf(rule.arn, input, place);
    if (ARN === undefined) continue;
    // An object's owner is not known; a bucket is taken for the account's own.
    const accountId =
      ARN.split(":")[4] || (rule.type === "AWS::S3::Bucket" ? place?.accountId : undefined);
    found.push({
      ...(accountId === undefined ? {} : { accountId }),
      type: rule.type,
      ARN,
    });
  }
  return found;
}

/** Undefined where a part is not known: a wrong ARN is worse than none. */
function arnOf(
  template: string,
  input: JsonObject | undefined,
  place: Place | undefined,
): string | undefined {
  let isWhole = true;
  let whole: string | undefined;
  const filled = template.replaceAll(/\{(\w+)\}/g, (_all, name: string) => {
    const value =
      name === "region" ? place?.region : name === "account" ? place?.accountId : own(input, name);
    if (typeof value !== "string" || value === "" || value.startsWith("alias/")) {
      isWhole = false;
      return "";
    }
    if (value.startsWith("arn:")) whole = value;
    if (name === "QueueUrl") whole = queueArn(value, place);
    return value;
  });
  if (whole !== undefined) return whole;
  return isWhole && filled.startsWith("arn:") ? filled : undefined;
}

/** `https://sqs.us-east-1.amazonaws.com/111122223333/jobs`; a compatible server has a host of its own. */
function queueArn(url: string, place: Place | undefined): string | undefined {
  const match = /^https?:\/\/([^/]+)\/(\d{12})\/([\w.-]+)$/.exec(url);
  const region = /^sqs\.([a-z0-9-]+)\.amazonaws\./.exec(match?.[1] ?? "")?.[1] ?? place?.region;
  return match === null || region === undefined
    ? undefined
    : `arn:aws:sqs:${region}:${match[2]}:${match[3]}`;
}
