/** DeleteCustomKeyStore: of a disconnected store without keys. The bridge and its HSM stay as they are. AWS KMS API Reference, DeleteCustomKeyStore. */
import * as z from 'zod';
import { keyStoreId } from '#shared/fields/key-store.ts';
import { keyStoreArn } from '#shared/key-stores/key-store-record.ts';
import { requireConnection, requireStore } from '#shared/key-stores/require-store.ts';
import { defineOperation } from '#shared/operation.ts';
import { putKeyStores } from '#shared/repositories/key-store-records.ts';

export const DeleteCustomKeyStore = defineOperation({
  name: 'DeleteCustomKeyStore',
  group: 'Key stores',
  summary: 'Removes a custom key store that is disconnected and has no keys.',
  http: { method: 'DELETE', path: '/v1/key-stores/{CustomKeyStoreId}' },
  input: z.object({ CustomKeyStoreId: keyStoreId() }),
  output: z.object({}),
  changes: ['keyStores'],
  needs: ['committer', 'keyStores', 'keysOfStores'],
  errors: ['CustomKeyStoreHasCMKsException', 'CustomKeyStoreInvalidStateException', 'CustomKeyStoreNotFoundException'],
  audit: (input) => ({ customKeyStoreId: input.CustomKeyStoreId }),

  async run(ctx, input) {
    const all = await ctx.ports.keyStores.of(ctx.caller);
    const store = requireStore(all, input.CustomKeyStoreId);
    requireConnection(store, 'DISCONNECTED');
    // In this order: a key that was made while the store was connected is seen, and none is made since (putKeyIntoStore).
    if (await ctx.ports.keysOfStores.hasKeys(ctx.caller, store.keyStoreId)) {
      throw ctx.error('CustomKeyStoreHasCMKsException', `The custom key store ${store.keyStoreId} has keys. Schedule their deletion and wait until they are deleted.`);
    }
    const stores = all.stores.filter((each) => each !== store);
    await ctx.ports.committer.commit([putKeyStores(ctx.caller, stores, all.rev)], [{ arn: keyStoreArn(ctx, store.keyStoreId), role: 'keyStore' }]);
    return {};
  },
});
