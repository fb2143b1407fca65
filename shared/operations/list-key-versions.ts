/** ListKeyVersions: the versions of an asymmetric or HMAC key, and the rule that they follow. Not in AWS KMS; docs/adr/0025. */
import * as z from 'zod';
import { keyId } from '#shared/fields/key-id.ts';
import { keyVersion } from '#shared/fields/key-version.ts';
import { limit, marker, pageEnd, pageOutput, readMarker } from '#shared/fields/pagination.ts';
import { timestamp } from '#shared/fields/timestamp.ts';
import { keyMaterialId } from '#shared/keys/key-record.ts';
import { requireVersionable, versionStateOf } from '#shared/keys/versions.ts';
import { defineOperation } from '#shared/operation.ts';

export const ListKeyVersions = defineOperation({
  name: 'ListKeyVersions',
  group: 'Rotation',
  summary: 'Lists the versions of an asymmetric or HMAC key, and the rule that they follow.',
  http: { method: 'GET', path: '/v1/keys/{KeyId}/versions' },
  wire: false,
  input: z.object({ KeyId: keyId(), Limit: limit(1000), Marker: marker() }),
  output: z.object({
    KeyId: z.string(),
    Rule: z.object({ AcceptDays: z.int().optional(), RotationPeriodInDays: z.int().optional(), NextRotationDate: timestamp().optional() }),
    Versions: z.array(
      z.object({
        Version: keyVersion(),
        KeyMaterialId: z.string(),
        State: z.enum(['CURRENT', 'RETIRING', 'RETIRED', 'DISABLED']),
        CreationDate: timestamp(),
        AcceptUntil: timestamp().optional(),
      }),
    ),
    ...pageOutput,
  }),
  keys: (input) => ({ key: { identifier: input.KeyId, accepts: 'key' } }),
  permissions: { key: 'kms:ListKeyVersions' },
  needs: ['lister'],
  errors: ['InvalidMarkerException', 'UnsupportedOperationException'],
  audit: (input) => ({ keyId: input.KeyId }),

  check(ctx) {
    requireVersionable(ctx, ctx.keys.key);
  },

  async run(ctx, input) {
    const { arn, record } = ctx.keys.key;
    const { rotation, versioning } = record;
    const list = `ListKeyVersions/${record.keyId}`;
    const { records, next } = await ctx.ports.lister.versions(record, input.Limit ?? 100, readMarker(list, input.Marker));
    const Versions = records.map(({ version, createdAt }) => {
      const acceptUntil = versioning?.superseded.find((entry) => entry.version === version)?.acceptUntil;
      return {
        Version: version,
        KeyMaterialId: keyMaterialId(record.keyId, version),
        State: versionStateOf(record, version, ctx.now),
        CreationDate: new Date(createdAt),
        AcceptUntil: acceptUntil === undefined ? undefined : new Date(acceptUntil),
      };
    });
    const Rule = {
      AcceptDays: versioning?.acceptDays,
      RotationPeriodInDays: rotation.enabled ? rotation.periodDays : undefined,
      NextRotationDate: rotation.enabled && rotation.nextAt !== undefined ? new Date(rotation.nextAt) : undefined,
    };
    return { KeyId: arn, Rule, Versions, ...pageEnd(list, next) };
  },
});
