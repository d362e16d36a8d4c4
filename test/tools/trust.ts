// Reads trust policies as far as the wire tests write them: Allow, principals, StringEquals, Bool and Null. What the whole
// policy language means is decided, and tested, elsewhere.
import type { MayAssume, TrustQuestion } from "../../src/directory/trust.ts";
import { callerArn, roleArn } from "../../src/event/user-identity.ts";

interface Statement {
  Effect: string;
  Action: string | string[];
  Principal: Record<string, string | string[]>;
  Condition?: Record<string, Record<string, string | string[]>>;
}

const list = (value: string | string[] | undefined) => [value ?? []].flat();

export const readsTrustPolicies: MayAssume = ({ action, role, caller, context }) => {
  const { Statement } = JSON.parse(role.trustPolicy) as { Statement: Statement | Statement[] };
  const allowed = [Statement]
    .flat()
    .some(
      (statement) =>
        statement.Effect === "Allow" &&
        list(statement.Action).includes(action) &&
        isPrincipal(statement.Principal, caller) &&
        Object.entries(statement.Condition ?? {}).every(([operator, keys]) =>
          Object.entries(keys).every(([key, wanted]) => holds(operator, context[key], wanted)),
        ),
    );
  return { allowed };
};

function isPrincipal(principal: Statement["Principal"], caller: TrustQuestion["caller"]): boolean {
  if (caller.kind === "webIdentity") return list(principal["Federated"]).includes(caller.provider);
  if (caller.kind === "service") return list(principal["Service"]).includes(caller.invokedBy);
  const names = [caller.accountId, `arn:aws:iam::${caller.accountId}:root`, callerArn(caller)];
  if (caller.kind === "role") names.push(roleArn(caller));
  return list(principal["AWS"]).some((each) => names.includes(each));
}

function holds(
  operator: string,
  given: readonly string[] | undefined,
  wanted: string | string[],
): boolean {
  if (operator === "Null") return String(given === undefined) === wanted;
  return given?.some((each) => list(wanted).includes(each)) === true;
}
