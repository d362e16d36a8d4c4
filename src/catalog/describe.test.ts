// What the event says of a call: the documented sample entries, the forms of well-known services, and people's privacy.
// oxlint-disable vitest/expect-expect -- every case asserts through check().
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { isJsonObject, type JsonObject, type JsonValue } from "../event/json.ts";
import type { DescribedCall, ObservedCall } from "./call.ts";
import { describeCall, unrecordedPathReason } from "./describe.ts";
import { hiddenMarker, isDenied, plainName } from "./profile.ts";
import { cognitoIdentity, cognitoSync } from "./profiles/cognito.ts";
import type { Protocol, Service } from "./service.ts";

const servicesFolder = join(import.meta.dirname, "services");
const loaded = new Map<string, Service>();

function serviceNamed(id: string): Service {
  let service = loaded.get(id);
  if (service === undefined) {
    service = JSON.parse(readFileSync(join(servicesFolder, `${id}.json`), "utf8")) as Service;
    loaded.set(id, service);
  }
  return service;
}

interface WireCall {
  service: string;
  operation: string;
  method?: string;
  path?: string;
  query?: string;
  headers?: Record<string, string>;
  labels?: Record<string, string>;
  body?: string;
  protocol?: Protocol;
  /** Left out: 200 without a body. */
  response?: { status?: number; headers?: Record<string, string>; body?: string } | "none";
}

const place = { region: "us-east-1", accountId: "111122223333" };

function described(wire: WireCall): DescribedCall {
  const service = serviceNamed(wire.service);
  const operation = service.operations[wire.operation];
  if (operation === undefined) throw new Error(`${wire.service} has no ${wire.operation}`);
  const call: ObservedCall = {
    method: wire.method ?? "POST",
    path: wire.path ?? "/",
    query: wire.query ?? "",
    headers: wire.headers ?? {},
    ...(wire.body === undefined ? {} : { body: Buffer.from(wire.body) }),
  };
  if (wire.response !== "none") {
    const { status = 200, headers = {}, body } = wire.response ?? {};
    call.response = {
      status,
      headers,
      ...(body === undefined ? {} : { body: Buffer.from(body) }),
    };
  }
  return describeCall(
    {
      service,
      operationName: wire.operation,
      operation,
      labels: wire.labels ?? {},
      protocol: wire.protocol ?? service.protocol,
    },
    call,
    place,
  );
}

type Shown = { [Name in keyof DescribedCall]?: DescribedCall[Name] | undefined };

function check(wire: WireCall, expected: Shown): void {
  const said = described(wire);
  const shown = Object.fromEntries(
    Object.keys(expected).map((name) => [name, said[name as keyof DescribedCall]]),
  );
  expect(shown).toEqual(expected);
}

