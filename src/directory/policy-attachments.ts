// Which policies a user, group or role has: inline documents, attached managed policies, a permissions boundary.
import { CairnError } from "../base/errors.ts";
import { checkPolicyLength } from "../policy/length.ts";
import { type Core, noSuchEntity, notFound, overQuota } from "./core.ts";
import type { Draft } from "./documents.ts";
import type { ManagedPolicies } from "./managed-policies.ts";
import { type HolderKind, keys, type Permissions } from "./model.ts";
import { checkPolicyName } from "./names.ts";
import { checkInlinePolicy } from "./policy-text.ts";

export interface Holder {
  kind: HolderKind;
  accountId: string;
  name: string;
}

/** Groups have no boundary. */
export type BoundedHolder = Holder & { kind: "user" | "role" };

const attachedMax = 10;
const kindInQuota: Readonly<Record<HolderKind, string>> = {
  user: "User",
  group: "Group",
  role: "Role",
};

export const holderKey = ({ kind, accountId, name }: Holder) => keys[kind](accountId, name);

export class PolicyAttachments {
  readonly #core: Core;
  readonly #policies: ManagedPolicies;

  constructor(core: Core, policies: ManagedPolicies) {
    this.#core = core;
    this.#policies = policies;
  }

  /** NoSuchEntity when there is no such holder. */
  async of(holder: Holder): Promise<Permissions> {
    return found(await this.#core.documents.get<Permissions>(holderKey(holder)), holder);
  }

  async putInline(holder: Holder, policyName: string, document: string): Promise<void> {
    checkPolicyName(policyName);
    checkInlinePolicy(document);
    return this.#change(holder, (present) => {
      const inlinePolicies = { ...present.inlinePolicies, [policyName]: document };
      const owner = `${holder.kind} ${holder.name}`;
      checkPolicyLength(`${holder.kind}Inline`, Object.values(inlinePolicies), owner);
      return { inlinePolicies };
    });
  }

  async inline(holder: Holder, policyName: string): Promise<string> {
    const { inlinePolicies } = await this.of(holder);
    return ownPolicy(inlinePolicies, holder, policyName);
  }

  async deleteInline(holder: Holder, policyName: string): Promise<void> {
    return this.#change(holder, ({ inlinePolicies }) => {
      ownPolicy(inlinePolicies, holder, policyName);
      const { [policyName]: _, ...rest } = inlinePolicies ?? {};
      return { inlinePolicies: rest };
    });
  }

  /** Attached already: nothing changes. */
  async attach(holder: Holder, policyArn: string): Promise<void> {
    return this.#change(holder, async ({ attachedPolicyArns = [] }, draft) => {
      if (attachedPolicyArns.includes(policyArn)) return {};
      await this.#policies.count(draft, holder.accountId, policyArn, "attachmentCount", 1);
      if (attachedPolicyArns.length >= attachedMax) {
        throw overQuota(`PoliciesPer${kindInQuota[holder.kind]}`, attachedMax);
      }
      draft.put(useKey(keys.attachments(holder.accountId, policyArn), holder), useOf(holder));
      return { attachedPolicyArns: [...attachedPolicyArns, policyArn] };
    });
  }

  async detach(holder: Holder, policyArn: string): Promise<void> {
    return this.#change(holder, async ({ attachedPolicyArns = [] }, draft) => {
      if (!attachedPolicyArns.includes(policyArn)) {
        throw noSuchEntity(`Policy ${policyArn} was not found.`);
      }
      await this.#policies.count(draft, holder.accountId, policyArn, "attachmentCount", -1);
      draft.delete(useKey(keys.attachments(holder.accountId, policyArn), holder));
      return { attachedPolicyArns: attachedPolicyArns.filter((each) => each !== policyArn) };
    });
  }

  /** Undefined takes the boundary away. */
  async setBoundary(holder: BoundedHolder, policyArn: string | undefined): Promise<void> {
    return this.#change(holder, async ({ boundaryArn }, draft) => {
      if (boundaryArn === undefined && policyArn === undefined) {
        const { kind, name } = holder;
        throw noSuchEntity(`Permissions boundary cannot be found for ${kind} ${name}.`);
      }
      await this.moveBoundary(draft, holder, boundaryArn, policyArn);
      return { boundaryArn: policyArn };
    });
  }

  /** For whoever makes or deletes the holder in the same draft. */
  async moveBoundary(
    draft: Draft,
    holder: BoundedHolder,
    from: string | undefined,
    to: string | undefined,
  ): Promise<void> {
    if (from === to) return;
    const { accountId } = holder;
    if (from !== undefined) {
      await this.#policies.count(draft, accountId, from, "boundaryCount", -1);
      draft.delete(useKey(keys.boundaries(accountId, from), holder));
    }
    if (to !== undefined) {
      await this.#policies.count(draft, accountId, to, "boundaryCount", 1);
      draft.put(useKey(keys.boundaries(accountId, to), holder), useOf(holder));
    }
  }

  /** A renamed user or group: the lists of who uses a policy name it anew. */
  renameUses(draft: Draft, holder: Holder, present: Permissions, newName: string): void {
    const renamed = { ...holder, name: newName };
    const { attachedPolicyArns = [], boundaryArn } = present;
    const prefixes = [
      ...attachedPolicyArns.map((arn) => keys.attachments(holder.accountId, arn)),
      ...(boundaryArn === undefined ? [] : [keys.boundaries(holder.accountId, boundaryArn)]),
    ];
    for (const prefix of prefixes) {
      draft.delete(useKey(prefix, holder));
      draft.put(useKey(prefix, renamed), useOf(renamed));
    }
  }

  /** Who has the policy attached, or as boundary. */
  async users(
    accountId: string,
    policyArn: string,
    as: "attachment" | "boundary",
  ): Promise<Holder[]> {
    const prefix =
      as === "attachment"
        ? keys.attachments(accountId, policyArn)
        : keys.boundaries(accountId, policyArn);
    const uses = await this.#core.documents.list<{ kind: HolderKind; name: string }>(prefix);
    return uses.map(({ kind, name }) => ({ kind, name, accountId }));
  }

  async #change(
    holder: Holder,
    decide: (present: Permissions, draft: Draft) => object | Promise<object>,
  ): Promise<void> {
    const key = holderKey(holder);
    return this.#core.documents.change(async (draft) => {
      const present = found(await draft.get<Permissions>(key), holder);
      checkUnprotected(present, holder);
      const changed = await decide(present, draft);
      draft.put(key, { ...present, ...changed });
    });
  }
}

