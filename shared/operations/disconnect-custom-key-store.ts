/** DisconnectCustomKeyStore: makes the keys of a store Unavailable, from the next request on. AWS KMS API Reference, DisconnectCustomKeyStore. */
import * as z from 'zod';
import { keyStoreId } from '#shared/fields/key-store.ts';
import { keyStoreArn } from '#shared/key-stores/key-store-record.ts';
import { requireConnection, requireStore } from '#shared/key-stores/require-store.ts';
import { defineOperation } from '#shared/operation.ts';
import { putKeyStores } from '#shared/repositories/key-store-records.ts';

export const DisconnectCustomKeyStore = defineOperation({
  name: 'DisconnectCustomKeyStore',
  group: 'Key stores',
  summary: 'Makes the keys of a custom key store unavailable.',
  http: { method: 'POST', path: '/v1/key-stores/{CustomKeyStoreId}/disconnect' },
  input: z.object({ CustomKeyStoreId: keyStoreId() }),
  output: z.object({}),
  changes: ['keyStores'],
  needs: ['committer', 'keyStores'],
  errors: ['CustomKeyStoreInvalidStateException', 'CustomKeyStoreNotFoundException'],
  audit: (input) => ({ customKeyStoreId: input.CustomKeyStoreId }),

  async run(ctx, input) {
    const all = await ctx.ports.keyStores.of(ctx.caller);
    const store = requireStore(all, input.CustomKeyStoreId);
    requireConnection(store, 'CONNECTED', 'FAILED');
    const stores = all.stores.map((each) => (each === store ? { ...store, connected: false } : each));
    await ctx.ports.committer.commit([putKeyStores(ctx.caller, stores, all.rev)], [{ arn: keyStoreArn(ctx, store.keyStoreId), role: 'keyStore' }]);
    return {};
  },
});
