// Roles: who may assume them, for how long, and the instance profiles that carry them.
import { CairnError, isCairnError } from "../base/errors.ts";
import { uniqueId } from "../base/random.ts";
import { roleArn } from "../event/user-identity.ts";
import { type Core, deleteConflict, notFound, omit, overQuota } from "./core.ts";
import type { Draft } from "./documents.ts";
import { keys, type Role, type RoleDocument, type Use } from "./model.ts";
import {
  checkDescription,
  checkPath,
  checkRoleName,
  checkServicePrincipal,
  constraintError,
} from "./names.ts";
import type { PolicyAttachments } from "./policy-attachments.ts";
import { checkTrustPolicy } from "./policy-text.ts";
import { type Tag, withoutTags, withTags } from "./tags.ts";
import { accountOf } from "./users.ts";

const rolesMax = 1000;
const sessionSecondsMin = 3600;
const sessionSecondsMax = 43_200;

export interface RoleGiven {
  roleName: string;
  trustPolicy: string;
  path?: string;
  description?: string;
  maxSessionSeconds?: number;
  boundaryArn?: string;
  tags?: readonly Tag[];
}

export class Roles {
  readonly #core: Core;
  readonly #attachments: PolicyAttachments;

  constructor(core: Core, attachments: PolicyAttachments) {
    this.#core = core;
    this.#attachments = attachments;
  }

  async create(accountId: string, given: RoleGiven): Promise<Role> {
    if (given.path?.startsWith(servicePath) === true) {
      throw new CairnError(
        "ValidationFailed",
        `Cannot create a role under the path ${servicePath}: it is reserved for service-linked roles.`,
      );
    }
    return this.#create(accountId, given);
  }

  async #create(accountId: string, given: RoleGiven): Promise<Role> {
    const { roleName, path = "/", description, boundaryArn, tags = [] } = given;
    const { maxSessionSeconds = sessionSecondsMin } = given;
    checkRoleName(roleName);
    checkPath(path);
    if (description !== undefined) checkDescription(description);
    checkSessionSeconds(maxSessionSeconds);
    checkTrustPolicy(given.trustPolicy);
    const wanted = withTags(undefined, tags);
    const { documents, clock, random } = this.#core;
    return documents.change(async (draft) => {
      await accountOf(draft, accountId);
      const key = keys.role(accountId, roleName);
      if ((await draft.get(key)) !== undefined) {
        throw new CairnError("EntityAlreadyExists", `Role with name ${roleName} already exists.`);
      }
      const others = await draft.list(keys.role(accountId, ""));
      if (others.length >= rolesMax) throw overQuota("RolesPerAccount", rolesMax);
      const role: RoleDocument = {
        accountId,
        roleName,
        roleId: uniqueId(random, "AROA"),
        path,
        createdMs: clock.nowMs(),
        trustPolicy: given.trustPolicy,
        maxSessionSeconds,
        ...(description === undefined ? {} : { description }),
        ...(tags.length === 0 ? {} : { tags: wanted }),
        ...(boundaryArn === undefined ? {} : { boundaryArn }),
      };
      await this.#attachments.moveBoundary(draft, holder(role), undefined, boundaryArn);
      draft.put(key, role);
      return shown(role);
    });
  }

  /** A role that a service uses by itself: only that service's own ways change it. */
  async createServiceLinked(
    accountId: string,
    given: { service: string; description?: string; suffix?: string },
  ): Promise<Role> {
    const { service, description, suffix } = given;
    checkServicePrincipal(service);
    const { path, roleName } = serviceLinkedRole(service, suffix);
    try {
      return await this.#create(accountId, {
        roleName,
        path,
        trustPolicy: JSON.stringify({
          Version: "2012-10-17",
          Statement: [
            { Effect: "Allow", Principal: { Service: service }, Action: "sts:AssumeRole" },
          ],
        }),
        ...(description === undefined ? {} : { description }),
      });
    } catch (error) {
      if (!isCairnError(error, "EntityAlreadyExists")) throw error;
      throw new CairnError(
        "InvalidInput",
        `Service role name ${roleName} has been taken in this account, please try a different suffix.`,
      );
    }
  }

  async deleteServiceLinked(accountId: string, roleName: string): Promise<void> {
    const role = await this.get(accountId, roleName);
    if (!isServiceLinked(role)) {
      throw new CairnError("InvalidInput", `${roleName} is not a service-linked role.`);
    }
    await this.#delete(accountId, roleName);
  }

  async get(accountId: string, roleName: string): Promise<Role> {
    const role = await this.#core.documents.get<RoleDocument>(keys.role(accountId, roleName));
    if (role?.roleName === roleName) return shown(role);
    throw notFound("role", roleName);
  }

  /** Undefined for what is no role's ARN, and for a role that is not there or has another path. */
  async byArn(arn: string): Promise<Role | undefined> {
    const parsed = /^arn:aws:iam::(\d{12}):role\/(?:[\x21-\x7e]+\/)?([\w+=,.@-]{1,64})$/.exec(arn);
    const [, accountId, roleName] = parsed ?? [];
    if (accountId === undefined || roleName === undefined) return undefined;
    const role = await this.#core.documents.get<RoleDocument>(keys.role(accountId, roleName));
    return role !== undefined && roleArn(role) === arn ? shown(role) : undefined;
  }

  async list(accountId: string): Promise<Role[]> {
    const roles = await this.#core.documents.list<RoleDocument>(keys.role(accountId, ""));
    return roles.map(shown);
  }

  lastUse(accountId: string, roleName: string): Promise<Use | undefined> {
    return this.#core.documents.get<Use>(keys.roleUse(accountId, roleName));
  }

  async update(
    accountId: string,
    roleName: string,
    changes: { description?: string; maxSessionSeconds?: number },
  ): Promise<Role> {
    if (changes.description !== undefined) checkDescription(changes.description);
    if (changes.maxSessionSeconds !== undefined) checkSessionSeconds(changes.maxSessionSeconds);
    return this.#change(accountId, roleName, (role) => ({ ...role, ...changes }));
  }

  async updateTrust(accountId: string, roleName: string, trustPolicy: string): Promise<void> {
    checkTrustPolicy(trustPolicy);
    await this.#change(accountId, roleName, (role) => ({ ...role, trustPolicy }));
  }

  async delete(accountId: string, roleName: string): Promise<void> {
    checkUnprotected(await this.get(accountId, roleName));
    await this.#delete(accountId, roleName);
  }

  async #delete(accountId: string, roleName: string): Promise<void> {
    await this.#core.documents.change(async (draft) => {
      const role = await roleIn(draft, accountId, roleName);
      if ((role.instanceProfiles ?? []).length > 0) {
        throw deleteConflict("remove roles from instance profile");
      }
      if (Object.keys(role.inlinePolicies ?? {}).length > 0) {
        throw deleteConflict("delete policies");
      }
      if ((role.attachedPolicyArns ?? []).length > 0) throw deleteConflict("detach all policies");
      await this.#attachments.moveBoundary(draft, holder(role), role.boundaryArn, undefined);
      draft.delete(keys.roleUse(accountId, roleName));
      draft.delete(keys.role(accountId, roleName));
    });
  }

  async tag(accountId: string, roleName: string, tags: readonly Tag[]): Promise<void> {
    await this.#change(accountId, roleName, (role) => ({
      ...role,
      tags: withTags(role.tags, tags),
    }));
  }

  async untag(accountId: string, roleName: string, tagKeys: readonly string[]): Promise<void> {
    await this.#change(accountId, roleName, (role) => ({
      ...role,
      tags: withoutTags(role.tags, tagKeys),
    }));
  }

  /** No session of the role that there is now is good any more; new ones can be made. */
  async revokeSessions(accountId: string, roleName: string): Promise<void> {
    const sessionsRevokedMs = this.#core.clock.nowMs();
    await this.#change(accountId, roleName, (role) => ({ ...role, sessionsRevokedMs }));
  }

  async #change(
    accountId: string,
    roleName: string,
    change: (role: RoleDocument) => RoleDocument,
  ): Promise<Role> {
    return this.#core.documents.change(async (draft) => {
      const present = await roleIn(draft, accountId, roleName);
      checkUnprotected(present);
      const changed = change(present);
      draft.put(keys.role(accountId, roleName), changed);
      return shown(changed);
    });
  }
}

