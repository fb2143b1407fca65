/** DeleteImportedKeyMaterial: the key is unusable until the same material is imported again. AWS KMS API Reference, DeleteImportedKeyMaterial. */
import * as z from 'zod';
import { keyMaterialId } from '#shared/fields/import.ts';
import { keyId } from '#shared/fields/key-id.ts';
import { eraseMaterial } from '#shared/keys/erase-material.ts';
import { requireExternal } from '#shared/keys/imported.ts';
import { isSymmetricEncryptionKey } from '#shared/keys/usage.ts';
import { defineOperation } from '#shared/operation.ts';

export const DeleteImportedKeyMaterial = defineOperation({
  name: 'DeleteImportedKeyMaterial',
  group: 'Import',
  summary: 'Erases imported key material.',
  http: { method: 'DELETE', path: '/v1/keys/{KeyId}/material' },
  input: z.object({ KeyId: keyId(), KeyMaterialId: keyMaterialId().optional() }),
  output: z.object({ KeyId: z.string(), KeyMaterialId: z.string().optional() }),
  keys: (input) => ({ key: { identifier: input.KeyId, accepts: 'key' } }),
  changes: ['key'],
  needs: ['committer', 'materialEraser', 'relatedKeys'],
  errors: ['NotFoundException', 'UnsupportedOperationException', 'ValidationException'],
  audit: (input) => ({ keyId: input.KeyId, keyMaterialId: input.KeyMaterialId ?? null }),

  check(ctx, input) {
    const { key } = ctx.keys;
    requireExternal(ctx, key);
    if (input.KeyMaterialId !== undefined && !isSymmetricEncryptionKey(key)) {
      throw ctx.error('ValidationException', 'KeyMaterialId can be specified for symmetric encryption keys only.');
    }
  },

  async run(ctx, input) {
    const { key } = ctx.keys;
    const imports = key.record.imports ?? [];
    const material = imports.find(({ version, fingerprint }) =>
      input.KeyMaterialId === undefined ? version === key.record.currentVersion : fingerprint.value === input.KeyMaterialId,
    );
    if (material === undefined && input.KeyMaterialId !== undefined) throw ctx.error('NotFoundException', `Key material ${input.KeyMaterialId} is not associated with ${key.arn}.`);
    if (material !== undefined && material.state !== 'PENDING_IMPORT') {
      await ctx.ports.committer.commit(await eraseMaterial(ctx.ports, key, [material.version]));
    }
    return { KeyId: key.arn, KeyMaterialId: isSymmetricEncryptionKey(key) ? material?.fingerprint.value : undefined };
  },
});
