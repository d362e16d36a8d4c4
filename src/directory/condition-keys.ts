// The condition keys that a caller and its request give every policy, whatever is asked. Names in lower case.
// Source: IAM user guide, "AWS global condition context keys".
import type { CallerSession, VerifiedCaller } from "../event/user-identity.ts";
import type { Principal } from "../policy/principal.ts";
import { principalKeys } from "../policy/principal-keys.ts";
import type { RequestContext } from "../policy/template.ts";
import type { Tags } from "./tags.ts";

export type Keys = Map<string, string | readonly string[]>;

/** What a request says of itself, before it is read. */
export interface RequestFacts {
  remoteAddress: string;
  /** It came over TLS. */
  isSecure: boolean;
  /** Of the signature's scope. */
  region: string;
  headers: Readonly<Record<string, string>>;
  nowMs: number;
}

export function requestKeys(request: RequestFacts): Keys {
  const { headers, nowMs } = request;
  const keys: Keys = new Map([
    // As the record has it, so that a policy can name what an event shows.
    ["aws:sourceip", request.remoteAddress.replace(/^::ffff:(?=\d+\.)/, "")],
    ["aws:securetransport", String(request.isSecure)],
    ["aws:requestedregion", request.region],
    ["aws:currenttime", isoSeconds(nowMs)],
    ["aws:epochtime", String(Math.floor(nowMs / 1000))],
  ]);
  setIfGiven(keys, "aws:useragent", headers["user-agent"]);
  setIfGiven(keys, "aws:referer", headers["referer"]);
  return keys;
}

/** What is the same for every request of the caller. */
export function callerKeys(
  caller: VerifiedCaller,
  principal: Principal,
  tags: Tags,
  organizationId: string | undefined,
): RequestContext {
  const keys: Keys = principalKeys(principal);
  for (const [key, value] of Object.entries(tags))
    keys.set(`aws:principaltag/${key.toLowerCase()}`, value);
  setIfGiven(keys, "aws:principalorgid", organizationId);
  if (caller.kind === "service") return keys;
  addViaKeys(keys, caller);
  if (caller.session !== undefined) addSessionKeys(keys, caller.session);
  return keys;
}

function addSessionKeys(keys: Keys, session: CallerSession): void {
  keys.set("aws:tokenissuetime", isoSeconds(session.issuedMs));
  // A long-term key says nothing of it; a session says yes or no.
  keys.set("aws:multifactorauthpresent", String(session.mfa));
  setIfGiven(keys, "aws:sourceidentity", session.sourceIdentity);
  setIfGiven(keys, "aws:federatedprovider", session.webIdentity?.provider);
}

/** A service that goes on with someone's request, not one that uses a role of its own. */
function addViaKeys(
  keys: Keys,
  { kind, invokedBy }: Exclude<VerifiedCaller, { kind: "service" }>,
): void {
  const service = kind === "role" ? undefined : invokedBy;
  keys.set("aws:viaawsservice", String(service !== undefined));
  if (service === undefined) return;
  keys.set("aws:calledvia", [service]);
  keys.set("aws:calledviafirst", service);
  keys.set("aws:calledvialast", service);
}

/** The tags of a request, for an operation that gives them to something. */
export function tagKeys(tags: readonly { Key: string; Value: string }[]): [string, KeyValue][] {
  if (tags.length === 0) return [];
  return [
    ...tags.map(({ Key, Value }): [string, KeyValue] => [
      `aws:requesttag/${Key.toLowerCase()}`,
      Value,
    ]),
    ["aws:tagkeys", tags.map(({ Key }) => Key)],
  ];
}

export type KeyValue = string | readonly string[];

export function setIfGiven(keys: Keys, key: string, value: KeyValue | undefined): void {
  if (value !== undefined) keys.set(key, value);
}

function isoSeconds(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 19)}Z`;
}
