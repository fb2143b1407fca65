/** Custom key stores: their row, the writes that change it, and what operations read of it. */
import * as z from 'zod';
import type { IsListed } from '#shared/key-stores/bridge-directory.ts';
import type { KeyStore, KeyStoreRecord } from '#shared/key-stores/key-store-record.ts';
import type { KeyRecord } from '#shared/keys/key-record.ts';
import { hsmProfiles } from '#shared/ports/key-store-bridges.ts';
import type { RecordStore, Write } from '#shared/ports/record-store.ts';
import { recordReader, toBody } from './records.ts';
import type { RowReader } from './row-reader.ts';
import { keyOfStorePrefix, keyOfStoreRow, keyStoresRow } from './rows.ts';

interface Owner {
  readonly account: string;
  readonly region: string;
}

const keyStoresSchema = z.strictObject({
  stores: z.array(
    z.strictObject({
      keyStoreId: z.string(),
      name: z.string(),
      clusterId: z.string(),
      hsmProfile: z.enum(hsmProfiles),
      trustAnchor: z.string(),
      connected: z.boolean(),
      proof: z.string(),
      createdAt: z.int().min(0),
    }),
  ),
});

export const readKeyStores = recordReader<{ readonly stores: readonly KeyStoreRecord[] }>('key stores', keyStoresSchema);

/** All key stores of an account in a Region, in the order in which they were made. */
export interface KeyStores {
  readonly stores: readonly KeyStore[];
  /** Of their row; 0 when there is none. */
  readonly rev: number;
}

export interface KeyStoreReader {
  of(owner: Owner): Promise<KeyStores>;
  /** Whether any key is in the store, those that wait for their deletion included. Strongly consistent. */
  hasKeys(owner: Owner, keyStoreId: string): Promise<boolean>;
}

interface Settings {
  readonly store: Pick<RecordStore, 'query'>;
  readonly rows: RowReader;
  readonly isListed: IsListed;
}

export function createKeyStoreReader({ store, rows, isListed }: Settings): KeyStoreReader {
  return {
    async of(owner) {
      const row = keyStoresRow(owner);
      const snapshot = rows.open();
      await snapshot.load([row]);
      const item = snapshot.get(row);
      await rows.requireSeals([item]);
      if (item === undefined) return { stores: [], rev: 0 };
      return { stores: readKeyStores(item).stores.map((each) => ({ ...each, isListed: isListed(each.clusterId, owner.account) })), rev: item.rev };
    },
    async hasKeys(owner, keyStoreId) {
      const { table, pk } = keyStoresRow(owner);
      return (await store.query({ table, pk, prefix: keyOfStorePrefix(keyStoreId), limit: 1 })).items.length > 0;
    },
  };
}

/** Precondition: `stores` was decided on what was read with `rev`. */
export const putKeyStores = (owner: Owner, stores: readonly (KeyStore | KeyStoreRecord)[], rev: number): Write => ({
  put: { ...keyStoresRow(owner), rev: rev + 1, body: toBody({ stores: stores.map(recordOf) }) },
  if: rev === 0 ? { absent: true } : { rev },
});

/** What the configuration says is not the row's. */
function recordOf(store: KeyStoreRecord & Partial<KeyStore>): KeyStoreRecord {
  const { isListed: _, ...record } = store;
  return record;
}

/**
 * Beside the writes that make the key. The revision of the stores is held: so no key lands in a store that was disconnected or deleted meanwhile, and
 * deletion, which asks for a disconnected store, cannot overlook one.
 */
export const putKeyIntoStore = (key: Pick<KeyRecord, 'account' | 'region' | 'keyId'>, keyStoreId: string, { rev }: KeyStores): Write[] => [
  { check: keyStoresRow(key), if: { rev } },
  { put: { ...keyOfStoreRow(key, keyStoreId), rev: 1, body: {} }, if: { absent: true } },
];