describe("the documented sample entries come out of the calls that real clients make", () => {
  const samples: [WireCall, Omit<DescribedCall, "recorded">][] = [
    [
      {
        service: "amplify",
        operation: "ListApps",
        method: "GET",
        path: "/apps",
        query: "maxResults=100",
        response: {
          headers: { "x-amzn-requestid": "1c026d0b-3397-405a-95aa-aa43aexample" },
          body: '{"apps":[{"appId":"d1","name":"n","createTime":1610499932.49}]}',
        },
      },
      {
        eventSource: "amplify.amazonaws.com",
        eventName: "ListApps",
        requestParameters: { maxResults: "100" },
        responseElements: null,
        requestID: "1c026d0b-3397-405a-95aa-aa43aexample",
        readOnly: true,
        managementEvent: true,
        eventCategory: "Management",
      },
    ],
    [
      {
        service: "amplifybackend",
        operation: "ListBackendJobs",
        path: "/backend/d23mv2oexample/job/staging",
        labels: { appId: "d23mv2oexample", backendEnvironmentName: "staging" },
        body: "{}",
        response: {
          headers: { "x-amzn-requestid": "7adfabd6-98d5-4b11-bd39-c7deaexample" },
          body: JSON.stringify({
            jobs: [
              {
                appId: "d23mv2oexample",
                backendEnvironmentName: "staging",
                jobId: "ed63e9b2-dd1b-4bf2-895b-3d5dcexample",
                operation: "CreateBackendAuth",
                status: "COMPLETED",
                createTime: "1610499932490",
                updateTime: "1610500140053",
              },
            ],
            appId: "d23mv2oexample",
            backendEnvironmentName: "staging",
          }),
        },
      },
      {
        eventSource: "amplifybackend.amazonaws.com",
        eventName: "ListBackendJobs",
        requestParameters: { appId: "d23mv2oexample", backendEnvironmentName: "staging" },
        responseElements: {
          jobs: [
            {
              appId: "d23mv2oexample",
              backendEnvironmentName: "staging",
              jobId: "ed63e9b2-dd1b-4bf2-895b-3d5dcexample",
              operation: "CreateBackendAuth",
              status: "COMPLETED",
              createTime: "1610499932490",
              updateTime: "1610500140053",
            },
          ],
          appId: "d23mv2oexample",
          backendEnvironmentName: "staging",
        },
        requestID: "7adfabd6-98d5-4b11-bd39-c7deaexample",
        readOnly: false,
        managementEvent: true,
        eventCategory: "Management",
      },
    ],
    [
      {
        service: "mobile",
        operation: "ListProjects",
        method: "GET",
        path: "/projects",
        response: {
          headers: { "x-amzn-requestid": "abcd0123-0123-0123-0123-abcdef012345" },
          body: '{"projects":[{"name":"shop-0123456789012","projectId":"abcd0123-0123"}]}',
        },
      },
      {
        eventSource: "mobilehub.amazonaws.com",
        eventName: "ListProjects",
        requestParameters: { maxResults: 0 },
        responseElements: {
          projects: [{ name: "shop-0123456789012", projectId: "abcd0123-0123" }],
        },
        requestID: "abcd0123-0123-0123-0123-abcdef012345",
        readOnly: true,
        managementEvent: true,
        eventCategory: "Management",
      },
    ],
    [
      {
        service: "devops-guru",
        operation: "UpdateResourceCollection",
        method: "PUT",
        path: "/resource-collections",
        body: '{"Action":"REMOVE","ResourceCollection":{"CloudFormation":{"StackNames":["*"]}}}',
        response: { headers: { "x-amzn-requestid": "cb8c167e-EXAMPLE" }, body: "{}" },
      },
      {
        eventSource: "devops-guru.amazonaws.com",
        eventName: "UpdateResourceCollection",
        requestParameters: {
          Action: "REMOVE",
          ResourceCollection: { CloudFormation: { StackNames: ["*"] } },
        },
        responseElements: null,
        requestID: "cb8c167e-EXAMPLE",
        readOnly: false,
        managementEvent: true,
        eventCategory: "Management",
      },
    ],
    [
      {
        service: "cognito-identity",
        operation: "CreateIdentityPool",
        headers: { "x-amz-target": "AWSCognitoIdentityService.CreateIdentityPool" },
        body: '{"IdentityPoolName":"TestPool","AllowUnauthenticatedIdentities":true,"SupportedLoginProviders":{"graph.facebook.com":"000000000000000"}}',
        response: {
          headers: { "x-amzn-requestid": "15cc73a1-0780-460c-91e8-e12ef034e116" },
          body: '{"IdentityPoolName":"TestPool","IdentityPoolId":"us-east-1:1cf667a2-49a6-454b-9e45-23199EXAMPLE","AllowUnauthenticatedIdentities":true,"SupportedLoginProviders":{"graph.facebook.com":"000000000000000"}}',
        },
      },
      {
        eventSource: "cognito-identity.amazonaws.com",
        eventName: "CreateIdentityPool",
        requestParameters: {
          identityPoolName: "TestPool",
          allowUnauthenticatedIdentities: true,
          supportedLoginProviders: { "graph.facebook.com": "000000000000000" },
        },
        responseElements: {
          identityPoolName: "TestPool",
          identityPoolId: "us-east-1:1cf667a2-49a6-454b-9e45-23199EXAMPLE",
          allowUnauthenticatedIdentities: true,
          supportedLoginProviders: { "graph.facebook.com": "000000000000000" },
        },
        requestID: "15cc73a1-0780-460c-91e8-e12ef034e116",
        readOnly: false,
        managementEvent: true,
        eventCategory: "Management",
      },
    ],
    [
      {
        service: "apigateway",
        operation: "GetResource",
        method: "GET",
        path: "/restapis/3rbEXAMPLE/resources/5tfEXAMPLE",
        labels: { restapi_id: "3rbEXAMPLE", resource_id: "5tfEXAMPLE" },
        response: {
          headers: { "x-amzn-requestid": "6d9c4bfc-148a-11e5-81b6-7577cEXAMPLE" },
          body: '{"id":"5tfEXAMPLE","path":"/"}',
        },
      },
      {
        eventSource: "apigateway.amazonaws.com",
        eventName: "GetResource",
        requestParameters: { restApiId: "3rbEXAMPLE", resourceId: "5tfEXAMPLE", template: false },
        responseElements: null,
        requestID: "6d9c4bfc-148a-11e5-81b6-7577cEXAMPLE",
        readOnly: true,
        managementEvent: true,
        eventCategory: "Management",
      },
    ],
  ];
  test.each(samples)("$service $operation", (wire, expected) => {
    expect(described(wire)).toEqual({ recorded: true, ...expected });
  });
});

function recordedOf(id: string): string[] {
  return Object.keys(serviceNamed(id).operations)
    .filter((operation) => described({ service: id, operation }).recorded)
    .toSorted((a, b) => a.localeCompare(b));
}

describe("which operations are recorded", () => {
  test("of federated identities and Sync exactly the documented seven and eight", () => {
    expect(recordedOf("cognito-identity")).toEqual(cognitoIdentity.only);
    expect(cognitoIdentity.only).toHaveLength(7);
    expect(recordedOf("cognito-sync")).toEqual(cognitoSync.only);
    expect(cognitoSync.only).toHaveLength(8);
  });

  test("of API Gateway all but the two test invocations", () => {
    const left = Object.keys(serviceNamed("apigateway").operations).filter(
      (operation) => !recordedOf("apigateway").includes(operation),
    );
    expect(left.toSorted((a, b) => a.localeCompare(b))).toEqual([
      "TestInvokeAuthorizer",
      "TestInvokeMethod",
    ]);
    expect(recordedOf("apigatewayv2")).toHaveLength(
      Object.keys(serviceNamed("apigatewayv2").operations).length,
    );
  });

  test.each([
    "amplify",
    "amplifybackend",
    "amplifyuibuilder",
    "mobile",
    "devops-guru",
    "cognito-idp",
  ])("of %s all", (id) => {
    expect(recordedOf(id)).toHaveLength(Object.keys(serviceNamed(id).operations).length);
  });

  test("Cognito's hosted UI and federation paths are not", () => {
    const userPools = serviceNamed("cognito-idp");
    const paths = [
      "/oauth2/token",
      "/login",
      "/logout",
      "/saml2/idpresponse",
      "/.well-known/openid-configuration",
    ];
    for (const path of paths)
      expect(unrecordedPathReason(userPools, path)).toContain("not recorded");
    expect(unrecordedPathReason(userPools, "/")).toBeUndefined();
    expect(unrecordedPathReason(userPools, "/loginx")).toBeUndefined();
    expect(unrecordedPathReason(serviceNamed("amplify"), "/login")).toBeUndefined();
  });
});

const xmlHead = '<?xml version="1.0" encoding="UTF-8"?>';

