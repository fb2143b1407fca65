/** ListAliases: of the account, or of one key. AWS KMS API Reference, ListAliases. */
import * as z from 'zod';
import { keyId } from '#shared/fields/key-id.ts';
import { limit, marker, pageEnd, pageOutput, readMarker } from '#shared/fields/pagination.ts';
import { timestamp } from '#shared/fields/timestamp.ts';
import { aliasArn } from '#shared/keys/arn.ts';
import { defineOperation } from '#shared/operation.ts';

export const ListAliases = defineOperation({
  name: 'ListAliases',
  group: 'Aliases',
  summary: 'Lists the aliases of the account, or of one key.',
  http: { method: 'GET', path: '/v1/aliases' },
  input: z.object({ KeyId: keyId().optional(), Limit: limit(100), Marker: marker() }),
  output: z.object({
    Aliases: z.array(z.object({ AliasName: z.string(), AliasArn: z.string(), TargetKeyId: z.string(), CreationDate: timestamp(), LastUpdatedDate: timestamp() })),
    ...pageOutput,
  }),
  keys: (input): Record<string, { identifier: string; accepts: 'key' }> => (input.KeyId === undefined ? {} : { key: { identifier: input.KeyId, accepts: 'key' } }),
  lists: ['aliases'],
  needs: ['lister'],
  errors: ['InvalidMarkerException'],
  audit: (input) => ({ keyId: input.KeyId ?? null }),

  async run(ctx, input) {
    const { account, region } = ctx.caller;
    const key = ctx.keys.key;
    const list = `ListAliases/${key?.record.keyId ?? ''}`;
    const from = readMarker(list, input.Marker);
    const size = input.Limit ?? 50;
    const { records, next } = key === undefined ? await ctx.ports.lister.aliases({ account, region }, size, from) : await ctx.ports.lister.aliasesOfKey(key.record, size, from);
    const Aliases = records.map((alias) => ({
      AliasName: alias.aliasName,
      AliasArn: aliasArn(ctx.partition, alias),
      TargetKeyId: alias.targetKeyId,
      CreationDate: new Date(alias.createdAt),
      LastUpdatedDate: new Date(alias.updatedAt),
    }));
    return { Aliases, ...pageEnd(list, next) };
  },
});
