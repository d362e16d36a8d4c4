// Profiles of other well-known services: names, secrets and flags where the default rules are not what real records show.
// Observed in public sets of real records; documented redactions where AWS publishes them.
import type { OperationProfile, Profile } from "../profile.ts";

const words = (...lines: string[]): string[] => lines.flatMap((line) => line.split(" "));

function each(
  names: readonly string[],
  profile: (name: string) => OperationProfile,
): Record<string, OperationProfile> {
  return Object.fromEntries(names.map((name) => [name, profile(name)]));
}

/** Lambda's and CloudFront's events carry the version of the API in their name. */
function suffixed(suffix: string, ...lines: string[]): Record<string, OperationProfile> {
  return each(words(...lines), (name) => ({ eventName: name + suffix }));
}

const lambda: Profile = {
  // The code and the environment's values are left out (Lambda developer guide).
  omit: ["zipFile", "payload", "invokeArgs", "clientContext"],
  hide: ["variables"],
  operations: {
    ...suffixed(
      "20150331v2",
      "AddPermission RemovePermission GetPolicy GetFunction GetFunctionConfiguration UpdateFunctionCode",
      "UpdateFunctionConfiguration",
    ),
    ...suffixed(
      "20150331",
      "CreateFunction DeleteFunction ListFunctions CreateEventSourceMapping UpdateEventSourceMapping",
      "DeleteEventSourceMapping GetEventSourceMapping ListEventSourceMappings CreateAlias UpdateAlias DeleteAlias",
      "GetAlias ListAliases PublishVersion ListVersionsByFunction",
    ),
    ...suffixed("20160819", "GetAccountSettings"),
    ...suffixed("20170331v2", "TagResource UntagResource"),
    ...suffixed("20170331", "ListTags"),
    ...suffixed("20171031", "PutFunctionConcurrency DeleteFunctionConcurrency"),
    ...suffixed(
      "20181031",
      "AddLayerVersionPermission RemoveLayerVersionPermission GetLayerVersionPolicy PublishLayerVersion",
      "GetLayerVersion DeleteLayerVersion ListLayers ListLayerVersions",
    ),
    Invoke: { readOnly: false },
  },
};

const s3: Profile = {
  style: "s3",
  omit: words(
    "SSECustomerKey SSECustomerKeyMD5 CopySourceSSECustomerKey CopySourceSSECustomerKeyMD5 Body MFA",
  ),
  // E-mail addresses of grantees are not passed on to the bucket's owner.
  hide: ["EmailAddress"],
  resources: { "*": [{ type: "AWS::S3::Bucket", arn: "arn:aws:s3:::{Bucket}" }] },
  operations: {
    ListObjectsV2: { eventName: "ListObjects" },
    GetBucketLifecycleConfiguration: { eventName: "GetBucketLifecycle" },
    PutBucketLifecycleConfiguration: { eventName: "PutBucketLifecycle" },
    GetPublicAccessBlock: { eventName: "GetBucketPublicAccessBlock" },
    PutPublicAccessBlock: { eventName: "PutBucketPublicAccessBlock" },
    DeletePublicAccessBlock: { eventName: "DeleteBucketPublicAccessBlock" },
    GetObjectLockConfiguration: { eventName: "GetBucketObjectLockConfiguration" },
    PutObjectLockConfiguration: { eventName: "PutBucketObjectLockConfiguration" },
    GetBucketAccelerateConfiguration: { eventName: "GetAccelerateConfiguration" },
    PutBucketAccelerateConfiguration: { eventName: "PutAccelerateConfiguration" },
    GetBucketNotificationConfiguration: { eventName: "GetBucketNotification" },
    PutBucketNotificationConfiguration: { eventName: "PutBucketNotification" },
    GetBucketAnalyticsConfiguration: { eventName: "GetAnalyticsConfiguration" },
    PutBucketAnalyticsConfiguration: { eventName: "PutAnalyticsConfiguration" },
    DeleteBucketAnalyticsConfiguration: { eventName: "DeleteAnalyticsConfiguration" },
    GetBucketInventoryConfiguration: { eventName: "GetInventoryConfiguration" },
    PutBucketInventoryConfiguration: { eventName: "PutInventoryConfiguration" },
    DeleteBucketInventoryConfiguration: { eventName: "DeleteInventoryConfiguration" },
    GetBucketMetricsConfiguration: { eventName: "GetMetricsConfiguration" },
    PutBucketMetricsConfiguration: { eventName: "PutMetricsConfiguration" },
    DeleteBucketMetricsConfiguration: { eventName: "DeleteMetricsConfiguration" },
  },
};

