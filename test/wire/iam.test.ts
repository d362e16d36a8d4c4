// IAM through the real clients: boto3 walks through all of it, the AWS CLI goes the way of a first day.
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { SigningCredentials } from "../../src/signature/signer.ts";
import { awsClis, boto3Pythons, isMissing } from "../tools/clients.ts";
import { runClient } from "../tools/run-client.ts";
import { accountId, type DoorWorld, openDoorWorld } from "./aws-door-world.ts";

let world: DoorWorld;
beforeEach(async () => {
  world = await openDoorWorld();
  await world.directory.createUser(accountId, "alice");
});
afterEach(() => world[Symbol.asyncDispose]());

const pythons = boto3Pythons();
describe.skipIf(isMissing("boto3", pythons.length > 0))("boto3", () => {
  test.each(pythons)(
    "$name makes, reads, changes and removes everything that IAM has",
    {
      timeout: 120_000,
    },
    async ({ command }) => {
      const script = join(import.meta.dirname, "iam.py");
      const ran = await runClient(command, [script], world.url, world.root);
      if (ran.code !== 0) throw new Error(ran.stderr);
      const { secrets } = JSON.parse(ran.stdout) as { secrets: string[] };
      const events = await world.events();
      expect(events.length).toBeGreaterThan(150);
      const everything = [
        JSON.stringify(events),
        JSON.stringify(await world.registry.list("")),
      ].join("\n");
      expect(secrets).toHaveLength(7);
      for (const secret of secrets) expect(everything).not.toContain(secret);
      const failed = events.find((event) => event["errorCode"] === "EntityAlreadyExistsException");
      expect(failed).toMatchObject({
        eventSource: "iam.amazonaws.com",
        eventName: "CreateUser",
        errorMessage: "User with name BOB already exists.",
        requestParameters: { userName: "BOB" },
        responseElements: null,
      });
      expect(events.find((event) => event["eventName"] === "CreateAccessKey")).toMatchObject({
        requestParameters: { userName: "bob" },
        responseElements: {
          accessKey: { userName: "bob", status: "Active", accessKeyId: expect.any(String) },
        },
      });
      // What was there is gone, and nothing is left behind.
      const left = (await world.registry.list("")).map((entry) => entry.key.split("/")[0]);
      expect(new Set(left)).toEqual(
        new Set(["access-key", "account", "key-use", "permissions", "user"]),
      );
    },
  );
});

const clis = awsClis();
describe.skipIf(isMissing("the AWS CLI", clis.length > 0))("the AWS CLI", () => {
  test.each(clis)(
    "$name makes a user with a key and a role, and works with both",
    {
      timeout: 120_000,
    },
    async ({ command }) => {
      async function aws<Answer>(text: string, as: SigningCredentials = world.root) {
        const args = [...text.split(" "), "--endpoint-url", world.url, "--output", "json"];
        const { stdout, stderr, code } = await runClient(command, args, world.url, as);
        if (code !== 0) throw new Error(stderr.trim());
        return (stdout.trim() === "" ? {} : JSON.parse(stdout)) as Answer;
      }
      const trustPolicy = `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":{"AWS":"${accountId}"},"Action":"sts:AssumeRole"}}`;
      await aws("iam create-user --user-name bob --path /team/");
      const { AccessKey } = await aws<{ AccessKey: Record<string, string> }>(
        "iam create-access-key --user-name bob",
      );
      const bob = {
        accessKeyId: AccessKey["AccessKeyId"] ?? "",
        secretAccessKey: AccessKey["SecretAccessKey"] ?? "",
      };
      for (const policy of ["ReadOnlyAccess", "PowerUserAccess"]) {
        await aws(
          `iam attach-user-policy --user-name bob --policy-arn arn:aws:iam::aws:policy/${policy}`,
        );
      }
      const { Role } = await aws<{ Role: object }>(
        `iam create-role --role-name deploy --assume-role-policy-document ${trustPolicy}`,
      );
      expect(Role).toMatchObject({ AssumeRolePolicyDocument: JSON.parse(trustPolicy) as object });
      await aws(
        "iam attach-role-policy --role-name deploy --policy-arn arn:aws:iam::aws:policy/IAMReadOnlyAccess",
      );
      const { Credentials } = await aws<{ Credentials: Record<string, string> }>(
        `sts assume-role --role-arn arn:aws:iam::${accountId}:role/deploy --role-session-name first`,
        bob,
      );
      const role = {
        accessKeyId: Credentials["AccessKeyId"] ?? "",
        secretAccessKey: Credentials["SecretAccessKey"] ?? "",
        sessionToken: Credentials["SessionToken"] ?? "",
      };
      const identity = await aws("sts get-caller-identity", role);
      expect(identity).toMatchObject({
        Arn: `arn:aws:sts::${accountId}:assumed-role/deploy/first`,
      });
      const attached = await aws("iam list-attached-user-policies --user-name bob", role);
      expect(attached).toEqual({
        AttachedPolicies: [
          { PolicyName: "PowerUserAccess", PolicyArn: "arn:aws:iam::aws:policy/PowerUserAccess" },
          { PolicyName: "ReadOnlyAccess", PolicyArn: "arn:aws:iam::aws:policy/ReadOnlyAccess" },
        ],
      });
      await expect(aws("iam delete-user --user-name bob", role)).rejects.toThrow(
        /\(AccessDenied\) when calling the DeleteUser operation: User: arn:aws:sts::111122223333:assumed-role\/deploy\/first is not authorized to perform: iam:DeleteUser on resource: user bob because no identity-based policy allows the iam:DeleteUser action$/,
      );
      await expect(aws("iam delete-user --user-name bob")).rejects.toThrow(
        /\(DeleteConflict\) when calling the DeleteUser operation.*: Cannot delete entity, must delete access keys first\.$/,
      );
      await expect(aws("iam list-users --max-items 1 --page-size 1")).resolves.toHaveProperty(
        "NextToken",
      );
    },
  );
});
