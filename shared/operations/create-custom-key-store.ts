/** CreateCustomKeyStore: a name for one of the configured bridges, for keys of this account. AWS KMS API Reference, CreateCustomKeyStore; docs/adr/0023. */
import * as z from 'zod';
import { clusterId, externalStoreMembers, keyStoreName, keyStorePassword, namesExternalStore } from '#shared/fields/key-store.ts';
import { newKeyStoreId } from '#shared/ids.ts';
import { keyStoreArn, keyStoresMax } from '#shared/key-stores/key-store-record.ts';
import { reachBridge } from '#shared/key-stores/reach-bridge.ts';
import { readTrustAnchor } from '#shared/key-stores/trust-anchor.ts';
import { defineOperation } from '#shared/operation.ts';
import { putKeyStores } from '#shared/repositories/key-store-records.ts';

export const CreateCustomKeyStore = defineOperation({
  name: 'CreateCustomKeyStore',
  group: 'Key stores',
  summary: 'Makes a custom key store of a configured bridge.',
  http: { method: 'POST', path: '/v1/key-stores' },
  input: z.object({
    CustomKeyStoreName: keyStoreName(),
    CloudHsmClusterId: clusterId().optional(),
    TrustAnchorCertificate: z.string().min(1).max(5000).optional(),
    KeyStorePassword: keyStorePassword().optional(),
    CustomKeyStoreType: z.enum(['AWS_CLOUDHSM', 'EXTERNAL_KEY_STORE']).optional(),
    ...externalStoreMembers,
  }),
  output: z.object({ CustomKeyStoreId: z.string() }),
  changes: ['keyStores'],
  needs: ['committer', 'keyStores', 'bridgeDirectory'],
  errors: [
    'CloudHsmClusterInUseException',
    'CloudHsmClusterInvalidConfigurationException',
    'CloudHsmClusterNotActiveException',
    'CloudHsmClusterNotFoundException',
    'CustomKeyStoreNameInUseException',
    'IncorrectTrustAnchorException',
    'LimitExceededException',
    'UnsupportedOperationException',
    'ValidationException',
  ],
  audit: (input) => ({
    customKeyStoreName: input.CustomKeyStoreName,
    customKeyStoreType: input.CustomKeyStoreType ?? 'AWS_CLOUDHSM',
    cloudHsmClusterId: input.CloudHsmClusterId ?? null,
  }),

  check(ctx, input) {
    if (input.CustomKeyStoreType === 'EXTERNAL_KEY_STORE' || namesExternalStore(input)) {
      throw ctx.error(
        'UnsupportedOperationException',
        'External key stores behind an XKS proxy are not offered here. A bridge to your own HSM is a key store of type AWS_CLOUDHSM.',
      );
    }
    if (input.CloudHsmClusterId === undefined || input.TrustAnchorCertificate === undefined) {
      throw ctx.error('ValidationException', 'CloudHsmClusterId and TrustAnchorCertificate are required for a key store of type AWS_CLOUDHSM.');
    }
  },

  async run(ctx, input) {
    const { account } = ctx.caller;
    // check() has made sure that both are there.
    const cluster = input.CloudHsmClusterId!;
    const { stores, rev } = await ctx.ports.keyStores.of(ctx.caller);
    if (stores.some(({ name }) => name === input.CustomKeyStoreName)) {
      throw ctx.error('CustomKeyStoreNameInUseException', `The custom key store name ${JSON.stringify(input.CustomKeyStoreName)} is in use.`);
    }
    if (stores.length >= keyStoresMax) throw ctx.error('LimitExceededException', `An account has at most ${keyStoresMax} custom key stores in a Region.`);
    const bridge = ctx.ports.bridgeDirectory.find(cluster, account);
    if (bridge === undefined) throw ctx.error('CloudHsmClusterNotFoundException', `The configuration of this service has no bridge ${cluster} for your account.`);
    if (stores.some(({ clusterId: taken }) => taken === cluster))
      throw ctx.error('CloudHsmClusterInUseException', `${cluster} belongs to another custom key store of your account.`);
    const anchor = readTrustAnchor(input.TrustAnchorCertificate!);
    if (anchor?.sha256 !== bridge.trustAnchorSha256) {
      throw ctx.error('IncorrectTrustAnchorException', `The trust anchor certificate is not the one that is configured for ${cluster}.`);
    }
    const keyStoreId = newKeyStoreId();
    const proof = await reachBridge(cluster, () => ctx.ports.bridgeDirectory.prove(cluster, keyStoreId));
    const store = {
      keyStoreId,
      name: input.CustomKeyStoreName,
      clusterId: cluster,
      hsmProfile: bridge.hsmProfile,
      trustAnchor: anchor.pem,
      connected: false,
      proof,
      createdAt: ctx.now,
    };
    const created = { arn: keyStoreArn(ctx, keyStoreId), role: 'keyStore' };
    await ctx.ports.committer.commit([putKeyStores(ctx.caller, [...stores, store], rev)], [created]);
    return { CustomKeyStoreId: keyStoreId };
  },
});
