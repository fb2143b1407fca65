/** What the operations that manage key stores ask of the configured bridges. */
import { createHash } from 'node:crypto';
import { bridgeFor, type KeyStoreBridge, type KeyStoreBridges } from '#shared/ports/key-store-bridges.ts';
import type { KeyStoreRecord } from './key-store-record.ts';

export interface BridgeDirectory {
  /** Undefined: not in the configuration, or not for this account. The two look the same to callers. */
  find(clusterId: string, account: string): Pick<KeyStoreBridge, 'hsmProfile' | 'trustAnchorSha256'> | undefined;
  /** Precondition: it was found. @throws CryptoError */
  prove(clusterId: string, keyStoreId: string): Promise<string>;
  /** Whether the HSM behind the bridge has the keys that made the store's proof. Precondition: it was found. @throws CryptoError */
  isProven(clusterId: string, store: Pick<KeyStoreRecord, 'keyStoreId' | 'proof'>): Promise<boolean>;
}

/** Whether the configuration has the bridge for the account. Asked at every use: what was so when the store was made may not be so any more. */
export type IsListed = (clusterId: string, account: string) => boolean;

/** The digest of no row: those begin with another text (shared/repositories/seal.ts). */
const digestOf = (keyStoreId: string): string => createHash('sha256').update(`chatelaine-key-store-1\n${keyStoreId}`, 'utf8').digest('base64');

export function createBridgeDirectory(bridges: KeyStoreBridges): BridgeDirectory {
  const cryptoOf = (clusterId: string): KeyStoreBridge['crypto'] => {
    const bridge = bridges.get(clusterId);
    if (bridge === undefined) throw new Error('A bridge was asked for that is not configured.');
    return bridge.crypto;
  };
  return {
    find: (clusterId, account) => bridgeFor(bridges, clusterId, account),
    async prove(clusterId, keyStoreId) {
      const [proof] = await cryptoOf(clusterId).sealRows([digestOf(keyStoreId)]);
      return proof!;
    },
    async isProven(clusterId, { keyStoreId, proof }) {
      const [valid] = await cryptoOf(clusterId).checkSeals([{ digest: digestOf(keyStoreId), seal: proof }]);
      return valid === true;
    },
  };
}
