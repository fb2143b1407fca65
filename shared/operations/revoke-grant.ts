/** RevokeGrant: ends a grant, by those whom the key's policy allows to. AWS KMS API Reference, RevokeGrant. */
import * as z from 'zod';
import { dryRun, keyId } from '#shared/fields/key-id.ts';
import { defineOperation } from '#shared/operation.ts';
import { grantId, requireGrantId } from '#shared/policy/grant-fields.ts';
import { removeGrant } from '#shared/repositories/access-records.ts';

export const RevokeGrant = defineOperation({
  name: 'RevokeGrant',
  group: 'Grants',
  summary: 'Ends a grant on a key.',
  http: { method: 'DELETE', path: '/v1/keys/{KeyId}/grants/{GrantId}' },
  input: z.object({ KeyId: keyId(), GrantId: grantId(), DryRun: dryRun() }),
  output: undefined,
  keys: (input) => ({ key: { identifier: input.KeyId, accepts: 'key' } }),
  dryRun: 'own',
  changes: ['key'],
  removes: ['key'],
  needs: ['committer', 'grants'],
  errors: ['DryRunOperationException', 'InvalidGrantIdException', 'NotFoundException'],
  audit: (input) => ({ keyId: input.KeyId, grantId: input.GrantId, dryRun: input.DryRun ?? false }),

  check(_, input) {
    requireGrantId(input.GrantId);
  },

  async run(ctx, input) {
    const { record } = ctx.keys.key;
    const grant = await ctx.ports.grants.get(record, input.GrantId);
    if (grant === undefined) throw ctx.error('NotFoundException', `Grant ID ${input.GrantId} not found`);
    if (input.DryRun === true) throw ctx.error('DryRunOperationException', 'The request would have succeeded, but the DryRun option is set.');
    const present = await ctx.ports.grants.surroundings(record, grant.grantee);
    await ctx.ports.committer.commit(removeGrant(grant, present));
    return undefined;
  },
});
