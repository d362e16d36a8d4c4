# Walks through IAM with boto3 as an administrator would, and checks every answer. Prints "done" and what must be secret.
# The environment says where the server is and with which key to sign.
import base64
import hashlib
import hmac
import json
import os
import struct
import time

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

ACCOUNT = "111122223333"
endpoint = os.environ["AWS_ENDPOINT_URL"]
session = boto3.session.Session(region_name="us-east-1")
# botocore's own check of ranges would keep what is out of range from us.
unchecked = Config(parameter_validation=False)
iam = session.client("iam", endpoint_url=endpoint, config=unchecked)
sts = session.client("sts", endpoint_url=endpoint)

POLICY = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}]}
TRUST = {
    "Version": "2012-10-17",
    "Statement": [
        {"Effect": "Allow", "Principal": {"AWS": ACCOUNT}, "Action": "sts:AssumeRole"},
    ],
}
# What RFC 3986 reserves, and what XML does.
ODD = {**POLICY, "Id": "a b+c%20&<>\"'!*()~é"}


def refused(code, call, **arguments):
    try:
        call(**arguments)
    except ClientError as error:
        told = error.response["Error"]
        assert told["Code"] == code, (told, arguments)
        return told["Message"]
    raise AssertionError(f"{call.__name__} was not refused: {arguments}")


def plain(answer):
    return {key: value for key, value in answer.items() if key != "ResponseMetadata"}


def arn(resource):
    return f"arn:aws:iam::{ACCOUNT}:{resource}"


def totp(seed, step):
    digest = hmac.new(base64.b32decode(seed), struct.pack(">Q", step), hashlib.sha1).digest()
    offset = digest[-1] & 15
    return str((struct.unpack(">I", digest[offset : offset + 4])[0] & 0x7FFFFFFF) % 10**6).zfill(6)


# Users
user = iam.create_user(UserName="bob", Path="/team/", Tags=[{"Key": "Team", "Value": "a+b"}])["User"]
assert user["Arn"] == arn("user/team/bob") and user["UserId"].startswith("AIDA"), user
assert user["Tags"] == [{"Key": "Team", "Value": "a+b"}], user
assert abs(user["CreateDate"].timestamp() - time.time()) < 60, user
assert iam.get_user(UserName="bob")["User"] == user
root = iam.get_user()["User"]
assert root["Arn"] == arn("root") and root["UserId"] == ACCOUNT and "UserName" not in root, root
for number in range(5):
    iam.create_user(UserName=f"user{number}")
names = [
    each["UserName"]
    for page in iam.get_paginator("list_users").paginate(PaginationConfig={"PageSize": 2})
    for each in page["Users"]
]
assert names == ["alice", "bob", "user0", "user1", "user2", "user3", "user4"], names
assert [u["UserName"] for u in iam.list_users(PathPrefix="/team/")["Users"]] == ["bob"]
assert refused("EntityAlreadyExists", iam.create_user, UserName="BOB") == "User with name BOB already exists."
refused("NoSuchEntity", iam.get_user, UserName="nobody")
refused("ValidationError", iam.create_user, UserName="a b")
refused("ValidationError", iam.list_users, Marker="???")
iam.tag_user(UserName="bob", Tags=[{"Key": "Cost", "Value": ""}])
iam.untag_user(UserName="bob", TagKeys=["Team"])
assert iam.list_user_tags(UserName="bob")["Tags"] == [{"Key": "Cost", "Value": ""}]
iam.update_user(UserName="user4", NewUserName="renamed", NewPath="/new/")
assert iam.get_user(UserName="renamed")["User"]["Path"] == "/new/"

# Groups
group = iam.create_group(GroupName="team", Path="/g/")["Group"]
assert group["Arn"] == arn("group/g/team") and group["GroupId"].startswith("AGPA"), group
for name in ("bob", "user1"):
    iam.add_user_to_group(GroupName="team", UserName=name)
page = iam.get_group(GroupName="team", MaxItems=1)
assert page["IsTruncated"] and [u["UserName"] for u in page["Users"]] == ["bob"], page
page = iam.get_group(GroupName="team", Marker=page["Marker"])
assert not page["IsTruncated"] and [u["UserName"] for u in page["Users"]] == ["user1"], page
assert [g["GroupName"] for g in iam.list_groups_for_user(UserName="bob")["Groups"]] == ["team"]
refused("DeleteConflict", iam.delete_group, GroupName="team")
iam.update_group(GroupName="team", NewGroupName="crew")
assert [g["GroupName"] for g in iam.list_groups()["Groups"]] == ["crew"]

