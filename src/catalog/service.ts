// The compact description of one service: what turns an HTTP request into a named operation with parameters.
//
// One JSON file per service in `services/`, written by scripts/generate-catalog.ts from the AWS SDK's models:
// structure only. Keys are short because there are hundreds of files and every operation is in them.

export type Protocol =
  | "json1.0"
  | "json1.1"
  | "rest-json"
  | "rest-xml"
  | "query"
  | "ec2"
  | "rpc-v2-cbor";

export interface Service {
  /** File name and name in the configuration: the endpoint prefix, or one made unique, e.g. `cognito-idp`. */
  id: string;
  /** `cognito-idp.amazonaws.com`: what the event says. */
  eventSource: string;
  /** The service in a signature's credential scope. */
  signingName: string;
  /** Other names that real clients sign with, e.g. `AWSMobileHubService` for `mobile`. */
  signingAliases?: string[];
  /** First label of the service's host name, e.g. `cognito-idp`. */
  endpointPrefix: string;
  apiVersion: string;
  protocol: Protocol;
  /** Others that newer clients of the same service speak, e.g. `rpc-v2-cbor`, `json1.0` for SQS. */
  otherProtocols?: Protocol[];
  /** awsJson: what stands before the last dot of X-Amz-Target. Several where SDKs differ. */
  targetPrefixes?: string[];
  /** Users' own services: whole host names, without a port. */
  hosts?: string[];
  /** IAM's name for the service in actions, e.g. `cloudtrail`. */
  iamPrefix?: string;
  operations: Record<string, Operation>;
  shapes: Record<string, Shape>;
}

export interface Operation {
  /** Left out: POST. */
  method?: string;
  /** REST: the path with `{Label}` and `{Label+}` and, after `?`, fixed query members. Left out: `/`. */
  path?: string;
  /** Names in `shapes`. */
  in?: string;
  out?: string;
  /** awsQuery: the element of the response that wraps the output. */
  wrapper?: string;
  /** Reads only (AWS service authorization reference: access levels Read and List). */
  read?: true;
  /** The operation needs no signature (`authtype: none`), e.g. Cognito SignUp. */
  unsigned?: true;
  /** Deprecated, and a newer operation stands at the same method and path: that one is meant. */
  old?: true;
  /** REST: the same operation as older clients send it, at another address. */
  formerly?: Operation;
}

export type Shape = StructureShape | ListShape | MapShape | ScalarShape;

export interface StructureShape {
  t: "structure";
  m: Record<string, Member>;
  /** Required members. */
  req?: string[];
  /** REST: the member that is the whole body. */
  payload?: string;
  /** A tagged union. */
  union?: true;
}

export interface ListShape {
  t: "list";
  e: Member;
  /** XML and query: items without a wrapping element. */
  flat?: true;
  min?: number;
  max?: number;
}

export interface MapShape {
  t: "map";
  k: Member;
  v: Member;
  flat?: true;
  min?: number;
  max?: number;
}

export interface ScalarShape {
  t:
    | "string"
    | "boolean"
    | "integer"
    | "long"
    | "float"
    | "double"
    | "blob"
    | "timestamp"
    | "document";
  /** Timestamps: how they stand on the wire where it is not the protocol's default. */
  f?: "iso8601" | "unixTimestamp" | "rfc822";
  /** Constraints, kept for services that Cairn itself serves. */
  min?: number;
  max?: number;
  pattern?: string;
  enum?: string[];
  /** The value is sensitive wherever it stands. */
  sensitive?: true;
  /** A JSON text in a header. */
  json?: true;
  /** Blobs: the body streams. */
  stream?: true;
}

export interface Member {
  /** Name in `shapes`. */
  s: string;
  /** REST: where the member stands; left out: in the body. */
  loc?: "uri" | "query" | "header" | "headers" | "status";
  /** Name on the wire, where it is not the member's. */
  n?: string;
  /** ec2: name in the query, where it is not derived. */
  q?: string;
  /** XML: an attribute. */
  attr?: true;
  /** XML and query: items stand without a wrapping element. */
  flat?: true;
  sensitive?: true;
  f?: ScalarShape["f"];
}
