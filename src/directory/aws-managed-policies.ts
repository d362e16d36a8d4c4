// The managed policies that are there without anyone making them: those of AWS that say something about what Cairn does,
// under their own ARNs, so that configurations written for AWS find them.
//
// Each grants what its name says on the services that Cairn answers for; AWS's documents go on to hundreds of others.
import type { ManagedPolicy } from "./model.ts";

type Actions = readonly string[];

/** 6 February 2015, when AWS made most of its own. */
const createdMs = Date.UTC(2015, 1, 6, 18, 39, 46);

const everything = ["*"];
const cloudTrailReads = [
  "cloudtrail:Get*",
  "cloudtrail:Describe*",
  "cloudtrail:List*",
  "cloudtrail:LookupEvents",
];
const iamReads = ["iam:Generate*", "iam:Get*", "iam:List*", "iam:Simulate*"];
const organizationReads = ["organizations:Describe*", "organizations:List*"];
const logReads = [
  "logs:Describe*",
  "logs:Get*",
  "logs:List*",
  "logs:FilterLogEvents",
  "logs:StartQuery",
  "logs:StopQuery",
  "logs:TestMetricFilter",
];
const snsReads = ["sns:Get*", "sns:List*", "sns:Check*"];
const s3Reads = ["s3:Get*", "s3:List*", "s3:Describe*"];
const stsReads = ["sts:GetAccessKeyInfo", "sts:GetCallerIdentity", "sts:GetSessionToken"];

const policies: Readonly<Record<string, Actions>> = {
  AdministratorAccess: everything,
  ReadOnlyAccess: [
    ...cloudTrailReads,
    ...iamReads,
    ...organizationReads,
    ...logReads,
    ...snsReads,
    ...s3Reads,
    ...stsReads,
  ],
  SecurityAudit: [
    ...cloudTrailReads,
    ...iamReads,
    ...organizationReads,
    "logs:Describe*",
    "logs:List*",
    ...snsReads,
    "s3:GetBucket*",
    "s3:GetEncryptionConfiguration",
    "s3:List*",
  ],
  "job-function/ViewOnlyAccess": [
    "cloudtrail:DescribeTrails",
    "cloudtrail:ListTrails",
    "cloudtrail:LookupEvents",
    "iam:Get*",
    "iam:List*",
    ...organizationReads,
    "logs:Describe*",
    "logs:List*",
    "sns:List*",
    "s3:ListAllMyBuckets",
    "s3:ListBucket",
  ],
  AWSCloudTrail_FullAccess: [
    "cloudtrail:*",
    "cloudtrail-data:*",
    "sns:AddPermission",
    "sns:CreateTopic",
    "sns:SetTopicAttributes",
    "sns:GetTopicAttributes",
    "sns:ListTopics",
    "s3:CreateBucket",
    "s3:PutBucketPolicy",
    "s3:ListAllMyBuckets",
    "s3:GetObject",
    "s3:GetBucketLocation",
    "s3:GetBucketPolicy",
    "iam:ListRoles",
    "iam:GetRolePolicy",
    "iam:GetUser",
    "iam:PassRole",
    "iam:CreateServiceLinkedRole",
    "logs:CreateLogGroup",
    "logs:DescribeLogGroups",
    ...organizationReads,
  ],
  AWSCloudTrail_ReadOnlyAccess: cloudTrailReads,
  IAMFullAccess: ["iam:*", ...organizationReads],
  IAMReadOnlyAccess: iamReads,
  IAMUserChangePassword: ["iam:ChangePassword", "iam:GetAccountPasswordPolicy"],
  AWSOrganizationsFullAccess: ["organizations:*", "iam:CreateServiceLinkedRole"],
  AWSOrganizationsReadOnlyAccess: organizationReads,
  AmazonSNSFullAccess: ["sns:*"],
  AmazonSNSReadOnlyAccess: snsReads,
  CloudWatchLogsFullAccess: ["logs:*"],
  CloudWatchLogsReadOnlyAccess: logReads,
  AmazonS3FullAccess: ["s3:*"],
  AmazonS3ReadOnlyAccess: s3Reads,
};

/** PowerUserAccess alone says what it leaves out. */
const powerUser = {
  Version: "2012-10-17",
  Statement: [
    {
      Effect: "Allow",
      NotAction: ["iam:*", "organizations:*", "account:*"],
      Resource: "*",
    },
    {
      Effect: "Allow",
      Action: [
        "iam:CreateServiceLinkedRole",
        "iam:DeleteServiceLinkedRole",
        "iam:ListRoles",
        "organizations:DescribeOrganization",
      ],
      Resource: "*",
    },
  ],
};

function document(actions: Actions): object {
  return {
    Version: "2012-10-17",
    Statement: [{ Effect: "Allow", Action: actions, Resource: "*" }],
  };
}

/** The same in every Cairn: letters for digits, because ids have no zero and no one. */
function policyId(index: number): string {
  const letters = Array.from(
    String(index).padStart(4, "0"),
    (digit) => "ABCDEFGHIJ"[Number(digit)],
  );
  return `ANPACAIRNMANAGED${letters.join("")}`;
}

function managedPolicy([pathAndName, text]: readonly [string, object], index: number) {
  const name = pathAndName.slice(pathAndName.lastIndexOf("/") + 1);
  const path = `/${pathAndName.slice(0, pathAndName.length - name.length)}`;
  const policy: ManagedPolicy = {
    accountId: "aws",
    policyName: name,
    policyId: policyId(index),
    path,
    createdMs,
    updatedMs: createdMs,
    defaultVersionId: "v1",
    versions: [{ versionId: "v1", document: JSON.stringify(text), createdMs }],
    attachmentCount: 0,
    boundaryCount: 0,
  };
  return [`arn:aws:iam::aws:policy${path}${name}`, policy] as const;
}

/** By ARN, in the order of their names. */
export const awsManagedPolicies: ReadonlyMap<string, ManagedPolicy> = new Map(
  [
    ...Object.entries(policies).map(([name, actions]) => [name, document(actions)] as const),
    ["PowerUserAccess", powerUser] as const,
  ]
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(managedPolicy),
);
