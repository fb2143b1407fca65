/** GetKeyVersionPublicKey: the public half of any version of a key, whatever its state: it is no secret. Not in AWS KMS; docs/adr/0025. */
import * as z from 'zod';
import { describeKeySpec } from '#shared/algorithms/key-specs.ts';
import { outputBlob } from '#shared/fields/blob.ts';
import { keyId } from '#shared/fields/key-id.ts';
import { keyVersion } from '#shared/fields/key-version.ts';
import { keyMaterialId } from '#shared/keys/key-record.ts';
import { requireVersionable, versionStateOf } from '#shared/keys/versions.ts';
import { defineOperation } from '#shared/operation.ts';
import { handleOf } from '#shared/repositories/key-reader.ts';

export const GetKeyVersionPublicKey = defineOperation({
  name: 'GetKeyVersionPublicKey',
  group: 'Rotation',
  summary: 'Gives the public half of one version of an asymmetric key.',
  http: { method: 'GET', path: '/v1/keys/{KeyId}/versions/{Version}/public-key' },
  wire: false,
  input: z.object({ KeyId: keyId(), Version: keyVersion() }),
  output: z.object({ KeyId: z.string(), Version: keyVersion(), KeyMaterialId: z.string(), State: z.string(), PublicKey: outputBlob(), KeySpec: z.string(), KeyUsage: z.string() }),
  keys: (input) => ({ key: { identifier: input.KeyId, accepts: 'any', version: input.Version } }),
  permissions: { key: 'kms:GetPublicKey' },
  material: true,
  byAlias: true,
  needs: ['signer'],
  errors: ['NotFoundException', 'UnsupportedOperationException'],
  audit: (input) => ({ keyId: input.KeyId, version: input.Version }),

  check(ctx, input) {
    const { key } = ctx.keys;
    requireVersionable(ctx, key);
    if (describeKeySpec(key.record.keySpec).kind === 'hmac') throw ctx.error('UnsupportedOperationException', `${key.arn} has no public half.`);
    if (key.material === undefined) throw ctx.error('NotFoundException', `${key.arn} has no version ${input.Version}.`);
  },

  async run(ctx, input) {
    const { key } = ctx.keys;
    const { keyId: id, keySpec, keyUsage } = key.record;
    // check() has made sure that the version has material.
    const PublicKey = await ctx.ports.signer.getPublicKey(handleOf(key, input.Version, key.material!));
    const State = versionStateOf(key.record, input.Version, ctx.now);
    return { KeyId: key.arn, Version: input.Version, KeyMaterialId: keyMaterialId(id, input.Version), State, PublicKey, KeySpec: keySpec, KeyUsage: keyUsage };
  },
});
