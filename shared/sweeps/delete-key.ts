/** The service's own DeleteKey (CloudTrail's name for it): destroys a key whose waiting period is over. Everything is checked again at the moment. */
import * as z from 'zod';
import { withoutReplica } from '#shared/keys/multi-region.ts';
import { defineOperation } from '#shared/operation.ts';
import { updateRelated } from '#shared/repositories/changes.ts';
import { keyOfStoreRow, keyRow } from '#shared/repositories/rows.ts';

export const DeleteKey = defineOperation({
  name: 'DeleteKey',
  group: 'Keys',
  summary: 'Destroys a key whose waiting period is over.',
  http: { method: 'POST', path: '/v1/internal/delete' },
  input: z.object({ KeyId: z.string() }),
  output: undefined,
  keys: (input) => ({ key: { identifier: input.KeyId, accepts: 'key' } }),
  changes: ['key'],
  removes: ['key', 'keyStores'],
  needs: ['committer', 'eraser', 'relatedKeys'],
  errors: ['ConflictException'],
  audit: (input) => ({ keyId: input.KeyId }),

  async run(ctx) {
    const { key } = ctx.keys;
    if (key.record.deletion?.at === undefined || key.record.deletion.at > ctx.now) throw ctx.error('ConflictException', 'The waiting period of the key is not over.');
    await ctx.ports.eraser.eraseDependents(key);
    const related = await ctx.ports.relatedKeys.of(key.record);
    const others = updateRelated(related, (record) => withoutReplica(record, key.record.region, ctx.now));
    const { keyStoreId } = key.record;
    const fromStore = keyStoreId === undefined ? [] : [{ delete: keyOfStoreRow(key.record, keyStoreId) }];
    await ctx.ports.committer.commit([{ delete: keyRow(key.record), if: { rev: key.rev } }, ...fromStore, ...others]);
    return undefined;
  },
});
