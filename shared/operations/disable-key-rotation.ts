/** DisableKeyRotation: the versions stay. AWS KMS API Reference, DisableKeyRotation. */
import * as z from 'zod';
import { keyId } from '#shared/fields/key-id.ts';
import { requireOwnMaterial } from '#shared/keys/imported.ts';
import { requirePrimary } from '#shared/keys/multi-region.ts';
import { requireRotatable } from '#shared/keys/rotation.ts';
import { defineOperation } from '#shared/operation.ts';
import { updateKey, updateRelated } from '#shared/repositories/changes.ts';

export const DisableKeyRotation = defineOperation({
  name: 'DisableKeyRotation',
  group: 'Rotation',
  summary: 'Turns off automatic rotation.',
  http: { method: 'DELETE', path: '/v1/keys/{KeyId}/rotation' },
  input: z.object({ KeyId: keyId() }),
  output: undefined,
  keys: (input) => ({ key: { identifier: input.KeyId, accepts: 'key' } }),
  changes: ['key'],
  needs: ['committer', 'relatedKeys'],
  errors: ['UnsupportedOperationException'],
  audit: (input) => ({ keyId: input.KeyId }),

  check(ctx) {
    requireRotatable(ctx, ctx.keys.key);
    requireOwnMaterial(ctx, ctx.keys.key);
    requirePrimary(ctx, ctx.keys.key);
  },

  async run(ctx) {
    const { key } = ctx.keys;
    const { rotation } = key.record;
    if (!rotation.enabled) return undefined;
    const next = { ...rotation, enabled: false, nextAt: undefined };
    const related = await ctx.ports.relatedKeys.of(key.record);
    await ctx.ports.committer.commit([updateKey(key, { ...key.record, rotation: next }), ...updateRelated(related, (record) => ({ ...record, rotation: next }))]);
    return undefined;
  },
});
