// Organizations: a management account, its members in a tree of units, and which services and accounts act for it all.
//
//   organization/o-…                            the organization: its management account, its root, its services
//   organization-member/o-…/111122223333        a member and its place in the tree
//   organization-unit/o-…/ou-…                  a unit and its place
//   organization-delegate/o-…/111122223333      an account that administers services in the organization's name
//   account-request/o-…/car-…                   what came of CreateAccount
//   organization-policy/o-…/p-…                 a service control policy (service-control-policies.ts)
//   organization-handshake/h-…                  an invitation (memberships.ts)
//
// The account's own document names its organization. Who may ask is checked here: every question comes with the account
// that asks it.
import { CairnError } from "../base/errors.ts";
import { type Random, uniqueId } from "../base/random.ts";
import type { Accounts } from "./accounts.ts";
import { type Core, omit } from "./core.ts";
import type { Draft } from "./documents.ts";
import { type Account, type AccountDocument, keys, type RoleDocument } from "./model.ts";
import { checkLength, checkRoleName, checkServicePrincipal } from "./names.ts";
import { holderKey } from "./policy-attachments.ts";
import { checkTags, type Tag } from "./tags.ts";

export interface Organization {
  /** `o-…` */
  id: string;
  managementAccountId: string;
  featureSet: "ALL" | "CONSOLIDATED_BILLING";
  /** `r-…` */
  rootId: string;
  createdMs: number;
  /** That are enabled in the root. Left out: none. */
  policyTypes?: PolicyType[];
}

export type PolicyType = "SERVICE_CONTROL_POLICY";

/** A root, unit or account, as what policies hang on. */
export interface PolicyTarget {
  /** While service control policies are enabled. Left out: FullAWSAccess alone. */
  policyIds?: string[];
}

export interface OrganizationDocument extends Organization, PolicyTarget {
  /** Service principals with trusted access, and since when. */
  services: Record<string, number>;
}

export interface Member extends PolicyTarget {
  accountId: string;
  name: string;
  email: string;
  parentId: string;
  joinedMs: number;
  joinedBy: "INVITED" | "CREATED";
}

export interface OrganizationalUnit extends PolicyTarget {
  /** `ou-…` */
  id: string;
  name: string;
  parentId: string;
}

export interface AccountRequest {
  /** `car-…` */
  id: string;
  name: string;
  state: "SUCCEEDED" | "FAILED";
  requestedMs: number;
  completedMs: number;
  accountId?: string;
  failureReason?: "EMAIL_ALREADY_EXISTS";
}

interface Delegate {
  accountId: string;
  services: Record<string, number>;
}

export interface AccountGiven {
  name: string;
  email: string;
  roleName?: string;
  tags?: readonly Tag[];
}

/** What an invitation says of the organization that it is from. */
export interface InvitedBy {
  /** `h-…` */
  id: string;
  organization: Pick<Organization, "id" | "managementAccountId" | "featureSet">;
}

/** Where an account stands. */
export interface Membership {
  organization: Organization;
  isManagement: boolean;
}

const idAlphabet = "abcdefghijklmnopqrstuvwxyz0123456789";
const administratorArn = "arn:aws:iam::aws:policy/AdministratorAccess";
const unitDepthMax = 5;

export const organizationKeys = {
  organization: (id: string) => `organization/${id}`,
  member: (id: string, accountId: string) => `organization-member/${id}/${accountId}`,
  unit: (id: string, unitId: string) => `organization-unit/${id}/${unitId}`,
  delegate: (id: string, accountId: string) => `organization-delegate/${id}/${accountId}`,
  request: (id: string, requestId: string) => `account-request/${id}/${requestId}`,
  policy: (id: string, policyId: string) => `organization-policy/${id}/${policyId}`,
  handshake: (handshakeId: string) => `organization-handshake/${handshakeId}`,
};
const paths = organizationKeys;

export const organizationArn = ({ id, managementAccountId }: Organization) =>
  `arn:aws:organizations::${managementAccountId}:organization/${id}`;

/** Of a root, a unit or an account in it. */
export function organizationPartArn(
  { id, managementAccountId }: Organization,
  kind: "root" | "ou" | "account",
  part: string,
): string {
  return `arn:aws:organizations::${managementAccountId}:${kind}/${id}/${part}`;
}

