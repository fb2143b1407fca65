/** Encrypt: up to 4096 bytes under a symmetric or an RSA key. AWS KMS API Reference, Encrypt. */
import * as z from 'zod';
import { plaintextLimit } from '#shared/algorithms/encryption.ts';
import { blob, outputBlob } from '#shared/fields/blob.ts';
import { encryptionContext } from '#shared/fields/encryption-context.ts';
import { encryptionAlgorithmEnum } from '#shared/fields/enums.ts';
import { dryRun, grantTokens, keyId } from '#shared/fields/key-id.ts';
import { contextKeys, requireEncryptionUse, sealingSide } from '#shared/keys/encryption.ts';
import { requireEncryptionAlgorithm } from '#shared/keys/usage.ts';
import { defineOperation } from '#shared/operation.ts';

export const Encrypt = defineOperation({
  name: 'Encrypt',
  group: 'Cryptography',
  summary: 'Encrypts up to 4096 bytes.',
  http: { method: 'POST', path: '/v1/keys/{KeyId}/encrypt' },
  input: z.object({
    KeyId: keyId(),
    Plaintext: blob({ min: 1, max: 4096, sensitive: true }),
    EncryptionContext: encryptionContext(),
    GrantTokens: grantTokens(),
    EncryptionAlgorithm: encryptionAlgorithmEnum().optional(),
    DryRun: dryRun(),
  }),
  output: z.object({ CiphertextBlob: outputBlob(), KeyId: z.string(), EncryptionAlgorithm: z.string() }),
  keys: (input) => ({ key: { identifier: input.KeyId, accepts: 'any' } }),
  material: true,
  byAlias: true,
  needs: ['cipher', 'encryptionCounter', 'usage'],
  errors: ['InvalidKeyUsageException', 'ValidationException'],
  audit: (input) => ({
    keyId: input.KeyId,
    encryptionAlgorithm: input.EncryptionAlgorithm ?? 'SYMMETRIC_DEFAULT',
    encryptionContextKeys: contextKeys(input.EncryptionContext),
    dryRun: input.DryRun ?? false,
  }),

  check(ctx, input) {
    const { key } = ctx.keys;
    const algorithm = input.EncryptionAlgorithm ?? 'SYMMETRIC_DEFAULT';
    requireEncryptionUse(ctx, key, algorithm, input.EncryptionContext, 'Encrypt');
    const limitBytes = plaintextLimit(key.record.keySpec, requireEncryptionAlgorithm(ctx, key, algorithm));
    if (input.Plaintext.length > limitBytes) {
      throw ctx.error('ValidationException', `Algorithm ${algorithm} and key spec ${key.record.keySpec} cannot encrypt data larger than ${limitBytes} bytes.`);
    }
  },

  async run(ctx, input) {
    const { key } = ctx.keys;
    const algorithm = requireEncryptionAlgorithm(ctx, key, input.EncryptionAlgorithm ?? 'SYMMETRIC_DEFAULT');
    const { side, toBlob } = sealingSide(key, algorithm, input.EncryptionContext);
    if (algorithm === 'SYMMETRIC_DEFAULT') await ctx.ports.encryptionCounter.count(side.key.binding);
    const parts = await ctx.ports.cipher.encrypt(side, input.Plaintext);
    return { CiphertextBlob: toBlob(parts), KeyId: key.arn, EncryptionAlgorithm: algorithm };
  },
});
