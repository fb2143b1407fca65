/**
 * Multi-Region keys: one primary and its replicas, of the same id and material. Every key of such a set names all Regions of the set in its own sealed row,
 * and a change of what they share is one transaction over all of them (docs/adr/0022). AWS KMS Developer Guide, "Multi-Region keys".
 */
import type { KmsError } from '#shared/errors.ts';
import type { KeyRecord } from './key-record.ts';

/** A change of the shared properties writes three rows for each Region, and a transaction has 100. The encryption limits of a version are divided by it. */
export const regionsMax = 16;

export const isMultiRegionId = (keyId: string): boolean => keyId.startsWith('mrk-');
export const primaryRegionOf = (record: Pick<KeyRecord, 'region' | 'primaryRegion'>): string => record.primaryRegion ?? record.region;
export const isReplica = (record: Pick<KeyRecord, 'region' | 'primaryRegion'>): boolean => primaryRegionOf(record) !== record.region;
export const replicaRegionsOf = (record: Pick<KeyRecord, 'replicaRegions'>): readonly string[] => record.replicaRegions ?? [];

/** The Regions of the other keys of the set. */
export const otherRegionsOf = (record: KeyRecord): readonly string[] => [primaryRegionOf(record), ...replicaRegionsOf(record)].filter((region) => region !== record.region);

interface Fails {
  error(code: 'UnsupportedOperationException', message: string): KmsError;
}
type Named = { readonly arn: string; readonly record: KeyRecord };

/** Shared properties are changed at the primary key (API Reference, EnableKeyRotation). */
export function requirePrimary(ctx: Fails, key: Named): void {
  if (isReplica(key.record))
    throw ctx.error('UnsupportedOperationException', `${key.arn} is a multi-Region replica key. The operation is for its primary key in ${primaryRegionOf(key.record)}.`);
}

/** Precondition of what is about a set of related keys. */
export function requireMultiRegionPrimary(ctx: Fails, key: Named): void {
  if (!key.record.multiRegion) throw ctx.error('UnsupportedOperationException', `${key.arn} is not a multi-Region key.`);
  requirePrimary(ctx, key);
}

/** The state of the set after a replica is gone: the waiting period of a primary that waited for its last replica begins (API Reference, ScheduleKeyDeletion). */
export function withoutReplica(record: KeyRecord, region: string, now: number): KeyRecord {
  const replicaRegions = replicaRegionsOf(record).filter((other) => other !== region);
  const next: KeyRecord = { ...record, replicaRegions };
  if (record.state !== 'PendingReplicaDeletion' || replicaRegions.length > 0 || record.deletion === undefined) return next;
  return { ...next, state: 'PendingDeletion', deletion: { ...record.deletion, at: now + record.deletion.pendingWindowDays * dayMs } };
}

const dayMs = 86_400_000;
