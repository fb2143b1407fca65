/** CreateKey: makes a key and the first version of its material, in the HSM. AWS KMS API Reference, CreateKey. */
import * as z from 'zod';
import { describeKeySpec, type KeySpec, type KeyUsage, keySpecs } from '#shared/algorithms/key-specs.ts';
import { keySpecEnum, keyUsageEnum, originEnum } from '#shared/fields/enums.ts';
import { checkTags, tagList } from '#shared/fields/tags.ts';
import { newMultiRegionKeyId, newUuid } from '#shared/ids.ts';
import type { KeyStore } from '#shared/key-stores/key-store-record.ts';
import { requireConnection, requireStore } from '#shared/key-stores/require-store.ts';
import { keyArn } from '#shared/keys/arn.ts';
import { keyMetadata, keyMetadataSchema } from '#shared/keys/key-metadata.ts';
import type { KeyRecord } from '#shared/keys/key-record.ts';
import { defaultRotationPeriodDays } from '#shared/keys/rotation.ts';
import { defineOperation } from '#shared/operation.ts';
import { compilePolicy } from '#shared/policy/compiled-policy.ts';
import { defaultKeyPolicy } from '#shared/policy/default-policy.ts';
import { requireNoLockout } from '#shared/policy/lockout.ts';
import type { Write } from '#shared/ports/record-store.ts';
import { createKey, createKeyWithoutMaterial } from '#shared/repositories/changes.ts';
import { type KeyStoreReader, putKeyIntoStore } from '#shared/repositories/key-store-records.ts';

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
  changes: ['key', 'keyStores'],
  needs: ['committer', 'keyFactory', 'keyStores'],
  errors: [
    'CustomKeyStoreInvalidStateException',
    'CustomKeyStoreNotFoundException',
    'LimitExceededException',
    'MalformedPolicyDocumentException',
    'TagException',
    'UnsupportedOperationException',
    'ValidationException',
  ],
  audit: (input) => ({
    keySpec: input.KeySpec ?? input.CustomerMasterKeySpec ?? 'SYMMETRIC_DEFAULT',
    keyUsage: input.KeyUsage ?? null,
    origin: input.Origin ?? 'AWS_KMS',
    multiRegion: input.MultiRegion ?? false,
    customKeyStoreId: input.CustomKeyStoreId ?? null,
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
    if (input.Origin === 'EXTERNAL_KEY_STORE' || input.XksKeyId !== undefined) {
      throw ctx.error('UnsupportedOperationException', 'Keys behind an XKS proxy are not offered here.');
    }
    // AWS KMS has no imported keys in custom key stores; here they can be (docs/adr/0023).
    if (input.CustomKeyStoreId !== undefined && input.Origin !== 'AWS_CLOUDHSM' && input.Origin !== 'EXTERNAL') {
      throw ctx.error('ValidationException', 'A key in a custom key store has the Origin AWS_CLOUDHSM, or EXTERNAL for imported material.');
    }
    if (input.CustomKeyStoreId === undefined && input.Origin === 'AWS_CLOUDHSM') throw ctx.error('ValidationException', 'The Origin AWS_CLOUDHSM needs a CustomKeyStoreId.');
    if (input.CustomKeyStoreId !== undefined && input.MultiRegion === true) {
      throw ctx.error('UnsupportedOperationException', 'A multi-Region key cannot be in a custom key store: the store is of one Region.');
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
      // check() has refused the others.
      origin: input.Origin ?? 'AWS_KMS',
      multiRegion: input.MultiRegion === true,
      state: input.Origin === 'EXTERNAL' ? 'PendingImport' : 'Enabled',
      currentVersion: 1,
      policy: input.Policy ?? defaultKeyPolicy(ctx.partition, account),
      tags: input.Tags ?? [],
      rotation: { enabled: false, periodDays: defaultRotationPeriodDays, onDemandCount: 0 },
      ...(input.CustomKeyStoreId === undefined ? {} : { keyStoreId: input.CustomKeyStoreId }),
    };
    if (input.Policy !== undefined && input.BypassPolicyLockoutSafetyCheck !== true) {
      requireNoLockout(ctx, { arn: keyArn(ctx.partition, record), record, rev: 0, requestAlias: undefined, material: undefined }, compilePolicy(input.Policy, 'key'));
    }
    const created = [{ arn: keyArn(ctx.partition, record), role: 'key' }];
    const { keyStore, writes: intoStore } = await storeOfNewKey(ctx.ports.keyStores, record);
    const answer = { KeyMetadata: keyMetadata(ctx.partition, record, keyStore) };
    if (record.origin === 'EXTERNAL') {
      await ctx.ports.committer.commit([...createKeyWithoutMaterial(record), ...intoStore], created);
      return answer;
    }
    const binding = { account, region, keyId, version: 1 };
    const material = await ctx.ports.keyFactory.generateKey({ binding, keySpec, keyUsage, origin: record.origin, store: keyStore?.clusterId });
    const writes = createKey(record, { version: 1, createdAt: ctx.now, origin: 'CREATION' }, material);
    await ctx.ports.committer.commit([...writes, ...intoStore], created);
    return answer;
  },
});

/** @throws KmsError CustomKeyStoreNotFoundException, CustomKeyStoreInvalidStateException */
async function storeOfNewKey(keyStores: Pick<KeyStoreReader, 'of'>, record: KeyRecord): Promise<{ keyStore: KeyStore | undefined; writes: Write[] }> {
  if (record.keyStoreId === undefined) return { keyStore: undefined, writes: [] };
  const all = await keyStores.of(record);
  const keyStore = requireStore(all, record.keyStoreId);
  requireConnection(keyStore, 'CONNECTED');
  return { keyStore, writes: putKeyIntoStore(record, keyStore.keyStoreId, all) };
}
