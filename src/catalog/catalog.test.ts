// Which service and operation a request is, with heads as real clients send them.
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as fc from "fast-check";
import { afterEach, describe, expect, test } from "vitest";
import { isCairnError } from "../base/errors.ts";
import type { RequestHead } from "./call.ts";
import { openCatalog } from "./catalog.ts";
import type { Operation, Service } from "./service.ts";

const catalog = openCatalog();
const form = "application/x-www-form-urlencoded; charset=utf-8";
const gatewayHost = "127.0.0.1:4781";

interface Sent {
  method?: string;
  path?: string;
  query?: string;
  host?: string;
  headers?: Record<string, string>;
  scope?: string;
  body?: string;
}

function headOf(sent: Sent): RequestHead {
  return {
    method: sent.method ?? "POST",
    path: sent.path ?? "/",
    query: sent.query ?? "",
    headers: { host: sent.host ?? gatewayHost, ...sent.headers },
    ...(sent.scope === undefined ? {} : { signingName: sent.scope }),
  };
}

/** `service Operation protocol`, the labels behind it when there are some; `-` when nothing is known. */
function identified(sent: Sent): string {
  const found = catalog.identify(
    headOf(sent),
    sent.body === undefined ? undefined : Buffer.from(sent.body),
  );
  if (found === undefined) return "-";
  const labels = Object.entries(found.labels).map(([name, text]) => ` ${name}=${text}`);
  return `${found.service.id} ${found.operationName} ${found.protocol}${labels.join("")}`;
}

const json11 = { "content-type": "application/x-amz-json-1.1" };
const json10 = { "content-type": "application/x-amz-json-1.0" };

describe("every protocol's way to name an operation", () => {
  const cases: [string, Sent, string][] = [
    [
      "botocore's long X-Amz-Target",
      {
        scope: "cloudtrail",
        headers: {
          ...json11,
          "x-amz-target": "com.amazonaws.cloudtrail.v20131101.CloudTrail_20131101.LookupEvents",
        },
        body: "{}",
      },
      "cloudtrail LookupEvents json1.1",
    ],
    [
      "the JavaScript SDK's short X-Amz-Target",
      {
        scope: "cloudtrail",
        headers: { ...json11, "x-amz-target": "CloudTrail_20131101.LookupEvents" },
      },
      "cloudtrail LookupEvents json1.1",
    ],
    [
      "awsJson 1.0",
      { scope: "dynamodb", headers: { ...json10, "x-amz-target": "DynamoDB_20120810.PutItem" } },
      "dynamodb PutItem json1.0",
    ],
    [
      "SQS in JSON, as SDKs speak it today",
      { scope: "sqs", headers: { ...json10, "x-amz-target": "AmazonSQS.SendMessage" } },
      "sqs SendMessage json1.0",
    ],
    [
      "SQS as a query, as older SDKs speak it",
      {
        scope: "sqs",
        path: "/111122223333/orders",
        headers: { "content-type": form },
        body: "Action=SendMessage&MessageBody=x&Version=2012-11-05",
      },
      "sqs SendMessage query",
    ],
    [
      "awsQuery in the body",
      {
        scope: "iam",
        headers: { "content-type": form },
        body: "UserName=Action%3DDeleteUser&Action=CreateUser&Version=2010-05-08",
      },
      "iam CreateUser query",
    ],
    [
      "awsQuery in the query string",
      { scope: "sts", method: "GET", query: "Action=GetCallerIdentity&Version=2011-06-15" },
      "sts GetCallerIdentity query",
    ],
    [
      "ec2Query",
      {
        scope: "ec2",
        headers: { "content-type": form },
        body: "Action=RunInstances&Version=2016-11-15&MaxCount=1",
      },
      "ec2 RunInstances ec2",
    ],
    [
      "CloudWatch as a query",
      {
        scope: "monitoring",
        headers: { "content-type": form },
        body: "Action=PutMetricData&Version=2010-08-01",
      },
      "monitoring PutMetricData query",
    ],
    [
      "CloudWatch in CBOR, as newer SDKs speak it",
      {
        scope: "monitoring",
        path: "/service/GraniteServiceVersion20100801/operation/PutMetricData",
        headers: { "content-type": "application/cbor", "smithy-protocol": "rpc-v2-cbor" },
      },
      "monitoring PutMetricData rpc-v2-cbor",
    ],
    [
      "CloudWatch in JSON",
      {
        scope: "monitoring",
        headers: { ...json10, "x-amz-target": "GraniteServiceVersion20100801.GetMetricData" },
      },
      "monitoring GetMetricData json1.0",
    ],
    [
      "restJson with labels",
      {
        scope: "apigateway",
        method: "GET",
        path: "/restapis/3rb/resources/5%2Ftf",
        headers: { accept: "application/json" },
      },
      "apigateway GetResource rest-json restapi_id=3rb resource_id=5/tf",
    ],
    [
      "restJson with a slash at the end, as botocore writes Lambda's paths",
      { scope: "lambda", method: "GET", path: "/2015-03-31/functions/" },
      "lambda ListFunctions rest-json",
    ],
    [
      "restJson without that slash, as the JavaScript SDK does",
      { scope: "lambda", method: "GET", path: "/2015-03-31/functions" },
      "lambda ListFunctions rest-json",
    ],
    [
      "an ARN in a label, escaped",
      {
        scope: "apigateway",
        method: "GET",
        path: "/tags/arn%3Aaws%3Aapigateway%3Aus-east-1%3A%3A%2Frestapis%2Fabc",
      },
      "apigateway GetTags rest-json resource_arn=arn:aws:apigateway:us-east-1::/restapis/abc",
    ],
    [
      "an ARN in a label, its slashes as they are",
      {
        scope: "apigateway",
        method: "GET",
        path: "/tags/arn:aws:apigateway:us-east-1::/restapis/abc",
      },
      "apigateway GetTags rest-json resource_arn=arn:aws:apigateway:us-east-1::/restapis/abc",
    ],
    [
      "fixed query members",
      { scope: "chime", path: "/tags", query: "operation=untag-resource" },
      "chime UntagResource rest-json",
    ],
    [
      "restXml",
      { scope: "route53", method: "GET", path: "/2013-04-01/hostedzone/Z1/rrset" },
      "route53 ListResourceRecordSets rest-xml Id=Z1",
    ],
  ];
  test.each(cases)("%s", (_, sent, expected) => {
    expect(identified(sent)).toBe(expected);
  });
});

