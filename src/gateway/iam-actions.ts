// The IAM action of an operation behind the gateway: mostly `service:Operation`.
// Source: Service Authorization Reference, "Actions defined by Amazon S3"; "… AWS Lambda".
import type { RecognisedCall } from "../catalog/describe.ts";

/** S3 named its permissions before its operations. */
const s3: Readonly<Record<string, string>> = {
  AbortMultipartUpload: "AbortMultipartUpload",
  CompleteMultipartUpload: "PutObject",
  CopyObject: "PutObject",
  CreateMultipartUpload: "PutObject",
  DeleteBucketCors: "PutBucketCORS",
  DeleteBucketEncryption: "PutEncryptionConfiguration",
  DeleteBucketLifecycle: "PutLifecycleConfiguration",
  DeleteBucketReplication: "PutReplicationConfiguration",
  DeleteBucketTagging: "PutBucketTagging",
  DeleteObjects: "DeleteObject",
  DeletePublicAccessBlock: "PutBucketPublicAccessBlock",
  GetBucketAccelerateConfiguration: "GetAccelerateConfiguration",
  GetBucketCors: "GetBucketCORS",
  GetBucketEncryption: "GetEncryptionConfiguration",
  GetBucketLifecycleConfiguration: "GetLifecycleConfiguration",
  GetBucketNotificationConfiguration: "GetBucketNotification",
  GetBucketReplication: "GetReplicationConfiguration",
  GetObjectLockConfiguration: "GetBucketObjectLockConfiguration",
  GetPublicAccessBlock: "GetBucketPublicAccessBlock",
  HeadBucket: "ListBucket",
  HeadObject: "GetObject",
  ListBuckets: "ListAllMyBuckets",
  ListMultipartUploads: "ListBucketMultipartUploads",
  ListObjects: "ListBucket",
  ListObjectsV2: "ListBucket",
  ListObjectVersions: "ListBucketVersions",
  ListParts: "ListMultipartUploadParts",
  PutBucketAccelerateConfiguration: "PutAccelerateConfiguration",
  PutBucketCors: "PutBucketCORS",
  PutBucketEncryption: "PutEncryptionConfiguration",
  PutBucketLifecycleConfiguration: "PutLifecycleConfiguration",
  PutBucketNotificationConfiguration: "PutBucketNotification",
  PutBucketReplication: "PutReplicationConfiguration",
  PutObjectLockConfiguration: "PutBucketObjectLockConfiguration",
  PutPublicAccessBlock: "PutBucketPublicAccessBlock",
  SelectObjectContent: "GetObject",
  UploadPart: "PutObject",
  UploadPartCopy: "PutObject",
};

const exceptions: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  s3,
  lambda: { Invoke: "InvokeFunction", InvokeAsync: "InvokeFunction" },
};

/** `s3:ListBucket` */
export function iamActionOf({
  service,
  operationName,
}: Pick<RecognisedCall, "service" | "operationName">): string {
  const named = exceptions[service.id];
  const operation =
    named !== undefined && Object.hasOwn(named, operationName)
      ? named[operationName]
      : operationName;
  return `${service.iamPrefix ?? service.id}:${operation}`;
}
