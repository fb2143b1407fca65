/** CancelKeyDeletion: the key survives and stays disabled until somebody enables it. AWS KMS API Reference, CancelKeyDeletion. */
import * as z from 'zod';
import { keyId } from '#shared/fields/key-id.ts';
import { defineOperation } from '#shared/operation.ts';
import { updateKey } from '#shared/repositories/changes.ts';

export const CancelKeyDeletion = defineOperation({
  name: 'CancelKeyDeletion',
  group: 'Keys',
  summary: 'Takes back a scheduled deletion; the key stays disabled.',
  http: { method: 'POST', path: '/v1/keys/{KeyId}/cancel-deletion' },
  input: z.object({ KeyId: keyId() }),
  output: z.object({ KeyId: z.string() }),
  keys: (input) => ({ key: { identifier: input.KeyId, accepts: 'key' } }),
  changes: ['key'],
  needs: ['committer'],
  errors: [],
  audit: (input) => ({ keyId: input.KeyId }),

  async run(ctx) {
    const { key } = ctx.keys;
    // A replica that was scheduled for deletion while it was made still lacks what the primary key has.
    const state = key.record.synchronize?.task === 'CREATION' ? 'Creating' : 'Disabled';
    await ctx.ports.committer.commit([updateKey(key, { ...key.record, state, deletion: undefined })]);
    return { KeyId: key.arn };
  },
});
