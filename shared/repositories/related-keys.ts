/** The other keys of a multi-Region key's set. On one node they are rows of the same store; between deployments, docs/adr/0022. */
import { asOf } from '#shared/keys/imported.ts';
import type { KeyRecord } from '#shared/keys/key-record.ts';
import type { KeyMaterial } from '#shared/keys/material.ts';
import { otherRegionsOf } from '#shared/keys/multi-region.ts';
import type { Clock } from '#shared/ports/clock.ts';
import { type RecordStore, TransactionCancelled } from '#shared/ports/record-store.ts';
import { readKeyRecord, readMaterial } from './records.ts';
import type { RowReader } from './row-reader.ts';
import { keyRow, materialRow } from './rows.ts';

export interface RelatedKey {
  readonly record: KeyRecord;
  readonly rev: number;
}

export interface RelatedKeys {
  /** Whether this deployment keeps keys of the Region. */
  serves(region: string): boolean;
  /**
   * Empty for a key without relatives. Precondition of a change that relies on it: the same transaction changes the key's own row.
   * @throws SealBroken; TransactionCancelled when the set is changing at this moment
   */
  of(record: KeyRecord): Promise<readonly RelatedKey[]>;
}

export interface RelatedMaterial {
  /** One answer per version, in order; undefined where there is no row. */
  read(record: KeyRecord, versions: readonly number[]): Promise<readonly (KeyMaterial | undefined)[]>;
}

interface Settings {
  readonly store: Pick<RecordStore, 'getMany'>;
  readonly rows: Pick<RowReader, 'requireSeals'>;
  readonly clock: Clock;
  /** Absent: any Region. */
  readonly regions?: readonly string[] | undefined;
}

/** Every key of a set names the same Regions. */
const setOf = (record: KeyRecord): string => JSON.stringify([record.account, record.primaryRegion, record.replicaRegions]);

export function createRelatedKeys({ store, rows, clock, regions }: Settings): RelatedKeys {
  return {
    serves: (region) => regions === undefined || regions.includes(region),
    async of(record) {
      const others = otherRegionsOf(record);
      if (others.length === 0) return [];
      const items = await store.getMany(others.map((region) => keyRow({ region, keyId: record.keyId })));
      await rows.requireSeals(items);
      const now = clock.now();
      return items.map((item) => {
        const related = item === undefined ? undefined : asOf(readKeyRecord(item), now);
        // Read after the key itself: a change that landed between the two is met again by looking again.
        if (item === undefined || related === undefined || setOf(related) !== setOf(record)) throw new TransactionCancelled([]);
        return { record: related, rev: item.rev };
      });
    },
  };
}

export const createRelatedMaterial = (store: Pick<RecordStore, 'getMany'>): RelatedMaterial => ({
  async read(record, versions) {
    const items = await store.getMany(versions.map((version) => materialRow(record, version)));
    return items.map((item) => (item === undefined ? undefined : readMaterial(item)));
  },
});
