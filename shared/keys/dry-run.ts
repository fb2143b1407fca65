/** DryRunModifiers of Decrypt and ReEncrypt: with DryRun, IGNORE_CIPHERTEXT asks about the permission alone. AWS KMS API Reference, Decrypt. */
import * as z from 'zod';
import { KmsError } from '#shared/errors.ts';

export const dryRunModifiers = () =>
  z
    .array(z.enum(['IGNORE_CIPHERTEXT']))
    .max(10)
    .optional();

interface Request {
  readonly CiphertextBlob?: Uint8Array | undefined;
  readonly DryRun?: boolean | undefined;
  readonly DryRunModifiers?: readonly 'IGNORE_CIPHERTEXT'[] | undefined;
}

/** Modifiers mean nothing without DryRun. */
export const ignoresCiphertext = ({ DryRun, DryRunModifiers }: Request): boolean => DryRun === true && DryRunModifiers?.includes('IGNORE_CIPHERTEXT') === true;

/**
 * The ciphertext that the request is about; undefined when it is not about one.
 * @throws KmsError ValidationException, in the words of a member that is missing
 */
export function ciphertextOf(request: Request): Uint8Array | undefined {
  if (ignoresCiphertext(request)) return undefined;
  if (request.CiphertextBlob === undefined) {
    throw new KmsError('ValidationException', "1 validation error detected: Value null at 'ciphertextBlob' failed to satisfy constraint: Member must not be null");
  }
  return request.CiphertextBlob;
}

/** Precondition: not a dry run without a ciphertext. Those end before anything is run. */
export function requireCiphertext(request: Request): Uint8Array {
  if (request.CiphertextBlob === undefined) throw new Error('A request without a ciphertext reached the HSM.');
  return request.CiphertextBlob;
}
