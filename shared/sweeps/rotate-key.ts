/** The service's own RotateKey (CloudTrail's name for it): automatic rotation, and a new version for one that has encrypted enough. */
import * as z from 'zod';
import { isExternal } from '#shared/keys/imported.ts';
import { isReplica } from '#shared/keys/multi-region.ts';
import { dayMs, rotateKey } from '#shared/keys/rotation.ts';
import { defineOperation } from '#shared/operation.ts';

export const RotateKey = defineOperation({
  name: 'RotateKey',
  group: 'Rotation',
  summary: 'Makes the next version of a key that is due.',
  http: { method: 'POST', path: '/v1/internal/rotate' },
  input: z.object({ KeyId: z.string(), ExpectedVersion: z.int(), Reason: z.enum(['SCHEDULE', 'ENCRYPTION_COUNT']) }),
  output: undefined,
  keys: (input) => ({ key: { identifier: input.KeyId, accepts: 'key' } }),
  changes: ['key'],
  needs: ['committer', 'keyFactory', 'relatedKeys'],
  errors: ['ConflictException'],
  audit: (input) => ({ keyId: input.KeyId, expectedVersion: input.ExpectedVersion, reason: input.Reason }),

  async run(ctx, input) {
    const { key } = ctx.keys;
    const { currentVersion, rotation } = key.record;
    // No counter and no schedule can make material that only the owner has.
    if (isExternal(key.record)) throw ctx.error('ConflictException', 'A key with imported material rotates only on demand.');
    if (isReplica(key.record)) throw ctx.error('ConflictException', 'A replica key gets its versions from its primary key.');
    const isDue = input.Reason === 'ENCRYPTION_COUNT' || (rotation.enabled && rotation.nextAt !== undefined && rotation.nextAt <= ctx.now);
    if (currentVersion !== input.ExpectedVersion || !isDue) throw ctx.error('ConflictException', 'The key is not due any more.');
    // From now, not from the due date: a key that was overdue for long must not rotate several times in a row.
    const next = rotation.enabled ? { ...rotation, nextAt: ctx.now + rotation.periodDays * dayMs } : rotation;
    const { writes } = await rotateKey(ctx.ports.keyFactory, key, await ctx.ports.relatedKeys.of(key.record), 'AUTOMATIC', ctx.now, next);
    await ctx.ports.committer.commit(writes);
    return undefined;
  },
});
