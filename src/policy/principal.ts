// Who asks, and the Principal element: whom a resource policy or a role's trust policy names.
// Source: IAM user guide, "AWS JSON policy elements: Principal" and "NotPrincipal".
import type { Effect } from "./condition.ts";
import { malformed } from "./malformed.ts";

/** The principal of a request. */
export type Principal =
  | { readonly kind: "root"; readonly accountId: string; readonly arn: string }
  | {
      readonly kind: "user";
      readonly accountId: string;
      readonly arn: string;
      readonly userName: string;
      /** `AIDA…` */
      readonly userId: string;
    }
  | {
      readonly kind: "assumedRole";
      readonly accountId: string;
      /** The session's: `arn:aws:sts::…:assumed-role/ROLE/SESSION`. */
      readonly arn: string;
      /** The role's, with its path. */
      readonly roleArn: string;
      /** `AROA…` */
      readonly roleId: string;
      readonly sessionName: string;
    }
  | {
      readonly kind: "federatedUser";
      readonly accountId: string;
      /** The session's: `arn:aws:sts::…:federated-user/NAME`. */
      readonly arn: string;
      readonly name: string;
      /** The user who asked for the token; undefined: the root user did. */
      readonly issuer: { readonly arn: string; readonly userId: string } | undefined;
    }
  /** Known by an identity provider only: who calls AssumeRoleWithWebIdentity. */
  | {
      readonly kind: "federated";
      /** ARN of the OIDC provider, or the name of one that IAM knows by itself. */
      readonly provider: string;
    }
  | {
      readonly kind: "service";
      /** `cloudtrail.amazonaws.com` */
      readonly name: string;
    }
  | { readonly kind: "anonymous" };

/** How closely a policy names the principal of a request. Numbers, so that the closest is the largest. */
export const closeness = {
  none: 0,
  /** Its account: that account decides who of it. */
  account: 1,
  /** The role or user behind a session. */
  issuer: 2,
  /** The principal itself, or everyone. */
  direct: 3,
} as const;

export type Closeness = (typeof closeness)[keyof typeof closeness];

export interface PrincipalElement {
  /** True for NotPrincipal. */
  readonly excludes: boolean;
  readonly everyone: boolean;
  /** Account ids, ARNs and unique ids. */
  readonly aws: ReadonlySet<string>;
  readonly federated: ReadonlySet<string>;
  readonly services: ReadonlySet<string>;
}

const accountId = /^\d{12}$/;
const rootArn = /^arn:aws[a-z-]*:iam::(\d{12}):root$/;
const principalArn =
  /^arn:aws[a-z-]*:(?:iam::\d{12}:(?:user|role)\/[^*?]+|sts::\d{12}:(?:assumed-role\/[^/*?]+\/[^/*?]+|federated-user\/[^/*?]+))$/;
const uniqueId = /^A(?:IDA|ROA)[A-Z0-9]{4,124}$/;
const providerArn = /^arn:aws[a-z-]*:iam::\d{12}:(?:oidc|saml)-provider\/[^*?]+$/;
const hostName = /^[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)+$/i;

/** `types` as the document has them: `"*"`, or lists of principals by type. */
export function compilePrincipal(
  types: "*" | ReadonlyMap<string, readonly string[]>,
  excludes: boolean,
): PrincipalElement {
  const aws = new Set<string>();
  const federated = new Set<string>();
  const services = new Set<string>();
  let everyone = types === "*";
  for (const [type, values] of types === "*" ? [] : types) {
    for (const value of values) {
      if (type === "AWS" && value === "*") everyone = true;
      else if (type === "AWS" && isAwsPrincipal(value)) aws.add(rootArn.exec(value)?.[1] ?? value);
      else if (type === "Federated" && (providerArn.test(value) || hostName.test(value)))
        federated.add(value);
      else if (type === "Service" && hostName.test(value)) services.add(value);
      else {
        const written = type === "AWS" ? type : type.toUpperCase();
        throw malformed(
          `Invalid principal in policy: "${written}":"${value}"`,
          `${JSON.stringify(value)} is no principal of type ${type}`,
        );
      }
    }
  }
  return { excludes, everyone, aws, federated, services };
}

function isAwsPrincipal(value: string): boolean {
  return (
    accountId.test(value) || rootArn.test(value) || principalArn.test(value) || uniqueId.test(value)
  );
}

/** The types that the grammar has; CanonicalUser is one of S3's alone and named by no other service. */
export const principalTypes: ReadonlySet<string> = new Set([
  "AWS",
  "Federated",
  "Service",
  "CanonicalUser",
]);

/**
 * How closely a statement means the principal. `bounded`: it has a permissions boundary, in which case a Deny with
 * NotPrincipal always means it (IAM user guide, "Permissions boundaries").
 */
export function closenessOf(
  element: PrincipalElement,
  principal: Principal,
  effect: Effect,
  bounded: boolean,
): Closeness {
  if (!element.excludes) return named(element, principal);
  if (effect === "Allow")
    return named(element, principal) === closeness.none ? closeness.direct : closeness.none;
  return !bounded && isSpared(element, principal) ? closeness.none : closeness.direct;
}

function named(element: PrincipalElement, principal: Principal): Closeness {
  if (element.everyone) return closeness.direct;
  switch (principal.kind) {
    case "anonymous":
      return closeness.none;
    case "service":
      return element.services.has(principal.name) ? closeness.direct : closeness.none;
    case "federated":
      return element.federated.has(principal.provider) ? closeness.direct : closeness.none;
    case "root":
      return element.aws.has(principal.accountId) ? closeness.direct : closeness.none;
    case "user":
      if (element.aws.has(principal.arn) || element.aws.has(principal.userId))
        return closeness.direct;
      break;
    case "assumedRole":
      if (element.aws.has(principal.arn)) return closeness.direct;
      if (element.aws.has(principal.roleArn) || element.aws.has(principal.roleId))
        return closeness.issuer;
      break;
    case "federatedUser": {
      if (element.aws.has(principal.arn)) return closeness.direct;
      const { issuer } = principal;
      if (issuer !== undefined && (element.aws.has(issuer.arn) || element.aws.has(issuer.userId)))
        return closeness.issuer;
      break;
    }
  }
  return element.aws.has(principal.accountId) ? closeness.account : closeness.none;
}

/**
 * Whether a Deny with NotPrincipal spares the principal. To name its account is not enough: `[user/Bob, root]` denies
 * all of the account but Bob. A role's session is spared only when the role is named as well (same page: AWS looks at
 * the role first, then at the session).
 */
function isSpared(element: PrincipalElement, principal: Principal): boolean {
  if (named(element, principal) !== closeness.direct) return false;
  if (principal.kind !== "assumedRole" || element.everyone) return true;
  return element.aws.has(principal.roleArn) || element.aws.has(principal.roleId);
}
