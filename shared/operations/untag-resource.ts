/** UntagResource: keys that are not there are passed over. AWS KMS API Reference, UntagResource. */
import * as z from 'zod';
import { keyId } from '#shared/fields/key-id.ts';
import { tagKey } from '#shared/fields/tags.ts';
import { defineOperation } from '#shared/operation.ts';
import { updateKey } from '#shared/repositories/changes.ts';

export const UntagResource = defineOperation({
  name: 'UntagResource',
  group: 'Tags',
  summary: 'Removes tags of a key.',
  http: { method: 'POST', path: '/v1/keys/{KeyId}/untag' },
  input: z.object({ KeyId: keyId(), TagKeys: z.array(tagKey()).max(200) }),
  output: undefined,
  keys: (input) => ({ key: { identifier: input.KeyId, accepts: 'key' } }),
  changes: ['key'],
  needs: ['committer'],
  errors: [],
  audit: (input) => ({ keyId: input.KeyId, tagKeys: input.TagKeys }),

  async run(ctx, input) {
    const { key } = ctx.keys;
    const tags = key.record.tags.filter((tag) => !input.TagKeys.includes(tag.TagKey));
    if (tags.length !== key.record.tags.length) await ctx.ports.committer.commit([updateKey(key, { ...key.record, tags })]);
    return undefined;
  },
});