export class Organizations {
  readonly #core: Core;
  readonly #accounts: Accounts;

  constructor(core: Core, accounts: Accounts) {
    this.#core = core;
    this.#accounts = accounts;
  }

  /** Undefined: in none. */
  async membership(accountId: string): Promise<Membership | undefined> {
    const found = await this.#documentOf(accountId);
    if (found === undefined) return undefined;
    const organization = shown(found);
    return { organization, isManagement: organization.managementAccountId === accountId };
  }

  async create(
    accountId: string,
    featureSet: Organization["featureSet"] = "ALL",
  ): Promise<Organization> {
    const { documents, clock, random } = this.#core;
    return documents.change(async (draft) => {
      const account = await draft.get<AccountDocument>(keys.account(accountId));
      if (account === undefined) throw accountNotFound();
      if (account.organizationId !== undefined) {
        throw new CairnError(
          "AlreadyInOrganization",
          "The AWS account is already a member of an organization.",
        );
      }
      const createdMs = clock.nowMs();
      const id = `o-${random.text(10, idAlphabet)}`;
      const rootId = `r-${random.text(4, idAlphabet)}`;
      const organization = { id, managementAccountId: accountId, featureSet, rootId, createdMs };
      draft.put(paths.organization(id), { ...organization, services: {} });
      putMember(draft, account, organization, createdMs);
      return organization;
    });
  }

  /** For every member, with the address of the management account. */
  async describe(accountId: string): Promise<{ organization: Organization; email: string }> {
    const found = await this.#documentOf(accountId);
    if (found === undefined) throw notInUse();
    const { email } = await this.#member(found.id, found.managementAccountId);
    return { organization: shown(found), email };
  }