describe("an operation whose address has changed", () => {
  test.each([
    ["POST", "/v2/email/list-identities", "ListEmailIdentitiesRequest"],
    ["GET", "/v2/email/identities", "ListEmailIdentitiesInput"],
  ])("is known at %s %s, with the parameters of its time", (method, path, input) => {
    const found = catalog.identify(headOf({ scope: "ses", method, path, query: "PageSize=7" }));
    expect(`${found?.service.id} ${found?.operationName}`).toBe("sesv2 ListEmailIdentities");
    expect(found?.operation.in).toBe(input);
  });
});

describe("sister services that share a signing name", () => {
  const cases: [Sent, string][] = [
    [{ scope: "bedrock", path: "/agents/a/" }, "bedrock-agent PrepareAgent"],
    [{ scope: "bedrock", path: "/agents/a" }, "bedrock-agent-runtime InvokeInlineAgent"],
    [{ scope: "lex", method: "GET", path: "/imports/i/" }, "models.lex.v2 DescribeImport"],
    [{ scope: "lex", method: "GET", path: "/imports/i" }, "lex-models GetImport"],
    [
      { scope: "bedrock-agentcore", path: "/runtimes/r/invocations" },
      "bedrock-agentcore InvokeAgentRuntime",
    ],
    [
      { scope: "connect-campaigns", method: "PUT", path: "/v2/campaigns" },
      "connectcampaignsv2 CreateCampaign",
    ],
    [
      { scope: "connect-campaigns", method: "PUT", path: "/campaigns" },
      "connectcampaigns CreateCampaign",
    ],
    [
      {
        scope: "events",
        path: "/service/AWSEventsV2/operation/CreateEventBus",
        headers: { "smithy-protocol": "rpc-v2-cbor" },
      },
      "eventbridgev2 CreateEventBus",
    ],
  ];
  test.each(cases)("%j is %s", (sent, expected) => {
    const found = catalog.identify(headOf(sent));
    expect(`${found?.service.id} ${found?.operationName}`).toBe(expected);
  });
});

