/** UpdatePrimaryRegion: a replica becomes the primary key, and the primary key a replica. AWS KMS API Reference, UpdatePrimaryRegion. */
import * as z from 'zod';
import { keyId } from '#shared/fields/key-id.ts';
import { regionName } from '#shared/fields/region-name.ts';
import type { KeyRecord } from '#shared/keys/key-record.ts';
import { isMultiRegionId, replicaRegionsOf, requireMultiRegionPrimary } from '#shared/keys/multi-region.ts';
import { defineOperation } from '#shared/operation.ts';
import { updateKey } from '#shared/repositories/changes.ts';
import type { KeyReference } from '#shared/repositories/key-reader.ts';

/** The key that is to become primary, when the request can mean one: authorized as the other is (Developer Guide, "Change the primary key"). */
function newPrimary(input: { readonly KeyId: string; readonly PrimaryRegion: string }): Partial<Record<'newPrimary', KeyReference>> {
  const id = input.KeyId.slice(input.KeyId.lastIndexOf('/') + 1);
  return isMultiRegionId(id) ? { newPrimary: { identifier: input.KeyId, accepts: 'key', region: input.PrimaryRegion } } : {};
}

export const UpdatePrimaryRegion = defineOperation({
  name: 'UpdatePrimaryRegion',
  group: 'Keys',
  summary: 'Makes a replica the primary key of its set.',
  http: { method: 'PUT', path: '/v1/keys/{KeyId}/primary-region' },
  input: z.object({ KeyId: keyId(), PrimaryRegion: regionName() }),
  output: undefined,
  keys: (input) => ({ key: { identifier: input.KeyId, accepts: 'key' }, ...newPrimary(input) }) as Readonly<Record<'key' | 'newPrimary', KeyReference>>,
  changes: ['key'],
  needs: ['committer', 'relatedKeys'],
  errors: ['KMSInvalidStateException', 'UnsupportedOperationException'],
  audit: (input) => ({ keyId: input.KeyId, primaryRegion: input.PrimaryRegion }),

  check(ctx, input) {
    const { key } = ctx.keys;
    requireMultiRegionPrimary(ctx, key);
    if (key.record.region === input.PrimaryRegion) throw ctx.error('UnsupportedOperationException', `${key.arn} is the primary key already.`);
  },

  async run(ctx, input) {
    const { key, newPrimary: named } = ctx.keys;
    const related = await ctx.ports.relatedKeys.of(key.record);
    // Read again with the others: its row is written with the revision that this decision saw.
    const successor = related.find(({ record }) => record.region === input.PrimaryRegion);
    if (successor?.record.state !== 'Enabled')
      throw ctx.error('KMSInvalidStateException', `${named.arn} is ${successor?.record.state ?? 'no replica'}. A key must be Enabled to become the primary key.`);
    const { region } = key.record;
    const set = { primaryRegion: input.PrimaryRegion, replicaRegions: [...replicaRegionsOf(key.record).filter((other) => other !== input.PrimaryRegion), region].toSorted() };
    const handOver = (record: KeyRecord): KeyRecord => ({ ...record, ...set, state: 'Updating', synchronize: { task: 'PRIMARY', since: ctx.now } });
    const writes = related.map((other) => updateKey(other, other.record.region === input.PrimaryRegion ? handOver(other.record) : { ...other.record, ...set }));
    await ctx.ports.committer.commit([updateKey(key, handOver(key.record)), ...writes]);
    return undefined;
  },
});
