/** DisableKey: stops all cryptographic use of a key, from the next call on in every process. AWS KMS API Reference, DisableKey. */
import * as z from 'zod';
import { keyId } from '#shared/fields/key-id.ts';
import { defineOperation } from '#shared/operation.ts';
import { updateKey } from '#shared/repositories/changes.ts';

export const DisableKey = defineOperation({
  name: 'DisableKey',
  group: 'Keys',
  summary: 'Stops all use of a key at once, everywhere.',
  http: { method: 'POST', path: '/v1/keys/{KeyId}/disable' },
  input: z.object({ KeyId: keyId() }),
  output: undefined,
  keys: (input) => ({ key: { identifier: input.KeyId, accepts: 'key' } }),
  changes: ['key'],
  needs: ['committer'],
  errors: [],
  audit: (input) => ({ keyId: input.KeyId }),

  async run(ctx) {
    const { key } = ctx.keys;
    if (key.record.state !== 'Disabled') await ctx.ports.committer.commit([updateKey(key, { ...key.record, state: 'Disabled' })]);
    return undefined;
  },
});
