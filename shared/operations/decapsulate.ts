/**
 * Decapsulate: recovers a shared secret with an ML-KEM key. Only a wrong length is an error; any other foreign or altered ciphertext gives a secret that
 * nobody else has (implicit rejection). AWS KMS API Reference, Decapsulate; FIPS 203 section 7.3.
 */
import * as z from 'zod';
import { blob, outputBlob } from '#shared/fields/blob.ts';
import { encapsulationAlgorithmEnum } from '#shared/fields/enums.ts';
import { dryRun, grantTokens, keyId } from '#shared/fields/key-id.ts';
import { requireEncapsulationAlgorithm, requireMaterial, requireUsage } from '#shared/keys/usage.ts';
import { defineOperation } from '#shared/operation.ts';
import { handleOf } from '#shared/repositories/key-reader.ts';

export const Decapsulate = defineOperation({
  name: 'Decapsulate',
  group: 'Cryptography',
  summary: 'Recovers a shared secret from its encapsulated form.',
  http: { method: 'POST', path: '/v1/keys/{KeyId}/decapsulate' },
  input: z.object({
    KeyId: keyId(),
    SharedSecretCiphertextBlob: blob({ min: 1, max: 6144 }),
    EncapsulationAlgorithm: encapsulationAlgorithmEnum(),
    GrantTokens: grantTokens(),
    DryRun: dryRun(),
  }),
  output: z.object({ KeyId: z.string(), SharedSecret: outputBlob(true), EncapsulationAlgorithm: z.string() }),
  keys: (input) => ({ key: { identifier: input.KeyId, accepts: 'any' } }),
  material: true,
  byAlias: true,
  needs: ['agreement', 'usage'],
  errors: ['InvalidCiphertextException', 'InvalidKeyUsageException'],
  audit: (input) => ({ keyId: input.KeyId, encapsulationAlgorithm: input.EncapsulationAlgorithm, dryRun: input.DryRun ?? false }),

  check(ctx, input) {
    requireUsage(ctx, ctx.keys.key, 'ENCAPSULATE_DECAPSULATE', 'Decapsulate');
    requireEncapsulationAlgorithm(ctx, ctx.keys.key, input.EncapsulationAlgorithm);
  },

  async run(ctx, input) {
    const { key } = ctx.keys;
    const handle = handleOf(key, key.record.currentVersion, requireMaterial(key));
    const secret = await ctx.ports.agreement.decapsulate(handle, input.SharedSecretCiphertextBlob);
    return { KeyId: key.arn, SharedSecret: secret, EncapsulationAlgorithm: input.EncapsulationAlgorithm };
  },
});
