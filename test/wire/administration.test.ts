// What the event API changes is itself on record, failures included, and never with a secret.
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Client } from "../../src/cli/client.ts";
import type { JsonObject } from "../../src/event/json.ts";
import { type CairnProcess, startCairn } from "../tools/cairn.ts";
import { clientOf } from "../tools/post-events.ts";

let cairn: CairnProcess;
let client: Client;

beforeAll(async () => {
  cairn = await startCairn();
  client = clientOf(cairn);
});
afterAll(() => cairn.stop());

/** The newest event of that name, once it is searchable. */
async function newest(eventName: string): Promise<JsonObject> {
  const query = new URLSearchParams({ eventName, limit: "1" });
  const find = () =>
    client.json<{ events: { event: JsonObject }[] }>({ path: "/v1/events", query });
  await expect.poll(async () => (await find()).events.length, { timeout: 10_000 }).toBe(1);
  return (await find()).events[0]?.event ?? {};
}

const post = (path: string, body: JsonObject) =>
  client.json<{ accessKeyId: string; secretAccessKey: string }>({
    method: "POST",
    path,
    body: JSON.stringify(body),
  });

test("a user, a key and each change of it leave the events that IAM would", async () => {
  await post("/v1/users", { userName: "Mary", path: "/team/" });
  const key = await post("/v1/keys", { userName: "Mary" });
  const path = `/v1/keys/${key.accessKeyId}`;
  await client.send({ method: "PATCH", path, body: JSON.stringify({ status: "Inactive" }) });
  await client.send({ method: "DELETE", path });
  expect(await newest("CreateUser")).toMatchObject({
    eventSource: "iam.amazonaws.com",
    userIdentity: { type: "Root", accessKeyId: cairn.credentials.accessKeyId },
    requestParameters: { userName: "Mary", path: "/team/" },
    responseElements: { user: { arn: "arn:aws:iam::111122223333:user/team/Mary" } },
    readOnly: false,
  });
  const created = await newest("CreateAccessKey");
  expect(created).toMatchObject({
    responseElements: { accessKey: { accessKeyId: key.accessKeyId } },
  });
  expect(JSON.stringify(created)).not.toContain(key.secretAccessKey);
  const requestParameters = { accessKeyId: key.accessKeyId };
  expect(await newest("UpdateAccessKey")).toMatchObject({
    requestParameters: { ...requestParameters, status: "Inactive" },
  });
  expect(await newest("DeleteAccessKey")).toMatchObject({ requestParameters });
});

test("a refused change is on record with why", async () => {
  await expect(post("/v1/keys", { userName: "Nobody" })).rejects.toThrow(/NoSuchEntity/);
  await expect
    .poll(async () => (await newest("CreateAccessKey"))["errorCode"], { timeout: 10_000 })
    .toBe("NoSuchEntityException");
  expect(await newest("CreateAccessKey")).toMatchObject({ responseElements: null });
});