describe("well-known services keep the forms of their real records", () => {
  test("API Gateway puts a body under the operation's input", () => {
    check(
      {
        service: "apigateway",
        operation: "CreateStage",
        labels: { restapi_id: "abc" },
        body: '{"stageName":"latest","deploymentId":"49ijxa","tracingEnabled":false}',
        response: {
          status: 201,
          body: '{"stageName":"latest","createdDate":1657568268,"_links":{"self":{"href":"/x"}},"newMember":1}',
        },
      },
      {
        requestParameters: {
          restApiId: "abc",
          createStageInput: { stageName: "latest", deploymentId: "49ijxa", tracingEnabled: false },
          template: false,
        },
        responseElements: {
          stageName: "latest",
          createdDate: "Jul 11, 2022 7:37:48 PM",
          newMember: 1,
        },
      },
    );
    check(
      {
        service: "apigateway",
        operation: "CreateApiKey",
        body: '{"name":"k","value":"0123456789abcdefghij"}',
        response: { status: 201, body: '{"id":"i","value":"0123456789abcdefghij"}' },
      },
      {
        requestParameters: {
          createApiKeyInput: { name: "k", value: hiddenMarker },
          template: false,
        },
        responseElements: { id: "i", value: hiddenMarker },
      },
    );
    check(
      {
        service: "apigatewayv2",
        operation: "CreateApi",
        body: '{"name":"a","protocolType":"HTTP"}',
        response: { status: 201, body: '{"apiId":"x","createdDate":"2025-05-24T13:29:00Z"}' },
      },
      {
        eventSource: "apigateway.amazonaws.com",
        requestParameters: { name: "a", protocolType: "HTTP" },
        responseElements: { apiId: "x", createdDate: "2025-05-24T13:29:00Z" },
      },
    );
  });

  test("IAM leaves secrets out, and its error codes are the exceptions' names", () => {
    check(
      {
        service: "iam",
        operation: "CreateAccessKey",
        body: "Action=CreateAccessKey&Version=2010-05-08&UserName=user1",
        response: {
          body: "<CreateAccessKeyResponse><CreateAccessKeyResult><AccessKey><UserName>user1</UserName><AccessKeyId>AKIA1</AccessKeyId><Status>Active</Status><SecretAccessKey>topsecret</SecretAccessKey><CreateDate>2022-09-27T17:09:18Z</CreateDate></AccessKey></CreateAccessKeyResult><ResponseMetadata><RequestId>r</RequestId></ResponseMetadata></CreateAccessKeyResponse>",
        },
      },
      {
        requestParameters: { userName: "user1" },
        responseElements: {
          accessKey: {
            userName: "user1",
            accessKeyId: "AKIA1",
            status: "Active",
            createDate: "Sep 27, 2022 5:09:18 PM",
          },
        },
        requestID: "r",
      },
    );
    check(
      {
        service: "iam",
        operation: "CreateLoginProfile",
        body: "Action=CreateLoginProfile&UserName=a&Password=hunter2hunter2&PasswordResetRequired=false",
        response: {
          status: 409,
          body: "<ErrorResponse><Error><Code>EntityAlreadyExists</Code><Message>hunter2hunter2 is no good</Message></Error></ErrorResponse>",
        },
      },
      {
        requestParameters: { userName: "a", passwordResetRequired: false },
        responseElements: null,
        errorCode: "EntityAlreadyExistsException",
        errorMessage: `${hiddenMarker} is no good`,
      },
    );
  });

  test("S3 shows bucket, key, host, query flags and amz headers", () => {
    check(
      {
        service: "s3",
        operation: "PutBucketVersioning",
        method: "PUT",
        path: "/critical",
        query: "versioning",
        labels: { Bucket: "critical" },
        headers: {
          host: "s3.us-east-1.amazonaws.com",
          authorization: "AWS4-HMAC-SHA256 …",
          "content-length": "123",
        },
        body: `${xmlHead}<VersioningConfiguration xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Status>Enabled</Status></VersioningConfiguration>`,
        response: { headers: { "x-amz-request-id": "R", "x-amz-id-2": "ID2" } },
      },
      {
        eventName: "PutBucketVersioning",
        requestParameters: {
          bucketName: "critical",
          Host: "s3.us-east-1.amazonaws.com",
          versioning: "",
          VersioningConfiguration: {
            xmlns: "http://s3.amazonaws.com/doc/2006-03-01/",
            Status: "Enabled",
          },
        },
        responseElements: null,
        additionalEventData: {
          SignatureVersion: "SigV4",
          bytesTransferredIn: 123,
          AuthenticationMethod: "AuthHeader",
          "x-amz-id-2": "ID2",
          bytesTransferredOut: 0,
        },
        requestID: "R",
        managementEvent: true,
        resources: [
          { accountId: "111122223333", type: "AWS::S3::Bucket", ARN: "arn:aws:s3:::critical" },
        ],
      },
    );
    check(
      {
        service: "s3",
        operation: "PutObject",
        method: "PUT",
        path: "/b/dir/key.txt",
        query: "x-id=PutObject",
        labels: { Bucket: "b", Key: "dir/key.txt" },
        headers: {
          host: "h",
          "x-amz-server-side-encryption": "AES256",
          "x-amz-server-side-encryption-customer-key": "c2VjcmV0",
          "content-type": "text/plain",
        },
        body: "the body",
        response: { headers: { "x-amz-version-id": "v1", etag: '"e"' } },
      },
      {
        requestParameters: {
          bucketName: "b",
          key: "dir/key.txt",
          Host: "h",
          "x-amz-server-side-encryption": "AES256",
        },
        responseElements: { "x-amz-version-id": "v1" },
        managementEvent: false,
        eventCategory: "Data",
        resources: [
          { type: "AWS::S3::Object", ARN: "arn:aws:s3:::b/dir/key.txt" },
          { accountId: "111122223333", type: "AWS::S3::Bucket", ARN: "arn:aws:s3:::b" },
        ],
      },
    );
    check(
      {
        service: "s3",
        operation: "PutBucketPolicy",
        query: "policy",
        labels: { Bucket: "b" },
        body: '{"Statement":[]}',
      },
      { requestParameters: { bucketName: "b", policy: "", bucketPolicy: { Statement: [] } } },
    );
  });

  test("EC2 keeps the sets of its first API, and newer operations their own XML", () => {
    check(
      {
        service: "ec2",
        operation: "DescribeVpcs",
        body: "Action=DescribeVpcs&Version=2016-11-15&Filter.1.Name=vpc-id&Filter.1.Value.1=vpc-1",
      },
      {
        requestParameters: {
          vpcSet: {},
          filterSet: { items: [{ name: "vpc-id", valueSet: { items: [{ value: "vpc-1" }] } }] },
        },
        responseElements: null,
      },
    );
    check(
      {
        service: "ec2",
        operation: "StopInstances",
        body: "Action=StopInstances&InstanceId.1=i-1&InstanceId.2=i-2",
        response: {
          body: `${xmlHead}<StopInstancesResponse xmlns="http://ec2.amazonaws.com/doc/2016-11-15/"><requestId>r-1</requestId><instancesSet><item><instanceId>i-1</instanceId><currentState><code>64</code><name>stopping</name></currentState></item></instancesSet></StopInstancesResponse>`,
        },
      },
      {
        requestParameters: {
          instancesSet: { items: [{ instanceId: "i-1" }, { instanceId: "i-2" }] },
          force: false,
        },
        responseElements: {
          requestId: "r-1",
          instancesSet: {
            items: [{ instanceId: "i-1", currentState: { code: 64, name: "stopping" } }],
          },
        },
        requestID: "r-1",
      },
    );
    check(
      {
        service: "ec2",
        operation: "RunInstances",
        body: "Action=RunInstances&ImageId=ami-1&MinCount=1&MaxCount=2&InstanceType=t2.micro&UserData=c2VjcmV0&SecurityGroupId.1=sg-1",
        response: {
          status: 403,
          body: "<Response><Errors><Error><Code>UnauthorizedOperation</Code><Message>no</Message></Error></Errors><RequestID>r</RequestID></Response>",
        },
      },
      {
        requestParameters: {
          instancesSet: { items: [{ imageId: "ami-1", minCount: 1, maxCount: 2 }] },
          groupSet: { items: [{ groupId: "sg-1" }] },
          instanceType: "t2.micro",
          userData: "<sensitiveDataRemoved>",
          blockDeviceMapping: {},
          disableApiStop: false,
          disableApiTermination: false,
          monitoring: { enabled: false },
        },
        responseElements: null,
        errorCode: "Client.UnauthorizedOperation",
        errorMessage: "no",
      },
    );
    check(
      {
        service: "ec2",
        operation: "AuthorizeSecurityGroupIngress",
        body: "Action=A&GroupId=sg-1&IpPermissions.1.IpProtocol=tcp&IpPermissions.1.FromPort=22&IpPermissions.1.ToPort=22&IpPermissions.1.IpRanges.1.CidrIp=0.0.0.0/0&IpPermissions.1.Groups.1.GroupId=sg-2&TagSpecification.1.ResourceType=rule&TagSpecification.1.Tag.1.Key=k&TagSpecification.1.Tag.1.Value=v",
        response: { body: "<R><requestId>r</requestId><return>true</return></R>" },
      },
      {
        requestParameters: {
          groupId: "sg-1",
          ipPermissions: {
            items: [
              {
                ipProtocol: "tcp",
                fromPort: 22,
                toPort: 22,
                groups: { items: [{ groupId: "sg-2" }] },
                ipRanges: { items: [{ cidrIp: "0.0.0.0/0" }] },
                ipv6Ranges: {},
                prefixListIds: {},
              },
            ],
          },
          tagSpecificationSet: {
            items: [{ resourceType: "rule", tags: [{ key: "k", value: "v" }] }],
          },
        },
        responseElements: { requestId: "r", _return: true },
      },
    );
    check(
      {
        service: "ec2",
        operation: "DeleteFlowLogs",
        body: "Action=DeleteFlowLogs&FlowLogId.1=fl-1",
        response: { body: "<R><requestId>r</requestId><unsuccessful/></R>" },
      },
      {
        requestParameters: { DeleteFlowLogsRequest: { FlowLogId: { content: "fl-1", tag: 1 } } },
        responseElements: {
          DeleteFlowLogsResponse: {
            xmlns: "http://ec2.amazonaws.com/doc/2016-11-15/",
            requestId: "r",
            unsuccessful: "",
          },
        },
      },
    );
    check(
      { service: "ec2", operation: "EnableSerialConsoleAccess", body: "Action=E" },
      { requestParameters: { EnableSerialConsoleAccessRequest: "" } },
    );
  });

  test("DynamoDB shows keys and attribute names, never values", () => {
    check(
      {
        service: "dynamodb",
        operation: "PutItem",
        body: '{"TableName":"Music","Item":{"Artist":{"S":"nobody"},"Year":{"N":"1999"}},"ExpressionAttributeValues":{":v":{"S":"hush"}}}',
        response: { body: '{"Attributes":{"Artist":{"S":"nobody"}}}' },
      },
      {
        apiVersion: "2012-08-10",
        requestParameters: { tableName: "Music", item: ["Artist", "Year"] },
        responseElements: null,
        managementEvent: false,
        eventCategory: "Data",
        resources: [
          {
            accountId: "111122223333",
            type: "AWS::DynamoDB::Table",
            ARN: "arn:aws:dynamodb:us-east-1:111122223333:table/Music",
          },
        ],
      },
    );
    check(
      {
        service: "dynamodb",
        operation: "GetItem",
        body: '{"TableName":"Music","Key":{"Artist":{"S":"nobody"}},"ConsistentRead":true}',
      },
      {
        requestParameters: { tableName: "Music", key: { Artist: "nobody" }, consistentRead: true },
      },
    );
  });

  test("Lambda's event names carry the API's version, and code and variables are left out", () => {
    check(
      {
        service: "lambda",
        operation: "UpdateFunctionConfiguration",
        labels: { FunctionName: "f" },
        body: '{"Environment":{"Variables":{"STAGE":"x"}},"Timeout":3}',
      },
      {
        eventName: "UpdateFunctionConfiguration20150331v2",
        requestParameters: {
          functionName: "f",
          environment: { variables: hiddenMarker },
          timeout: 3,
        },
      },
    );
    check(
      {
        service: "lambda",
        operation: "CreateFunction",
        body: '{"FunctionName":"f","Code":{"ZipFile":"UEsDBA==","S3Bucket":"b"}}',
      },
      {
        eventName: "CreateFunction20150331",
        requestParameters: { functionName: "f", code: { s3Bucket: "b" } },
      },
    );
    check(
      { service: "lambda", operation: "Invoke", labels: { FunctionName: "f" }, body: "payload" },
      {
        eventName: "Invoke",
        eventCategory: "Data",
        requestParameters: { functionName: "f" },
        resources: [
          {
            accountId: "111122223333",
            type: "AWS::Lambda::Function",
            ARN: "arn:aws:lambda:us-east-1:111122223333:function:f",
          },
        ],
      },
    );
  });

  test("KMS, Secrets Manager, STS, RDS, SQS and SNS keep their secrets", () => {
    check(
      {
        service: "kms",
        operation: "Decrypt",
        body: '{"CiphertextBlob":"c2VjcmV0","KeyId":"alias/k","EncryptionContext":{"a":"b"}}',
        response: { body: '{"Plaintext":"c2VjcmV0","KeyId":"arn:x"}' },
      },
      {
        readOnly: true,
        requestParameters: { keyId: "alias/k", encryptionContext: { a: "b" } },
        responseElements: null,
        managementEvent: true,
      },
    );
    check(
      {
        service: "secretsmanager",
        operation: "PutSecretValue",
        body: '{"SecretId":"s","SecretString":"hush","ClientRequestToken":"t"}',
      },
      { requestParameters: { secretId: "s", clientRequestToken: "t" } },
    );
    check(
      {
        service: "sts",
        operation: "AssumeRole",
        body: "Action=AssumeRole&RoleArn=arn:aws:iam::1:role/R&RoleSessionName=s&DurationSeconds=900",
        response: {
          body: "<AssumeRoleResponse><AssumeRoleResult><Credentials><AccessKeyId>ASIA1</AccessKeyId><SecretAccessKey>x</SecretAccessKey><SessionToken>y</SessionToken><Expiration>2024-12-12T16:19:32Z</Expiration></Credentials></AssumeRoleResult></AssumeRoleResponse>",
        },
      },
      {
        readOnly: true,
        requestParameters: {
          roleArn: "arn:aws:iam::1:role/R",
          roleSessionName: "s",
          durationSeconds: 900,
        },
        responseElements: {
          credentials: {
            accessKeyId: "ASIA1",
            sessionToken: hiddenMarker,
            expiration: "Dec 12, 2024, 4:19:32 PM",
          },
        },
        resources: [{ accountId: "1", type: "AWS::IAM::Role", ARN: "arn:aws:iam::1:role/R" }],
      },
    );
    check(
      {
        service: "rds",
        operation: "CreateDBInstance",
        body: "Action=C&DBInstanceIdentifier=d&MasterUserPassword=hush&VpcSecurityGroupIds.VpcSecurityGroupId.1=sg-1",
        response: {
          body: "<R><CreateDBInstanceResult><DBInstance><DBInstanceIdentifier>d</DBInstanceIdentifier><InstanceCreateTime>2023-12-08T14:55:17.5Z</InstanceCreateTime></DBInstance></CreateDBInstanceResult></R>",
        },
      },
      {
        requestParameters: {
          dBInstanceIdentifier: "d",
          masterUserPassword: "****",
          vpcSecurityGroupIds: ["sg-1"],
        },
        responseElements: {
          dBInstanceIdentifier: "d",
          instanceCreateTime: "Dec 8, 2023, 2:55:17 PM",
        },
      },
    );
    check(
      {
        service: "sqs",
        operation: "SendMessage",
        protocol: "json1.0",
        body: '{"QueueUrl":"http://localhost:9324/111122223333/jobs","MessageBody":"hush"}',
        response: {
          status: 400,
          headers: { "x-amzn-query-error": "AWS.SimpleQueueService.NonExistentQueue;Sender" },
          body: '{"__type":"com.amazonaws.sqs#QueueDoesNotExist","message":"no queue"}',
        },
      },
      {
        requestParameters: {
          queueUrl: "http://localhost:9324/111122223333/jobs",
          messageBody: hiddenMarker,
        },
        errorCode: "AWS.SimpleQueueService.NonExistentQueue",
        resources: [
          {
            accountId: "111122223333",
            type: "AWS::SQS::Queue",
            ARN: "arn:aws:sqs:us-east-1:111122223333:jobs",
          },
        ],
      },
    );
    check(
      {
        service: "sns",
        operation: "Publish",
        body: "Action=Publish&TopicArn=arn:aws:sns:us-east-1:1:t&Message=hush&Subject=hush",
      },
      {
        requestParameters: {
          topicArn: "arn:aws:sns:us-east-1:1:t",
          message: hiddenMarker,
          subject: hiddenMarker,
        },
        eventCategory: "Data",
      },
    );
  });

  test("calls without parameters, without an answer and with an unreadable body are described", () => {
    check(
      { service: "sts", operation: "GetCallerIdentity", body: "Action=GetCallerIdentity" },
      { requestParameters: null, responseElements: null, readOnly: true },
    );
    check(
      { service: "cloudtrail", operation: "CreateTrail", body: '{"Name":', response: "none" },
      {
        requestParameters: null,
        responseElements: null,
        errorCode: undefined,
        eventName: "CreateTrail",
      },
    );
    check(
      {
        service: "cloudtrail",
        operation: "LookupEvents",
        body: '{"LookupAttributes":[{"AttributeKey":"EventName","AttributeValue":"X"}],"StartTime":1699158551}',
        response: { status: 400, body: '{"__type":"AccessDeniedException","Message":"no"}' },
      },
      {
        requestParameters: {
          lookupAttributes: [{ attributeKey: "EventName", attributeValue: "X" }],
          startTime: "Nov 5, 2023, 4:29:11 AM",
        },
        errorCode: "AccessDenied",
        errorMessage: "no",
      },
    );
  });

  test("a user's own service gets the default rules, the deny list among them", () => {
    const own: Service = {
      id: "orders",
      eventSource: "orders.example.com",
      signingName: "orders",
      endpointPrefix: "orders",
      apiVersion: "1",
      protocol: "rest-json",
      operations: { PlaceOrder: { path: "/orders", in: "In", out: "Out" } },
      shapes: {
        In: {
          t: "structure",
          m: { CardToken: { s: "Text" }, apiKey: { s: "Text" }, Note: { s: "Free" } },
        },
        Out: { t: "structure", m: { OrderId: { s: "Text" } } },
        Text: { t: "string" },
        Free: { t: "document" },
      },
    };
    const operation = own.operations["PlaceOrder"] ?? {};
    const said = describeCall(
      { service: own, operationName: "PlaceOrder", operation, labels: {}, protocol: "rest-json" },
      {
        method: "POST",
        path: "/orders",
        query: "",
        headers: {},
        body: Buffer.from(
          '{"CardToken":"c","apiKey":"k","Note":{"user_password":"p","retries":3},"Stray":1}',
        ),
        response: { status: 200, headers: {}, body: Buffer.from('{"OrderId":"o","Internal":1}') },
      },
    );
    expect(said).toEqual({
      recorded: true,
      eventSource: "orders.example.com",
      eventName: "PlaceOrder",
      readOnly: false,
      managementEvent: true,
      eventCategory: "Management",
      requestParameters: {
        cardToken: "c",
        apiKey: hiddenMarker,
        note: { user_password: hiddenMarker, retries: 3 },
      },
      responseElements: { orderId: "o" },
    });
  });
});

