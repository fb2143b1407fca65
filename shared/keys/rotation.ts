/** Rotation of symmetric keys: a new version behind the same key id. Limits: AWS KMS API Reference, EnableKeyRotation and RotateKeyOnDemand. */
import type { KmsError } from '#shared/errors.ts';
import type { Crypto } from '#shared/ports/crypto.ts';
import type { Write } from '#shared/ports/record-store.ts';
import { addVersion, updateKey } from '#shared/repositories/changes.ts';
import { bindingOf, type LoadedKey } from '#shared/repositories/key-reader.ts';
import type { RelatedKey } from '#shared/repositories/related-keys.ts';
import type { KeyRecord, Rotation, VersionRecord } from './key-record.ts';
import { isSymmetricEncryptionKey } from './usage.ts';
import { supersede } from './versions.ts';

export const defaultRotationPeriodDays = 365;
export const onDemandRotationsMax = 25;
export const dayMs = 86_400_000;

interface Fails {
  error(code: 'UnsupportedOperationException'): KmsError;
}

/** AWS sends this error without a message. */
export function requireRotatable(ctx: Fails, key: LoadedKey): void {
  if (!isSymmetricEncryptionKey(key)) throw ctx.error('UnsupportedOperationException');
}

/** The writes that put a new version in front, of the key and of its replicas. @param related the other keys of its set @param changes what else the key record gets */
export async function rotateKey(
  keyFactory: Pick<Crypto, 'generateKey' | 'rebindKey'>,
  key: LoadedKey,
  related: readonly RelatedKey[],
  origin: VersionRecord['origin'],
  now: number,
  rotation: Rotation,
): Promise<{ writes: Write[]; record: KeyRecord }> {
  const { account, region, keyId, keySpec, keyUsage } = key.record;
  const version = key.record.currentVersion + 1;
  const material = await keyFactory.generateKey({ binding: { account, region, keyId, version }, keySpec, keyUsage, origin: key.record.origin, store: key.keyStore?.clusterId });
  const record: KeyRecord = { ...key.record, currentVersion: version, rotation, versioning: supersede(key.record, now) };
  const entry: VersionRecord = { version, createdAt: now, origin };
  const inOtherRegions = await Promise.all(
    related.map(async (other) => {
      const rebound = await keyFactory.rebindKey({ binding: bindingOf(key.record, version), material }, other.record.region);
      return [updateKey(other, { ...other.record, currentVersion: version, rotation }), ...addVersion(other.record, entry, rebound)];
    }),
  );
  return { record, writes: [updateKey(key, record), ...addVersion(record, entry, material), ...inOtherRegions.flat()] };
}
