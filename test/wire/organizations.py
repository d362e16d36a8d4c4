# Builds an organization with boto3, gives its accounts work, and takes it down again; checks every answer.
# The environment says where the server is and with which key to sign: the root user of the account that will manage it.
# Arguments: an account that is in no organization, and its root user's key.
import json
import os
import sys
import time

import boto3
from botocore.exceptions import ClientError

ACCOUNT = "111122223333"
endpoint = os.environ["AWS_ENDPOINT_URL"]
session = boto3.session.Session(region_name="us-east-1")
org = session.client("organizations", endpoint_url=endpoint)
iam = session.client("iam", endpoint_url=endpoint)


def refused(code, call, **arguments):
    try:
        call(**arguments)
    except ClientError as error:
        told = error.response["Error"]
        assert told["Code"] == code, (told, arguments)
        return told["Message"]
    raise AssertionError(f"{call.__name__} was not refused: {arguments}")


refused("AWSOrganizationsNotInUseException", org.describe_organization)
refused("AWSOrganizationsNotInUseException", org.list_accounts)
organization = org.create_organization(FeatureSet="ALL")["Organization"]
ID = organization["Id"]
assert organization["Arn"] == f"arn:aws:organizations::{ACCOUNT}:organization/{ID}", organization
assert organization["MasterAccountId"] == ACCOUNT and organization["FeatureSet"] == "ALL", organization
assert organization["MasterAccountArn"] == f"arn:aws:organizations::{ACCOUNT}:account/{ID}/{ACCOUNT}", organization
assert org.describe_organization()["Organization"] == organization
refused("AlreadyInOrganizationException", org.create_organization)

# Accounts
made = org.create_account(Email="dev@example.com", AccountName="Dev")["CreateAccountStatus"]
assert made["State"] == "SUCCEEDED" and made["Id"].startswith("car-"), made
DEV = made["AccountId"]
status = org.describe_create_account_status(CreateAccountRequestId=made["Id"])["CreateAccountStatus"]
assert status == made and abs(status["RequestedTimestamp"].timestamp() - time.time()) < 60, status
refused("CreateAccountStatusNotFoundException", org.describe_create_account_status, CreateAccountRequestId="car-" + "a" * 10)
failed = org.create_account(Email="DEV@example.com", AccountName="Dev 2")["CreateAccountStatus"]
assert (failed["State"], failed["FailureReason"]) == ("FAILED", "EMAIL_ALREADY_EXISTS"), failed
refused("InvalidInputException", org.create_account, Email="no address", AccountName="x")
for number in range(3):
    org.create_account(Email=f"n{number}@example.com", AccountName=f"N{number}")
pages = org.get_paginator("list_accounts").paginate(PaginationConfig={"PageSize": 2})
accounts = [each for page in pages for each in page["Accounts"]]
assert len(accounts) == 5 and {DEV, ACCOUNT} <= {each["Id"] for each in accounts}, accounts
dev = org.describe_account(AccountId=DEV)["Account"]
assert (dev["Email"], dev["Name"], dev["Status"], dev["JoinedMethod"]) == ("dev@example.com", "Dev", "ACTIVE", "CREATED"), dev
refused("AccountNotFoundException", org.describe_account, AccountId="999999999999")

# The tree
root = org.list_roots()["Roots"][0]
assert root["Id"].startswith("r-") and root["Name"] == "Root", root
unit = org.create_organizational_unit(ParentId=root["Id"], Name="Teams")["OrganizationalUnit"]
assert unit["Arn"] == f"arn:aws:organizations::{ACCOUNT}:ou/{ID}/{unit['Id']}", unit
refused("DuplicateOrganizationalUnitException", org.create_organizational_unit, ParentId=root["Id"], Name="Teams")
refused("ParentNotFoundException", org.create_organizational_unit, ParentId="r-none", Name="x")
org.move_account(AccountId=DEV, SourceParentId=root["Id"], DestinationParentId=unit["Id"])
refused("SourceParentNotFoundException", org.move_account, AccountId=DEV, SourceParentId=root["Id"], DestinationParentId=unit["Id"])
assert org.list_parents(ChildId=DEV)["Parents"] == [{"Id": unit["Id"], "Type": "ORGANIZATIONAL_UNIT"}]
assert org.list_parents(ChildId=unit["Id"])["Parents"] == [{"Id": root["Id"], "Type": "ROOT"}]
assert org.list_children(ParentId=unit["Id"], ChildType="ACCOUNT")["Children"] == [{"Id": DEV, "Type": "ACCOUNT"}]
assert len(org.list_children(ParentId=root["Id"], ChildType="ACCOUNT")["Children"]) == 4
assert [a["Id"] for a in org.list_accounts_for_parent(ParentId=unit["Id"])["Accounts"]] == [DEV]
assert [u["Name"] for u in org.list_organizational_units_for_parent(ParentId=root["Id"])["OrganizationalUnits"]] == ["Teams"]
refused("OrganizationalUnitNotEmptyException", org.delete_organizational_unit, OrganizationalUnitId=unit["Id"])
org.update_organizational_unit(OrganizationalUnitId=unit["Id"], Name="Crews")
assert org.describe_organizational_unit(OrganizationalUnitId=unit["Id"])["OrganizationalUnit"]["Name"] == "Crews"

