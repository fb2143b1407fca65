/** CreateAlias: a second name for a key, unique in account and Region. AWS KMS API Reference, CreateAlias. */
import * as z from 'zod';
import { aliasName, checkAliasName, checkAliasTarget } from '#shared/fields/alias-name.ts';
import { keyId } from '#shared/fields/key-id.ts';
import { aliasArn } from '#shared/keys/arn.ts';
import { defineOperation } from '#shared/operation.ts';
import { createAlias, touchKey } from '#shared/repositories/changes.ts';

export const aliasesPerKeyMax = 50;

export const CreateAlias = defineOperation({
  name: 'CreateAlias',
  group: 'Aliases',
  summary: 'Gives a key a second name.',
  http: { method: 'POST', path: '/v1/aliases' },
  input: z.object({ AliasName: aliasName(), TargetKeyId: keyId() }),
  output: undefined,
  keys(input) {
    checkAliasName(input.AliasName);
    checkAliasTarget(input.TargetKeyId);
    return { key: { identifier: input.TargetKeyId, accepts: 'key' } };
  },
  resources: (input, { partition, caller }) => [{ arn: aliasArn(partition, { account: caller.account, region: caller.region, aliasName: input.AliasName }) }],
  changes: ['alias', 'key'],
  needs: ['committer', 'lister'],
  errors: ['AlreadyExistsException', 'InvalidAliasNameException', 'LimitExceededException', 'NotAuthorizedException', 'ValidationException'],
  audit: (input) => ({ aliasName: input.AliasName, targetKeyId: input.TargetKeyId }),

  async run(ctx, input) {
    const { key } = ctx.keys;
    const { account, region } = ctx.caller;
    const name = { account, region, aliasName: input.AliasName };
    const arn = aliasArn(ctx.partition, name);
    if ((await ctx.ports.lister.alias(name)) !== undefined) throw ctx.error('AlreadyExistsException', `An alias with the name ${arn} already exists`);
    const { records } = await ctx.ports.lister.aliasesOfKey(key.record, aliasesPerKeyMax);
    if (records.length >= aliasesPerKeyMax) throw ctx.error('LimitExceededException', `A key can have at most ${aliasesPerKeyMax} aliases.`);
    const record = { ...name, targetKeyId: key.record.keyId, createdAt: ctx.now, updatedAt: ctx.now };
    await ctx.ports.committer.commit([...createAlias(record), touchKey(key)], [{ arn, role: 'alias' }]);
    return undefined;
  },
});
