/** RotateKeyOnDemand: a new version now; the schedule stays as it is. AWS KMS API Reference, RotateKeyOnDemand. */
import * as z from 'zod';
import { keyId } from '#shared/fields/key-id.ts';
import { onDemandRotationsMax, requireRotatable, rotateKey } from '#shared/keys/rotation.ts';
import { defineOperation } from '#shared/operation.ts';

export const RotateKeyOnDemand = defineOperation({
  name: 'RotateKeyOnDemand',
  group: 'Rotation',
  summary: 'Makes a new version now.',
  http: { method: 'POST', path: '/v1/keys/{KeyId}/rotate' },
  input: z.object({ KeyId: keyId() }),
  output: z.object({ KeyId: z.string() }),
  keys: (input) => ({ key: { identifier: input.KeyId, accepts: 'key' } }),
  needs: ['committer', 'keyFactory'],
  errors: ['LimitExceededException', 'UnsupportedOperationException'],
  audit: (input) => ({ keyId: input.KeyId }),

  check(ctx) {
    requireRotatable(ctx, ctx.keys.key);
  },

  async run(ctx) {
    const { key } = ctx.keys;
    const { rotation } = key.record;
    if (rotation.onDemandCount >= onDemandRotationsMax) {
      throw ctx.error('LimitExceededException', `${key.arn} has reached the limit of ${onDemandRotationsMax} on-demand rotations.`);
    }
    const { writes } = await rotateKey(ctx.ports.keyFactory, key, 'ON_DEMAND', ctx.now, { ...rotation, onDemandCount: rotation.onDemandCount + 1 });
    await ctx.ports.committer.commit(writes);
    return { KeyId: key.arn };
  },
});
