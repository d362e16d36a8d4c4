// The `userIdentity` member: every kind that CloudTrail documents, made from a verified caller.
// Source: CloudTrail user guide, "CloudTrail userIdentity element".
import type { JsonObject } from "./json.ts";

/** Who a verified request came from. The directory makes it; doors pass it on. */
export type Caller =
  | { kind: "root"; accountId: string; accessKeyId: string; accountAlias?: string }
  | {
      kind: "user";
      accountId: string;
      accessKeyId: string;
      userName: string;
      /** `AIDA…` */
      userId: string;
      /** `/` or `/team/`. */
      path: string;
    }
  /** Signed by a key that the directory does not know, or whose signature does not verify. */
  | { kind: "unknown"; accessKeyId: string }
  /** Not signed, for an operation that needs no signature. */
  | { kind: "anonymous" }
  | { kind: "service"; invokedBy: string };

export function callerArn(caller: Extract<Caller, { kind: "root" | "user" }>): string {
  const resource = caller.kind === "root" ? "root" : `user${caller.path}${caller.userName}`;
  return `arn:aws:iam::${caller.accountId}:${resource}`;
}

export function userIdentity(caller: Caller): JsonObject {
  switch (caller.kind) {
    case "root":
      return {
        type: "Root",
        principalId: caller.accountId,
        arn: callerArn(caller),
        accountId: caller.accountId,
        accessKeyId: caller.accessKeyId,
        ...(caller.accountAlias === undefined ? {} : { userName: caller.accountAlias }),
      };
    case "user":
      return {
        type: "IAMUser",
        principalId: caller.userId,
        arn: callerArn(caller),
        accountId: caller.accountId,
        accessKeyId: caller.accessKeyId,
        userName: caller.userName,
      };
    case "unknown":
      return { type: "Unknown", accessKeyId: caller.accessKeyId };
    case "anonymous":
      // Cognito's unauthenticated operations are recorded with nothing but the type.
      return { type: "Unknown", principalId: "Anonymous" };
    case "service":
      return { type: "AWSService", invokedBy: caller.invokedBy };
  }
}
