// sts:GetCallerIdentity: the caller's own name, in STS's order.
import { expect, test } from "vitest";
import type { Authenticated } from "../../../directory/directory.ts";
import type { OperationCall } from "../../operation.ts";
import { getCallerIdentity } from "./get-caller-identity.ts";

const accountId = "111122223333";

test.each<[Authenticated["caller"], object]>([
  [
    { kind: "root", accountId, accessKeyId: "AKIAROOT" },
    { Arn: `arn:aws:iam::${accountId}:root`, UserId: accountId, Account: accountId },
  ],
  [
    {
      kind: "user",
      accountId,
      accessKeyId: "AKIAALICE",
      userName: "alice",
      userId: "AIDAALICE",
      path: "/team/",
    },
    { Arn: `arn:aws:iam::${accountId}:user/team/alice`, UserId: "AIDAALICE", Account: accountId },
  ],
])("%o", async (caller, expected) => {
  const authenticated = { caller, region: "us-east-1", signingName: "sts" };
  const output = await getCallerIdentity.run({ authenticated } as OperationCall);
  expect(JSON.stringify(output)).toBe(JSON.stringify(expected));
});
