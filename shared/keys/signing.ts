/** What Sign and Verify share. AWS KMS API Reference, Sign. */
import type { SigningAlgorithm } from '#shared/algorithms/key-specs.ts';
import { signingDescriptors } from '#shared/algorithms/signing.ts';
import type { KmsError } from '#shared/errors.ts';
import type { MessageType } from '#shared/ports/crypto.ts';
import type { LoadedKey } from '#shared/repositories/key-reader.ts';
import { requireSigningAlgorithm, requireUsage } from './usage.ts';

interface Fails {
  error(code: 'InvalidKeyUsageException' | 'ValidationException', message: string): KmsError;
}

/** Usage, algorithm and digest-length rules. @returns the request in the terms of the Crypto port */
export function requireSigningUse(
  ctx: Fails,
  key: LoadedKey,
  input: { readonly SigningAlgorithm: string; readonly MessageType?: string | undefined; readonly Message: Uint8Array },
  operation: 'Sign' | 'Verify',
): { algorithm: SigningAlgorithm; messageType: MessageType } {
  requireUsage(ctx, key, 'SIGN_VERIFY', operation);
  const algorithm = requireSigningAlgorithm(ctx, key, input.SigningAlgorithm);
  const messageType = input.MessageType ?? 'RAW';
  if (messageType === 'EXTERNAL_MU') throw ctx.error('ValidationException', `Message type EXTERNAL_MU is not valid for algorithm ${algorithm}.`);
  if (messageType === 'DIGEST' && input.Message.length !== signingDescriptors[algorithm].digestBytes) {
    throw ctx.error('ValidationException', `Digest is invalid length for algorithm ${algorithm}.`);
  }
  return { algorithm, messageType: messageType === 'DIGEST' ? 'DIGEST' : 'RAW' };
}
