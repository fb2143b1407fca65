/**
 * ConnectCustomKeyStore: makes the keys of a store usable, after its bridge has shown that it has the HSM that the store was made with. Unlike AWS's it is
 * done when it is answered. AWS KMS API Reference, ConnectCustomKeyStore.
 */
import * as z from 'zod';
import { keyStoreId } from '#shared/fields/key-store.ts';
import { keyStoreArn } from '#shared/key-stores/key-store-record.ts';
import { reachBridge, wrongConfiguration } from '#shared/key-stores/reach-bridge.ts';
import { requireConnection, requireStore } from '#shared/key-stores/require-store.ts';
import { readTrustAnchor } from '#shared/key-stores/trust-anchor.ts';
import { defineOperation } from '#shared/operation.ts';
import { putKeyStores } from '#shared/repositories/key-store-records.ts';

export const ConnectCustomKeyStore = defineOperation({
  name: 'ConnectCustomKeyStore',
  group: 'Key stores',
  summary: 'Makes the keys of a custom key store usable.',
  http: { method: 'POST', path: '/v1/key-stores/{CustomKeyStoreId}/connect' },
  input: z.object({ CustomKeyStoreId: keyStoreId() }),
  output: z.object({}),
  changes: ['keyStores'],
  needs: ['committer', 'keyStores', 'bridgeDirectory'],
  errors: ['CloudHsmClusterInvalidConfigurationException', 'CloudHsmClusterNotActiveException', 'CustomKeyStoreInvalidStateException', 'CustomKeyStoreNotFoundException'],
  audit: (input) => ({ customKeyStoreId: input.CustomKeyStoreId }),

  async run(ctx, input) {
    const all = await ctx.ports.keyStores.of(ctx.caller);
    const store = requireStore(all, input.CustomKeyStoreId);
    requireConnection(store, 'DISCONNECTED');
    const { clusterId } = store;
    const { bridgeDirectory } = ctx.ports;
    const bridge = bridgeDirectory.find(clusterId, ctx.caller.account);
    if (bridge === undefined) throw wrongConfiguration(clusterId, 'the configuration of this service no longer has a bridge for it');
    if (readTrustAnchor(store.trustAnchor)?.sha256 !== bridge.trustAnchorSha256) throw wrongConfiguration(clusterId, 'another trust anchor is configured for it now');
    const isProven = await reachBridge(clusterId, () => bridgeDirectory.isProven(clusterId, store));
    if (!isProven) throw wrongConfiguration(clusterId, 'the HSM behind its bridge does not have the keys that the store was made with');
    const stores = all.stores.map((each) => (each === store ? { ...store, connected: true } : each));
    await ctx.ports.committer.commit([putKeyStores(ctx.caller, stores, all.rev)], [{ arn: keyStoreArn(ctx, store.keyStoreId), role: 'keyStore' }]);
    return {};
  },
});