describe("sign-in pages are no operation of any service", () => {
  const pages = [
    "/oauth2/token /oauth2/authorize /oauth2/userInfo /oauth2/revoke /oauth2/idpresponse /saml2/idpresponse",
    "/.well-known/openid-configuration /us-east-1_a/.well-known/jwks.json /login /logout /signup /confirmUser",
    "/confirm /resendcode /forgotPassword /confirmForgotPassword /mfa /passkeys/add /error",
  ].flatMap((line) => line.split(" "));
  test.each(pages)("%s", (path) => {
    const hosts = ["127.0.0.1:4781", "shop.auth.us-east-1.amazoncognito.com"];
    const found = hosts.flatMap((host) =>
      ["GET", "POST", "DELETE"].flatMap(
        (method) => catalog.identify(headOf({ method, path, host })) ?? [],
      ),
    );
    expect(found).toEqual([]);
  });

  test("an operation of their path that has what it asks for is one", () => {
    const headers = { "x-amz-sso_bearer_token": "t" };
    const found = catalog.identify(headOf({ method: "POST", path: "/logout", headers }));
    expect(`${found?.service.id} ${found?.operationName}`).toBe("sso Logout");
  });
});

describe("the five systems' clients", () => {
  const cases: [Sent, string][] = [
    [
      { scope: "amplify", method: "GET", path: "/apps", query: "maxResults=100" },
      "amplify ListApps rest-json",
    ],
    [
      { scope: "amplifybackend", path: "/backend/d23/job/staging" },
      "amplifybackend ListBackendJobs rest-json appId=d23 backendEnvironmentName=staging",
    ],
    [
      { scope: "AWSMobileHubService", method: "GET", path: "/projects" },
      "mobile ListProjects rest-json",
    ],
    [{ scope: "mobile", method: "GET", path: "/projects" }, "mobile ListProjects rest-json"],
    [
      { scope: "devops-guru", method: "PUT", path: "/resource-collections" },
      "devops-guru UpdateResourceCollection rest-json",
    ],
    [
      {
        scope: "cognito-identity",
        headers: { ...json11, "x-amz-target": "AWSCognitoIdentityService.CreateIdentityPool" },
      },
      "cognito-identity CreateIdentityPool json1.1",
    ],
    [
      {
        scope: "cognito-idp",
        headers: { ...json11, "x-amz-target": "AWSCognitoIdentityProviderService.AdminCreateUser" },
      },
      "cognito-idp AdminCreateUser json1.1",
    ],
    [
      { scope: "cognito-sync", method: "GET", path: "/identitypools/us-east-1%3Aabc" },
      "cognito-sync DescribeIdentityPoolUsage rest-json IdentityPoolId=us-east-1:abc",
    ],
    [
      { scope: "apigateway", path: "/restapis/a/resources/b/methods/GET" },
      "apigateway TestInvokeMethod rest-json restapi_id=a resource_id=b http_method=GET",
    ],
    [{ scope: "apigateway", method: "GET", path: "/v2/apis" }, "apigatewayv2 GetApis rest-json"],
    [
      { scope: "amplifyuibuilder", method: "GET", path: "/app/a/environment/b/themes" },
      "amplifyuibuilder ListThemes rest-json appId=a environmentName=b",
    ],
  ];
  test.each(cases)("%o is %s", (sent, expected) => {
    expect(identified(sent)).toBe(expected);
  });
});