/** What is a user's own or a secret in the user pool API, written down apart from the profile that hides it. */
const personalMembers = [
  "Username UserAttributes Attributes ValidationData Password PreviousPassword ProposedPassword TemporaryPassword",
  "SecretHash Session SecretCode UserCode ConfirmationCode Code AccessToken IdToken RefreshToken Token FeedbackToken",
  "ClientSecret AuthParameters ChallengeParameters ChallengeResponses ClientMetadata ContextData UserContextData",
  "EncodedData IpAddress Destination DeviceName FriendlyDeviceName PasswordVerifier Salt ProviderAttributeValue",
  "PreSignedUrl Filter ClientSecretValue Credential CredentialId CredentialCreationOptions SessionId LastIPAddress",
].flatMap((line) => line.split(" "));

const alice = "3f1c2d5e-0000-4000-8000-123456789abc";

function token(claims: JsonObject): string {
  return `h.${Buffer.from(JSON.stringify(claims)).toString("base64url")}.s`;
}

const asked = (operation: string, body: JsonObject, answer: JsonObject) =>
  described({
    service: "cognito-idp",
    operation,
    body: JSON.stringify(body),
    response: { body: JSON.stringify(answer) },
  }).additionalEventData;

const failed = (operation: string, body: JsonObject, message: string) =>
  described({
    service: "cognito-idp",
    operation,
    body: JSON.stringify(body),
    response: {
      status: 400,
      body: JSON.stringify({ __type: "UserNotFoundException", message }),
    },
  });

