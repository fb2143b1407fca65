import { expect, test } from 'vitest';
import { type BridgeAddress, createKeyStoreBridges } from '#lambdas/adapters/key-store-bridges.ts';
import { readKeyStoreEnvironment } from '#shared/env/key-store-environment.ts';
import { readTrustAnchor } from '#shared/key-stores/trust-anchor.ts';
import { otherAnchor, trustAnchor } from '#test/support/key-stores.ts';
import { createSoftwareCrypto } from '#test/support/software-crypto.ts';

const entry = {
  clusterId: 'cluster-secondhsm22',
  url: 'https://10.0.0.5:9443',
  hsmProfile: 'softhsm2',
  trustAnchorSha256: readTrustAnchor(trustAnchor)!.sha256,
  secret: 'arn:aws:secretsmanager:eu-west-1:111122223333:secret:x-abcdef',
} as const;

test('each bridge has its own connection, held to the configured trust anchor whatever its secret says', () => {
  const asked: BridgeAddress[] = [];
  const bridges = createKeyStoreBridges([entry, { ...entry, clusterId: 'cluster-thirdhsm222' }], (address) => {
    asked.push(address);
    return createSoftwareCrypto();
  });
  const demand = (ca: string) => () => asked[0]!.demand?.({ ca, cert: 'cert', key: 'key' });

  expect([...bridges.keys()]).toEqual(['cluster-secondhsm22', 'cluster-thirdhsm222']);
  expect(bridges.get('cluster-secondhsm22')!.crypto).not.toBe(bridges.get('cluster-thirdhsm222')!.crypto);
  expect(asked[0]).toMatchObject({ url: entry.url, secretId: entry.secret });
  expect(demand(trustAnchor)).not.toThrow();
  expect(demand(otherAnchor)).toThrow(/another trust anchor/);
  expect(demand(`${trustAnchor}\n${otherAnchor}`)).toThrow(/another trust anchor/);
});

test('without the variable there are none, and one that is wrong stops the function without a word of its value', () => {
  expect(readKeyStoreEnvironment(undefined)).toEqual([]);
  expect(readKeyStoreEnvironment(JSON.stringify([entry]))).toEqual([entry]);
  for (const wrong of ['{', '[{}]', JSON.stringify([{ ...entry, url: 'http://SENTINEL' }])]) {
    expect(() => readKeyStoreEnvironment(wrong)).toThrow('These environment variables are missing or unusable: CHATELAINE_KEY_STORES.');
  }
});
