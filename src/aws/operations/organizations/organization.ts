// organizations: the organization itself and its accounts.
import { organizationsRow } from "./organization-call.ts";
import { accountAnswer, organizationAnswer, requestAnswer } from "./wire.ts";

export const organizationRows = [
  organizationsRow(
    "CreateOrganization",
    async (call) => {
      const { accountId, organizations } = call;
      const featureSet = call.oneOf("FeatureSet", ["ALL", "CONSOLIDATED_BILLING"], "ALL");
      const organization = await organizations.create(accountId, featureSet);
      const { member } = await organizations.member(accountId, accountId);
      return { Organization: organizationAnswer(organization, member.email) };
    },
    [
      "The only policies of organizations are service control policies, not yet enabled in a new one.",
    ],
  ),
  organizationsRow("DescribeOrganization", async (call) => {
    const { organization, email } = await call.organizations.describe(call.accountId);
    return { Organization: organizationAnswer(organization, email) };
  }),
  organizationsRow("DeleteOrganization", (call) => call.organizations.delete(call.accountId)),
  organizationsRow("ListAccounts", async (call) => {
    const { organization, members } = await call.organizations.members(call.accountId);
    const { page, rest } = call.page(members, (member) => member.accountId);
    return { Accounts: page.map((member) => accountAnswer(organization, member)), ...rest };
  }),
  organizationsRow("DescribeAccount", async (call) => {
    const { organization, member } = await call.organizations.member(
      call.accountId,
      call.text("AccountId"),
    );
    return { Account: accountAnswer(organization, member) };
  }),
  organizationsRow(
    "CreateAccount",
    async (call) => {
      const roleName = call.optional("RoleName");
      const request = await call.organizations.createAccount(call.accountId, {
        name: call.text("AccountName"),
        email: call.text("Email"),
        tags: call.tags(),
        ...(roleName === undefined ? {} : { roleName }),
      });
      return { CreateAccountStatus: requestAnswer(request) };
    },
    [
      "The account is there when the answer comes: its state is `SUCCEEDED` or `FAILED`, never `IN_PROGRESS`. The management account comes in by the role `OrganizationAccountAccessRole`, as in AWS.",
      "Tags are checked and not kept; `IamUserAccessToBilling` is ignored.",
    ],
  ),
  organizationsRow("DescribeCreateAccountStatus", async (call) => {
    const request = await call.organizations.request(
      call.accountId,
      call.text("CreateAccountRequestId"),
    );
    return { CreateAccountStatus: requestAnswer(request) };
  }),
  organizationsRow("ListCreateAccountStatus", async (call) => {
    const states = call.texts("States");
    const requests = await call.organizations.requests(call.accountId);
    const wanted = requests.filter(({ state }) => states.length === 0 || states.includes(state));
    const { page, rest } = call.page(wanted, (request) => request.id);
    return { CreateAccountStatuses: page.map(requestAnswer), ...rest };
  }),
];
