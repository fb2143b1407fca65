/** The service's own DeleteExpiredKeyMaterial (CloudTrail's name for it): erases imported material whose time has passed. */
import * as z from 'zod';
import { expiredVersions, withoutMaterial } from '#shared/keys/imported.ts';
import { defineOperation } from '#shared/operation.ts';
import { updateKey } from '#shared/repositories/changes.ts';

export const DeleteExpiredKeyMaterial = defineOperation({
  name: 'DeleteExpiredKeyMaterial',
  group: 'Import',
  summary: 'Erases imported key material that has expired.',
  http: { method: 'POST', path: '/v1/internal/expire' },
  input: z.object({ KeyId: z.string() }),
  output: undefined,
  keys: (input) => ({ key: { identifier: input.KeyId, accepts: 'key' } }),
  needs: ['committer', 'materialEraser'],
  errors: ['ConflictException'],
  audit: (input) => ({ keyId: input.KeyId }),

  async run(ctx) {
    const { key } = ctx.keys;
    const versions = expiredVersions(key.record, ctx.now);
    if (versions.length === 0) throw ctx.error('ConflictException', 'No key material of the key has expired.');
    await ctx.ports.committer.commit([updateKey(key, withoutMaterial(key.record, versions)), ...ctx.ports.materialEraser.eraseVersions(key, versions)]);
    return undefined;
  },
});
