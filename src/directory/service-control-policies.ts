// Service control policies: what the accounts of an organization may do at most, whatever their own policies give them.
//
//   root ─── policyIds ─┐
//    └ unit ─ policyIds ┼─► one level each; every level must allow (policy/evaluate.ts)
//       └ account ───── ┘
//
// What hangs on a root, unit or account stands in its own document, the text in the policy's. While the type is not
// enabled in the root nothing hangs anywhere; when it is enabled everything has FullAWSAccess, and so has what comes later.
// Sources: AWS Organizations API reference; user guide, "Service control policies", "Quotas and service limits".
import { CairnError } from "../base/errors.ts";
import { policyLengthMax } from "../policy/length.ts";
import { parsePolicy } from "../policy/parse.ts";
import { type Core, noSuchEntity, omit } from "./core.ts";
import type { Documents, Draft } from "./documents.ts";
import { type Account, keys } from "./model.ts";
import {
  isUnitId,
  type Member,
  notInUse,
  type Organization,
  type OrganizationalUnit,
  type OrganizationDocument,
  type Organizations,
  type PolicyTarget,
  type PolicyType,
  organizationKeys as paths,
} from "./organizations.ts";
import { checkTags, type Tag } from "./tags.ts";

export interface ServiceControlPolicy {
  /** `p-…` */
  id: string;
  name: string;
  description: string;
  /** The document, as its text came. */
  content: string;
  isAwsManaged: boolean;
}

export interface ServiceControlGiven {
  /** One that AWS has; Cairn has service control policies only. */
  type: string;
  name: string;
  description: string;
  content: string;
  tags?: readonly Tag[];
}

export interface AttachedTarget {
  id: string;
  name: string;
  kind: "root" | "ou" | "account";
}

/** With the organization, for its ARNs. */
export interface OrganizationPolicy {
  organization: Organization;
  policy: ServiceControlPolicy;
}

export const serviceControlType: PolicyType = "SERVICE_CONTROL_POLICY";

export const fullAccess: ServiceControlPolicy = {
  id: "p-FullAWSAccess",
  name: "FullAWSAccess",
  description: "Allows access to every operation",
  content: JSON.stringify(
    {
      Version: "2012-10-17",
      Statement: [{ Effect: "Allow", Action: "*", Resource: "*" }],
    },
    null,
    2,
  ),
  isAwsManaged: true,
};

/** That hang on one root, unit or account. */
const attachedMax = 10;
const policiesMax = 10_000;
const nameLengthMax = 128;
const descriptionLengthMax = 512;
const idAlphabet = "abcdefghijklmnopqrstuvwxyz0123456789";

export function policyArn({ id, managementAccountId }: Organization, policyId: string): string {
  const type = serviceControlType.toLowerCase();
  return policyId === fullAccess.id
    ? `arn:aws:organizations::aws:policy/${type}/${policyId}`
    : `arn:aws:organizations::${managementAccountId}:policy/${id}/${type}/${policyId}`;
}

export class ServiceControlPolicies {
  readonly #core: Core;
  readonly #organizations: Organizations;

  constructor(core: Core, organizations: Organizations) {
    this.#core = core;
    this.#organizations = organizations;
  }