const ec2: Profile = {
  style: "ec2",
  masks: {
    UserData: "<sensitiveDataRemoved>",
    KeyMaterial: "<sensitiveDataRemoved>",
    PasswordData: "<sensitiveDataRemoved>",
  },
};

const itemOperations = words(
  "BatchExecuteStatement BatchGetItem BatchWriteItem DeleteItem ExecuteStatement ExecuteTransaction GetItem PutItem",
  "Query Scan TransactGetItems TransactWriteItems UpdateItem",
);

const dynamodb: Profile = {
  apiVersion: "2012-08-10",
  attributeValues: true,
  // Attribute values do not appear, neither in requests nor in answers (DynamoDB developer guide).
  operations: each(itemOperations, () => ({ response: false })),
  resources: {
    "*": [
      {
        type: "AWS::DynamoDB::Table",
        arn: "arn:aws:dynamodb:{region}:{account}:table/{TableName}",
      },
    ],
  },
};

const iam: Profile = {
  times: "space",
  // The wire's code is the event's exception.
  errorCodes: Object.fromEntries(
    words(
      "NoSuchEntity EntityAlreadyExists LimitExceeded DeleteConflict EntityTemporarilyUnmodifiable InvalidInput",
      "MalformedPolicyDocument ConcurrentModification UnmodifiableEntity",
    ).map((code) => [code, `${code}Exception`]),
  ),
  omit: words(
    "Password OldPassword NewPassword SecretAccessKey ServicePassword PrivateKey Base32StringSeed QRCodePNG",
    "ServiceCredentialSecret",
  ),
};

const sts: Profile = {
  omit: ["SecretAccessKey"],
  operations: {
    ...each(words("AssumeRole AssumeRoleWithSAML AssumeRoleWithWebIdentity"), () => ({
      readOnly: true,
      response: true,
    })),
    GetFederationToken: { readOnly: false },
    GetSessionToken: { readOnly: false },
    GetCallerIdentity: { readOnly: true },
  },
  resources: {
    AssumeRole: [{ type: "AWS::IAM::Role", arn: "{RoleArn}" }],
    AssumeRoleWithSAML: [{ type: "AWS::IAM::Role", arn: "{RoleArn}" }],
    AssumeRoleWithWebIdentity: [{ type: "AWS::IAM::Role", arn: "{RoleArn}" }],
  },
};

/** KMS uses keys without changing them: those calls are recorded as reads. */
const kms: Profile = {
  times: "space",
  omit: words(
    "Plaintext CiphertextBlob PrivateKeyPlaintext PrivateKeyCiphertextBlob Message Signature Mac",
  ),
  operations: each(
    words(
      "Encrypt Decrypt ReEncrypt GenerateDataKey GenerateDataKeyWithoutPlaintext GenerateDataKeyPair",
      "GenerateDataKeyPairWithoutPlaintext GenerateRandom GenerateMac VerifyMac Sign Verify DeriveSharedSecret",
    ),
    () => ({ readOnly: true }),
  ),
  resources: {
    "*": [{ type: "AWS::KMS::Key", arn: "arn:aws:kms:{region}:{account}:key/{KeyId}" }],
  },
};

const secretsManager: Profile = {
  names: { ARN: "arn" },
  omit: ["SecretString", "SecretBinary", "RandomPassword", "SecretValues"],
};

