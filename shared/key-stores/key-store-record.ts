/** A custom key store: a named bridge to an HSM of its own, where keys can be put in place of the deployment's default one (docs/adr/0023). */
import type { KeyState } from '#shared/keys/key-record.ts';
import type { ResourceOwner } from '#shared/operation.ts';
import type { HsmProfile } from '#shared/ports/key-store-bridges.ts';

/** AWS KMS resource quotas: custom key stores per account and Region. */
export const keyStoresMax = 10;

export interface KeyStoreRecord {
  readonly keyStoreId: string;
  readonly name: string;
  /** Which of the configured bridges. */
  readonly clusterId: string;
  readonly hsmProfile: HsmProfile;
  /** PEM, one certificate. */
  readonly trustAnchor: string;
  readonly connected: boolean;
  /** Base64: made by the store's HSM when the store was, so that another HSM behind the same address is noticed. */
  readonly proof: string;
  /** Milliseconds since the epoch. */
  readonly createdAt: number;
}

/** A store as its row has it, and whether the configuration leads to its bridge, for the store's account, at this moment. */
export interface KeyStore extends KeyStoreRecord {
  readonly isListed: boolean;
}

/** AWS KMS's names. FAILED: it is connected, but the bridge was withdrawn. Its keys come back when the configuration lists it again. */
export type ConnectionState = 'CONNECTED' | 'DISCONNECTED' | 'FAILED';

export function connectionOf({ connected, isListed }: Pick<KeyStore, 'connected' | 'isListed'>): ConnectionState {
  if (!connected) return 'DISCONNECTED';
  return isListed ? 'CONNECTED' : 'FAILED';
}

/** AWS KMS has none: what audit records name a store by. */
export const keyStoreArn = ({ partition, caller }: ResourceOwner, keyStoreId: string): string =>
  `arn:${partition}:chatelaine:${caller.region}:${caller.account}:key-store/${keyStoreId}`;

interface KeyAtStore {
  readonly record: { readonly state: KeyState };
  readonly keyStore?: Pick<KeyStore, 'connected' | 'isListed'> | undefined;
}

/**
 * The state that callers see. A key of a store that is not connected is Unavailable, unless it is about to be deleted; its row keeps the state that it comes
 * back with (AWS KMS Developer Guide, "Disconnect a custom key store").
 */
export function stateOf({ record, keyStore }: KeyAtStore): KeyState {
  const isLeaving = record.state === 'PendingDeletion' || record.state === 'PendingReplicaDeletion';
  return keyStore === undefined || connectionOf(keyStore) === 'CONNECTED' || isLeaving ? record.state : 'Unavailable';
}
