/** RotateKeyOnDemand: a new version now; the schedule stays as it is. AWS KMS API Reference, RotateKeyOnDemand. */
import * as z from 'zod';
import { keyId } from '#shared/fields/key-id.ts';
import { isExternal, pendingRotation } from '#shared/keys/imported.ts';
import type { KeyRecord, VersionRecord } from '#shared/keys/key-record.ts';
import { requirePrimary } from '#shared/keys/multi-region.ts';
import { onDemandRotationsMax, requireRotatable, rotateKey } from '#shared/keys/rotation.ts';
import { defineOperation } from '#shared/operation.ts';
import { addVersionRow, updateKey } from '#shared/repositories/changes.ts';

export const RotateKeyOnDemand = defineOperation({
  name: 'RotateKeyOnDemand',
  group: 'Rotation',
  summary: 'Makes a new version now.',
  http: { method: 'POST', path: '/v1/keys/{KeyId}/rotate' },
  input: z.object({ KeyId: keyId() }),
  output: z.object({ KeyId: z.string() }),
  keys: (input) => ({ key: { identifier: input.KeyId, accepts: 'key' } }),
  changes: ['key'],
  needs: ['committer', 'keyFactory', 'relatedKeys'],
  errors: ['KMSInvalidStateException', 'LimitExceededException', 'UnsupportedOperationException'],
  audit: (input) => ({ keyId: input.KeyId }),

  check(ctx) {
    requireRotatable(ctx, ctx.keys.key);
    requirePrimary(ctx, ctx.keys.key);
  },

  async run(ctx) {
    const { key } = ctx.keys;
    const { rotation } = key.record;
    if (rotation.onDemandCount >= onDemandRotationsMax) {
      throw ctx.error('LimitExceededException', `${key.arn} has reached the limit of ${onDemandRotationsMax} on-demand rotations.`);
    }
    const related = await ctx.ports.relatedKeys.of(key.record);
    if (isExternal(key.record)) {
      const pending = pendingRotation(key.record);
      if (pending?.state !== 'IMPORTED') throw ctx.error('KMSInvalidStateException', `${key.arn} has no key material that is pending rotation.`);
      const lacking = related.find((other) => pendingRotation(other.record)?.state !== 'IMPORTED');
      if (lacking !== undefined)
        throw ctx.error('KMSInvalidStateException', `The key material that is pending rotation is not imported into the replica key in ${lacking.record.region}.`);
      const version: VersionRecord = { version: pending.version, createdAt: ctx.now, origin: 'ON_DEMAND' };
      const rotated = (record: KeyRecord): KeyRecord => ({ ...record, currentVersion: pending.version, rotation: { ...rotation, onDemandCount: rotation.onDemandCount + 1 } });
      const writes = [key, ...related].flatMap((one) => [updateKey(one, rotated(one.record)), addVersionRow(one.record, version)]);
      await ctx.ports.committer.commit(writes);
      return { KeyId: key.arn };
    }
    const { writes } = await rotateKey(ctx.ports.keyFactory, key, related, 'ON_DEMAND', ctx.now, { ...rotation, onDemandCount: rotation.onDemandCount + 1 });
    await ctx.ports.committer.commit(writes);
    return { KeyId: key.arn };
  },
});
