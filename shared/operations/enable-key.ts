/** EnableKey: makes a disabled key usable again. AWS KMS API Reference, EnableKey. */
import * as z from 'zod';
import { keyId } from '#shared/fields/key-id.ts';
import { defineOperation } from '#shared/operation.ts';
import { updateKey } from '#shared/repositories/changes.ts';

export const EnableKey = defineOperation({
  name: 'EnableKey',
  group: 'Keys',
  summary: 'Makes a disabled key usable again.',
  http: { method: 'POST', path: '/v1/keys/{KeyId}/enable' },
  input: z.object({ KeyId: keyId() }),
  output: undefined,
  keys: (input) => ({ key: { identifier: input.KeyId, accepts: 'key' } }),
  changes: ['key'],
  needs: ['committer'],
  errors: [],
  audit: (input) => ({ keyId: input.KeyId }),

  async run(ctx) {
    const { key } = ctx.keys;
    if (key.record.state !== 'Enabled') await ctx.ports.committer.commit([updateKey(key, { ...key.record, state: 'Enabled' })]);
    return undefined;
  },
});
