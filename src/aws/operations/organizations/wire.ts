// How Organizations writes its things; times are epoch seconds.
import {
  type AccountRequest,
  type Member,
  type Organization,
  type OrganizationalUnit,
  organizationArn,
  organizationPartArn,
} from "../../../directory/organizations.ts";
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
    AvailablePolicyTypes: [],
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