describe("S3", () => {
  const s3 = { scope: "s3" };
  const copied = { headers: { "x-amz-copy-source": "/b/k" } };
  const cases: [string, Sent, string][] = [
    ["the service", { method: "GET" }, "ListBuckets"],
    [
      "the service, with the JavaScript SDK's mark",
      { method: "GET", query: "x-id=ListBuckets" },
      "ListBuckets",
    ],
    ["a bucket", { method: "GET", path: "/b" }, "ListObjects Bucket=b"],
    [
      "a bucket, newer form",
      { method: "GET", path: "/b", query: "list-type=2&prefix=a" },
      "ListObjectsV2 Bucket=b",
    ],
    [
      "a bucket with a slash",
      { method: "GET", path: "/b/", query: "list-type=2" },
      "ListObjectsV2 Bucket=b",
    ],
    [
      "a bucket's ACL, botocore",
      { method: "GET", path: "/b", query: "acl" },
      "GetBucketAcl Bucket=b",
    ],
    [
      "its ACL, JavaScript SDK",
      { method: "GET", path: "/b", query: "acl=" },
      "GetBucketAcl Bucket=b",
    ],
    [
      "the newer of two operations with one address",
      { method: "GET", path: "/b", query: "lifecycle" },
      "GetBucketLifecycleConfiguration Bucket=b",
    ],
    [
      "one of a bucket's configurations",
      { method: "GET", path: "/b", query: "analytics&id=x" },
      "GetBucketAnalyticsConfiguration Bucket=b",
    ],
    [
      "all of them",
      { method: "GET", path: "/b", query: "analytics" },
      "ListBucketAnalyticsConfigurations Bucket=b",
    ],
    ["a new bucket", { method: "PUT", path: "/b" }, "CreateBucket Bucket=b"],
    ["many deletes", { path: "/b", query: "delete" }, "DeleteObjects Bucket=b"],
    [
      "an object whose key is a path",
      { method: "GET", path: "/b/a/b%20c//d/" },
      "GetObject Bucket=b Key=a/b c//d/",
    ],
    [
      "an object's version, with the SDK's mark",
      { method: "GET", path: "/b/k", query: "versionId=1&x-id=GetObject" },
      "GetObject Bucket=b Key=k",
    ],
    ["an object's head", { method: "HEAD", path: "/b/k" }, "HeadObject Bucket=b Key=k"],
    ["an upload", { method: "PUT", path: "/b/k" }, "PutObject Bucket=b Key=k"],
    ["a copy", { method: "PUT", path: "/b/k", ...copied }, "CopyObject Bucket=b Key=k"],
    [
      "a part",
      { method: "PUT", path: "/b/k", query: "partNumber=1&uploadId=u" },
      "UploadPart Bucket=b Key=k",
    ],
    [
      "a copied part",
      { method: "PUT", path: "/b/k", query: "partNumber=1&uploadId=u", ...copied },
      "UploadPartCopy Bucket=b Key=k",
    ],
    [
      "an upload's parts",
      { method: "GET", path: "/b/k", query: "uploadId=u" },
      "ListParts Bucket=b Key=k",
    ],
    ["a new upload", { path: "/b/k", query: "uploads" }, "CreateMultipartUpload Bucket=b Key=k"],
    ["its end", { path: "/b/k", query: "uploadId=u" }, "CompleteMultipartUpload Bucket=b Key=k"],
    [
      "its abort",
      { method: "DELETE", path: "/b/k", query: "uploadId=u" },
      "AbortMultipartUpload Bucket=b Key=k",
    ],
    [
      "a key that looks like an ACL",
      { method: "GET", path: "/b/acl" },
      "GetObject Bucket=b Key=acl",
    ],
    [
      "a key's tags",
      { method: "PUT", path: "/b/k", query: "tagging&versionId=3" },
      "PutObjectTagging Bucket=b Key=k",
    ],
    [
      "a virtual-hosted bucket",
      { method: "GET", host: "b.s3.us-east-1.amazonaws.com", query: "list-type=2" },
      "ListObjectsV2 Bucket=b",
    ],
    [
      "a virtual-hosted object, dual stack",
      { method: "GET", host: "my.b.s3.dualstack.eu-west-1.amazonaws.com", path: "/k/l" },
      "GetObject Bucket=my.b Key=k/l",
    ],
    [
      "a virtual-hosted object at localhost",
      { method: "PUT", host: "b.localhost:4781", path: "/k" },
      "PutObject Bucket=b Key=k",
    ],
    [
      "a global host",
      { method: "GET", host: "b.s3.amazonaws.com", path: "/k" },
      "GetObject Bucket=b Key=k",
    ],
    [
      "the older host with a dash",
      { method: "GET", host: "s3-us-west-2.amazonaws.com", path: "/b/k" },
      "GetObject Bucket=b Key=k",
    ],
    [
      "a bucket behind an interface endpoint",
      {
        method: "GET",
        host: "b.bucket.vpce-1a2b-3c4d.s3.us-east-1.vpce.amazonaws.com",
        path: "/k",
      },
      "GetObject Bucket=b Key=k",
    ],
    [
      "directory buckets",
      { method: "GET", host: "s3express-control.us-west-2.amazonaws.com" },
      "ListDirectoryBuckets",
    ],
  ];
  test.each(cases)("%s", (_, sent, expected) => {
    const [operation, ...labels] = expected.split(/ (?=Bucket=|Key=)/);
    const found = identified({ ...s3, ...sent });
    expect(found).toBe(["s3", operation, "rest-xml", ...labels].join(" "));
  });

  test("the account's own S3 operations are told by their path and header", () => {
    const path = "/v20180820/configuration/publicAccessBlock";
    const headers = { "x-amz-account-id": "111122223333" };
    expect(identified({ scope: "s3", method: "GET", path, headers })).toBe(
      "s3control GetPublicAccessBlock rest-xml",
    );
    expect(identified({ scope: "s3", method: "GET", path: "/v20180820/some/key" })).toMatch(
      /^s3 GetObject /,
    );
  });
});

