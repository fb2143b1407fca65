/** What both data-key operations share. AWS KMS API Reference, GenerateDataKey. */
import * as z from 'zod';
import type { KmsError } from '#shared/errors.ts';
import { encryptionContext } from '#shared/fields/encryption-context.ts';
import { dataKeySpecEnum } from '#shared/fields/enums.ts';
import { dryRun, grantTokens, keyId } from '#shared/fields/key-id.ts';
import type { Crypto } from '#shared/ports/crypto.ts';
import type { EncryptionCounter } from '#shared/repositories/encryption-counter.ts';
import type { LoadedKey } from '#shared/repositories/key-reader.ts';
import { contextKeys, requireEncryptionUse, sealingSide } from './encryption.ts';
import { materialIdOf } from './imported.ts';

const dataKeyBytes = { AES_256: 32, AES_128: 16 } as const;

export const dataKeyInput = z.object({
  KeyId: keyId(),
  EncryptionContext: encryptionContext(),
  NumberOfBytes: z.int().min(1).max(1024).optional(),
  KeySpec: dataKeySpecEnum().optional(),
  GrantTokens: grantTokens(),
  DryRun: dryRun(),
});
type DataKeyInput = z.output<typeof dataKeyInput>;

export const auditDataKey = (input: DataKeyInput) => ({
  keyId: input.KeyId,
  keySpec: input.KeySpec ?? null,
  numberOfBytes: input.NumberOfBytes ?? null,
  encryptionContextKeys: contextKeys(input.EncryptionContext),
  dryRun: input.DryRun ?? false,
});

interface Fails {
  error(code: 'InvalidKeyUsageException' | 'ValidationException', message: string): KmsError;
}

export function requireDataKeyRequest(ctx: Fails, key: LoadedKey, input: DataKeyInput, operation: string): void {
  if ((input.NumberOfBytes === undefined) === (input.KeySpec === undefined)) throw ctx.error('ValidationException', 'Please specify either number of bytes or key spec.');
  requireEncryptionUse(ctx, key, 'SYMMETRIC_DEFAULT', input.EncryptionContext, operation);
}

/** Precondition: requireDataKeyRequest passed. */
export async function makeDataKey(
  ports: { cipher: Pick<Crypto, 'generateDataKey'>; encryptionCounter: EncryptionCounter },
  key: LoadedKey,
  input: DataKeyInput,
  wantPlaintext: boolean,
) {
  const length = input.KeySpec === undefined ? input.NumberOfBytes! : dataKeyBytes[input.KeySpec];
  const { side, toBlob } = sealingSide(key, 'SYMMETRIC_DEFAULT', input.EncryptionContext);
  await ports.encryptionCounter.count(side.key.binding);
  const { plaintext, ...parts } = await ports.cipher.generateDataKey(side, length, wantPlaintext);
  return { plaintext, CiphertextBlob: toBlob(parts), KeyId: key.arn, KeyMaterialId: materialIdOf(key.record, key.record.currentVersion) };
}