  async create(managementId: string, given: ServiceControlGiven): Promise<OrganizationPolicy> {
    const { type, name, description, content, tags = [] } = given;
    checkText(name, 1, nameLengthMax);
    checkText(description, 0, descriptionLengthMax);
    checkTags(tags);
    const organization = await this.#organizations.managed(managementId);
    checkAvailable(organization, type);
    checkContent(content);
    const { id } = organization;
    const policy = await this.#core.documents.change(async (draft) => {
      const others = await draft.list<ServiceControlPolicy>(paths.policy(id, ""));
      if (isTaken(name, others)) throw duplicate();
      if (others.length >= policiesMax) {
        throw violated("You have exceeded the maximum number of policies for your organization.");
      }
      const policyId = `p-${this.#core.random.text(8, idAlphabet)}`;
      const made = { id: policyId, name, description, content, isAwsManaged: false };
      draft.put(paths.policy(id, policyId), made);
      await keepOrganization(draft, id);
      return made;
    });
    return { organization, policy };
  }

  /** What is left out stays. */
  async update(
    managementId: string,
    policyId: string,
    changes: Partial<Pick<ServiceControlPolicy, "name" | "description" | "content">>,
  ): Promise<OrganizationPolicy> {
    const { name, description, content } = changes;
    if (name !== undefined) checkText(name, 1, nameLengthMax);
    if (description !== undefined) checkText(description, 0, descriptionLengthMax);
    const organization = await this.#organizations.managed(managementId);
    checkOwn(policyId);
    if (content !== undefined) checkContent(content);
    const { id } = organization;
    const policy = await this.#core.documents.change(async (draft) => {
      const present = await ownPolicyIn(draft, id, policyId);
      const all = await draft.list<ServiceControlPolicy>(paths.policy(id, ""));
      const others = all.filter((each) => each.id !== policyId);
      if (name !== undefined && isTaken(name, others)) throw duplicate();
      const changed: ServiceControlPolicy = {
        ...present,
        name: name ?? present.name,
        description: description ?? present.description,
        content: content ?? present.content,
      };
      draft.put(paths.policy(id, policyId), changed);
      return changed;
    });
    return { organization, policy };
  }

  async delete(managementId: string, policyId: string): Promise<void> {
    const { id } = await this.#organizations.managed(managementId);
    checkOwn(policyId);
    await this.#core.documents.change(async (draft) => {
      // Read first: whoever attaches it meanwhile writes it, too.
      await ownPolicyIn(draft, id, policyId);
      const targets = await targetsIn(draft, id);
      if (targets.some(({ value }) => value.policyIds?.includes(policyId) === true)) {
        throw new CairnError(
          "PolicyInUse",
          "The policy is attached to one or more entities. You must detach it from all roots, OUs, and accounts before performing this operation.",
        );
      }
      draft.delete(paths.policy(id, policyId));
    });
  }

  async get(accountId: string, policyId: string): Promise<OrganizationPolicy> {
    const organization = await this.#organizations.organization(accountId);
    checkPolicyId(policyId);
    return {
      organization,
      policy: await policyOf(this.#core.documents, organization.id, policyId),
    };
  }

  async list(
    accountId: string,
    type: string,
  ): Promise<{ organization: Organization; policies: ServiceControlPolicy[] }> {
    const organization = await this.#organizations.organization(accountId);
    const prefix = paths.policy(organization.id, "");
    const own = await this.#core.documents.list<ServiceControlPolicy>(prefix);
    return { organization, policies: type === serviceControlType ? [fullAccess, ...own] : [] };
  }

  /** Those that hang on the target itself, not what it has from above. */
  async attachedTo(
    accountId: string,
    targetId: string,
    type: string,
  ): Promise<{ organization: Organization; policies: ServiceControlPolicy[] }> {
    const organization = await this.#organizations.organization(accountId);
    checkTargetId(targetId);
    const { documents } = this.#core;
    const { value } = await targetIn(
      documents,
      await documentIn(documents, organization.id),
      targetId,
    );
    const ids = type === serviceControlType ? attached(organization, value) : [];
    const policies = await Promise.all(ids.map((id) => policyOf(documents, organization.id, id)));
    return { organization, policies };
  }

  async targetsOf(
    accountId: string,
    policyId: string,
  ): Promise<{ organization: Organization; targets: AttachedTarget[] }> {
    const { organization } = await this.get(accountId, policyId);
    const all = await targetsIn(this.#core.documents, organization.id);
    const targets = all.filter(({ value }) => attached(organization, value).includes(policyId));
    return { organization, targets: targets.map(({ shown }) => shown) };
  }

  async attach(managementId: string, policyId: string, targetId: string): Promise<void> {
    await this.#changeTarget(managementId, policyId, targetId, (organization, ids) => {
      if (!isEnabled(organization)) throw notEnabled();
      if (ids.includes(policyId)) {
        throw new CairnError(
          "DuplicatePolicyAttachment",
          "The selected policy is already attached to the specified target.",
        );
      }
      if (ids.length >= attachedMax) {
        throw violated("You have attached the maximum number of policies to the specified target.");
      }
      return [...ids, policyId];
    });
  }

  async detach(managementId: string, policyId: string, targetId: string): Promise<void> {
    await this.#changeTarget(managementId, policyId, targetId, (_, ids) => {
      if (!ids.includes(policyId)) {
        throw new CairnError(
          "PolicyNotAttached",
          "The policy isn't attached to the specified target in the specified root.",
        );
      }
      if (ids.length === 1) {
        throw violated(
          "You cannot remove the last policy attached to the specified target. You must have at least one attached at all times.",
        );
      }
      return ids.filter((id) => id !== policyId);
    });
  }

  /** From now on everything in the root has FullAWSAccess and nothing else. */
  async enableType(managementId: string, rootId: string, type: string): Promise<Organization> {
    return this.#changeRoot(managementId, rootId, (organization) => {
      checkAvailable(organization, type);
      if (isEnabled(organization)) {
        throw new CairnError(
          "PolicyTypeAlreadyEnabled",
          "The specified policy type is already enabled.",
        );
      }
      return { ...organization, policyTypes: [serviceControlType] };
    });
  }

  /** Everything is detached from everywhere, for good. */
  async disableType(managementId: string, rootId: string, type: string): Promise<Organization> {
    return this.#changeRoot(managementId, rootId, async (organization, draft) => {
      if (type !== serviceControlType || !isEnabled(organization)) throw notEnabled();
      for (const { key, value } of await targetsIn(draft, organization.id)) {
        if (value.policyIds === undefined) continue;
        const present = await draft.get<PolicyTarget>(key);
        if (present !== undefined) draft.put(key, omit(present, "policyIds"));
      }
      return omit(organization, "policyTypes", "policyIds");
    });
  }

  /** There is none: service control policies limit, they are not merged into one document. */
  async effective(accountId: string, type: string): Promise<never> {
    const membership = await this.#organizations.membership(accountId);
    if (membership === undefined) throw notInUse();
    if (type === serviceControlType) throw invalidValue();
    throw new CairnError(
      "EffectivePolicyNotFound",
      membership.isManagement
        ? "The specified policy type is not enabled."
        : "The account doesn't have an effective policy of the specified type.",
    );
  }

  async #changeRoot(
    managementId: string,
    rootId: string,
    change: (
      organization: OrganizationDocument,
      draft: Draft,
    ) => OrganizationDocument | Promise<OrganizationDocument>,
  ): Promise<Organization> {
    const { id } = await this.#organizations.managed(managementId);
    if (!isRootId(rootId)) throw patternMissed();
    await this.#core.documents.change(async (draft) => {
      const present = await documentIn(draft, id);
      if (present.rootId !== rootId) {
        throw new CairnError("RootNotFound", "You specified a root that doesn't exist.");
      }
      draft.put(paths.organization(id), await change(present, draft));
    });
    return this.#organizations.managed(managementId);
  }

  async #changeTarget(
    managementId: string,
    policyId: string,
    targetId: string,
    change: (organization: Organization, ids: string[]) => string[],
  ): Promise<void> {
    const { id } = await this.#organizations.managed(managementId);
    checkPolicyId(policyId);
    checkTargetId(targetId);
    await this.#core.documents.change(async (draft) => {
      if (policyId !== fullAccess.id) {
        // Written as it is, so that it is not deleted meanwhile.
        draft.put(paths.policy(id, policyId), await ownPolicyIn(draft, id, policyId));
      }
      const organization = await documentIn(draft, id);
      // The same, so that the type is not disabled meanwhile.
      draft.put(paths.organization(id), organization);
      const { key, value } = await targetIn(draft, organization, targetId);
      draft.put(key, { ...value, policyIds: change(organization, attached(organization, value)) });
    });
  }
}

