// Which category an event belongs to, for records of every version: those before 1.07 do not say it themselves.

/** What a record says about itself; empty where it says nothing. */
export interface CategoryClues {
  eventCategory: string;
  eventType: string;
  /** `true`, `false` or empty. */
  managementEvent: string;
  eventSource: string;
  eventName: string;
}

/** Event types that belong to one category whatever else the record says. */
const categoryOfType: Record<string, string> = {
  AwsCloudTrailInsight: "Insight",
  AwsVpceEvent: "NetworkActivity",
  // The record contents page spells it so; real records have the singular.
  AwsVpceEvents: "NetworkActivity",
  ActivityLog: "ActivityAuditLog",
};

/**
 * Operations that are data events, for records that say neither `eventCategory` nor `managementEvent`: only the services
 * that had data events before 1.06 and DynamoDB, whose early records are found in archives.
 * Source: CloudTrail user guide, "Logging data events".
 */
const dataOperations: Record<string, readonly string[]> = {
  "s3.amazonaws.com": [
    "AbortMultipartUpload",
    "CompleteMultipartUpload",
    "CopyObject",
    "CreateMultipartUpload",
    "DeleteObject",
    "DeleteObjectTagging",
    "DeleteObjects",
    "GetObject",
    "GetObjectAcl",
    "GetObjectAttributes",
    "GetObjectLegalHold",
    "GetObjectRetention",
    "GetObjectTagging",
    "GetObjectTorrent",
    "HeadBucket",
    "HeadObject",
    "ListMultipartUploads",
    "ListObjectVersions",
    "ListObjects",
    "ListObjectsV2",
    "ListParts",
    "PostObject",
    "PutObject",
    "PutObjectAcl",
    "PutObjectLegalHold",
    "PutObjectRetention",
    "PutObjectTagging",
    "RestoreObject",
    "SelectObjectContent",
    "UploadPart",
    "UploadPartCopy",
    "WriteGetObjectResponse",
  ],
  "lambda.amazonaws.com": ["Invoke", "InvokeAsync", "InvokeExecution", "InvokeWithResponseStream"],
  "dynamodb.amazonaws.com": [
    "BatchExecuteStatement",
    "BatchGetItem",
    "BatchWriteItem",
    "DeleteItem",
    "ExecuteStatement",
    "ExecuteTransaction",
    "GetItem",
    "GetRecords",
    "GetShardIterator",
    "PutItem",
    "Query",
    "Scan",
    "TransactGetItems",
    "TransactWriteItems",
    "UpdateItem",
  ],
};

const dataOperationSets = new Map(
  Object.entries(dataOperations).map(([source, names]) => [source, new Set(names)]),
);

/** The record's own word if it has one, else the first rule that applies; what is nothing else is management. */
export function eventCategoryOf(clues: CategoryClues): string {
  if (clues.eventCategory !== "") return clues.eventCategory;
  const ofType = Object.hasOwn(categoryOfType, clues.eventType)
    ? categoryOfType[clues.eventType]
    : undefined;
  if (ofType !== undefined) return ofType;
  if (clues.managementEvent !== "") return clues.managementEvent === "true" ? "Management" : "Data";
  const isData = dataOperationSets.get(clues.eventSource)?.has(clues.eventName) === true;
  return isData ? "Data" : "Management";
}
