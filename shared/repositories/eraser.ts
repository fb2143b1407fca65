/** Removes what belongs to a key, its material first. Every transaction holds only while the key's row is the one that was decided on. */
import type { Item, RecordStore, Write } from '#shared/ports/record-store.ts';
import { grantCountPrefix, granteePrefix, grantPrefix } from './access-rows.ts';
import type { LoadedKey } from './key-reader.ts';
import { readAliasRecord } from './records.ts';
import { aliasOfKeyPrefix, aliasRow, keyPartition, keyRow, materialPrefix, materialRow, versionPrefix } from './rows.ts';

export interface KeyEraser {
  /**
   * Erases material, versions, aliases and grants, and reads back that no material is left.
   * @returns how many versions' material was erased
   * @throws TransactionCancelled when the key changed meanwhile
   */
  eraseDependents(key: LoadedKey): Promise<{ materialVersions: number }>;
}

export interface MaterialEraser {
  /** Precondition: the same transaction changes the key's row, and so holds the order of imports. */
  eraseVersions(key: Pick<LoadedKey, 'record'>, versions: readonly number[]): Write[];
}

export const materialEraser: MaterialEraser = {
  eraseVersions: (key, versions) => versions.map((version) => ({ delete: materialRow(key.record, version) })),
};

const chunkSize = 45;

export function createKeyEraser(store: RecordStore): KeyEraser {
  async function eraseAll(key: LoadedKey, table: 'core' | 'material', prefix: string, deletions: (item: Item) => Write[]): Promise<number> {
    const pk = keyPartition(key.record);
    let erased = 0;
    for (;;) {
      const { items } = await store.query({ table, pk, prefix, limit: chunkSize });
      if (items.length === 0) return erased;
      await store.transact([{ check: keyRow(key.record), if: { rev: key.rev } }, ...items.flatMap(deletions)]);
      erased += items.length;
    }
  }
  const itself = ({ table, pk, sk }: Item): Write[] => [{ delete: { table, pk, sk } }];

  return {
    async eraseDependents(key) {
      const materialVersions = await eraseAll(key, 'material', materialPrefix, itself);
      await eraseAll(key, 'core', aliasOfKeyPrefix, (item) => [...itself(item), { delete: aliasRow(readAliasRecord(item)) }]);
      for (const prefix of [grantPrefix, granteePrefix, grantCountPrefix, versionPrefix]) await eraseAll(key, 'core', prefix, itself);
      return { materialVersions };
    },
  };
}
