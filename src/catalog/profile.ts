// The recording profile: how a service's calls look in the trail, as data.
//
// The catalog says what a call is; the profile says what the event shows of it. A service without a profile, a user's
// own among them, gets the default rules, which are what most real records show.
import type { Service } from "./service.ts";

/**
 * How names and values are written:
 *   camel  first letter lower-cased: `DBInstanceIdentifier` → `dBInstanceIdentifier` (nearly every service)
 *   wire   as the model spells them (DevOps Guru)
 *   s3     bucketName, key, query flags, headers and XML elements under their own names
 *   ec2    the shapes of EC2's first API: `instancesSet: {items: […]}`; newer operations `{XRequest: {…}}`
 */
export type RenderStyle = "camel" | "wire" | "s3" | "ec2";

export interface OperationProfile {
  eventName?: string;
  /** Where the catalog's read flag is not what the event says. */
  readOnly?: boolean;
  /** Whether responseElements are shown; left out: for calls that change something. */
  response?: boolean;
  /** Parameters that the service itself fills in when the caller left them out; event names. */
  defaults?: Readonly<Record<string, string | number | boolean>>;
  /** Further members to hide, here only. */
  hide?: readonly string[];
}

export interface ResourceRule {
  type: string;
  /** `{Member}` of the input, `{region}`, `{account}`; a member that already is an ARN stands for itself. */
  arn: string;
}

export interface DataEventRule {
  operations: readonly string[];
  resources?: readonly ResourceRule[];
}

export interface Profile {
  /** Where it is not the catalog's. */
  eventSource?: string;
  apiVersion?: string;
  /** Only these operations are recorded. */
  only?: readonly string[];
  /** These are not recorded. */
  except?: readonly string[];
  /** Paths beside the API that are not recorded (sign-in pages, federation). */
  unrecordedPaths?: readonly string[];
  style?: RenderStyle;
  /** Numbers and booleans from the query are shown as the text that was sent. */
  queryAsText?: boolean;
  /** Times that are numbers on the wire: `Nov 5, 2023, 4:29:11 AM`, without the second comma, or as on the wire. */
  times?: "comma" | "space" | "wire";
  /** Names that are not the default rule's. */
  names?: Readonly<Record<string, string>>;
  /** An answer that is one structure is shown without its outer name (RDS). */
  unwrapsResponse?: boolean;
  /** Response members that the model does not know are shown too. */
  unmodelledResponse?: boolean;
  /** Members that stay out of events altogether, and response members of the transport. */
  omit?: readonly string[];
  /** Replaced by the marker. */
  hide?: readonly string[];
  /** Replaced by a text of their own. */
  masks?: Readonly<Record<string, string>>;
  /** Shown although the model or the deny list calls them sensitive. */
  show?: readonly string[];
  /** The body's members stand under `<operation>Input` (API Gateway v1). */
  bodyUnderInput?: boolean;
  /** Defaults of every operation. */
  defaults?: OperationProfile["defaults"];
  /** The service knows people by name; the trail knows them by `sub` (Cognito user pools). */
  people?: boolean;
  /** DynamoDB: items are shown by their attribute names, keys with their values. */
  attributeValues?: boolean;
  /** Error codes that the event spells otherwise than the wire. */
  errorCodes?: Readonly<Record<string, string>>;
  data?: readonly DataEventRule[];
  /** Resources of management events. */
  resources?: Readonly<Record<string, readonly ResourceRule[]>>;
  operations?: Readonly<Record<string, OperationProfile>>;
}

/** The marker that CloudTrail puts where a value is not shown. */
export const hiddenMarker = "HIDDEN_DUE_TO_SECURITY_REASONS";

/** Letters and digits only, lower case: `master-user_Password` and `masterUserPassword` are one name. */
export function plainName(name: string): string {
  return name.replaceAll(/[^A-Za-z0-9]/g, "").toLowerCase();
}

/**
 * Names whose values are never shown, in any service, unless a profile's `show` says otherwise.
 * Source: spec of CloudTrail's redactions; the usual names of secrets in HTTP APIs.
 */
const deniedNames = new Set(
  [
    "password passwd passphrase secret token authorization cookie setCookie apiKey xApiKey credential assertion",
    "privateKey sessionToken securityToken xAmzSecurityToken secretAccessKey accessToken refreshToken idToken",
    "authToken bearerToken oauthToken clientSecret secretString secretBinary secretHash secretKey secretCode",
    "plaintext samlAssertion webIdentityToken tokenCode authenticationCode1 authenticationCode2 signingKey",
    "logins authParameters challengeResponses confirmationCode keyMaterial basicAuthCredentials",
  ].flatMap((line) => line.split(" ").map(plainName)),
);

/** The ends of compound names: `masterUserPassword`, `githubAccessToken`. */
const deniedEnd =
  /(?:password|passwd|passphrase|privatekey|secretkey|secretaccesskey|accesstoken|refreshtoken|idtoken|authtoken|bearertoken|oauthtoken|sessiontoken|securitytoken|clientsecret|secretstring|apikeyvalue)$/;

export function isDenied(name: string): boolean {
  const plain = plainName(name);
  return deniedNames.has(plain) || deniedEnd.test(plain);
}

/** Looked up by the service's id first, then by its event source. */
export interface Profiles {
  byId: Readonly<Record<string, Profile>>;
  bySource: Readonly<Record<string, Profile>>;
}

const defaultProfile: Profile = {};

export function profileOf(profiles: Profiles, service: Service): Profile {
  if (Object.hasOwn(profiles.byId, service.id)) return profiles.byId[service.id] ?? defaultProfile;
  if (Object.hasOwn(profiles.bySource, service.eventSource)) {
    return profiles.bySource[service.eventSource] ?? defaultProfile;
  }
  return defaultProfile;
}
