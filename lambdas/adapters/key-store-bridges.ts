/** The bridges of custom key stores: each with a client of its own, so that one that is down is no matter to the others. */
import type { KeyStoreEnvironment } from '#shared/env/key-store-environment.ts';
import { readTrustAnchor } from '#shared/key-stores/trust-anchor.ts';
import { type Crypto, CryptoError } from '#shared/ports/crypto.ts';
import type { KeyStoreBridge, KeyStoreBridges } from '#shared/ports/key-store-bridges.ts';
import type { BridgeCertificate } from './bridge-crypto.ts';

export interface BridgeAddress {
  readonly url: string;
  readonly servername: string | undefined;
  readonly secretId: string | undefined;
  /** Looks at what the secret holds before it is used. @throws CryptoError */
  readonly demand?: (certificate: BridgeCertificate) => void;
}

export function createKeyStoreBridges(entries: KeyStoreEnvironment, connect: (address: BridgeAddress) => Crypto): KeyStoreBridges {
  return new Map(
    entries.map((entry): [string, KeyStoreBridge] => {
      const { clusterId, url, serverName: servername, secret: secretId, hsmProfile, trustAnchorSha256, accounts } = entry;
      // Who can write the secret cannot bring in another authority.
      const demand = ({ ca }: BridgeCertificate): void => {
        if (readTrustAnchor(ca)?.sha256 !== trustAnchorSha256) throw new CryptoError('forbidden', 'the secret holds another trust anchor than the configured one');
      };
      return [clusterId, { hsmProfile, trustAnchorSha256, accounts, crypto: connect({ url, servername, secretId, demand }) }];
    }),
  );
}