# Managed policies and versions
policy = iam.create_policy(
    PolicyName="read", Path="/p/", PolicyDocument=json.dumps(ODD), Description="x", Tags=[{"Key": "k", "Value": "v"}]
)["Policy"]
POLICY_ARN = policy["Arn"]
assert POLICY_ARN == arn("policy/p/read") and policy["DefaultVersionId"] == "v1", policy
assert policy["AttachmentCount"] == 0 and policy["IsAttachable"] is True, policy
version = iam.get_policy_version(PolicyArn=POLICY_ARN, VersionId="v1")["PolicyVersion"]
assert version["Document"] == ODD and version["IsDefaultVersion"] is True, version
made = iam.create_policy_version(PolicyArn=POLICY_ARN, PolicyDocument=json.dumps(POLICY), SetAsDefault=True)
assert made["PolicyVersion"]["VersionId"] == "v2", made
versions = iam.list_policy_versions(PolicyArn=POLICY_ARN)["Versions"]
assert [(v["VersionId"], v["IsDefaultVersion"]) for v in versions] == [("v2", True), ("v1", False)], versions
iam.set_default_policy_version(PolicyArn=POLICY_ARN, VersionId="v1")
refused("DeleteConflict", iam.delete_policy_version, PolicyArn=POLICY_ARN, VersionId="v1")
iam.delete_policy_version(PolicyArn=POLICY_ARN, VersionId="v2")
refused("MalformedPolicyDocument", iam.create_policy, PolicyName="bad", PolicyDocument="{")
iam.tag_policy(PolicyArn=POLICY_ARN, Tags=[{"Key": "k2", "Value": "v2"}])
iam.untag_policy(PolicyArn=POLICY_ARN, TagKeys=["k"])
assert iam.list_policy_tags(PolicyArn=POLICY_ARN)["Tags"] == [{"Key": "k2", "Value": "v2"}]
assert [p["PolicyName"] for p in iam.list_policies(Scope="Local")["Policies"]] == ["read"]
aws = {p["PolicyName"] for p in iam.list_policies(Scope="AWS", MaxItems=1000)["Policies"]}
assert {"AdministratorAccess", "ReadOnlyAccess", "SecurityAudit"} <= aws, aws

# Inline, attached and boundary, for each kind of holder
role = iam.create_role(
    RoleName="deploy",
    Path="/r/",
    AssumeRolePolicyDocument=json.dumps(TRUST),
    Description="d",
    MaxSessionDuration=7200,
    PermissionsBoundary=POLICY_ARN,
    Tags=[{"Key": "k", "Value": "v"}],
)["Role"]
assert role["Arn"] == arn("role/r/deploy") and role["RoleId"].startswith("AROA"), role
assert role["AssumeRolePolicyDocument"] == TRUST and role["MaxSessionDuration"] == 7200, role
assert role["PermissionsBoundary"]["PermissionsBoundaryArn"] == POLICY_ARN, role
for kind, name in (("user", "bob"), ("group", "crew"), ("role", "deploy")):
    who = {f"{kind.capitalize()}Name": name}
    call = lambda pattern, **more: getattr(iam, pattern.format(kind))(**who, **more)
    call("put_{}_policy", PolicyName="own", PolicyDocument=json.dumps(ODD))
    got = plain(call("get_{}_policy", PolicyName="own"))
    assert got == {**who, "PolicyName": "own", "PolicyDocument": ODD}, got
    assert call("list_{}_policies")["PolicyNames"] == ["own"]
    call("attach_{}_policy", PolicyArn=POLICY_ARN)
    call("attach_{}_policy", PolicyArn="arn:aws:iam::aws:policy/ReadOnlyAccess")
    attached = call("list_attached_{}_policies")["AttachedPolicies"]
    assert {p["PolicyName"] for p in attached} == {"read", "ReadOnlyAccess"}, attached
    assert len(call("list_attached_{}_policies", PathPrefix="/p/")["AttachedPolicies"]) == 1
    call("detach_{}_policy", PolicyArn="arn:aws:iam::aws:policy/ReadOnlyAccess")
