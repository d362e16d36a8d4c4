// The region in a host's name, in every spelling that AWS and its emulators have.
import { expect, test } from "vitest";
import { regionOfHost } from "./host-name.ts";

test.each<[string, string | undefined]>([
  ["cognito-idp.eu-west-1.amazonaws.com", "eu-west-1"],
  ["Cognito-IDP.EU-West-1.amazonaws.com:443", "eu-west-1"],
  ["abc123.execute-api.eu-west-1.amazonaws.com", "eu-west-1"],
  ["cognito-idp-fips.us-gov-west-1.amazonaws.com", "us-gov-west-1"],
  ["cognito-idp.cn-north-1.amazonaws.com.cn", "cn-north-1"],
  ["lambda.ap-southeast-2.api.aws", "ap-southeast-2"],
  ["vpce-0a-1b.execute-api.eu-west-1.vpce.amazonaws.com", "eu-west-1"],
  ["search-logs-x.eu-central-1.es.amazonaws.com", "eu-central-1"],
  ["eu-west-1.queue.amazonaws.com", "eu-west-1"],
  ["cognito-idp.eu-west-1.localhost.localstack.cloud:4566", "eu-west-1"],
  ["bucket.s3.eu-west-3.amazonaws.com", "eu-west-3"],
  ["bucket.s3.dualstack.eu-west-3.amazonaws.com", "eu-west-3"],
  ["bucket.s3-eu-west-1.amazonaws.com", "eu-west-1"],
  ["eu-west-1.s3.us-east-2.amazonaws.com", "us-east-2"],
  ["b.s3express-euw1-az1.eu-west-1.amazonaws.com", "eu-west-1"],
  // A bucket may be called anything.
  ["eu-west-1.s3.amazonaws.com", undefined],
  ["eu-west-1.s3-accelerate.amazonaws.com", undefined],
  ["iam.amazonaws.com", undefined],
  ["sts.aws-global.amazonaws.com", undefined],
  ["cognito-idp.eu-west-1.example.com", undefined],
  ["127.0.0.1:4781", undefined],
  ["", undefined],
])("the region of %j is %j", (host, region) => {
  expect(regionOfHost(host)).toBe(region);
});
