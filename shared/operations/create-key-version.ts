/** CreateKeyVersion: new material behind the same key id, for an asymmetric or HMAC key. Not in AWS KMS; docs/adr/0025. */
import * as z from 'zod';
import { keyId } from '#shared/fields/key-id.ts';
import { keyVersion } from '#shared/fields/key-version.ts';
import { keyMaterialId } from '#shared/keys/key-record.ts';
import { rotateKey } from '#shared/keys/rotation.ts';
import { acceptedVersions, acceptedVersionsMax, requireVersionable, versionsMax } from '#shared/keys/versions.ts';
import { defineOperation } from '#shared/operation.ts';

export const CreateKeyVersion = defineOperation({
  name: 'CreateKeyVersion',
  group: 'Rotation',
  summary: 'Makes the next version of an asymmetric or HMAC key. The one before it retires as the version rule says.',
  http: { method: 'POST', path: '/v1/keys/{KeyId}/versions' },
  wire: false,
  input: z.object({ KeyId: keyId() }),
  output: z.object({ KeyId: z.string(), Version: keyVersion(), KeyMaterialId: z.string() }),
  keys: (input) => ({ key: { identifier: input.KeyId, accepts: 'key' } }),
  permissions: { key: 'kms:CreateKeyVersion' },
  changes: ['key'],
  needs: ['committer', 'keyFactory'],
  errors: ['LimitExceededException', 'UnsupportedOperationException'],
  audit: (input) => ({ keyId: input.KeyId }),

  check(ctx) {
    requireVersionable(ctx, ctx.keys.key);
  },

  async run(ctx) {
    const { key } = ctx.keys;
    const { keyId: id, currentVersion, rotation, versioning } = key.record;
    if (currentVersion >= versionsMax) throw ctx.error('LimitExceededException', `${key.arn} has reached the limit of ${versionsMax} versions.`);
    if (versioning?.acceptDays !== 0 && acceptedVersions(key.record, ctx.now).length >= acceptedVersionsMax) {
      throw ctx.error('LimitExceededException', `${key.arn} has ${acceptedVersionsMax} versions that are accepted. Disable one first.`);
    }
    const { writes, record } = await rotateKey(ctx.ports.keyFactory, key, [], 'ON_DEMAND', ctx.now, rotation);
    await ctx.ports.committer.commit(writes);
    return { KeyId: key.arn, Version: record.currentVersion, KeyMaterialId: keyMaterialId(id, record.currentVersion) };
  },
});
