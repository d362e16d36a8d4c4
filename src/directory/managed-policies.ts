// Managed policies: documents of their own with up to five versions, attached to principals by their ARN.
import { CairnError } from "../base/errors.ts";
import { uniqueId } from "../base/random.ts";
import { awsManagedPolicies } from "./aws-managed-policies.ts";
import { type Core, noSuchEntity, overQuota } from "./core.ts";
import type { Draft } from "./documents.ts";
import { keys, type ManagedPolicy, type PolicyDocument, type PolicyVersion } from "./model.ts";
import { checkDescription, checkPath, checkPolicyName } from "./names.ts";
import { checkManagedPolicy } from "./policy-text.ts";
import { type Tag, withoutTags, withTags } from "./tags.ts";

const versionsMax = 5;
const policiesMax = 1500;

export interface PolicyGiven {
  policyName: string;
  document: string;
  path?: string;
  description?: string;
  tags?: readonly Tag[];
}

export const policyArn = (policy: Pick<ManagedPolicy, "accountId" | "path" | "policyName">) =>
  `arn:aws:iam::${policy.accountId}:policy${policy.path}${policy.policyName}`;

export class ManagedPolicies {
  readonly #core: Core;

  constructor(core: Core) {
    this.#core = core;
  }

  async create(accountId: string, given: PolicyGiven): Promise<ManagedPolicy> {
    const { policyName, document, path = "/", description, tags = [] } = given;
    checkPolicyName(policyName);
    checkPath(path);
    if (description !== undefined) checkDescription(description);
    checkManagedPolicy(document);
    const wanted = withTags(undefined, tags);
    const { documents, clock, random } = this.#core;
    return documents.change(async (draft) => {
      const key = keys.policy(accountId, policyName);
      if ((await draft.get(key)) !== undefined) {
        throw new CairnError(
          "EntityAlreadyExists",
          `A policy called ${policyName} already exists. Duplicate names are not allowed.`,
        );
      }
      const others = await draft.list(keys.policy(accountId, ""));
      if (others.length >= policiesMax) throw overQuota("PoliciesPerAccount", policiesMax);
      const createdMs = clock.nowMs();
      const policy: PolicyDocument = {
        accountId,
        policyName,
        policyId: uniqueId(random, "ANPA"),
        path,
        createdMs,
        updatedMs: createdMs,
        ...(description === undefined ? {} : { description }),
        ...(tags.length === 0 ? {} : { tags: wanted }),
        defaultVersionId: "v1",
        versions: [{ versionId: "v1", document, createdMs }],
        attachmentCount: 0,
        boundaryCount: 0,
        lastVersion: 1,
      };
      draft.put(key, policy);
      return policy;
    });
  }

