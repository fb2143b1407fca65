/** ListKeyRotations: completed rotations, and on request the first material too. AWS KMS API Reference, ListKeyRotations. */
import * as z from 'zod';
import { keyId } from '#shared/fields/key-id.ts';
import { limit, marker, pageEnd, pageOutput, readMarker } from '#shared/fields/pagination.ts';
import { timestamp } from '#shared/fields/timestamp.ts';
import { keyMaterialId } from '#shared/keys/key-record.ts';
import { requireRotatable } from '#shared/keys/rotation.ts';
import { defineOperation } from '#shared/operation.ts';

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
        KeyMaterialId: z.string(),
        KeyMaterialState: z.string(),
        RotationDate: timestamp().optional(),
        RotationType: z.enum(['AUTOMATIC', 'ON_DEMAND']).optional(),
      }),
    ),
    ...pageOutput,
  }),
  keys: (input) => ({ key: { identifier: input.KeyId, accepts: 'key' } }),
  needs: ['lister'],
  errors: ['InvalidMarkerException', 'UnsupportedOperationException'],
  audit: (input) => ({ keyId: input.KeyId }),

  check(ctx) {
    requireRotatable(ctx, ctx.keys.key);
  },

  async run(ctx, input) {
    const { arn, record } = ctx.keys.key;
    const list = `ListKeyRotations/${record.keyId}/${input.IncludeKeyMaterial ?? ''}`;
    const { records, next } = await ctx.ports.lister.versions(record, input.Limit ?? 100, readMarker(list, input.Marker));
    const Rotations = records.flatMap((version) => {
      const entry = {
        KeyId: arn,
        KeyMaterialId: keyMaterialId(record.keyId, version.version),
        KeyMaterialState: version.version === record.currentVersion ? 'CURRENT' : 'NON_CURRENT',
      };
      if (version.origin !== 'CREATION') return [{ ...entry, RotationDate: new Date(version.createdAt), RotationType: version.origin }];
      return input.IncludeKeyMaterial === 'ALL_KEY_MATERIAL' ? [entry] : [];
    });
    return { Rotations, ...pageEnd(list, next) };
  },
});