/**
 * What limits an account, one list for each level from the root down. Undefined: nothing does. Rejects with NoSuchEntity
 * when something on the way is gone.
 */
export async function serviceControlOf(
  documents: Documents,
  accountId: string,
): Promise<ServiceControlPolicy[][] | undefined> {
  const id = (await documents.get<Account>(keys.account(accountId)))?.organizationId;
  if (id === undefined) return undefined;
  const organization = there(await documents.get<OrganizationDocument>(paths.organization(id)));
  if (organization.managementAccountId === accountId || !isEnabled(organization)) return undefined;
  const member = there(await documents.get<Member>(paths.member(id, accountId)));
  const levels: PolicyTarget[] = [member];
  let { parentId } = member;
  // Units stay where they were made: no way up leads in a circle.
  while (parentId !== organization.rootId) {
    const unit = there(await documents.get<OrganizationalUnit>(paths.unit(id, parentId)));
    levels.unshift(unit);
    parentId = unit.parentId;
  }
  levels.unshift(organization);
  return Promise.all(
    levels.map((level) =>
      Promise.all(
        attached(organization, level).map(async (policyId) =>
          policyId === fullAccess.id
            ? fullAccess
            : there(await documents.get<ServiceControlPolicy>(paths.policy(id, policyId))),
        ),
      ),
    ),
  );
}

function there<T>(document: T | undefined): T {
  if (document !== undefined) return document;
  throw noSuchEntity("A part of the organization is gone.");
}

/** Whoever reads: a draft, or the documents themselves. */
type Reading = Pick<Draft, "get" | "list">;

const isEnabled = (organization: Organization) =>
  organization.policyTypes?.includes(serviceControlType) === true;

function attached(organization: Organization, target: PolicyTarget): string[] {
  return isEnabled(organization) ? (target.policyIds ?? [fullAccess.id]) : [];
}

async function documentIn(reading: Reading, id: string): Promise<OrganizationDocument> {
  const document = await reading.get<OrganizationDocument>(paths.organization(id));
  if (document === undefined) throw notInUse();
  return document;
}

