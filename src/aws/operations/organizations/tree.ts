// organizations: the root, the organizational units and what is in them.
import { organizationsRow } from "./organization-call.ts";
import { accountAnswer, rootAnswer, unitAnswer } from "./wire.ts";

export const treeRows = [
  organizationsRow("ListRoots", async (call) => {
    const organization = await call.organizations.organization(call.accountId);
    return { Roots: [rootAnswer(organization)] };
  }),
  organizationsRow("ListParents", async (call) => {
    const parentId = await call.organizations.parentOf(call.accountId, call.text("ChildId"));
    const type = parentId.startsWith("r-") ? "ROOT" : "ORGANIZATIONAL_UNIT";
    return { Parents: [{ Id: parentId, Type: type }] };
  }),
  organizationsRow("ListChildren", async (call) => {
    const type = call.oneOf("ChildType", ["ACCOUNT", "ORGANIZATIONAL_UNIT"]);
    const { members, units } = await call.organizations.children(
      call.accountId,
      call.text("ParentId"),
    );
    const ids =
      type === "ACCOUNT" ? members.map((member) => member.accountId) : units.map((unit) => unit.id);
    const { page, rest } = call.page(ids, (id) => id);
    return { Children: page.map((id) => ({ Id: id, Type: type })), ...rest };
  }),
  organizationsRow("ListAccountsForParent", async (call) => {
    const { organization, members } = await call.organizations.children(
      call.accountId,
      call.text("ParentId"),
    );
    const { page, rest } = call.page(members, (member) => member.accountId);
    return { Accounts: page.map((member) => accountAnswer(organization, member)), ...rest };
  }),
  organizationsRow("ListOrganizationalUnitsForParent", async (call) => {
    const { organization, units } = await call.organizations.children(
      call.accountId,
      call.text("ParentId"),
    );
    const { page, rest } = call.page(units, (unit) => unit.id);
    return { OrganizationalUnits: page.map((unit) => unitAnswer(organization, unit)), ...rest };
  }),
  organizationsRow(
    "CreateOrganizationalUnit",
    async (call) => {
      const { organization, unit } = await call.organizations.createUnit(
        call.accountId,
        call.text("ParentId"),
        call.text("Name"),
      );
      return { OrganizationalUnit: unitAnswer(organization, unit) };
    },
    ["Tags are ignored."],
  ),
  organizationsRow("DescribeOrganizationalUnit", async (call) => {
    const { organization, unit } = await call.organizations.unit(
      call.accountId,
      call.text("OrganizationalUnitId"),
    );
    return { OrganizationalUnit: unitAnswer(organization, unit) };
  }),
  organizationsRow("UpdateOrganizationalUnit", async (call) => {
    const { organization, unit } = await call.organizations.renameUnit(
      call.accountId,
      call.text("OrganizationalUnitId"),
      call.optional("Name"),
    );
    return { OrganizationalUnit: unitAnswer(organization, unit) };
  }),
  organizationsRow("DeleteOrganizationalUnit", (call) =>
    call.organizations.deleteUnit(call.accountId, call.text("OrganizationalUnitId")),
  ),
  organizationsRow("MoveAccount", (call) =>
    call.organizations.moveAccount(
      call.accountId,
      call.text("AccountId"),
      call.text("SourceParentId"),
      call.text("DestinationParentId"),
    ),
  ),
];
