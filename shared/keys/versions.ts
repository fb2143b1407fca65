/**
 * Versions of asymmetric and HMAC keys behind one key id. AWS KMS rotates symmetric keys only; here every key can, when its owner asks for it
 * (docs/adr/0025). What a version may still do is data in the key's own sealed row, so that it is read and checked with the key and nowhere else.
 */
import { describeKeySpec, type KeyUsage } from '#shared/algorithms/key-specs.ts';
import type { KmsError } from '#shared/errors.ts';
import { type KeyRecord, keyMaterialId } from './key-record.ts';

/** RETIRED: its time is over. DISABLED: somebody turned it off. */
export const versionStates = {
  CURRENT: { protects: true, accepts: true, published: true },
  RETIRING: { protects: false, accepts: true, published: true },
  RETIRED: { protects: false, accepts: false, published: false },
  DISABLED: { protects: false, accepts: false, published: false },
} as const satisfies Record<string, { protects: boolean; accepts: boolean; published: boolean }>;
export type VersionState = keyof typeof versionStates;

export interface Versioning {
  /** Days that a version is accepted after its successor came. Absent: until somebody disables it. */
  readonly acceptDays?: number | undefined;
  /** Every version but the current one, oldest first. */
  readonly superseded: readonly SupersededVersion[];
}

export interface SupersededVersion {
  readonly version: number;
  readonly disabled: boolean;
  /** Milliseconds since the epoch. Absent: no end. */
  readonly acceptUntil?: number | undefined;
}

/** Each accepted version costs a try of the HSM in Decrypt and Verify. */
export const acceptedVersionsMax = 10;
export const versionsMax = 100;
const dayMs = 86_400_000;

/** A shared secret does not tell which version the peer meant, and any version derives one: keys for agreement keep the one that they have. */
const versionedUsages: ReadonlySet<KeyUsage> = new Set(['ENCRYPT_DECRYPT', 'SIGN_VERIFY', 'GENERATE_VERIFY_MAC']);

/** Symmetric ciphertexts name their version; those keys rotate as in AWS KMS and never retire a version. */
export const canHaveVersionRule = (record: Pick<KeyRecord, 'keySpec' | 'keyUsage' | 'origin' | 'multiRegion'>): boolean =>
  describeKeySpec(record.keySpec).kind !== 'aes' && versionedUsages.has(record.keyUsage) && record.origin !== 'EXTERNAL' && !record.multiRegion;

export function versionStateOf(record: Pick<KeyRecord, 'currentVersion' | 'versioning'>, version: number, now: number): VersionState {
  if (version === record.currentVersion) return 'CURRENT';
  const entry = record.versioning?.superseded.find((candidate) => candidate.version === version);
  return entry === undefined ? 'RETIRED' : supersededState(entry, now);
}

export function supersededState(entry: SupersededVersion, now: number): Exclude<VersionState, 'CURRENT'> {
  if (entry.disabled) return 'DISABLED';
  return entry.acceptUntil !== undefined && entry.acceptUntil <= now ? 'RETIRED' : 'RETIRING';
}

/** The versions that Verify, VerifyMac and Decrypt accept, newest first: the current one always is the first. */
export function acceptedVersions(record: Pick<KeyRecord, 'currentVersion' | 'versioning'>, now: number): readonly number[] {
  const retiring = (record.versioning?.superseded ?? []).filter((entry) => versionStates[supersededState(entry, now)].accepts);
  return [record.currentVersion, ...retiring.map(({ version }) => version).sort((a, b) => b - a)];
}

/** What a rotation does to the versions of the key. Precondition: the record still has its old current version. */
export function supersede(record: KeyRecord, now: number): Versioning | undefined {
  if (!canHaveVersionRule(record)) return record.versioning;
  const { acceptDays, superseded = [] } = record.versioning ?? {};
  const entry: SupersededVersion = { version: record.currentVersion, disabled: false, ...(acceptDays === undefined ? {} : { acceptUntil: now + acceptDays * dayMs }) };
  return { ...(acceptDays === undefined ? {} : { acceptDays }), superseded: [...superseded, entry] };
}

interface Fails {
  error(code: 'UnsupportedOperationException', message: string): KmsError;
}

/** Precondition of everything about versions: the key encrypts, signs or makes MACs, is not symmetric, was made here, and has no replicas. */
export function requireVersionable(ctx: Fails, key: { readonly arn: string; readonly record: KeyRecord }): void {
  if (canHaveVersionRule(key.record)) return;
  const reason = describeKeySpec(key.record.keySpec).kind === 'aes' ? 'is a symmetric key, whose versions EnableKeyRotation and RotateKeyOnDemand make.' : 'cannot have versions.';
  throw ctx.error('UnsupportedOperationException', `${key.arn} ${reason}`);
}

/** Named in answers of keys with versions, so that a signature can carry the `kid` of the key that made it. */
export const currentMaterialId = (record: KeyRecord): string | undefined => (record.versioning === undefined ? undefined : keyMaterialId(record.keyId, record.currentVersion));