entities = iam.list_entities_for_policy(PolicyArn=POLICY_ARN)
assert [e["UserName"] for e in entities["PolicyUsers"]] == ["bob"], entities
assert [e["GroupName"] for e in entities["PolicyGroups"]] == ["crew"], entities
assert [e["RoleName"] for e in entities["PolicyRoles"]] == ["deploy"], entities
got = iam.get_policy(PolicyArn=POLICY_ARN)["Policy"]
assert (got["AttachmentCount"], got["PermissionsBoundaryUsageCount"]) == (3, 1), got
refused("DeleteConflict", iam.delete_policy, PolicyArn=POLICY_ARN)
iam.put_user_permissions_boundary(UserName="bob", PermissionsBoundary=POLICY_ARN)
assert iam.get_user(UserName="bob")["User"]["PermissionsBoundary"]["PermissionsBoundaryType"] == "Policy"
iam.delete_user_permissions_boundary(UserName="bob")

# Roles
iam.update_role(RoleName="deploy", Description="e", MaxSessionDuration=3600)
iam.update_assume_role_policy(RoleName="deploy", PolicyDocument=json.dumps({**TRUST, "Id": "2"}))
got = iam.get_role(RoleName="deploy")["Role"]
assert (got["Description"], got["AssumeRolePolicyDocument"]["Id"]) == ("e", "2"), got
assert got["RoleLastUsed"] == {}, got
iam.tag_role(RoleName="deploy", Tags=[{"Key": "k2", "Value": "v2"}])
iam.untag_role(RoleName="deploy", TagKeys=["k"])
assert iam.list_role_tags(RoleName="deploy")["Tags"] == [{"Key": "k2", "Value": "v2"}]
assert [r["RoleName"] for r in iam.list_roles(PathPrefix="/r/")["Roles"]] == ["deploy"]
refused("ValidationError", iam.create_role, RoleName="x", AssumeRolePolicyDocument=json.dumps(TRUST), MaxSessionDuration=43201)
profile = iam.create_instance_profile(InstanceProfileName="web")["InstanceProfile"]
assert profile["InstanceProfileId"].startswith("AIPA") and profile["Roles"] == [], profile
iam.add_role_to_instance_profile(InstanceProfileName="web", RoleName="deploy")
profiles = iam.list_instance_profiles_for_role(RoleName="deploy")["InstanceProfiles"]
assert profiles[0]["Roles"][0]["AssumeRolePolicyDocument"]["Id"] == "2", profiles
refused("DeleteConflict", iam.delete_role, RoleName="deploy")

# Roles that belong to services
linked = iam.create_service_linked_role(AWSServiceName="cloudtrail.amazonaws.com")["Role"]
assert linked["Arn"] == arn("role/aws-service-role/cloudtrail.amazonaws.com/AWSServiceRoleForCloudTrail"), linked
LINKED = linked["RoleName"]
refused("InvalidInput", iam.create_service_linked_role, AWSServiceName="cloudtrail.amazonaws.com")
refused("UnmodifiableEntity", iam.delete_role, RoleName=LINKED)
refused("UnmodifiableEntity", iam.update_role, RoleName=LINKED, Description="mine")
refused("UnmodifiableEntity", iam.attach_role_policy, RoleName=LINKED, PolicyArn=POLICY_ARN)
refused(
    "ValidationError",
    iam.create_role,
    RoleName="x",
    Path="/aws-service-role/x/",
    AssumeRolePolicyDocument=json.dumps(TRUST),
)
task = iam.delete_service_linked_role(RoleName=LINKED)["DeletionTaskId"]
assert iam.get_service_linked_role_deletion_status(DeletionTaskId=task)["Status"] == "SUCCEEDED"
refused("NoSuchEntity", iam.get_role, RoleName=LINKED)
refused("InvalidInput", iam.delete_service_linked_role, RoleName="deploy")

# What Terraform asks for before it deletes a user, and of which there is none
assert iam.list_ssh_public_keys(UserName="bob")["SSHPublicKeys"] == []
assert iam.list_signing_certificates(UserName="bob")["Certificates"] == []
assert iam.list_service_specific_credentials(UserName="bob")["ServiceSpecificCredentials"] == []
refused("NoSuchEntity", iam.list_ssh_public_keys, UserName="nobody")
refused("NoSuchEntity", iam.get_account_password_policy)
assert iam.list_saml_providers()["SAMLProviderList"] == []
assert iam.list_server_certificates()["ServerCertificateMetadataList"] == []