# Trusted services and who administers them
TRAIL = "cloudtrail.amazonaws.com"
refused("ConstraintViolationException", org.register_delegated_administrator, AccountId=DEV, ServicePrincipal=TRAIL)
org.enable_aws_service_access(ServicePrincipal=TRAIL)
org.enable_aws_service_access(ServicePrincipal=TRAIL)
enabled = org.list_aws_service_access_for_organization()["EnabledServicePrincipals"]
assert [each["ServicePrincipal"] for each in enabled] == [TRAIL], enabled
refused("InvalidInputException", org.enable_aws_service_access, ServicePrincipal="cloudtrail")
org.register_delegated_administrator(AccountId=DEV, ServicePrincipal=TRAIL)
refused("AccountAlreadyRegisteredException", org.register_delegated_administrator, AccountId=DEV, ServicePrincipal=TRAIL)
refused("ConstraintViolationException", org.register_delegated_administrator, AccountId=ACCOUNT, ServicePrincipal=TRAIL)
refused("ConstraintViolationException", org.disable_aws_service_access, ServicePrincipal=TRAIL)
delegates = org.list_delegated_administrators(ServicePrincipal=TRAIL)["DelegatedAdministrators"]
assert [each["Id"] for each in delegates] == [DEV], delegates
services = org.list_delegated_services_for_account(AccountId=DEV)["DelegatedServices"]
assert [each["ServicePrincipal"] for each in services] == [TRAIL], services

# A member's own administrators come in by the role that every new account has
iam.create_user(UserName="manager")
iam.attach_user_policy(UserName="manager", PolicyArn="arn:aws:iam::aws:policy/AdministratorAccess")
key = iam.create_access_key(UserName="manager")["AccessKey"]
manager = boto3.session.Session(key["AccessKeyId"], key["SecretAccessKey"], region_name="us-east-1")


def member_session(account):
    answer = manager.client("sts", endpoint_url=endpoint).assume_role(
        RoleArn=f"arn:aws:iam::{account}:role/OrganizationAccountAccessRole", RoleSessionName="first"
    )["Credentials"]
    return boto3.session.Session(
        answer["AccessKeyId"], answer["SecretAccessKey"], answer["SessionToken"], region_name="us-east-1"
    )


inside = member_session(DEV)
inside_iam = inside.client("iam", endpoint_url=endpoint)
assert inside.client("sts", endpoint_url=endpoint).get_caller_identity()["Account"] == DEV
assert inside_iam.list_users()["Users"] == []
refused("NoSuchEntity", inside_iam.get_user, UserName="manager")
refused("NoSuchEntity", inside_iam.delete_access_key, UserName="manager", AccessKeyId=key["AccessKeyId"])
refused("NoSuchEntity", inside_iam.get_access_key_last_used, AccessKeyId=key["AccessKeyId"])
inside_iam.create_user(UserName="manager")
assert [r["RoleName"] for r in inside_iam.list_roles()["Roles"]] == ["OrganizationAccountAccessRole"]
attached = inside_iam.list_attached_role_policies(RoleName="OrganizationAccountAccessRole")["AttachedPolicies"]
assert [p["PolicyName"] for p in attached] == ["AdministratorAccess"], attached
# Every member may see the organization; who administers a service may see its accounts; others may not.
inside_org = inside.client("organizations", endpoint_url=endpoint)
assert inside_org.describe_organization()["Organization"]["Id"] == ID
assert len(inside_org.list_accounts()["Accounts"]) == 5
refused("AccessDeniedException", inside_org.create_account, Email="x@example.com", AccountName="x")
refused("AccessDeniedException", inside_org.enable_aws_service_access, ServicePrincipal=TRAIL)
other = next(each["Id"] for each in accounts if each["Name"] == "N0")
other_org = member_session(other).client("organizations", endpoint_url=endpoint)
assert other_org.describe_organization()["Organization"]["Id"] == ID
refused("AccessDeniedException", other_org.list_accounts)
refused("AccessDeniedException", other_org.describe_account, AccountId=DEV)

