// Users from before there were permissions. Every key could do everything then; nobody is locked out by an update.
import type { Core } from "./core.ts";
import type { Draft } from "./documents.ts";
import { keys, type UserDocument } from "./model.ts";

/** What they could do. */
export const earlierPolicyArn = "arn:aws:iam::aws:policy/AdministratorAccess";

/** The registry knows permissions: whoever has no policy was meant to have none. */
const markKey = "permissions/asked";

export function markPermissions(draft: Draft, nowMs: number): void {
  draft.put(markKey, { sinceMs: nowMs });
}

/**
 * Once in the life of a registry: attaches AdministratorAccess to each user that has no policy, no group and no
 * boundary. In one commit: a crash leaves all of it done or nothing.
 */
export async function admitEarlierUsers({ documents, clock }: Core): Promise<UserDocument[]> {
  return documents.change(async (draft) => {
    if ((await draft.get(markKey)) !== undefined) return [];
    const users = (await draft.list<UserDocument>("user/")).filter(isBare);
    for (const { accountId, userName } of users) {
      const key = keys.user(accountId, userName);
      const user = await draft.get<UserDocument>(key);
      if (user === undefined) continue;
      draft.put(key, { ...user, attachedPolicyArns: [earlierPolicyArn] });
      const uses = keys.attachments(accountId, earlierPolicyArn);
      draft.put(`${uses}user/${userName.toLowerCase()}`, { kind: "user", name: userName });
    }
    markPermissions(draft, clock.nowMs());
    return users;
  });
}

function isBare(user: UserDocument): boolean {
  const { groups = [], attachedPolicyArns = [], inlinePolicies = {}, boundaryArn } = user;
  const policies = [...attachedPolicyArns, ...Object.keys(inlinePolicies)];
  return groups.length + policies.length === 0 && boundaryArn === undefined;
}