describe("services that share a signing name", () => {
  const cases: [string, Sent, string][] = [
    [
      "DynamoDB's streams, by the target",
      {
        scope: "dynamodb",
        headers: { ...json10, "x-amz-target": "DynamoDBStreams_20120810.GetRecords" },
      },
      "streams.dynamodb GetRecords json1.0",
    ],
    [
      "load balancing, first generation, by the API's version",
      {
        scope: "elasticloadbalancing",
        headers: { "content-type": form },
        body: "Version=2012-06-01&Action=DescribeLoadBalancers",
      },
      "elasticloadbalancing DescribeLoadBalancers query",
    ],
    [
      "load balancing, second generation",
      {
        scope: "elasticloadbalancing",
        headers: { "content-type": form },
        body: "Action=DescribeLoadBalancers&Version=2015-12-01",
      },
      "elasticloadbalancingv2 DescribeLoadBalancers query",
    ],
    [
      "SES, first generation",
      {
        scope: "ses",
        headers: { "content-type": form },
        body: "Action=SendEmail&Version=2010-12-01",
      },
      "email SendEmail query",
    ],
    [
      "SES, second generation",
      { scope: "ses", path: "/v2/email/outbound-emails" },
      "sesv2 SendEmail rest-json",
    ],
    [
      "RDS stands for those that copy its API",
      {
        scope: "rds",
        headers: { "content-type": form },
        body: "Action=CreateDBCluster&Version=2014-10-31",
      },
      "rds CreateDBCluster query",
    ],
    [
      "a model invocation",
      { scope: "bedrock", path: "/model/anthropic.claude-v2%3A1/invoke" },
      "bedrock-runtime InvokeModel rest-json modelId=anthropic.claude-v2:1",
    ],
    [
      "one by its host",
      {
        scope: "timestream",
        host: "ingest.timestream.us-east-1.amazonaws.com",
        headers: { ...json10, "x-amz-target": "Timestream_20181101.DescribeEndpoints" },
      },
      "timestream-write DescribeEndpoints json1.0",
    ],
    [
      "a connection's message, below the stage",
      { scope: "execute-api", path: "/prod/@connections/abc%3D" },
      "apigatewaymanagementapi PostToConnection rest-json connectionId=abc=",
    ],
  ];
  test.each(cases)("%s", (_, sent, expected) => {
    expect(identified(sent)).toBe(expected);
  });
});

describe("unsigned requests", () => {
  const cases: [string, Sent, string][] = [
    [
      "by the target",
      { headers: { ...json11, "x-amz-target": "AWSCognitoIdentityProviderService.SignUp" } },
      "cognito-idp SignUp json1.1",
    ],
    [
      "by the host",
      {
        method: "GET",
        host: "sso-oidc.us-east-1.amazonaws.com",
        path: "/nothing",
      },
      "-",
    ],
    [
      "by host and path",
      { host: "oidc.us-east-1.amazonaws.com", path: "/token" },
      "sso-oidc CreateToken rest-json",
    ],
    [
      "by a host with FIPS",
      { method: "GET", host: "scheduler-fips.us-east-1.amazonaws.com", path: "/tags/x" },
      "scheduler ListTagsForResource rest-json ResourceArn=x",
    ],
    [
      "by a dual-stack host",
      { method: "GET", host: "scheduler.us-east-1.api.aws", path: "/tags/x" },
      "scheduler ListTagsForResource rest-json ResourceArn=x",
    ],
    [
      "by an emulator's host",
      {
        host: "cognito-idp.localhost.localstack.cloud:4566",
        headers: { "x-amz-target": "AWSCognitoIdentityProviderService.InitiateAuth" },
      },
      "cognito-idp InitiateAuth json1.1",
    ],
    [
      "an anonymous read of a bucket, by the host",
      { method: "GET", host: "b.s3.amazonaws.com", path: "/k" },
      "s3 GetObject rest-xml Bucket=b Key=k",
    ],
    [
      "by the path of an operation that needs no signature",
      { method: "GET", path: "/federation/credentials", query: "role_name=a&account_id=1" },
      "sso GetRoleCredentials rest-json",
    ],
    [
      "by a path that one service has",
      { method: "GET", path: "/2015-03-31/functions/f" },
      "lambda GetFunction rest-json FunctionName=f",
    ],
    ["not by a path that several have", { method: "GET", path: "/tags/x" }, "-"],
    ["not by a path that could be any bucket's", { method: "GET", path: "/b/k" }, "-"],
    [
      "by Action and Version",
      {
        headers: { "content-type": form },
        body: "Action=CreateUser&Version=2010-05-08&UserName=x",
      },
      "iam CreateUser query",
    ],
    [
      "by an Action that needs no signature",
      { headers: { "content-type": form }, body: "Action=AssumeRoleWithWebIdentity" },
      "sts AssumeRoleWithWebIdentity query",
    ],
    [
      "not by an Action that none has",
      { headers: { "content-type": form }, body: "Action=Nothing&Version=2010-05-08" },
      "-",
    ],
    ["not a page of someone's application", { method: "GET", path: "/index.html" }, "-"],
    ["not a company's own host", { method: "GET", host: "events.example.com", path: "/" }, "-"],
  ];
  test.each(cases)("%s", (_, sent, expected) => {
    expect(identified(sent)).toBe(expected);
  });
});