# Service control policies: what the accounts may do at most
SCP = "SERVICE_CONTROL_POLICY"
FULL = "p-FullAWSAccess"
assert organization["AvailablePolicyTypes"] == [{"Type": SCP, "Status": "ENABLED"}], organization
assert root["PolicyTypes"] == [], root
no_users = json.dumps({"Version": "2012-10-17", "Statement": {"Effect": "Deny", "Action": "iam:CreateUser", "Resource": "*"}})
policy = org.create_policy(Name="NoUsers", Description="No more users", Type=SCP, Content=no_users)["Policy"]
summary = policy["PolicySummary"]
POLICY = summary["Id"]
assert policy["Content"] == no_users, policy
assert summary == {
    "Id": POLICY,
    "Arn": f"arn:aws:organizations::{ACCOUNT}:policy/{ID}/service_control_policy/{POLICY}",
    "Name": "NoUsers",
    "Description": "No more users",
    "Type": SCP,
    "AwsManaged": False,
}, summary
assert org.describe_policy(PolicyId=POLICY)["Policy"] == policy
refused("DuplicatePolicyException", org.create_policy, Name="NoUsers", Description="", Type=SCP, Content=no_users)
refused("MalformedPolicyDocumentException", org.create_policy, Name="x", Description="", Type=SCP, Content="{}")
refused("PolicyTypeNotAvailableForOrganizationException", org.create_policy, Name="x", Description="", Type="TAG_POLICY", Content="{}")
refused("InvalidInputException", org.create_policy, Name="x", Description="", Type="POLICY", Content=no_users)
refused("PolicyTypeNotEnabledException", org.attach_policy, PolicyId=POLICY, TargetId=root["Id"])
assert org.list_policies_for_target(TargetId=DEV, Filter=SCP)["Policies"] == []

refused("RootNotFoundException", org.enable_policy_type, RootId="r-none", PolicyType=SCP)
enabled = org.enable_policy_type(RootId=root["Id"], PolicyType=SCP)["Root"]
assert enabled["PolicyTypes"] == [{"Type": SCP, "Status": "ENABLED"}], enabled
assert org.list_roots()["Roots"] == [enabled]
refused("PolicyTypeAlreadyEnabledException", org.enable_policy_type, RootId=root["Id"], PolicyType=SCP)
full = {"Id": FULL, "Arn": f"arn:aws:organizations::aws:policy/service_control_policy/{FULL}", "Name": "FullAWSAccess",
        "Description": "Allows access to every operation", "Type": SCP, "AwsManaged": True}
for target in [root["Id"], unit["Id"], DEV, ACCOUNT]:
    assert org.list_policies_for_target(TargetId=target, Filter=SCP)["Policies"] == [full], target
pages = org.get_paginator("list_targets_for_policy").paginate(PolicyId=FULL, PaginationConfig={"PageSize": 2})
targets = [each for page in pages for each in page["Targets"]]
assert len(targets) == 7, targets
assert {each["Type"] for each in targets} == {"ROOT", "ORGANIZATIONAL_UNIT", "ACCOUNT"}, targets
assert sorted(each["Id"] for each in org.list_policies(Filter=SCP)["Policies"]) == sorted([FULL, POLICY])
assert org.list_policies(Filter="TAG_POLICY")["Policies"] == []

