/** EnableKeyRotation: a new version every 90 to 2560 days. AWS KMS API Reference, EnableKeyRotation. */
import * as z from 'zod';
import { keyId } from '#shared/fields/key-id.ts';
import { requireOwnMaterial } from '#shared/keys/imported.ts';
import { requirePrimary } from '#shared/keys/multi-region.ts';
import { dayMs, defaultRotationPeriodDays, requireRotatable } from '#shared/keys/rotation.ts';
import { defineOperation } from '#shared/operation.ts';
import { updateKey, updateRelated } from '#shared/repositories/changes.ts';

export const EnableKeyRotation = defineOperation({
  name: 'EnableKeyRotation',
  group: 'Rotation',
  summary: 'Turns on automatic rotation.',
  http: { method: 'PUT', path: '/v1/keys/{KeyId}/rotation' },
  input: z.object({ KeyId: keyId(), RotationPeriodInDays: z.int().min(90).max(2560).optional() }),
  output: undefined,
  keys: (input) => ({ key: { identifier: input.KeyId, accepts: 'key' } }),
  changes: ['key'],
  needs: ['committer', 'relatedKeys'],
  errors: ['UnsupportedOperationException'],
  audit: (input) => ({ keyId: input.KeyId, rotationPeriodInDays: input.RotationPeriodInDays ?? defaultRotationPeriodDays }),

  check(ctx) {
    requireRotatable(ctx, ctx.keys.key);
    requireOwnMaterial(ctx, ctx.keys.key);
    requirePrimary(ctx, ctx.keys.key);
  },

  async run(ctx, input) {
    const { key } = ctx.keys;
    const periodDays = input.RotationPeriodInDays ?? defaultRotationPeriodDays;
    const { rotation } = key.record;
    if (rotation.enabled && rotation.periodDays === periodDays) return undefined;
    const next = { ...rotation, enabled: true, periodDays, nextAt: ctx.now + periodDays * dayMs };
    const related = await ctx.ports.relatedKeys.of(key.record);
    await ctx.ports.committer.commit([updateKey(key, { ...key.record, rotation: next }), ...updateRelated(related, (record) => ({ ...record, rotation: next }))]);
    return undefined;
  },
});
