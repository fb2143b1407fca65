/** VerifyMac: compares inside the HSM. A wrong MAC is an error, as in AWS KMS. AWS KMS API Reference, VerifyMac; FIPS 198-1. */
import * as z from 'zod';
import { blob } from '#shared/fields/blob.ts';
import { macAlgorithmEnum } from '#shared/fields/enums.ts';
import { dryRun, grantTokens, keyId } from '#shared/fields/key-id.ts';
import { acceptedHandles, anyTrue } from '#shared/keys/any-version.ts';
import { requireMacAlgorithm, requireUsage } from '#shared/keys/usage.ts';
import { defineOperation } from '#shared/operation.ts';

export const VerifyMac = defineOperation({
  name: 'VerifyMac',
  group: 'Cryptography',
  summary: 'Verifies an HMAC.',
  http: { method: 'POST', path: '/v1/keys/{KeyId}/verify-mac' },
  input: z.object({
    KeyId: keyId(),
    Message: blob({ min: 1, max: 4096, sensitive: true }),
    MacAlgorithm: macAlgorithmEnum(),
    Mac: blob({ min: 1, max: 6144 }),
    GrantTokens: grantTokens(),
    DryRun: dryRun(),
  }),
  output: z.object({ KeyId: z.string(), MacValid: z.boolean(), MacAlgorithm: z.string() }),
  keys: (input) => ({ key: { identifier: input.KeyId, accepts: 'any', accepted: true } }),
  material: true,
  byAlias: true,
  needs: ['mac', 'usage'],
  errors: ['InvalidKeyUsageException', 'KMSInvalidMacException'],
  audit: (input) => ({ keyId: input.KeyId, macAlgorithm: input.MacAlgorithm, dryRun: input.DryRun ?? false }),

  check(ctx, input) {
    requireUsage(ctx, ctx.keys.key, 'GENERATE_VERIFY_MAC', 'VerifyMac');
    requireMacAlgorithm(ctx, ctx.keys.key, input.MacAlgorithm);
  },

  async run(ctx, input) {
    const { key } = ctx.keys;
    const isValid = await anyTrue(
      ctx.ports.mac,
      acceptedHandles(key).map((handle) => ({ name: 'verifyMac', parameters: [handle, input.MacAlgorithm, input.Message, input.Mac] })),
    );
    if (!isValid) throw ctx.error('KMSInvalidMacException');
    return { KeyId: key.arn, MacValid: true, MacAlgorithm: input.MacAlgorithm };
  },
});
