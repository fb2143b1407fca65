/** The bridges beside the default one that the deployment's configuration lists. A key store names one of them; a caller cannot name any other address. */
import type { Crypto } from './crypto.ts';

export const hsmProfiles = ['softhsm2', 'cloudhsm'] as const;
export type HsmProfile = (typeof hsmProfiles)[number];

/** What callers name a bridge by: AWS's form of a cluster id, whatever HSM it is. */
export const clusterIdPattern = /^cluster-[2-7a-zA-Z]{11,16}$/;

export interface KeyStoreBridge {
  readonly hsmProfile: HsmProfile;
  /** SHA-256 of the certificate (DER) that the bridge's own certificate must come from, in hexadecimal digits. */
  readonly trustAnchorSha256: string;
  /** Accounts whose key stores may use it. Absent: every account of the deployment. */
  readonly accounts?: readonly string[] | undefined;
  readonly crypto: Crypto;
}

/** By cluster id. */
export type KeyStoreBridges = ReadonlyMap<string, KeyStoreBridge>;

/** Undefined: not in the configuration, or not for this account. Asked at each use, since the configuration may take back what it gave. */
export function bridgeFor(bridges: KeyStoreBridges, clusterId: string, account: string): KeyStoreBridge | undefined {
  const bridge = bridges.get(clusterId);
  return bridge?.accounts?.includes(account) === false ? undefined : bridge;
}
