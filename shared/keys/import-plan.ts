/** Which versions an import may become. AWS KMS API Reference, ImportKeyMaterial: ImportType and KeyMaterialId. */
import type { KmsError } from '#shared/errors.ts';
import type { ImportKeyRequest } from '#shared/ports/crypto.ts';
import type { LoadedKey } from '#shared/repositories/key-reader.ts';
import { pendingRotation } from './imported.ts';
import { isReplica, primaryRegionOf } from './multi-region.ts';

interface Fails {
  error(code: 'IncorrectKeyMaterialException' | 'KMSInvalidStateException', message: string): KmsError;
}

/** Without ImportType: the first material is new, and every later one must be known. */
export function importPlan(
  ctx: Fails,
  key: LoadedKey,
  input: { readonly ImportType?: string | undefined; readonly KeyMaterialId?: string | undefined },
): Pick<ImportKeyRequest, 'known' | 'newVersion'> {
  const imports = key.record.imports ?? [];
  // API Reference, ImportKeyMaterial: new material goes into the primary key first, and to a replica as existing material.
  if (isReplica(key.record) && (imports.length === 0 || input.ImportType === 'NEW_KEY_MATERIAL')) {
    throw ctx.error(
      'KMSInvalidStateException',
      `New key material is imported into the primary key in ${primaryRegionOf(key.record)} first, and then into ${key.arn} as EXISTING_KEY_MATERIAL.`,
    );
  }
  const known = imports.map(({ version, fingerprint }) => ({ version, ...fingerprint }));
  // A material id is a claim about material that is known.
  const isNew = (input.ImportType ?? (imports.length === 0 && input.KeyMaterialId === undefined ? 'NEW_KEY_MATERIAL' : 'EXISTING_KEY_MATERIAL')) === 'NEW_KEY_MATERIAL';
  if (!isNew) {
    const candidates = known.filter(({ value }) => input.KeyMaterialId === undefined || value === input.KeyMaterialId);
    if (candidates.length === 0) throw ctx.error('IncorrectKeyMaterialException', `The key material is not associated with ${key.arn}.`);
    return { known: candidates };
  }
  if (pendingRotation(key.record) !== undefined) throw ctx.error('KMSInvalidStateException', `${key.arn} already has key material that is pending rotation.`);
  return { known, newVersion: imports.length === 0 ? key.record.currentVersion : key.record.currentVersion + 1 };
}
