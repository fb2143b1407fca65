/** ImportKeyMaterial: the owner's own material into a key of origin EXTERNAL. AWS KMS API Reference, ImportKeyMaterial. */
import * as z from 'zod';
import { blob } from '#shared/fields/blob.ts';
import { expirationModelEnum, importTypeEnum, keyMaterialDescription, keyMaterialId } from '#shared/fields/import.ts';
import { keyId } from '#shared/fields/key-id.ts';
import { timestamp } from '#shared/fields/timestamp.ts';
import { importPlan } from '#shared/keys/import-plan.ts';
import { splitImportToken } from '#shared/keys/import-token.ts';
import { expecting, materialValidDaysMax, requireExternal, withImported } from '#shared/keys/imported.ts';
import { dayMs } from '#shared/keys/rotation.ts';
import { isSymmetricEncryptionKey } from '#shared/keys/usage.ts';
import { defineOperation } from '#shared/operation.ts';
import { addVersionRow, putImportedMaterial, updateKey, updateRelated } from '#shared/repositories/changes.ts';

export const ImportKeyMaterial = defineOperation({
  name: 'ImportKeyMaterial',
  group: 'Import',
  summary: 'Imports key material, or imports the same material again.',
  http: { method: 'POST', path: '/v1/keys/{KeyId}/material' },
  input: z.object({
    KeyId: keyId(),
    ImportToken: blob({ min: 1, max: 6144 }),
    EncryptedKeyMaterial: blob({ min: 1, max: 6144, sensitive: true }),
    ValidTo: timestamp().optional(),
    ExpirationModel: expirationModelEnum().optional(),
    ImportType: importTypeEnum().optional(),
    KeyMaterialDescription: keyMaterialDescription().optional(),
    KeyMaterialId: keyMaterialId().optional(),
  }),
  output: z.object({ KeyId: z.string(), KeyMaterialId: z.string().optional() }),
  keys: (input) => ({ key: { identifier: input.KeyId, accepts: 'key' } }),
  changes: ['key'],
  needs: ['committer', 'importer', 'relatedKeys'],
  errors: [
    'ExpiredImportTokenException',
    'IncorrectKeyMaterialException',
    'InvalidCiphertextException',
    'InvalidImportTokenException',
    'KMSInvalidStateException',
    'UnsupportedOperationException',
    'ValidationException',
  ],
  audit: (input) => ({
    keyId: input.KeyId,
    expirationModel: input.ExpirationModel ?? 'KEY_MATERIAL_EXPIRES',
    validTo: input.ValidTo?.toISOString() ?? null,
    importType: input.ImportType ?? null,
    keyMaterialId: input.KeyMaterialId ?? null,
  }),

  check(ctx, input) {
    const { key } = ctx.keys;
    requireExternal(ctx, key);
    const expires = (input.ExpirationModel ?? 'KEY_MATERIAL_EXPIRES') === 'KEY_MATERIAL_EXPIRES';
    if (expires && input.ValidTo === undefined) throw ctx.error('ValidationException', 'A validTo date must be set if the ExpirationModel is KEY_MATERIAL_EXPIRES');
    if (!expires && input.ValidTo !== undefined) throw ctx.error('ValidationException', 'A validTo date must not be set if the ExpirationModel is KEY_MATERIAL_DOES_NOT_EXPIRE');
    const validTo = input.ValidTo?.getTime();
    if (validTo !== undefined && (validTo <= ctx.now || validTo > ctx.now + materialValidDaysMax * dayMs)) {
      throw ctx.error('ValidationException', `ValidTo must be in the future and at most ${materialValidDaysMax} days from now.`);
    }
    const isForSymmetricKeys = input.ImportType !== undefined || input.KeyMaterialDescription !== undefined || input.KeyMaterialId !== undefined;
    if (isForSymmetricKeys && !isSymmetricEncryptionKey(key)) {
      throw ctx.error('ValidationException', 'ImportType, KeyMaterialDescription and KeyMaterialId can be specified for symmetric encryption keys only.');
    }
    if (input.ImportType === 'NEW_KEY_MATERIAL' && input.KeyMaterialId !== undefined) {
      throw ctx.error('ValidationException', 'KeyMaterialId cannot be specified with the ImportType NEW_KEY_MATERIAL.');
    }
  },

  async run(ctx, input) {
    const { key } = ctx.keys;
    const { account, region, keyId: id, keySpec, keyUsage } = key.record;
    // Only a look at the time: the bridge checks what the token says, and that it is for this key.
    const token = splitImportToken(input.ImportToken);
    if (token === undefined) throw ctx.error('InvalidImportTokenException', 'The import token is invalid, or it belongs to another key.');
    if (token.payload.validTo <= ctx.now) throw ctx.error('ExpiredImportTokenException', 'The import token is expired. Call GetParametersForImport for a new one.');
    const plan = importPlan(ctx, key, input);
    const store = key.keyStore?.clusterId;
    const request = { account, region, keyId: id, keySpec, keyUsage, token: input.ImportToken, encrypted: input.EncryptedKeyMaterial, ...plan, store };
    const { material, fingerprint } = await ctx.ports.importer.importKey(request);

    const { version } = material;
    const known = key.record.imports?.find((imported) => imported.version === version);
    const next = withImported(key.record, {
      version,
      fingerprint: known?.fingerprint ?? fingerprint,
      state: 'IMPORTED',
      validTo: input.ValidTo?.getTime(),
      description: input.KeyMaterialDescription ?? known?.description,
    });
    const isFirst = key.record.imports === undefined || key.record.imports.length === 0;
    // Known material concerns this key alone.
    const related = known === undefined ? await ctx.ports.relatedKeys.of(key.record) : [];
    await ctx.ports.committer.commit([
      updateKey(key, next),
      putImportedMaterial(key, material),
      ...updateRelated(related, (record) => expecting(record, { version, fingerprint })),
      ...(isFirst ? [key, ...related].map(({ record }) => addVersionRow(record, { version, createdAt: ctx.now, origin: 'CREATION' })) : []),
    ]);
    return { KeyId: key.arn, KeyMaterialId: isSymmetricEncryptionKey(key) ? (known?.fingerprint ?? fingerprint).value : undefined };
  },
});
