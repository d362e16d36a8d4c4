// How accounts that are there already join an organization, and how they leave it.
//
//   invite ─► OPEN ─┬─ accept (the invited account) ──► ACCEPTED, and the account is a member below the root
//                   ├─ decline (the invited account) ─► DECLINED
//                   ├─ cancel (the organization) ─────► CANCELED
//                   └─ 15 days ───────────────────────► EXPIRED      seen for 30 days more
//
// An invitation is seen by the invited account and the organization's accounts, and by nobody else. Nothing tells the one who
// invites whether there is such an account. Source: AWS Organizations API reference, "Handshake" and the operations about it.
import { CairnError } from "../base/errors.ts";
import { type Core, omit } from "./core.ts";
import type { Draft } from "./documents.ts";
import { type Account, type AccountDocument, keys } from "./model.ts";
import {
  accountNotFound,
  type InvitedBy,
  isEmail,
  type Member,
  notAllowed,
  notInUse,
  type OrganizationDocument,
  type Organizations,
  organizationKeys as paths,
  putMember,
} from "./organizations.ts";
import { checkTags, type Tag } from "./tags.ts";

export type HandshakeState = "OPEN" | "ACCEPTED" | "DECLINED" | "CANCELED" | "EXPIRED";

export interface HandshakeTarget {
  type: "ACCOUNT" | "EMAIL";
  id: string;
}

export interface Handshake extends InvitedBy {
  /** As they were when it was made. */
  managementName: string;
  managementEmail: string;
  target: HandshakeTarget;
  notes?: string;
  state: HandshakeState;
  requestedMs: number;
  expiresMs: number;
  /** When it was accepted, declined or canceled. */
  closedMs?: number;
}

export interface InvitationGiven {
  /** `ACCOUNT` or `EMAIL`. */
  type: string;
  id: string;
  notes?: string;
  tags?: readonly Tag[];
}

const dayMs = 24 * 60 * 60 * 1000;
const openMs = 15 * dayMs;
/** How long one that is over can still be seen. */
const seenMs = 30 * dayMs;
const notesLengthMax = 1024;
const emailLengthMax = 64;
const idAlphabet = "abcdefghijklmnopqrstuvwxyz0123456789";

export const handshakeArn = ({ id, organization }: InvitedBy) =>
  `arn:aws:organizations::${organization.managementAccountId}:handshake/${organization.id}/invite/${id}`;

export class Memberships {
  readonly #core: Core;
  readonly #organizations: Organizations;

  constructor(core: Core, organizations: Organizations) {
    this.#core = core;
    this.#organizations = organizations;
  }

  async invite(managementId: string, given: InvitationGiven): Promise<Handshake> {
    const { notes, tags = [] } = given;
    checkTags(tags);
    if (notes !== undefined && notes.length > notesLengthMax) {
      throw invalid("You provided a string parameter that is longer than allowed.");
    }
    const target = targetOf(given);
    const { id, featureSet } = await this.#organizations.managed(managementId);
    const { documents, clock, random } = this.#core;
    return documents.change(async (draft) => {
      const nowMs = clock.nowMs();
      // Written as it is, so that it is not deleted meanwhile.
      draft.put(paths.organization(id), await organizationIn(draft, id));
      const members = await draft.list<Member>(paths.member(id, ""));
      if (members.some((member) => isMeant(target, member))) throw alreadyMember();
      for (const other of await draft.list<Handshake>(paths.handshake(""))) {
        if (isForgotten(other, nowMs)) draft.delete(paths.handshake(other.id));
        const isSame =
          other.organization.id === id &&
          other.target.type === target.type &&
          other.target.id.toLowerCase() === target.id.toLowerCase();
        if (isSame && stateAt(other, nowMs) === "OPEN") throw duplicate();
      }
      const manager = members.find((member) => member.accountId === managementId);
      if (manager === undefined) throw accountNotFound();
      const handshake: Handshake = {
        id: `h-${random.text(32, idAlphabet)}`,
        organization: { id, managementAccountId: managementId, featureSet },
        managementName: manager.name,
        managementEmail: manager.email,
        target,
        ...(notes === undefined ? {} : { notes }),
        state: "OPEN",
        requestedMs: nowMs,
        expiresMs: nowMs + openMs,
      };
      draft.put(paths.handshake(handshake.id), handshake);
      return handshake;
    });
  }