describe("what nobody can make the catalog believe", () => {
  test("the signature's scope goes before target, host and path", () => {
    const sent: Sent = {
      scope: "s3",
      method: "PUT",
      path: "/b/k",
      host: "iam.amazonaws.com",
      headers: { "x-amz-target": "DynamoDB_20120810.ListTables" },
    };
    expect(identified(sent)).toBe("s3 PutObject rest-xml Bucket=b Key=k");
  });

  test("the JavaScript SDK's mark does not rename a request", () => {
    const sent: Sent = { scope: "s3", method: "DELETE", path: "/b/k", query: "x-id=GetObject" };
    expect(identified(sent)).toBe("s3 DeleteObject rest-xml Bucket=b Key=k");
  });

  test("names of JavaScript's own are no operations", () => {
    for (const name of ["constructor", "__proto__", "toString", ""]) {
      const headers = { "x-amz-target": `DynamoDB_20120810.${name}` };
      expect(identified({ scope: "dynamodb", headers })).toBe("-");
      const body = `Action=${name}&Version=2010-05-08`;
      expect(identified({ scope: "iam", headers: { "content-type": form }, body })).toBe("-");
    }
  });

  test("no head makes it throw", () => {
    const text = fc.oneof(
      fc.string(),
      fc.constantFrom("%", "%zz", "/", "//", "arn:", "{Bucket}", "\0"),
    );
    const head = fc.record({
      method: fc.constantFrom("GET", "PUT", "POST", "", "constructor"),
      path: fc.array(text, { maxLength: 80 }).map((parts) => `/${parts.join("/")}`),
      query: fc.string(),
      headers: fc.dictionary(
        fc.constantFrom("host", "x-amz-target", "content-type", "smithy-protocol"),
        fc.oneof(fc.string(), fc.constantFrom(form, "rpc-v2-cbor", "a.s3.amazonaws.com", "....")),
      ),
      signingName: fc.constantFrom("s3", "apigateway", "sqs", "ses", "lex", "unknown", "__proto__"),
    });
    fc.assert(
      fc.property(head, fc.boolean(), fc.string(), (sent, isSigned, body) => {
        const { signingName, ...unsigned } = sent;
        const given = isSigned ? { ...unsigned, signingName } : unsigned;
        const service = catalog.identifyService(given);
        const found = catalog.identify(given, Buffer.from(body));
        // What is found is an operation of its service, whatever the head said.
        const { operations } = found?.service ?? { operations: {} };
        expect(found === undefined || Object.hasOwn(operations, found.operationName)).toBe(true);
        // And of the one that was told before the body.
        expect(found === undefined || service === undefined || sameSource(service, found)).toBe(
          true,
        );
      }),
    );
  });
});

describe("the service alone, before the body", () => {
  test("is known for a form whose Action is not read yet", () => {
    const head = headOf({ scope: "iam", headers: { "content-type": form } });
    expect(catalog.identifyService(head)?.id).toBe("iam");
    expect(catalog.identify(head)).toBeUndefined();
  });

  test("is known for an operation that the model does not have", () => {
    const head = headOf({ headers: { "x-amz-target": "AWSCognitoIdentityService.Newest" } });
    expect(catalog.identifyService(head)?.id).toBe("cognito-identity");
    expect(catalog.identify(head)).toBeUndefined();
  });
});

