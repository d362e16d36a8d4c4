// `cairn whoami`, `cairn role …`, `cairn account …`, `cairn organization …`: who one is, and whom there is, without the AWS CLI.
import { organizationsCall, queryCall, queryList } from "./aws-call.ts";
import { type Client, Refusal } from "./client.ts";
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

interface AccountAnswer {
  Id: string;
  Name?: string;
  Email?: string;
  Status?: string;
  JoinedTimestamp?: number;
}

interface CreateAccountStatus {
  State: string;
  AccountId?: string;
  FailureReason?: string;
}

function whoIs(client: Client): Promise<Record<string, unknown>> {
  return queryCall(client, "sts", "GetCallerIdentity");
}

export const whoamiCommand: Command = {
  name: "whoami",
  summary: "say which credentials the commands sign with",
  help: `Usage: cairn whoami [--json]

Asks the server who signed this request: sts:GetCallerIdentity.
`,
  async run(words, terminal) {
    const given = readArguments(words, jsonOption);
    const client = connect(terminal);
    const { UserId, Account, Arn } = await whoIs(client);
    if (wantsJson(given)) {
      terminal.write(jsonText({ UserId, Account, Arn }));
      return 0;
    }
    const lines = [
      ["account", Account],
      ["arn", Arn],
      ["user id", UserId],
      ["server", client.url.origin],
    ];
    terminal.write(
      lines.map(([name, value]) => `${String(name).padEnd(8)} ${String(value)}\n`).join(""),
    );
    return 0;
  },
};

export const roleCommands: readonly Command[] = [
  {
    name: "role list",
    summary: "list the account's roles",
    help: `Usage: cairn role list [--json]

The roles of the caller's account: iam:ListRoles.
`,
    async run(words, terminal) {
      const given = readArguments(words, jsonOption);
      const roles = await queryList(connect(terminal), "iam", "ListRoles", "Roles");
      if (wantsJson(given)) {
        terminal.write(jsonText({ Roles: roles.map(shownRole) }));
        return 0;
      }
      const rows = roles.map((role) =>
        ["RoleName", "RoleId", "Path", "CreateDate"].map((name) => textOf(role[name])),
      );
      terminal.write(table(["NAME", "ID", "PATH", "CREATED"], rows));
      return 0;
    },
  },
];

const textOf = (value: unknown) => (typeof value === "string" ? value : "");

/** As the AWS CLI shows it: the trust policy read, the numbers numbers. */
function shownRole(role: Record<string, unknown>): Record<string, unknown> {
  const { AssumeRolePolicyDocument: policy, MaxSessionDuration: seconds, ...rest } = role;
  return {
    ...rest,
    ...(typeof policy === "string"
      ? { AssumeRolePolicyDocument: JSON.parse(decodeURIComponent(policy)) as unknown }
      : {}),
    ...(seconds === undefined ? {} : { MaxSessionDuration: Number(seconds) }),
  };
}

const notInUse = "AWSOrganizationsNotInUseException";

export const accountCommands: readonly Command[] = [
  {
    name: "account list",
    summary: "list the accounts of the organization",
    help: `Usage: cairn account list [--json]

The accounts of the caller's organization: organizations:ListAccounts. Without an organization there is the caller's own.
`,
    async run(words, terminal) {
      const given = readArguments(words, jsonOption);
      const accounts = await accountsSeenBy(connect(terminal));
      if (wantsJson(given)) {
        terminal.write(jsonText({ Accounts: accounts }));
        return 0;
      }
      const rows = accounts.map(({ Id, Name = "", Email = "", Status = "", JoinedTimestamp }) => {
        const joined = JoinedTimestamp === undefined ? "" : isoTime(JoinedTimestamp);
        return [Id, Name, Email, Status, joined];
      });
      terminal.write(table(["ACCOUNT", "NAME", "EMAIL", "STATUS", "JOINED"], rows));
      return 0;
    },
  },
  {
    name: "account create",
    summary: "make another account in the organization",
    help: `Usage: cairn account create NAME --email ADDRESS [--role-name NAME] [--json]

Makes an account: organizations:CreateAccount. The caller must be of the organization's management account;
\`cairn organization create\` makes an organization. Users of the management account who may assume it come into the new
account by the role OrganizationAccountAccessRole, or by the one that is named here.
`,
    async run(words, terminal) {
      const options = {
        ...jsonOption,
        email: { type: "string" },
        "role-name": { type: "string" },
      } as const;
      const given = readArguments(words, options, true);
      const AccountName = only(given.positionals, "NAME");
      const Email = textOption(given, "email");
      if (Email === undefined) throw new UsageError("give --email ADDRESS: every account has one");
      const RoleName = textOption(given, "role-name");
      const input = { AccountName, Email, ...(RoleName === undefined ? {} : { RoleName }) };
      const answer = await createAccount(connect(terminal), input);
      const { State, AccountId, FailureReason } = answer.CreateAccountStatus;
      if (wantsJson(given)) terminal.write(jsonText(answer));
      if (State === "FAILED") throw new Error(`the account was not made: ${FailureReason}`);
      if (!wantsJson(given)) terminal.write(`${AccountId}\n`);
      return 0;
    },
  },
];

async function createAccount(
  client: Client,
  input: object,
): Promise<{ CreateAccountStatus: CreateAccountStatus }> {
  try {
    return await organizationsCall(client, "CreateAccount", input);
  } catch (error) {
    if (!(error instanceof Refusal) || error.code !== notInUse) throw error;
    throw new Error(`${error.message} \`cairn organization create\` makes an organization.`, {
      cause: error,
    });
  }
}

async function accountsSeenBy(client: Client): Promise<AccountAnswer[]> {
  const accounts: AccountAnswer[] = [];
  let NextToken: string | undefined;
  try {
    do {
      const page = await organizationsCall<{ Accounts: AccountAnswer[]; NextToken?: string }>(
        client,
        "ListAccounts",
        NextToken === undefined ? {} : { NextToken },
      );
      accounts.push(...page.Accounts);
      ({ NextToken } = page);
    } while (NextToken !== undefined);
    return accounts;
  } catch (error) {
    if (!(error instanceof Refusal) || error.code !== notInUse) throw error;
    const { Account } = await whoIs(client);
    return [{ Id: String(Account) }];
  }
}

const isoTime = (seconds: number) => new Date(seconds * 1000).toISOString();

export const organizationCommands: readonly Command[] = [
  {
    name: "organization create",
    summary: "make an organization that the caller's account manages",
    help: `Usage: cairn organization create [--json]

Makes an organization: organizations:CreateOrganization. The caller's account becomes its management account.
`,
    async run(words, terminal) {
      const given = readArguments(words, jsonOption);
      const answer = await organizationsCall<{ Organization: { Id: string } }>(
        connect(terminal),
        "CreateOrganization",
        { FeatureSet: "ALL" },
      );
      terminal.write(wantsJson(given) ? jsonText(answer) : `${answer.Organization.Id}\n`);
      return 0;
    },
  },
];
