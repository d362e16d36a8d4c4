// The Action and Resource elements: the form that IAM wants of them, and their compilation.
import type { CairnError } from "../base/errors.ts";
import { type Glob, globOf } from "./glob.ts";
import { malformed, malformedTexts } from "./malformed.ts";
import type { ActionElement } from "./policy.ts";

interface Actions {
  readonly at: string;
  readonly actions: readonly string[] | undefined;
}

interface Resources {
  readonly at: string;
  readonly resources: readonly string[] | undefined;
}

export function checkActions(statements: readonly Actions[]): void {
  for (const { at, actions } of statements) {
    for (const action of actions ?? []) {
      if (action === "*") continue;
      const why = `${at} has the action ${JSON.stringify(action)}`;
      const [vendor = "", ...rest] = action.split(":");
      if (rest.length === 0) throw malformed(malformedTexts.noVendor, why);
      if (rest.length > 1) throw malformed(malformedTexts.colons, why);
      if (vendor !== "*" && !/^[a-zA-Z0-9\-.]+$/.test(vendor))
        throw malformed(`Vendor ${vendor} is not valid`, why);
    }
  }
}

/** A role's trust policy is about the STS calls that assume it. */
export function checkTrustAction(at: string, actions: readonly string[], excludes: boolean): void {
  if (excludes || !actions.every((action) => /^sts:/i.test(action)))
    throw malformed(malformedTexts.trustAction, `${at} names actions of other services`);
}

export function compileActions(actions: readonly string[], excludes: boolean): ActionElement {
  const byService = new Map<string, Glob[]>();
  const ofAnyService: Glob[] = [];
  for (const action of actions) {
    if (action === "*") continue;
    const [vendor = "", operation = ""] = action.toLowerCase().split(":");
    const glob = globOf(operation);
    const list = byService.get(vendor);
    if (vendor === "*") ofAnyService.push(glob);
    else if (list === undefined) byService.set(vendor, [glob]);
    else list.push(glob);
  }
  return { excludes, every: actions.includes("*"), byService, ofAnyService };
}

const partition = /^aws(?:-[a-z]+)*$/;
const iamPaths = [
  "user/",
  "federated-user/",
  "role/",
  "group/",
  "instance-profile/",
  "mfa/",
  "server-certificate/",
  "policy/",
  "sms-mfa/",
  "saml-provider/",
  "oidc-provider/",
  "report/",
  "access-report/",
];

/** Throws what IAM calls legacy parsing at once; what else is wrong comes back, for IAM finds it later. */
export function checkResources(statements: readonly Resources[]): CairnError | undefined {
  let first: CairnError | undefined;
  for (const { at, resources } of statements) {
    const list = resources ?? [];
    // Of several at fault IAM names the one that sorts first.
    const faults = list.toSorted().map((resource) => ({ resource, fault: faultOf(resource) }));
    const faulty = faults.find(({ fault }) => fault !== undefined);
    if (faulty?.fault !== undefined)
      first ??= malformed(
        faulty.fault,
        `${at} has the resource ${JSON.stringify(faulty.resource)}`,
      );
    if (first === undefined) for (const resource of list) checkLegacy(at, resource);
  }
  return first;
}

function checkLegacy(at: string, resource: string): void {
  if (resource === "*") return;
  const parts = resource.split(":");
  if (parts[2] === "" || (parts.length < 6 && resource.includes("::")))
    throw malformed(malformedTexts.legacy, `${at} has the resource ${JSON.stringify(resource)}`);
}

/** IAM's answer to a resource whose form is wrong; undefined: its form is right. */
function faultOf(resource: string): string | undefined {
  if (resource === "*") return undefined;
  const [arn, partitionName, service, region, account, ...rest] = resource.split(":");
  if (partitionName === undefined) return `Resource ${resource} must be in ARN format or "*".`;
  if (partitionName !== "*" && !partition.test(partitionName)) {
    const parts = [service, region, account, rest.length > 0 ? rest.join(":") : undefined];
    // What is not there is shown as "*", and so is a service that is all there is and empty.
    const shown = parts.map((part, i) =>
      part === undefined || (i === 0 && part === "" && region === undefined) ? "*" : part,
    );
    return `Partition "${partitionName}" is not valid for resource "arn:${partitionName}:${shown.join(":")}".`;
  }
  if (arn !== "arn") return `Resource ${resource} must be in ARN format or "*".`;
  if (service === undefined || /[*?]/.test(service)) return malformedTexts.vendorRegex;
  if (service === "iam" && region !== undefined && region !== "")
    return `IAM resource ${resource} cannot contain region information.`;
  // What S3 Control and access points have is in a region of an account.
  if (service === "s3" && region !== undefined && region !== "" && account === "")
    return `Resource ${resource} can not contain region information.`;
  if (service === "iam" && rest.length > 0 && !isIamPath(rest.join(":")))
    return `IAM resource path must either be "*" or start with ${iamPaths.join(", ")}.`;
  return undefined;
}

function isIamPath(path: string): boolean {
  const wildcard = path.search(/[*?]/);
  if (wildcard < 0) return iamPaths.some((start) => path.startsWith(start));
  const head = path.slice(0, wildcard);
  return iamPaths.some((start) => start.startsWith(head) || head.startsWith(start));
}
