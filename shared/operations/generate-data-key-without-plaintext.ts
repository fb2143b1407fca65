/** GenerateDataKeyWithoutPlaintext: HSM randomness, only sealed. AWS KMS API Reference, GenerateDataKeyWithoutPlaintext. */
import * as z from 'zod';
import { outputBlob } from '#shared/fields/blob.ts';
import { auditDataKey, dataKeyInput, makeDataKey, requireDataKeyRequest } from '#shared/keys/data-key.ts';
import { defineOperation } from '#shared/operation.ts';

export const GenerateDataKeyWithoutPlaintext = defineOperation({
  name: 'GenerateDataKeyWithoutPlaintext',
  group: 'Cryptography',
  summary: 'Makes a data key that only Decrypt will show.',
  http: { method: 'POST', path: '/v1/keys/{KeyId}/data-key-without-plaintext' },
  input: dataKeyInput,
  output: z.object({ CiphertextBlob: outputBlob(), KeyId: z.string(), KeyMaterialId: z.string().optional() }),
  keys: (input) => ({ key: { identifier: input.KeyId, accepts: 'any' } }),
  material: true,
  byAlias: true,
  needs: ['cipher', 'encryptionCounter', 'usage'],
  errors: ['InvalidKeyUsageException', 'ValidationException'],
  audit: auditDataKey,

  check(ctx, input) {
    requireDataKeyRequest(ctx, ctx.keys.key, input, 'GenerateDataKeyWithoutPlaintext');
  },

  async run(ctx, input) {
    const { plaintext: _, ...sealed } = await makeDataKey(ctx.ports, ctx.keys.key, input, false);
    return sealed;
  },
});
