/** Bridges for custom key stores in the in-process service, with software keys. */
import { createHash, randomBytes } from 'node:crypto';
import type { KeyStoreBridge, KeyStoreBridges } from '#shared/ports/key-store-bridges.ts';
import type { InProcess, Members } from './in-process.ts';
import { createSoftwareCrypto, type SoftwareCrypto } from './software-crypto.ts';

/** Any bytes will do: the service compares certificates and does not read them. */
const pemOf = (text: string): string => `-----BEGIN CERTIFICATE-----\n${Buffer.from(text).toString('base64')}\n-----END CERTIFICATE-----`;
const sha256Of = (text: string): string => createHash('sha256').update(text).digest('hex');
const anchorText = 'the trust anchor of the second HSM';
export const trustAnchor = pemOf(anchorText);
export const otherAnchor = pemOf('another trust anchor');

export const clusters = {
  second: 'cluster-secondhsm22',
  /** Another way to the second HSM. */
  twin: 'cluster-secondtwin22',
  /** Another HSM. */
  third: 'cluster-thirdhsm222',
  /** The second HSM under another trust anchor. */
  distrusted: 'cluster-distrusted22',
  /** For one other account only. */
  foreign: 'cluster-foreignhsm22',
  notConfigured: 'cluster-nosuchhsm222',
} as const;

/**
 * Takes a bridge back from every account but another one, as a changed configuration would.
 * @returns the calls that the bridge is sent from now on
 */
export function withdraw(bridges: KeyStoreBridges, cluster: string): string[] {
  const bridge = bridges.get(cluster)!;
  const calls: string[] = [];
  const crypto = new Proxy(bridge.crypto, {
    get(target, name, receiver) {
      calls.push(String(name));
      return Reflect.get(target, name, receiver);
    },
  });
  (bridges as Map<string, KeyStoreBridge>).set(cluster, { ...bridge, crypto, accounts: ['444455556666'] });
  return calls;
}

export type StoreBridgeName = Exclude<keyof typeof clusters, 'notConfigured'>;
export type StoreBridgeCryptos = Readonly<Record<StoreBridgeName, SoftwareCrypto>>;

export function createStoreBridgeCryptos(): StoreBridgeCryptos {
  const keys = { kek: randomBytes(32), mac: randomBytes(32) };
  return {
    second: createSoftwareCrypto(keys),
    twin: createSoftwareCrypto(keys),
    third: createSoftwareCrypto(),
    distrusted: createSoftwareCrypto(keys),
    foreign: createSoftwareCrypto(),
  };
}

export function storeBridges(cryptos: StoreBridgeCryptos): KeyStoreBridges {
  const bridge = (name: StoreBridgeName): [string, KeyStoreBridge] => [
    clusters[name],
    {
      hsmProfile: 'softhsm2',
      trustAnchorSha256: sha256Of(name === 'distrusted' ? 'another trust anchor' : anchorText),
      crypto: cryptos[name],
      ...(name === 'foreign' ? { accounts: ['999988887777'] } : {}),
    },
  ];
  return new Map((Object.keys(cryptos) as StoreBridgeName[]).map(bridge));
}

export const storeMembers = (name: string, cluster: string = clusters.second): Members => ({
  CustomKeyStoreName: name,
  CloudHsmClusterId: cluster,
  TrustAnchorCertificate: trustAnchor,
  KeyStorePassword: 'password-of-kmsuser',
});

/** @returns the id of a new store, connected unless told otherwise */
export async function createStore(app: InProcess, { name = 'second', cluster = clusters.second as string, connect = true } = {}): Promise<string> {
  const { CustomKeyStoreId } = await app.must('CreateCustomKeyStore', storeMembers(name, cluster));
  if (connect) await app.must('ConnectCustomKeyStore', { CustomKeyStoreId });
  return String(CustomKeyStoreId);
}

/** @returns the id of a new key in the store */
export async function createKeyInStore(app: InProcess, CustomKeyStoreId: string, members: Members = {}): Promise<string> {
  const { KeyMetadata } = await app.must('CreateKey', { Origin: 'AWS_CLOUDHSM', CustomKeyStoreId, ...members });
  return (KeyMetadata as { KeyId: string }).KeyId;
}
