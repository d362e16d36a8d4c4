// organizations: how accounts that are there already join, by invitation, and leave.
import { type OrganizationCall, organizationsRow } from "./organization-call.ts";
import { handshakeAnswer } from "./wire.ts";

type Answering = "accept" | "decline" | "cancel";

const answering = (how: Answering) => async (call: OrganizationCall) => ({
  Handshake: handshakeAnswer(await call.memberships[how](call.accountId, call.text("HandshakeId"))),
});

const listing = (whose: "received" | "sent") => async (call: OrganizationCall) => {
  const wanted = call.handshakeFilter();
  const handshakes = await call.memberships[whose](call.accountId);
  const { page, rest } = call.page(wanted ? handshakes : [], (handshake) => handshake.id);
  return { Handshakes: page.map(handshakeAnswer), ...rest };
};

export const membershipRows = [
  organizationsRow(
    "InviteAccountToOrganization",
    async (call) => {
      const { Id: id, Type: type } = call.part("Target") as { Id: string; Type: string };
      const notes = call.optional("Notes");
      const handshake = await call.memberships.invite(call.accountId, {
        id,
        type,
        tags: call.tags(),
        ...(notes === undefined ? {} : { notes }),
      });
      return { Handshake: handshakeAnswer(handshake) };
    },
    [
      "No mail is sent: the invited account finds the invitation by `ListHandshakesForAccount`. It is made whether or not there is such an account on this Cairn.",
      "Tags are checked and not kept.",
    ],
  ),
  organizationsRow("AcceptHandshake", answering("accept"), [
    "An account that is a member of another organization leaves that one first. No service-linked role is made, and `iam:CreateServiceLinkedRole` is not asked for.",
  ]),
  organizationsRow("DeclineHandshake", answering("decline")),
  organizationsRow("CancelHandshake", answering("cancel")),
  organizationsRow("DescribeHandshake", async (call) => ({
    Handshake: handshakeAnswer(
      await call.memberships.handshake(call.accountId, call.text("HandshakeId")),
    ),
  })),
  organizationsRow("ListHandshakesForAccount", listing("received")),
  organizationsRow("ListHandshakesForOrganization", listing("sent")),
  organizationsRow("LeaveOrganization", (call) => call.memberships.leave(call.accountId), [
    "There is no waiting period, and no payment or contact data to give first.",
  ]),
  organizationsRow(
    "RemoveAccountFromOrganization",
    (call) => call.memberships.remove(call.accountId, call.text("AccountId")),
    [
      "There is no waiting period, and no payment or contact data to give first. The role `OrganizationAccountAccessRole` stays, as in AWS.",
    ],
  ),
];
