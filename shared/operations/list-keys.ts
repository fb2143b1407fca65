/** ListKeys: the ids of the account's keys in the Region. No account shares keys through RAM here, so nothing is ever listed as shared. AWS KMS API Reference, ListKeys. */
import * as z from 'zod';
import { limit, marker, pageEnd, pageOutput, readMarker } from '#shared/fields/pagination.ts';
import { keyArn } from '#shared/keys/arn.ts';
import { defineOperation } from '#shared/operation.ts';

export const ListKeys = defineOperation({
  name: 'ListKeys',
  group: 'Keys',
  summary: "Lists the account's keys in the Region.",
  http: { method: 'GET', path: '/v1/keys' },
  input: z.object({
    Limit: limit(1000),
    Marker: marker(),
    ResourceOwners: z
      .array(z.enum(['SELF', 'OTHER_ACCOUNTS_VIA_RAM']))
      .min(1)
      .max(2)
      .optional(),
  }),
  output: z.object({ Keys: z.array(z.object({ KeyId: z.string(), KeyArn: z.string() })), ...pageOutput }),
  lists: ['keys'],
  needs: ['lister'],
  errors: ['InvalidMarkerException'],
  audit: (input) => ({ resourceOwners: input.ResourceOwners ?? null }),

  async run(ctx, input) {
    const { account, region } = ctx.caller;
    const owners = input.ResourceOwners?.toSorted() ?? ['SELF'];
    const list = ['ListKeys', ...(input.ResourceOwners === undefined ? [] : owners)].join('/');
    const from = readMarker(list, input.Marker);
    if (!owners.includes('SELF')) return { Keys: [], ...pageEnd(list, undefined) };
    const { records, next } = await ctx.ports.lister.keys({ account, region }, input.Limit ?? 100, from);
    const Keys = records.map(({ keyId }) => ({ KeyId: keyId, KeyArn: keyArn(ctx.partition, { account, region, keyId }) }));
    return { Keys, ...pageEnd(list, next) };
  },
});