  /** For the invited account and those of the organization. */
  async handshake(accountId: string, handshakeId: string): Promise<Handshake> {
    checkHandshakeId(handshakeId);
    const { documents, clock } = this.#core;
    const found = await documents.get<Handshake>(paths.handshake(handshakeId));
    const account = await documents.get<Account>(keys.account(accountId));
    return seenBy(account, found, clock.nowMs());
  }

  /** The invitations of an account. */
  async received(accountId: string): Promise<Handshake[]> {
    const account = await this.#core.documents.get<Account>(keys.account(accountId));
    return this.#all((each) => account !== undefined && isMeant(each.target, account));
  }

  /** The invitations of the organization. */
  async sent(accountId: string): Promise<Handshake[]> {
    const { id } = await this.#organizations.organization(accountId);
    return this.#all((each) => each.organization.id === id);
  }

  async #all(isWanted: (handshake: Handshake) => boolean): Promise<Handshake[]> {
    const { documents, clock } = this.#core;
    const nowMs = clock.nowMs();
    const found = await documents.list<Handshake>(paths.handshake(""));
    return found
      .filter((each) => isWanted(each) && !isForgotten(each, nowMs))
      .map((each) => ({ ...each, state: stateAt(each, nowMs) }));
  }

  async accept(accountId: string, handshakeId: string): Promise<Handshake> {
    return this.#close(accountId, handshakeId, "ACCEPTED", isInvited, async (draft, closing) => {
      const { handshake, account, nowMs } = closing;
      if (account.organizationId !== undefined) throw alreadyMember();
      const { id } = handshake.organization;
      const organization = await organizationIn(draft, id);
      // Written as it is, so that it is not deleted meanwhile.
      draft.put(paths.organization(id), organization);
      putMember(draft, account, organization, nowMs);
    });
  }

  async decline(accountId: string, handshakeId: string): Promise<Handshake> {
    return this.#close(accountId, handshakeId, "DECLINED", isInvited);
  }

  async cancel(accountId: string, handshakeId: string): Promise<Handshake> {
    return this.#close(accountId, handshakeId, "CANCELED", isInviting);
  }

  async #close(
    accountId: string,
    handshakeId: string,
    state: HandshakeState,
    mayAnswer: (closing: Closing) => boolean,
    finish?: (draft: Draft, closing: Closing) => Promise<void>,
  ): Promise<Handshake> {
    checkHandshakeId(handshakeId);
    const { documents, clock } = this.#core;
    return documents.change(async (draft) => {
      const nowMs = clock.nowMs();
      const key = paths.handshake(handshakeId);
      const account = await draft.get<AccountDocument>(keys.account(accountId));
      if (account === undefined) throw accountNotFound();
      const handshake = seenBy(account, await draft.get<Handshake>(key), nowMs);
      const closing = { handshake, account, nowMs };
      if (!mayAnswer(closing)) throw notAllowed();
      if (handshake.state === state) {
        throw new CairnError(
          "HandshakeAlreadyInState",
          "The specified handshake is already in the requested state.",
        );
      }
      if (handshake.state !== "OPEN") {
        throw new CairnError(
          "InvalidHandshakeTransition",
          "You can't perform the operation on the handshake in its current state.",
        );
      }
      await finish?.(draft, closing);
      const closed: Handshake = { ...handshake, state, closedMs: nowMs };
      draft.put(key, closed);
      return closed;
    });
  }

  /** The account goes by itself. */
  async leave(accountId: string): Promise<void> {
    const membership = await this.#organizations.membership(accountId);
    if (membership === undefined) throw notInUse();
    await this.#end(membership.organization.id, accountId);
  }

  /** The organization lets it go. */
  async remove(managementId: string, accountId: string): Promise<void> {
    const { id } = await this.#organizations.managed(managementId);
    await this.#end(id, accountId);
  }

  async #end(id: string, accountId: string): Promise<void> {
    await this.#core.documents.change(async (draft) => {
      const organization = await organizationIn(draft, id);
      if (organization.managementAccountId === accountId) {
        throw new CairnError(
          "MasterCannotLeaveOrganization",
          "You can't remove a management account from an organization.",
        );
      }
      const key = paths.member(id, accountId);
      const isMember = /^\d{12}$/.test(accountId) && (await draft.get<Member>(key)) !== undefined;
      const account = isMember
        ? await draft.get<AccountDocument>(keys.account(accountId))
        : undefined;
      if (account?.organizationId !== id) throw accountNotFound();
      if ((await draft.get(paths.delegate(id, accountId))) !== undefined) {
        throw new CairnError(
          "ConstraintViolation",
          "You attempted to remove an account that is registered as a delegated administrator for a service integrated with your organization. To complete this operation, you must first deregister this account as a delegated administrator.",
        );
      }
      draft.put(keys.account(accountId), omit(account, "organizationId"));
      draft.delete(key);
    });
  }
}

