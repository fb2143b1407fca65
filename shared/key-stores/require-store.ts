import { KmsError } from '#shared/errors.ts';
import type { KeyStores } from '#shared/repositories/key-store-records.ts';
import { type ConnectionState, connectionOf, type KeyStore } from './key-store-record.ts';

/** @throws KmsError CustomKeyStoreNotFoundException */
export function requireStore({ stores }: KeyStores, id: string): KeyStore {
  const found = stores.find((store) => store.keyStoreId === id);
  if (found === undefined) throw new KmsError('CustomKeyStoreNotFoundException', `The custom key store ${id} does not exist.`);
  return found;
}

/** @throws KmsError CustomKeyStoreInvalidStateException */
export function requireConnection(store: KeyStore, ...wanted: readonly [ConnectionState, ...ConnectionState[]]): void {
  const connection = connectionOf(store);
  if (wanted.includes(connection)) return;
  throw new KmsError('CustomKeyStoreInvalidStateException', `The custom key store ${store.keyStoreId} is ${connection}. It must be ${wanted.join(' or ')} for this request.`);
}
