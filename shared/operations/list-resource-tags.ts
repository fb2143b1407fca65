/** ListResourceTags. AWS KMS API Reference, ListResourceTags. */
import * as z from 'zod';
import { keyId } from '#shared/fields/key-id.ts';
import { limit, marker, pageEnd, pageOutput, readMarker } from '#shared/fields/pagination.ts';
import { defineOperation } from '#shared/operation.ts';

export const ListResourceTags = defineOperation({
  name: 'ListResourceTags',
  group: 'Tags',
  summary: 'Lists the tags of a key.',
  http: { method: 'GET', path: '/v1/keys/{KeyId}/tags' },
  input: z.object({ KeyId: keyId(), Limit: limit(50), Marker: marker() }),
  output: z.object({ Tags: z.array(z.object({ TagKey: z.string(), TagValue: z.string() })), ...pageOutput }),
  keys: (input) => ({ key: { identifier: input.KeyId, accepts: 'key' } }),
  needs: [],
  errors: ['InvalidMarkerException'],
  audit: (input) => ({ keyId: input.KeyId }),

  async run(ctx, input) {
    const { record } = ctx.keys.key;
    const list = `ListResourceTags/${record.keyId}`;
    const from = readMarker(list, input.Marker);
    // The marker names the last tag shown, so that a tag added or removed between pages neither repeats nor hides another.
    const sorted = [...record.tags].sort((a, b) => (a.TagKey < b.TagKey ? -1 : 1)).filter((tag) => from === undefined || tag.TagKey > from);
    const Tags = sorted.slice(0, input.Limit ?? 50);
    return { Tags, ...pageEnd(list, Tags.length < sorted.length ? Tags.at(-1)?.TagKey : undefined) };
  },
});