function sameSource(
  service: Pick<Service, "id" | "eventSource">,
  found: { service: Service },
): boolean {
  return service.eventSource === found.service.eventSource;
}

/** A request as the template says: every label filled, every required query member and header there. */
function rendered(service: Service, operation: Operation, label: string): Sent {
  const [path = "/", query = ""] = (operation.path ?? "/").split("?");
  const input = service.shapes[operation.in ?? ""];
  const members = query === "" ? [] : [query];
  const headers: Record<string, string> = {};
  for (const name of input?.t === "structure" ? (input.req ?? []) : []) {
    const member = input?.t === "structure" ? input.m[name] : undefined;
    if (member?.loc === "query") members.push(`${member.n ?? name}=v`);
    if (member?.loc === "header") headers[(member.n ?? name).toLowerCase()] = "v";
  }
  const escaped = encodeURIComponent(label);
  return {
    scope: service.signingName,
    method: operation.method ?? "POST",
    path: path
      .replaceAll(/\{[^}]+\+\}/g, `${escaped}/${escaped}`)
      .replaceAll(/\{[^}]+\}/g, escaped),
    query: members.join("&"),
    headers,
  };
}

describe("a request made from an operation's template is that operation", () => {
  /** Truly the same address: the newer of two, and a listing that only its host tells. */
  const twins: Readonly<Record<string, string>> = {
    "s3 GetBucketLifecycle": "GetBucketLifecycleConfiguration",
    "s3 GetBucketNotification": "GetBucketNotificationConfiguration",
    "s3 PutBucketLifecycle": "PutBucketLifecycleConfiguration",
    "s3 PutBucketNotification": "PutBucketNotificationConfiguration",
    "s3 ListDirectoryBuckets": "ListBuckets",
  };
  const ids = [
    "amplify amplifybackend amplifyuibuilder apigateway apigatewayv2 cloudfront cloudtrail-data cognito-sync",
    "devops-guru eks glacier iot lambda mobile route53 s3 sesv2 workspaces-web",
  ].flatMap((line) => line.split(" "));
  test.each(ids)("%s", (id) => {
    const service = catalog.service(id);
    if (service === undefined) throw new Error(`there is no ${id}`);
    const label = fc.oneof(
      fc.string({ minLength: 1 }),
      fc.constantFrom("arn:aws:x:::a/b", "v2", "tags"),
    );
    fc.assert(
      fc.property(fc.constantFrom(...Object.keys(service.operations)), label, (name, text) => {
        const operation = service.operations[name];
        if (operation === undefined) return;
        // A label that is itself a fixed segment of another path means that one.
        const isPlain = !isFixedSegment(service, text);
        fc.pre(isPlain && isWellFormed(text));
        const sent = rendered(service, operation, text);
        const found = catalog.identify(headOf(sent));
        expect(found?.service.id).toBe(id);
        expect(found?.operationName).toBe(twins[`${id} ${name}`] ?? name);
        for (const value of Object.values(found?.labels ?? {})) {
          expect([text, `${text}/${text}`]).toContain(value);
        }
      }),
      { numRuns: 300 },
    );
  });
});

function isFixedSegment(service: Service, text: string): boolean {
  return Object.values(service.operations).some((each) =>
    (each.path ?? "/").split("?")[0]?.split("/").includes(text),
  );
}

function isWellFormed(text: string): boolean {
  try {
    encodeURIComponent(text);
    return true;
  } catch {
    return false;
  }
}

function orders(title: string, more = ""): string {
  return `openapi: 3.0.3
info: { title: ${title}, version: "1" }
servers: [{ url: "https://orders.example.com/api" }]
${more}
paths:
  /orders/{orderId}:
    get:
      operationId: GetOrder
      parameters: [{ name: orderId, in: path, required: true, schema: { type: string } }]
`;
}

function caught(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    if (isCairnError(error)) return `${error.code}: ${error.message}`;
    throw error;
  }
  return "nothing was thrown";
}

