/** GenerateDataKeyPairWithoutPlaintext: a key pair for use outside, its private half only sealed. AWS KMS API Reference, GenerateDataKeyPairWithoutPlaintext. */
import * as z from 'zod';
import { outputBlob } from '#shared/fields/blob.ts';
import { auditDataKeyPair, dataKeyPairInput, makeDataKeyPair, requireDataKeyPairRequest } from '#shared/keys/data-key-pair.ts';
import { defineOperation } from '#shared/operation.ts';

export const GenerateDataKeyPairWithoutPlaintext = defineOperation({
  name: 'GenerateDataKeyPairWithoutPlaintext',
  group: 'Cryptography',
  summary: 'Makes a data key pair whose private half only Decrypt will show.',
  http: { method: 'POST', path: '/v1/keys/{KeyId}/data-key-pair-without-plaintext' },
  input: dataKeyPairInput,
  output: z.object({ PrivateKeyCiphertextBlob: outputBlob(), PublicKey: outputBlob(), KeyId: z.string(), KeyPairSpec: z.string(), KeyMaterialId: z.string() }),
  keys: (input) => ({ key: { identifier: input.KeyId, accepts: 'any' } }),
  material: true,
  byAlias: true,
  needs: ['cipher', 'encryptionCounter', 'usage'],
  errors: ['InvalidKeyUsageException', 'UnsupportedOperationException', 'ValidationException'],
  audit: auditDataKeyPair,

  check(ctx, input) {
    requireDataKeyPairRequest(ctx, ctx.keys.key, input, 'GenerateDataKeyPairWithoutPlaintext');
  },

  async run(ctx, input) {
    const { privateKey: _, ...sealed } = await makeDataKeyPair(ctx.ports, ctx.keys.key, input, false);
    return sealed;
  },
});
