// `cairn user …` and `cairn key …`: who may call, for first steps without the AWS CLI.
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
    help: `Usage: cairn user create NAME [--path /team/] [--json]

Makes an IAM user in the caller's account. It has no access key yet: cairn key create --user NAME.
`,
    async run(words, terminal) {
      const given = readArguments(words, { ...jsonOption, path: { type: "string" } }, true);
      const userName = only(given.positionals, "NAME");
      const path = textOption(given, "path");
      const body = JSON.stringify({ userName, ...(path === undefined ? {} : { path }) });
      const user = await connect(terminal).json<UserAnswer>({
        method: "POST",
        path: "/v1/users",
        body,
      });
      terminal.write(wantsJson(given) ? jsonText({ User: awsUser(user) }) : `${user.arn}\n`);
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