  async delete(accountId: string): Promise<void> {
    const { id } = await this.#managed(accountId);
    await this.#core.documents.change(async (draft) => {
      const members = await draft.list<Member>(paths.member(id, ""));
      const units = await draft.list<OrganizationalUnit>(paths.unit(id, ""));
      const policies = await draft.list(paths.policy(id, ""));
      if (members.length > 1 || units.length > 0 || policies.length > 0) {
        throw new CairnError(
          "OrganizationNotEmpty",
          "The organization still has member accounts, organizational units or policies.",
        );
      }
      const account = await draft.get<AccountDocument>(keys.account(accountId));
      if (account !== undefined)
        draft.put(keys.account(accountId), omit(account, "organizationId"));
      const requests = await draft.list<AccountRequest>(paths.request(id, ""));
      for (const request of requests) draft.delete(paths.request(id, request.id));
      const handshakes = await draft.list<InvitedBy>(paths.handshake(""));
      for (const handshake of handshakes) {
        if (handshake.organization.id === id) draft.delete(paths.handshake(handshake.id));
      }
      draft.delete(paths.member(id, accountId));
      // Read, so that an account made meanwhile is noticed.
      await draft.get(paths.organization(id));
      draft.delete(paths.organization(id));
    });
  }

  /**
   * A new account, at once, with a role that the management account may assume. A name that is taken is no error: the
   * request is there to be asked about, and says that it failed.
   */
  async createAccount(managementId: string, given: AccountGiven): Promise<AccountRequest> {
    const { name, email, roleName = "OrganizationAccountAccessRole", tags = [] } = given;
    checkLength(name, "accountName", 1, 50);
    checkLength(email, "email", 6, 64);
    if (!isEmail(email)) {
      throw new CairnError("InvalidInput", "You provided an invalid email address.");
    }
    checkRoleName(roleName);
    checkTags(tags);
    const organization = await this.#managed(managementId);
    const { id } = organization;
    const { documents, clock, random } = this.#core;
    return documents.change(async (draft) => {
      const requestedMs = clock.nowMs();
      const requestId = `car-${random.text(32, idAlphabet)}`;
      const request = { id: requestId, name, requestedMs, completedMs: requestedMs };
      const others = await draft.list<AccountDocument>("account/");
      if (others.some((other) => other.email?.toLowerCase() === email.toLowerCase())) {
        const failed: AccountRequest = {
          ...request,
          state: "FAILED",
          failureReason: "EMAIL_ALREADY_EXISTS",
        };
        draft.put(paths.request(id, requestId), failed);
        return failed;
      }
      const accountId = freeAccountId(random, others);
      await this.#accounts.createIn(draft, { accountId, name, email, organizationId: id });
      const member: Member = {
        accountId,
        name,
        email,
        parentId: organization.rootId,
        joinedMs: requestedMs,
        joinedBy: "CREATED",
      };
      draft.put(paths.member(id, accountId), member);
      this.#putAccessRole(draft, accountId, roleName, managementId);
      const done: AccountRequest = { ...request, state: "SUCCEEDED", accountId };
      draft.put(paths.request(id, requestId), done);
      // Read and written, so that it is not deleted meanwhile.
      const present = await draft.get<OrganizationDocument>(paths.organization(id));
      if (present === undefined) throw notInUse();
      draft.put(paths.organization(id), present);
      return done;
    });
  }

  /** Nobody has a key of the new account yet: its administrators come in by this role. */
  #putAccessRole(draft: Draft, accountId: string, roleName: string, managementId: string): void {
    const role: RoleDocument = {
      accountId,
      roleName,
      roleId: uniqueId(this.#core.random, "AROA"),
      path: "/",
      createdMs: this.#core.clock.nowMs(),
      trustPolicy: JSON.stringify({
        Version: "2012-10-17",
        Statement: [
          {
            Effect: "Allow",
            Principal: { AWS: `arn:aws:iam::${managementId}:root` },
            Action: "sts:AssumeRole",
          },
        ],
      }),
      maxSessionSeconds: 3600,
      attachedPolicyArns: [administratorArn],
    };
    draft.put(holderKey({ kind: "role", accountId, name: roleName }), role);
    const uses = keys.attachments(accountId, administratorArn);
    draft.put(`${uses}role/${roleName.toLowerCase()}`, { kind: "role", name: roleName });
  }

  async request(accountId: string, requestId: string): Promise<AccountRequest> {
    const { id } = await this.#readable(accountId);
    const found = /^car-[a-z0-9]{8,32}$/.test(requestId)
      ? await this.#core.documents.get<AccountRequest>(paths.request(id, requestId))
      : undefined;
    if (found !== undefined) return found;
    throw new CairnError(
      "CreateAccountStatusNotFound",
      "We can't find a create account request with the request id that you specified.",
    );
  }

  async requests(accountId: string): Promise<AccountRequest[]> {
    const { id } = await this.#readable(accountId);
    return this.#core.documents.list<AccountRequest>(paths.request(id, ""));
  }

  /** With the organization, for its ARNs. */
  async members(accountId: string): Promise<{ organization: Organization; members: Member[] }> {
    const organization = await this.#readable(accountId);
    const prefix = paths.member(organization.id, "");
    return { organization, members: await this.#core.documents.list<Member>(prefix) };
  }

  async member(
    accountId: string,
    memberId: string,
  ): Promise<{ organization: Organization; member: Member }> {
    const organization = await this.#readable(accountId);
    return { organization, member: await this.#member(organization.id, memberId) };
  }

  async #member(id: string, accountId: string): Promise<Member> {
    const member = /^\d{12}$/.test(accountId)
      ? await this.#core.documents.get<Member>(paths.member(id, accountId))
      : undefined;
    if (member === undefined) throw accountNotFound();
    return member;
  }

  async moveAccount(
    managementId: string,
    accountId: string,
    fromId: string,
    toId: string,
  ): Promise<void> {
    const organization = await this.#managed(managementId);
    const { id, rootId } = organization;
    await this.#core.documents.change(async (draft) => {
      const member = await draft.get<Member>(paths.member(id, accountId));
      if (member === undefined) throw accountNotFound();
      if (member.parentId !== fromId) {
        throw new CairnError(
          "SourceParentNotFound",
          "We can't find a source root or OU with the ParentId that you specified.",
        );
      }
      const destination = await draft.get<OrganizationalUnit>(paths.unit(id, toId));
      if (toId !== rootId && destination === undefined) {
        throw new CairnError(
          "DestinationParentNotFound",
          "We can't find the destination container (a root or OU) with the ParentId that you specified.",
        );
      }
      // Written as it is, so that it is not deleted under the account.
      if (destination !== undefined) draft.put(paths.unit(id, toId), destination);
      draft.put(paths.member(id, accountId), { ...member, parentId: toId });
    });
  }

  async createUnit(
    managementId: string,
    parentId: string,
    name: string,
  ): Promise<{ organization: Organization; unit: OrganizationalUnit }> {
    checkLength(name, "name", 1, 128);
    const organization = await this.#managed(managementId);
    const { id, rootId } = organization;
    const unit = await this.#core.documents.change(async (draft) => {
      const units = await draft.list<OrganizationalUnit>(paths.unit(id, ""));
      const parent = await draft.get<OrganizationalUnit>(paths.unit(id, parentId));
      if (parentId !== rootId && parent === undefined) throw parentNotFound();
      if (units.some((each) => each.parentId === parentId && each.name === name)) {
        throw new CairnError(
          "DuplicateOrganizationalUnit",
          "An OU with the same name already exists.",
        );
      }
      if (depthOf(units, parentId) >= unitDepthMax) {
        throw new CairnError(
          "ConstraintViolation",
          `You have exceeded the maximum depth of ${unitDepthMax} for organizational units.`,
        );
      }
      const suffix = this.#core.random.text(8, idAlphabet);
      const made: OrganizationalUnit = { id: `ou-${rootId.slice(2)}-${suffix}`, name, parentId };
      if (parent !== undefined) draft.put(paths.unit(id, parentId), parent);
      draft.put(paths.unit(id, made.id), made);
      return made;
    });
    return { organization, unit };
  }

  async unit(
    accountId: string,
    unitId: string,
  ): Promise<{ organization: Organization; unit: OrganizationalUnit }> {
    const organization = await this.#readable(accountId);
    const unit = isUnitId(unitId)
      ? await this.#core.documents.get<OrganizationalUnit>(paths.unit(organization.id, unitId))
      : undefined;
    if (unit === undefined) throw unitNotFound();
    return { organization, unit };
  }

  async renameUnit(
    managementId: string,
    unitId: string,
    name: string | undefined,
  ): Promise<{ organization: Organization; unit: OrganizationalUnit }> {
    if (name !== undefined) checkLength(name, "name", 1, 128);
    const organization = await this.#managed(managementId);
    const key = paths.unit(organization.id, unitId);
    const unit = await this.#core.documents.change(async (draft) => {
      const present = isUnitId(unitId) ? await draft.get<OrganizationalUnit>(key) : undefined;
      if (present === undefined) throw unitNotFound();
      const renamed = { ...present, name: name ?? present.name };
      draft.put(key, renamed);
      return renamed;
    });
    return { organization, unit };
  }

  async deleteUnit(managementId: string, unitId: string): Promise<void> {
    const { id } = await this.#managed(managementId);
    await this.#core.documents.change(async (draft) => {
      const key = paths.unit(id, unitId);
      if (!isUnitId(unitId) || (await draft.get(key)) === undefined) throw unitNotFound();
      const members = await draft.list<Member>(paths.member(id, ""));
      const units = await draft.list<OrganizationalUnit>(paths.unit(id, ""));
      if ([...members, ...units].some((each) => each.parentId === unitId)) {
        throw new CairnError(
          "OrganizationalUnitNotEmpty",
          "The specified OU is not empty. Move all accounts to another root or to other OUs, remove all child OUs, and try the operation again.",
        );
      }
      draft.delete(key);
    });
  }

  /** The accounts and units right below a root or unit. */
  async children(
    accountId: string,
    parentId: string,
  ): Promise<{ organization: Organization; members: Member[]; units: OrganizationalUnit[] }> {
    const organization = await this.#readable(accountId);
    const { id, rootId } = organization;
    const { documents } = this.#core;
    const units = await documents.list<OrganizationalUnit>(paths.unit(id, ""));
    if (parentId !== rootId && !units.some((unit) => unit.id === parentId)) throw parentNotFound();
    const members = await documents.list<Member>(paths.member(id, ""));
    return {
      organization,
      members: members.filter((member) => member.parentId === parentId),
      units: units.filter((unit) => unit.parentId === parentId),
    };
  }

  /** Of an account or a unit. */
  async parentOf(accountId: string, childId: string): Promise<string> {
    const { id } = await this.#readable(accountId);
    const { documents } = this.#core;
    const child = isUnitId(childId)
      ? await documents.get<OrganizationalUnit>(paths.unit(id, childId))
      : /^\d{12}$/.test(childId)
        ? await documents.get<Member>(paths.member(id, childId))
        : undefined;
    if (child !== undefined) return child.parentId;
    throw new CairnError(
      "ChildNotFound",
      "We can't find an organizational unit (OU) or AWS account with the ChildId that you specified.",
    );
  }

  async organization(accountId: string): Promise<Organization> {
    return this.#readable(accountId);
  }

  /** The same for the management account alone. */
  async managed(accountId: string): Promise<Organization> {
    return shown(await this.#managed(accountId));
  }

  /** Enabled already: nothing changes. */
  async enableService(managementId: string, principal: string): Promise<void> {
    checkPrincipal(principal);
    await this.#changeServices(managementId, (services) =>
      principal in services ? services : { ...services, [principal]: this.#core.clock.nowMs() },
    );
  }

  async disableService(managementId: string, principal: string): Promise<void> {
    checkPrincipal(principal);
    const { id } = await this.#managed(managementId);
    const delegates = await this.#core.documents.list<Delegate>(paths.delegate(id, ""));
    if (delegates.some((delegate) => principal in delegate.services)) {
      throw new CairnError(
        "ConstraintViolation",
        "You attempted to disable service access before you deregistered the delegated administrator for that service.",
      );
    }
    await this.#changeServices(managementId, (services) => omit(services, principal));
  }

  /** Service principals with trusted access, and since when. */
  async services(accountId: string): Promise<Record<string, number>> {
    const document = await this.#documentOf(accountId);
    if (document === undefined) throw notInUse();
    await this.#readable(accountId);
    return document.services;
  }

  async registerDelegate(
    managementId: string,
    accountId: string,
    principal: string,
  ): Promise<void> {
    checkPrincipal(principal);
    const organization = await this.#managed(managementId);
    if (accountId === managementId) {
      throw new CairnError(
        "ConstraintViolation",
        "You cannot register master account/yourself as delegated administrator for your organization.",
      );
    }
    await this.#member(organization.id, accountId);
    if (!(principal in organization.services)) {
      throw new CairnError(
        "ConstraintViolation",
        "You attempted to register a delegated administrator before you enabled service access. Call the EnableAWSServiceAccess API first.",
      );
    }
    await this.#changeDelegate(organization.id, accountId, (services) => {
      if (principal in services) {
        throw new CairnError(
          "AccountAlreadyRegistered",
          "The specified account is already a delegated administrator for this AWS service.",
        );
      }
      return { ...services, [principal]: this.#core.clock.nowMs() };
    });
  }

  async deregisterDelegate(
    managementId: string,
    accountId: string,
    principal: string,
  ): Promise<void> {
    checkPrincipal(principal);
    const { id } = await this.#managed(managementId);
    await this.#member(id, accountId);
    await this.#changeDelegate(id, accountId, (services) => {
      if (!(principal in services)) throw notRegistered();
      return omit(services, principal);
    });
  }

  /** The delegated administrators, of one service or of any, and since when each is one. */
  async delegates(
    accountId: string,
    principal?: string,
  ): Promise<{ organization: Organization; delegates: (Member & { sinceMs: number })[] }> {
    const organization = await this.#readable(accountId);
    const { id } = organization;
    const found = await this.#core.documents.list<Delegate>(paths.delegate(id, ""));
    const wanted = found.filter((each) => principal === undefined || principal in each.services);
    const delegates = await Promise.all(
      wanted.map(async ({ accountId: memberId, services }) => ({
        ...(await this.#member(id, memberId)),
        sinceMs:
          (principal === undefined ? undefined : services[principal]) ??
          Math.min(...Object.values(services)),
      })),
    );
    return { organization, delegates };
  }

  async delegatedServices(accountId: string, delegateId: string): Promise<Record<string, number>> {
    const { id } = await this.#readable(accountId);
    await this.#member(id, delegateId);
    const delegate = await this.#core.documents.get<Delegate>(paths.delegate(id, delegateId));
    if (delegate === undefined) throw notRegistered();
    return delegate.services;
  }

  async #changeServices(
    managementId: string,
    change: (services: Record<string, number>) => Record<string, number>,
  ): Promise<void> {
    const { id } = await this.#managed(managementId);
    await this.#core.documents.change(async (draft) => {
      const document = await draft.get<OrganizationDocument>(paths.organization(id));
      if (document === undefined) throw notInUse();
      draft.put(paths.organization(id), { ...document, services: change(document.services) });
    });
  }

  async #changeDelegate(
    id: string,
    accountId: string,
    change: (services: Record<string, number>) => Record<string, number>,
  ): Promise<void> {
    await this.#core.documents.change(async (draft) => {
      const key = paths.delegate(id, accountId);
      const services = change((await draft.get<Delegate>(key))?.services ?? {});
      if (Object.keys(services).length === 0) draft.delete(key);
      else draft.put(key, { accountId, services });
    });
  }

  async #documentOf(accountId: string): Promise<OrganizationDocument | undefined> {
    const { documents } = this.#core;
    const account = await documents.get<Account>(keys.account(accountId));
    if (account?.organizationId === undefined) return undefined;
    return documents.get<OrganizationDocument>(paths.organization(account.organizationId));
  }

  /** For the management account alone. */
  async #managed(accountId: string): Promise<OrganizationDocument> {
    const found = await this.#documentOf(accountId);
    if (found === undefined) throw notInUse();
    if (found.managementAccountId !== accountId) throw notAllowed();
    return found;
  }

  /** For the management account and whoever administers a service in its name. */
  async #readable(accountId: string): Promise<Organization> {
    const found = await this.#documentOf(accountId);
    if (found === undefined) throw notInUse();
    const delegate =
      found.managementAccountId === accountId ||
      (await this.#core.documents.get(paths.delegate(found.id, accountId))) !== undefined;
    if (!delegate) throw notAllowed();
    return shown(found);
  }
}

