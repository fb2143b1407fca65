/** UpdateCustomKeyStore: another name, or another bridge to the same keys. AWS KMS API Reference, UpdateCustomKeyStore. */
import * as z from 'zod';
import { clusterId, externalStoreMembers, keyStoreId, keyStoreName, keyStorePassword, namesExternalStore } from '#shared/fields/key-store.ts';
import { keyStoreArn } from '#shared/key-stores/key-store-record.ts';
import { reachBridge, wrongConfiguration } from '#shared/key-stores/reach-bridge.ts';
import { requireConnection, requireStore } from '#shared/key-stores/require-store.ts';
import { readTrustAnchor } from '#shared/key-stores/trust-anchor.ts';
import { defineOperation } from '#shared/operation.ts';
import { putKeyStores } from '#shared/repositories/key-store-records.ts';

export const UpdateCustomKeyStore = defineOperation({
  name: 'UpdateCustomKeyStore',
  group: 'Key stores',
  summary: 'Renames a custom key store, or moves it to another bridge of the same HSM keys.',
  http: { method: 'PATCH', path: '/v1/key-stores/{CustomKeyStoreId}' },
  input: z.object({
    CustomKeyStoreId: keyStoreId(),
    NewCustomKeyStoreName: keyStoreName().optional(),
    KeyStorePassword: keyStorePassword().optional(),
    CloudHsmClusterId: clusterId().optional(),
    ...externalStoreMembers,
  }),
  output: z.object({}),
  changes: ['keyStores'],
  needs: ['committer', 'keyStores', 'bridgeDirectory'],
  errors: [
    'CloudHsmClusterInUseException',
    'CloudHsmClusterInvalidConfigurationException',
    'CloudHsmClusterNotActiveException',
    'CloudHsmClusterNotFoundException',
    'CloudHsmClusterNotRelatedException',
    'CustomKeyStoreInvalidStateException',
    'CustomKeyStoreNameInUseException',
    'CustomKeyStoreNotFoundException',
    'ValidationException',
  ],
  audit: (input) => ({
    customKeyStoreId: input.CustomKeyStoreId,
    newCustomKeyStoreName: input.NewCustomKeyStoreName ?? null,
    cloudHsmClusterId: input.CloudHsmClusterId ?? null,
  }),

  check(ctx, input) {
    if (namesExternalStore(input)) throw ctx.error('ValidationException', 'Members of external key stores do not fit a key store of type AWS_CLOUDHSM.');
    if (input.NewCustomKeyStoreName === undefined && input.KeyStorePassword === undefined && input.CloudHsmClusterId === undefined) {
      throw ctx.error('ValidationException', 'Nothing to update: give a new name, a password or a cluster.');
    }
  },

  async run(ctx, input) {
    const all = await ctx.ports.keyStores.of(ctx.caller);
    const store = requireStore(all, input.CustomKeyStoreId);
    const others = all.stores.filter((each) => each !== store);
    // A connected store can be renamed, and nothing else.
    if (input.CloudHsmClusterId !== undefined || input.KeyStorePassword !== undefined) requireConnection(store, 'DISCONNECTED');
    const name = input.NewCustomKeyStoreName ?? store.name;
    if (others.some((other) => other.name === name)) throw ctx.error('CustomKeyStoreNameInUseException', `The custom key store name ${JSON.stringify(name)} is in use.`);

    const cluster = input.CloudHsmClusterId ?? store.clusterId;
    let { hsmProfile } = store;
    if (cluster !== store.clusterId) {
      const { bridgeDirectory } = ctx.ports;
      const bridge = bridgeDirectory.find(cluster, ctx.caller.account);
      if (bridge === undefined) throw ctx.error('CloudHsmClusterNotFoundException', `The configuration of this service has no bridge ${cluster} for your account.`);
      if (others.some(({ clusterId: taken }) => taken === cluster))
        throw ctx.error('CloudHsmClusterInUseException', `${cluster} belongs to another custom key store of your account.`);
      if (readTrustAnchor(store.trustAnchor)?.sha256 !== bridge.trustAnchorSha256) throw wrongConfiguration(cluster, 'its trust anchor is not that of the key store');
      const isRelated = await reachBridge(cluster, () => bridgeDirectory.isProven(cluster, store));
      if (!isRelated) throw ctx.error('CloudHsmClusterNotRelatedException', `The HSM of ${cluster} does not have the keys of the key store's own.`);
      ({ hsmProfile } = bridge);
    }
    const stores = all.stores.map((each) => (each === store ? { ...store, name, clusterId: cluster, hsmProfile } : each));
    await ctx.ports.committer.commit([putKeyStores(ctx.caller, stores, all.rev)], [{ arn: keyStoreArn(ctx, store.keyStoreId), role: 'keyStore' }]);
    return {};
  },
});
