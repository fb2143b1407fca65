/** UpdateKeyVersion: disables a superseded version, or accepts it again, until a date or without one. Not in AWS KMS; docs/adr/0025. */
import * as z from 'zod';
import { keyId } from '#shared/fields/key-id.ts';
import { keyVersion } from '#shared/fields/key-version.ts';
import { timestamp } from '#shared/fields/timestamp.ts';
import { acceptedVersions, acceptedVersionsMax, requireVersionable } from '#shared/keys/versions.ts';
import { defineOperation } from '#shared/operation.ts';
import { updateKey } from '#shared/repositories/changes.ts';

export const UpdateKeyVersion = defineOperation({
  name: 'UpdateKeyVersion',
  group: 'Rotation',
  summary: 'Disables a superseded version of a key, or accepts it again.',
  http: { method: 'PUT', path: '/v1/keys/{KeyId}/versions/{Version}' },
  wire: false,
  input: z.object({ KeyId: keyId(), Version: keyVersion(), State: z.enum(['RETIRING', 'DISABLED']), AcceptUntil: timestamp().optional() }),
  output: undefined,
  keys: (input) => ({ key: { identifier: input.KeyId, accepts: 'key' } }),
  permissions: { key: 'kms:UpdateKeyVersion' },
  changes: ['key'],
  needs: ['committer'],
  errors: ['LimitExceededException', 'NotFoundException', 'UnsupportedOperationException', 'ValidationException'],
  audit: (input) => ({ keyId: input.KeyId, version: input.Version, state: input.State, acceptUntil: input.AcceptUntil?.toISOString() ?? null }),

  check(ctx, input) {
    const { key } = ctx.keys;
    requireVersionable(ctx, key);
    if (input.Version === key.record.currentVersion) {
      throw ctx.error('ValidationException', 'The current version cannot be retired or disabled. Make another version first, or disable the key.');
    }
    if (input.State === 'DISABLED' && input.AcceptUntil !== undefined) throw ctx.error('ValidationException', 'AcceptUntil is for the state RETIRING.');
    if (input.Version > key.record.currentVersion) throw ctx.error('NotFoundException', `${key.arn} has no version ${input.Version}.`);
  },

  async run(ctx, input) {
    const { key } = ctx.keys;
    const { acceptDays, superseded = [] } = key.record.versioning ?? {};
    const acceptUntil = input.AcceptUntil?.getTime();
    const changed = superseded.map((entry) => {
      if (entry.version !== input.Version) return entry;
      if (input.State === 'DISABLED') return { ...entry, disabled: true };
      return { version: entry.version, disabled: false, ...(acceptUntil === undefined ? {} : { acceptUntil }) };
    });
    const record = { ...key.record, versioning: { ...(acceptDays === undefined ? {} : { acceptDays }), superseded: changed } };
    if (input.State === 'RETIRING' && acceptedVersions(record, ctx.now).length > acceptedVersionsMax) {
      throw ctx.error('LimitExceededException', `${key.arn} has ${acceptedVersionsMax} versions that are accepted. Disable one first.`);
    }
    await ctx.ports.committer.commit([updateKey(key, record)]);
    return undefined;
  },
});