const filtered = (Filter: string, status = 400) =>
  described({
    service: "cognito-idp",
    operation: "ListUsers",
    body: JSON.stringify({ UserPoolId: "us-east-1_p", Filter }),
    response: { status, body: JSON.stringify({ __type: "X", message: "near alice smith" }) },
  });

describe("people of a user pool are known by their sub, never by their name", () => {
  test("sign-up: the answer's UserSub", () => {
    check(
      {
        service: "cognito-idp",
        operation: "SignUp",
        body: JSON.stringify({
          ClientId: "client1",
          SecretHash: "c2VjcmV0aGFzaA==",
          Username: "alice",
          Password: "Correct-Horse-1",
          UserAttributes: [{ Name: "email", Value: "alice@example.com" }],
        }),
        response: {
          body: JSON.stringify({
            UserConfirmed: false,
            UserSub: alice,
            CodeDeliveryDetails: {
              Destination: "a***@e***",
              DeliveryMedium: "EMAIL",
              AttributeName: "email",
            },
          }),
        },
      },
      {
        requestParameters: {
          clientId: "client1",
          secretHash: hiddenMarker,
          username: hiddenMarker,
          password: hiddenMarker,
          userAttributes: hiddenMarker,
        },
        responseElements: {
          userConfirmed: false,
          userSub: alice,
          codeDeliveryDetails: {
            destination: hiddenMarker,
            deliveryMedium: "EMAIL",
            attributeName: "email",
          },
        },
        additionalEventData: { sub: alice },
      },
    );
  });

  test("the sub comes from an attribute or a token's claim, and is left out where neither is on the wire", () => {
    const pool = { UserPoolId: "us-east-1_p", Username: "alice" };
    const attributes = [
      { Name: "email", Value: "e" },
      { Name: "sub", Value: alice },
    ];
    expect(asked("AdminGetUser", pool, { Username: "alice", UserAttributes: attributes })).toEqual({
      sub: alice,
    });
    expect(
      asked("AdminCreateUser", pool, { User: { Username: "alice", Attributes: attributes } }),
    ).toEqual({ sub: alice });
    expect(asked("ChangePassword", { AccessToken: token({ sub: alice }) }, {})).toEqual({
      sub: alice,
    });
    expect(
      asked(
        "InitiateAuth",
        { ClientId: "c" },
        { AuthenticationResult: { IdToken: token({ sub: alice }) } },
      ),
    ).toEqual({ sub: alice });
    expect(asked("AdminDeleteUser", pool, {})).toBeUndefined();
    expect(asked("GetUser", { AccessToken: "not.a!.token" }, {})).toBeUndefined();
    // A claim that is no UUID could be a name.
    expect(asked("GetUser", { AccessToken: token({ sub: "alice" }) }, {})).toBeUndefined();
    // A list is about nobody in particular.
    expect(
      asked("ListUsers", { UserPoolId: "p" }, { Users: [{ Attributes: attributes }] }),
    ).toBeUndefined();
  });

  test("a token that the service has not accepted puts nothing down to anybody", () => {
    const refused = (code: string, status = 400) =>
      described({
        service: "cognito-idp",
        operation: "VerifyUserAttribute",
        body: JSON.stringify({ AccessToken: token({ sub: alice }), Code: "123456" }),
        response: { status, body: JSON.stringify({ __type: code, message: "no" }) },
      }).additionalEventData;
    for (const code of [
      "NotAuthorizedException",
      "InvalidParameterException",
      "ForbiddenException",
    ])
      expect(refused(code)).toBeUndefined();
    expect(refused("InternalErrorException", 500)).toBeUndefined();
    // This one knows the user already.
    expect(refused("CodeMismatchException")).toEqual({ sub: alice });
    const unanswered = described({
      service: "cognito-idp",
      operation: "GetUser",
      body: JSON.stringify({ AccessToken: token({ sub: alice }) }),
      response: "none",
    });
    expect(unanswered.additionalEventData).toBeUndefined();
  });

  test("names are taken out of error messages and wherever else they are repeated", () => {
    expect(
      failed(
        "AdminGetUser",
        { UserPoolId: "us-east-1_bob", Username: "bob" },
        "User Bob does not exist in bobcat.",
      ).errorMessage,
    ).toBe(`User ${hiddenMarker} does not exist in bobcat.`);
    expect(
      failed(
        "GetUser",
        { AccessToken: token({ username: "alice-wonder" }) },
        "no ALICE-WONDER here",
      ).errorMessage,
    ).toBe(`no ${hiddenMarker} here`);
    const grouped = failed(
      "AdminAddUserToGroup",
      {
        UserPoolId: "us-east-1_alicewonder",
        Username: "alicewonder",
        GroupName: "friends-of-alicewonder",
      },
      "x",
    );
    expect(grouped.requestParameters).toEqual({
      userPoolId: "us-east-1_alicewonder",
      username: hiddenMarker,
      groupName: `friends-of-${hiddenMarker}`,
    });
  });

  test("values of another type than the model's are hidden all the same", () => {
    check(
      {
        service: "cognito-idp",
        operation: "ConfirmSignUp",
        body: '{"ClientId":"c","Username":{"a":["alice-wonder"]},"ConfirmationCode":123456}',
        response: { status: 400, body: '{"__type":"X","message":"123456 for alice-wonder"}' },
      },
      {
        requestParameters: {
          clientId: "c",
          username: hiddenMarker,
          confirmationCode: hiddenMarker,
        },
        errorMessage: `${hiddenMarker} for ${hiddenMarker}`,
      },
    );
  });

  test("a filter of ListUsers is hidden unless it can hold no name", () => {
    expect(filtered('username ^= "alice smith"')).toMatchObject({
      requestParameters: { userPoolId: "us-east-1_p", filter: hiddenMarker },
      errorMessage: `near ${hiddenMarker}`,
    });
    expect(filtered('sub = "alice smith"').errorMessage).toBe(`near ${hiddenMarker}`);
    expect(filtered('email = "alice smith').errorMessage).toBe(`near ${hiddenMarker}`);
    expect(filtered(`sub = "${alice}"`, 200).requestParameters).toMatchObject({
      filter: `sub = "${alice}"`,
    });
    expect(filtered('cognito:user_status = "CONFIRMED"').requestParameters).toMatchObject({
      filter: 'cognito:user_status = "CONFIRMED"',
    });
  });

  test("no value of a sensitive member survives anywhere, in any operation", () => {
    const service = serviceNamed("cognito-idp");
    const personal = new Set(personalMembers.map(plainName));
    const shown = new Set(["ClientId", "UserPoolId"].map(plainName));
    let planted = 0;
    for (const [operationName, operation] of Object.entries(service.operations)) {
      fc.assert(
        fc.property(fc.stringMatching(/^[a-z]{8}$/), fc.boolean(), (seed, isError) => {
          const secrets: string[] = [];
          const fill = (name: string | undefined, isSecret: boolean, depth: number): JsonValue => {
            const shape = name === undefined ? undefined : service.shapes[name];
            if (shape === undefined || depth > 6) return {};
            const hidden = isSecret || ("sensitive" in shape && shape.sensitive);
            switch (shape.t) {
              case "structure": {
                const value: JsonObject = {};
                for (const [member, each] of Object.entries(shape.m)) {
                  const isNamed =
                    personal.has(plainName(member)) || isDenied(member) || each.sensitive === true;
                  // The name of an attribute ("email") is nobody's.
                  const isAttributeName = member === "Name" && shape.m["Value"] !== undefined;
                  if (isAttributeName) value[member] = "email";
                  else if (shown.has(plainName(member))) value[member] = "us-east-1_shown";
                  else value[member] = fill(each.s, hidden || isNamed, depth + 1);
                }
                return value;
              }
              case "list":
                return [fill(shape.e.s, hidden, depth + 1)];
              case "map":
                return { key: fill(shape.v.s, hidden, depth + 1) };
              case "integer":
              case "long":
              case "float":
              case "double":
              case "timestamp":
                return 1;
              case "boolean":
                return true;
              case "string":
              case "blob":
              case "document": {
                const text = `${seed}${secrets.length}x`;
                if (hidden) secrets.push(text);
                return hidden ? text : "plain";
              }
            }
          };
          const body = JSON.stringify(fill(operation.in, false, 0));
          const message = `User ${secrets.join(" and ")} is not known`;
          const answer = fill(operation.out, false, 0);
          const said = described({
            service: "cognito-idp",
            operation: operationName,
            body,
            response: isError
              ? {
                  status: 400,
                  body: JSON.stringify({
                    __type: "X",
                    message,
                    ...(isJsonObject(answer) ? answer : {}),
                  }),
                }
              : { body: JSON.stringify(answer) },
          });
          planted += secrets.length;
          expect(JSON.stringify(said)).not.toContain(seed);
        }),
        { numRuns: 4 },
      );
    }
    expect(planted).toBeGreaterThan(500);
  });
});

