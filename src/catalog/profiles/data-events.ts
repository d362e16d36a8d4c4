// Which calls are data events, and on what: eventCategory Data, managementEvent false.
// Source: CloudTrail user guide, "Logging data events"; a call not listed here is a management event.
import type { DataEventRule } from "../profile.ts";

const words = (...lines: string[]): string[] => lines.flatMap((line) => line.split(" "));

const s3Object = { type: "AWS::S3::Object", arn: "arn:aws:s3:::{Bucket}/{Key}" };
const s3Bucket = { type: "AWS::S3::Bucket", arn: "arn:aws:s3:::{Bucket}" };
const table = {
  type: "AWS::DynamoDB::Table",
  arn: "arn:aws:dynamodb:{region}:{account}:table/{TableName}",
};
const stream = {
  type: "AWS::Kinesis::Stream",
  arn: "arn:aws:kinesis:{region}:{account}:stream/{StreamName}",
};
const streamArn = { type: "AWS::Kinesis::Stream", arn: "{StreamARN}" };
const delivery = {
  type: "AWS::KinesisFirehose::DeliveryStream",
  arn: "arn:aws:firehose:{region}:{account}:deliverystream/{DeliveryStreamName}",
};

export const dataEvents: Record<string, readonly DataEventRule[]> = {
  "s3.amazonaws.com": [
    {
      operations: words(
        "GetObject PutObject DeleteObject CopyObject HeadObject GetObjectAcl PutObjectAcl GetObjectTagging",
        "PutObjectTagging DeleteObjectTagging GetObjectAttributes GetObjectTorrent GetObjectRetention",
        "PutObjectRetention GetObjectLegalHold PutObjectLegalHold RestoreObject SelectObjectContent",
        "CreateMultipartUpload UploadPart UploadPartCopy CompleteMultipartUpload AbortMultipartUpload ListParts",
        "RenameObject WriteGetObjectResponse",
      ),
      resources: [s3Object, s3Bucket],
    },
    {
      operations: words(
        "DeleteObjects HeadBucket ListObjects ListObjectsV2 ListObjectVersions ListMultipartUploads CreateSession",
      ),
      resources: [s3Bucket],
    },
  ],
  "lambda.amazonaws.com": [
    {
      operations: words("Invoke InvokeAsync InvokeWithResponseStream"),
      resources: [
        {
          type: "AWS::Lambda::Function",
          arn: "arn:aws:lambda:{region}:{account}:function:{FunctionName}",
        },
      ],
    },
  ],
  "dynamodb.amazonaws.com": [
    {
      operations: words("DeleteItem GetItem PutItem Query Scan UpdateItem"),
      resources: [table],
    },
    {
      operations: words(
        "BatchExecuteStatement BatchGetItem BatchWriteItem ExecuteStatement ExecuteTransaction TransactGetItems",
        "TransactWriteItems",
      ),
    },
    {
      operations: words("GetRecords GetShardIterator"),
      resources: [{ type: "AWS::DynamoDB::Stream", arn: "{StreamArn}" }],
    },
  ],
  "sns.amazonaws.com": [
    {
      operations: words("Publish PublishBatch"),
      resources: [{ type: "AWS::SNS::Topic", arn: "{TopicArn}" }],
    },
  ],
  "sqs.amazonaws.com": [
    {
      operations: words(
        "SendMessage SendMessageBatch ReceiveMessage DeleteMessage DeleteMessageBatch ChangeMessageVisibility",
        "ChangeMessageVisibilityBatch",
      ),
      resources: [{ type: "AWS::SQS::Queue", arn: "{QueueUrl}" }],
    },
  ],
  "kinesis.amazonaws.com": [
    {
      operations: words("PutRecord PutRecords GetRecords GetShardIterator"),
      resources: [streamArn, stream],
    },
    {
      operations: ["SubscribeToShard"],
      resources: [{ type: "AWS::Kinesis::StreamConsumer", arn: "{ConsumerARN}" }],
    },
  ],
  "firehose.amazonaws.com": [
    { operations: words("PutRecord PutRecordBatch"), resources: [delivery] },
  ],
  "cognito-identity.amazonaws.com": [
    {
      operations: words(
        "GetCredentialsForIdentity GetId GetOpenIdToken GetOpenIdTokenForDeveloperIdentity UnlinkIdentity",
      ),
      resources: [
        {
          type: "AWS::Cognito::IdentityPool",
          arn: "arn:aws:cognito-identity:{region}:{account}:identitypool/{IdentityPoolId}",
        },
      ],
    },
  ],
  "monitoring.amazonaws.com": [
    {
      operations: words(
        "PutMetricData GetMetricData GetMetricStatistics GetMetricWidgetImage ListMetrics",
      ),
      resources: [
        { type: "AWS::CloudWatch::Metric", arn: "arn:aws:cloudwatch:{region}:{account}:metric" },
      ],
    },
  ],
  "cloudtrail-data.amazonaws.com": [
    {
      operations: ["PutAuditEvents"],
      resources: [{ type: "AWS::CloudTrail::Channel", arn: "{channelArn}" }],
    },
  ],
  "ses.amazonaws.com": [
    {
      operations: words(
        "SendEmail SendRawEmail SendTemplatedEmail SendBulkEmail SendBulkTemplatedEmail SendCustomVerificationEmail",
      ),
    },
  ],
  "rds-data.amazonaws.com": [
    {
      operations: words(
        "BatchExecuteStatement BeginTransaction CommitTransaction ExecuteSql ExecuteStatement RollbackTransaction",
      ),
      resources: [{ type: "AWS::RDS::DBCluster", arn: "{resourceArn}" }],
    },
  ],
  "ebs.amazonaws.com": [
    {
      operations: words(
        "StartSnapshot PutSnapshotBlock CompleteSnapshot ListSnapshotBlocks GetSnapshotBlock ListChangedBlocks",
      ),
      resources: [
        { type: "AWS::EC2::Snapshot", arn: "arn:aws:ec2:{region}::snapshot/{SnapshotId}" },
      ],
    },
  ],
  "servicediscovery.amazonaws.com": [
    {
      operations: words(
        "DiscoverInstances DiscoverInstancesRevision GetInstance RegisterInstance DeregisterInstance",
      ),
    },
  ],
  "xray.amazonaws.com": [
    {
      operations: words(
        "PutTraceSegments GetTraceSummaries BatchGetTraces GetServiceGraph GetTraceGraph",
      ),
    },
  ],
  "swf.amazonaws.com": [
    {
      operations: words(
        "PollForActivityTask PollForDecisionTask RespondActivityTaskCompleted RespondActivityTaskFailed",
        "RespondActivityTaskCanceled RespondDecisionTaskCompleted RecordActivityTaskHeartbeat StartWorkflowExecution",
        "SignalWorkflowExecution RequestCancelWorkflowExecution TerminateWorkflowExecution CountOpenWorkflowExecutions",
        "CountClosedWorkflowExecutions GetWorkflowExecutionHistory DescribeWorkflowExecution",
        "ListOpenWorkflowExecutions ListClosedWorkflowExecutions CountPendingActivityTasks CountPendingDecisionTasks",
      ),
    },
  ],
  "sdb.amazonaws.com": [
    {
      operations: words(
        "BatchDeleteAttributes BatchPutAttributes DeleteAttributes GetAttributes PutAttributes Select",
      ),
    },
  ],
  "timestream.amazonaws.com": [
    { operations: words("WriteRecords Query PrepareQuery CancelQuery") },
  ],
  "appconfig.amazonaws.com": [
    { operations: words("GetLatestConfiguration StartConfigurationSession") },
  ],
  "iotdata.amazonaws.com": [
    { operations: words("Publish GetThingShadow UpdateThingShadow DeleteThingShadow") },
  ],
  "cassandra.amazonaws.com": [{ operations: words("Select Insert Update Delete") }],
  "execute-api.amazonaws.com": [{ operations: ["Invoke"] }],
};
