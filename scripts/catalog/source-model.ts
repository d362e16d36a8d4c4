// The form of the models in aws-sdk 2 (`*.min.json`), where shapes that are used once stand where they are used, and in
// botocore (`service-2.json`), where every shape has a name.

export type SourceProtocol =
  | "json"
  | "rest-json"
  | "rest-xml"
  | "query"
  | "ec2"
  | "smithy-rpc-v2-cbor";

export interface SourceModel {
  /** From the file's name, e.g. `cognito-idp`. */
  fileId: string;
  metadata: {
    apiVersion: string;
    endpointPrefix: string;
    protocol: SourceProtocol;
    /** The one in `protocol`, and others that the service understands as well. */
    protocols?: SourceProtocol[];
    jsonVersion?: string;
    signingName?: string;
    targetPrefix?: string;
    serviceId: string;
    awsQueryCompatible?: object;
  };
  operations: Record<string, SourceOperation>;
  shapes: Record<string, SourceShape>;
}

export interface SourceOperation {
  http?: { method?: string; requestUri?: string };
  input?: SourceShape;
  output?: SourceShape & { resultWrapper?: string };
  authtype?: string;
  auth?: string[];
  deprecated?: boolean;
  /** The model itself says that it only reads; most models do not say. */
  readonly?: boolean;
}

/** A shape in place, or (with `shape`) a named one; nothing at all is a string. */
export interface SourceShape {
  shape?: string;
  type?:
    | "structure"
    | "list"
    | "map"
    | "string"
    | "boolean"
    | "integer"
    | "long"
    | "float"
    | "double"
    | "blob"
    | "timestamp";
  members?: Record<string, SourceShape>;
  member?: SourceShape;
  key?: SourceShape;
  value?: SourceShape;
  required?: string[];
  payload?: string;
  union?: boolean;
  document?: boolean;
  eventstream?: boolean;
  sensitive?: boolean;
  streaming?: boolean;
  jsonvalue?: boolean;
  flattened?: boolean;
  xmlAttribute?: boolean;
  location?: "uri" | "querystring" | "header" | "headers" | "statusCode";
  locationName?: string;
  queryName?: string;
  timestampFormat?: "iso8601" | "unixTimestamp" | "rfc822";
}
