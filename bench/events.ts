// Synthetic events of about 1.5 kB, as varied as a busy account's: what every bench feeds on.
//
// From a seed, so that two runs measure the same work. Values repeat as they do in life: a few event names, users and
// addresses make most of the traffic, and ids never repeat.

export interface EventMaker {
  /** One event as a JSON line without its newline; `between` moves its time, `isRare` makes it a `rareCall`. */
  next(between?: TimeRange, isRare?: boolean): string;
}

/** Event times are spread evenly over it. */
export interface TimeRange {
  fromMs: number;
  toMs: number;
}

export interface EventMakerOptions extends TimeRange {
  seed: number;
  accountId: string;
  region: string;
}

const calls: readonly (readonly [string, string, boolean])[] = [
  ["ec2.amazonaws.com", "DescribeInstances", true],
  ["s3.amazonaws.com", "GetBucketAcl", true],
  ["sts.amazonaws.com", "AssumeRole", false],
  ["kms.amazonaws.com", "Decrypt", true],
  ["iam.amazonaws.com", "GetRole", true],
  ["cognito-idp.amazonaws.com", "AdminGetUser", true],
  ["apigateway.amazonaws.com", "GetResource", true],
  ["amplify.amazonaws.com", "ListApps", true],
  ["lambda.amazonaws.com", "UpdateFunctionConfiguration20150331v2", false],
  ["ec2.amazonaws.com", "RunInstances", false],
  ["iam.amazonaws.com", "CreateAccessKey", false],
  ["devops-guru.amazonaws.com", "UpdateResourceCollection", false],
];
/** What an investigator looks for among all that happens every second. */
export const rareCall = {
  eventSource: "cloudtrail.amazonaws.com",
  eventName: "DeleteTrail",
  user: 4999,
} as const;

const agents = [
  "aws-cli/2.15.30 Python/3.11.6 Linux/5.10.205-195.807.amzn2.x86_64 exe/x86_64.amzn.2 prompt/off command/ec2.describe-instances",
  "Boto3/1.34.69 md/Botocore#1.34.69 ua/2.0 os/linux#6.1.79 md/arch#x86_64 lang/python#3.12.2 md/pyimpl#CPython cfg/retry-mode#legacy",
  "APN/1.0 HashiCorp/1.0 Terraform/1.7.5 (+https://www.terraform.io) terraform-provider-aws/5.42.0 (+https://registry.terraform.io/providers/hashicorp/aws) aws-sdk-go-v2/1.26.0",
];

/** A small, fast generator (mulberry32), good enough for made-up traffic. */
export function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

export function makeEvents(options: EventMakerOptions): EventMaker {
  const random = seeded(options.seed);
  const upTo = (limit: number) => Math.floor(random() * limit);
  // Low numbers far more often than high ones: most traffic is a few callers'.
  const skewed = (limit: number) => Math.floor(limit * random() ** 3);
  const hex = (length: number) => {
    let text = "";
    while (text.length < length) text += upTo(0x1_0000_0000).toString(16).padStart(8, "0");
    return text.slice(0, length);
  };
  const uuid = () => `${hex(8)}-${hex(4)}-4${hex(3)}-a${hex(3)}-${hex(12)}`;
  const { accountId, region } = options;
  return {
    next(between: TimeRange = options, isRare = false) {
      const [eventSource, eventName, readOnly] = isRare
        ? ([rareCall.eventSource, rareCall.eventName, false] as const)
        : (calls[skewed(calls.length)] ?? ["", "", true]);
      const user = isRare ? rareCall.user : skewed(2000);
      const role = `service-role-${user % 40}`;
      const session = `session-${user}`;
      const instance = `i-${hex(17)}`;
      const failed = random() < 0.04;
      const event = {
        eventVersion: "1.09",
        userIdentity: {
          type: "AssumedRole",
          principalId: `AROA${String(user % 40).padStart(17, "EXAMPLE")}:${session}`,
          arn: `arn:aws:sts::${accountId}:assumed-role/${role}/${session}`,
          accountId,
          accessKeyId: `ASIA${String(user).padStart(16, "EXAMPLE")}`,
          sessionContext: {
            sessionIssuer: {
              type: "Role",
              principalId: `AROA${String(user % 40).padStart(17, "EXAMPLE")}`,
              arn: `arn:aws:iam::${accountId}:role/${role}`,
              accountId,
              userName: role,
            },
            attributes: { creationDate: "2026-01-01T00:00:00Z", mfaAuthenticated: "false" },
          },
        },
        eventTime: `${new Date(between.fromMs + random() * (between.toMs - between.fromMs)).toISOString().slice(0, 19)}Z`,
        eventSource,
        eventName,
        awsRegion: region,
        sourceIPAddress: `203.0.113.${skewed(254)}`,
        userAgent: agents[upTo(agents.length)],
        ...(failed
          ? {
              errorCode: "AccessDenied",
              errorMessage: `User: ${session} is not authorized to perform: ${eventName}`,
            }
          : {}),
        requestParameters: {
          instancesSet: { items: [{ instanceId: instance }] },
          filterSet: {
            items: [{ name: "tag:team", valueSet: { items: [{ value: `team-${user % 17}` }] } }],
          },
          maxResults: 100 + upTo(900),
          nextToken: hex(64),
        },
        responseElements: readOnly
          ? null
          : {
              requestId: uuid(),
              instancesSet: {
                items: [
                  { instanceId: instance, currentState: { code: upTo(80), name: "running" } },
                ],
              },
            },
        requestID: uuid(),
        eventID: uuid(),
        readOnly,
        eventType: "AwsApiCall",
        managementEvent: true,
        recipientAccountId: accountId,
        eventCategory: "Management",
        tlsDetails: {
          tlsVersion: "TLSv1.3",
          cipherSuite: "TLS_AES_128_GCM_SHA256",
          clientProvidedHostHeader: `${eventSource.split(".")[0]}.${region}.amazonaws.com`,
        },
      };
      return JSON.stringify(event);
    },
  };
}
