// Organizations through the real clients: boto3 builds one and takes it down, the AWS CLI goes the first steps.
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { awsClis, boto3Pythons, isMissing } from "../tools/clients.ts";
import { runClient } from "../tools/run-client.ts";
import { accountId, type DoorWorld, openDoorWorld } from "./aws-door-world.ts";

const teamId = "444455556666";
let world: DoorWorld;
beforeEach(async () => {
  world = await openDoorWorld();
});
afterEach(() => world[Symbol.asyncDispose]());

const pythons = boto3Pythons();
describe.skipIf(isMissing("boto3", pythons.length > 0))("boto3", () => {
  test.each(pythons)(
    "$name makes an organization, and its accounts see nothing of each other",
    {
      timeout: 120_000,
    },
    async ({ command }) => {
      const script = join(import.meta.dirname, "organizations.py");
      await world.directory.createAccount(teamId);
      const key = await world.directory.createAccessKey(teamId);
      const args = [script, teamId, key.accessKeyId, key.secretAccessKey];
      const ran = await runClient(command, args, world.url, world.root);
      if (ran.code !== 0) throw new Error(ran.stderr);
      const { member } = JSON.parse(ran.stdout) as { member: string };
      const owned = await world.ownedEvents();
      const inMember = owned.filter(({ owner }) => owner === member).map(({ event }) => event);
      // The one that came from outside, and what was done inside.
      expect(inMember[0]).toMatchObject({
        eventName: "AssumeRole",
        userIdentity: { type: "AWSAccount", accountId },
        recipientAccountId: member,
      });
      expect(inMember.slice(1).length).toBeGreaterThan(5);
      for (const event of inMember.slice(1)) {
        expect(event).toMatchObject({ userIdentity: { type: "AssumedRole", accountId: member } });
      }
      const made = owned.find(({ event }) => event["eventName"] === "CreateAccount");
      expect(made?.event).toMatchObject({
        eventSource: "organizations.amazonaws.com",
        requestParameters: {
          email: "HIDDEN_DUE_TO_SECURITY_REASONS",
          accountName: "HIDDEN_DUE_TO_SECURITY_REASONS",
        },
        responseElements: { createAccountStatus: { state: "SUCCEEDED", accountId: member } },
      });
      const hidden = "HIDDEN_DUE_TO_SECURITY_REASONS";
      const invitation = owned.find(
        ({ event }) => event["eventName"] === "InviteAccountToOrganization",
      );
      expect(invitation?.event).toMatchObject({
        requestParameters: { target: { id: hidden, type: "ACCOUNT" } },
      });
      const bound = owned.filter(({ event }) => event["eventName"] === "LeaveOrganization");
      expect(bound[0]).toMatchObject({
        owner: teamId,
        event: { errorCode: "AccessDenied", userIdentity: { type: "Root", accountId: teamId } },
      });
    },
  );
});

const clis = awsClis();
describe.skipIf(isMissing("the AWS CLI", clis.length > 0))("the AWS CLI", () => {
  test.each(clis)(
    "$name makes an organization with an account that administers CloudTrail",
    {
      timeout: 120_000,
    },
    async ({ command }) => {
      async function aws<Answer>(text: string, key = world.root) {
        const args = [...text.split(" "), "--endpoint-url", world.url, "--output", "json"];
        const ran = await runClient(command, ["organizations", ...args], world.url, key);
        if (ran.code !== 0) throw new Error(ran.stderr.trim());
        return (ran.stdout.trim() === "" ? {} : JSON.parse(ran.stdout)) as Answer;
      }
      await aws("create-organization");
      const { CreateAccountStatus } = await aws<{ CreateAccountStatus: Record<string, string> }>(
        "create-account --email dev@example.com --account-name Dev",
      );
      const id = CreateAccountStatus["AccountId"] ?? "";
      await aws("enable-aws-service-access --service-principal cloudtrail.amazonaws.com");
      await aws(
        `register-delegated-administrator --account-id ${id} --service-principal cloudtrail.amazonaws.com`,
      );
      expect(await aws("list-delegated-administrators")).toMatchObject({
        DelegatedAdministrators: [{ Id: id, Name: "Dev", Status: "ACTIVE" }],
      });
      expect(await aws("list-accounts --max-items 1")).toHaveProperty("NextToken");

      const type = "SERVICE_CONTROL_POLICY";
      const { Roots } = await aws<{ Roots: { Id: string }[] }>("list-roots");
      const root = Roots[0]?.Id ?? "";
      await aws(`enable-policy-type --root-id ${root} --policy-type ${type}`);
      const content = `{"Version":"2012-10-17","Statement":{"Effect":"Deny","Action":"organizations:LeaveOrganization","Resource":"*"}}`;
      const { Policy } = await aws<{ Policy: { PolicySummary: { Id: string } } }>(
        `create-policy --name Stay --description stay --type ${type} --content ${content}`,
      );
      const policy = Policy.PolicySummary.Id;
      await aws(`attach-policy --policy-id ${policy} --target-id ${id}`);
      const { Policies } = await aws<{ Policies: { Name: string }[] }>(
        `list-policies-for-target --target-id ${id} --filter ${type}`,
      );
      expect(Policies.map(({ Name }) => Name).toSorted()).toEqual(["FullAWSAccess", "Stay"]);
      await aws(`detach-policy --policy-id p-FullAWSAccess --target-id ${id}`);
      expect(await aws(`list-targets-for-policy --policy-id ${policy}`)).toMatchObject({
        Targets: [{ TargetId: id, Name: "Dev", Type: "ACCOUNT" }],
      });
      await aws(`disable-policy-type --root-id ${root} --policy-type ${type}`);
      await aws(`delete-policy --policy-id ${policy}`);
      expect(await aws(`list-policies --filter ${type}`)).toMatchObject({
        Policies: [{ Id: "p-FullAWSAccess" }],
      });

      await world.directory.createAccount(teamId);
      const team = await world.directory.createAccessKey(teamId);
      await aws(`invite-account-to-organization --target Type=ACCOUNT,Id=${teamId}`);
      const { Handshakes } = await aws<{ Handshakes: { Id: string }[] }>(
        "list-handshakes-for-account",
        team,
      );
      expect(await aws(`accept-handshake --handshake-id ${Handshakes[0]?.Id}`, team)).toMatchObject(
        { Handshake: { State: "ACCEPTED" } },
      );
      expect(await aws(`describe-account --account-id ${teamId}`)).toMatchObject({
        Account: { Id: teamId, JoinedMethod: "INVITED" },
      });
      await aws("leave-organization", team);
      await expect(aws("describe-organization", team)).rejects.toThrow(
        /AWSOrganizationsNotInUseException/,
      );
    },
  );
});
