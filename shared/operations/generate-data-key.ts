/** GenerateDataKey: HSM randomness, in clear and sealed under the key. AWS KMS API Reference, GenerateDataKey. */
import * as z from 'zod';
import { outputBlob } from '#shared/fields/blob.ts';
import { recipient } from '#shared/fields/recipient.ts';
import { auditDataKey, dataKeyInput, makeDataKey, requireDataKeyRequest } from '#shared/keys/data-key.ts';
import { defineOperation } from '#shared/operation.ts';

export const GenerateDataKey = defineOperation({
  name: 'GenerateDataKey',
  group: 'Cryptography',
  summary: 'Makes a data key, in clear and sealed under the key.',
  http: { method: 'POST', path: '/v1/keys/{KeyId}/data-key' },
  input: dataKeyInput.extend({ Recipient: recipient() }),
  output: z.object({
    CiphertextBlob: outputBlob(),
    Plaintext: outputBlob(true).optional(),
    CiphertextForRecipient: outputBlob().optional(),
    KeyId: z.string(),
    KeyMaterialId: z.string().optional(),
  }),
  keys: (input) => ({ key: { identifier: input.KeyId, accepts: 'any' } }),
  material: true,
  recipient: 'Plaintext',
  byAlias: true,
  needs: ['cipher', 'encryptionCounter', 'usage'],
  errors: ['InvalidKeyUsageException', 'ValidationException'],
  audit: auditDataKey,

  check(ctx, input) {
    requireDataKeyRequest(ctx, ctx.keys.key, input, 'GenerateDataKey');
  },

  async run(ctx, input) {
    const { plaintext, ...rest } = await makeDataKey(ctx.ports, ctx.keys.key, input, true);
    if (plaintext === undefined) throw new Error('The bridge answered without the plaintext that was asked for.');
    return { ...rest, Plaintext: plaintext };
  },
});
