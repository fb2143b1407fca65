/** GenerateRandom: bytes from the HSM's random number generator. AWS KMS API Reference, GenerateRandom. */
import * as z from 'zod';
import { outputBlob } from '#shared/fields/blob.ts';
import { recipient } from '#shared/fields/recipient.ts';
import { defineOperation } from '#shared/operation.ts';

export const GenerateRandom = defineOperation({
  name: 'GenerateRandom',
  group: 'Cryptography',
  summary: "Gives bytes from the HSM's random number generator.",
  http: { method: 'POST', path: '/v1/random' },
  input: z.object({ NumberOfBytes: z.int().min(1).max(1024).optional(), CustomKeyStoreId: z.string().min(1).max(64).optional(), Recipient: recipient() }),
  output: z.object({ Plaintext: outputBlob(true).optional(), CiphertextForRecipient: outputBlob().optional() }),
  recipient: 'Plaintext',
  needs: ['random'],
  errors: ['UnsupportedOperationException', 'ValidationException'],
  audit: (input) => ({ numberOfBytes: input.NumberOfBytes ?? null }),

  check(ctx, input) {
    if (input.NumberOfBytes === undefined) throw ctx.error('ValidationException', 'NumberOfBytes is required.');
    if (input.CustomKeyStoreId !== undefined) throw ctx.error('UnsupportedOperationException', 'Custom key stores are not offered here.');
  },

  async run(ctx, input) {
    return { Plaintext: await ctx.ports.random.generateRandom(input.NumberOfBytes!) };
  },
});
