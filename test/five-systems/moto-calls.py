# Makes one call of each kind to an AWS-compatible system, and prints botocore's own view of each as a JSON line:
# {service, operation, error, parameters}. The environment says where, and with which key.
import io
import json
import os
import zipfile

import boto3
from botocore import UNSIGNED
from botocore.config import Config
from botocore.exceptions import ClientError

endpoint = os.environ["AWS_ENDPOINT_URL"]


def client(service, **settings):
    config = Config(retries={"total_max_attempts": 1}, **settings)
    return boto3.client(service, endpoint_url=endpoint, config=config)


def plain(value):
    if isinstance(value, bytes):
        return "(bytes)"
    if isinstance(value, dict):
        return {key: plain(each) for key, each in value.items()}
    return [plain(each) for each in value] if isinstance(value, list) else value


def call(target, method, **parameters):
    error = None
    answer = {}
    try:
        answer = getattr(target, method)(**parameters)
    except ClientError as failure:
        error = failure.response["Error"]["Code"]
    print(
        json.dumps(
            {
                "service": target.meta.service_model.service_name,
                "operation": target.meta.method_to_api_mapping[method],
                "error": error,
                "parameters": plain(parameters),
            }
        ),
        flush=True,
    )
    return answer


# awsJson 1.1
idp = client("cognito-idp")
pool = call(idp, "create_user_pool", PoolName="people")["UserPool"]["Id"]
app = call(idp, "create_user_pool_client", UserPoolId=pool, ClientName="app")["UserPoolClient"]
call(idp, "list_user_pools", MaxResults=10)
call(idp, "describe_user_pool", UserPoolId="us-east-1_absent000")
public = client("cognito-idp", signature_version=UNSIGNED)
person = {"ClientId": app["ClientId"], "Username": "a-handle-that-is-hidden"}
call(public, "sign_up", Password="Hidden-Passw0rd!", **person)
call(public, "confirm_sign_up", ConfirmationCode="654321", **person)
call(public, "sign_up", Password="Hidden-Passw0rd!", **person)
identity = client("cognito-identity")
call(
    identity,
    "create_identity_pool",
    IdentityPoolName="TestPool",
    AllowUnauthenticatedIdentities=True,
)
call(identity, "describe_identity_pool", IdentityPoolId="us-east-1:00000000-0000-4000-8000-000000000000")
kms = client("kms")
key = call(kms, "create_key", Description="a key")["KeyMetadata"]["KeyId"]
call(kms, "list_keys", Limit=10)
call(kms, "describe_key", KeyId=key)
call(kms, "describe_key", KeyId="00000000-0000-4000-8000-000000000000")

# awsJson 1.0
dynamodb = client("dynamodb")
call(
    dynamodb,
    "create_table",
    TableName="things",
    AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
    KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
    BillingMode="PAY_PER_REQUEST",
)
call(dynamodb, "describe_table", TableName="things")
call(dynamodb, "list_tables", Limit=5)
call(dynamodb, "describe_table", TableName="absent")

# awsJson 1.0 of newer clients, awsQuery of older ones
sqs = client("sqs")
queue = call(sqs, "create_queue", QueueName="jobs")["QueueUrl"]
call(sqs, "list_queues", QueueNamePrefix="jo")
call(sqs, "get_queue_url", QueueName="absent")
call(sqs, "delete_queue", QueueUrl=queue)

# awsQuery
sns = client("sns")
topic = call(sns, "create_topic", Name="news")["TopicArn"]
call(sns, "get_topic_attributes", TopicArn=topic)
call(sns, "get_topic_attributes", TopicArn=topic + "-absent")
iam = client("iam")
call(iam, "create_user", UserName="worker")
call(iam, "get_user", UserName="worker")
call(iam, "get_user", UserName="absent")
call(iam, "create_user", UserName="worker")
call(
    iam,
    "create_role",
    RoleName="runner",
    AssumeRolePolicyDocument='{"Version":"2012-10-17","Statement":[]}',
)
call(iam, "list_users", MaxItems=10)
sts = client("sts")
call(sts, "get_caller_identity")
call(sts, "assume_role", RoleArn="arn:aws:iam::111122223333:role/runner", RoleSessionName="session")

# ec2Query
ec2 = client("ec2")
vpc = call(ec2, "create_vpc", CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
call(ec2, "describe_vpcs", VpcIds=[vpc])
call(ec2, "describe_instances", InstanceIds=["i-00000000000000000"])
call(ec2, "create_tags", Resources=[vpc], Tags=[{"Key": "Name", "Value": "home"}])
call(ec2, "delete_vpc", VpcId=vpc)

# restXml
s3 = client("s3", s3={"addressing_style": "path"})
call(s3, "create_bucket", Bucket="things-of-ours")
call(s3, "put_object", Bucket="things-of-ours", Key="a/b c.txt", Body=b"hello")
call(s3, "get_bucket_location", Bucket="things-of-ours")
call(s3, "get_object", Bucket="things-of-ours", Key="absent")
call(s3, "list_buckets")
call(s3, "delete_bucket", Bucket="absent-bucket-of-ours")
call(s3, "put_bucket_versioning", Bucket="things-of-ours", VersioningConfiguration={"Status": "Enabled"})
call(s3, "head_bucket", Bucket="absent-bucket-of-ours")

# restJson
v1 = client("apigateway")
api = call(v1, "create_rest_api", name="shop", description="a shop")["id"]
call(v1, "get_rest_apis", limit=5)
call(v1, "get_rest_api", restApiId="absent")
call(v1, "get_resources", restApiId=api)
call(v1, "delete_rest_api", restApiId=api)
v2 = client("apigatewayv2")
http = call(v2, "create_api", Name="shop", ProtocolType="HTTP")["ApiId"]
call(v2, "get_api", ApiId=http)
call(v2, "get_api", ApiId="absent")
call(v2, "get_apis")
archive = io.BytesIO()
with zipfile.ZipFile(archive, "w") as code:
    code.writestr("main.py", "def handler(event, context): pass")
functions = client("lambda")
call(
    functions,
    "create_function",
    FunctionName="task",
    Runtime="python3.11",
    Role="arn:aws:iam::123456789012:role/runner",
    Handler="main.handler",
    Code={"ZipFile": archive.getvalue()},
)
call(functions, "get_function", FunctionName="absent")
call(functions, "list_functions", MaxItems=5)

# rpcv2Cbor of newer clients, awsQuery of older ones
cloudwatch = client("cloudwatch")
call(
    cloudwatch,
    "put_metric_alarm",
    AlarmName="busy",
    MetricName="Load",
    Namespace="Ours",
    Statistic="Average",
    Period=60,
    EvaluationPeriods=1,
    Threshold=1.5,
    ComparisonOperator="GreaterThanThreshold",
)
call(cloudwatch, "describe_alarms", AlarmNames=["busy"])
call(cloudwatch, "get_dashboard", DashboardName="absent")
call(cloudwatch, "delete_alarms", AlarmNames=["busy"])