/** Written as it is, so that it is not deleted under what is made in it. */
async function keepOrganization(draft: Draft, id: string): Promise<void> {
  draft.put(paths.organization(id), await documentIn(draft, id));
}

async function targetIn(
  reading: Reading,
  organization: OrganizationDocument,
  targetId: string,
): Promise<{ key: string; value: PolicyTarget }> {
  const { id, rootId } = organization;
  if (targetId === rootId) return { key: paths.organization(id), value: organization };
  if (!isRootId(targetId)) {
    const key = isUnitId(targetId) ? paths.unit(id, targetId) : paths.member(id, targetId);
    const value = await reading.get<PolicyTarget>(key);
    if (value !== undefined) return { key, value };
  }
  throw new CairnError("TargetNotFound", "You specified a target that doesn't exist.");
}

/** Everything that policies can hang on. */
async function targetsIn(
  reading: Reading,
  id: string,
): Promise<{ key: string; value: PolicyTarget; shown: AttachedTarget }[]> {
  const root = await documentIn(reading, id);
  const units = await reading.list<OrganizationalUnit>(paths.unit(id, ""));
  const members = await reading.list<Member>(paths.member(id, ""));
  return [
    {
      key: paths.organization(id),
      value: root,
      shown: { id: root.rootId, name: "Root", kind: "root" },
    },
    ...units.map((unit) => ({
      key: paths.unit(id, unit.id),
      value: unit,
      shown: { id: unit.id, name: unit.name, kind: "ou" as const },
    })),
    ...members.map((member) => ({
      key: paths.member(id, member.accountId),
      value: member,
      shown: { id: member.accountId, name: member.name, kind: "account" as const },
    })),
  ];
}

async function policyOf(
  reading: Pick<Reading, "get">,
  id: string,
  policyId: string,
): Promise<ServiceControlPolicy> {
  return policyId === fullAccess.id ? fullAccess : ownPolicyIn(reading, id, policyId);
}

async function ownPolicyIn(
  reading: Pick<Reading, "get">,
  id: string,
  policyId: string,
): Promise<ServiceControlPolicy> {
  const policy = await reading.get<ServiceControlPolicy>(paths.policy(id, policyId));
  if (policy !== undefined) return policy;
  throw new CairnError(
    "PolicyNotFound",
    "We can't find a policy with the PolicyId that you specified.",
  );
}

const isTaken = (name: string, others: readonly ServiceControlPolicy[]) =>
  [fullAccess, ...others].some((other) => other.name === name);

function checkAvailable({ featureSet }: Organization, type: string): void {
  if (featureSet === "ALL" && type === serviceControlType) return;
  throw new CairnError(
    "PolicyTypeNotAvailableForOrganization",
    "You can't use the specified policy type with the feature set currently enabled for this organization.",
  );
}

/** White space counts, other than in policies of IAM: what a call brings is kept as it is. */
function checkContent(content: string): void {
  if (content.length > policyLengthMax.serviceControl) {
    throw violated("You have exceeded the maximum policy size.");
  }
  parsePolicy("serviceControl", content);
}

function checkPolicyId(policyId: string): void {
  if (!/^p-[0-9a-zA-Z_]{8,128}$/.test(policyId)) throw patternMissed();
}

function checkOwn(policyId: string): void {
  checkPolicyId(policyId);
  if (policyId !== fullAccess.id) return;
  throw new CairnError(
    "InvalidInput",
    "You specified a policy that is managed by AWS and can't be modified.",
  );
}

const isRootId = (id: string) => /^r-[0-9a-z]{4,32}$/.test(id);

function checkTargetId(targetId: string): void {
  if (!isRootId(targetId) && !isUnitId(targetId) && !/^\d{12}$/.test(targetId)) {
    throw patternMissed();
  }
}

function checkText(text: string, lengthMin: number, lengthMax: number): void {
  if (text.length >= lengthMin && text.length <= lengthMax) return;
  const than = text.length > lengthMax ? "longer" : "shorter";
  throw new CairnError(
    "InvalidInput",
    `You provided a string parameter that is ${than} than allowed.`,
  );
}

function patternMissed(): CairnError {
  return new CairnError(
    "InvalidInput",
    "You provided a value that does not match the required pattern.",
  );
}

function invalidValue(): CairnError {
  return new CairnError("InvalidInput", "You specified an invalid value.");
}

function duplicate(): CairnError {
  return new CairnError("DuplicatePolicy", "A policy with the same name already exists.");
}

function notEnabled(): CairnError {
  return new CairnError(
    "PolicyTypeNotEnabled",
    "This operation can be performed only for enabled policy types.",
  );
}

function violated(message: string): CairnError {
  return new CairnError("ConstraintViolation", message);
}
