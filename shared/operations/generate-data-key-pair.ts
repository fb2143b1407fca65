/** GenerateDataKeyPair: a key pair for use outside, its private half in clear and sealed under the key. AWS KMS API Reference, GenerateDataKeyPair. */
import * as z from 'zod';
import { outputBlob } from '#shared/fields/blob.ts';
import { recipient } from '#shared/fields/recipient.ts';
import { auditDataKeyPair, dataKeyPairInput, makeDataKeyPair, requireDataKeyPairRequest } from '#shared/keys/data-key-pair.ts';
import { defineOperation } from '#shared/operation.ts';

export const GenerateDataKeyPair = defineOperation({
  name: 'GenerateDataKeyPair',
  group: 'Cryptography',
  summary: 'Makes a data key pair, its private half in clear and sealed under the key.',
  http: { method: 'POST', path: '/v1/keys/{KeyId}/data-key-pair' },
  input: dataKeyPairInput.extend({ Recipient: recipient() }),
  output: z.object({
    PrivateKeyCiphertextBlob: outputBlob(),
    PrivateKeyPlaintext: outputBlob(true).optional(),
    CiphertextForRecipient: outputBlob().optional(),
    PublicKey: outputBlob(),
    KeyId: z.string(),
    KeyPairSpec: z.string(),
    KeyMaterialId: z.string(),
  }),
  keys: (input) => ({ key: { identifier: input.KeyId, accepts: 'any' } }),
  material: true,
  recipient: 'PrivateKeyPlaintext',
  byAlias: true,
  needs: ['cipher', 'encryptionCounter', 'usage'],
  errors: ['InvalidKeyUsageException', 'UnsupportedOperationException', 'ValidationException'],
  audit: auditDataKeyPair,

  check(ctx, input) {
    requireDataKeyPairRequest(ctx, ctx.keys.key, input, 'GenerateDataKeyPair');
  },

  async run(ctx, input) {
    const { privateKey, ...rest } = await makeDataKeyPair(ctx.ports, ctx.keys.key, input, true);
    if (privateKey === undefined) throw new Error('The bridge answered without the private key that was asked for.');
    return { ...rest, PrivateKeyPlaintext: privateKey };
  },
});
