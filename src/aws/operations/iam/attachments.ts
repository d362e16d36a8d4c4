// iam: the policies that users, groups and roles have: inline, attached, and as boundary. One set of rows for each kind.
import { parsePolicyArn } from "../../../directory/managed-policies.ts";
import type { HolderKind } from "../../../directory/model.ts";
import type { BoundedHolder, Holder } from "../../../directory/policy-attachments.ts";
import type { OperationRow } from "../../operation.ts";
import { cut, type IamCall, iamRow, pageOf } from "./iam-call.ts";
import { encodeDocument } from "./wire.ts";

type KindName = "User" | "Group" | "Role";

export const attachmentRows: readonly OperationRow[] = [
  ...rowsOf("User"),
  ...rowsOf("Group"),
  ...rowsOf("Role"),
  ...boundaryRows("User"),
  ...boundaryRows("Role"),
];

function rowsOf(kind: KindName): OperationRow[] {
  return [
    iamRow(`Put${kind}Policy`, (call) =>
      call.directory.attachments.putInline(
        holderOf(call, kind),
        call.text("PolicyName"),
        call.text("PolicyDocument"),
      ),
    ),
    iamRow(`Get${kind}Policy`, async (call) => {
      const holder = holderOf(call, kind);
      const policyName = call.text("PolicyName");
      const document = await call.directory.attachments.inline(holder, policyName);
      return {
        [`${kind}Name`]: holder.name,
        PolicyName: policyName,
        PolicyDocument: encodeDocument(document),
      };
    }),
    iamRow(`List${kind}Policies`, async (call) => {
      const { inlinePolicies = {} } = await call.directory.attachments.of(holderOf(call, kind));
      const { page, rest } = cut(call, Object.keys(inlinePolicies), (name) => name);
      return { PolicyNames: page, ...rest };
    }),
    iamRow(`Delete${kind}Policy`, (call) =>
      call.directory.attachments.deleteInline(holderOf(call, kind), call.text("PolicyName")),
    ),
    iamRow(`Attach${kind}Policy`, (call) =>
      call.directory.attachments.attach(holderOf(call, kind), call.text("PolicyArn")),
    ),
    iamRow(`Detach${kind}Policy`, (call) =>
      call.directory.attachments.detach(holderOf(call, kind), call.text("PolicyArn")),
    ),
    iamRow(`ListAttached${kind}Policies`, async (call) => {
      const prefix = call.pathPrefix();
      const { attachedPolicyArns = [] } = await call.directory.attachments.of(holderOf(call, kind));
      const found = attachedPolicyArns.filter((arn) => pathOf(arn).startsWith(prefix));
      const { items, rest } = pageOf(call, found, (arn) => arn, attachedPolicy);
      return { AttachedPolicies: items, ...rest };
    }),
  ];
}

function boundaryRows(kind: "User" | "Role"): OperationRow[] {
  return [
    iamRow(`Put${kind}PermissionsBoundary`, (call) =>
      call.directory.attachments.setBoundary(
        boundedHolderOf(call, kind),
        call.text("PermissionsBoundary"),
      ),
    ),
    iamRow(`Delete${kind}PermissionsBoundary`, (call) =>
      call.directory.attachments.setBoundary(boundedHolderOf(call, kind), undefined),
    ),
  ];
}

function holderOf(call: IamCall, kind: KindName): Holder {
  return {
    kind: kind.toLowerCase() as HolderKind,
    accountId: call.accountId,
    name: call.text(`${kind}Name`),
  };
}

function boundedHolderOf(call: IamCall, kind: "User" | "Role"): BoundedHolder {
  return { ...holderOf(call, kind), kind: kind === "User" ? "user" : "role" };
}

export function attachedPolicy(arn: string) {
  return { PolicyName: parsePolicyArn(arn).policyName, PolicyArn: arn };
}

/** `arn:aws:iam::aws:policy/job-function/Billing` → `/job-function/` */
function pathOf(arn: string): string {
  const resource = arn.slice(arn.indexOf(":policy/") + ":policy".length);
  return resource.slice(0, resource.lastIndexOf("/") + 1);
}
