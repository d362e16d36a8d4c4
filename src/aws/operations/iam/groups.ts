// iam: groups and their members.
import { cut, iamRow, pageOf } from "./iam-call.ts";
import { groupAnswer, listedUser } from "./wire.ts";

export const groupRows = [
  iamRow("CreateGroup", async (call) => {
    const { groups } = call.directory;
    const group = await groups.create(
      call.accountId,
      call.text("GroupName"),
      call.optional("Path"),
    );
    return { Group: groupAnswer(group) };
  }),
  iamRow("GetGroup", async (call) => {
    const { groups, users } = call.directory;
    const { accountId } = call;
    const group = await groups.get(accountId, call.text("GroupName"));
    const members = await groups.members(accountId, group.groupName);
    const { page, rest } = cut(call, members, (userName) => userName.toLowerCase());
    const found = await Promise.all(page.map((userName) => users.get(accountId, userName)));
    return { Group: groupAnswer(group), Users: found.map(listedUser), ...rest };
  }),
  iamRow("ListGroups", async (call) => {
    const prefix = call.pathPrefix();
    const groups = await call.directory.groups.list(call.accountId);
    const found = groups.filter((group) => group.path.startsWith(prefix));
    const key = (group: (typeof groups)[number]) => group.groupName.toLowerCase();
    const { items, rest } = pageOf(call, found, key, groupAnswer);
    return { Groups: items, ...rest };
  }),
  iamRow("ListGroupsForUser", async (call) => {
    const groups = await call.directory.groups.ofUser(call.accountId, call.text("UserName"));
    const key = (group: (typeof groups)[number]) => group.groupName.toLowerCase();
    const { items, rest } = pageOf(call, groups, key, groupAnswer);
    return { Groups: items, ...rest };
  }),
  iamRow("UpdateGroup", (call) =>
    call.directory.groups.update(
      call.accountId,
      call.text("GroupName"),
      call.given({ newGroupName: "NewGroupName", newPath: "NewPath" }),
    ),
  ),
  iamRow("DeleteGroup", (call) =>
    call.directory.groups.delete(call.accountId, call.text("GroupName")),
  ),
  iamRow("AddUserToGroup", (call) =>
    call.directory.groups.addUser(call.accountId, call.text("GroupName"), call.text("UserName")),
  ),
  iamRow("RemoveUserFromGroup", (call) =>
    call.directory.groups.removeUser(call.accountId, call.text("GroupName"), call.text("UserName")),
  ),
];
