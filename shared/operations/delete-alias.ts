/** DeleteAlias: the key stays. AWS KMS API Reference, DeleteAlias. */
import * as z from 'zod';
import { aliasName, checkAliasName } from '#shared/fields/alias-name.ts';
import { aliasArn } from '#shared/keys/arn.ts';
import { defineOperation } from '#shared/operation.ts';
import { deleteAlias, requireSameTarget } from '#shared/repositories/changes.ts';

export const DeleteAlias = defineOperation({
  name: 'DeleteAlias',
  group: 'Aliases',
  summary: 'Removes an alias; the key stays.',
  http: { method: 'DELETE', path: '/v1/aliases/{AliasName}' },
  input: z.object({ AliasName: aliasName() }),
  output: undefined,
  keys(input) {
    checkAliasName(input.AliasName);
    return { key: { identifier: input.AliasName, accepts: 'any' } };
  },
  statelessRoles: ['key'],
  resources: (input, { partition, caller }) => [{ arn: aliasArn(partition, { account: caller.account, region: caller.region, aliasName: input.AliasName }) }],
  byAlias: true,
  removes: ['alias', 'key'],
  needs: ['committer', 'lister'],
  errors: ['InvalidAliasNameException', 'NotAuthorizedException', 'NotFoundException', 'ValidationException'],
  audit: (input) => ({ aliasName: input.AliasName }),

  async run(ctx, input) {
    const { account, region } = ctx.caller;
    const name = { account, region, aliasName: input.AliasName };
    const arn = aliasArn(ctx.partition, name);
    const existing = await ctx.ports.lister.alias(name);
    if (existing === undefined) throw ctx.error('NotFoundException', `Alias ${arn} is not found.`);
    requireSameTarget(existing, ctx.keys.key);
    await ctx.ports.committer.commit(deleteAlias(existing), [{ arn, role: 'alias' }]);
    return undefined;
  },
});