  /** Also of the policies that come with Cairn. NoSuchEntity for one of another account. */
  async get(accountId: string, arn: string): Promise<ManagedPolicy> {
    const own = parsePolicyArn(arn);
    if (own.accountId === "aws") return this.#awsPolicy(accountId, arn);
    const found = await this.#core.documents.get<PolicyDocument>(
      keys.policy(accountId, own.policyName),
    );
    if (own.accountId === accountId && found !== undefined && policyArn(found) === arn) {
      return found;
    }
    throw noSuchEntity(`Policy ${arn} was not found.`);
  }

  async #awsPolicy(accountId: string, arn: string): Promise<ManagedPolicy> {
    const found = awsManagedPolicies.get(arn);
    if (found === undefined) throw noSuchEntity(`Policy ${arn} was not found.`);
    const { documents } = this.#core;
    const attachmentCount = (await documents.names(keys.attachments(accountId, arn))).length;
    const boundaryCount = (await documents.names(keys.boundaries(accountId, arn))).length;
    return { ...found, attachmentCount, boundaryCount };
  }

  async list(accountId: string): Promise<ManagedPolicy[]> {
    return this.#core.documents.list<PolicyDocument>(keys.policy(accountId, ""));
  }

  async listAws(accountId: string): Promise<ManagedPolicy[]> {
    return Promise.all(
      [...awsManagedPolicies.keys()].map((arn) => this.#awsPolicy(accountId, arn)),
    );
  }

  async delete(accountId: string, arn: string): Promise<void> {
    return this.#change(accountId, arn, (policy, draft, key) => {
      if (policy.attachmentCount > 0 || policy.boundaryCount > 0) {
        throw new CairnError("DeleteConflict", "Cannot delete a policy attached to entities.");
      }
      if (policy.versions.length > 1) {
        throw new CairnError(
          "DeleteConflict",
          "This policy has more than one version. Before you delete a policy, you must delete the policy's versions. The default version is deleted with the policy.",
        );
      }
      draft.delete(key);
    });
  }

  async createVersion(
    accountId: string,
    arn: string,
    document: string,
    setAsDefault: boolean,
  ): Promise<{ version: PolicyVersion; isDefault: boolean }> {
    checkManagedPolicy(document);
    return this.#change(accountId, arn, (policy, draft, key) => {
      if (policy.versions.length >= versionsMax) {
        throw new CairnError(
          "LimitExceeded",
          `A managed policy can have up to ${versionsMax} versions. Before you create a new version, you must delete an existing version.`,
        );
      }
      const createdMs = this.#core.clock.nowMs();
      const lastVersion = policy.lastVersion + 1;
      const version = { versionId: `v${lastVersion}`, document, createdMs };
      draft.put(key, {
        ...policy,
        lastVersion,
        versions: [...policy.versions, version],
        updatedMs: createdMs,
        ...(setAsDefault ? { defaultVersionId: version.versionId } : {}),
      });
      return { version, isDefault: setAsDefault };
    });
  }

  async deleteVersion(accountId: string, arn: string, versionId: string): Promise<void> {
    return this.#change(accountId, arn, (policy, draft, key) => {
      versionOf(policy, arn, versionId);
      if (policy.defaultVersionId === versionId) {
        throw new CairnError("DeleteConflict", "Cannot delete the default version of a policy.");
      }
      const versions = policy.versions.filter((each) => each.versionId !== versionId);
      draft.put(key, { ...policy, versions, updatedMs: this.#core.clock.nowMs() });
    });
  }

  async setDefaultVersion(accountId: string, arn: string, versionId: string): Promise<void> {
    return this.#change(accountId, arn, (policy, draft, key) => {
      versionOf(policy, arn, versionId);
      const updatedMs = this.#core.clock.nowMs();
      draft.put(key, { ...policy, defaultVersionId: versionId, updatedMs });
    });
  }

  async tag(accountId: string, arn: string, tags: readonly Tag[]): Promise<void> {
    return this.#change(accountId, arn, (policy, draft, key) =>
      draft.put(key, { ...policy, tags: withTags(policy.tags, tags) }),
    );
  }

  async untag(accountId: string, arn: string, tagKeys: readonly string[]): Promise<void> {
    return this.#change(accountId, arn, (policy, draft, key) =>
      draft.put(key, { ...policy, tags: withoutTags(policy.tags, tagKeys) }),
    );
  }

  /** Counts a use up or down in the draft; throws when there is no such policy to use. */
  async count(
    draft: Draft,
    accountId: string,
    arn: string,
    what: "attachmentCount" | "boundaryCount",
    by: 1 | -1,
  ): Promise<void> {
    const parsed = parsePolicyArn(arn);
    const unknown = noSuchEntity(`Policy ${arn} does not exist or is not attachable.`);
    if (parsed.accountId === "aws") {
      if (!awsManagedPolicies.has(arn)) throw unknown;
      return;
    }
    const key = keys.policy(accountId, parsed.policyName);
    const policy = await draft.get<PolicyDocument>(key);
    if (parsed.accountId !== accountId || policy === undefined || policyArn(policy) !== arn) {
      throw unknown;
    }
    draft.put(key, { ...policy, [what]: Math.max(0, policy[what] + by) });
  }

  async #change<T>(
    accountId: string,
    arn: string,
    decide: (policy: PolicyDocument, draft: Draft, key: string) => T,
  ): Promise<T> {
    const parsed = parsePolicyArn(arn);
    if (parsed.accountId === "aws") {
      throw new CairnError(
        "AccessDenied",
        `Policy ${arn} is managed by AWS and cannot be changed.`,
      );
    }
    const key = keys.policy(accountId, parsed.policyName);
    return this.#core.documents.change(async (draft) => {
      const policy = await draft.get<PolicyDocument>(key);
      if (parsed.accountId !== accountId || policy === undefined || policyArn(policy) !== arn) {
        throw noSuchEntity(`Policy ${arn} was not found.`);
      }
      return decide(policy, draft, key);
    });
  }
}

export function versionOf(policy: ManagedPolicy, arn: string, versionId: string): PolicyVersion {
  const found = policy.versions.find((each) => each.versionId === versionId);
  if (found !== undefined) return found;
  throw noSuchEntity(
    `Policy ${arn} version ${versionId.slice(0, 32)} does not exist or is not attachable.`,
  );
}

export function defaultDocument(policy: ManagedPolicy): string {
  return versionOf(policy, policyArn(policy), policy.defaultVersionId).document;
}

export function parsePolicyArn(arn: string): { accountId: string; policyName: string } {
  const match = /^arn:aws:iam::(\d{12}|aws):policy\/(?:[\x21-\x7e]+\/)?([\w+=,.@-]{1,128})$/.exec(
    arn,
  );
  if (match !== null && arn.length <= 2048) {
    return { accountId: match[1] ?? "", policyName: match[2] ?? "" };
  }
  throw new CairnError("ValidationFailed", `ARN ${arn.slice(0, 256)} is not valid.`);
}
