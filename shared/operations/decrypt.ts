/** Decrypt: finds the key and its version in the ciphertext. AWS KMS API Reference, Decrypt. */
import * as z from 'zod';
import { KmsError } from '#shared/errors.ts';
import { blob, outputBlob } from '#shared/fields/blob.ts';
import { encryptionContext } from '#shared/fields/encryption-context.ts';
import { encryptionAlgorithmEnum } from '#shared/fields/enums.ts';
import { dryRun, grantTokens, keyId } from '#shared/fields/key-id.ts';
import { recipient } from '#shared/fields/recipient.ts';
import { ciphertextOf, dryRunModifiers, requireCiphertext } from '#shared/keys/dry-run.ts';
import { blobOf, contextKeys, decryptWithAny, openingOf, requireCiphertextOf, requireEncryptionUse, sourceKey } from '#shared/keys/encryption.ts';
import { materialIdOf } from '#shared/keys/imported.ts';
import { requireEncryptionAlgorithm } from '#shared/keys/usage.ts';
import { defineOperation } from '#shared/operation.ts';

export const Decrypt = defineOperation({
  name: 'Decrypt',
  group: 'Cryptography',
  summary: 'Decrypts what Encrypt, ReEncrypt or a data-key operation sealed.',
  http: { method: 'POST', path: '/v1/decrypt' },
  input: z.object({
    CiphertextBlob: blob({ min: 1, max: 6144 }).optional(),
    EncryptionContext: encryptionContext(),
    GrantTokens: grantTokens(),
    KeyId: keyId().optional(),
    EncryptionAlgorithm: encryptionAlgorithmEnum().optional(),
    Recipient: recipient(),
    DryRun: dryRun(),
    DryRunModifiers: dryRunModifiers(),
  }),
  output: z.object({
    KeyId: z.string(),
    Plaintext: outputBlob(true).optional(),
    CiphertextForRecipient: outputBlob().optional(),
    EncryptionAlgorithm: z.string(),
    KeyMaterialId: z.string().optional(),
  }),
  keys: (input) => ({ key: sourceKey(input.KeyId, input.EncryptionAlgorithm, ciphertextOf(input)) }),
  material: true,
  recipient: 'Plaintext',
  byAlias: true,
  needs: ['cipher', 'usage'],
  errors: ['IncorrectKeyException', 'InvalidCiphertextException', 'InvalidKeyUsageException', 'ValidationException'],
  audit: (input) => ({
    keyId: input.KeyId ?? blobOf(input.EncryptionAlgorithm, input.CiphertextBlob)?.header.keyId ?? null,
    encryptionAlgorithm: input.EncryptionAlgorithm ?? 'SYMMETRIC_DEFAULT',
    encryptionContextKeys: contextKeys(input.EncryptionContext),
    dryRun: input.DryRun ?? false,
  }),

  check(ctx, input) {
    const { key } = ctx.keys;
    requireEncryptionUse(ctx, key, input.EncryptionAlgorithm ?? 'SYMMETRIC_DEFAULT', input.EncryptionContext, 'Decrypt');
    requireCiphertextOf(ctx, key, input.EncryptionAlgorithm, ciphertextOf(input));
  },

  async run(ctx, input) {
    const { key } = ctx.keys;
    const algorithm = requireEncryptionAlgorithm(ctx, key, input.EncryptionAlgorithm ?? 'SYMMETRIC_DEFAULT');
    const opening = openingOf(key, algorithm, input.EncryptionContext, requireCiphertext(input));
    if (opening === undefined) throw new KmsError('InvalidCiphertextException');
    const { plaintext, side } = await decryptWithAny(ctx.ports.cipher, opening);
    const materialId = algorithm === 'SYMMETRIC_DEFAULT' ? materialIdOf(key.record, side.key.binding.version) : undefined;
    return { KeyId: key.arn, Plaintext: plaintext, EncryptionAlgorithm: algorithm, KeyMaterialId: materialId };
  },
});
