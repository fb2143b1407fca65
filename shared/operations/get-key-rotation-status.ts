/** GetKeyRotationStatus. A key that is pending deletion does not rotate. AWS KMS API Reference, GetKeyRotationStatus. */
import * as z from 'zod';
import { keyId } from '#shared/fields/key-id.ts';
import { timestamp } from '#shared/fields/timestamp.ts';
import { requireOwnMaterial } from '#shared/keys/imported.ts';
import { requireRotatable } from '#shared/keys/rotation.ts';
import { defineOperation } from '#shared/operation.ts';

export const GetKeyRotationStatus = defineOperation({
  name: 'GetKeyRotationStatus',
  group: 'Rotation',
  summary: 'Says whether and when a key rotates.',
  http: { method: 'GET', path: '/v1/keys/{KeyId}/rotation' },
  input: z.object({ KeyId: keyId() }),
  output: z.object({ KeyId: z.string(), KeyRotationEnabled: z.boolean(), RotationPeriodInDays: z.int().optional(), NextRotationDate: timestamp().optional() }),
  keys: (input) => ({ key: { identifier: input.KeyId, accepts: 'key' } }),
  needs: [],
  errors: ['UnsupportedOperationException'],
  audit: (input) => ({ keyId: input.KeyId }),

  check(ctx) {
    requireRotatable(ctx, ctx.keys.key);
    requireOwnMaterial(ctx, ctx.keys.key);
  },

  async run(ctx) {
    const { arn, record } = ctx.keys.key;
    if (!record.rotation.enabled || record.state === 'PendingDeletion') return { KeyId: arn, KeyRotationEnabled: false };
    const { periodDays, nextAt } = record.rotation;
    return { KeyId: arn, KeyRotationEnabled: true, RotationPeriodInDays: periodDays, NextRotationDate: nextAt === undefined ? undefined : new Date(nextAt) };
  },
});
