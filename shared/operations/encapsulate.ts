/** Encapsulate: a fresh shared secret for the holder of an ML-KEM key. AWS KMS API Reference, Encapsulate; FIPS 203. */
import * as z from 'zod';
import { outputBlob } from '#shared/fields/blob.ts';
import { encapsulationAlgorithmEnum } from '#shared/fields/enums.ts';
import { dryRun, grantTokens, keyId } from '#shared/fields/key-id.ts';
import { requireEncapsulationAlgorithm, requireMaterial, requireUsage } from '#shared/keys/usage.ts';
import { defineOperation } from '#shared/operation.ts';
import { handleOf } from '#shared/repositories/key-reader.ts';

export const Encapsulate = defineOperation({
  name: 'Encapsulate',
  group: 'Cryptography',
  summary: 'Makes a shared secret, and its encapsulated form under the public half of a key.',
  http: { method: 'POST', path: '/v1/keys/{KeyId}/encapsulate' },
  input: z.object({ KeyId: keyId(), EncapsulationAlgorithm: encapsulationAlgorithmEnum(), GrantTokens: grantTokens(), DryRun: dryRun() }),
  output: z.object({ KeyId: z.string(), SharedSecret: outputBlob(true), SharedSecretCiphertextBlob: outputBlob(), EncapsulationAlgorithm: z.string() }),
  keys: (input) => ({ key: { identifier: input.KeyId, accepts: 'any' } }),
  material: true,
  byAlias: true,
  needs: ['agreement', 'usage'],
  errors: ['InvalidKeyUsageException'],
  audit: (input) => ({ keyId: input.KeyId, encapsulationAlgorithm: input.EncapsulationAlgorithm, dryRun: input.DryRun ?? false }),

  check(ctx, input) {
    requireUsage(ctx, ctx.keys.key, 'ENCAPSULATE_DECAPSULATE', 'Encapsulate');
    requireEncapsulationAlgorithm(ctx, ctx.keys.key, input.EncapsulationAlgorithm);
  },

  async run(ctx, input) {
    const { key } = ctx.keys;
    const { sharedSecret, ciphertext } = await ctx.ports.agreement.encapsulate(handleOf(key, key.record.currentVersion, requireMaterial(key)));
    return { KeyId: key.arn, SharedSecret: sharedSecret, SharedSecretCiphertextBlob: ciphertext, EncapsulationAlgorithm: input.EncapsulationAlgorithm };
  },
});