inside_iam.create_user(UserName="before")
org.attach_policy(PolicyId=POLICY, TargetId=unit["Id"])
refused("DuplicatePolicyAttachmentException", org.attach_policy, PolicyId=POLICY, TargetId=unit["Id"])
told = refused("AccessDenied", inside_iam.create_user, UserName="after")
assert told.endswith("with an explicit deny in a service control policy"), told
inside_iam.delete_user(UserName="before")
iam.create_user(UserName="unbound")
assert org.list_targets_for_policy(PolicyId=POLICY)["Targets"] == [
    {"TargetId": unit["Id"], "Arn": unit["Arn"], "Name": "Crews", "Type": "ORGANIZATIONAL_UNIT"}
]
refused("PolicyInUseException", org.delete_policy, PolicyId=POLICY)
org.update_policy(PolicyId=POLICY, Content=no_users.replace("CreateUser", "CreateGroup"), Name="NoGroups")
assert org.describe_policy(PolicyId=POLICY)["Policy"]["PolicySummary"]["Description"] == "No more users"
inside_iam.create_user(UserName="after")
refused("AccessDenied", inside_iam.create_group, GroupName="after")
org.detach_policy(PolicyId=POLICY, TargetId=unit["Id"])
refused("PolicyNotAttachedException", org.detach_policy, PolicyId=POLICY, TargetId=unit["Id"])
inside_iam.create_group(GroupName="after")
refused("ConstraintViolationException", org.detach_policy, PolicyId=FULL, TargetId=DEV)
refused("TargetNotFoundException", org.attach_policy, PolicyId=POLICY, TargetId="999999999999")
refused("PolicyNotFoundException", org.attach_policy, PolicyId="p-abcdefgh", TargetId=DEV)
refused("InvalidInputException", org.update_policy, PolicyId=FULL, Name="x")
refused("InvalidInputException", org.delete_policy, PolicyId=FULL)
refused("InvalidInputException", org.describe_effective_policy, PolicyType=SCP)
refused("EffectivePolicyNotFoundException", org.describe_effective_policy, PolicyType="TAG_POLICY")
seen = {each["Id"]: each for each in inside_org.list_policies(Filter=SCP)["Policies"]}
assert seen == {FULL: full, POLICY: {**summary, "Name": "NoGroups"}}, seen
refused("AccessDeniedException", inside_org.detach_policy, PolicyId=FULL, TargetId=DEV)
refused("AccessDeniedException", other_org.list_policies, Filter=SCP)

# An account that was there before joins by invitation
TEAM, team_key, team_secret = sys.argv[1:]
team = boto3.session.Session(team_key, team_secret, region_name="us-east-1")
team_org = team.client("organizations", endpoint_url=endpoint)
team_iam = team.client("iam", endpoint_url=endpoint)
refused("InvalidInputException", org.invite_account_to_organization, Target={"Type": "ACCOUNT", "Id": "1"})
refused("HandshakeConstraintViolationException", org.invite_account_to_organization, Target={"Type": "ACCOUNT", "Id": DEV})
invited = org.invite_account_to_organization(Target={"Type": "ACCOUNT", "Id": TEAM}, Notes="Come in")["Handshake"]
assert (invited["State"], invited["Action"]) == ("OPEN", "INVITE"), invited
assert invited["Arn"] == f"arn:aws:organizations::{ACCOUNT}:handshake/{ID}/invite/{invited['Id']}", invited
assert invited["Parties"] == [{"Id": ID, "Type": "ORGANIZATION"}, {"Id": TEAM, "Type": "ACCOUNT"}], invited
assert [each["Type"] for each in invited["Resources"]] == ["ORGANIZATION", "ACCOUNT", "NOTES"], invited
assert (invited["ExpirationTimestamp"] - invited["RequestedTimestamp"]).days == 15, invited
refused("DuplicateHandshakeException", org.invite_account_to_organization, Target={"Type": "ACCOUNT", "Id": TEAM})
assert team_org.list_handshakes_for_account()["Handshakes"] == [invited]
assert team_org.list_handshakes_for_account(Filter={"ActionType": "ENABLE_ALL_FEATURES"})["Handshakes"] == []
assert org.list_handshakes_for_organization()["Handshakes"] == [invited]
assert team_org.describe_handshake(HandshakeId=invited["Id"])["Handshake"] == invited
refused("AccessDeniedException", team_org.cancel_handshake, HandshakeId=invited["Id"])
refused("AccessDeniedException", org.accept_handshake, HandshakeId=invited["Id"])
assert org.cancel_handshake(HandshakeId=invited["Id"])["Handshake"]["State"] == "CANCELED"
refused("InvalidHandshakeTransitionException", team_org.accept_handshake, HandshakeId=invited["Id"])
refused("HandshakeAlreadyInStateException", org.cancel_handshake, HandshakeId=invited["Id"])
refused("HandshakeNotFoundException", team_org.accept_handshake, HandshakeId="h-" + "a" * 32)
refused("InvalidInputException", team_org.accept_handshake, HandshakeId="h")
again = org.invite_account_to_organization(Target={"Type": "ACCOUNT", "Id": TEAM})["Handshake"]
assert team_org.decline_handshake(HandshakeId=again["Id"])["Handshake"]["State"] == "DECLINED"
again = org.invite_account_to_organization(Target={"Type": "ACCOUNT", "Id": TEAM})["Handshake"]
refused("AWSOrganizationsNotInUseException", team_org.describe_organization)
assert team_org.accept_handshake(HandshakeId=again["Id"])["Handshake"]["State"] == "ACCEPTED"
assert team_org.describe_organization()["Organization"]["Id"] == ID
joined = org.describe_account(AccountId=TEAM)["Account"]
assert joined["JoinedMethod"] == "INVITED" and joined["Status"] == "ACTIVE", joined
assert [p["Id"] for p in org.list_policies_for_target(TargetId=TEAM, Filter=SCP)["Policies"]] == [FULL]