test("no bytes make a description throw", () => {
  const services = [
    "cognito-idp",
    "s3",
    "ec2",
    "dynamodb",
    "apigateway",
    "iam",
    "lambda",
    "devops-guru",
  ];
  const calls = services.flatMap((id) =>
    Object.keys(serviceNamed(id).operations).map((operation) => [id, operation] as const),
  );
  const text = fc.oneof(
    fc.string(),
    fc.json(),
    fc.constantFrom(
      '{"__proto__":{"a":1}}',
      "<a><__proto__/></a>",
      '{"Filter":1,"UserAttributes":[1,null]}',
    ),
  );
  fc.assert(
    fc.property(
      fc.constantFrom(...calls),
      text,
      text,
      fc.string(),
      fc.integer({ min: 200, max: 599 }),
      ([service, operation], body, answer, query, status) => {
        const said = described({
          service,
          operation,
          body,
          query,
          labels: { Bucket: body, Key: query },
          response: { status, body: answer },
        });
        expect(() => JSON.stringify(said)).not.toThrow();
      },
    ),
    { numRuns: 2000 },
  );
});

const realEvents = join(import.meta.dirname, "../../../shared/realdata/events");
const hasRealEvents = existsSync(realEvents);
// oxlint-disable-next-line no-console -- a test that is left out says so.
if (!hasRealEvents) console.warn(`left out: no real events at ${realEvents}`);

