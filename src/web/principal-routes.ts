// /v1/users and /v1/keys: who may call, for first steps without the AWS CLI.
import type { FastifyInstance } from "fastify";
import { CairnError } from "../base/errors.ts";
import type { AccessKey, Directory, User } from "../directory/directory.ts";
import { userArn } from "../event/user-identity.ts";
import type { Administer } from "./administration.ts";
import type { About, Admit, Admitted } from "./admit.ts";
import { parseJsonBody } from "./event-routes.ts";

const bodyBytesMax = 64 * 1024;

export interface PrincipalRoutesOptions {
  admit: Admit;
  administer: Administer;
  directory: Directory;
}

const eventSource = "iam.amazonaws.com";

export function principalRoutes(web: FastifyInstance, options: PrincipalRoutesOptions): void {
  const { admit, administer, directory } = options;
  web.get("/v1/users", async (request) => {
    const { caller, permit } = await admit(request, 0);
    await permit({ resource: `arn:aws:iam::${caller.accountId}:user/` });
    return { users: (await directory.listUsers(caller.accountId)).map(userAnswer) };
  });
  web.post("/v1/users", async (request) => {
    const admitted = await admit(request, bodyBytesMax);
    const given = parseJsonBody(admitted.body) as Record<string, unknown>;
    const userName = text(given, "userName");
    const path = text(given, "path");
    if (userName === undefined) throw new CairnError("ValidationFailed", "userName is missing");
    const { accountId } = admitted.caller;
    await admitted.permit({ resource: userArn({ accountId, path: path ?? "/", userName }) });
    const requestParameters = { userName, ...(path === undefined ? {} : { path }) };
    return administer(
      request,
      admitted,
      { eventSource, eventName: "CreateUser", requestParameters },
      async () => userAnswer(await directory.createUser(accountId, userName, path)),
      (user) => ({ user }),
    );
  });
  web.get("/v1/keys", async (request) => {
    const { caller, permit } = await admit(request, 0);
    await permit({ resource: `arn:aws:iam::${caller.accountId}:user/` });
    return { keys: (await directory.listAccessKeys(caller.accountId)).map(keyAnswer) };
  });
  web.post("/v1/keys", async (request) => {
    const admitted = await admit(request, bodyBytesMax);
    const userName = text(parseJsonBody(admitted.body) as Record<string, unknown>, "userName");
    const requestParameters = userName === undefined ? {} : { userName };
    await admitted.permit(await keyOwner(admitted, userName));
    return administer(
      request,
      admitted,
      { eventSource, eventName: "CreateAccessKey", requestParameters },
      async () => {
        const key = await directory.createAccessKey(admitted.caller.accountId, userName);
        return { ...keyAnswer(key), secretAccessKey: key.secretAccessKey };
      },
      ({ secretAccessKey: _hidden, ...accessKey }) => ({ accessKey }),
    );
  });
  web.patch("/v1/keys/:id", async (request, reply) => {
    const admitted = await admit(request, bodyBytesMax);
    const status = text(parseJsonBody(admitted.body) as Record<string, unknown>, "status");
    if (status !== "Active" && status !== "Inactive") {
      throw new CairnError(
        "ValidationFailed",
        `status ${JSON.stringify(status)} is neither Active nor Inactive`,
      );
    }
    const accessKeyId = keyId(request.params);
    await admitted.permit(await ownerOfKey(admitted, accessKeyId));
    await administer(
      request,
      admitted,
      { eventSource, eventName: "UpdateAccessKey", requestParameters: { accessKeyId, status } },
      () => directory.setAccessKeyStatus(admitted.caller.accountId, accessKeyId, status),
    );
    return reply.status(204).send();
  });
  web.delete("/v1/keys/:id", async (request, reply) => {
    const admitted = await admit(request, bodyBytesMax);
    const accessKeyId = keyId(request.params);
    await admitted.permit(await ownerOfKey(admitted, accessKeyId));
    await administer(
      request,
      admitted,
      { eventSource, eventName: "DeleteAccessKey", requestParameters: { accessKeyId } },
      () => directory.deleteAccessKey(admitted.caller.accountId, accessKeyId),
    );
    return reply.status(204).send();
  });

  /** Undefined: the root user, whose keys are its own affair. */
  async function keyOwner({ caller }: Admitted, userName: string | undefined): Promise<About> {
    const { accountId } = caller;
    if (userName === undefined) {
      if (caller.kind === "root") return { resource: "*" };
      const refusal = "Only the root user has a say over its own access keys.";
      return { resource: "*", refusal };
    }
    const resourceName = `user ${userName}`;
    const users = await directory.listUsers(accountId);
    const user = users.find((each) => each.userName === userName);
    return { resource: userArn(user ?? { accountId, path: "/", userName }), resourceName };
  }

  /** A key that is not there is nobody's: the refusal does not say so. */
  async function ownerOfKey(admitted: Admitted, accessKeyId: string): Promise<About> {
    const found = await directory.accessKeys.find(accessKeyId);
    const { accountId, kind } = admitted.caller;
    const isOurs = found?.key.accountId === accountId && found.key.service === undefined;
    if (isOurs) return keyOwner(admitted, found.key.userName);
    return kind === "root" ? { resource: "*" } : keyOwner(admitted, "");
  }
}

function keyId(parameters: unknown): string {
  return (parameters as { id: string }).id;
}

function text(given: Record<string, unknown>, name: string): string | undefined {
  const value = given[name];
  if (value === undefined || typeof value === "string") return value;
  throw new CairnError("ValidationFailed", `${name} must be a string`);
}

function userAnswer(user: User) {
  const { userName, userId, path } = user;
  const arn = userArn(user);
  return { userName, userId, path, arn, createdTime: new Date(user.createdMs).toISOString() };
}

function keyAnswer(key: AccessKey) {
  const { accessKeyId, userName, status } = key;
  const createdTime = new Date(key.createdMs).toISOString();
  return { accessKeyId, ...(userName === undefined ? {} : { userName }), status, createdTime };
}
