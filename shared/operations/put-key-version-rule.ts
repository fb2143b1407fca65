/** PutKeyVersionRule: how long a superseded version is accepted, and whether new ones come by themselves. Not in AWS KMS; docs/adr/0025. */
import * as z from 'zod';
import { keyId } from '#shared/fields/key-id.ts';
import { dayMs } from '#shared/keys/rotation.ts';
import { acceptedVersionsMax, requireVersionable } from '#shared/keys/versions.ts';
import { defineOperation } from '#shared/operation.ts';
import { updateKey } from '#shared/repositories/changes.ts';

export const PutKeyVersionRule = defineOperation({
  name: 'PutKeyVersionRule',
  group: 'Rotation',
  summary: 'Sets how long superseded versions of an asymmetric or HMAC key are accepted, and whether new versions come by themselves.',
  http: { method: 'PUT', path: '/v1/keys/{KeyId}/version-rule' },
  wire: false,
  input: z.object({
    KeyId: keyId(),
    /** From the day that the successor came. Absent: until somebody disables the version. Versions that are superseded already keep their date. */
    AcceptDays: z.int().min(0).max(3650).optional(),
    /** Absent: new versions only on demand. */
    RotationPeriodInDays: z.int().min(90).max(2560).optional(),
  }),
  output: undefined,
  keys: (input) => ({ key: { identifier: input.KeyId, accepts: 'key' } }),
  permissions: { key: 'kms:PutKeyVersionRule' },
  changes: ['key'],
  needs: ['committer'],
  errors: ['UnsupportedOperationException', 'ValidationException'],
  audit: (input) => ({ keyId: input.KeyId, acceptDays: input.AcceptDays ?? null, rotationPeriodInDays: input.RotationPeriodInDays ?? null }),

  check(ctx, input) {
    requireVersionable(ctx, ctx.keys.key);
    const { AcceptDays, RotationPeriodInDays } = input;
    if (RotationPeriodInDays === undefined) return;
    if (AcceptDays === undefined || Math.ceil(AcceptDays / RotationPeriodInDays) >= acceptedVersionsMax) {
      throw ctx.error('ValidationException', `With automatic rotation, AcceptDays is required and must span fewer than ${acceptedVersionsMax} periods.`);
    }
  },

  async run(ctx, input) {
    const { key } = ctx.keys;
    const { rotation, versioning } = key.record;
    const periodDays = input.RotationPeriodInDays;
    const isAsBefore = rotation.enabled && rotation.periodDays === periodDays;
    const next = periodDays === undefined ? { ...rotation, enabled: false, nextAt: undefined } : { ...rotation, enabled: true, periodDays, nextAt: ctx.now + periodDays * dayMs };
    const rule = { ...(input.AcceptDays === undefined ? {} : { acceptDays: input.AcceptDays }), superseded: versioning?.superseded ?? [] };
    await ctx.ports.committer.commit([updateKey(key, { ...key.record, rotation: isAsBefore ? rotation : next, versioning: rule })]);
    return undefined;
  },
});
