/** GenerateMac: an HMAC, inside the HSM. AWS KMS API Reference, GenerateMac; FIPS 198-1. */
import * as z from 'zod';
import { blob, outputBlob } from '#shared/fields/blob.ts';
import { macAlgorithmEnum } from '#shared/fields/enums.ts';
import { dryRun, grantTokens, keyId } from '#shared/fields/key-id.ts';
import { requireMacAlgorithm, requireMaterial, requireUsage } from '#shared/keys/usage.ts';
import { defineOperation } from '#shared/operation.ts';
import { handleOf } from '#shared/repositories/key-reader.ts';

export const GenerateMac = defineOperation({
  name: 'GenerateMac',
  group: 'Cryptography',
  summary: 'Makes an HMAC.',
  http: { method: 'POST', path: '/v1/keys/{KeyId}/generate-mac' },
  input: z.object({ KeyId: keyId(), Message: blob({ min: 1, max: 4096, sensitive: true }), MacAlgorithm: macAlgorithmEnum(), GrantTokens: grantTokens(), DryRun: dryRun() }),
  output: z.object({ KeyId: z.string(), Mac: outputBlob(), MacAlgorithm: z.string() }),
  keys: (input) => ({ key: { identifier: input.KeyId, accepts: 'any' } }),
  material: true,
  byAlias: true,
  needs: ['mac', 'usage'],
  errors: ['InvalidKeyUsageException'],
  audit: (input) => ({ keyId: input.KeyId, macAlgorithm: input.MacAlgorithm, dryRun: input.DryRun ?? false }),

  check(ctx, input) {
    requireUsage(ctx, ctx.keys.key, 'GENERATE_VERIFY_MAC', 'GenerateMac');
    requireMacAlgorithm(ctx, ctx.keys.key, input.MacAlgorithm);
  },

  async run(ctx, input) {
    const { key } = ctx.keys;
    const handle = handleOf(key, key.record.currentVersion, requireMaterial(key));
    return { KeyId: key.arn, Mac: await ctx.ports.mac.generateMac(handle, input.MacAlgorithm, input.Message), MacAlgorithm: input.MacAlgorithm };
  },
});
