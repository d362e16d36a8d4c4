// The record type: every member that CloudTrail documents, for eventVersion 1.0 to 1.11, as types.
//
// These describe what the documents promise. An accepted event may hold anything (readers look at its columns or parse
// `raw` and trust nothing), so nothing converts raw JSON to these types unchecked.
// Source: CloudTrail user guide, "CloudTrail record contents", "userIdentity element", "Insights record contents".
import type { JsonObject, JsonValue } from "./json.ts";

export type EventCategory =
  | "Management"
  | "Data"
  | "NetworkActivity"
  | "Insight"
  /** Events from outside AWS (PutAuditEvents). */
  | "ActivityAuditLog";

export type EventType =
  | "AwsApiCall"
  | "AwsServiceEvent"
  | "AwsConsoleAction"
  | "AwsConsoleSignIn"
  | "AwsVpceEvent"
  | "AwsCloudTrailInsight"
  | "ActivityLog";

export type SessionContext = {
  sessionIssuer?: {
    type?: "Root" | "IAMUser" | "Role";
    principalId?: string;
    arn?: string;
    accountId?: string;
    userName?: string;
  };
  webIdFederationData?: { federatedProvider?: string; attributes?: Record<string, string> };
  attributes?: { creationDate?: string; mfaAuthenticated?: "true" | "false" };
  sourceIdentity?: string;
  /** `1.0`: IMDSv1, `2.0`: IMDSv2. */
  ec2RoleDelivery?: string;
  ec2IssuedInVpc?: string;
  assumedRoot?: "true";
};

/** Members that any kind of identity may carry. */
type IdentityExtras = {
  invokedBy?: string;
  invokedByDelegate?: { accountId: string };
  onBehalfOf?: { userId: string; identityStoreArn: string };
  inScopeOf?: {
    sourceArn?: string;
    sourceAccount?: string;
    issuerType?: string;
    credentialsIssuedTo?: string;
    credentialsIssuedToVersion?: string;
  };
  credentialId?: string;
};

type Principal = {
  principalId: string;
  arn: string;
  accountId: string;
  /** May be absent or empty. */
  accessKeyId?: string;
};

export type UserIdentity = IdentityExtras &
  (
    | ({ type: "Root"; userName?: string; sessionContext?: SessionContext } & Principal)
    | ({ type: "IAMUser"; userName: string; sessionContext?: SessionContext } & Principal)
    | ({ type: "AssumedRole"; sessionContext: SessionContext } & Principal)
    | ({ type: "Role"; userName?: string; sessionContext?: SessionContext } & Principal)
    | ({ type: "FederatedUser"; sessionContext: SessionContext } & Principal)
    | ({ type: "Directory"; userName?: string } & Partial<Principal>)
    | { type: "AWSAccount"; principalId: string; accountId: string }
    | { type: "AWSService"; invokedBy: string }
    | { type: "IdentityCenterUser"; accountId: string; principalId?: string }
    | { type: "SAMLUser"; principalId: string; userName: string; identityProvider: string }
    | { type: "WebIdentityUser"; principalId: string; userName: string; identityProvider: string }
    | {
        type: "Unknown";
        principalId?: string;
        userName?: string;
        accessKeyId?: string;
        accountId?: string;
      }
    /** Service events: an AWS-owned actor without a type. */
    | { type?: never; accountId?: string }
  );

export type RecordResource = {
  accountId?: string;
  type?: string;
  ARN?: string;
  /** Instead of ARN for some S3 list and delete calls. */
  ARNPrefix?: string;
};

/** Management, data and network activity events. */
export type EventRecord = {
  /** `major.minor`; a reader accepts every 1.x, because minor versions only add members. */
  eventVersion: string;
  userIdentity: UserIdentity;
  /** UTC, to the second. */
  eventTime: string;
  eventSource: string;
  eventName: string;
  awsRegion: string;
  /** An address, a service's DNS name, or `AWS Internal`. */
  sourceIPAddress: string;
  userAgent?: string;
  /** Only on failure. */
  errorCode?: string;
  errorMessage?: string;
  requestParameters: JsonObject | null;
  responseElements: JsonObject | null;
  additionalEventData?: JsonObject;
  /** Since 1.01: */
  requestID?: string;
  eventID?: string;
  readOnly?: boolean;
  resources?: RecordResource[];
  apiVersion?: string;
  /** Since 1.02: */
  eventType?: EventType;
  recipientAccountId?: string;
  /** Since 1.03: one action, delivered to several accounts. */
  sharedEventID?: string;
  /** Since 1.04. */
  vpcEndpointId?: string;
  /** Since 1.05; AwsServiceEvent only. */
  serviceEventDetails?: JsonObject;
  /** Since 1.06. */
  managementEvent?: boolean;
  /** Since 1.07. */
  eventCategory?: EventCategory;
  /** Since 1.08: */
  addendum?: {
    reason: "DELIVERY_DELAY" | "UPDATED_DATA" | "SERVICE_OUTAGE";
    updatedFields?: string;
    originalRequestID?: string;
    originalEventID?: string;
  };
  sessionCredentialFromConsole?: "true";
  edgeDeviceDetails?: JsonObject;
  tlsDetails?: {
    tlsVersion?: string;
    cipherSuite?: string;
    clientProvidedHostHeader?: string;
    keyExchange?: string;
  };
  /** Since 1.09. */
  vpcEndpointAccountId?: string;
  /** Since 1.11, only in enriched events. */
  eventContext?: { requestContext?: Record<string, string | string[]>; tagContext?: JsonObject };
  annotation?: string;
};

/** Insights events: no caller, and what happened is in `insightDetails`. */
export type InsightRecord = {
  eventVersion: string;
  eventTime: string;
  awsRegion: string;
  eventID: string;
  eventType: "AwsCloudTrailInsight";
  recipientAccountId: string;
  sharedEventID: string;
  eventCategory: "Insight";
  insightDetails: {
    state: "Start" | "End";
    eventSource: string;
    eventName: string;
    insightType: "ApiCallRateInsight" | "ApiErrorRateInsight";
    errorCode?: string;
    sourceEventCategory?: "Management" | "Data";
    insightSource?: string;
    insightContext: Record<string, JsonValue>;
  };
};

/** Events from outside AWS: everything is in `eventData`. */
export type ActivityAuditLogRecord = {
  eventVersion: string;
  eventCategory: "ActivityAuditLog";
  eventType: "ActivityLog";
  eventID: string;
  eventTime: string;
  awsRegion: string;
  recipientAccountId: string;
  metadata: { ingestionTime: string; channelARN: string };
  eventData: {
    version: string;
    userIdentity: { type: string; principalId: string; details?: JsonObject };
    userAgent?: string;
    eventSource: string;
    eventName: string;
    eventTime: string;
    UID: string;
    requestParameters?: JsonObject;
    responseElements?: JsonObject;
    errorCode?: string;
    errorMessage?: string;
    sourceIPAddress?: string;
    recipientAccountId: string;
    additionalEventData?: JsonObject;
  };
};
