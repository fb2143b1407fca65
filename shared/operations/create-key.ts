/** CreateKey: makes a key and the first version of its material, in the HSM. AWS KMS API Reference, CreateKey. */
import * as z from 'zod';
import { describeKeySpec, type KeySpec, type KeyUsage, keySpecs } from '#shared/algorithms/key-specs.ts';
import { isImportable } from '#shared/algorithms/wrapping.ts';
import { keySpecEnum, keyUsageEnum, originEnum } from '#shared/fields/enums.ts';
import { checkTags, tagList } from '#shared/fields/tags.ts';
import { newMultiRegionKeyId, newUuid } from '#shared/ids.ts';
import { keyArn } from '#shared/keys/arn.ts';
import { keyMetadata, keyMetadataSchema } from '#shared/keys/key-metadata.ts';
import type { KeyRecord } from '#shared/keys/key-record.ts';
import { defaultRotationPeriodDays } from '#shared/keys/rotation.ts';
import { defineOperation } from '#shared/operation.ts';
import { compilePolicy } from '#shared/policy/compiled-policy.ts';
import { defaultKeyPolicy } from '#shared/policy/default-policy.ts';
import { requireNoLockout } from '#shared/policy/lockout.ts';
import { createKey, createKeyWithoutMaterial } from '#shared/repositories/changes.ts';

export const CreateKey = defineOperation({
  name: 'CreateKey',
  group: 'Keys',
  summary: 'Makes a key, and its material in the HSM.',
  http: { method: 'POST', path: '/v1/keys' },
  input: z.object({
    Policy: z
      .string()
      .min(1)
      .max(131_072)
      .regex(/^[\t\n\r\u0020-\u00FF]+$/)
      .optional(),
    Description: z.string().max(8192).optional(),
    KeyUsage: keyUsageEnum().optional(),
    CustomerMasterKeySpec: keySpecEnum().optional(),
    KeySpec: keySpecEnum().optional(),
    Origin: originEnum().optional(),
    CustomKeyStoreId: z.string().min(1).max(64).optional(),
    BypassPolicyLockoutSafetyCheck: z.boolean().optional(),
    Tags: tagList().optional(),
    MultiRegion: z.boolean().optional(),
    XksKeyId: z
      .string()
      .min(1)
      .max(128)
      .regex(/^[a-zA-Z0-9-_.]+$/)
      .optional(),
  }),
  output: z.object({ KeyMetadata: keyMetadataSchema }),
  // Tags of a new key need the permission to tag (API Reference, CreateKey).
  resources: (input) => [{ arn: '*' }, ...((input.Tags ?? []).length > 0 ? [{ arn: '*', permission: 'kms:TagResource' as const }] : [])],
  needs: ['committer', 'keyFactory'],
  errors: ['LimitExceededException', 'MalformedPolicyDocumentException', 'TagException', 'UnsupportedOperationException', 'ValidationException'],
  audit: (input) => ({
    keySpec: input.KeySpec ?? input.CustomerMasterKeySpec ?? 'SYMMETRIC_DEFAULT',
    keyUsage: input.KeyUsage ?? null,
    origin: input.Origin ?? 'AWS_KMS',
    multiRegion: input.MultiRegion ?? false,
    tagKeys: (input.Tags ?? []).map((tag) => tag.TagKey),
    bypassPolicyLockoutSafetyCheck: input.BypassPolicyLockoutSafetyCheck ?? false,
  }),

  check(ctx, input) {
    if (input.KeySpec !== undefined && input.CustomerMasterKeySpec !== undefined && input.KeySpec !== input.CustomerMasterKeySpec) {
      throw ctx.error('ValidationException', 'You cannot specify KeySpec and CustomerMasterKeySpec in the same request. CustomerMasterKeySpec is deprecated.');
    }
    const spec = input.KeySpec ?? input.CustomerMasterKeySpec ?? 'SYMMETRIC_DEFAULT';
    if (input.KeyUsage === undefined && spec !== 'SYMMETRIC_DEFAULT') {
      throw ctx.error('ValidationException', 'You must specify a KeyUsage value for all KMS keys except for symmetric encryption keys.');
    }
    const offered = keySpecs.find((candidate) => candidate === spec);
    if (offered === undefined) throw ctx.error('UnsupportedOperationException', `KeySpec ${spec} is not offered here.`);
    const usages: readonly string[] = describeKeySpec(offered).usages;
    if (input.KeyUsage !== undefined && !usages.includes(input.KeyUsage)) {
      throw ctx.error('ValidationException', `KeyUsage ${input.KeyUsage} is not compatible with KeySpec ${spec}`);
    }
    if (input.Origin === 'EXTERNAL' && !isImportable(offered)) throw ctx.error('UnsupportedOperationException', `KeySpec ${spec} cannot be imported.`);
    if (!['AWS_KMS', 'EXTERNAL'].includes(input.Origin ?? 'AWS_KMS') || input.CustomKeyStoreId !== undefined || input.XksKeyId !== undefined) {
      throw ctx.error('UnsupportedOperationException', `Origin ${input.Origin ?? 'AWS_KMS'} with a custom key store is not offered here.`);
    }
    if (input.Policy !== undefined) compilePolicy(input.Policy, 'key');
    if (input.Tags !== undefined) checkTags(input.Tags);
  },

  async run(ctx, input) {
    // check() has made sure that both are offered.
    const keySpec = (input.KeySpec ?? input.CustomerMasterKeySpec ?? 'SYMMETRIC_DEFAULT') as KeySpec;
    const keyUsage = (input.KeyUsage ?? 'ENCRYPT_DECRYPT') as KeyUsage;
    const { account, region } = ctx.caller;
    const keyId = input.MultiRegion === true ? newMultiRegionKeyId() : newUuid();
    const record: KeyRecord = {
      account,
      region,
      keyId,
      createdAt: ctx.now,
      description: input.Description ?? '',
      keySpec,
      keyUsage,
      origin: input.Origin === 'EXTERNAL' ? 'EXTERNAL' : 'AWS_KMS',
      multiRegion: input.MultiRegion === true,
      state: input.Origin === 'EXTERNAL' ? 'PendingImport' : 'Enabled',
      currentVersion: 1,
      policy: input.Policy ?? defaultKeyPolicy(ctx.partition, account),
      tags: input.Tags ?? [],
      rotation: { enabled: false, periodDays: defaultRotationPeriodDays, onDemandCount: 0 },
    };
    if (input.Policy !== undefined && input.BypassPolicyLockoutSafetyCheck !== true) {
      requireNoLockout(ctx, { arn: keyArn(ctx.partition, record), record, rev: 0, requestAlias: undefined, material: undefined }, compilePolicy(input.Policy, 'key'));
    }
    const created = [{ arn: keyArn(ctx.partition, record), role: 'key' }];
    if (record.origin === 'EXTERNAL') {
      await ctx.ports.committer.commit(createKeyWithoutMaterial(record), created);
      return { KeyMetadata: keyMetadata(ctx.partition, record) };
    }
    const material = await ctx.ports.keyFactory.generateKey({ binding: { account, region, keyId, version: 1 }, keySpec, keyUsage, origin: 'AWS_KMS' });
    const writes = createKey(record, { version: 1, createdAt: ctx.now, origin: 'CREATION' }, material);
    await ctx.ports.committer.commit(writes, created);
    return { KeyMetadata: keyMetadata(ctx.partition, record) };
  },
});
