/** ListKeyRotations: completed rotations, and on request the first material too. AWS KMS API Reference, ListKeyRotations. */
import * as z from 'zod';
import { keyId } from '#shared/fields/key-id.ts';
import { limit, marker, pageEnd, pageOutput, readMarker } from '#shared/fields/pagination.ts';
import { timestamp } from '#shared/fields/timestamp.ts';
import { type ImportedMaterial, materialIdOf, pendingRotation } from '#shared/keys/imported.ts';
import { requireRotatable } from '#shared/keys/rotation.ts';
import { defineOperation } from '#shared/operation.ts';
import { versionRow } from '#shared/repositories/rows.ts';

export const ListKeyRotations = defineOperation({
  name: 'ListKeyRotations',
  group: 'Rotation',
  summary: 'Lists the rotations of a key.',
  http: { method: 'GET', path: '/v1/keys/{KeyId}/rotations' },
  input: z.object({ KeyId: keyId(), IncludeKeyMaterial: z.enum(['ALL_KEY_MATERIAL', 'ROTATIONS_ONLY']).optional(), Limit: limit(1000), Marker: marker() }),
  output: z.object({
    Rotations: z.array(
      z.object({
        KeyId: z.string(),
        KeyMaterialId: z.string().optional(),
        KeyMaterialDescription: z.string().optional(),
        ImportState: z.enum(['IMPORTED', 'PENDING_IMPORT']).optional(),
        KeyMaterialState: z.string(),
        ExpirationModel: z.string().optional(),
        ValidTo: timestamp().optional(),
        RotationDate: timestamp().optional(),
        RotationType: z.enum(['AUTOMATIC', 'ON_DEMAND']).optional(),
      }),
    ),
    ...pageOutput,
  }),
  keys: (input) => ({ key: { identifier: input.KeyId, accepts: 'key' } }),
  needs: ['lister', 'relatedKeys'],
  errors: ['InvalidMarkerException', 'UnsupportedOperationException'],
  audit: (input) => ({ keyId: input.KeyId }),

  check(ctx) {
    requireRotatable(ctx, ctx.keys.key);
  },

  async run(ctx, input) {
    const { arn, record } = ctx.keys.key;
    const list = `ListKeyRotations/${record.keyId}/${input.IncludeKeyMaterial ?? ''}`;
    const limitItems = input.Limit ?? 100;
    // The first material is no rotation, and takes no place on a page of them.
    const from = readMarker(list, input.Marker) ?? (input.IncludeKeyMaterial === 'ALL_KEY_MATERIAL' ? undefined : versionRow(record, 1).sk);
    const { records, next } = await ctx.ports.lister.versions(record, limitItems, from);
    const Rotations = records.map((version): RotationEntry => {
      const entry = {
        KeyId: arn,
        KeyMaterialId: materialIdOf(record, version.version),
        ...importEntry(record.imports?.find((imported) => imported.version === version.version)),
        KeyMaterialState: version.version === record.currentVersion ? 'CURRENT' : 'NON_CURRENT',
      };
      return version.origin === 'CREATION' ? entry : { ...entry, RotationDate: new Date(version.createdAt), RotationType: version.origin };
    });
    const pending = input.IncludeKeyMaterial === 'ALL_KEY_MATERIAL' && next === undefined ? pendingRotation(record) : undefined;
    if (pending === undefined) return { Rotations, ...pageEnd(list, next) };
    // It has no version row yet. A full page leaves it to one more.
    const last = records.at(-1);
    if (Rotations.length >= limitItems && last !== undefined) return { Rotations, ...pageEnd(list, versionRow(record, last.version).sk) };
    const set = [record, ...(await ctx.ports.relatedKeys.of(record)).map((other) => other.record)];
    const isEverywhere = set.every((other) => pendingRotation(other)?.state === 'IMPORTED');
    Rotations.push({
      KeyId: arn,
      KeyMaterialId: materialIdOf(record, pending.version),
      ...importEntry(pending),
      KeyMaterialState: isEverywhere || set.length === 1 ? 'PENDING_ROTATION' : 'PENDING_MULTI_REGION_IMPORT_AND_ROTATION',
    });
    return { Rotations, ...pageEnd(list, undefined) };
  },
});

interface RotationEntry {
  KeyId: string;
  KeyMaterialId: string | undefined;
  KeyMaterialState: string;
  KeyMaterialDescription?: string | undefined;
  ImportState?: 'IMPORTED' | 'PENDING_IMPORT';
  ExpirationModel?: string | undefined;
  ValidTo?: Date | undefined;
  RotationDate?: Date;
  RotationType?: 'AUTOMATIC' | 'ON_DEMAND';
}

/** The members that only imported material has. */
function importEntry(material: ImportedMaterial | undefined): Pick<RotationEntry, 'KeyMaterialDescription' | 'ImportState' | 'ExpirationModel' | 'ValidTo'> {
  if (material === undefined) return {};
  const { description, state, validTo } = material;
  if (state !== 'IMPORTED') return { KeyMaterialDescription: description, ImportState: 'PENDING_IMPORT' };
  const expiry = validTo === undefined ? { ExpirationModel: 'KEY_MATERIAL_DOES_NOT_EXPIRE' } : { ExpirationModel: 'KEY_MATERIAL_EXPIRES', ValidTo: new Date(validTo) };
  return { KeyMaterialDescription: description, ImportState: 'IMPORTED', ...expiry };
}
