// What a service is called where: in events, in signatures, in hosts, in IAM; the rule, and the exceptions as data.
import type { Protocol, Service } from "../../src/catalog/service.ts";
import type { AccessLevels } from "./access-levels.ts";
import type { SourceModel } from "./source-model.ts";

type ServiceNames = Pick<Service, "id" | "eventSource" | "signingName" | "endpointPrefix"> &
  Partial<Pick<Service, "signingAliases" | "otherProtocols" | "targetPrefixes" | "iamPrefix">>;

/** Ids are the models' file names, which are also the AWS CLI's words in most cases; but for these. */
const ids: Readonly<Record<string, string>> = { AWSMigrationHub: "mgh" };

/**
 * Event sources that are not `<signing name>.amazonaws.com`.
 * Source: the services' own pages on CloudTrail; the CloudTrail user guide's list of network activity event sources.
 */
const eventSources: Readonly<Record<string, string>> = {
  apigatewaymanagementapi: "execute-api",
  "cloudfront-keyvaluestore": "edgekeyvaluestore",
  connectparticipant: "connect",
  "entitlement.marketplace": "entitlement-marketplace",
  "iot-data": "iotdata",
  "marketplace-agreement": "agreement-marketplace",
  "marketplace-deployment": "deployment-marketplace",
  "marketplace-discovery": "discovery-marketplace",
  "marketplace-reporting": "reporting-marketplace",
  meteringmarketplace: "metering-marketplace",
  mobile: "mobilehub",
  pinpoint: "pinpoint",
  "rds-data": "rdsdata",
  "servicecatalog-appregistry": "servicecatalog-appregistry",
  sso: "sso",
  "sso-oidc": "sso",
};

/** Names in a signature's scope that real clients use besides the model's. */
const signingAliases: Readonly<Record<string, readonly string[]>> = {
  // Newer models sign the same API under another name.
  eventbridge: ["events"],
  mobile: ["mobile", "mobilehub"],
  // S3's own kinds of endpoint.
  s3: ["s3express", "s3-object-lambda", "s3-outposts"],
  email: ["email"],
  sesv2: ["email"],
};

/** IAM's name for actions, where it is none of the other names. */
const iamPrefixes: Readonly<Record<string, string>> = {
  cloudcontrol: "cloudformation",
  "iot-data": "iot",
  "iot-jobs-data": "iotjobsdata",
  "iotevents-data": "iotevents",
  iotsecuretunneling: "iot",
  kinesisanalyticsv2: "kinesisanalytics",
  monitoring: "cloudwatch",
  "mturk-requester": "mechanicalturk",
  resourcegroupstaggingapi: "tag",
  sso: "sso",
};

/** Protocols that newer or older clients speak; SQS was awsQuery, CloudWatch has become RPC. */
const otherProtocols: Readonly<Record<string, readonly Protocol[]>> = {
  monitoring: ["rpc-v2-cbor", "json1.0"],
  sqs: ["query"],
};

/** Names of the service shape in Smithy models, for protocols that this model does not speak. */
const furtherTargets: Readonly<Record<string, readonly string[]>> = {
  monitoring: ["GraniteServiceVersion20100801"],
};

export function namesOf(model: SourceModel, levels: AccessLevels): ServiceNames {
  const { endpointPrefix, targetPrefix } = model.metadata;
  const id = ids[model.fileId] ?? model.fileId;
  const signingName = model.metadata.signingName ?? endpointPrefix;
  const iamPrefix = [iamPrefixes[id], signingName.toLowerCase(), endpointPrefix, id].find(
    (name) => name !== undefined && levels.has(name),
  );
  const targets = [...targetsOf(targetPrefix), ...(furtherTargets[id] ?? [])];
  return {
    id,
    eventSource: `${eventSources[id] ?? signingName.toLowerCase()}.amazonaws.com`,
    signingName,
    ...optional("signingAliases", signingAliases[id]),
    endpointPrefix,
    ...optional("otherProtocols", otherProtocols[id]),
    ...optional("targetPrefixes", targets),
    ...(iamPrefix === undefined ? {} : { iamPrefix }),
  };
}

/** Clients of Smithy models send the service shape's bare name where older ones send a long one. */
function targetsOf(targetPrefix: string | undefined): string[] {
  if (targetPrefix === undefined) return [];
  const bare = targetPrefix.slice(targetPrefix.lastIndexOf(".") + 1);
  return bare === targetPrefix ? [targetPrefix] : [targetPrefix, bare];
}

function optional<Name extends string, Value>(
  name: Name,
  values: readonly Value[] | undefined,
): Partial<Record<Name, Value[]>> {
  if (values === undefined || values.length === 0) return {};
  return { [name]: [...values] } as Partial<Record<Name, Value[]>>;
}
