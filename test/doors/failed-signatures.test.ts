// Whoever guesses a key's secret at a real Cairn is soon not listened to, at either face of its port.
import { afterAll, beforeAll, expect, test } from "vitest";
import { signatureFailuresMax } from "../../src/directory/failure-limit.ts";
import { type CairnProcess, startCairn } from "../tools/cairn.ts";
import { awsJson, send } from "../tools/signed-call.ts";

let cairn: CairnProcess;
beforeAll(async () => {
  cairn = await startCairn();
});
afterAll(() => cairn.stop());

test("a hundred wrong signatures close a key to the address that sent them, and no other key", async () => {
  const post = { url: cairn.url, method: "POST", credentials: cairn.credentials };
  const key = JSON.parse((await send({ ...post, path: "/v1/keys", body: "{}" })).text) as {
    accessKeyId: string;
    secretAccessKey: string;
  };
  const ask = (credentials: typeof key, face: "aws" | "events") =>
    face === "events"
      ? send({ url: cairn.url, path: "/v1/users", credentials })
      : awsJson({
          url: cairn.url,
          target: "com.amazonaws.cloudtrail.v20131101.CloudTrail_20131101.LookupEvents",
          input: {},
          credentials,
          service: "cloudtrail",
        });
  for (let number = 0; number < signatureFailuresMax; number++) {
    const guess = { ...key, secretAccessKey: `guess-${number}` };
    const { status } = await ask(guess, number % 2 === 0 ? "aws" : "events");
    expect(status).toBe(403);
  }
  const [refused, refusedToo] = [await ask(key, "aws"), await ask(key, "events")];
  expect(refused).toMatchObject({ status: 400, text: expect.stringContaining("Throttling") });
  expect(refusedToo).toMatchObject({ status: 429, text: expect.stringContaining("Throttled") });
  for (const face of ["aws", "events"] as const) {
    expect((await ask({ ...key, ...cairn.credentials }, face)).status).toBe(200);
  }
});