interface Closing {
  handshake: Handshake;
  account: AccountDocument;
  nowMs: number;
}

const isInvited = ({ handshake, account }: Closing) => isMeant(handshake.target, account);
const isInviting = ({ handshake, account }: Closing) =>
  handshake.organization.managementAccountId === account.accountId;

async function organizationIn(draft: Draft, id: string): Promise<OrganizationDocument> {
  const organization = await draft.get<OrganizationDocument>(paths.organization(id));
  if (organization === undefined) throw notInUse();
  return organization;
}

function isMeant(target: HandshakeTarget, account: Pick<Account, "accountId" | "email">): boolean {
  return target.type === "ACCOUNT"
    ? target.id === account.accountId
    : target.id.toLowerCase() === account.email?.toLowerCase();
}

function stateAt({ state, expiresMs }: Handshake, nowMs: number): HandshakeState {
  return state === "OPEN" && nowMs >= expiresMs ? "EXPIRED" : state;
}

function isForgotten(handshake: Handshake, nowMs: number): boolean {
  if (stateAt(handshake, nowMs) === "OPEN") return false;
  return nowMs >= (handshake.closedMs ?? handshake.expiresMs) + seenMs;
}

/** Somebody else's is as absent as one that never was. */
function seenBy(
  account: Account | undefined,
  handshake: Handshake | undefined,
  nowMs: number,
): Handshake {
  const isTheirs =
    account !== undefined &&
    handshake !== undefined &&
    (isMeant(handshake.target, account) || account.organizationId === handshake.organization.id);
  if (isTheirs && !isForgotten(handshake, nowMs)) {
    return { ...handshake, state: stateAt(handshake, nowMs) };
  }
  throw new CairnError(
    "HandshakeNotFound",
    "We can't find a handshake with the HandshakeId that you specified.",
  );
}

function targetOf({ type, id }: InvitationGiven): HandshakeTarget {
  switch (type) {
    case "ACCOUNT":
      if (!/^\d{12}$/.test(id)) throw patternMissed();
      return { type, id };
    case "EMAIL":
      if (id.length > emailLengthMax || !isEmail(id)) {
        throw invalid("You specified an invalid email address for the invited account owner.");
      }
      return { type, id };
    default:
      throw invalid(
        "You specified the wrong type of entity (account, organization, or email) as a party.",
      );
  }
}

function checkHandshakeId(handshakeId: string): void {
  if (!/^h-[0-9a-z]{8,32}$/.test(handshakeId)) throw patternMissed();
}

function patternMissed(): CairnError {
  return invalid("You provided a value that does not match the required pattern.");
}

function invalid(message: string): CairnError {
  return new CairnError("InvalidInput", message);
}

function duplicate(): CairnError {
  return new CairnError(
    "DuplicateHandshake",
    "A handshake with the same action and target already exists.",
  );
}

function alreadyMember(): CairnError {
  return new CairnError(
    "HandshakeConstraintViolation",
    "The handshake request is invalid because the invited account is already a member of an organization.",
  );
}
