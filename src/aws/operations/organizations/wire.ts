// How Organizations writes its things; times are epoch seconds.
import { type Handshake, handshakeArn } from "../../../directory/memberships.ts";
import {
  type AccountRequest,
  type Member,
  type Organization,
  type OrganizationalUnit,
  organizationArn,
  organizationPartArn,
} from "../../../directory/organizations.ts";
import {
  type AttachedTarget,
  policyArn,
  type ServiceControlPolicy,
  serviceControlType,
} from "../../../directory/service-control-policies.ts";
import type { JsonObject } from "../../../event/json.ts";

export function organizationAnswer(organization: Organization, email: string): JsonObject {
  const { id, managementAccountId, featureSet } = organization;
  return {
    Id: id,
    Arn: organizationArn(organization),
    FeatureSet: featureSet,
    MasterAccountArn: organizationPartArn(organization, "account", managementAccountId),
    MasterAccountId: managementAccountId,
    MasterAccountEmail: email,
    AvailablePolicyTypes: featureSet === "ALL" ? [enabledType(serviceControlType)] : [],
  };
}

export function accountAnswer(organization: Organization, member: Member): JsonObject {
  return {
    Id: member.accountId,
    Arn: organizationPartArn(organization, "account", member.accountId),
    Email: member.email,
    Name: member.name,
    Status: "ACTIVE",
    State: "ACTIVE",
    JoinedMethod: member.joinedBy,
    JoinedTimestamp: member.joinedMs / 1000,
  };
}

export function requestAnswer(request: AccountRequest): JsonObject {
  const { accountId, failureReason } = request;
  return {
    Id: request.id,
    AccountName: request.name,
    State: request.state,
    RequestedTimestamp: request.requestedMs / 1000,
    CompletedTimestamp: request.completedMs / 1000,
    ...(accountId === undefined ? {} : { AccountId: accountId }),
    ...(failureReason === undefined ? {} : { FailureReason: failureReason }),
  };
}

export function unitAnswer(organization: Organization, unit: OrganizationalUnit): JsonObject {
  const { id, name } = unit;
  return { Id: id, Arn: organizationPartArn(organization, "ou", id), Name: name };
}

const enabledType = (type: string) => ({ Type: type, Status: "ENABLED" });

export function rootAnswer(organization: Organization): JsonObject {
  const { rootId, policyTypes = [] } = organization;
  return {
    Id: rootId,
    Arn: organizationPartArn(organization, "root", rootId),
    Name: "Root",
    PolicyTypes: policyTypes.map(enabledType),
  };
}

export function policySummary(
  organization: Organization,
  { id, name, description, isAwsManaged }: ServiceControlPolicy,
): JsonObject {
  return {
    Id: id,
    Arn: policyArn(organization, id),
    Name: name,
    Description: description,
    Type: serviceControlType,
    AwsManaged: isAwsManaged,
  };
}

export function policyAnswer(organization: Organization, policy: ServiceControlPolicy): JsonObject {
  return { PolicySummary: policySummary(organization, policy), Content: policy.content };
}

const targetTypes = { root: "ROOT", ou: "ORGANIZATIONAL_UNIT", account: "ACCOUNT" } as const;

export function targetAnswer(
  organization: Organization,
  { id, name, kind }: AttachedTarget,
): JsonObject {
  return {
    TargetId: id,
    Arn: organizationPartArn(organization, kind, id),
    Name: name,
    Type: targetTypes[kind],
  };
}

export function handshakeAnswer(handshake: Handshake): JsonObject {
  const { organization, target, notes } = handshake;
  return {
    Id: handshake.id,
    Arn: handshakeArn(handshake),
    Parties: [
      { Id: organization.id, Type: "ORGANIZATION" },
      { Id: target.id, Type: target.type },
    ],
    State: handshake.state,
    RequestedTimestamp: handshake.requestedMs / 1000,
    ExpirationTimestamp: handshake.expiresMs / 1000,
    Action: "INVITE",
    Resources: [
      {
        Value: organization.id,
        Type: "ORGANIZATION",
        Resources: [
          { Value: handshake.managementEmail, Type: "MASTER_EMAIL" },
          { Value: handshake.managementName, Type: "MASTER_NAME" },
          { Value: organization.featureSet, Type: "ORGANIZATION_FEATURE_SET" },
        ],
      },
      { Value: target.id, Type: target.type },
      ...(notes === undefined ? [] : [{ Value: notes, Type: "NOTES" }]),
    ],
  };
}
