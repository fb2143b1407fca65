/** ScheduleKeyDeletion: the key stops at once and is destroyed when its waiting period ends. AWS KMS API Reference, ScheduleKeyDeletion. */
import * as z from 'zod';
import { keyId } from '#shared/fields/key-id.ts';
import { timestamp } from '#shared/fields/timestamp.ts';
import type { KeyRecord } from '#shared/keys/key-record.ts';
import { isReplica, replicaRegionsOf } from '#shared/keys/multi-region.ts';
import { dayMs } from '#shared/keys/rotation.ts';
import { defineOperation } from '#shared/operation.ts';
import { updateKey } from '#shared/repositories/changes.ts';

const defaultWindowDays = 30;

export const ScheduleKeyDeletion = defineOperation({
  name: 'ScheduleKeyDeletion',
  group: 'Keys',
  summary: 'Stops a key at once and destroys it after a waiting period.',
  http: { method: 'POST', path: '/v1/keys/{KeyId}/schedule-deletion' },
  // The model allows 1 to 365 days; the service holds callers to 7 to 30 (research: kms-api 2.4).
  input: z.object({ KeyId: keyId(), PendingWindowInDays: z.int().min(7).max(30).optional() }),
  output: z.object({ KeyId: z.string(), DeletionDate: timestamp().optional(), KeyState: z.string(), PendingWindowInDays: z.int() }),
  keys: (input) => ({ key: { identifier: input.KeyId, accepts: 'key' } }),
  changes: ['key'],
  needs: ['committer'],
  errors: [],
  audit: (input) => ({ keyId: input.KeyId, pendingWindowInDays: input.PendingWindowInDays ?? defaultWindowDays }),

  async run(ctx, input) {
    const { key } = ctx.keys;
    const pendingWindowDays = input.PendingWindowInDays ?? defaultWindowDays;
    const requested = { pendingWindowDays, requestedBy: ctx.caller.principalArn };
    // A primary key waits for its replicas: its waiting period begins when the last of them is gone.
    const waits = !isReplica(key.record) && replicaRegionsOf(key.record).length > 0;
    const at = ctx.now + pendingWindowDays * dayMs;
    const record: KeyRecord = {
      ...key.record,
      ...(waits ? { state: 'PendingReplicaDeletion', deletion: requested } : { state: 'PendingDeletion', deletion: { at, ...requested } }),
    };
    await ctx.ports.committer.commit([updateKey(key, record)]);
    return { KeyId: key.arn, DeletionDate: waits ? undefined : new Date(at), KeyState: record.state, PendingWindowInDays: pendingWindowDays };
  },
});
