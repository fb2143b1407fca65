/** ReplicateKey: a key of the same id and material in another Region. AWS KMS API Reference, ReplicateKey. */
import * as z from 'zod';
import { keyId } from '#shared/fields/key-id.ts';
import { regionName } from '#shared/fields/region-name.ts';
import { checkTags, tagList } from '#shared/fields/tags.ts';
import { keyArn } from '#shared/keys/arn.ts';
import { keyMetadata, keyMetadataSchema } from '#shared/keys/key-metadata.ts';
import type { KeyRecord } from '#shared/keys/key-record.ts';
import { primaryRegionOf, regionsMax, replicaRegionsOf, requireMultiRegionPrimary } from '#shared/keys/multi-region.ts';
import { defineOperation } from '#shared/operation.ts';
import { compilePolicy } from '#shared/policy/compiled-policy.ts';
import { defaultKeyPolicy } from '#shared/policy/default-policy.ts';
import { requireNoLockout } from '#shared/policy/lockout.ts';
import { createKeyWithoutMaterial, updateKey, updateRelated } from '#shared/repositories/changes.ts';

export const ReplicateKey = defineOperation({
  name: 'ReplicateKey',
  group: 'Keys',
  summary: 'Makes a replica of a multi-Region key in another Region.',
  http: { method: 'POST', path: '/v1/keys/{KeyId}/replicas' },
  input: z.object({
    KeyId: keyId(),
    ReplicaRegion: regionName(),
    Policy: z
      .string()
      .min(1)
      .max(131_072)
      .regex(/^[\t\n\r\u0020-\u00FF]+$/)
      .optional(),
    BypassPolicyLockoutSafetyCheck: z.boolean().optional(),
    Description: z.string().max(8192).optional(),
    Tags: tagList().optional(),
  }),
  output: z.object({ ReplicaKeyMetadata: keyMetadataSchema, ReplicaPolicy: z.string(), ReplicaTags: z.array(z.object({ TagKey: z.string(), TagValue: z.string() })) }),
  keys: (input) => ({ key: { identifier: input.KeyId, accepts: 'key' } }),
  // Developer Guide, "Replicate a multi-Region key": to make a key in the replica's Region, and to tag it.
  resources: (input) => [
    { arn: '*', permission: 'kms:CreateKey', ofRole: 'key' },
    ...((input.Tags ?? []).length > 0 ? [{ arn: '*', permission: 'kms:TagResource' as const, ofRole: 'key' }] : []),
  ],
  changes: ['key'],
  needs: ['committer', 'relatedKeys'],
  errors: ['AlreadyExistsException', 'LimitExceededException', 'MalformedPolicyDocumentException', 'TagException', 'UnsupportedOperationException'],
  audit: (input) => ({
    keyId: input.KeyId,
    replicaRegion: input.ReplicaRegion,
    tagKeys: (input.Tags ?? []).map((tag) => tag.TagKey),
    bypassPolicyLockoutSafetyCheck: input.BypassPolicyLockoutSafetyCheck ?? false,
  }),

  check(ctx, input) {
    requireMultiRegionPrimary(ctx, ctx.keys.key);
    if (input.Policy !== undefined) compilePolicy(input.Policy, 'key');
    if (input.Tags !== undefined) checkTags(input.Tags);
  },

  async run(ctx, input) {
    const { key } = ctx.keys;
    const { ReplicaRegion: region } = input;
    const primaryRegion = primaryRegionOf(key.record);
    const taken = replicaRegionsOf(key.record);
    if (region === primaryRegion || taken.includes(region)) {
      throw ctx.error('AlreadyExistsException', `${keyArn(ctx.partition, { ...key.record, region })} already exists.`);
    }
    if (!ctx.ports.relatedKeys.serves(region)) throw ctx.error('UnsupportedOperationException', `This deployment keeps no keys in ${region}.`);
    if (taken.length + 2 > regionsMax) throw ctx.error('LimitExceededException', `A multi-Region key has at most ${regionsMax} Regions.`);

    const set = { primaryRegion, replicaRegions: [...taken, region].toSorted() };
    const { account, keyId: id, keySpec, keyUsage, origin, currentVersion, rotation } = key.record;
    const replica: KeyRecord = {
      account,
      region,
      keyId: id,
      createdAt: ctx.now,
      description: input.Description ?? '',
      keySpec,
      keyUsage,
      origin,
      multiRegion: true,
      ...set,
      state: 'Creating',
      synchronize: { task: 'CREATION', since: ctx.now },
      currentVersion,
      policy: input.Policy ?? defaultKeyPolicy(ctx.partition, account),
      tags: input.Tags ?? [],
      rotation,
      ...(key.record.imports === undefined ? {} : { imports: key.record.imports.map(({ version, fingerprint }) => ({ version, fingerprint, state: 'PENDING_IMPORT' as const })) }),
    };
    const arn = keyArn(ctx.partition, replica);
    if (input.Policy !== undefined && input.BypassPolicyLockoutSafetyCheck !== true) {
      requireNoLockout(ctx, { arn, record: replica, rev: 0, requestAlias: undefined, material: undefined }, compilePolicy(input.Policy, 'key'));
    }
    const related = await ctx.ports.relatedKeys.of(key.record);
    const writes = [updateKey(key, { ...key.record, ...set }), ...updateRelated(related, (record) => ({ ...record, ...set })), ...createKeyWithoutMaterial(replica)];
    await ctx.ports.committer.commit(writes, [{ arn, role: 'replica' }]);
    return { ReplicaKeyMetadata: keyMetadata(ctx.partition, replica), ReplicaPolicy: replica.policy, ReplicaTags: [...replica.tags] };
  },
});