/** An account that was there before becomes a member, below the root. */
export function putMember(
  draft: Draft,
  account: AccountDocument,
  { id, rootId }: Organization,
  joinedMs: number,
): void {
  const { accountId } = account;
  const { name = account.alias ?? accountId, email = unknownEmail(accountId) } = account;
  draft.put(keys.account(accountId), { ...account, name, email, organizationId: id });
  const parentId = rootId;
  const member: Member = { accountId, name, email, parentId, joinedMs, joinedBy: "INVITED" };
  draft.put(paths.member(id, accountId), member);
}

function shown(document: OrganizationDocument): Organization {
  return omit(document, "services", "policyIds");
}

function depthOf(units: readonly OrganizationalUnit[], parentId: string): number {
  let depth = 0;
  let unit = units.find((each) => each.id === parentId);
  while (unit !== undefined) {
    depth += 1;
    const { parentId: above } = unit;
    unit = units.find((each) => each.id === above);
  }
  return depth;
}

/** Twelve digits that no account has; never with a zero in front, which some tools would lose. */
function freeAccountId(random: Random, others: readonly Account[]): string {
  const taken = new Set(others.map((other) => other.accountId));
  for (;;) {
    const accountId = random.text(1, "123456789") + random.text(11, "0123456789");
    if (!taken.has(accountId)) return accountId;
  }
}

