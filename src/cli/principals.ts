// `cairn user …` and `cairn key …`: who may call, for first steps without the AWS CLI.
import { readFileSync } from "node:fs";
import { basename, extname } from "node:path";
import { isCairnError } from "../base/errors.ts";
import { parsePolicy } from "../policy/parse.ts";
import { queryCall } from "./aws-call.ts";
import {
  type Command,
  connect,
  jsonOption,
  jsonText,
  only,
  readArguments,
  table,
  textOption,
  UsageError,
  wantsJson,
} from "./command.ts";

interface UserAnswer {
  userName: string;
  userId: string;
  path: string;
  arn: string;
  createdTime: string;
}

interface KeyAnswer {
  accessKeyId: string;
  userName?: string;
  status: string;
  createdTime: string;
}

/** As the AWS CLI writes them. */
function awsUser({ path, userName, userId, arn, createdTime }: UserAnswer) {
  return { Path: path, UserName: userName, UserId: userId, Arn: arn, CreateDate: createdTime };
}

function awsKey({ userName, accessKeyId, status, createdTime }: KeyAnswer) {
  const owner = userName === undefined ? {} : { UserName: userName };
  return { ...owner, AccessKeyId: accessKeyId, Status: status, CreateDate: createdTime };
}

export const userCommands: readonly Command[] = [
  {
    name: "user create",
    summary: "make an IAM user",
    help: `Usage: cairn user create NAME [--path /team/] [--policy POLICY]... [--json]

Makes an IAM user in the caller's account. It has no access key yet: cairn key create --user NAME.

A user may do nothing that no policy allows. POLICY is the ARN of a managed policy, such as
arn:aws:iam::aws:policy/ReadOnlyAccess, which is attached, or a file with a policy document, which becomes a policy
of the user's own, under the file's name. Policies of AWS that are here: AdministratorAccess, PowerUserAccess,
ReadOnlyAccess, SecurityAudit, AWSCloudTrail_FullAccess, AWSCloudTrail_ReadOnlyAccess, IAMFullAccess and others
(aws iam list-policies --scope AWS).
`,
    async run(words, terminal) {
      const options = {
        ...jsonOption,
        path: { type: "string" },
        policy: { type: "string", multiple: true },
      } as const;
      const given = readArguments(words, options, true);
      const userName = only(given.positionals, "NAME");
      const path = textOption(given, "path");
      // Before anything is made: a file that is not there, or no policy, leaves no user behind.
      const policies = [given.values["policy"] ?? []]
        .flat()
        .map((each) => readPolicy(String(each)));
      const body = JSON.stringify({ userName, ...(path === undefined ? {} : { path }) });
      const client = connect(terminal);
      const user = await client.json<UserAnswer>({
        method: "POST",
        path: "/v1/users",
        body,
      });
      terminal.write(wantsJson(given) ? jsonText({ User: awsUser(user) }) : `${user.arn}\n`);
      try {
        for (const { operation, parameters } of policies) {
          await queryCall(client, "iam", operation, { UserName: userName, ...parameters });
        }
      } catch (error) {
        terminal.warn(`cairn: the user is made, but a policy could not be given to it\n`);
        throw error;
      }
      return 0;
    },
  },
  {
    name: "user list",
    summary: "list the account's IAM users",
    help: "Usage: cairn user list [--json]\n",
    async run(words, terminal) {
      const given = readArguments(words, jsonOption);
      const { users } = await connect(terminal).json<{ users: UserAnswer[] }>({
        path: "/v1/users",
      });
      if (wantsJson(given)) {
        terminal.write(jsonText({ Users: users.map(awsUser) }));
        return 0;
      }
      const rows = users.map((user) => [user.userName, user.userId, user.path, user.createdTime]);
      terminal.write(table(["NAME", "ID", "PATH", "CREATED"], rows));
      return 0;
    },
  },
  {
    name: "user delete",
    summary: "delete an IAM user",
    help: `Usage: cairn user delete NAME

Deletes an IAM user: iam:DeleteUser. What hangs on it goes first: its access keys (cairn key delete), policies and group
memberships; the answer says what is left.
`,
    async run(words, terminal) {
      const UserName = only(readArguments(words, jsonOption, true).positionals, "NAME");
      await queryCall(connect(terminal), "iam", "DeleteUser", { UserName });
      return 0;
    },
  },
];

