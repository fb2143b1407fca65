/** UpdateAlias: points an alias to another key of the same kind. AWS KMS API Reference, UpdateAlias. */
import * as z from 'zod';
import { describeKeySpec } from '#shared/algorithms/key-specs.ts';
import { aliasName, checkAliasName, checkAliasTarget } from '#shared/fields/alias-name.ts';
import { keyId } from '#shared/fields/key-id.ts';
import { aliasArn } from '#shared/keys/arn.ts';
import type { KeyRecord } from '#shared/keys/key-record.ts';
import { defineOperation } from '#shared/operation.ts';
import { requireSameTarget, touchKey, updateAlias } from '#shared/repositories/changes.ts';
import { aliasesPerKeyMax } from './create-alias.ts';

/** Symmetric, HMAC or asymmetric: an alias never moves between them, nor between usages. */
function keyType(record: KeyRecord): string {
  const { kind } = describeKeySpec(record.keySpec);
  return kind === 'aes' || kind === 'hmac' ? kind : 'asymmetric';
}

export const UpdateAlias = defineOperation({
  name: 'UpdateAlias',
  group: 'Aliases',
  summary: 'Points an alias to another key.',
  http: { method: 'PUT', path: '/v1/aliases/{AliasName}' },
  input: z.object({ AliasName: aliasName(), TargetKeyId: keyId() }),
  output: undefined,
  keys(input) {
    checkAliasName(input.AliasName);
    checkAliasTarget(input.TargetKeyId);
    return { alias: { identifier: input.AliasName, accepts: 'any' }, key: { identifier: input.TargetKeyId, accepts: 'key' } };
  },
  // The present target may be in any state (rule 10 of the state table); only the new one is held to it.
  statelessRoles: ['alias'],
  resources: (input, { partition, caller }) => [{ arn: aliasArn(partition, { account: caller.account, region: caller.region, aliasName: input.AliasName }) }],
  byAlias: true,
  changes: ['alias', 'key'],
  removes: ['key'],
  needs: ['committer', 'lister'],
  errors: ['InvalidAliasNameException', 'LimitExceededException', 'NotAuthorizedException', 'NotFoundException', 'ValidationException'],
  audit: (input) => ({ aliasName: input.AliasName, targetKeyId: input.TargetKeyId }),

  check(ctx) {
    const present = ctx.keys.alias.record;
    const next = ctx.keys.key.record;
    if (keyType(present) !== keyType(next) || present.keyUsage !== next.keyUsage) {
      throw ctx.error('ValidationException', 'An alias can only move to a key of the same type and the same usage.');
    }
  },

  async run(ctx, input) {
    const { key } = ctx.keys;
    const { account, region } = ctx.caller;
    const name = { account, region, aliasName: input.AliasName };
    const arn = aliasArn(ctx.partition, name);
    const existing = await ctx.ports.lister.alias(name);
    if (existing === undefined) throw ctx.error('NotFoundException', `Alias ${arn} is not found.`);
    requireSameTarget(existing, ctx.keys.alias);
    const isMove = existing.record.targetKeyId !== key.record.keyId;
    if (isMove && (await ctx.ports.lister.aliasesOfKey(key.record, aliasesPerKeyMax)).records.length >= aliasesPerKeyMax) {
      throw ctx.error('LimitExceededException', `A key can have at most ${aliasesPerKeyMax} aliases.`);
    }
    const record = { ...existing.record, targetKeyId: key.record.keyId, updatedAt: ctx.now };
    await ctx.ports.committer.commit([...updateAlias(existing, record), touchKey(key)], [{ arn, role: 'alias' }]);
    return undefined;
  },
});
