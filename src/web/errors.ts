// The event API's words for each error: an HTTP status; the code itself is the name.
import { CairnError, type ErrorCode } from "../base/errors.ts";

export const errorStatus: Readonly<Record<ErrorCode, number>> = {
  MissingAuthenticationToken: 403,
  IncompleteSignature: 403,
  InvalidClientTokenId: 403,
  SignatureDoesNotMatch: 403,
  PayloadHashMismatch: 400,
  RequestTimeTooSkewed: 403,
  RequestExpired: 403,
  ExpiredToken: 403,
  AccessDenied: 403,
  UnknownOperation: 404,
  OperationNotImplemented: 501,
  SerializationFailed: 400,
  ValidationFailed: 400,
  IncompleteBody: 400,
  RequestTooLarge: 413,
  Throttled: 429,
  NotFound: 404,
  MethodNotAllowed: 405,
  UnsupportedMediaType: 415,
  NotAcceptable: 406,
  InvalidLookupAttributes: 400,
  InvalidTimeRange: 400,
  InvalidMaxResults: 400,
  InvalidNextToken: 400,
  InvalidEventCategory: 400,
  EntityAlreadyExists: 409,
  NoSuchEntity: 404,
  LimitExceeded: 409,
  DeleteConflict: 409,
  UnmodifiableEntity: 409,
  EntityTemporarilyUnmodifiable: 409,
  InvalidInput: 400,
  MalformedPolicyDocument: 400,
  InvalidAuthenticationCode: 403,
  PasswordPolicyViolation: 400,
  InvalidUserType: 400,
  PackedPolicyTooLarge: 400,
  InvalidIdentityToken: 400,
  ExpiredIdentityToken: 400,
  IdentityProviderRejectedClaim: 403,
  IdentityProviderUnreachable: 400,
  InvalidAuthorizationMessage: 400,
  OrganizationsNotInUse: 400,
  AlreadyInOrganization: 409,
  OrganizationNotEmpty: 409,
  AccountNotFound: 404,
  AccountAlreadyRegistered: 409,
  AccountNotRegistered: 404,
  CreateAccountStatusNotFound: 404,
  ConstraintViolation: 409,
  ParentNotFound: 404,
  ChildNotFound: 404,
  OrganizationalUnitNotFound: 404,
  OrganizationalUnitNotEmpty: 409,
  DuplicateOrganizationalUnit: 409,
  SourceParentNotFound: 404,
  DestinationParentNotFound: 404,
  RootNotFound: 404,
  TargetNotFound: 404,
  PolicyNotFound: 404,
  DuplicatePolicy: 409,
  PolicyInUse: 409,
  PolicyNotAttached: 409,
  DuplicatePolicyAttachment: 409,
  PolicyTypeAlreadyEnabled: 409,
  PolicyTypeNotEnabled: 409,
  PolicyTypeNotAvailableForOrganization: 400,
  EffectivePolicyNotFound: 404,
  HandshakeNotFound: 404,
  DuplicateHandshake: 409,
  HandshakeAlreadyInState: 409,
  InvalidHandshakeTransition: 409,
  HandshakeConstraintViolation: 409,
  MasterCannotLeaveOrganization: 409,
  InvalidConfiguration: 400,
  InvalidCatalogModel: 400,
  JournalFull: 507,
  JournalUnavailable: 503,
  StoreUnavailable: 503,
  StoreQueryTooLarge: 400,
  RegistryConflict: 409,
  RegistryUnavailable: 503,
  DataFolderInUse: 503,
  Unavailable: 503,
};

export interface ErrorBody {
  code: string;
  message: string;
  requestId: string;
}

/** What a caller may know of an error: an unknown one is `InternalFailure`, and the log has the rest. */
export function errorAnswer(
  error: unknown,
  requestId: string,
): { status: number; body: ErrorBody } {
  if (error instanceof CairnError) {
    const { code, message } = error;
    return { status: errorStatus[code], body: { code, message, requestId } };
  }
  // The HTTP server's own: a body that does not match its length, a path that is no path.
  const { statusCode: status = 500, message: words } = error as Error & { statusCode?: number };
  if (status >= 400 && status < 500)
    return { status, body: { code: "ValidationFailed", message: words, requestId } };
  const message = `an internal error; the log says more under request ${requestId}`;
  return { status: 500, body: { code: "InternalFailure", message, requestId } };
}
