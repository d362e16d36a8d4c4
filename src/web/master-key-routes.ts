// /v1/master-key: the key that seals every secret, and its rotation; for the root user of the first account only.
import type { FastifyInstance } from "fastify";
import { CairnError } from "../base/errors.ts";
import type { Directory } from "../directory/directory.ts";
import type { RotationStatus } from "../directory/key-rotation.ts";
import { callerArn } from "../event/user-identity.ts";
import type { Administer } from "./administration.ts";
import type { Admit, Admitted } from "./admit.ts";
import { parseJsonBody } from "./event-routes.ts";

const bodyBytesMax = 4 * 1024;
const eventSource = "cairn.internal";

export interface MasterKeyRoutesOptions {
  admit: Admit;
  administer: Administer;
  directory: Pick<Directory, "keyRotation" | "firstAccountId">;
}

export function masterKeyRoutes(web: FastifyInstance, options: MasterKeyRoutesOptions): void {
  const { admit, administer, directory } = options;
  const { keyRotation, firstAccountId } = directory;

  function checkRoot({ caller }: Admitted, action: string): void {
    if (caller.kind === "root" && caller.accountId === firstAccountId) return;
    throw new CairnError(
      "AccessDenied",
      `User: ${callerArn(caller)} is not authorized to perform: cairn:${action}: the master key is the affair of the root user of account ${firstAccountId}`,
    );
  }

  web.get("/v1/master-key", async (request) => {
    checkRoot(await admit(request, 0), "GetMasterKey");
    return statusAnswer(await keyRotation.status());
  });
  web.post("/v1/master-key/rotation", async (request) => {
    const admitted = await admit(request, bodyBytesMax);
    const given = parseJsonBody(admitted.body) as Record<string, unknown>;
    const { newKey, revokeSessions } = given;
    // The key that came is no parameter to show: only that one came.
    const requestParameters = {
      newKeyGiven: newKey !== undefined,
      revokeSessions: revokeSessions === true,
    };
    return administer(
      request,
      admitted,
      { eventSource, eventName: "RotateMasterKey", requestParameters },
      async () => {
        checkRoot(admitted, "RotateMasterKey");
        if (newKey !== undefined && typeof newKey !== "string") throw wrong("newKey", "a string");
        if (revokeSessions !== undefined && typeof revokeSessions !== "boolean") {
          throw wrong("revokeSessions", "true or false");
        }
        const status = await keyRotation.rotate({
          ...(newKey === undefined ? {} : { newKey }),
          ...(revokeSessions === undefined ? {} : { revokeSessions }),
        });
        return statusAnswer(status);
      },
      ({ keyId, former }) => ({ keyId, formerKeyId: former?.keyId ?? null }),
    );
  });
  web.delete("/v1/master-key/former", async (request, reply) => {
    const admitted = await admit(request, 0);
    const { former } = await keyRotation.status();
    const requestParameters = { formerKeyId: former?.keyId ?? null };
    await administer(
      request,
      admitted,
      { eventSource, eventName: "ForgetFormerMasterKey", requestParameters },
      async () => {
        checkRoot(admitted, "ForgetFormerMasterKey");
        await keyRotation.forgetFormer();
      },
    );
    return reply.status(204).send();
  });
}

function statusAnswer({ former, ...rest }: RotationStatus) {
  if (former === undefined) return { ...rest, former: undefined };
  const { startedMs, endedMs, sessionsEndMs, ...kept } = former;
  const endedTime = endedMs === undefined ? {} : { endedTime: isoTime(endedMs) };
  return {
    ...rest,
    former: {
      ...kept,
      startedTime: isoTime(startedMs),
      ...endedTime,
      sessionsEndTime: isoTime(sessionsEndMs),
    },
  };
}

const isoTime = (timeMs: number) => new Date(timeMs).toISOString();

function wrong(name: string, what: string): CairnError {
  return new CairnError("ValidationFailed", `${name} must be ${what}`);
}
