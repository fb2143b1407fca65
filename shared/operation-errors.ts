/** Every error that a request for an operation can end with: what it declares, and what the pipeline in front of it adds. For docs, OpenAPI and tests. */
import type { KmsErrorCode } from '#shared/errors.ts';
import { stateErrorsOf } from '#shared/keys/state-table.ts';
import type { Operation } from '#shared/operation.ts';

/** Identity, decoding, validation, dependencies: any request can meet these. */
export const commonErrors = [
  'AccessDeniedException',
  'DependencyTimeoutException',
  'ExpiredTokenException',
  'IncompleteSignatureException',
  'InvalidSignatureException',
  'KMSInternalException',
  'MissingAuthenticationTokenException',
  'RequestEntityTooLargeException',
  'SerializationException',
  'ThrottlingException',
  'UnrecognizedClientException',
  'ValidationException',
] as const satisfies readonly KmsErrorCode[];

/** Sorted, each once. */
export function errorsOf(operation: Operation): readonly KmsErrorCode[] {
  const codes: KmsErrorCode[] = [...commonErrors, ...operation.errors, ...stateErrorsOf(operation.name)];
  if (operation.keys !== undefined) codes.push('InvalidArnException', 'NotFoundException');
  if (operation.material === true) codes.push('KeyUnavailableException');
  if (operation.needs.includes('encryptionCounter')) codes.push('LimitExceededException');
  if ('GrantTokens' in operation.input.shape) codes.push('InvalidGrantTokenException');
  if ('DryRun' in operation.input.shape) codes.push('DryRunOperationException');
  return [...new Set(codes)].sort();
}
