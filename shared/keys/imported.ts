/**
 * Keys of origin EXTERNAL: what was imported into them, and what follows from that for the key's state. All of it lies in the key's own sealed row, so
 * that no writer to the database can bring expired or deleted material back (docs/adr/0021). AWS KMS Developer Guide, "Importing key material".
 */
import type { KmsError } from '#shared/errors.ts';
import type { MaterialFingerprint } from '#shared/ports/crypto.ts';
import { type KeyRecord, keyMaterialId } from './key-record.ts';
import { isReplica } from './multi-region.ts';

export const materialValidDaysMax = 365;

export interface ImportedMaterial {
  /** Up to the key's current version: it belongs to the key for ever. The one above it waits for its rotation, and can be replaced. */
  readonly version: number;
  /** Its value is the KeyMaterialId of symmetric keys. It outlives the material, so that only the same material can come back. */
  readonly fingerprint: MaterialFingerprint;
  /** EXPIRED: its time has passed and the sweep has not erased it yet. */
  readonly state: 'IMPORTED' | 'EXPIRED' | 'PENDING_IMPORT';
  /** Milliseconds. Absent: it does not expire, or it is gone. */
  readonly validTo?: number | undefined;
  readonly description?: string | undefined;
}

export const isExternal = (record: Pick<KeyRecord, 'origin'>): boolean => record.origin === 'EXTERNAL';

/** Material that waits for RotateKeyOnDemand. */
export const pendingRotation = (record: KeyRecord): ImportedMaterial | undefined => record.imports?.find((material) => material.version > record.currentVersion);

/** What the key needs to be usable: every version that ever became current. */
const associated = (record: KeyRecord): readonly ImportedMaterial[] => record.imports?.filter((material) => material.version <= record.currentVersion) ?? [];

const isComplete = (record: KeyRecord): boolean => {
  const materials = associated(record);
  return materials.length > 0 && materials.every((material) => material.state === 'IMPORTED');
};

/**
 * The record as it is now: material past its time counts as gone even before the sweep has run, and a key that lacks material is PendingImport
 * whatever its row says. Every reader of key rows sees keys through this.
 */
export function asOf(record: KeyRecord, now: number): KeyRecord {
  if (!isExternal(record)) return record;
  const imports = record.imports?.map((material): ImportedMaterial => {
    const hasExpired = material.state === 'IMPORTED' && material.validTo !== undefined && material.validTo <= now;
    return hasExpired ? { ...material, state: 'EXPIRED' } : material;
  });
  const current: KeyRecord = imports === undefined ? record : { ...record, imports };
  const dependsOnMaterial = record.state === 'Enabled' || record.state === 'Disabled';
  return dependsOnMaterial && !isComplete(current) ? { ...current, state: 'PendingImport' } : current;
}

/** The record with the material in place. A key that waited for its last missing material becomes Enabled; a disabled one stays disabled. */
export function withImported(record: KeyRecord, material: ImportedMaterial): KeyRecord {
  const others = record.imports?.filter((other) => other.version !== material.version) ?? [];
  const imports = [...others, material].sort((a, b) => a.version - b.version);
  const next: KeyRecord = { ...record, imports };
  return record.state === 'PendingImport' && isComplete(next) ? { ...next, state: 'Enabled' } : next;
}

/** The record of a replica whose primary key got new material: the replica expects the same. */
export function expecting(record: KeyRecord, { version, fingerprint }: Pick<ImportedMaterial, 'version' | 'fingerprint'>): KeyRecord {
  const others = record.imports?.filter((other) => other.version !== version) ?? [];
  return { ...record, imports: [...others, { version, fingerprint, state: 'PENDING_IMPORT' as const }].sort((a, b) => a.version - b.version) };
}

/** What only waits for its rotation, of these versions: it goes from the replicas when it goes from the primary key. */
export const unassociated = (record: KeyRecord, versions: readonly number[]): readonly number[] =>
  isReplica(record) ? [] : versions.filter((version) => version > record.currentVersion);

export const forgetting = (record: KeyRecord, versions: readonly number[]): KeyRecord => ({
  ...record,
  imports: record.imports?.filter(({ version }) => !versions.includes(version)),
});

/** The record without the material of these versions. What became part of the key is remembered; what only waited for its rotation is forgotten. */
export function withoutMaterial(record: KeyRecord, versions: readonly number[]): KeyRecord {
  const imports = record.imports?.flatMap((material): ImportedMaterial[] => {
    if (!versions.includes(material.version)) return [material];
    // A replica goes on expecting what its primary key has.
    if (material.version > record.currentVersion && !isReplica(record)) return [];
    const { validTo: _, ...rest } = material;
    return [{ ...rest, state: 'PENDING_IMPORT' }];
  });
  const next: KeyRecord = { ...record, imports };
  const dependsOnMaterial = record.state === 'Enabled' || record.state === 'Disabled';
  return dependsOnMaterial && !isComplete(next) ? { ...next, state: 'PendingImport' } : next;
}

/** Versions whose material has to be erased now. */
export const expiredVersions = (record: KeyRecord, now: number): number[] =>
  (record.imports ?? []).filter(({ state, validTo }) => state !== 'PENDING_IMPORT' && validTo !== undefined && validTo <= now).map(({ version }) => version);

/** When the next material of the key expires, in milliseconds. */
export function nextExpiry(record: KeyRecord): number | undefined {
  const times = (record.imports ?? []).flatMap(({ validTo }) => (validTo === undefined ? [] : [validTo]));
  return times.length === 0 ? undefined : Math.min(...times);
}

/** KeyMaterialId of a version of a symmetric key. Undefined while nothing was imported as this version. */
export function materialIdOf(record: KeyRecord, version: number): string | undefined {
  if (!isExternal(record)) return keyMaterialId(record.keyId, version);
  return record.imports?.find((material) => material.version === version)?.fingerprint.value;
}

/** The members that DescribeKey has for keys with imported material. */
export function importMetadata(record: KeyRecord): { ExpirationModel?: string; ValidTo?: Date | undefined } {
  const present = associated(record).filter((material) => material.state === 'IMPORTED');
  if (present.length === 0) return {};
  const times = present.flatMap(({ validTo }) => (validTo === undefined ? [] : [validTo]));
  if (times.length === 0) return { ExpirationModel: 'KEY_MATERIAL_DOES_NOT_EXPIRE' };
  return { ExpirationModel: 'KEY_MATERIAL_EXPIRES', ValidTo: new Date(Math.min(...times)) };
}

interface FailsUnsupported {
  error(code: 'UnsupportedOperationException', message?: string): KmsError;
}

export function requireExternal(ctx: FailsUnsupported, key: { readonly arn: string; readonly record: KeyRecord }): void {
  if (!isExternal(key.record)) throw originRefused(ctx, key);
}

/** For what the service does on its own schedule: it cannot make material for such a key. */
export function requireOwnMaterial(ctx: FailsUnsupported, key: { readonly arn: string; readonly record: KeyRecord }): void {
  if (isExternal(key.record)) throw originRefused(ctx, key);
}

const originRefused = (ctx: FailsUnsupported, key: { readonly arn: string; readonly record: KeyRecord }): KmsError =>
  ctx.error('UnsupportedOperationException', `${key.arn} origin is ${key.record.origin} which is not valid for this operation.`);
