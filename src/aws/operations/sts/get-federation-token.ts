// sts:GetFederationToken: temporary credentials for someone else, under the name that the caller gives them.
import { tagKeys } from "../../../directory/condition-keys.ts";
import { readFederatedIssuer } from "../../../directory/sessions.ts";
import type { Tag } from "../../../directory/tags.ts";
import type { JsonObject } from "../../../event/json.ts";
import type { OperationCall, OperationRow } from "../../operation.ts";
import {
  credentialsAnswer,
  longTermCaller,
  packedAnswer,
  readLimits,
  readTags,
  tagMap,
  tokenSeconds,
} from "./session-input.ts";

export const getFederationToken: OperationRow = {
  service: "sts",
  name: "GetFederationToken",
  permission: ({ caller, input }) => {
    const resource = `arn:aws:sts::${caller.accountId}:federated-user/${input["Name"] as string}`;
    const tags = tagKeys((input["Tags"] ?? []) as unknown as Tag[]);
    const own = { resource, keys: tags };
    return tags.length === 0 ? [own] : [own, { ...own, action: "sts:TagSession" }];
  },
  run: runGetFederationToken,
};

async function runGetFederationToken(call: OperationCall): Promise<JsonObject> {
  const { input, rooms } = call;
  const caller = longTermCaller(call.authenticated.caller, "GetFederationToken");
  const { accountId } = caller;
  const name = input["Name"] as string;
  const tags = readTags(input);
  const limits = await readLimits(input, accountId, rooms.directory);
  const credentials = rooms.directory.sessions.issue({
    bearer: { kind: "federated", accountId, name, issuer: readFederatedIssuer(caller) },
    seconds: tokenSeconds(input, caller),
    mfa: false,
    ...limits,
    ...(tags.length === 0 ? {} : { tags: tagMap(tags) }),
  });
  return {
    Credentials: credentialsAnswer(credentials),
    FederatedUser: {
      FederatedUserId: `${accountId}:${name}`,
      Arn: `arn:aws:sts::${accountId}:federated-user/${name}`,
    },
    ...packedAnswer(credentials),
  };
}
