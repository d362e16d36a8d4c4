// May this caller do this to that? What the directory knows of the caller, held against what is asked.
//
//   caller ─► principal, policies, keys (kept until anything in the directory changes) ─┐
//   question: action, resource, the request's keys, a role's trust policy ──────────────┴─► evaluate ─► yes, or AWS's words
//
// What was read of a caller is good for one generation of the directory: a change that this process has made is seen by
// the next question, whoever asks it. Another process's change is seen within ten seconds.
import type { Clock } from "../base/clock.ts";
import { CairnError, isCairnError } from "../base/errors.ts";
import type { Log } from "../base/log.ts";
import {
  callerArn,
  roleArn,
  rootArn,
  userArn,
  type VerifiedCaller,
  type WebIdentityCaller,
} from "../event/user-identity.ts";
import { denialMessage } from "../policy/denial.ts";
import { evaluate, type PrincipalPolicies } from "../policy/evaluate.ts";
import { parsePolicy } from "../policy/parse.ts";
import type { Policy, PolicyKind } from "../policy/policy.ts";
import type { Principal } from "../policy/principal.ts";
import { principalKeys } from "../policy/principal-keys.ts";
import type { RequestContext } from "../policy/template.ts";
import { callerKeys, type Keys } from "./condition-keys.ts";
import type { Directory } from "./directory.ts";
import type { NamedPolicy } from "./permission-set.ts";

export interface Question {
  caller: VerifiedCaller | WebIdentityCaller;
  /** `cloudtrail:LookupEvents` */
  action: string;
  /** An ARN; `*` for what is about no resource. */
  resource: string;
  /** How a refusal names the resource. Left out: by its ARN, and `*` not at all. */
  resourceName?: string | undefined;
  /** Of a role that is to be assumed: its trust policy has a say. Undefined: there is no such role, and nobody may. */
  assumes?: { accountId: string; trustPolicy: string | undefined };
  /** A one-time code came with this request. */
  showedCode?: boolean;
  /** Condition keys of the request and the operation, in lower case. The caller's are added. */
  context: RequestContext;
}

export interface Authorizer {
  /** The refusal in AWS's words; undefined: allowed. Rejects when the directory cannot be asked: nobody may then. */
  refusalOf(question: Question): Promise<string | undefined>;
  /** Rejects with AccessDenied and those words. */
  authorize(question: Question): Promise<void>;
}

export interface AuthorizerOptions {
  directory: Pick<Directory, "generation" | "permissionsOf" | "organizations">;
  clock: Clock;
  log: Log;
}

/** How long another process's change may go unseen here. */
const keptMsMax = 10_000;
/** Texts of policies kept compiled: those of a company of some size. */
const compiledMax = 2048;
/** Readings of a caller's policies while others change the directory. */
const readingsMax = 5;

interface KnownCaller {
  principal: Principal;
  policies: PrincipalPolicies;
  keys: RequestContext;
  generation: number;
  readMs: number;
}

export function createAuthorizer(options: AuthorizerOptions): Authorizer {
  const asks = new Questions(options);
  return {
    refusalOf: (question) => asks.refusalOf(question),
    async authorize(question) {
      const refusal = await asks.refusalOf(question);
      if (refusal !== undefined) throw new CairnError("AccessDenied", refusal);
    },
  };
}

class Questions {
  readonly #options: AuthorizerOptions;
  /** By the caller as verification hands it out: the same object as long as nothing changes. */
  readonly #known = new WeakMap<VerifiedCaller, KnownCaller>();
  readonly #compiled: CompiledPolicies;

  constructor(options: AuthorizerOptions) {
    this.#options = options;
    this.#compiled = new CompiledPolicies(options.log);
  }

  async refusalOf(question: Question): Promise<string | undefined> {
    const { caller, assumes } = question;
    const known =
      caller.kind === "webIdentity"
        ? strangerOf(caller)
        : (this.#kept(caller) ?? (await this.#read(caller)));
    const request = {
      principal: known.principal,
      policies: known.policies,
      action: question.action,
      resource: question.resource,
      context: this.#contextOf(question, known.keys),
      ...(assumes === undefined
        ? {}
        : {
            resourceAccountId: assumes.accountId,
            resourcePolicies: [this.#trust(question.resource, assumes.trustPolicy)],
          }),
    };
    const decision = evaluate(request);
    if (decision.allowed) return undefined;
    return denialMessage(request, decision, question.resourceName);
  }

  #trust(roleArn: string, document: string | undefined): Policy {
    if (document === undefined) return trustsNobody;
    return this.#compiled.get("trust", { name: `trust policy of ${roleArn}`, document });
  }

  #contextOf(
    { caller, context, showedCode }: Question,
    callersKeys: RequestContext,
  ): RequestContext {
    // The caller's keys come last: nothing in a request may pass for them.
    const keys: Keys = new Map(context);
    for (const [key, value] of callersKeys) keys.set(key, value);
    const session = "session" in caller ? caller.session : undefined;
    if (session?.mfa === true) {
      const ageMs = this.#options.clock.nowMs() - session.issuedMs;
      keys.set("aws:multifactorauthage", String(Math.max(0, Math.floor(ageMs / 1000))));
    }
    if (showedCode === true) {
      keys.set("aws:multifactorauthpresent", "true");
      keys.set("aws:multifactorauthage", "0");
    }
    return keys;
  }

