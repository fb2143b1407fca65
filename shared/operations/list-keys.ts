/** ListKeys: the ids of the account's keys in the Region. AWS KMS API Reference, ListKeys. */
import * as z from 'zod';
import { limit, marker, pageEnd, pageOutput, readMarker } from '#shared/fields/pagination.ts';
import { keyArn } from '#shared/keys/arn.ts';
import { defineOperation } from '#shared/operation.ts';

export const ListKeys = defineOperation({
  name: 'ListKeys',
  group: 'Keys',
  summary: "Lists the account's keys in the Region.",
  http: { method: 'GET', path: '/v1/keys' },
  input: z.object({ Limit: limit(1000), Marker: marker() }),
  output: z.object({ Keys: z.array(z.object({ KeyId: z.string(), KeyArn: z.string() })), ...pageOutput }),
  needs: ['lister'],
  errors: ['InvalidMarkerException'],
  audit: () => ({}),

  async run(ctx, input) {
    const { account, region } = ctx.caller;
    const from = readMarker('ListKeys', input.Marker);
    const { records, next } = await ctx.ports.lister.keys({ account, region }, input.Limit ?? 100, from);
    const Keys = records.map(({ keyId }) => ({ KeyId: keyId, KeyArn: keyArn(ctx.partition, { account, region, keyId }) }));
    return { Keys, ...pageEnd('ListKeys', next) };
  },
});