test.skipIf(!hasRealEvents)(
  "event names and EC2's two forms agree with public real records",
  () => {
    const seen = new Map<string, { eventSource: string; eventName: string; parameters: unknown }>();
    for (const file of readdirSync(realEvents).filter((name) => name.endsWith(".ndjson"))) {
      for (const line of readFileSync(join(realEvents, file), "utf8").split("\n")) {
        let record: JsonValue;
        try {
          record = JSON.parse(line) as JsonValue;
        } catch {
          continue;
        }
        if (!isJsonObject(record)) continue;
        const { eventSource, eventName, requestParameters: parameters } = record;
        if (typeof eventSource !== "string" || typeof eventName !== "string") continue;
        seen.set(`${eventSource} ${eventName} ${JSON.stringify(parameters)?.slice(0, 40)}`, {
          eventSource,
          eventName,
          parameters,
        });
      }
    }
    const nameless: string[] = [];
    const disagreeing: string[] = [];
    for (const id of ["lambda", "s3", "ec2", "iam", "kms", "sts"]) {
      const { eventSource, operations } = serviceNamed(id);
      const names = new Set(
        Object.keys(operations).map((operation) => described({ service: id, operation }).eventName),
      );
      for (const each of seen.values()) {
        if (each.eventSource !== eventSource) continue;
        if (!names.has(each.eventName)) nameless.push(`${id} ${each.eventName}`);
        if (
          id !== "ec2" ||
          !isJsonObject(each.parameters) ||
          operations[each.eventName] === undefined
        )
          continue;
        const wrapper = `${each.eventName}Request`;
        const ours = described({
          service: id,
          operation: each.eventName,
          body: "Action=X",
        }).requestParameters;
        // One record abbreviates its wrapper to `DelTGwVpcAttachReq`.
        const isNewer = Object.keys(each.parameters).some((name) => /Req(?:uest)?$/.test(name));
        if ((ours !== null && wrapper in ours) !== isNewer) disagreeing.push(each.eventName);
      }
    }
    expect(disagreeing).toEqual([]);
    // What is left is invented by the rule tests that the records come from, or a name that the service no longer uses.
    expect([...new Set(nameless)].toSorted((a, b) => a.localeCompare(b))).toMatchInlineSnapshot(`
    [
      "ec2 DeleteBucketEncryption",
      "ec2 DeleteBucketPublicAccessBlock",
      "ec2 DeleteBucketReplication",
      "ec2 PutBucketLogging",
      "ec2 PutBucketVersioning",
      "ec2 RegisterManagedInstance",
      "iam DescribePolicy",
      "iam DetachUserGroup",
      "iam NotCreateUser",
      "iam PutPolicy",
      "lambda AddPermission20150331",
      "lambda DeleteFunction",
      "lambda RemovePermission",
      "lambda UpdateFunctionCode20150331",
      "s3 CreateServiceLinkedRole",
      "s3 ListAllMyBuckets",
      "s3 ListBucket",
      "s3 SetQueueAttributes",
    ]
  `);
  },
);