  #kept(caller: VerifiedCaller): KnownCaller | undefined {
    const known = this.#known.get(caller);
    if (known === undefined || known.generation !== this.#options.directory.generation)
      return undefined;
    return this.#options.clock.monotonicMs() - known.readMs < keptMsMax ? known : undefined;
  }

  /** Read anew when something changed meanwhile, so that no mixture of before and after is ever used. */
  async #read(caller: VerifiedCaller): Promise<KnownCaller> {
    const { directory, clock } = this.#options;
    for (let left = readingsMax; ; left--) {
      const { generation } = directory;
      const readMs = clock.monotonicMs();
      const known = await this.#tryRead(caller, left > 1 ? generation : undefined);
      if (known === undefined || (directory.generation !== generation && left > 1)) continue;
      const kept = { ...known, generation, readMs };
      this.#known.set(caller, kept);
      return kept;
    }
  }

  /** Undefined: something that was named is gone, because the directory changed since `generation`. */
  async #tryRead(
    caller: VerifiedCaller,
    generation: number | undefined,
  ): Promise<Omit<KnownCaller, "generation" | "readMs"> | undefined> {
    const { directory } = this.#options;
    try {
      const set = await directory.permissionsOf(caller);
      const membership = await directory.organizations.membership(caller.accountId);
      const principal = principalOf(caller);
      return {
        principal,
        policies: {
          identity: this.#all("identity", set.identity),
          boundary:
            set.boundary === undefined ? undefined : this.#compiled.get("boundary", set.boundary),
          session: set.session === undefined ? undefined : this.#all("session", set.session),
          serviceControl: set.serviceControl?.map((level) => this.#all("serviceControl", level)),
        },
        keys: callerKeys(caller, principal, set.tags, membership?.organization.id),
      };
    } catch (error) {
      const isGone = isCairnError(error, "NoSuchEntity");
      if (isGone && generation !== undefined && generation !== directory.generation) {
        return undefined;
      }
      throw error;
    }
  }

  #all(kind: PolicyKind, policies: readonly NamedPolicy[]): Policy[] {
    return policies.map((policy) => this.#compiled.get(kind, policy));
  }
}

/** Policies by their text, which many callers share and which stays when other things change. */
class CompiledPolicies {
  readonly #log: Log;
  readonly #policies = new Map<string, Policy>();

  constructor(log: Log) {
    this.#log = log;
  }

  get(kind: PolicyKind, { name, document }: NamedPolicy): Policy {
    const id = `${kind} ${document}`;
    const known = this.#policies.get(id);
    if (known !== undefined) return known;
    const policy = this.#compile(kind, name, document);
    this.#policies.set(id, policy);
    if (this.#policies.size > compiledMax) {
      const oldest = this.#policies.keys().next();
      if (oldest.done !== true) this.#policies.delete(oldest.value);
    }
    return policy;
  }

  /** One that cannot be read may have held a Deny: whoever has it may do nothing, and nobody may assume its role. */
  #compile(kind: PolicyKind, name: string, document: string): Policy {
    try {
      return parsePolicy(kind, document);
    } catch (error) {
      this.#log.error({ err: error, policy: name }, "a stored policy cannot be read");
      return kind === "trust" ? trustsNobody : deniesAll;
    }
  }
}

const deniesAll = parsePolicy("identity", {
  Version: "2012-10-17",
  Statement: { Effect: "Deny", Action: "*", Resource: "*" },
});
const trustsNobody: Policy = {
  kind: "trust",
  version: "2012-10-17",
  id: undefined,
  statements: [],
  allows: [],
  denies: [],
};

/** Known by an identity provider only: it has no policies. */
function strangerOf({
  provider,
}: WebIdentityCaller): Pick<KnownCaller, "principal" | "policies" | "keys"> {
  const principal: Principal = { kind: "federated", provider };
  return { principal, policies: { identity: [] }, keys: principalKeys(principal) };
}

/** The caller as policies name it. */
function principalOf(caller: VerifiedCaller): Principal {
  const { accountId } = caller;
  const arn = callerArn(caller);
  switch (caller.kind) {
    case "root":
      return { kind: "root", accountId, arn: rootArn(accountId) };
    case "user": {
      const { userName, userId } = caller;
      return { kind: "user", accountId, arn, userName, userId };
    }
    case "role": {
      const { roleId, sessionName } = caller;
      return { kind: "assumedRole", accountId, arn, roleArn: roleArn(caller), roleId, sessionName };
    }
    case "federated": {
      const { name, issuer } = caller;
      return {
        kind: "federatedUser",
        accountId,
        arn,
        name,
        issuer:
          issuer.kind === "root"
            ? undefined
            : { arn: userArn({ ...issuer, accountId }), userId: issuer.userId },
      };
    }
    case "service":
      return { kind: "service", name: caller.invokedBy };
  }
}
