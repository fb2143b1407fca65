/** GetParametersForImport: a wrapping key for one key's material, good for 24 hours. AWS KMS API Reference, GetParametersForImport. */
import * as z from 'zod';
import { canWrap, wrappingAlgorithms, wrappingKeySpecs } from '#shared/algorithms/wrapping.ts';
import { outputBlob } from '#shared/fields/blob.ts';
import { wrappingAlgorithmEnum, wrappingKeySpecEnum } from '#shared/fields/import.ts';
import { keyId } from '#shared/fields/key-id.ts';
import { timestamp } from '#shared/fields/timestamp.ts';
import { importTokenValidMs } from '#shared/keys/import-token.ts';
import { requireExternal } from '#shared/keys/imported.ts';
import { defineOperation } from '#shared/operation.ts';

export const GetParametersForImport = defineOperation({
  name: 'GetParametersForImport',
  group: 'Import',
  summary: 'Gives a public key to wrap key material with, and the token that goes with it.',
  http: { method: 'POST', path: '/v1/keys/{KeyId}/import-parameters' },
  input: z.object({ KeyId: keyId(), WrappingAlgorithm: wrappingAlgorithmEnum(), WrappingKeySpec: wrappingKeySpecEnum() }),
  output: z.object({ KeyId: z.string(), ImportToken: outputBlob(), PublicKey: outputBlob(), ParametersValidTo: timestamp() }),
  keys: (input) => ({ key: { identifier: input.KeyId, accepts: 'key' } }),
  needs: ['importer'],
  errors: ['UnsupportedOperationException'],
  audit: (input) => ({ keyId: input.KeyId, wrappingAlgorithm: input.WrappingAlgorithm, wrappingKeySpec: input.WrappingKeySpec }),

  check(ctx, input) {
    const { key } = ctx.keys;
    requireExternal(ctx, key);
    const { WrappingAlgorithm, WrappingKeySpec } = input;
    const algorithm = wrappingAlgorithms.find((offered) => offered === WrappingAlgorithm);
    const wrappingKeySpec = wrappingKeySpecs.find((offered) => offered === WrappingKeySpec);
    // RSAES_PKCS1_V1_5 (Bleichenbacher 1998) has been refused by AWS KMS since October 2023; SM2 exists in China Regions only.
    if (algorithm === undefined) throw ctx.error('UnsupportedOperationException', `WrappingAlgorithm ${WrappingAlgorithm} is not supported.`);
    if (wrappingKeySpec === undefined) throw ctx.error('UnsupportedOperationException', `WrappingKeySpec ${WrappingKeySpec} is not supported.`);
    if (canWrap(key.record.keySpec, algorithm, wrappingKeySpec)) return;
    throw ctx.error(
      'UnsupportedOperationException',
      `WrappingAlgorithm ${algorithm} with WrappingKeySpec ${wrappingKeySpec} cannot wrap key material of KeySpec ${key.record.keySpec}.`,
    );
  },

  async run(ctx, input) {
    const { arn, record, keyStore } = ctx.keys.key;
    // check() has made sure that both are offered.
    const wrappingAlgorithm = wrappingAlgorithms.find((offered) => offered === input.WrappingAlgorithm)!;
    const wrappingKeySpec = wrappingKeySpecs.find((offered) => offered === input.WrappingKeySpec)!;
    const validTo = ctx.now + importTokenValidMs;
    const { account, region, keyId: id } = record;
    const wanted = { account, region, keyId: id, wrappingAlgorithm, wrappingKeySpec, validTo, store: keyStore?.clusterId };
    const { publicKey, token } = await ctx.ports.importer.importParameters(wanted);
    return { KeyId: arn, ImportToken: token, PublicKey: publicKey, ParametersValidTo: new Date(validTo) };
  },
});
