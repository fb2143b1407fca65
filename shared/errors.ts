/**
 * Every error that a caller can see: AWS KMS's own names (research: API model 2014-11-01), with the HTTP status of the
 * wire protocol (400 for every client fault) and of REST (the status a person expects of a problem document).
 */
export const errorTable = {
  AccessDeniedException: { status: 400, restStatus: 403 },
  AlreadyExistsException: { status: 400, restStatus: 409 },
  CloudHsmClusterInUseException: { status: 400, restStatus: 409 },
  CloudHsmClusterInvalidConfigurationException: { status: 400, restStatus: 409 },
  CloudHsmClusterNotActiveException: { status: 400, restStatus: 409 },
  CloudHsmClusterNotFoundException: { status: 400, restStatus: 404 },
  CloudHsmClusterNotRelatedException: { status: 400, restStatus: 409 },
  ConflictException: { status: 400, restStatus: 409 },
  CustomKeyStoreHasCMKsException: { status: 400, restStatus: 409 },
  CustomKeyStoreInvalidStateException: { status: 400, restStatus: 409 },
  CustomKeyStoreNameInUseException: { status: 400, restStatus: 409 },
  CustomKeyStoreNotFoundException: { status: 400, restStatus: 404 },
  DependencyTimeoutException: { status: 503, restStatus: 503 },
  DisabledException: { status: 400, restStatus: 409 },
  DryRunOperationException: { status: 400, restStatus: 412 },
  ExpiredImportTokenException: { status: 400, restStatus: 400 },
  ExpiredTokenException: { status: 400, restStatus: 403 },
  IncompleteSignatureException: { status: 400, restStatus: 403 },
  IncorrectKeyException: { status: 400, restStatus: 400 },
  IncorrectKeyMaterialException: { status: 400, restStatus: 400 },
  IncorrectTrustAnchorException: { status: 400, restStatus: 400 },
  InvalidAliasNameException: { status: 400, restStatus: 400 },
  InvalidArnException: { status: 400, restStatus: 400 },
  InvalidCiphertextException: { status: 400, restStatus: 400 },
  InvalidGrantIdException: { status: 400, restStatus: 400 },
  InvalidGrantTokenException: { status: 400, restStatus: 400 },
  InvalidImportTokenException: { status: 400, restStatus: 400 },
  InvalidKeyUsageException: { status: 400, restStatus: 400 },
  InvalidMarkerException: { status: 400, restStatus: 400 },
  InvalidSignatureException: { status: 400, restStatus: 403 },
  KeyUnavailableException: { status: 500, restStatus: 503 },
  KMSInternalException: { status: 500, restStatus: 500 },
  KMSInvalidMacException: { status: 400, restStatus: 400 },
  KMSInvalidSignatureException: { status: 400, restStatus: 400 },
  KMSInvalidStateException: { status: 400, restStatus: 409 },
  LimitExceededException: { status: 400, restStatus: 429 },
  MalformedPolicyDocumentException: { status: 400, restStatus: 400 },
  MissingAuthenticationTokenException: { status: 400, restStatus: 403 },
  NotAuthorizedException: { status: 400, restStatus: 403 },
  NotFoundException: { status: 400, restStatus: 404 },
  RequestEntityTooLargeException: { status: 413, restStatus: 413 },
  SerializationException: { status: 400, restStatus: 400 },
  TagException: { status: 400, restStatus: 400 },
  ThrottlingException: { status: 400, restStatus: 429 },
  UnknownOperationException: { status: 400, restStatus: 404 },
  UnrecognizedClientException: { status: 400, restStatus: 403 },
  UnsupportedOperationException: { status: 400, restStatus: 400 },
  ValidationException: { status: 400, restStatus: 400 },
} as const satisfies Record<string, { status: number; restStatus: number }>;

export type KmsErrorCode = keyof typeof errorTable;

/**
 * An error meant for the caller. The message is safe to send: no plaintext, key bytes or internal detail, which belong in `cause`.
 * A missing message means that AWS sends none (InvalidCiphertextException and a few others).
 */
export class KmsError<Code extends KmsErrorCode = KmsErrorCode> extends Error {
  override readonly name = 'KmsError';
  readonly code: Code;
  readonly publicMessage: string | undefined;

  constructor(code: Code, message?: string, options?: { cause?: unknown }) {
    super(message ?? code, options);
    this.code = code;
    this.publicMessage = message;
  }

  get status(): number {
    return errorTable[this.code].status;
  }

  get restStatus(): number {
    return errorTable[this.code].restStatus;
  }
}
