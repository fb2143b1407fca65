/** The service's own DeleteExpiredKeyMaterial (CloudTrail's name for it): erases imported material whose time has passed. */
import * as z from 'zod';
import { eraseMaterial } from '#shared/keys/erase-material.ts';
import { expiredVersions } from '#shared/keys/imported.ts';
import { defineOperation } from '#shared/operation.ts';

export const DeleteExpiredKeyMaterial = defineOperation({
  name: 'DeleteExpiredKeyMaterial',
  group: 'Import',
  summary: 'Erases imported key material that has expired.',
  http: { method: 'POST', path: '/v1/internal/expire' },
  input: z.object({ KeyId: z.string() }),
  output: undefined,
  keys: (input) => ({ key: { identifier: input.KeyId, accepts: 'key' } }),
  changes: ['key'],
  needs: ['committer', 'materialEraser', 'relatedKeys'],
  errors: ['ConflictException'],
  audit: (input) => ({ keyId: input.KeyId }),

  async run(ctx) {
    const { key } = ctx.keys;
    const versions = expiredVersions(key.record, ctx.now);
    if (versions.length === 0) throw ctx.error('ConflictException', 'No key material of the key has expired.');
    await ctx.ports.committer.commit(await eraseMaterial(ctx.ports, key, versions));
    return undefined;
  },
});
