/** ReEncrypt: from one key or context to another inside the bridge; the plaintext never comes out. AWS KMS API Reference, ReEncrypt. */
import * as z from 'zod';
import { plaintextLimit } from '#shared/algorithms/encryption.ts';
import { KmsError } from '#shared/errors.ts';
import { blob, outputBlob } from '#shared/fields/blob.ts';
import { encryptionContext } from '#shared/fields/encryption-context.ts';
import { encryptionAlgorithmEnum } from '#shared/fields/enums.ts';
import { dryRun, grantTokens, keyId } from '#shared/fields/key-id.ts';
import { ciphertextOf, dryRunModifiers, requireCiphertext } from '#shared/keys/dry-run.ts';
import { blobOf, contextKeys, openingOf, reEncryptFromAny, requireCiphertextOf, requireEncryptionUse, sealingSide, sourceKey } from '#shared/keys/encryption.ts';
import { materialIdOf } from '#shared/keys/imported.ts';
import type { KeyRecord } from '#shared/keys/key-record.ts';
import { requireEncryptionAlgorithm } from '#shared/keys/usage.ts';
import { defineOperation } from '#shared/operation.ts';
import { CryptoError } from '#shared/ports/crypto.ts';

export const ReEncrypt = defineOperation({
  name: 'ReEncrypt',
  group: 'Cryptography',
  summary: 'Moves a ciphertext to another key or context without showing the plaintext.',
  http: { method: 'POST', path: '/v1/re-encrypt' },
  input: z.object({
    CiphertextBlob: blob({ min: 1, max: 6144 }).optional(),
    SourceEncryptionContext: encryptionContext(),
    SourceKeyId: keyId().optional(),
    DestinationKeyId: keyId(),
    DestinationEncryptionContext: encryptionContext(),
    SourceEncryptionAlgorithm: encryptionAlgorithmEnum().optional(),
    DestinationEncryptionAlgorithm: encryptionAlgorithmEnum().optional(),
    GrantTokens: grantTokens(),
    DryRun: dryRun(),
    DryRunModifiers: dryRunModifiers(),
  }),
  output: z.object({
    CiphertextBlob: outputBlob(),
    SourceKeyId: z.string(),
    KeyId: z.string(),
    SourceEncryptionAlgorithm: z.string(),
    DestinationEncryptionAlgorithm: z.string(),
    SourceKeyMaterialId: z.string().optional(),
    DestinationKeyMaterialId: z.string().optional(),
  }),
  keys: (input) => ({
    source: sourceKey(input.SourceKeyId, input.SourceEncryptionAlgorithm, ciphertextOf(input)),
    destination: { identifier: input.DestinationKeyId, accepts: 'any' },
  }),
  permissions: { source: 'kms:ReEncryptFrom', destination: 'kms:ReEncryptTo' },
  material: true,
  byAlias: true,
  needs: ['cipher', 'encryptionCounter', 'usage'],
  errors: ['IncorrectKeyException', 'InvalidCiphertextException', 'InvalidKeyUsageException', 'ValidationException'],
  audit: (input) => ({
    sourceKeyId: input.SourceKeyId ?? blobOf(input.SourceEncryptionAlgorithm, input.CiphertextBlob)?.header.keyId ?? null,
    destinationKeyId: input.DestinationKeyId,
    sourceEncryptionAlgorithm: input.SourceEncryptionAlgorithm ?? 'SYMMETRIC_DEFAULT',
    destinationEncryptionAlgorithm: input.DestinationEncryptionAlgorithm ?? 'SYMMETRIC_DEFAULT',
    sourceEncryptionContextKeys: contextKeys(input.SourceEncryptionContext),
    destinationEncryptionContextKeys: contextKeys(input.DestinationEncryptionContext),
    dryRun: input.DryRun ?? false,
  }),

  check(ctx, input) {
    const { source, destination } = ctx.keys;
    requireEncryptionUse(ctx, source, input.SourceEncryptionAlgorithm ?? 'SYMMETRIC_DEFAULT', input.SourceEncryptionContext, 'ReEncryptFrom');
    requireEncryptionUse(ctx, destination, input.DestinationEncryptionAlgorithm ?? 'SYMMETRIC_DEFAULT', input.DestinationEncryptionContext, 'ReEncryptTo');
    requireCiphertextOf(ctx, source, input.SourceEncryptionAlgorithm, ciphertextOf(input));
  },

  async run(ctx, input) {
    const { source, destination } = ctx.keys;
    const sourceAlgorithm = requireEncryptionAlgorithm(ctx, source, input.SourceEncryptionAlgorithm ?? 'SYMMETRIC_DEFAULT');
    const destinationAlgorithm = requireEncryptionAlgorithm(ctx, destination, input.DestinationEncryptionAlgorithm ?? 'SYMMETRIC_DEFAULT');
    const opening = openingOf(source, sourceAlgorithm, input.SourceEncryptionContext, requireCiphertext(input));
    if (opening === undefined) throw new KmsError('InvalidCiphertextException');
    const { side, toBlob } = sealingSide(destination, destinationAlgorithm, input.DestinationEncryptionContext);
    if (destinationAlgorithm === 'SYMMETRIC_DEFAULT') await ctx.ports.encryptionCounter.count(side.key.binding);
    const { sealed, side: opened } = await reEncryptFromAny(ctx.ports.cipher, opening, side).catch((error: unknown) => {
      // Only the bridge sees how long the plaintext is.
      const tooLong = error instanceof CryptoError && error.code === 'invalid-request' && destinationAlgorithm !== 'SYMMETRIC_DEFAULT';
      if (!tooLong) throw error;
      const limitBytes = plaintextLimit(destination.record.keySpec, destinationAlgorithm);
      throw ctx.error('ValidationException', `Algorithm ${destinationAlgorithm} and key spec ${destination.record.keySpec} cannot encrypt data larger than ${limitBytes} bytes.`);
    });
    const materialId = (algorithm: string, record: KeyRecord, version: number) => (algorithm === 'SYMMETRIC_DEFAULT' ? materialIdOf(record, version) : undefined);
    return {
      CiphertextBlob: toBlob(sealed),
      SourceKeyId: source.arn,
      KeyId: destination.arn,
      SourceEncryptionAlgorithm: sourceAlgorithm,
      DestinationEncryptionAlgorithm: destinationAlgorithm,
      SourceKeyMaterialId: materialId(sourceAlgorithm, source.record, opened.key.binding.version),
      DestinationKeyMaterialId: materialId(destinationAlgorithm, destination.record, destination.record.currentVersion),
    };
  },
});