# Access keys
key = iam.create_access_key(UserName="bob")["AccessKey"]
assert key["UserName"] == "bob" and key["Status"] == "Active", key
bob = boto3.session.Session(key["AccessKeyId"], key["SecretAccessKey"], region_name="eu-west-1")
told = bob.client("sts", endpoint_url=endpoint).get_caller_identity()
assert told["Arn"] == arn("user/team/bob"), told
used = iam.get_access_key_last_used(AccessKeyId=key["AccessKeyId"])
assert used["UserName"] == "bob", used
assert used["AccessKeyLastUsed"]["ServiceName"] == "sts" and used["AccessKeyLastUsed"]["Region"] == "eu-west-1", used
second = iam.create_access_key(UserName="bob")["AccessKey"]
assert iam.get_access_key_last_used(AccessKeyId=second["AccessKeyId"])["AccessKeyLastUsed"]["ServiceName"] == "N/A"
refused("LimitExceeded", iam.create_access_key, UserName="bob")
iam.update_access_key(UserName="bob", AccessKeyId=second["AccessKeyId"], Status="Inactive")
listed = {k["AccessKeyId"]: k["Status"] for k in iam.list_access_keys(UserName="bob")["AccessKeyMetadata"]}
assert listed == {key["AccessKeyId"]: "Active", second["AccessKeyId"]: "Inactive"}, listed
refused("NoSuchEntity", iam.delete_access_key, UserName="user1", AccessKeyId=second["AccessKeyId"])
iam.delete_access_key(UserName="bob", AccessKeyId=second["AccessKeyId"])
# Without a name: the caller's own.
own = bob.client("iam", endpoint_url=endpoint)
told = refused("AccessDenied", own.get_user)
assert told == (
    f"User: {arn('user/team/bob')} is not authorized to perform: iam:GetUser on resource: user bob "
    "because no identity-based policy allows the iam:GetUser action"
), told
ADMINISTRATOR = "arn:aws:iam::aws:policy/AdministratorAccess"
iam.attach_user_policy(UserName="bob", PolicyArn=ADMINISTRATOR)
assert own.get_user()["User"]["UserName"] == "bob"
assert [k["AccessKeyId"] for k in own.list_access_keys()["AccessKeyMetadata"]] == [key["AccessKeyId"]]

# Console passwords and MFA devices
PASSWORD = "Correct-horse-battery-1"
iam.create_login_profile(UserName="bob", Password=PASSWORD, PasswordResetRequired=True)
assert iam.get_login_profile(UserName="bob")["LoginProfile"]["PasswordResetRequired"] is True
refused("PasswordPolicyViolation", iam.update_login_profile, UserName="bob", Password="short")
iam.update_login_profile(UserName="bob", PasswordResetRequired=False)
refused("EntityAlreadyExists", iam.create_login_profile, UserName="bob", Password=PASSWORD)
NEW_PASSWORD = "Correct-horse-battery-2"
own.change_password(OldPassword=PASSWORD, NewPassword=NEW_PASSWORD)
refused("InvalidUserType", iam.change_password, OldPassword=PASSWORD, NewPassword=NEW_PASSWORD)
device = iam.create_virtual_mfa_device(VirtualMFADeviceName="phone")["VirtualMFADevice"]
SERIAL, SEED = device["SerialNumber"], device["Base32StringSeed"].decode()
assert SERIAL == arn("mfa/phone") and len(SEED) == 64, device
step = int(time.time()) // 30
refused(
    "InvalidAuthenticationCode",
    iam.enable_mfa_device,
    UserName="bob",
    SerialNumber=SERIAL,
    AuthenticationCode1="000000",
    AuthenticationCode2="000000",
)
iam.enable_mfa_device(
    UserName="bob",
    SerialNumber=SERIAL,
    AuthenticationCode1=totp(SEED, step - 1),
    AuthenticationCode2=totp(SEED, step),
)
assert [d["SerialNumber"] for d in iam.list_mfa_devices(UserName="bob")["MFADevices"]] == [SERIAL]
virtual = iam.list_virtual_mfa_devices(AssignmentStatus="Assigned")["VirtualMFADevices"]
assert [d["User"]["UserName"] for d in virtual] == ["bob"], virtual
# IAM takes sessions of users only where a code was shown.
def session_of(answer):
    c = answer["Credentials"]
    return boto3.session.Session(c["AccessKeyId"], c["SecretAccessKey"], c["SessionToken"], region_name="us-east-1")


