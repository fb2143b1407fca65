/** What Sign and Verify share. AWS KMS API Reference, Sign. */
import type { SigningAlgorithm } from '#shared/algorithms/key-specs.ts';
import { type MessageType, signingDescriptors } from '#shared/algorithms/signing.ts';
import type { KmsError } from '#shared/errors.ts';
import type { LoadedKey } from '#shared/repositories/key-reader.ts';
import { requireSigningAlgorithm, requireUsage } from './usage.ts';

interface Fails {
  error(code: 'InvalidKeyUsageException' | 'ValidationException', message: string): KmsError;
}

/** Usage, algorithm and digest-length rules. @returns the request in the terms of the Crypto port */
export function requireSigningUse(
  ctx: Fails,
  key: LoadedKey,
  input: { readonly SigningAlgorithm: string; readonly MessageType?: MessageType | undefined; readonly Message: Uint8Array },
  operation: 'Sign' | 'Verify',
): { algorithm: SigningAlgorithm; messageType: MessageType } {
  requireUsage(ctx, key, 'SIGN_VERIFY', operation);
  const algorithm = requireSigningAlgorithm(ctx, key, input.SigningAlgorithm);
  const messageType = input.MessageType ?? 'RAW';
  const length = signingDescriptors[algorithm].messageTypes[messageType];
  if (length === undefined) throw ctx.error('ValidationException', `Message type ${messageType} is not valid for algorithm ${algorithm}.`);
  if (length !== 'any' && input.Message.length !== length) {
    throw ctx.error('ValidationException', `${messageType === 'DIGEST' ? 'Digest' : 'External mu'} is invalid length for algorithm ${algorithm}.`);
  }
  return { algorithm, messageType };
}
