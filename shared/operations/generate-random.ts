/** GenerateRandom: bytes from the HSM's random number generator. AWS KMS API Reference, GenerateRandom. */
import * as z from 'zod';
import { outputBlob } from '#shared/fields/blob.ts';
import { keyStoreId } from '#shared/fields/key-store.ts';
import { recipient } from '#shared/fields/recipient.ts';
import { requireConnection, requireStore } from '#shared/key-stores/require-store.ts';
import { defineOperation } from '#shared/operation.ts';

export const GenerateRandom = defineOperation({
  name: 'GenerateRandom',
  group: 'Cryptography',
  summary: "Gives bytes from the HSM's random number generator.",
  http: { method: 'POST', path: '/v1/random' },
  input: z.object({ NumberOfBytes: z.int().min(1).max(1024).optional(), CustomKeyStoreId: keyStoreId().optional(), Recipient: recipient() }),
  output: z.object({ Plaintext: outputBlob(true).optional(), CiphertextForRecipient: outputBlob().optional() }),
  recipient: 'Plaintext',
  needs: ['keyStores', 'random'],
  errors: ['CustomKeyStoreInvalidStateException', 'CustomKeyStoreNotFoundException', 'ValidationException'],
  audit: (input) => ({ numberOfBytes: input.NumberOfBytes ?? null, customKeyStoreId: input.CustomKeyStoreId ?? null }),

  check(ctx, input) {
    if (input.NumberOfBytes === undefined) throw ctx.error('ValidationException', 'NumberOfBytes is required.');
  },

  async run(ctx, input) {
    const { CustomKeyStoreId: id } = input;
    const store = id === undefined ? undefined : requireStore(await ctx.ports.keyStores.of(ctx.caller), id);
    if (store !== undefined) requireConnection(store, 'CONNECTED');
    return { Plaintext: await ctx.ports.random.generateRandom(input.NumberOfBytes!, store && { account: ctx.caller.account, store: store.clusterId }) };
  },
});
