// The one error class and the one list of error codes. Doors map a code to their own words.

/** Whose fault it was: the caller's, or the world's (disk, network, peer). Our own bugs are assertions. */
export type ErrorKind = "caller" | "world";

/**
 * Every code, with its kind. A door holds a `Record<ErrorCode, …>`, so a new code does not compile until each
 * door knows its words for it. docs/reference/errors.md is checked against this table.
 */
export const errorCodes = {
  // Authentication (the names are AWS's common errors).
  MissingAuthenticationToken: "caller",
  IncompleteSignature: "caller",
  InvalidClientTokenId: "caller",
  SignatureDoesNotMatch: "caller",
  PayloadHashMismatch: "caller",
  RequestTimeTooSkewed: "caller",
  RequestExpired: "caller",
  ExpiredToken: "caller",
  AccessDenied: "caller",
  // Requests.
  UnknownOperation: "caller",
  OperationNotImplemented: "caller",
  SerializationFailed: "caller",
  ValidationFailed: "caller",
  IncompleteBody: "caller",
  RequestTooLarge: "caller",
  Throttled: "caller",
  NotFound: "caller",
  MethodNotAllowed: "caller",
  UnsupportedMediaType: "caller",
  NotAcceptable: "caller",
  // LookupEvents (spec: CloudTrail API reference, LookupEvents).
  InvalidLookupAttributes: "caller",
  InvalidTimeRange: "caller",
  InvalidMaxResults: "caller",
  InvalidNextToken: "caller",
  InvalidEventCategory: "caller",
  // Directory.
  EntityAlreadyExists: "caller",
  NoSuchEntity: "caller",
  LimitExceeded: "caller",
  DeleteConflict: "caller",
  UnmodifiableEntity: "caller",
  EntityTemporarilyUnmodifiable: "caller",
  InvalidInput: "caller",
  MalformedPolicyDocument: "caller",
  InvalidAuthenticationCode: "caller",
  PasswordPolicyViolation: "caller",
  InvalidUserType: "caller",
  // Security tokens (STS API reference).
  PackedPolicyTooLarge: "caller",
  InvalidIdentityToken: "caller",
  ExpiredIdentityToken: "caller",
  IdentityProviderRejectedClaim: "caller",
  IdentityProviderUnreachable: "caller",
  InvalidAuthorizationMessage: "caller",
  // Organizations (Organizations API reference).
  OrganizationsNotInUse: "caller",
  AlreadyInOrganization: "caller",
  OrganizationNotEmpty: "caller",
  AccountNotFound: "caller",
  AccountAlreadyRegistered: "caller",
  AccountNotRegistered: "caller",
  CreateAccountStatusNotFound: "caller",
  ConstraintViolation: "caller",
  ParentNotFound: "caller",
  ChildNotFound: "caller",
  OrganizationalUnitNotFound: "caller",
  OrganizationalUnitNotEmpty: "caller",
  DuplicateOrganizationalUnit: "caller",
  SourceParentNotFound: "caller",
  DestinationParentNotFound: "caller",
  RootNotFound: "caller",
  TargetNotFound: "caller",
  PolicyNotFound: "caller",
  DuplicatePolicy: "caller",
  PolicyInUse: "caller",
  PolicyNotAttached: "caller",
  DuplicatePolicyAttachment: "caller",
  PolicyTypeAlreadyEnabled: "caller",
  PolicyTypeNotEnabled: "caller",
  PolicyTypeNotAvailableForOrganization: "caller",
  EffectivePolicyNotFound: "caller",
  HandshakeNotFound: "caller",
  DuplicateHandshake: "caller",
  HandshakeAlreadyInState: "caller",
  InvalidHandshakeTransition: "caller",
  HandshakeConstraintViolation: "caller",
  MasterCannotLeaveOrganization: "caller",
  // Configuration and command line.
  InvalidConfiguration: "caller",
  InvalidCatalogModel: "caller",
  // The world.
  JournalFull: "world",
  JournalUnavailable: "world",
  StoreUnavailable: "world",
  StoreQueryTooLarge: "world",
  RegistryConflict: "world",
  RegistryUnavailable: "world",
  DataFolderInUse: "world",
  Unavailable: "world",
} as const satisfies Record<string, ErrorKind>;

export type ErrorCode = keyof typeof errorCodes;

export interface CairnErrorOptions {
  /** For the log only: never sent to a caller. */
  readonly detail?: Record<string, unknown>;
  readonly cause?: unknown;
}

/** An expected failure. `message` is public: it names the thing, the value received and the limit. */
export class CairnError extends Error {
  override readonly name = "CairnError";
  readonly code: ErrorCode;
  readonly detail: Record<string, unknown>;

  constructor(code: ErrorCode, publicMessage: string, options: CairnErrorOptions = {}) {
    super(publicMessage, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.detail = options.detail ?? {};
  }

  get kind(): ErrorKind {
    return errorCodes[this.code];
  }
}

export function isCairnError(error: unknown, code?: ErrorCode): error is CairnError {
  return error instanceof CairnError && (code === undefined || error.code === code);
}