/** For an account that was made before anyone asked for an address; no mail goes to a name under `.invalid`. */
const unknownEmail = (accountId: string) => `root@${accountId}.invalid`;

export const isEmail = (text: string) => /^[^\s@]+@[^\s@]+\.[^\s@]+$/.test(text);

export const isUnitId = (id: string) => /^ou-[a-z0-9]{4,32}-[a-z0-9]{8,32}$/.test(id);

function checkPrincipal(principal: string): void {
  try {
    checkServicePrincipal(principal);
  } catch (cause) {
    throw new CairnError("InvalidInput", "You specified an unrecognized service principal.", {
      cause,
    });
  }
}

export function accountNotFound(): CairnError {
  return new CairnError(
    "AccountNotFound",
    "You specified an account that doesn't exist in the organization.",
  );
}

function parentNotFound(): CairnError {
  return new CairnError(
    "ParentNotFound",
    "We can't find a root or OU with the ParentId that you specified.",
  );
}

function unitNotFound(): CairnError {
  return new CairnError(
    "OrganizationalUnitNotFound",
    "We can't find an OU with the OrganizationalUnitId that you specified.",
  );
}

export function notInUse(): CairnError {
  return new CairnError(
    "OrganizationsNotInUse",
    "Your account is not a member of an organization.",
  );
}

function notRegistered(): CairnError {
  return new CairnError(
    "AccountNotRegistered",
    "The provided account is not a registered delegated administrator for your organization.",
  );
}

export function notAllowed(): CairnError {
  return new CairnError("AccessDenied", "You don't have permissions to access this resource.");
}