# Its root user is bound like everybody in it, and stays while a policy says so
org.move_account(AccountId=TEAM, SourceParentId=root["Id"], DestinationParentId=unit["Id"])
stay = no_users.replace("iam:CreateUser", "organizations:LeaveOrganization")
STAY = org.create_policy(Name="Stay", Description="Stay", Type=SCP, Content=stay)["Policy"]["PolicySummary"]["Id"]
org.attach_policy(PolicyId=STAY, TargetId=unit["Id"])
told = refused("AccessDeniedException", team_org.leave_organization)
assert told == (
    f"User: arn:aws:iam::{TEAM}:root is not authorized to perform: organizations:LeaveOrganization on resource: *"
    " with an explicit deny in a service control policy"
), told
org.detach_policy(PolicyId=STAY, TargetId=unit["Id"])
org.delete_policy(PolicyId=STAY)
team_org.leave_organization()
refused("AWSOrganizationsNotInUseException", team_org.leave_organization)
refused("AccountNotFoundException", org.describe_account, AccountId=TEAM)
refused("MasterCannotLeaveOrganizationException", org.leave_organization)
refused("ConstraintViolationException", org.remove_account_from_organization, AccountId=DEV)

# And down again
refused("OrganizationNotEmptyException", org.delete_organization)
assert org.disable_policy_type(RootId=root["Id"], PolicyType=SCP)["Root"]["PolicyTypes"] == []
refused("PolicyTypeNotEnabledException", org.disable_policy_type, RootId=root["Id"], PolicyType=SCP)
org.delete_policy(PolicyId=POLICY)
refused("PolicyNotFoundException", org.describe_policy, PolicyId=POLICY)
org.deregister_delegated_administrator(AccountId=DEV, ServicePrincipal=TRAIL)
refused("AccountNotRegisteredException", org.deregister_delegated_administrator, AccountId=DEV, ServicePrincipal=TRAIL)
refused("AccountNotRegisteredException", org.list_delegated_services_for_account, AccountId=DEV)
refused("AccessDeniedException", inside_org.list_accounts)
org.disable_aws_service_access(ServicePrincipal=TRAIL)
assert org.list_aws_service_access_for_organization()["EnabledServicePrincipals"] == []
org.move_account(AccountId=DEV, SourceParentId=unit["Id"], DestinationParentId=root["Id"])
org.delete_organizational_unit(OrganizationalUnitId=unit["Id"])
refused("OrganizationNotEmptyException", org.delete_organization)
for each in accounts:
    if each["Id"] != ACCOUNT:
        org.remove_account_from_organization(AccountId=each["Id"])
refused("AccountNotFoundException", org.remove_account_from_organization, AccountId=DEV)
refused("MasterCannotLeaveOrganizationException", org.remove_account_from_organization, AccountId=ACCOUNT)
# What they have stays theirs, and so do the sessions in them.
assert len(inside_iam.list_users()["Users"]) == 2
org.delete_organization()
refused("AWSOrganizationsNotInUseException", org.describe_organization)
print(json.dumps({"done": True, "member": DEV}))