/** Names are kept in the case they were given: another spelling is another name. */
function found<T extends object>(document: T | undefined, { kind, name }: Holder): T {
  const names = document as
    | { userName?: string; groupName?: string; roleName?: string }
    | undefined;
  const own = names?.userName ?? names?.groupName ?? names?.roleName;
  if (document === undefined || own !== name) throw notFound(kind, name);
  return document;
}

/** A service-linked role's policies are its service's own. */
function checkUnprotected(present: Permissions & { path?: string }, { name }: Holder): void {
  if (present.path?.startsWith("/aws-service-role/") !== true) return;
  throw new CairnError(
    "UnmodifiableEntity",
    `Cannot perform the operation on the protected role '${name}' - this role is only modifiable by AWS`,
  );
}

function ownPolicy(
  policies: Record<string, string> | undefined,
  { kind }: Holder,
  policyName: string,
): string {
  const document =
    policies !== undefined && Object.hasOwn(policies, policyName)
      ? policies[policyName]
      : undefined;
  if (document !== undefined) return document;
  throw noSuchEntity(`The ${kind} policy with name ${policyName.slice(0, 128)} cannot be found.`);
}

const useKey = (prefix: string, { kind, name }: Holder) => `${prefix}${kind}/${name.toLowerCase()}`;
const useOf = ({ kind, name }: Holder) => ({ kind, name });
