// The AWS door's words for each error: name and HTTP status in each family of protocols.
// Sources: CloudTrail API reference (common errors; every modelled exception is 400), IAM and STS API references
// (common errors), S3 API reference (error responses).
import { CairnError, type ErrorCode } from "../base/errors.ts";

export type ErrorFamily = "json" | "query" | "s3";

/** The name that clients match on, and the HTTP status. */
export type WireName = readonly [name: string, status: number];
export type WireError = Readonly<Record<ErrorFamily, WireName>>;

/** Named alike everywhere. */
function same(name: string, status: number): WireError {
  return { json: [name, status], query: [name, status], s3: [name, status] };
}

/** A CloudTrail exception; elsewhere it cannot occur. */
function modelled(name: string): WireError {
  return same(`${name}Exception`, 400);
}

/** An exception of Organizations, which speaks awsJson only. */
function organizations(name: string): WireError {
  const told: WireName = [`${name}Exception`, 400];
  return { json: told, query: told, s3: ["InvalidRequest", 400] };
}

const internal: WireError = {
  json: ["InternalFailure", 500],
  query: ["InternalFailure", 500],
  s3: ["InternalError", 500],
};
const unavailable = same("ServiceUnavailable", 503);

export const wireErrors: Readonly<Record<ErrorCode, WireError>> = {
  MissingAuthenticationToken: {
    json: ["MissingAuthenticationTokenException", 403],
    query: ["MissingAuthenticationToken", 403],
    s3: ["AccessDenied", 403],
  },
  IncompleteSignature: {
    json: ["IncompleteSignature", 403],
    query: ["IncompleteSignature", 400],
    s3: ["AuthorizationHeaderMalformed", 400],
  },
  InvalidClientTokenId: {
    json: ["UnrecognizedClientException", 403],
    query: ["InvalidClientTokenId", 403],
    s3: ["InvalidAccessKeyId", 403],
  },
  SignatureDoesNotMatch: {
    json: ["InvalidSignatureException", 403],
    query: ["SignatureDoesNotMatch", 403],
    s3: ["SignatureDoesNotMatch", 403],
  },
  PayloadHashMismatch: {
    json: ["InvalidSignatureException", 403],
    query: ["SignatureDoesNotMatch", 403],
    s3: ["XAmzContentSHA256Mismatch", 400],
  },
  RequestTimeTooSkewed: {
    json: ["InvalidSignatureException", 403],
    query: ["SignatureDoesNotMatch", 403],
    s3: ["RequestTimeTooSkewed", 403],
  },
  RequestExpired: {
    json: ["RequestExpired", 400],
    query: ["RequestExpired", 400],
    s3: ["AccessDenied", 403],
  },
  ExpiredToken: {
    json: ["ExpiredTokenException", 403],
    query: ["ExpiredToken", 403],
    s3: ["ExpiredToken", 400],
  },
  AccessDenied: {
    json: ["AccessDeniedException", 403],
    query: ["AccessDenied", 403],
    s3: ["AccessDenied", 403],
  },
  UnknownOperation: {
    json: ["UnknownOperationException", 404],
    query: ["InvalidAction", 400],
    s3: ["NotImplemented", 501],
  },
  // A status below 500, so that no client tries again what will not work.
  OperationNotImplemented: {
    json: ["UnsupportedOperationException", 400],
    query: ["UnsupportedOperation", 400],
    s3: ["NotImplemented", 501],
  },
  SerializationFailed: {
    json: ["SerializationException", 400],
    query: ["MalformedInput", 400],
    s3: ["MalformedXML", 400],
  },
  ValidationFailed: {
    json: ["ValidationException", 400],
    query: ["ValidationError", 400],
    s3: ["InvalidRequest", 400],
  },
  IncompleteBody: {
    json: ["SerializationException", 400],
    query: ["MalformedInput", 400],
    s3: ["IncompleteBody", 400],
  },
  RequestTooLarge: {
    json: ["RequestEntityTooLargeException", 413],
    query: ["RequestEntityTooLarge", 413],
    s3: ["EntityTooLarge", 400],
  },
  Throttled: {
    json: ["ThrottlingException", 400],
    query: ["Throttling", 400],
    s3: ["SlowDown", 503],
  },
  NotFound: {
    json: ["ResourceNotFoundException", 400],
    query: ["NoSuchEntity", 404],
    s3: ["NoSuchKey", 404],
  },
  MethodNotAllowed: same("MethodNotAllowed", 405),
  UnsupportedMediaType: same("UnsupportedMediaType", 415),
  NotAcceptable: same("NotAcceptable", 406),
  InvalidLookupAttributes: modelled("InvalidLookupAttributes"),
  InvalidTimeRange: modelled("InvalidTimeRange"),
  InvalidMaxResults: modelled("InvalidMaxResults"),
  InvalidNextToken: modelled("InvalidNextToken"),
  InvalidEventCategory: modelled("InvalidEventCategory"),
  EntityAlreadyExists: {
    json: ["EntityAlreadyExistsException", 400],
    query: ["EntityAlreadyExists", 409],
    s3: ["BucketAlreadyExists", 409],
  },
  NoSuchEntity: {
    json: ["ResourceNotFoundException", 400],
    query: ["NoSuchEntity", 404],
    s3: ["NoSuchKey", 404],
  },
  LimitExceeded: {
    json: ["LimitExceededException", 400],
    query: ["LimitExceeded", 409],
    s3: ["InvalidRequest", 400],
  },
  DeleteConflict: {
    json: ["ConflictException", 400],
    query: ["DeleteConflict", 409],
    s3: ["InvalidRequest", 400],
  },
  UnmodifiableEntity: {
    json: ["AccessDeniedException", 400],
    query: ["UnmodifiableEntity", 400],
    s3: ["InvalidRequest", 400],
  },
  EntityTemporarilyUnmodifiable: {
    json: ["ConflictException", 400],
    query: ["EntityTemporarilyUnmodifiable", 409],
    s3: ["InvalidRequest", 400],
  },
  InvalidInput: {
    json: ["InvalidInputException", 400],
    query: ["InvalidInput", 400],
    s3: ["InvalidRequest", 400],
  },
  MalformedPolicyDocument: {
    json: ["MalformedPolicyDocumentException", 400],
    query: ["MalformedPolicyDocument", 400],
    s3: ["MalformedPolicy", 400],
  },
  InvalidAuthenticationCode: {
    json: ["InvalidAuthenticationCodeException", 403],
    query: ["InvalidAuthenticationCode", 403],
    s3: ["AccessDenied", 403],
  },
  PasswordPolicyViolation: {
    json: ["PasswordPolicyViolationException", 400],
    query: ["PasswordPolicyViolation", 400],
    s3: ["InvalidRequest", 400],
  },
  InvalidUserType: {
    json: ["InvalidUserTypeException", 400],
    query: ["InvalidUserType", 400],
    s3: ["InvalidRequest", 400],
  },
  PackedPolicyTooLarge: {
    json: ["PackedPolicyTooLargeException", 400],
    query: ["PackedPolicyTooLarge", 400],
    s3: ["InvalidRequest", 400],
  },
  InvalidIdentityToken: {
    json: ["InvalidIdentityTokenException", 400],
    query: ["InvalidIdentityToken", 400],
    s3: ["InvalidRequest", 400],
  },
  ExpiredIdentityToken: {
    json: ["ExpiredTokenException", 400],
    query: ["ExpiredTokenException", 400],
    s3: ["ExpiredToken", 400],
  },
  IdentityProviderRejectedClaim: {
    json: ["IDPRejectedClaimException", 403],
    query: ["IDPRejectedClaim", 403],
    s3: ["AccessDenied", 403],
  },
  IdentityProviderUnreachable: {
    json: ["IDPCommunicationErrorException", 400],
    query: ["IDPCommunicationError", 400],
    s3: ["InvalidRequest", 400],
  },
  InvalidAuthorizationMessage: {
    json: ["InvalidAuthorizationMessageException", 400],
    query: ["InvalidAuthorizationMessageException", 400],
    s3: ["InvalidRequest", 400],
  },
  OrganizationsNotInUse: organizations("AWSOrganizationsNotInUse"),
  AlreadyInOrganization: organizations("AlreadyInOrganization"),
  OrganizationNotEmpty: organizations("OrganizationNotEmpty"),
  AccountNotFound: organizations("AccountNotFound"),
  AccountAlreadyRegistered: organizations("AccountAlreadyRegistered"),
  AccountNotRegistered: organizations("AccountNotRegistered"),
  CreateAccountStatusNotFound: organizations("CreateAccountStatusNotFound"),
  ConstraintViolation: organizations("ConstraintViolation"),
  ParentNotFound: organizations("ParentNotFound"),
  ChildNotFound: organizations("ChildNotFound"),
  OrganizationalUnitNotFound: organizations("OrganizationalUnitNotFound"),
  OrganizationalUnitNotEmpty: organizations("OrganizationalUnitNotEmpty"),
  DuplicateOrganizationalUnit: organizations("DuplicateOrganizationalUnit"),
  SourceParentNotFound: organizations("SourceParentNotFound"),
  DestinationParentNotFound: organizations("DestinationParentNotFound"),
  RootNotFound: organizations("RootNotFound"),
  TargetNotFound: organizations("TargetNotFound"),
  PolicyNotFound: organizations("PolicyNotFound"),
  DuplicatePolicy: organizations("DuplicatePolicy"),
  PolicyInUse: organizations("PolicyInUse"),
  PolicyNotAttached: organizations("PolicyNotAttached"),
  DuplicatePolicyAttachment: organizations("DuplicatePolicyAttachment"),
  PolicyTypeAlreadyEnabled: organizations("PolicyTypeAlreadyEnabled"),
  PolicyTypeNotEnabled: organizations("PolicyTypeNotEnabled"),
  PolicyTypeNotAvailableForOrganization: organizations("PolicyTypeNotAvailableForOrganization"),
  EffectivePolicyNotFound: organizations("EffectivePolicyNotFound"),
  HandshakeNotFound: organizations("HandshakeNotFound"),
  DuplicateHandshake: organizations("DuplicateHandshake"),
  HandshakeAlreadyInState: organizations("HandshakeAlreadyInState"),
  InvalidHandshakeTransition: organizations("InvalidHandshakeTransition"),
  HandshakeConstraintViolation: organizations("HandshakeConstraintViolation"),
  MasterCannotLeaveOrganization: organizations("MasterCannotLeaveOrganization"),
  InvalidConfiguration: internal,
  InvalidCatalogModel: internal,
  JournalFull: unavailable,
  JournalUnavailable: unavailable,
  StoreUnavailable: unavailable,
  StoreQueryTooLarge: {
    json: ["LimitExceededException", 400],
    query: ["LimitExceeded", 400],
    s3: ["InvalidRequest", 400],
  },
  RegistryConflict: {
    json: ["ConcurrentModificationException", 400],
    query: ["ConcurrentModification", 409],
    s3: ["OperationAborted", 409],
  },
  RegistryUnavailable: unavailable,
  DataFolderInUse: unavailable,
  Unavailable: unavailable,
};

/** Refusals that S3 words in its own way. */
const s3Messages: Partial<Record<ErrorCode, string>> = {
  MissingAuthenticationToken: "Access Denied",
  InvalidClientTokenId: "The AWS Access Key Id you provided does not exist in our records.",
  RequestTimeTooSkewed:
    "The difference between the request time and the server's time is too large.",
  RequestExpired: "Request has expired",
  ExpiredToken: "The provided token has expired.",
};

export interface WireFailure {
  name: string;
  status: number;
  message: string;
  /** Whose fault, for protocols that say so. */
  isSender: boolean;
}

/** What a caller is told. Undefined for an error that is not ours to explain: the log has it, the caller an id. */
export function wireFailure(error: unknown, family: ErrorFamily): WireFailure {
  if (!(error instanceof CairnError)) {
    const [name, status] = internal[family];
    return { name, status, message: "An internal error occurred.", isSender: false };
  }
  const [name, status] = wireErrors[error.code][family];
  const message = (family === "s3" ? s3Messages[error.code] : undefined) ?? error.message;
  return { name, status, message, isSender: status < 500 };
}