describe("users' own services", () => {
  const folders: string[] = [];
  function newFolder(): string {
    const folder = mkdtempSync(join(tmpdir(), "cairn-catalog-"));
    folders.push(folder);
    return folder;
  }
  afterEach(() => {
    for (const folder of folders.splice(0)) rmSync(folder, { recursive: true });
  });

  test("are found by their path, their host and their name in a signature, and after a restart", () => {
    const ownFolder = join(newFolder(), "catalog");
    const opened = openCatalog({ ownFolder });
    const path = "/api/orders/7";
    const byPath = headOf({ method: "GET", path });
    expect(opened.identify(byPath)).toBeUndefined();
    expect(opened.add(orders("Our Orders")).id).toBe("our-orders");
    for (const each of [opened, openCatalog({ ownFolder })]) {
      for (const head of [
        byPath,
        headOf({ method: "GET", path, host: "orders.example.com:443" }),
        headOf({ method: "GET", path, scope: "our-orders" }),
      ]) {
        const found = each.identify(head);
        expect(found?.service.eventSource).toBe("our-orders.internal");
        expect(found?.operationName).toBe("GetOrder");
        expect(found?.labels).toEqual({ orderId: "7" });
      }
      expect(each.services().filter((service) => service.own)).toEqual([
        {
          id: "our-orders",
          eventSource: "our-orders.internal",
          protocol: "rest-json",
          operations: 1,
          own: true,
        },
      ]);
    }
  });

  test("replace what was added before under the same id", () => {
    const opened = openCatalog({ ownFolder: newFolder() });
    opened.add(orders("Orders"));
    opened.add(orders("Orders", "x-cairn-event-source: orders.example.com"));
    const found = opened.identify(
      headOf({ method: "GET", path: "/api/orders/7", scope: "orders" }),
    );
    expect(found?.service.eventSource).toBe("orders.example.com");
  });

  test("never take the place of a service of AWS", () => {
    const ownFolder = newFolder();
    const opened = openCatalog({ ownFolder });
    expect(caught(() => opened.add(orders("Lambda")))).toMatch(
      /^InvalidCatalogModel: 'lambda' is the id/,
    );
    expect(readdirSync(ownFolder)).toEqual([]);
    // Nor do they when they sign with its name.
    opened.add(orders("Mine", "x-cairn-signing-name: lambda"));
    const path = "/2015-03-31/functions";
    expect(opened.identify(headOf({ method: "GET", path, scope: "lambda" }))?.service.id).toBe(
      "lambda",
    );
  });

  test("stay what they were when AWS gets a service of that name, until they are removed", () => {
    const ownFolder = newFolder();
    openCatalog({ ownFolder }).add(orders("Mine", "x-cairn-event-source: bills.example.com"));
    const own = JSON.parse(readFileSync(join(ownFolder, "mine.json"), "utf8")) as Service;
    writeFileSync(join(ownFolder, "billing.json"), JSON.stringify({ ...own, id: "billing" }));
    const opened = openCatalog({ ownFolder });
    expect(opened.service("billing")?.eventSource).toBe("bills.example.com");
    opened.remove("billing");
    for (const each of [opened, openCatalog({ ownFolder })]) {
      expect(each.service("billing")?.eventSource).toBe("billing.amazonaws.com");
    }
  });

  test("that are removed are known no more, nor after a restart", () => {
    const ownFolder = newFolder();
    const opened = openCatalog({ ownFolder });
    opened.add(orders("Orders"));
    const { version } = opened;
    const head = headOf({ method: "GET", path: "/api/orders/7", host: "orders.example.com" });
    expect(opened.identify(head)?.operationName).toBe("GetOrder");
    opened.remove("orders");
    expect(opened.version).toBeGreaterThan(version);
    expect(readdirSync(ownFolder)).toEqual([]);
    for (const each of [opened, openCatalog({ ownFolder })]) {
      expect(each.identify(head)).toBeUndefined();
      expect(each.service("orders")).toBeUndefined();
      expect(each.services().filter((service) => service.own)).toEqual([]);
    }
  });

  test("are all that can be removed", () => {
    const opened = openCatalog({ ownFolder: newFolder() });
    expect(caught(() => opened.remove("s3"))).toBe(
      'ValidationFailed: "s3" is built in: only services that were added can be removed',
    );
    for (const id of ["orders", "../../orders", "__proto__"]) {
      expect(caught(() => opened.remove(id))).toBe(
        `NotFound: no service ${JSON.stringify(id)} was added`,
      );
    }
    expect(opened.service("s3")?.id).toBe("s3");
  });

  test("that cannot be read stop the start, with the file's name", () => {
    const ownFolder = newFolder();
    writeFileSync(join(ownFolder, "orders.json"), '{"id":"orders"');
    expect(caught(() => openCatalog({ ownFolder }))).toMatch(/InvalidCatalogModel: .*orders\.json/);
  });
});