bob_sts = bob.client("sts", endpoint_url=endpoint)
weak = session_of(bob_sts.get_session_token()).client("iam", endpoint_url=endpoint)
refused("InvalidClientTokenId", weak.get_user)
strong_answer = bob_sts.get_session_token(SerialNumber=SERIAL, TokenCode=totp(SEED, step + 1))
strong = session_of(strong_answer).client("iam", endpoint_url=endpoint)
assert strong.get_user()["User"]["UserName"] == "bob"
iam.deactivate_mfa_device(UserName="bob", SerialNumber=SERIAL)
iam.delete_virtual_mfa_device(SerialNumber=SERIAL)

# OIDC providers
made = iam.create_open_id_connect_provider(
    Url="https://token.example.com/x", ClientIDList=["sts.amazonaws.com"], ThumbprintList=["a" * 40]
)
OIDC = made["OpenIDConnectProviderArn"]
assert OIDC == arn("oidc-provider/token.example.com/x"), made
iam.add_client_id_to_open_id_connect_provider(OpenIDConnectProviderArn=OIDC, ClientID="other")
iam.remove_client_id_from_open_id_connect_provider(OpenIDConnectProviderArn=OIDC, ClientID="sts.amazonaws.com")
iam.update_open_id_connect_provider_thumbprint(OpenIDConnectProviderArn=OIDC, ThumbprintList=["b" * 40])
got = iam.get_open_id_connect_provider(OpenIDConnectProviderArn=OIDC)
assert (got["Url"], got["ClientIDList"], got["ThumbprintList"]) == ("token.example.com/x", ["other"], ["b" * 40]), got
assert iam.list_open_id_connect_providers()["OpenIDConnectProviderList"] == [{"Arn": OIDC}]
iam.delete_open_id_connect_provider(OpenIDConnectProviderArn=OIDC)
refused("NoSuchEntity", iam.get_open_id_connect_provider, OpenIDConnectProviderArn=OIDC)

# The account
iam.create_account_alias(AccountAlias="example")
assert iam.list_account_aliases()["AccountAliases"] == ["example"]
iam.delete_account_alias(AccountAlias="example")
summary = iam.get_account_summary()["SummaryMap"]
assert (summary["Users"], summary["Groups"], summary["Roles"], summary["Policies"]) == (7, 1, 1, 1), summary
details = {"UserDetailList": [], "GroupDetailList": [], "RoleDetailList": [], "Policies": []}
for page in iam.get_paginator("get_account_authorization_details").paginate(
    Filter=["User", "Role", "Group", "LocalManagedPolicy"], PaginationConfig={"PageSize": 3}
):
    for name, found in details.items():
        found.extend(page[name])
assert [len(found) for found in details.values()] == [7, 1, 1, 1], details
detail = next(d for d in details["UserDetailList"] if d["UserName"] == "bob")
assert detail["GroupList"] == ["crew"] and detail["UserPolicyList"][0]["PolicyDocument"] == ODD, detail
detail = details["RoleDetailList"][0]
assert detail["InstanceProfileList"][0]["InstanceProfileName"] == "web", detail

# And down again, in the order that Terraform takes
iam.detach_user_policy(UserName="bob", PolicyArn=ADMINISTRATOR)
iam.remove_role_from_instance_profile(InstanceProfileName="web", RoleName="deploy")
iam.delete_instance_profile(InstanceProfileName="web")
for kind, name in (("user", "bob"), ("group", "crew"), ("role", "deploy")):
    who = {f"{kind.capitalize()}Name": name}
    getattr(iam, f"delete_{kind}_policy")(**who, PolicyName="own")
    getattr(iam, f"detach_{kind}_policy")(**who, PolicyArn=POLICY_ARN)
iam.delete_role_permissions_boundary(RoleName="deploy")
iam.delete_role(RoleName="deploy")
iam.delete_policy(PolicyArn=POLICY_ARN)
for name in ("bob", "user1"):
    iam.remove_user_from_group(GroupName="crew", UserName=name)
iam.delete_group(GroupName="crew")
iam.delete_login_profile(UserName="bob")
iam.delete_access_key(UserName="bob", AccessKeyId=key["AccessKeyId"])
for name in ("bob", "user0", "user1", "user2", "user3", "renamed"):
    iam.delete_user(UserName=name)
# The session of a user who is gone.
refused("InvalidClientTokenId", strong.get_user)
assert [u["UserName"] for u in iam.list_users()["Users"]] == ["alice"]

secrets = [key["SecretAccessKey"], second["SecretAccessKey"], PASSWORD, NEW_PASSWORD, SEED]
secrets += [strong_answer["Credentials"]["SecretAccessKey"], strong_answer["Credentials"]["SessionToken"]]
print(json.dumps({"done": True, "secrets": secrets}))
