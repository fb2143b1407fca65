/** UpdateKeyDescription. AWS KMS API Reference, UpdateKeyDescription. */
import * as z from 'zod';
import { keyId } from '#shared/fields/key-id.ts';
import { defineOperation } from '#shared/operation.ts';
import { updateKey } from '#shared/repositories/changes.ts';

export const UpdateKeyDescription = defineOperation({
  name: 'UpdateKeyDescription',
  group: 'Keys',
  summary: "Changes a key's description.",
  http: { method: 'PUT', path: '/v1/keys/{KeyId}/description' },
  input: z.object({ KeyId: keyId(), Description: z.string().max(8192) }),
  output: undefined,
  keys: (input) => ({ key: { identifier: input.KeyId, accepts: 'key' } }),
  changes: ['key'],
  needs: ['committer'],
  errors: [],
  audit: (input) => ({ keyId: input.KeyId }),

  async run(ctx, input) {
    const { key } = ctx.keys;
    if (key.record.description !== input.Description) await ctx.ports.committer.commit([updateKey(key, { ...key.record, description: input.Description })]);
    return undefined;
  },
});
