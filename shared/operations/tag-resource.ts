/** TagResource: adds tags and overwrites those with the same key. AWS KMS API Reference, TagResource. */
import * as z from 'zod';
import { keyId } from '#shared/fields/key-id.ts';
import { checkTags, tagList } from '#shared/fields/tags.ts';
import { defineOperation } from '#shared/operation.ts';
import { updateKey } from '#shared/repositories/changes.ts';

export const TagResource = defineOperation({
  name: 'TagResource',
  group: 'Tags',
  summary: 'Adds or overwrites tags of a key.',
  http: { method: 'POST', path: '/v1/keys/{KeyId}/tags' },
  input: z.object({ KeyId: keyId(), Tags: tagList() }),
  output: undefined,
  keys: (input) => ({ key: { identifier: input.KeyId, accepts: 'key' } }),
  changes: ['key'],
  needs: ['committer'],
  errors: ['TagException'],
  audit: (input) => ({ keyId: input.KeyId, tagKeys: input.Tags.map((tag) => tag.TagKey) }),

  check(_, input) {
    checkTags(input.Tags);
  },

  async run(ctx, input) {
    const { key } = ctx.keys;
    const merged = new Map([...key.record.tags, ...input.Tags].map((tag) => [tag.TagKey, tag]));
    const tags = [...merged.values()];
    checkTags(tags);
    await ctx.ports.committer.commit([updateKey(key, { ...key.record, tags })]);
    return undefined;
  },
});
