// organizations: service control policies and what they hang on.
import { type OrganizationCall, organizationsRow } from "./organization-call.ts";
import { policyAnswer, policySummary, rootAnswer, targetAnswer } from "./wire.ts";

/** That AWS knows; there are policies of the first only. */
const policyTypes = [
  "SERVICE_CONTROL_POLICY",
  "RESOURCE_CONTROL_POLICY",
  "TAG_POLICY",
  "BACKUP_POLICY",
  "AISERVICES_OPT_OUT_POLICY",
  "CHATBOT_POLICY",
  "DECLARATIVE_POLICY_EC2",
  "SECURITYHUB_POLICY",
  "INSPECTOR_POLICY",
  "UPGRADE_ROLLOUT_POLICY",
  "BEDROCK_POLICY",
  "S3_POLICY",
  "NETWORK_SECURITY_DIRECTOR_POLICY",
] as const;

const typeOf = (call: OrganizationCall, member: string) => call.oneOf(member, policyTypes);

export const policyRows = [
  organizationsRow(
    "CreatePolicy",
    async (call) => {
      const { organization, policy } = await call.policies.create(call.accountId, {
        type: typeOf(call, "Type"),
        name: call.text("Name"),
        description: call.text("Description"),
        content: call.text("Content"),
        tags: call.tags(),
      });
      return { Policy: policyAnswer(organization, policy) };
    },
    [
      "Service control policies only: every other type is answered with `PolicyTypeNotAvailableForOrganizationException`. Tags are checked and not kept.",
      "Policies are managed by the management account; there is no resource policy that lets a delegated administrator do so. Delegated administrators may read them.",
    ],
  ),
  organizationsRow("UpdatePolicy", async (call) => {
    const [name, description, content] = ["Name", "Description", "Content"].map((member) =>
      call.optional(member),
    );
    const { organization, policy } = await call.policies.update(
      call.accountId,
      call.text("PolicyId"),
      {
        ...(name === undefined ? {} : { name }),
        ...(description === undefined ? {} : { description }),
        ...(content === undefined ? {} : { content }),
      },
    );
    return { Policy: policyAnswer(organization, policy) };
  }),
  organizationsRow("DeletePolicy", (call) =>
    call.policies.delete(call.accountId, call.text("PolicyId")),
  ),
  organizationsRow("DescribePolicy", async (call) => {
    const { organization, policy } = await call.policies.get(call.accountId, call.text("PolicyId"));
    return { Policy: policyAnswer(organization, policy) };
  }),
  organizationsRow("ListPolicies", async (call) => {
    const { organization, policies } = await call.policies.list(
      call.accountId,
      typeOf(call, "Filter"),
    );
    const { page, rest } = call.page(policies, (policy) => policy.id);
    return { Policies: page.map((policy) => policySummary(organization, policy)), ...rest };
  }),
  organizationsRow("AttachPolicy", (call) =>
    call.policies.attach(call.accountId, call.text("PolicyId"), call.text("TargetId")),
  ),
  organizationsRow("DetachPolicy", (call) =>
    call.policies.detach(call.accountId, call.text("PolicyId"), call.text("TargetId")),
  ),
  organizationsRow("ListPoliciesForTarget", async (call) => {
    const { organization, policies } = await call.policies.attachedTo(
      call.accountId,
      call.text("TargetId"),
      typeOf(call, "Filter"),
    );
    const { page, rest } = call.page(policies, (policy) => policy.id);
    return { Policies: page.map((policy) => policySummary(organization, policy)), ...rest };
  }),
  organizationsRow("ListTargetsForPolicy", async (call) => {
    const { organization, targets } = await call.policies.targetsOf(
      call.accountId,
      call.text("PolicyId"),
    );
    const { page, rest } = call.page(targets, (target) => target.id);
    return { Targets: page.map((target) => targetAnswer(organization, target)), ...rest };
  }),
  organizationsRow(
    "EnablePolicyType",
    async (call) => {
      const root = await call.policies.enableType(
        call.accountId,
        call.text("RootId"),
        typeOf(call, "PolicyType"),
      );
      return { Root: rootAnswer(root) };
    },
    ["It is done when the answer comes: the status is `ENABLED`, never `PENDING_ENABLE`."],
  ),
  organizationsRow(
    "DisablePolicyType",
    async (call) => {
      const root = await call.policies.disableType(
        call.accountId,
        call.text("RootId"),
        typeOf(call, "PolicyType"),
      );
      return { Root: rootAnswer(root) };
    },
    ["It is done when the answer comes: nothing limits the accounts any more."],
  ),
  organizationsRow(
    "DescribeEffectivePolicy",
    (call) => call.policies.effective(call.accountId, typeOf(call, "PolicyType")),
    [
      "There are no policies that it could be about; AWS refuses it for service control policies, too.",
    ],
  ),
];
