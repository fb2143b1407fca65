/** Decrypt: finds the key and its version in the ciphertext. AWS KMS API Reference, Decrypt. */
import * as z from 'zod';
import { KmsError } from '#shared/errors.ts';
import { blob, outputBlob } from '#shared/fields/blob.ts';
import { encryptionContext } from '#shared/fields/encryption-context.ts';
import { encryptionAlgorithmEnum } from '#shared/fields/enums.ts';
import { dryRun, grantTokens, keyId } from '#shared/fields/key-id.ts';
import { blobOf, contextKeys, openingSide, requireCiphertextOf, requireEncryptionUse, sourceKey } from '#shared/keys/encryption.ts';
import { keyMaterialId } from '#shared/keys/key-record.ts';
import { requireEncryptionAlgorithm } from '#shared/keys/usage.ts';
import { defineOperation } from '#shared/operation.ts';

export const Decrypt = defineOperation({
  name: 'Decrypt',
  group: 'Cryptography',
  summary: 'Decrypts what Encrypt, ReEncrypt or a data-key operation sealed.',
  http: { method: 'POST', path: '/v1/decrypt' },
  input: z.object({
    CiphertextBlob: blob({ min: 1, max: 6144 }),
    EncryptionContext: encryptionContext(),
    GrantTokens: grantTokens(),
    KeyId: keyId().optional(),
    EncryptionAlgorithm: encryptionAlgorithmEnum().optional(),
    Recipient: z.unknown().optional(),
    DryRun: dryRun(),
  }),
  output: z.object({ KeyId: z.string(), Plaintext: outputBlob(true), EncryptionAlgorithm: z.string(), KeyMaterialId: z.string().optional() }),
  keys: (input) => ({ key: sourceKey(input.KeyId, input.EncryptionAlgorithm, input.CiphertextBlob) }),
  material: true,
  needs: ['cipher', 'usage'],
  errors: ['IncorrectKeyException', 'InvalidCiphertextException', 'InvalidKeyUsageException', 'UnsupportedOperationException', 'ValidationException'],
  audit: (input) => ({
    keyId: input.KeyId ?? blobOf(input.EncryptionAlgorithm, input.CiphertextBlob)?.header.keyId ?? null,
    encryptionAlgorithm: input.EncryptionAlgorithm ?? 'SYMMETRIC_DEFAULT',
    encryptionContextKeys: contextKeys(input.EncryptionContext),
    dryRun: input.DryRun ?? false,
  }),

  check(ctx, input) {
    const { key } = ctx.keys;
    if (input.Recipient !== undefined) throw ctx.error('UnsupportedOperationException', 'Recipient (an attestation document) is not offered here.');
    requireEncryptionUse(ctx, key, input.EncryptionAlgorithm ?? 'SYMMETRIC_DEFAULT', input.EncryptionContext, 'Decrypt');
    requireCiphertextOf(ctx, key, input.EncryptionAlgorithm, input.CiphertextBlob);
  },

  async run(ctx, input) {
    const { key } = ctx.keys;
    const algorithm = requireEncryptionAlgorithm(ctx, key, input.EncryptionAlgorithm ?? 'SYMMETRIC_DEFAULT');
    const opening = openingSide(key, algorithm, input.EncryptionContext, input.CiphertextBlob);
    if (opening === undefined) throw new KmsError('InvalidCiphertextException');
    const plaintext = await ctx.ports.cipher.decrypt(opening.side, opening.parts);
    const materialId = algorithm === 'SYMMETRIC_DEFAULT' ? keyMaterialId(key.record.keyId, opening.keyVersion) : undefined;
    return { KeyId: key.arn, Plaintext: plaintext, EncryptionAlgorithm: algorithm, KeyMaterialId: materialId };
  },
});
