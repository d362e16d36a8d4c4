// `cairn user …` and `cairn key …`: who may call, for first steps without the AWS CLI.
import { type Command, connect, readArguments, table, textOption, UsageError } from "./command.ts";

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

export const userCommands: readonly Command[] = [
  {
    name: "user create",
    summary: "make an IAM user",
    help: `Usage: cairn user create NAME [--path /team/]

Makes an IAM user in the caller's account. It has no access key yet: cairn key create --user NAME.
`,
    async run(words, terminal) {
      const given = readArguments(words, { path: { type: "string" } }, true);
      const userName = only(given.positionals, "NAME");
      const path = textOption(given, "path");
      const body = JSON.stringify({ userName, ...(path === undefined ? {} : { path }) });
      const user = await connect(terminal).json<UserAnswer>({
        method: "POST",
        path: "/v1/users",
        body,
      });
      terminal.write(`${user.arn}\n`);
      return 0;
    },
  },
  {
    name: "user list",
    summary: "list the account's IAM users",
    help: "Usage: cairn user list\n",
    async run(words, terminal) {
      readArguments(words, {});
      const { users } = await connect(terminal).json<{ users: UserAnswer[] }>({
        path: "/v1/users",
      });
      const rows = users.map((user) => [user.userName, user.userId, user.path, user.createdTime]);
      terminal.write(table(["NAME", "ID", "PATH", "CREATED"], rows));
      return 0;
    },
  },
];

export const keyCommands: readonly Command[] = [
  {
    name: "key create",
    summary: "make an access key and print its secret once",
    help: `Usage: cairn key create [--user NAME]

Makes an access key for a user, or for the root user without --user, and prints it in the form of an AWS
shared-credentials file. The secret is shown this once: Cairn keeps it sealed.
`,
    async run(words, terminal) {
      const given = readArguments(words, { user: { type: "string" } });
      const userName = textOption(given, "user");
      const key = await connect(terminal).json<KeyAnswer & { secretAccessKey: string }>({
        method: "POST",
        path: "/v1/keys",
        body: JSON.stringify(userName === undefined ? {} : { userName }),
      });
      terminal.write(
        `[${userName ?? "default"}]\naws_access_key_id = ${key.accessKeyId}\naws_secret_access_key = ${key.secretAccessKey}\n`,
      );
      return 0;
    },
  },
  {
    name: "key list",
    summary: "list the account's access keys",
    help: "Usage: cairn key list\n",
    async run(words, terminal) {
      readArguments(words, {});
      const { keys } = await connect(terminal).json<{ keys: KeyAnswer[] }>({ path: "/v1/keys" });
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
      const id = only(readArguments(words, {}, true).positionals, "KEY");
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
      const id = only(readArguments(words, {}, true).positionals, "KEY");
      const path = `/v1/keys/${encodeURIComponent(id)}`;
      await connect(terminal).send({ method: "PATCH", path, body: JSON.stringify({ status }) });
      return 0;
    },
  };
}

function only(positionals: string[], name: string): string {
  const [first, ...more] = positionals;
  if (first === undefined || more.length > 0) throw new UsageError(`give one ${name}`);
  return first;
}
