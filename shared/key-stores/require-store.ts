import { KmsError } from '#shared/errors.ts';
import type { KeyStores } from '#shared/repositories/key-store-records.ts';
import type { KeyStoreRecord } from './key-store-record.ts';

/** @throws KmsError CustomKeyStoreNotFoundException */
export function requireStore({ stores }: KeyStores, id: string): KeyStoreRecord {
  const found = stores.find((store) => store.keyStoreId === id);
  if (found === undefined) throw new KmsError('CustomKeyStoreNotFoundException', `The custom key store ${id} does not exist.`);
  return found;
}

/** @throws KmsError CustomKeyStoreInvalidStateException */
export function requireConnection({ keyStoreId: id, connected }: KeyStoreRecord, wanted: 'CONNECTED' | 'DISCONNECTED'): void {
  if (connected === (wanted === 'CONNECTED')) return;
  throw new KmsError('CustomKeyStoreInvalidStateException', `The custom key store ${id} is ${connected ? 'CONNECTED' : 'DISCONNECTED'}. It must be ${wanted} for this request.`);
}
