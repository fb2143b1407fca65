/**
 * Counts encryptions per key version. NIST SP 800-38D section 8.3 allows 2^32 AES-GCM invocations with random 96-bit IVs under one key. Each process
 * leases blocks of the count, so most encryptions cost no store request; a crash loses (overcounts) the rest of a block, never undercounts.
 */
import { isMultiRegionId, regionsMax } from '#shared/keys/multi-region.ts';
import { type RecordStore, TransactionCancelled } from '#shared/ports/record-store.ts';
import { partitions } from './partitions.ts';
import { usageRow } from './rows.ts';

/** From here on the sweep makes a new version. Half of the bound leaves years of room for a late sweep. */
export const encryptionsBeforeRoll = 2 ** 31;
const encryptionsMax = 2 ** 32 - 2 ** 24;
/** The keys of a multi-Region set share their material and count apart, without a look at each other: each has its part of the bound. */
const partOf = (bound: number, key: KeyVersion): number => (isMultiRegionId(key.keyId) ? bound / regionsMax : bound);
const firstBlock = 2 ** 10;
const largestBlock = 2 ** 20;
const attemptsMax = 20;
const leasesMax = 10_000;

interface KeyVersion {
  readonly region: string;
  readonly keyId: string;
  readonly version: number;
}

export interface EncryptionCounter {
  /** @throws EncryptionsExhausted when the version must not encrypt any more */
  count(key: KeyVersion): Promise<void>;
}

export class EncryptionsExhausted extends Error {
  override readonly name = 'EncryptionsExhausted';
}

interface Lease {
  left: number;
  block: number;
}

export function createEncryptionCounter(store: Pick<RecordStore, 'getMany' | 'transact'>): EncryptionCounter {
  const leases = new Map<string, Lease>();
  const renewals = new Map<string, Promise<void>>();

  async function renew(name: string, key: KeyVersion): Promise<void> {
    const block = Math.min((leases.get(name)?.block ?? firstBlock / 8) * 8, largestBlock);
    await take(store, key, block);
    if (leases.size >= leasesMax && !leases.has(name)) leases.delete(leases.keys().next().value!);
    leases.set(name, { left: block, block });
  }

  return {
    async count(key) {
      const name = `${key.region}/${key.keyId}/${key.version}`;
      for (;;) {
        const lease = leases.get(name);
        if (lease !== undefined && lease.left > 0) {
          lease.left -= 1;
          return;
        }
        let renewal = renewals.get(name);
        if (renewal === undefined) {
          renewal = renew(name, key).finally(() => renewals.delete(name));
          renewals.set(name, renewal);
        }
        await renewal;
      }
    },
  };
}

async function take(store: Pick<RecordStore, 'getMany' | 'transact'>, key: KeyVersion, block: number): Promise<void> {
  const row = usageRow(key, key.version);
  for (let attempt = 0; attempt < attemptsMax; attempt += 1) {
    const [item] = await store.getMany([row]);
    const used = typeof item?.body.encryptions === 'number' ? item.body.encryptions : 0;
    if (used + block > partOf(encryptionsMax, key)) throw new EncryptionsExhausted('This key version has reached its encryption limit and waits for rotation.');
    const due = used + block >= partOf(encryptionsBeforeRoll, key) ? { index: { due: { pk: rollPartition, sk: `${row.pk}#${row.sk}` } } } : {};
    const body = { encryptions: used + block, region: key.region, keyId: key.keyId, version: key.version };
    try {
      await store.transact([{ put: { ...row, rev: (item?.rev ?? 0) + 1, body, ...due }, if: item === undefined ? { absent: true } : { rev: item.rev } }]);
      return;
    } catch (error) {
      if (!(error instanceof TransactionCancelled)) throw error;
    }
  }
  throw new Error('The encryption counter of a key version is contended.');
}

/** Versions that reached encryptionsBeforeRoll, in the ops table's due index. */
export const rollPartition: string = partitions['ops/due'].roll;