const ssm: Profile = {
  masks: {
    TokenValue: "Value hidden due to security reasons.",
    StreamUrl: "Value hidden due to security reasons.",
  },
  operations: {
    PutParameter: { hide: ["Value"] },
    SendCommand: { hide: ["Parameters"] },
    StartAutomationExecution: { hide: ["Parameters"] },
    StartSession: { hide: ["Parameters"] },
    CreateAssociation: { hide: ["Parameters"] },
    UpdateAssociation: { hide: ["Parameters"] },
  },
};

/** RDS masks passwords with its own four stars. */
const rds: Profile = {
  unwrapsResponse: true,
  masks: { MasterUserPassword: "****", TdeCredentialPassword: "****", AuthToken: "****" },
};

const redacted = "**********";

export const wellKnown: Record<string, Profile> = {
  "lambda.amazonaws.com": lambda,
  "s3.amazonaws.com": s3,
  "ec2.amazonaws.com": ec2,
  "dynamodb.amazonaws.com": dynamodb,
  "iam.amazonaws.com": iam,
  "sts.amazonaws.com": sts,
  "kms.amazonaws.com": kms,
  "secretsmanager.amazonaws.com": secretsManager,
  "ssm.amazonaws.com": ssm,
  "rds.amazonaws.com": rds,
  "redshift.amazonaws.com": rds,
  "elasticache.amazonaws.com": rds,
  "rds-data.amazonaws.com": {
    eventSource: "rdsdata.amazonaws.com",
    masks: {
      sql: redacted,
      sqlStatements: redacted,
      database: redacted,
      schema: redacted,
      parameters: redacted,
      parameterSets: redacted,
    },
  },
  "cloudfront.amazonaws.com": {
    apiVersion: "2020_05_31",
    times: "space",
    operations: suffixed(
      "2020_05_31",
      "CreateFunction UpdateFunction DeleteFunction PublishFunction DescribeFunction GetFunction ListFunctions",
      "TestFunction",
    ),
    hide: ["HeaderValue"],
  },
  "sns.amazonaws.com": {
    hide: ["Message", "Subject", "MessageAttributes", "MessageStructure", "PhoneNumber"],
    operations: { Subscribe: { hide: ["Endpoint"] } },
  },
  "sqs.amazonaws.com": {
    hide: ["MessageBody", "MessageAttributes", "MessageSystemAttributes", "Body"],
  },
  "kinesis.amazonaws.com": { omit: ["Data"] },
  "firehose.amazonaws.com": { omit: ["Data"], hide: ["AccessKey"] },
  "logs.amazonaws.com": {
    apiVersion: "20140328",
    operations: { PutLogEvents: { hide: ["logEvents"] } },
  },
  "wafv2.amazonaws.com": { apiVersion: "2019-04-23" },
  "elasticfilesystem.amazonaws.com": { apiVersion: "2015-02-01" },
  "appmesh.amazonaws.com": { apiVersion: "2019-01-25" },
  "macie2.amazonaws.com": { queryAsText: true },
  "acm.amazonaws.com": {
    masks: {
      PrivateKey: "<sensitiveDataRemoved>",
      Certificate: "<sensitiveDataRemoved>",
      CertificateChain: "<sensitiveDataRemoved>",
    },
  },
  "ses.amazonaws.com": {
    operations: { SendEmail: { readOnly: true } },
    hide: words(
      "ToAddresses CcAddresses BccAddresses Destinations Data RawMessage TemplateData ReplacementTemplateData",
    ),
  },
  "ecr.amazonaws.com": { hide: ["authorizationToken"] },
  "apprunner.amazonaws.com": {
    hide: words("RuntimeEnvironmentVariables RuntimeEnvironmentSecrets"),
  },
  "ecs.amazonaws.com": {
    operations: each(["RegisterTaskDefinition"], () => ({ hide: ["environment"] })),
  },
  "cloudtrail.amazonaws.com": {
    operations: { StartQuery: { hide: ["QueryStatement"] } },
  },
};
