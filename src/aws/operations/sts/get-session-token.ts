// sts:GetSessionToken: the caller's own name in temporary credentials, with or without a one-time code shown.
import { bearerOf } from "../../../directory/sessions.ts";
import type { JsonObject } from "../../../event/json.ts";
import type { OperationCall, OperationRow } from "../../operation.ts";
import { credentialsAnswer, longTermCaller, tokenSeconds, verifyCode } from "./session-input.ts";

export const getSessionToken: OperationRow = {
  service: "sts",
  name: "GetSessionToken",
  permission: "none",
  run: runGetSessionToken,
};

async function runGetSessionToken(call: OperationCall): Promise<JsonObject> {
  const { input, rooms } = call;
  const caller = longTermCaller(call.authenticated.caller, "GetSessionToken");
  const mfa = await verifyCode(input, caller, rooms.directory);
  const bearer = bearerOf(caller);
  if (bearer === undefined) throw new TypeError("a long-term caller is root or a user");
  const seconds = tokenSeconds(input, caller);
  const credentials = rooms.directory.sessions.issue({ bearer, seconds, mfa });
  return { Credentials: credentialsAnswer(credentials) };
}