/** The role in a draft, or NoSuchEntity. */
export async function roleIn(
  draft: Draft,
  accountId: string,
  roleName: string,
): Promise<RoleDocument> {
  const role = await draft.get<RoleDocument>(keys.role(accountId, roleName));
  if (role?.roleName === roleName) return role;
  throw notFound("role", roleName);
}

const servicePath = "/aws-service-role/";
/** Names of services in role names, where they are not just the first part of the principal. */
const serviceNames: Readonly<Record<string, string>> = {
  cloudtrail: "CloudTrail",
  organizations: "Organizations",
};

/** What the role is called that a service uses by itself. */
export function serviceLinkedRole(service: string, suffix: string | undefined) {
  const [label = ""] = service.split(".");
  const name = Object.hasOwn(serviceNames, label)
    ? serviceNames[label]
    : label.charAt(0).toUpperCase() + label.slice(1);
  const roleName = `AWSServiceRoleFor${name}${suffix === undefined ? "" : `_${suffix}`}`;
  return { path: `${servicePath}${service}/`, roleName };
}

export const isServiceLinked = (role: Pick<Role, "path">) => role.path.startsWith(servicePath);

function checkUnprotected(role: Role): void {
  if (!isServiceLinked(role)) return;
  throw new CairnError(
    "UnmodifiableEntity",
    `Cannot perform the operation on the protected role '${role.roleName}' - this role is only modifiable by AWS`,
  );
}

function shown(role: RoleDocument): Role {
  return omit(role, "sessionsRevokedMs", "instanceProfiles");
}

const holder = ({ accountId, roleName }: Role) =>
  ({ kind: "role", accountId, name: roleName }) as const;

function checkSessionSeconds(seconds: number): void {
  if (Number.isInteger(seconds) && seconds >= sessionSecondsMin && seconds <= sessionSecondsMax) {
    return;
  }
  throw constraintError(
    String(seconds),
    "maxSessionDuration",
    seconds < sessionSecondsMin
      ? `Member must have value greater than or equal to ${sessionSecondsMin}`
      : `Member must have value less than or equal to ${sessionSecondsMax}`,
  );
}
