// organizations: services with trusted access, and the accounts that administer them.
import { organizationsRow } from "./organization-call.ts";
import { accountAnswer } from "./wire.ts";

export const delegationRows = [
  organizationsRow("EnableAWSServiceAccess", (call) =>
    call.organizations.enableService(call.accountId, call.text("ServicePrincipal")),
  ),
  organizationsRow("DisableAWSServiceAccess", (call) =>
    call.organizations.disableService(call.accountId, call.text("ServicePrincipal")),
  ),
  organizationsRow("ListAWSServiceAccessForOrganization", async (call) => {
    const services = Object.entries(await call.organizations.services(call.accountId));
    const { page, rest } = call.page(services, ([principal]) => principal);
    return {
      EnabledServicePrincipals: page.map(([principal, sinceMs]) => ({
        ServicePrincipal: principal,
        DateEnabled: sinceMs / 1000,
      })),
      ...rest,
    };
  }),
  organizationsRow("RegisterDelegatedAdministrator", (call) =>
    call.organizations.registerDelegate(
      call.accountId,
      call.text("AccountId"),
      call.text("ServicePrincipal"),
    ),
  ),
  organizationsRow("DeregisterDelegatedAdministrator", (call) =>
    call.organizations.deregisterDelegate(
      call.accountId,
      call.text("AccountId"),
      call.text("ServicePrincipal"),
    ),
  ),
  organizationsRow("ListDelegatedAdministrators", async (call) => {
    const { organization, delegates } = await call.organizations.delegates(
      call.accountId,
      call.optional("ServicePrincipal"),
    );
    const { page, rest } = call.page(delegates, (delegate) => delegate.accountId);
    return {
      DelegatedAdministrators: page.map((delegate) => ({
        ...accountAnswer(organization, delegate),
        DelegationEnabledDate: delegate.sinceMs / 1000,
      })),
      ...rest,
    };
  }),
  organizationsRow("ListDelegatedServicesForAccount", async (call) => {
    const services = Object.entries(
      await call.organizations.delegatedServices(call.accountId, call.text("AccountId")),
    );
    const { page, rest } = call.page(services, ([principal]) => principal);
    return {
      DelegatedServices: page.map(([principal, sinceMs]) => ({
        ServicePrincipal: principal,
        DelegationEnabledDate: sinceMs / 1000,
      })),
      ...rest,
    };
  }),
];