export const keyCommands: readonly Command[] = [
  {
    name: "key create",
    summary: "make an access key and print its secret once",
    help: `Usage: cairn key create [--user NAME] [--json]

Makes an access key for a user, or for the root user without --user, and prints it in the form of an AWS
shared-credentials file. The secret is shown this once: Cairn keeps it sealed.
`,
    async run(words, terminal) {
      const given = readArguments(words, { ...jsonOption, user: { type: "string" } });
      const userName = textOption(given, "user");
      const key = await connect(terminal).json<KeyAnswer & { secretAccessKey: string }>({
        method: "POST",
        path: "/v1/keys",
        body: JSON.stringify(userName === undefined ? {} : { userName }),
      });
      if (wantsJson(given)) {
        const AccessKey = { ...awsKey(key), SecretAccessKey: key.secretAccessKey };
        terminal.write(jsonText({ AccessKey }));
        return 0;
      }
      terminal.write(
        `[${userName ?? "default"}]\naws_access_key_id = ${key.accessKeyId}\naws_secret_access_key = ${key.secretAccessKey}\n`,
      );
      return 0;
    },
  },
  {
    name: "key list",
    summary: "list the account's access keys",
    help: "Usage: cairn key list [--json]\n",
    async run(words, terminal) {
      const given = readArguments(words, jsonOption);
      const { keys } = await connect(terminal).json<{ keys: KeyAnswer[] }>({ path: "/v1/keys" });
      if (wantsJson(given)) {
        terminal.write(jsonText({ AccessKeyMetadata: keys.map(awsKey) }));
        return 0;
      }
      const rows = keys.map((key) => [
        key.accessKeyId,
        key.userName ?? "(root)",
        key.status,
        key.createdTime,
      ]);
      terminal.write(table(["KEY", "USER", "STATUS", "CREATED"], rows));
      return 0;
    },
  },
  statusCommand("disable", "Inactive", "stop an access key from working"),
  statusCommand("enable", "Active", "let a disabled access key work again"),
  {
    name: "key delete",
    summary: "delete an access key",
    help: "Usage: cairn key delete KEY\n",
    async run(words, terminal) {
      const id = only(readArguments(words, jsonOption, true).positionals, "KEY");
      await connect(terminal).send({
        method: "DELETE",
        path: `/v1/keys/${encodeURIComponent(id)}`,
      });
      return 0;
    },
  },
];

/** The call of IAM that gives the policy to a user. */
function readPolicy(policy: string): { operation: string; parameters: Record<string, string> } {
  if (policy.startsWith("arn:")) {
    return { operation: "AttachUserPolicy", parameters: { PolicyArn: policy } };
  }
  let document: string;
  try {
    document = readFileSync(policy, "utf8");
  } catch (error) {
    throw new UsageError(
      `--policy ${policy} is no ARN, and no file that can be read: ${(error as Error).message}`,
    );
  }
  try {
    parsePolicy("identity", document);
  } catch (error) {
    if (!isCairnError(error)) throw error;
    throw new UsageError(`--policy ${policy}: ${error.message} ${String(error.detail["why"])}`);
  }
  const PolicyName = basename(policy, extname(policy));
  return { operation: "PutUserPolicy", parameters: { PolicyName, PolicyDocument: document } };
}

function statusCommand(verb: string, status: string, summary: string): Command {
  return {
    name: `key ${verb}`,
    summary,
    help: `Usage: cairn key ${verb} KEY\n`,
    async run(words, terminal) {
      const id = only(readArguments(words, jsonOption, true).positionals, "KEY");
      const path = `/v1/keys/${encodeURIComponent(id)}`;
      await connect(terminal).send({ method: "PATCH", path, body: JSON.stringify({ status }) });
      return 0;
    },
  };
}
